"""The loops of a map, by persistent homology."""

from __future__ import annotations

from typing import Any

import numpy as np

from drlim._base.arrays import Array

__all__ = ["loop_ratio"]


def loop_ratio(Z: Array, n_points: int = 500) -> float:
    """Return the persistence of the longest loop over that of the next; it is large for a map that is a cylinder.

    Balls grow around the points. A loop exists from the radius at which the union of the balls closes it to the radius
    at which the union fills it: a bar of H1 of the Vietoris-Rips filtration.

    Parameters
    ----------
    Z : ndarray, shape (n, d)
        A map.
    n_points : int, default=500
        Maximum number of points used. They are chosen to cover the map: each is the farthest from those before. The
        time grows with a high power of their number.

    Returns
    -------
    float
        Length of the longest bar over that of the next, at least 1. Bars shorter than a millionth of the map's extent
        are rounding errors: without a longer bar the result is 0, and a single longer bar is divided by that millionth.

    Raises
    ------
    ImportError
        When ripser is not installed.

    References
    ----------
    U. Bauer, "Ripser: efficient computation of Vietoris-Rips persistence barcodes", J. Appl. Comput. Topology, 2021.

    Examples
    --------
    A circle has one loop.

    >>> import numpy as np
    >>> angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> loop_ratio(circle) > 5
    True
    """
    ripser = _require_ripser()
    bars = ripser(np.asarray(Z, dtype=np.float64), maxdim=1, n_perm=min(n_points, len(Z)))["dgms"][1]
    lengths = np.sort(bars[:, 1] - bars[:, 0])[::-1]  # (bars,) the longest first
    least = 1e-6 * float(np.linalg.norm(np.ptp(Z, axis=0)))
    if not len(lengths) or lengths[0] <= least:
        return 0.0
    return float(lengths[0] / max(least, lengths[1] if len(lengths) > 1 else 0.0))


def _require_ripser() -> Any:
    try:
        from ripser import ripser
    except ImportError as error:
        raise ImportError(
            'Persistent homology needs ripser, which is not installed. Install it with: pip install "drlim[topology]"'
        ) from error
    return ripser
