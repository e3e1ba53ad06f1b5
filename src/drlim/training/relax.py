"""Relax free points: where samples would lie under equation 3 if no encoder had to reach the places.

With attraction weights p of the similar pairs, normalised to sum 1 over the unordered pairs, the points minimise::

    E_t(z) = e_t sum p_ij L_S(D_ij) + (2 / S_t) sum L_D(D_ij)

over similar pairs and over all pairs; by default ``L_S = log(1 + D^2)`` and ``L_D = 1 / (1 + D^2)``. Two numbers change
with the step t. The exaggeration ``e_t`` gathers groups first, while they can still pass each other, and is small
later. The weight of the repulsion rises by the clock, not with the map::

    S_t = n max(n (c / n)^(t / 120), c),        c = sqrt(n) / 2

It begins at n^2, the sum of 1 / (1 + D^2) over all ordered pairs of points at one place, and ends at n c, about that
sum in a finished map, where c is the number of points within a unit of distance. t-SNE takes the sum itself; a minimum
of its energy is one of this one with S equal to the sum there, since ``log S = min over w of w S - log w - 1``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drlim._base.arrays import Array, Index
from drlim.springs import Springs
from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction
from drlim.training.divergence import DivergenceError
from drlim.training.free_forces import Gradient, checked_pairs, free_forces

__all__ = ["Schedule", "relax"]

Singles = NDArray[np.float32]

_GAIN_UP, _GAIN_DOWN, _LEAST_GAIN = 0.2, 0.8, 0.01
"""Change of a coordinate's gain where its gradient opposes, and follows, the last step; the least gain (Jacobs
1988)."""

_LONGEST_STEP = 5.0
"""Maximum length of a step, in units of the map. Steps of a good run are shorter; it keeps lone points within sight."""

_SORTED_FROM = 100_000
"""Number of points from which each phase begins by sorting them along a curve: sums over lists are faster where near
points are near in memory, too. Fewer points fit into a second-level cache."""

_CURVE_BITS = 12
"""Number of bits of a coordinate on the curve."""

_NARROW = 1e-4
"""Standard deviation of the random start of points that are given one place."""

_SMOOTHED = 50
"""Number of times that random numbers are averaged over neighbours where no start is given."""


@dataclass(frozen=True)
class Schedule:
    """How long the points move, and under what forces.

    Attributes
    ----------
    phases : tuple of (int, float), default=((60, 12.0), (240, 1.5))
        Numbers of steps and the exaggeration of the attraction in them, one pair a phase.
    annealed : int, default=120
        Number of steps over which the weight of the repulsion rises. 0 begins with the final weight, for a start that
        is a map already.
    momentum : float, default=0.8
        Share of a step that goes on into the next, in [0, 1).
    width : float or None, default=1e-4
        Standard deviation that the first axis of the start is scaled to. Narrow, so that the attraction arranges the
        points before the repulsion matters. None keeps the start as it is.
    """

    phases: tuple[tuple[int, float], ...] = ((60, 12.0), (240, 1.5))
    annealed: int = 120
    momentum: float = 0.8
    width: float | None = 1e-4


def relax(
    attraction: sparse.csr_array,
    n_components: int = 2,
    *,
    start: Array | None = None,
    springs: Springs | None = None,
    dissimilar: sparse.csr_array | None = None,
    ignored: sparse.csr_array | None = None,
    schedule: Schedule | None = None,
    seed: int = 0,
) -> Singles:
    """Return the places at which free points come to rest under the general loss (equation 3).

    Parameters
    ----------
    attraction : csr_array of float, shape (n, n)
        Weights of the similar pairs: symmetric, at least 0, diagonal 0; n at least 2. Only their ratios matter. A row
        without pairs is only repelled, and comes to lie at the rim.
    n_components : int, default=2
        Number of coordinates of the map.
    start : ndarray of shape (n, >= n_components), default=None
        Where the points begin: principal components of the samples, whose large structure the map then keeps. None
        takes random numbers, averaged over neighbours 50 times.
    springs : Springs, default=None
        The two laws. None takes ``log(1 + D^2)`` and ``1 / (1 + D^2)``. Other laws are summed exactly over all pairs,
        at a cost of n^2 a step.
    dissimilar : csr_array of float, shape (n, n), default=None
        Weights of pairs declared dissimilar, symmetric. Beyond the repulsion of all pairs, one of weight 1 repels as
        strongly as the average similar pair attracts: with its weight, by L_D.
    ignored : csr_array, shape (n, n), default=None
        Pairs, symmetric, whose repulsion is taken off. Values do not matter.
    schedule : Schedule, default=None
        None takes the default of each.
    seed : int, default=0
        Draws the start where none is given, and the tiny displacements that part identical starts.

    Returns
    -------
    ndarray of float32, shape (n, n_components)
        Finite, with mean 0. The same arguments give the same bytes, with any number of threads.

    Raises
    ------
    ValueError
        When an array has a wrong shape, or values that are not finite or below 0.
    DivergenceError
        When points leave the finite numbers, which laws of your own can bring about.

    Notes ----- Up to 4000 points, and for one or three coordinates, repulsion is summed exactly; in the plane beyond
    that on a grid, with an error of 5 % (root mean square) that no score of the map shows. A step is ``n / e_t`` times
    the gradient, with momentum and a gain for each coordinate.

    Examples
    --------
    Two groups of three, with no relation between them, part:

    >>> import numpy as np
    >>> from scipy import sparse
    >>> groups = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
    >>> Z = relax(sparse.csr_array(groups))
    >>> within, between = np.linalg.norm(Z[0] - Z[2]), np.linalg.norm(Z[0] - Z[3])
    >>> bool(between > 2 * within)
    True
    """
    attraction = checked_pairs(attraction, "attraction")
    n = attraction.shape[0]
    dissimilar = None if dissimilar is None else checked_pairs(dissimilar, "dissimilar", n)
    ignored = None if ignored is None else checked_pairs(ignored, "ignored", n)
    springs = springs or Springs(LogAttraction(), CauchyRepulsion())
    schedule = schedule or Schedule()
    Z = _started(attraction, n_components, start, schedule, np.random.default_rng([seed, n]))  # (n, d)
    forces = free_forces(attraction, dissimilar, ignored, springs, n_components, schedule.annealed)
    step = 0
    for steps, exaggeration in schedule.phases:
        if n < _SORTED_FROM:
            Z = _descended(Z, forces.gradient(), (step, step + steps), exaggeration, schedule.momentum)
        else:
            order = _along_curve(Z)
            sorted_forces = forces.reordered(order).gradient()
            Z[order] = _descended(Z[order], sorted_forces, (step, step + steps), exaggeration, schedule.momentum)
        step += steps
    Z -= Z.mean(axis=0, dtype=np.float64).astype(np.float32)
    _check(Z, step)
    return Z


def _descended(Z: Singles, gradient: Gradient, steps: tuple[int, int], exaggeration: float, momentum: float) -> Singles:
    """Descend with momentum, and with a gain for each coordinate that grows while its gradient keeps its sign."""
    rate = np.float32(len(Z) / exaggeration)
    update, gains = np.zeros_like(Z), np.ones_like(Z)  # (n, d), (n, d)
    for step in range(*steps):
        slope = gradient(Z, exaggeration, step).astype(np.float32, copy=False)  # (n, d)
        _check(slope, step)
        turn = np.sign(slope) * np.sign(update)  # (n, d) below 0 where the step goes on in its direction
        gains = np.where(turn < 0, gains + _GAIN_UP, np.where(turn > 0, gains * _GAIN_DOWN, gains))
        gains = np.maximum(gains, _LEAST_GAIN, dtype=np.float32)
        update = momentum * update - rate * gains * slope
        length = np.sqrt(np.einsum("nd,nd->n", update, update))  # (n,)
        update *= np.minimum(1, _LONGEST_STEP / np.maximum(length, _LONGEST_STEP))[:, None]
        Z = Z + update
    return Z


def _along_curve(Z: Singles) -> Index:
    """Return the points in the order of a curve that fills the map, along which near points are near (Morton 1966)."""
    low, high = Z.min(axis=0), Z.max(axis=0)
    cells = ((Z - low) / np.maximum(high - low, np.finfo(np.float32).tiny) * (2**_CURVE_BITS - 1)).astype(
        np.int64
    )  # (n, d)
    code = np.zeros(len(Z), dtype=np.int64)
    for bit in range(_CURVE_BITS):
        for axis in range(min(3, Z.shape[1])):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")


def _check(values: Array, step: int) -> None:
    """Refuse to go on with values that are not finite."""
    if not np.isfinite(values).all():
        raise DivergenceError(
            f"Relaxation diverged: the forces of step {step + 1} are not finite. Give laws with finite energy at any "
            "distance, and a start of moderate size."
        )


def _started(
    attraction: sparse.csr_array, n_components: int, start: Array | None, schedule: Schedule, rng: np.random.Generator
) -> Singles:
    """Return the start, scaled, with identical points parted by a hundredth of its width at most."""
    n = attraction.shape[0]
    random = rng.normal(size=(n, n_components))
    if start is None:
        places = random if n <= n_components + 1 else _smoothed(attraction, random)
    elif start.ndim != 2 or len(start) != n or start.shape[1] < n_components or not np.isfinite(start).all():
        raise ValueError(
            f"Expected 'start' to be finite, with {n} rows of at least {n_components} values. Got shape {start.shape}."
        )
    else:
        places = np.asarray(start[:, :n_components], dtype=np.float64)
    places = places - places.mean(axis=0)
    if float(places[:, 0].std()) == 0:
        places = _NARROW * random
    width = float(places[:, 0].std())
    if schedule.width is not None:
        places, width = places * (schedule.width / width), schedule.width
    return (places + 0.01 * width * rng.uniform(-1, 1, places.shape)).astype(np.float32)


def _smoothed(attraction: sparse.csr_array, places: Array) -> Array:
    """Average places over neighbours, which leaves the slowest changes along the graph: its largest structure."""
    degrees = np.asarray(attraction.sum(axis=1)).ravel()  # (n,)
    weights = degrees / (degrees.sum() or 1.0)
    shares = np.where(degrees > 0, 1 / np.where(degrees > 0, degrees, 1), 0.0)[:, None]  # (n, 1)
    for _ in range(_SMOOTHED):
        places = 0.5 * (places + shares * (attraction @ places))  # (n, d)
        places = np.asarray(
            np.linalg.qr(places - weights @ places)[0]
        )  # without the constant, which is the slowest of all
    return places
