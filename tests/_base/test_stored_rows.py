"""Rows outside memory: views of them are what the same views of an array are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim._base import stored_rows
from drlim._base.row_sources import Mapped
from drlim._base.sparse_rows import stacked
from drlim._base.stored_rows import StoredRows, column_ends, column_means, column_variances

X = np.random.default_rng(0).normal(size=(50, 4, 3)) + 2


@pytest.fixture
def rows():
    return StoredRows(Mapped(X))


def test_views_are_those_of_an_array(rows):
    flat = X.reshape(50, 12)
    part = np.array([7, 3, 3, 40])
    np.testing.assert_array_equal(rows.flat()[5:9], flat[5:9])
    np.testing.assert_array_equal(rows.part(part)[1:], X[part][1:])
    np.testing.assert_array_equal(np.asarray(rows.part(part).part(slice(None, None, 2))), X[part][::2])
    np.testing.assert_array_equal(rows.changed(lambda block: block * 2).flat().part(part)[:2], flat[part][:2] * 2)
    single = rows.flat().as_type(np.dtype(np.float32))
    assert single.dtype == single[:2].dtype == np.float32
    assert (rows.ndim, rows.flat().ndim, len(rows.part(part)), rows.part(part).shape) == (3, 2, 4, (4, 4, 3))
    assert rows.part(slice(None)) is rows
    np.testing.assert_array_equal(rows[::-1], X[::-1])


@given(n_values=st.integers(1, 900))
@settings(max_examples=40, deadline=None)
def test_blocks_cover_all_rows_once(n_values):
    blocks = list(StoredRows(Mapped(X)).blocks(n_values))
    assert [start for start, _ in blocks] == np.cumsum([0, *[len(block) for _, block in blocks]])[:-1].tolist()
    assert all(block.size <= max(n_values, 12) for _, block in blocks)
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), X)


def test_sums_of_blocks_are_those_of_an_array(rows, monkeypatch):
    monkeypatch.setattr(stored_rows, "BLOCK_VALUES", 40)
    monkeypatch.setattr(StoredRows.blocks, "__defaults__", (40,))
    flat = X.reshape(50, 12)
    low, high = column_ends(rows.flat())
    assert (low == flat.min(axis=0)).all()
    assert (high == flat.max(axis=0)).all()
    mean = column_means(rows.flat())
    assert mean.tobytes() == flat.mean(axis=0).tobytes()
    np.testing.assert_allclose(column_variances(rows.flat(), mean), flat.var(axis=0), rtol=1e-14)


def test_rows_are_held_where_they_are_few(rows, monkeypatch):
    assert isinstance(rows.held(), np.ndarray)
    monkeypatch.setattr(stored_rows, "_MOST_HELD", X.size - 1)
    assert rows.held() is rows


def test_rows_followed_by_others(rows):
    both = stacked(rows, X[:5] + 1)
    whole = np.concatenate([X, X[:5] + 1])
    assert isinstance(both, StoredRows)
    assert both.shape == (55, 4, 3)
    np.testing.assert_array_equal(both[48:53], whole[48:53])
    np.testing.assert_array_equal(both[np.array([54, 0, 50])], whole[[54, 0, 50]])
    np.testing.assert_array_equal(np.asarray(stacked(X[:2], rows)), np.concatenate([X[:2], X]))


def test_all_rows_are_copied_when_an_array_is_made_of_them(rows):
    with pytest.raises(ValueError, match="in no memory yet"):
        np.array(rows, copy=False)
    assert np.asarray(rows, dtype=np.float32).dtype == np.float32
