"""Refusals: what each check lets through, and the sentences of what it does not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from drlim._base.checks import (
    InvalidParameterError,
    StrOptions,
    as_array,
    check_labels,
    check_parameters,
    check_points,
    check_same_length,
    count_rows,
    integer_in,
    real_in,
    refuse_masked,
    short_repr,
)

NO_LABEL = (
    "Expected 'y' to hold a label for each sample, all numbers or all strings. "
    "Some are missing or of another kind: leave those samples out or give them a label of their own."
)


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (None, "None"),
        ("auto", "'auto'"),
        (np.float32(0.5), "np.float32(0.5)"),
        (np.zeros((3, 2)), "an array of shape (3, 2) and dtype float64"),
        (torch.zeros(4, dtype=torch.int64), "an array of shape (4,) and dtype torch.int64"),
        (sparse.csr_array((2, 5)), "an array of shape (2, 5) and dtype float64"),
        (np.array("one"), "array('one', dtype='<U3')"),
        (list(range(1000)), "[0, 1, 2, 3, 4, 5, ...]"),
        ("line\nbreak\ttab", r"'line\nbreak\ttab'"),
        (pd.DataFrame({"a": [1]}), "a DataFrame of shape (1, 1)"),
    ],
)
def test_short_repr(value, text):
    assert short_repr(value) == text


def test_short_repr_cuts_the_middle():
    text = short_repr({f"key {i} {'k' * 20}": "v" * 40 for i in range(9)})
    assert len(text) == 60 + 3 + 60
    assert text.startswith("{'key 0 kkk")
    assert text[60:63] == "..."
    assert text.endswith("...}")


@settings(max_examples=50, deadline=None)
@given(st.recursive(st.text() | st.integers() | st.binary(), lambda children: st.lists(children) | st.tuples(children)))
def test_short_repr_is_one_short_line(value):
    text = short_repr(value)
    assert len(text) <= 123
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("accepted", "inside", "outside"),
    [
        (integer_in(1), [1, 10**9, np.int64(1), np.uint8(1)], [0, 1.0, np.float64(1.0), "1", None, np.nan]),
        (integer_in(0, 3), [0, 3], [-1, 4]),
        (integer_in(2, 2), [2], [1, 3]),
        (real_in(0.0, float("inf")), [1e-300, 1, np.float32(1)], [0, 0.0, np.inf, np.nan, -1, "1", [1.0], 1j]),
        (real_in(0.0, 1.0, closed="both"), [0, 1, 0.5], [-1e-9, 1 + 1e-9]),
        (real_in(0.0, 1.0, closed="left"), [0], [1]),
    ],
)
def test_ranges(accepted, inside, outside):
    for value in inside:
        check_parameters({"p": value}, {"p": [accepted]}, "f")
    for value in outside:
        with pytest.raises(InvalidParameterError, match=re.escape(f"Got {short_repr(value)} instead.")):
            check_parameters({"p": value}, {"p": [accepted]}, "f")


@pytest.mark.parametrize(
    ("value", "accepted", "message"),
    [
        (-1, [real_in(0.0, float("inf"))], "a float in the range (0.0, inf). Got -1 instead."),
        (0.5, [integer_in(1)], "an int in the range [1, inf). Got 0.5 instead."),
        (9, [integer_in(1, 8)], "an int in the range [1, 8]. Got 9 instead."),
        (3, [integer_in(1, 1)], "an int in the range [1, 2). Got 3 instead."),
        ("b", [StrOptions({"c", "a"}), None], "a str among {'a', 'c'} or None. Got 'b' instead."),
        (np.ones((99, 99)), [str], "an instance of 'str'. Got an array of shape (99, 99) and dtype float64 instead."),
        ("x Got y " * 99, [integer_in(1)], "an int in the range [1, inf). Got 'x Got y x Go...ot y x Got y ' instead."),
        (True, [integer_in(0)], "an int in the range [0, inf). Got True instead."),
        (np.True_, [real_in(0.0, 2.0)], "a float in the range (0.0, 2.0). Got np.True_ instead."),
    ],
)
def test_messages_of_parameters(value, accepted, message):
    with pytest.raises(InvalidParameterError, match=exactly(f"The 'p' parameter of f must be {message}")) as refusal:
        check_parameters({"p": value}, {"p": accepted}, "f")
    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, TypeError)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, "boolean"), (np.False_, "boolean"), (True, "verbose"), (np.False_, "verbose"), (False, bool)],
)
def test_a_bool_passes_where_one_is_wanted(value, kind):
    check_parameters({"p": value}, {"p": [kind]}, "f")


def test_the_first_bad_parameter_is_named_and_others_may_go_unchecked():
    values = {"free": object(), "said": object(), "good": 1, "bad": 0, "worse": 0}
    constraints = {"said": "no_validation", "good": [integer_in(1)], "bad": [integer_in(1)], "worse": [integer_in(1)]}
    with pytest.raises(ValueError, match="The 'bad' parameter of f must be"):
        check_parameters(values, constraints, "f")


def test_options_read_alike_in_every_process():
    # A set's own order depends on the process: 1 in 40320 puts these in order by chance.
    names = ["five", "four", "nought", "one", "seven", "six", "three", "two"]
    assert str(StrOptions(set(names))) == f"a str among {{{', '.join(map(repr, names))}}}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.float16, np.float64),
        (np.uint8, np.float64),
        (np.bool_, np.float64),
        (object, np.float64),
    ],
)
def test_points_become_floats(given, kept):
    points = check_points(np.ones((3, 2), dtype=given))
    assert points.dtype == kept
    assert points.tolist() == [[1.0, 1.0]] * 3


def test_points_from_lists_frames_and_tensors():
    for Z in ([[1, 2], [3, 4]], pd.DataFrame({"a": [1, 3], "b": [2, 4]}), torch.tensor([[1, 2], [3, 4]])):
        assert check_points(Z).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert check_points(np.ones((2, 3)), dtype=np.float32).dtype == np.float32
    assert check_points(np.ones((2, 3, 4, 5)), ndim=None).shape == (2, 3, 4, 5)
    assert check_points(np.ones((2, 3)), min_samples=2).shape == (2, 3)


@pytest.mark.parametrize(
    ("Z", "options", "message"),
    [
        (np.zeros(3), {}, "Expected 'Z' to be a 2-D array (n_samples, n_features). Got an array of shape (3,)"),
        (
            np.zeros((3, 2, 2)),
            {},
            "Expected 'Z' to be a 2-D array (n_samples, n_features). Got an array of shape (3, 2",
        ),
        (np.zeros(999), {"ndim": None}, "Expected 2D array, got 1D array instead: Reshape your data either using"),
        (np.zeros((2, 2)) + 1j, {}, "Complex data not supported"),
        ([["a", "b"]], {}, "could not convert string to float: 'a'"),
        ([[1.0, np.nan]], {}, "Input Z contains NaN."),
        ([[1.0, None]], {}, "Input Z contains NaN."),
        ([[1.0, np.inf]], {"name": "data"}, "Input data contains infinity or a value too large for dtype('float64')."),
        (np.zeros((1, 2)), {"min_samples": 2}, "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is"),
        (np.zeros((2, 0)), {}, "Found array with 0 feature(s) (shape=(2, 0)) while a minimum of 1 is required."),
        (np.zeros((2, 0, 5)), {"ndim": None}, "Found array with 0 value(s) a sample (shape=(2, 0, 5)) in 'Z'."),
    ],
)
def test_points_refused(Z, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refusal:
        check_points(Z, **options)
    assert len(str(refusal.value)) <= 600


def test_sparse_points_are_refused_with_a_way_out():
    with pytest.raises(TypeError, match=re.escape("Use '.toarray()' to convert to a dense numpy array.")):
        check_points(sparse.csr_array(np.eye(3)))


MASKED = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 0], [0, 1]])


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("ndim", [2, None])
def test_masked_points_are_refused(dtype, ndim):
    message = "Expected 'Z' to hold no masked values. Got an array of shape (2, 2) and dtype "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        check_points(MASKED.astype(dtype), ndim=ndim)
    assert check_points(np.ma.array([[1.0]]), ndim=ndim).tolist() == [[1.0]]


def test_arrays_keep_their_type_and_are_refused_by_phrase():
    assert as_array([1, 2], "'time'").tolist() == [1, 2]
    frame = pd.DataFrame({"a": [True, False]})
    assert as_array(frame, "'time'").dtype == bool
    with pytest.raises(ValueError, match=exactly("Expected 'time' to be an array. Got rows of unequal length.")):
        as_array([[1], [2, 3]], "'time'")
    message = (
        "Expected what it returns to hold no masked values. Got an array of shape (2,) and dtype int64, the first "
        "in row 1: fill them in, or leave their samples out."
    )
    with pytest.raises(ValueError, match=exactly(message)):
        as_array(np.ma.array([1, 2], mask=[False, True]), "what it returns")


def test_masked_labels_are_refused():
    with pytest.raises(ValueError, match=r"^Expected 'y' to hold no masked values\. .*: leave those samples out"):
        check_labels(np.ma.array([0, 1], mask=[0, 1]), "y", 2, "Z")
    assert check_labels(np.ma.array([0, 1]), "y", 2, "Z").tolist() == [0, 1]


def test_a_mask_of_pandas_is_no_mask_of_numpy():
    refuse_masked(pd.array([1, None]), "y", "")  # its missing values are None, and judged as such


@pytest.mark.parametrize(("X", "count"), [([[1.0], [2.0]], 2), (np.zeros((3, 2)), 3), (sparse.eye_array(4), 4)])
def test_rows_are_counted(X, count):
    assert count_rows(X, "X") == count


@pytest.mark.parametrize("X", [None, 5, np.float64(5), "abc", iter([1])])
def test_what_has_no_rows_is_refused(X):
    with pytest.raises(TypeError, match=r"^Expected 'X' to hold samples, one a row\. Got "):
        count_rows(X, "X")


def test_same_length():
    check_same_length(3, "X", 3, "Z")
    message = "Expected 'X' and 'Z' to describe the same samples, one a row. Got 3 in 'X' and 4 in 'Z'."
    with pytest.raises(ValueError, match=exactly(message)):
        check_same_length(3, "X", 4, "Z")


@pytest.mark.parametrize(
    "labels",
    [
        [3, 1],
        [0.5, 1],
        ["b", "a"],
        [True, False],
        np.array([1, 2], dtype=np.uint8),
        np.array(["b", "a"], dtype=object),
        pd.Series(["b", "a"], index=[7, 8]),
        pd.Series([1, 2]).astype("category"),
        pl.Series(["b", "a"]),
    ],
)
def test_labels_that_compare(labels):
    values = check_labels(labels, "y", 2, "Z")
    assert values.tolist() == list(labels)


@pytest.mark.parametrize(
    "labels",
    [
        [1.0, np.nan],
        ["a", np.nan],
        ["a", None],
        [None, None],
        [1, "a"],
        [pd.NA, "a"],
        np.array([None, 1], dtype=object),
        np.array(["a", np.nan], dtype=object),
        pd.Series(["a", None]),
        pl.Series(["a", None]),
        np.array(["2020-01-01", "NaT"], dtype="datetime64[D]"),
    ],
)
def test_labels_that_are_missing_or_mixed(labels):
    with pytest.raises(ValueError, match=exactly(NO_LABEL)):
        check_labels(labels, "y", 2, "Z")


def test_one_missing_label_is_refused_alone():
    with pytest.raises(ValueError, match=exactly(NO_LABEL)):
        check_labels([None], "y", 1, "Z")


def test_labels_of_the_wrong_shape():
    message = "Expected 'y' to be 1-D, one label a sample. Got an array of shape (2, 1) and dtype float64."
    with pytest.raises(ValueError, match=exactly(message)):
        check_labels(np.zeros((2, 1)), "y", 2, "Z")
    message = "Expected 'y' and 'Z' to describe the same samples, one a row. Got 2 in 'y' and 3 in 'Z'."
    with pytest.raises(ValueError, match=exactly(message)):
        check_labels([0, 1], "y", 3, "Z")
