"""Compiled kernels of the exact repulsion, ``L_D(D) = 1/2 max(0, m - D)^2``, for points in one to three dimensions.

numba (the extra ``[fast]``) compiles the functions marked so; importing this module imports it, so others import this
module where they need it. A kernel runs on a range of rows and one thread. Every row is summed on its own in a fixed
order, so neither the number of threads nor the division among them shows in the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

try:
    import numba
except ImportError:  # not installed, or not for this numpy
    numba = None

__all__ = ["AVAILABLE", "repulsion_over_runs"]

Floats = NDArray[Any]
Index = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

AVAILABLE = numba is not None and not numba.config.DISABLE_JIT
"""Whether the kernels are compiled. As plain Python they are right, and ten thousand times slower."""

_CHUNK = 512
"""Candidates whose displacements are held at once, in cache; in float32 so many terms are added before the sum goes
on in float64. It is a multiple of every processor's vector length, so that no chunk ends in a scalar loop."""

_PAIRS_OF_A_TASK = 2**20
"""0.3 ms where all are formed; two threads take 0.1 ms to start and end."""

_MOST_TASKS = 64
"""Each begins with a binary search, and throws it away at its end."""


def repulsion_over_runs(
    points: list[Floats],
    keys: Index,
    chosen: Index,
    offsets: Index,
    window: tuple[int, int],
    margin: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies and gradient of the chosen points, on ``torch.get_num_threads()`` threads.

    Parameters
    ----------
    points : list of ndarray of float32 or float64, each of shape (n,)
        One array for each of one to three coordinates, in the order of ``keys``.
    keys : ndarray of int64, shape (n,)
        Ascending. See `drlim.passes.Grid`.
    chosen : ndarray of int64, shape (r,)
        Places of the rows in ``points``, ascending.
    offsets : ndarray of int64, shape (k,)
        What to add to a row's key to come to the same height in each column of the grid that it can feel.
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
    y, z = points[1] if d > 1 else nowhere, points[2] if d > 2 else nowhere
    scalar, least = points[0].dtype.type(margin), np.finfo(points[0].dtype).tiny
    tasks = max(1, min(_MOST_TASKS, count, len(keys) * count // _PAIRS_OF_A_TASK))
    bounds = np.linspace(0, count, tasks + 1).astype(np.int64).tolist()

    def work(task: int) -> None:
        rows = (bounds[task], bounds[task + 1])
        _repulsion_rows((points[0], y, z), keys, chosen, offsets, window, scalar, least, rows, energies, gradient)

    _in_threads(work, tasks)
    return energies, gradient


def _in_threads(work: Callable[[int], None], tasks: int) -> None:
    """Call ``work`` on every task; kernels hold no lock, so threads run side by side.

    The threads end with the call: a pool that stayed would be dead in a forked process. They start in 0.1 ms.
    """
    workers = min(tasks, torch.get_num_threads())
    if workers == 1:
        for task in range(tasks):
            work(task)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, range(tasks)):
            pass


def _compiled(function: Function) -> Function:
    """Mark a function to be compiled at its first call with a dtype, or read from numba's cache.

    The cache stands beside this file or in the user's cache directory; where neither can be written, every process
    compiles.
    """
    if not AVAILABLE:
        return function
    options: dict[str, Any] = {
        "nogil": True,
        # "arcp" and "afn" let float32 take a fast reciprocal root, refined to 1e-7: twice as fast. float64 has none and
        # stays exact. No "nnan" and "ninf": coincident points must be told apart.
        "fastmath": {"reassoc", "contract", "nsz", "arcp", "afn"},
        "error_model": "numpy",  # Python's raises on x / 0, which no vector instruction does: ten times slower
    }
    try:
        kernel: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no directory for the cache can be written
        kernel = numba.njit(**options)(function)
    return kernel


@_compiled
def _move_ends(keys: Index, key: int, offsets: Index, reach: tuple[int, int], low: Index, high: Index) -> None:
    """Move the ends of the run in each column up to those of the row that has ``key``."""
    for k in range(len(offsets)):
        first, last = key + offsets[k] - reach[0], key + offsets[k] + reach[1]
        while low[k] < len(keys) and keys[low[k]] < first:
            low[k] += 1
        while high[k] < len(keys) and keys[high[k]] <= last:
            high[k] += 1


@_compiled
def _search_ends(keys: Index, key: int, offsets: Index, reach: tuple[int, int], low: Index, high: Index) -> None:
    """Find the ends of the run in each column, from nowhere."""
    for k in range(len(offsets)):
        low[k] = np.searchsorted(keys, key + offsets[k] - reach[0])
        high[k] = np.searchsorted(keys, key + offsets[k] + reach[1], "right")


@_compiled
def _subtract(values: Floats, value: Any, difference: Floats) -> None:
    """Fill ``difference`` with ``values - value``. Slices as arguments spare the test for a negative index."""
    for q in range(len(difference)):
        difference[q] = values[q] - value


@_compiled
def _felt(
    at: tuple[Any, Any, Any], x: Floats, y: Floats, z: Floats, margin: Any, least: Any
) -> tuple[Any, Any, Any, Any]:
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


@_compiled
def _gather(
    axes: tuple[Floats, Floats, Floats], own: int, k: int, j: int, low: Index, high: Index, held: Floats, far: Any
) -> tuple[int, int, int]:
    """Hold what follows candidate ``j`` of run ``k``, seen from ``own``, and return where to go on and how many.

    The point itself, and what fills the last vector up, are put out of reach.
    """
    filled = 0
    while k < len(low) and filled < _CHUNK:
        take = min(high[k] - j, _CHUNK - filled)
        for axis in range(3):
            _subtract(axes[axis][j : j + take], axes[axis][own], held[axis, filled : filled + take])
        if j <= own < j + take:
            held[0, filled + own - j] = far
        filled, j = filled + take, j + take
        if j >= high[k]:
            k += 1
            j = low[k] if k < len(low) else 0
    whole = min(_CHUNK, (filled + 31) // 32 * 32)
    held[0, filled:whole] = far
    held[1:, filled:whole] = far - far
    return k, j, whole


@_compiled
def _row(
    axes: tuple[Floats, Floats, Floats], own: int, low: Index, high: Index, held: Floats, margin: Any, least: Any
) -> tuple[float, float, float, float]:
    """Sum over the runs of one row: a long run as it lies, short ones gathered first, so that each sum is long."""
    x, y, z = axes
    here, origin = (x[own], y[own], z[own]), (margin - margin, margin - margin, margin - margin)
    energy, force_x, force_y, force_z = 0.0, 0.0, 0.0, 0.0
    k, j = 0, low[0]
    while k < len(low):
        end = j + _CHUNK
        if end < high[k] and not j <= own < end:
            part = _felt(here, x[j:end], y[j:end], z[j:end], margin, least)
            j = end
        else:
            k, j, whole = _gather(axes, own, k, j, low, high, held, margin + margin)
            part = _felt(origin, held[0, :whole], held[1, :whole], held[2, :whole], margin, least)
        energy += part[0]
        force_x += part[1]
        force_y += part[2]
        force_z += part[3]
    return energy, force_x, force_y, force_z


@_compiled
def _repulsion_rows(
    axes: tuple[Floats, Floats, Floats],
    keys: Index,
    chosen: Index,
    offsets: Index,
    window: tuple[int, int],
    margin: Any,
    least: Any,
    task: tuple[int, int],
    energies: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> None:
    """Fill a range of rows of ``energies`` and ``gradient``; the ends of the runs only move up from row to row."""
    width, heights = window
    held = np.empty((3, _CHUNK), axes[0].dtype)
    low, high = np.empty(len(offsets), np.int64), np.empty(len(offsets), np.int64)
    for row in range(task[0], task[1]):
        own = chosen[row]
        level = keys[own] % heights
        reach = (min(width, level), min(width, heights - 1 - level))
        if row == task[0]:
            _search_ends(keys, keys[own], offsets, reach, low, high)
        else:
            _move_ends(keys, keys[own], offsets, reach, low, high)
        energy, force_x, force_y, force_z = _row(axes, own, low, high, held, margin, least)
        energies[row] = 0.25 * energy
        gradient[row, 0] = -force_x
        if gradient.shape[1] > 1:
            gradient[row, 1] = -force_y
        if gradient.shape[1] > 2:
            gradient[row, 2] = -force_z
