"""What can be read from a map of training samples: the nearest of them, and numbers that they have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree
from sklearn.utils.validation import check_is_fitted

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import check_points, check_same_length
from drlim.estimators.parameters import check_n_neighbors

__all__ = ["Decoded", "ReadingMixin"]


class Decoded(NamedTuple):
    """Numbers read from a map.

    Attributes
    ----------
    values : ndarray of float64, shape (n_samples,) or (n_samples, n_targets)
        What was read for each sample.
    error : ndarray of float64, same shape
        Usual size of the error there: the root mean square of the errors that are made for the same neighbours, each
        read from its own neighbours, itself left out.
    r2 : float or ndarray of float64, shape (n_targets,)
        Share of the variance of the training samples' numbers that is read from their positions, each left out in turn;
        1 is all of it, and about 0 none. NaN for numbers that are all equal.
    """

    values: Floats
    error: Floats
    r2: float | Floats


class ReadingMixin:
    """What estimators with a map of the training samples share: `kneighbors` and `decode`."""

    embedding_: Array

    def transform(self, X: ArrayLike) -> Array:
        """Map samples."""
        raise NotImplementedError

    def kneighbors(self, X: ArrayLike, n_neighbors: int = 5) -> tuple[Floats, Index]:
        """Return the training samples nearest to samples on the map.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.
        n_neighbors : int, default=5
            In [1, number of training samples].

        Returns
        -------
        distances : ndarray of float64, shape (n_samples, n_neighbors)
            On the map, nearest first.
        indices : ndarray of int64, shape (n_samples, n_neighbors)
            Rows of the training samples. A training sample is its own nearest.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, ``X`` is not like the training samples, or ``n_neighbors`` is out of range.

        Examples
        --------
        >>> from drlim import DrLIM, datasets
        >>> X = datasets.digits().X_train[:100]
        >>> model = DrLIM(encoder="linear", max_epochs=2, random_state=0).fit(X)
        >>> distances, indices = model.kneighbors(X[:4], n_neighbors=3)
        >>> distances.shape, indices[:, 0].tolist()
        ((4, 3), [0, 1, 2, 3])
        """
        Z = self.transform(X)
        check_n_neighbors(n_neighbors, len(self.embedding_) + 1, f"{type(self).__name__}.kneighbors")
        return self._nearest(Z, n_neighbors)

    def decode(self, X: ArrayLike, y: ArrayLike, n_neighbors: int = 15) -> Decoded:
        """Read numbers from the map: the means over the nearest training samples, with their error.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.
        y : array-like, shape (n_training_samples,) or (n_training_samples, n_targets)
            Numbers of the training samples, in their order, such as positions of an animal. Of an angle give the cosine
            and the sine.
        n_neighbors : int, default=15
            Number of neighbours, in [1, number of training samples - 1]. More average out noise, fewer follow finer
            structure.

        Returns
        -------
        Decoded
            ``values``, their ``error``, and ``r2`` over the training samples.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, ``X`` is not like the training samples, ``y`` is not of them or not finite, or
            ``n_neighbors`` is out of range.

        See Also
        --------
        drlim.metrics.position_r2 : The share of variance that a map of test samples explains.

        Examples
        --------
        >>> from drlim import DrLIM, datasets
        >>> X = datasets.digits().X_train[:300]
        >>> model = DrLIM(encoder="linear", max_epochs=5, random_state=0).fit(X[:200])
        >>> ink = X[:200].mean(axis=(1, 2))
        >>> read = model.decode(X[200:], ink)
        >>> read.values.shape, read.error.shape, -1 < read.r2 < 1
        ((100,), (100,), True)
        """
        check_is_fitted(self)
        targets = _checked_targets(y, len(self.embedding_))
        check_n_neighbors(n_neighbors, len(targets), f"{type(self).__name__}.decode")
        _, nearest = self._nearest(self.transform(X), n_neighbors)  # (n, k)
        _, others = self._nearest(self.embedding_, n_neighbors + 1)  # (m, k + 1), itself among them
        errors = targets - _means_of_others(targets, others)
        squares = (targets - targets.mean(axis=0)) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(squares.sum(axis=0) > 0, 1 - (errors**2).sum(axis=0) / squares.sum(axis=0), np.nan)
        values: Floats = targets[nearest].mean(axis=1)  # (n, q)
        error: Floats = np.sqrt((errors[nearest] ** 2).mean(axis=1))  # (n, q)
        if np.ndim(y) == 1:
            return Decoded(values[:, 0], error[:, 0], float(r2[0]))
        return Decoded(values, error, r2)

    def _nearest(self, Z: Array, n_neighbors: int) -> tuple[Floats, Index]:
        """Return the distances and rows of the training samples nearest to points of the map, (n, k) each."""
        distances, indices = cKDTree(self.embedding_).query(Z, k=np.arange(1, n_neighbors + 1))
        return np.asarray(distances, dtype=np.float64), np.asarray(indices, dtype=np.int64)


def _means_of_others(targets: Floats, nearest: Index) -> Floats:
    """Return the mean target (m, q) of the neighbours of each sample, of which it is one itself or may be a copy."""
    itself = nearest == np.arange(len(nearest))[:, None]  # (m, k + 1)
    itself[~itself.any(axis=1), -1] = True  # of more copies than neighbours it may be none: leave the farthest out
    others = nearest[~itself].reshape(len(nearest), -1)  # (m, k)
    means: Floats = targets[others].mean(axis=1)
    return means


def _checked_targets(y: ArrayLike, n_samples: int) -> Floats:
    """Return finite numbers of the training samples, shape (m, q)."""
    columns = np.asarray(y)[:, None] if np.ndim(y) == 1 else y
    targets = check_points(columns, name="y", dtype=np.float64).astype(np.float64, copy=False)
    check_same_length(len(targets), "y", n_samples, "the training samples")
    return targets
