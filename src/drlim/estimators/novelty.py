"""How unlike the training samples others are, in the input and on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from drlim._base.arrays import Array, Floats
from drlim.estimators.reference import Reference, reference_of
from drlim.estimators.samples import Samples, check_samples, map_samples
from drlim.spaces import Space

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NoveltyMixin"]


class NoveltyMixin:
    """What estimators with an encoder and a map of the training samples share: `novelty`."""

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
            training sample to the nearest other one. 0 is a training sample, about 1 is usual, and 3 is three times
            as far. The first column is of Euclidean distances of the values (of directions, where ``metric`` is
            "cosine"), the second of distances on the map. A sample that is new in the input may lie amid the others on
            the map, which then says nothing of it.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, ``X`` is not like the training samples, or the model comes from a file that keeps
            no training samples: one of an earlier version, or saved with ``novelty=False``.

        Notes
        -----
        A fitted model keeps, and `drlim.save` writes, up to 500 of the training samples, drawn at random, and nearest
        and unit are of these. A sample of up to 128 values is kept as it is, a longer one as 128 sums, from which
        distances are known to about 6 %. That is at most 256 kB, and the range of each column.

        After ``partial_fit``, the samples kept are drawn from all calls in proportion. Distances on the map are to the
        samples of the last call; with an anchor, to those of the earlier ones, too.

        Examples
        --------
        >>> import numpy as np
        >>> from drlim import DrLIM
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> novelty = DrLIM(max_epochs=5, random_state=0).fit(X).novelty([[0.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
        >>> (novelty[:, 0] > 5).tolist()
        [False, True]
        """
        check_is_fitted(self)
        reference: Reference | None = getattr(self, "_reference", None)
        if reference is None:
            raise ValueError(
                "Expected a model that keeps some of its training samples. This one comes from a file without them, of "
                "an earlier version of drlim or saved with novelty=False, so that novelty is not known: fit it again."
            )
        samples = self._checked_samples(X, reset=False)
        positions = map_samples(self.encoder_, samples)  # (n, d)
        return np.column_stack([reference.input_distance(samples), reference.map_distance(positions)])  # (n, 2)

    def _checked_samples(self, X: ArrayLike, *, reset: bool, name: str = "X") -> Samples:
        """Return checked samples."""
        return check_samples(self, X, reset=reset, name=name)

    def _remember(self, samples: Samples, *, goes_on: bool, anchored: bool) -> None:
        """Keep what is needed of the training samples, whose map is ``embedding_``; earlier ones' where it goes on.

        Where nothing is known of earlier ones, nothing is kept: they would seem new.
        """
        found: Space | None = getattr(self, "space_", None)
        space = None if found is None or found.is_flat else found
        positions = self.embedding_ if space is None else space.ambient(self.embedding_)  # (n, a)
        if goes_on:
            earlier: Reference | None = getattr(self, "_reference", None)
            self._reference = earlier and earlier.joined(samples, positions, holds=anchored)
            return
        self._reference = reference_of(samples, positions, by_direction=self._has_metric("cosine"), space=space)

    def _has_metric(self, name: str) -> bool:
        metric = getattr(self, "metric", None)
        return isinstance(metric, str) and metric == name
