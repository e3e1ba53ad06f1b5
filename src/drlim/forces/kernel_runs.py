"""Compiled sums of the exact repulsion, ``L_D(D) = 1/2 max(0, m - D)^2``, over runs of candidates.

Points in one to three dimensions are sorted along a grid (`drlim.forces.grid`). The kernel sums for each row over the
runs of points that can lie within the margin of it.
"""

from __future__ import annotations

import math

import numpy as np

from drlim._base.arrays import Array, Floats, Index
from drlim._base.compiling import PAIRS_PER_TASK, compiled, in_ranges, inlined

__all__ = ["CHUNK", "MOST_TASKS", "gather", "move_ends", "repulsion_over_runs", "search_ends"]

CHUNK = 512
"""Candidates whose displacements are kept at once, in cache. In float32 as many terms are added before the sum goes
on in float64. It is a multiple of every processor's vector length, so that no chunk ends in a scalar loop."""

_LONG = 4 * CHUNK
"""Maximum number of candidates of one run that are summed in one call, which costs 35 ns, as much as 300 pairs."""

MOST_TASKS = 64
"""Maximum number of tasks. More tasks cost more start-up: each starts with a binary search."""


def repulsion_over_runs(
    points: list[Array],
    keys: Index,
    chosen: Index,
    offsets: Index,
    window: tuple[int, int],
    margin: float,
) -> tuple[Floats, Floats]:
    """Return energies and gradient of the chosen points, on ``torch.get_num_threads()`` threads.

    Parameters
    ----------
    points : list of ndarray of float32 or float64, each of shape (n,)
        One array for each of one to three coordinates, in the order of ``keys``.
    keys : ndarray of int64, shape (n,)
        Ascending. See `drlim.forces.grid.Grid`.
    chosen : ndarray of int64, shape (r,)
        Places of the rows in ``points``, ascending.
    offsets : ndarray of int64, shape (k,)
        Difference between a row's key and the key of the same height in each column of the grid within its reach.
    window : (int, int)
        Heights up and down that count, and the number of heights of a column.
    margin : float

    Returns
    -------
    energies : ndarray of float64, shape (r,)
        Half the energy of each row's springs.
    gradient : ndarray of float64, shape (r, d)
    """
    count, d = len(chosen), len(points)
    energies, gradient = np.empty(count), np.empty((count, d))
    nowhere = np.zeros_like(points[0])
    axes = (points[0], points[1] if d > 1 else nowhere, points[2] if d > 2 else nowhere)
    scalar, least = points[0].dtype.type(margin), np.finfo(points[0].dtype).tiny
    tasks = max(1, min(MOST_TASKS, count, len(keys) * count // PAIRS_PER_TASK))

    def work(first: int, end: int) -> None:
        _repulsion_rows(axes, keys, chosen, offsets, window, scalar, least, (first, end), energies, gradient)

    in_ranges(work, count, tasks)
    return energies, gradient


@inlined
def move_ends(keys: Index, key: int, offsets: Index, reach: tuple[int, int], low: Index, high: Index) -> None:
    """Move the ends of the run in each column up to those of the row that has ``key``."""
    for k in range(len(offsets)):
        first, last = key + offsets[k] - reach[0], key + offsets[k] + reach[1]
        while low[k] < len(keys) and keys[low[k]] < first:
            low[k] += 1
        while high[k] < len(keys) and keys[high[k]] <= last:
            high[k] += 1


@inlined
def search_ends(keys: Index, key: int, offsets: Index, reach: tuple[int, int], low: Index, high: Index) -> None:
    """Find the ends of the run in each column by binary search."""
    for k in range(len(offsets)):
        low[k] = np.searchsorted(keys, key + offsets[k] - reach[0])
        high[k] = np.searchsorted(keys, key + offsets[k] + reach[1], "right")


@inlined
def _subtract(values: Array, value: float, difference: Array) -> None:
    """Fill ``difference`` with ``values - value``. Slices as arguments spare the test for a negative index."""
    for q in range(len(difference)):
        difference[q] = values[q] - value


@inlined
def _sum_run(
    at: tuple[float, float, float], x: Array, y: Array, z: Array, margin: float, least: float
) -> tuple[float, float, float, float]:
    """Return four times the energy of half the springs from one point to others, and the force on it.

    A square under ``least`` has lost digits, and the fast root takes it for zero: such points count as coincident.
    """
    zero = margin - margin
    energy, force_x, force_y, force_z = zero, zero, zero, zero
    for q in range(len(x)):
        dx, dy, dz = at[0] - x[q], at[1] - y[q], at[2] - z[q]
        square = dx * dx + dy * dy + dz * dz
        distance = math.sqrt(square)
        push = margin - distance if margin > distance else zero
        share = push / distance if square >= least else zero
        energy += push * push
        force_x += share * dx
        force_y += share * dy
        force_z += share * dz
    return energy, force_x, force_y, force_z


@inlined
def gather(
    axes: tuple[Array, Array, Array], own: int, k: int, j: int, low: Index, high: Index, buffer: Array, far: float
) -> tuple[int, int, int]:
    """Fill the buffer with displacements from ``own`` to the candidates from ``j`` of run ``k`` on.

    Return run and candidate to go on with, and the number of entries filled. The point itself and the padding of the
    last vector are put out of reach.
    """
    filled = 0
    while k < len(low) and filled < CHUNK:
        take = min(high[k] - j, CHUNK - filled)
        for axis in range(3):
            _subtract(axes[axis][j : j + take], axes[axis][own], buffer[axis, filled : filled + take])
        if j <= own < j + take:
            buffer[0, filled + own - j] = far
        filled, j = filled + take, j + take
        if j >= high[k]:
            k += 1
            j = low[k] if k < len(low) else 0
    whole = min(CHUNK, (filled + 31) // 32 * 32)
    buffer[0, filled:whole] = far
    buffer[1:, filled:whole] = far - far
    return k, j, whole


@inlined
def _row(
    axes: tuple[Array, Array, Array], own: int, low: Index, high: Index, buffer: Array, margin: float, least: float
) -> tuple[float, float, float, float]:
    """Sum over the runs of one row.

    A long run is summed in place. Short ones are gathered first, so that each sum is long.
    """
    x, y, z = axes
    here, origin = (x[own], y[own], z[own]), (margin - margin, margin - margin, margin - margin)
    energy, force_x, force_y, force_z = 0.0, 0.0, 0.0, 0.0
    k, j = 0, low[0]
    while k < len(low):
        stop = min(own, high[k]) if own >= j else high[k]
        length = min(_LONG, (stop - j) // CHUNK * CHUNK)
        if length > 0:
            end = j + length
            part = _sum_run(here, x[j:end], y[j:end], z[j:end], margin, least)
            j = end
        else:
            k, j, whole = gather(axes, own, k, j, low, high, buffer, margin + margin)
            part = _sum_run(origin, buffer[0, :whole], buffer[1, :whole], buffer[2, :whole], margin, least)
        energy += part[0]
        force_x += part[1]
        force_y += part[2]
        force_z += part[3]
    return energy, force_x, force_y, force_z


@compiled
def _repulsion_rows(
    axes: tuple[Array, Array, Array],
    keys: Index,
    chosen: Index,
    offsets: Index,
    window: tuple[int, int],
    margin: float,
    least: float,
    task: tuple[int, int],
    energies: Floats,
    gradient: Floats,
) -> None:
    """Fill a range of rows of ``energies`` and ``gradient``. The ends of the runs only move up from row to row."""
    width, heights = window
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
        energy, force_x, force_y, force_z = _row(axes, own, low, high, buffer, margin, least)
        energies[row] = 0.25 * energy
        gradient[row, 0] = -force_x
        if gradient.shape[1] > 1:
            gradient[row, 1] = -force_y
        if gradient.shape[1] > 2:
            gradient[row, 2] = -force_z
