"""Samples as a few numbers each, between which distances are those between the samples, or close to them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index
from drlim._base.sparse_rows import SparseRows

__all__ = ["MOST_NUMBERS", "coordinates"]

MOST_NUMBERS = 128
"""Number of values up to which a sample is taken as it is; a longer one is summed up in as many numbers."""


def coordinates(samples: Array | SparseRows) -> Floats:
    """Return samples of at most 128 values as they are, and longer ones as 128 sums of their values; (b, q).

    Each value goes into one sum, with a sign, both drawn at random, the same in every call. The squared distance of
    two such sketches is that of the samples on average, and its standard error is at most an eighth of it: 6 % of the
    distance. Sketching takes one addition a value.

    References
    ----------
    M. Charikar, K. Chen, M. Farach-Colton, "Finding Frequent Items in Data Streams", ICALP 2002; K. Weinberger et al.,
    "Feature Hashing for Large Scale Multitask Learning", ICML 2009.

    Examples
    --------
    >>> coordinates(np.array([[3.0, 4.0]])).tolist()
    [[3.0, 4.0]]
    >>> coordinates(np.eye(2, 9000)).shape
    (2, 128)
    """
    width = samples.shape[1] if isinstance(samples, SparseRows) else math.prod(samples.shape[1:])
    if width <= MOST_NUMBERS:
        return np.asarray(samples[:], dtype=np.float64).reshape(len(samples), width)
    order, sign = _drawn(width)
    if isinstance(samples, SparseRows):
        place = np.empty(width, dtype=np.int64)
        place[order] = np.arange(width) % MOST_NUMBERS
        signed = np.empty(width)
        signed[order] = sign
        sums = sparse.csr_array((signed, place, np.arange(width + 1)), shape=(width, MOST_NUMBERS))
        return np.asarray((samples.matrix.astype(np.float64) @ sums).toarray())  # (b, q)
    padded = np.zeros((len(samples), -(-width // MOST_NUMBERS) * MOST_NUMBERS))
    np.multiply(samples.reshape(len(samples), width)[:, order], sign, out=padded[:, :width])
    sketch: Floats = padded.reshape(len(samples), -1, MOST_NUMBERS).sum(axis=1)  # (b, q)
    return sketch


@lru_cache(maxsize=4)
def _drawn(n_values: int) -> tuple[Index, Floats]:
    """Return the values in the order in which they go into the sums in turn, and their signs."""
    draw = np.random.RandomState(0)  # whose stream is the same in all versions of NumPy
    order: Index = draw.permutation(n_values).astype(np.int64)
    sign: Floats = (2 * draw.randint(0, 2, n_values) - 1).astype(np.float64)
    return order, sign
