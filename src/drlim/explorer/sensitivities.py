"""Where a map stretches, how sure it is of a sample, and which inputs move each sample, as a page holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Floats
from drlim._base.messages import one_line
from drlim.explorer.charts import space_on_page
from drlim.explorer.columns import Column, numbers

if TYPE_CHECKING:
    from torch import Tensor

    from drlim.estimators import DrLIM, NeighborMap

__all__ = ["MOST_SAMPLES", "Sensitivities", "sensitivities_of", "uncertainty_column"]

MOST_SAMPLES = 10_000
"""Maximum number of samples whose derivatives are computed: docs/exploring.md has how long that takes."""

_MOST_VALUES = 2**24
"""Maximum number of values of all samples together: 10,000 digits have 8 million, 1500 colour images of 48 x 48 10."""

_MOST_FEATURES = 12
"""Maximum number of features that are listed for a sample: those that move it most."""

_MOST_SLOPES = 1_000_000
"""Maximum number of slopes of pixels on a page, of all samples and directions: .3 to .7 MB of the file."""

_LARGEST_SIDE, _SMALLEST_SIDE = 32, 4
"""Sides of the picture of slopes, in blocks of pixels."""

_LEVELS = {"features": 127, "pixels": 15}
"""Largest whole number that a slope is stored as: a list shows its digits, a picture its shades."""

_BATCH = 256

_ROUND = [["anticlockwise", "clockwise"]]
_ON_GLOBE = [["to the east", "to the west"], ["to the north", "to the south"]]
_ON_PLANE = [["to the right", "to the left"], ["up", "down"]]
_IN_SPACE = [[f"along axis {axis}", f"against axis {axis}"] for axis in (1, 2, 3)]


@dataclass
class Sensitivities:
    """What a page holds of the derivative of a map.

    Attributes
    ----------
    columns : list of Column
        Area distortion, and of a `NeighborMap` its confidence.
    said : dict or None
        ``kind``, "features" or "pixels"; ``directions``, names of the way forth and back along each dimension;
        ``levels``; ``names`` of features that are listed and ``n_features`` in all; ``height`` and ``width`` in blocks
        of pixels. None where nothing is held.
    arrays : dict of str to ndarray
        ``slopes``, int8 (n, q, d): shares of ``slopes_largest``, float32 (n,), in ``levels`` steps. Of features also
        ``slopes_of``, uint16 (n, q), places of their names, those that move a sample most first.
    left_out : str
        A sentence on what is missing, or "".
    """

    columns: list[Column] = field(default_factory=list)
    said: dict[str, object] | None = None
    arrays: dict[str, Array] = field(default_factory=dict)
    left_out: str = ""


class _Store(Protocol):
    """Takes in derivatives, a batch at a time."""

    def add(self, part: slice, derivatives: Array) -> None: ...

    def said(self) -> dict[str, object]: ...

    def arrays(self) -> dict[str, Array]: ...


def sensitivities_of(
    estimator: DrLIM | NeighborMap, samples: ArrayLike | None, n_samples: int, names: Sequence[str] | None
) -> Sensitivities:
    """Return the sensitivities of a map at samples.

    Parameters
    ----------
    estimator : DrLIM or NeighborMap
    samples : array-like, shape (n, ...), or None
        As ``estimator.transform`` takes them; None where their values are not known.
    n_samples : int
        n, at most `MOST_SAMPLES` for which anything is computed.
    names : sequence of str or None
        Names of the values of a sample; None numbers them.
    """
    if samples is None:
        return Sensitivities()
    from drlim.metrics.differentiable import differentiable, each_derivative
    from drlim.metrics.sensitivity import volumes

    if n_samples > MOST_SAMPLES:
        return Sensitivities(left_out=f"Sensitivities are computed for up to {MOST_SAMPLES:,} samples.")
    try:
        at = differentiable(estimator, samples, "explore")
        if at.samples.size > _MOST_VALUES:
            return Sensitivities(left_out=f"Sensitivities are computed for up to {_MOST_VALUES:,} values of samples.")
        areas = np.zeros(len(at.samples))  # (n,)
        store = _store(estimator, at.samples, names)

        def keep(part: slice, positions: Tensor, derivatives: Tensor) -> None:  # noqa: ARG001 - its signature
            areas[part] = volumes(derivatives.flatten(2).double()).cpu().numpy()  # (b, d, p) -> (b,)
            if store is not None:
                store.add(part, derivatives.cpu().numpy())

        each_derivative(at, _BATCH, keep)
    except (TypeError, ValueError) as error:
        return Sensitivities(left_out=f"There are no sensitivities: {one_line(error, 300)}")
    found = Sensitivities(_area_column(areas) + _confidence_column(estimator, samples))
    if store is not None:
        found.said = {**store.said(), "directions": _directions(estimator)}
        found.arrays = store.arrays()
    return found


def _area_column(areas: Floats) -> list[Column]:
    """Return the logarithm of the area distortion beside that of the median sample; none where all is flat."""
    some = areas > 0
    if not some.any():
        return []
    found = np.full(len(areas), np.nan)
    found[some] = np.log2(areas[some] / np.median(areas[some]))
    note = "By how much a small ball of inputs grows on the map: 0 as at the median sample, 1 twice, -1 half as much."
    return [numbers("area distortion", found, note)]


def _confidence_column(estimator: DrLIM | NeighborMap, samples: ArrayLike) -> list[Column]:
    """Return how sure a `NeighborMap` is of the place of each sample; none of other maps."""
    confidence = getattr(estimator, "confidence", None)
    if confidence is None:
        return []
    note = "Share of a sample's probabilities that lies about its place: low between groups, and of unusual samples."
    return [numbers("confidence", confidence(samples), note)]


def uncertainty_column(model: object, ensemble: Sequence[object] | None, X: object) -> list[Column]:
    """Return how far the maps of an ensemble disagree about the place of each sample; none without an ensemble."""
    if ensemble is None:
        return []
    if X is None:
        raise ValueError("The 'ensemble' parameter of explore needs the samples, 'X', which each of its maps places.")
    from drlim.metrics.ensemble import uncertainty

    found = uncertainty([model, *ensemble], X).spread  # type: ignore[arg-type]  # what a map takes
    note = f"Spread of the sample's places on {len(ensemble) + 1} maps laid over this one, in units of this map."
    return [numbers("uncertainty", found, note)]


def _directions(estimator: DrLIM | NeighborMap) -> list[list[str]]:
    """Return names of the ways along each dimension of a map, and of the ways back."""
    said = space_on_page(estimator)
    if said is not None and said["chart"] != "unrolled":
        return _ROUND if said["chart"] == "ring" else _ON_GLOBE
    d = estimator.embedding_.shape[1]
    return _IN_SPACE if d == len(_IN_SPACE) else _ON_PLANE[:d]


def _store(estimator: DrLIM | NeighborMap, samples: Array, names: Sequence[str] | None) -> _Store | None:
    """Return what takes in the derivatives; None for samples that are neither rows nor images."""
    d = estimator.embedding_.shape[1]
    if samples.ndim == 2:
        numbered = [f"x{place}" for place in range(samples.shape[1])]
        return _Features(samples, d, numbered if names is None or len(names) != len(numbered) else list(names))
    if samples.ndim not in (3, 4):
        return None
    height, width = samples.shape[-2:]
    step = max(1, -(-max(height, width) // _LARGEST_SIDE))
    while len(samples) * d * (height // step) * (width // step) > _MOST_SLOPES:
        step += 1
    if min(height, width) // step < min(_SMALLEST_SIDE, height, width):
        return None
    return _Pixels(len(samples), d, (height, width), step)


class _Features:
    """The features that move each sample most, in units of the deviation of each among the samples."""

    def __init__(self, samples: Array, d: int, names: list[str]) -> None:
        n, p = samples.shape
        self._deviations = samples.std(axis=0, dtype=np.float64)  # (p,)
        self._count = min(p, _MOST_FEATURES)
        self._names = names
        self._numbers = np.zeros((n, self._count), dtype=np.int64)
        self._slopes, self._largest = np.zeros((n, self._count, d), np.int8), np.zeros(n, np.float32)

    def add(self, part: slice, derivatives: Array) -> None:
        slopes = derivatives * self._deviations  # (b, d, p)
        order = np.argsort(-np.linalg.norm(slopes, axis=1), axis=1, kind="stable")[:, : self._count]  # (b, q)
        chosen = np.take_along_axis(slopes.transpose(0, 2, 1), order[:, :, None], axis=1)  # (b, q, d)
        self._numbers[part] = order
        self._slopes[part], self._largest[part] = _in_levels(chosen, _LEVELS["features"])

    def said(self) -> dict[str, object]:
        names = [self._names[number] for number in np.unique(self._numbers).tolist()]
        counts = {"levels": _LEVELS["features"], "n_features": len(self._names)}
        return {"kind": "features", "names": names, **counts}

    def arrays(self) -> dict[str, Array]:
        # At most 2^14 features are listed: of n samples min(p, 12 n) at most, and n p is at most 2^24.
        listed = np.unique(self._numbers, return_inverse=True)[1].reshape(self._numbers.shape)  # (n, q)
        return {"slopes": self._slopes, "slopes_largest": self._largest, "slopes_of": listed.astype(np.uint16)}


class _Pixels:
    """How far each block of pixels moves a sample, when all of its pixels and channels become one unit brighter."""

    def __init__(self, n: int, d: int, sides: tuple[int, int], step: int) -> None:
        self._step = step
        self._height, self._width = (side // step for side in sides)
        self._slopes = np.zeros((n, self._height * self._width, d), np.int8)
        self._largest = np.zeros(n, np.float32)

    def add(self, part: slice, derivatives: Array) -> None:
        b, d = derivatives.shape[:2]
        height, width, step = self._height, self._width, self._step
        greys = derivatives.reshape(b, d, -1, *derivatives.shape[-2:]).sum(axis=2)  # (b, d, h, w)
        cut = greys[:, :, : height * step, : width * step].reshape(b, d, height, step, width, step)
        blocks = cut.sum(axis=(3, 5)).reshape(b, d, -1).transpose(0, 2, 1)  # (b, q, d)
        self._slopes[part], self._largest[part] = _in_levels(blocks, _LEVELS["pixels"])

    def said(self) -> dict[str, object]:
        return {"kind": "pixels", "height": self._height, "width": self._width, "levels": _LEVELS["pixels"]}

    def arrays(self) -> dict[str, Array]:
        return {"slopes": self._slopes, "slopes_largest": self._largest}


def _in_levels(slopes: Array, levels: int) -> tuple[Array, Array]:
    """Return slopes (b, q, d) as whole numbers up to ``levels``, and the largest of each sample (b,)."""
    largest = np.abs(slopes).max(axis=(1, 2))  # (b,)
    shares = slopes / np.where(largest > 0, largest, 1.0)[:, None, None]  # (b, q, d)
    return np.rint(levels * shares).astype(np.int8), largest.astype(np.float32)
