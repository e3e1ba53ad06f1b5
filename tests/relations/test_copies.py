"""Copies of samples: by hand, the paper's rule as a literal loop, relabelling, refusals."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from tests.builders import listed, refuses, relabelled

from drlim import NeighborhoodGraph
from drlim.datasets import digits
from drlim.graph.blocks import Blocks
from drlim.graph.pairset import PairSet
from drlim.neighbors import knn_graph, knn_indices
from drlim.relations import (
    label_graph,
    orbit_graph,
    orbits,
    pairs,
    shift,
    shifts,
    with_copies,
)

quick = settings(max_examples=60, deadline=None)


# orbits


def test_orbits_by_hand():
    copies = orbits(np.array([[1, 2], [3, 4], [5, 6]]), {"negated": np.negative, "doubled": lambda batch: 2 * batch})
    assert copies.X.tolist() == [[1, 2], [3, 4], [5, 6], [-1, -2], [-3, -4], [-5, -6], [2, 4], [6, 8], [10, 12]]
    assert copies.source.tolist() == [0, 1, 2] * 3
    assert copies.transform.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert copies.names == ("unchanged", "negated", "doubled")
    assert listed(copies.graph) == [[0, 3], [0, 6], [1, 4], [1, 7], [2, 5], [2, 8], [3, 6], [4, 7], [5, 8]]
    assert repr(copies) == "Orbits(X (9, 2), 3 samples, 3 copies of each)"


def test_orbits_of_a_sequence_are_named_by_place():
    copies = orbits([[1.0, 2.0]], (np.negative, np.sqrt))
    assert copies.names == ("unchanged", "1", "2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        copies.source = None


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_orbits_keep_dtype_and_shape(dtype):
    images = np.random.default_rng(0).integers(0, 9, size=(4, 6, 5)).astype(dtype)
    copies = orbits(images, shifts([-2, 1]))
    assert copies.X.dtype == dtype
    assert copies.X.shape == (12, 6, 5)
    for t, dx in enumerate([0, -2, 1]):
        assert (copies.X[copies.transform == t] == shift(images, dx)).all()
    assert copies.graph == orbit_graph(copies.source)


def test_a_transform_may_compute_in_another_float_type_or_in_place():
    def in_place(batch):
        batch *= 3
        return batch

    X = np.array([[1.0, 2.0]], dtype=np.float32)
    copies = orbits(X, [in_place, lambda batch: batch.astype(np.float64) / 2, lambda batch: (batch > 1).tolist()])
    assert copies.X.tolist() == [[1.0, 2.0], [3.0, 6.0], [0.5, 1.0], [0.0, 1.0]]
    assert X.tolist() == [[1.0, 2.0]]
    assert copies.X.dtype == np.float32


def test_orbits_commute_with_relabelling():
    X = np.random.default_rng(0).random((5, 3, 4))
    order = np.array([3, 0, 4, 1, 2])
    plain, moved = orbits(X, shifts([1, -1])), orbits(X[order], shifts([1, -1]))
    rows = np.concatenate([order, order + 5, order + 10])
    np.testing.assert_array_equal(moved.X, plain.X[rows])
    assert moved.graph == relabelled(plain.graph, rows)


@pytest.mark.parametrize(
    ("message", "error", "X", "transforms"),
    [
        (
            "Expected 'transforms' to be a list of callables, or a dict of name to callable. Got <ufunc 'negative'>.",
            TypeError,
            [[1.0]],
            np.negative,
        ),
        ("Expected 'transforms' to be a list of callables", TypeError, [[1.0]], "flip"),
        ("Expected 'transforms' to hold at least one callable. Got none.", ValueError, [[1.0]], []),
        (
            "Expected 'transforms' to hold callables from a batch to a batch, named by strings. Got 3 under '2'.",
            TypeError,
            [[1.0]],
            [np.negative, 3],
        ),
        ("named by strings. Got <ufunc 'negative'> under 7.", TypeError, [[1.0]], {7: np.negative}),
        (
            "Expected transform 'cut' to keep the shape (2, 3) of a batch. Got (2, 2).",
            ValueError,
            np.ones((2, 3)),
            {"cut": lambda batch: batch[:, 1:]},
        ),
        (
            "Expected transform '1' to return values that uint8, the dtype of 'X', can hold. Got float64: convert X",
            ValueError,
            np.ones((2, 3), dtype=np.uint8),
            [lambda batch: batch / 2],
        ),
        (
            "the dtype of 'X', can hold. Got int64",
            ValueError,
            np.ones((2, 3), dtype=np.int8),
            [lambda b: b.astype(int)],
        ),
        ("Expected transform '1' to return finite values.", ValueError, [[1.0]], [lambda batch: batch * np.nan]),
        (
            "Expected transform '1' to return finite values.",
            ValueError,
            np.ones((1, 1), dtype=np.float16),
            [lambda batch: batch.astype(np.float64) * 1e9],
        ),
        (
            "Expected what transform '1' returns to be an array. Got rows of unequal length.",
            ValueError,
            [[1.0], [2.0]],
            [lambda _: [[1.0], [2.0, 3.0]]],
        ),
        ("Input X contains NaN.", ValueError, [[np.nan]], [np.negative]),
        ("Found array with 0 sample(s)", ValueError, np.empty((0, 2)), [np.negative]),
        ("Expected 2D array, got 1D array instead", ValueError, [1.0, 2.0], [np.negative]),
    ],
)
def test_orbits_refuses(message, error, X, transforms):
    refuses(message, orbits, X, transforms, error=error)


# lazy orbits

TRANSFORMS = {**shifts([-2, 1]), "halved": lambda batch: batch / 2, "mirrored": lambda batch: batch[..., ::-1]}
IMAGES = np.random.default_rng(0).random((7, 3, 5)).astype(np.float32)


@quick
@given(st.lists(st.integers(0, 34), max_size=12), st.sampled_from([np.float32, np.float64]))
def test_lazy_copies_equal_the_stored_ones_bit_for_bit(rows, dtype):
    X = IMAGES.astype(dtype)
    stored, lazy = orbits(X, TRANSFORMS), orbits(X, TRANSFORMS, lazy=True)
    index = np.array(rows, dtype=np.int64)
    assert lazy.X.take(index).tobytes() == stored.X[index].tobytes()
    assert lazy.X[index].dtype == dtype
    assert lazy.graph == stored.graph
    assert (lazy.source == stored.source).all()
    assert (lazy.transform == stored.transform).all()
    assert lazy.names == stored.names


def test_lazy_copies_read_like_an_array():
    stored, lazy = orbits(IMAGES, TRANSFORMS).X, orbits(IMAGES, TRANSFORMS, lazy=True).X
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy)) == (stored.shape, stored.dtype, stored.ndim, len(stored))
    assert repr(lazy) == "LazyCopies(shape=(35, 3, 5), dtype=float32)"
    every_third = np.arange(35) % 3 == 0
    for index in (slice(None), slice(30, 3, -4), [0, -1, 8], every_third, np.array([], dtype=int), [], 9, np.int64(-2)):
        assert lazy[index].shape == stored[index].shape
        np.testing.assert_array_equal(lazy[index], stored[index])
    np.testing.assert_array_equal(lazy[[3, 1], ...], stored[[3, 1]])
    np.testing.assert_array_equal(np.asarray(lazy), stored)
    assert np.asarray(lazy, dtype=np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.stack(list(lazy)), stored)
    np.testing.assert_array_equal(
        train_test_split(lazy, random_state=0)[0], train_test_split(stored, random_state=0)[0]
    )


def test_lazy_copies_are_made_for_the_rows_read_and_for_no_others():
    made = []

    def counted(batch):
        made.append(len(batch))
        return -batch

    copies = orbits(IMAGES, {"first": counted, "second": counted}, lazy=True).X
    made.clear()
    copies[np.array([8, 0, 3, 9, 15])]
    assert made == [2, 1]
    copies[:7]
    assert made == [2, 1]


def test_lazy_copies_of_a_memory_map_stay_on_disk(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    X = np.load(tmp_path / "images.npy", mmap_mode="r")
    copies = orbits(X, shifts([1]), lazy=True).X
    assert np.shares_memory(copies._samples, X)
    np.testing.assert_array_equal(copies[7:], shift(IMAGES, 1))


def test_random_transforms_are_fresh_at_each_reading():
    generator = np.random.default_rng(0)
    noise = {"noise": lambda batch: batch + generator.normal(size=batch.shape)}
    lazy, stored = orbits(IMAGES, noise, lazy=True).X, orbits(IMAGES, noise).X
    assert (lazy[7:] != lazy[7:]).all()
    assert (stored[7:] == stored[7:]).all()


@pytest.mark.parametrize(
    "index", ["a", 1.5, [0.0, 1.0], 35, -36, [0, 35], np.eye(2, dtype=int), np.ones(34, dtype=bool), (1, 2), None]
)
def test_lazy_copies_refuse_an_index(index):
    with pytest.raises(IndexError) as refusal:
        orbits(IMAGES, TRANSFORMS, lazy=True).X[index]
    assert len(str(refusal.value)) <= 600


def test_lazy_orbits_refuse_a_transform_before_it_is_needed():
    refuses("Expected transform 'cut' to keep the shape", orbits, IMAGES, {"cut": lambda b: b[:, :1]}, lazy=True)
    refuses("The 'lazy' parameter of orbits must be", orbits, IMAGES, TRANSFORMS, lazy="yes")
    with pytest.raises(ValueError, match="Expected 'copy' not to be False"):
        np.array(orbits(IMAGES, TRANSFORMS, lazy=True).X, copy=False)

    def later(batch):
        return batch if len(batch) < 3 else batch * np.nan

    copies = orbits(IMAGES, {"later": later}, lazy=True).X
    refuses("Expected transform 'later' to return finite values.", copies.take, np.arange(7, 14))


# with_copies


def test_with_copies_by_hand():
    """Samples 0 and 1 are neighbours, 2 is alone; rows 0-2 are the originals, 3-5 their copies in another order."""
    graph = with_copies(pairs(3, similar=[(0, 1)]), [0, 1, 2, 2, 1, 0])
    assert listed(graph) == [[0, 1], [0, 4], [0, 5], [1, 4], [1, 5], [2, 3], [4, 5]]
    assert graph.n_dissimilar == 8


def test_with_copies_of_a_graph_on_rows_by_hand():
    """Rows 0 and 3 are neighbours: 0 is like all copies of 1, and 3 like all copies of 0."""
    graph = with_copies(pairs(6, similar=[(0, 3)]), [0, 1, 0, 1, 2, 2], graph_on="rows")
    assert listed(graph) == [[0, 1], [0, 2], [0, 3], [1, 3], [2, 3], [4, 5]]


def test_with_copies_carries_all_states():
    graph = pairs(3, similar=[(0, 1)], dissimilar=[(1, 2)], ignored=[(0, 2)])
    lifted = with_copies(graph, [0, 1, 2, 0, 1])
    assert listed(lifted) == [[0, 1], [0, 3], [0, 4], [1, 3], [1, 4], [3, 4]]
    assert lifted.dissimilar.pairs().tolist() == [[1, 2], [2, 4]]
    assert lifted.ignored.pairs().tolist() == [[0, 2], [2, 3]]
    rows = with_copies(pairs(4, similar=[], dissimilar=[(0, 1)]), [0, 1, 0, 1], graph_on="rows")
    assert rows.dissimilar.pairs().tolist() == [[0, 1], [0, 3], [1, 2]]
    assert listed(rows) == [[0, 2], [1, 3]]


LEVELS = st.sampled_from([0.0, 0.0, 1.0, 0.5, 3.0])


@st.composite
def pair_sets(draw, n):
    """Listed pairs, over classes or not, with weights, or pairs taken out of classes."""
    everything = list(combinations(range(n), 2))
    listed = [pair for pair in everything if draw(st.booleans())]
    weights = draw(st.lists(st.sampled_from([1.0, 0.5, 3.0]), min_size=len(listed), max_size=len(listed)))
    found = PairSet.from_pairs(n, listed, weights=weights)
    if draw(st.booleans()):
        codes = np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
        implied = PairSet.from_blocks(
            Blocks.from_codes(codes, within=draw(LEVELS), between=draw(LEVELS), outside=draw(LEVELS)), n
        )
        found = draw(st.sampled_from([implied | found, implied - found]))
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_all_statements_and_weights_are_carried_over(data):
    n = data.draw(st.integers(1, 4))
    sets = [data.draw(pair_sets(n)) for _ in range(3)]
    rest = data.draw(st.sampled_from(["dissimilar", "ignored"]))
    source = np.array(data.draw(st.permutations([*range(n), *data.draw(st.lists(st.integers(0, n - 1), max_size=4))])))
    first, second = np.triu_indices(len(source), 1)
    graph = with_copies(NeighborhoodGraph.from_sets(n, *sets, rest=rest), source)
    assert graph.rest == rest
    same = source[first] == source[second]
    expected = [given.weight_of(source[first], source[second]) for given in sets]
    assert graph.stated_similar.weight_of(first, second).tolist() == np.where(same, 1.0, expected[0]).tolist()
    assert graph.stated_dissimilar.weight_of(first, second).tolist() == expected[1].tolist()
    assert graph.stated_ignored.weight_of(first, second).tolist() == expected[2].tolist()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_all_statements_on_rows_are_carried_over(data):
    n = data.draw(st.integers(1, 6))
    source = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
    given_set = data.draw(pair_sets(n))
    graph = with_copies(NeighborhoodGraph.from_sets(n, None, given_set), source, graph_on="rows")
    expected = np.zeros((n, n))
    for p in range(n):
        for q in range(n):
            if p != q and given_set.weight_of([p], [q])[0]:
                for copy in np.flatnonzero(source == source[q]):
                    weight = max(expected[p, copy], given_set.weight_of([p], [q])[0])
                    expected[p, copy] = expected[copy, p] = weight if p != copy else 0.0
    first, second = np.triu_indices(n, 1)
    assert graph.stated_dissimilar.weight_of(first, second).tolist() == expected[first, second].tolist()
    assert graph.similar.n_pairs + graph.n_contradictions == orbit_graph(source).n_similar


def test_a_copy_stated_dissimilar_to_its_like_is_a_contradiction():
    graph = with_copies(pairs(3, similar=[], dissimilar=[(0, 1)]), [0, 0, 1], graph_on="rows")
    assert (graph.n_similar, graph.n_dissimilar, graph.n_contradictions) == (0, 0, 1)


def test_copies_of_labelled_samples_list_no_classes():
    n = 20_000
    graph = with_copies(label_graph(np.arange(n) % 2), np.tile(np.arange(n), 3))
    assert graph.n_similar == 2 * (3 * n // 2) * (3 * n // 2 - 1) // 2
    assert graph.n_dissimilar == (3 * n // 2) ** 2
    assert len(graph.stated_similar.indices) <= 2 * 3 * n


def papers_rule(nearest, source):
    """Pairs (a), (b) and (c) of the paper, literally; ``nearest[row]`` are the neighbours of a row, as rows."""
    found = set()
    for row in range(len(source)):
        partners = set()
        translations = {other for other in range(len(source)) if source[other] == source[row] and other != row}
        partners |= translations  # (b)
        for neighbor in nearest[row]:
            partners.add(neighbor)  # (a)
            partners |= {other for other in range(len(source)) if source[other] == source[neighbor]}  # (c)
        found |= {(min(row, other), max(row, other)) for other in partners}
    return sorted(map(list, found))


@pytest.mark.parametrize("n_neighbors", [1, 5])
def test_the_papers_pairs_on_digits(n_neighbors):
    X = digits().X_train[:40]
    copies = orbits(X, shifts([-2, -1, 1, 2]))
    nearest, _ = knn_indices(X, n_neighbors)
    graph = with_copies(knn_graph(X, n_neighbors), copies)
    assert listed(graph) == papers_rule([nearest[i].tolist() for i in copies.source], copies.source.tolist())
    assert graph == with_copies(knn_graph(X, n_neighbors), copies.source)
    on_rows = knn_graph(copies.X, n_neighbors)
    nearest = [on_rows.neighbors(row).tolist() for row in range(len(copies.X))]
    assert listed(with_copies(on_rows, copies, graph_on="rows")) == papers_rule(nearest, copies.source.tolist())


@quick
@given(st.data())
def test_with_copies_is_a_literal_loop_and_commutes_with_relabelling(data):
    n = data.draw(st.integers(1, 5))
    source = data.draw(st.permutations([*range(n), *data.draw(st.lists(st.integers(0, n - 1), max_size=7))]))
    similar = [p for p in combinations(range(n), 2) if data.draw(st.booleans())]
    graph = with_copies(pairs(n, similar=similar), source)
    expected = [
        [p, q]
        for p, q in combinations(range(len(source)), 2)
        if source[p] == source[q] or tuple(sorted((source[p], source[q]))) in similar
    ]
    assert listed(graph) == expected
    order = data.draw(st.permutations(range(len(source))))
    moved = with_copies(pairs(n, similar=similar), [source[k] for k in order])
    assert moved == relabelled(graph, order)
    names = data.draw(st.permutations(range(n)))
    renamed = with_copies(relabelled(pairs(n, similar=similar), names), [names.index(i) for i in source])
    assert renamed == graph


def test_the_papers_size_needs_no_loop():
    """30,000 rows: 6000 samples in a ring of 3 neighbours to each side, 5 copies of each."""
    n = 6000
    ring = np.concatenate([np.column_stack([np.arange(n), (np.arange(n) + k) % n]) for k in (1, 2, 3)])
    graph = with_copies(pairs(n, similar=ring), np.tile(np.arange(n), 5))
    assert graph.n_similar == n * 10 + 3 * n * 25
    assert set(graph.similar.degrees.tolist()) == {4 + 6 * 5}


THREE = pairs(3, similar=[(0, 1)])


@pytest.mark.parametrize(
    ("message", "error", "graph", "source", "arguments"),
    [
        ("Expected 'graph' to be a NeighborhoodGraph. Got 3.", TypeError, 3, [0, 1, 2], {}),
        (
            "The 'graph_on' parameter of with_copies must be a str among {'originals', 'rows'}. Got 'both' instead.",
            ValueError,
            THREE,
            [0, 1, 2],
            {"graph_on": "both"},
        ),
        ("Expected 'source' to be the index of the original of each row", TypeError, THREE, [0.0, 1.0, 2.0], {}),
        ("a 1-D integer array, or Orbits. Got 'abc'.", TypeError, THREE, "abc", {}),
        ("Expected 'source' to be the index of the original", TypeError, THREE, [[0, 1, 2]], {}),
        ("Expected 'source' to be an array. Got rows of unequal length.", ValueError, THREE, [[0], [1, 2]], {}),
        ("Expected 'source' to be the index of the original", TypeError, THREE, np.empty(0, dtype=np.int64), {}),
        (
            "Expected 'source' to hold indices in [0, 3), since 'graph' has 3 samples. Got values from 0 to 3.",
            ValueError,
            THREE,
            [0, 1, 2, 3],
            {},
        ),
        ("since 'graph' has 3 samples. Got values from -1 to 2.", ValueError, THREE, [-1, 0, 1, 2], {}),
        (
            "Expected each of the 3 samples of 'graph' to have a row in 'source'. 1 have none, first 1. If 'graph' is "
            "on all rows, pass graph_on='rows'; if some samples were left out, take graph.subgraph of the others.",
            ValueError,
            THREE,
            [0, 2, 0],
            {},
        ),
        (
            "Expected 'source' and 'graph' to describe the same samples, one a row. Got 4 in 'source' and 3 in",
            ValueError,
            THREE,
            [0, 1, 2, 0],
            {"graph_on": "rows"},
        ),
    ],
)
def test_with_copies_refuses(message, error, graph, source, arguments):
    refuses(message, with_copies, graph, source, error=error, **arguments)
