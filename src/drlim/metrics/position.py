"""How well the position of a sample on a map predicts its class, a number, or the group it belongs to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import KFold

from drlim._base.arrays import Array, Floats
from drlim._base.checks import check_labels, check_parameters, check_same_length, integer_in, refuse_masked, short_repr
from drlim.metrics.inputs import as_points, check_at_most, check_n_neighbors, scaled
from drlim.metrics.nearest import nearest_others, nearest_points, vote

__all__ = ["knn_accuracy", "orbit_ratio", "position_accuracy", "position_r2"]


def knn_accuracy(
    Z: ArrayLike,
    y: ArrayLike,
    n_neighbors: int = 5,
    Z_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
) -> float:
    """Return the share of samples whose nearest neighbours on the map vote for the right class.

    With ``Z_test`` and ``y_test``, each test sample is classified by its nearest samples in ``Z``. Without them, each
    sample of ``Z`` is classified by its nearest others (leave one out). Both are exact and use no random numbers. A
    tied vote goes to the class that sorts first.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map, whose samples vote.
    y : array-like, shape (n_samples,)
        Their classes, numbers or strings.
    n_neighbors : int, default=5
        Number of neighbours that vote, in [1, n_samples], or in [1, n_samples) when one sample is left out. 5 is
        scikit-learn's default.
    Z_test : array-like, shape (n_test, n_components), default=None
        Positions of the samples to classify, on the same map.
    y_test : array-like, shape (n_test,), default=None
        Their classes. A test sample of a class that ``y`` does not contain counts as an error.

    Returns
    -------
    float
        Accuracy, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        When an array has the wrong shape or missing values, lengths or numbers of columns differ, ``n_neighbors`` is
        out of range or only one of ``Z_test`` and ``y_test`` is given.

    Examples
    --------
    >>> knn_accuracy([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"], n_neighbors=1)
    1.0
    >>> knn_accuracy([[0.0], [10.0]], ["a", "b"], n_neighbors=1, Z_test=[[1.0], [2.0]], y_test=["a", "b"])
    0.5
    """
    points = as_points(Z, "Z")
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
) -> float | Floats:
    r"""Return the share of the variance of a number, or of each of several, that the position on the map explains.

    The target of each sample is predicted by the mean over its ``n_neighbors`` nearest samples outside its own fold.
    The predictions of all folds are pooled:

    .. math:: R^2 = 1 - \sum_i (t_i - \hat t_i)^2 / \sum_i (t_i - \bar t)^2

    with the mean of *all* targets, so that the result does not depend on the means of single folds.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    target : array-like, shape (n_samples,) or (n_samples, n_targets)
        One number for each sample, such as the :func:`slant`, or several. For an angle, judge its cosine and its sine.
    n_neighbors : int, default=15
        Number of neighbours averaged, from 1 to the number of samples outside the largest fold. More neighbours
        average out noise, fewer follow finer structure. The tables of this project use 15.
    n_splits : int, default=10
        Number of folds, in [2, n_samples].
    random_state : int, default=0
        Seed of the shuffle before the samples are divided into folds, in [0, 2^32).

    Returns
    -------
    float or ndarray of float64, shape (n_targets,)
        R2, in (-inf, 1], of each number: 1 when the position determines it. When it contains no information, about
        -1 / n_neighbors, because the mean of so few samples is itself noisy.

    Raises
    ------
    ValueError, TypeError
        When an array has the wrong shape or missing values, lengths differ, the target is constant or a number is out
        of range.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.arange(100.0)
    >>> round(position_r2(line[:, None], line, n_neighbors=2), 2)
    1.0
    >>> position_r2(line[:, None], np.column_stack([line, line % 2]), n_neighbors=2).round(1).tolist()
    [1.0, -2.4]
    """
    points = as_points(Z, "Z", min_samples=2)
    values = _check_target(target, len(points))
    folds = _folds(len(points), n_neighbors, n_splits, random_state, "position_r2")
    predicted = _held_out(points, values, n_neighbors, folds, lambda nearby: nearby.mean(axis=1))  # (n, q)
    r2: Floats = 1 - np.sum((values - predicted) ** 2, axis=0) / np.sum((values - values.mean(axis=0)) ** 2, axis=0)
    return float(r2[0]) if np.ndim(target) == 1 else r2


def position_accuracy(
    Z: ArrayLike, labels: ArrayLike, n_neighbors: int = 15, n_splits: int = 10, random_state: int = 0
) -> float:
    """Return the share of samples whose label is predicted correctly from their position on the map.

    Each sample is classified by a vote of its ``n_neighbors`` nearest samples outside its own fold; a tied vote goes to
    the label that sorts first. Folds are shuffled, not stratified, as for :func:`position_r2`. If the map should be
    *invariant* to the label, for example to a translation, the accuracy should be close to chance.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    labels : array-like, shape (n_samples,)
        One label for each sample, numbers or strings.
    n_neighbors : int, default=15
        Number of neighbours that vote, from 1 to the number of samples outside the largest fold.
    n_splits : int, default=10
        Number of folds, in [2, n_samples].
    random_state : int, default=0
        Seed of the shuffle before the samples are divided into folds, in [0, 2^32).

    Returns
    -------
    float
        Accuracy, in [0, 1].

    Raises
    ------
    ValueError, TypeError
        When an array has the wrong shape or missing values, lengths differ or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> position_accuracy(np.arange(100.0)[:, None], np.repeat(["left", "right"], 50), n_neighbors=1)
    0.99
    """
    points = as_points(Z, "Z", min_samples=2)
    truth = check_labels(labels, "labels", len(points), "Z")
    folds = _folds(len(points), n_neighbors, n_splits, random_state, "position_accuracy")
    return float(np.mean(_held_out(points, truth, n_neighbors, folds, vote) == truth))


def orbit_ratio(Z: ArrayLike, orbits: ArrayLike) -> float:
    r"""Return the variance within groups over the total variance of a map.

    .. math:: \sum_i \|z_i - \bar z_{o(i)}\|^2 / \sum_i \|z_i - \bar z\|^2

    where :math:`\bar z_{o(i)}` is the mean of the group, or orbit, of sample i. A group is, for example, the translated
    copies of one digit, or one pose under all lights.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    orbits : array-like, shape (n_samples,)
        The group of each sample, numbers or strings. A group of one sample adds 0 to the numerator.

    Returns
    -------
    float
        In [0, 1]: 0 when each group is one point (the map is invariant), 1 when all groups have the same mean (they
        explain no variance). g groups drawn at random give (n_samples - g) / (n_samples - 1) on average.

    Raises
    ------
    ValueError, TypeError
        When an array has the wrong shape or missing values, lengths differ or all samples of ``Z`` coincide.

    Examples
    --------
    Four samples deviate by 1 from the means of their groups, and these means by 2 from the centre: 4 / (4 + 16).

    >>> orbit_ratio([[-3.0], [-1.0], [1.0], [3.0]], ["a", "a", "b", "b"])
    0.2
    """
    points = scaled(as_points(Z, "Z"))
    groups = np.unique(check_labels(orbits, "orbits", len(points), "Z"), return_inverse=True)[1]  # (n,)
    if not np.ptp(points, axis=0).any():
        raise ValueError("All samples of 'Z' coincide: the map has collapsed and has no variance to compare.")
    centred = points - points.mean(axis=0)  # (n, d)
    sums = np.zeros((groups.max() + 1, centred.shape[1]))  # (g, d)
    np.add.at(sums, groups, centred)
    means = sums / np.bincount(groups)[:, None]  # (g, d)
    return float(np.sum((centred - means[groups]) ** 2) / np.sum(centred**2))


def _held_out(
    points: Floats,
    values: Array,
    n_neighbors: int,
    folds: KFold,
    predict: Callable[[Array], Array],
) -> Array:
    """Predict the values of each sample from those, (m, k) or (m, k, q), of its nearest outside its own fold."""
    predicted = np.empty_like(values)  # (n,) or (n, q)
    for train, test in folds.split(points):
        nearest = nearest_points(points[test], points[train], n_neighbors)  # (m, k)
        predicted[test] = predict(values[train[nearest]])  # (m,) or (m, q)
    return predicted


def _folds(n_samples: int, n_neighbors: int, n_splits: int, random_state: int, owner: str) -> KFold:
    """Check the numbers of a cross-validation and return its folds."""
    check_parameters(
        {"n_splits": n_splits, "random_state": random_state},
        # An int only, not a generator or None: the same call must give the same number.
        {"n_splits": [integer_in(2)], "random_state": [integer_in(0, 2**32 - 1)]},
        owner,
    )
    check_at_most("n_splits", n_splits, 2, n_samples, f"at most the {n_samples} samples", owner)
    outside = n_samples - -(-n_samples // n_splits)
    check_n_neighbors(n_neighbors, outside, "at most the samples outside the largest fold", owner)
    return KFold(n_splits, shuffle=True, random_state=random_state)


def _check_test(Z_test: ArrayLike, y_test: ArrayLike, points: Floats, labels: Array) -> tuple[Floats, Array]:
    """Return test samples and their labels, or refuse columns or a kind of label that differs from the others'."""
    queries = as_points(Z_test, "Z_test")
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
    """Return the targets (n, q), finite numbers of each sample, or refuse a column in which all are the same."""
    if np.ndim(target) not in (1, 2):
        raise ValueError(f"Expected 'target' to be 1-D, one number a sample, or 2-D. Got {short_repr(target)}.")
    refuse_masked(target, "target", "leave those samples out")
    given = np.asarray(target)
    columns = as_points(given[:, None] if given.ndim == 1 else given, "target")  # (n, q)
    check_same_length(len(columns), "target", n_samples, "Z")
    for place, column in enumerate(columns.T):
        if not np.ptp(column):
            which = "The values" if given.ndim == 1 else f"The values of column {place}"
            raise ValueError(f"{which} of 'target' are all the same, so there is no variance to explain.")
    return np.column_stack([scaled(column) for column in columns.T])  # (n, q)
