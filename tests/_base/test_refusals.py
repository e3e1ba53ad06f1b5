"""Errors about samples name the parameter, the row, the column and a way out; scikit-learn's sentence stays."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse

from drlim import knn_graph
from drlim._base.checks import check_points
from drlim._base.refusals import located_errors, place_words


def test_places():
    assert place_words((3,)) == "row 3"
    assert place_words((3, 1)) == "row 3, column 1"
    assert place_words(np.unravel_index(7, (4, 2)), ["age", "size"]) == "row 3, column 'size'"
    assert place_words((3, 1, 4)) == "sample 3, at (1, 4)"
    assert place_words((3, 2), ["age"]) == "row 3, column 2"


def test_sentences_are_kept_without_values_and_links():
    with pytest.raises(ValueError, match=r"^First\. Reshape so\. It was given as 'Z'\.$"), located_errors(None, "Z"):
        raise ValueError("First.\narray=[1 2\n 3]\nReshape so.\nhttps://elsewhere")
    with pytest.raises(ValueError, match=r"^ValueError\. It was given as 'Z'\.$"), located_errors(None, "Z"):
        raise ValueError(" ")
    with pytest.raises(TypeError, match=r"^one Z$"), located_errors(None, "Z"):
        raise TypeError("one Z")
    with pytest.raises(ValueError, match=r"^x+\. It was given as 'Z'\.$") as refusal, located_errors(None, "Z"):
        raise ValueError("x" * 700)
    assert len(str(refusal.value)) == 600


class Odd:
    def __float__(self):
        raise RuntimeError("odd")

    def __repr__(self):
        return "Odd()"


def changed(value, dtype=object):
    table = np.arange(8.0).reshape(4, 2).astype(dtype)
    table[2, 1] = value
    return table


FILL = "fill such values in, for example by sklearn.impute.SimpleImputer, or leave their samples out."
FILL_OBJECT = "fill such values in, or leave their samples out."
REPLACE = "replace such values, or leave their samples out."
TIME = "make a number of such a time, in a unit that you choose, or leave its column out."
NUMBERS = "leave its column out, or put a drlim.Table() before the map, which makes numbers of it."
ONE = "give one number in its place, or leave its column out."
PARTS = "give real and imaginary parts as columns of their own, or absolute values, or real parts alone."
FRAME = pd.DataFrame({"age": [1.0, 2.0, 3.0], "size": [4.0, 5.0, np.nan]})

FAULTS = {
    "NaN": (changed(np.nan, float), f"Input X contains NaN. 'X' has NaN in row 2, column 1: {FILL}"),
    "NaN twice": (
        np.full((2, 2), np.nan),
        f"Input X contains NaN. 'X' has NaN 4 times, first in row 0, column 0: {FILL}",
    ),
    "NaN before infinity": ([[np.inf, 1.0], [2.0, np.nan]], "'X' has NaN in row 1, column 1"),
    "NaN of an image": (np.full((1, 1, 2), [0.0, np.nan]), f"'X' has NaN in sample 0, at (0, 1): {FILL}"),
    "NaN of a frame": (FRAME, f"Input X contains NaN. 'X' has NaN in row 2, column 'size': {FILL}"),
    "NaN of polars": (pl.DataFrame({"age": [1.0, None]}), "'X' has NaN in row 1, column 'age'"),
    "NaN of Arrow": (pa.table({"age": [1.0, None]}), "'X' has NaN in row 1, column 'age'"),
    "NaN of a tensor": (torch.tensor(changed(np.nan, float), requires_grad=True), "'X' has NaN in row 2, column 1"),
    "NaN of a long double": (changed(np.nan, np.longdouble), "'X' has NaN in row 2, column 1"),
    "infinity": (
        changed(-np.inf, float),
        "Input X contains infinity or a value too large for dtype('float64'). 'X' has infinity in row 2, column 1: "
        + REPLACE,
    ),
    "beyond float64": (changed(np.longdouble("1e400"), np.longdouble), "'X' has infinity in row 2, column 1"),
    "complex": (
        changed(1j, complex),
        f"Complex data not supported. 'X' has an imaginary part in row 2, column 1: {PARTS}",
    ),
    "complex in type": (
        changed(1, complex),
        "'X' has complex numbers without imaginary parts, the first in row 0, column",
    ),
    "text": (
        changed("Bonn"),
        f"could not convert string to float: 'Bonn'. 'X' has 'Bonn' in row 2, column 1: {NUMBERS}",
    ),
    "array of text": (np.array([["1", "Bonn"]]), f"'X' has 'Bonn' in row 0, column 1: {NUMBERS}"),
    "bytes": (changed(b"Bonn"), f"'X' has b'Bonn' in row 2, column 1: {NUMBERS}"),
    "text of a frame": (
        FRAME[["age"]].assign(city=["1.5", "Bonn", "Ulm"]),
        f"could not convert string to float: 'Bonn'. 'X' has 'Bonn' in row 1, column 'city': {NUMBERS}",
    ),
    "dict": (changed({"a": 1}), f"'X' has {{'a': 1}} in row 2, column 1: {ONE}"),
    "list": (FRAME[["age"]].assign(v=[[1, 2]] * 3), f"'X' has [1, 2] in row 0, column 'v': {ONE}"),
    "odd": (changed(Odd()), f"'X' has Odd() in row 2, column 1: {ONE}"),
    "None": (changed(None), f"Input X contains NaN. 'X' has None in row 2, column 1: {FILL_OBJECT}"),
    "NA": (
        FRAME[["age"]].assign(n=pd.array([1, None, 2], "Int64")),
        f"'X' has <NA> in row 1, column 'n': {FILL_OBJECT}",
    ),
    "NaT": (changed(pd.NaT), f"'X' has NaT in row 2, column 1: {FILL_OBJECT}"),
    "signalling Decimal": (changed(Decimal("NaN")), f"'X' has Decimal('NaN') in row 2, column 1: {FILL_OBJECT}"),
    "date": (changed(dt.date(2026, 11, 27)), f"row 2, column 1: {TIME}"),
    "duration": (changed(dt.timedelta(3)), f"row 2, column 1: {TIME}"),
    "interval": (changed(pd.Interval(1, 2)), f"row 2, column 1: {TIME}"),
    "huge integer": ([[1.0, 10**400]], "0 in row 0, column 1: rescale its column, for float64 holds no such number."),
    "ragged": (
        [[1.0, 2.0], [3.0, 4.0], [5.0]],
        "Row 0 of 'X' has 2 values, row 2 has one value: give all the same number",
    ),
    "number for a row": ([[1.0, 2.0], 3.0], "Row 0 of 'X' has 2 values, row 1 has one value: give all the same number"),
    "ragged within": ([[[1.0], [2.0, 3.0]], [[1.0], [2.0]]], "Give all rows of 'X' the same form."),
    "one dimension": (np.zeros(3), "Got an array of shape (3,) and dtype float64 as 'X'."),
    "series": (FRAME["age"], "Got an array of shape (3,) and dtype float64 as 'X'."),
    "few rows": (np.zeros((1, 2)), "a minimum of 2 is required. Give 'X' more samples."),
    "no columns": (np.zeros((3, 0)), "a minimum of 1 is required. Give 'X' at least one column."),
    "matrix": (np.eye(2).view(np.matrix), "Give numpy.asarray(X) as 'X'."),
    "two columns of a name": (pd.DataFrame(np.eye(2), columns=["a", "a"]), "- 'a' 2 times\nRename columns of 'X'."),
    "large": (
        changed(-1e31, float),
        "Expected 'X' to hold values up to 1e+30 in size: rescale it. Got -1e+31 in row 2, col",
    ),
    "large in a frame": (FRAME.assign(size=1e31), "Got 1e+31 in row 0, column 'size'."),
    "masked": (
        np.ma.masked_equal(changed(9.0, float), 9.0),
        "Expected 'X' to hold no masked values. Got an array of shape (4, 2) and dtype float64, the first in row 2, "
        "column 1: fill them in, or leave their samples out.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_wrong_value_is_named_by_its_place(fault):
    X, sentence = FAULTS[fault]
    with pytest.raises((ValueError, TypeError), match=re.escape(sentence)) as refusal:
        check_points(X, name="X", ndim=None, min_samples=2 if fault == "few rows" else 1, largest=1e30)
    assert len(str(refusal.value)) <= 600
    assert type(refusal.value) in (ValueError, TypeError)


def test_another_parameter_is_named():
    with pytest.raises(ValueError, match=r"^Input views contains NaN\. 'views' has NaN in row 0, column 1: fill such"):
        check_points([[0.0, np.nan]], name="views")


def test_stored_values_of_sparse_samples_are_named_by_their_place():
    X = sparse.csr_array(changed(np.nan, float))
    with pytest.raises(ValueError, match=r"^Input X contains NaN\. 'X' has NaN in row 2, column 1: fill such values"):
        knn_graph(X, 1)
