"""Continuous targets as a `NeighborhoodGraph`: samples of near targets are similar, all others dissimilar."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats, Index, pairs_within, products
from drlim._base.checks import InvalidParameterError, check_parameters, integer_in, real_in, refuse_masked, short_repr
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.neighbors.exact import LARGEST, nearest
from drlim.neighbors.radius import pairs_within_radius
from drlim.relations.missing import with_nan

__all__ = ["target_graph"]

_WANTED = "Expected 'y' to hold a number for each sample, or a row of numbers, with NaN where it is unknown."


def target_graph(y: ArrayLike, *, n_neighbors: int | None = None, radius: float | None = None) -> NeighborhoodGraph:
    """Declare samples similar whose continuous targets are near each other, and all others dissimilar.

    Pairs with a sample of unknown target are ignored, so that ``fit(X, pairs=target_graph(y, ...))`` leaves the
    neighbours of these samples as they are.

    Parameters
    ----------
    y : array-like, shape (n_samples,) or (n_samples, n_targets)
        Finite numbers, such as an age, a dose or two coordinates. Several columns are compared by Euclidean distance:
        bring them to one unit first. A sample with NaN, None or NA in any column is unknown.
    n_neighbors : int, default=None
        Number of nearest other values that are similar to each value, in [1, number of distinct values). Samples of
        equal targets are similar to each other, and count as one value. Fewer show finer differences.
    radius : float, default=None
        Maximum distance of similar targets, in [0, inf) and in the unit of ``y``. Give one of the two.

    Returns
    -------
    NeighborhoodGraph
        Its rest is ignored.

    Raises
    ------
    ValueError, TypeError
        When ``y`` holds text, complex, infinite or masked values or no known one, not exactly one of ``n_neighbors``
        and ``radius`` is given, or there would be more than 10^9 similar pairs.

    See Also
    --------
    label_graph : Classes, and sets of labels.

    Examples
    --------
    >>> from drlim.relations import target_graph
    >>> target_graph([1.0, 1.2, 5.0, None, 5.1], radius=0.5).similar.pairs().tolist()
    [[0, 1], [2, 4]]
    >>> target_graph([1.0, 1.2, 5.0, None, 5.1], n_neighbors=1)
    NeighborhoodGraph(n_samples=5, similar=2, dissimilar=4, ignored=4)
    """
    if (n_neighbors is None) == (radius is None):
        raise InvalidParameterError(
            "Expected one of 'n_neighbors' and 'radius' of target_graph. "
            f"Got n_neighbors={short_repr(n_neighbors)} and radius={short_repr(radius)}."
        )
    values = _checked_targets(y)  # (n, q)
    known = np.flatnonzero(~np.isnan(values).any(axis=1))  # (k,)
    if len(known) == 0:
        raise ValueError(f"Expected 'y' to hold a known target. Got {len(values)} samples, all of them unknown.")
    distinct, codes = np.unique(values[known], axis=0, return_inverse=True)  # (u, q), (k,)
    near = _near(distinct, n_neighbors, radius)  # (p, 2) of distinct values
    similar = PairSet.from_pairs(len(values), known[_of_samples(codes.ravel(), near)])
    state = np.full(len(values), -1, dtype=np.int64)  # (n,)
    state[known] = 0
    everything = PairSet.from_blocks(Blocks.from_codes(state, within=1.0))
    return NeighborhoodGraph.from_sets(len(values), similar, everything - similar, rest="ignored")


def _checked_targets(y: ArrayLike) -> Floats:
    """Return targets as float64, shape (n, q), NaN where they are unknown; or refuse them."""
    refuse_masked(y, "y", "write NaN where a target is unknown, y.filled(np.nan)")
    values = _numbers(y)  # (n, q) or (n,)
    shape = values.shape
    values = values[:, None] if values.ndim == 1 else values  # (n, q)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{_WANTED} Got shape {shape}.")
    size = np.where(np.isnan(values), 0.0, np.abs(values)).max(axis=1)  # (n,)
    if float(size.max()) > LARGEST:
        row = int(np.argmax(size))
        raise ValueError(f"{_WANTED} Got {values[row].tolist()} at row {row}: infinite, or beyond {LARGEST:g}.")
    return values


def _numbers(y: ArrayLike) -> Floats:
    """Return targets as float64 in their own shape, NaN where they are missing; or refuse what is no number."""
    try:
        given = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
        if given.dtype == object:
            given = with_nan(given)
        if given.dtype.kind not in "biuf":
            raise TypeError(f"values of type {given.dtype}")  # noqa: TRY301 - joins the errors of NumPy
        return given.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise TypeError(
            f"{_WANTED} Got {short_repr(y)}: give classes and sets of labels to label_graph, and dates as numbers."
        ) from error


def _near(distinct: Floats, n_neighbors: int | None, radius: float | None) -> Index:
    """Return pairs of distinct values that are near each other, shape (p, 2)."""
    if n_neighbors is None:
        check_parameters({"radius": radius}, {"radius": [real_in(0.0, float("inf"), closed="left")]}, "target_graph")
        return pairs_within_radius(distinct, float(radius or 0.0)) if len(distinct) > 1 else np.empty((0, 2), np.int64)
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1)]}, "target_graph")
    if n_neighbors >= len(distinct):
        raise InvalidParameterError(
            f"Expected n_neighbors to be less than the number of distinct targets in 'y', {len(distinct)}. Got "
            f"{n_neighbors}: give fewer, or a radius; targets of few values are classes, for label_graph."
        )
    indices, _ = nearest(distinct, int(n_neighbors))  # (u, k)
    both = np.sort(np.column_stack([np.repeat(np.arange(len(distinct)), n_neighbors), indices.ravel()]), axis=1)
    return np.unique(both, axis=0)  # (p, 2)


def _of_samples(codes: Index, near: Index) -> Index:
    """Return the pairs of samples whose values are equal or near each other, shape (q, 2), by the values' codes."""
    order = np.argsort(codes, kind="stable").astype(np.int64)  # (k,)
    stops = np.cumsum(np.bincount(codes)).astype(np.int64)  # (u,)
    starts = np.concatenate([[0], stops[:-1]]).astype(np.int64)  # (u,)
    alike = pairs_within(codes.astype(np.int64))  # (e, 2)
    return np.concatenate([alike, products(order, starts, stops, near[:, 0], near[:, 1])])  # (q, 2)
