from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from drlim.explorer.thumbnails import checked_images, sheet_of


def opened(sheet):
    return np.asarray(Image.open(io.BytesIO(sheet.content.tobytes())))


def tile(sheet, place):
    top, left = place // sheet.columns * sheet.height, place % sheet.columns * sheet.width
    return opened(sheet)[top : top + sheet.height, left : left + sheet.width]


@pytest.mark.parametrize("shape", [(5, 3, 4), (7, 5, 3), (1, 1, 1), (10, 2, 5)])
def test_greys_are_where_the_sheet_says_in_sixteen_steps(shape):
    pictures = np.random.default_rng(0).uniform(size=shape)
    pictures.reshape(-1)[:1] = 0.0
    sheet = sheet_of(pictures)
    assert sheet.type == "image/png"
    low, high = pictures.min(), pictures.max()
    for place, picture in enumerate(pictures):
        wanted = 255 * (picture - low) / ((high - low) or 1.0)
        found = tile(sheet, place) * (1 if opened(sheet).max() > 15 else 17)
        assert np.abs(found - wanted).max() <= 9


def test_colours_are_a_png_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    pictures = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    pictures.reshape(-1)[:2] = 0, 255
    sheet = sheet_of(pictures)
    monkeypatch.undo()
    assert sheet.type == "image/png"
    for place, picture in enumerate(pictures):
        np.testing.assert_array_equal(tile(sheet, place), picture)


def test_colours_are_webp_with_pillow():
    pictures = np.zeros((4, 16, 16, 3), dtype=np.uint8)
    pictures[2] = (250, 20, 20)
    pictures[3] = (0, 0, 255)
    sheet = sheet_of(pictures)
    assert sheet.type == "image/webp"
    red, green, blue = tile(sheet, 2).reshape(-1, 3).mean(axis=0)
    assert red > 200 > 80 > max(green, blue)


def test_large_images_are_means_of_their_pixels():
    picture = np.zeros((1, 128, 96))
    picture[0, :, 48:] = 1.0
    sheet = sheet_of(picture)
    assert (sheet.height, sheet.width) == (64, 48)
    found = opened(sheet).astype(float)
    assert found[:, :24].max() < found[:, 24:].min()


def test_many_images_are_smaller_and_too_many_have_none():
    few = np.broadcast_to(np.zeros((28, 28), dtype=np.uint8), (30_000, 28, 28))
    assert sheet_of(few).width == 14
    many = np.broadcast_to(np.zeros((28, 28), dtype=np.uint8), (400_000, 28, 28))
    assert sheet_of(many) is None


def test_only_images_of_one_or_three_channels_are_images():
    assert checked_images(np.zeros((2, 1, 4, 5)), "images").shape == (2, 4, 5)
    assert checked_images(np.zeros((2, 3, 4, 5)), "images").shape == (2, 4, 5, 3)
    assert checked_images(np.zeros((2, 2, 4, 5)), "images") is None
    assert checked_images(np.zeros((2, 4)), "images") is None
    with pytest.raises(TypeError, match="Expected 'images' to hold numbers"):
        checked_images(np.full((1, 2, 2), "a"), "images")
