"""Several labels a sample: samples that share one are similar, samples that share none dissimilar."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drlim._base.arrays import Array, Index, check_count
from drlim._base.checks import as_array, refuse_masked, short_repr
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.relations.missing import is_missing, with_nan

__all__ = ["are_label_sets", "label_sets_graph"]

_ROWS_AT_ONCE = 1024
"""Maximum number of samples whose shared labels are counted at once."""


class _Labels(NamedTuple):
    """Labels of n samples out of c, as matrices of 0 and 1.

    Attributes
    ----------
    held : csr_array, shape (n, c)
        Labels that a sample is known to have.
    possible : csr_array, shape (n, c)
        These, and labels of which it is not known whether it has them.
    is_known : ndarray of bool, shape (n,)
        Whether anything is known of a sample.
    """

    held: sparse.csr_array
    possible: sparse.csr_array
    is_known: NDArray[np.bool_]


def are_label_sets(y: object) -> bool:
    """Whether labels are sets, or a matrix with a column for each label."""
    if sparse.issparse(y):
        return True
    if isinstance(y, list | tuple):
        first = next((one for one in y if not _is_unknown(one)), None)
        return isinstance(first, set | frozenset) or (isinstance(first, list | np.ndarray) and np.ndim(first) == 1)
    if getattr(y, "ndim", None) == 1 and str(getattr(y, "dtype", "")) == "object":
        return any(isinstance(one, set | frozenset) for one in np.asarray(y).tolist())
    return getattr(y, "ndim", None) == 2


def label_sets_graph(y: object) -> NeighborhoodGraph:
    """Return what sets of labels, or a matrix of them, state; see `drlim.relations.label_graph`."""
    labels = _of_sets(y) if _holds_sets(y) else _of_matrix(y)
    n_samples = len(labels.is_known)
    shared = _sharing(labels.held)  # (p, 2)
    perhaps = shared if labels.possible is labels.held else _sharing(labels.possible)  # (q, 2) those shared among them
    known = np.where(labels.is_known, 0, -1)  # (n,)
    similar = PairSet.from_pairs(n_samples, shared)
    everything = PairSet.from_blocks(Blocks.from_codes(known, within=1.0))
    dissimilar = everything - PairSet.from_pairs(n_samples, perhaps)
    return NeighborhoodGraph.from_sets(n_samples, similar, dissimilar, rest="ignored")


def _holds_sets(y: object) -> bool:
    rows = [] if sparse.issparse(y) or getattr(y, "ndim", 1) != 1 else np.asarray(y, dtype=object).ravel().tolist()
    return any(isinstance(one, set | frozenset) for one in rows)


def _is_unknown(one: object) -> bool:
    return not isinstance(one, set | frozenset | list | np.ndarray) and is_missing(one)


def _of_sets(y: object) -> _Labels:
    """Return the labels of sets; None and NaN in place of a set are unknown."""
    table: dict[Hashable, int] = {}
    rows, columns, is_known = [], [], []
    for row, one in enumerate(_rows_of(y)):
        is_known.append(not _is_unknown(one))
        for label in _checked_set(one, row) if is_known[-1] else ():
            rows.append(row)
            columns.append(table.setdefault(label, len(table)))
    shape = (len(is_known), max(1, len(table)))
    held = sparse.csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)  # (n, c)
    return _Labels(held, held, np.array(is_known, dtype=bool))


def _rows_of(y: object) -> Iterator[object]:
    yield from (y if isinstance(y, list | tuple) else np.asarray(y, dtype=object).tolist())


def _checked_set(one: object, row: int) -> set[Hashable] | frozenset[Hashable]:
    """Return a set of labels, or refuse what is none and labels that stand for a missing one."""
    if not isinstance(one, set | frozenset):
        raise TypeError(
            f"Expected 'y' to hold a set of labels for each sample, or None where they are unknown. Got "
            f"{short_repr(one)} at row {row}: write {{label}} for a single label."
        )
    odd = next((label for label in one if is_missing(label) or (type(label) is int and label == -1)), 0)
    if odd != 0:
        raise ValueError(
            f"Expected the sets in 'y' to hold labels. Got {short_repr(odd)} at row {row}, which stands for an unknown "
            "label: write None in place of the set where a sample's labels are unknown."
        )
    return one


def _of_matrix(y: object) -> _Labels:
    """Return the labels of a matrix of 0 and 1, with NaN or -1 where it is unknown whether a sample has a label."""
    if sparse.issparse(y):
        stored = sparse.csr_array(y).astype(np.float64)  # type: ignore[call-overload]  # a sparse matrix of any kind
        stored.sum_duplicates()
        unknown = _unknown_entries(stored.data, stored.shape)  # (e,)
        held, possible = (
            sparse.csr_array((np.where(unknown, value, stored.data), stored.indices, stored.indptr), shape=stored.shape)
            for value in (0.0, 1.0)
        )
        is_known = np.ones(stored.shape[0], dtype=bool)  # (n,) what is not stored is 0
    else:
        values = _numbers(y)  # (n, c)
        unknown = _unknown_entries(values, values.shape)  # (n, c)
        held, possible = (sparse.csr_array(np.where(unknown, value, values)) for value in (0.0, 1.0))
        is_known = np.logical_not(unknown.all(axis=1))  # (n,)
    for part in (held, possible):
        part.eliminate_zeros()
    return _Labels(held, possible if unknown.any() else held, is_known)


def _unknown_entries(values: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which of the values of a matrix are unknown, or refuse other ones than 0 and 1 among the rest."""
    if len(shape) != 2 or shape[0] == 0 or shape[1] < 2:
        raise ValueError(
            "Expected 'y' to be 1-D, with a class for each sample, or to have a column for each of two labels or more. "
            f"Got shape {shape}."
        )
    unknown: NDArray[np.bool_] = np.logical_or(np.isnan(values), values == -1)
    odd = values[~unknown & (values != 0) & (values != 1)]
    if odd.size:
        raise ValueError(
            "Expected 'y' of two dimensions to hold 0 and 1, a column for each label, and NaN where it is unknown. "
            f"Got {odd.flat[0]:.6g}: give several labels of a sample as a set, and continuous values to target_graph."
        )
    return unknown


def _numbers(y: object) -> Array:
    """Return a dense matrix as float64, or refuse what holds no numbers."""
    refuse_masked(y, "y", "write NaN where it is unknown whether a sample has a label, y.filled(np.nan)")
    try:
        values = as_array(y, "'y'")
        if values.dtype == object:
            values = with_nan(values)
        return values.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise TypeError(
            "Expected 'y' to hold hashable labels, a set of labels for each sample, or a row of 0 and 1. Got rows of "
            "other values: write [set(labels) for labels in y]."
        ) from error


def _sharing(labels: sparse.csr_array) -> Index:
    """Return all pairs of samples that have a label in common, each once, shape (p, 2)."""
    members = np.asarray(labels.sum(axis=0)).ravel()  # (c,)
    check_count(int((members * (members - 1)).sum() // 2), "Leave out labels that most of the samples have.")
    first, second = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    columns = sparse.csr_array(labels.T)
    for start in range(0, labels.shape[0], _ROWS_AT_ONCE):
        common = (labels[start : start + _ROWS_AT_ONCE] @ columns).tocoo()  # (b, n)
        i, j = common.row.astype(np.int64) + start, common.col.astype(np.int64)  # (e,), (e,)
        first.append(i[i < j])
        second.append(j[i < j])
    return np.column_stack([np.concatenate(first), np.concatenate(second)])  # (p, 2)
