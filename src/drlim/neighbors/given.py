"""Neighbours that somebody else has found: distances, tables of indices, scikit-learn's neighbour transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from drlim._base.arrays import check_count
from drlim._base.checks import check_points, count_rows, refuse_masked, short_repr
from drlim.neighbors.exact import ranked, row_blocks

__all__ = ["check_distances", "found_by", "index_pairs", "nearest_given", "pairs_within_given", "stored_pairs"]

Index = NDArray[np.int64]
Distances = NDArray[np.float64]

_LONGEST_CAUSE = 300
"""Characters that a message repeats of a transformer's own."""


def check_distances(given: Any, name: str) -> Any:
    """Return a square matrix of distances as a dense array or a CSR array of float64, or refuse it.

    Entries that a sparse matrix stores are distances, zeros among them; those that it does not store are unknown.
    """
    refuse_masked(given, name, "store the known distances only, in a sparse matrix")
    is_sparse: bool = sparse.issparse(given)
    matrix: Any = _as_csr(given, name) if is_sparse else check_points(given, name=name, dtype=np.float64)
    values: Distances = matrix.data if is_sparse else matrix
    if matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise ValueError(
            f"Expected '{name}' to be a square matrix of distances (n_samples, n_samples). Got shape {matrix.shape}."
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"Expected '{name}' to hold finite distances of at least 0. Got others.")
    return matrix


def _as_csr(given: Any, name: str) -> Any:
    if given.dtype.kind not in "biuf":
        raise ValueError(f"Expected '{name}' to hold finite distances. Got {short_repr(given)}.")
    matrix = sparse.csr_array(given.astype(np.float64))  # first: duplicates are added up in their own type
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()  # which keeps the zeros
    return matrix


def nearest_given(matrix: Any, n_neighbors: int) -> tuple[Index, Distances]:
    """Each row's nearest others by (distance, index), and the distances; shape (n, n_neighbors) each."""
    if not isinstance(matrix, np.ndarray):
        rows, columns, distances = _stored(matrix)
        counts = np.bincount(rows, minlength=matrix.shape[0])
        if counts.min() < n_neighbors:
            row = int(counts.argmin())
            raise ValueError(
                f"Expected 'X' to store at least {n_neighbors} distances to others in each row, n_neighbors. Got "
                f"{counts[row]} in row {row}: lower n_neighbors, or take whatever is stored by neighbors_graph(X)."
            )
        chosen = ranked(rows, columns, distances, matrix.shape[0], n_neighbors)
        return columns[chosen], distances[chosen]
    indices = np.empty((len(matrix), n_neighbors), dtype=np.int64)
    lengths = np.empty((len(matrix), n_neighbors))
    for rows in row_blocks(len(matrix), len(matrix)):
        block = matrix[rows]  # (b, n) a copy
        block[np.arange(len(rows)), rows] = np.inf
        kth = np.partition(block, n_neighbors - 1, axis=1)[:, n_neighbors - 1]  # (b,)
        near, columns = np.nonzero(block <= kth[:, None])
        chosen = ranked(near, columns, block[near, columns], len(rows), n_neighbors)
        indices[rows], lengths[rows] = columns[chosen], block[near, columns][chosen]
    return indices, lengths


def pairs_within_given(matrix: Any, radius: float) -> Index:
    """Pairs of which either entry is at most ``radius``, shape (p, 2), in either direction or both."""
    if not isinstance(matrix, np.ndarray):
        rows, columns, distances = _stored(matrix)
        return np.column_stack([rows, columns])[distances <= radius]
    listed, n_pairs = [], 0
    for rows in row_blocks(len(matrix), len(matrix)):
        near, columns = np.nonzero(matrix[rows] <= radius)
        n_pairs += len(near)
        check_count(n_pairs // 2, "Give a smaller radius.")
        listed.append(np.column_stack([rows[near], columns])[rows[near] != columns])
    return np.concatenate(listed)


def _stored(matrix: Any) -> tuple[Index, Index, Distances]:
    """Rows, ascending, columns and values of all stored entries off the diagonal."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    off = rows != matrix.indices
    return rows[off], matrix.indices[off].astype(np.int64), matrix.data[off]


def stored_pairs(matrix: Any) -> tuple[int, Index]:
    """Return the number of samples, and the pairs for which a sparse matrix stores a distance, shape (p, 2)."""
    checked = check_distances(matrix, "neighbors")
    rows, columns, _ = _stored(checked)
    return checked.shape[0], np.column_stack([rows, columns])


def index_pairs(given: Any) -> tuple[int, Index]:
    """Return the number of samples, and the pairs that a table of neighbour indices lists, shape (p, 2)."""
    table = _index_table(given)
    n_samples = len(table)
    if table.size == 0:
        return n_samples, np.empty((0, 2), dtype=np.int64)
    outside = (table < -1) | (table >= n_samples)
    if outside.any():
        row = int(np.argmax(outside.any(axis=1)))
        raise ValueError(
            f"Expected 'neighbors' to hold indices in [0, {n_samples}), one row for each of {n_samples} samples, or "
            f"-1 for none. Got {table[row][outside[row]][0]} in row {row}."
        )
    if table.shape == (n_samples, n_samples) and n_samples > 2 and (table >= 0).all() and table.max() < 2:
        raise ValueError(
            f"Expected 'neighbors' to hold indices. Got a {n_samples} x {n_samples} matrix of 0 and 1, which says "
            "who is similar: use NeighborhoodGraph.from_csr."
        )
    rows, place = np.nonzero((table >= 0) & (table != np.arange(n_samples)[:, None]))
    return n_samples, np.column_stack([rows, table[rows, place].astype(np.int64)])


def _index_table(given: Any) -> NDArray[Any]:
    """Return whole numbers of shape (n, k), or refuse them."""
    refuse_masked(given, "neighbors", "give -1 where a sample has fewer neighbours")
    try:
        table = np.asarray(given)
    except ValueError:  # rows of unequal length
        table = np.empty((), dtype=object)
    if table.ndim != 2 or len(table) == 0:
        raise ValueError(
            "Expected 'neighbors' to be an array of neighbour indices (n_samples, k), a sparse matrix of distances, or "
            f"a neighbour transformer. Got {short_repr(given)}: give -1 where a sample has fewer neighbours."
        )
    if table.dtype.kind not in "iuf" and table.size:
        raise TypeError(f"Expected 'neighbors' to hold integer sample indices. Got {short_repr(table)}.")
    whole = np.isfinite(table) & (table == np.floor(table)) if table.dtype.kind == "f" else np.ones(table.shape, bool)
    if not whole.all():
        row = int(np.argmax(~whole.all(axis=1)))
        raise ValueError(
            f"Expected 'neighbors' to hold whole, finite indices. Got {table[row][~whole[row]][0]} in row {row}: of a "
            "matrix of distances use knn_graph(X, metric='precomputed')."
        )
    return table


def found_by(transformer: Any, X: Any) -> Any:
    """Ask a neighbour transformer, or a function of X, for what it finds."""
    if not hasattr(transformer, "fit"):
        return transformer(X)
    if X is not None:
        return _fitted_on(transformer, X)
    for name in ("kneighbors_graph", "radius_neighbors_graph"):
        if hasattr(transformer, name):
            try:
                return getattr(transformer, name)()  # without X: of the samples fitted on, each without itself
            except NotFittedError:
                raise ValueError(
                    f"Expected 'X', since {short_repr(transformer)} is not fitted: neighbors_graph(transformer, X)."
                ) from None
    raise ValueError(f"Expected 'X' for {short_repr(transformer)}, which keeps no neighbours of what it was fitted on.")


def _fitted_on(transformer: Any, X: Any) -> Any:
    """Fit a copy, so that the caller's own stays as it is, and name it in its refusals: X alone may be at fault."""
    fresh = clone(transformer, safe=False)
    flat = X.reshape(len(X), -1) if isinstance(X, np.ndarray) and X.ndim > 2 else X
    try:
        return fresh.fit_transform(flat) if hasattr(fresh, "fit_transform") else fresh.fit(flat).kneighbors_graph()
    except ValueError as error:
        wanted = getattr(transformer, "n_neighbors", None)
        n_samples = count_rows(X, "X")
        too_many = isinstance(wanted, int) and wanted >= n_samples
        hint = f" Lower its n_neighbors={wanted}: each of {n_samples} samples has {n_samples - 1} others."
        first_line = (str(error).splitlines() or [""])[0][:_LONGEST_CAUSE].rstrip(".")
        raise ValueError(
            f"Expected {type(transformer).__name__} to find neighbours in 'X'. It says: {first_line}."
            f"{hint if too_many else ''}"
        ) from error
