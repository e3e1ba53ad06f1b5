"""Ragged ranges, runs and products: cases solved by hand, and equality with literal loops."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim._base.arrays import (
    MOST_PAIRS,
    check_count,
    frozen,
    frozen_state,
    joined,
    pairs_within,
    products,
    ragged_ranges,
)

quick = settings(max_examples=60, deadline=None)

ranges = st.lists(st.tuples(st.integers(-5, 20), st.integers(0, 6)), max_size=8)


def whole(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_a_frozen_array_is_the_same_one_and_cannot_be_changed():
    array = np.arange(3)
    assert frozen(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_a_restored_state_has_its_arrays_frozen():
    state = {"weights": np.ones(2), "name": "similar", "nothing": None}
    restored = frozen_state(state)
    assert restored.keys() == state.keys()
    assert restored["name"] == "similar"
    assert restored["weights"] is state["weights"]
    with pytest.raises(ValueError, match="read-only"):
        restored["weights"][0] = 2.0


def test_ragged_ranges_by_hand():
    found = ragged_ranges(whole([5, 0, 9, 2]), whole([3, 0, 1, 2]))
    assert found.tolist() == [5, 6, 7, 9, 2, 3]
    assert found.dtype == np.int64
    assert ragged_ranges(whole([]), whole([])).tolist() == []


@quick
@given(ranges)
def test_ragged_ranges_are_those_of_a_loop(given_ranges):
    expected = [start + step for start, length in given_ranges for step in range(length)]
    starts, lengths = whole([start for start, _ in given_ranges]), whole([length for _, length in given_ranges])
    assert ragged_ranges(starts, lengths).tolist() == expected


def test_joined_by_hand():
    """7 with 1 and 2; 8 with nothing, since its range ends before it starts; 9 with 0."""
    first, second = joined(whole([7, 8, 9]), whole([1, 5, 0]), whole([3, 4, 1]))
    assert first.tolist() == [7, 7, 9]
    assert second.tolist() == [1, 2, 0]


@quick
@given(ranges)
def test_joined_is_a_double_loop(given_ranges):
    starts = whole([start for start, _ in given_ranges])
    stops = starts + whole([length - 2 for _, length in given_ranges])  # some end before they start
    first, second = joined(np.arange(len(starts)) * 10, starts, stops)
    expected = [(10 * k, number) for k in range(len(starts)) for number in range(starts[k], stops[k])]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


def test_pairs_within_by_hand():
    """Places 0, 2 and 3 hold code 4; 1 and 5 hold none; 4 is alone."""
    pairs = pairs_within(whole([4, -1, 4, 4, 0, -1]))
    assert pairs.tolist() == [[0, 2], [0, 3], [2, 3]]
    assert pairs_within(whole([])).shape == (0, 2)


@quick
@given(st.lists(st.integers(-2, 3), max_size=12))
def test_pairs_within_are_those_of_a_double_loop(codes):
    expected = {(i, j) for j in range(len(codes)) for i in range(j) if codes[i] == codes[j] >= 0}
    pairs = pairs_within(whole(codes)).tolist()
    assert len(pairs) == len(expected)
    assert {tuple(pair) for pair in pairs} == expected


def test_products_by_hand():
    """Runs (3, 1), (0) and () of one order: the first with the second, the second with itself, the first with none."""
    order, starts, stops = whole([3, 1, 0]), whole([0, 2, 3]), whole([2, 3, 3])
    found = products(order, starts, stops, whole([0, 1, 0]), whole([1, 1, 2]))
    assert found.tolist() == [[3, 0], [1, 0], [0, 0]]


@quick
@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.data())
def test_products_are_those_of_loops(sizes, data):
    stops = np.cumsum(sizes)
    starts = stops - sizes
    order = whole(data.draw(st.permutations(range(int(stops[-1])))))
    run = st.integers(0, len(sizes) - 1)
    chosen = data.draw(st.lists(st.tuples(run, run), max_size=5))
    here, there = whole([a for a, _ in chosen]), whole([b for _, b in chosen])
    expected = [
        [int(order[i]), int(order[j])]
        for a, b in chosen
        for i in range(starts[a], stops[a])
        for j in range(starts[b], stops[b])
    ]
    assert products(order, starts, stops, here, there).tolist() == expected


def test_more_pairs_than_fit_into_memory_are_refused():
    check_count(MOST_PAIRS, "")
    message = "These relations would list 1.0e+09 pairs, which do not fit into memory; at most 1e+09 are accepted. Do."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_count(MOST_PAIRS + 1, "Do.")
    with pytest.raises(ValueError, match=r"Give smaller groups or cells, or a shorter window\.$"):
        joined(whole([0]), whole([0]), whole([MOST_PAIRS + 1]))
