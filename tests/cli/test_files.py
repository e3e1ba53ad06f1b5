"""Data files: what each kind holds comes in whole, and what cannot be used is refused by name."""

from __future__ import annotations

import os
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from scipy import sparse

from drlim import NeighborhoodGraph
from drlim._base.checks import InvalidParameterError
from drlim.cli import files as datafiles
from drlim.cli.files import MAP_SUFFIXES, check_output, read_graph, read_labels, read_samples, write_map


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path, read: Callable[..., Any] = read_samples, **options: Any) -> str:
    """Return the sentence in which a file is refused."""
    with pytest.raises(ValueError, match=re.escape(str(path))) as info:
        read(path, **options)
    assert len(str(info.value)) <= 600
    return str(info.value).replace(f"{path}", "FILE")


# Arrays


def test_npy_is_read_through_a_memory_map(tmp_path):
    X = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.save(tmp_path / "x.npy", X)
    samples = read_samples(tmp_path / "x.npy")
    assert isinstance(samples.X, np.memmap)
    assert samples.X.dtype == np.uint8
    np.testing.assert_array_equal(samples.X, X)
    assert samples.names is None


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickled_arrays_are_refused_and_not_executed(tmp_path):
    touched = tmp_path / "touched"
    bomb = np.array([Bomb(touched)], dtype=object)
    np.save(tmp_path / "x.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=bomb)
    for name in ("x.npy", "x.npz"):
        assert re.search("object|pickle", refusal(tmp_path / name), re.IGNORECASE)
    for name in ("y.npy", "y.npz"):
        assert "FILE cannot be read: " in refusal(written(tmp_path / name, pickle.dumps(Bomb(touched))))
    assert not touched.exists()


def test_arrays_of_an_archive_by_name(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros((2, 3)), b=np.ones((4, 1)))
    assert read_samples(path, array="b").X.shape == (4, 1)
    assert refusal(path) == "FILE has 2 arrays: name one. It has 'a', 'b'."
    assert refusal(path, array="c") == "FILE has no array 'c'. It has 'a', 'b'."
    np.savez(path, a=np.zeros((2, 3)))
    assert read_samples(path).X.shape == (2, 3)
    np.savez(path)
    assert refusal(path) == "FILE has 0 arrays: name one. It has none."
    np.savez(path, **{f"array{place}": np.zeros(1) for place in range(20)})
    assert refusal(path).endswith("'array6', 'array7' and 12 more.")


def test_archive_that_is_none(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    assert refusal(tmp_path / "x.npz") == "FILE cannot be read: File is not a zip file"


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_cut_short(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, np.zeros((50, 50)))
    os.truncate(path, 1000)
    assert refusal(path).startswith("FILE cannot be read: ")


# Tables of text


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
    assert read_samples(path, leave_out="kind") == (pytest.approx(np.array([[1, 2], [3, 4]])), ["a", "b"])
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
            "a,b\n1,2\n3,x\n",
            "FILE cannot be read: 'x' in column 'b', row 2 of the data, is no number. "
            "Correct it, or leave the column out.",
        ),
        (
            "1,2\n3,\n",
            "FILE cannot be read: '' in column 2, row 2 of the data, is no number. "
            "Correct it, or leave the column out.",
        ),
        ("a,b\n1,2\n3\n", "FILE cannot be read: the number of columns changed from 2 to 1 at row 2"),
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


def test_table_that_is_not_utf8(tmp_path):
    assert "can't decode byte 0xe4" in refusal(written(tmp_path / "x.csv", "Länge\n1\n".encode("latin-1")))


# Parquet


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


# Images


def test_folder_of_grey_images_in_order_of_names(tmp_path):
    for name, value in (("b.png", 2), ("a.PNG", 1), ("c.tif", 3)):
        Image.fromarray(np.full((4, 5), value, dtype=np.uint8)).save(tmp_path / name)
    written(tmp_path / "labels.txt", "no image")
    written(tmp_path / ".hidden.png", "no image")
    samples = read_samples(tmp_path)
    assert samples.X.shape == (3, 4, 5)
    assert samples.X.dtype == np.uint8
    assert samples.X[:, 0, 0].tolist() == [1, 2, 3]


def test_folder_of_colour_images_has_channels_first(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    X = read_samples(tmp_path).X
    assert X.shape == (1, 3, 4, 5)
    np.testing.assert_array_equal(X[0], pixels.transpose(2, 0, 1))


def test_bits_and_sixteen_bits(tmp_path):
    (tmp_path / "bits").mkdir()
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bits" / "a.png")
    assert read_samples(tmp_path / "bits").X.tolist() == [[[255, 0]]]
    (tmp_path / "deep").mkdir()
    Image.fromarray(np.array([[65535, 256]], dtype=np.uint16)).save(tmp_path / "deep" / "a.png")
    assert read_samples(tmp_path / "deep").X.tolist() == [[[65535, 256]]]


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "CMYK"])
def test_other_kinds_of_image_are_refused(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, (4, 4)).save(path)
    with pytest.raises(ValueError, match=re.escape(f"{path} is an image of mode {mode}. Convert it to grey or RGB.")):
        read_samples(tmp_path)


def test_images_of_different_sizes(tmp_path):
    Image.new("L", (4, 5)).save(tmp_path / "a.png")
    Image.new("L", (4, 4)).save(tmp_path / "b.png")
    assert refusal(tmp_path) == (
        "FILE: all images must be of one size and kind. a.png is of shape (5, 4) and dtype uint8, "
        "b.png of shape (4, 4) and dtype uint8."
    )


def test_folder_without_images(tmp_path):
    written(tmp_path / "labels.txt", "1")
    assert refusal(tmp_path).startswith("FILE has no images in it (.bmp, ")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is left of the metadata
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 60), suffix=st.sampled_from([".png", ".bmp", ".gif", ".tif", ".jpg"]))
def test_broken_image_is_named(tmp_path, cut, suffix):
    folder = tmp_path / suffix
    folder.mkdir(exist_ok=True)
    path = folder / f"a{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)).save(path)
    os.truncate(path, cut)
    with pytest.raises(ValueError, match=re.escape(f"{path} is ")):
        read_samples(folder)


def test_images_without_pillow(tmp_path, monkeypatch):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    message = "Reading images needs Pillow, which is not installed: pip install pillow"
    with pytest.raises(ImportError, match=re.escape(message)):
        read_samples(tmp_path)


# Whatever else


def test_options_that_do_not_apply(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    assert refusal(tmp_path / "x.npy", array="a") == "FILE: only an .npz has arrays by name. Got array='a'."
    sentence = "FILE: only a .csv or .parquet has columns by name. Got 'a'."
    assert refusal(tmp_path / "x.npy", leave_out="a") == sentence
    assert refusal(tmp_path, leave_out="a") == sentence


def test_unknown_kind(tmp_path):
    path = written(tmp_path / "x.mat", "")
    sentence = "FILE is of a kind that cannot be read. Give .npy, .npz, .csv, .tsv, .parquet or a folder of images."
    assert refusal(path) == sentence


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.parquet"])
def test_missing_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=re.escape(name)):
        read_samples(tmp_path / name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=80), st.text(alphabet='01,;"\n\rax.\t-', max_size=40).map(str.encode)),
    suffix=st.sampled_from([".npy", ".npz", ".csv", ".parquet"]),
    start=st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PAR1"]),
)
def test_any_content_is_read_or_refused(tmp_path, content, suffix, start):
    path = written(tmp_path / f"x{suffix}", start + content)
    for read in (read_samples, lambda path: read_labels(str(path)), lambda path: read_graph(path, 5)):
        try:
            read(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - both outcomes are right
            assert len(str(error)) <= 600  # noqa: PT017


# Labels


@pytest.mark.parametrize(
    ("name", "content", "labels"),
    [
        ("y.txt", "four\nnine\n", ["four", "nine"]),
        ("y.txt", "4\n9", [4, 9]),
        ("y.csv", "digit\n4\n9\n", [4, 9]),
        ("y.csv", "4.5\n9\n", [4.5, 9.0]),
        ("y.csv", "digit\nfour\n9\n", ["four", "9"]),
    ],
)
def test_labels_of_text(tmp_path, name, content, labels):
    assert read_labels(str(written(tmp_path / name, content))).tolist() == labels


def test_labels_of_arrays(tmp_path):
    np.save(tmp_path / "y.npy", [[4], [9]])
    assert read_labels(str(tmp_path / "y.npy")).tolist() == [4, 9]
    np.savez(tmp_path / "y.npz", y=["four", "nine"])
    assert read_labels(str(tmp_path / "y.npz")).tolist() == ["four", "nine"]
    pd.DataFrame({"y": ["four", "nine"]}).to_parquet(tmp_path / "y.parquet")
    assert read_labels(str(tmp_path / "y.parquet")).tolist() == ["four", "nine"]


def test_labels_in_the_data(tmp_path):
    path = written(tmp_path / "x.csv", "a,kind\n1,four\n2,nine\n")
    assert read_labels("kind", path).tolist() == ["four", "nine"]
    np.savez(tmp_path / "x.npz", X=np.zeros((2, 2)), y=[4, 9])
    assert read_labels("y", tmp_path / "x.npz").tolist() == [4, 9]
    with pytest.raises(ValueError, match=r"x\.csv has no column 'kin'. Did you mean 'kind'\?"):
        read_labels("kin", path)


def test_labels_that_are_none(tmp_path):
    with pytest.raises(
        ValueError, match=re.escape("kind is no file, and there is no data with a column of that name.")
    ):
        read_labels("kind")
    with pytest.raises(ValueError, match=re.escape("kind is no file, and x.npy has no columns by name.")):
        read_labels("kind", "x.npy")
    path = written(tmp_path / "y.csv", "1,2\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}: expected one column of labels. Got 2.")):
        read_labels(str(path))
    np.save(tmp_path / "y.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=re.escape("expected one label a sample, shape (n_samples,). Got an array of")):
        read_labels(str(tmp_path / "y.npy"))
    with pytest.raises(ValueError, match=re.escape("Give labels as .npy, .npz, .csv, .txt or .parquet.")):
        read_labels(str(written(tmp_path / "y.mat", "")))


# Graphs


PAIRS = [[0, 1], [3, 2]]
GRAPH = NeighborhoodGraph.from_pairs(5, PAIRS)


def test_pairs_in_every_format(tmp_path):
    written(tmp_path / "g.csv", "first,second\n0,1\n3,2\n")
    written(tmp_path / "h.csv", "0,1\n3,2\n")
    np.save(tmp_path / "g.npy", PAIRS)
    np.savez(tmp_path / "g.npz", PAIRS)
    sparse.save_npz(tmp_path / "sparse.npz", GRAPH.to_csr())
    for name in ("g.csv", "h.csv", "g.npy", "g.npz", "sparse.npz"):
        assert read_graph(tmp_path / name, 5) == GRAPH, name


def test_pairs_of_three_kinds(tmp_path):
    np.savez(tmp_path / "g.npz", similar=PAIRS, dissimilar=[[0, 4]], ignored=np.empty((0, 2), dtype=int))
    graph = read_graph(tmp_path / "g.npz", 5)
    assert graph == NeighborhoodGraph.from_pairs(5, PAIRS, dissimilar=[[0, 4]], ignored=np.empty((0, 2)))


def test_pairs_that_cannot_be_used(tmp_path):
    path = written(tmp_path / "g.csv", "0,9\n")
    assert refusal(path, read_graph, n_samples=5).startswith("FILE: Expected 'similar' to hold indices in [0, 5)")
    written(path, "0.5,1\n")
    assert refusal(path, read_graph, n_samples=5).startswith("FILE: Expected 'similar' to hold whole, finite indices.")
    written(path, "0,1,3\n")
    assert refusal(path, read_graph, n_samples=5).startswith("FILE: Expected 'similar' to be index pairs of shape")
    np.savez(tmp_path / "g.npz", similar=PAIRS, other=PAIRS)
    assert refusal(tmp_path / "g.npz", read_graph, n_samples=5) == (
        "FILE: expected the arrays 'similar', and if wanted 'dissimilar' and 'ignored'. Got 'similar', 'other'."
    )
    np.savez(tmp_path / "g.npz", ignored=PAIRS, dissimilar=PAIRS)
    assert "Got 'ignored', 'dissimilar'." in refusal(tmp_path / "g.npz", read_graph, n_samples=5)
    sparse.save_npz(tmp_path / "g.npz", sparse.csr_array(np.ones((2, 3))))
    assert "to be square" in refusal(tmp_path / "g.npz", read_graph, n_samples=5)
    sentence = "FILE is of a kind that cannot be read. Give pairs as .csv, .npy or .npz."
    assert refusal(written(tmp_path / "g.mat", ""), read_graph, n_samples=5) == sentence


# Maps


FLOATS = st.one_of(
    *(
        arrays(
            dtype,
            array_shapes(min_dims=2, max_dims=2, max_side=4),
            elements={"allow_nan": False, "allow_infinity": False},
        )
        for dtype in (np.float32, np.float64)
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Z=FLOATS, suffix=st.sampled_from(MAP_SUFFIXES))
def test_maps_come_back_to_the_last_bit(tmp_path, Z, suffix):
    path = tmp_path / f"z{suffix}"
    names = [f"drlim{place}" for place in range(Z.shape[1])]
    write_map(path, Z, names)
    found = read_samples(path)
    assert found.X.astype(Z.dtype).tobytes() == Z.tobytes()
    assert found.names == (names if suffix in (".csv", ".parquet") else None)
    if suffix != ".csv":
        assert found.X.dtype == Z.dtype
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_maps_are_written_atomically(tmp_path, monkeypatch):
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    for suffix in MAP_SUFFIXES:
        path = written(tmp_path / f"z{suffix}", "old")
        with monkeypatch.context() as full:
            full.setattr("drlim._base.disk.os.fsync", fail)
            with pytest.raises(OSError, match="the disk is full"):
                write_map(path, np.zeros((2, 2)), ["a", "b"])
        assert path.read_bytes() == b"old"


def test_map_of_unknown_kind_is_not_written(tmp_path):
    with pytest.raises(InvalidParameterError, match=re.escape("must end in .npy or .npz or .csv or .parquet. Got ")):
        write_map(tmp_path / "z.txt", np.zeros((2, 2)), ["a", "b"])
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_written_is_found_before(tmp_path, monkeypatch):
    with pytest.raises(
        InvalidParameterError, match=re.escape("A file to be written here must end in .npy or .csv. Got z.txt.")
    ):
        check_output("z.txt", [".npy", ".csv"])
    with pytest.raises(FileNotFoundError, match=re.escape(f"there is no folder {tmp_path / 'no'}. Create it first.")):
        check_output(tmp_path / "no" / "z.npy", [".npy"])
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        check_output(tmp_path / "folder.npy", [".npy"])

    def refuse(**_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(datafiles.tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=re.escape(f"Read-only file system in {tmp_path}. Give another path.")):
        check_output(tmp_path / "z.npy", [".npy"])


def test_looking_leaves_nothing(tmp_path):
    check_output(tmp_path / "z.npy", [".npy"])
    check_output(written(tmp_path / "old.NPY", "old"), [".npy"])
    assert [path.name for path in tmp_path.iterdir()] == ["old.NPY"]
    assert (tmp_path / "old.NPY").read_bytes() == b"old"
