"""A map trained on from where it is, by statements about its own samples; the other samples are held."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import check_same_length
from drlim.estimators.drlim import DrLIM
from drlim.estimators.neighbor_map import NeighborMap
from drlim.estimators.on_space import distances_moved
from drlim.graph import NeighborhoodGraph
from drlim.relations.gather import overruled

__all__ = ["Corrected", "CorrectionCancelledError", "corrected", "named_samples", "stated_weights"]

Map = TypeVar("Map", DrLIM, NeighborMap)

_N_READ = {DrLIM: 54_000, NeighborMap: 30_000}
"""Number of samples that a correction reads: 360 steps of 150 for `DrLIM`, a third of a fit for `NeighborMap`.
docs/correcting.md has what fewer and more do."""

_FEWEST_EPOCHS, _MOST_EPOCHS = {DrLIM: 4, NeighborMap: 2}, {DrLIM: 200, NeighborMap: 20}

_ANCHOR_WEIGHT = {DrLIM: 10.0, NeighborMap: 30.0}
"""Weight by which the other samples are held."""

_STRENGTH = {DrLIM: 3.0, NeighborMap: 1.0}
"""Weight of all that is stated of a sample, in units of all that its neighbours say of it. docs/correcting.md has what
less and more do."""


class CorrectionCancelledError(RuntimeError):
    """A correction was cancelled; the map that it began from is as it was."""


class Corrected(NamedTuple):
    """A map that was trained on.

    Attributes
    ----------
    model : DrLIM or NeighborMap
        Another estimator than the one that was given. ``embedding_`` and ``graph_`` are of all samples.
    moved : ndarray of float64, shape (n,)
        How far each sample has moved.
    held : ndarray of int64, shape (m,)
        Samples that were held where they were.
    """

    model: DrLIM | NeighborMap
    moved: Floats
    held: Index


def _never() -> bool:
    return False


class _Ending:
    """A callback that ends the training once it was cancelled."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled

    def on_epoch_end(self, record: object, model_state: object) -> bool:
        """Return whether the training is to end."""
        return self._cancelled()


def corrected(
    model: Map,
    samples: Array,
    stated: NeighborhoodGraph,
    *,
    relations: NeighborhoodGraph | None = None,
    without: Index | None = None,
    watch: Callable[[Map], None] | None = None,
    cancelled: Callable[[], bool] = _never,
) -> Corrected:
    """Train a map on, so that it follows what is stated of its samples; the estimator that is given is left alone.

    Samples that are named in ``stated`` are trained on, and all others are tied to where they are: see
    ``partial_fit``. The laws of the springs, the encoder and all other parameters are those of the model.

    Parameters
    ----------
    model : DrLIM or NeighborMap
        Fitted.
    samples : ndarray, shape (n, ...)
        All samples of the map, as ``transform`` takes them.
    stated : NeighborhoodGraph
        What is stated of pairs of the n samples. It overrules ``relations``.
    relations : NeighborhoodGraph, default=None
        What is known of the n samples otherwise; None takes those that the model was trained on if they are of n
        samples, else their neighbours.
    without : ndarray of int64, shape (l,), default=None
        Samples that take no part. The trained map places them like any new sample.
    watch : callable, default=None
        Called with the estimator that is to be trained, before it is: its ``history_`` grows as it is trained.
    cancelled : callable, default never
        Asked after each epoch whether the correction was cancelled, which ends the training.

    Raises
    ------
    CorrectionCancelledError
        When ``cancelled`` said so.
    ValueError, TypeError, DivergenceError
        As ``partial_fit`` does; when nothing is stated; when fewer than two samples take part.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> model = DrLIM(max_epochs=20, random_state=0).fit(X)
    >>> stated = NeighborhoodGraph.from_pairs(60, [(0, 1)], dissimilar=[(2, 3)])
    >>> found = corrected(model, X, stated)
    >>> found.model.embedding_.shape, found.held.tolist() == list(range(4, 60))
    ((60, 2), True)
    """
    check_same_length(stated.n_samples, "stated", len(samples), "samples")
    known = relations if relations is not None else _own_relations(model, len(samples))
    named, held = _named_and_held(stated, without)
    order = np.concatenate([named, held])
    trained = copy.deepcopy(model)
    changes = {**_changes(model, len(order)), "callbacks": [*(model.callbacks or ()), _Ending(cancelled)]}
    own = {name: value for name, value in trained.get_params(deep=False).items() if name in changes}
    trained.set_params(**changes)
    if watch is not None:
        watch(trained)
    trained.partial_fit(
        samples[named],
        graph=None if known is None else known.subgraph(order),
        pairs=stated.subgraph(order),
        anchor=samples[held] if len(held) else None,
        anchor_weight=_ANCHOR_WEIGHT[type(model)],
    )
    if cancelled():
        raise CorrectionCancelledError("The correction was cancelled.")
    trained.set_params(**own)
    trained.embedding_ = trained.transform(samples)  # (n, d)
    trained.graph_ = stated if known is None else overruled(known, stated)
    return Corrected(trained, _distances_moved(model, trained, samples), held)


def _named_and_held(stated: NeighborhoodGraph, without: Index | None) -> tuple[Index, Index]:
    """Return the samples that are trained on, and those that are held, ascending; refuse to train on none."""
    takes_part = np.ones(stated.n_samples, dtype=bool)
    takes_part[np.empty(0, dtype=np.int64) if without is None else without] = False
    named = named_samples(stated)
    named = named[takes_part[named]]
    if len(named) == 0:
        raise ValueError("Expected statements about samples that take part. There are none: nothing is to be learned.")
    takes_part[named] = False
    return named, np.flatnonzero(takes_part)


def _distances_moved(model: Map, trained: Map, samples: Array) -> Floats:
    """Return how far samples lie from where they were, (n,), along the space of the map."""
    before, after = model.transform(samples).astype(np.float64), trained.embedding_.astype(np.float64)  # (n, d) each
    space = None
    if isinstance(model, DrLIM) and isinstance(trained, DrLIM) and not model.space_.is_flat:
        space = model.space_
        before, after = space.ambient(before), trained.space_.ambient(after)  # (n, a) each
    return distances_moved(torch.from_numpy(after), torch.from_numpy(before), space)


def stated_weights(model: DrLIM | NeighborMap, relations: NeighborhoodGraph | None) -> tuple[float, float]:
    """Return the weights of all similar, and of all dissimilar pairs, that are to be stated of one sample.

    `DrLIM` averages each kind of pair: there are far more dissimilar ones than similar ones, and a stated one among
    them weighs as much more. A `NeighborMap` lets stated dissimilar pairs repel as strongly as similar ones attract.

    Parameters
    ----------
    model : DrLIM or NeighborMap
    relations : NeighborhoodGraph or None
        What is known of the samples otherwise; None is their neighbours, which are yet to be found.

    Examples
    --------
    >>> ring = NeighborhoodGraph.from_pairs(6, [(i, (i + 1) % 6) for i in range(6)])
    >>> stated_weights(DrLIM(), ring), stated_weights(NeighborMap(), ring)
    ((6.0, 9.0), (2.0, 2.0))
    """
    strength = _STRENGTH[type(model)]
    if relations is None:
        usual = strength * (2.0 * model.n_neighbors if isinstance(model, DrLIM) else 1.0)
        return usual, usual
    usual = strength * _usual(relations)
    if isinstance(model, NeighborMap) or relations.similar.total_weight == 0:
        return usual, usual
    more = relations.dissimilar.total_weight / relations.similar.total_weight / model.dissimilar_weight
    return usual, usual * max(1.0, more)


def _usual(relations: NeighborhoodGraph) -> float:
    """Return the weight of the similar pairs of an average sample; 1 where there are none."""
    return 2.0 * relations.similar.total_weight / relations.n_samples or 1.0


def named_samples(stated: NeighborhoodGraph) -> Index:
    """Return the samples of which something is stated, ascending; one that takes no part is named if a pair names it.

    Examples
    --------
    >>> named_samples(NeighborhoodGraph.from_pairs(9, [(7, 2)], dissimilar=[(0, 3)])).tolist()
    [0, 2, 3, 7]
    """
    sets = (stated.stated_similar, stated.stated_dissimilar)
    listed = (stated.stated_ignored.indptr[1:] > stated.stated_ignored.indptr[:-1]).astype(bool)
    return np.flatnonzero(np.any([pairs.degrees > 0 for pairs in sets], axis=0) | listed)


def _own_relations(model: DrLIM | NeighborMap, n_samples: int) -> NeighborhoodGraph | None:
    """Return the relations that a model was trained on, None where they are of other samples."""
    return model.graph_ if model.graph_.n_samples == n_samples else None


def _changes(model: DrLIM | NeighborMap, n_samples: int) -> dict[str, object]:
    """Return the parameters that a correction has of its own."""
    kind = type(model)
    n_epochs = min(max(-(-_N_READ[kind] // n_samples), _FEWEST_EPOCHS[kind]), _MOST_EPOCHS[kind])
    mine: dict[str, object] = {"max_epochs": n_epochs, "verbose": False}
    return {**mine, "validation": None} if isinstance(model, DrLIM) else mine
