"""Describe a model file without building the model."""

from __future__ import annotations

import math
import os
from typing import NotRequired, TypedDict

from drlim._base.certificates import CertificateRecord
from drlim.persistence.before import StepRecord, said_of
from drlim.persistence.places_schema import PlacesRecord
from drlim.persistence.schema import (
    EMBEDDING,
    GRAPH,
    LATER_PARAMETERS,
    REFERENCE,
    WEIGHTS,
    Architecture,
    EstimatorName,
    ModelFile,
    Training,
    Value,
    estimator_of,
    read_model_file,
)
from drlim.persistence.space_record import said_of_space

__all__ = ["Summary", "read_summary"]

_KINDS = ("similar", "dissimilar", "ignored")
"""Kinds of pair. Their home is `drlim.graph`, which imports scipy; a file is described without it."""


class ArchitectureSummary(Architecture):
    """The encoder, with its number of weights."""

    n_weights: int


class SampleSummary(TypedDict):
    """The training samples: how many, of how many values, with which names, and how many listed pairs of each kind.

    The values are those that the map takes, the names those of the columns given: a step before it may make more.

    ``n_kept`` of them are in the file, for ``novelty``. Labels state pairs of the kinds ``by_labels`` without a list.
    """

    n_samples: int
    n_kept: int
    n_features: int
    feature_names: list[str] | None
    pairs: dict[str, int | None]
    by_labels: list[str]


class PlacesSummary(TypedDict):
    """The places of a `NeighborMap`: how many, share of each retrieval, number of samples that they store."""

    n_places: int
    shares: list[float]
    n_stored: int


class TrainingSummary(TypedDict):
    """The training: number of epochs, why it ended, and what it lowered, in the first and in the last epoch.

    A `DrLIM` has the mean energy per pair, a `NeighborMap` the mean cross-entropy per sample.
    """

    epochs: int
    stopped: str | None
    energy_first: NotRequired[float | None]
    energy_last: NotRequired[float | None]
    cross_entropy_first: NotRequired[float | None]
    cross_entropy_last: NotRequired[float | None]


class Summary(TypedDict):
    """What `read_summary` returns."""

    bytes: int
    format_version: int
    drlim_version: str
    estimator: EstimatorName
    parameters: dict[str, Value]
    architecture: ArchitectureSummary
    places: NotRequired[PlacesSummary]
    before: NotRequired[list[str]]
    needs: list[str]
    samples: SampleSummary
    training: TrainingSummary
    certificate: NotRequired[CertificateRecord]
    space: NotRequired[str]
    sha256: str


def read_summary(path: str | os.PathLike[str]) -> Summary:
    """Describe a model file; takes a fraction of a second, because neither torch nor the model is needed.

    Parameters
    ----------
    path : str or path-like
        The file. Its checksum is verified.

    Returns
    -------
    dict
        Ready for JSON: ``bytes``, ``format_version``, ``drlim_version``, ``estimator``, ``parameters``,
        ``architecture``, ``places`` (of a `NeighborMap` only), ``before`` (of a pipeline only: what each step before
        the map does), ``needs`` (which arguments `load` needs), ``samples``,
        ``training``, ``space`` (what a curved map lies on), ``certificate`` (where the file has one: see
        `drlim.certificate`) and ``sha256``.

    Raises
    ------
    ModelFileError, OSError
        As `load` does.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import DrLIM, datasets, save
    >>> from drlim.persistence import read_summary
    >>> model = DrLIM(encoder="linear", max_epochs=5, random_state=0).fit(datasets.digits().X_train[:100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "digits.safetensors")
    ...     summary = read_summary(Path(folder) / "digits.safetensors")
    >>> summary["samples"]["n_samples"], summary["architecture"]["encoder"], summary["training"]["epochs"]
    (100, 'linear', 5)
    """
    file = read_model_file(path)
    metadata = file.metadata
    begin = f"{WEIGHTS}network." if "places" in metadata else WEIGHTS  # what retrieval stores is no weight
    weights = sum(math.prod(shape) for name, shape in file.shapes.items() if name.startswith(begin))
    summary: Summary = {
        "bytes": len(file.content),
        "format_version": file.format_version,
        "drlim_version": metadata["drlim_version"],
        "estimator": estimator_of(metadata),
        "parameters": {**LATER_PARAMETERS[estimator_of(metadata)], **metadata["parameters"]},
        "architecture": {**metadata["architecture"], "n_weights": weights},
        "needs": metadata["needs"],
        "samples": _of_samples(file),
        "training": _of_training(metadata["training"]),
        "sha256": file.sha256,
    }
    if "before" in metadata:
        summary["before"] = said_of(metadata["before"])
    if "space" in metadata:
        summary["space"] = said_of_space(metadata["space"])
    if "certificate" in metadata:
        summary["certificate"] = metadata["certificate"]
    if "places" in metadata:
        summary["places"] = _of_places(file, metadata["places"])
        summary["training"] = _of_placing(metadata["training"])
    return summary


def _of_places(file: ModelFile, places: PlacesRecord) -> PlacesSummary:
    """Describe the places and the retrievals."""
    shares = [source["share"] for source in places["sources"]]
    return {
        "n_places": file.shapes[f"{WEIGHTS}head.centres"][0],
        "shares": shares,
        "n_stored": file.shapes[f"{WEIGHTS}retrievals.0.stored"][0] if shares else 0,
    }


def _of_samples(file: ModelFile) -> SampleSummary:
    """Describe the training samples and the pairs listed of them."""
    listed = {kind: file.shapes.get(f"{GRAPH}{kind}.indices") for kind in _KINDS}
    return {
        "n_samples": file.shapes[EMBEDDING][0],
        "n_kept": file.shapes.get(f"{REFERENCE}rows", [0])[0],
        "n_features": math.prod(file.metadata["architecture"]["input_shape"]),
        "feature_names": file.metadata["feature_names"] or _names_before(file.metadata.get("before", [])),
        # None is the graph's own "not listed": all the rest are dissimilar, none are ignored.
        "pairs": {kind: None if shape is None else shape[0] // 2 for kind, shape in listed.items()},
        "by_labels": [kind for kind in _KINDS if f"{GRAPH}{kind}.codes" in file.shapes],
    }


def _names_before(steps: list[StepRecord]) -> list[str] | None:
    """Return the names of the columns that the first step of a pipeline takes."""
    return steps[0]["feature_names"] if steps else None


def _of_training(training: Training) -> TrainingSummary:
    """Describe how the training of a `DrLIM` went."""
    first, last = _ends(training, "energy")
    return {
        "epochs": len(training["history"]),
        "stopped": training["stopped"],
        "energy_first": first,
        "energy_last": last,
    }


def _of_placing(training: Training) -> TrainingSummary:
    """Describe how the training of a `NeighborMap` went."""
    first, last = _ends(training, "cross_entropy")
    return {
        "epochs": len(training["history"]),
        "stopped": training["stopped"],
        "cross_entropy_first": first,
        "cross_entropy_last": last,
    }


def _ends(training: Training, name: str) -> tuple[float | None, float | None]:
    """Return a number of the first record, and of the last."""
    history = training["history"]
    return (history[0].get(name), history[-1].get(name)) if history else (None, None)
