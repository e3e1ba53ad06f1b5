"""What labels mean: the order of groups, missing labels, and numbers that are names."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drlim.plotting.labels import Labels, natural_key, read_labels


def members(read: Labels) -> list[str | None]:
    """The name of the group of each sample."""
    return [None if code < 0 else read.groups[code] for code in read.codes]


@pytest.mark.parametrize(
    "names",
    [
        ["2", "9", "10", "11"],
        ["a2", "a10", "a10b", "b1"],
        ["-10", "-2", "0", "0.5", "1e2", "many"],
        ["chr1", "Chr2", "chr10", "chrX"],
        ["x", "x1y2", "x1y10", "x2y1"],
        ["", "-", "a-1", "a-2"],
    ],
)
def test_natural_order(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(backwards, key=natural_key) == names


@given(st.lists(st.text(max_size=6), max_size=6))
def test_any_two_names_have_an_order(names: list[str]) -> None:
    ordered = sorted(set(names), key=natural_key)
    assert all(natural_key(a) < natural_key(b) for a, b in pairwise(ordered))


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["10", "9", "a"], ["10", "9", "a"]),
        ([10, 9, -3], ["10", "9", "-3"]),
        (["a", None, "b"], ["a", None, "b"]),
        (["a", np.nan, "b"], ["a", None, "b"]),
        (["a", "", " "], ["a", None, None]),
        (["a", "nan", "<NA>"], ["a", None, None]),
        (["a", pd.NA, "b"], ["a", None, "b"]),
        ([1.0, np.nan, 12345678.0], ["1", None, "12345678"]),
        ([1, None, 2], ["1", None, "2"]),
        (pd.array([4, None, 9], dtype="Int64"), ["4", None, "9"]),
        (pd.Series(["u", None, "v"], dtype="category"), ["u", None, "v"]),
        (np.ma.masked_array([1, 2, 3], [False, True, False]), ["1", None, "3"]),
        (np.array(["2020-01-02", "NaT"], dtype="datetime64[D]"), ["2020-01-02", None]),
        ([True, None, False], ["True", None, "False"]),
        ([-1, 0, 3], [None, "0", "3"]),
        ([-1.0, 0.0, 3.0], [None, "0", "3"]),
        (["-1", "a", "(b)"], [None, "a", "(b)"]),
        ([-1, "a", "b"], [None, "a", "b"]),
        (["-1", "0", "7"], [None, "0", "7"]),
        ([-1, -1], [None, None]),
        ([-1, 1], ["-1", "1"]),
        (["-1", "1"], ["-1", "1"]),
        ([-2, -1, 0], ["-2", "-1", "0"]),
        (["-2", "-1", "a"], ["-2", "-1", "a"]),
        ([None, np.nan], [None, None]),
    ],
)
def test_groups_and_missing_labels(labels: Any, wanted: list[str | None]) -> None:
    read = read_labels(labels, len(labels))
    assert members(read) == wanted
    assert read.known.tolist() == [name is not None for name in wanted]
    assert list(read.groups) == sorted(filter(None, set(wanted)), key=natural_key)
    assert read.numbers is None


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        ([0.5, 2.0, np.nan], [0.5, 2.0, np.nan]),
        ([0.5, None, -1.0], [0.5, np.nan, -1.0]),
        (np.arange(11.0), np.arange(11.0)),
        (np.arange(61), np.arange(61)),
        (np.arange(-1, 61), [np.nan, *range(61)]),
        (np.arange(-2, 61), np.arange(-2, 61)),
    ],
)
def test_numbers_and_missing_ones(labels: Any, numbers: Any) -> None:
    read = read_labels(labels, len(labels))
    assert read.groups == ()
    assert read.numbers is not None
    np.testing.assert_array_equal(read.numbers, numbers)
    np.testing.assert_array_equal(read.known, ~np.isnan(numbers))


def test_whole_numbers_with_gaps_are_names_up_to_sixty() -> None:
    floats = np.append(np.arange(60.0), np.nan)
    assert len(read_labels(floats, 61).groups) == 60
    assert read_labels(np.append(floats, 60.0), 62).numbers is not None
    assert read_labels(np.arange(11), 11, most_numbers=10).numbers is not None


@pytest.mark.parametrize("labels", [[1, "a", "b"], [None, "a", 2.5]])
def test_numbers_beside_strings_are_refused(labels: list[object]) -> None:
    with pytest.raises(ValueError, match="all numbers or all strings"):
        read_labels(labels, 3)


def test_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="Expected 'labels' to be 1-D, one label a sample"):
        read_labels([["a"], ["b"]], 2)
    with pytest.raises(ValueError, match="Got 2 in 'labels' and 3 in 'Z'"):
        read_labels(["a", None], 3)


def test_more_than_sixty_dates_are_years():
    days = np.datetime64("2019-12-31") + np.arange(1, 63) * 6
    for labels in (days, days.astype(str), [*map(str, days)]):
        read = read_labels(labels, 62)
        assert read.groups == ()
        np.testing.assert_allclose(read.numbers[[0, -1]], [2020.0133, 2021.0154], atol=1e-3)
    gaps = days.astype(object)
    gaps[3] = None
    assert np.flatnonzero(np.isnan(read_labels([None if one is None else str(one) for one in gaps], 62).numbers)) == 3
    assert len(read_labels(days[:60].astype(str), 60).groups) == 60
    assert read_labels([f"{day} x" for day in days], 62).numbers is None
