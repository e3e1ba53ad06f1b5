"""Data sets: images in [0, 1] with their labels, or with their poses."""

from __future__ import annotations

from drlim.datasets.folders import ImageFolder, image_folder
from drlim.datasets.images import LabelledImages, PosedImages
from drlim.datasets.mnist_files import MNIST_MIRRORS, mnist
from drlim.datasets.norb import small_norb_airplane
from drlim.datasets.shipped import digits, digits49, turntable

__all__ = [
    "MNIST_MIRRORS",
    "ImageFolder",
    "LabelledImages",
    "PosedImages",
    "digits",
    "digits49",
    "image_folder",
    "mnist",
    "small_norb_airplane",
    "turntable",
]
