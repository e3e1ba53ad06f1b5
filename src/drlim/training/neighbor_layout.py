"""The two trainings of `NeighborMap`: relax free points, then teach an encoder the places where they came to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import nn

from drlim._base.arrays import Array, Index
from drlim._base.torch import Rows, seeded
from drlim.encoders.embedding import embed_rows
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.place_encoder import PlaceEncoder, Source, directions
from drlim.encoders.places import Places, PlacesHead, find_places, make_targets, number_of_places
from drlim.encoders.retrieval import Components, Retrieval
from drlim.encoders.standardize import UnitLength
from drlim.neighbors.coordinates import Measured
from drlim.neighbors.measured import nearest_rows
from drlim.neighbors.reduce import principal_components
from drlim.relations.listed import ListedSprings
from drlim.springs import Springs
from drlim.training.checkpoints import Keeper
from drlim.training.divergence import DivergenceError
from drlim.training.placing import Orbit, PlacingSettings, place
from drlim.training.problem import EpochRecord
from drlim.training.relax import Schedule, relax
from drlim.training.units import in_units, unit_of
from drlim.training.watching import CallbackError, Watch
from drlim.training.wide_rows import Narrowed

__all__ = [
    "LARGEST_LAYOUT",
    "Anchored",
    "Placed",
    "PlacingProblem",
    "chosen_rows",
    "lay_out",
    "placing_settings",
    "train_places",
]

LARGEST_LAYOUT = 200_000
"""Maximum number of rows that are all relaxed. Of more, a random part is; the others are placed by the encoder, in a
quarter of the time, and better than by relaxing all for as long."""

_RELAXED_PART = 100_000
"""Number of rows that are relaxed where there are more than `LARGEST_LAYOUT`."""

_RETRIEVED = 80_000
"""Maximum number of samples of which the encoder stores features to retrieve by. The time to map the training samples
grows as the square of their number, and would exceed that of all else beyond."""

_BY_COMPONENTS, _BY_FEATURES = 0.5, 0.25
"""Shares of the probabilities from two retrievals; the network has the rest. Measured in docs/maps.md."""

_BY_FEATURES_ALONE = 0.5
"""Share of retrieval by features where there is none by components."""

_FEATURE_COMPONENTS = 50
"""Number of principal components of the network's features in which training samples are searched. The search takes
most of the time of `NeighborMap.transform`, and a fifth of it in 50 of 256 features."""

_NEAREST = 15
"""Maximum number of samples that a retrieval averages over."""

_TELLING = 0.5
"""Maximum median distance in the layout of samples nearest by their principal components, in units of that of random
pairs, for these components to retrieve by. Neighbours in them come to .01 to .03, unrelated samples to 1."""

_FEW_PLACES = 16
"""Maximum number of samples each of which is a place of its own."""

_FROM_A_MAP = Schedule(phases=((60, 1.5),), annealed=0, width=None)
"""Schedule of points that begin at the places of a map."""


_FOLLOWED = 30
"""Number of times that the displacement of anchors is averaged over the neighbours of the other points."""


class Anchored(NamedTuple):
    """Points that a layout is to leave where they start.

    Attributes
    ----------
    points : ndarray of bool, shape (n,)
        Which.
    kept : float
        Share of their displacement that is taken back, in (0, 1).
    """

    points: NDArray[np.bool_]
    kept: float


def chosen_rows(n_samples: int, seed: int, named: Index | None = None) -> Index | None:
    """Return the rows to relax, ascending; None for all.

    Parameters
    ----------
    n_samples : int
    seed : int
        Draws the rows where there are more than `LARGEST_LAYOUT`.
    named : ndarray of int64, default=None
        Rows that are chosen before others, such as those of listed pairs.
    """
    if n_samples <= LARGEST_LAYOUT:
        return None
    order = np.random.default_rng([seed, n_samples]).permutation(n_samples)
    if named is not None:
        is_named = np.zeros(n_samples, dtype=bool)
        is_named[named] = True
        order = np.concatenate([order[is_named[order]], order[~is_named[order]]])  # (n,)
    return np.sort(order[:_RELAXED_PART])


def lay_out(
    springs: ListedSprings,
    measured: Measured,
    n_components: int,
    laws: Springs | None,
    seed: int,
    start: Array | None = None,
    anchored: Anchored | None = None,
) -> Array:
    """Return the layout at which free points come to rest, float32 (n, d).

    They begin at the first principal components, which keeps the large structure, or at ``start``, the places of an
    earlier map. Forces depend on distances alone, so a layout that began at a map is turned and moved back onto it.
    Laws of a finite reach relax in units of it, as all laws begin and move in steps of fixed lengths.
    """
    unit = 1.0 if laws is None else unit_of(laws)
    if unit != 1:
        assert laws is not None  # noqa: S101 - for mypy
        begun = None if start is None else np.asarray(start / unit, dtype=np.float32)  # (n, d)
        return np.float32(unit) * lay_out(springs, measured, n_components, in_units(laws, unit), seed, begun, anchored)
    if start is None:
        has_enough = measured.points.shape[1] >= n_components
        begin = measured.points[:, :n_components] if has_enough else None  # (n, d)
        schedule = None
    else:
        begin, schedule = start, _FROM_A_MAP
    layout: Array = relax(
        springs.attraction,
        n_components,
        start=begin,
        springs=laws,
        dissimilar=springs.dissimilar,
        ignored=springs.ignored,
        schedule=schedule,
        seed=seed,
    )
    if start is None:
        return layout
    fixed = np.ones(len(start), dtype=bool) if anchored is None else anchored.points
    layout = _turned_back(layout, start, fixed)
    return layout if anchored is None else layout + _taken_back(layout, start, anchored, springs)


def _turned_back(layout: Array, start: Array, fixed: NDArray[np.bool_]) -> Array:
    """Return the layout turned and moved so that the fixed points are as near to where they began as can be."""
    goal, found = start[fixed].astype(np.float64), layout[fixed].astype(np.float64)  # (f, d) each
    left, _, right = np.linalg.svd((found - found.mean(axis=0)).T @ (goal - goal.mean(axis=0)))  # (d, d) each
    turned: Array = (layout - found.mean(axis=0)) @ (left @ right) + goal.mean(axis=0)  # (n, d)
    return np.asarray(turned, dtype=np.float32)


def _taken_back(layout: Array, start: Array, anchored: Anchored, springs: ListedSprings) -> Array:
    """Return displacements that take anchors back, float32 (n, d); other points follow the neighbours they have."""
    wanted = anchored.kept * (start[anchored.points] - layout[anchored.points])  # (m, d)
    shift = np.zeros(layout.shape)  # (n, d)
    weights = sparse.csr_array(springs.attraction)
    total = np.asarray(weights.sum(axis=1)).reshape(-1, 1)  # (n, 1)
    for _ in range(_FOLLOWED):
        shift[anchored.points] = wanted
        shift = (weights @ shift) / np.where(total > 0, total, 1.0)  # (n, d)
    shift[anchored.points] = wanted
    return shift.astype(np.float32)


class PlacingProblem(NamedTuple):
    """What an encoder learns places from."""

    trunk: nn.Module
    n_features: int
    rows: Rows  # of what the trunk maps
    layout: Array  # (n, d)
    measured: Measured
    by_direction: bool  # whether only the direction of a sample matters
    n_places: int | None
    max_epochs: int | None
    orbit: Orbit | None
    seed: int
    narrowed: Narrowed | None = None  # where the trunk maps principal components in place of samples

    def whole(self, network: PlaceLogits) -> PlaceLogits:
        """Return a network on the problem's rows as one on samples."""
        return network if self.narrowed is None else self.narrowed.widened(network)


class Placed(NamedTuple):
    """A trained encoder.

    Attributes
    ----------
    encoder : PlaceEncoder
        In evaluation mode. After a divergence, with the weights of the last finite epoch.
    stopped : {"max_epochs", "interrupted", "diverged", "callback"}
        Why training ended.
    failure : DivergenceError, CallbackError or None
        For the caller to raise once the encoder is kept.
    """

    encoder: PlaceEncoder
    stopped: str
    failure: DivergenceError | CallbackError | None


def placing_settings(n_samples: int, max_epochs: int | None = None, *, changed: bool = False) -> PlacingSettings:
    """Return how the encoder is to be trained on so many samples.

    Parameters
    ----------
    n_samples : int
    max_epochs : int, default=None
        Number of epochs; None follows from the number of samples.
    changed : bool, default=False
        Whether each epoch reads changed copies.
    """
    settings = PlacingSettings.for_samples(n_samples, changed=changed)
    return settings if max_epochs is None else replace(settings, max_epochs=max_epochs)


def train_places(
    problem: PlacingProblem,
    on_epoch: Callable[[EpochRecord], object] | None = None,
    *,
    watch: Watch | None = None,
    keeper: Keeper | None = None,
) -> Placed:
    """Train an encoder to give each sample its places.

    Parameters
    ----------
    problem : PlacingProblem
    on_epoch : callable, default=None
        Takes each epoch's record as it ends.
    watch : Watch, default=None
        Looks on. The module that it gets maps by the network alone, without retrieval.
    keeper : Keeper, default=None
        Writes checkpoints.
    """
    n = len(problem.rows)
    n_places = problem.n_places or max(number_of_places(n), min(n, _FEW_PLACES))
    places = find_places(problem.layout, n_places, seed=problem.seed)
    targets = make_targets(problem.layout, places)
    network = PlaceLogits(problem.trunk, problem.n_features, targets.n_places).to(problem.rows.device, torch.float32)
    with seeded(problem.seed, problem.rows.device):
        network.linear.reset_parameters()  # drawn in float32, whatever torch's default dtype
    settings = placing_settings(n, problem.max_epochs, changed=problem.orbit is not None)
    failure: DivergenceError | CallbackError | None = None
    try:
        stopped: str = place(
            network,
            problem.rows,
            targets,
            settings,
            seed=problem.seed,
            on_epoch=on_epoch,
            orbit=problem.orbit,
            watch=None if watch is None else _Seen(watch, places, problem),
            keeper=keeper,
        ).stopped
    except (DivergenceError, CallbackError) as error:
        failure, stopped = error, "diverged" if isinstance(error, DivergenceError) else "callback"
    sources = _sources(network, problem) if n <= _RETRIEVED else []
    encoder = PlaceEncoder(problem.whole(network), PlacesHead(places), sources)
    return Placed(encoder.to(problem.rows.device, torch.float32).eval(), stopped, failure)


class _Seen:
    """Shows a network in training as the map that it amounts to."""

    def __init__(self, watch: Watch, places: Places, problem: PlacingProblem) -> None:
        self._watch = watch
        self._places = places
        self._problem = problem

    def begin(self, history: Sequence[EpochRecord], module: nn.Module) -> None:
        """Tell of the beginning."""
        self._watch.begin(history, self._encoder(module))

    def see(self, record: EpochRecord, module: nn.Module) -> bool:
        """Tell of an epoch."""
        return self._watch.see(record, self._encoder(module))

    def _encoder(self, network: nn.Module) -> nn.Module:
        return PlaceEncoder(self._problem.whole(cast(PlaceLogits, network)), PlacesHead(self._places), [])


def _sources(network: PlaceLogits, problem: PlacingProblem) -> list[Source]:
    """Return retrieval by principal components and by the network's own features.

    Components would show the changes of an orbit, which the map is to ignore.
    """
    k = max(1, min(_NEAREST, len(problem.rows) // 4))  # of few samples, 15 would be nearly all
    features = _directions(network, problem.rows)  # (n, p)
    of_features = principal_components(features, _FEATURE_COMPONENTS, seed=problem.seed)
    by_features = Retrieval(of_features.project(features), problem.layout, k)
    reduced = Components(of_features.mean, of_features.axes.T)
    if problem.orbit is not None or not _tells_places(problem.measured.points, problem.layout, problem.seed):
        return [Source(_BY_FEATURES_ALONE, by_features, reduced, of_features=True)]
    found = problem.measured.components
    components: nn.Module = Components(found.mean, found.axes.T)
    if problem.by_direction:
        components = nn.Sequential(UnitLength(), components)
    by_components = Retrieval(problem.measured.points, problem.layout, k)
    return [
        Source(_BY_COMPONENTS, by_components, components),
        Source(_BY_FEATURES, by_features, reduced, of_features=True),
    ]


def _tells_places(points: Array, layout: Array, seed: int) -> bool:
    """Whether samples near by their principal components lie near each other in the layout.

    They do where neighbours were found by them, but given relations may have nothing to do with them.
    """
    nearest = nearest_rows(points, 1, seed)[0][:, 0]  # (n,)
    random = np.random.default_rng([seed, len(points)]).permutation(len(points))
    near, far = (np.median(np.linalg.norm(layout - layout[others], axis=1)) for others in (nearest, random))
    return bool(near <= _TELLING * far)


def _directions(network: PlaceLogits, rows: Rows) -> Array:
    """Return the features of all rows at length 1, (n, p)."""
    features: Array = embed_rows(network, rows, output=lambda net, x: directions(net.features(x))).cpu().numpy()
    return features
