"""`Listing`: one listing solved by hand, and equality with literal sets of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim.graph.listing import Listing, first_of_runs

quick = settings(max_examples=60, deadline=None)


@st.composite
def edges(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    n = draw(st.integers(2, 7))
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    return n, draw(st.lists(ends, max_size=10))


def listed(n: int, pairs: list[tuple[int, int]]) -> Listing:
    return Listing.from_edges(n, np.array(pairs, dtype=np.int64).reshape(-1, 2))


def test_three_pairs_by_hand():
    """Pairs (0, 2) of weight 3, the larger of two, and (1, 2) of weight 1, on four samples."""
    given_edges = np.array([[2, 0], [1, 2], [0, 2]])
    listing = Listing.from_edges(4, given_edges, np.array([2.0, 1.0, 3.0]))
    assert listing.indptr.tolist() == [0, 1, 2, 4, 4]
    assert listing.indices.tolist() == [2, 2, 0, 1]
    assert listing.weights.tolist() == [3, 1, 3, 1]
    assert listing.n_samples == 4
    assert listing.rows().tolist() == [0, 1, 2, 2]
    assert listing.keys(1, 3).tolist() == [0 * 4 + 2, 1 * 4 + 0, 1 * 4 + 1]
    assert listing.find(np.array([2, 0, 1, 3]), np.array([1, 1, 2, 0])).tolist() == [3, -1, 1, -1]
    for array in listing:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_unit_weights_are_written_out_on_demand():
    edge = np.array([[0, 1]])
    assert Listing.from_edges(2, edge, np.array([1.0])).weights is None
    assert Listing.from_edges(2, edge).all_weights().tolist() == [1, 1]
    assert Listing.from_edges(2, edge, np.array([4.0])).all_weights().tolist() == [4, 4]


def test_an_empty_listing():
    listing = Listing.empty(3)
    assert listing.indptr.tolist() == [0, 0, 0, 0]
    assert listing.find(np.array([0, 1]), np.array([1, 2])).tolist() == [-1, -1]
    part, entries = listing.cut(np.array([2, 0]), np.array([1, -1, 0]))
    assert (part.n_samples, len(part.indices), len(entries)) == (2, 0, 0)


@quick
@given(edges())
def test_pairs_are_found_where_they_are_listed(case):
    n, pairs = case
    listing = listed(n, pairs)
    first, second = (axis.ravel() for axis in np.indices((n, n)))
    entries = listing.find(first, second)
    known = {(i, j) for pair in pairs for i, j in (pair, pair[::-1])}
    for i, j, entry in zip(first.tolist(), second.tolist(), entries.tolist(), strict=True):
        assert (entry >= 0) == ((i, j) in known)
        assert entry < 0 or (listing.rows()[entry], listing.indices[entry]) == (i, j)


@quick
@given(edges(), st.data())
def test_a_cut_names_the_entries_it_comes_from(case, data):
    n, pairs = case
    listing = listed(n, pairs)
    samples = np.array(data.draw(st.lists(st.integers(0, n - 1), unique=True)), dtype=np.int64)
    position = np.full(n, -1)
    position[samples] = np.arange(len(samples))
    part, entries = listing.cut(samples, position)
    np.testing.assert_array_equal(samples[part.rows()], listing.rows()[entries])
    np.testing.assert_array_equal(samples[part.indices], listing.indices[entries])
    inside = {tuple(sorted(pair)) for pair in pairs if set(pair) <= set(samples.tolist())}
    assert len(entries) == 2 * len(inside)


@pytest.mark.parametrize(
    ("numbers", "expected"), [([], []), ([3], [True]), ([1, 1, 2, 5, 5], [True, False, True, True, False])]
)
def test_the_first_of_each_run(numbers, expected):
    assert first_of_runs(np.array(numbers, dtype=np.int64)).tolist() == expected
