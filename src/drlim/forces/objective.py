"""The lift: energy and forces on points, from the law of one pair, over pair lists or over all pairs.

The force on point i is the sum over its springs (the paper's section 2.2)::

    F_i = -dE/dz_i = sum_j  -L'(D_ij) (z_i - z_j) / D_ij,        D_ij = ||z_i - z_j||_2

Distances come from explicit differences: the matrix-product form is off by a third in float32 where a map is dense.
Two coincident points have no direction to part in and, by decision, exert no force on each other.
"""

from __future__ import annotations

from torch import Tensor

from drlim._base.arrays import Index
from drlim._base.checks import check_parameters, real_in
from drlim.forces.energies import Balance, GraphEnergy
from drlim.forces.sums import graph_sums, pair_sums, sums_over_all
from drlim.graph import NeighborhoodGraph
from drlim.spaces import Space
from drlim.springs import Law, Springs

__all__ = ["Balance", "GraphEnergy", "all_pairs", "balance_of", "balanced", "graph_energy", "pair_list"]


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
    energy, gradient = pair_sums(Z, pairs, law, space)
    return float(energy), gradient


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
    energy, gradient = sums_over_all(Z, law, rows, space)
    return float(energy), gradient


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
    return graph_sums(Z, graph, springs, balance, rows, space).read()
