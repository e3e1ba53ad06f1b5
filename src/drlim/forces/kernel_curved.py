"""Compiled sums of the exact repulsion on circles, cylinders, tori and on a sphere, over runs of candidates.

Circles are lines here (`drlim.forces.wrapping`), and a sphere is three coordinates, whose chord c gives the distance::

    D = 2 R asin(c / 2 R) = c A(t),      dD/dc = 1 / sqrt(1 - t) = B(t),      t = (c / 2 R)^2

A and B are polynomials within the margin, exact to rounding. The sums that a learned radius needs are made along.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from drlim._base.arrays import Array, Floats, Index
from drlim._base.compiling import PAIRS_PER_TASK, compiled, in_ranges, inlined
from drlim.forces.kernel_runs import CHUNK, MOST_TASKS, gather, move_ends, search_ends
from drlim.spaces.unrolled import Measure

__all__ = ["curved_repulsion_over_runs"]

_DEGREES = ((0.005, 5), (0.25, 12))
"""Degree of the polynomials for t up to a bound: their relative error is then 2e-15 at most."""

_Runs = tuple[Index, Index, Index, tuple[int, int]]
"""Keys, chosen rows, offsets and window, as `repulsion_over_runs` takes them."""

_Axes = tuple[Array, Array, Array]

_Curve = tuple[float, tuple[float, ...], tuple[float, ...]]
"""1 / (2 R)^2, and the coefficients of A(t) and B(t), the first of t^0."""


def curved_repulsion_over_runs(
    points: list[Array], runs: _Runs, margin: float, measure: Measure
) -> tuple[Floats, Floats]:
    """Return energies and gradient of the chosen points, on ``torch.get_num_threads()`` threads.

    Parameters
    ----------
    points : list of ndarray of float32 or float64, each of shape (n,)
        One array for each of one to three unrolled coordinates, in the order of the keys.
    runs : tuple
        Keys, chosen rows, offsets and window, as `drlim.forces.kernel_runs.repulsion_over_runs` takes them.
    margin : float
    measure : Measure
        Flat, or one sphere.

    Returns
    -------
    energies : ndarray of float64, shape (r,)
    gradient : ndarray of float64, shape (r, d + k)
        As `drlim.forces.measuring.measured` has its columns.
    """
    keys, chosen, offsets, window = runs
    count, d, kind = len(chosen), len(points), points[0].dtype.type
    sums = np.empty((7, count))  # energy, gradient by three coordinates, three stretches
    nowhere = np.zeros_like(points[0])
    axes = (points[0], points[1] if d > 1 else nowhere, points[2] if d > 2 else nowhere)
    curve = None if measure.is_flat else _polynomials(float(measure.spheres[0][1]), margin, kind)
    numbers = (kind(margin), np.finfo(kind).tiny)
    tasks = max(1, min(MOST_TASKS, count, len(keys) * count // PAIRS_PER_TASK))

    def work(first: int, end: int) -> None:
        _curved_rows(axes, keys, chosen, offsets, window, numbers, curve, (first, end), sums)

    in_ranges(work, count, tasks)
    stretch = [-sums[4 + first] for first, _ in measure.stretched]  # that of a sphere is in its first coordinate
    return 0.25 * sums[0], np.stack([*sums[1 : 1 + d], *stretch], axis=1)  # (r,), (r, d + k)


def _polynomials(radius: float, margin: float, kind: type) -> _Curve:
    """Return the numbers of a sphere, of the type of the points."""
    largest = math.sin(min(margin / (2 * radius), math.pi / 2)) ** 2
    degree = next(degree for bound, degree in _DEGREES if largest <= bound * (1 + 1e-6))

    def coefficients(function: Callable[[Floats], Floats]) -> tuple[float, ...]:
        series = Chebyshev.interpolate(function, degree, domain=[0, largest * (1 + 1e-6)])
        found = series.convert(kind=Polynomial).coef
        return tuple(kind(value) for value in np.pad(found, (0, degree + 1 - len(found))))

    chord = coefficients(lambda t: np.arcsin(np.sqrt(t)) / np.sqrt(t))
    return kind(1 / (4 * radius * radius)), chord, coefficients(lambda t: 1 / np.sqrt(1 - t))


@inlined
def _polynomial(c: tuple[float, ...], t: float) -> float:
    """Return the value of a polynomial. The length of a tuple is part of its type, so the loop is unrolled."""
    value = c[-1]
    for k in range(len(c) - 2, -1, -1):
        value = value * t + c[k]
    return value


@inlined
def _sum_flat(
    x: Array, y: Array, z: Array, margin: float, least: float
) -> tuple[float, float, float, float, float, float, float]:
    """Return four times the energy of half the springs to points at given differences, dE/dz, and each stretch."""
    zero = margin - margin
    energy, slope_x, slope_y, slope_z = zero, zero, zero, zero
    stretch_x, stretch_y, stretch_z = zero, zero, zero
    for q in range(len(x)):
        square = x[q] * x[q] + y[q] * y[q] + z[q] * z[q]
        distance = math.sqrt(square)
        push = margin - distance if margin > distance else zero
        share = push / distance if square >= least else zero
        energy += push * push
        part_x, part_y, part_z = share * x[q], share * y[q], share * z[q]
        slope_x += part_x
        slope_y += part_y
        slope_z += part_z
        stretch_x += part_x * x[q]
        stretch_y += part_y * y[q]
        stretch_z += part_z * z[q]
    return energy, slope_x, slope_y, slope_z, stretch_x, stretch_y, stretch_z


@inlined
def _sum_sphere(
    x: Array, y: Array, z: Array, margin: float, least: float, curve: _Curve
) -> tuple[float, float, float, float, float, float, float]:
    """Return the same on a sphere, of which the stretch is in the first place."""
    zero = margin - margin
    energy, slope_x, slope_y, slope_z, stretch = zero, zero, zero, zero, zero
    for q in range(len(x)):
        square = x[q] * x[q] + y[q] * y[q] + z[q] * z[q]
        chord = math.sqrt(square)
        t = square * curve[0]
        distance = chord * _polynomial(curve[1], t)
        push = margin - distance if margin > distance else zero
        share = push / chord * _polynomial(curve[2], t) if square >= least else zero
        energy += push * push
        slope_x += share * x[q]
        slope_y += share * y[q]
        slope_z += share * z[q]
        stretch += push * distance
    return energy, slope_x, slope_y, slope_z, stretch, zero, zero


@compiled
def _curved_rows(
    axes: _Axes,
    keys: Index,
    chosen: Index,
    offsets: Index,
    window: tuple[int, int],
    numbers: tuple[float, float],
    curve: _Curve | None,
    task: tuple[int, int],
    sums: Floats,
) -> None:
    """Fill a range of columns of ``sums``. The ends of the runs only move up from row to row."""
    width, heights = window
    margin, least = numbers
    buffer = np.empty((3, CHUNK), axes[0].dtype)
    low, high = np.empty(len(offsets), np.int64), np.empty(len(offsets), np.int64)
    for row in range(task[0], task[1]):
        own = chosen[row]
        level = keys[own] % heights
        reach = (min(width, level), min(width, heights - 1 - level))
        if row == task[0]:
            search_ends(keys, keys[own], offsets, reach, low, high)
        else:
            move_ends(keys, keys[own], offsets, reach, low, high)
        sums[:, row] = 0.0
        k, j = 0, low[0]
        while k < len(low):
            k, j, whole = gather(axes, own, k, j, low, high, buffer, margin + margin)
            x, y, z = buffer[0, :whole], buffer[1, :whole], buffer[2, :whole]
            if curve is None:  # noqa: SIM108 - numba compiles only the branch of "is None" that is taken
                part = _sum_flat(x, y, z, margin, least)
            else:
                part = _sum_sphere(x, y, z, margin, least, curve)
            for quantity in range(7):
                sums[quantity, row] += part[quantity]
