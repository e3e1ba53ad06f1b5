"""Export a fitted map to an ONNX file: trace, verify, describe, and only then write.

Importing this module does not import torch, which takes seconds.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from drlim._base.disk import atomic_write, check_target
from drlim.deploy.onnx_file import (
    BATCHES,
    KEY,
    ONNX_FORMAT,
    CodedColumn,
    Relations,
    TensorRecord,
    Verified,
    description_text,
    sealed_onnx,
)

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.deploy.parts import Parts
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.graph import NeighborhoodGraph

__all__ = ["export"]


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
    from drlim.deploy.parts import Whole, checked_parts, encoder_of, places, rows_to_map, samples_of
    from drlim.deploy.tracing import require_onnx, traced
    from drlim.deploy.verifying import verify
    from drlim.encoders.scaled import network_and_unit

    parts = checked_parts(model)
    require_onnx()
    check_target(path)
    encoder = encoder_of(parts)
    whole = Whole(parts, encoder).eval()
    rows = rows_to_map(parts, encoder, X)
    proto = traced(whole, rows[:2], whole.outputs)
    size = max(network_and_unit(encoder)[1], float(abs(parts.estimator.embedding_).max()))
    verified = verify(proto.SerializeToString(), rows, samples_of(parts, rows), places(encoder), size)
    described = proto.metadata_props.add()
    described.key, described.value = KEY, _description(parts, whole.outputs, verified)
    proto.doc_string = "A map by drlim: samples X (n, ...) to positions Z (n, d)."
    atomic_write(path, sealed_onnx(proto.SerializeToString(deterministic=True)))
    return verified


def _description(parts: Parts, outputs: list[str], verified: Verified) -> str:
    """Return the description of a file as JSON."""
    from drlim.deploy.tabled import coded_columns
    from drlim.persistence.saving import describe_model

    metadata = describe_model(parts.estimator)
    n_components = metadata["architecture"]["n_components"]
    shapes: dict[str, list[int | str]] = {"Z": ["n", n_components], "confidence": ["n"]}
    columns = [] if parts.table is None else coded_columns(parts.table)
    return description_text(
        {
            "onnx_format": ONNX_FORMAT,
            "drlim_version": metadata["drlim_version"],
            "estimator": type(parts.estimator).__name__,
            "steps": [] if parts.pipeline is None else [type(step).__name__ for _, step in parts.pipeline.steps[:-1]],
            "inputs": {"X": TensorRecord(dtype="float32", shape=["n", *map(int, parts.shape)])},
            "outputs": {name: TensorRecord(dtype="float32", shape=shapes[name]) for name in outputs},
            "feature_names": _names_of(parts, columns),
            **({"columns": columns} if columns else {}),
            "parameters": metadata["parameters"],
            "architecture": metadata["architecture"],
            "relations": _relations(parts.estimator.graph_),
            "verified": {"batches": list(BATCHES), **verified._asdict()},
        }
    )


def _names_of(parts: Parts, columns: list[CodedColumn]) -> list[str] | None:
    """Return the names of the columns of the input, if they have names."""
    if columns:
        return [column["name"] for column in columns]
    names = getattr(parts.pipeline or parts.estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _relations(graph: NeighborhoodGraph) -> Relations:
    """Return the numbers of a graph, and a digest of its arrays."""
    from drlim.graph.statements import KINDS
    from drlim.graph.stored import arrays_of

    digest = hashlib.sha256()
    arrays = arrays_of({kind: getattr(graph, f"stated_{kind}") for kind in KINDS}, graph.rest)
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape} ".encode())
        digest.update(arrays[name].tobytes())
    return {
        "n_samples": graph.n_samples,
        "similar": graph.n_similar,
        "dissimilar": graph.n_dissimilar,
        "ignored": graph.n_ignored,
        "digest": digest.hexdigest(),
    }
