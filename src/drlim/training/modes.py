"""Places on a curved space that follow the relations alone: the slowest modes of their graph.

The eigenvectors of the Laplacian of a ring are the cosine and the sine of the angle round it. On a cylinder the slowest
modes are these and the height, mixed where they are equally slow. Two modes belong to a circle if some quadratic form
of the modes is 1 everywhere: it is the square of the circle's radius.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.csgraph import connected_components, dijkstra

from drlim._base.arrays import Floats, Index
from drlim.graph import NeighborhoodGraph
from drlim.spaces import Space

__all__ = ["Places", "places_of"]

_MOST_GROUPS = 1200
"""Maximum number of groups of samples whose modes are computed: a second."""

_MOST_MODES = 8
"""Maximum number of modes in which a ring is looked for: on a cylinder that is three times as long as it is round, the
third mode along it still comes before the first one round it."""

_ROUND = 0.2
"""Largest coefficient of variation of the radius with which two modes count as a ring. Noise makes up to 0.15, two
modes of a square 0.27."""

_GAP = np.pi / 4
"""Widest gap of a ring that closes. Three modes along a line form one that is nearly round, with a gap of a sixth."""

_RIDGE = 1e-4
"""Weight of the size of a quadratic form beside its errors."""


class Places(NamedTuple):
    """Where some samples are to begin.

    Attributes
    ----------
    samples : ndarray of int64, shape (m,)
    positions : ndarray of float64, shape (m, space.n_ambient)
        In ambient coordinates, up to one scale.
    """

    samples: Index
    positions: Floats


def places_of(graph: NeighborhoodGraph, space: Space) -> Places | None:
    """Return places on a space that follow the relations, or None where these form nothing of its kind.

    Circles with or without lines are looked for, and one sphere. Only listed pairs count: labels form no ring.

    Examples
    --------
    >>> from drlim.spaces import Circle
    >>> ring = [(i, (i + 1) % 40) for i in range(40)]
    >>> places = places_of(NeighborhoodGraph.from_pairs(40, ring), Circle())
    >>> turns = np.diff(np.unwrap(np.arctan2(*places.positions.T[::-1])))
    >>> bool(np.allclose(np.abs(turns), 2 * np.pi / 40))
    True
    """
    kinds = [factor.kind for factor in space.factors]
    if "sphere" in kinds and kinds != ["sphere"]:
        return None
    found = _grouped(graph)
    if found is None or len(found.weights) < 4 * space.n_ambient:
        return None
    modes, slowness = _slowest(found.weights, min(_MOST_MODES, len(found.weights) // 4))
    positions = _sphere(modes, slowness) if kinds == ["sphere"] else _circles_and_lines(modes, slowness, space)
    return None if positions is None else Places(found.samples, positions[found.group])


class _Groups(NamedTuple):
    """Samples of the largest connected part, the group that each is in, and the weights between groups (g, g)."""

    samples: Index
    group: Index
    weights: Floats


def _grouped(graph: NeighborhoodGraph) -> _Groups | None:
    """Group the samples of the largest connected part; None where it is less than half of all, or pairs are not listed.

    Up to 1200 samples are groups of their own; of more, 1200 are drawn, and each sample goes to the nearest by steps.
    """
    pairs = graph.similar
    if pairs.blocks is not None:
        return None
    weights = np.ones(len(pairs.indices)) if pairs.weights is None else pairs.weights
    n = graph.n_samples
    matrix = sparse.csr_array((weights, pairs.indices, pairs.indptr), shape=(n, n))
    part = connected_components(matrix, directed=False)[1]  # type: ignore[arg-type]  # scipy-stubs: any float will do
    samples = np.flatnonzero(part == np.bincount(part).argmax())
    if 2 * len(samples) < n:
        return None
    matrix = matrix[samples][:, samples]
    group = np.arange(len(samples))
    if len(samples) > _MOST_GROUPS:
        drawn = np.sort(np.random.RandomState(0).permutation(len(samples))[:_MOST_GROUPS])
        nearest = dijkstra(matrix, unweighted=True, indices=drawn, min_only=True, return_predecessors=True)[2]  # type: ignore[call-overload]  # takes all of these
        group = np.searchsorted(drawn, nearest)
    member = sparse.csr_array((np.ones(len(group)), (np.arange(len(group)), group)))  # (m, g)
    between: Floats = sparse.csr_array(member.T @ matrix @ member).toarray()  # (g, g)
    return _Groups(samples, group, between)


def _slowest(weights: Floats, k: int) -> tuple[Floats, Floats]:
    """Return the slowest modes of a graph but for the constant, (g, k), of mean square 1, and their eigenvalues."""
    np.fill_diagonal(weights, 0.0)
    root = np.sqrt(weights.sum(axis=1))  # (g,)
    laplacian = np.eye(len(root)) - weights / np.outer(root, root)
    values, vectors = eigh(laplacian, subset_by_index=[1, k])
    modes: Floats = vectors / root[:, None]  # (g, k)
    modes /= np.sqrt(np.square(modes).mean(axis=0))
    return modes, values.clip(min=1e-12)


def _sphere(modes: Floats, slowness: Floats) -> Floats | None:
    """Return points of a sphere, (g, 3); None where the three slowest modes do not lie on one."""
    length = np.linalg.norm(modes[:, :3], axis=1)  # (g,)
    if length.std() > _ROUND * length.mean():
        return None
    points: Floats = modes[:, :3] / length[:, None]  # (g, 3)
    points *= np.sqrt(2 / slowness[:3].mean())  # of a sphere the eigenvalue is 2 / R^2
    return points


def _circles_and_lines(modes: Floats, slowness: Floats, space: Space) -> Floats | None:
    """Return points of circles and lines, (g, a); None where too few modes are round."""
    parts, size = [], sum(factor.size for factor in space.factors if not factor.is_curved)
    for number in range(len(space.curved)):
        left = len(space.curved) - number
        ring = _ring(modes, slowness, 2 * left + size, is_torus=left == 2)
        if ring is None and size == 1:
            ring = _ring_of_a_long_cylinder(modes, slowness, 2 * left + size)
        ring = ring or _ring(modes, slowness, 2 * left + size, widest=2 * np.pi)
        if ring is None:
            return None
        parts.append(ring.points)
        modes, slowness = ring.rest, ring.slowness
    if size:
        if modes.shape[1] < size:
            return None
        # A line of length L has the mode cos(pi s / L), of eigenvalue (pi / L)^2.
        extent = np.pi / np.sqrt(slowness[:size]) / 2 / np.abs(modes[:, :size]).max(axis=0)
        parts.append(modes[:, :size] * extent)
    return np.concatenate(parts, axis=1)  # (g, a)


class _Ring(NamedTuple):
    """Points of a circle (g, 2), and the modes that are not of it, with their eigenvalues."""

    points: Floats
    rest: Floats
    slowness: Floats


def _ring(
    modes: Floats, slowness: Floats, fewest: int, *, widest: float = _GAP, is_torus: bool = False
) -> _Ring | None:
    """Find the slowest ring among modes, (g, k), without a gap wider than that.

    The ``fewest`` modes are tried first, as many as a product has of which all factors are as wide.
    """
    for k in (*range(fewest, modes.shape[1] + 1), *range(2, min(fewest, modes.shape[1] + 1))):
        values, axes = np.linalg.eigh(_form(modes[:, :k], is_constant=not (is_torus and k == 4)))
        pair = modes[:, :k] @ (axes[:, -2:] * np.sqrt(values[-2:].clip(min=1e-12)))  # (g, 2)
        radius = np.hypot(*pair.T)  # (g,)
        angle = np.arctan2(pair[:, 1], pair[:, 0])  # (g,)
        if radius.std() > _ROUND * radius.mean() or _gap(angle) > widest:
            continue
        slow = float((slowness[:k] @ axes[:, -2:] ** 2).mean())
        points = pair / radius[:, None] / np.sqrt(slow)  # (g, 2)
        harmonics = np.column_stack([turn(n * angle) for n in range(1, 4) for turn in (np.cos, np.sin)])  # (g, 6)
        return _Ring(points, *_beside(modes, slowness, harmonics))
    return None


def _ring_of_a_long_cylinder(modes: Floats, slowness: Floats, fewest: int) -> _Ring | None:
    """Find a ring among the modes that are no functions of the slowest, which goes along the cylinder."""
    height = modes[:, 0] / np.abs(modes[:, 0]).max()  # (g,)
    rest, values = _beside(modes, slowness, np.vander(height, 7)[:, :-1])
    ring = _ring(rest, values, fewest) if rest.shape[1] >= 2 else None
    return None if ring is None else _Ring(ring.points, modes, slowness)


def _gap(angle: Floats) -> float:
    """Return the widest gap between neighbouring angles."""
    ordered = np.sort(angle)  # (g,)
    return float(np.diff(ordered, append=ordered[0] + 2 * np.pi).max())


def _form(modes: Floats, *, is_constant: bool) -> Floats:
    """Return the quadratic form (k, k) of modes (g, k) that is 1 everywhere, or, of size 1, as near to 0 as any.

    On a torus, each of its circles, and any mean of the two, has a form that is 1. Their difference is 0.
    """
    k = modes.shape[1]
    first, second = np.triu_indices(k)
    factor = np.where(first == second, 1.0, np.sqrt(2.0))
    products = modes[:, first] * modes[:, second] * factor  # (g, k (k + 1) / 2)
    gram = products.T @ products / len(modes)
    if is_constant:
        found = np.linalg.solve(gram + _RIDGE * np.eye(len(gram)), products.mean(axis=0))
    else:
        found = np.linalg.eigh(gram)[1][:, 0]
    form = np.zeros((k, k))
    form[first, second] = found / factor
    return form + form.T - np.diag(np.diag(form))


def _beside(modes: Floats, slowness: Floats, functions: Floats) -> tuple[Floats, Floats]:
    """Return what of modes, (g, k), is no sum of functions, (g, q), the slowest first, with their eigenvalues."""
    functions = functions - functions.mean(axis=0)
    basis = np.linalg.svd(functions, full_matrices=False)[0]  # (g, q)
    rest = modes - basis @ (basis.T @ modes)  # (g, k)
    # The combinations of modes that lose less than half by it.
    kept, ways = np.linalg.eigh(rest.T @ rest / len(rest))
    ways = ways[:, kept > 0.5]  # (k, q)
    values, turns = np.linalg.eigh(ways.T @ (slowness[:, None] * ways))
    return modes @ ways @ turns, values
