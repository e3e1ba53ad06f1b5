"""Samples on a grid: by hand, the literal double loop of the rule, relabelling, rounding, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses, relabelled

from drlim.datasets import turntable
from drlim.relations import (
    grid_graph,
    orbit_graph,
    sequence_graph,
)


def distance(a, b, period):
    apart = abs(a - b)
    if period is None:
        return apart
    return min(apart % period, period - apart % period)


def literal_grid(metadata, step, cyclic=(), ignore=(), tolerance=0.0, same=True):
    """The rule of grid_graph on numbers, as a double loop."""
    rows = [dict(zip(metadata, values, strict=True)) for values in zip(*metadata.values(), strict=True)]
    found = []
    for i, j in combinations(range(len(rows)), 2):
        a, b = rows[i], rows[j]
        if any(a[name] != b[name] for name in metadata if name not in step and name not in ignore):
            continue
        apart = {name: distance(a[name], b[name], dict(cyclic).get(name)) for name in step}
        contiguous = [abs(apart[name] - step[name]) <= tolerance * step[name] for name in step]
        equal = [apart[name] <= tolerance * step[name] for name in step]
        one_axis = sum(contiguous) == 1 and sum(equal) == len(step) - 1
        if one_axis or (same and all(equal)):
            found.append([i, j])
    return found


def test_grid_by_hand():
    """A 3 x 3 grid: the four neighbours of the centre, and two of a corner."""
    row, column = (axis.ravel() for axis in np.indices((3, 3)))
    graph = grid_graph({"row": row, "column": column}, step={"row": 1, "column": 1})
    assert graph.neighbors(4).tolist() == [1, 3, 5, 7]
    assert graph.neighbors(0).tolist() == [1, 3]
    assert (graph.n_similar, graph.n_dissimilar) == (12, 24)


def test_a_cyclic_axis_by_hand():
    angles = {"angle": [0, 90, 180, 270, 360, -90]}
    ring = grid_graph(angles, step={"angle": 90}, cyclic={"angle": 360})
    assert listed(ring) == [[0, 1], [0, 3], [0, 4], [0, 5], [1, 2], [1, 4], [2, 3], [2, 5], [3, 4], [3, 5], [4, 5]]
    line = grid_graph(angles, step={"angle": 90})
    assert listed(line) == [[0, 1], [0, 5], [1, 2], [2, 3], [3, 4]]


def test_a_period_of_two_steps_joins_each_pair_once():
    assert listed(grid_graph({"side": [0, 180, 180]}, step={"side": 180}, cyclic={"side": 360})) == [
        [0, 1],
        [0, 2],
        [1, 2],
    ]


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


def aeroplane() -> dict[str, np.ndarray]:
    """The 972 rows of the aeroplane, in disorder."""
    order = np.random.default_rng(0).permutation(972)
    return {name: column[order] for name, column in turntable().metadata.items()}


@pytest.mark.parametrize("same", [True, False])
def test_the_aeroplane_is_the_literal_loop(same):
    metadata, step = aeroplane(), {"azimuth": 20, "elevation": 5}
    graph = grid_graph(metadata, step=step, cyclic={"azimuth": 360}, ignore=["lighting"], same=same)
    plain = {name: column.tolist() for name, column in metadata.items()}
    assert listed(graph) == literal_grid(plain, step, {"azimuth": 360}, ["lighting"], same=same)
    # 162 poses of 6 lightings: 18 x 9 joined round, 18 x 8 joined up, 15 pairs within each.
    assert graph.n_similar == (18 * 9 + 18 * 8) * 36 + same * 162 * 15
    frame = pd.DataFrame(metadata).astype({"azimuth": float}).set_index("lighting", drop=False)
    assert graph == grid_graph(frame, step=step, cyclic={"azimuth": 360.0}, ignore={"lighting"}, same=same)
    assert graph == grid_graph(
        pl.DataFrame(metadata), step=step, cyclic={"azimuth": 360}, ignore=("lighting",), same=same
    )


NOISE = st.sampled_from([0.0, 0.25, -0.25])


@st.composite
def grids(draw):
    """Columns on two axes, the first maybe cyclic, with noise within the tolerance; one fixed, one ignored."""
    n, noisy = draw(st.integers(1, 12)), draw(st.booleans())

    def column(values):
        return draw(st.lists(values, min_size=n, max_size=n))

    turn = column(st.integers(-2, 7))
    height = column(st.integers(0, 3))
    if noisy:
        turn = [8.0 * t + e for t, e in zip(turn, column(NOISE), strict=True)]
        height = [4.0 * h + e for h, e in zip(height, column(NOISE), strict=True)]
        step = {"turn": 8, "height": 4}
    else:
        step = {"turn": draw(st.integers(1, 2)), "height": draw(st.integers(1, 2))}
    cyclic = draw(st.sampled_from([{}, {"turn": step["turn"] * draw(st.integers(2, 5))}]))
    metadata = {
        "turn": turn,
        "height": height,
        "kind": column(st.sampled_from("ab")),
        "light": column(st.integers(0, 2)),
    }
    return metadata, {"step": step, "cyclic": cyclic, "ignore": ["light"], "tolerance": 0.125 if noisy else 0.0}


@settings(max_examples=200, deadline=None)
@given(grids(), st.booleans(), st.randoms())
def test_grid_is_the_literal_loop_and_commutes_with_relabelling(grid, same, random):
    metadata, arguments = grid
    graph = grid_graph(metadata, **arguments, same=same)
    assert listed(graph) == literal_grid(metadata, **arguments, same=same)
    order = random.sample(range(graph.n_samples), graph.n_samples)
    moved = {name: [column[k] for k in order] for name, column in metadata.items()}
    assert grid_graph(moved, **arguments, same=same) == relabelled(graph, order)
    turned = {name: metadata[name] for name in reversed(metadata)}
    step = {name: arguments["step"][name] for name in reversed(arguments["step"])}
    assert grid_graph(turned, **{**arguments, "step": step}, same=same) == graph


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


def test_other_kinds_of_columns_and_names():
    when = np.array(["2006-06-17", "2006-06-17", "2006-06-18"], dtype="datetime64[D]")
    frame = pd.DataFrame({0: [1, 2, 2], 1: when})
    assert listed(grid_graph(frame, step={0: 1})) == [[0, 1]]
    nullable = pd.DataFrame({"x": pd.array([1, 2, 3], dtype="Int64")})
    assert listed(grid_graph(nullable, step={"x": 1})) == [[0, 1], [1, 2]]


def test_many_samples_need_no_square():
    """200,000 samples: a table of all pairs would be 20 GB."""
    n = 200_000
    chain = np.random.default_rng(0).permutation(n)
    assert grid_graph({"x": chain}, step={"x": 1}).n_similar == n - 1
    assert sequence_graph(chain, 1).n_similar == n - 1
    assert sequence_graph(chain, 1, groups=chain // 2).n_similar == n // 2
    assert orbit_graph(chain // 4).n_similar == n // 4 * 6


TABLE = {"azimuth": [0, 20, 40], "elevation": [30, 30, 35], "light": ["a", "b", "c"]}
UNORDERED = pd.Categorical(["a", "b", "c"])


def refuses_grid(message, changes=(), error=ValueError, **arguments):
    refuses(message, grid_graph, {**TABLE, **dict(changes)}, error=error, **{"step": {"azimuth": 20}, **arguments})


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


def test_grid_graph_refuses_parameters():
    limits = "The 'tolerance' parameter of grid_graph must be a float in the range [0.0, 0.5). Got "
    refuses_grid(f"{limits}0.5 instead.", tolerance=0.5)
    refuses_grid(f"{limits}-0.1 instead.", tolerance=-0.1)
    refuses_grid("The 'same' parameter of grid_graph must be an instance of 'bool'", same="yes")


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
    assert grid_graph({**TABLE, "light": ["a", "b"]}, step={"azimuth": 20}, ignore=["light"]).n_samples == 3


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
        ("Expected cyclic['light'] to be 3, the number of its levels. Got 6.", TABLE["light"], ["a", "b", "c"], 6),
        ("Expected step['light'] to list each level once. Got ['a', 'b', 'a'].", TABLE["light"], ["a", "b", "a"], None),
        ("Expected step['light'] to list each level once. Got [].", TABLE["light"], [], None),
        (
            "Expected column 'light' of 'metadata' to hold levels that step['light'] lists. Row 2 does not. "
            "Got 'c': accepted are 'a', 'b'.",
            TABLE["light"],
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


def test_grid_graph_refuses_what_is_no_table():
    message = (
        "Expected 'metadata' to be a DataFrame or a dict of arrays. Got an array of shape (2, 2) and dtype float64."
    )
    refuses(message, grid_graph, np.eye(2), step={"x": 1}, error=TypeError)
    refuses("'step' names a column that is not in 'metadata'", grid_graph, {}, step={"x": 1})
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    refuses("Expected column 'x' of 'metadata' to be 1-D", grid_graph, twice, step={"x": 1})
