"""Where the aeroplanes of small NORB are in the user's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drlim.datasets.fetch import DATA_VARIABLE
from drlim.datasets.formats import read_norb_matrix

__all__ = ["read_airplane"]

_AIRPLANE = 2
"""The category of aeroplanes in NORB."""

_PARTS = ("dat", "cat", "info")
_INSTANCES = {"training": (4, 6, 7, 8, 9), "testing": (0, 1, 2, 3, 5)}
"""The instances of each category in small NORB's two sets of files."""

_POSES = list(product(range(9), range(0, 36, 2), range(6)))
"""Elevation, azimuth and lighting, as NORB's info files number them, of the images of one instance."""


def read_airplane(folders: Sequence[Path], instance: int) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.int64]]]:
    """Read the left images of one aeroplane of small NORB, by elevation, then azimuth, then lighting.

    Parameters
    ----------
    folders : sequence of Path
        Where to look for the files, in this order; the first is the one that errors name.
    instance : int
        Which of the aeroplanes, from 0 to 9.

    Returns
    -------
    images : ndarray of shape (972, 96, 96), uint8
    metadata : dict of str to ndarray of shape (972,), int64
        ``"elevation"`` and ``"azimuth"`` in degrees, and ``"lighting"``, a number from 0 to 5.

    Raises
    ------
    FileNotFoundError
        When the files are missing; says what to put where.
    ValueError
        When a file is truncated or foreign, or the instance is not in the files.
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
    """Yield the three files of each split that is there; refuse a split of which some are missing."""
    for folder, split in product(folders, _INSTANCES):
        files = {part: _file(folder, split, part) for part in _PARTS}
        missing = [part for part, path in files.items() if path is None]
        if 0 < len(missing) < len(_PARTS):
            absent = ", ".join(f"smallnorb-...-{split}-{part}.mat.gz" for part in missing)
            raise FileNotFoundError(f"Small NORB is not whole in {folder}: put {absent} there, unpacked or not.")
        if not missing:
            yield {part: path for part, path in files.items() if path is not None}


def _file(folder: Path, split: str, part: str) -> Path | None:
    """File of this part under its full name, such as ``smallnorb-5x46789...-training-dat.mat``, or a short one."""
    for pattern in (f"smallnorb-*{split}-{part}.mat", f"{split}-{part}.mat"):
        for end in ("", ".gz"):
            matches = sorted(path for path in folder.glob(pattern + end) if path.is_file())
            if matches:
                return matches[0]
    return None


def _labels(files: dict[str, Path]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Category (n,) and info (n, 4): instance, elevation, azimuth, lighting."""
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


def _metadata(info: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    _, elevation, azimuth, lighting = info.astype(np.int64).T
    # NORB numbers elevations 0 to 8, and counts azimuths in tens of degrees.
    return {"elevation": 30 + 5 * elevation, "azimuth": 10 * azimuth, "lighting": lighting}
