"""The lift with its sums left on the device: nothing waits for a number.

The force on point i is the sum over its springs; `drlim.forces.objective` has the formula.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from drlim._base.arrays import Floats, Index, ragged_ranges
from drlim._base.checks import short_repr
from drlim._base.torch import moved
from drlim.forces.energies import Balance, Energies
from drlim.forces.measuring import measured, n_columns
from drlim.forces.pairwise import gradient_factor, total
from drlim.forces.summation import over_all_pairs, over_members
from drlim.graph import NeighborhoodGraph
from drlim.graph.listing import Listing
from drlim.graph.pairset import PairSet
from drlim.spaces import Space
from drlim.spaces.unrolled import Measure, gradient, unrolled
from drlim.springs import Law, Springs

__all__ = ["graph_sums", "pair_sums", "sums_over_all"]


def pair_sums(Z: Tensor, pairs: Index, law: Law, space: Space | None = None) -> tuple[Tensor, Tensor]:
    """Do what `pair_list` does, and leave the energy on the device."""
    both = PairSet.from_pairs(len(Z), pairs, "pairs")
    points, measure = _unrolled(Z.detach(), space)
    energy, slopes = _listed(points, both.corrections(), None, law, measure)
    return energy, _along(space, Z, slopes, None)


def sums_over_all(Z: Tensor, law: Law, rows: Tensor | None, space: Space | None) -> tuple[Tensor, Tensor]:
    """Do what `drlim.forces.all_pairs` does, and leave the energy on the device."""
    points, measure = _unrolled(Z.detach(), space)
    energies, slopes = over_all_pairs(points, law, rows, measure)
    return total(energies), _along(space, Z, slopes, rows)


def graph_sums(
    Z: Tensor,
    graph: NeighborhoodGraph,
    springs: Springs,
    balance: Balance,
    rows: Index | None = None,
    space: Space | None = None,
) -> Energies:
    """Do what `graph_energy` does, and leave the energies on the device.

    On a GPU nothing is waited for in flat space, up to 4 billion pairs of rows and points.
    """
    if Z.ndim != 2 or len(Z) != graph.n_samples:
        raise ValueError(
            f"Expected 'Z' to have one row for each of the graph's {graph.n_samples} samples. Got {short_repr(Z)}."
        )
    points, measure = _unrolled(Z.detach(), space)
    if rows is not None and len(rows) == 0:
        nothing = torch.zeros((), dtype=torch.float64, device=Z.device)
        return Energies(nothing, nothing, Z.detach()[:0], balance)  # (0, d)
    similar, attraction = _weighted(points, graph.similar, rows, springs.similar, measure)
    dissimilar, repulsion = _weighted(points, graph.dissimilar, rows, springs.dissimilar, measure)
    slopes = balance.total(attraction, repulsion)  # (r, g)
    index = None if rows is None or space is None else moved(rows, Z.device)
    return Energies(similar, dissimilar, _along(space, Z, slopes, index), balance)


def _unrolled(Z: Tensor, space: Space | None) -> tuple[Tensor, Measure | None]:
    """Return points in the coordinates that forces are summed in, (n, d), and how their differences are measured."""
    return (Z, None) if space is None else unrolled(space, Z)


def _along(space: Space | None, Z: Tensor, slopes: Tensor, rows: Tensor | None) -> Tensor:
    """Return the gradient by the coordinates of the points asked for, in their dtype."""
    if space is None:
        return slopes.to(Z.dtype)
    at = Z.detach() if rows is None else Z.detach().index_select(0, rows.to(Z.device))  # (r, a)
    return gradient(space, at, slopes).to(Z.dtype)


def _weighted(
    points: Tensor, pairs: PairSet, rows: Index | None, law: Law, measure: Measure | None
) -> tuple[Tensor, Tensor]:
    """Return half the weighted energy of the rows' springs in a set, and the gradient on the rows, float64 (r, g)."""
    energy, gradient = _listed(points, pairs.corrections(), rows, law, measure)
    for factor, members in () if pairs.blocks is None else pairs.blocks.terms():
        part, slope = _among(points, members, rows, law, measure)
        energy, gradient = energy + factor * part, gradient + factor * slope
    return energy, gradient


def _among(
    points: Tensor, members: Index | None, rows: Index | None, law: Law, measure: Measure | None
) -> tuple[Tensor, Tensor]:
    """Return half the energy of the rows' springs to all members, and the gradient on the rows; None is all points."""
    if members is None:
        index = None if rows is None else moved(rows, points.device)
        energies, gradient = over_members(points, law, index, measure)
        return total(energies), gradient
    asked = np.arange(len(points)) if rows is None else rows  # (r,)
    place = np.flatnonzero(np.isin(asked, members))
    others = points.index_select(0, moved(members, points.device))  # (m, d)
    energies, slope = over_members(others, law, moved(np.searchsorted(members, asked[place]), points.device), measure)
    width = n_columns(points.shape[1], measure)  # g
    gradient = torch.zeros(len(asked), width, dtype=torch.float64, device=points.device)  # (r, g)
    return total(energies), gradient.index_copy_(0, moved(place, points.device), slope)


def _listed(
    Z: Tensor, listing: Listing, rows: Index | None, law: Law, measure: Measure | None
) -> tuple[Tensor, Tensor]:
    """Return half the weighted energy of the rows' listed springs, and the gradient on the rows.

    Every pair stands in both its rows, so the sum of a point is gathered from its own row. There is no scatter, whose
    order of additions would differ between runs.
    """
    counts, second, weights = _partners(listing, rows)
    first = np.repeat(np.arange(len(counts)) if rows is None else rows, counts)
    i, j, weight = (moved(array, Z.device) for array in (first, second, weights))  # (e,) each
    displacement = Z.index_select(0, i) - Z.index_select(0, j)  # (e, d)
    distance, columns = measured(list(displacement.unbind(1)), measure)  # (e,), g x (e,)
    if measure is not None:
        displacement = torch.stack(columns, dim=1)  # (e, g)
    energy = total(law.energy(distance).to(torch.float64) * weight)
    edge = (gradient_factor(law, distance)[:, None] * displacement).to(torch.float64) * weight[:, None]  # (e, g)
    # The lengths are right by construction: torch would read them back to check them.
    gradient = torch.segment_reduce(edge, "sum", lengths=moved(counts, Z.device), axis=0, unsafe=True)  # (r, g)
    return energy / 2, gradient


def _partners(listing: Listing, rows: Index | None) -> tuple[Index, Index, Floats]:
    """Return the number of partners of each row (r,), and all of them with their weights (e,), row after row."""
    indptr = listing.indptr
    weights = listing.all_weights()
    if rows is None:
        return np.diff(indptr), listing.indices, weights
    counts = indptr[rows + 1] - indptr[rows]  # (r,)
    entries = ragged_ranges(indptr[rows], counts)  # (e,)
    return counts, listing.indices[entries], weights[entries]
