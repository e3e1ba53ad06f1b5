"""What every fit needs around the training: restoring a refused estimator, seeding, and the rows to train on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.joining import joined
from drlim._base.notices import warn_user
from drlim._base.sparse_rows import stacked
from drlim._base.state import usual_state
from drlim._base.stored_rows import are_shared
from drlim._base.torch import Rows, seeded
from drlim.estimators.on_space import distances_moved
from drlim.estimators.samples import Samples, check_samples, map_samples
from drlim.graph import NeighborhoodGraph
from drlim.relations import LazyCopies, with_copies
from drlim.relations.gather import Neighbors, check_targets, found_neighbors, gather
from drlim.springs import Springs
from drlim.training import Anchor, DivergenceError, fingerprint
from drlim.training.fresh import FreshCopies, Orbit
from drlim.training.preflight import try_orbit
from drlim.training.units import in_margins, space_under
from drlim.training.validation import Part
from drlim.training.watching import CallbackError

if TYPE_CHECKING:
    from drlim.estimators.drlim import DrLIM

__all__ = [
    "all_or_nothing",
    "check_routed_pairs",
    "check_same_components",
    "drawn_seed",
    "drift",
    "drift_of_anchor",
    "functions_called",
    "gathered",
    "judging_seed",
    "positions_in_margins",
    "refuse_anchor_without_map",
    "training_mode",
    "training_rows",
    "warn_if_cut_short",
    "with_anchor",
]


_OF_A_PROCESS = ("device", "verbose", "callbacks", "checkpoint", "checkpoint_every")
"""Parameters that may differ between the processes of a fit."""


@contextmanager
def all_or_nothing(
    estimator: BaseEstimator, keeps: tuple[type[Exception], ...] = (DivergenceError, CallbackError)
) -> Iterator[None]:
    """Run a fit as if NumPy and torch were as usual, and restore the estimator's attributes if it is refused.

    After an error that ``keeps`` names, the estimator keeps what it has: after a divergence the last finite map, after
    a failure of a callback the map as it stood.
    """
    before = estimator.__dict__.copy()
    try:
        with usual_state():
            yield
    except keeps:
        raise
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


@contextmanager
def training_mode(
    estimator: BaseEstimator,
    samples: Samples,
    seed: int,
    device: torch.device,
    graph: NeighborhoodGraph | None = None,
) -> Iterator[None]:
    """Join a launcher's other processes, seed torch's generators, and record gradients whatever the caller has set.

    Other processes must have been given the same as this one; relations are compared where there is a ``graph``.
    Inference mode was left before, by `all_or_nothing`.
    """
    with joined(device) as group, torch.enable_grad(), seeded(seed, device):
        if group.is_several:
            group.agree(_given(estimator, samples, seed, graph))
        yield


def _given(estimator: BaseEstimator, samples: Samples, seed: int, graph: NeighborhoodGraph | None) -> dict[str, str]:
    """Return what a fit was given, as short texts by name."""
    parameters = estimator.get_params(deep=False)
    relations = {} if graph is None else {"relations": fingerprint.of_graph(graph)}
    return {
        "the estimator": type(estimator).__name__,
        **fingerprint.versions(),
        **fingerprint.of_parameters({name: parameters[name] for name in parameters if name not in _OF_A_PROCESS}),
        "the seed drawn from random_state": str(seed),
        "samples": fingerprint.of_samples(samples),
        **relations,
    }


def training_rows(
    samples: Samples | Part, graph: NeighborhoodGraph, orbit: Orbit | None, device: torch.device, seed: int
) -> tuple[Rows, NeighborhoodGraph]:
    """Return the rows that training reads, fresh copies included, and their relations."""
    if orbit is None:
        return Rows(samples, device, torch.float32), graph
    if isinstance(samples, LazyCopies):
        raise TypeError("Expected 'X' to be an array where 'orbit' makes copies of it. Got lazy copies.")
    if are_shared(samples):
        raise ValueError(
            "Expected orbit=None with a Shard: all processes draw the copies of all of a batch, of which each has some "
            "rows only. Give each process all rows, or shards of samples that hold the copies, and their relations."
        )
    # Fresh copies are made of rows in memory: a memory map of which samples are held out is read here.
    source = samples[:] if isinstance(samples, Part) else samples
    rows = Rows(FreshCopies(source, orbit, seed), device, torch.float32)
    try_orbit(rows)
    return rows, with_copies(graph, np.tile(np.arange(len(samples)), rows.n_copies))


def functions_called(graph: object, finder: str, *, trains: bool) -> list[str]:
    """Return the parameters that a call uses: the orbit in training, and without a graph what finds neighbours."""
    return [*(["orbit"] if trains else []), *([finder] if graph is None else [])]


def drawn_seed(random_state: object) -> int:
    """Return the seed of a fit; None draws from NumPy's global generator, as in scikit-learn."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def gathered(
    estimator: DrLIM,
    samples: Samples,
    y: object,
    graph: object,
    pairs: object,
    *,
    n_anchors: int = 0,
    trains: bool = True,
) -> NeighborhoodGraph:
    """Return all that is stated of samples, and what neighbours say, as one graph.

    Parameters
    ----------
    estimator : DrLIM
    samples : Samples
        New ones, and those of the anchor if there is one.
    y, graph, pairs : object
        As `fit` takes them; ``y`` is of the new samples.
    n_anchors : int, default=0
        Number of samples of the anchor, which come last.
    trains : bool, default=True
        Whether the relations are to be trained on, and so looked at.
    """
    n_new = len(samples) - n_anchors
    labels = check_targets(y, n_new, shape=(n_new, *samples.shape[1:]), trains=trains)
    labels = None if labels is None else [*labels, *[-1] * n_anchors]
    asked = Neighbors(estimator.n_neighbors, estimator.neighbors, estimator.metric)
    return gather(
        samples,
        labels,
        graph,
        pairs,
        lambda: found_neighbors(samples, asked),
        described="'X' and 'anchor' together" if n_anchors else "'X'",
        looks=trains and (graph is not None or estimator.neighbors is not None),
    )


def judging_seed(random_state: object) -> int:
    """Return the seed of a score: that of a fit for a number, else 0, since to judge a map moves no generator."""
    return drawn_seed(random_state) if isinstance(random_state, Integral) else 0


def check_routed_pairs(estimator: BaseEstimator, pairs: object) -> None:
    """Refuse index pairs where scikit-learn routes them: it cuts graphs along with the samples, but not index pairs."""
    if pairs is None or isinstance(pairs, NeighborhoodGraph) or not get_config()["enable_metadata_routing"]:
        return
    if estimator.get_metadata_routing().fit.requests.get("pairs"):
        raise TypeError(
            "Expected 'pairs' as a graph where scikit-learn routes them: it cannot cut index pairs along with the "
            "samples. Give drlim.pairs(n_samples, similar=..., dissimilar=...)."
        )


def refuse_anchor_without_map(anchor: object) -> None:
    """Refuse samples to be held where they are before there is a map."""
    if anchor is not None:
        raise ValueError("Expected no 'anchor' before the first fit: there is no map to hold it to.")


def check_same_components(n_components: int, embedding: Array) -> None:
    """Refuse to go on from a map of another number of dimensions."""
    if n_components != embedding.shape[1]:
        raise ValueError(
            f"Expected n_components={embedding.shape[1]}, as the present map has. "
            f"Got {n_components}: call fit to begin another."
        )


def positions_in_margins(encoder: nn.Module, springs: Springs, samples: Samples) -> Tensor:
    """Return the positions of samples in units of the margin, float32 (n, d)."""
    return torch.from_numpy(map_samples(in_margins(encoder, springs)[0], samples)).to(torch.float32)


def warn_if_cut_short(stopped: str, n_epochs: int, planned: int) -> None:
    """Warn that a map is only partly trained: after Ctrl-C, or where its energy has risen again."""
    if stopped == "interrupted":
        warn_user(f"Training was interrupted after {n_epochs} of {planned} epochs; the map is usable as it stood.")
    elif stopped == "diverged":
        warn_user(
            "The energy rose again by more than a tenth: the springs have not come to rest. The map is that of the "
            "epoch with the lowest energy. Try a third of the learning_rate, or interactions='batch'."
        )


def with_anchor(
    estimator: DrLIM, samples: Samples, anchor: ArrayLike | None, weight: float, springs: Springs
) -> tuple[Samples, Anchor | None, Samples]:
    """Return samples followed by those of an anchor, the anchor with positions in margins, and its checked samples."""
    if anchor is None:
        return samples, None, samples[:0]
    old = check_samples(estimator, anchor, reset=False, name="anchor")
    everything = stacked(samples, old)  # (n + m, ...)
    positions = positions_in_margins(estimator.encoder_, springs, old)  # (m, d)
    return everything, Anchor(np.arange(len(samples), len(everything)), positions, weight), old


def drift_of_anchor(encoder: nn.Module, springs: Springs, old: Samples, anchor: Anchor) -> dict[float, float]:
    """Return quantiles of the distances, in margins, that the samples of an anchor have moved."""
    now, space = positions_in_margins(encoder, springs, old), space_under(encoder)
    return drift(distances_moved(now, anchor.positions, space))


def drift(distance: Array) -> dict[float, float]:
    """Return quantiles of the distances that samples have moved."""
    return {share: float(np.quantile(distance, share)) for share in (0.5, 0.9, 0.99, 1.0)}
