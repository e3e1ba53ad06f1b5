"""Principal components of many rows: fewer columns in which to look for neighbours, and the same for new rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array, Floats, frozen
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows

__all__ = ["Components", "principal_components"]

Singles = NDArray[np.float32]

_FITTED = 50_000
"""Maximum number of rows that the axes are computed from, a random sample of more. The 50 axes of 50,000 digits span
those of 60,000 to the third decimal."""

_BLOCK_VALUES = 2**22
"""Number of values of a block of rows, 16 MiB in float32."""

_MOST_COLUMNS = 1500
"""Maximum number of columns for which the covariance matrix is formed. It takes n p^2 multiplications, and random
projections about 12 n p k; the two are equal at p = 12 k, and the matrix is the exact way."""

_OVERSAMPLED = 10
"""Number of directions beyond those wanted in which random projections look for the axes."""

_ROUNDS = 3
"""Number of multiplications by the covariance. Each divides what is left of weaker axes by the ratio of variances."""


@dataclass(frozen=True, eq=False)
class Components:
    """Mean and orthonormal axes of rows, by which new rows are projected, too.

    Attributes
    ----------
    mean : ndarray of float64, shape (p,)
        Mean of the rows, in the units of the data.
    axes : ndarray of float32, shape (p, k)
        Orthonormal columns, in order of descending variance. The largest coordinate of each is positive.
    variances : ndarray of float64, shape (k,)
        Variance of the rows along each axis, in squared units of the data.
    """

    mean: Floats
    axes: Singles
    variances: Floats

    def project(self, X: AnyRows) -> Singles:
        """Return the coordinates of rows along the axes.

        Parameters
        ----------
        X : ndarray of shape (n, p) or (n, ...) with p values a row, or SparseRows
            Rows in the units of the data that the axes were computed from. They are read in blocks.

        Returns
        -------
        ndarray of float32, shape (n, k)
            The mean of the data has coordinates 0. The result for a row does not depend on the other rows beyond
            float32 rounding.

        Raises
        ------
        ValueError
            When a row has another number of values than p.
        """
        if X.ndim < 2 or int(np.prod(X.shape[1:])) != len(self.mean):
            raise ValueError(f"Expected 'X' to have {len(self.mean)} values a row. Got shape {X.shape}.")
        if isinstance(X, SparseRows):
            return np.asarray(X.matrix @ self.axes - self.mean @ self.axes, dtype=np.float32)  # (n, k)
        coordinates = np.empty((len(X), self.axes.shape[1]), dtype=np.float32)  # (n, k)
        for rows in _blocks(len(X), len(self.mean)):
            coordinates[rows] = _centred(X[rows], self.mean) @ self.axes  # (b, p) @ (p, k)
        return coordinates


def principal_components(X: AnyRows, n_components: int = 50, *, seed: int = 0) -> Components:
    """Return the directions of largest variance of rows.

    Parameters
    ----------
    X : ndarray of shape (n, p) or (n, ...) with p values a row, or SparseRows
        Finite rows, n at least 1. A memory map is read in blocks of 16 MiB; sparse rows stay sparse, or are dense in
        such blocks where a row has up to 1500 values.
    n_components : int, default=50
        Number of axes wanted, at least 1. There are no more than min(n, p).
    seed : int, default=0
        Draws the rows that the axes are computed from where there are more than 50,000, and the first directions of
        random projections where a row has more than 1500 values. The same seed gives the same bytes.

    Returns
    -------
    Components

    Examples
    --------
    Rows along the diagonal of a plane, 2 apart in each coordinate:

    >>> import numpy as np
    >>> rows = np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])
    >>> found = principal_components(rows, 1)
    >>> np.allclose(found.axes.ravel(), 0.5**0.5), found.variances.round(4).tolist()
    (True, [5.3333])
    >>> np.allclose(found.project(rows).ravel(), [-(8**0.5), 0.0, 8**0.5])
    True
    """
    rng = np.random.default_rng([seed, len(X)])
    width = int(np.prod(X.shape[1:]))
    chosen = np.arange(len(X))
    if len(X) > _FITTED:
        chosen = np.sort(rng.choice(len(X), _FITTED, replace=False))  # ascending, as a disk reads them
    mean = _mean(X, chosen, width)
    n_components = min(n_components, len(X), width)
    if width <= _MOST_COLUMNS:
        variances, axes = np.linalg.eigh(_covariance(X, chosen, mean))  # (p,), (p, p) ascending
    else:
        variances, axes = _by_projections(X, chosen, mean, n_components, rng)
    order = np.argsort(-variances, kind="stable")[:n_components]
    axes = axes[:, order]  # (p, k)
    largest = np.abs(axes).argmax(axis=0)  # (k,)
    axes = axes * np.where(axes[largest, np.arange(len(order))] < 0, -1.0, 1.0)
    return Components(frozen(mean), frozen(axes.astype(np.float32)), frozen(np.maximum(variances[order], 0.0)))


def _blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Yield ranges of rows of ``width`` values, as many at a time as one block has."""
    step = max(1, _BLOCK_VALUES // max(1, width))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def _centred(rows: Array, mean: Floats) -> Singles:
    """Return a block less the mean, flat; of float64 values float32 holds the difference, so no offset costs digits."""
    flat = np.asarray(rows).reshape(len(rows), -1)  # (b, p)
    dtype = np.result_type(flat.dtype, np.float32)
    return np.asarray(flat.astype(dtype, copy=False) - mean.astype(dtype), dtype=np.float32)


def _mean(X: AnyRows, chosen: NDArray[np.int64], width: int) -> Floats:
    """Return the mean of the chosen rows, summed in float64."""
    if isinstance(X, SparseRows):
        return np.asarray(X.part(chosen).matrix.astype(np.float64).mean(axis=0)).ravel()  # (p,)
    total = np.zeros(width)
    for part in _blocks(len(chosen), width):
        block = np.asarray(X[chosen[part]]).reshape(-1, width)  # (b, p)
        total += block.sum(axis=0, dtype=np.float64)
    return total / len(chosen)


def _covariance(X: AnyRows, chosen: NDArray[np.int64], mean: Floats) -> Floats:
    """Return the covariance matrix of the chosen rows, (p, p): float32 within a block, float64 over the blocks."""
    total = np.zeros((len(mean), len(mean)))
    for part in _blocks(len(chosen), len(mean)):
        block = _centred(X[chosen[part]], mean)  # (b, p)
        total += block.T @ block
    return total / len(chosen)


def _by_projections(
    X: AnyRows, chosen: NDArray[np.int64], mean: Floats, n_components: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return variances and axes by subspace iteration (Halko, Martinsson and Tropp, SIAM Review 2011)."""
    k = min(n_components + _OVERSAMPLED, len(mean))
    times: Callable[[Floats], tuple[Floats, Floats]]
    if isinstance(X, SparseRows):
        times = _times_covariance_stored(X.part(chosen), mean)
    else:
        times = partial(_times_covariance, X, chosen, mean)
    axes = np.linalg.qr(rng.normal(size=(len(mean), k)))[0]  # (p, k)
    for _ in range(_ROUNDS):
        axes = np.linalg.qr(times(axes)[0])[0]
    _, small = times(axes)  # (k, k)
    variances, turned = np.linalg.eigh(small)
    return variances, axes @ turned


def _times_covariance(
    X: Array | StoredRows, chosen: NDArray[np.int64], mean: Floats, axes: Floats
) -> tuple[Floats, Floats]:
    """Return the covariance times the axes, (p, k), and the covariance along the axes, (k, k)."""
    product, small = np.zeros(axes.shape), np.zeros((axes.shape[1], axes.shape[1]))
    single = axes.astype(np.float32)
    for part in _blocks(len(chosen), len(mean)):
        block = _centred(X[chosen[part]], mean)  # (b, p)
        along = block @ single  # (b, k)
        product += block.T @ along
        small += along.T @ along
    return product / len(chosen), small / len(chosen)


def _times_covariance_stored(X: SparseRows, mean: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return the function of the axes that does the same for sparse rows, by products in float32.

    SciPy multiplies by a transposed matrix in three times the time, so it is stored both ways.
    """
    rows = X.matrix.astype(np.float32, copy=False)  # (n, p)
    columns = rows.T.tocsr()  # (p, n)

    def times(axes: Floats) -> tuple[Floats, Floats]:
        along = rows @ axes.astype(np.float32) - (mean @ axes).astype(np.float32)  # (n, k)
        product = columns @ along - np.outer(mean, along.sum(axis=0, dtype=np.float64))  # (p, k)
        return product / len(X), along.T.astype(np.float64) @ along / len(X)

    return times
