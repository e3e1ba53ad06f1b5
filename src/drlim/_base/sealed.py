"""A file of tensors and JSON, sealed by a checksum: a safetensors file that shows any damage when it is read.

The content of the JSON is not checked here: files of models and files of graphs have schemas of their own. Nothing here
imports torch, which takes seconds.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from drlim._base.disk import checked_path

__all__ = [
    "KEY",
    "ModelFileError",
    "SealedFile",
    "metadata_text",
    "parse_sealed",
    "read_sealed",
    "sealed",
    "unusable",
]

KEY = "drlim"
"""The only key of the safetensors metadata. Two keys would be written in an order that differs between processes."""

_UNSEALED = "0" * 64
_SEAL = re.compile(rb'\\"sha256\\":\\"([0-9a-f]{64})\\"')
"""Pattern of the checksum in the header. The metadata are JSON inside JSON, so that their quotes are escaped once;
quotes in a user's text are escaped more than once, and do not match."""

_LARGEST_HEADER = 100_000_000
"""Maximum number of bytes of a header; safetensors itself reads no larger one."""

_LARGEST_LIST = 2_000_000
"""Maximum number of bytes of a header without its metadata, about 15,000 tensors: reading it takes half a second."""

_METADATA = re.compile(rb'"drlim":"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
"""Pattern of the metadata in the header."""

_LONGEST_MESSAGE = 600
"""Maximum number of characters of a message."""

_LONGEST_PATH = 200
"""Maximum number of characters of a path in a message; of a longer one the end is shown."""


class ModelFileError(ValueError):
    """A file of a model or graph cannot be used: damaged, of another kind, newer, or in need of your own parts.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import ModelFileError, load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "map.safetensors"
    ...     _ = path.write_bytes(b"cut short")
    ...     try:
    ...         load(path)
    ...     except ModelFileError as error:
    ...         print("map.safetensors" in str(error))
    True
    """


def unusable(path: str | os.PathLike[str], cause: str) -> ModelFileError:
    """Return the error that names the file and the cause, in at most 600 characters."""
    name = os.fspath(path)
    if len(name) > _LONGEST_PATH:
        name = f"...{name[-_LONGEST_PATH:]}"
    message = f"{name}: {cause}"
    return ModelFileError(message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 3]}...")


class SealedFile(NamedTuple):
    """A file whose checksum was found right.

    Attributes
    ----------
    metadata : object
        The JSON, with ``sha256`` in it. What it holds was not checked.
    shapes : dict of str to list of int
        Shapes of the tensors, by name.
    content : bytes
        The whole file, from which safetensors reads the tensors.
    """

    metadata: object
    shapes: dict[str, list[int]]
    content: bytes


def metadata_text(metadata: Mapping[str, object]) -> str:
    """Return metadata as JSON to store under `KEY`, with 64 zeros in place of the checksum.

    Raises
    ------
    ValueError, TypeError
        When a value in it cannot be written as JSON, such as a NaN.
    """
    return json.dumps({**metadata, "sha256": _UNSEALED}, separators=(",", ":"), allow_nan=False)


def sealed(content: bytes) -> bytes:
    """Return the content of a safetensors file with its checksum; its metadata must come from `metadata_text`.

    The checksum is the SHA-256 of the whole file in which the 64 digits of the checksum are zeros, so that it covers
    every byte.
    """
    start = _seal_place(content[8 : 8 + int.from_bytes(content[:8], "little")])
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:start] + digest + content[start + len(digest) :]


def read_sealed(path: str | os.PathLike[str], kind: str = "model") -> SealedFile:
    """Read a file of tensors and metadata, and verify its checksum.

    Parameters
    ----------
    path : str or path-like
        The file.
    kind : str, default="model"
        Kind of file, as an error names it.

    Returns
    -------
    SealedFile
        The metadata are JSON; what they hold is not checked.

    Raises
    ------
    ModelFileError
        When it is no such file, or damaged.
    OSError
        When there is no file, or the system cannot read it.
    """
    path = checked_path(path)
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise unusable(path, f"is no {kind} file of drlim but a folder or a device.")
    if path.suffix.lower() == ".onnx" and path.exists():
        raise unusable(
            path,
            f"is no {kind} file of drlim but an ONNX file by its name. Run it by onnxruntime (pip install "
            "onnxruntime): onnxruntime.InferenceSession(path).run(None, {'X': X}).",
        )
    with path.open("rb") as file:
        return _read(path, file, os.fstat(file.fileno()).st_size, kind)


def parse_sealed(path: str | os.PathLike[str], content: bytes, kind: str = "model") -> SealedFile:
    """Return what `read_sealed` would read from a file of this content; ``path`` is for errors only."""
    return _read(Path(path), io.BytesIO(content), len(content), kind)


def _read(path: Path, file: BinaryIO, size: int, kind: str) -> SealedFile:
    start, header, shapes = _read_header(path, file, size, kind)
    content = start + file.read()
    _check_seal(path, content, len(start), kind)
    try:
        metadata = json.loads(header, object_pairs_hook=_without_repeats, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise unusable(path, f"is damaged: its metadata is not JSON as drlim writes it ({error}).") from None
    return SealedFile(metadata, shapes, content)


def _read_header(path: Path, file: BinaryIO, size: int, kind: str) -> tuple[bytes, str, dict[str, list[int]]]:
    """Return the bytes before the tensors, the metadata's text and the shapes; refuse what is not safetensors.

    Reads no more than the header, so that a large file of another kind is refused at once.
    """
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= _LARGEST_HEADER:
        raise unusable(path, f"is no {kind} file of drlim: it does not begin like a safetensors file.")
    if size < 8 + length:
        raise unusable(path, f"is cut short, or no {kind} file of drlim: {size} bytes cannot hold its header.")
    start += file.read(length)
    metadata = _METADATA.search(start)
    if length - (0 if metadata is None else len(metadata[0])) > _LARGEST_LIST:
        raise unusable(path, f"is no {kind} file of drlim: its header lists more tensors than any that drlim writes.")
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
    """Refuse a file whose checksum is missing or wrong."""
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


def _only_text(entries: dict[str, object]) -> str:
    """Return the metadata's text, or refuse other metadata."""
    if list(entries) != [KEY] or type(entries[KEY]) is not str:
        raise ValueError("other metadata than drlim's")
    return str(entries[KEY])


def _whole_numbers(values: object) -> list[int]:
    """Return a list of integers of at least 0, or refuse what is none."""
    if type(values) is not list or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError("not a list of whole numbers")
    return values


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build a JSON object, or refuse one with two equal keys: the second value would replace the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _finite(text: str) -> float:
    """Return a number, or refuse NaN, Infinity and 1e999, which Python's JSON reader accepts."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} in it is not finite")
    return number
