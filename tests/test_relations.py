"""Builders of relations: cases solved by hand, literal double loops of each rule, relabelling, refusals."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pickle
import re
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drlim.relations
from drlim import NeighborhoodGraph
from drlim.datasets import digits, turntable
from drlim.neighbors import knn_graph, knn_indices
from drlim.relations import (
    grid_graph,
    orbit_graph,
    orbits,
    pairs,
    sequence_graph,
    shift,
    shifts,
    with_copies,
)

quick = settings(max_examples=60, deadline=None)


def listed(graph: NeighborhoodGraph) -> list[list[int]]:
    return graph.similar.pairs().tolist()


def relabelled(graph: NeighborhoodGraph, order: np.ndarray) -> NeighborhoodGraph:
    """The same relations after row k has become what row ``order[k]`` was."""
    return graph.subgraph(np.asarray(order))


def refuses(message, build, *args, error=ValueError, **kwargs):
    with pytest.raises(error, match=re.escape(message)) as refusal:
        build(*args, **kwargs)
    assert len(str(refusal.value)) <= 600


# pairs


def test_pairs_by_index():
    graph = pairs(4, similar=[(1, 0), (0, 1), (2, 3)])
    assert listed(graph) == [[0, 1], [2, 3]]
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (2, 4, 0)


def test_pairs_in_all_three_states():
    graph = pairs(4, similar=[(0, 1)], dissimilar=[(3, 0)], ignored=[(1, 2)])
    assert graph == NeighborhoodGraph.from_pairs(4, [(0, 1)], dissimilar=[(0, 3)], ignored=[(1, 2)])
    assert (graph.n_dissimilar, graph.n_ignored) == (1, 4)
    assert pairs(4, similar=[(0, 1)], dissimilar=[]).n_ignored == 5
    assert pairs(4, similar=[(0, 1)], ignored=[(1, 2)]).n_dissimilar == 4


NAMES = ["ann", "bob", "cat", "dan"]
NAMED_PAIRS = [("cat", "ann"), ("dan", "bob")]


@pytest.mark.parametrize(
    ("ids", "similar"),
    [
        (NAMES, NAMED_PAIRS),
        (tuple(NAMES), (["cat", "ann"], {"dan", "bob"})),
        (np.array(NAMES), np.array(NAMED_PAIRS)),
        (pd.Series(NAMES, index=[7, 7, 8, 9]), pd.DataFrame(NAMED_PAIRS)),
        (pl.Series(NAMES), pl.DataFrame(NAMED_PAIRS, orient="row")),
        (pd.Index(NAMES), zip(["cat", "dan"], ["ann", "bob"], strict=True)),
        ([10, 30, 20, 40], np.array([[20, 10], [40, 30]])),
        (np.array([10, 30, 20, 40]), [(20.0, 10), (np.int8(40), 30)]),
        (np.array([10, 30, 20, 40], dtype=np.int16), np.array([[20, 10], [40, 30]], dtype=np.uint8)),
        (pd.Series([10, 30, 20, 40]), pd.DataFrame([[20, 10], [40, 30]])),
        ([("s", 1), ("s", 2), frozenset({3}), 4.5], [(frozenset({3}), ("s", 1)), (4.5, ("s", 2))]),
        ([1, "1", 2, "2"], [(2, 1), ("2", "1")]),
    ],
    ids=[
        "list",
        "tuple",
        "array",
        "pandas",
        "polars",
        "zip",
        "integers",
        "mixed numbers",
        "arrays",
        "frames",
        "hashable",
        "types kept",
    ],
)
def test_pairs_by_id(ids, similar):
    assert pairs(ids=ids, similar=similar) == pairs(4, similar=[(0, 2), (1, 3)])


def test_ids_serve_all_three_states():
    graph = pairs(4, ids=NAMES, similar=[("ann", "bob")], dissimilar=[("ann", "cat")], ignored=[("dan", "cat")])
    assert graph == pairs(4, similar=[(0, 1)], dissimilar=[(0, 2)], ignored=[(2, 3)])
    empty = pairs(ids=NAMES, similar=[], dissimilar=np.empty((0, 2)))
    assert (empty.n_similar, empty.n_dissimilar, empty.n_ignored) == (0, 0, 6)


def test_ids_of_an_array_longer_than_a_chunk(monkeypatch):
    monkeypatch.setattr(drlim.relations, "_CHUNK", 3)
    chain = np.column_stack([np.arange(10), np.arange(1, 11)]) * 5
    assert pairs(ids=range(0, 55, 5), similar=chain) == pairs(11, similar=chain // 5)


@quick
@given(st.data())
def test_ids_only_rename(data):
    n = data.draw(st.integers(2, 8))
    everything = list(combinations(range(n), 2))
    states = data.draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=len(everything), max_size=len(everything)))
    similar, dissimilar, ignored = ([p for p, s in zip(everything, states, strict=True) if s == k] for k in range(3))
    order = data.draw(st.permutations(range(n)))
    plain = pairs(n, similar=similar, dissimilar=dissimilar, ignored=ignored)
    named = pairs(ids=list(order), similar=similar, dissimilar=dissimilar, ignored=ignored)
    assert named == relabelled(plain, order)


@pytest.mark.parametrize(
    ("message", "error", "arguments"),
    [
        ("Expected 'n_samples', how many samples there are, or 'ids', one for each. Got neither.", ValueError, {}),
        (
            "The 'n_samples' parameter of pairs must be an int in the range [1, inf) or None. Got 0 instead.",
            ValueError,
            {"n_samples": 0},
        ),
        (
            "Expected 'ids' to name 3 samples, as 'n_samples' says. Got 4 ids.",
            ValueError,
            {"n_samples": 3, "ids": NAMES},
        ),
        (
            "Expected 'ids' to name each sample once. Got 'b' at rows 1 and 3; 2 rows repeat an id.",
            ValueError,
            {"ids": ["a", "b", "c", "b", "b"]},
        ),
        ("Expected 'ids' to name each sample. Got None at row 1.", ValueError, {"ids": ["a", None]}),
        ("Expected 'ids' to name each sample. Got nan at row 0.", ValueError, {"ids": [np.nan, "a"]}),
        ("Expected 'ids' to name each sample. Got <NA> at row 1.", ValueError, {"ids": ["a", pd.NA]}),
        ("Expected 'ids' to name at least one sample. Got none.", ValueError, {"ids": []}),
        ("Expected 'ids' to be one hashable id for each sample. Got 'abc'.", TypeError, {"ids": "abc"}),
        ("Expected 'ids' to be one hashable id for each sample. Got 5.", TypeError, {"ids": 5}),
        ("Expected 'ids' to be one hashable id for each sample. Got {1}.", TypeError, {"ids": {1}}),
        (
            "Expected 'ids' to be one hashable id for each sample. Got an array of shape (2, 2) and dtype int64.",
            TypeError,
            {"ids": np.eye(2, dtype=np.int64)},
        ),
        ("Expected 'ids' to be one hashable id for each sample (", TypeError, {"ids": [["a"], ["b"]]}),
        (
            "Expected 'similar' to pair sample ids. Got 'eve' at row 1, which is not one of 'ids' (such as 'ann').",
            ValueError,
            {"ids": NAMES, "similar": [("ann", "bob"), ("cat", "eve")]},
        ),
        (
            "Expected 'dissimilar' to pair sample ids. Got '2' at row 0, which is not one of 'ids' (such as 1).",
            ValueError,
            {"ids": [1, 2], "dissimilar": np.array([["2", "1"]])},
        ),
        *(
            (f"Expected 'similar' to pair sample ids. Got {unknown} at row 1, which", ValueError, arguments)
            for unknown in (1, 5, 99)
            for arguments in [{"ids": np.array([6, 3, 7]), "similar": np.array([[3, 7], [7, unknown]])}]
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (2, 3).",
            ValueError,
            {"ids": np.arange(4), "similar": np.ones((2, 3), dtype=np.int64)},
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (1, 3).",
            ValueError,
            {"ids": NAMES, "similar": np.array([["ann", "bob", "cat"]])},
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (2,).",
            ValueError,
            {"ids": NAMES, "similar": np.array(["ann", "bob"])},
        ),
        (
            "Expected 'ignored' to be pairs of sample ids. Got ('ann', 'bob', 'cat') at row 1.",
            ValueError,
            {"ids": NAMES, "ignored": [("ann", "bob"), ("ann", "bob", "cat")]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids. Got 'ab' at row 0.",
            ValueError,
            {"ids": ["a", "b"], "similar": ["ab"]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids. Got 1 at row 0.",
            ValueError,
            {"ids": [1, 2], "similar": [1, 2]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids of shape (n_pairs, 2) (",
            TypeError,
            {"ids": NAMES, "similar": 7},
        ),
        (
            "Expected 'similar' to be pairs of sample ids of shape (n_pairs, 2) (",
            TypeError,
            {"ids": NAMES, "similar": [(["ann"], "bob")]},
        ),
        (
            "Expected 'similar' to pair distinct samples. Got [2, 2] at row 0",
            ValueError,
            {"ids": NAMES, "similar": [("cat", "cat")]},
        ),
        (
            "1 pairs are both 'similar' and 'dissimilar', first [0, 1]: give each pair one state.",
            ValueError,
            {"ids": NAMES, "similar": [("ann", "bob")], "dissimilar": [("bob", "ann")]},
        ),
        ("Expected 'similar' to hold indices in [0, 4)", ValueError, {"n_samples": 4, "similar": [(0, 4)]}),
    ],
)
def test_pairs_refuses(message, error, arguments):
    refuses(message, pairs, error=error, **{"similar": [], **arguments})


# orbit_graph


def test_orbit_graph_by_hand():
    graph = orbit_graph([5, 7, 5, 5, 9])
    assert listed(graph) == [[0, 2], [0, 3], [2, 3]]
    assert graph.n_dissimilar == 7


@pytest.mark.parametrize(
    "groups",
    [
        np.array([-1, 4, -1, 4]),
        [-1, 4, -1, 4],
        np.array([-1.0, 4.0, np.nan, 4.0]),
        [None, "b", None, "b"],
        [float("nan"), "b", None, "b"],
        pd.Series([None, 4, pd.NA, 4], dtype="Int64"),
        pd.Categorical([None, "b", None, "b"]),
        pd.Series(pd.to_datetime([None, "2006-06-17", None, "2006-06-17"])),
        pl.Series([None, "b", None, "b"]),
        [-1, ("b", 2), None, ("b", 2)],
    ],
)
def test_samples_in_no_group(groups):
    assert listed(orbit_graph(groups)) == [[1, 3]]


def test_group_labels_keep_their_types():
    assert listed(orbit_graph(["1", 1, "-1", "-1", True])) == [[1, 4], [2, 3]]
    assert listed(orbit_graph([("film", 1), ("film", 2), ("film", 1)])) == [[0, 2]]


@quick
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=12), st.randoms())
def test_orbit_graph_is_the_literal_loop_and_commutes_with_relabelling(groups, random):
    graph = orbit_graph(groups)
    assert listed(graph) == [[i, j] for i, j in combinations(range(len(groups)), 2) if groups[i] == groups[j] != -1]
    order = random.sample(range(len(groups)), len(groups))
    assert orbit_graph([groups[k] for k in order]) == relabelled(graph, order)


def test_orbit_graph_refuses():
    wanted = "Expected 'groups' to be 1-D, with a value for each of at least one sample. Got "
    refuses(f"{wanted}shape (2, 2).", orbit_graph, np.eye(2))
    refuses(f"{wanted}shape (0,).", orbit_graph, [])
    refuses(f"{wanted}3.", orbit_graph, 3)
    unhashable = "Expected 'groups' to hold numbers, strings or other hashable values"
    refuses(unhashable, orbit_graph, [{1}, {2}], error=TypeError)
    refuses(unhashable, orbit_graph, [[1, 2], [3, 4]], error=TypeError)


def test_too_many_pairs_are_refused_before_they_are_made():
    message = "These relations would list 5.0e+09 pairs, which do not fit into memory; at most 1e+09"
    refuses(message, orbit_graph, np.zeros(100_000, dtype=np.int64))
    refuses(message, sequence_graph, np.arange(100_000), 100_000)


# shift, shifts


def test_shift_by_hand():
    image = np.arange(1, 7).reshape(1, 2, 3)  # 1 2 3 / 4 5 6
    assert shift(image, 1).tolist() == [[[0, 1, 2], [0, 4, 5]]]
    assert shift(image, -1).tolist() == [[[2, 3, 0], [5, 6, 0]]]
    assert shift(image, 0, 1).tolist() == [[[0, 0, 0], [1, 2, 3]]]
    assert shift(image, 0, -1).tolist() == [[[4, 5, 6], [0, 0, 0]]]
    assert shift(image, -2, 1, fill=7).tolist() == [[[7, 7, 7], [3, 7, 7]]]
    assert shift(image, 0).tolist() == image.tolist()


def test_the_papers_shifts_of_a_line():
    """A vertical line in column 13 of 28 moves by -6, -3, 3 and 6 columns."""
    images = np.zeros((2, 28, 28), dtype=np.float32)
    images[:, 4:20, 13] = 1.0
    for dx in (-6, -3, 3, 6):
        moved = shift(images, dx)
        assert np.unique(np.nonzero(moved)[2]).tolist() == [13 + dx]
        assert moved.sum() == images.sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64, bool])
def test_shift_keeps_dtype_and_takes_channels(dtype):
    images = np.random.default_rng(0).integers(0, 2, size=(3, 2, 4, 5)).astype(dtype)
    moved = shift(images, 2, -1, fill=1)
    assert moved.dtype == dtype
    assert (moved[:, :, :3, 2:] == images[:, :, 1:, :3]).all()
    assert (moved[:, :, 3] == 1).all()
    assert (moved[:, :, :, :2] == 1).all()


def test_shift_leaves_its_input_alone_and_takes_small_integers():
    images = np.ones((1, 2, 300))
    moved = shift(images, np.int8(-5))
    assert images.all()
    assert moved.sum() == 590
    assert not np.shares_memory(shift(images, 0), images)


@quick
@given(st.integers(-4, 4), st.integers(-3, 3))
def test_shift_moves_each_pixel(dx, dy):
    image = np.arange(1, 21).reshape(1, 4, 5)
    moved = shift(image, dx, dy)
    for row, column in np.ndindex(4, 5):
        inside = 0 <= row - dy < 4 and 0 <= column - dx < 5
        assert moved[0, row, column] == (image[0, row - dy, column - dx] if inside else 0)


IMAGES = np.zeros((2, 4, 5))


@pytest.mark.parametrize(
    ("message", "images", "arguments"),
    [
        ("The 'dx' parameter of shift must be an int in the range [-4, 4]. Got 5 instead.", IMAGES, {"dx": 5}),
        ("The 'dx' parameter of shift must be an int in the range [-4, 4]. Got 1.0 instead.", IMAGES, {"dx": 1.0}),
        ("The 'dx' parameter of shift must be an int in the range [-4, 4]. Got True instead.", IMAGES, {"dx": True}),
        ("The 'dy' parameter of shift must be an int in the range [-3, 3]. Got -4 instead.", IMAGES, {"dy": -4}),
        ("The 'fill' parameter of shift must be a float in the range (-inf, inf). Got nan", IMAGES, {"fill": np.nan}),
        (
            "Expected 'fill' to be a value that uint8, the dtype of 'images', holds. Got 0.5.",
            IMAGES.astype(np.uint8),
            {"fill": 0.5},
        ),
        (
            "Expected 'fill' to be a value that uint8, the dtype of 'images', holds. Got 256.",
            IMAGES.astype(np.uint8),
            {"fill": 256},
        ),
        (
            "Expected 'fill' to be a value that float16, the dtype of 'images', holds. Got 100000.0.",
            IMAGES.astype(np.float16),
            {"fill": 1e5},
        ),
        (
            "Expected 'images' of shape (n, height, width) or (n, channels, height, width). Got (2, 20): reshape them.",
            IMAGES.reshape(2, 20),
            {},
        ),
        (
            "Expected 'images' with the channels first. Got (2, 8, 9, 3), which looks like (n, H, W, C): "
            "use images.transpose(0, 3, 1, 2).",
            np.zeros((2, 8, 9, 3)),
            {},
        ),
        ("Got (2, 5, 9, 4), which looks like (n, H, W, C)", np.zeros((2, 5, 9, 4)), {}),
        ("Input images contains NaN.", np.full((2, 4, 5), np.nan), {}),
        ("Found array with 0 sample(s) (shape=(0, 4, 5)) while a minimum of 1 is required", IMAGES[:0], {}),
    ],
)
def test_shift_refuses(message, images, arguments):
    refuses(message, shift, images, **{"dx": 1, **arguments})


def test_few_columns_may_be_few_channels():
    assert shift(np.ones((2, 4, 9, 4)), 1).shape == (2, 4, 9, 4)
    assert shift(np.ones((2, 5, 9, 5)), 1).shape == (2, 5, 9, 5)


def test_shifts_are_named_and_shift():
    transforms = shifts([-6, 3], fill=0.5)
    images = np.random.default_rng(0).random((2, 8, 9))
    assert list(transforms) == ["shift -6", "shift +3"]
    assert (transforms["shift -6"](images) == shift(images, -6, fill=0.5)).all()
    assert (pickle.loads(pickle.dumps(transforms))["shift +3"](images) == shift(images, 3, fill=0.5)).all()  # noqa: S301


def test_shifts_refuses():
    refuses("Expected 'dx' to hold different shifts, none of them 0. Got [-1, 0, 1].", shifts, [-1, 0, 1])
    refuses("Expected 'dx' to hold different shifts, none of them 0. Got [2, 2].", shifts, [2, 2])
    refuses("The 'dx' parameter of shifts must be an int in the range", shifts, [1.5])
    assert list(shifts(3)) == ["shift +3"]


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
        (
            "pairs are both 'similar' and 'dissimilar'",
            ValueError,
            pairs(3, similar=[], dissimilar=[(0, 1)]),
            [0, 0, 1],
            {"graph_on": "rows"},
        ),
    ],
)
def test_with_copies_refuses(message, error, graph, source, arguments):
    refuses(message, with_copies, graph, source, error=error, **arguments)


# grid_graph


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


# sequence_graph


def test_sequence_by_hand():
    assert listed(sequence_graph([5, 0, 2, 9], window=3)) == [[0, 2], [1, 2]]
    assert listed(sequence_graph([0, 1, 1, 2], window=1, groups=["a", "a", "b", "a"])) == [[0, 1], [1, 3]]
    assert listed(sequence_graph([3.5, 3.5, 3.6], window=0)) == [[0, 1]]
    assert sequence_graph([0, 1, 2, 3], window=1).n_dissimilar == 3


def test_samples_in_no_sequence():
    assert listed(sequence_graph([0, 0, 0, 0], 1, groups=[-1, 2, -1, 2])) == [[1, 3]]
    assert listed(sequence_graph([0, 0, 0, 0], 1, groups=[None, "a", None, "a"])) == [[1, 3]]


@quick
@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-1, 2)), min_size=1, max_size=15),
    st.integers(0, 7),
    st.sampled_from([1, 0.25]),
    st.randoms(),
)
def test_sequence_is_the_literal_loop_and_commutes_with_relabelling(rows, window, unit, random):
    time, groups = [t * unit for t, _ in rows], [g for _, g in rows]
    graph = sequence_graph(time, window * unit, groups)
    assert listed(graph) == [
        [i, j]
        for i, j in combinations(range(len(rows)), 2)
        if abs(time[i] - time[j]) <= window * unit and groups[i] == groups[j] != -1
    ]
    order = random.sample(range(len(rows)), len(rows))
    assert sequence_graph([time[k] for k in order], window * unit, [groups[k] for k in order]) == relabelled(
        graph, order
    )


def test_frames_at_a_tenth_of_a_second_are_within_it():
    for time in (0.1 * np.arange(1000), np.cumsum(np.full(1000, 0.1)), np.arange(1000) / 10 + 1e6):
        assert sequence_graph(time, 0.1 if time[0] < 1 else 0.1 + 1e-12).n_similar == 999
        assert sequence_graph(time, 0.09999).n_similar == 0


def test_extreme_times():
    ends = np.iinfo(np.int64)
    high = np.array([ends.max, ends.max - 1, ends.max - 3])
    assert listed(sequence_graph(high, 2)) == [[0, 1], [1, 2]]
    assert listed(sequence_graph(np.array([2**64 - 1, 2**64 - 2], dtype=np.uint64), 1)) == [[0, 1]]
    assert listed(sequence_graph(np.array([2**62 + 1, 2**62, 2**62 - 2]), 2)) == [[0, 1], [1, 2]]
    assert listed(sequence_graph(np.array([0, 200], dtype=np.uint8), 199)) == []
    assert listed(sequence_graph(np.array([-128, 127], dtype=np.int8), 255)) == [[0, 1]]
    assert listed(sequence_graph(np.array([-128, 127], dtype=np.int8), 254)) == []
    assert listed(sequence_graph([1.7e308, -1.7e308, 1.6e308], 1e307)) == [[0, 2]]
    assert listed(sequence_graph([0, 2, 4], 2.9)) == [[0, 1], [1, 2]]
    refuses("Expected 'time' to span less than 2^62 units. Got", sequence_graph, [ends.min, ends.max], 1)


NOON = dt.datetime(2006, 6, 17, 12)
DATES = [NOON, NOON + dt.timedelta(seconds=4), NOON + dt.timedelta(seconds=9)]


@pytest.mark.parametrize(
    "time",
    [
        DATES,
        np.array(DATES, dtype="datetime64[s]"),
        np.array(DATES, dtype="datetime64[ns]"),
        pd.Series(DATES, index=[5, 6, 5]),
        pd.DatetimeIndex(DATES),
        pl.Series(DATES),
        np.array(DATES, dtype="datetime64[s]") - np.datetime64(NOON, "s"),
    ],
    ids=["list", "seconds", "nanoseconds", "series", "index", "polars", "durations"],
)
@pytest.mark.parametrize(
    "window",
    [
        np.timedelta64(4, "s"),
        np.timedelta64(4999, "ms"),
        dt.timedelta(seconds=4),
        pd.Timedelta("4s"),
        np.timedelta64(4 * 10**9, "ns"),
    ],
    ids=["seconds", "milliseconds", "python", "pandas", "nanoseconds"],
)
def test_dates(time, window):
    assert listed(sequence_graph(time, window)) == [[0, 1]]


def test_dates_of_other_units():
    months = np.array(["2006-01", "2006-02", "2006-04"], dtype="datetime64[M]")
    assert listed(sequence_graph(months, np.timedelta64(31, "D"))) == [[0, 1]]
    days = [dt.date(2006, 6, 17), dt.date(2006, 6, 18)]
    assert listed(sequence_graph(days, dt.timedelta(hours=24))) == [[0, 1]]
    assert listed(sequence_graph(days, dt.timedelta(hours=23))) == []
    assert listed(sequence_graph([*days, *days], dt.timedelta())) == [[0, 2], [1, 3]]


SECONDS = np.array(DATES, dtype="datetime64[s]")
FAR = np.array(["2006-01-01", "9006-01-01"], dtype="datetime64[s]")


@pytest.mark.parametrize(
    ("message", "error", "time", "window"),
    [
        ("Expected 'time' to hold a finite time for each sample. Got nan at row 1.", ValueError, [0.0, np.nan], 1),
        ("Expected 'time' to hold a finite time for each sample. Got inf at row 0.", ValueError, [np.inf, 0.0], 1),
        (
            "Expected 'time' to hold a finite time for each sample. Got NaT at row 1.",
            ValueError,
            np.array(["2006", "NaT"], dtype="datetime64[s]"),
            np.timedelta64(1, "s"),
        ),
        ("Expected 'time' to be 1-D, a time for each of at least one sample. Got [].", ValueError, [], 1),
        ("Expected 'time' to be 1-D, a time for each of at least one sample. Got 3.", ValueError, 3, 1),
        ("Expected 'time' to be 1-D, a time", ValueError, [[1, 2], [3, 4]], 1),
        ("Expected 'time' to be an array. Got rows of unequal length.", ValueError, [[1], [2, 3]], 1),
        (
            "Expected 'time' to hold numbers or datetimes. Got an array of shape (2,) and dtype <U1.",
            TypeError,
            ["a", "b"],
            1,
        ),
        ("Expected 'time' to hold numbers or datetimes", TypeError, np.array([True, False]), 1),
        (
            "Expected 'time' to hold numbers or datetimes, all of one kind and without a time zone.",
            TypeError,
            [0, None],
            1,
        ),
        (
            "all of one kind and without a time zone. Got objects: convert them",
            TypeError,
            pd.Series(DATES).dt.tz_localize("UTC"),
            dt.timedelta(seconds=4),
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got -1",
            ValueError,
            [0],
            -1,
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got nan",
            ValueError,
            [0],
            np.nan,
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got '3'",
            ValueError,
            [0],
            "3",
        ),
        (
            "The 'window' parameter of sequence_graph must be a float in the range [0.0, inf). Got None",
            ValueError,
            [0],
            None,
        ),
        ("Expected 'window' to be a number, since 'time' holds numbers. Got", TypeError, [0], np.timedelta64(3, "s")),
        ("Expected 'window' to be a number, since 'time' holds numbers. Got", TypeError, [0], dt.timedelta(seconds=3)),
        (
            "Expected 'window' to be a timedelta of a fixed length, such as np.timedelta64(5, 's'), since 'time' holds "
            "dates. Got 4.",
            TypeError,
            SECONDS,
            4,
        ),
        ("Expected 'window' to be a timedelta of a fixed length", TypeError, SECONDS, np.timedelta64(1, "M")),
        ("Expected 'window' to be a timedelta of a fixed length", TypeError, SECONDS, np.timedelta64(4)),
        ("Expected 'window' not to be negative or missing. Got", ValueError, SECONDS, dt.timedelta(seconds=-1)),
        ("Expected 'window' not to be negative or missing. Got", ValueError, SECONDS, np.timedelta64("NaT", "s")),
        (
            "Expected 'time' and 'window' to be whole numbers of one unit, within the range of 64 bits. "
            "Got datetime64[s] and timedelta64[ns]: convert both to one unit.",
            ValueError,
            FAR,
            np.timedelta64(1, "ns"),
        ),
        (
            "Got datetime64[ns] and timedelta64[s]: convert both to one unit.",
            ValueError,
            SECONDS.astype("datetime64[ns]"),
            np.timedelta64(10**12, "s"),
        ),
        (
            "Got timedelta64[Y] and timedelta64[s]: convert both to one unit.",
            ValueError,
            np.array([1, 2], dtype="timedelta64[Y]"),
            np.timedelta64(1, "s"),
        ),
    ],
)
def test_sequence_graph_refuses(message, error, time, window):
    refuses(message, sequence_graph, time, window, error=error)


def test_sequence_graph_refuses_groups_of_another_length():
    message = "Expected 'time' and 'groups' to describe the same samples, one a row. Got 2 in 'time' and 3 in 'groups'."
    refuses(message, sequence_graph, [0, 1], 1, groups=[0, 0, 0])
