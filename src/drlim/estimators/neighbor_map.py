"""`NeighborMap`: maps of ordinary data that show groups, as a scikit-learn transformer.

A fit checks, gathers relations, relaxes free points, trains the encoder and embeds. More than half of the file is
docstrings of public methods, which stand where scikit-learn's users look for them.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import nn

from drlim._base.arrays import Array, Floats, Index
from drlim._base.notices import epoch_bar, warn_user
from drlim._base.ordinary import tamed
from drlim._base.sparse_rows import AnyRows, SparseRows, held, rows_of, stacked
from drlim._base.state import usual_state
from drlim._base.torch import Rows, pick_device
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.estimators.answers import answering
from drlim.estimators.keeping import Keeping, keeping
from drlim.estimators.map_score import map_score
from drlim.estimators.parameters import check_anchor_weight, check_map_parameters, check_two
from drlim.estimators.running import (
    all_or_nothing,
    check_routed_pairs,
    check_same_components,
    drawn_seed,
    drift,
    functions_called,
    judging_seed,
    refuse_anchor_without_map,
    training_mode,
    warn_if_cut_short,
)
from drlim.estimators.samples import check_array_samples, confidence_of, map_samples
from drlim.estimators.shared import SharedMixin
from drlim.estimators.trunk import trunk_for
from drlim.estimators.watching import watching
from drlim.estimators.wild_values import warn_of_wild_values
from drlim.graph import NeighborhoodGraph
from drlim.neighbors.coordinates import Measured, Metric, measure
from drlim.neighbors.measured import check_metric, usual_neighbors, weighted_neighbors
from drlim.relations.gather import as_graph, check_targets, gather, pairs_graph
from drlim.relations.listed import listed_springs
from drlim.relations.part import cut_graph, cut_labels, listed_samples
from drlim.springs import Springs
from drlim.springs.make import springs_for
from drlim.training.fresh import FreshCopies, Orbit, checked_change
from drlim.training.neighbor_layout import (
    Anchored,
    PlacingProblem,
    chosen_rows,
    lay_out,
    placing_settings,
    train_places,
)
from drlim.training.preflight import try_orbit
from drlim.training.problem import EpochRecord
from drlim.training.units import check_unit
from drlim.training.wide_rows import narrowed

__all__ = ["NeighborMap"]


_LARGEST_UNIT = 1e15
"""Largest reach of springs, and reciprocal of the smallest: positions are squared in float32 as samples are placed."""


class _Checked(NamedTuple):
    """What follows from the parameters, and the checkpoints."""

    laws: Springs | None
    device: torch.device
    seed: int
    kept: Keeping | None


class _Update(NamedTuple):
    """The present map, which training goes on from."""

    encoder: PlaceEncoder
    anchor: AnyRows | None  # (m, ...) samples to leave where they are
    kept: float  # share of an anchor's displacement that is taken back


@answering
class NeighborMap(SharedMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A map of ordinary data that shows its groups, and places new samples by a function.

    It minimises the paper's general loss (equation 3) with heavy-tailed laws, which leave gaps between groups::

        L_S(D) = log(1 + D^2)        L_D(D) = 1 / (1 + D^2)

    in two steps. First the samples move as free points until these springs are at rest (`drlim.training.relax`). Then
    an encoder learns which *places* of that layout a sample belongs to, and a head puts each sample at the mode of its
    probabilities (`drlim.encoders.places`). `DrLIM` minimises the exact loss by the weights of an encoder alone; it
    spreads samples evenly, and its encoder is any network.

    Parameters
    ----------
    n_components : int, default=2
        Dimensions of the map, in [1, inf). Two are the fastest for many samples.
    n_neighbors : int or "auto", default="auto"
        Effective number of neighbours of a sample (the perplexity of their weights), in [1, inf). Thrice as many are
        looked at; where there are fewer other samples, all of them, and the effective number is a third of them. More
        show coarser groups. "auto" is 30 up to 20,000 samples, then 15.
    metric : {"euclidean", "cosine", "jaccard", "hamming", "precomputed"} or callable, default="euclidean"
        Distance between samples as they are: scale the columns of a table first. With "euclidean" and "cosine",
        neighbours are those in 50 to 200 principal components, found by cells beyond 4000 samples. Other metrics and
        callables ``(row, row) -> float`` compare all pairs. With "precomputed", ``X`` holds distances to the training
        samples: (n_samples, n_samples) in `fit`, and (m, n_samples) after it. Neighbours among new samples then are
        those whose distances to the training samples are most alike.
    encoder : "auto", torch.nn.Module or callable, default="auto"
        Trunk of the encoder, whose features a linear layer turns into probabilities of places. "auto" is three
        convolutions for images of 8 x 8 pixels and more, else a multilayer perceptron; see `drlim.encoders.make_trunk`.
        Of more than 1500 columns, and without labels, pairs, graph or orbit, its first layer is trained on their first
        principal components, up to 200 and up to one for 20 samples (20 at least).
        A module that maps (b, ...) to features (b, p), of which a copy is trained; or a callable ``(input_shape) ->
        module``.
    orbit : None or callable, default=None
        A random change that the map is to ignore: ``(x, generator) -> x'`` on a batch, shape (b, ...), or ``x -> x'``.
        The encoder learns to place changed samples where the unchanged ones are.
    springs : None, Springs or pair of callables, default=None
        Other laws (L_S, L_D); see `drlim.springs.make_springs`. They are summed over all pairs, which takes time that
        grows with the square of the number of samples.
    n_places : int or "auto", default="auto"
        Number of places, in [1, inf). "auto" takes 400 up to 6000 samples, a fifteenth of the samples up to 18,000,
        then 1200; a quarter of the samples below 1600, and up to 16 samples as many as there are.
    max_epochs : int or "auto", default="auto"
        Passes of the encoder through the samples, in [1, inf). "auto" reads 90,000 samples, within 2 to 20 passes;
        with an ``orbit`` 240,000, within 2 to 50.
    device : str or torch.device, default="auto"
        Where the encoder is trained; "auto" is a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        With an int, a fit on one machine gives the same map, to the byte.
    verbose : bool, int or None, default=None
        Whether to show a progress bar; None shows it on a terminal.
    callbacks : None or list of object, default=None
        Objects with any of ``on_fit_begin``, ``on_epoch_end(record, model_state)`` and ``on_fit_end``; returning True
        ends the training of the encoder. See `drlim.callbacks`. What they see of the map is by the network alone,
        without retrieval.
    checkpoint : None, str or path-like, default=None
        Folder for the layout of the free points and the newest two states of the encoder's training, from which
        ``fit(..., resume=True)`` goes on after a kill. There is none before the layout is done.
    checkpoint_every : int or str, default=1
        Epochs of the encoder between two checkpoints, in [1, inf), or a time, such as "90s", "10min" or "2h".

    Attributes
    ----------
    embedding_ : ndarray, shape (n_samples, n_components)
        The map of the training samples; equals ``transform(X)``.
    encoder_ : torch.nn.Module
        The trained map, head included, in evaluation mode.
    graph_ : NeighborhoodGraph
        Relations that the points were relaxed under. Of more than 200,000 samples, those of a random part, 100,000:
        samples of listed pairs first, the numbers of the others drawn with ``random_state``.
    history_ : list of dict
        One record for each epoch of the encoder: ``epoch``, ``cross_entropy``, ``learning_rate``, ``seconds``.
    n_iter_ : int
        Epochs of the encoder.
    stopped_ : {"max_epochs", "interrupted", "diverged", "callback"}
        Why training ended.
    drift_ : dict of float to float
        After `partial_fit` with an anchor: quantiles of the distances that the anchors moved.
    input_shape_ : tuple of int
        Shape of one sample.
    n_features_in_ : int
        Number of values in one sample.
    feature_names_in_ : ndarray of str
        Column names, when ``X`` was a data frame with string names.

    See Also
    --------
    DrLIM : The paper's exact loss: an even map that follows the declared relations.

    Notes
    -----
    The map lies within the hull of the places, and jumps from one group to another where a sample may
    belong to either; `confidence` tells. Up to 80,000 samples a half to three quarters of a sample's probabilities come
    from the training samples nearest to it, of which the encoder stores features; `transform` then costs .07 ms a
    sample at 10,000 training samples and .2 ms at 60,000, of one core.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006.

    Examples
    --------
    >>> from drlim import NeighborMap, datasets
    >>> data = datasets.digits()
    >>> model = NeighborMap(max_epochs=3, random_state=0).fit(data.X_train[:300])
    >>> model.transform(data.X_test).shape
    (497, 2)
    """

    encoder_: PlaceEncoder

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_neighbors: int | str = "auto",
        metric: Metric = "euclidean",
        encoder: str | nn.Module | Callable[[tuple[int, ...]], nn.Module] = "auto",
        orbit: Orbit | None = None,
        springs: object = None,
        n_places: int | str = "auto",
        max_epochs: int | str = "auto",
        device: str | torch.device = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int | None = None,
        callbacks: Sequence[object] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | str = 1,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.encoder = encoder
        self.orbit = orbit
        self.springs = springs
        self.n_places = n_places
        self.max_epochs = max_epochs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

    def fit(
        self, X: ArrayLike, y: object = None, *, graph: object = None, pairs: object = None, resume: bool = False
    ) -> NeighborMap:
        """Learn the map.

        All statements about the samples count: ``pairs`` overrule the labels ``y``, and ``y`` overrules the neighbours
        or the ``graph``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features), (n_samples, H, W) or (n_samples, C, H, W)
            Training samples. A sparse matrix is dense a batch at a time; ``metric`` then is "euclidean", "cosine" or
            "jaccard". Samples outside memory (a memory map, h5py, zarr, Arrow, a Dataset, anything with a shape and
            slices of rows) are read a batch at a time: see docs/large_data.md.
        y : array-like, shape (n_samples,), default=None
            Labels: samples of one class attract their nearest class-mates, and neighbours of another class repel each
            other. A label of -1 (or None, or NaN) is unknown and states nothing. A continuous target is left out, with
            a warning.
        graph : NeighborhoodGraph or sparse matrix, default=None
            Similar pairs, one row for each sample, in place of the neighbours.
        pairs : array-like of int, shape (n_pairs, 2), dict or NeighborhoodGraph, default=None
            Similar pairs of sample indices; or a dict of such arrays by "similar", "dissimilar" and "ignored"; or the
            graph that `drlim.pairs` returns. A similar pair weighs as much as all neighbours of a sample together; a
            dissimilar pair repels as strongly as an average similar pair attracts, beyond the repulsion of all pairs.
        resume : bool, default=False
            Whether to go on from the newest valid checkpoint, to the bytes of a fit that was not cut short. Without
            one, training begins anew. Other data, relations, parameters or versions than before are refused.

        Returns
        -------
        NeighborMap
            Itself.

        Raises
        ------
        ValueError, TypeError
            Before any training, when a parameter, ``X`` or a statement about it cannot be used. The estimator then is
            as it was.
        DivergenceError
            When training leaves the finite numbers.
        CallbackError
            When a callback fails. The estimator keeps the map as it stood.

        Warns
        -----
        UserWarning
            When ``y`` is continuous, when the relations ignore all pairs that they do not list, which repel here all
            the same, or when Ctrl-C ended the training. The map then is usable as it stood.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(60, 3))
        >>> model = NeighborMap(max_epochs=2, random_state=0).fit(X, pairs=[(0, 1)])
        >>> 1 in model.graph_.neighbors(0)
        True
        """
        with all_or_nothing(self, keeps=()):
            checked = self._check(pairs, graph, "fit", resume)
            samples = self._checked_samples(X, reset=True)
            labels = check_targets(y, len(samples), shape=samples.shape)
            failure, planned = self._fit(samples, labels, graph, pairs, checked)
        return self._ended(failure, self.n_iter_, planned)

    def partial_fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        graph: object = None,
        pairs: object = None,
        anchor: ArrayLike | None = None,
        anchor_weight: float = 1.0,
        resume: bool = False,
    ) -> NeighborMap:
        """Go on from the present map, with new samples and their relations.

        The new samples are relaxed from where the present map places them; the encoder is then trained on, from its
        present weights.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            New samples; without a map yet, this is `fit`.
        y : array-like, shape (n_samples,), default=None
            Their labels, as in `fit`.
        graph : NeighborhoodGraph or sparse matrix, default=None
            Relations of the rows of ``X``, followed by those of ``anchor`` if there is one. None takes neighbours among
            all these.
        pairs : array-like of int, shape (n_pairs, 2), or dict, default=None
            As in `fit`, of the same rows.
        anchor : array-like, shape (n_anchors, ...), default=None
            Samples, best of those trained on before, that the encoder is to leave where they are. The more there are,
            the less the old map moves.
        anchor_weight : float, default=1.0
            How much of an anchor's place is kept, in (0, 1e6]: it moves by the share 1 / (1 + anchor_weight) of what
            its springs would move it.
        resume : bool, default=False
            As in `fit`: call it on the map that the call which was cut short began with.

        Returns
        -------
        NeighborMap
            Itself. ``embedding_`` and ``graph_`` are of the rows of ``X``, ``history_`` goes on, and ``drift_`` says
            how far the anchors have moved.

        Raises
        ------
        ValueError, TypeError, DivergenceError
            As `fit` does, or when there is an ``anchor`` but no map yet.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(80, 3))
        >>> model = NeighborMap(max_epochs=2, random_state=0).fit(X[:60])
        >>> sorted(model.partial_fit(X[60:], anchor=X[:60]).drift_)
        [0.5, 0.9, 0.99, 1.0]
        """
        check_anchor_weight(anchor_weight, "NeighborMap")
        if not self.__sklearn_is_fitted__():
            refuse_anchor_without_map(anchor)
            return self.fit(X, y, graph=graph, pairs=pairs, resume=resume)
        with all_or_nothing(self, keeps=()):
            checked = self._check(pairs, graph, "partial_fit", resume)
            samples = self._checked_samples(X, reset=False)
            check_same_components(self.n_components, self.embedding_)
            labels = check_targets(y, len(samples), shape=samples.shape)
            old = None if anchor is None else self._checked_samples(anchor, reset=False, name="anchor")
            if old is not None and labels is not None:
                labels = [*labels, *[-1] * len(old)]
            update = _Update(self.encoder_, old, anchor_weight / (1 + anchor_weight))
            before = self.n_iter_
            failure, planned = self._fit(samples, labels, graph, pairs, checked, update)
        return self._ended(failure, self.n_iter_ - before, planned)

    def _check(self, pairs: object, graph: object, method: str, resume: bool = False) -> _Checked:
        """Check the parameters for a method; return what follows from them."""
        trains = method != "score"
        called = functions_called(graph, "metric", trains=trains)
        check_map_parameters(self.get_params(deep=False), type(self).__name__, called)
        check_routed_pairs(self, pairs)
        draw = drawn_seed if trains else judging_seed
        laws = None if self.springs is None else springs_for(1.0, self.springs)
        if laws is not None:
            check_unit(laws, type(self).__name__, _LARGEST_UNIT)
        device, seed = pick_device(self.device, type(self).__name__), draw(self.random_state)
        kept, seed = keeping(self, resume, method, seed) if trains else (None, seed)
        return _Checked(laws, device, seed, kept)

    def _checked_samples(self, X: ArrayLike, *, reset: bool, name: str = "X") -> AnyRows:
        """Check samples, and that the metric can be taken of them."""
        samples = check_array_samples(self, X, reset=reset, name=name)
        if isinstance(self.metric, str) or reset or isinstance(samples, SparseRows):
            check_metric(samples, self.metric, fits=reset)
        return samples

    def _fit(
        self,
        new: AnyRows,
        labels: list[object] | None,
        graph: object,
        pairs: object,
        checked: _Checked,
        update: _Update | None = None,
    ) -> tuple[Exception | None, int]:
        """Gather, relax, train the encoder, embed; return how training failed, and the epochs that were planned."""
        old = None if update is None else update.anchor
        samples = new if old is None else stacked(new, old)  # (n, ...)
        known, rows, chosen, measured = self._gathered(samples, labels, graph, pairs, checked.seed, update)
        is_old = chosen >= len(new)  # (r,)
        planned = placing_settings(len(rows), _number(self.max_epochs), changed=self.orbit is not None).max_epochs
        with (
            training_mode(self, new, checked.seed, checked.device, known),
            epoch_bar(planned, self.verbose, known.n_samples, known.n_similar) as advance,
        ):
            problem = self._relaxed(known, rows, measured, is_old, checked, update)
            if update is None:
                warn_of_wild_values(problem.trunk, self, chosen)
                problem = self._in_components(problem, labels, graph, pairs)
            self.history_: list[EpochRecord] = [] if update is None else list(self.history_)
            failure = self._train(problem, new, planned, advance, checked.kept)
        self.graph_ = known.subgraph(np.flatnonzero(~is_old)) if is_old.any() else known
        self._n_features_out = self.n_components
        self.embedding_ = map_samples(self.encoder_, new)
        self._remember(new, goes_on=update is not None, anchored=old is not None)
        self.__dict__.pop("drift_", None)
        if update is not None and old is not None:
            moved = map_samples(self.encoder_, old) - map_samples(update.encoder, old)  # (m, d)
            self.drift_ = drift(np.linalg.norm(moved, axis=1))
        return failure, planned

    def _relaxed(
        self,
        known: NeighborhoodGraph,
        rows: AnyRows,
        measured: Measured,
        is_old: NDArray[np.bool_],
        checked: _Checked,
        update: _Update | None,
    ) -> PlacingProblem:
        """Relax the rows, and return what the encoder is to learn. What cannot be trained is refused first."""
        laws, device, seed, kept = checked
        previous, start = (None, None) if update is None else (update.encoder, map_samples(update.encoder, rows))
        by_direction = self._has_metric("cosine")
        trunk, n_features = trunk_for(self.encoder, rows, device, by_direction, seed, previous)
        rows = rows if by_direction else tamed(rows)  # (r, ...)
        orbit = None
        if self.orbit is not None:
            orbit = checked_change(self.orbit)
            try_orbit(Rows(FreshCopies(rows[:2], self.orbit, seed), device, torch.float32), type(self).__name__)
        lists = listed_springs(known, measured.points, self._effective_neighbors(len(rows)), seed)
        anchored = None if update is None or not is_old.any() else Anchored(is_old, update.kept)
        found = None if kept is None else kept.add_relaxation(rows, known, trunk, laws, seed, start, anchored)
        return PlacingProblem(
            trunk,
            n_features,
            Rows(rows, device, torch.float32),
            lay_out(lists, measured, self.n_components, laws, seed, start, anchored) if found is None else found,
            measured,
            by_direction,
            _number(self.n_places),
            _number(self.max_epochs),
            orbit,
            seed,
        )

    def _in_components(self, problem: PlacingProblem, *stated: object) -> PlacingProblem:
        """Return the problem in principal components of wide rows, where a built-in trunk has only them to learn from.

        That is where neighbours are found in them, and no relations are stated: no other column has anything to tell.
        """
        is_own = self.orbit is not None or not isinstance(self.encoder, str)
        found_there = any(map(self._has_metric, ("euclidean", "cosine")))
        if is_own or not found_there or any(one is not None for one in stated):
            return problem
        narrow = narrowed(problem.trunk, problem.measured, problem.seed)
        if narrow is None:
            return problem
        rows = Rows(narrow.measured.points, problem.rows.device, problem.rows.dtype)
        return problem._replace(trunk=narrow.trunk, rows=rows, narrowed=narrow)

    def _gathered(
        self,
        samples: AnyRows,
        labels: list[object] | None,
        graph: object,
        pairs: object,
        seed: int,
        update: _Update | None,
    ) -> tuple[NeighborhoodGraph, AnyRows, Index, Measured]:
        """Return the relations, the rows to relax, their numbers among the samples, and their coordinates."""
        n = len(samples)
        check_two(n)
        described = "'X'" if update is None or update.anchor is None else "'X' and 'anchor' together"
        metric = self.metric if update is None else self._metric_of_new()
        given = None if graph is None else as_graph(graph, n, described)
        stated = None if pairs is None else pairs_graph(pairs, n)
        _warn_of_too_many(self.n_neighbors, n)
        chosen = chosen_rows(n, seed, listed_samples(stated))
        if chosen is not None:
            samples = held(rows_of(samples, chosen))  # (r, ...)
            labels = cut_labels(labels, chosen)
            given, stated = cut_graph(given, chosen), None if stated is None else stated.subgraph(chosen)
        measured = measure(samples, metric, seed)
        known = gather(
            samples,
            labels,
            given,
            stated,
            lambda: weighted_neighbors(samples, measured, metric, self._effective_neighbors(len(samples)), seed),
            all_repel=True,
            looks=graph is not None and not self._has_metric("precomputed"),
        )
        _warn_of_rest(known)
        return known, samples, np.arange(n) if chosen is None else chosen, measured

    def _train(
        self,
        problem: PlacingProblem,
        new: AnyRows,
        planned: int,
        advance: Callable[[EpochRecord], None],
        kept: Keeping | None,
    ) -> Exception | None:
        """Train the encoder, and keep it; add its epochs to the history."""
        watch = watching(self, planned, advance, 1.0, copy.deepcopy, new)
        keeper = None if kept is None else kept.keeper(planned, layout=problem.layout)
        self.encoder_, self.stopped_, failure = train_places(problem, watch=watch, keeper=keeper)
        failed = watch.end(self.encoder_, self.stopped_, failure)
        self.n_iter_ = len(self.history_)
        return failed

    def _ended(self, failure: Exception | None, n_epochs: int, planned: int) -> NeighborMap:
        """Raise a failure, now that the map is kept, or warn of an interrupt."""
        if failure is not None:
            raise failure
        warn_if_cut_short(self.stopped_, n_epochs, planned)
        return self

    def fit_transform(
        self, X: ArrayLike, y: object = None, *, graph: object = None, pairs: object = None, resume: bool = False
    ) -> Array:
        """Learn the map and return it for the training samples: ``fit(X, y, ...).embedding_``."""
        return self.fit(X, y, graph=graph, pairs=pairs, resume=resume).embedding_

    def transform(self, X: ArrayLike) -> Array:
        """Map samples, seen before or not.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.

        Returns
        -------
        ndarray, shape (n_samples, n_components)
            In the dtype of ``X`` where that is float32 or float64; in float32 for smaller types and in float64 for
            larger integers. The position of a sample does not depend on the others.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, or ``X`` is not like the training samples.
        """
        check_is_fitted(self)
        return map_samples(self.encoder_, self._checked_samples(X, reset=False))

    def confidence(self, X: ArrayLike) -> Floats:
        """Return the share of each sample's probabilities that lies about its position.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            In (0, 1]. Low values mark samples between groups, or unlike the training samples.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(60, 3))
        >>> confidence = NeighborMap(max_epochs=2, random_state=0).fit(X).confidence(X)
        >>> bool(((confidence > 0) & (confidence <= 1)).all())
        True
        """
        check_is_fitted(self)
        return confidence_of(self.encoder_, self._checked_samples(X, reset=False))

    def score(self, X: ArrayLike, y: object = None, *, graph: object = None, pairs: object = None) -> float:
        """Return minus the general loss on samples, at the best weight of the repulsion: higher is better.

        That is minus the mean of L_S over similar pairs, minus the logarithm of the mean of L_D over all pairs, minus
        the mean of L_D over pairs declared dissimilar. One point for all samples scores 0.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples, best held out.
        y : array-like, shape (n_samples,), default=None
            Their labels, as in `fit`.
        graph : NeighborhoodGraph or sparse matrix, default=None
            Their relations; None takes their nearest neighbours, as `fit` does.
        pairs : array-like of int, shape (n_pairs, 2), or dict, default=None
            As in `fit`.

        Returns
        -------
        float
            Compare scores of the same samples only. It takes time that grows with the square of their number. With
            ``springs`` of your own, each kind of pair is averaged.
        """
        check_is_fitted(self)
        laws, _, seed, _ = self._check(pairs, graph, "score")
        samples = self._checked_samples(X, reset=False)
        check_two(len(samples))
        metric = self._metric_of_new()
        with usual_state():
            measured = measure(samples, metric, seed)
            known = gather(
                samples,
                check_targets(y, len(samples), trains=False),
                graph,
                pairs,
                lambda: weighted_neighbors(samples, measured, metric, self._effective_neighbors(len(samples)), seed),
                all_repel=True,
            )
            return map_score(map_samples(self.encoder_, samples), known, laws)

    def _effective_neighbors(self, n_samples: int) -> int:
        return _number(self.n_neighbors) or usual_neighbors(n_samples)

    def _metric_of_new(self) -> Metric:
        """Return the metric between new samples: of distances to the training samples, that of the rows."""
        return "euclidean" if self._has_metric("precomputed") else self.metric

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = any(map(self._has_metric, ("euclidean", "cosine", "jaccard")))
        tags.input_tags.pairwise = tags.input_tags.positive_only = self._has_metric("precomputed")
        return tags


def _number(given: int | str) -> int | None:
    """Return a number, or None for "auto"."""
    return None if given == "auto" else int(given)


def _warn_of_too_many(n_neighbors: int | str, n_samples: int) -> None:
    """Warn where as many neighbours are asked for as there are samples: all pairs then are similar."""
    given = _number(n_neighbors)
    if given is not None and given >= n_samples:
        warn_user(
            f"n_neighbors = {given} is not less than the {n_samples} samples: all pairs become similar, weighted by a "
            "third as many neighbours as there are samples, and the map shows no more than the coarsest groups. Choose "
            "fewer; 30 are usual."
        )


def _warn_of_rest(graph: NeighborhoodGraph) -> None:
    """Warn where pairs were to have no spring by default: here all pairs repel, or the map would collapse."""
    if graph.rest == "ignored" and graph.n_ignored > graph.stated_ignored.n_pairs:
        warn_user(
            "The relations ignore all pairs that they do not list. NeighborMap lets them repel all the same, since "
            "free points would else collapse. List pairs as ignored to take their repulsion off."
        )
