"""How well a nuisance can be predicted from the position on a map, compared with permuted values.

Two predictors are tried, because each is blind where the other is not: a vote of the nearest (any shape, but only
as wide as a neighbourhood) and a linear read-out (any scale, but only along a direction). The score is that of the
better one, for the given values and for every permutation of them alike, so that trying two adds no bias.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from drlim._base.arrays import Array, Floats, Index
from drlim.metrics.inputs import scaled
from drlim.metrics.nearest import nearest_points

__all__ = ["Prediction", "predict"]

_MOST_GROUPS = 5000
"""Maximum number of groups that are predicted: their accuracy then has a standard error below .01."""

_TREE_COLUMNS = 10
"""Maximum number of columns for a k-d tree; with more, computing all distances is faster."""

_PERMUTATIONS_AT_ONCE = 32
"""Number of permutations read out linearly in one product; with 12,000 samples they take 3 MiB."""


class Prediction(NamedTuple):
    """How well a nuisance is predicted: balanced accuracy of classes, R2 of a number."""

    score: float
    chance: float
    """Mean score over the permutations."""
    p_value: float
    """Share of permutations, the given values among them, that score as well or better."""
    often: float
    """Score that one permutation in twenty reaches or exceeds."""


class _Fold(NamedTuple):
    """The parts of a fold that do not depend on the values, which alone change with a permutation."""

    train: Index  # (m_train,)
    test: Index  # (m_test,)
    nearest: Index  # (m_test, k) samples of the whole map
    train_design: Floats  # (m_train, r) whitened by the covariance of the training samples
    test_design: Floats  # (m_test, r)


def predict(
    Z: Floats,
    values: Array,
    groups: Index,
    *,
    n_neighbors: int,
    n_splits: int,
    n_permutations: int,
    random_state: int,
) -> Prediction:
    """Predict a nuisance from the position, in folds of whole groups, as it is and permuted.

    Parameters
    ----------
    Z : ndarray of float64, shape (m, d)
    values : ndarray, shape (m,)
        Class codes from 0 as integers, or numbers as float64.
    groups : ndarray of int, shape (m,)
        Samples of one group are never in two folds, and values are permuted within groups; where no group has two
        different values, whole groups exchange theirs.
    n_neighbors, n_splits, n_permutations, random_state : int
        Checked by the caller. A fold leaves at least two samples to learn from.
    """
    rng = np.random.default_rng(random_state)
    Z, values, groups = _some_groups(Z, values, np.unique(groups, return_inverse=True)[1], rng)
    if (values == values[0]).all():
        return Prediction(1.0, 1.0, 1.0, 1.0)
    n_groups = int(groups.max()) + 1
    points = scaled(Z - Z.mean(axis=0))
    of_group = rng.permutation(n_groups) % min(n_splits, n_groups)  # (g,)
    folds = [_fold(points, of_group[groups] == fold, n_neighbors) for fold in range(min(n_splits, n_groups))]
    tables = np.stack([values, *(_permuted(values, groups, rng) for _ in range(n_permutations))])  # (1 + p, m)
    judge = _balanced_accuracies if values.dtype.kind == "i" else _r2s
    scores = judge(folds, tables)  # (1 + p,)
    # Scores equal up to rounding count as equal: on a map without information every permutation scores alike.
    as_good = int(np.count_nonzero(scores[1:] >= scores[0] - 1e-12))
    p_value = (1 + as_good) / (1 + n_permutations)
    return Prediction(float(scores[0]), float(scores[1:].mean()), p_value, float(np.quantile(scores[1:], 0.95)))


def _some_groups(Z: Floats, values: Array, groups: Index, rng: np.random.Generator) -> tuple[Floats, Array, Index]:
    """Keep at most `_MOST_GROUPS` groups, drawn at random, and number them from 0."""
    n_groups = int(groups.max()) + 1
    if n_groups <= _MOST_GROUPS:
        return Z, values, groups
    kept = np.isin(groups, rng.choice(n_groups, _MOST_GROUPS, replace=False))  # (m,)
    Z, values = Z[kept], values[kept]  # (m of these groups, d), (m of these groups,)
    if values.dtype.kind == "i":
        values = np.unique(values, return_inverse=True)[1]  # a rare class may be missing now
    return Z, values, np.unique(groups[kept], return_inverse=True)[1]


def _fold(points: Floats, is_test: NDArray[np.bool_], n_neighbors: int) -> _Fold:
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)  # (m_train,), (m_test,)
    k = min(n_neighbors, len(train))
    if points.shape[1] <= _TREE_COLUMNS:
        nearest = np.asarray(cKDTree(points[train]).query(points[test], k=[*range(1, k + 1)])[1])  # (m_test, k)
    else:
        nearest = nearest_points(points[test], points[train], k)  # (m_test, k)
    middle = points[train].mean(axis=0)  # (d,)
    scatter = (points[train] - middle).T @ (points[train] - middle)  # (d, d)
    sizes, axes = np.linalg.eigh(scatter)  # (d,), (d, d): of d columns, not of m samples
    kept = sizes > max(1e-10 * sizes[-1], 0.0)
    whiten = axes[:, kept] / np.sqrt(sizes[kept])  # (d, r)
    return _Fold(train, test, train[nearest], (points[train] - middle) @ whiten, (points[test] - middle) @ whiten)


def _permuted(values: Array, groups: Index, rng: np.random.Generator) -> Array:
    """Exchange values within groups; where no group has two different ones, exchange them between groups."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))  # (g,)
    first = values[order[starts]]  # (g,) the first value of each group
    if np.array_equal(first[groups], values):
        shuffled: Array = rng.permutation(first)[groups]  # (m,)
        return shuffled
    exchanged = np.empty_like(values)
    exchanged[order] = values[np.lexsort((rng.random(len(values)), groups))]
    return exchanged


def _balanced_accuracies(folds: list[_Fold], tables: Index) -> Floats:
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
    return accuracies  # (1 + p,)


def _vote(codes: Index, sizes: Index) -> Index:
    """Return the class (m,) most frequent among codes (m, k) in proportion to its size; among equals the first."""
    n_classes = len(sizes)
    cells = codes + n_classes * np.arange(len(codes))[:, None]  # (m, k)
    counts = np.bincount(cells.ravel(), minlength=len(codes) * n_classes).reshape(-1, n_classes)  # (m, c)
    winners: Index = np.argmax(counts / sizes, axis=1)  # (m,)
    return winners


def _nearest_means(fold: _Fold, codes: Index, n_classes: int) -> Index:
    """Return the class whose mean is nearest to each test sample, (p, m_test), for each row of codes (p, m_train).

    Whitened by the covariance of all training samples, which no permutation changes: for two classes this is linear
    discriminant analysis with equal priors.
    """
    heights = []
    for place in range(n_classes):
        member = (codes == place).astype(np.float64)  # (p, m_train)
        sizes = member.sum(axis=1, keepdims=True)  # (p, 1)
        means = member @ fold.train_design / np.maximum(sizes, 1)  # (p, r)
        height = means @ fold.test_design.T - 0.5 * np.sum(means**2, axis=1, keepdims=True)  # (p, m_test)
        heights.append(np.where(sizes > 0, height, -np.inf))
    winners: Index = np.argmax(np.stack(heights), axis=0)  # of (c, p, m_test): (p, m_test)
    return winners


def _r2s(folds: list[_Fold], tables: Floats) -> Floats:
    """Return the better of two cross-validated R2 for each row of numbers (1 + p, m)."""
    averaged, read = np.empty_like(tables), np.empty_like(tables)
    for fold in folds:
        for numbers, guess in zip(tables, averaged, strict=True):
            guess[fold.test] = numbers[fold.nearest].mean(axis=1)  # (m_test,)
        known = tables[:, fold.train]  # (1 + p, m_train)
        middle = known.mean(axis=1, keepdims=True)  # (1 + p, 1)
        # The columns of the whitened design are orthonormal, so that least squares are products.
        read[:, fold.test] = middle + (known - middle) @ fold.train_design @ fold.test_design.T  # (1 + p, m_test)
    total = np.sum((tables - tables.mean(axis=1, keepdims=True)) ** 2, axis=1)  # (1 + p,)
    missed = np.minimum(*(np.sum((guess - tables) ** 2, axis=1) for guess in (averaged, read)))  # (1 + p,)
    r2s: Floats = 1 - missed / total
    return r2s
