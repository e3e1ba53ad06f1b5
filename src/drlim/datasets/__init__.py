"""Data sets: images in [0, 1], with what they show."""

from __future__ import annotations

from drlim.datasets.loaders import (
    MNIST_MIRRORS,
    LabelledImages,
    PosedImages,
    digits,
    digits49,
    mnist,
    small_norb_airplane,
    turntable,
)

__all__ = [
    "MNIST_MIRRORS",
    "LabelledImages",
    "PosedImages",
    "digits",
    "digits49",
    "mnist",
    "small_norb_airplane",
    "turntable",
]
