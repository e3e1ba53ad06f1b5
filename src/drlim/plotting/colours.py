"""The colour of each sample, by group or by a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array, Floats
from drlim.plotting.figures import check_cmap
from drlim.plotting.labels import MOST_GROUPS, Labels, read_labels
from drlim.plotting.palette import COLOURS, MARKERS, group_colours, unlabelled_grey

if TYPE_CHECKING:
    from matplotlib.cm import ScalarMappable
    from matplotlib.typing import ColorType

__all__ = ["Colouring", "Extend", "Group", "colour_samples"]

_INNER = (0.01, 0.99)
"""Quantiles of the numbers at which the colours end, so that a few extreme numbers do not take them all."""

_MOST_WITH_MARKERS = 7_000
"""Maximum number of samples whose markers differ. More points are too small, and a marker would cover those before."""

Extend = Literal["neither", "both", "min", "max"]


class Group(NamedTuple):
    """One entry of a legend."""

    name: str
    colour: str
    marker: str


@dataclass(frozen=True)
class Colouring:
    """The colour and marker of each sample, and what a key says of them."""

    rgba: Array  # (n, 4)
    markers: NDArray[np.intp]  # (n,) indices into `MARKERS`
    known: NDArray[np.bool_]  # (n,) whether a sample has a label, or no sample has to
    codes: NDArray[np.intp]  # (n,) indices into `groups`, -1 for none
    groups: Sequence[Group] = ()
    n_unnamed: int = 0  # number of groups, where there are too many to name
    scale: ScalarMappable | None = None
    extend: Extend = "neither"  # the ends of the scale beyond which there are numbers


def colour_samples(
    labels: ArrayLike | None,
    n_samples: int,
    cmap: str,
    owner: str,
    *,
    page: ColorType = "white",
    most_numbers: int = MOST_GROUPS,
) -> Colouring:
    """Return the colour of each sample: one for all, by group, or by a number."""
    from matplotlib.colors import to_rgba_array

    check_cmap("cmap", cmap, owner)
    if labels is None:
        plain = np.zeros(n_samples, dtype=np.intp)
        rgba = np.repeat(to_rgba_array(COLOURS[0]), n_samples, axis=0)  # (n, 4)
        return Colouring(rgba, plain, np.ones(n_samples, dtype=bool), plain - 1)
    read = read_labels(labels, n_samples, most_numbers)
    grey = unlabelled_grey(page)
    return _by_group(read, grey) if read.numbers is None else _by_number(read, read.numbers, cmap, grey)


def _by_group(labels: Labels, grey: str) -> Colouring:
    from matplotlib.colors import to_rgba_array

    n_groups, all_known = len(labels.groups), bool(labels.known.all())
    colours = group_colours(n_groups, beside_grey=not all_known)
    n_markers = len(MARKERS) if len(labels.codes) <= _MOST_WITH_MARKERS else 1
    markers = [code // len(COLOURS) % n_markers for code in range(n_groups)]
    # The last colour and marker are those of the code -1.
    rgba = to_rgba_array([*colours, grey])[labels.codes]  # (n, 4)
    of_samples = np.array([*markers, 0], dtype=np.intp)[labels.codes]  # (n,)
    if n_groups > MOST_GROUPS:
        return Colouring(rgba, of_samples, labels.known, labels.codes, n_unnamed=n_groups)
    key = [Group(*each) for each in zip(labels.groups, colours, [MARKERS[place] for place in markers], strict=True)]
    return Colouring(rgba, of_samples, labels.known, labels.codes, key)


def _by_number(labels: Labels, numbers: Floats, cmap: str, grey: str) -> Colouring:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import to_rgba

    known = numbers[labels.known]
    scale = ScalarMappable(cmap=cmap)
    scale.set_array(known)
    low, high = (
        float(np.quantile(known, _INNER[0], method="lower")),
        float(np.quantile(known, _INNER[1], method="higher")),
    )
    if low == high:
        low, high = float(known.min()), float(known.max())
    scale.set_clim(low, high)
    rgba = np.asarray(scale.to_rgba(np.where(labels.known, numbers, low)))  # (n, 4)
    rgba[~labels.known] = to_rgba(grey)
    ends: dict[tuple[bool, bool], Extend] = {
        (False, False): "neither",
        (True, False): "min",
        (False, True): "max",
        (True, True): "both",
    }
    extend = ends[bool(known.min() < low), bool(known.max() > high)]
    plain = np.zeros(len(numbers), dtype=np.intp)
    return Colouring(rgba, plain, labels.known, labels.codes, scale=scale, extend=extend)
