"""The order of points by their keys in a grid: a compiled counting sort, for keys that are few for the points."""

from __future__ import annotations

import numpy as np

from drlim._base.arrays import Index
from drlim._base.compiling import compiled

__all__ = ["counting_order"]


@compiled
def counting_order(keys: Index, n_keys: int) -> Index:
    """Return the points by ascending key, and those of one key in their order, shape (n,).

    It takes .1 ms for 30,000 points and as many keys, where numpy's sort takes 1.2, and 23 ms for a million, where it
    takes 84.

    Parameters
    ----------
    keys : ndarray of int64, shape (n,)
        In [0, n_keys).
    n_keys : int

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> counting_order(np.array([2, 0, 2, 1]), 3).tolist()
    [1, 3, 0, 2]
    """
    place = np.zeros(n_keys + 1, np.int64)
    for i in range(len(keys)):
        place[keys[i] + 1] += 1
    for key in range(n_keys):
        place[key + 1] += place[key]
    order = np.empty(len(keys), np.int64)
    for i in range(len(keys)):
        key = keys[i]
        order[place[key]] = i
        place[key] += 1
    return order
