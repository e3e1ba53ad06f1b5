"""The lift: energy and forces on points, from the law of one pair, over pair lists or over all pairs.

The force on point i is the sum over its springs (the paper's section 2.2)::

    F_i = -dE/dz_i = sum_j  -L'(D_ij) (z_i - z_j) / D_ij,        D_ij = ||z_i - z_j||_2

Distances come from explicit differences: the matrix-product form is off by a third in float32 where a map is dense.
Two coincident points have no direction to part in and, by decision, exert no force on each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from drlim._base.arrays import Array, Floats, Index, ragged_ranges
from drlim._base.checks import check_parameters, real_in, short_repr
from drlim.forces.measuring import measured, n_columns
from drlim.forces.pairwise import gradient_factor, total
from drlim.forces.summation import over_all_pairs, over_members
from drlim.graph import NeighborhoodGraph
from drlim.graph.listing import Listing
from drlim.graph.pairset import PairSet
from drlim.spaces import Space
from drlim.spaces.unrolled import Measure, gradient, unrolled
from drlim.springs import Law, Springs

__all__ = ["Balance", "GraphEnergy", "all_pairs", "balance_of", "balanced", "graph_energy", "pair_list"]


class Balance(NamedTuple):
    """Weights of the two sums of the objective: of every similar pair, and of every dissimilar one.

    Examples
    --------
    >>> Balance(similar=0.5, dissimilar=2.0).total(4.0, 1.0)
    4.0
    """

    similar: float
    dissimilar: float

    def total(self, similar: float, dissimilar: float) -> float:
        """Return the objective, given the two sums of energies."""
        return self.similar * similar + self.dissimilar * dissimilar


class GraphEnergy(NamedTuple):
    """Energy of all springs of a graph, and its gradient.

    Attributes
    ----------
    similar : float
        Sum of L_S over the similar pairs, before balancing.
    dissimilar : float
        Sum of L_D over the dissimilar pairs, before balancing.
    gradient : Tensor, shape (r, d)
        Derivative of `total` with respect to the points asked for; the force is its negative.
    balance : Balance
        Weights of the two sums.

    Examples
    --------
    >>> import torch
    >>> GraphEnergy(similar=4.0, dissimilar=1.0, gradient=torch.zeros(2, 2), balance=Balance(0.5, 2.0)).total
    4.0
    """

    similar: float
    dissimilar: float
    gradient: Tensor
    balance: Balance = Balance(1.0, 1.0)

    @property
    def total(self) -> float:
        """The objective: the balanced sum of both energies."""
        return self.balance.total(self.similar, self.dissimilar)


def balanced(graph: NeighborhoodGraph, dissimilar_weight: float = 1.0) -> Balance:
    """Return the weights that make the objective a sum of two means.

    The plain sum of equation 2 is dominated by whichever kind of pair is more numerous: at n = 6000 a dissimilar
    pair outnumbers a similar one 800 to 1. drlim therefore minimises, always::

        E(W) = mean of L_S over similar pairs + dissimilar_weight * mean of L_D over dissimilar pairs

    Both means describe the map and the relations and do not depend on the number of samples. If every sample is
    replaced by several copies that inherit its relations (pairs of copies of one sample being ignored), they do not
    change. So one weight serves all n.

    Parameters
    ----------
    graph : NeighborhoodGraph
    dissimilar_weight : float, default=1.0
        In (0, inf). The plain sum is ``n_dissimilar / n_similar``.

    Returns
    -------
    Balance
        A kind of pair that does not occur has weight 0.

    Raises
    ------
    ValueError, TypeError
        When ``dissimilar_weight`` is out of range.

    Examples
    --------
    Three similar pairs, and of the other 7 all dissimilar:

    >>> from drlim import NeighborhoodGraph
    >>> balance = balanced(NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2), (2, 3)]), dissimilar_weight=2.0)
    >>> balance == Balance(similar=1 / 3, dissimilar=2 / 7)
    True
    """
    accepted = {"dissimilar_weight": [real_in(0.0, float("inf"))]}
    check_parameters({"dissimilar_weight": dissimilar_weight}, accepted, "balanced")
    return balance_of(graph, dissimilar_weight)


def balance_of(graph: NeighborhoodGraph, dissimilar_weight: float) -> Balance:
    """Return what `balanced` returns, for a weight that was checked."""
    return Balance(
        1.0 / graph.similar.total_weight if graph.n_similar else 0.0,
        dissimilar_weight / graph.dissimilar.total_weight if graph.n_dissimilar else 0.0,
    )


def pair_list(Z: Tensor, pairs: Index, law: Law, space: Space | None = None) -> tuple[float, Tensor]:
    """Return energy and gradient of listed springs.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points.
    pairs : ndarray of int64, shape (p, 2)
        Each spring once, as a row (i, j), i != j.
    law : Law
        Of every listed pair.
    space : Space, default=None
        The space that the points lie on, in ambient coordinates; None is flat.

    Returns
    -------
    energy : float
        Sum over the pairs, in float64.
    gradient : Tensor, shape (n, d)
        dE/dZ.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from drlim.springs import Attraction
    >>> energy, gradient = pair_list(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), np.array([[0, 1]]), Attraction())
    >>> energy, gradient.tolist()
    (12.5, [[-3.0, -4.0], [3.0, 4.0]])
    """
    both = PairSet.from_pairs(len(Z), pairs, "pairs")
    points, measure = _unrolled(Z.detach(), space)
    energy, slopes = _listed(points, both.corrections(), None, law, measure)
    return energy, _along(space, Z, slopes, None)


def all_pairs(Z: Tensor, law: Law, rows: Tensor | None = None, space: Space | None = None) -> tuple[float, Tensor]:
    """Return energy and gradient of one law over all pairs of points, exactly, in bounded memory.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points.
    law : Law
        Of every pair.
    rows : Tensor of int64, shape (r,), default=None
        Points whose gradient is wanted; all when None.
    space : Space, default=None
        The space that the points lie on, in ambient coordinates; None is flat.

    Returns
    -------
    energy : float
        Half the sum, over the rows, of the energy of each one's n - 1 springs: with all rows, each pair once.
    gradient : Tensor, shape (r, d)
        dE/dz for the rows.

    Examples
    --------
    >>> import torch
    >>> from drlim.springs import Repulsion
    >>> energy, gradient = all_pairs(torch.tensor([[0.0], [0.25], [5.0]]), Repulsion(1.0))
    >>> energy, gradient.ravel().tolist()
    (0.28125, [0.75, -0.75, 0.0])
    """
    points, measure = _unrolled(Z.detach(), space)
    energies, slopes = over_all_pairs(points, law, rows, measure)
    return total(energies), _along(space, Z, slopes, rows)


def graph_energy(
    Z: Tensor,
    graph: NeighborhoodGraph,
    springs: Springs,
    balance: Balance = Balance(1.0, 1.0),  # noqa: B008 - a tuple of two floats, immutable
    rows: Index | None = None,
    space: Space | None = None,
) -> GraphEnergy:
    """Return the energy of every pair of a graph, and the gradient of the weighted sum.

    What holds for whole classes, or for all the rest, is summed over all pairs and corrected by the listed ones.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points, one for each of the graph's samples; no gradient is recorded.
    graph : NeighborhoodGraph
    springs : Springs
    balance : Balance, default=(1, 1)
        Weights in the gradient. (1, 1) is the plain sum of equation 2; see `balanced`.
    rows : ndarray of int64, shape (r,), default=None
        Samples whose gradient is wanted, all when None. The energies then are half the sums over the rows'
        springs, so that over all samples they add up to each pair once.
    space : Space, default=None
        The space that the points lie on, in ambient coordinates (n, space.n_ambient); None is flat.

    Returns
    -------
    GraphEnergy

    Raises
    ------
    ValueError
        When ``Z`` is not 2-D with one row for each sample of the graph.

    Examples
    --------
    Samples 0 and 1 are similar, 2 is not:

    >>> import torch
    >>> from drlim import NeighborhoodGraph
    >>> from drlim.springs import make_springs
    >>> graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    >>> graph_energy(torch.tensor([[0.0], [1.0], [1.5]]), graph, make_springs(margin=1.0))
    GraphEnergy(similar=0.5, dissimilar=0.125, gradient=tensor([[-1.0000],
            [ 1.5000],
            [-0.5000]]), balance=Balance(similar=1.0, dissimilar=1.0))
    """
    if Z.ndim != 2 or len(Z) != graph.n_samples:
        raise ValueError(
            f"Expected 'Z' to have one row for each of the graph's {graph.n_samples} samples. Got {short_repr(Z)}."
        )
    points, measure = _unrolled(Z.detach(), space)
    if rows is not None and len(rows) == 0:
        return GraphEnergy(0.0, 0.0, Z.detach()[:0], balance)  # (0, d)
    similar, attraction = _weighted(points, graph.similar, rows, springs.similar, measure)
    dissimilar, repulsion = _weighted(points, graph.dissimilar, rows, springs.dissimilar, measure)
    slopes = balance.similar * attraction + balance.dissimilar * repulsion  # (r, g)
    index = None if rows is None or space is None else _tensor(rows, Z.device)
    return GraphEnergy(similar, dissimilar, _along(space, Z, slopes, index), balance)


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
) -> tuple[float, Tensor]:
    """Return half the weighted energy of the rows' springs in a set, and the gradient on the rows, float64 (r, g)."""
    energy, gradient = _listed(points, pairs.corrections(), rows, law, measure)
    for factor, members in () if pairs.blocks is None else pairs.blocks.terms():
        part, slope = _among(points, members, rows, law, measure)
        energy, gradient = energy + factor * part, gradient + factor * slope
    return energy, gradient


def _among(
    points: Tensor, members: Index | None, rows: Index | None, law: Law, measure: Measure | None
) -> tuple[float, Tensor]:
    """Return half the energy of the rows' springs to all members, and the gradient on the rows; None is all points."""
    if members is None:
        index = None if rows is None else _tensor(rows, points.device)
        energies, gradient = over_members(points, law, index, measure)
        return total(energies), gradient
    asked = np.arange(len(points)) if rows is None else rows  # (r,)
    place = np.flatnonzero(np.isin(asked, members))
    others = points.index_select(0, _tensor(members, points.device))  # (m, d)
    energies, slope = over_members(others, law, _tensor(np.searchsorted(members, asked[place]), points.device), measure)
    width = n_columns(points.shape[1], measure)  # g
    gradient = torch.zeros(len(asked), width, dtype=torch.float64, device=points.device)  # (r, g)
    return total(energies), gradient.index_copy_(0, _tensor(place, points.device), slope)


def _listed(Z: Tensor, listing: Listing, rows: Index | None, law: Law, measure: Measure | None) -> tuple[float, Tensor]:
    """Return half the weighted energy of the rows' listed springs, and the gradient on the rows.

    Every pair stands in both its rows, so the sum of a point is gathered from its own row. There is no scatter, whose
    order of additions would differ between runs.
    """
    counts, second, weights = _partners(listing, rows)
    first = np.repeat(np.arange(len(counts)) if rows is None else rows, counts)
    i, j, weight = (_tensor(array, Z.device) for array in (first, second, weights))  # (e,) each
    displacement = Z.index_select(0, i) - Z.index_select(0, j)  # (e, d)
    distance, columns = measured(list(displacement.unbind(1)), measure)  # (e,), g x (e,)
    if measure is not None:
        displacement = torch.stack(columns, dim=1)  # (e, g)
    energy = total(law.energy(distance).to(torch.float64) * weight)
    edge = (gradient_factor(law, distance)[:, None] * displacement).to(torch.float64) * weight[:, None]  # (e, g)
    gradient = torch.segment_reduce(edge, "sum", lengths=_tensor(counts, Z.device), axis=0)  # (r, g)
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


def _tensor(index: Array, device: torch.device) -> Tensor:
    """Copy an array to torch: a graph's arrays are read-only, which torch cannot express."""
    return torch.from_numpy(np.array(index)).to(device)
