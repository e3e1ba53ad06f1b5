"""Distances that the user gives, dense or sparse: the nearest of each row, and all within a radius."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index, ragged_ranges
from drlim._base.checks import check_points, refuse_masked, short_repr
from drlim.neighbors.blockwise import nearest_by_blocks, pairs_by_blocks
from drlim.neighbors.copies import Copies, Found
from drlim.neighbors.distinct import distinct_by_blocks
from drlim.neighbors.exact import ranked

__all__ = ["check_distances", "distinct_given", "nearest_given", "pairs_within_given", "stored_pairs"]

Distances = Array | sparse.csr_array
"""A square matrix in which row i has the distances of sample i; a sparse one stores only those that are known."""


def check_distances(given: ArrayLike | sparse.sparray | sparse.spmatrix, name: str) -> Distances:
    """Return a square matrix of distances as a dense or a CSR array of float64, or refuse it.

    The entries that a sparse matrix stores are distances, zeros among them; the others are unknown.
    """
    refuse_masked(given, name, "store the known distances only, in a sparse matrix")
    if isinstance(given, sparse.sparray | sparse.spmatrix):
        return _stored_distances(given, name)
    matrix = check_points(given, name=name, dtype=np.float64)
    _check_entries(matrix, matrix.shape, name)
    return matrix


def _stored_distances(given: Any, name: str) -> sparse.csr_array:  # scipy's stubs have no dtype
    """Return a sparse matrix as a CSR array of float64 in which each entry is stored once, or refuse it."""
    if given.dtype.kind not in "biuf":
        raise ValueError(f"Expected '{name}' to hold finite distances. Got {short_repr(given)}.")
    matrix = sparse.csr_array(given.astype(np.float64))  # first, since repeated entries are added up in their type
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()  # stored zeros stay
    _check_entries(matrix.data, matrix.shape, name)
    return matrix


def _check_entries(values: Array, shape: tuple[int, ...], name: str) -> None:
    """Refuse a matrix by its shape, and distances that are negative or not finite."""
    if shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(
            f"Expected '{name}' to be a square matrix of distances (n_samples, n_samples). Got shape {shape}."
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"Expected '{name}' to hold finite distances of at least 0. Got others.")


def nearest_given(matrix: Distances, n_neighbors: int) -> tuple[Index, Floats]:
    """Return each row's nearest others by (distance, index), and their distances; shape (n, n_neighbors) each."""
    if isinstance(matrix, np.ndarray):
        return nearest_by_blocks(lambda rows: matrix[rows], len(matrix), n_neighbors)[:2]
    n_samples = matrix.shape[0]
    rows, columns, distances = _stored(matrix)
    counts = np.bincount(rows, minlength=n_samples)  # (n,)
    if counts.min() < n_neighbors:
        row = int(counts.argmin())
        raise ValueError(
            f"Expected 'X' to store at least {n_neighbors} distances to others in each row, n_neighbors. Got "
            f"{counts[row]} in row {row}: lower n_neighbors, or take whatever is stored by neighbors_graph(X)."
        )
    chosen = ranked(rows, columns, distances, n_samples, n_neighbors)  # (n, k)
    return columns[chosen], distances[chosen]


def distinct_given(matrix: Distances, n_neighbors: int) -> Found:
    """Return each row's nearest others among distinct samples; those at distance 0 are copies."""
    if isinstance(matrix, np.ndarray):
        return distinct_by_blocks(lambda rows: matrix[rows], len(matrix), n_neighbors)
    indices, lengths = nearest_given(matrix, n_neighbors)  # (n, k) each; refuses rows that store too few
    rows, columns, distances = _stored(matrix)
    links = np.arange(matrix.shape[0])
    is_twin = distances == 0
    np.minimum.at(links, rows[is_twin], columns[is_twin])
    copies = Copies.from_links(links)
    if copies is None:
        return Found(indices, lengths, None)
    first, second = copies.group[rows], copies.group[columns]  # (p,), (p,)
    indices, lengths = _nearest_listed(len(copies.first), first, second, distances, n_neighbors)
    return Found(copies.spread(indices), lengths[copies.group], copies)


def _nearest_listed(m: int, first: Index, second: Index, distances: Floats, k: int) -> tuple[Index, Floats]:
    """Return the nearest others of each of m samples that are among listed pairs, (m, k); -1 where there are fewer."""
    order = np.lexsort((distances, second, first))
    order = order[first[order] != second[order]]
    a, b = first[order], second[order]  # (q,), (q,)
    new = np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))[: len(a)]  # (q,) the shortest of each pair
    order = order[new]
    order = order[np.lexsort((second[order], distances[order], first[order]))]
    counts = np.bincount(first[order], minlength=m)
    rank = ragged_ranges(np.zeros_like(counts), counts)
    kept, rank = order[rank < k], rank[rank < k]
    indices, lengths = np.full((m, k), -1), np.full((m, k), np.inf)
    indices[first[kept], rank], lengths[first[kept], rank] = second[kept], distances[kept]
    return indices, lengths


def pairs_within_given(matrix: Distances, radius: float) -> Index:
    """Return the pairs of which either entry is at most ``radius``, shape (p, 2), in one direction or in both."""
    if not isinstance(matrix, np.ndarray):
        rows, columns, distances = _stored(matrix)
        return np.column_stack([rows, columns])[distances <= radius]  # (p, 2)
    return pairs_by_blocks(lambda rows: matrix[rows], len(matrix), radius)


def stored_pairs(matrix: object) -> tuple[int, Index]:
    """Return the number of samples, and the pairs for which a sparse matrix stores a distance, shape (p, 2)."""
    checked = _stored_distances(matrix, "neighbors")
    rows, columns, _ = _stored(checked)
    return checked.shape[0], np.column_stack([rows, columns])  # (p, 2)


def _stored(matrix: sparse.csr_array) -> tuple[Index, Index, Floats]:
    """Return the rows, ascending, the columns and the values of all entries stored off the diagonal, (p,) each."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))  # (p,)
    off = rows != matrix.indices
    return rows[off], matrix.indices[off].astype(np.int64), matrix.data[off]
