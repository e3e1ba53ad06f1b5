"""Ordinary and wild values of columns: by hand, in any form, and what is left as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from drlim._base import ordinary as module
from drlim._base.ordinary import ordinary, tamed
from drlim._base.sparse_rows import SparseRows


def rows_of(X) -> SparseRows:
    return SparseRows(sparse.csr_array(X))


def test_a_column_by_hand():
    """Median 3; distances 2, 1, 0, 1, 1e9, of which four are not 0: the 90th percentile of these is the third."""
    found = ordinary(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]))
    assert (found.centre.tolist(), found.size.tolist(), found.typical) == ([3.0], [2.0], 2.0)
    assert [bound.tolist() for bound in found.bounds(10.0)] == [[-17.0], [23.0]]
    assert [bound.tolist() for bound in found.bounds()] == [[-1997.0], [2003.0]]


def test_each_column_has_its_own_size():
    X = np.random.default_rng(0).normal(size=(1000, 3)) * [1.0, 1e6, 1e-6]
    found = ordinary(X)
    np.testing.assert_allclose(found.size, [1.64, 1.64e6, 1.64e-6], rtol=0.1)
    assert found.typical == np.median(found.size)
    assert tamed(X) is X


@pytest.mark.parametrize("form", [np.asarray, rows_of])
def test_a_column_of_zeros_with_few_others_takes_the_size_of_the_others(form):
    X = np.random.default_rng(0).normal(size=(400, 4))
    X[:, 2] = 0.0
    X[8, 2] = 1e12
    found = ordinary(form(X))
    assert found.size[2] == found.typical == pytest.approx(1.64, rel=0.1)
    assert tamed(form(X))[8:9][0, 2] == pytest.approx(1000 * found.typical)
    X[:30, 2] = 1e12  # a column that is rarely on, and then large, is no wild value
    assert tamed(form(X))[8:9][0, 2] == 1e12


def test_rows_that_are_all_the_same_have_no_size():
    assert ordinary(np.full((5, 2), 7.0)) is None
    X = np.zeros((3000, 1))
    X[1] = 1e30  # not among the rows looked at
    assert tamed(X) is X


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]), st.sampled_from([(3,), (4, 5), (2, 3, 4)]))
def test_only_wild_values_change_and_sparse_samples_are_like_dense_ones(seed, dtype, shape):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((60, *shape)) < 0.7, rng.normal(size=(60, *shape)), 0.0).astype(dtype)
    X[rng.integers(60), ..., 0] *= 1e9
    before = X.copy()
    found = tamed(X)
    assert found.dtype == dtype
    assert found.shape == X.shape
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(found[found != X], np.clip(X, found, found)[found != X])
    assert (np.abs(found - X)[np.abs(X) < 100] == 0).all()
    assert np.abs(found).max() < 1e5
    if len(shape) == 1:
        np.testing.assert_array_equal(tamed(rows_of(X))[:], found)
        assert tamed(rows_of(found)).dtype == dtype


def test_blocks_of_columns_do_not_show(monkeypatch):
    X = np.random.default_rng(0).normal(size=(50, 7))
    whole = ordinary(X)
    monkeypatch.setattr(module, "_BLOCK_VALUES", 100)
    for form in (X, rows_of(X)):
        again = ordinary(form)
        assert [np.asarray(part).tobytes() for part in again] == [np.asarray(part).tobytes() for part in whole]
