"""Sums over pairs of the heavy-tailed laws `LogAttraction` and `CauchyRepulsion`, exact, compiled where numba is.

Points have one to three coordinates in the compiled sums. Without numba, or in more dimensions, all pairs go through
`drlim.forces.summation`, block by block. Each row has its own sum in a fixed order, so the number of threads does not
change the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from drlim._base.arrays import Array, Floats
from drlim._base.compiling import AVAILABLE, PAIRS_PER_TASK, compiled, in_ranges, inlined
from drlim.forces.summation import over_all_pairs
from drlim.springs.heavy_tailed import CauchyRepulsion

__all__ = ["cauchy_over_all"]

Scalar = Any
"""A number of the dtype of the points, which numba compiles a kernel for."""

_MOST_TASKS = 64
"""Maximum number of tasks, each of which is a range of rows."""

_COLUMNS = 2048
"""Number of columns whose terms are added in the dtype of the points before the sum goes on in float64. Three arrays of
so many float32 values are 24 KiB, which a first-level cache holds while a block of rows passes."""


def cauchy_over_all(Z: Array) -> tuple[Floats, Floats]:
    """Return energies and gradient of ``L_D(D) = 1 / (1 + D^2)`` over all pairs of points.

    Parameters
    ----------
    Z : ndarray of float32 or float64, shape (n, d)
        Points.

    Returns
    -------
    energies : ndarray of float64, shape (n,)
        Half the sum of the energies of each point's n - 1 springs.
    gradient : ndarray of float64, shape (n, d)
        ``dE/dz_i = sum_j -2 (z_i - z_j) / (1 + D_ij^2)^2``, to the relative precision of the points' dtype.

    Examples
    --------
    >>> import numpy as np
    >>> energies, gradient = cauchy_over_all(np.array([[0.0], [1.0]]))
    >>> energies.tolist(), gradient.tolist()
    ([0.25, 0.25], [[0.5], [-0.5]])
    """
    if not AVAILABLE or not 1 <= Z.shape[1] <= 3:
        summed = over_all_pairs(torch.from_numpy(np.ascontiguousarray(Z)), CauchyRepulsion())
        return summed[0].numpy(), summed[1].numpy()
    axes = [np.ascontiguousarray(Z[:, axis]) for axis in range(Z.shape[1])]  # d x (n,)
    sums = np.zeros((len(Z), 1 + Z.shape[1]))  # (n, 1 + d) sums of 1 / (1 + D^2), and of w^2 (z_i - z_j)
    tasks = max(1, min(_MOST_TASKS, len(Z) * len(Z) // PAIRS_PER_TASK))
    one = axes[0].dtype.type(1)
    kernels: tuple[Callable[..., None], ...] = (_rows_of_1, _rows_of_2, _rows_of_3)
    kernel = kernels[Z.shape[1] - 1]

    def work(first: int, end: int) -> None:
        kernel(*axes, one, first, end, sums)

    in_ranges(work, len(Z), tasks)
    return 0.5 * (sums[:, 0] - 1.0), -2.0 * sums[:, 1:]  # (n,) less the pair of a point with itself, (n, d)


@inlined
def _felt_1(at: Scalar, x: Array, one: Scalar) -> tuple[Scalar, Scalar]:
    """Return the sums of w = 1 / (1 + D^2) and of w^2 times the displacement, from one point to a range of others."""
    zero = one - one
    energy, force_x = zero, zero
    for q in range(len(x)):
        dx = at - x[q]
        w = one / (one + dx * dx)
        energy += w
        force_x += w * w * dx
    return energy, force_x


@inlined
def _felt_2(at: tuple[Scalar, Scalar], x: Array, y: Array, one: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    zero = one - one
    energy, force_x, force_y = zero, zero, zero
    for q in range(len(x)):
        dx, dy = at[0] - x[q], at[1] - y[q]
        w = one / (one + dx * dx + dy * dy)
        square = w * w
        energy += w
        force_x += square * dx
        force_y += square * dy
    return energy, force_x, force_y


@inlined
def _felt_3(
    at: tuple[Scalar, Scalar, Scalar], x: Array, y: Array, z: Array, one: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    zero = one - one
    energy, force_x, force_y, force_z = zero, zero, zero, zero
    for q in range(len(x)):
        dx, dy, dz = at[0] - x[q], at[1] - y[q], at[2] - z[q]
        w = one / (one + dx * dx + dy * dy + dz * dz)
        square = w * w
        energy += w
        force_x += square * dx
        force_y += square * dy
        force_z += square * dz
    return energy, force_x, force_y, force_z


@compiled
def _rows_of_1(x: Array, one: Scalar, first: int, last: int, sums: Floats) -> None:
    """Add to a range of rows of ``sums``, one range of columns after the other."""
    for begin in range(0, len(x), _COLUMNS):
        there = x[begin : begin + _COLUMNS]
        for row in range(first, last):
            felt = _felt_1(x[row], there, one)
            sums[row, 0] += felt[0]
            sums[row, 1] += felt[1]


@compiled
def _rows_of_2(x: Array, y: Array, one: Scalar, first: int, last: int, sums: Floats) -> None:
    for begin in range(0, len(x), _COLUMNS):
        there_x, there_y = x[begin : begin + _COLUMNS], y[begin : begin + _COLUMNS]
        for row in range(first, last):
            felt = _felt_2((x[row], y[row]), there_x, there_y, one)
            sums[row, 0] += felt[0]
            sums[row, 1] += felt[1]
            sums[row, 2] += felt[2]


@compiled
def _rows_of_3(x: Array, y: Array, z: Array, one: Scalar, first: int, last: int, sums: Floats) -> None:
    for begin in range(0, len(x), _COLUMNS):
        end = begin + _COLUMNS
        there_x, there_y, there_z = x[begin:end], y[begin:end], z[begin:end]
        for row in range(first, last):
            felt = _felt_3((x[row], y[row], z[row]), there_x, there_y, there_z, one)
            sums[row, 0] += felt[0]
            sums[row, 1] += felt[1]
            sums[row, 2] += felt[2]
            sums[row, 3] += felt[3]
