"""Graphs and blocks drawn by hypothesis, and their literal forms, which the tests of graphs share."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import strategies as st

from drlim import NeighborhoodGraph
from drlim.graph.blocks import Blocks
from drlim.graph.joint import combined
from drlim.graph.pairset import PairSet

KINDS = ("similar", "dissimilar", "ignored")

LEVELS = st.sampled_from([0.0, 0.5, 1.0, 3.0])


def as_sets(graph: NeighborhoodGraph) -> dict[str, set[tuple[int, int]]]:
    """State of every pair, literally: which pairs are in each."""
    everything = set(combinations(range(graph.n_samples), 2))
    listed = {kind: {tuple(pair) for pair in getattr(graph, kind).pairs().tolist()} for kind in KINDS}
    rest = everything - listed["similar"] - listed["dissimilar"] - listed["ignored"]
    assert not (rest and graph.rest == "dissimilar")
    listed["ignored"] |= rest
    return listed


@st.composite
def graphs(draw: st.DrawFn, max_samples: int = 9) -> NeighborhoodGraph:
    """Any graph: each pair is listed in one of the states or in none, in either direction."""
    n = draw(st.integers(1, max_samples))
    pairs = list(combinations(range(n), 2))
    states = draw(st.lists(st.sampled_from([*KINDS, None]), min_size=len(pairs), max_size=len(pairs)))
    turned = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    listed: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for (i, j), state, turn in zip(pairs, states, turned, strict=True):
        if state is not None:
            listed[state].append((j, i) if turn else (i, j))
    given_kinds = {kind: listed[kind] or None for kind in ("dissimilar", "ignored")}
    return NeighborhoodGraph.from_pairs(n, listed["similar"], **given_kinds)


def labelled(codes: list[int]) -> NeighborhoodGraph:
    """Classes alike within and apart between, implied."""
    array = np.array(codes)
    sets = (PairSet.from_blocks(Blocks.from_codes(array, **levels)) for levels in ({"within": 1.0}, {"between": 1.0}))
    return NeighborhoodGraph.from_sets(len(codes), *sets, rest="ignored")


@st.composite
def blocks_of(draw: st.DrawFn, n: int) -> Blocks:
    codes = np.array(draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)), dtype=int)
    return Blocks.from_codes(codes, within=draw(LEVELS), between=draw(LEVELS), outside=draw(LEVELS))


@st.composite
def any_blocks(draw: st.DrawFn, n: int) -> Blocks:
    """Of three levels, constant, or of a table."""
    one, other = draw(blocks_of(n)), draw(blocks_of(n))
    joint = combined(np.maximum, n, [one, other])
    return draw(st.sampled_from([one, Blocks.constant(n, 2.0), joint or other]))


def table_of(blocks: Blocks | None, n: int) -> np.ndarray:
    table = np.zeros((n, n))
    for i, j in combinations(range(n), 2):
        if blocks is not None:
            table[i, j] = table[j, i] = blocks.weight_of(np.array([i]), np.array([j]))[0]
    return table
