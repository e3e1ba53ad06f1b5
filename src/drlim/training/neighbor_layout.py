"""The two trainings of `NeighborMap`: relax free points, then teach an encoder the places where they came to rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from drlim._base.arrays import Array, Index
from drlim._base.torch import Rows
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.place_encoder import PlaceEncoder, Source, directions
from drlim.encoders.places import PlacesHead, Targets, find_places, make_targets
from drlim.encoders.retrieval import Components, Retrieval
from drlim.encoders.standardize import UnitLength
from drlim.neighbors.measured import Measured
from drlim.relations.listed import ListedSprings
from drlim.springs import Springs
from drlim.training.placing import Orbit, PlacingSettings, place
from drlim.training.problem import EpochRecord
from drlim.training.relax import Schedule, relax

__all__ = ["LARGEST_LAYOUT", "PlacingProblem", "chosen_rows", "lay_out", "train_places"]

LARGEST_LAYOUT = 200_000
"""Maximum number of rows that are all relaxed. Of more, a random part is; the others are placed by the encoder, in a
quarter of the time, and better than by relaxing all for as long."""

_RELAXED_PART = 100_000
"""Number of rows that are relaxed where there are more than `LARGEST_LAYOUT`."""

_RETRIEVED = 20_000
"""Maximum number of samples of which the encoder stores features to retrieve by. For more, the network alone is as
good."""

_SHARE = 1 / 3
"""Share of the probabilities from each of two retrievals; the network has the last third. Measured on 12,000 digits:
5-NN of test samples .9565, by the network alone .953 (docs/maps.md)."""

_FROM_A_MAP = Schedule(phases=((60, 1.5),), annealed=0, width=None)
"""Schedule of points that begin at the places of a map."""


def chosen_rows(n_samples: int, seed: int) -> Index | None:
    """Return the rows to relax, ascending; None for all."""
    if n_samples <= LARGEST_LAYOUT:
        return None
    return np.sort(np.random.default_rng([seed, n_samples]).choice(n_samples, _RELAXED_PART, replace=False))


def lay_out(
    springs: ListedSprings,
    measured: Measured,
    n_components: int,
    laws: Springs | None,
    seed: int,
    start: Array | None = None,
) -> Array:
    """Return the layout at which free points come to rest, float32 (n, d).

    They begin at the first principal components, which keeps the large structure, or at ``start``, the places of an
    earlier map.
    """
    if start is None:
        has_enough = measured.points.shape[1] >= n_components
        begin = measured.points[:, :n_components] if has_enough else None  # (n, d)
        schedule = None
    else:
        begin, schedule = start, _FROM_A_MAP
    return relax(
        springs.attraction,
        n_components,
        start=begin,
        springs=laws,
        dissimilar=springs.dissimilar,
        ignored=springs.ignored,
        schedule=schedule,
        seed=seed,
    )


class PlacingProblem(NamedTuple):
    """What an encoder learns places from."""

    trunk: nn.Module
    n_features: int
    rows: Rows
    layout: Array  # (n, d)
    measured: Measured
    by_direction: bool  # whether only the direction of a sample matters
    n_places: int | None
    max_epochs: int | None
    orbit: Orbit | None
    seed: int


def train_places(
    problem: PlacingProblem, on_epoch: Callable[[EpochRecord], None] | None = None
) -> tuple[PlaceEncoder, str]:
    """Train an encoder to give each sample its places; return it, in evaluation mode, and why training stopped."""
    n = len(problem.rows)
    places = find_places(problem.layout, problem.n_places, seed=problem.seed)
    targets = make_targets(problem.layout, places)
    network = PlaceLogits(problem.trunk, problem.n_features, targets.n_places).to(problem.rows.device)
    settings = PlacingSettings.for_samples(n)
    if problem.max_epochs is not None:
        settings = PlacingSettings(max_epochs=problem.max_epochs, batch_size=settings.batch_size)
    result = place(network, problem.rows, targets, settings, seed=problem.seed, on_epoch=on_epoch, orbit=problem.orbit)
    sources = _sources(network, problem, targets) if n <= _RETRIEVED else []
    encoder = PlaceEncoder(network, PlacesHead(places), sources)
    return encoder.to(problem.rows.device).eval(), result.stopped


def _sources(network: PlaceLogits, problem: PlacingProblem, targets: Targets) -> list[Source]:
    """Return retrieval by principal components and by the network's own features."""
    found = problem.measured.components
    components: nn.Module = Components(found.mean, found.axes.T)
    if problem.by_direction:
        components = nn.Sequential(UnitLength(), components)
    return [
        Source(_SHARE, Retrieval(problem.measured.points, targets), components),
        Source(_SHARE, Retrieval(_directions(network, problem.rows), targets)),
    ]


def _directions(network: PlaceLogits, rows: Rows, batch_size: int = 512) -> Array:
    """Return the features of all rows at length 1, (n, p)."""
    with torch.no_grad():
        starts = range(0, len(rows), batch_size)
        parts = [directions(network.features(rows.take(slice(start, start + batch_size)))) for start in starts]
    features: Array = torch.cat(parts).cpu().numpy()  # (n, p)
    return features
