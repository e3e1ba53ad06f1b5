"""Maps of wide sparse rows by sparse products: those of the same rows made dense, which they never are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from drlim import NeighborMap
from drlim._base.sparse_rows import SparseRows
from drlim.estimators.sparse_products import by_sparse_products

RANDOM = np.random.default_rng(0)
OFTEN = 0.01 + 0.3 * (RANDOM.random((4, 1600)) < 0.1)[RANDOM.integers(0, 4, 80)]
DENSE = np.where(RANDOM.random((80, 1600)) < OFTEN, RANDOM.integers(1, 4, (80, 1600)), 0).astype(np.float32)
COUNTS = sparse.csr_array(DENSE)


def model(**parameters):
    return NeighborMap(**{"max_epochs": 2, "random_state": 0, "verbose": False, **parameters})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_products_give_the_same_map(metric, dtype, monkeypatch):
    fitted = model(metric=metric).fit(COUNTS)
    rows = COUNTS.astype(dtype)
    assert fitted.encoder_.of_features == [False, True]
    assert by_sparse_products(fitted.encoder_, SparseRows(rows)) is not None
    monkeypatch.setattr(SparseRows, "__getitem__", lambda self, index: pytest.fail("rows were made dense"))
    found, confidence = fitted.transform(rows), fitted.confidence(rows)
    monkeypatch.undo()
    assert found.dtype == dtype
    np.testing.assert_allclose(found, fitted.transform(DENSE.astype(dtype)), atol=1e-3 if dtype == np.float32 else 1e-9)
    np.testing.assert_allclose(confidence, fitted.confidence(DENSE.astype(dtype)), atol=1e-4)


def test_an_orbit_leaves_one_retrieval_and_the_map_is_the_same():
    fitted = model(orbit=lambda batch: batch).fit(COUNTS)
    assert fitted.encoder_.of_features == [True]
    np.testing.assert_allclose(fitted.transform(COUNTS), fitted.transform(DENSE), atol=1e-3)


def test_a_trained_module_is_left_as_it_was():
    encoder = model().fit(COUNTS).encoder_
    before = torch.get_rng_state()
    view, products = by_sparse_products(encoder, SparseRows(COUNTS))
    assert torch.equal(torch.get_rng_state(), before)
    assert products.shape == (80, 512 + len(encoder.reductions[0].axes))
    assert not view.training
    assert encoder.network.trunk[2].weight.shape == (512, 1600)
    assert encoder(torch.from_numpy(DENSE)).shape == (80, 2)


class Shown(nn.Sequential):
    """A module of the user's own, which may do anything."""


def test_what_is_no_wide_table_of_sparse_rows_by_a_built_in_trunk_is_read_densely():
    encoder = model().fit(COUNTS).encoder_
    assert by_sparse_products(encoder, SparseRows(COUNTS)) is not None
    assert by_sparse_products(encoder, DENSE) is None
    assert by_sparse_products(encoder, SparseRows(COUNTS[:31])) is None
    assert by_sparse_products(nn.Linear(1600, 2), SparseRows(COUNTS)) is None
    narrow = model().fit(COUNTS[:, :1500].tocsr())
    assert by_sparse_products(narrow.encoder_, SparseRows(sparse.csr_array(COUNTS[:, :1500]))) is None
    own = model(encoder=nn.Linear(1600, 4)).fit(COUNTS)
    assert by_sparse_products(own.encoder_, SparseRows(COUNTS)) is None
    wild = COUNTS.copy()
    wild.data[0] = 1e7
    with pytest.warns(UserWarning, match="would hide all others"):
        bounded = model().fit(wild)
    assert by_sparse_products(bounded.encoder_, SparseRows(wild)) is None
    trunk = encoder.network.trunk
    encoder.network.trunk = Shown(*trunk)
    assert by_sparse_products(encoder, SparseRows(COUNTS)) is None
    trunk[2] = nn.Linear(1600, 512, bias=False)
    encoder.network.trunk = trunk
    assert by_sparse_products(encoder, SparseRows(COUNTS)) is None
