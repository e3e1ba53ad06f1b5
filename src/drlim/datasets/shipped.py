"""Data sets that need no download: files of this package, and the digits of scikit-learn."""

from __future__ import annotations

import io
import zipfile
import zlib
from importlib import resources

import numpy as np

from drlim._base.arrays import Array
from drlim._base.importing import undisturbed
from drlim.datasets.images import LabelledImages, PosedImages, labelled, posed, split

__all__ = ["digits", "digits49", "turntable"]

_N_DIGITS_TEST = 497
"""Number of test digits: 1300 of scikit-learn's 1797 digits remain for training."""


def digits49() -> LabelledImages:
    """Return fours and nines of MNIST, as in the paper's experiments; shipped with the package.

    Returns
    -------
    LabelledImages
        6000 images of 28 x 28 for training, 3000 of each class, chosen at random from MNIST's training split, and all
        982 fours and 1009 nines of its test split. The same on every machine.

    Raises
    ------
    ValueError
        When the file of the package is missing or damaged.

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
    return labelled(*(arrays[name] for name in ("X_train", "y_train", "X_test", "y_test")), white=255)


def digits() -> LabelledImages:
    """Return the digits 0 to 9 of 8 x 8 pixels that come with scikit-learn; small enough for quick tests.

    Returns
    -------
    LabelledImages
        1300 images for training and 497 for testing, split at random. The same on every machine.

    See Also
    --------
    sklearn.datasets.load_digits : The source.

    Examples
    --------
    >>> from drlim.datasets import digits
    >>> digits()
    LabelledImages(X_train (1300, 8, 8), X_test (497, 8, 8))
    """
    with undisturbed():
        from sklearn.datasets import load_digits  # takes a second to import, and the shipped digits do not need it

    source = load_digits()
    train, test = split(len(source.target), _N_DIGITS_TEST)
    return labelled(source.images[train], source.target[train], source.images[test], source.target[test], white=16)


def turntable() -> PosedImages:
    """Return views of a rendered aeroplane on a turntable; shipped with the package.

    It replaces the aeroplane of NORB that the paper maps, in the same layout, but with rendered images without noise
    and with one model only. Use `small_norb_airplane` if you have NORB's files.

    Returns
    -------
    PosedImages
        972 images of 96 x 96: 9 elevations x 18 azimuths x 6 lightings.

    Raises
    ------
    ValueError
        When the file of the package is missing or damaged.

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
    return posed(arrays.pop("images"), arrays)


def _shipped(name: str) -> dict[str, Array]:
    """Return the arrays of a file in ``drlim/data``."""
    try:
        content = resources.files("drlim").joinpath("data").joinpath(name).read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"The package's data file {name} is missing or damaged ({error}). Install drlim again."
        ) from error
