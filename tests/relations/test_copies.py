"""Copies of samples, stored and lazy: by hand, bit for bit the same, relabelling, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from tests.builders import listed, refuses, relabelled

from drlim.relations import orbit_graph, orbits, shift, shifts

quick = settings(max_examples=60, deadline=None)


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
            "Expected transform '1' to return values that int8, the dtype of 'X', can hold. Got int64: convert X",
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


@pytest.mark.parametrize(("dtype", "wanted"), [(np.uint8, np.float32), (np.int16, np.float32), (np.int32, np.float64)])
@pytest.mark.parametrize("lazy", [False, True])
def test_whole_numbers_become_floats_where_a_transform_returns_floats(dtype, wanted, lazy):
    X = np.array([[1, 2], [3, 100]], dtype=dtype)
    copies = orbits(X, {"same": lambda batch: batch, "halved": lambda batch: batch / 2}, lazy=lazy)
    assert copies.X.dtype == wanted
    assert np.asarray(copies.X)[[0, 1, 4, 5]].tolist() == [[1, 2], [3, 100], [0.5, 1], [1.5, 50]]
    assert orbits(X, [np.flip], lazy=lazy).X.dtype == dtype


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
