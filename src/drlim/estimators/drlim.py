"""`DrLIM`: the method as a scikit-learn transformer. The only file that knows scikit-learn's conventions."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn

from drlim._base.checks import (
    StrOptions,
    brief_errors,
    check_parameters,
    check_points,
    integer_in,
    real_in,
    refuse_masked,
    short_repr,
)
from drlim._base.notices import warn_user
from drlim._base.progress import epoch_bar
from drlim._base.torch import Rows, pick_device, seeded
from drlim.encoders import ENCODERS, Standardize, embed, make_encoder
from drlim.forces import balanced, graph_energy
from drlim.graph import NeighborhoodGraph
from drlim.neighbors import knn_graph, neighbors_graph
from drlim.relations.copies import LazyCopies, with_copies
from drlim.relations.gather import as_graph, check_targets, check_trainable, with_labels, with_pairs
from drlim.springs import Springs, make_springs
from drlim.training import Anchor, DivergenceError, Settings, train
from drlim.training.fresh import FreshCopies
from drlim.training.preflight import try_encoder, try_orbit, warn_of_offset, warn_of_twins

__all__ = ["DrLIM"]

_FEW_SAMPLES = 1000
"""Up to which L-BFGS reaches any energy first on dense networks: 660 by far, 1300 a tie (docs/training.md)."""

_AUTO_STEPS = 3000
"""Steps that `max_epochs="auto"` aims at: where the energy of 6000 digits has flattened (see docs/training.md)."""

_LARGEST = 1e30
"""Values beyond it would overflow float32, in which encoders are trained, once squared deviations are summed."""


class DrLIM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Dimensionality reduction by learning an invariant mapping.

    Trains an encoder G_W so that samples declared similar land close together and all others stay at least
    ``margin`` apart. It minimises the paper's loss over all pairs, each kind of pair averaged::

        E(W) = mean over similar pairs of 1/2 D^2
               + dissimilar_weight * mean over dissimilar pairs of 1/2 max(0, margin - D)^2

    with D the Euclidean distance of the two outputs (equations 1 to 4). What is similar is yours to say, by a
    graph; without one, each sample's nearest neighbours are.

    Parameters
    ----------
    n_components : int, default=2
        Dimensions of the map, in [1, inf).
    encoder : str, torch.nn.Module or callable, default="auto"
        The map G_W.

        - ``"auto"``: ``"convnet"`` for images of at least 24 x 24 pixels, else ``"mlp"``;
        - ``"convnet"``, ``"two_layer"``: the paper's networks; ``"linear"``, ``"mlp"``: see
          `drlim.encoders.make_encoder`. Their input is standardised;
        - a module that maps (b, ...) to (b, n_components): a copy of it is trained from the weights it has, on
          the values as they are;
        - a callable ``(input_shape, n_components) -> module``.
    n_neighbors : int, default=5
        Nearest neighbours declared similar when `fit` gets no graph, in [1, n_samples). 5 is the paper's number.
        Distances are Euclidean, of the values as they are: scale the columns of a table first.
    neighbors : None, callable or transformer, default=None
        Another way to find neighbours when `fit` gets no graph: a callable ``X -> graph``, or one of scikit-learn's
        neighbour transformers; see `drlim.neighbors_graph`. ``n_neighbors`` then is not used.
    orbit : None or callable, default=None
        A random change that does not matter: ``x -> x'`` on a batch, shape (b, ...), or ``(x, generator) -> x'``. In
        each epoch every sample is joined by a fresh copy, similar to it and to its neighbours. An epoch then costs
        twice. A function that draws from ``generator`` makes the map repeat; one that draws from NumPy's global
        state does not.
    margin : float, default=1.0
        The paper's m, in (0, inf): dissimilar samples nearer than this repel. It sets the unit of length of the
        map; the paper names no value.
    dissimilar_weight : float, default=1.0
        Balance of the two means, in (0, inf). More spreads the map, less tightens what is similar. The same weight
        serves any number of samples; see `drlim.forces.balanced`.
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
        where a batch feels all samples, else 250.
    interactions : {"all", "batch"}, default="all"
        Whether a batch feels all samples, those outside it where they are remembered to be (`drlim.memory`), or only
        its own. All samples give the lower energy, and sooner; few similar pairs meet in a batch of its own, and that
        noise can make a better map of what was never seen.
    max_epochs : int or "auto", default="auto"
        Passes through the samples, in [1, inf). "auto" makes about 3000 steps, within 20 to 500 passes.
    tol : float, default=1e-4
        Stop early when a fifth of ``max_epochs`` (ten at least) has not lowered the mean energy of the fifth before
        by this share, in [0, inf).
    device : str or torch.device, default="auto"
        "auto" is a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        An int makes weights, batches and so the map repeat, to the byte on one machine.
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
    history_ : list of dict
        One record an epoch: see `drlim.training.train`.
    n_iter_ : int
        Epochs run.
    stopped_ : {"converged", "max_epochs", "interrupted", "diverged"}
        Why training ended.
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [integer_in(1)],
        "encoder": [StrOptions({"auto", *ENCODERS}), nn.Module, callable],
        "n_neighbors": [integer_in(1)],
        "neighbors": [None, callable, HasMethods(["fit_transform"])],
        "orbit": [None, callable],
        "margin": [real_in(0.0)],
        "dissimilar_weight": [real_in(0.0)],
        "springs": [None, Springs, tuple],
        "optimizer": [StrOptions({"auto", "adam", "lbfgs"})],
        "learning_rate": [real_in(0.0), StrOptions({"auto"})],
        "batch_size": [integer_in(2), StrOptions({"auto", "all"})],
        "interactions": [StrOptions({"all", "batch"})],
        "max_epochs": [integer_in(1), StrOptions({"auto"})],
        "tol": [real_in(0.0, closed="left")],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "verbose": ["verbose", None],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        encoder: str | nn.Module | Callable[[tuple[int, ...], int], nn.Module] = "auto",
        n_neighbors: int = 5,
        neighbors: Any = None,
        orbit: Callable[..., ArrayLike] | None = None,
        margin: float = 1.0,
        dissimilar_weight: float = 1.0,
        springs: Any = None,
        optimizer: str = "auto",
        learning_rate: float | str = "auto",
        batch_size: int | str = "auto",
        interactions: str = "all",
        max_epochs: int | str = "auto",
        tol: float = 1e-4,
        device: str | torch.device = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int | None = None,
    ) -> None:
        self.n_components = n_components
        self.encoder = encoder
        self.n_neighbors = n_neighbors
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
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: Any = None, *, graph: Any = None, pairs: Any = None) -> DrLIM:
        """Learn the map.

        What is said of the samples is joined: ``pairs`` overrule the labels ``y``, and these the neighbours or the
        ``graph``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features), (n_samples, H, W) or (n_samples, C, H, W)
            Training samples: an array, a memory map, a data frame or the lazy copies of `drlim.orbits`.
        y : array-like, shape (n_samples,), default=None
            Labels: samples of one class are similar, of two classes dissimilar. Of a sample labelled -1 (or None, or
            NaN) nothing is said. A continuous target is left out, with a warning.
        graph : NeighborhoodGraph or sparse matrix, default=None
            What is known to be similar, one row for each sample. A sparse matrix's non-zero entries are similar
            pairs. None declares samples similar to their ``neighbors``.
        pairs : array-like of int, shape (n_pairs, 2), dict or NeighborhoodGraph, default=None
            Similar pairs of sample indices; or a dict of such arrays by "similar", "dissimilar" and "ignored"; or
            what `drlim.pairs` returns, which scikit-learn cuts along with the samples in a search.

        Returns
        -------
        DrLIM
            Itself.

        Raises
        ------
        ValueError, TypeError
            Before any training, when a parameter, ``X`` or what is said of it cannot be used. The estimator then is
            as it was, with the map of an earlier `fit` if there was one.
        DivergenceError
            When training leaves the finite numbers. The estimator keeps the last finite map.

        Warns
        -----
        UserWarning
            When identical samples are declared dissimilar, when ``y`` is continuous, or when Ctrl-C ended the
            training. The map then is usable as it stood.

        Examples
        --------
        Two labels, of which the rest can make use:

        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(40, 3))
        >>> y = np.full(40, -1)
        >>> y[:4] = [0, 0, 1, 1]
        >>> model = DrLIM(max_epochs=5, random_state=0).fit(X, y)
        >>> 1 in model.graph_.neighbors(0), 2 in model.graph_.neighbors(0)
        (True, False)
        """
        with self._all_or_nothing():
            planned = self._fit(X, y, graph, pairs)
        self._warn_if_interrupted(planned)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        graph: Any = None,
        pairs: Any = None,
        anchor: ArrayLike | None = None,
        anchor_weight: float = 1.0,
    ) -> DrLIM:
        """Go on from the present map, with new samples and what is known of them.

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
        check_parameters(
            {"anchor_weight": anchor_weight},
            {"anchor_weight": [real_in(0.0, 1e6, closed="right")]},
            "DrLIM.partial_fit",
        )
        with self._all_or_nothing():
            if self.__sklearn_is_fitted__():
                planned = self._go_on(X, y, graph, pairs, anchor, anchor_weight)
            elif anchor is not None:
                raise ValueError("Expected no 'anchor' before the first fit: there is no map to hold it to.")
            else:
                planned = self._fit(X, y, graph, pairs)
        self._warn_if_interrupted(planned)
        return self

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Give the estimator back as it was if training is refused."""
        before = self.__dict__.copy()
        try:
            yield
        except DivergenceError:
            raise
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _warn_if_interrupted(self, planned: int) -> None:
        if self.stopped_ == "interrupted":
            warn_user(
                f"Training was interrupted after {self.n_iter_} of {planned} epochs; the map is usable as it stood."
            )

    def _fit(self, X: ArrayLike, y: Any, graph: Any, pairs: Any) -> int:
        """Check everything, then train; return the number of epochs at which training would have ended."""
        springs, device, seed = self._check_settings()
        samples = self._check_samples(X, reset=True)
        # Callers may have switched gradients off around a whole pipeline.
        with torch.inference_mode(mode=False), torch.enable_grad(), seeded(seed, device):
            encoder = self._make_encoder(samples).to(device)
            self.graph_ = self._known(samples, self._labels(y, len(samples)), graph, pairs)
            check_trainable(self.graph_)
            if isinstance(samples, np.ndarray):
                warn_of_offset(samples)
                warn_of_twins(samples, self.graph_, springs)
            self.history_: list[dict[str, float]] = []
            self.__dict__.pop("drift_", None)
            return self._train(encoder, samples, self.graph_, springs, seed)

    def _go_on(
        self, X: ArrayLike, y: Any, graph: Any, pairs: Any, anchor: ArrayLike | None, anchor_weight: float
    ) -> int:
        """Check everything, then train on from the present weights."""
        springs, device, seed = self._check_settings()
        samples = everything = self._check_samples(X, reset=False)
        if self.n_components != self.embedding_.shape[1]:
            raise ValueError(
                f"Expected n_components={self.embedding_.shape[1]}, as the present map has. "
                f"Got {self.n_components}: call fit to begin another."
            )
        held, labels = None, self._labels(y, len(samples))
        if anchor is not None:
            old = self._check_samples(anchor, reset=False)
            everything = np.concatenate([samples, old])  # (n + m, ...)
            places = torch.from_numpy(self._embed(old)).to(torch.float32)
            held = Anchor(np.arange(len(samples), len(everything)), places, anchor_weight)
            labels = None if labels is None else [*labels, *[-1] * len(old)]
        with torch.inference_mode(mode=False), torch.enable_grad(), seeded(seed, device):
            described = "'X'" if held is None else "'X' and 'anchor' together"
            known = self._known(everything, labels, graph, pairs, described)
            check_trainable(known)
            encoder = copy.deepcopy(self.encoder_).to(device)
            self.history_ = list(self.history_)
            self.graph_ = known if held is None else known.subgraph(np.arange(len(samples)))
            self.__dict__.pop("drift_", None)
            planned = self._train(encoder, everything, known, springs, seed, held)
        if held is not None:
            moved = torch.from_numpy(self._embed(old)).to(torch.float32) - held.positions  # (m, d)
            self.drift_ = _drift(torch.linalg.vector_norm(moved, dim=1).numpy() / self.margin)
        return planned

    def _check_settings(self) -> tuple[Springs, torch.device, int]:
        """Check the parameters; return those that have to be made."""
        check_parameters(self.get_params(deep=False), self._parameter_constraints, type(self).__name__)
        springs = make_springs(self.margin, self.springs)
        device = pick_device(self.device)
        return springs, device, int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def fit_transform(self, X: ArrayLike, y: Any = None, *, graph: Any = None, pairs: Any = None) -> NDArray[Any]:
        """Learn the map and return it for the training samples: ``fit(X, y, ...).embedding_``."""
        return self.fit(X, y, graph=graph, pairs=pairs).embedding_

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Map samples, seen before or not.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of the shape trained on.

        Returns
        -------
        ndarray, shape (n_samples, n_components)
            Computed and returned in the dtype of ``X`` where that is float32 or float64; in float32 for smaller
            types (images of uint8) and in float64 for larger integers.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            When there is no map yet, or ``X`` is not like the training samples.
        """
        check_is_fitted(self)
        return self._embed(self._check_samples(X, reset=False))

    def score(self, X: ArrayLike, y: Any = None, *, graph: Any = None, pairs: Any = None) -> float:
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
        check_parameters(self.get_params(deep=False), self._parameter_constraints, type(self).__name__)
        samples = self._check_samples(X, reset=False)
        known = self._known(samples, self._labels(y, len(samples)), graph, pairs)
        check_trainable(known)
        balance = balanced(known, self.dissimilar_weight)
        springs = make_springs(self.margin, self.springs)
        energy = graph_energy(torch.from_numpy(self._embed(samples)).double(), known, springs)
        return -(balance.similar * energy.similar + balance.dissimilar * energy.dissimilar)

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> Any:
        """Return X as float32 or float64 of shape (n, ...): the one entry for samples."""
        small = getattr(X, "dtype", None) in _EXACT_IN_FLOAT32
        dtype: Any = np.float32 if small else [np.float64, np.float32]
        minimum = 2 if reset else 1
        samples: Any
        refuse_masked(X, "X", "fill the gaps, X.filled(...), or drop those samples")
        if isinstance(X, LazyCopies):
            samples = X  # checked when they were declared, and again as they are made
        elif getattr(X, "ndim", 2) <= 2:
            with brief_errors():
                samples = validate_data(self, X, dtype=dtype, reset=reset, ensure_min_samples=minimum)
        else:
            samples = check_points(X, name="X", min_samples=minimum, ndim=None, dtype=dtype)
            if reset and hasattr(self, "feature_names_in_"):
                del self.feature_names_in_  # of an earlier table
        if reset:
            self.input_shape_ = samples.shape[1:]
            self.n_features_in_ = math.prod(self.input_shape_)
        elif samples.shape[1:] != self.input_shape_:
            raise ValueError(
                f"Expected 'X' to hold samples of shape {self.input_shape_}, as DrLIM was fitted on. "
                f"Got {short_repr(samples)}."
            )
        is_array = isinstance(samples, np.ndarray)
        if is_array and samples.size and float(max(samples.max(), -samples.min())) > _LARGEST:
            raise ValueError(f"Expected 'X' to hold values up to {_LARGEST:.0e} in size: rescale it. Got larger ones.")
        return samples

    def _labels(self, y: Any, n_samples: int) -> list[Any] | None:
        """Return what ``y`` says of the samples, if anything."""
        if isinstance(y, NeighborhoodGraph) or sparse.issparse(y):
            raise TypeError("A graph was given as 'y', which is for labels. Pass it by name: fit(X, graph=graph).")
        return None if y is None else check_targets(y, n_samples)

    def _known(
        self, samples: Any, labels: list[Any] | None, graph: Any, pairs: Any, described: str = "'X'"
    ) -> NeighborhoodGraph:
        """Return all that is said of the samples, as one graph."""
        known = self._neighbors_graph(samples) if graph is None else as_graph(graph, len(samples), described)
        if labels is not None:
            known = with_labels(known, labels)
        if pairs is None:
            return known
        is_routed = get_config()["enable_metadata_routing"] and self.get_metadata_routing().fit.requests.get("pairs")
        if is_routed and not isinstance(pairs, NeighborhoodGraph):
            raise TypeError(
                "Expected 'pairs' as a graph where scikit-learn routes them: it cannot cut index pairs along with the "
                "samples. Give drlim.pairs(n_samples, similar=..., dissimilar=...)."
            )
        return with_pairs(known, pairs)

    def _neighbors_graph(self, samples: Any) -> NeighborhoodGraph:
        """Find the neighbours, in the way that ``neighbors`` says."""
        if not isinstance(samples, np.ndarray):
            raise TypeError(
                "Expected 'graph' with lazy copies, in which nearest neighbours are not looked for: "
                "pass the graph of the orbits, fit(copies.X, graph=copies.graph)."
            )
        if self.neighbors is not None:
            return neighbors_graph(self.neighbors, samples)
        if self.n_neighbors >= len(samples):
            raise ValueError(
                f"Expected n_neighbors < n_samples, but n_neighbors = {self.n_neighbors} and "
                f"n_samples = {len(samples)}: give more samples or fewer neighbours."
            )
        return knn_graph(samples, self.n_neighbors)

    def _make_encoder(self, samples: NDArray[Any]) -> nn.Module:
        """Build or copy the encoder, and try it on two samples."""
        if isinstance(self.encoder, str):
            encoder: nn.Module = make_encoder(self.encoder, self.input_shape_, self.n_components).float()
        elif isinstance(self.encoder, nn.Module):
            encoder = copy.deepcopy(self.encoder).float()
        else:
            encoder = self.encoder(self.input_shape_, self.n_components)
            if not isinstance(encoder, nn.Module):
                raise TypeError(
                    "The 'encoder' parameter of DrLIM must return a torch.nn.Module when called with (input_shape, "
                    f"n_components). Got {short_repr(encoder)} instead."
                )
            if encoder is getattr(self, "encoder_", None):
                raise ValueError(
                    "The 'encoder' parameter of DrLIM must return a new module at each call, not the old one."
                )
            encoder = encoder.float()
        for module in encoder.children():
            if isinstance(module, Standardize) and isinstance(self.encoder, str):
                module.fit(samples)
        try_encoder(encoder, samples, self.n_components)
        return encoder

    def _train(
        self,
        encoder: nn.Module,
        samples: Any,
        graph: NeighborhoodGraph,
        springs: Springs,
        seed: int,
        anchor: Anchor | None = None,
    ) -> int:
        """Train, and keep whatever finite map comes of it."""
        rows, graph = self._rows(samples, graph, next(encoder.parameters()).device, seed)
        settings = self._settings(len(rows), encoder)
        epochs_before = len(self.history_)
        self.encoder_ = encoder
        with epoch_bar(settings.max_epochs, self.verbose) as advance:

            def on_epoch(record: dict[str, float]) -> None:
                self.history_.append({**record, "epoch": epochs_before + record["epoch"]})
                advance(record)

            try:
                self.stopped_: str = train(
                    encoder, rows, graph, springs, settings, seed=seed, anchor=anchor, on_epoch=on_epoch
                ).stopped
            except DivergenceError:
                self.stopped_ = "diverged"
                self._keep(samples)
                raise
        self._keep(samples)
        return epochs_before + settings.max_epochs

    def _rows(
        self, samples: Any, graph: NeighborhoodGraph, device: torch.device, seed: int
    ) -> tuple[Rows, NeighborhoodGraph]:
        """Return what training reads, fresh copies included, and what is known of it."""
        if self.orbit is None:
            return Rows(samples, device, torch.float32), graph
        if not isinstance(samples, np.ndarray):
            raise TypeError("Expected 'X' to be an array where 'orbit' makes copies of it. Got lazy copies.")
        rows = FreshCopies(samples, device, torch.float32, self.orbit, seed)
        try_orbit(rows)
        return rows, with_copies(graph, np.tile(np.arange(len(samples)), rows.n_copies))

    def _keep(self, samples: Any) -> None:
        self.n_iter_ = len(self.history_)
        self._n_features_out = self.n_components
        n_samples = self.graph_.n_samples  # anchors come after them
        self.embedding_ = self._embed(samples if n_samples == len(samples) else samples[:n_samples])

    def _settings(self, n_samples: int, encoder: nn.Module) -> Settings:
        """Resolve every "auto"."""
        is_lbfgs = self._takes_lbfgs(n_samples, encoder)
        batch_size: Any = self.batch_size
        if batch_size == "auto":
            batch_size = "all" if is_lbfgs else (150 if self.interactions == "all" else 250)
        batch_size = None if batch_size == "all" or batch_size >= n_samples else int(batch_size)
        if is_lbfgs and batch_size is not None:
            raise ValueError(
                f"optimizer='lbfgs' steps on all samples: set batch_size='all'. Got batch_size={batch_size}."
            )
        steps = 1 if batch_size is None else math.ceil(n_samples / batch_size)
        auto_epochs = min(500, max(20, math.ceil(_AUTO_STEPS / steps)))
        return Settings(
            optimizer="lbfgs" if is_lbfgs else "adam",
            learning_rate=(1.0 if is_lbfgs else 2e-3) if self.learning_rate == "auto" else float(self.learning_rate),
            batch_size=batch_size,
            interactions="all" if self.interactions == "all" else "batch",
            max_epochs=auto_epochs if self.max_epochs == "auto" else int(self.max_epochs),
            tol=self.tol,
            dissimilar_weight=self.dissimilar_weight,
        )

    def _takes_lbfgs(self, n_samples: int, encoder: nn.Module) -> bool:
        """Whether to train by L-BFGS: chosen by itself where it is surely the faster and nothing is set for Adam."""
        if self.optimizer != "auto":
            return self.optimizer == "lbfgs"
        is_dense = isinstance(self.encoder, str) and not any(isinstance(part, nn.Conv2d) for part in encoder.modules())
        nothing_set = self.batch_size == self.learning_rate == "auto" and self.interactions == "all"
        return n_samples <= _FEW_SAMPLES and is_dense and nothing_set and self.orbit is None

    def _embed(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Map checked samples, in their dtype."""
        dtype = torch.float64 if samples.dtype == np.float64 else torch.float32
        device = next(self.encoder_.parameters()).device
        embedding: NDArray[Any] = embed(self.encoder_, Rows(samples, device, dtype)).cpu().numpy()
        if not np.isfinite(embedding).all():
            raise ValueError(
                "The encoder maps some of the samples in 'X' to values that are not finite: they lie too far from "
                "those it was trained on. Rescale or drop them."
            )
        return embedding

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedding_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _drift(distance: NDArray[Any]) -> dict[float, float]:
    """Return quantiles of how far samples have moved."""
    return {share: float(np.quantile(distance, share)) for share in (0.5, 0.9, 0.99, 1.0)}


_EXACT_IN_FLOAT32 = tuple(np.dtype(name) for name in ("bool", "int8", "uint8", "int16", "uint16", "float16"))
"""Types every value of which float32 holds exactly."""
