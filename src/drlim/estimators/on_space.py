"""What a `DrLIM` does on a curved space: its positions are ambient inside, and angles and lengths for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, linalg, nn

from drlim._base.arrays import Array, Floats, Index
from drlim._base.notices import warn_user
from drlim.encoders.scaled import network_and_unit
from drlim.estimators.samples import Samples, check_samples, map_samples
from drlim.spaces import Line, OnSpace, Space
from drlim.spaces.nearest import nearest_on
from drlim.training.distributed import UNSHARED, Shares
from drlim.training.units import unit_of

if TYPE_CHECKING:
    from drlim.springs import Springs

__all__ = ["SpaceMixin", "check_same_space", "distances_moved", "keep_radii", "space_of_encoder", "warn_of_crowding"]


class SpaceMixin:
    """What a map on a space adds: `transform_ambient`, and neighbours by the distance of the space."""

    encoder_: nn.Module
    embedding_: Array
    space_: Space
    n_components: int

    def transform_ambient(self, X: ArrayLike) -> Array:
        """Map samples to ambient coordinates, which have no seam: a circle in two numbers, a sphere in three.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.

        Returns
        -------
        ndarray, shape (n_samples, n_ambient)
            As many columns as ``space_.n_ambient``, in the order of ``space_``, in units of length. Of a flat map it is
            what ``transform`` returns.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As ``transform`` does.

        Examples
        --------
        >>> import numpy as np
        >>> from drlim import DrLIM
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> model = DrLIM(space="circle", max_epochs=5, random_state=0).fit(X)
        >>> model.transform(X).shape, model.transform_ambient(X).shape
        ((50, 1), (50, 2))
        """
        check_is_fitted(self)
        return map_samples(self.encoder_, check_samples(self, X, reset=False))

    def _place(self, samples: Samples, shares: Shares) -> None:
        """Map the training samples, on the space that the encoder now maps to."""
        self.space_ = space_of_encoder(self.encoder_, self.n_components)
        self._n_features_out = self.space_.n_components
        self.embedding_ = self._coordinates(samples, shares)

    def _coordinates(self, samples: Samples, shares: Shares = UNSHARED) -> Array:
        """Map checked samples to angles and lengths, (n, n_components)."""
        return self.space_.coordinates(map_samples(self.encoder_, samples, shares))

    def _nearest(self, Z: Array, n_neighbors: int) -> tuple[Floats, Index]:
        """Return the distances and rows of the training samples nearest to points of the map."""
        return nearest_on(self.space_, self.embedding_, Z, n_neighbors)


def space_of_encoder(encoder: nn.Module, n_components: int) -> Space:
    """Return the space that an encoder maps to, with the radii as they are."""
    network, unit = network_and_unit(encoder)
    return network.resolved(unit) if isinstance(network, OnSpace) else Line(n_components)


def keep_radii(encoder: nn.Module) -> None:
    """Let no radius be trained any more: the map goes on, and old samples are to stay where they are."""
    network = network_and_unit(encoder)[0]
    if isinstance(network, OnSpace):
        network.keep_radii()


def distances_moved(now: Tensor, before: Tensor, space: Space | None) -> Array:
    """Return how far points have moved, (m,), given their ambient coordinates (m, a), along the space."""
    if space is None:
        moved: Array = linalg.vector_norm(now - before, dim=1).numpy()  # (m,)
        return moved
    return np.sqrt(space.squared_distances(now.numpy(), before.numpy()))


def check_same_space(wanted: Space, present: Space) -> None:
    """Refuse to go on from a map on another space; radii are those of the present one."""
    kinds = [[(factor.kind, factor.size) for factor in space.factors] for space in (wanted, present)]
    if kinds[0] != kinds[1] and wanted.is_flat and present.is_flat:
        raise ValueError(
            f"Expected n_components={present.n_components}, as the present map has. "
            f"Got {wanted.n_components}: call fit to begin another."
        )
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"Expected the space of the present map, {present}. Got {wanted}: call fit to begin another map."
        )


def warn_of_crowding(space: Space, springs: Springs) -> None:
    """Warn where the margin reaches round a circle, or over a sphere, so that no sample is out of reach of another."""
    reach = unit_of(springs)
    radii = [factor.radius for factor in space.curved if factor.radius is not None]
    small = [radius for radius in radii if reach >= np.pi * radius]
    if small and np.isfinite(springs.dissimilar.reach):
        warn_user(
            f"The margin of {reach:g} reaches farther than half round a radius of {small[0]:g}: all samples repel all "
            f"others there, from both sides, and the map says little. Make the margin a fraction of that, such as "
            f"{small[0] / 2:g}, or let the radius be learned by 'auto'."
        )
