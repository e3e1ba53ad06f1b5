"""How well a nuisance can be told from the position on a map, against a permutation null.

Two predictors are tried, because each is blind where the other sees: a vote of the nearest (any shape, but only
what is as wide as a neighbourhood) and a linear read-out (any scale, but only along a direction). The better one is
the score, of the labels as they are and of every permutation of them alike, so that trying two costs no honesty.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from drlim.metrics._nearest import Integers, nearest_points
from drlim.metrics._rows import Floats, scaled

__all__ = ["Told", "tell"]

_MOST_GROUPS = 5000
"""Groups that are predicted: their accuracy then has a standard error below .01, and more only cost time."""

_TREE_COLUMNS = 10
"""Columns up to which a tree finds neighbours sooner than all distances do."""

_PERMUTATIONS_AT_ONCE = 32
"""Read out linearly in one product; at 12,000 rows they take 3 MiB."""


class Told(NamedTuple):
    """How well a nuisance is told: balanced accuracy of classes, R2 of a number."""

    score: float
    chance: float
    """Mean score over the permutations."""
    p_value: float
    """Share of permutations, the given labels among them, that score as well or better."""


class _Fold(NamedTuple):
    """What prediction needs of one fold, whatever the labels: they alone change with a permutation."""

    train: Integers
    test: Integers
    nearest: Integers  # (m_test, k) indices of rows of the whole map
    train_design: Floats  # (m_train, r) whitened by what is outside the fold
    test_design: Floats  # (m_test, r)


def tell(
    Z: Floats,
    values: NDArray[Any],
    groups: Integers,
    *,
    n_neighbors: int,
    n_splits: int,
    n_permutations: int,
    random_state: int,
) -> Told:
    """Predict a nuisance from the position, in folds of whole groups, as it is and permuted.

    Parameters
    ----------
    Z : ndarray of float64, shape (m, d)
    values : ndarray, shape (m,)
        Class codes from 0 as integers, or numbers as float64.
    groups : ndarray of int, shape (m,)
        Rows of one group are never in two folds, and labels are permuted within groups; where no group has two
        different values, whole groups exchange theirs.
    n_neighbors, n_splits, n_permutations, random_state : int
        Checked by the caller. A fold leaves at least two rows to learn from.
    """
    rng = np.random.default_rng(random_state)
    groups = np.unique(groups, return_inverse=True)[1]
    n_groups = int(groups.max()) + 1
    if n_groups > _MOST_GROUPS:
        kept = np.isin(groups, rng.choice(n_groups, _MOST_GROUPS, replace=False))
        Z, values = Z[kept], values[kept]
        groups = np.unique(groups[kept], return_inverse=True)[1]
        n_groups = _MOST_GROUPS
        if values.dtype.kind == "i":
            values = np.unique(values, return_inverse=True)[1]  # a rare class may be gone
    if (values == values[0]).all():
        return Told(1.0, 1.0, 1.0)
    points = scaled(Z - Z.mean(axis=0))
    of_group = rng.permutation(n_groups) % min(n_splits, n_groups)  # (g,)
    folds = [_fold(points, of_group[groups] == fold, n_neighbors) for fold in range(min(n_splits, n_groups))]
    tables = np.stack([values, *(_permuted(values, groups, rng) for _ in range(n_permutations))])  # (1 + p, m)
    judge = _balanced_accuracies if values.dtype.kind == "i" else _r2s
    scores = judge(folds, tables)  # (1 + p,)
    # Equal up to rounding counts as equal: of a map that tells nothing, every permutation scores alike.
    as_good = int(np.count_nonzero(scores[1:] >= scores[0] - 1e-12))
    return Told(float(scores[0]), float(scores[1:].mean()), (1 + as_good) / (1 + n_permutations))


def _fold(points: Floats, is_test: NDArray[np.bool_], n_neighbors: int) -> _Fold:
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    k = min(n_neighbors, len(train))
    if points.shape[1] <= _TREE_COLUMNS:
        nearest = np.asarray(cKDTree(points[train]).query(points[test], k=[*range(1, k + 1)])[1])  # (m_test, k)
    else:
        nearest = nearest_points(points[test], points[train], k)
    middle = points[train].mean(axis=0)
    scatter = (points[train] - middle).T @ (points[train] - middle)  # (d, d)
    sizes, axes = np.linalg.eigh(scatter)  # of d columns, not of m rows
    kept = sizes > max(1e-10 * sizes[-1], 0.0)
    whiten = axes[:, kept] / np.sqrt(sizes[kept])  # (d, r)
    return _Fold(train, test, train[nearest], (points[train] - middle) @ whiten, (points[test] - middle) @ whiten)


def _permuted(values: NDArray[Any], groups: Integers, rng: np.random.Generator) -> NDArray[Any]:
    """Exchange values within groups; where no group has two different ones, exchange them between groups."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))  # (g,)
    first = values[order[starts]]  # (g,) the value of a constant group
    if np.array_equal(first[groups], values):
        shuffled: NDArray[Any] = rng.permutation(first)[groups]
        return shuffled
    exchanged = np.empty_like(values)
    exchanged[order] = values[np.lexsort((rng.random(len(values)), groups))]
    return exchanged


def _balanced_accuracies(folds: list[_Fold], tables: Integers) -> Floats:
    """Return the better of two balanced accuracies for each row of codes (1 + p, m)."""
    n_classes = int(tables.max()) + 1
    sizes = np.stack([np.bincount(codes, minlength=n_classes) for codes in tables])  # (1 + p, c)
    voted, read = np.empty_like(tables), np.empty_like(tables)
    for fold in folds:
        for codes, guess, size in zip(tables, voted, sizes, strict=True):
            guess[fold.test] = _vote(codes[fold.nearest], size)
        for start in range(0, len(tables), _PERMUTATIONS_AT_ONCE):
            some = slice(start, start + _PERMUTATIONS_AT_ONCE)
            read[some, fold.test] = _nearest_means(fold, tables[some, fold.train], n_classes)
    weights = 1 / (n_classes * np.take_along_axis(sizes, tables, axis=1))  # (1 + p, m)
    accuracies: Floats = np.maximum(*(np.where(guess == tables, weights, 0.0).sum(axis=1) for guess in (voted, read)))
    return accuracies


def _vote(codes: Integers, sizes: Integers) -> Integers:
    """Return the class (m,) that is most frequent among codes (m, k), for its size; of equals the first."""
    n_classes = len(sizes)
    cells = codes + n_classes * np.arange(len(codes))[:, None]
    counts = np.bincount(cells.ravel(), minlength=len(codes) * n_classes).reshape(-1, n_classes)
    winners: Integers = np.argmax(counts / sizes, axis=1)
    return winners


def _nearest_means(fold: _Fold, codes: Integers, n_classes: int) -> Integers:
    """Return the class whose mean is nearest to each test row, (p, m_test), for each row of codes (p, m_train).

    Whitened by the covariance of all rows, which no permutation changes: for two classes this is linear
    discriminant analysis with equal priors.
    """
    heights = []
    for place in range(n_classes):
        member = (codes == place).astype(np.float64)  # (p, m_train)
        sizes = member.sum(axis=1, keepdims=True)
        means = member @ fold.train_design / np.maximum(sizes, 1)  # (p, r)
        height = means @ fold.test_design.T - 0.5 * np.sum(means**2, axis=1, keepdims=True)  # (p, m_test)
        heights.append(np.where(sizes > 0, height, -np.inf))
    winners: Integers = np.argmax(np.stack(heights), axis=0)
    return winners


def _r2s(folds: list[_Fold], tables: Floats) -> Floats:
    """Return the better of two cross-validated R2 for each row of numbers (1 + p, m)."""
    averaged, read = np.empty_like(tables), np.empty_like(tables)
    for fold in folds:
        for numbers, guess in zip(tables, averaged, strict=True):
            guess[fold.test] = numbers[fold.nearest].mean(axis=1)
        known = tables[:, fold.train]  # (p, m_train)
        middle = known.mean(axis=1, keepdims=True)
        # Columns of the whitened design are orthonormal, so its least squares are products.
        read[:, fold.test] = middle + (known - middle) @ fold.train_design @ fold.test_design.T
    total = np.sum((tables - tables.mean(axis=1, keepdims=True)) ** 2, axis=1)  # (1 + p,)
    missed = np.minimum(*(np.sum((guess - tables) ** 2, axis=1) for guess in (averaged, read)))
    r2s: Floats = 1 - missed / total
    return r2s
