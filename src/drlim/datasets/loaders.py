"""Data in the form that the builders of graphs and the encoders want: images in [0, 1], with what they show."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drlim._base.checks import check_parameters, integer_in
from drlim.datasets.fetch import DATA_VARIABLE, cache_folder, data_folder, download, find
from drlim.datasets.formats import idx_array, unpacked
from drlim.datasets.norb import read_airplane

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

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Folders on the network that hold the four files of MNIST, in the order in which they are asked."""

# Of the unpacked content: packed files of the same images differ between mirrors.
_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

_SPLIT_SEED = 2006
"""The year of the paper; behind every split that this module makes."""

_N_DIGITS_TEST = 497
"""Leaves 1300 of scikit-learn's 1797 digits for training."""

_N_POSED_TEST = 312
"""Leaves 660 of the 972 views of an aeroplane for training, as in the paper."""


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Images with labels, split into a part to train on and one to judge by.

    Attributes
    ----------
    X_train : ndarray of shape (n_train, height, width), float32
        Grey images, from 0 (background) to 1 (ink).
    y_train : ndarray of shape (n_train,), int64
        The digit that each image shows.
    X_test : ndarray of shape (n_test, height, width), float32
        Images never to be trained on.
    y_test : ndarray of shape (n_test,), int64
        Their digits.
    """

    X_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    X_test: NDArray[np.float32]
    y_test: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"LabelledImages(X_train {self.X_train.shape}, X_test {self.X_test.shape})"


@dataclass(frozen=True, eq=False, repr=False)
class PosedImages:
    """Views of one object, with the pose and the lighting of each.

    Attributes
    ----------
    images : ndarray of shape (972, 96, 96), float32
        Grey images in [0, 1], by elevation, then azimuth, then lighting.
    metadata : dict of str to ndarray of shape (972,), int64
        ``"elevation"`` of the camera (30 to 70 degrees, every 5), ``"azimuth"`` of the object (0 to 340 degrees,
        every 20) and ``"lighting"`` (0 to 5): what `grid_graph` takes. The numbers of lightings have no order.
    train : ndarray of shape (660,), int64
        Rows to train on, ascending, chosen at random; the same for each object and on every machine.
    test : ndarray of shape (312,), int64
        All other rows, never to be trained on.
    """

    images: NDArray[np.float32]
    metadata: dict[str, NDArray[np.int64]]
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"PosedImages(images {self.images.shape}, train {self.train.shape}, test {self.test.shape})"


def digits49() -> LabelledImages:
    """Return fours and nines of MNIST, as in the paper's experiments; shipped with the package.

    Returns
    -------
    LabelledImages
        6000 images of 28 x 28 to train on, 3000 of each class, chosen at random from MNIST's training split,
        and all 982 fours and 1009 nines of its test split. The same on every machine.

    Notes
    -----
    MNIST is by Yann LeCun and Corinna Cortes, under CC BY-SA 3.0; see ``NOTICE.md`` beside the file.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006.

    Examples
    --------
    >>> from drlim.datasets import digits49
    >>> data = digits49()
    >>> data
    LabelledImages(X_train (6000, 28, 28), X_test (1991, 28, 28))
    >>> data.y_train[:8]
    array([4, 9, 9, 9, 9, 4, 9, 9])
    """
    arrays = _shipped("digits49.npz")
    return _labelled(*(arrays[name] for name in ("X_train", "y_train", "X_test", "y_test")), white=255)


def digits() -> LabelledImages:
    """Digits of 8 x 8 pixels, 0 to 9, that come with scikit-learn; small enough for quick tests.

    Returns
    -------
    LabelledImages
        1300 images to train on and 497 to test, split at random and alike on every machine.

    See Also
    --------
    sklearn.datasets.load_digits : The source.

    Examples
    --------
    >>> from drlim.datasets import digits
    >>> digits()
    LabelledImages(X_train (1300, 8, 8), X_test (497, 8, 8))
    """
    from sklearn.datasets import load_digits  # takes a second, and the shipped digits do not need it

    source = load_digits()
    train, test = _split(len(source.target), _N_DIGITS_TEST)
    return _labelled(source.images[train], source.target[train], source.images[test], source.target[test], white=16)


def mnist(data_home: str | os.PathLike[str] | None = None, *, mirrors: Iterable[str] = MNIST_MIRRORS) -> LabelledImages:
    """Read the whole of MNIST: 60,000 handwritten digits to train on and 10,000 to test.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder that holds the four files, gzipped or not, or a folder ``mnist`` that does. When None, the
        folder that the environment variable ``DRLIM_DATA`` names, if MNIST is in it; else the user's cache,
        into which the files (11 MB) are downloaded the first time.
    mirrors : iterable of str, default=MNIST_MIRRORS
        Addresses of folders to download from. What they give is kept only if its SHA-256 is right.

    Returns
    -------
    LabelledImages
        Images of 28 x 28, in MNIST's order; 220 MB of memory.

    Raises
    ------
    FileNotFoundError
        When a file is missing and cannot be downloaded; says which files to put where.
    ValueError
        When a file is truncated, corrupted, or not MNIST's; names the file.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
    Proc. IEEE 86(11), 1998.

    Examples
    --------
    >>> from drlim.datasets import mnist
    >>> mnist("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: There is no folder nowhere, which 'data_home' names. Correct the name.
    """
    check_parameters({"data_home": data_home}, {"data_home": [str, os.PathLike, None]}, "mnist")
    files = _mnist_in_folder(data_home) or _mnist_in_cache(mirrors)
    arrays = (_mnist_array(path.read_bytes(), str(path), name) for name, path in files.items())
    return _labelled(*arrays, white=255)


def turntable() -> PosedImages:
    """Return views of a rendered aeroplane on a turntable; shipped with the package.

    A stand-in, in the same layout, for the aeroplane of NORB that the paper maps: it has no photographs, no noise
    and one model. Use `small_norb_airplane` where you have NORB's files.

    Returns
    -------
    PosedImages
        972 images of 96 x 96: 9 elevations x 18 azimuths x 6 lightings.

    Notes
    -----
    Rendered by ``tools/make_turntable.py`` of this project's source, and under the package's own licence.

    Examples
    --------
    >>> from drlim.datasets import turntable
    >>> data = turntable()
    >>> data
    PosedImages(images (972, 96, 96), train (660,), test (312,))
    >>> {name: int(values[7]) for name, values in data.metadata.items()}
    {'elevation': 30, 'azimuth': 20, 'lighting': 1}
    """
    arrays = _shipped("turntable.npz")
    return _posed(arrays.pop("images"), arrays)


def small_norb_airplane(instance: int = 4, *, data_home: str | os.PathLike[str] | None = None) -> PosedImages:
    """Read one aeroplane of small NORB, as in the paper's experiment, from your own files.

    NORB is for research only, and so neither shipped nor downloaded.

    Parameters
    ----------
    instance : int, default=4
        Which of the ten aeroplanes, in [0, 9]: 4, 6, 7, 8 and 9 are in the training files, 0, 1, 2, 3 and 5 in the
        testing files. The paper does not say which one it used; the default is the first of the training files.
    data_home : str or path-like, default=None
        Folder that holds the three files ``smallnorb-*-dat.mat``, ``-cat.mat`` and ``-info.mat`` of a set, gzipped or
        not, or a folder ``norb`` that does. When None, the folder that the environment variable ``DRLIM_DATA`` names.

    Returns
    -------
    PosedImages
        The 972 left images of 96 x 96, in the layout of `turntable`.

    Raises
    ------
    FileNotFoundError
        When the files are missing; says which to put where.
    ValueError
        When a file is truncated or foreign; names it.

    See Also
    --------
    turntable : A rendered stand-in that needs no files.

    References
    ----------
    Y. LeCun, F. J. Huang, L. Bottou, "Learning methods for generic object recognition with invariance to pose and
    lighting", CVPR 2004.

    Examples
    --------
    >>> from drlim.datasets import small_norb_airplane
    >>> small_norb_airplane(4, data_home="nowhere")
    Traceback (most recent call last):
    FileNotFoundError: There is no folder nowhere, which 'data_home' names. Correct the name.
    """
    check_parameters(
        {"instance": instance, "data_home": data_home},
        {"instance": [integer_in(0, 9)], "data_home": [str, os.PathLike, None]},
        "small_norb_airplane",
    )
    folder = data_folder(data_home)
    images, metadata = read_airplane([] if folder is None else [folder, folder / "norb"], int(instance))
    return _posed(images, metadata)


def _posed(images: NDArray[Any], metadata: dict[str, NDArray[Any]]) -> PosedImages:
    columns = {name: values.astype(np.int64) for name, values in metadata.items()}
    train, test = _split(len(images), _N_POSED_TEST)
    return PosedImages(_unit_range(images, 255), columns, train.astype(np.int64), test.astype(np.int64))


def _labelled(
    X_train: NDArray[Any], y_train: NDArray[Any], X_test: NDArray[Any], y_test: NDArray[Any], *, white: int
) -> LabelledImages:
    y_train, y_test = y_train.astype(np.int64), y_test.astype(np.int64)
    return LabelledImages(_unit_range(X_train, white), y_train, _unit_range(X_test, white), y_test)


def _unit_range(images: NDArray[Any], white: int) -> NDArray[np.float32]:
    scaled = images.astype(np.float32)
    scaled /= np.float32(white)  # in place: all of MNIST is 190 MB
    return scaled


def _split(n_samples: int, n_test: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train on and rows to test, at random, each ascending."""
    # Raw bits, whose stream NumPy keeps for ever; the streams of its distributions may change.
    order = np.argsort(np.random.PCG64(_SPLIT_SEED).random_raw(n_samples), kind="stable")
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def _shipped(name: str) -> dict[str, NDArray[Any]]:
    """Arrays of a file in ``drlim/data``."""
    try:
        content = resources.files("drlim").joinpath("data").joinpath(name).read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"The package's data file {name} is missing or damaged ({error}). Install drlim again."
        ) from error


def _mnist_in_folder(data_home: str | os.PathLike[str] | None) -> dict[str, Path] | None:
    """Find the four files in the user's folder; None when none is named, or it has nothing of MNIST."""
    folder = data_folder(data_home)
    if folder is None:
        return None
    found = {
        name: find([folder, folder / "mnist"], [f"{name}.gz", name, name.replace("-idx", ".idx")])
        for name in _MNIST_SHA256
    }
    missing = [f"{name}.gz" for name, path in found.items() if path is None]
    if data_home is None and len(missing) == len(found):
        return None  # DRLIM_DATA may hold other data only
    if missing:
        names = ", ".join(missing)
        raise FileNotFoundError(f"MNIST is not whole in {folder}: put {names} there, gzipped or not.")
    return {name: path for name, path in found.items() if path is not None}


def _mnist_in_cache(mirrors: Iterable[str]) -> dict[str, Path]:
    """Find the four files in the user's cache, after downloading those that are not."""
    folder = cache_folder() / "mnist"
    files = {name: folder / f"{name}.gz" for name in _MNIST_SHA256}
    mirrors = list(mirrors)
    for name, path in files.items():
        if path.is_file():
            continue
        try:
            download(path, mirrors, functools.partial(_mnist_array, source=path.name, name=name))
        except ConnectionError as error:
            needed = ", ".join(path.name for path in files.values())
            raise FileNotFoundError(
                f"MNIST is not on this machine, and {path.name} could not be downloaded. Put {needed} into "
                f"{folder}, or into a folder that {DATA_VARIABLE} or 'data_home' names. ({error})"[:600]
            ) from error
    return files


def _mnist_array(content: bytes, source: str, name: str) -> NDArray[np.uint8]:
    """Array in the content of one of the four files, once it is sure to be MNIST's."""
    plain = unpacked(content, source)
    values = idx_array(plain, source)
    found = hashlib.sha256(plain).hexdigest()
    if found != _MNIST_SHA256[name]:
        raise ValueError(
            f"{source} is not MNIST's {name}: the SHA-256 of its unpacked content begins with {found[:12]}, "
            f"not {_MNIST_SHA256[name][:12]}. Delete it, and get the original."
        )
    return values
