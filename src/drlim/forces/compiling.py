"""Compiled kernels of the exact repulsion, ``L_D(D) = 1/2 max(0, m - D)^2``, for points in one to three dimensions.

numba (the extra ``[fast]``) compiles the functions marked so; importing this module imports it, so others import this
module where they need it. A kernel runs on a range of rows and one thread, and the ranges depend on sizes alone; every
sum is made in a fixed order, so the number of threads does not show in the bytes.

There are two. `repulsion_over_runs` sums for each row over its own candidates; `repulsion_over_all` forms each pair of
points once, in one or two dimensions, and is the faster where a third of the pairs or more are candidates.
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

__all__ = ["AVAILABLE", "repulsion_over_all", "repulsion_over_runs"]

Floats = NDArray[Any]
Axes = tuple[Floats, Floats | None]
Index = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

AVAILABLE = numba is not None and not numba.config.DISABLE_JIT
"""Whether the kernels are compiled. As plain Python they are right, and ten thousand times slower."""

_CHUNK = 512
"""Candidates whose displacements are held at once, in cache; in float32 so many terms are added before the sum goes
on in float64. It is a multiple of every processor's vector length, so that no chunk ends in a scalar loop."""

_LONG = 4 * _CHUNK
"""Candidates of one run whose forces are added up in one go: it costs 35 ns to begin and end, as much as 300 pairs."""

_PAIRS_OF_A_TASK = 2**20
"""0.2 ms where all are formed; two threads take 0.1 ms to start and end."""

_MOST_TASKS = 64
"""Each begins with a binary search, and throws it away at its end."""

_ROWS, _COLUMNS = 128, 2048
"""Of a tile. In float32 so many terms are added, those of a row in as many lanes as a vector has, before the sum goes
on in float64. Five arrays of that many columns are 40 KiB, which a first-level cache holds."""

_SPAN = 2**15
"""Columns to whose forces tasks add side by side, each in 24 bytes a column of its own: at most 12 MiB in all."""

_MOST_STRIPS = 16


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
    axes = (points[0], points[1] if d > 1 else nowhere, points[2] if d > 2 else nowhere)
    scalar, least = points[0].dtype.type(margin), np.finfo(points[0].dtype).tiny
    tasks = max(1, min(_MOST_TASKS, count, len(keys) * count // _PAIRS_OF_A_TASK))
    bounds = np.linspace(0, count, tasks + 1).astype(np.int64).tolist()

    def work(task: int) -> None:
        rows = (bounds[task], bounds[task + 1])
        _repulsion_rows(axes, keys, chosen, offsets, window, scalar, least, rows, energies, gradient)

    _in_threads(work, tasks)
    return energies, gradient


def repulsion_over_all(points: list[Floats], margin: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies and gradient of all points, forming each pair once, on ``torch.get_num_threads()`` threads.

    Parameters
    ----------
    points : list of ndarray of float32 or float64, each of shape (n,)
        One array for each of one or two coordinates, in any order; their squares must be finite.
    margin : float

    Returns
    -------
    energies : ndarray of float64, shape (n,)
        Half the energy of each point's springs.
    gradient : ndarray of float64, shape (n, d)
    """
    n, dtype = len(points[0]), points[0].dtype
    scalar, least = dtype.type(margin), np.finfo(dtype).tiny
    far = dtype.type(2 * (margin + max(float(np.abs(axis).max(initial=0)) for axis in points)))  # from every point
    x, *rest = [np.pad(axis, (0, -n % _ROWS), constant_values=far) for axis in points]
    axes = (x, rest[0] if rest else None)  # kernels are compiled for either
    sums = np.zeros((1 + len(points), len(axes[0])))  # (1 + d, n) four times the energies, and the forces
    for first in range(0, sums.shape[1], _SPAN):
        for begin in range(first, sums.shape[1], _SPAN):
            columns = (begin, min(begin + _SPAN, sums.shape[1]))
            _add_span(axes, (scalar, least, far), (first, min(first + _SPAN, sums.shape[1])), columns, sums)
    return 0.25 * sums[0, :n], np.ascontiguousarray(-sums[1:, :n].T)


def _add_span(
    axes: Axes, numbers: tuple[Any, Any, Any], rows: tuple[int, int], columns: tuple[int, int], sums: Floats
) -> None:
    """Add what rows and columns do to each other, in strips of about as many pairs each."""
    bounds = _strips(rows, columns)
    shares = np.zeros((len(bounds) - 1, len(sums), columns[1] - columns[0]))  # (tasks, 1 + d, columns)

    def work(task: int) -> None:
        on, on_x, on_y = np.empty((3, _COLUMNS), axes[0].dtype)  # energies and forces of a tile's columns
        held = (on, on_x, None if axes[1] is None else on_y)
        _repulsion_strip(axes, numbers, (bounds[task], bounds[task + 1]), columns, held, sums, shares[task])

    _in_threads(work, len(shares))
    sums[:, columns[0] : columns[1]] += shares.sum(0)


def _strips(rows: tuple[int, int], columns: tuple[int, int]) -> list[int]:
    """Return where strips of rows begin and end, all but the last after whole blocks of ``_ROWS``."""
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    pairs = height * width // (2 if rows == columns else 1)
    tasks = max(1, min(_MOST_STRIPS, height // _ROWS, pairs // (2 * _PAIRS_OF_A_TASK)))
    parts = np.linspace(0, 1, tasks + 1)
    if rows == columns:  # half a square: the first rows meet the most columns
        parts = 1 - np.sqrt(1 - parts)
    return (rows[0] + np.rint(parts * height / _ROWS).astype(np.int64) * _ROWS).tolist()  # type: ignore[no-any-return]


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
def _at(values: Any, place: Any) -> Any:
    """Return one value, or None of an axis that is not there: numba compiles only what an "is None" leads to."""
    if values is None:
        return None
    return values[place]


@_compiled
def _part(values: Any, first: Any, last: Any) -> Any:
    """Return a range of an axis. It costs as much as a hundred pairs: once a tile, not once a row."""
    if values is None:
        return None
    return values[first:last]


@_compiled
def _clear(values: Any) -> None:
    if values is not None:
        values[:] = 0


@_compiled
def _spring(square: Any, margin: Any, least: Any) -> tuple[Any, Any]:
    """Return twice the energy of a spring, and its force over its length, from the square of that.

    A square under ``least`` counts as that, which keeps the share finite: coincident points exert no force.
    """
    distance = math.sqrt(max(square, least))
    push = max(margin - distance, margin - margin)
    return push * push, push / distance


@_compiled
def _felt(at: tuple[Any, Any], x: Any, y: Any, first: Any, last: Any, margin: Any, least: Any) -> tuple[Any, Any, Any]:
    """Return twice the energy of the springs from one point to a range of others, and the force on it.

    Unsigned places spare the test for a negative index.
    """
    zero = margin - margin
    at_x, at_y = at
    energy, force_x, force_y = zero, zero, zero
    for q in range(first, last):
        dx = at_x - x[q]
        square = dx * dx
        if y is not None:
            dy = at_y - y[q]
            square += dy * dy
        twice, share = _spring(square, margin, least)
        energy += twice
        force_x += share * dx
        if y is not None:
            force_y += share * dy
    return energy, force_x, force_y


@_compiled
def _subtract(values: Floats, value: Any, difference: Floats) -> None:
    """Fill ``difference`` with ``values - value``. Slices as arguments spare the test for a negative index."""
    for q in range(len(difference)):
        difference[q] = values[q] - value


@_compiled
def _felt_run(
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
        stop = min(own, high[k]) if own >= j else high[k]
        length = min(_LONG, (stop - j) // _CHUNK * _CHUNK)
        if length > 0:
            end = j + length
            part = _felt_run(here, x[j:end], y[j:end], z[j:end], margin, least)
            j = end
        else:
            k, j, whole = _gather(axes, own, k, j, low, high, held, margin + margin)
            part = _felt_run(origin, held[0, :whole], held[1, :whole], held[2, :whole], margin, least)
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


@_compiled
def _add(sums: Floats, row: int, energy: Any, force_x: Any, force_y: Any) -> None:
    """Add to what a row has felt."""
    sums[0, row] += energy
    sums[1, row] += force_x
    if len(sums) > 2:
        sums[2, row] += force_y


@_compiled
def _block(axes: Any, numbers: tuple[Any, Any, Any], block: int, held: Floats, sums: Floats) -> None:
    """Add what a block of rows do to each other: each feels all, itself put out of reach for a while."""
    margin, least, far = numbers
    x, y = held[:_ROWS], _part(axes[1], block, block + _ROWS)
    x[:] = axes[0][block : block + _ROWS]
    for row in range(_ROWS):
        own = x[row]
        x[row] = far
        felt = _felt((own, _at(y, row)), x, y, np.uint64(0), np.uint64(_ROWS), margin, least)
        _add(sums, block + row, felt[0], felt[1], felt[2])
        x[row] = own


@_compiled
def _mutual(
    a: tuple[Any, Any], b: tuple[Any, Any], x: Any, y: Any, on: Any, on_x: Any, on_y: Any, margin: Any, least: Any
) -> tuple[Any, ...]:
    """Return twice the energy of the springs from two points to all given, and the forces on the two.

    The same is added to ``on``: what each of the others feels, forces with the sign of those on the two. Two points at
    a time take a tenth less than one: they share what is loaded and stored.
    """
    zero = margin - margin
    a_x, a_y = a
    b_x, b_y = b
    e0, x0, y0, e1, x1, y1 = zero, zero, zero, zero, zero, zero
    for q in range(len(x)):
        ax, bx = a_x - x[q], b_x - x[q]
        square, other = ax * ax, bx * bx
        if y is not None:
            ay, by = a_y - y[q], b_y - y[q]
            square, other = square + ay * ay, other + by * by
        (twice, share), (two, part) = _spring(square, margin, least), _spring(other, margin, least)
        e0, e1 = e0 + twice, e1 + two
        on[q] += twice + two
        ax, bx = share * ax, part * bx
        x0, x1 = x0 + ax, x1 + bx
        on_x[q] += ax + bx
        if y is not None:
            ay, by = share * ay, part * by
            y0, y1 = y0 + ay, y1 + by
            on_y[q] += ay + by
    return e0, x0, y0, e1, x1, y1


@_compiled
def _share(shares: Floats, quantity: int, first: int, values: Any, sign: float) -> None:
    """Add what columns from ``first`` on have felt in a tile."""
    if values is not None:
        into = shares[quantity, first : first + len(values)]
        for q in range(len(values)):
            into[q] += sign * values[q]


@_compiled
def _tile(
    axes: Any,
    numbers: tuple[Any, Any, Any],
    block: int,
    columns: tuple[int, int],
    first: int,
    held: Any,
    sums: Floats,
    shares: Floats,
) -> None:
    """Add what a block of rows and a tile of columns do to each other."""
    margin, least, _ = numbers
    last = min(first + _COLUMNS, columns[1])
    width = last - first
    x, y = axes[0][first:last], _part(axes[1], first, last)
    on, on_x, on_y = held[0][:width], held[1][:width], _part(held[2], 0, width)
    _clear(on)
    _clear(on_x)
    _clear(on_y)
    for row in range(block, block + _ROWS, 2):
        a, b = (axes[0][row], _at(axes[1], row)), (axes[0][row + 1], _at(axes[1], row + 1))
        felt = _mutual(a, b, x, y, on, on_x, on_y, margin, least)
        _add(sums, row, felt[0], felt[1], felt[2])
        _add(sums, row + 1, felt[3], felt[4], felt[5])
    _share(shares, 0, first - columns[0], on, 1.0)
    _share(shares, 1, first - columns[0], on_x, -1.0)
    _share(shares, 2, first - columns[0], on_y, -1.0)


@_compiled
def _repulsion_strip(
    axes: Any,
    numbers: tuple[Any, Any, Any],
    rows: tuple[int, int],
    columns: tuple[int, int],
    held: Any,
    sums: Floats,
    shares: Floats,
) -> None:
    """Add what rows and columns do to each other; in a square on the diagonal, to the columns after each row alone."""
    for block in range(rows[0], rows[1], _ROWS):
        begin = columns[0]
        if begin <= block:
            begin = block + _ROWS
            _block(axes, numbers, block, held[0], sums)
        for first in range(begin, columns[1], _COLUMNS):
            _tile(axes, numbers, block, columns, first, held, sums, shares)
