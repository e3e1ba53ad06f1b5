"""The forces on free points: attraction of similar pairs, repulsion of all, and what is declared beyond both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from drlim._base.arrays import Array, Index
from drlim.forces import Balance, all_pairs, graph_energy
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.springs import Law, Springs
from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction

__all__ = ["FreeForces", "Gradient", "checked_pairs", "free_forces", "normalisation"]

Singles = NDArray[np.float32]
Sum = Callable[[Singles], Array]

Gradient = Callable[[Singles, float, int], Array]
"""From points (n, d), exaggeration and step to dE/dz, (n, d)."""

_GRID_FROM = 4000
"""Number of points from which repulsion in the plane is summed on a grid. The exact sum takes 3 ms there."""


@dataclass(frozen=True, eq=False)
class FreeForces:
    """The terms of the energy of `drlim.training.relax`, as symmetric matrices in float32 without zeros.

    Attributes
    ----------
    springs : Springs
    n_components : int
    annealed : int
        Number of steps over which the weight of the repulsion rises.
    similar : csr_array of float32, shape (n, n)
        Weights of the similar pairs, of sum 1 over the unordered pairs.
    declared : csr_array of float32, shape (n, n), or None
        Weights of pairs declared dissimilar, in units of the mean weight of a similar pair.
    spared : csr_array of float32, shape (n, n), or None
        1 for each ignored pair.
    """

    springs: Springs
    n_components: int
    annealed: int
    similar: sparse.csr_array
    declared: sparse.csr_array | None
    spared: sparse.csr_array | None

    def gradient(self) -> Gradient:
        """Return the function that computes the gradient."""
        n = self.similar.shape[0]
        attract = _over_listed(self.similar, self.springs.similar)
        repel = _over_all(n, self.n_components, self.springs.dissimilar)
        part = None if self.declared is None else _over_listed(self.declared, self.springs.dissimilar)
        spare = None if self.spared is None else _over_listed(self.spared, self.springs.dissimilar)

        def gradient(Z: Singles, exaggeration: float, step: int) -> Array:
            undeclared = repel(Z) if spare is None else repel(Z) - spare(Z)  # (n, d)
            listed = attract(Z) if part is None else attract(Z) + part(Z)  # (n, d)
            slope: Array = exaggeration * listed + (2 / normalisation(n, step, self.annealed)) * undeclared
            return slope

        return gradient

    def reordered(self, order: Index) -> FreeForces:
        """Return the same forces on points of which the k-th was ``order[k]``."""
        return replace(
            self,
            similar=_permuted(self.similar, order),
            declared=None if self.declared is None else _permuted(self.declared, order),
            spared=None if self.spared is None else _permuted(self.spared, order),
        )


def free_forces(
    attraction: sparse.csr_array,
    dissimilar: sparse.csr_array | None,
    ignored: sparse.csr_array | None,
    springs: Springs,
    n_components: int,
    annealed: int,
) -> FreeForces:
    """Return the forces of checked matrices; see `drlim.training.relax.relax` for what they mean."""
    total = float(attraction.sum(dtype=np.float64)) / 2 or 1.0  # over unordered pairs
    mean = 1 / max(1.0, attraction.nnz / 2)  # weight of a similar pair after division by the total
    similar = _single(attraction, attraction.data / total)
    declared = None if dissimilar is None else _single(dissimilar, dissimilar.data * mean)
    spared = None if ignored is None else _single(ignored, np.ones(ignored.nnz))
    return FreeForces(springs, n_components, annealed, similar, declared, spared)


def normalisation(n: int, step: int, annealed: int) -> float:
    """Return S_t, by which the repulsion is divided; see `drlim.training.relax`."""
    c = 0.5 * n**0.5
    begun = 1.0 if annealed == 0 else min(1.0, step / annealed)
    return float(n * max(n * (c / n) ** begun, c))


def checked_pairs(pairs: sparse.csr_array, name: str, n: int | None = None) -> sparse.csr_array:
    """Return a copy in float64, without zeros, as canonical CSR; refuse what is no symmetric matrix of weights."""
    shape = pairs.shape
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2 or shape[0] != (n or shape[0]):
        raise ValueError(f"Expected '{name}' to be a sparse matrix (n, n), n {n or 'at least 2'}. Got shape {shape}.")
    single = sparse.csr_array(sparse.csr_array(pairs).astype(np.float64))  # a copy
    single.sum_duplicates()
    single.eliminate_zeros()
    if not (np.isfinite(single.data).all() and (single.data > 0).all()):
        raise ValueError(f"Expected '{name}' to hold finite weights of at least 0.")
    probe = np.random.default_rng(0).uniform(
        1, 2, single.shape[0]
    )  # a matrix that is not symmetric shows in one product
    if not np.allclose(single @ probe, probe @ single, rtol=1e-4, atol=0):
        raise ValueError(f"Expected '{name}' to be symmetric: each pair stands in both its rows with one weight.")
    return single


def _single(pairs: sparse.csr_array, data: Array) -> sparse.csr_array:
    """Return the matrix with other values, in float32."""
    return sparse.csr_array((data.astype(np.float32), pairs.indices, pairs.indptr), shape=pairs.shape)


def _permuted(pairs: sparse.csr_array, order: Index) -> sparse.csr_array:
    """Return the matrix whose row and column k were ``order[k]``."""
    place = np.empty(len(order), dtype=pairs.indices.dtype)
    place[order] = np.arange(len(order), dtype=place.dtype)
    rows = sparse.csr_array(pairs[order])
    return sparse.csr_array((rows.data, place[rows.indices], rows.indptr), shape=pairs.shape)


def _over_listed(pairs: sparse.csr_array, law: Law) -> Sum:
    """Return the function from points to the gradient of a law over listed pairs."""
    if isinstance(law, LogAttraction | CauchyRepulsion):
        from drlim.forces.listed_cauchy import listed_gradient  # imports numba: 0.3 s

        return lambda Z: listed_gradient(Z, pairs, law)
    upper = sparse.triu(pairs, 1, format="coo")
    ends = np.column_stack([upper.row, upper.col])  # (p, 2)
    listed = PairSet.from_pairs(pairs.shape[0], ends, weights=upper.data.astype(np.float64))
    graph = NeighborhoodGraph.from_sets(pairs.shape[0], listed, rest="ignored")
    both = Springs(law, law)
    return lambda Z: graph_energy(torch.from_numpy(Z), graph, both, Balance(1.0, 0.0)).gradient.numpy()


def _over_all(n: int, n_components: int, law: Law) -> Sum:
    """Return the function from points to the gradient of a law over all pairs."""
    if not isinstance(law, CauchyRepulsion):
        return lambda Z: all_pairs(torch.from_numpy(Z), law)[1].numpy()
    if n_components == 2 and n > _GRID_FROM:
        from drlim.forces.far_field import cauchy_on_grid  # imports numba: 0.3 s

        return cauchy_on_grid
    from drlim.forces.kernel_cauchy import cauchy_over_all

    return lambda Z: cauchy_over_all(Z)[1]
