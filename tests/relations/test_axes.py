"""Axes of a grid: rounding, tolerance, categories and listed levels by hand, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.builders import GRID_TABLE, listed, refuses, refuses_grid

from drlim.relations import grid_graph


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_does_not_matter(dtype):
    """Tenths are not exact, and sums of them less so: 999.9 is 1e-5 off its place in float32."""
    x = (0.1 * np.arange(10_000)).astype(dtype)
    assert grid_graph({"x": x}, step={"x": 0.1}, tolerance=0.0).n_similar == 9_999
    turns = np.cumsum(np.full(30, 0.1)).astype(dtype)
    assert grid_graph({"x": turns}, step={"x": 0.1}, cyclic={"x": 0.3}).n_similar == 30 * 29 // 2


def test_whole_numbers_have_no_rounding():
    """At 10^15 the rounding of a float64 sum would be as large as the step."""
    assert listed(grid_graph({"x": [10**15, 10**15 + 1, 10**15 + 3]}, step={"x": 1})) == [[0, 1]]


def test_tolerance_acts():
    angles = {"angle": [0.0, 19.2, 41.0, 359.5]}
    step, cyclic = {"angle": 20}, {"angle": 360}
    assert listed(grid_graph(angles, step=step, cyclic=cyclic)) == []
    assert listed(grid_graph(angles, step=step, cyclic=cyclic, tolerance=0.1)) == [[0, 1], [0, 3], [1, 2], [1, 3]]
    assert listed(grid_graph({"angle": [0.0, 0.5]}, step=step, cyclic=cyclic, tolerance=0.1)) == [[0, 1]]


SIZES = ["S", "M", "L", "XL"]


def test_ordered_categories():
    values = ["L", "S", "M", "S", "XL"]
    expected = [[0, 2], [0, 4], [1, 2], [1, 3], [2, 3]]
    ordered = pd.Categorical(values, categories=SIZES, ordered=True)
    for column in (ordered, pd.Series(ordered, index=[3, 3, 1, 0, 9]), pd.CategoricalIndex(ordered)):
        assert listed(grid_graph({"size": column}, step={"size": 1}, tolerance=0.4)) == expected
    assert listed(grid_graph(pd.DataFrame({"size": ordered}), step={"size": 1})) == expected
    assert listed(grid_graph({"size": values}, step={"size": SIZES})) == expected
    assert listed(grid_graph({"size": pl.Series(values)}, step={"size": tuple(SIZES)})) == expected
    assert listed(grid_graph({"size": ordered}, step={"size": 2}, same=False, tolerance=0.4)) == [
        [0, 1],
        [0, 3],
        [2, 4],
    ]
    assert listed(grid_graph({"size": ordered}, step={"size": 1}, cyclic={"size": 4})) == [
        [0, 2], [0, 4], [1, 2], [1, 3], [1, 4], [2, 3], [3, 4],
    ]  # fmt: skip


def test_levels_at_uneven_distances():
    exposures = {"ms": np.array([1, 10, 100, 2])}
    assert listed(grid_graph(exposures, step={"ms": [1, 2, 10, 100]})) == [[0, 3], [1, 2], [1, 3]]


def test_unordered_categories_must_be_equal():
    colour = pd.Categorical(["red", "red", "blue"])
    metadata = {"x": [0, 1, 1], "colour": colour}
    assert listed(grid_graph(metadata, step={"x": 1})) == [[0, 1]]


@pytest.mark.parametrize("step", [0, -20, np.nan, np.inf, True, "20", None])
def test_grid_graph_refuses_steps(step):
    wanted = "Expected step['azimuth'] to be a number in (0, inf), or the column's levels in order as a list."
    refuses_grid(f"{wanted} Got {step!r}.", step={"azimuth": step})
    refuses_grid(f"{wanted} Got ", step={"azimuth": np.timedelta64(1, "s")})


@pytest.mark.parametrize(
    ("message", "period", "arguments"),
    [
        (
            "Expected cyclic['azimuth'] to be a whole number of steps, and at least two, so that the grid closes. "
            "Got a period of 350 and a step of 20.",
            350,
            {},
        ),
        ("Got a period of 20 and a step of 20.", 20, {}),
        ("Got a period of 365 and a step of 20.", 365, {"tolerance": 0.4}),
        ("Expected cyclic['azimuth'] to be a number in (0, inf). Got 0.", 0, {}),
        ("Expected cyclic['azimuth'] to be a number in (0, inf). Got 'all round'.", "all round", {}),
    ],
)
def test_grid_graph_refuses_periods(message, period, arguments):
    refuses_grid(message, cyclic={"azimuth": period}, **arguments)


def test_no_period_is_no_cycle():
    assert listed(grid_graph({"x": [0, 1, 2]}, step={"x": 1}, cyclic={"x": None})) == [[0, 1], [1, 2]]


def test_levels_that_blur_are_refused():
    refuses_grid(
        "Expected column 'azimuth' of 'metadata' to hold levels that 'tolerance' tells apart. Got values from 0 to 10, "
        "each within 8 of the next: lower 'tolerance', or round the column.",
        {"azimuth": [0, 5, 10]},
        tolerance=0.4,
    )
    refuses("Got values from 0 to 10, each", grid_graph, {"x": [0, 5, 10, 90]}, step={"x": 20}, tolerance=0.4)
    refuses_grid(
        "Got values from 355 to 363, each within 6 of the next",
        {"azimuth": [359, 355, 3]},
        tolerance=0.3,
        cyclic={"azimuth": 360},
    )


@pytest.mark.parametrize(
    ("message", "error", "column"),
    [
        ("finite numbers. Got nan at row 1: leave out such rows, or ignore the column.", ValueError, [0, np.nan, 40.0]),
        ("finite numbers. Got inf at row 2", ValueError, np.array([0.0, 20.0, np.inf])),
        (
            "numbers or an ordered category, since 'step' names it. Got ['a', 'b', 'c']: list its levels in order as "
            "step['azimuth'], or leave it out of 'step', so that it must be equal.",
            TypeError,
            ["a", "b", "c"],
        ),
        (
            "numbers or an ordered category, since 'step' names it. Got an array of shape (3,) and dtype datetime64[D]",
            TypeError,
            np.zeros(3, dtype="datetime64[D]"),
        ),
        ("numbers or an ordered category", TypeError, ["1", "2", "3"]),
        ("numbers or an ordered category", TypeError, [True, False, True]),
        ("numbers or an ordered category", TypeError, [1, None, 2]),
    ],
)
def test_grid_graph_refuses_axes(message, error, column):
    refuses_grid(f"Expected column 'azimuth' of 'metadata' to hold {message}", {"azimuth": column}, error=error)


UNORDERED = pd.Categorical(["a", "b", "c"])


@pytest.mark.parametrize(
    ("message", "column", "step", "period"),
    [
        (
            "Expected column 'light' of 'metadata' to have an order, since 'step' names it. Got unordered categories: "
            "give its levels in order as step['light'], or leave it out of 'step', so that it must be equal.",
            UNORDERED,
            1,
            None,
        ),
        ("Expected step['light'] to be a whole number of categories in (0, inf)", UNORDERED.as_ordered(), 0.5, None),
        (
            "Expected column 'light' of 'metadata' to hold a category for each sample. Got nan at row 1",
            pd.Categorical(["a", None, "c"], ordered=True),
            1,
            None,
        ),
        ("Expected cyclic['light'] to be 3, the number of its levels. Got 2.", UNORDERED.as_ordered(), 1, 2),
        ("Expected cyclic['light'] to be 3, the number of its levels. Got 6.", GRID_TABLE["light"], ["a", "b", "c"], 6),
        (
            "Expected step['light'] to list each level once. Got ['a', 'b', 'a'].",
            GRID_TABLE["light"],
            ["a", "b", "a"],
            None,
        ),
        ("Expected step['light'] to list each level once. Got [].", GRID_TABLE["light"], [], None),
        (
            "Expected column 'light' of 'metadata' to hold levels that step['light'] lists. Row 2 does not. "
            "Got 'c': accepted are 'a', 'b'.",
            GRID_TABLE["light"],
            ["a", "b"],
            None,
        ),
        (
            "to hold levels that step['light'] lists. Row 1 does not. Got 'smal': did you mean 'small'?",
            ["small", "smal", "big"],
            ["small", "big"],
            None,
        ),
    ],
)
def test_grid_graph_refuses_categories(message, column, step, period):
    cyclic = {} if period is None else {"light": period}
    refuses_grid(message, {"light": column}, step={"light": step}, cyclic=cyclic)


def test_grid_graph_refuses_levels_that_cannot_be_compared():
    message = "Expected step['light'] and its column to hold hashable levels"
    refuses_grid(message, step={"light": [["a"], ["b"]]}, error=TypeError)
    refuses_grid(message, {"light": [["a"], ["b", "c"], ["d"]]}, step={"light": ["a"]}, error=TypeError)
