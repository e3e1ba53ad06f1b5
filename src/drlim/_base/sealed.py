"""The format of a model file: tensors and JSON in one safetensors file, sealed by a checksum.

Knows neither torch nor estimators, so that a file can be described in a tenth of a second. `drlim.persistence`
turns an estimator into it and back.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

__all__ = [
    "EMBEDDING",
    "FORMAT_VERSION",
    "KEY",
    "ModelFile",
    "ModelFileError",
    "metadata_text",
    "read_model_file",
    "read_sealed",
    "sealed",
    "unusable",
]

KEY = "drlim"
"""The one key of the safetensors metadata. With two, safetensors would write them in an order drawn by chance."""

FORMAT_VERSION = 1

EMBEDDING = "embedding"
"""The tensor whose shape the metadata must agree with."""

_METADATA: dict[str, Any] = {
    "format_version": int,
    "drlim_version": str,
    "parameters": dict,
    "architecture": dict,
    "needs": list,
    "feature_names": (list, type(None)),
    "training": dict,
    "sha256": str,
}
_ARCHITECTURE: dict[str, Any] = {
    "encoder": (str, type(None)),
    "class": str,
    "input_shape": list,
    "n_components": int,
}
_TRAINING: dict[str, Any] = {"history": list, "stopped": (str, type(None))}

_UNSEALED = "0" * 64
_SEAL = re.compile(rb'\\"sha256\\":\\"([0-9a-f]{64})\\"')
"""The checksum's place in the header. JSON inside JSON escapes quotes once; a user's text in it, twice."""

_LARGEST_HEADER = 100_000_000
"""Bytes. safetensors itself reads no larger one."""

_LONGEST_MESSAGE = 600
_LONGEST_PATH = 200


class ModelFileError(ValueError):
    """A file of a model or graph cannot be used: damaged, of another kind, newer, or in need of your own parts."""


def unusable(path: str | os.PathLike[str], cause: str) -> ModelFileError:
    """Return the error that names the file and the cause, in at most 600 characters."""
    name = os.fspath(path)
    if len(name) > _LONGEST_PATH:
        name = f"...{name[-_LONGEST_PATH:]}"
    message = f"{name}: {cause}"
    return ModelFileError(message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 3]}...")


class ModelFile(NamedTuple):
    """A model file whose checksum is right.

    Attributes
    ----------
    metadata : dict
        The JSON, ``sha256`` in it.
    shapes : dict of str to list of int
        Shapes of the tensors, by name.
    content : bytes
        The whole file, for safetensors to read the tensors from.
    """

    metadata: dict[str, Any]
    shapes: dict[str, list[int]]
    content: bytes


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """Return metadata as the JSON to be stored under `KEY`, with room for the checksum.

    Raises
    ------
    ValueError, TypeError
        When something in it is no JSON, such as a NaN.
    """
    return json.dumps({**metadata, "sha256": _UNSEALED}, separators=(",", ":"), allow_nan=False)


def sealed(content: bytes) -> bytes:
    """Put the checksum into the content of a safetensors file whose metadata is `metadata_text`'s.

    It is the SHA-256 of the whole file, the checksum's own 64 digits read as zeros: no byte goes unchecked.
    """
    start = _seal_place(content[8 : 8 + int.from_bytes(content[:8], "little")])
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:start] + digest + content[start + len(digest) :]


def read_model_file(path: str | os.PathLike[str]) -> ModelFile:
    """Read a model file and check that it is whole and unchanged.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    ModelFile

    Raises
    ------
    ModelFileError
        When it is no model file, or damaged.
    OSError
        When there is no file, or the system does not let it be read.
    """
    found = read_sealed(path)
    if isinstance(found.metadata, dict) and "graph_format" in found.metadata:
        raise unusable(path, "is a graph's file and no model's. Read it by NeighborhoodGraph.load(path).")
    _check_metadata(path, found)
    return found


def read_sealed(path: str | os.PathLike[str], kind: str = "model") -> ModelFile:
    """Read a file that holds tensors and metadata under a checksum; what the metadata say is not looked at.

    Parameters
    ----------
    path : str or path-like
    kind : str, default="model"
        Of file, in a refusal.

    Raises
    ------
    ModelFileError, OSError
        As `read_model_file` does.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise unusable(path, f"is no {kind} file of drlim but a folder or a device.")
    with path.open("rb") as file:
        start, header, shapes = _read_header(path, file, kind)
        content = start + file.read()
    _check_seal(path, content, len(start), kind)
    try:
        metadata = json.loads(header, object_pairs_hook=_without_repeats, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise unusable(path, f"is damaged: its metadata is not JSON as drlim writes it ({error}).") from None
    return ModelFile(metadata, shapes, content)


def _read_header(path: Path, file: BinaryIO, kind: str) -> tuple[bytes, str, dict[str, list[int]]]:
    """Return the bytes before the tensors, the metadata's text and the shapes; refuse what is not safetensors.

    Reads no more than a header's worth, so that a film or a disk image is refused at once.
    """
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= _LARGEST_HEADER:
        raise unusable(path, f"is no {kind} file of drlim: it does not begin like a safetensors file.")
    if size < 8 + length:
        raise unusable(path, f"is cut short, or no {kind} file of drlim: {size} bytes cannot hold its header.")
    start += file.read(length)
    try:
        header = json.loads(start[8:], object_pairs_hook=_without_repeats)
        text = _only_text(header.pop("__metadata__"))
        shapes = {name: _whole_numbers(entry["shape"]) for name, entry in header.items()}
        ends = [_whole_numbers(entry["data_offsets"])[1] for entry in header.values()]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise unusable(path, f"is no {kind} file of drlim, or its header is damaged.") from None
    end = 8 + length + max(ends, default=0)
    if size != end:
        raise unusable(path, f"is cut short or damaged: it has {size} bytes, its header says {end}.")
    return start, text, shapes


def _check_seal(path: Path, content: bytes, header_end: int, kind: str) -> None:
    try:
        start = _seal_place(content[8:header_end])
    except ValueError:
        raise unusable(path, f"is no {kind} file of drlim, or its checksum is damaged.") from None
    digest = hashlib.sha256(content[:start])
    digest.update(_UNSEALED.encode())
    digest.update(memoryview(content)[start + len(_UNSEALED) :])
    if digest.hexdigest().encode() != content[start : start + len(_UNSEALED)]:
        raise unusable(path, f"is damaged: its checksum does not match its content. Save the {kind} again.")


def _seal_place(header: bytes) -> int:
    """Return where in the file the checksum's digits begin."""
    places = [match.start(1) for match in _SEAL.finditer(header)]
    if len(places) != 1:
        raise ValueError(f"Expected one checksum in the header. Got {len(places)}.")
    return 8 + places[0]


def _only_text(entries: Any) -> str:
    if list(entries) != [KEY] or type(entries[KEY]) is not str:
        raise ValueError("other metadata than drlim's")
    return str(entries[KEY])


def _whole_numbers(values: Any) -> list[int]:
    if type(values) is not list or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError("not a list of whole numbers")
    return values


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object; of two equal keys one would hide the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _finite(text: str) -> float:
    """Read a number; Python's JSON would take NaN, Infinity and 1e999."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} in it is not finite")
    return number


def _check_metadata(path: str | os.PathLike[str], file: ModelFile) -> None:
    """Refuse metadata of a newer version, or not as `_metadata` makes them."""
    if not isinstance(file.metadata, dict):
        raise unusable(path, "is damaged: its metadata is no JSON object.")
    version = file.metadata.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        writer = str(file.metadata.get("drlim_version"))[:40]
        raise unusable(
            path,
            f"is of format {version}, written by drlim {writer}; this drlim reads formats up to {FORMAT_VERSION}. "
            "Install a newer drlim.",
        )
    try:
        _check_types("metadata", file.metadata, _METADATA)
        _check_types("architecture", file.metadata["architecture"], _ARCHITECTURE)
        _check_types("training", file.metadata["training"], _TRAINING)
        _check_values(file)
    except ValueError as error:
        raise unusable(path, f"is damaged: {error}.") from None


def _check_types(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse missing keys, unknown keys and values of another type."""
    if found.keys() != wanted.keys():
        raise ValueError(f"its {name} have other keys than {', '.join(wanted)}")
    for key, value in found.items():
        if not isinstance(value, wanted[key]) or isinstance(value, bool):
            raise ValueError(f"{key!r} in its {name} is a {type(value).__name__}")  # noqa: TRY004 - a file's fault


def _check_values(file: ModelFile) -> None:
    """Refuse values that do not go together."""
    architecture, training = file.metadata["architecture"], file.metadata["training"]
    shape, own = architecture["input_shape"], ["encoder"] * (architecture["encoder"] is None)
    rules = {
        "format_version": file.metadata["format_version"] >= 1,
        "input_shape": len(shape) > 0 and all(type(side) is int and side > 0 for side in shape),
        "needs": file.metadata["needs"] in (own, [*own, "springs"]),
        "feature_names": _are_names(file.metadata["feature_names"], shape),
        "history": all(_is_record(record) for record in training["history"]),
        "stopped": training["stopped"] in (None, "converged", "max_epochs", "interrupted", "diverged"),
    }
    for name, holds in rules.items():
        if not holds:
            raise ValueError(f"{name!r} in its metadata has an impossible value")
    embedding = file.shapes.get(EMBEDDING, [])
    if len(embedding) != 2 or embedding[0] < 2 or embedding[1] != architecture["n_components"] or embedding[1] < 1:
        raise ValueError(f"the map in it is of shape {tuple(embedding)}"[:200])
    if any(len(side) != 1 for name, side in file.shapes.items() if name.startswith("graph.")):
        raise ValueError("the graph in it is not made of lists")


def _are_names(names: list[Any] | None, shape: list[Any]) -> bool:
    return names is None or (len(shape) == 1 and len(names) == shape[0] and all(type(name) is str for name in names))


def _is_record(record: Any) -> bool:
    return isinstance(record, dict) and all(type(value) in (int, float) for value in record.values())
