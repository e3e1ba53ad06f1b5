"""All pairs within a radius: by hand, against the literal loop, at the last digit, and too many."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.literal import TIED, literal_ball

from drlim import radius_graph
from drlim._base import arrays as _runs
from drlim.neighbors import exact as _nearest

quick = settings(max_examples=60, deadline=None)


def test_the_ball_is_closed():
    graph = radius_graph([[0.0], [1.0], [3.0], [3.5]], radius=1.0)
    assert graph.similar.pairs().tolist() == [[0, 1], [2, 3]]
    assert (graph.n_dissimilar, graph.rest) == (4, "dissimilar")
    assert radius_graph([[0.0, 0.0], [3.0, 4.0]], 5).n_similar == 1
    assert radius_graph([[0.0, 0.0], [3.0, 4.0]], np.nextafter(5.0, 0.0)).n_similar == 0


def test_radius_zero_joins_identical_samples():
    assert radius_graph([[0.1], [0.2], [0.1]], 0).similar.pairs().tolist() == [[0, 2]]


@quick
@given(TIED, st.sampled_from([0.0, 1.0, np.sqrt(2), 2.0, 2.5, 1e300]), st.booleans())
def test_radius_is_the_literal_loop(X, radius, by_tree):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_nearest, "_TREE_SAMPLES", 0 if by_tree else 10**9)
        assert radius_graph(X, radius).similar.pairs().tolist() == literal_ball(X, radius)


@pytest.mark.parametrize("by_tree", [False, True])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1.0, 1e8), (1e-160, 0.0)])
def test_radius_at_the_last_digit(monkeypatch, by_tree, scale, offset):
    """Every distance of the data is a radius once, and once the number just below it."""
    monkeypatch.setattr(_nearest, "_TREE_SAMPLES", 0 if by_tree else 10**9)
    X = scale * np.random.default_rng(0).random((8, 3)) + offset * (np.arange(8) % 2)[:, None]
    for i, j in combinations(range(8), 2):
        length = float(np.sqrt(np.einsum("d,d", X[i] - X[j], X[i] - X[j])))
        for radius in (length, float(np.nextafter(length, 0.0))):
            assert radius_graph(X, radius).similar.pairs().tolist() == literal_ball(X, radius)


@pytest.mark.parametrize("block_bytes", [1, 8 * 50 * 7, 8 * 50 * 50])
def test_blocks_do_not_show_in_a_radius(monkeypatch, block_bytes):
    X = np.random.default_rng(0).normal(size=(50, 9))
    graph = radius_graph(X, 3.5)
    assert 100 < graph.n_similar < 1100
    monkeypatch.setattr(_nearest, "_BLOCK_BYTES", block_bytes)
    assert radius_graph(X, 3.5) == graph


@pytest.mark.parametrize("d", [2, 12])
def test_a_radius_of_too_many_pairs_is_refused_before_they_are_listed(monkeypatch, d):
    monkeypatch.setattr(_runs, "MOST_PAIRS", 1000)
    X = np.random.default_rng(0).random((1000, d))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"list 5\.0e\+05 pairs, which do not fit.*Give a smaller radius\."):
            radius_graph(X, 10.0)
        assert tracemalloc.get_traced_memory()[1] < (2**20 if d == 2 else 2**26)
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(_nearest, "_BLOCK_BYTES", 2**16)
    with pytest.raises(ValueError, match="Give a smaller radius"):
        radius_graph(X, 10.0)


def test_few_more_pairs_than_fit_are_counted(monkeypatch):
    """On a line of 1000 with 5 to each side: 4985 pairs, too close to the limit for a sample."""
    X = np.arange(1000.0)[:, None]
    monkeypatch.setattr(_runs, "MOST_PAIRS", 4985)
    assert radius_graph(X, 5).n_similar == 4985
    monkeypatch.setattr(_runs, "MOST_PAIRS", 4984)
    with pytest.raises(ValueError, match=r"^These relations would list 5\.0e\+03 pairs"):
        radius_graph(X, 5)
