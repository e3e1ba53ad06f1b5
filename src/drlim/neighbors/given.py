"""Neighbours that something else has found: tables of indices, and scikit-learn's neighbour transformers."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from drlim._base.arrays import Array, Index
from drlim._base.calls import user_call
from drlim._base.checks import check_same_length, count_rows, refuse_masked, short_repr
from drlim._base.messages import one_line
from drlim.graph import NeighborhoodGraph
from drlim.neighbors.points import Samples
from drlim.neighbors.precomputed import stored_pairs

__all__ = ["found_by", "index_pairs", "neighbors_graph"]

_LONGEST_CAUSE = 300
"""Maximum number of characters of a transformer's error that a message repeats."""


def neighbors_graph(neighbors: object, X: Samples | None = None) -> NeighborhoodGraph:
    """Declare samples similar that another library has found to be neighbours.

    Parameters
    ----------
    neighbors : array-like of int, sparse matrix, transformer or callable
        - an array of shape (n_samples, k): row i has the indices of the neighbours of sample i. The index i itself is
          dropped, -1 stands for no neighbour, and repetitions count once;
        - a square sparse matrix, such as scikit-learn's ``kneighbors_graph`` returns: each entry that it stores off
          the diagonal is a neighbour, zeros among them, which are distances of identical samples. To use only the
          nearest of them, see `knn_graph` with ``metric="precomputed"``;
        - one of scikit-learn's ``KNeighborsTransformer``, ``RadiusNeighborsTransformer`` and ``NearestNeighbors``,
          or any object whose ``fit_transform`` returns such a sparse matrix. A copy of it is fitted on ``X``; without
          ``X`` the object must be fitted, and its training samples are used;
        - a function that takes ``X`` and returns one of these, or a `NeighborhoodGraph`.
    X : array-like or sparse matrix, shape (n_samples, ...), default=None
        Samples for a transformer or a function. For a transformer images are flattened.

    Returns
    -------
    NeighborhoodGraph
        A pair is similar if at least one of its samples has the other as a neighbour; all other pairs are dissimilar.

    Raises
    ------
    ValueError, TypeError
        When an index is not a whole number in [-1, n_samples), a matrix is not square or holds values that are
        negative or not finite, ``X`` is missing, or ``neighbors`` and ``X`` differ in the number of samples.

    Examples
    --------
    >>> neighbors_graph([[0, 2], [1, -1], [2, 0]]).similar.pairs().tolist()
    [[0, 2]]
    >>> from sklearn.neighbors import KNeighborsTransformer
    >>> neighbors_graph(KNeighborsTransformer(n_neighbors=1), [[0.0], [1.0], [10.0], [11.0]]).similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    if isinstance(neighbors, type):
        raise TypeError(f"Expected 'neighbors' to be an instance. Got the class {neighbors.__name__}: call it.")
    n_rows = 0 if X is None else count_rows(X, "X")
    finds = hasattr(neighbors, "fit") or callable(neighbors)
    found = found_by(neighbors, X) if finds else neighbors
    if isinstance(found, NeighborhoodGraph):
        graph = found
    else:
        graph = NeighborhoodGraph.from_pairs(*(stored_pairs if sparse.issparse(found) else index_pairs)(found))
    if X is not None:
        check_same_length(graph.n_samples, "neighbors", n_rows, "X")
    return graph


def index_pairs(given: object) -> tuple[int, Index]:
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
    rows, place = np.nonzero((table >= 0) & (table != np.arange(n_samples)[:, None]))  # (p,), (p,)
    return n_samples, np.column_stack([rows, table[rows, place].astype(np.int64)])  # (p, 2)


def _index_table(given: object) -> Array:
    """Return a table of whole numbers, shape (n, k), or refuse it."""
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


def found_by(transformer: object, X: Samples | None) -> object:
    """Return the neighbours that a transformer, or a function of X, finds."""
    if callable(transformer) and not hasattr(transformer, "fit"):
        with user_call(f"The function given as 'neighbors', {short_repr(transformer)},"):
            return transformer(X)
    if X is not None:
        return _fitted_on(transformer, X)
    for name in ("kneighbors_graph", "radius_neighbors_graph"):
        if hasattr(transformer, name):
            try:
                return getattr(transformer, name)()  # without X: neighbours of the training samples, other than itself
            except NotFittedError:
                raise ValueError(
                    f"Expected 'X', since {short_repr(transformer)} is not fitted: neighbors_graph(transformer, X)."
                ) from None
            except Exception as error:
                raise _failed(transformer, error, "") from error
    raise ValueError(f"Expected 'X' for {short_repr(transformer)}, which keeps no neighbours of what it was fitted on.")


def _fitted_on(transformer: object, X: Samples) -> object:
    """Return the neighbours that a copy of a transformer finds in ``X``; its errors name the transformer."""
    flat = X.reshape(len(X), -1) if isinstance(X, np.ndarray) and X.ndim > 2 else X  # (n, d)
    try:
        fresh = clone(transformer, safe=False)
        return fresh.fit_transform(flat) if hasattr(fresh, "fit_transform") else fresh.fit(flat).kneighbors_graph()
    except Exception as error:  # whatever a transformer of the user's raises
        wanted = getattr(transformer, "n_neighbors", None)
        n_samples = count_rows(X, "X")
        too_many = isinstance(wanted, int) and wanted >= n_samples
        hint = f" Lower its n_neighbors={wanted}: each of {n_samples} samples has {n_samples - 1} others."
        raise _failed(transformer, error, hint if too_many else "") from error


def _failed(transformer: object, error: Exception, hint: str) -> ValueError:
    """Return the error of a transformer as one that names it and its parameter."""
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return ValueError(
        f"Expected {type(transformer).__name__}, given as 'neighbors', to find neighbours in 'X'. It says: "
        f"{one_line(first_line, _LONGEST_CAUSE).rstrip('.')}.{hint}"
    )
