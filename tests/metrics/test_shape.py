"""The slant of images: bars by hand, and what it does not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from drlim.metrics import (
    slant,
)


def bar(height: int, width: int, columns: list[int]) -> NDArray[np.uint8]:
    """One bright pixel a row, from the top row down."""
    image = np.zeros((height, width), dtype=np.uint8)
    image[np.arange(len(columns)), columns] = 255
    return image


def test_slant_of_bars() -> None:
    upright = bar(5, 9, [4, 4, 4, 4, 4])
    right = bar(5, 9, [8, 7, 6, 5, 4])  # "/": one to the right for one up
    left = bar(5, 9, [0, 2, 4, 6, 8])  # "\": two to the left for one up
    steep = bar(5, 9, [6, 6, 5, 5, 4])  # dx = 1 1 0 0 -1 less .2 at dy = 2 1 0 -1 -2: 5 over 10
    np.testing.assert_allclose(slant(np.stack([upright, right, left, steep])), [0, 1, -2, 0.5], atol=1e-15)


def test_shearing_adds_the_shear_whatever_the_shape() -> None:
    # A thick bar of odd brightness, sheared by two pixels a row to the right going up.
    image = np.zeros((7, 30))
    image[:, 15:19] = np.random.default_rng(0).random((7, 4))
    sheared = np.stack([np.roll(row, 2 * (3 - i)) for i, row in enumerate(image)])
    before, after = slant(np.stack([image, sheared]))
    assert after - before == pytest.approx(2.0)


def test_slant_is_free_of_brightness_and_place() -> None:
    image = np.zeros((12, 12))
    image[2:7, 3:8] = np.random.default_rng(0).random((5, 5))
    moved = 100 * np.roll(image, (4, 2), axis=(0, 1))
    before, after = slant(np.stack([image, moved]))
    assert after == pytest.approx(before)


def test_slant_of_a_mirrored_image_changes_sign() -> None:
    images = np.random.default_rng(0).random((4, 6, 5))
    np.testing.assert_allclose(slant(images[:, :, ::-1]), -slant(images))
    np.testing.assert_allclose(slant(images[:, ::-1]), -slant(images))


def test_images_without_slant_get_zero() -> None:
    blank = np.zeros((5, 7))
    one_row, one_pixel = blank.copy(), blank.copy()
    one_row[3, [0, 1, 6]] = 0.1, 0.7, 0.3
    one_pixel[4, 1] = 0.3
    assert slant(np.stack([blank, one_row, one_pixel])).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("row", range(28))
def test_one_row_has_no_slant_in_spite_of_rounding(row: int) -> None:
    image = np.zeros((1, 28, 28))
    image[0, row] = np.random.default_rng(row).random(28)
    assert slant(image).tolist() == [0.0]
