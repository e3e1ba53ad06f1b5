"""What is written into an ONNX file beside the graph: a description as JSON, sealed by a checksum.

Nothing here imports onnx, so that a file can be described where it is not installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

from drlim._base.sealed import unusable
from drlim.persistence.schema import Architecture, EstimatorName, Value

__all__ = [
    "BATCHES",
    "KEY",
    "ONNX_FORMAT",
    "CodedColumn",
    "Description",
    "Relations",
    "TensorRecord",
    "Verified",
    "VerifiedRecord",
    "description_text",
    "read_description",
    "sealed_onnx",
]

KEY = "drlim"
"""Key of the description among the metadata of the ONNX model."""

ONNX_FORMAT = 1
"""Version of the description."""

_BEGIN = b'{"onnx_format":'
_UNSEALED = "0" * 64
_SEAL = re.compile(rb'"sha256":"([0-9a-f]{64})"')
"""Pattern of the checksum. Quotes in a user's text are escaped in JSON, and do not match."""


BATCHES = (1, 3, 100)
"""Numbers of samples mapped at once where a file is verified."""


class Verified(NamedTuple):
    """How an exported file agrees with the map it was made of.

    Attributes
    ----------
    n_rows : int
        Number of rows mapped, in batches of 1, 3 and 100.
    largest_difference : float
        Of a position, as a share of the size of the map (its margin, or its largest coordinate); rows on a tie
        left out.
    n_tied : int
        Rows that lie where the map jumps: two modes of a `NeighborMap` are equally high within rounding.
    """

    n_rows: int
    largest_difference: float
    n_tied: int


class TensorRecord(TypedDict):
    """An input or output: its dtype, and its shape, in which "n" is the number of samples, any from 1."""

    dtype: str
    shape: list[int | str]


class Relations(TypedDict):
    """The graph that the map was trained with: samples, pairs of each kind, SHA-256 of its arrays."""

    n_samples: int
    similar: int
    dissimilar: int
    ignored: int
    digest: str


class VerifiedRecord(TypedDict):
    """How the file was verified: batch sizes, number of rows, largest difference, rows on a tie of two modes."""

    batches: list[int]
    n_rows: int
    largest_difference: float
    n_tied: int


class CodedColumn(TypedDict):
    """A column of the input of a table's file: numbers as they are, dates as days since 1970, categories as places.

    A blank is NaN, and so is a category that is not among the levels.
    """

    name: str
    kind: str
    levels: list[str]


class Description(TypedDict):
    """What `read_description` returns."""

    onnx_format: int
    drlim_version: str
    estimator: EstimatorName
    steps: list[str]
    inputs: dict[str, TensorRecord]
    outputs: dict[str, TensorRecord]
    feature_names: list[str] | None
    columns: NotRequired[list[CodedColumn]]
    parameters: dict[str, Value]
    architecture: Architecture
    relations: Relations
    verified: VerifiedRecord
    sha256: str


def description_text(description: Mapping[str, object]) -> str:
    """Return a description without checksum as JSON, with 64 zeros in place of the checksum."""
    text = json.dumps({**description, "sha256": _UNSEALED}, separators=(",", ":"), allow_nan=False)
    if not text.encode().startswith(_BEGIN):
        raise ValueError("Expected the description to begin with its format.")
    return text


def sealed_onnx(content: bytes) -> bytes:
    """Return the bytes of an ONNX model with its checksum, the SHA-256 of the bytes in which its digits are zeros.

    Raises
    ------
    ValueError
        When there is not one description made by `description_text` in it.
    """
    start = _seal_place(content)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:start] + digest + content[start + len(digest) :]


def read_description(path: str | os.PathLike[str]) -> Description:
    """Describe an ONNX file that `drlim.export` wrote, once its checksum is found right; onnx is not needed.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    dict
        ``onnx_format``, ``drlim_version``, ``estimator``, ``steps`` (of a pipeline, before the map), ``inputs``,
        ``outputs``, ``feature_names``, ``columns`` (of a `Table`: what the numbers of each stand for),
        ``parameters``, ``architecture``, ``relations``, ``verified`` and ``sha256``.

    Raises
    ------
    ModelFileError
        When the file is damaged, of a newer format, or was not written by `drlim.export`.
    OSError
        When there is no file, or the system cannot read it.
    """
    if Path(path).is_dir():
        raise unusable(path, "is no ONNX file of drlim but a folder.")
    content = Path(path).read_bytes()
    try:
        start = _seal_place(content)
        begin = content.rindex(_BEGIN, 0, start)
        found = json.JSONDecoder().raw_decode(content[begin:].decode("utf-8", errors="replace"))[0]
    except (ValueError, RecursionError):
        raise unusable(path, "is no ONNX file of drlim, or its description is damaged.") from None
    unsealed = content[:start] + _UNSEALED.encode() + content[start + 64 :]
    if hashlib.sha256(unsealed).hexdigest().encode() != content[start : start + 64]:
        raise unusable(path, "is damaged: its checksum does not match its content. Export the model again.")
    if found["onnx_format"] != ONNX_FORMAT:
        writer = str(found.get("drlim_version"))[:40]
        raise unusable(
            path, f"is described in format {found['onnx_format']}, by drlim {writer}. Install a newer drlim."
        )
    description: Description = found
    return description


def _seal_place(content: bytes) -> int:
    """Return where in the file the checksum's digits begin."""
    places = [match.start(1) for match in _SEAL.finditer(content)]
    if len(places) != 1:
        raise ValueError(f"Expected one checksum in the file. Got {len(places)}.")
    return places[0]
