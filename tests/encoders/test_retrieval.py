"""Retrieval against a literal search, and what it stores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drlim.encoders.retrieval import Components, Retrieval, _least

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(200, 5)).astype(np.float32)
POSITIONS = RANDOM.normal(size=(200, 2)).astype(np.float32)
QUERIES = RANDOM.normal(size=(30, 5)).astype(np.float32)


def literal(query: np.ndarray, n_neighbors: int) -> dict[int, float]:
    """Return the shares of the nearest, by the docstring's formula."""
    squares = ((FEATURES.astype(float) - query) ** 2).sum(axis=1)
    nearest = np.argsort(squares)[:n_neighbors]
    fifth = squares[nearest[min(5, n_neighbors) - 1]]
    weights = [1 / (squares[i] / fifth + 0.001) for i in nearest]
    return {int(i): weight / sum(weights) for i, weight in zip(nearest, weights, strict=True)}


def test_by_hand() -> None:
    """At distances 1 and 2 of two neighbours, whose unit is the second: weights 1 / .251 and 1 / 1.001."""
    retrieval = Retrieval(np.array([[1.0], [-2.0], [50.0]]), np.array([[7.0], [8.0], [9.0]]), n_neighbors=2)
    positions, mass = retrieval(torch.zeros(1, 1))
    assert positions.tolist() == [[[7.0], [8.0]]]
    assert mass.tolist() == [pytest.approx([1.001 / 1.252, 0.251 / 1.252])]


@pytest.mark.parametrize("n_neighbors", [1, 3, 15])
def test_it_is_the_literal_search(n_neighbors):
    positions, mass = Retrieval(FEATURES, POSITIONS, n_neighbors)(torch.from_numpy(QUERIES))
    for query, found, shares in zip(QUERIES, positions.numpy(), mass.numpy(), strict=True):
        expected = literal(query, n_neighbors)
        order = np.argsort(-shares)
        np.testing.assert_array_equal(found[order], POSITIONS[list(expected)])
        np.testing.assert_allclose(shares[order], list(expected.values()), rtol=1e-4)


@pytest.mark.parametrize("n_stored", [479, 480, 512, 1000, 2015])
def test_the_search_in_groups_is_the_search_among_all(n_stored):
    values = torch.randn(7, n_stored, generator=torch.Generator().manual_seed(n_stored))
    values[0, -1] = values[1, 0] = -9.0  # the first and the last, which may stand in no group
    for k in (1, 15):
        assert torch.equal(_least(values, k), values.topk(k, dim=1, largest=False).indices)


def test_equal_values_are_found_as_often_as_they_stand():
    found = _least(torch.zeros(2, 2000), 15)
    assert [len(set(row)) for row in found.tolist()] == [15, 15]


def test_more_stored_samples_are_searched_for_fewer_at_once():
    def size(n: int) -> int:
        return Retrieval(np.zeros((n, 1)), np.zeros((n, 2))).batch_size

    assert [size(n) for n in (10, 60_000, 10**6)] == [512, 69, 16]


def test_a_training_sample_has_nearly_all_of_its_own_share():
    mass = Retrieval(FEATURES, POSITIONS)(torch.from_numpy(FEATURES)).mass
    assert (mass.max(dim=1).values > 0.98).all()


def test_copies_share_alike_and_no_number_is_lost():
    """All fifteen neighbours at distance 0, and the fifth at distance 0 while others are far."""
    same = Retrieval(np.zeros((20, 3)), POSITIONS[:20])
    torch.testing.assert_close(same(torch.zeros(1, 3)).mass, torch.full((1, 15), 1 / 15))
    some = np.zeros((20, 3))
    some[6:] = 1e15
    mass = Retrieval(some, POSITIONS[:20])(torch.zeros(1, 3)).mass
    assert sorted(mass[0].tolist()) == pytest.approx([0.0] * 9 + [1 / 6] * 6)


def test_values_whose_squares_are_not_finite_have_shares():
    mass = Retrieval(FEATURES, POSITIONS)(torch.full((1, 5), 9e29)).mass
    torch.testing.assert_close(mass, torch.full((1, 15), 1 / 15))


def test_a_sample_is_found_alike_in_any_batch():
    retrieval = Retrieval(FEATURES, POSITIONS)
    queries = torch.from_numpy(QUERIES)
    parts = torch.cat([retrieval(part).mass for part in queries.split(7)])
    torch.testing.assert_close(parts, retrieval(queries).mass)


def test_it_repeats_to_the_byte():
    retrieval = Retrieval(FEATURES, POSITIONS)
    first, again = (retrieval(torch.from_numpy(QUERIES)) for _ in range(2))
    assert torch.equal(first.positions, again.positions)
    assert torch.equal(first.mass, again.mass)


def test_fewer_samples_than_neighbors_all_count():
    few = Retrieval(FEATURES[:3], POSITIONS[:3])
    assert few.n_neighbors == 3
    assert few(torch.from_numpy(QUERIES[:2])).mass.shape == (2, 3)


def test_it_stores_what_it_documents_and_nothing_of_the_callers():
    """n (p + 1 + d) numbers, as copies."""
    features, positions = FEATURES.copy(), POSITIONS.copy()
    retrieval = Retrieval(features, positions)
    assert sum(buffer.numel() for buffer in retrieval.buffers()) == 200 * (5 + 1 + 2)
    before = retrieval(torch.from_numpy(QUERIES))
    features[:] = 0
    positions[:] = 0
    after = retrieval(torch.from_numpy(QUERIES))
    assert torch.equal(after.positions, before.positions)
    assert torch.equal(after.mass, before.mass)


def test_components_are_the_coordinates_of_principal_components():
    from sklearn.decomposition import PCA

    X = RANDOM.normal(size=(100, 4, 3)).astype(np.float32)
    pca = PCA(2).fit(X.reshape(100, 12))
    found = Components(pca.mean_, pca.components_)(torch.from_numpy(X))
    np.testing.assert_allclose(found, pca.transform(X.reshape(100, 12)), atol=1e-5)
