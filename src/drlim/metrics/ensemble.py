"""How far several maps of the same samples agree about where each sample lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from drlim._base.arrays import Floats
from drlim._base.calls import user_call
from drlim._base.checks import check_parameters, check_same_length, count_rows, short_repr
from drlim.encoders.embedding import embed
from drlim.metrics.differentiable import refuse_space
from drlim.metrics.inputs import as_points

__all__ = ["Uncertainty", "uncertainty"]

_ROUNDS = 100
"""Maximum number of rounds in which the maps are laid over their mean."""

_AT_REST = 1e-10
"""Change of the mean map in one round, as a share of its size, at which the rounds end."""


class Uncertainty(NamedTuple):
    """Result of `uncertainty`.

    Attributes
    ----------
    spread : ndarray of float64, shape (n_samples,)
        Root of the mean square distance of a sample's positions from their mean, in units of the first map.
    mean : ndarray of float64, shape (n_samples, n_components)
        Mean position, on the first map.
    positions : ndarray of float64, shape (n_models, n_samples, n_components)
        Positions on each map, laid over the first.

    Examples
    --------
    >>> from drlim.metrics import uncertainty
    >>> maps = [lambda X: X, lambda X: X + 1]  # the same map, moved
    >>> uncertainty(maps, np.array([[0.0], [1.0], [5.0]])).spread.round(6).tolist()
    [0.0, 0.0, 0.0]
    """

    spread: Floats
    mean: Floats
    positions: Floats


def uncertainty(models: Sequence[Any], X: ArrayLike, *, align: bool = True) -> Uncertainty:
    """Return how far several maps disagree about the place of each sample.

    Good ensembles are fits of one estimator that differ by ``random_state``, or by the samples drawn for each. States
    of one training serve as well: copies made between calls of `partial_fit`, which share most of their way and so
    differ less.

    Parameters
    ----------
    models : sequence of fitted estimators, torch.nn.Module or callable
        At least two maps of the same number of dimensions: objects with ``transform``, modules, or functions from
        samples to points.
    X : array-like, shape (n_samples, ...)
        Samples, best held out.
    align : bool, default=True
        Whether each map is first moved, turned, mirrored and scaled as a whole to agree best with the mean of all
        (generalised Procrustes analysis), for the loss of a map does not say which way up it lies. False takes them as
        they are, which suits states of one training.

    Returns
    -------
    Uncertainty
        ``spread`` is what `drlim.plotting.plot_sensitivity` draws over the map.

    Raises
    ------
    ValueError, TypeError
        When there are fewer than two models, one is not a map, they differ in number of dimensions, or a map places all
        samples at one point.

    Notes
    -----
    Turning a map as a whole does not bring back groups that another seed has put in another order: two fits of a
    `NeighborMap` agree within groups, and often not about where the groups lie. Let them start from one map instead, by
    `partial_fit` of copies of it with different samples.

    References
    ----------
    J. C. Gower, "Generalized Procrustes analysis", Psychometrika 40, 1975.

    Examples
    --------
    The second map is the first one turned by a right angle, but for the last sample:

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> turned = np.column_stack([-X[:, 1], X[:, 0]])
    >>> turned[-1] += 1.0
    >>> found = uncertainty([lambda X: X, lambda X: turned], X)
    >>> int(found.spread.argmax()), round(float(found.spread.max()), 1), round(float(np.median(found.spread)), 2)
    (39, 0.7, 0.02)
    """
    check_parameters({"align": align}, {"align": ["boolean"]}, "uncertainty")
    if not isinstance(models, Sequence) or len(models) < 2:
        raise TypeError(f"Expected 'models' to be a list of two maps or more. Got {short_repr(models)}.")
    for model in models:
        refuse_space(model, "uncertainty")
    maps = [_mapped(model, X, place) for place, model in enumerate(models)]  # m times (n, d)
    for place, points in enumerate(maps):
        if points.shape != maps[0].shape:
            raise ValueError(
                f"Expected 'models' to map to as many dimensions each. Got {maps[0].shape[1]} of the first and "
                f"{points.shape[1]} of model {place}."
            )
    positions = np.stack(_laid_over(maps) if align else maps)  # (m, n, d)
    mean = positions.mean(axis=0)  # (n, d)
    spread = np.sqrt(np.square(positions - mean).sum(axis=2).mean(axis=0))  # (n,)
    return Uncertainty(spread, mean, positions)


def _mapped(model: Any, X: ArrayLike, place: int) -> Floats:
    """Return the points (n, d) of samples on one map."""
    name = f"models[{place}](X)"
    if isinstance(model, nn.Module):
        mapped: ArrayLike = embed(model, X)
    elif hasattr(model, "transform") and not isinstance(model, type):
        mapped, name = model.transform(X), f"models[{place}].transform(X)"
    elif callable(model) and not isinstance(model, type):
        with user_call(f"The function {name}"):
            mapped = model(X)
    else:
        raise TypeError(
            f"Expected 'models' to hold fitted estimators, modules or functions. Got {short_repr(model)} at {place}."
        )
    points = as_points(mapped, name)
    check_same_length(len(points), name, count_rows(X, "X"), "X")
    return points


def _laid_over(maps: list[Floats]) -> list[Floats]:
    """Return maps moved, turned and scaled to their common mean, in the frame of the first one."""
    centres = [points.mean(axis=0) for points in maps]
    shapes = []
    for place, (points, centre) in enumerate(zip(maps, centres, strict=True)):
        size = np.linalg.norm(points - centre)
        if not size > 1e-12 * np.abs(points).max():
            raise ValueError(f"Model {place} of 'models' places all samples at one point: there is nothing to align.")
        shapes.append((points - centre) / size)  # (n, d) of unit size
    mean, laid = shapes[0], shapes
    for _ in range(_ROUNDS):
        laid = [_turned(shape, mean) for shape in shapes]
        moved = np.mean(laid, axis=0)  # (n, d)
        moved /= np.linalg.norm(moved)
        change, mean = np.linalg.norm(moved - mean), moved
        if change < _AT_REST:
            break
    size, first = np.linalg.norm(maps[0] - centres[0]), laid[0]
    back = _rotation(first, shapes[0])  # (d, d) into the frame of the first map
    scale = float(np.sum((first @ back) * shapes[0]) / np.sum(first**2))
    return [shape @ back * (scale * size) + centres[0] for shape in laid]


def _turned(shape: Floats, target: Floats) -> Floats:
    """Return a shape turned, mirrored and scaled to fit another best."""
    turned = shape @ _rotation(shape, target)  # (n, d)
    return turned * float(np.sum(turned * target) / np.sum(turned**2))


def _rotation(shape: Floats, target: Floats) -> Floats:
    """Return the orthogonal matrix (d, d) that brings a shape closest to another."""
    left, _, right = np.linalg.svd(shape.T @ target)
    rotation: Floats = left @ right
    return rotation
