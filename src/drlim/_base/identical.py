"""Which samples are identical: one number for each row, equal where the rows are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from drlim._base.arrays import Index
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import are_shared

__all__ = ["row_keys"]

_BLOCK_VALUES = 2**20
"""Maximum number of values that are copied at once."""


def row_keys(samples: AnyRows) -> Index:
    """Return a number for each sample, (n,): the hash of its bytes, in which -0 is 0.

    Two different samples have equal numbers with a probability of 2^-64. The numbers differ between
    processes, unless each of them has some of the samples.

    Examples
    --------
    >>> keys = row_keys(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0]]))
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    """
    if are_shared(samples):
        _, own = samples.at_hand()
        return samples.following(np.fromiter(map(_lasting_hash, _contents(own)), dtype=np.int64, count=len(own)))
    return np.fromiter(map(hash, _contents(samples)), dtype=np.int64, count=len(samples))  # (n,)


def _lasting_hash(content: bytes) -> int:
    """Return a hash that is the same in all processes, which Python's own is not; it takes three times as long."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)


def _contents(samples: AnyRows) -> Iterator[bytes]:
    """Yield the bytes of each row; of a sparse one, those of its entries other than 0 and of their columns."""
    if isinstance(samples, SparseRows):
        matrix = samples.matrix
        for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
            values = matrix.data[start:stop]
            yield matrix.indices[start:stop][values != 0].tobytes() + values[values != 0].tobytes()
        return
    step = max(1, _BLOCK_VALUES // max(1, samples[:1].size))
    for begin in range(0, len(samples), step):
        block = samples[begin : begin + step]
        yield from (row.tobytes() for row in (block + 0.0 if block.dtype.kind == "f" else block))
