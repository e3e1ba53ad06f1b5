"""Circles as lines: points near an end are repeated beyond the other, so that a circle is summed as a line is."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from drlim.spaces.unrolled import Measure

__all__ = ["LARGEST_SHARE", "has_kernel", "wrapped"]

LARGEST_SHARE = math.pi / 3
"""Largest reach, in radii of a sphere, that the compiled kernel takes: half of its chord is half the radius. Farther
ones reach a quarter of the sphere and more, where all pairs are formed."""


def wrapped(points: Tensor, measure: Measure, reach: float) -> Tensor | None:
    """Repeat the points within reach of an end of a circle beyond its other end; None where a circle is too small.

    Parameters
    ----------
    points : Tensor, shape (n, w)
        Arc lengths are in [-period / 2, period / 2].
    measure : Measure
    reach : float
        At most half of each period, so that no two points meet both ways round.

    Returns
    -------
    Tensor, shape (n + g, w)
        The points, and after them the repeated ones.

    Examples
    --------
    >>> wrapped(torch.tensor([[-1.9], [0.0], [1.5]]), Measure((4.0,), (), ()), reach=1.0).ravel().tolist()
    [-1.899999976158142, 0.0, 1.5, 2.0999999046325684, -2.5]
    """
    extended = points
    for axis, period in enumerate(map(float, measure.periods)):
        if period == 0:
            continue
        if not 0 < 2 * reach <= period:
            return None
        inner = period / 2 - reach * (1 + 1e-5)
        parts = [extended]
        for side, shift in ((-1.0, period), (1.0, -period)):
            copies = extended.index_select(0, _beyond(extended[:, axis], side, inner))  # (g, w)
            copies[:, axis] += shift
            parts.append(copies)
        extended = _joined(parts)  # (n + g, w)
    return extended


def _beyond(values: Tensor, side: float, inner: float) -> Tensor:
    """Return the places of values beyond a bound on one side.

    On a CPU by numpy: torch would wake its threads, which go on spinning beside the compiled kernels.
    """
    if values.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(side * values.numpy() > inner))
    return (side * values > inner).nonzero().squeeze(1)


def _joined(parts: list[Tensor]) -> Tensor:
    if parts[0].device.type == "cpu":
        return torch.from_numpy(np.concatenate([part.numpy() for part in parts]))  # (n + g, w)
    return torch.cat(parts)  # (n + g, w)


def has_kernel(measure: Measure, reach: float) -> bool:
    """Whether the compiled kernel measures this: circles and lines, or one sphere within whose quarter it reaches."""
    if measure.is_flat:
        return True
    return len(measure.periods) == 3 and reach <= LARGEST_SHARE * float(measure.spheres[0][1])
