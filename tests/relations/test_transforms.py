"""Translated images: by hand, pixel by pixel, refusals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import refuses

from drlim.relations import (
    shift,
    shifts,
)

quick = settings(max_examples=60, deadline=None)


def test_shift_by_hand():
    image = np.arange(1, 7).reshape(1, 2, 3)  # 1 2 3 / 4 5 6
    assert shift(image, 1).tolist() == [[[0, 1, 2], [0, 4, 5]]]
    assert shift(image, -1).tolist() == [[[2, 3, 0], [5, 6, 0]]]
    assert shift(image, 0, 1).tolist() == [[[0, 0, 0], [1, 2, 3]]]
    assert shift(image, 0, -1).tolist() == [[[4, 5, 6], [0, 0, 0]]]
    assert shift(image, -2, 1, fill=7).tolist() == [[[7, 7, 7], [3, 7, 7]]]
    assert shift(image, 0).tolist() == image.tolist()


def test_the_papers_shifts_of_a_line():
    """A vertical line in column 13 of 28 moves by -6, -3, 3 and 6 columns."""
    images = np.zeros((2, 28, 28), dtype=np.float32)
    images[:, 4:20, 13] = 1.0
    for dx in (-6, -3, 3, 6):
        moved = shift(images, dx)
        assert np.unique(np.nonzero(moved)[2]).tolist() == [13 + dx]
        assert moved.sum() == images.sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64, bool])
def test_shift_keeps_dtype_and_takes_channels(dtype):
    images = np.random.default_rng(0).integers(0, 2, size=(3, 2, 4, 5)).astype(dtype)
    moved = shift(images, 2, -1, fill=1)
    assert moved.dtype == dtype
    assert (moved[:, :, :3, 2:] == images[:, :, 1:, :3]).all()
    assert (moved[:, :, 3] == 1).all()
    assert (moved[:, :, :, :2] == 1).all()


def test_shift_leaves_its_input_alone_and_takes_small_integers():
    images = np.ones((1, 2, 300))
    moved = shift(images, np.int8(-5))
    assert images.all()
    assert moved.sum() == 590
    assert not np.shares_memory(shift(images, 0), images)


@quick
@given(st.integers(-4, 4), st.integers(-3, 3))
def test_shift_moves_each_pixel(dx, dy):
    image = np.arange(1, 21).reshape(1, 4, 5)
    moved = shift(image, dx, dy)
    for row, column in np.ndindex(4, 5):
        inside = 0 <= row - dy < 4 and 0 <= column - dx < 5
        assert moved[0, row, column] == (image[0, row - dy, column - dx] if inside else 0)


IMAGES = np.zeros((2, 4, 5))


@pytest.mark.parametrize(
    ("message", "images", "arguments"),
    [
        ("The 'dx' parameter of shift must be an int in the range [-4, 4]. Got 5 instead.", IMAGES, {"dx": 5}),
        ("The 'dx' parameter of shift must be an int in the range [-4, 4]. Got 1.0 instead.", IMAGES, {"dx": 1.0}),
        ("The 'dx' parameter of shift must be an int in the range [-4, 4]. Got True instead.", IMAGES, {"dx": True}),
        ("The 'dy' parameter of shift must be an int in the range [-3, 3]. Got -4 instead.", IMAGES, {"dy": -4}),
        ("The 'fill' parameter of shift must be a float in the range (-inf, inf). Got nan", IMAGES, {"fill": np.nan}),
        (
            "Expected 'fill' to be a value that uint8, the dtype of 'images', holds. Got 0.5.",
            IMAGES.astype(np.uint8),
            {"fill": 0.5},
        ),
        (
            "Expected 'fill' to be a value that uint8, the dtype of 'images', holds. Got 256.",
            IMAGES.astype(np.uint8),
            {"fill": 256},
        ),
        (
            "Expected 'fill' to be a value that float16, the dtype of 'images', holds. Got 100000.0.",
            IMAGES.astype(np.float16),
            {"fill": 1e5},
        ),
        (
            "Expected 'images' of shape (n, height, width) or (n, channels, height, width). Got (2, 20): reshape them.",
            IMAGES.reshape(2, 20),
            {},
        ),
        (
            "Expected 'images' with the channels first. Got (2, 8, 9, 3), which looks like (n, H, W, C): "
            "use images.transpose(0, 3, 1, 2).",
            np.zeros((2, 8, 9, 3)),
            {},
        ),
        ("Got (2, 5, 9, 4), which looks like (n, H, W, C)", np.zeros((2, 5, 9, 4)), {}),
        ("Input images contains NaN.", np.full((2, 4, 5), np.nan), {}),
        ("Found array with 0 sample(s) (shape=(0, 4, 5)) while a minimum of 1 is required", IMAGES[:0], {}),
    ],
)
def test_shift_refuses(message, images, arguments):
    refuses(message, shift, images, **{"dx": 1, **arguments})


def test_few_columns_may_be_few_channels():
    assert shift(np.ones((2, 4, 9, 4)), 1).shape == (2, 4, 9, 4)
    assert shift(np.ones((2, 5, 9, 5)), 1).shape == (2, 5, 9, 5)


def test_shifts_are_named_and_shift():
    transforms = shifts([-6, 3], fill=0.5)
    images = np.random.default_rng(0).random((2, 8, 9))
    assert list(transforms) == ["shift -6", "shift +3"]
    assert (transforms["shift -6"](images) == shift(images, -6, fill=0.5)).all()
    assert (pickle.loads(pickle.dumps(transforms))["shift +3"](images) == shift(images, 3, fill=0.5)).all()  # noqa: S301


def test_shifts_refuses():
    refuses("Expected 'dx' to hold different shifts, none of them 0. Got [-1, 0, 1].", shifts, [-1, 0, 1])
    refuses("Expected 'dx' to hold different shifts, none of them 0. Got [2, 2].", shifts, [2, 2])
    refuses("The 'dx' parameter of shifts must be an int in the range", shifts, [1.5])
    assert list(shifts(3)) == ["shift +3"]
