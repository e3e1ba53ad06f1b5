"""MNIST from its four files: in the user's folder, in the user's cache, or downloaded into it."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drlim._base.checks import check_parameters
from drlim.datasets.fetch import DATA_VARIABLE, cache_folder, data_folder, download, find
from drlim.datasets.formats import idx_array, unpacked
from drlim.datasets.images import LabelledImages, labelled

__all__ = ["MNIST_MIRRORS", "mnist"]

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Addresses of folders with the four files of MNIST, tried in this order."""

# Of the unpacked content: packed files of the same images differ between mirrors.
_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def mnist(data_home: str | os.PathLike[str] | None = None, *, mirrors: Iterable[str] = MNIST_MIRRORS) -> LabelledImages:
    """Read the whole of MNIST: 60,000 handwritten digits for training and 10,000 for testing.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder that contains the four files, gzipped or not, or a folder ``mnist`` with them. None takes the folder that
        the environment variable ``DRLIM_DATA`` names, if it contains MNIST, and the user's cache otherwise. The files
        (11 MB) are downloaded into the cache the first time.
    mirrors : iterable of str, default=MNIST_MIRRORS
        Addresses of folders to download from. A file is stored only if its SHA-256 is right.

    Returns
    -------
    LabelledImages
        Images of 28 x 28, in MNIST's order; 220 MB of memory.

    Raises
    ------
    FileNotFoundError
        When a file is missing and cannot be downloaded. The message names the files and their folder.
    ValueError
        When a file is truncated, corrupted, or not MNIST's. The message names the file.

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
    return labelled(*arrays, white=255)


def _mnist_in_folder(data_home: str | os.PathLike[str] | None) -> dict[str, Path] | None:
    """Find the four files in the user's folder; None without a folder, or if DRLIM_DATA's has no file of MNIST."""
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
    """Find the four files in the user's cache, after downloading those that are missing."""
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
    """Return the array of one of the four files, or refuse content with another SHA-256."""
    plain = unpacked(content, source)
    values = idx_array(plain, source)
    found = hashlib.sha256(plain).hexdigest()
    if found != _MNIST_SHA256[name]:
        raise ValueError(
            f"{source} is not MNIST's {name}: the SHA-256 of its unpacked content begins with {found[:12]}, "
            f"not {_MNIST_SHA256[name][:12]}. Delete it, and get the original."
        )
    return values
