"""Compiled sums of the exact repulsion, ``L_D(D) = 1/2 max(0, m - D)^2``, that form each pair of points once.

For one or two dimensions. It is faster than the sums over runs where a third of the pairs or more are candidates.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from drlim._base.arrays import Array, Floats
from drlim._base.compiling import PAIRS_PER_TASK, compiled, in_threads, inlined

__all__ = ["repulsion_over_all"]

Axis = Any
"""The values of one coordinate, or None where there is no such axis. numba compiles a kernel for either case."""

Axes = tuple[Array, Axis]
"""The first coordinate of all points, and the second or None."""

Buffers = tuple[Array, Array, Axis]
"""Energies, and forces along each axis, of the columns of a tile."""

_ROWS, _COLUMNS = 128, 2048
"""Rows and columns of a tile. In float32 as many terms are added, those of a row in as many lanes as a vector has,
before the sum goes on in float64. Five arrays of that many columns are 40 KiB, which a first-level cache holds."""

_SPAN = 2**15
"""Maximum number of columns to which tasks add side by side. Each task has 24 bytes a column of its own, 12 MiB in
all."""

_MOST_STRIPS = 16
"""Maximum number of strips, each of which is a task."""


def repulsion_over_all(points: list[Array], margin: float) -> tuple[Floats, Floats]:
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
    axes: Axes, numbers: tuple[float, float, float], rows: tuple[int, int], columns: tuple[int, int], sums: Array
) -> None:
    """Add the springs between rows and columns, in strips of about the same number of pairs."""
    bounds = _strips(rows, columns)
    shares = np.zeros((len(bounds) - 1, len(sums), columns[1] - columns[0]))  # (tasks, 1 + d, columns)

    def work(task: int) -> None:
        on, on_x, on_y = np.empty((3, _COLUMNS), axes[0].dtype)  # energies and forces of a tile's columns
        buffers = (on, on_x, None if axes[1] is None else on_y)
        _repulsion_strip(axes, numbers, (bounds[task], bounds[task + 1]), columns, buffers, sums, shares[task])

    in_threads(work, len(shares))
    sums[:, columns[0] : columns[1]] += shares.sum(0)


def _strips(rows: tuple[int, int], columns: tuple[int, int]) -> list[int]:
    """Return where strips of rows begin and end, all but the last after whole blocks of ``_ROWS``."""
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    pairs = height * width // (2 if rows == columns else 1)
    tasks = max(1, min(_MOST_STRIPS, height // _ROWS, pairs // (2 * PAIRS_PER_TASK)))
    parts = np.linspace(0, 1, tasks + 1)
    if rows == columns:  # half a square: the first rows have the most columns
        parts = 1 - np.sqrt(1 - parts)
    return (rows[0] + np.rint(parts * height / _ROWS).astype(np.int64) * _ROWS).tolist()  # type: ignore[no-any-return]


@inlined
def _at(values: Axis, place: int) -> Axis:
    """Return one value, or None if there is no such axis. numba compiles only the branch of "is None" that is taken."""
    if values is None:
        return None
    return values[place]


@inlined
def _part(values: Axis, first: int, last: int) -> Axis:
    """Return a range of an axis, or None.

    It costs as much as a hundred pairs, so it is done once a tile, not once a row.
    """
    if values is None:
        return None
    return values[first:last]


@inlined
def _clear(values: Axis) -> None:
    if values is not None:
        values[:] = 0


@inlined
def _spring(square: float, margin: float, least: float) -> tuple[float, float]:
    """Return twice the energy of a spring, and its force over its length, from the square of that.

    A square below ``least`` is raised to it, which keeps the share finite. Coincident points exert no force.
    """
    distance = math.sqrt(max(square, least))
    push = max(margin - distance, margin - margin)
    return push * push, push / distance


@inlined
def _sum_springs(
    at: tuple[float, Axis], x: Array, y: Axis, first: np.uint64, last: np.uint64, margin: float, least: float
) -> tuple[float, float, float]:
    """Return twice the energy of the springs from one point to a range of others, and the force on it.

    Unsigned places avoid the test for a negative index.
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


@inlined
def _add(sums: Array, row: int, energy: float, force_x: float, force_y: float) -> None:
    """Add an energy and a force to the sums of a row."""
    sums[0, row] += energy
    sums[1, row] += force_x
    if len(sums) > 2:
        sums[2, row] += force_y


@inlined
def _block(axes: Axes, numbers: tuple[float, float, float], block: int, buffer: Array, sums: Array) -> None:
    """Add the springs within a block of rows.

    While a row is summed, its own place is moved out of reach.
    """
    margin, least, far = numbers
    x, y = buffer[:_ROWS], _part(axes[1], block, block + _ROWS)
    x[:] = axes[0][block : block + _ROWS]
    for row in range(_ROWS):
        own = x[row]
        x[row] = far
        sums_of = _sum_springs((own, _at(y, row)), x, y, np.uint64(0), np.uint64(_ROWS), margin, least)
        _add(sums, block + row, sums_of[0], sums_of[1], sums_of[2])
        x[row] = own


@inlined
def _mutual(
    a: tuple[float, Axis],
    b: tuple[float, Axis],
    x: Array,
    y: Axis,
    on: Array,
    on_x: Array,
    on_y: Axis,
    margin: float,
    least: float,
) -> tuple[float, ...]:
    """Return twice the energy of the springs from two points to all given, and the forces on the two.

    Energies and forces of the other points are added to ``on``, ``on_x`` and ``on_y``, forces with the sign of those on
    the two points. Two points at a time take a tenth less time than one, since they share loads and stores.
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


@inlined
def _share(shares: Array, quantity: int, first: int, values: Axis, sign: float) -> None:
    """Add one quantity of the columns from ``first`` on, as summed in a tile."""
    if values is not None:
        into = shares[quantity, first : first + len(values)]
        for q in range(len(values)):
            into[q] += sign * values[q]


@inlined
def _tile(
    axes: Axes,
    numbers: tuple[float, float, float],
    block: int,
    columns: tuple[int, int],
    first: int,
    buffers: Buffers,
    sums: Array,
    shares: Array,
) -> None:
    """Add the springs between a block of rows and a tile of columns."""
    margin, least, _ = numbers
    last = min(first + _COLUMNS, columns[1])
    width = last - first
    x, y = axes[0][first:last], _part(axes[1], first, last)
    on, on_x, on_y = buffers[0][:width], buffers[1][:width], _part(buffers[2], 0, width)
    _clear(on)
    _clear(on_x)
    _clear(on_y)
    for row in range(block, block + _ROWS, 2):
        a, b = (axes[0][row], _at(axes[1], row)), (axes[0][row + 1], _at(axes[1], row + 1))
        sums_of = _mutual(a, b, x, y, on, on_x, on_y, margin, least)
        _add(sums, row, sums_of[0], sums_of[1], sums_of[2])
        _add(sums, row + 1, sums_of[3], sums_of[4], sums_of[5])
    _share(shares, 0, first - columns[0], on, 1.0)
    _share(shares, 1, first - columns[0], on_x, -1.0)
    _share(shares, 2, first - columns[0], on_y, -1.0)


@compiled
def _repulsion_strip(
    axes: Axes,
    numbers: tuple[float, float, float],
    rows: tuple[int, int],
    columns: tuple[int, int],
    buffers: Buffers,
    sums: Array,
    shares: Array,
) -> None:
    """Add the springs between rows and columns.

    In a square on the diagonal, only the columns after each row count.
    """
    for block in range(rows[0], rows[1], _ROWS):
        begin = columns[0]
        if begin <= block:
            begin = block + _ROWS
            _block(axes, numbers, block, buffers[0], sums)
        for first in range(begin, columns[1], _COLUMNS):
            _tile(axes, numbers, block, columns, first, buffers, sums, shares)
