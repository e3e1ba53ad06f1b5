"""Tables of text and of Parquet."""

from __future__ import annotations

import csv
import re
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.reading import refusal, written

from drlim import Table
from drlim.cli.files import read_labels, read_samples
from drlim.cli.targets import MAP_SUFFIXES, check_output
from drlim.tables.by_name import columns_of
from drlim.tables.files import open_csv, typed


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_table_with_names(tmp_path, newline, delimiter, start):
    rows = [["a", '" b, ""x"" "', "c d"], ["1", "2.5", "-3e2"], [], ['"4"', " 5", "6 "]]
    path = written(tmp_path / "x.csv", start + newline.join(delimiter.join(row) for row in rows) + newline)
    samples = read_samples(path)
    assert samples.names == ["a", 'b, "x"', "c d"]
    assert samples.X.tolist() == [[1, 2.5, -300], [4, 5, 6]]


def test_table_without_names(tmp_path):
    assert read_samples(written(tmp_path / "x.csv", "0,1\n2,3")).X.tolist() == [[0, 1], [2, 3]]
    assert read_samples(written(tmp_path / "x.CSV", "0,1\n2,3")).names is None
    assert read_samples(written(tmp_path / "x.tsv", "7")).X.tolist() == [[7]]


def test_columns_by_name(tmp_path):
    path = written(tmp_path / "x.csv", "a,kind,b\n1,four,2\n3,nine,4\n")
    assert read_samples(path, leave_out="kind")[:2] == (pytest.approx(np.array([[1, 2], [3, 4]])), ["a", "b"])
    chosen = read_samples(path, columns=["b", "a"])
    assert chosen.X.tolist() == [[2, 1], [4, 3]]
    assert chosen.names == ["b", "a"]
    assert refusal(path, columns=["b", "c"]) == "FILE has no column 'c'. It has 'a', 'kind', 'b'."
    assert refusal(path, leave_out="kin") == "FILE has no column 'kin'. Did you mean 'kind'?"
    assert read_samples(written(tmp_path / "y.csv", "1,2\n3,4"), columns=["a", "b"]).X.tolist() == [[1, 2], [3, 4]]
    assert refusal(tmp_path / "y.csv", leave_out="a") == "FILE has no row of names, so no column 'a'. Add one."
    assert refusal(written(tmp_path / "z.csv", "a\n1\n"), leave_out="a") == "FILE has no column left."


def test_no_sign_begins_a_comment(tmp_path):
    path = written(tmp_path / "x.csv", "a,#kind,b\n1,#4,2\n3,#9,4\n")
    assert read_samples(path, leave_out="#kind").X.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "FILE is empty."),
        ("\n \n", "FILE is empty."),
        ("a,b\n", "FILE has names of columns and no rows."),
        (
            "# made by hand, in May\na,b\n1,2\n",
            "FILE: the first line begins with '#' and a blank, as a comment does, and is as wide as the rows. If it is "
            "a comment, delete it; if it holds the names of the columns, delete the sign.",
        ),
        (
            "# made by hand, in May\n1,2\n",
            "FILE: the first line begins with '#' and a blank, as a comment does, and is as wide as the rows. If it is "
            "a comment, delete it; if it holds the names of the columns, delete the sign.",
        ),
        (
            "a,b\n1,2\n3,x\n",
            "FILE cannot be read: 'x' in column 'b', row 2 of the data, is no number. "
            "Correct it, or leave the column out.",
        ),
        (
            "1,2\n3,\n",
            "FILE cannot be read: '' in column 2, row 2 of the data, is no number. "
            "Correct it, or leave the column out.",
        ),
        (
            "a,b\n\n1,2\n3\n",
            "FILE: line 4 has 1 values, but line 1 has 2 names. Complete the line, or delete it.",
        ),
        ("1,2\n3\n", "FILE: line 2 has 1 values, but line 1 has 2 values. Complete the line, or delete it."),
        (
            "a,b\n1,2,3\n4,5,6\n",
            "FILE: line 2 has 3 values, but line 1 has 2 names. If the rows begin with names of their own, name that "
            "column, too, or write the file without them.",
        ),
        (
            "# written on 3 May\na,b\n1,2\n",
            "FILE: line 2 has 2 values, but line 1 has 1 names. If line 1 is a comment, delete it.",
        ),
        (
            "written in May\n1,2\n3,4\n",
            "FILE: line 2 has 2 values, but line 1 has 1 names. Delete what stands above the names or values. "
            "Numbers are written with a point, as 1.5.",
        ),
        (
            'a,b\n1,"2\n"\n3,4\n"5",6,7\n',
            "FILE: line 5 has 3 values, but line 1 has 2 names. If the rows begin with names of their own, name that "
            "column, too, or write the file without them.",
        ),
        ("a,b,a\n1,2,3\n", "FILE: two columns have the name 'a'."),
        (
            ",a\n0,1\n",
            "FILE: column 1 has no name. If it is the index of a data frame, write the file with index=False.",
        ),
        (
            "0,1,2\n5,6,7\n",
            "FILE: the first row counts 0, 1, 2, ..., as data frames without names write it. "
            "Delete it, or give the columns names.",
        ),
        (
            "5.1,setosa\n4.9,setosa\n",
            "FILE has columns that are no numbers, and no row of names to choose columns by. Add one.",
        ),
    ],
)
def test_table_that_cannot_be_used(tmp_path, text, sentence):
    assert refusal(written(tmp_path / "x.csv", text)) == sentence


@pytest.mark.parametrize(
    "text",
    ["a,kind,b\n1,four,2,9\n3,nine,4,9\n", "a,kind,b\n1,four,2\n3,nine,4,9\n", "a,kind,b\n1,four\n3,nine\n"],
)
def test_no_column_of_a_ragged_table_is_read(tmp_path, text):
    path = written(tmp_path / "x.csv", text)
    for read in (
        lambda path: read_samples(path, columns=["a"]),
        lambda path: read_samples(path, leave_out="kind"),
        lambda path: read_labels("kind", path),
    ):
        assert ": line " in refusal(path, read)


def test_labels_beside_names_of_rows_are_refused(tmp_path):
    path = written(tmp_path / "y.csv", "label\nr1,four\nr2,nine\n")
    assert "line 2 has 2 values, but line 1 has 1 names" in refusal(path, lambda path: read_labels(str(path)))


def test_text_in_quotes_may_have_line_ends_and_quotes_may_stand_alone(tmp_path):
    path = written(tmp_path / "x.csv", 'a,kind,b\n1,"four\n\nof, clubs",2\n3,5" disk,4\n')
    assert read_samples(path, leave_out="kind").X.tolist() == [[1, 2], [3, 4]]
    assert read_labels("kind", path).tolist() == ["four\n\nof, clubs", '5" disk']


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(st.text('ab1,"\n; ', max_size=4), min_size=2, max_size=3), min_size=1, max_size=4),
    blank=st.booleans(),
)
def test_widths_are_those_of_the_csv_module(tmp_path, rows, blank):
    with (tmp_path / "x.csv").open("w", newline="") as file:
        file.write("first;second\n")
        csv.writer(file, delimiter=";", lineterminator="\n\n" if blank else "\n").writerows(rows)
    try:
        table = open_csv(tmp_path / "x.csv")
    except ValueError as error:
        assert any(len(row) != 2 for row in rows)
        assert "but line 1 has 2 names" in str(error)  # noqa: PT017 - both outcomes are right
    else:
        assert [table.values(place).astype(str).tolist() for place in (0, 1)] == [
            typed([row[place] for row in rows]).astype(str).tolist() for place in (0, 1)
        ]


def test_table_that_is_not_utf8(tmp_path):
    assert "can't decode byte 0xe4" in refusal(written(tmp_path / "x.csv", "Länge\n1\n".encode("latin-1")))


def test_parquet(tmp_path):
    path = tmp_path / "x.parquet"
    frame = pd.DataFrame({"a": np.array([1, 2], dtype=np.int16), "kind": ["four", "nine"], "b": [True, False]})
    frame.to_parquet(path)
    samples = read_samples(path, leave_out="kind")
    assert samples.names == ["a", "b"]
    assert samples.X.tolist() == [[1, 1], [2, 0]]
    assert read_samples(path, columns=["b"]).X.tolist() == [[1], [0]]
    assert refusal(path).startswith("FILE: column 'kind' is of type ")
    pd.DataFrame({"a": [1.0, None]}).to_parquet(path)
    assert refusal(path) == "FILE: column 'a' has 1 missing values."
    assert refusal(written(path, b"PAR1")).startswith("FILE cannot be read: ")


def test_parquet_keeps_float32(tmp_path):
    pd.DataFrame({"a": np.ones(3, np.float32), "b": np.ones(3, np.float32)}).to_parquet(tmp_path / "x.parquet")
    assert read_samples(tmp_path / "x.parquet").X.dtype == np.float32


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = re.escape(".parquet files need pyarrow, which is not installed: pip install pyarrow")
    with pytest.raises(ImportError, match=message):
        read_samples(tmp_path / "x.parquet")
    with pytest.raises(ImportError, match=message):
        check_output(tmp_path / "x.parquet", MAP_SUFFIXES)


def test_a_readers_complaint_names_the_file(tmp_path, monkeypatch):
    import pyarrow.parquet

    def complain(_: Any) -> None:
        raise OSError("corrupt\nsnappy data")  # as pyarrow does, without a number

    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")
    monkeypatch.setattr(pyarrow.parquet, "read_table", complain)
    assert refusal(tmp_path / "x.parquet") == "FILE cannot be read: corrupt snappy data"


def test_blank_categories_of_parquet(tmp_path):
    frame = pd.DataFrame({"kind": pd.Categorical(["a", None, "b"]), "pair": [[1, 2]] * 3})
    frame.to_parquet(tmp_path / "x.parquet")
    assert columns_of(tmp_path / "x.parquet", wanted=["kind"])["kind"].tolist() == ["a", None, "b"]
    with pytest.raises(TypeError, match="Column 'pair' holds several values a row"):
        Table().fit(columns_of(tmp_path / "x.parquet"))
