"""The sum over all pairs, formed block by block. It serves any law, in memory that does not grow with the pairs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from drlim.forces.measuring import measured, n_columns
from drlim.forces.pairwise import gradient_factor, row_sums, self_energy
from drlim.spaces.unrolled import Measure
from drlim.springs import Law

__all__ = ["sum_dense"]

_BLOCK_PAIRS = 2**17
"""Maximum number of pairs in a block on a CPU: half a MiB an array in float32, so that a block's arrays stay in cache.
Of 2**15 to 2**18, 2**16 and 2**17 cost least CPU time on 3000 points, 2**18 half as much again. The larger lets threads
share a block."""

_BLOCK_PAIRS_GPU = 2**24
"""Maximum number of pairs in a block on a GPU, where a block has to outlast the launch of its kernels: 64 MiB an array.
Not measured."""


def sum_dense(
    points: Tensor, chosen: Tensor | None, law: Law, measure: Measure | None = None, *, at_once: bool = False
) -> tuple[Tensor, Tensor]:
    """Return energies (r,) and gradient (r, g) of the chosen points, or of all, with their springs to all points.

    With ``at_once`` all pairs are one block, in the order given. Otherwise there are blocks of rows; where all points
    are chosen, each pair is formed once and added to both of its points.
    """
    rows = points if chosen is None else points.index_select(0, chosen)  # (r, d)
    others = points.T.contiguous()  # (d, n)
    energies = points.new_zeros(len(rows), dtype=torch.float64)  # (r,)
    width = points.shape[1]  # d
    gradient = points.new_zeros((len(rows), n_columns(width, measure)), dtype=torch.float64)  # (r, g)
    mutual = chosen is None and not at_once
    signs = [-1] * width + [1] * (gradient.shape[1] - width)  # what is beyond the coordinates is symmetric
    for start, stop in [(0, len(rows))] if at_once else _blocks(len(rows), len(points), points.device, mutual):
        first = start if mutual else 0
        displacement = [
            rows[start:stop, axis, None] - others[axis, first:] for axis in range(len(others))
        ]  # d x (b, c)
        distance, columns = measured(displacement, measure)  # (b, c), g x (b, c)
        factor = gradient_factor(law, distance)  # (b, c)
        values = law.energy(distance).to(torch.float64)  # (b, c)
        energies[start:stop] += row_sums(values)
        if mutual:
            energies[stop:] += values[:, stop - start :].sum(0)
        for axis, component in enumerate(columns):
            values = values.copy_(component.mul_(factor))
            gradient[start:stop, axis] += row_sums(values)
            if mutual:
                gradient[stop:, axis] += signs[axis] * values[:, stop - start :].sum(0)
    return (energies - self_energy(law, points)) / 2, gradient


def _blocks(n_rows: int, n_points: int, device: torch.device, mutual: bool) -> Iterator[tuple[int, int]]:
    """Yield where blocks of rows begin and end; the columns of a mutual block begin with its own rows."""
    block_pairs = _BLOCK_PAIRS if device.type == "cpu" else _BLOCK_PAIRS_GPU
    start = 0
    while start < n_rows:
        n_columns = n_points - start if mutual else n_points
        stop = min(n_rows, start + max(1, block_pairs // n_columns))
        yield start, stop
        start = stop
