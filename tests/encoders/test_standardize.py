"""One scale where it serves; bounds and scales of columns where a wild value or a wide column would hide the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drlim.encoders import Standardize
from drlim.relations import orbits

NORMAL = np.random.default_rng(0).normal(size=(200, 6))
IMAGES = np.random.default_rng(0).random((50, 2, 9, 9))


def seen(scaler: Standardize, X: np.ndarray) -> np.ndarray:
    return scaler(torch.from_numpy(np.asarray(X, dtype=np.float64))).numpy()


def test_a_wild_value_by_hand():
    """Median 3 and size 2: values are brought into [-17, 23], whose mean is 33 / 5."""
    scaler = Standardize((1,)).double().fit(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]]))
    assert (scaler.lower.tolist(), scaler.upper.tolist(), scaler.offset.tolist()) == ([-17.0], [23.0], [6.6])
    brought = np.array([1.0, 2.0, 3.0, 4.0, 23.0])
    assert scaler.scale.tolist() == [pytest.approx(brought.std(), rel=1e-15)]
    np.testing.assert_allclose(seen(scaler, [[1e9], [23.0], [-1e30]]).ravel() * brought.std(), [16.4, 16.4, -23.6])
    found = scaler.findings
    assert (found.n_cells, found.row, found.place, found.value) == (1, 4, 0, 1e9)
    assert (found.centre, found.size, found.wide) == (3.0, 2.0, ())


def test_a_wide_column_by_hand():
    """Sizes 1, 1 and 100: the last column is taken for a hundredth as wide; all then have mean square 1."""
    X = np.tile([[-1.0, 1.0, -100.0], [1.0, -1.0, 100.0]], (50, 1))
    scaler = Standardize((3,)).double().fit(X)
    assert scaler.scale.tolist() == [1.0, 1.0, 100.0]
    assert scaler.offset.tolist() == [0.0, 0.0, 0.0]
    assert (scaler.findings.wide, scaler.findings.width, scaler.findings.n_cells) == ((2,), 100.0, 0)
    assert np.abs(seen(scaler, X)).max() == 1.0


@pytest.mark.parametrize("X", [NORMAL, NORMAL * [1, 2, 3, 4, 5, 10], IMAGES, IMAGES[:, 0], np.ones((4, 2))])
def test_one_scale_serves_ordinary_samples(X):
    scaler = Standardize(X.shape[1:]).fit(X)
    assert not scaler.is_bounded
    assert scaler.findings is None
    assert set(scaler.state_dict()) == {"offset", "scale"}
    assert scaler.scale.shape == ()


@pytest.mark.parametrize("wild", [1e4, -1e6, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_wild_value_changes_little_for_the_others(wild, dtype):
    X = NORMAL.astype(dtype)
    X[7, 2] = wild
    scaler = Standardize((6,)).double().fit(X)
    plain = seen(Standardize((6,)).double().fit(NORMAL), NORMAL)
    np.testing.assert_allclose(np.delete(seen(scaler, X), 7, axis=0), np.delete(plain, 7, axis=0), rtol=0.15, atol=0.15)
    assert 5 < np.abs(seen(scaler, X)[7, 2]) < 20
    assert (scaler.findings.row, scaler.findings.place) == (7, 2)


def test_a_row_that_is_wild_in_all_columns():
    X = NORMAL.copy()
    X[7] *= 1e6
    scaler = Standardize((6,)).double().fit(X)
    assert scaler.findings.n_cells == 6
    assert np.delete(seen(scaler, X), 7, axis=0).std() > 0.5


def test_few_samples_are_hidden_by_less():
    """A value of 500 ordinary sizes is not wild, and would still hide all others of 12 x 3."""
    X = NORMAL[:12, :3].copy()
    X[0, 0] = 600.0
    assert seen(Standardize((3,)).double().fit(X), X)[1:].std() > 0.3


def test_a_wild_pixel_leaves_a_shifted_image_a_shifted_image():
    X = IMAGES[:, 0].copy()
    X[3, 4, 5] = 1e6
    scaler = Standardize(X.shape[1:]).double().fit(X)
    assert scaler.lower.shape == scaler.scale.shape == (1,)
    assert (scaler.findings.row, scaler.findings.place) == (3, 4 * 9 + 5)
    assert np.delete(seen(scaler, X), 3, axis=0).std() > 0.5
    rolled = torch.from_numpy(X).roll(2, dims=-1)
    torch.testing.assert_close(scaler(rolled), scaler(torch.from_numpy(X)).roll(2, dims=-1))


def test_a_wide_channel_is_a_wide_column():
    X = np.random.default_rng(0).normal(size=(20, 3, 5, 5)) * np.array([1, 1e4, 1])[:, None, None]
    scaler = Standardize(X.shape[1:]).double().fit(X)
    assert scaler.findings.wide == (1,)
    np.testing.assert_allclose(seen(scaler, X).std(axis=(0, 2, 3)), 1.0, atol=0.1)


def test_fitted_again_it_forgets_its_bounds():
    wild = NORMAL.copy()
    wild[0, 0] = 1e6
    scaler = Standardize((6,)).fit(wild).fit(NORMAL)
    assert torch.equal(scaler.scale, Standardize((6,)).fit(NORMAL).scale)
    assert scaler.findings is None
    assert not scaler.is_bounded


@pytest.mark.parametrize("chunk_size", [1, 7])
def test_chunks_do_not_show_in_bounds(chunk_size):
    X = NORMAL.copy()
    X[7, 2] = 1e6
    whole, chunked = (Standardize((6,)).double().fit(X, size) for size in (4096, chunk_size))
    assert chunked.findings == whole.findings
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(chunked.state_dict()[name], value, rtol=1e-12, atol=1e-12)


def test_lazy_copies_are_looked_at_too():
    X = NORMAL.copy()
    X[7, 2] = 1e6
    lazy = orbits(X, {"negated": np.negative}, lazy=True).X
    scaler = Standardize((6,)).fit(lazy)
    assert scaler.findings.n_cells == 2
