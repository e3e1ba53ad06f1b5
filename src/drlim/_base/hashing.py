"""Fingerprints: the beginning of the BLAKE2 hash of all bytes that count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.torch import RowSource

__all__ = ["blocks_of", "hashed", "of_module"]

_MOST_BYTES = 2**30
"""Maximum number of bytes of samples that are hashed, which takes about a second."""

_BLOCK_BYTES = 2**24
"""Bytes that are read at once."""

_N_CHARACTERS = 16
"""Two different inputs have the same fingerprint with a probability of 2^-64."""


def hashed(parts: Iterable[bytes]) -> str:
    """Return the fingerprint of parts, whose bounds count."""
    found = hashlib.blake2b(digest_size=_N_CHARACTERS // 2)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def of_module(module: nn.Module) -> str:
    """Return the fingerprint of a module's weights and buffers."""
    return hashed(_parts_of_state(module.state_dict()))


def blocks_of(rows: RowSource) -> Iterator[bytes]:
    """Yield the shape, the type and the bytes of rows, a block at a time; of a great many, blocks at even distances."""
    n_rows = len(rows)
    yield f"{tuple(rows.shape)} {getattr(rows, 'dtype', '')}".encode()
    if n_rows == 0:
        return
    first = np.asarray(rows[0:1])
    n_bytes = max(1, first.nbytes)
    step = max(1, _BLOCK_BYTES // n_bytes)
    n_blocks = -(-n_rows // step)
    stride = max(1, -(-n_blocks * step * n_bytes // _MOST_BYTES))
    for block in range(0, n_blocks, stride):
        yield _bytes_of(np.asarray(rows[block * step : (block + 1) * step]))


def _bytes_of(array: Array) -> bytes:
    if array.dtype.kind in "OUT":  # texts
        return repr(array.tolist()).encode()
    return np.ascontiguousarray(array).tobytes()


def _parts_of_state(state: Mapping[str, Tensor]) -> Iterator[bytes]:
    for name in sorted(state):
        yield name.encode()
        if isinstance(state[name], Tensor):  # a user's module may keep more than tensors
            yield from blocks_of(state[name].detach().cpu().reshape(-1).numpy())  # (w,)
