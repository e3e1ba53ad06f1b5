"""The two forms in which data sets are returned: images in [0, 1] with labels, or with the pose of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array, Index

__all__ = ["LabelledImages", "PosedImages", "labelled", "posed", "split"]

_SPLIT_SEED = 2006
"""Seed of every split made here: the year of the paper."""

_N_POSED_TEST = 312
"""Number of test views: 660 of the 972 views of an aeroplane remain for training, as in the paper."""


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Images with labels, split into a training and a test part.

    Attributes
    ----------
    X_train : ndarray of shape (n_train, height, width), float32
        Grey images, from 0 (background) to 1 (ink).
    y_train : ndarray of shape (n_train,), int64
        The digit that each image shows.
    X_test : ndarray of shape (n_test, height, width), float32
        Images for testing only.
    y_test : ndarray of shape (n_test,), int64
        Their digits.

    Examples
    --------
    >>> from drlim import datasets
    >>> data = datasets.digits()
    >>> data, data.y_train[:3].tolist()
    (LabelledImages(X_train (1300, 8, 8), X_test (497, 8, 8)), [0, 1, 2])
    """

    X_train: NDArray[np.float32]
    y_train: Index
    X_test: NDArray[np.float32]
    y_test: Index

    def __repr__(self) -> str:
        return f"LabelledImages(X_train {self.X_train.shape}, X_test {self.X_test.shape})"


@dataclass(frozen=True, eq=False, repr=False)
class PosedImages:
    """Views of one object, with the pose and the lighting of each.

    Attributes
    ----------
    images : ndarray of shape (972, 96, 96), float32
        Grey images in [0, 1], ordered by elevation, then azimuth, then lighting.
    metadata : dict of str to ndarray of shape (972,), int64
        ``"elevation"`` of the camera (30 to 70 degrees, in steps of 5), ``"azimuth"`` of the object (0 to 340 degrees,
        in steps of 20) and ``"lighting"`` (0 to 5, in no order), as `drlim.relations.grid_graph` takes them.
    train : ndarray of shape (660,), int64
        Indices of the training views, ascending. They were chosen at random and are the same for each object and on
        every machine.
    test : ndarray of shape (312,), int64
        Indices of all other views, for testing only.

    Examples
    --------
    >>> from drlim import datasets
    >>> data = datasets.turntable()
    >>> data, {name: int(column[0]) for name, column in data.metadata.items()}
    (PosedImages(images (972, 96, 96), train (660,), test (312,)), {'elevation': 30, 'azimuth': 0, 'lighting': 0})
    """

    images: NDArray[np.float32]
    metadata: dict[str, Index]
    train: Index
    test: Index

    def __repr__(self) -> str:
        return f"PosedImages(images {self.images.shape}, train {self.train.shape}, test {self.test.shape})"


def labelled(X_train: Array, y_train: Array, X_test: Array, y_test: Array, *, white: int) -> LabelledImages:
    """Return images whose brightest value is ``white`` as `LabelledImages`."""
    y_train, y_test = y_train.astype(np.int64), y_test.astype(np.int64)
    return LabelledImages(_unit_range(X_train, white), y_train, _unit_range(X_test, white), y_test)


def posed(images: Array, metadata: dict[str, Array]) -> PosedImages:
    """Return 972 images of bytes as `PosedImages`."""
    columns = {name: values.astype(np.int64) for name, values in metadata.items()}
    train, test = split(len(images), _N_POSED_TEST)
    return PosedImages(_unit_range(images, 255), columns, train.astype(np.int64), test.astype(np.int64))


def split(n_samples: int, n_test: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of training and test samples, chosen at random, each ascending."""
    # Raw bits, whose stream NumPy guarantees; the streams of its distributions may change.
    order = np.argsort(np.random.PCG64(_SPLIT_SEED).random_raw(n_samples), kind="stable")
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def _unit_range(images: Array, white: int) -> NDArray[np.float32]:
    scaled = images.astype(np.float32)
    scaled /= np.float32(white)  # in place: all of MNIST is 190 MB
    return scaled
