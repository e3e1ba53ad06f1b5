"""`DrLIM`: the method as a scikit-learn transformer."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn

from drlim._base.arrays import Array
from drlim._base.notices import epoch_bar
from drlim._base.state import usual_state
from drlim.estimators import running
from drlim.estimators.answers import answering
from drlim.estimators.encoder import encoder_for, in_unit_of
from drlim.estimators.keeping import Keeping, keeping
from drlim.estimators.on_space import SpaceMixin, check_same_space, keep_radii
from drlim.estimators.parameters import check_anchor_weight
from drlim.estimators.plan import check_validation, checked_parameters, plan_training, train_kept
from drlim.estimators.running import all_or_nothing, training_mode, warn_if_cut_short
from drlim.estimators.samples import Samples, check_samples, first_samples, map_samples
from drlim.estimators.shared import SharedMixin
from drlim.estimators.watching import watching
from drlim.estimators.wild_values import warn_of_wild_values
from drlim.forces.objective import balance_of, graph_energy
from drlim.graph import NeighborhoodGraph
from drlim.relations import LazyCopies
from drlim.spaces import Space, space_of
from drlim.springs import Springs
from drlim.training import Anchor, Shard
from drlim.training.distributed import present_shares
from drlim.training.preflight import preflight
from drlim.training.problem import EpochRecord
from drlim.training.units import space_under

__all__ = ["DrLIM"]


@answering
class DrLIM(SpaceMixin, SharedMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Dimensionality reduction by learning an invariant mapping.

    Trains an encoder G_W so that samples declared similar land close together and all others stay at least
    ``margin`` apart. It minimises the paper's loss over all pairs, each kind of pair averaged::

        E(W) = mean over similar pairs of 1/2 D^2
               + dissimilar_weight * mean over dissimilar pairs of 1/2 max(0, margin - D)^2

    with D the Euclidean distance of the two outputs (equations 1 to 4). A graph states which samples are similar.
    Without one, each sample is similar to its nearest neighbours.

    Parameters
    ----------
    n_components : int, default=2
        Dimensions of the map, in [1, inf); those of a curved ``space`` follow from it.
    space : {"euclidean", "circle", "sphere", "torus", "cylinder"} or Space, default="euclidean"
        What the map lies on; see `drlim.spaces`. By name, radii are learned. Take a circle for what closes: angles,
        phases, hours; docs/spaces.md says when. The map then is of angles in radians, and of lengths.
    encoder : str, torch.nn.Module or callable, default="auto"
        The map G_W.

        - ``"auto"``: ``"convnet"`` for images of at least 24 x 24 pixels, else ``"mlp"``;
        - ``"convnet"``, ``"two_layer"``: the paper's networks; ``"linear"``, ``"mlp"``: see
          `drlim.encoders.make_encoder`. Their input is standardised;
        - a module that maps (b, ...) to (b, n_components), on a curved space to (b, n_ambient): a copy of it is trained
          from the weights it has, on the values as they are;
        - a callable ``(input_shape, n_components) -> module``.
    n_neighbors : int, default=5
        Nearest neighbours declared similar when `fit` gets no graph, in [1, n_samples). 5 is the paper's number.
        Distances are of the values as they are: scale the columns of a table first. Of more than 200,000 samples, about
        99 % of the neighbours are found; see `drlim.knn_graph`.
    metric : {"euclidean", "cosine", "jaccard", "hamming"}, default="euclidean"
        Distance by which they are found, the paper's by default; see `drlim.knn_graph`.
    neighbors : None, callable or transformer, default=None
        Another way to find neighbours when `fit` gets no graph: a callable ``X -> graph``, or one of scikit-learn's
        neighbour transformers; see `drlim.neighbors_graph`. ``n_neighbors`` and ``metric`` then are not used.
    orbit : None or callable, default=None
        A random change that the map is to ignore: a function ``x -> x'`` of a batch, shape (b, ...), or ``(x,
        generator) -> x'``. In each epoch every sample gets a fresh copy, similar to it and to its neighbours. An epoch
        then costs twice. With a function that draws from ``generator`` a fit can be repeated; with one that draws from
        NumPy's global state it cannot.
    margin : float, default=1.0
        The paper's m, in (0, inf): dissimilar samples nearer than this repel each other. It sets the unit of length of
        the map; the paper names no value.
    dissimilar_weight : float, default=1.0
        Balance of the two means, in (0, inf). A larger weight spreads the map, a smaller one tightens what is similar.
        The same weight serves any number of samples; see `drlim.forces.balanced`.
    springs : None, Springs or pair of callables, default=None
        None is the exact loss above. A pair ``(L_S, L_D)`` of functions of a tensor of distances is the paper's
        general loss (equation 3), and ``margin`` is not used; see `drlim.springs.make_springs`.
    optimizer : {"auto", "adam", "lbfgs"}, default="auto"
        L-BFGS steps on all samples at once; for few samples and a small dense network it is by far the faster. "auto"
        takes it for up to 1000 samples and a dense network by name, unless ``batch_size``, ``learning_rate``,
        ``interactions`` or ``orbit`` are set, and Adam otherwise.
    learning_rate : float or "auto", default="auto"
        Learning rate, in (0, inf); "auto" is 0.002 for Adam and 1 for L-BFGS.
    batch_size : int, "auto" or "all", default="auto"
        Samples a step, in [2, inf); "all" steps on the exact objective. "auto" is all for L-BFGS; for Adam it is 150
        with ``interactions="all"``, else 250.
    interactions : {"all", "batch"}, default="all"
        ``"all"``: each step uses forces from all samples; those outside the batch are at their last estimated
        positions. ``"batch"``: only pairs inside the batch. "all" reaches a lower energy, and sooner. With "batch" few
        similar pairs are in one batch, and that noise can make a better map of samples never seen.
    max_epochs : int or "auto", default="auto"
        Passes through the samples, in [1, inf). "auto" makes about 3000 steps, within 20 to 500 passes.
    tol : float, default=1e-4
        Stop early when a fifth of ``max_epochs`` (ten at least) has not lowered the mean energy of the fifth before
        by this share, in [0, inf).
    weight_decay : float or "auto", default="auto"
        Share of the weights, times ``learning_rate``, that each step of Adam takes off, in [0, inf); "auto" is 3 where
        samples are held out and Adam trains, else 0. See docs/overfitting.md.
    validation : None, float or array-like of int or bool, default=None
        Samples that are not trained on: a share of them in (0, 1), drawn at random, or rows of ``X``. Training stops
        when the energy of their springs was lowest half of ``max_epochs`` (ten at least) ago, and the map is that
        of the epoch with the lowest. Hold out whole films, subjects or copies of one thing, by their rows.
    device : str or torch.device, default="auto"
        "auto" is a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        With an int, weights and batches are the same in every fit, and so is the map, to the byte on one machine.
    callbacks : None or list of object, default=None
        Objects with any of ``on_fit_begin``, ``on_epoch_end(record, model_state)`` and ``on_fit_end``; returning True
        ends the training. See `drlim.callbacks`.
    checkpoint : None, str or path-like, default=None
        Folder for the newest two states of the training, from which ``fit(..., resume=True)`` goes on after a kill.
    checkpoint_every : int or str, default=1
        Epochs between two checkpoints, in [1, inf), or a time, such as "90s", "10min" or "2h".
    verbose : bool, int or None, default=None
        Whether to show a progress bar; None shows it on a terminal.

    Attributes
    ----------
    embedding_ : ndarray, shape (n_samples, n_components)
        The map of the training samples; equals ``transform(X)``.
    encoder_ : torch.nn.Module
        The trained G_W, in evaluation mode.
    graph_ : NeighborhoodGraph
        The relations trained on.
    space_ : Space
        What the map lies on, with the radii that were learned.
    history_ : list of dict
        One record an epoch: see `drlim.train`.
    n_iter_ : int
        Epochs run.
    stopped_ : {"converged", "max_epochs", "interrupted", "diverged", "validation", "callback"}
        Why training ended. "diverged": energies left the finite numbers, or rose by more than a tenth; the map is the
        last finite one, or that of the lowest energy.
    drift_ : dict of float to float
        After `partial_fit` with an anchor: quantiles of the distances, in margins, that the anchors moved in this call.
        Old samples that are not among the anchors may have moved further: the more anchors, the less.
    input_shape_ : tuple of int
        Shape of one sample.
    n_features_in_ : int
        Number of values in one sample.
    feature_names_in_ : ndarray of str
        Column names, when ``X`` was a data frame with string names.

    See Also
    --------
    drlim.save : Write a fitted estimator to a file.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006.

    Examples
    --------
    >>> from drlim import DrLIM, datasets
    >>> data = datasets.digits()
    >>> model = DrLIM(max_epochs=20, random_state=0).fit(data.X_train)
    >>> model.transform(data.X_test).shape
    (497, 2)
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        space: str | Space = "euclidean",
        encoder: str | nn.Module | Callable[[tuple[int, ...], int], nn.Module] = "auto",
        n_neighbors: int = 5,
        metric: str = "euclidean",
        neighbors: object = None,
        orbit: Callable[..., ArrayLike] | None = None,
        margin: float = 1.0,
        dissimilar_weight: float = 1.0,
        springs: object = None,
        optimizer: str = "auto",
        learning_rate: float | str = "auto",
        batch_size: int | str = "auto",
        interactions: str = "all",
        max_epochs: int | str = "auto",
        tol: float = 1e-4,
        weight_decay: float | str = "auto",
        validation: float | ArrayLike | None = None,
        device: str | torch.device = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int | None = None,
        callbacks: Sequence[object] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | str = 1,
    ) -> None:
        self.n_components = n_components
        self.space = space
        self.encoder = encoder
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.neighbors = neighbors
        self.orbit = orbit
        self.margin = margin
        self.dissimilar_weight = dissimilar_weight
        self.springs = springs
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.interactions = interactions
        self.max_epochs = max_epochs
        self.tol = tol
        self.weight_decay = weight_decay
        self.validation = validation
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

    def fit(
        self,
        X: ArrayLike | LazyCopies | Shard,
        y: object = None,
        *,
        graph: object = None,
        pairs: object = None,
        resume: bool = False,
    ) -> DrLIM:
        """Learn the map.

        All statements about the samples count: ``pairs`` overrule the labels ``y``, and ``y`` overrules the neighbours
        or the ``graph``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features), (n_samples, H, W) or (n_samples, C, H, W)
            Training samples: an array, a data frame, a sparse matrix, the lazy copies of `drlim.orbits`; or samples
            outside memory (a memory map, h5py, zarr, Arrow, a Dataset, anything with a shape and slices of rows),
            which are read a batch at a time: see docs/large_data.md. `drlim.training.Shard`: some rows a process.
        y : array-like, shape (n_samples,), default=None
            Labels: samples of one class are similar, of two classes dissimilar. A label of -1
            (or None, or NaN) is unknown and states nothing. A continuous target is left out, with a warning.
        graph : NeighborhoodGraph or sparse matrix, default=None
            What is known to be similar, one row for each sample. A sparse matrix's non-zero entries are similar
            pairs. None declares samples similar to their ``neighbors``.
        pairs : array-like of int, shape (n_pairs, 2), dict or NeighborhoodGraph, default=None
            Similar pairs of sample indices; or a dict of such arrays by "similar", "dissimilar" and "ignored"; or
            what `drlim.pairs` returns, which scikit-learn cuts along with the samples in a search.
        resume : bool, default=False
            Whether to go on from the newest valid checkpoint, to the bytes of a fit that was not cut short. Without
            one, training begins anew. Other data, relations, parameters or versions than before are refused.

        Returns
        -------
        DrLIM
            Itself.

        Raises
        ------
        ValueError, TypeError
            Before any training, when a parameter, ``X`` or a statement about it cannot be used. The estimator then is
            as it was, with the map of an earlier `fit` if there was one.
        DivergenceError
            When training leaves the finite numbers. The estimator keeps the last finite map.
        CallbackError
            When a callback fails. The estimator keeps the map as it stood.

        Warns
        -----
        UserWarning
            When identical samples are declared dissimilar; or, from 100 samples on, more than two of three of a
            sample's nearest others by the rest of ``graph``; or more than half are similar to none. When ``y`` is
            continuous, has one class only beside -1, or 20 whole numbers and more with fewer than 5 samples each on
            average. When springs or encoder are out of proportion. When Ctrl-C ended the training: the map then is
            usable as it stood.

        Examples
        --------
        A few labels among many samples:

        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 3))
        >>> y = np.full(40, -1)
        >>> y[:4] = [0, 0, 1, 1]
        >>> model = DrLIM(max_epochs=5, random_state=0).fit(X, y)
        >>> 1 in model.graph_.neighbors(0), 2 in model.graph_.neighbors(0)
        (True, False)
        """
        with all_or_nothing(self):
            springs, device, seed = checked_parameters(self, pairs, graph)
            kept, seed = keeping(self, resume, "fit", seed)
            samples = check_samples(self, X, reset=True)
            check_validation(self.validation, samples)
            with training_mode(self, samples, seed, device):
                known = running.gathered(self, samples, y, graph, pairs)
                space = space_of(self.space, self.n_components)
                encoder = encoder_for(self.encoder, samples, space, self.__dict__.get("encoder_"), springs)
                preflight(samples, known, springs)
                warn_of_wild_values(encoder, self)
                planned = self._train(encoder.to(device), samples, known, springs, seed, kept)
        warn_if_cut_short(self.stopped_, self.n_iter_, planned)
        return self

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
    ) -> DrLIM:
        """Train on from the present map, with new samples and their relations.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            New samples; without a map yet, this is `fit`.
        y : array-like, shape (n_samples,), default=None
            Their labels, as in `fit`.
        graph : NeighborhoodGraph or sparse matrix, default=None
            What is known of the rows of ``X``, followed by those of ``anchor`` if there is one. None declares them
            similar to their ``neighbors`` among all these.
        pairs : array-like of int, shape (n_pairs, 2), or dict, default=None
            As in `fit`, of the same rows.
        anchor : array-like, shape (n_anchors, ...), default=None
            Samples, best of those trained on before, each tied by a spring to where it is on the present map. Without
            them, the new samples may turn and bend the map at will.
        anchor_weight : float, default=1.0
            Weight of the mean of 1/2 D^2 over the anchors, in (0, 1e6]. More holds them tighter.
        resume : bool, default=False
            As in `fit`: call it on the map that the call which was cut short began with.

        Returns
        -------
        DrLIM
            Itself. ``embedding_`` and ``graph_`` are of the rows of ``X``, ``history_`` goes on, and ``drift_`` says
            how far the anchors have moved.

        Raises
        ------
        ValueError, TypeError, DivergenceError
            As `fit` does, or when there is an ``anchor`` but no map yet.

        Examples
        --------
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(60, 3))
        >>> model = DrLIM(max_epochs=20, random_state=0).fit(X[:40])
        >>> sorted(model.partial_fit(X[40:], anchor=X[:40]).drift_)
        [0.5, 0.9, 0.99, 1.0]
        """
        check_anchor_weight(anchor_weight)
        if not self.__sklearn_is_fitted__():
            running.refuse_anchor_without_map(anchor)
            return self.fit(X, y, graph=graph, pairs=pairs, resume=resume)
        with all_or_nothing(self):
            planned = self._train_on(X, y, graph, pairs, anchor, anchor_weight, resume)
        warn_if_cut_short(self.stopped_, self.n_iter_, planned)
        return self

    def _train_on(
        self,
        X: ArrayLike,
        y: object,
        graph: object,
        pairs: object,
        anchor: ArrayLike | None,
        anchor_weight: float,
        resume: bool,
    ) -> int:
        """Do what `fit` does, from the present weights, with the anchors' rows after those of X."""
        springs, device, seed = checked_parameters(self, pairs, graph)
        kept, seed = keeping(self, resume, "partial_fit", seed)
        samples = check_samples(self, X, reset=False)
        check_validation(self.validation, samples)
        check_same_space(space_of(self.space, self.n_components), self.space_)
        everything, tied, old = running.with_anchor(self, samples, anchor, anchor_weight, springs)
        with training_mode(self, everything, seed, device):
            known = running.gathered(self, everything, y, graph, pairs, n_anchors=len(everything) - len(samples))
            encoder = copy.deepcopy(self.encoder_).to(device)
            keep_radii(encoder)
            planned = self._train(encoder, everything, known, springs, seed, kept, tied, self.history_)
        if tied is not None:
            self.drift_ = running.drift_of_anchor(self.encoder_, springs, old, tied)
        return planned

    def _train(
        self,
        encoder: nn.Module,
        samples: Samples,
        graph: NeighborhoodGraph,
        springs: Springs,
        seed: int,
        kept: Keeping | None,
        anchor: Anchor | None = None,
        history: Sequence[EpochRecord] = (),
    ) -> int:
        """Train, and keep whatever finite map comes of it; return the number of epochs planned in all."""
        if kept is not None:
            kept.add_training(samples, graph, encoder, springs, seed, anchor, len(history))
        plan = plan_training(self.get_params(deep=False), encoder, samples, graph, springs, seed, anchor)
        n_samples = len(samples) - (0 if anchor is None else len(anchor.samples))  # anchors come after them
        new, planned = first_samples(samples, n_samples), plan.settings.max_epochs
        self.encoder_ = encoder
        self.graph_ = graph if anchor is None else graph.subgraph(np.arange(n_samples))
        self.history_: list[EpochRecord] = list(history)
        self.__dict__.pop("drift_", None)
        with epoch_bar(planned, self.verbose, n_samples, graph.n_similar) as advance:
            watch = watching(self, planned, advance, plan.unit, lambda module: in_unit_of(encoder, module), new)
            keeper = None if kept is None else kept.keeper(planned)
            self.stopped_, failure = train_kept(plan, seed, watch, keeper, begins=not history)
            self._embed(new, history, anchor)
            failed = watch.end(encoder, self.stopped_, failure)
        if failed is not None:
            raise failed
        return len(history) + planned

    def _embed(self, samples: Samples, history: Sequence[EpochRecord], anchor: Anchor | None) -> None:
        """Map the training samples, and keep what `novelty` needs of them."""
        self.n_iter_ = len(self.history_)
        self._place(samples, present_shares())
        self._remember(samples, goes_on=len(history) > 0, anchored=anchor is not None)

    def fit_transform(
        self,
        X: ArrayLike | LazyCopies,
        y: object = None,
        *,
        graph: object = None,
        pairs: object = None,
        resume: bool = False,
    ) -> Array:
        """Learn the map and return it for the training samples: ``fit(X, y, ...).embedding_``."""
        return self.fit(X, y, graph=graph, pairs=pairs, resume=resume).embedding_

    def transform(self, X: ArrayLike | LazyCopies) -> Array:
        """Map samples, seen before or not.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.

        Returns
        -------
        ndarray, shape (n_samples, n_components)
            Of a curved space, angles in [0, 2 pi), then lengths. In the dtype of ``X`` where that is float32 or
            float64; in float32 for smaller types (images of uint8) and in float64 for larger integers.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, or ``X`` is not like the training samples.
        """
        check_is_fitted(self)
        return self._coordinates(check_samples(self, X, reset=False))

    def score(self, X: ArrayLike, y: object = None, *, graph: object = None, pairs: object = None) -> float:
        """Return minus the exact objective on samples, over all their pairs: higher is better.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples, best held out.
        y : array-like, shape (n_samples,), default=None
            Their labels, as in `fit`.
        graph : NeighborhoodGraph or sparse matrix, default=None
            What is known of them; None takes their nearest neighbours, as `fit` does.
        pairs : array-like of int, shape (n_pairs, 2), or dict, default=None
            As in `fit`.

        Returns
        -------
        float
            In units of ``margin`` squared: compare estimators of one margin and one ``dissimilar_weight`` only.
        """
        check_is_fitted(self)
        springs, _, _ = checked_parameters(self, pairs, graph, trains=False)
        samples = check_samples(self, X, reset=False)
        with usual_state():
            known = running.gathered(self, samples, y, graph, pairs, trains=False)
            Z = torch.from_numpy(map_samples(self.encoder_, samples)).double()  # (n, d)
            space = space_under(self.encoder_)
            return -graph_energy(Z, known, springs, balance_of(known, self.dissimilar_weight), space=space).total
