"""Data that are made on disk: rows in groups as a `.npy`, written a block at a time, and sparse counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from drlim._base.arrays import Index

__all__ = ["counts", "groups_of", "rows_file"]

SEED = 2006
"""The year of the paper; behind all made data."""

_N_GROUPS, _BLOCK = 50, 50_000


def rows_file(folder: Path, n: int, d: int = 64) -> Path:
    """Return a `.npy` of n rows of d columns, float32, in 50 groups, each stretched along 8 directions of its own.

    The rows are those of `benchmarks.maps.data.rows` in kind. A file that is there already is taken.
    """
    path = folder / f"rows-{n}x{d}.npy"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    fixed = np.random.default_rng(SEED)
    centres = fixed.normal(size=(_N_GROUPS, d))
    stretch = 0.7 * fixed.normal(size=(_N_GROUPS, 8, d))
    part = path.with_suffix(".part")
    rows = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(n, d))
    groups = groups_of(n)
    for start in range(0, n, _BLOCK):
        rng = np.random.default_rng([SEED, start])
        group = groups[start : start + _BLOCK]
        inside = np.einsum("ni,nij->nj", rng.normal(size=(len(group), 8)), stretch[group], optimize=True)
        rows[start : start + _BLOCK] = centres[group] + inside + 0.4 * rng.normal(size=(len(group), d))
    rows.flush()
    del rows
    part.rename(path)
    return path


def groups_of(n: int) -> Index:
    """Return the group of each of n rows, (n,)."""
    return np.random.default_rng([SEED, n]).integers(0, _N_GROUPS, n)


def counts(
    n: int = 50_000, p: int = 30_000, density: float = 0.01, n_topics: int = 20
) -> tuple[sparse.csr_array, Index]:
    """Return counts of words in n texts, float32 CSR (n, p), and the topic of each text.

    A third of a text's words are of its topic, which prefers a twentieth of the words.
    """
    rng = np.random.default_rng(SEED)
    topics = rng.integers(0, n_topics, n)
    per_row = round(density * p)
    own = per_row // 3
    columns = np.empty((n, per_row), dtype=np.int32)
    for topic in range(n_topics):
        words = rng.permutation(p)[: max(1, p // 20)]
        texts = np.flatnonzero(topics == topic)
        columns[texts, :own] = words[rng.integers(0, len(words), (len(texts), own))]
    columns[:, own:] = rng.integers(0, p, (n, per_row - own))
    values = (1 + rng.poisson(0.5, columns.shape)).astype(np.float32)
    indptr = np.arange(0, n * per_row + 1, per_row)
    matrix = sparse.csr_array((values.reshape(-1), columns.reshape(-1), indptr), shape=(n, p))
    matrix.sum_duplicates()
    return matrix, topics
