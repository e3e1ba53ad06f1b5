"""Images and weights on one sheet."""

from __future__ import annotations

import numpy as np
import pytest

from drlim.plotting import (
    plot_images,
    plot_weights,
)


def test_weights_lie_side_by_side_on_a_scale_around_zero() -> None:
    weights = np.array([[[1.0, -3.0]], [[0.5, 0.0]], [[2.0, 2.0]]])  # (3, 1, 2)
    (image,) = plot_weights(weights, columns=2).images
    sheet = np.ma.filled(image.get_array(), np.nan)
    nan = np.nan
    np.testing.assert_array_equal(sheet, [[1, -3, nan, 0.5, 0], [nan] * 5, [2, 2, nan, nan, nan]])
    low, high = image.get_clim()
    assert -low == high == pytest.approx(3.0, rel=0.01)


def test_images_share_one_scale() -> None:
    (image,) = plot_images(np.stack([np.zeros((2, 2)), np.full((2, 2), 4.0)])).images
    assert image.get_clim() == (0.0, 4.0)
    assert image.get_array().shape == (2, 5)
