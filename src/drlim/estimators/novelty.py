"""How unlike the training samples others are, in the input and on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from drlim._base.arrays import Array, Floats
from drlim.estimators.reference import Reference, reference_of
from drlim.estimators.samples import Samples, check_samples, map_samples

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NoveltyMixin"]


class NoveltyMixin:
    """What estimators with an encoder and a map of the training samples share: `novelty`, and scikit-learn's tags."""

    encoder_: nn.Module
    embedding_: Array

    def novelty(self, X: ArrayLike) -> Floats:
        """Return how far samples lie from the training samples, in the input and on the map.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.

        Returns
        -------
        ndarray of float64, shape (n_samples, 2)
            Distance to the nearest training sample, in units of what is usual in training: the median distance of a
            training sample to the nearest other one. 1 is usual, and 3 is thrice as far. The first column is of
            Euclidean distances of the values (of directions, where ``metric`` is "cosine"), the second of distances on
            the map. A sample that is new in the input may lie amid the others on the map: the map then says nothing of
            it.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, ``X`` is not like the training samples, or the model comes from a file of an
            earlier version, which holds no training samples.

        Notes
        -----
        For this a fitted model keeps, and `drlim.save` writes, up to 500 of the training samples, drawn at random:
        up to 128 values of each as they are, and of more 128 random projections, from which distances are estimated
        with a standard error of 6 %. These are 64,000 numbers at most; the range and the mean of each column are kept,
        too.
        After ``partial_fit``, samples of the last call and its anchors are kept.

        Examples
        --------
        >>> import numpy as np
        >>> from drlim import DrLIM
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> novelty = DrLIM(max_epochs=5, random_state=0).fit(X).novelty([[0.0, 0.0, 0.0], [0.0, 0.0, 20.0]])
        >>> (novelty[:, 0] > 5).tolist()
        [False, True]
        """
        check_is_fitted(self)
        reference: Reference | None = getattr(self, "_reference", None)
        if reference is None:
            raise ValueError(
                "Expected a model that keeps some of its training samples. This one comes from a file of an earlier "
                "version of drlim: fit it again."
            )
        samples = self._checked_samples(X, reset=False, warns=False)
        on_map = _to_nearest(map_samples(self.encoder_, samples), self.embedding_)  # (n,)
        return np.column_stack([reference.distance(samples), on_map])  # (n, 2)

    def _checked_samples(self, X: ArrayLike, *, reset: bool, warns: bool = True) -> Samples:
        """Return checked samples."""
        return check_samples(self, X, reset=reset, warns=warns)

    def _remember(self, samples: Samples, *, by_direction: bool = False, goes_on: bool = False) -> None:
        """Keep what is needed of training samples; with ``goes_on``, the ranges of earlier ones, too."""
        earlier: Reference | None = getattr(self, "_reference", None) if goes_on else None
        self._reference = reference_of(samples, by_direction).joined(earlier)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedding_")

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()  # type: ignore[misc]  # of scikit-learn's classes after this one
        tags.input_tags.three_d_array = tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _to_nearest(Z: Array, embedding: Array) -> Floats:
    """Return distances to the nearest of the training samples' positions, in units of the usual distance; (n,)."""
    places = np.unique(np.asarray(embedding, dtype=np.float64), axis=0)  # (m, d)
    tree = cKDTree(places)
    between = np.asarray(tree.query(places, k=[2])[0]) if len(places) > 1 else np.ones(1)  # (m, 1)
    away: Floats = np.asarray(tree.query(np.asarray(Z, dtype=np.float64))[0])  # (n,)
    return away / float(np.median(between))
