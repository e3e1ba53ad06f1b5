"""`DrLIM`: the method as a scikit-learn transformer. The only file that knows scikit-learn's conventions."""

from __future__ import annotations

import copy
import math
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn

from drlim._checks import StrOptions, brief_errors, check_parameters, check_points, integer_in, real_in, short_repr
from drlim._progress import epoch_bar
from drlim._torch import Rows, pick_device, seeded
from drlim.encoders import ENCODERS, Standardize, embed, make_encoder
from drlim.forces import balanced, graph_energy
from drlim.graph import NeighborhoodGraph
from drlim.neighbors import knn_graph
from drlim.springs import Springs, make_springs
from drlim.training import DivergenceError, Settings, train

__all__ = ["DrLIM"]

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
    margin : float, default=1.0
        The paper's m, in (0, inf): dissimilar samples nearer than this repel. It sets the unit of length of the
        map; the paper names no value.
    dissimilar_weight : float, default=1.0
        Balance of the two means, in (0, inf). More spreads the map, less tightens what is similar. The same weight
        serves any number of samples; see `drlim.forces.balanced`.
    springs : None, Springs or pair of callables, default=None
        None is the exact loss above. A pair ``(L_S, L_D)`` of functions of a tensor of distances is the paper's
        general loss (equation 3), and ``margin`` is not used; see `drlim.springs.make_springs`.
    optimizer : {"adam", "lbfgs"}, default="adam"
        L-BFGS steps on all samples at once; it suits small networks and few samples.
    learning_rate : float or "auto", default="auto"
        Learning rate, in (0, inf); "auto" is 0.002 for Adam and 1 for L-BFGS.
    batch_size : int, "auto" or "all", default="auto"
        Samples a step, in [2, inf); "all" steps on the exact objective. "auto" is 250 for Adam, all for L-BFGS.
    interactions : {"all", "batch"}, default="all"
        Whether a batch feels all samples, those outside it where they were last seen, or only its own.
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
        "margin": [real_in(0.0)],
        "dissimilar_weight": [real_in(0.0)],
        "springs": [None, Springs, tuple],
        "optimizer": [StrOptions({"adam", "lbfgs"})],
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
        margin: float = 1.0,
        dissimilar_weight: float = 1.0,
        springs: Any = None,
        optimizer: str = "adam",
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

    def fit(self, X: ArrayLike, y: object = None, *, graph: Any = None) -> DrLIM:
        """Learn the map.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features), (n_samples, H, W) or (n_samples, C, H, W)
            Training samples: an array, a memory map or a data frame.
        y : Ignored
            Present by scikit-learn's convention.
        graph : NeighborhoodGraph or sparse matrix, default=None
            What is known to be similar, one row for each sample. A sparse matrix's non-zero entries are similar
            pairs. None declares each sample similar to its ``n_neighbors`` nearest.

        Returns
        -------
        DrLIM
            Itself.

        Raises
        ------
        ValueError, TypeError
            Before any training, when a parameter, ``X`` or ``graph`` cannot be used. The estimator then is as it was,
            with the map of an earlier `fit` if there was one.
        DivergenceError
            When training leaves the finite numbers. The estimator keeps the last finite map.

        Warns
        -----
        UserWarning
            When identical samples are declared dissimilar, or when Ctrl-C ended the training. The map then is
            usable as it stood.
        """
        if isinstance(y, NeighborhoodGraph) or sparse.issparse(y):
            raise TypeError("A graph was given as 'y', which is ignored. Pass it by name: fit(X, graph=graph).")
        before = self.__dict__.copy()
        try:
            self._fit(X, graph)
        except DivergenceError:
            raise
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        if self.stopped_ == "interrupted":
            planned = self._settings(len(self.embedding_)).max_epochs
            warnings.warn(
                f"Training was interrupted after {self.n_iter_} of {planned} epochs; the map is usable as it stood.",
                stacklevel=2,
            )
        return self

    def _fit(self, X: ArrayLike, graph: Any) -> None:
        """Check everything, then train."""
        check_parameters(self.get_params(deep=False), self._parameter_constraints, type(self).__name__)
        springs = make_springs(self.margin, self.springs)
        device = pick_device(self.device)
        samples = self._check_samples(X, reset=True)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        # Callers may have switched gradients off around a whole pipeline.
        with torch.inference_mode(mode=False), torch.enable_grad(), seeded(seed, device):
            encoder = self._make_encoder(samples).to(device)
            self.graph_ = self._check_graph(graph, samples)
            _warn_of_offset(samples)
            _warn_of_twins(samples, self.graph_, springs)
            self._train(encoder, samples, springs, seed)

    def fit_transform(self, X: ArrayLike, y: object = None, *, graph: Any = None) -> NDArray[Any]:
        """Learn the map and return it for the training samples: ``fit(X, graph=graph).embedding_``."""
        return self.fit(X, y, graph=graph).embedding_

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

    def score(self, X: ArrayLike, y: object = None, *, graph: Any = None) -> float:
        """Return minus the exact objective on samples, over all their pairs: higher is better.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples, best held out.
        y : Ignored
            Present by scikit-learn's convention.
        graph : NeighborhoodGraph or sparse matrix, default=None
            What is known of them; None takes their nearest neighbours, as `fit` does.

        Returns
        -------
        float
            In units of ``margin`` squared: compare estimators of one margin and one ``dissimilar_weight`` only.
        """
        check_is_fitted(self)
        samples = self._check_samples(X, reset=False)
        known = self._check_graph(graph, samples)
        balance = balanced(known, self.dissimilar_weight)
        springs = make_springs(self.margin, self.springs)
        energy = graph_energy(torch.from_numpy(self._embed(samples)), known, springs)
        return -(balance.similar * energy.similar + balance.dissimilar * energy.dissimilar)

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> NDArray[Any]:
        """Return X as float32 or float64 of shape (n, ...): the one entry for samples."""
        small = getattr(X, "dtype", None) in _EXACT_IN_FLOAT32
        dtype: Any = np.float32 if small else [np.float64, np.float32]
        minimum = 2 if reset else 1
        samples: NDArray[Any]
        if getattr(X, "ndim", 2) <= 2:
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
        if samples.size and float(max(samples.max(), -samples.min())) > _LARGEST:
            raise ValueError(f"Expected 'X' to hold values up to {_LARGEST:.0e} in size: rescale it. Got larger ones.")
        return samples

    def _check_graph(self, graph: Any, samples: NDArray[Any]) -> NeighborhoodGraph:
        """Return the relations among the samples; refuse what cannot train."""
        if graph is None:
            if self.n_neighbors >= len(samples):
                raise ValueError(
                    f"Expected n_neighbors < n_samples, but n_neighbors = {self.n_neighbors} and "
                    f"n_samples = {len(samples)}: give more samples or fewer neighbours."
                )
            graph = knn_graph(samples, self.n_neighbors)
        elif sparse.issparse(graph):
            graph = NeighborhoodGraph.from_csr(graph)
        elif not isinstance(graph, NeighborhoodGraph):
            raise TypeError(
                "The 'graph' parameter must be a NeighborhoodGraph, a sparse matrix or None; "
                f"NeighborhoodGraph.from_pairs takes index pairs. Got {short_repr(graph)} instead."
            )
        if graph.n_samples != len(samples):
            raise ValueError(
                f"Expected 'graph' to have as many samples as 'X'. Got {graph.n_samples} and {len(samples)}."
            )
        if graph.n_similar == 0:
            raise ValueError("Expected 'graph' to have similar pairs. Got none: there is nothing to learn from.")
        if graph.n_dissimilar == 0:
            raise ValueError(
                "Expected 'graph' to have dissimilar pairs. Got none: without repulsion the map collapses to a "
                "point. Declare fewer pairs similar (a smaller 'n_neighbors'), or give more samples."
            )
        known: NeighborhoodGraph = graph
        return known

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
        _try_encoder(encoder, samples, self.n_components)
        return encoder

    def _train(self, encoder: nn.Module, samples: NDArray[Any], springs: Springs, seed: int) -> None:
        """Train, and keep whatever finite map comes of it."""
        settings = self._settings(len(samples))
        rows = Rows(samples, next(encoder.parameters()).device, torch.float32)
        self.history_: list[dict[str, float]] = []
        self.encoder_ = encoder
        with epoch_bar(settings.max_epochs, self.verbose) as advance:

            def on_epoch(record: dict[str, float]) -> None:
                self.history_.append(record)
                advance(record)

            try:
                self.stopped_: str = train(
                    encoder, rows, self.graph_, springs, settings, seed=seed, on_epoch=on_epoch
                ).stopped
            except DivergenceError:
                self.stopped_ = "diverged"
                self._keep(samples)
                raise
        self._keep(samples)

    def _keep(self, samples: NDArray[Any]) -> None:
        self.n_iter_ = len(self.history_)
        self._n_features_out = self.n_components
        self.embedding_ = self._embed(samples)

    def _settings(self, n_samples: int) -> Settings:
        """Resolve every "auto"."""
        is_lbfgs = self.optimizer == "lbfgs"
        batch_size: Any = self.batch_size
        if batch_size == "auto":
            batch_size = "all" if is_lbfgs else 250
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

    def _embed(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Map checked samples, in their dtype."""
        dtype = torch.float32 if samples.dtype == np.float32 else torch.float64
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


_EXACT_IN_FLOAT32 = tuple(np.dtype(name) for name in ("bool", "int8", "uint8", "int16", "uint16", "float16"))
"""Types every value of which float32 holds exactly."""


def _try_encoder(encoder: nn.Module, samples: NDArray[Any], n_components: int) -> None:
    """Refuse an encoder that does not map two samples to two points, or cannot be trained."""
    wanted = f"The 'encoder' parameter of DrLIM must map (2, ...) samples to shape (2, {n_components})"
    cpu = torch.device("cpu")
    kinds = [torch.float32] if samples.dtype == np.float32 else [torch.float32, torch.float64]
    for kind in kinds:
        try:
            output = embed(encoder.cpu(), Rows(samples[:2], cpu, kind))
        except Exception as error:  # whatever a user's module raises
            name = str(kind).removeprefix("torch.")
            hint = " Give X as float32, or let the module take float64." if kind == torch.float64 else ""
            raise ValueError(
                f"{wanted}. On {name} samples of shape {samples.shape[1:]} it fails: {_reason(error)}.{hint}"
            ) from error
        if output.shape != (2, n_components):
            raise ValueError(f"{wanted}, n_components = {n_components}. It gives {tuple(output.shape)}.")
        if not bool(torch.isfinite(output).all()):
            raise ValueError(f"{wanted}, of finite numbers. It gives {output.tolist()} for the first two samples.")
    _try_gradient(encoder, Rows(samples[:2], cpu, torch.float32))


def _try_gradient(encoder: nn.Module, two: Rows) -> None:
    """Refuse an encoder without weights to train, or whose output does not depend on them."""
    if not any(weight.requires_grad for weight in encoder.parameters()):
        raise ValueError(
            "The 'encoder' parameter of DrLIM must have weights to train. It has none that require a gradient."
        )
    encoder.eval()  # one pass in training mode would move the statistics of a batch normalisation
    output = encoder(two.take(slice(None)))
    if not (output.is_floating_point() and output.requires_grad):
        raise ValueError(
            "The 'encoder' parameter of DrLIM must give floating-point outputs that depend on its weights through "
            "operations with a gradient. Look for .detach(), .long() or torch.no_grad() in its forward."
        )


def _reason(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200].rstrip(".")


def _warn_of_offset(samples: NDArray[Any]) -> None:
    """Warn where the samples lie so far from zero that float32, in which encoders train, blurs them."""
    spread = float(samples.std(dtype=np.float64)) if samples.ndim > 2 else float(np.sqrt(samples.var(axis=0).mean()))
    farthest = float(np.abs(samples.mean(axis=0, dtype=np.float64)).max())
    if spread > 0 and farthest > 1e5 * spread:
        warnings.warn(
            f"The samples in 'X' lie {farthest / spread:.0e} times their spread away from zero. Training in float32 "
            "then blurs them: subtract the mean first, for example with sklearn.preprocessing.StandardScaler.",
            stacklevel=4,
        )


def _warn_of_twins(samples: NDArray[Any], graph: NeighborhoodGraph, springs: Springs) -> None:
    """Warn of identical samples declared dissimilar: a function of the sample can never part them."""
    keys = np.fromiter((hash(row.tobytes()) for row in samples), dtype=np.int64, count=len(samples))

    def twins(pairs: NDArray[np.int64]) -> int:
        return int(np.count_nonzero(keys[pairs[:, 0]] == keys[pairs[:, 1]]))

    if graph.dissimilar is not None:
        count = twins(graph.dissimilar.pairs())
    else:
        count = sum(number * (number - 1) // 2 for number in Counter(keys.tolist()).values() if number > 1)
        if count == 0:
            return
        count -= sum(twins(listed.pairs()) for listed in (graph.similar, graph.ignored) if listed is not None)
    if count:
        floor = float(springs.dissimilar.energy(torch.zeros(1, dtype=torch.float64))[0])
        warnings.warn(
            f"{count} pairs of identical samples are declared dissimilar. No map can part them: each adds at least "
            f"{floor:.4g} to the sum of energies. Declare them similar, or drop the copies.",
            stacklevel=4,
        )
