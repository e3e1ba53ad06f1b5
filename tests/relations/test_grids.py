"""Samples on a grid: by hand, the literal double loop of the rule, relabelling, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses_grid, relabelled

from drlim.datasets import turntable
from drlim.relations import grid_graph, orbit_graph, sequence_graph


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


def test_many_samples_need_no_square():
    """200,000 samples: a table of all pairs would be 20 GB."""
    n = 200_000
    chain = np.random.default_rng(0).permutation(n)
    assert grid_graph({"x": chain}, step={"x": 1}).n_similar == n - 1
    assert sequence_graph(chain, 1).n_similar == n - 1
    assert sequence_graph(chain, 1, groups=chain // 2).n_similar == n // 2
    assert orbit_graph(chain // 4).n_similar == n // 4 * 6


def test_grid_graph_refuses_parameters():
    limits = "The 'tolerance' parameter of grid_graph must be a float in the range [0.0, 0.5). Got "
    refuses_grid(f"{limits}0.5 instead.", tolerance=0.5)
    refuses_grid(f"{limits}-0.1 instead.", tolerance=-0.1)
    refuses_grid("The 'same' parameter of grid_graph must be an instance of 'bool'", same="yes")
