"""How well two angles agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats
from drlim._base.checks import check_same_length
from drlim.metrics.inputs import as_points

__all__ = ["circular_correlation"]


def circular_correlation(first: ArrayLike, second: ArrayLike) -> float:
    r"""Return how well one angle follows another, wherever either has its zero and whichever way it turns.

    .. math:: \rho = \left| \sum_{i<j} \sin(a_i - a_j) \sin(b_i - b_j) \right|
        / \sqrt{\sum_{i<j} \sin^2(a_i - a_j) \sum_{i<j} \sin^2(b_i - b_j)}

    Parameters
    ----------
    first, second : array-like, shape (n_samples,)
        Angles in radians, such as the angle on a map and a phase that is known.

    Returns
    -------
    float
        In [0, 1]: 1 where they are equal but for a turn or a mirror image. Independent angles give about 0, and so does
        an angle that winds twice round while the other winds once.

    Raises
    ------
    ValueError, TypeError
        When the angles are not finite, of unequal number, or one is the same for all samples.

    Notes
    -----
    Sums over pairs are made of sums over samples, so that the time grows with n.

    References
    ----------
    N. I. Fisher and A. J. Lee, "A correlation coefficient for circular data", Biometrika 70, 1983.

    Examples
    --------
    >>> import numpy as np
    >>> angle = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    >>> round(circular_correlation(angle, 1.0 - angle), 6), round(circular_correlation(angle, 2 * angle), 6)
    (1.0, 0.0)
    """
    angles = [
        as_points(np.asarray(given)[..., None], name)[:, 0] for given, name in ((first, "first"), (second, "second"))
    ]
    check_same_length(len(angles[0]), "first", len(angles[1]), "second")
    a, b = ((np.cos(angle), np.sin(angle)) for angle in angles)
    # sin(a_i - a_j) sin(b_i - b_j) is a sum of four products of a factor of i and one of j.
    both = _summed(a, b)
    spreads = _summed(a, a) * _summed(b, b)
    if spreads <= len(angles[0]) ** 4 * 1e-13:  # the rounding of sums that cancel
        raise ValueError("Expected angles that differ between samples. All are the same in one of the two.")
    return float(min(1.0, abs(both) / np.sqrt(spreads)))


def _summed(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> float:
    """Return the sum over i and j of sin(a_i - a_j) sin(b_i - b_j), given cosines and sines."""
    table = np.array([[x @ y for y in b] for x in a])  # (2, 2) sums of cos or sin of a times cos or sin of b
    return float(2 * (table[0, 0] * table[1, 1] - table[0, 1] * table[1, 0]))
