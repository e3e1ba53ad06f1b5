"""The aeroplanes of small NORB, read from the user's files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array, Index
from drlim._base.checks import check_parameters, integer_in
from drlim.datasets.fetch import DATA_VARIABLE, data_folder
from drlim.datasets.formats import read_norb_matrix
from drlim.datasets.images import PosedImages, posed

__all__ = ["read_airplane", "small_norb_airplane"]

_AIRPLANE = 2
"""The category of aeroplanes in NORB."""

_PARTS = ("dat", "cat", "info")
_INSTANCES = {"training": (4, 6, 7, 8, 9), "testing": (0, 1, 2, 3, 5)}
"""The instances of each category in small NORB's two sets of files."""

_POSES = list(product(range(9), range(0, 36, 2), range(6)))
"""Elevation, azimuth and lighting, as NORB's info files number them, of the images of one instance."""


def small_norb_airplane(instance: int = 4, *, data_home: str | os.PathLike[str] | None = None) -> PosedImages:
    """Read one aeroplane of small NORB, as in the paper's experiment, from your own files.

    NORB is for research only. Therefore it is neither shipped nor downloaded.

    Parameters
    ----------
    instance : int, default=4
        Number of the aeroplane, in [0, 9]: 4, 6, 7, 8 and 9 are in the training files, 0, 1, 2, 3 and 5 in the testing
        files. The paper does not name the one it used; the default is the first of the training files.
    data_home : str or path-like, default=None
        Folder that contains the three files ``smallnorb-*-dat.mat``, ``-cat.mat`` and ``-info.mat`` of a set, gzipped
        or not, or a folder ``norb`` with them. None takes the folder that the environment variable ``DRLIM_DATA``
        names.

    Returns
    -------
    PosedImages
        The 972 left images of 96 x 96, in the layout of `turntable`.

    Raises
    ------
    FileNotFoundError
        When the files are missing. The message names them and their folder.
    ValueError
        When ``instance`` is out of range, or a file is truncated or has another format. The message names the file.

    See Also
    --------
    turntable : A rendered aeroplane in the same layout, which needs no files.

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
    return posed(images, metadata)


def read_airplane(folders: Sequence[Path], instance: int) -> tuple[NDArray[np.uint8], dict[str, Index]]:
    """Read the left images of one aeroplane of small NORB, by elevation, then azimuth, then lighting.

    Parameters
    ----------
    folders : sequence of Path
        Folders to search, in this order. Errors name the first one.
    instance : int
        Number of the aeroplane, from 0 to 9.

    Returns
    -------
    images : ndarray of shape (972, 96, 96), uint8
        Grey images.
    metadata : dict of str to ndarray of shape (972,), int64
        ``"elevation"`` and ``"azimuth"`` in degrees, and ``"lighting"``, a number from 0 to 5.

    Raises
    ------
    FileNotFoundError
        When the files are missing. The message names them and their folder.
    ValueError
        When a file is truncated or has another format, or the instance is not in the files.
    """
    found = False
    for files in _complete_sets(folders):
        found = True
        category, info = _labels(files)
        rows = np.flatnonzero((category == _AIRPLANE) & (info[:, 0] == instance))
        if len(rows):
            rows = rows[np.lexsort(info[rows, 3:0:-1].T)]  # lexsort's last key, the elevation, comes first
            if [tuple(pose) for pose in info[rows, 1:].tolist()] != _POSES:
                raise ValueError(
                    f"{files['info']} is not small NORB's: it does not list each of 9 elevations x 18 azimuths "
                    f"x 6 lightings of aeroplane {instance} once. Get a fresh copy of it."
                )
            return _left_images(files, rows, len(category)), _metadata(info[rows])
    where = folders[0] if folders else f"a folder that {DATA_VARIABLE} or 'data_home' names"
    missing = f"aeroplane {instance} of small NORB is" if found else "small NORB is"
    raise FileNotFoundError(f"No file of {missing} on this machine. {_what_to_put(instance)} into {where}.")


def _what_to_put(instance: int) -> str:
    split = next(split for split, instances in _INSTANCES.items() if instance in instances)
    digits = "46789" if split == "training" else "01235"
    stem = f"smallnorb-5x{digits}x9x18x6x2x96x96-{split}"
    names = ", ".join(f"{stem}-{part}.mat.gz" for part in _PARTS)
    return f"Put {names} (from https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/, unpacked or not)"


def _complete_sets(folders: Sequence[Path]) -> Iterator[dict[str, Path]]:
    """Yield the three files of each complete split; refuse a split of which some are missing."""
    for folder, split in product(folders, _INSTANCES):
        files = {part: _file(folder, split, part) for part in _PARTS}
        missing = [part for part, path in files.items() if path is None]
        if 0 < len(missing) < len(_PARTS):
            absent = ", ".join(f"smallnorb-...-{split}-{part}.mat.gz" for part in missing)
            raise FileNotFoundError(f"Small NORB is not whole in {folder}: put {absent} there, unpacked or not.")
        if not missing:
            yield {part: path for part, path in files.items() if path is not None}


def _file(folder: Path, split: str, part: str) -> Path | None:
    """Return the file of a part by its full name, such as ``smallnorb-5x46789...-training-dat.mat``, or a short one."""
    for pattern in (f"smallnorb-*{split}-{part}.mat", f"{split}-{part}.mat"):
        for end in ("", ".gz"):
            matches = sorted(path for path in folder.glob(pattern + end) if path.is_file())
            if matches:
                return matches[0]
    return None


def _labels(files: dict[str, Path]) -> tuple[Array, Array]:
    """Return the category (n,) and the info (n, 4): instance, elevation, azimuth, lighting."""
    category, info = read_norb_matrix(files["cat"]), read_norb_matrix(files["info"])
    for part, values, shape in [("cat", category, (len(info),)), ("info", info, (len(category), 4))]:
        if values.shape != shape or values.dtype != np.int32:
            raise ValueError(
                f"{files[part]} is not small NORB's: it holds {values.dtype} of shape {values.shape}, where int32 of "
                f"shape {shape} are expected beside the other files. Get a fresh copy of it."
            )
    return category, info


def _left_images(files: dict[str, Path], rows: NDArray[np.intp], n_pairs: int) -> NDArray[np.uint8]:
    try:
        pairs = read_norb_matrix(files["dat"], rows)  # (972, 2, 96, 96)
    except IndexError as error:
        raise ValueError(
            f"{files['dat']} is not small NORB's: {files['cat'].name} lists {n_pairs} pairs of images, "
            "and it holds fewer. Get a fresh copy of it."
        ) from error
    if pairs.shape[1:] != (2, 96, 96) or pairs.dtype != np.uint8:
        raise ValueError(
            f"{files['dat']} is not small NORB's: it holds {pairs.dtype} of shape {pairs.shape[1:]}, where uint8 of "
            "shape (2, 96, 96) are expected. Get a fresh copy of it."
        )
    images: NDArray[np.uint8] = pairs[:, 0]
    return images


def _metadata(info: Array) -> dict[str, Index]:
    _, elevation, azimuth, lighting = info.astype(np.int64).T
    # NORB numbers elevations 0 to 8, and counts azimuths in tens of degrees.
    return {"elevation": 30 + 5 * elevation, "azimuth": 10 * azimuth, "lighting": lighting}
