"""Weights by perplexity: by hand, their entropy, and rows with ties or no distances at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim.neighbors import perplexity as module
from drlim.neighbors.perplexity import perplexity_weights, symmetric_weights, weighted_graph


def counted(weights: np.ndarray) -> np.ndarray:
    """The perplexity of each row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(weights > 0, weights * np.log(weights), 0)
    return np.exp(-terms.sum(axis=1))


def test_two_neighbours_by_hand() -> None:
    """Weights q and 1 - q with the entropy of (.8, .2): q / (1 - q) = 4 = exp(b (d_2 - d_1))."""
    wanted = float(np.exp(-(0.8 * np.log(0.8) + 0.2 * np.log(0.2))))
    np.testing.assert_allclose(perplexity_weights(np.array([[3.0, 10.0]]), wanted), [[0.8, 0.2]], atol=1e-5)


def test_the_weights_are_those_of_one_rate_a_row_and_have_the_perplexity() -> None:
    squares = np.sort(np.random.default_rng(0).gamma(2, size=(500, 45)), axis=1) + 3
    weights = perplexity_weights(squares, 15.0)
    np.testing.assert_allclose(counted(weights), 15, rtol=1e-5)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    rates = -np.diff(np.log(weights), axis=1) / np.diff(squares, axis=1)
    np.testing.assert_allclose(rates, rates[:, :1] * np.ones((1, 44)), rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_distances_give_weights(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 12))
    values = data.draw(st.lists(st.sampled_from([0.0, 1e-300, 1.0, 2.0, 1e8, 1e150]), min_size=n * k, max_size=n * k))
    squares = np.array(values).reshape(n, k)
    wanted = data.draw(st.floats(1, 20))
    weights = perplexity_weights(squares, wanted)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all()
    order = np.argsort(squares, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(weights, order, axis=1), axis=1) <= 1e-12).all()  # nearer ones weigh no less
    for row, weight in zip(squares, weights, strict=True):
        assert all(np.ptp(weight[row == value]) == 0 for value in np.unique(row))


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0]])
def test_equal_distances_have_equal_weights(row: list[float]) -> None:
    assert perplexity_weights(np.array([row]), 2.0).tolist() == [[0.25] * 4]


def test_more_ties_than_the_perplexity_share_the_weight() -> None:
    weights = perplexity_weights(np.array([[0.0, 0.0, 0.0, 0.0, 1.0, 2.0]]), 2.0)
    np.testing.assert_allclose(weights, [[0.25] * 4 + [0.0] * 2], atol=1e-6)


@pytest.mark.parametrize("perplexity", [3.0, 50.0])
def test_as_many_as_there_are_count_alike(perplexity: float) -> None:
    assert perplexity_weights(np.array([[0.0, 1.0, 9.0]]), perplexity).tolist() == [[1 / 3] * 3]


def test_the_unit_and_the_block_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    squares = np.random.default_rng(1).gamma(2, size=(50, 10))
    weights = perplexity_weights(squares, 4.0)
    np.testing.assert_allclose(perplexity_weights(1e40 * squares, 4.0), weights, rtol=1e-5, atol=1e-12)
    monkeypatch.setattr(module, "_BLOCK_VALUES", 30)
    assert perplexity_weights(squares, 4.0).tobytes() == weights.tobytes()


@pytest.mark.parametrize(
    ("squares", "perplexity", "message"),
    [
        (np.ones(3), 2.0, r"Expected 'squares' of shape \(n, k\), k at least 1. Got \(3,\)."),
        (np.ones((3, 0)), 2.0, r"Expected 'squares' of shape \(n, k\), k at least 1. Got \(3, 0\)."),
        (np.ones((3, 2)), 0.5, r"Expected 'perplexity' in \[1, inf\). Got 0.5."),
        (-np.ones((3, 2)), 2.0, "Expected 'squares' to be finite and at least 0."),
        (np.full((3, 2), np.nan), 2.0, "Expected 'squares' to be finite and at least 0."),
    ],
)
def test_what_is_out_of_range_is_refused(squares: np.ndarray, perplexity: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        perplexity_weights(squares, perplexity)


def test_symmetric_weights_are_means_of_both_directions() -> None:
    rng = np.random.default_rng(2)
    indices = np.stack([rng.permutation(np.delete(np.arange(9), i))[:3] for i in range(9)])
    weights = rng.random((9, 3))
    weights[4, 1] = 0.0
    dense = np.zeros((9, 9))
    dense[np.arange(9)[:, None], indices] = weights
    found = symmetric_weights(indices, weights)
    np.testing.assert_allclose(found.toarray(), (dense + dense.T) / 2)
    assert found.has_sorted_indices
    assert (found.data > 0).all()


def test_a_graph_has_the_weights_and_leaves_out_zeros() -> None:
    graph = weighted_graph(np.array([[1, 2], [0, 3], [3, 0], [2, 1]]), np.array([[1.0, 0.0]] * 4))
    assert graph.similar.pairs().tolist() == [[0, 1], [2, 3]]
    assert graph.similar.pair_weights().tolist() == [1.0, 1.0]
    assert graph.rest == "dissimilar"
