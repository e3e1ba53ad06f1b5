"""Invariance in the small: how a map moves along the generators of transforms, beside other directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from drlim._base.arrays import Array, Floats
from drlim._base.checks import check_parameters, integer_in
from drlim._base.messages import aligned
from drlim.metrics.differentiable import differentiable, each_derivative
from drlim.relations.transforms import Transform, named_transforms, transformed

__all__ = ["LocalInvariance", "LocalInvarianceRow", "local_invariance"]

_BATCH = 256
"""Maximum number of samples at once."""

_OTHERS = 8
"""Number of other samples towards which the map is measured at each sample."""

_HEAD = ("transform", "along", "others", "along/others", "10-90 %", "samples")


class LocalInvarianceRow(NamedTuple):
    """How a map moves along the generator of one transform.

    Attributes
    ----------
    name : str
        Name of the transform.
    n_samples : int
        Number of samples that the transform changes; the others have no direction.
    along : float
        Root of the mean square over the samples of ``|J v| / |v|``, v the generator: units of the map for one
        unit of change of the input.
    others : float
        The same over directions to other samples.
    ratio : float
        Median over the samples of the one divided by the other; 0 is invariant, 1 is like any other direction.
    ratio_low, ratio_high : float
        10 % and 90 % quantile.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from drlim.metrics import local_invariance
    >>> X = np.random.default_rng(0).normal(size=(20, 2))
    >>> report = local_invariance(torch.nn.Linear(2, 1), X, {"wider": lambda X: X * [1, 1.1]})
    >>> report.rows[0].name, report.rows[0].n_samples
    ('wider', 20)
    """

    name: str
    n_samples: int
    along: float
    others: float
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True, eq=False)
class LocalInvariance:
    """Result of `local_invariance`; ``print`` shows a table.

    Attributes
    ----------
    rows : tuple of LocalInvarianceRow
        One for each transform, in the order given.
    velocity : dict of str to ndarray, shape (n_samples, n_components)
        J v of each transform: how each sample moves on the map while the transform sets in. Arrows of
        `drlim.plotting.plot_sensitivity`.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from drlim.metrics import local_invariance
    >>> X = np.random.default_rng(0).normal(size=(20, 2))
    >>> report = local_invariance(torch.nn.Linear(2, 1), X, {"none of it": lambda X: X * [1, 1.1]})
    >>> report.velocity["none of it"].shape
    (20, 1)
    """

    rows: tuple[LocalInvarianceRow, ...]
    velocity: dict[str, Floats]

    def __str__(self) -> str:
        """Return an aligned table, one line for each transform."""
        return "\n".join(aligned([_HEAD, *(_cells(row) for row in self.rows)], left={0}))


def local_invariance(
    model: object,
    X: ArrayLike,
    transforms: Mapping[str, Transform] | Sequence[Transform],
    *,
    random_state: int = 0,
) -> LocalInvariance:
    """Compare how far a map moves along transforms that it should ignore, and along other directions.

    `invariance_report` compares copies with originals, and so sees the whole of a transform. Here its beginning is
    seen: the derivative of the map along v = T(x) - x, the direction in which the transform T sets out. Give transforms
    that change little, such as ``lambda images: 1.01 * images``: the smaller, the nearer v is to the generator. A shift
    by one pixel is the smallest of its kind.

    Parameters
    ----------
    model : fitted DrLIM or NeighborMap, or torch.nn.Module
        The map, as in `jacobian`.
    X : array-like, shape (n_samples, ...)
        At least two samples, best held out.
    transforms : dict of str to callable, or sequence of callable
        Functions from a batch to as many changed samples, as `drlim.orbits` takes them.
    random_state : int, default=0
        Seed of the other directions, in [0, 2^32): from each sample to 8 others.

    Returns
    -------
    LocalInvariance

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As `jacobian` and `drlim.orbits` do, when a transform changes no sample, or when all samples are equal.

    Examples
    --------
    The map keeps the first of two coordinates, so it ignores what changes the second alone:

    >>> import numpy as np
    >>> import torch
    >>> first = torch.nn.Linear(2, 1, bias=False)
    >>> _ = first.weight.data.copy_(torch.tensor([[1.0, 0.0]]))
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> print(local_invariance(first, X, {"up": lambda x: x + [0.0, 0.1], "right": lambda x: x + [0.1, 0.0]}))
    transform  along  others  along/others    10-90 %  samples
    up         0.000   0.698          0.00  0.00-0.00      200
    right      1.000   0.698          1.45  1.18-1.89      200
    """
    check_parameters({"random_state": random_state}, {"random_state": [integer_in(0, 2**32 - 1)]}, "local_invariance")
    at = differentiable(model, X, "local_invariance")
    n = len(at.samples)
    if n < 2:
        raise ValueError("Expected 'X' to hold at least 2 samples: directions to others are drawn. Got 1.")
    named = named_transforms(transforms)
    rng = np.random.default_rng(random_state)
    # Moved by less than n, so that no sample is its own other.
    others = (np.arange(n)[:, None] + rng.integers(1, n, size=(n, min(_OTHERS, n - 1)))) % n  # (n, m)
    sizes = np.zeros((n, len(named)))  # |v|, (n, t)
    moves: list[Floats] = []  # J v, (n, t, d)
    beside = np.zeros(n)  # mean square of |J u| / |u| over the others, (n,)

    def measure(part: slice, positions: Tensor, derivatives: Tensor) -> None:  # noqa: ARG001 - each_derivative's signature
        flat = derivatives.flatten(2).cpu().double()  # (b, d, p)
        batch = at.samples[part]
        if not moves:
            moves.append(np.zeros((n, len(named), derivatives.shape[1])))
        for place, (name, transform) in enumerate(named.items()):
            way = _flat(transformed(batch, transform, name)) - _flat(batch)  # (b, p)
            sizes[part, place] = np.linalg.norm(way, axis=1)
            moves[0][part, place] = _along(flat, way)
        beside[part] = _mean_square(flat, at.samples, batch, others[part])

    each_derivative(at, _BATCH, measure)
    if not beside.any():
        raise ValueError(
            "Expected 'X' to hold samples between which the map moves. Got samples that are all equal to "
            "it: along no direction from one to another does it move."
        )
    rows = tuple(
        _row(name, sizes[:, place], np.linalg.norm(moves[0][:, place], axis=1), beside)
        for place, name in enumerate(named)
    )
    return LocalInvariance(rows, {name: moves[0][:, place] for place, name in enumerate(named)})


def _flat(samples: Array) -> Floats:
    return samples.reshape(len(samples), -1).astype(np.float64)  # (b, p)


def _along(derivatives: Tensor, ways: Floats) -> Floats:
    """Return J v of each sample, (b, d), of derivatives (b, d, p) and ways (b, p)."""
    moved: Floats = torch.bmm(derivatives, torch.from_numpy(ways)[:, :, None]).squeeze(2).numpy()  # (b, d)
    return moved


def _mean_square(derivatives: Tensor, samples: Array, batch: Array, others: Array) -> Floats:
    """Return the mean over other samples of (|J u| / |u|)^2, (b,), u the way there; equal samples are left out."""
    total, count = np.zeros(len(batch)), np.zeros(len(batch))
    for column in others.T:
        way = _flat(samples[column]) - _flat(batch)  # (b, p)
        size = np.linalg.norm(way, axis=1)
        is_way = size > 0
        moved = np.linalg.norm(_along(derivatives, way), axis=1)
        total[is_way] += (moved[is_way] / size[is_way]) ** 2
        count += is_way
    return total / np.maximum(count, 1)


def _row(name: str, size: Floats, moved: Floats, beside: Floats) -> LocalInvarianceRow:
    changed = size > 0
    if not changed.any():
        raise ValueError(f"Expected transform {name!r} to change samples of 'X'. It changes none of them.")
    along = moved[changed] / size[changed]
    usable = beside[changed] > 0  # elsewhere the map moves along no direction that was tried
    ratios = along[usable] / np.sqrt(beside[changed][usable])
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9]) if usable.any() else [np.nan] * 3
    here, there = float(np.sqrt(np.mean(along**2))), float(np.sqrt(np.mean(beside[changed])))
    return LocalInvarianceRow(name, int(changed.sum()), here, there, float(middle), float(low), float(high))


def _cells(row: LocalInvarianceRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.along:.3f}",
        f"{row.others:.3f}",
        f"{row.ratio:.2f}",
        f"{row.ratio_low:.2f}-{row.ratio_high:.2f}",
        str(row.n_samples),
    )
