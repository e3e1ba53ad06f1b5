"""The schema of a model file: names and types in its metadata, and names of its tensors.

Nothing here imports torch, so that a file can be described in a tenth of a second.
"""

from __future__ import annotations

import math
import os
import sys
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict, cast

from drlim._base.certificates import CertificateRecord, check_certificate
from drlim._base.sealed import SealedFile, read_sealed, unusable
from drlim.persistence.before import StepRecord, check_steps
from drlim.persistence.places_schema import PlacesRecord, check_places, check_places_shapes, check_types
from drlim.persistence.space_record import SPACE_FORMAT, FactorRecord, check_space, without_space

__all__ = [
    "CERTIFIED_FORMAT",
    "DRLIM_FORMAT",
    "DRLIM_UNIT_FORMAT",
    "EMBEDDING",
    "FORMAT_VERSION",
    "FUNCTIONS",
    "GRAPH",
    "LATER_PARAMETERS",
    "LOG_RADII",
    "NEIGHBOR_MAP_FORMAT",
    "OF_A_FIT",
    "PIPELINE_FORMAT",
    "REFERENCE",
    "REFERENCE_FORMAT",
    "WEIGHTS",
    "EstimatorName",
    "Metadata",
    "ModelFile",
    "checked_model_file",
    "estimator_of",
    "read_model_file",
]

DRLIM_FORMAT = 1
"""Version of the format of a `DrLIM`."""

NEIGHBOR_MAP_FORMAT = 2
"""Version of the format of a `NeighborMap`: it has the keys "estimator" and "places", too."""

DRLIM_UNIT_FORMAT = 3
"""Version of the format of a `DrLIM` that has what format 1 has no place for: an encoder in another unit than 1, the
name of a function, samples held out, weight decay. It has the key "unit", too."""

REFERENCE_FORMAT = 4
"""Version of the format of either with what `novelty` needs: ranges of the training samples, and some of them. It has
the keys of the newest format of the same estimator."""

PIPELINE_FORMAT = 5
"""Version of the format of a pipeline that ends with either: it has the keys of one of the other formats, whose version
is under "map_format", and the steps before the map under "before"."""

CERTIFIED_FORMAT = 6
"""Version of the format of any of these with a certificate of what the map ignores: it has the keys of one of the other
formats, whose version is under "certified_format", and the certificate under "certificate"."""

FORMAT_VERSION = SPACE_FORMAT
"""Newest version that is read."""

LOG_RADII = "log_radii"
"""Name of the tensor with the logarithms of the radii that were learned."""

EMBEDDING = "embedding"
"""Name of the tensor with the map of the training samples."""

WEIGHTS = "encoder."
"""Beginning of the names of the encoder's weights."""

GRAPH = "graph."
"""Beginning of the names of the graph's arrays."""

REFERENCE = "reference."
"""Beginning of the names of the arrays that `novelty` needs."""

EstimatorName = Literal["DrLIM", "NeighborMap"]

FUNCTIONS: dict[EstimatorName, tuple[str, ...]] = {"DrLIM": ("neighbors", "orbit"), "NeighborMap": ("metric", "orbit")}
"""Parameters that may be functions or objects of the user's own, of which the file holds the name."""

Architecture = TypedDict(
    "Architecture",
    {"encoder": str | None, "class": str, "input_shape": list[int], "n_components": int},
)
"""The encoder: its name, None when it is the user's own; its class; shape of a sample; dimensions of the map. In a
`NeighborMap` name and class are of the trunk."""

Value = int | float | str | bool | dict[str, str] | list[int] | list[bool] | list[list[object]] | None
"""A value as JSON stores it; a dict stands for a torch.device, or for what the file does not hold; a list for rows."""

OF_A_FIT: dict[str, Value] = {"callbacks": None, "checkpoint": None, "checkpoint_every": 1}
"""Parameters that say what a fit does beside the training, with their defaults. No file holds them: callbacks are the
user's own objects, and a folder is one of the machine's."""

LATER_PARAMETERS: dict[EstimatorName, dict[str, Value]] = {
    "DrLIM": {
        "neighbors": None,
        "orbit": None,
        "weight_decay": "auto",
        "validation": None,
        "metric": "euclidean",
        "space": "euclidean",
    },
    "NeighborMap": {},
}
"""Parameters that the first files do not have, with the values that stand for their absence."""


class Training(TypedDict):
    """How the training went: a record for each epoch, and why it ended."""

    history: list[dict[str, float]]
    stopped: str | None


class Metadata(TypedDict):
    """All of a model that is no tensor."""

    format_version: int
    drlim_version: str
    estimator: NotRequired[str]
    unit: NotRequired[float]
    parameters: dict[str, Value]
    architecture: Architecture
    places: NotRequired[PlacesRecord]
    before: NotRequired[list[StepRecord]]
    map_format: NotRequired[int]
    certificate: NotRequired[CertificateRecord]
    certified_format: NotRequired[int]
    space: NotRequired[list[FactorRecord]]
    flat_format: NotRequired[int]
    needs: list[str]
    feature_names: list[str] | None
    training: Training


_Raw = dict[str, Any]
"""Metadata as JSON has them."""

_Types = dict[str, type | tuple[type, ...]]

_METADATA: _Types = {
    "format_version": int,
    "drlim_version": str,
    "parameters": dict,
    "architecture": dict,
    "needs": list,
    "feature_names": (list, type(None)),
    "training": dict,
    "sha256": str,
}
_OTHER_METADATA: dict[int, _Types] = {
    NEIGHBOR_MAP_FORMAT: {**_METADATA, "estimator": str, "places": dict},
    DRLIM_UNIT_FORMAT: {**_METADATA, "unit": (int, float)},
}
"""By format; format 1 has `_METADATA` alone."""
_ARCHITECTURE: _Types = {
    "encoder": (str, type(None)),
    "class": str,
    "input_shape": list,
    "n_components": int,
}
_STOPPED = (None, "converged", "max_epochs", "interrupted", "diverged", "validation", "callback")
_SMALLEST_UNIT = 9.9e-31
"""Smallest unit, and reciprocal of the largest: `DrLIM` takes margins from 1e-30 to 1e30."""

_TRAINING: _Types = {"history": list, "stopped": (str, type(None))}


class ModelFile(NamedTuple):
    """A model file whose checksum and metadata were found right.

    Attributes
    ----------
    metadata : Metadata
        The JSON.
    sha256 : str
        The checksum, 64 hexadecimal digits.
    shapes : dict of str to list of int
        Shapes of the tensors, by name.
    content : bytes
        The whole file, from which safetensors reads the tensors.
    format_version : int
        Version of the format of the file, whatever is in it.
    """

    metadata: Metadata
    sha256: str
    shapes: dict[str, list[int]]
    content: bytes
    format_version: int


def read_model_file(path: str | os.PathLike[str]) -> ModelFile:
    """Read a model file and check that it is whole and unchanged.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    ModelFile
        Its metadata have the keys and types of `Metadata`, and agree with the shape of the map.

    Raises
    ------
    ModelFileError
        When it is no model file, damaged or of a newer format.
    OSError
        When there is no file, or the system cannot read it.
    """
    return checked_model_file(path, read_sealed(path))


def checked_model_file(path: str | os.PathLike[str], found: SealedFile) -> ModelFile:
    """Return a file whose checksum was found right as a model file, or refuse it, as `read_model_file` does."""
    if not isinstance(found.metadata, dict):
        raise unusable(path, "is damaged: its metadata is no JSON object.")
    if "graph_format" in found.metadata:
        raise unusable(path, "is a graph's file and no model's. Read it by NeighborhoodGraph.load(path).")
    _check_version(path, found.metadata)
    try:
        flat, space = without_space(found.metadata)
        given, certificate = _without_certificate(flat)
        in_pipeline = given.get("format_version") == PIPELINE_FORMAT
        metadata = _checked(_of_the_map(given) if in_pipeline else given, in_pipeline=in_pipeline)
        if certificate is not None:
            metadata["certificate"] = certificate
        if space is not None:
            check_space(space, metadata["architecture"]["n_components"])
            metadata["space"] = cast("list[FactorRecord]", space)
        _check_values(metadata)
        if "before" in metadata:
            check_steps(metadata["before"])
        _check_shapes(found, metadata["architecture"]["n_components"])
        if "places" in metadata:
            _check_map(found, metadata, metadata["places"])
    except ValueError as error:
        raise unusable(path, f"is damaged: {error}.") from None
    sha256, version = found.metadata["sha256"], found.metadata["format_version"]
    return ModelFile(metadata, sha256, found.shapes, found.content, version)


def estimator_of(metadata: Metadata) -> EstimatorName:
    """Return the class that a file is of."""
    return "NeighborMap" if "places" in metadata else "DrLIM"


def _check_version(path: str | os.PathLike[str], metadata: dict[str, object]) -> None:
    """Refuse a file that a newer version of this package wrote in a newer format."""
    version = metadata.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        writer = str(metadata.get("drlim_version"))[:40]
        raise unusable(
            path,
            f"is of format {version}, written by drlim {writer}; this drlim reads formats up to {FORMAT_VERSION}. "
            "Install a newer drlim.",
        )


def _without_certificate(metadata: _Raw) -> tuple[_Raw, CertificateRecord | None]:
    """Return metadata in the format that they have without a certificate, and the certificate, checked."""
    if metadata.get("format_version") != CERTIFIED_FORMAT:
        return metadata, None
    version = metadata.get("certified_format")
    if type(version) is not int or not 1 <= version < CERTIFIED_FORMAT:
        raise ValueError("'certified_format' in its metadata has an impossible value")
    rest = {name: value for name, value in metadata.items() if name not in ("certificate", "certified_format")}
    return {**rest, "format_version": version}, check_certificate(metadata.get("certificate"))


def _of_the_map(metadata: _Raw) -> _Raw:
    """Return metadata of a pipeline with the format of the map in it as their format."""
    version = metadata.get("map_format")
    if type(version) is not int or not 1 <= version < PIPELINE_FORMAT:
        raise ValueError("'map_format' in its metadata has an impossible value")
    return {**{name: value for name, value in metadata.items() if name != "map_format"}, "format_version": version}


def _checked(metadata: _Raw, *, in_pipeline: bool) -> Metadata:
    """Refuse metadata with other keys or types than `Metadata` has."""
    version = metadata.get("format_version")
    if version == REFERENCE_FORMAT:
        version = NEIGHBOR_MAP_FORMAT if "estimator" in metadata else DRLIM_UNIT_FORMAT
    wanted = _OTHER_METADATA.get(version, _METADATA) if type(version) is int else _METADATA
    if in_pipeline:
        wanted = {**wanted, "before": list}
    check_types("metadata", metadata, wanted)
    check_types("architecture", metadata["architecture"], _ARCHITECTURE)
    check_types("training", metadata["training"], _TRAINING)
    return cast(Metadata, metadata)


def _check_values(metadata: Metadata) -> None:
    """Refuse values that are out of range or contradict each other."""
    architecture, training = metadata["architecture"], metadata["training"]
    shape, own = architecture["input_shape"], ["encoder"] * (architecture["encoder"] is None)
    rules = {
        "format_version": metadata["format_version"] >= 1,
        "input_shape": len(shape) > 0 and all(type(side) is int and side > 0 for side in shape),
        "needs": metadata["needs"] in (own, [*own, "springs"]),
        "feature_names": _are_names(metadata["feature_names"], shape),
        "history": all(_is_record(record) for record in training["history"]),
        "estimator": metadata.get("estimator", "NeighborMap") == "NeighborMap",
        "stopped": training["stopped"] in _STOPPED,
        "unit": _SMALLEST_UNIT <= metadata.get("unit", 1.0) <= 1 / _SMALLEST_UNIT,
    }
    for name, holds in rules.items():
        if not holds:
            raise ValueError(f"{name!r} in its metadata has an impossible value")


def _check_shapes(file: SealedFile, n_components: int) -> None:
    """Refuse a map of another shape than the metadata state, and graph arrays that are not 1-D."""
    embedding = file.shapes.get(EMBEDDING, [])
    if len(embedding) != 2 or embedding[0] < 1 or embedding[1] != n_components or embedding[1] < 1:
        raise ValueError(f"the map in it is of shape {tuple(embedding)}"[:200])
    if any(len(side) != 1 for name, side in file.shapes.items() if name.startswith(GRAPH)):
        raise ValueError("the graph in it is not made of lists")


def _check_map(file: SealedFile, metadata: Metadata, places: PlacesRecord) -> None:
    """Refuse an encoder of a `NeighborMap` that cannot be built."""
    architecture = metadata["architecture"]
    check_places(places, architecture["encoder"])
    shapes = {name.removeprefix(WEIGHTS): shape for name, shape in file.shapes.items() if name.startswith(WEIGHTS)}
    check_places_shapes(places, shapes, math.prod(architecture["input_shape"]), architecture["n_components"])


def _are_names(names: list[str] | None, shape: list[int]) -> bool:
    return names is None or (len(shape) == 1 and len(names) == shape[0] and all(type(name) is str for name in names))


def _is_record(record: object) -> bool:
    return isinstance(record, dict) and all(
        type(value) in (int, float) and abs(value) <= sys.float_info.max for value in record.values()
    )
