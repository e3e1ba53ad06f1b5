"""The lift: energy and forces on points, from the law of one pair, over pair lists or over all pairs.

The force on point i is the sum over its springs (the paper's section 2.2)::

    F_i = -dE/dz_i = sum_j  -L'(D_ij) (z_i - z_j) / D_ij,        D_ij = ||z_i - z_j||_2

Distances come from explicit differences: the matrix-product form is off by a third in float32 where a map is dense.
Two coincident points have no direction to part in and, by decision, exert no force on each other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drlim._checks import check_parameters, real_in, short_repr
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.springs import Law, Springs

__all__ = ["Balance", "GraphEnergy", "all_pairs", "balanced", "graph_energy", "pair_list"]

_BLOCK_PAIRS = 2**18
"""Pairs of a dense block: 1 MiB an array in float32, so that a block's handful of arrays stays in cache."""

_FEWEST_ROWS = 32
"""Rows that a block keeps although the columns of each differ: fewer cost more in calls than they spare in pairs."""


class Balance(NamedTuple):
    """Weights of the two sums of the objective: of every similar pair, and of every dissimilar one."""

    similar: float
    dissimilar: float


class GraphEnergy(NamedTuple):
    """Energy of all springs of a graph, and its gradient.

    Attributes
    ----------
    similar : float
        Sum of L_S over the similar pairs, unweighted.
    dissimilar : float
        Sum of L_D over the dissimilar pairs, unweighted.
    gradient : Tensor, shape (r, d)
        Derivative of the weighted sum with respect to the points asked for; the force is its negative.
    """

    similar: float
    dissimilar: float
    gradient: Tensor


def balanced(graph: NeighborhoodGraph, dissimilar_weight: float = 1.0) -> Balance:
    """Return the weights that make the objective a sum of two means.

    The plain sum of equation 2 is dominated by whichever kind of pair is more numerous: at n = 6000 a dissimilar
    pair outnumbers a similar one 800 to 1. drlim therefore minimises, always::

        E(W) = mean of L_S over similar pairs + dissimilar_weight * mean of L_D over dissimilar pairs

    Both means belong to the map and the relations, not to the number of samples: where every sample stands for
    several copies that inherit its relations (a sample and its own copies being ignored), they do not change at
    all. So one weight serves all n.

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
    return Balance(
        1.0 / graph.n_similar if graph.n_similar else 0.0,
        dissimilar_weight / graph.n_dissimilar if graph.n_dissimilar else 0.0,
    )


def pair_list(Z: Tensor, pairs: NDArray[np.int64], law: Law) -> tuple[float, Tensor]:
    """Return energy and gradient of listed springs.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points.
    pairs : ndarray of int64, shape (p, 2)
        Each spring once, as a row (i, j), i != j.
    law : Law
        Of every listed pair.

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
    energy, gradient = _listed(Z.detach(), both, None, law)
    return energy, gradient.to(Z.dtype)


def all_pairs(Z: Tensor, law: Law, rows: Tensor | None = None) -> tuple[float, Tensor]:
    """Return energy and gradient of one law over all pairs of points, exactly, in bounded memory.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points.
    law : Law
        Of every pair.
    rows : Tensor of int64, shape (r,), default=None
        Points whose gradient is wanted; all when None.

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
    points = Z.detach()
    energy, gradient = _dense(points, points if rows is None else points.index_select(0, rows), law)
    return energy, gradient.to(Z.dtype)


def graph_energy(
    Z: Tensor,
    graph: NeighborhoodGraph,
    springs: Springs,
    balance: Balance = Balance(1.0, 1.0),  # noqa: B008 - a tuple of two floats, immutable
    rows: NDArray[np.int64] | None = None,
) -> GraphEnergy:
    """Return the energy of every pair of a graph, and the gradient of the weighted sum.

    Where all pairs not listed are dissimilar, they are summed over all pairs, less the listed ones.

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
            [-0.5000]]))
    """
    if Z.ndim != 2 or len(Z) != graph.n_samples:
        raise ValueError(
            f"Expected 'Z' to have one row for each of the graph's {graph.n_samples} samples. Got {short_repr(Z)}."
        )
    points = Z.detach()
    similar, attraction = _listed(points, graph.similar, rows, springs.similar)
    if graph.dissimilar is not None:
        dissimilar, repulsion = _listed(points, graph.dissimilar, rows, springs.dissimilar)
    else:
        chosen = points if rows is None else points.index_select(0, _tensor(rows, Z.device))
        dissimilar, repulsion = _dense(points, chosen, springs.dissimilar)
        for listed in (graph.similar, graph.ignored):
            if listed is not None:
                energy, gradient = _listed(points, listed, rows, springs.dissimilar)
                dissimilar, repulsion = dissimilar - energy, repulsion - gradient
    gradient = balance.similar * attraction + balance.dissimilar * repulsion
    return GraphEnergy(similar, dissimilar, gradient.to(Z.dtype))


def _dense(Z: Tensor, chosen: Tensor, law: Law) -> tuple[float, Tensor]:
    """Half the energy of the chosen points' springs to all of ``Z``, themselves among them, and the gradient.

    A law of finite reach is felt inside a strip: with the points sorted along the map's longest axis, each block of
    rows meets one run of columns, and the rest of the pairs are never formed.
    """
    order, row_order, blocks = _blocks(Z, chosen, law.reach)
    sorted_rows = chosen.index_select(0, row_order)
    others = Z.index_select(0, order).T.contiguous()  # (d, n)
    gradient = torch.empty(chosen.shape, dtype=torch.float64, device=Z.device)  # (r, d), sorted
    total = torch.zeros((), dtype=torch.float64, device=Z.device)
    for rows, columns in blocks:
        displacement = [
            sorted_rows[rows, axis, None] - others[axis, columns] for axis in range(Z.shape[1])
        ]  # d x (b, c)
        distance = _norm(displacement)  # (b, c)
        total += law.energy(distance).sum(dtype=torch.float64)
        pull = _pull(law, distance)  # (b, c)
        for axis, component in enumerate(displacement):
            gradient[rows, axis] = (pull * component).sum(1, dtype=torch.float64)
    alone = law.energy(torch.zeros(1, dtype=Z.dtype, device=Z.device)).to(torch.float64)[0]
    unsorted = torch.empty_like(gradient).index_copy_(0, row_order, gradient)
    return float(total - len(chosen) * alone) / 2, unsorted


def _blocks(Z: Tensor, chosen: Tensor, reach: float) -> tuple[Tensor, Tensor, list[tuple[slice, slice]]]:
    """Return an order of the points, one of the chosen, and blocks of rows and columns in these orders.

    Every pair within ``reach`` is in one block; a block holds about `_BLOCK_PAIRS` pairs.
    """
    worth_it = math.isfinite(reach) and len(Z) * len(chosen) > _BLOCK_PAIRS
    # Points that are not finite have no order, and their energy must come out as it is.
    if not worth_it or not bool(torch.isfinite(Z).all()):
        everything = torch.arange(len(Z), device=Z.device)
        step = max(1, _BLOCK_PAIRS // max(1, len(Z)))
        blocks = [(slice(start, start + step), slice(None)) for start in range(0, len(chosen), step)]
        return everything, torch.arange(len(chosen), device=Z.device), blocks
    axis = int((Z.amax(0) - Z.amin(0)).argmax())
    along, order = Z[:, axis].sort(stable=True)
    rows, row_order = chosen[:, axis].sort(stable=True)
    # Rounding of a difference must not push a pair out of reach: a little more costs nothing.
    margin = reach * (1 + 1e-5) + 4 * torch.finfo(Z.dtype).eps * float(along.abs().amax())
    first = torch.searchsorted(along, rows - margin).tolist()
    last = torch.searchsorted(along, rows + margin, right=True).tolist()
    blocks, start = [], 0
    while start < len(rows):
        own = last[start] - first[start]
        stop = min(len(rows), start + max(1, _BLOCK_PAIRS // max(1, own)))
        while stop - start > _FEWEST_ROWS and last[stop - 1] - first[start] > 1.5 * own:
            stop = start + (stop - start) // 2
        while stop - start > 1 and (stop - start) * (last[stop - 1] - first[start]) > 2 * _BLOCK_PAIRS:
            stop = start + (stop - start) // 2
        blocks.append((slice(start, stop), slice(first[start], last[stop - 1])))
        start = stop
    return order, row_order, blocks


def _listed(Z: Tensor, pairs: PairSet, rows: NDArray[np.int64] | None, law: Law) -> tuple[float, Tensor]:
    """Half the energy of the rows' listed springs, and the gradient on the rows.

    Every pair stands in both its rows, so each point gathers its own sum: no scatter, whose order of additions
    would differ between runs.
    """
    lengths, second = _neighbors_of(pairs, rows)
    count = len(lengths)
    first = np.repeat(np.arange(count) if rows is None else rows, lengths)
    i, j = _tensor(first, Z.device), _tensor(second, Z.device)
    displacement = Z.index_select(0, i) - Z.index_select(0, j)  # (e, d)
    distance = _norm(list(displacement.unbind(1)))  # (e,)
    energy = law.energy(distance).sum(dtype=torch.float64)
    edge = (_pull(law, distance)[:, None] * displacement).to(torch.float64)  # (e, d)
    gradient = torch.segment_reduce(edge, "sum", lengths=_tensor(lengths, Z.device), axis=0)
    return float(energy) / 2, gradient  # (r, d)


def _neighbors_of(pairs: PairSet, rows: NDArray[np.int64] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many partners each row has, and all of them, row after row."""
    if rows is None:
        return pairs.degrees, pairs.indices
    lengths = pairs.indptr[rows + 1] - pairs.indptr[rows]
    offset = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return lengths, pairs.indices[np.repeat(pairs.indptr[rows], lengths) + offset]


def _tensor(index: NDArray[np.int64], device: torch.device) -> Tensor:
    """Copy an index to torch: a graph's arrays are read-only, which torch cannot express."""
    return torch.from_numpy(np.array(index)).to(device)


def _norm(displacement: list[Tensor]) -> Tensor:
    """Return the Euclidean norm from one tensor a coordinate."""
    squares = torch.zeros_like(displacement[0])
    for component in displacement:
        squares = squares.addcmul_(component, component)
    return squares.sqrt_()


def _pull(law: Law, distance: Tensor) -> Tensor:
    """Return L'(D) / D, the factor of the displacement in the gradient; 0 at D = 0."""
    return torch.where(distance > 0, -law.force(distance) / distance, 0.0)
