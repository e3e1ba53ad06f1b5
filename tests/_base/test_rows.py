"""Samples of any form as rows: what `embed` and `train` take beside arrays."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import sparse
from tests.stored import STORES, Spy

import drlim
from drlim._base import row_sources
from drlim._base.rows import check_rows
from drlim._base.sparse_rows import SparseRows
from drlim._base.stored_rows import StoredRows

X = np.where(np.random.default_rng(0).random((80, 6)) < 0.5, 0, np.random.default_rng(1).normal(size=(80, 6)))


@pytest.fixture(autouse=True)
def large(monkeypatch):
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", -1)
    monkeypatch.setattr(row_sources, "_MOST_ROWS", 16)


def test_forms_of_rows():
    assert isinstance(check_rows(X), np.ndarray)
    assert isinstance(check_rows(sparse.coo_array(X)), SparseRows)
    assert isinstance(check_rows(Spy(X)), StoredRows)
    assert check_rows(Spy(X.astype(np.float32))).dtype == check_rows(X.astype(np.float32)).dtype == np.float32
    assert check_rows(Spy(X.astype(np.int8))).dtype == check_rows(X.astype(np.int8)).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_embed_and_train_take_sparse_rows_and_stores(dtype, tmp_path):
    rows = X.astype(dtype)
    encoder = drlim.make_encoder("mlp", (6,), 2)
    graph, springs, settings = drlim.knn_graph(rows, 4), drlim.make_springs(margin=1.0), drlim.Settings(max_epochs=2)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    found = []
    for given in (rows, sparse.csc_array(rows), *(store(rows, tmp_path) for store in STORES.values())):
        encoder.load_state_dict(before)
        result = drlim.train(encoder, given, graph, springs, settings, seed=0, validation=[3, 9])
        found.append(([record["energy"] for record in result.history], drlim.embed(encoder, given).tobytes()))
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("form", [Spy, sparse.csr_array])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: np.where(np.arange(80)[:, None] == 70, np.nan, rows), "'X' has NaN"),
        (lambda rows: rows[:1], "Found array with 1 sample(s)"),
        (lambda rows: rows * 1j, "Complex data not supported"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(form, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_rows(form(change(X)), min_samples=2)


def test_entries_that_are_stored_twice_are_added_up():
    twice = sparse.csr_array((np.ones(3), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    assert check_rows(twice)[:].tolist() == [[0, 2], [1, 0]]
    assert twice.nnz == 3
