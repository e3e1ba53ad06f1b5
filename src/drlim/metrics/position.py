"""What the position on a map tells of a sample: its class, a number, which thing it is a copy of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import KFold

from drlim._base.checks import check_labels, check_parameters, check_same_length, integer_in, refuse_masked, short_repr
from drlim.metrics._nearest import nearest_others, nearest_points, vote
from drlim.metrics._rows import Floats, check_at_most, check_n_neighbors, check_rows, scaled

__all__ = ["knn_accuracy", "orbit_ratio", "position_accuracy", "position_r2"]


def knn_accuracy(
    Z: ArrayLike,
    y: ArrayLike,
    n_neighbors: int = 5,
    Z_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
) -> float:
    """Return how often the nearest neighbours on the map vote for the right class.

    With ``Z_test`` and ``y_test``, each test sample is classified by its nearest in ``Z``; without, each sample
    of ``Z`` by its nearest others (leave one out). Both are exact and draw no random numbers. A tied vote goes
    to the class that sorts first.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map whose samples vote.
    y : array-like, shape (n_samples,)
        Their classes, numbers or strings.
    n_neighbors : int, default=5
        How many vote, in [1, n_samples], or [1, n_samples) when one is left out. 5 is scikit-learn's default.
    Z_test : array-like, shape (n_test, n_components), default=None
        Samples to classify.
    y_test : array-like, shape (n_test,), default=None
        Their classes. One that ``y`` does not have counts as missed.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, lengths or columns differ, ``n_neighbors`` is out of range or only one of
        ``Z_test`` and ``y_test`` is given.

    Examples
    --------
    >>> knn_accuracy([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"], n_neighbors=1)
    1.0
    >>> knn_accuracy([[0.0], [10.0]], ["a", "b"], n_neighbors=1, Z_test=[[1.0], [2.0]], y_test=["a", "b"])
    0.5
    """
    points = check_rows(Z, "Z")
    n = len(points)
    labels = check_labels(y, "y", n, "Z")
    if (Z_test is None) != (y_test is None):
        raise ValueError("'Z_test' and 'y_test' belong together: give both, or neither to leave one out.")
    if Z_test is None or y_test is None:
        check_n_neighbors(n_neighbors, n - 1, f"fewer than the {n} samples", "knn_accuracy")
        return float(np.mean(vote(labels[nearest_others(points, n_neighbors)]) == labels))
    queries, truth = _check_test(Z_test, y_test, points, labels)
    check_n_neighbors(n_neighbors, n, f"at most the {n} samples of 'Z'", "knn_accuracy")
    return float(np.mean(vote(labels[nearest_points(queries, points, n_neighbors)]) == truth))


def position_r2(
    Z: ArrayLike, target: ArrayLike, n_neighbors: int = 15, n_splits: int = 10, random_state: int = 0
) -> float:
    r"""Return how much of a number's variance the position on the map explains.

    Each sample's target is predicted by the mean over its ``n_neighbors`` nearest outside its own fold, and the
    predictions of all folds are pooled:

    .. math:: R^2 = 1 - \sum_i (t_i - \hat t_i)^2 / \sum_i (t_i - \bar t)^2

    with the mean of *all* targets, so that small or unlike folds do no harm.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    target : array-like, shape (n_samples,)
        One number a sample, such as the :func:`slant`. For an angle judge its cosine and its sine.
    n_neighbors : int, default=15
        How many are averaged, from 1 to the samples outside the largest fold. More smooth over noise, fewer
        follow finer structure. 15 is what this project's tables report.
    n_splits : int, default=10
        Number of folds, in [2, n_samples].
    random_state : int, default=0
        Seed of the shuffle that draws the folds, in [0, 2^32).

    Returns
    -------
    float
        In (-inf, 1]: 1 when position tells all; about -1 / n_neighbors, the cost of averaging so few, when it
        tells nothing.

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, the lengths differ, the target is constant or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.arange(100.0)
    >>> round(position_r2(line[:, None], line, n_neighbors=2), 2)
    1.0
    """
    points = check_rows(Z, "Z", min_samples=2)
    values = _check_target(target, len(points))
    folds = _folds(len(points), n_neighbors, n_splits, random_state, "position_r2")
    predicted = _held_out(points, values, n_neighbors, folds, lambda nearby: nearby.mean(axis=1))
    return float(1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2))


def position_accuracy(
    Z: ArrayLike, labels: ArrayLike, n_neighbors: int = 15, n_splits: int = 10, random_state: int = 0
) -> float:
    """Return how often the position on the map tells a sample's label.

    Each sample is classified by a vote of its ``n_neighbors`` nearest outside its own fold; a tied vote goes to
    the label that sorts first. Folds are shuffled, not stratified, as for :func:`position_r2`. A map that is to
    be *invariant* to the label, as to a translation, is judged by how near this comes to chance.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    labels : array-like, shape (n_samples,)
        Numbers or strings.
    n_neighbors : int, default=15
        How many vote, from 1 to the samples outside the largest fold.
    n_splits : int, default=10
        Number of folds, in [2, n_samples].
    random_state : int, default=0
        Seed of the shuffle that draws the folds, in [0, 2^32).

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, the lengths differ or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> position_accuracy(np.arange(100.0)[:, None], np.repeat(["left", "right"], 50), n_neighbors=1)
    0.99
    """
    points = check_rows(Z, "Z", min_samples=2)
    truth = check_labels(labels, "labels", len(points), "Z")
    folds = _folds(len(points), n_neighbors, n_splits, random_state, "position_accuracy")
    return float(np.mean(_held_out(points, truth, n_neighbors, folds, vote) == truth))


def orbit_ratio(Z: ArrayLike, orbits: ArrayLike) -> float:
    r"""Return the variance within groups over the total variance of a map.

    .. math:: \sum_i \|z_i - \bar z_{o(i)}\|^2 / \sum_i \|z_i - \bar z\|^2

    where :math:`\bar z_{o(i)}` is the mean of the group, or orbit, of sample i: the translated copies of one
    digit, one pose under all lights.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    orbits : array-like, shape (n_samples,)
        The group of each sample, numbers or strings. A group of one adds nothing above the line.

    Returns
    -------
    float
        In [0, 1]: 0 when each group is one point (the map is invariant), 1 when all groups have the same mean
        (they explain nothing). g groups drawn at random give (n_samples - g) / (n_samples - 1) on average.

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, the lengths differ or all samples of ``Z`` coincide.

    Examples
    --------
    Deviations of 1 within groups whose means lie 2 from the centre: 4 over 4 + 16.

    >>> orbit_ratio([[-3.0], [-1.0], [1.0], [3.0]], ["a", "a", "b", "b"])
    0.2
    """
    points = scaled(check_rows(Z, "Z"))
    groups = np.unique(check_labels(orbits, "orbits", len(points), "Z"), return_inverse=True)[1]
    if not np.ptp(points, axis=0).any():
        raise ValueError("All samples of 'Z' coincide: the map has collapsed and has no variance to compare.")
    centred = points - points.mean(axis=0)  # (n, d)
    sums = np.zeros((groups.max() + 1, centred.shape[1]))  # (g, d)
    np.add.at(sums, groups, centred)
    means = sums / np.bincount(groups)[:, None]  # (g, d)
    return float(np.sum((centred - means[groups]) ** 2) / np.sum(centred**2))


def _held_out(
    points: Floats,
    values: NDArray[Any],
    n_neighbors: int,
    folds: KFold,
    predict: Callable[[NDArray[Any]], NDArray[Any]],
) -> NDArray[Any]:
    """Predict each sample's value from those (m, k) of its nearest outside its own fold."""
    predicted = np.empty_like(values)
    for train, test in folds.split(points):
        nearest = nearest_points(points[test], points[train], n_neighbors)  # (m, k)
        predicted[test] = predict(values[train[nearest]])
    return predicted


def _folds(n_samples: int, n_neighbors: int, n_splits: int, random_state: int, owner: str) -> KFold:
    """Check the numbers of a cross-validation and return its folds."""
    check_parameters(
        {"n_splits": n_splits, "random_state": random_state},
        # A seed is wanted, not a generator or None: the same call must give the same number.
        {"n_splits": [integer_in(2)], "random_state": [integer_in(0, 2**32 - 1)]},
        owner,
    )
    check_at_most("n_splits", n_splits, 2, n_samples, f"at most the {n_samples} samples", owner)
    outside = n_samples - -(-n_samples // n_splits)
    check_n_neighbors(n_neighbors, outside, "at most the samples outside the largest fold", owner)
    return KFold(n_splits, shuffle=True, random_state=random_state)


def _check_test(
    Z_test: ArrayLike, y_test: ArrayLike, points: Floats, labels: NDArray[Any]
) -> tuple[Floats, NDArray[Any]]:
    """Return held-out samples and their labels, in the columns and the kind of label of the others."""
    queries = check_rows(Z_test, "Z_test")
    if queries.shape[1] != points.shape[1]:
        raise ValueError(
            "Expected 'Z' and 'Z_test' to have the same number of columns. "
            f"Got {points.shape[1]} in 'Z' and {queries.shape[1]} in 'Z_test'."
        )
    truth = check_labels(y_test, "y_test", len(queries), "Z_test")
    if isinstance(labels[0], str) != isinstance(truth[0], str):
        raise ValueError(
            "Expected 'y' and 'y_test' to be of one kind, numbers or strings: a number matches no string. "
            f"Got dtype {labels.dtype} in 'y' and {truth.dtype} in 'y_test'."
        )
    return queries, truth


def _check_target(target: ArrayLike, n_samples: int) -> Floats:
    """Return one finite number a sample, not all the same."""
    if np.ndim(target) != 1:
        raise ValueError(f"Expected 'target' to be 1-D, one number a sample. Got {short_repr(target)}.")
    refuse_masked(target, "target", "leave those samples out")
    values = scaled(check_rows(np.asarray(target)[:, None], "target")[:, 0])
    check_same_length(len(values), "target", n_samples, "Z")
    if not np.ptp(values):
        raise ValueError("The values of 'target' are all the same, so there is no variance to explain.")
    return values
