"""Columns of the metadata of a grid: those that matter by hand, other kinds of tables, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from tests.builders import GRID_TABLE, listed, refuses, refuses_grid

from drlim.relations import grid_graph


def test_columns_named_nowhere_must_be_equal_and_ignored_ones_do_not_matter():
    metadata = {
        "x": [0, 1, 1, 1, 0],
        "object": ["cup", "cup", "hat", "cup", "cup"],
        "light": [0, 1, 0, None, float("nan")],
    }
    assert listed(grid_graph(metadata, step={"x": 1}, ignore=["light"])) == [
        [0, 1],
        [0, 3],
        [0, 4],
        [1, 3],
        [1, 4],
        [3, 4],
    ]
    assert listed(grid_graph(metadata, step={"x": 1}, ignore="light", same=False)) == [[0, 1], [0, 3], [1, 4], [3, 4]]
    assert listed(grid_graph(metadata, step={"x": 1}, ignore=["light", "object"])) == [
        list(pair) for pair in combinations(range(5), 2)
    ]


def test_other_kinds_of_columns_and_names():
    when = np.array(["2006-06-17", "2006-06-17", "2006-06-18"], dtype="datetime64[D]")
    frame = pd.DataFrame({0: [1, 2, 2], 1: when})
    assert listed(grid_graph(frame, step={0: 1})) == [[0, 1]]
    nullable = pd.DataFrame({"x": pd.array([1, 2, 3], dtype="Int64")})
    assert listed(grid_graph(nullable, step={"x": 1})) == [[0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("'step' names {absent}Got 'azimut': did you mean 'azimuth'?", {"step": {"azimut": 20}}),
        ("'step' names {absent}Got 'q': accepted are 'azimuth', 'elevation', 'light'.", {"step": {"q": 20}}),
        ("'ignore' names {absent}Got 'lighting': did you mean 'light'?", {"ignore": ["lighting"]}),
        ("'ignore' names {absent}Got None: accepted are", {"ignore": None}),
        ("'ignore' names {absent}Got ['light']", {"ignore": [["light"]]}),
        ("'cyclic' names {absent}Got 'Azimuth': did you mean 'azimuth'?", {"cyclic": {"Azimuth": 360}}),
        ("Expected 'cyclic' to name columns that 'step' names. Got 'elevation'.", {"cyclic": {"elevation": 90}}),
        ("Expected 'ignore' to name no column that 'step' names. Got 'azimuth'.", {"ignore": ["azimuth"]}),
        ("Expected 'step' to name at least one column. Got none: for equal rows use orbit_graph.", {"step": {}}),
    ],
)
def test_grid_graph_refuses_names(message, arguments):
    refuses_grid(message.format(absent="a column that is not in 'metadata'. "), **arguments)


def test_grid_graph_refuses_what_is_no_dict():
    wanted = "to be a dict of column name to value. Got"
    refuses_grid(f"Expected 'step' {wanted} 20.", step=20, error=TypeError)
    refuses_grid(f"Expected 'cyclic' {wanted} ['azimuth'].", cyclic=["azimuth"], error=TypeError)


@pytest.mark.parametrize(
    ("message", "error", "column"),
    [
        ("to hold a value for each sample. Got None at row 0", ValueError, [None, "b", "c"]),
        ("to hold a value for each sample. Got nan at row 2", ValueError, np.array([0, 1, np.nan])),
        ("to hold numbers, strings or other hashable values", TypeError, [{1}, {2}, {3}]),
        ("to be 1-D, with a value for each of at least one sample. Got shape (3, 2).", ValueError, np.zeros((3, 2))),
        ("to be 1-D, with a value for each of at least one sample. Got shape (0,).", ValueError, []),
        ("to be 1-D, with a value for each of at least one sample. Got 30.", ValueError, 30),
    ],
)
def test_grid_graph_refuses_columns(message, error, column):
    refuses_grid(f"Expected column 'light' of 'metadata' {message}", {"light": column}, error=error)


def test_grid_graph_refuses_columns_of_unequal_length():
    message = "Expected 'azimuth' and 'light' to describe the same samples, one a row. Got 3 in 'azimuth' and 2 in"
    refuses_grid(message, {"light": ["a", "b"]})
    assert grid_graph({**GRID_TABLE, "light": ["a", "b"]}, step={"azimuth": 20}, ignore=["light"]).n_samples == 3


def test_grid_graph_refuses_what_is_no_table():
    message = (
        "Expected 'metadata' to be a DataFrame or a dict of arrays. Got an array of shape (2, 2) and dtype float64."
    )
    refuses(message, grid_graph, np.eye(2), step={"x": 1}, error=TypeError)
    refuses("'step' names a column that is not in 'metadata'", grid_graph, {}, step={"x": 1})
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    refuses("Expected column 'x' of 'metadata' to be 1-D", grid_graph, twice, step={"x": 1})
