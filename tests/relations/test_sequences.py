"""Samples in time: by hand, the literal double loop, relabelling, dates, refusals."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses, relabelled

from drlim.relations import (
    sequence_graph,
)

quick = settings(max_examples=60, deadline=None)


def test_sequence_by_hand():
    assert listed(sequence_graph([5, 0, 2, 9], window=3)) == [[0, 2], [1, 2]]
    assert listed(sequence_graph([0, 1, 1, 2], window=1, groups=["a", "a", "b", "a"])) == [[0, 1], [1, 3]]
    assert listed(sequence_graph([3.5, 3.5, 3.6], window=0)) == [[0, 1]]
    assert sequence_graph([0, 1, 2, 3], window=1).n_dissimilar == 3


def test_samples_in_no_sequence():
    assert listed(sequence_graph([0, 0, 0, 0], 1, groups=[-1, 2, -1, 2])) == [[1, 3]]
    assert listed(sequence_graph([0, 0, 0, 0], 1, groups=[None, "a", None, "a"])) == [[1, 3]]


@quick
@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-1, 2)), min_size=1, max_size=15),
    st.integers(0, 7),
    st.sampled_from([1, 0.25]),
    st.randoms(),
)
def test_sequence_is_the_literal_loop_and_commutes_with_relabelling(rows, window, unit, random):
    time, groups = [t * unit for t, _ in rows], [g for _, g in rows]
    graph = sequence_graph(time, window * unit, groups)
    assert listed(graph) == [
        [i, j]
        for i, j in combinations(range(len(rows)), 2)
        if abs(time[i] - time[j]) <= window * unit and groups[i] == groups[j] != -1
    ]
    order = random.sample(range(len(rows)), len(rows))
    assert sequence_graph([time[k] for k in order], window * unit, [groups[k] for k in order]) == relabelled(
        graph, order
    )


def test_frames_at_a_tenth_of_a_second_are_within_it():
    for time in (0.1 * np.arange(1000), np.cumsum(np.full(1000, 0.1)), np.arange(1000) / 10 + 1e6):
        assert sequence_graph(time, 0.1 if time[0] < 1 else 0.1 + 1e-12).n_similar == 999
        assert sequence_graph(time, 0.09999).n_similar == 0


def test_extreme_times():
    ends = np.iinfo(np.int64)
    high = np.array([ends.max, ends.max - 1, ends.max - 3])
    assert listed(sequence_graph(high, 2)) == [[0, 1], [1, 2]]
    assert listed(sequence_graph(np.array([2**64 - 1, 2**64 - 2], dtype=np.uint64), 1)) == [[0, 1]]
    assert listed(sequence_graph(np.array([2**62 + 1, 2**62, 2**62 - 2]), 2)) == [[0, 1], [1, 2]]
    assert listed(sequence_graph(np.array([0, 200], dtype=np.uint8), 199)) == []
    assert listed(sequence_graph(np.array([-128, 127], dtype=np.int8), 255)) == [[0, 1]]
    assert listed(sequence_graph(np.array([-128, 127], dtype=np.int8), 254)) == []
    assert listed(sequence_graph([1.7e308, -1.7e308, 1.6e308], 1e307)) == [[0, 2]]
    assert listed(sequence_graph([0, 2, 4], 2.9)) == [[0, 1], [1, 2]]
    refuses("Expected 'time' to span less than 2^62 units. Got", sequence_graph, [ends.min, ends.max], 1)


NOON = dt.datetime(2006, 6, 17, 12)
DATES = [NOON, NOON + dt.timedelta(seconds=4), NOON + dt.timedelta(seconds=9)]


@pytest.mark.parametrize(
    "time",
    [
        DATES,
        np.array(DATES, dtype="datetime64[s]"),
        np.array(DATES, dtype="datetime64[ns]"),
        pd.Series(DATES, index=[5, 6, 5]),
        pd.DatetimeIndex(DATES),
        pl.Series(DATES),
        np.array(DATES, dtype="datetime64[s]") - np.datetime64(NOON, "s"),
    ],
    ids=["list", "seconds", "nanoseconds", "series", "index", "polars", "durations"],
)
@pytest.mark.parametrize(
    "window",
    [
        np.timedelta64(4, "s"),
        np.timedelta64(4999, "ms"),
        dt.timedelta(seconds=4),
        pd.Timedelta("4s"),
        np.timedelta64(4 * 10**9, "ns"),
    ],
    ids=["seconds", "milliseconds", "python", "pandas", "nanoseconds"],
)
def test_dates(time, window):
    assert listed(sequence_graph(time, window)) == [[0, 1]]


def test_dates_of_other_units():
    months = np.array(["2006-01", "2006-02", "2006-04"], dtype="datetime64[M]")
    assert listed(sequence_graph(months, np.timedelta64(31, "D"))) == [[0, 1]]
    days = [dt.date(2006, 6, 17), dt.date(2006, 6, 18)]
    assert listed(sequence_graph(days, dt.timedelta(hours=24))) == [[0, 1]]
    assert listed(sequence_graph(days, dt.timedelta(hours=23))) == []
    assert listed(sequence_graph([*days, *days], dt.timedelta())) == [[0, 2], [1, 3]]


SECONDS = np.array(DATES, dtype="datetime64[s]")
FAR = np.array(["2006-01-01", "9006-01-01"], dtype="datetime64[s]")


@pytest.mark.parametrize(
    ("message", "error", "time", "window"),
    [
        ("Expected 'time' to hold a finite time for each sample. Got nan at row 1.", ValueError, [0.0, np.nan], 1),
        ("Expected 'time' to hold a finite time for each sample. Got inf at row 0.", ValueError, [np.inf, 0.0], 1),
        (
            "Expected 'time' to hold a finite time for each sample. Got NaT at row 1.",
            ValueError,
            np.array(["2006", "NaT"], dtype="datetime64[s]"),
            np.timedelta64(1, "s"),
        ),
        ("Expected 'time' to be 1-D, a time for each of at least one sample. Got [].", ValueError, [], 1),
        ("Expected 'time' to be 1-D, a time for each of at least one sample. Got 3.", ValueError, 3, 1),
        ("Expected 'time' to be 1-D, a time", ValueError, [[1, 2], [3, 4]], 1),
        ("Expected 'time' to be an array. Got rows of unequal length.", ValueError, [[1], [2, 3]], 1),
        (
            "Expected 'time' to hold numbers or datetimes. Got an array of shape (2,) and dtype <U1.",
            TypeError,
            ["a", "b"],
            1,
        ),
        ("Expected 'time' to hold numbers or datetimes", TypeError, np.array([True, False]), 1),
        (
            "Expected 'time' to hold numbers or datetimes, all of one kind and without a time zone.",
            TypeError,
            [0, None],
            1,
        ),
        (
            "all of one kind and without a time zone. Got objects: convert them",
            TypeError,
            pd.Series(DATES).dt.tz_localize("UTC"),
            dt.timedelta(seconds=4),
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got -1",
            ValueError,
            [0],
            -1,
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got nan",
            ValueError,
            [0],
            np.nan,
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got '3'",
            ValueError,
            [0],
            "3",
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got None",
            ValueError,
            [0],
            None,
        ),
        ("Expected 'window' to be a number, since 'time' holds numbers. Got", TypeError, [0], np.timedelta64(3, "s")),
        ("Expected 'window' to be a number, since 'time' holds numbers. Got", TypeError, [0], dt.timedelta(seconds=3)),
        (
            "Expected 'window' to be a timedelta of a fixed length, such as np.timedelta64(5, 's'), since 'time' holds "
            "dates. Got 4.",
            TypeError,
            SECONDS,
            4,
        ),
        ("Expected 'window' to be a timedelta of a fixed length", TypeError, SECONDS, np.timedelta64(1, "M")),
        ("Expected 'window' to be a timedelta of a fixed length", TypeError, SECONDS, np.timedelta64(4)),
        ("Expected 'window' not to be negative or missing. Got", ValueError, SECONDS, dt.timedelta(seconds=-1)),
        ("Expected 'window' not to be negative or missing. Got", ValueError, SECONDS, np.timedelta64("NaT", "s")),
        (
            "Expected 'time' and 'window' to be whole numbers of one unit, within the range of 64 bits. "
            "Got datetime64[s] and timedelta64[ns]: convert both to one unit.",
            ValueError,
            FAR,
            np.timedelta64(1, "ns"),
        ),
        (
            "Got datetime64[ns] and timedelta64[s]: convert both to one unit.",
            ValueError,
            SECONDS.astype("datetime64[ns]"),
            np.timedelta64(10**12, "s"),
        ),
        (
            "Got timedelta64[Y] and timedelta64[s]: convert both to one unit.",
            ValueError,
            np.array([1, 2], dtype="timedelta64[Y]"),
            np.timedelta64(1, "s"),
        ),
    ],
)
def test_sequence_graph_refuses(message, error, time, window):
    refuses(message, sequence_graph, time, window, error=error)


def test_sequence_graph_refuses_groups_of_another_length():
    message = "Expected 'time' and 'groups' to describe the same samples, one a row. Got 2 in 'time' and 3 in 'groups'."
    refuses(message, sequence_graph, [0, 1], 1, groups=[0, 0, 0])
