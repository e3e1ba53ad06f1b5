"""The contents of a page as bytes: a header of JSON, then arrays, compressed by zlib.

::

    8 bytes    length of the header, little-endian
    header     {"meta": {...}, "arrays": {name: {"dtype", "shape", "begin"}}}, filled up by blanks to a multiple of 8
    arrays     little-endian, each from a multiple of 8 bytes after the header on

The page has it as base64, in which no text of the data can be taken for markup. tools/explorer/src/data.js reads it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping

import numpy as np

from drlim._base.arrays import Array

__all__ = ["Meta", "pack", "unpack"]

Meta = dict[str, object]
"""What JSON can hold."""

_DTYPES = ("f4", "f8", "i1", "i4", "u1", "u2", "u4")
"""Types of arrays that a browser has."""

_LEVEL = 6
"""Compression: 9 takes three times as long for one hundredth less."""


def pack(meta: Mapping[str, object], arrays: Mapping[str, Array]) -> str:
    """Return contents as base64.

    Parameters
    ----------
    meta : dict of str to object
        What JSON can hold; NaN and infinite numbers are refused, which JSON does not have.
    arrays : dict of str to ndarray
        Of float32, float64, int8, int32, uint8, uint16 or uint32.

    Raises
    ------
    ValueError
        When an array is of another type, or a number in ``meta`` is not finite.

    Examples
    --------
    >>> text = pack({"title": "</script>"}, {"x": np.arange(3, dtype=np.uint8)})
    >>> "<" in text
    False
    >>> meta, arrays = unpack(text)
    >>> meta["title"], arrays["x"].tolist()
    ('</script>', [0, 1, 2])
    """
    entries, parts, begin = {}, [], 0
    for name, array in arrays.items():
        kind = array.dtype.newbyteorder("<")
        if kind.str[1:] not in _DTYPES:
            raise ValueError(f"A browser has no arrays of {array.dtype}, as {name!r} is.")
        content = np.ascontiguousarray(array, dtype=kind).tobytes()
        entries[name] = {"dtype": kind.str[1:], "shape": list(array.shape), "begin": begin}
        content += bytes(-len(content) % 8)
        parts.append(content)
        begin += len(content)
    text = json.dumps({"meta": dict(meta), "arrays": entries}, ensure_ascii=False, allow_nan=False, sort_keys=True)
    header = text.encode("utf-8", "replace")
    header += b" " * (-len(header) % 8)
    whole = b"".join([len(header).to_bytes(8, "little"), header, *parts])
    return base64.b64encode(zlib.compress(whole, _LEVEL)).decode("ascii")


def unpack(text: str) -> tuple[Meta, dict[str, Array]]:
    """Return what `pack` was given."""
    whole = zlib.decompress(base64.b64decode(text))
    start = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:start])
    arrays = {
        name: np.frombuffer(whole, f"<{entry['dtype']}", int(np.prod(entry["shape"])), start + entry["begin"]).reshape(
            entry["shape"]
        )
        for name, entry in header["arrays"].items()
    }
    return header["meta"], arrays
