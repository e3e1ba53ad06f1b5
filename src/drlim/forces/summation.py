"""One law over all pairs of points, exactly and in bounded memory: the choice of the way.

There are four ways. Linear springs have a closed form. A law of finite reach is summed over the pairs within reach, by
compiled kernels where there are any for the law, else over lists of candidates. Otherwise all pairs are formed in
blocks, and so they are on a GPU.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from drlim._base.torch import is_queued
from drlim.forces.dense import sum_dense
from drlim.forces.grid import Grid, crowding, places_of, sum_candidates, trivial_grid, unsorted, worthwhile_grid
from drlim.forces.measuring import n_columns
from drlim.forces.pairwise import total
from drlim.forces.wrapping import has_kernel, wrapped
from drlim.spaces.unrolled import Measure
from drlim.springs import Attraction, Law, Repulsion

__all__ = ["over_all_pairs", "over_members"]

_AT_ONCE = 2**18
"""Maximum number of pairs that are formed in one block, in the order given."""

_COMPILED_FROM = 2**18
"""Number of pairs from which compiled kernels are used: they take 0.3 ms in place of 2 to 3 on torch, on two
threads."""

_CROWDED = 0.2
"""Share of all pairs that are candidates from which `sum_dense` costs less than `sum_candidates`: at n = 3000 the two
meet at 0.19 for all rows and at 0.27 for 500 of them, on a CPU."""

_MUTUAL = 0.35
"""The same share for the two compiled kernels, over all rows: they meet at 0.1 to 0.25 for n = 6000, and at 0.35
(float32) and 0.4 (float64) for n = 15,000."""

_QUEUED = 2**32
"""Maximum number of pairs that are all formed on a GPU: to choose a cheaper way, positions would have to be read, which
waits for all that is queued. Not measured."""

_LARGEST = 1e150
"""Margins and coordinates beyond it would overflow float64 when squared in a compiled kernel."""

Sums = tuple[Tensor, Tensor]
"""Energies, float64 (r,), and gradient, float64 (r, d)."""


def over_all_pairs(Z: Tensor, law: Law, rows: Tensor | None = None, measure: Measure | None = None) -> Sums:
    """Return energies and gradient of one law over all pairs of points, exactly, in bounded memory.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points, of a floating dtype, on any device; no gradient is recorded.
    law : Law
        Law of every pair. Pairs farther apart than a finite ``law.reach`` are not formed where that saves time.
    rows : Tensor of int64, shape (r,), default=None
        Points whose springs are wanted; all when None.
    measure : Measure, default=None
        How differences are measured where the points are the unrolled ones of a curved space.

    Returns
    -------
    energies : Tensor of float64, shape (r,)
        Half the sum of the energies of each row's n - 1 springs: over all rows, they add up to each pair once.
    gradient : Tensor of float64, shape (r, d)
        dE/dz for the rows. With a ``measure``, a column more for each radius that is learned; see
        `drlim.forces.measuring.measured`.

    Notes
    -----
    If any coordinate is NaN or infinite, all results are NaN.

    From a quarter of a million pairs on, `drlim.springs.Repulsion` on a CPU and in one to three dimensions is left to
    compiled kernels where numba is installed. Their results differ from the others by rounding. The way depends on
    sizes and positions alone, so the same points have the same forces, byte for byte, with any number of threads.

    Examples
    --------
    >>> import torch
    >>> from drlim.springs import Repulsion
    >>> energies, gradient = over_all_pairs(torch.tensor([[0.0], [0.25], [5.0]]), Repulsion(1.0))
    >>> energies.tolist(), gradient.ravel().tolist()
    ([0.140625, 0.140625, 0.0], [0.75, -0.75, 0.0])
    """
    points = Z.detach()
    chosen = None if rows is None else rows.to(points.device)
    count = len(points) if chosen is None else len(chosen)
    width = n_columns(Z.shape[1], measure)
    if count == 0:
        return points.new_empty(0, dtype=torch.float64), points.new_empty((0, width), dtype=torch.float64)
    if is_queued(points.device) and len(points) * count <= _QUEUED:
        return _queued_sum(points, law, chosen, measure)
    box = _Box.around(points)
    if not box.is_finite:
        nan = points.new_full((count, 1 + width), math.nan, dtype=torch.float64)
        return nan[:, 0], nan[:, 1:]
    if len(points) * count <= _AT_ONCE:
        return sum_dense(points, chosen, law, measure, at_once=True)
    points = points if _squares_fit(points.dtype, box.largest, law.reach) else points.double()
    return _large_sum(points, box, law, chosen) if measure is None else _large_curved_sum(points, law, chosen, measure)


def _queued_sum(points: Tensor, law: Law, chosen: Tensor | None, measure: Measure | None) -> Sums:
    """Sum over all pairs on a GPU. No number is read of it: the way depends on sizes alone, and NaN spreads by a sum.

    A distance whose square leaves the range of float32 is infinite, and a law of finite reach is 0 there.
    """
    fits = _squares_fit(points.dtype, 0.0, law.reach)
    count = len(points) if chosen is None else len(chosen)
    at_once = len(points) * count <= _AT_ONCE
    energies, gradient = sum_dense(points if fits else points.double(), chosen, law, measure, at_once=at_once)
    nothing = (points * 0.0).sum()  # NaN where a coordinate is NaN or infinite
    return energies + nothing, gradient + nothing


def over_members(Z: Tensor, law: Law, rows: Tensor | None = None, measure: Measure | None = None) -> Sums:
    """Return what `over_all_pairs` returns; linear springs are summed in one pass over the points.

    Use it for classes, whose pairs may be as many as the square of a million. With c the mean of n points,
    sum_j (z_i - z_j) = n (z_i - c) and sum_j |z_i - z_j|^2 = n |z_i - c|^2 + sum_j |z_j - c|^2. There is no
    such form on a curved space, where all pairs are formed.
    """
    if not isinstance(law, Attraction) or measure is not None:
        return over_all_pairs(Z, law, rows, measure)
    points = Z.to(torch.float64)
    displacement = points - points.mean(dim=0)  # (n, d)
    squares = displacement.square().sum(dim=1)  # (n,)
    spread = total(squares)
    if rows is not None:
        displacement, squares = displacement.index_select(0, rows), squares.index_select(0, rows)  # (r, d), (r,)
    return 0.25 * (len(points) * squares + spread), len(points) * displacement


class _Box(NamedTuple):
    """Least and greatest of each coordinate of the points."""

    low: list[float]
    high: list[float]

    @classmethod
    def around(cls, points: Tensor) -> _Box:
        """Measure the coordinates one after the other.

        Over all at once, torch wakes its threads for any size, and on a CPU they go on spinning for 5 ms beside the
        compiled kernels.
        """
        if points.numel() == 0:
            return cls([], [])
        ends = [torch.stack(torch.aminmax(column)) for column in points.T]  # d x (2,)
        low, high = torch.stack(ends, dim=1).tolist()  # (2, d)
        return cls(low, high)

    @property
    def is_finite(self) -> bool:
        return all(map(math.isfinite, [*self.low, *self.high]))

    @property
    def largest(self) -> float:
        return max(map(abs, [*self.low, *self.high]))


def _large_sum(points: Tensor, box: _Box, law: Law, chosen: Tensor | None) -> Sums:
    """Sum more pairs than fit into one block, in the way that costs least."""
    grid = worthwhile_grid(points, box.low, box.high, law.reach, chosen)
    if _is_compiled(points, law, len(points) if chosen is None else len(chosen)):
        return _compiled_sum(points, box, law, chosen, grid)
    if grid is None or crowding(grid, chosen) > _CROWDED:
        return sum_dense(points, chosen, law)
    return sum_candidates(points, law, grid, chosen)


def _large_curved_sum(points: Tensor, law: Law, chosen: Tensor | None, measure: Measure) -> Sums:
    """Sum more pairs than fit into one block on a curved space.

    Circles become lines, with the points near each end repeated beyond the other; pairs beyond half a circle do not
    count there, so the reach must be shorter than that.
    """
    around = wrapped(points, measure, law.reach)
    if around is None:
        return sum_dense(points, chosen, law, measure)
    if measure.is_flat and not measure.stretched:
        energies, gradient = _large_sum(around, _Box.around(around), law, chosen)
    else:
        energies, gradient = _sum_around(around, points, law, chosen, measure)
    # The few repeated points are summed, too, where all are: to pick the others costs more.
    count = len(points) if chosen is None else len(chosen)
    return energies[:count], gradient[:count]


def _sum_around(around: Tensor, points: Tensor, law: Law, chosen: Tensor | None, measure: Measure) -> Sums:
    """Sum over the candidates of a grid around repeated points, or over all pairs of the points where that costs less.

    Repeated points are measured as they lie: round a circle they would coincide with those that they repeat.
    """
    box, count = _Box.around(around), len(around) if chosen is None else len(chosen)
    grid = worthwhile_grid(around, box.low, box.high, law.reach, chosen)
    if _is_compiled(around, law, count) and has_kernel(measure, law.reach):
        return _by_curved_kernel(around, law.reach, grid or trivial_grid(around), chosen, measure)
    if grid is None or crowding(grid, chosen) > _CROWDED:
        return sum_dense(points, chosen, law, measure)
    return sum_candidates(around, law, grid, chosen, measure.opened())


def _compiled_sum(points: Tensor, box: _Box, law: Law, chosen: Tensor | None, grid: Grid | None) -> Sums:
    """Sum by the kernel that costs least."""
    is_mutual = chosen is None and points.shape[1] <= 2 and box.largest < _LARGEST
    if is_mutual and (grid is None or crowding(grid, None) > _MUTUAL):
        return _by_mutual_kernel(points, law.reach)
    return _by_kernel(points, law.reach, grid or trivial_grid(points), chosen)


def _squares_fit(dtype: torch.dtype, largest: float, reach: float) -> bool:
    """Whether the square of no distance that counts leaves the range of float32."""
    return dtype == torch.float64 or (largest < 2.0**60 and (2.0**-50 < reach < 2.0**60 or reach == math.inf))


def _is_compiled(points: Tensor, law: Law, count: int) -> bool:
    """Whether there are compiled kernels for the law, and the sum is large enough for them."""
    fits = (
        type(law) is Repulsion
        and law.margin < _LARGEST
        and points.device.type == "cpu"
        and points.shape[1] in (1, 2, 3)
    )
    if not fits or points.dtype not in (torch.float32, torch.float64) or len(points) * count < _COMPILED_FROM:
        return False
    from drlim._base import compiling  # imports numba: 0.3 s

    return compiling.AVAILABLE


def _by_kernel(points: Tensor, margin: float, grid: Grid, chosen: Tensor | None) -> Sums:
    from drlim.forces.kernel_runs import repulsion_over_runs  # imports numba

    places, to = places_of(grid, chosen)
    axes = [points[:, axis].index_select(0, grid.order).numpy() for axis in range(points.shape[1])]  # d x (n,)
    energies, gradient = repulsion_over_runs(
        axes, grid.keys.numpy(), places.numpy(), grid.offsets.numpy(), (grid.width, grid.heights), margin
    )
    return unsorted(torch.from_numpy(energies), to), unsorted(torch.from_numpy(gradient), to)


def _by_curved_kernel(points: Tensor, margin: float, grid: Grid, chosen: Tensor | None, measure: Measure) -> Sums:
    from drlim.forces.kernel_curved import curved_repulsion_over_runs  # imports numba

    places, to = places_of(grid, chosen)
    axes = [points[:, axis].index_select(0, grid.order).numpy() for axis in range(points.shape[1])]  # d x (n,)
    runs = (grid.keys.numpy(), places.numpy(), grid.offsets.numpy(), (grid.width, grid.heights))
    energies, gradient = curved_repulsion_over_runs(axes, runs, margin, measure)
    return unsorted(torch.from_numpy(energies), to), unsorted(torch.from_numpy(gradient), to)


def _by_mutual_kernel(points: Tensor, margin: float) -> Sums:
    from drlim.forces.kernel_mutual import repulsion_over_all  # imports numba

    energies, gradient = repulsion_over_all(list(points.T.contiguous().numpy()), margin)
    return torch.from_numpy(energies), torch.from_numpy(gradient)
