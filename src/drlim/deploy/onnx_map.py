"""Export a fitted map to an ONNX file: trace, describe, verify, and only then write."""

from __future__ import annotations

import copy
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.checks import check_points, short_repr
from drlim._base.disk import atomic_write, check_target
from drlim._base.torch import Rows
from drlim.deploy.onnx_file import KEY, ONNX_FORMAT, Relations, TensorRecord, description_text, sealed_onnx
from drlim.deploy.steps import steps_module
from drlim.deploy.tracing import require_onnx, traced
from drlim.deploy.verifying import BATCHES, Verified, rows_like, rows_of_encoder, verify
from drlim.encoders.embedding import embed_rows
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.graph.statements import KINDS
from drlim.graph.stored import arrays_of
from drlim.persistence.saving import describe_model

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.estimators import DrLIM, NeighborMap
    from drlim.graph import NeighborhoodGraph

__all__ = ["export"]


class _Parts(NamedTuple):
    """What is exported: the map, the steps before it, and the shape of a sample."""

    estimator: DrLIM | NeighborMap
    pipeline: Pipeline | None
    shape: tuple[int, ...]


class _Map(nn.Module):
    """Steps before a map, and the map: positions (n, d), and of a `NeighborMap` the confidence (n,)."""

    def __init__(self, steps: nn.Module | None, encoder: nn.Module) -> None:
        super().__init__()
        self.steps = steps
        self.encoder = encoder

    def forward(self, X: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Map (n, ...) to the outputs."""
        x = X if self.steps is None else self.steps(X.double()).to(X.dtype)
        if isinstance(self.encoder, PlaceEncoder):
            return self.encoder.head.locate(self.encoder.probabilities(x))
        positions: Tensor = self.encoder(x)
        return positions


def export(
    model: DrLIM | NeighborMap | Pipeline, path: str | os.PathLike[str], *, X: ArrayLike | None = None
) -> Verified:
    """Write a fitted map to an ONNX file, which servers, browsers and programs in other languages run.

    The file has one input, ``X``, float32 of shape (n, ...), any number n of raw samples: preprocessing is inside. Its
    output ``Z``, float32 of shape (n, n_components), has the positions; that of a `NeighborMap` has ``confidence``,
    too, float32 of shape (n,). Under the key "drlim" of its metadata is a description as JSON: parameters, version,
    digest of the relations, checksum. `drlim.deploy.read_description` reads it.

    Parameters
    ----------
    model : DrLIM, NeighborMap or sklearn.pipeline.Pipeline
        A fitted estimator, its encoder a built-in one or a module of your own that torch can export; or a fitted
        pipeline with such an estimator at its end. Steps before it may be StandardScaler, MinMaxScaler, MaxAbsScaler,
        RobustScaler, Normalizer, PCA, TruncatedSVD, SimpleImputer, OneHotEncoder of numbers, selections of columns,
        ColumnTransformer and pipelines of these. They compute in float64.
    path : str or path-like
        File to write, by custom ``*.onnx``. Its folder must exist. The path holds the old file or the new one, whole.
    X : array-like, shape (n_samples, ...), default=None
        Samples to verify the file on, best those of the training. A pipeline needs them. Without, rows are made from
        what the encoder keeps of the training samples: their mean and deviation, and the samples at the ends of each
        principal component.

    Returns
    -------
    Verified
        Number of rows that were compared, and the largest difference from `transform`.

    Raises
    ------
    ImportError
        When onnx, onnxscript or onnxruntime is missing: the extra ``onnx``.
    NotFittedError, TypeError
        When ``model`` is not fitted or of another kind, or a step before it cannot be exported.
    ValueError
        When torch cannot export the encoder, or when the file differs from `transform` by more than 1e-5 of the size
        of the map: on rows with the extremes of each column and on random rows, in batches of 1, 3 and 100. No file is
        written then.
    OSError
        When the system cannot write.

    Notes
    -----
    A ``NeighborMap`` jumps from one mode to another where two are equally high. Rows that lie there within rounding may
    go either way; they are counted, and not compared. `drlim.runtime` needs no export: it reads the file of `save`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import onnxruntime  # doctest: +SKIP
    >>> from drlim import DrLIM, datasets, export
    >>> X = datasets.digits().X_train[:100]
    >>> model = DrLIM(encoder="linear", max_epochs=5, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     export(model, Path(folder) / "map.onnx", X=X).largest_difference < 1e-5
    ...     session = onnxruntime.InferenceSession(Path(folder) / "map.onnx")
    True
    >>> session.run(["Z"], {"X": X.astype("float32")})[0].shape  # doctest: +SKIP
    (100, 2)
    """
    parts = _parts(model)
    require_onnx()
    check_target(path)
    steps = None if parts.pipeline is None else steps_module(parts.pipeline)
    encoder = copy.deepcopy(parts.estimator.encoder_).cpu().float()
    rows = _rows(parts, encoder, X)
    whole = _Map(steps, encoder).eval()
    outputs = ["Z", "confidence"] if isinstance(encoder, PlaceEncoder) else ["Z"]
    proto = traced(whole, rows[:2], outputs)

    def place(samples: Array) -> Array:
        dtype = torch.float64 if samples.dtype == np.float64 else torch.float32
        return embed_rows(_SideBySide(encoder), Rows(samples, torch.device("cpu"), dtype)).numpy()

    samples = rows if parts.pipeline is None else _before(parts.pipeline, rows.astype(np.float64))
    size = max(1.0, float(np.abs(parts.estimator.embedding_).max()))
    verified = verify(proto.SerializeToString(), rows, samples, place, size)
    described = proto.metadata_props.add()
    described.key, described.value = KEY, _description(parts, outputs, verified)
    proto.doc_string = "A map by drlim: samples X (n, ...) to positions Z (n, d)."
    atomic_write(path, sealed_onnx(proto.SerializeToString(deterministic=True)))
    return verified


def _parts(model: object) -> _Parts:
    """Return what is to be exported, or refuse it."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    from drlim.estimators import DrLIM, NeighborMap

    last = model.steps[-1][1] if isinstance(model, Pipeline) and model.steps else model
    if not isinstance(last, DrLIM | NeighborMap):
        raise TypeError(
            "The 'model' parameter of export must be a DrLIM, a NeighborMap, or a pipeline that ends with one. Got "
            f"{short_repr(model)} instead."
        )
    check_is_fitted(last)
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        return _Parts(last, model, (model.n_features_in_,))
    return _Parts(last, None, last.input_shape_)


def _rows(parts: _Parts, encoder: nn.Module, X: ArrayLike | None) -> Array:
    """Return rows to trace and to verify on, float32 (m, ...)."""
    if X is None and parts.pipeline is not None:
        raise ValueError(
            "Expected 'X' with a pipeline, whose steps do not tell what samples look like. Give the training samples: "
            "export(pipeline, path, X=X)."
        )
    if X is None:
        positive = parts.estimator.get_params(deep=False).get("metric") == "precomputed"
        return rows_of_encoder(encoder, parts.shape, positive=positive)
    # A pipeline may begin with an imputer, which takes NaN.
    samples = np.asarray(X, dtype=np.float64) if parts.pipeline else check_points(X, name="X", ndim=None)
    if samples.shape[1:] != parts.shape or not len(samples):
        raise ValueError(f"Expected 'X' to hold samples of shape {parts.shape}. Got {short_repr(samples)}.")
    return rows_like(samples.astype(np.float32))


class _SideBySide(nn.Module):
    """The outputs of an encoder side by side, (n, d + c)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.whole = _Map(None, encoder)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, ...) to (n, d + c)."""
        found = self.whole(x)
        return found if isinstance(found, Tensor) else torch.cat([found[0], found[1][:, None]], dim=1)  # (n, d + 1)


def _before(pipeline: Pipeline, rows: Array) -> Array:
    """Return what the steps before the map make of rows."""
    made = pipeline[:-1].transform(_table(rows, getattr(pipeline, "feature_names_in_", None)))
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _table(rows: Array, names: Array | None) -> object:
    """Return rows as a data frame where a pipeline was fitted on one: it may choose columns by their names."""
    if names is None:
        return rows
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Exporting a pipeline that knows its columns by name needs pandas, which is not installed: pip install "
            "pandas"
        ) from error
    return pd.DataFrame(rows, columns=names)


def _description(parts: _Parts, outputs: list[str], verified: Verified) -> str:
    """Return the description of a file as JSON."""
    metadata = describe_model(parts.estimator)
    n_components = metadata["architecture"]["n_components"]
    shapes: dict[str, list[int | str]] = {"Z": ["n", n_components], "confidence": ["n"]}
    names = getattr(parts.pipeline or parts.estimator, "feature_names_in_", None)
    return description_text(
        {
            "onnx_format": ONNX_FORMAT,
            "drlim_version": metadata["drlim_version"],
            "estimator": type(parts.estimator).__name__,
            "steps": [] if parts.pipeline is None else [type(step).__name__ for _, step in parts.pipeline.steps[:-1]],
            "inputs": {"X": TensorRecord(dtype="float32", shape=["n", *map(int, parts.shape)])},
            "outputs": {name: TensorRecord(dtype="float32", shape=shapes[name]) for name in outputs},
            "feature_names": None if names is None else [str(name) for name in names],
            "parameters": metadata["parameters"],
            "architecture": metadata["architecture"],
            "relations": _relations(parts.estimator.graph_),
            "verified": {"batches": list(BATCHES), **verified._asdict()},
        }
    )


def _relations(graph: NeighborhoodGraph) -> Relations:
    """Return the numbers of a graph, and a digest of its arrays."""
    digest = hashlib.sha256()
    arrays = arrays_of({kind: getattr(graph, f"stated_{kind}") for kind in KINDS}, graph.rest)
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape} ".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return {
        "n_samples": graph.n_samples,
        "similar": graph.n_similar,
        "dissimilar": graph.n_dissimilar,
        "ignored": graph.n_ignored,
        "digest": digest.hexdigest(),
    }
