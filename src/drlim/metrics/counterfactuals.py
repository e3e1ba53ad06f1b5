"""The smallest change of a sample that takes it to a place on the map."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.arrays import Array, Floats
from drlim._base.checks import check_parameters, check_points, integer_in, real_in, short_repr
from drlim._base.torch import Rows, device_of
from drlim.encoders.derivatives import each_jacobian
from drlim.encoders.embedding import embed_rows, evaluating
from drlim.metrics.differentiable import differentiable, refuse_space
from drlim.metrics.least_change import least_change
from drlim.metrics.sensitivity import check_scale

__all__ = ["Counterfactual", "counterfactual"]

_CORRECTIONS = 4
"""Maximum number of corrections at one place of the way."""

_LAST_CORRECTIONS = 60
"""Maximum number of corrections at its end."""

_SHARES = np.array([[1.0, 1.0], [1.0, 0.5], [1.0, 0.2], [1.0, 0.05], [1.0, 0.0], [0.5, 0.0], [0.2, 0.0], [0.05, 0.0]])
"""Shares of the step to the target, and of the step that shortens the change, that are tried together. Where the map
has corners, as with rectified units, the second step has to be a small part of what a linear map would allow."""

_AT_REST = 1e-4
"""Relative shortening of the answer at which corrections at the end of the way stop."""

_HALVINGS = 12
"""Number of bisections of a line."""

_CANDIDATES = 5
"""Number of samples nearest to the target from which a way back is tried."""


class Counterfactual(NamedTuple):
    """Result of `counterfactual`.

    Attributes
    ----------
    x : ndarray of float64, shape of a sample
        The changed sample.
    change : ndarray of float64, shape of a sample
        Its difference from the sample given.
    size : float
        Length of the change, in units of ``scale``.
    position : ndarray of float64, shape (n_components,)
        Where the changed sample lies on the map.
    distance : float
        Its distance from the target, in units of the map.
    reached : bool
        Whether that is within the tolerance.
    path : ndarray of float64, shape (n_steps + 1, ...)
        Samples on the way, from the one given to ``x``.
    positions : ndarray of float64, shape (n_steps + 1, n_components)
        Where they lie on the map.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.metrics import counterfactual
    >>> result = counterfactual(torch.nn.Linear(2, 2, bias=False), np.zeros(2), np.zeros(2))
    >>> result.reached, result.size
    (True, 0.0)
    """

    x: Floats
    change: Floats
    size: float
    position: Floats
    distance: float
    reached: bool
    path: Floats
    positions: Floats


class _Way(NamedTuple):
    """Changes on the way, (k, p) in units of the scale, and whether the last one is at the target."""

    changes: list[Floats]
    reached: bool


def counterfactual(
    model: object,
    x: ArrayLike,
    target: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
    samples: ArrayLike | None = None,
    n_steps: int = 20,
    tol: float = 0.01,
) -> Counterfactual:
    """Return the smallest change of a sample that takes it to a place on the map, and the way there.

    The target is approached in steps along the straight line on the map. At each step the change is corrected by the
    derivative of the map to be the smallest one that leads there (sequential quadratic programming). The result is
    smaller than all changes close to it; another, farther one may be smaller still.

    Parameters
    ----------
    model : fitted DrLIM or NeighborMap, or torch.nn.Module
        The map, as in `jacobian`. It computes in float64 here.
    x : array-like, of the shape of a sample
        One sample.
    target : array-like, shape (n_components,)
        The place, such as ``model.transform(X)[5]`` or the mean position of a group.
    scale : array-like of the shape of one sample, default=None
        Unit in which a change of each input value is measured, in [0, inf), such as ``X_train.std(axis=0)`` for
        columns of different units. A value with the unit 0 is left as it is. None is 1 for all.
    bounds : (low, high), default=None
        Least and largest values that the changed sample may have: numbers, or arrays of the shape of a sample. ``x``
        has to lie within them. None sets no bound; for images give those of the pixels.
    samples : array-like, shape (n_samples, ...), default=None
        Samples that may lie near the target, such as the training samples. Where the derivative does not lead there,
        as between the groups of a `NeighborMap`, the answer is sought from the five of them that are nearest to the
        target on the map, back towards ``x``.
    n_steps : int, default=20
        Number of steps on the way, in [1, 10000].
    tol : float, default=0.01
        Distance from the target that counts as there, as a share of the distance at the beginning, in (0, 1).

    Returns
    -------
    Counterfactual
        Look at ``reached``. Where it is False, the map has no slope that leads to the target, or the bounds leave no
        way; ``x`` then is the nearest that was found.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As `jacobian` does, or when ``x``, ``target``, ``scale``, ``bounds`` or ``samples`` do not fit the model.

    Examples
    --------
    On a linear map that keeps two of three columns, the third does not change:

    >>> import torch
    >>> network = torch.nn.Linear(3, 2, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    >>> found = counterfactual(network, [0.0, 0.0, 7.0], target=[4.0, 1.0])
    >>> found.reached, found.x.round(3).tolist(), round(found.size, 3)
    (True, [2.0, 1.0, 7.0], 2.236)
    """
    check_parameters(
        {"n_steps": n_steps, "tol": tol},
        {"n_steps": [integer_in(1, 10_000)], "tol": [real_in(0.0, 1.0)]},
        "counterfactual",
    )
    shape = np.shape(x)
    if not shape:
        raise ValueError(f"Expected 'x' to be one sample. Got {short_repr(x)}.")
    refuse_space(model, "counterfactual")
    at = differentiable(model, np.asarray(x)[None], "counterfactual", "x")
    start = at.samples[0].astype(np.float64).ravel()  # (p,)
    unit = check_scale(scale, at, "counterfactual").astype(np.float64).ravel()  # (p,)
    low, high = _check_bounds(bounds, start, shape)
    others = None if samples is None else differentiable(model, samples, "counterfactual", "samples").samples
    if others is not None and others.shape[1:] != shape:
        raise ValueError(f"Expected 'samples' to be of the shape of 'x', {shape}. Got {others.shape[1:]}.")
    with evaluating(at.encoder, torch.float64) as encoder:
        search = _Search(encoder, start, shape, unit, (low, high))
        goal = _check_target(target, search.begin)
        way = search.along_the_slope(goal, n_steps, tol)
        if not way.reached and others is not None:
            back = search.back_from(others, goal, n_steps, tol)
            way = back if back.reached else way
        return search.result(way, goal)


class _Search:
    """Changes u of one sample, in units of its scale: the sample then is x + s u."""

    def __init__(
        self, encoder: nn.Module, start: Floats, shape: tuple[int, ...], unit: Floats, bounds: tuple[Floats, Floats]
    ) -> None:
        self._encoder = encoder
        self._start = start
        self._shape = shape
        self._unit = unit
        # In units of the scale; a value that is held has no bound, for it has no change.
        divisor = np.where(unit > 0, unit, 1.0)
        held = unit == 0
        self._low = np.where(held, -np.inf, (bounds[0] - start) / divisor)  # (p,)
        self._high = np.where(held, np.inf, (bounds[1] - start) / divisor)  # (p,)
        self.begin = self.place(np.zeros_like(start))  # (d,)

    def samples(self, changes: Floats) -> Floats:
        """Return samples (k, ...) that are changed, (k, p)."""
        return (self._start + self._unit * changes).reshape(-1, *self._shape)  # (k, ...)

    def places(self, changes: Floats) -> Floats:
        """Return positions (k, d) of changes (k, p)."""
        rows = Rows(self.samples(changes), device_of(self._encoder), torch.float64)
        found: Floats = embed_rows(self._encoder, rows).cpu().numpy()
        return found

    def place(self, change: Floats) -> Floats:
        """Return the position (d,) of one change (p,)."""
        found: Floats = self.places(change[None])[0]
        return found

    def _linearised(self, change: Floats) -> tuple[Floats, Floats]:
        """Return the position (d,) and its derivative by the change, (d, p)."""
        found: list[Array] = []

        def keep(part: slice, positions: Tensor, derivatives: Tensor) -> None:  # noqa: ARG001
            found.extend([positions[0].cpu().numpy(), derivatives[0].flatten(1).cpu().numpy()])  # (d,), (d, p)

        rows = Rows(self.samples(change[None]), device_of(self._encoder), torch.float64)
        each_jacobian(self._encoder, rows, 1, keep)
        return found[0], found[1] * self._unit

    def along_the_slope(self, goal: Floats, n_steps: int, tol: float) -> _Way:
        """Follow the straight line on the map from the sample to the target."""
        begin = self.begin
        near = tol * float(np.linalg.norm(goal - begin))
        changes = [np.zeros_like(self._start)]
        for step in range(1, n_steps + 1):
            rounds = _LAST_CORRECTIONS if step == n_steps else _CORRECTIONS
            changes.append(self._corrected(changes[-1], begin + (goal - begin) * (step / n_steps), near, rounds))
        return _Way(changes, float(np.linalg.norm(self.place(changes[-1]) - goal)) <= near)

    def back_from(self, others: Array, goal: Floats, n_steps: int, tol: float) -> _Way:
        """Begin at samples near the target, and shorten the change while it stays there."""
        near = tol * float(np.linalg.norm(goal - self.begin))
        divisor = np.where(self._unit > 0, self._unit, np.inf)
        flat = others.reshape(len(others), -1).astype(np.float64)  # (n, p)
        changes = np.clip((flat - self._start) / divisor, self._low, self._high)  # (n, p)
        away = np.linalg.norm(self.places(changes) - goal, axis=1)  # (n,)
        best: Floats | None = None
        for row in np.argsort(away, kind="stable")[:_CANDIDATES]:
            change = self._corrected(changes[row], goal, near, _LAST_CORRECTIONS)
            if np.linalg.norm(self.place(change) - goal) > near:
                continue
            change = self._corrected(self._shortened(change, goal, near), goal, near, _LAST_CORRECTIONS)
            if best is None or np.linalg.norm(change) < np.linalg.norm(best):
                best = change
        if best is None:
            return _Way([np.zeros_like(self._start)], reached=False)
        return _Way([best * (step / n_steps) for step in range(n_steps + 1)], reached=True)

    def _shortened(self, change: Floats, goal: Floats, near: float) -> Floats:
        """Return the shortest of the changes on a line that stays at the target, by bisection."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):  # to a 4000th of the line
            middle = (low + high) / 2
            there = np.linalg.norm(self.place(middle * change) - goal) <= near
            low, high = (low, middle) if there else (middle, high)
        return high * change

    def _corrected(self, change: Floats, goal: Floats, near: float, rounds: int) -> Floats:
        """Return the smallest change close to the one given that leads to a place, as far as it can be found."""
        for _ in range(rounds):
            position, slope = self._linearised(change)
            rest = goal - position  # (d,)
            there = least_change(slope, rest, self._low - change, self._high - change)  # (p,)
            shorter = least_change(slope, rest + slope @ change, self._low, self._high) - change - there  # (p,)
            tried = change + _SHARES @ np.stack([there, shorter])  # (t, p)
            moved = self._best(tried, change, float(np.linalg.norm(rest)), goal, near)
            if moved is None:
                break
            gained = np.linalg.norm(change) - np.linalg.norm(moved)
            is_at_rest = np.linalg.norm(rest) <= near and gained <= _AT_REST * np.linalg.norm(moved)
            change = moved
            if is_at_rest:
                break
        return change

    def _best(self, tried: Floats, change: Floats, away: float, goal: Floats, near: float) -> Floats | None:
        """Return the shortest of the changes tried that is at the target, else the nearest; None where none is better.

        Better is nearer to the target, or, at the target, shorter.
        """
        distance = np.linalg.norm(self.places(tried) - goal, axis=1)  # (t,)
        length = np.linalg.norm(tried, axis=1)  # (t,)
        is_there = distance <= near
        if is_there.any():
            best = int(np.argmin(np.where(is_there, length, np.inf)))
            return tried[best] if away > near or length[best] < np.linalg.norm(change) else None
        best = int(np.argmin(distance))
        return tried[best] if distance[best] < away else None

    def result(self, way: _Way, goal: Floats) -> Counterfactual:
        """Return what was found."""
        changes = np.stack(way.changes)  # (k, p)
        path, positions = self.samples(changes), self.places(changes)
        distance = float(np.linalg.norm(positions[-1] - goal))
        change = path[-1] - path[0]
        size = float(np.linalg.norm(changes[-1]))
        return Counterfactual(path[-1], change, size, positions[-1], distance, way.reached, path, positions)


def _check_bounds(
    bounds: tuple[ArrayLike, ArrayLike] | None, start: Floats, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Return the least and the largest value of each input value, (p,) each, or refuse them."""
    if bounds is None:
        return np.full(start.shape, -np.inf), np.full(start.shape, np.inf)
    try:
        low, high = (np.broadcast_to(np.asarray(bound, dtype=np.float64), shape).ravel() for bound in bounds)  # (p,)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Expected 'bounds' to be (low, high), two numbers or two arrays of the shape of a sample. "
            f"Got {short_repr(bounds)}."
        ) from error
    outside = ~((low <= start) & (start <= high))
    if outside.any():
        place = int(np.argmax(outside))
        raise ValueError(
            f"Expected 'x' to lie within 'bounds'. Got {start[place]:.6g} at value {place} of it, between "
            f"{low[place]:.6g} and {high[place]:.6g}."
        )
    return low, high


def _check_target(target: ArrayLike, position: Floats) -> Floats:
    """Return the target (d,), or refuse it."""
    if np.shape(target) != position.shape:
        raise ValueError(
            f"Expected 'target' to be one place on the map, of {len(position)} coordinates. Got {short_repr(target)}."
        )
    goal: Floats = check_points(np.asarray(target)[None], name="target")[0].astype(np.float64)
    return goal
