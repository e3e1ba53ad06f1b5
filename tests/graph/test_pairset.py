"""`PairSet`: cases solved by hand, equality with tables of weights, sizes."""

from __future__ import annotations

import copy
import pickle
import re
import time
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim.graph import algebra, strips
from drlim.graph.blocks import Blocks
from drlim.graph.pairset import PairSet, cut_all, pointwise

quick = settings(max_examples=60, deadline=None)


def dense_of(pairs: PairSet) -> np.ndarray:
    first, second = (axis.ravel() for axis in np.indices((pairs.n_samples,) * 2))
    return pairs.weight_of(first, second).reshape(pairs.n_samples, pairs.n_samples)


@st.composite
def pair_sets(draw: st.DrawFn, n: int) -> PairSet:
    """Listed pairs, with or without weights, beside or taken out of classes."""
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    listed = draw(st.lists(ends, max_size=8)) if n > 1 else []
    weights = draw(st.none() | st.lists(st.sampled_from([0.5, 1, 2]), min_size=len(listed), max_size=len(listed)))
    found = PairSet.from_pairs(n, listed, weights=weights)
    codes = np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
    levels = [draw(st.sampled_from([0.0, 1.0, 2.0])) for _ in range(3)]
    implied = PairSet.from_blocks(Blocks.from_codes(codes, within=levels[0], between=levels[1], outside=levels[2]))
    return draw(st.sampled_from([found, implied, found | implied, implied - found]))


any_set = st.integers(1, 7).flatmap(pair_sets)
two_sets = st.integers(1, 7).flatmap(lambda n: st.tuples(pair_sets(n), pair_sets(n)))


def test_weights_and_exceptions_by_hand():
    """All pairs of four samples but (0, 1), and (2, 3) with weight 5."""
    everything = PairSet.from_blocks(Blocks.constant(4, 1.0))
    found = (everything - PairSet.from_pairs(4, [(0, 1)])) | PairSet.from_pairs(4, [(3, 2)], weights=[5.0])
    assert found.indices.tolist() == [1, 0, 3, 2]
    assert found.weights.tolist() == [0, 0, 5, 5]
    assert (found.n_pairs, found.total_weight) == (5, 9.0)
    assert found.degrees.tolist() == [2, 2, 3, 3]
    assert found.pairs().tolist() == [[0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert found.pair_weights().tolist() == [1, 1, 1, 1, 5]
    corrections = found.corrections()
    assert corrections.weights.tolist() == [-1, -1, 4, 4]
    assert corrections.indices is found.indices
    assert found.partners(0).tolist() == [2, 3]


def test_a_repeated_pair_has_its_largest_weight():
    found = PairSet.from_pairs(3, [(0, 1), (1, 0), (2, 1), (0, 1)], weights=[1, 3, 1, 2])
    assert found.pairs().tolist() == [[0, 1], [1, 2]]
    assert found.pair_weights().tolist() == [3, 1]


@quick
@given(any_set)
def test_counts_are_those_of_the_table(pairs):
    table = dense_of(pairs)
    first, second = np.nonzero(np.triu(table))
    np.testing.assert_array_equal(table, table.T)
    assert not table.diagonal().any()
    assert pairs.pairs().tolist() == np.column_stack([first, second]).tolist()
    assert pairs.pair_weights().tolist() == table[first, second].tolist()
    assert pairs.n_pairs == len(first)
    assert pairs.total_weight == table.sum() / 2
    assert pairs.degrees.tolist() == np.count_nonzero(table, axis=1).tolist()
    for sample, row in enumerate(table):
        assert pairs.partners(sample).tolist() == np.flatnonzero(row).tolist()


@quick
@given(any_set, st.data())
def test_pairs_inside_groups_are_counted(pairs, data):
    n = pairs.n_samples
    group = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    assert pairs.count_within(group) == np.count_nonzero(dense_of(pairs) * (group[:, None] == group)) // 2


@quick
@given(any_set)
def test_blocks_and_corrections_add_up(pairs):
    n = pairs.n_samples
    table = np.zeros((n, n))
    if pairs.blocks is not None:
        first, second = np.triu_indices(n, 1)
        table[first, second] = table[second, first] = pairs.blocks.weight_of(first, second)
    listed = pairs.corrections()
    table[np.repeat(np.arange(n), np.diff(listed.indptr)), listed.indices] += listed.weights
    np.testing.assert_array_equal(table, dense_of(pairs))
    assert listed.weights.all()


@quick
@given(two_sets)
def test_rows_stay_symmetric_in_order_and_without_repeats(sets):
    for found in (sets[0] | sets[1], sets[0] & sets[1], sets[0] - sets[1], sets[0] * 3):
        listed = [found.indices[a:b].tolist() for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]
        assert all(row == sorted(set(row)) for row in listed)
        assert all(i in listed[j] and i != j for i, row in enumerate(listed) for j in row)
        assert found.weights is None or not (found.weights == 1).all()
        assert found.corrections().weights.all()  # what the blocks say is not listed again


@quick
@given(two_sets)
def test_chunks_do_not_show(sets):
    whole = sets[0] | sets[1]
    with mock.patch.object(algebra, "_CHUNK", 3), mock.patch.object(strips, "_CHUNK", 3):
        part = sets[0] | sets[1]
        written = part.pairs().tolist()
    np.testing.assert_array_equal(part.indptr, whole.indptr)
    np.testing.assert_array_equal(part.indices, whole.indices)
    np.testing.assert_array_equal(part.corrections().weights, whole.corrections().weights)
    assert written == whole.pairs().tolist()


@quick
@given(two_sets, st.data())
def test_cut_is_the_literal_one(sets, data):
    n = sets[0].n_samples
    samples = np.array(data.draw(st.lists(st.integers(0, n - 1), unique=True)), dtype=int)
    position = np.full(n, -1)
    cut = cut_all([sets[0], sets[1], sets[0]], samples, position)
    assert (position == -1).all()
    assert cut[0] is cut[2]
    for part, whole in zip(cut, sets, strict=False):
        np.testing.assert_array_equal(dense_of(part), dense_of(whole)[np.ix_(samples, samples)])
        for array in (part.indptr, part.indices):
            assert array.dtype == np.int64
            assert not array.flags.writeable


def test_a_function_of_one_set_shares_its_listing():
    listed = PairSet.from_pairs(5, [(0, 1), (2, 4)])
    rest = pointwise(lambda weights: np.where(weights > 0, 0.0, 1.0), listed)
    assert rest.indices is listed.indices
    assert rest.n_pairs == 8


@pytest.mark.parametrize(("first", "second"), [([0], [3]), ([-1], [0]), ([0, 1], [2, -7])])
def test_weights_of_samples_that_are_not_there(first, second):
    with pytest.raises(ValueError, match=r"^Expected sample indices in \[0, 3\)\. Got"):
        PairSet.from_pairs(3, [(0, 1)]).weight_of(first, second)
    with pytest.raises(TypeError, match=r"^Expected integer sample indices\. Got"):
        PairSet.from_pairs(3, [(0, 1)]).weight_of([0.5], [1])


def test_more_pairs_than_can_be_written_out():
    everything = PairSet.from_blocks(Blocks.constant(50_000, 1.0))
    with pytest.raises(ValueError, match=r"^The set has 1249975000 pairs, most of them implied by classes; at most 10"):
        everything.pairs()
    with pytest.raises(ValueError, match=r"^The set has 1249975000 pairs"):
        everything.pair_weights()


@pytest.mark.parametrize("remake", [lambda one: one, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301
def test_nothing_can_be_changed(remake):
    classes = PairSet.from_blocks(Blocks.from_codes(np.array([0, 0, 1, 1]), within=1.0))
    pairs = remake(classes | PairSet.from_pairs(4, [(0, 3)], weights=[2.0]))
    assert pairs.degrees.tolist() == [2, 1, 1, 2]
    for array in (pairs.indptr, pairs.indices, pairs.weights, pairs.degrees, pairs.corrections().weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_batch_costs_its_own_partners_whatever_n_is():
    n = 500_000
    chain = PairSet.from_pairs(n, np.column_stack([np.arange(n - 1), np.arange(1, n)]))
    rest = pointwise(lambda weights: np.where(weights > 0, 0.0, 1.0), chain)
    position, batch = np.full(n, -1, dtype=np.int64), np.array([7, n - 1, 8, n - 2])
    tracemalloc.start()
    try:
        part = rest.within(batch, position)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert part.pairs().tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]
    assert peak < 100_000  # one number a sample would be 4 MB


def test_a_class_of_many_costs_a_code_a_sample():
    n = 50_000
    tracemalloc.start()
    try:
        classes = PairSet.from_blocks(Blocks.from_codes(np.zeros(n, dtype=int) - (np.arange(n) > n - 3), within=1.0))
        found = (classes - PairSet.from_pairs(n, [(0, 1)])) | PairSet.from_pairs(n, [(0, n - 1)])
        count = found.n_pairs
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == (n - 2) * (n - 3) // 2
    assert peak < 200 * n


@pytest.mark.slow
def test_ten_million_pairs_of_a_million_samples():
    n, generator = 10**6, np.random.default_rng(0)
    one, other = (generator.integers(0, n, (10**7, 2)) for _ in range(2))
    sets = []

    def timed(name, make):
        start = time.perf_counter()
        made = make()
        seconds = time.perf_counter() - start
        assert seconds < 10, f"{name} took {seconds:.1f} s"
        return made

    for edges in (one, other):
        edges = edges[edges[:, 0] != edges[:, 1]]
        sets.append(timed("from_pairs", lambda edges=edges: PairSet.from_pairs(n, edges)))
        timed("weighted", lambda edges=edges: PairSet.from_pairs(n, edges, weights=np.linspace(1, 2, len(edges))))
    for name in ("__or__", "__and__", "__sub__"):
        timed(name, lambda name=name: getattr(sets[0], name)(sets[1]))


def test_the_name_of_a_bad_weight_is_that_of_its_pairs():
    with pytest.raises(
        ValueError, match=re.escape("Expected the weights of 'dissimilar' to be finite and above 0. Got -3.0")
    ):
        PairSet.from_pairs(3, [(0, 1)], "dissimilar", weights=[-3])
