"""Retrieval against a literal search, and what it stores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drlim.encoders.places import Targets
from drlim.encoders.retrieval import Components, Retrieval, retrieval_share

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(200, 5)).astype(np.float32)
INDEX = np.stack([RANDOM.permutation(12)[:4] for _ in range(200)])
WEIGHT = RANDOM.dirichlet(np.ones(4), 200).astype(np.float32)
TARGETS = Targets(INDEX, WEIGHT, 12)
QUERIES = RANDOM.normal(size=(30, 5)).astype(np.float32)


def literal(query: np.ndarray, n_neighbors: int) -> np.ndarray:
    nearest = np.argsort(((FEATURES - query) ** 2).sum(axis=1))[:n_neighbors]
    total = np.zeros(12)
    for i in nearest:
        for k, weight in zip(INDEX[i], WEIGHT[i], strict=True):
            total[k] += weight / n_neighbors
    return total


@pytest.mark.parametrize("n_neighbors", [1, 15])
def test_it_is_the_mean_target_of_the_nearest(n_neighbors):
    found = Retrieval(FEATURES, TARGETS, n_neighbors)(torch.from_numpy(QUERIES)).numpy()
    np.testing.assert_allclose(found, [literal(query, n_neighbors) for query in QUERIES], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_a_sample_is_found_alike_in_any_batch():
    retrieval = Retrieval(FEATURES, TARGETS)
    queries = torch.from_numpy(QUERIES)
    torch.testing.assert_close(torch.cat([retrieval(part) for part in queries.split(7)]), retrieval(queries))


def test_it_repeats_to_the_byte():
    retrieval = Retrieval(FEATURES, TARGETS)
    first, again = (retrieval(torch.from_numpy(QUERIES)) for _ in range(2))
    assert torch.equal(first, again)


def test_fewer_samples_than_neighbors_all_count():
    few = Retrieval(FEATURES[:3], Targets(INDEX[:3], WEIGHT[:3], 12))
    one, other = few(torch.from_numpy(QUERIES[:2]))
    torch.testing.assert_close(one, other)


def test_it_stores_what_it_documents_and_nothing_of_the_callers():
    """n (p + 1 + 2 m) numbers, as copies."""
    features = FEATURES.copy()
    retrieval = Retrieval(features, TARGETS)
    assert sum(buffer.numel() for buffer in retrieval.buffers()) == 200 * (5 + 1 + 2 * 4)
    before = retrieval(torch.from_numpy(QUERIES))
    features[:] = 0
    assert torch.equal(retrieval(torch.from_numpy(QUERIES)), before)


def test_components_are_the_coordinates_of_principal_components():
    from sklearn.decomposition import PCA

    X = RANDOM.normal(size=(100, 4, 3)).astype(np.float32)
    pca = PCA(2).fit(X.reshape(100, 12))
    found = Components(pca.mean_, pca.components_)(torch.from_numpy(X))
    np.testing.assert_allclose(found, pca.transform(X.reshape(100, 12)), atol=1e-5)


def test_the_share_falls_with_the_number_of_samples():
    shares = [retrieval_share(n) for n in (2, 5000, 5001, 20_000, 20_001, 10**6)]
    assert shares == [0.5, 0.5, 0.3, 0.3, 0.0, 0.0]
