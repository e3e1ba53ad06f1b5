"""Builders that say what is known of samples without measuring them: pairs, copies, grids, sequences.

Step 1 of the paper's algorithm takes any prior knowledge, not nearest neighbours only. Here each kind of it becomes
a `NeighborhoodGraph`, in memory that grows with the pairs listed and never with the square of the samples.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from numbers import Real
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._checks import (
    StrOptions,
    check_parameters,
    check_points,
    check_same_length,
    integer_in,
    real_in,
    short_repr,
)
from drlim.graph import NeighborhoodGraph, PairSet

__all__ = ["Orbits", "grid_graph", "orbit_graph", "orbits", "pairs", "sequence_graph", "shift", "shifts", "with_copies"]

Index = NDArray[np.int64]
Transform = Callable[[NDArray[Any]], ArrayLike]

_MOST_PAIRS = 10**9
"""Listing more takes over 100 GB, so a slip such as one group of everything is refused before it does."""

_CHUNK = 2**16
"""Rows of ids turned into Python objects at a time."""

_WHOLE = 1e-6
"""A period is a whole number of steps if it is within this part of one: 0.3 / 0.1 is 2.9999999999999996."""


def pairs(
    n_samples: int | None = None,
    *,
    similar: Any,
    dissimilar: Any = None,
    ignored: Any = None,
    ids: Any = None,
) -> NeighborhoodGraph:
    """State pairs one by one: must-link, cannot-link, and pairs that do not count.

    Parameters
    ----------
    n_samples : int, default=None
        Number of samples, in [1, inf). May be left out when ``ids`` are given.
    similar : array-like, shape (n_pairs, 2)
        Must-link: pairs of sample indices, or of ids when ``ids`` are given. Order, direction and repetition do
        not matter.
    dissimilar : array-like, shape (n_pairs, 2), default=None
        Cannot-link. None, the paper's rule, makes every pair dissimilar that is listed nowhere. When given, even
        empty, pairs listed nowhere are ignored: nothing is known of them.
    ignored : array-like, shape (n_pairs, 2), default=None
        Pairs without a spring.
    ids : array-like of hashable, shape (n_samples,), default=None
        A name for each sample, such as a file name or a key of a table. Ids of a list keep their type (1 is not
        "1"); an array has one type.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When neither ``n_samples`` nor ``ids`` is given or they disagree; an id is missing, repeated or unknown; an
        index is not in [0, n_samples); a sample is paired with itself; or a pair is given in two states. Messages
        about the last two name samples by their place in ``ids``.

    Examples
    --------
    >>> from drlim.relations import pairs
    >>> pairs(4, similar=[(0, 1)])
    NeighborhoodGraph(n_samples=4, similar=1, dissimilar=5, ignored=0)

    With names, and nothing said of pairs that are not listed:

    >>> people = ["ann.png", "ann_2.png", "bob.png"]
    >>> graph = pairs(ids=people, similar=[("ann.png", "ann_2.png")], dissimilar=[("bob.png", "ann.png")])
    >>> graph
    NeighborhoodGraph(n_samples=3, similar=1, dissimilar=1, ignored=1)
    >>> graph.neighbors(0)
    array([1])
    """
    check_parameters({"n_samples": n_samples}, {"n_samples": [integer_in(1), None]}, "pairs")
    stated = {"similar": similar, "dissimilar": dissimilar, "ignored": ignored}
    if ids is not None:
        table = _id_table(ids)
        if n_samples is not None and n_samples != len(table):
            raise ValueError(f"Expected 'ids' to name {n_samples} samples, as 'n_samples' says. Got {len(table)} ids.")
        n_samples = len(table)
        stated = {name: None if given is None else _places(ids, table, given, name) for name, given in stated.items()}
    if n_samples is None:
        raise ValueError("Expected 'n_samples', how many samples there are, or 'ids', one for each. Got neither.")
    return NeighborhoodGraph.from_pairs(int(n_samples), **stated)


def orbit_graph(groups: ArrayLike) -> NeighborhoodGraph:
    """Declare samples of one group to be copies of one thing: all pairs within it similar, all others dissimilar.

    The copies may be translations of an image, views of an object, one event seen by several sensors.

    Parameters
    ----------
    groups : array-like, shape (n_samples,)
        A label for each sample: numbers, strings or other hashable values. A sample labelled -1, or without a label
        (None, NaN, NaT or pandas' NA), is in no group, and similar to no other.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``groups`` is empty, not 1-D or not hashable, or there would be more than 10^9 pairs.

    See Also
    --------
    orbits : Makes the copies as well.

    Notes
    -----
    A group of m samples lists m (m - 1) / 2 pairs, so that this is for small groups.

    Examples
    --------
    >>> from drlim.relations import orbit_graph
    >>> orbit_graph(["cup", "hat", "cup", None, "cup"]).similar.pairs().tolist()
    [[0, 2], [0, 4], [2, 4]]
    """
    codes = _group_codes(groups)
    return NeighborhoodGraph.from_pairs(len(codes), _pairs_within(codes))


@dataclass(frozen=True, eq=False, repr=False)
class Orbits:
    """Samples and their copies, as `orbits` makes them: N = n (t + 1) rows of n samples under t transforms.

    Attributes
    ----------
    X : ndarray, shape (N, ...)
        All copies, the originals first: row ``t * n + i`` is sample i under transform t.
    graph : NeighborhoodGraph
        On the N rows; copies of one sample are similar.
    source : ndarray of int64, shape (N,)
        The sample that each row is a copy of, in [0, n).
    transform : ndarray of int64, shape (N,)
        The transform that made each row; 0 is none.
    names : tuple of str
        Names of the transforms, ``names[0]`` being "unchanged".
    """

    X: NDArray[Any]
    graph: NeighborhoodGraph
    source: Index
    transform: Index
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Orbits(X {self.X.shape}, {len(self.X) // len(self.names)} samples, {len(self.names)} copies of each)"


def orbits(X: ArrayLike, transforms: Sequence[Transform] | Mapping[str, Transform]) -> Orbits:
    """Copy all samples under each of the transforms, and declare the copies of one sample similar.

    Parameters
    ----------
    X : array-like, shape (n_samples, ...)
        Samples of two or more dimensions.
    transforms : sequence of callable, or dict of str to callable
        Each takes a batch of samples and returns as many changed ones, of the same shape. It has to treat each
        sample on its own, so that any split into batches gives the same copies. A dict names them; those of a
        sequence are named by their places, from "1".

    Returns
    -------
    Orbits
        In ``X``, row ``t * n_samples + i`` is sample i under transform t, 0 being the sample itself. The dtype is
        that of the input.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite numeric array, there is no transform or one is not callable, or a transform
        returns another shape, values that are not finite, or a type that the dtype of ``X`` cannot hold.

    See Also
    --------
    with_copies : Joins the neighbours of the samples to the graph, as the paper does.
    shifts : The paper's translations.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.3.

    Examples
    --------
    >>> from drlim.relations import orbits
    >>> copies = orbits([[1, 2], [3, 4]], {"negated": lambda batch: -batch, "swapped": lambda batch: batch[:, ::-1]})
    >>> copies
    Orbits(X (6, 2), 2 samples, 3 copies of each)
    >>> copies.X.tolist()
    [[1, 2], [3, 4], [-1, -2], [-3, -4], [2, 1], [4, 3]]
    >>> copies.graph.neighbors(0).tolist(), copies.source.tolist()
    ([2, 4], [0, 1, 0, 1, 0, 1])
    """
    samples = check_points(X, name="X", ndim=None, dtype="numeric")
    named = _named_transforms(transforms)
    n_samples, n_copies = len(samples), len(named) + 1
    copies = np.empty((n_copies, *samples.shape), dtype=samples.dtype)  # (t + 1, n, ...)
    copies[0] = samples
    for place, (name, transform) in enumerate(named.items(), start=1):
        copies[place] = _transformed(samples, transform, name)
    source = np.tile(np.arange(n_samples, dtype=np.int64), n_copies)  # (N,)
    return Orbits(
        copies.reshape(-1, *samples.shape[1:]),
        orbit_graph(source),
        source,
        np.repeat(np.arange(n_copies, dtype=np.int64), n_samples),
        ("unchanged", *named),
    )


def shift(images: ArrayLike, dx: int, dy: int = 0, fill: float = 0.0) -> NDArray[Any]:
    """Translate images by whole pixels; what moves out of the frame is lost.

    Parameters
    ----------
    images : array-like, shape (n_images, height, width) or (n_images, n_channels, height, width)
        Images, channels first.
    dx : int
        Pixels to the right, in (-width, width); negative to the left.
    dy : int, default=0
        Pixels down, in (-height, height); negative up.
    fill : float, default=0.0
        Value of the pixels that nothing moved to; the paper's background is 0. The images' dtype must hold it.

    Returns
    -------
    ndarray
        New images of the same shape and dtype.

    Raises
    ------
    ValueError, TypeError
        When ``images`` is not a finite array of such a shape, nothing would stay in the frame, or ``fill`` does not
        fit the dtype.

    Examples
    --------
    >>> from drlim.relations import shift
    >>> shift([[[1, 2, 3], [4, 5, 6]]], dx=1).tolist()
    [[[0, 1, 2], [0, 4, 5]]]
    >>> shift([[[1, 2, 3], [4, 5, 6]]], dx=-2, dy=1, fill=9).tolist()
    [[[9, 9, 9], [3, 9, 9]]]
    """
    frames = _check_images(images)
    height, width = frames.shape[-2:]
    accepted = {
        "dx": [integer_in(1 - width, width - 1)],
        "dy": [integer_in(1 - height, height - 1)],
        "fill": [real_in(-np.inf, np.inf)],
    }
    check_parameters({"dx": dx, "dy": dy, "fill": fill}, accepted, "shift")
    shifted = np.full(frames.shape, _fill_value(fill, frames.dtype), dtype=frames.dtype)
    dx, dy = int(dx), int(dy)  # NumPy's small integers would overflow
    shifted[..., _overlap(dy, height), _overlap(dx, width)] = frames[..., _overlap(-dy, height), _overlap(-dx, width)]
    return shifted


def shifts(dx: Iterable[int], fill: float = 0.0) -> dict[str, Transform]:
    """Name horizontal translations as transforms for `orbits`.

    Parameters
    ----------
    dx : iterable of int
        Pixels to the right, each once and none 0, since `orbits` keeps the original anyway. The paper's are
        -6, -3, 3 and 6.
    fill : float, default=0.0
        Value of the pixels that nothing moved to.

    Returns
    -------
    dict of str to callable
        `shift` with ``dx`` and ``fill`` set, by names such as "shift -6".

    Raises
    ------
    ValueError, TypeError
        When ``dx`` is not made of different whole numbers other than 0.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.relations import orbits, shifts
    >>> copies = orbits(np.eye(28)[None], shifts([-6, -3, 3, 6]))
    >>> copies.names
    ('unchanged', 'shift -6', 'shift -3', 'shift +3', 'shift +6')
    >>> copies.X.shape
    (5, 28, 28)
    """
    steps = list(dx) if isinstance(dx, Iterable) else [dx]
    for step in steps:
        check_parameters({"dx": step}, {"dx": [integer_in(-(2**31), 2**31)]}, "shifts")
    if 0 in steps or len(set(steps)) < len(steps):
        raise ValueError(f"Expected 'dx' to hold different shifts, none of them 0. Got {short_repr(steps)}.")
    return {f"shift {int(step):+d}": partial(shift, dx=int(step), fill=fill) for step in steps}


def with_copies(
    graph: NeighborhoodGraph, source: Orbits | ArrayLike, *, graph_on: str = "originals"
) -> NeighborhoodGraph:
    """Join neighbours and copies: the pairs (a), (b) and (c) of the paper's section 3.3.

    Each row of the copied samples is similar to (a) its neighbours, (b) the other copies of its sample and (c) all
    copies of each of its neighbours. Pairs that ``graph`` gives as dissimilar or ignored are carried over to copies
    in the same way.

    Parameters
    ----------
    graph : NeighborhoodGraph
        Neighbours, on the n original samples or on all N rows; see ``graph_on``.
    source : Orbits or array-like of int, shape (N,)
        The sample that each row is a copy of. Rows may stand in any order.
    graph_on : {"originals", "rows"}, default="originals"
        What ``graph`` relates, and so what a neighbour of a translated row is:

        - "originals": neighbours are found among the n untransformed samples, and a row has the neighbours of the
          sample that it is a copy of, whatever transform made it. Any copy of i is similar to any copy of j if i
          and j are neighbours. ``source`` is in [0, n), and each sample has a row.
        - "rows": neighbours were found among all N rows. A row is similar to all copies of what each of its own
          neighbours is a copy of.

    Returns
    -------
    NeighborhoodGraph
        On N samples.

    Raises
    ------
    ValueError, TypeError
        When ``source`` is not a 1-D array of indices that fits ``graph``, or, with "rows", when what is said of a
        row contradicts what is said of its copies.

    Notes
    -----
    The paper does not say among which samples a translated image looks for its neighbours. The default finds the
    same relations for all copies, so that nothing in the graph tells the transforms apart.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.3.

    Examples
    --------
    Three digits, the first two neighbours, and a translated copy of each:

    >>> from drlim.relations import pairs, with_copies
    >>> neighbors = pairs(3, similar=[(0, 1)])
    >>> graph = with_copies(neighbors, [0, 1, 2, 0, 1, 2])
    >>> graph.neighbors(0).tolist(), graph.neighbors(5).tolist()
    ([1, 3, 4], [2])

    The paper's experiment, on a few digits:

    >>> from drlim.datasets import digits49
    >>> from drlim.neighbors import knn_graph
    >>> from drlim.relations import orbits, shifts
    >>> X = digits49().X_train[:100]
    >>> copies = orbits(X, shifts([-6, -3, 3, 6]))
    >>> with_copies(knn_graph(X, n_neighbors=5), copies)
    NeighborhoodGraph(n_samples=500, similar=10250, dissimilar=114500, ignored=0)
    """
    if not isinstance(graph, NeighborhoodGraph):
        raise TypeError(f"Expected 'graph' to be a NeighborhoodGraph. Got {short_repr(graph)}.")
    check_parameters({"graph_on": graph_on}, {"graph_on": [StrOptions({"originals", "rows"})]}, "with_copies")
    origin = _check_source(graph, source.source if isinstance(source, Orbits) else source, graph_on)  # (N,)
    order = np.argsort(origin, kind="stable")  # (N,) copies of one sample side by side
    stops = np.cumsum(np.bincount(origin))
    starts = np.concatenate([[0], stops[:-1]])

    def lifted(given: PairSet | None) -> Index | None:
        if given is None:
            return None
        first, second = given.pairs().T
        if graph_on == "originals":
            return _products(order, starts, stops, first, second)
        first, second = np.concatenate([first, second]), origin[np.concatenate([second, first])]
        row, place = _joined(first, starts[second], stops[second])
        copies = np.column_stack([row, order[place]])
        return cast(Index, copies[copies[:, 0] != copies[:, 1]])

    similar = np.concatenate([cast(Index, lifted(graph.similar)), _pairs_within(origin)])
    return NeighborhoodGraph.from_pairs(
        len(origin), similar, dissimilar=lifted(graph.dissimilar), ignored=lifted(graph.ignored)
    )


def grid_graph(
    metadata: Any,
    *,
    step: Mapping[Any, Any],
    cyclic: Mapping[Any, float] | None = None,
    ignore: Iterable[Hashable] = (),
    tolerance: float = 1e-6,
    same: bool = True,
) -> NeighborhoodGraph:
    """Declare samples similar that are next to each other on a grid of conditions, as views of an object are.

    Two samples are similar if they are contiguous in exactly one column of ``step`` and equal in all other columns
    that are not ignored. All other pairs are dissimilar.

    Parameters
    ----------
    metadata : DataFrame or dict of str to array-like of shape (n_samples,)
        What is known of each sample, a column for each condition.
    step : dict of str to float or list
        The columns that are axes of the grid, and what contiguous means in each:

        - a number in (0, inf): values that differ by it. In an ordered category (pandas) it counts categories, and
          1 joins those side by side;
        - a list of all levels in order: levels side by side, as for grades in words or unevenly spaced numbers.
    cyclic : dict of str to float, default=None
        Period of each axis that closes on itself, such as ``{"azimuth": 360}``: at least two steps, and a whole
        number of them. Values that differ by periods are equal. Of categories or listed levels, their number. None
        is no period.
    ignore : iterable of str, default=()
        Columns that do not matter. They may hold anything.
    tolerance : float, default=1e-6
        Part of a step, in [0, 0.5), within which two numbers are equal, or differ by a step. Rounding of the
        column's own type is always allowed for; measured angles want more, such as 0.1. Levels are compared by the
        middles of their ranges, and values that blur into each other are refused.
    same : bool, default=True
        Whether samples that differ in ignored columns only are similar: what is ignored does not matter. With
        False they are dissimilar, as is every pair that is not contiguous.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When a column named is not there, is missing values, is no axis (an unordered category, text, dates), or has
        values that ``tolerance`` does not tell apart; or when a step, a period or ``tolerance`` is out of range.

    Notes
    -----
    Columns named neither in ``step`` nor in ``ignore``, unordered categories among them, must be equal. Rows are
    grouped by cells of the grid and neighbouring cells joined, so that the cost grows with rows and similar pairs
    only. Numbers on an axis are compared in float64.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.4.

    Examples
    --------
    The paper's airplane: 18 azimuths all round, 9 elevations, 6 lightings that do not matter.

    >>> import numpy as np
    >>> from drlim.relations import grid_graph
    >>> poses = np.meshgrid(np.arange(30, 75, 5), np.arange(0, 360, 20), np.arange(6), indexing="ij")
    >>> metadata = dict(zip(["elevation", "azimuth", "lighting"], (axis.ravel() for axis in poses)))
    >>> graph = grid_graph(
    ...     metadata, step={"azimuth": 20, "elevation": 5}, cyclic={"azimuth": 360}, ignore=["lighting"]
    ... )
    >>> graph
    NeighborhoodGraph(n_samples=972, similar=13446, dissimilar=458460, ignored=0)

    Levels in words:

    >>> sizes = {"size": ["S", "L", "M", "S"], "colour": ["red", "red", "red", "blue"]}
    >>> grid_graph(sizes, step={"size": ["S", "M", "L"]}).similar.pairs().tolist()
    [[0, 2], [1, 2]]
    """
    accepted = {"tolerance": [real_in(0, 0.5, closed="left")], "same": ["boolean"]}
    check_parameters({"tolerance": tolerance, "same": same}, accepted, "grid_graph")
    cyclic = {} if cyclic is None else cyclic
    ignored = [ignore] if isinstance(ignore, str) or not isinstance(ignore, Iterable) else list(ignore)
    columns = _grid_columns(metadata, step, cyclic, ignored)
    axes = [_axis(name, columns[name], step[name], cyclic.get(name), tolerance) for name in step]
    fixed = [_value_codes(column, name) for name, column in columns.items() if name not in step]
    listed = []
    for place, axis in enumerate(axes):
        others = _cells([*fixed, *(other.level for other in axes[:place] + axes[place + 1 :])], len(axis.level))
        listed.append(_contiguous_pairs(others, axis))
    if same:
        listed.append(_pairs_within(_cells([*fixed, *(axis.level for axis in axes)], len(axes[0].level))))
    return NeighborhoodGraph.from_pairs(len(axes[0].level), np.concatenate(listed))


def sequence_graph(time: ArrayLike, window: Any, groups: ArrayLike | None = None) -> NeighborhoodGraph:
    """Declare samples similar that follow each other closely, such as frames of a film.

    Parameters
    ----------
    time : array-like, shape (n_samples,)
        When each sample was taken: finite numbers, datetime64, timedelta64 or `datetime.datetime` without a time
        zone. Any order; equal times are allowed.
    window : float or timedelta
        Samples of one group are similar if their times differ by at most this, in [0, inf). For dates a timedelta
        of NumPy, pandas or Python, of a fixed length (no months or years).
    groups : array-like, shape (n_samples,), default=None
        The sequence that each sample belongs to, such as a film or a subject; as in `orbit_graph`, a sample
        labelled -1, or without a label, belongs to none and is similar to no other. None makes one sequence of all.

    Returns
    -------
    NeighborhoodGraph
        All pairs that are not similar are dissimilar.

    Raises
    ------
    ValueError, TypeError
        When a time is missing or not finite, ``window`` is negative or does not suit ``time``, ``groups`` is of
        another length, or there would be more than 10^9 pairs.

    Notes
    -----
    Whole numbers and dates are compared exactly. Of floats, a difference counts as ``window`` if it exceeds it by
    rounding only, 4 units in the last place of the largest number in ``time``: frames every 0.1 s are all within
    0.1 s.

    Examples
    --------
    >>> from drlim.relations import sequence_graph
    >>> sequence_graph([0.0, 0.1, 0.2, 9.0], window=0.1).similar.pairs().tolist()
    [[0, 1], [1, 2]]
    >>> import numpy as np
    >>> days = np.array(["2006-06-17", "2006-06-20", "2006-06-18"], dtype="datetime64")
    >>> sequence_graph(days, np.timedelta64(36, "h"), groups=["a", "a", "a"]).similar.pairs().tolist()
    [[0, 2]]
    """
    begins, ends = _reach(time, window)
    n_samples = len(begins)
    codes = np.zeros(n_samples, dtype=np.int64)
    if groups is not None:
        codes = _group_codes(groups)
        check_same_length(n_samples, "time", len(codes), "groups")
    order = np.argsort(begins, kind="stable")
    until = np.empty(n_samples, dtype=np.int64)  # rank in time of the first sample out of reach
    until[order] = np.searchsorted(begins[order], ends[order], side="right")
    rank = np.empty(n_samples, dtype=np.int64)
    rank[order] = np.arange(n_samples)
    # (group, rank) in one number, so that one search serves all groups; ranks are whole, so nothing is rounded.
    key = codes * (n_samples + 1) + rank
    order = np.argsort(key)
    stops = np.searchsorted(key[order], (codes * (n_samples + 1) + until)[order])
    place = np.arange(n_samples)
    first, second = _joined(place, place + 1, np.where(codes[order] < 0, 0, stops))
    return NeighborhoodGraph.from_pairs(n_samples, np.column_stack([order[first], order[second]]))


# Pairs from runs of sorted rows


def _joined(first: Index, starts: Index, stops: Index) -> tuple[Index, Index]:
    """Pair ``first[k]`` with every whole number from ``starts[k]`` up to ``stops[k]``."""
    counts = np.maximum(stops - starts, 0)
    total = int(counts.sum())
    if total > _MOST_PAIRS:
        raise ValueError(
            f"These relations would list {total:.1e} pairs, which do not fit into memory; at most "
            f"{_MOST_PAIRS:.0e} are accepted. Give smaller groups or cells, or a shorter window."
        )
    offset = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(first, counts), np.repeat(starts, counts) + offset


def _pairs_within(codes: Index) -> Index:
    """All pairs of equal codes, those below 0 left out; shape (p, 2)."""
    order = np.argsort(codes, kind="stable")
    stops = np.searchsorted(codes[order], codes[order], side="right")
    place = np.arange(len(codes))
    first, second = _joined(place, place + 1, np.where(codes[order] < 0, 0, stops))
    return np.column_stack([order[first], order[second]])


def _products(order: Index, starts: Index, stops: Index, here: Index, there: Index) -> Index:
    """Every member of run ``here[k]`` with every member of run ``there[k]``; runs are slices of ``order``."""
    which, mine = _joined(np.arange(len(here)), starts[here], stops[here])
    mine, theirs = _joined(mine, starts[there[which]], stops[there[which]])
    return np.column_stack([order[mine], order[theirs]])


# Labels and ids


def _array(values: Any, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"Expected {name} to be an array. Got rows of unequal length.") from error


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)  # NaN and NaT alone differ from themselves
    except TypeError:  # pandas' NA
        return True


def _label_array(labels: Any, name: str) -> NDArray[Any]:
    """Return labels as a 1-D array; a list's keep their own types, where numpy would make 1 and "1" the same."""
    if isinstance(labels, list | tuple):
        values = np.fromiter(labels, dtype=object, count=len(labels))  # a tuple may be a label
    else:
        values = np.asarray(labels, dtype=None if hasattr(labels, "dtype") else object)
    if values.ndim != 1 or len(values) == 0:
        got = f"shape {values.shape}" if values.ndim else short_repr(labels)
        raise ValueError(f"Expected {name} to be 1-D, with a value for each of at least one sample. Got {got}.")
    return values


def _codes(labels: Any, name: str) -> tuple[Index, list[Any]]:
    """Return a number for each label (n,), and the distinct labels that the numbers stand for."""
    values = _label_array(labels, name)
    if values.dtype.kind != "O":
        distinct, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64), distinct.tolist() if distinct.dtype.kind not in "mM" else list(distinct)
    table: dict[Any, int] = {}
    try:
        numbers = (table.setdefault(value, len(table)) for value in values.tolist())
        return np.fromiter(numbers, dtype=np.int64, count=len(values)), list(table)
    except TypeError as error:
        raise TypeError(f"Expected {name} to hold numbers, strings or other hashable values ({error}).") from error


def _group_codes(groups: Any) -> Index:
    """Codes of groups, -1 for samples that are in none."""
    codes, labels = _codes(groups, "'groups'")
    in_none = np.array([_is_missing(label) or label == -1 for label in labels])
    return np.where(in_none[codes], -1, codes)


def _value_codes(column: Any, name: Hashable) -> Index:
    """Codes of a column of the metadata, which may not miss a value."""
    codes, values = _codes(column, _column(name))
    _refuse_rows(np.array([_is_missing(value) for value in values])[codes], column, name, "a value for each sample")
    return codes


def _id_table(ids: Any) -> dict[Any, int]:
    """Place of each id."""
    unordered = isinstance(ids, str | bytes | Set) or not isinstance(ids, Iterable)
    if unordered or getattr(ids, "ndim", 1) != 1:
        raise TypeError(f"Expected 'ids' to be one hashable id for each sample. Got {short_repr(ids)}.")
    values = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    try:
        table = {value: place for place, value in enumerate(values)}
    except TypeError as error:
        raise TypeError(f"Expected 'ids' to be one hashable id for each sample ({error}).") from error
    if not table:
        raise ValueError("Expected 'ids' to name at least one sample. Got none.")
    missing = next((place for value, place in table.items() if _is_missing(value)), None)
    if missing is not None:
        raise ValueError(f"Expected 'ids' to name each sample. Got {short_repr(values[missing])} at row {missing}.")
    for place, value in enumerate(values if len(table) < len(values) else ()):
        if table[value] != place:
            raise ValueError(
                f"Expected 'ids' to name each sample once. Got {short_repr(value)} at rows {place} and "
                f"{values.index(value, place + 1)}; {len(values) - len(table)} rows repeat an id."
            )
    return table


def _places(ids: Any, table: dict[Any, int], given: Any, name: str) -> Index:
    """Pairs of ids as pairs of sample indices, shape (p, 2)."""
    given = given if hasattr(given, "__len__") else list(given) if isinstance(given, Iterable) else given
    try:
        if _is_integer_array(ids) and _is_integer_array(given) and np.shape(given)[1:] == (2,):
            found = _integer_places(np.asarray(ids), np.asarray(given).ravel())
        else:
            found = np.fromiter(map(table.get, _flat(given, name), repeat(-1)), dtype=np.int64)
    except TypeError as error:  # an id that cannot be hashed
        raise TypeError(f"Expected '{name}' to be pairs of sample ids of shape (n_pairs, 2) ({error}).") from error
    if (found < 0).any():
        place = int(np.argmax(found < 0))
        unknown = next(islice(_flat(given, name), place, None))
        raise ValueError(
            f"Expected '{name}' to pair sample ids. Got {short_repr(unknown)} at row {place // 2}, which is not one "
            f"of 'ids' (such as {short_repr(next(iter(table)))})."
        )
    return found.reshape(-1, 2)


def _is_integer_array(values: Any) -> bool:
    return hasattr(values, "dtype") and np.can_cast(np.asarray(values).dtype, np.int64, "safe")


def _integer_places(ids: NDArray[Any], wanted: NDArray[Any]) -> Index:
    """Return the place of each wanted id, or -1; sorting both sides is five times faster than millions of look-ups."""
    order, queue = np.argsort(ids), np.argsort(wanted)
    nearest = np.minimum(np.searchsorted(ids[order], wanted[queue]), len(ids) - 1)
    places = np.empty(len(wanted), dtype=np.int64)
    places[queue] = np.where(ids[order[nearest]] == wanted[queue], order[nearest], -1)
    return places


def _flat(given: Any, name: str) -> Iterator[Any]:
    """Ids of pairs one after the other, as Python objects."""
    if hasattr(given, "shape"):
        array = np.asarray(given)
        if array.size and (array.ndim != 2 or array.shape[1] != 2):
            raise ValueError(f"Expected '{name}' to be pairs of sample ids, shape (n_pairs, 2). Got {array.shape}.")
        for start in range(0, len(array), _CHUNK):
            yield from array[start : start + _CHUNK].ravel().tolist()
        return
    for row, pair in enumerate(given):
        if isinstance(pair, str | bytes) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise ValueError(f"Expected '{name}' to be pairs of sample ids. Got {short_repr(pair)} at row {row}.")
        yield from pair


# Copies


def _named_transforms(transforms: Any) -> dict[str, Transform]:
    if isinstance(transforms, Mapping):
        named = dict(transforms)
    elif isinstance(transforms, Iterable) and not isinstance(transforms, str):
        named = {str(place): transform for place, transform in enumerate(transforms, start=1)}
    else:
        raise TypeError(
            "Expected 'transforms' to be a list of callables, or a dict of name to callable. "
            f"Got {short_repr(transforms)}."
        )
    if not named:
        raise ValueError("Expected 'transforms' to hold at least one callable. Got none.")
    for name, transform in named.items():
        if not isinstance(name, str) or not callable(transform):
            raise TypeError(
                "Expected 'transforms' to hold callables from a batch to a batch, named by strings. "
                f"Got {short_repr(transform)} under {short_repr(name)}."
            )
    return named


def _transformed(samples: NDArray[Any], transform: Transform, name: str) -> NDArray[Any]:
    """Copy the samples under one transform, once it is sure to fit their shape and dtype."""
    changed = _array(
        transform(samples.copy()), f"what transform {name!r} returns"
    )  # a copy, since a transform may work in place
    if changed.shape != samples.shape:
        raise ValueError(
            f"Expected transform {name!r} to keep the shape {samples.shape} of a batch. Got {changed.shape}."
        )
    both_float = changed.dtype.kind == samples.dtype.kind == "f"
    if not both_float and not np.can_cast(changed.dtype, samples.dtype, "safe"):
        raise ValueError(
            f"Expected transform {name!r} to return values that {samples.dtype}, the dtype of 'X', can hold. "
            f"Got {changed.dtype}: convert X first."
        )
    with np.errstate(over="ignore"):  # told below
        changed = changed.astype(samples.dtype, copy=False)
    if not np.isfinite(changed).all():
        raise ValueError(f"Expected transform {name!r} to return finite values. Got NaN or infinity.")
    return changed


def _check_images(images: ArrayLike) -> NDArray[Any]:
    frames = check_points(images, name="images", ndim=None, dtype="numeric")
    if frames.ndim not in (3, 4):
        raise ValueError(
            f"Expected 'images' of shape (n, height, width) or (n, channels, height, width). Got {frames.shape}: "
            "reshape them."
        )
    if frames.ndim == 4 and frames.shape[3] <= 4 < frames.shape[1]:
        raise ValueError(
            f"Expected 'images' with the channels first. Got {frames.shape}, which looks like (n, H, W, C): "
            "use images.transpose(0, 3, 1, 2)."
        )
    return frames


def _fill_value(fill: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        value = np.array(fill).astype(dtype)
    if not np.isfinite(value) or (dtype.kind != "f" and value != fill):
        raise ValueError(f"Expected 'fill' to be a value that {dtype}, the dtype of 'images', holds. Got {fill!r}.")
    return value


def _overlap(distance: int, size: int) -> slice:
    """Pixels of a side that are still in the frame after moving by ``distance``, at their new places."""
    return slice(max(distance, 0), size + min(distance, 0))


def _check_source(graph: NeighborhoodGraph, source: ArrayLike, graph_on: str) -> Index:
    """Return the original of each row as an index, shape (N,), once it fits the graph."""
    values = _array(source, "'source'")
    if values.ndim != 1 or values.dtype.kind not in "iu" or len(values) == 0:
        raise TypeError(
            "Expected 'source' to be the index of the original of each row, a 1-D integer array, or Orbits. "
            f"Got {short_repr(source)}."
        )
    n = graph.n_samples
    if graph_on == "rows":
        check_same_length(len(values), "source", n, "graph")
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= n:
        raise ValueError(
            f"Expected 'source' to hold indices in [0, {n}), since 'graph' has {n} samples. "
            f"Got values from {low} to {high}."
        )
    origin = values.astype(np.int64)
    absent = np.bincount(origin, minlength=n) == 0
    if graph_on == "originals" and absent.any():
        raise ValueError(
            f"Expected each of the {n} samples of 'graph' to have a row in 'source'. {int(absent.sum())} have none, "
            f"first {int(np.argmax(absent))}. If 'graph' is on all rows, pass graph_on='rows'; if some samples were "
            "left out, take graph.subgraph of the others."
        )
    return origin


# Metadata


@dataclass(frozen=True)
class _Axis:
    """A column as levels: the level of each row (n,), and which levels are contiguous, sorted by the first."""

    level: Index
    n_levels: int
    first: Index
    second: Index


def _grid_columns(metadata: Any, step: Any, cyclic: Any, ignore: Any) -> dict[Any, Any]:
    """Columns that matter, by name, of one length."""
    columns = _columns(metadata)
    for parameter, given in (("step", step), ("cyclic", cyclic)):
        if not isinstance(given, Mapping):
            raise TypeError(f"Expected '{parameter}' to be a dict of column name to value. Got {short_repr(given)}.")
    if not step:
        raise ValueError("Expected 'step' to name at least one column. Got none: for equal rows use orbit_graph.")
    for parameter, names in (("step", step), ("cyclic", cyclic), ("ignore", ignore)):
        for name in names:
            if not isinstance(name, Hashable) or name not in columns:
                raise ValueError(f"'{parameter}' names a column that is not in 'metadata'. {_hint(name, columns)}")
            if parameter == "cyclic" and name not in step:
                raise ValueError(f"Expected 'cyclic' to name columns that 'step' names. Got {name!r}.")
            if parameter == "ignore" and name in step:
                raise ValueError(f"Expected 'ignore' to name no column that 'step' names. Got {name!r}.")
    kept = {name: column for name, column in columns.items() if name not in ignore}
    lengths = [(str(name), len(_label_array(column, _column(name)))) for name, column in kept.items()]
    for name, length in lengths[1:]:
        check_same_length(lengths[0][1], lengths[0][0], length, name)
    return kept


def _column(name: Any) -> str:
    return f"column {short_repr(name)} of 'metadata'"


def _columns(metadata: Any) -> dict[Any, Any]:
    if isinstance(metadata, Mapping):
        return dict(metadata)
    if hasattr(metadata, "columns"):
        return {name: metadata[name] for name in metadata.columns}
    raise TypeError(f"Expected 'metadata' to be a DataFrame or a dict of arrays. Got {short_repr(metadata)}.")


def _hint(name: Any, known: Iterable[Any]) -> str:
    """Say what was given and the nearest name, or else all."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    ending = f"did you mean {near[0]!r}?" if near else f"accepted are {', '.join(map(repr, names[:8]))[:200]}."
    return f"Got {short_repr(name)}: {ending}"


def _refuse_rows(bad: NDArray[np.bool_], column: Any, name: Any, wanted: str) -> None:
    """Refuse a column by the first of its bad rows."""
    if bad.any():
        row = int(np.argmax(bad))
        value = _label_array(column, "column")[row : row + 1].tolist()[0]
        raise ValueError(
            f"Expected {_column(name)} to hold {wanted}. Got {short_repr(value)} at row {row}: "
            "leave out such rows, or ignore the column."
        )


def _axis(name: Any, column: Any, step: Any, period: Any, tolerance: float) -> _Axis:
    """Levels of a column that is an axis of the grid."""
    values, width, n_categories = _axis_values(name, column, step)
    slack = 0.0  # categories do not blur
    if n_categories is None:
        slack = max(tolerance * width, 4 * _rounding(column) * float(np.abs(values).max()))
    if period is not None:
        _check_period(name, period, width, n_categories)
        values = np.mod(values, period)
    level, centres = _levels(name, values, slack, period)
    targets = centres if period is None else np.concatenate([centres, centres + period])
    first, second = _joined(
        np.arange(len(centres)),
        np.searchsorted(targets, centres + width - slack, side="left"),
        np.searchsorted(targets, centres + width + slack, side="right"),
    )
    return _Axis(level, len(centres), first, second % len(centres))


def _axis_values(name: Any, column: Any, step: Any) -> tuple[NDArray[np.float64], float, int | None]:
    """Return numbers along the axis (n,), the step between contiguous ones, and the number of categories, if any."""
    if not isinstance(step, str) and isinstance(step, Iterable):
        levels = list(step)
        return _level_numbers(name, column, levels), 1.0, len(levels)
    categorical = getattr(column, "array", column)  # what a Series holds
    n_categories = len(categorical.categories) if hasattr(categorical, "categories") else None
    if not _is_positive(step) or (n_categories is not None and step != int(step)):
        kind = "number" if n_categories is None else "whole number of categories"
        raise ValueError(
            f"Expected step[{name!r}] to be a {kind} in (0, inf), or the column's levels in order as a list. "
            f"Got {short_repr(step)}."
        )
    if n_categories is None:
        return _numbers(name, column), float(step), None
    if not categorical.ordered:
        raise ValueError(
            f"Expected {_column(name)} to have an order, since 'step' names it. Got unordered categories: give its "
            f"levels in order as step[{name!r}], or leave it out of 'step', so that it must be equal."
        )
    codes = np.asarray(categorical.codes, dtype=np.float64)
    _refuse_rows(codes < 0, column, name, "a category for each sample")
    return codes, float(step), n_categories


def _level_numbers(name: Any, column: Any, levels: list[Any]) -> NDArray[np.float64]:
    """Place of each value among the levels listed in ``step``."""
    try:
        table = {level: place for place, level in enumerate(levels)}
        values = _label_array(column, _column(name)).tolist()
        places = np.array([table.get(value, -1) for value in values], dtype=np.float64)
    except TypeError as error:
        raise TypeError(f"Expected step[{name!r}] and its column to hold hashable levels ({error}).") from error
    if len(table) < len(levels) or not levels:
        raise ValueError(f"Expected step[{name!r}] to list each level once. Got {short_repr(levels)}.")
    if (places < 0).any():
        row = int(np.argmax(places < 0))
        raise ValueError(
            f"Expected {_column(name)} to hold levels that step[{name!r}] lists. Row {row} does not. "
            f"{_hint(values[row], levels)}"
        )
    return places


def _numbers(name: Any, column: Any) -> NDArray[np.float64]:
    values = _label_array(column, _column(name))
    real = values.dtype.kind in "iuf" or (
        values.dtype.kind == "O" and all(isinstance(v, Real) and not isinstance(v, bool) for v in values.tolist())
    )
    if not real:
        raise TypeError(
            f"Expected {_column(name)} to hold numbers or an ordered category, since 'step' names it. "
            f"Got {short_repr(column if hasattr(column, 'dtype') else values.tolist())}: list its levels in order "
            f"as step[{name!r}], or leave it out of 'step', so that it must be equal."
        )
    numbers = values.astype(np.float64)
    _refuse_rows(~np.isfinite(numbers), column, name, "finite numbers")
    return numbers


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and not isinstance(value, bool | np.timedelta64) and bool(0 < value < np.inf)


def _rounding(column: Any) -> float:
    """Relative rounding of a column's own type: 0.3 of float32 is not 0.3 of float64."""
    dtype = np.asarray(column).dtype
    if dtype.kind not in "fO":
        return 0.0
    return max(float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps), float(np.finfo(np.float64).eps))


def _check_period(name: Any, period: Any, width: float, n_categories: int | None) -> None:
    if not _is_positive(period):
        raise ValueError(f"Expected cyclic[{name!r}] to be a number in (0, inf). Got {short_repr(period)}.")
    if n_categories is not None and period != n_categories:
        raise ValueError(
            f"Expected cyclic[{name!r}] to be {n_categories}, the number of its levels. Got {short_repr(period)}."
        )
    n_steps = float(period) / width
    if round(n_steps) < 2 or abs(n_steps - round(n_steps)) > _WHOLE:
        raise ValueError(
            f"Expected cyclic[{name!r}] to be a whole number of steps, and at least two, so that the grid closes. "
            f"Got a period of {period} and a step of {width:g}."
        )


def _levels(
    name: Any, values: NDArray[np.float64], slack: float, period: float | None
) -> tuple[Index, NDArray[np.float64]]:
    """Group values that ``slack`` makes equal; the level of each row (n,) and the middles of levels, ascending."""
    distinct, place = np.unique(values, return_inverse=True)  # (m,), (n,)
    if period is not None:  # cut the circle where nothing is, so that no level lies across the cut
        cut = int(np.argmax(np.diff(distinct, append=distinct[0] + period))) + 1
        distinct = np.concatenate([distinct[cut:], distinct[:cut] + period])
        place = (place - cut) % len(distinct)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(distinct) > slack) + 1])
    stops = np.concatenate([starts[1:], [len(distinct)]])
    low, high = distinct[starts], distinct[stops - 1]
    if (high - low > slack).any():
        wide = int(np.argmax(high - low))
        raise ValueError(
            f"Expected {_column(name)} to hold levels that 'tolerance' tells apart. Got values from {low[wide]:g} to "
            f"{high[wide]:g}, each within {slack:g} of the next: lower 'tolerance', or round the column."
        )
    return (np.searchsorted(starts, place, side="right") - 1).astype(np.int64), (low + high) / 2


def _cells(codes: list[Index], n_samples: int) -> Index:
    """Return a number for each distinct combination of codes, shape (n,)."""
    cell = np.zeros(n_samples, dtype=np.int64)
    for code in codes:  # numbered anew each time, so that the product stays below n^2
        cell = np.unique(cell * (int(code.max()) + 1) + code, return_inverse=True)[1].astype(np.int64)
    return cell


def _contiguous_pairs(others: Index, axis: _Axis) -> Index:
    """Pairs of rows contiguous along the axis and equal in all ``others``, shape (p, 2)."""
    keys = others * axis.n_levels + axis.level  # (n,)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    stops = np.concatenate([starts[1:], [len(keys)]])
    cells = keys[order][starts]  # (c,)
    other, level = np.divmod(cells, axis.n_levels)
    low, high = (np.searchsorted(axis.first, level, side=side) for side in ("left", "right"))
    here, which = _joined(np.arange(len(cells)), low, high)
    wanted = other[here] * axis.n_levels + axis.second[which]
    there = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    occupied = cells[there] == wanted
    return _products(order, starts, stops, here[occupied], there[occupied])


# Time


def _reach(time: Any, window: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the time of each sample and the latest time within its window, as numbers of one type, (n,) each."""
    values = _array(time, "'time'")
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"Expected 'time' to be 1-D, a time for each of at least one sample. Got {short_repr(time)}.")
    if values.dtype.kind == "O":
        values = _dates(values)
    if values.dtype.kind in "mM":
        return _whole_reach(*_ticks(values, window))
    if values.dtype.kind not in "iuf":
        raise TypeError(f"Expected 'time' to hold numbers or datetimes. Got {short_repr(values)}.")
    if isinstance(window, np.timedelta64 | dt.timedelta):  # NumPy counts its own as a whole number
        raise TypeError(f"Expected 'window' to be a number, since 'time' holds numbers. Got {short_repr(window)}.")
    check_parameters({"window": window}, {"window": [real_in(0, None, closed="left")]}, "sequence_graph")
    if values.dtype.kind in "iu":
        return _whole_reach(values, window)
    _refuse_times(~np.isfinite(values), values)
    values = values.astype(np.float64)
    slack = 4 * np.finfo(np.float64).eps * np.abs(values).max()
    with np.errstate(over="ignore"):  # an infinite end is later than any time, as it should be
        return values, values + (float(window) + slack)


def _whole_reach(values: NDArray[Any], window: float) -> tuple[Index, Index]:
    """`_reach` of whole numbers, exact and without overflow."""
    low = int(values.min())
    span = int(values.max()) - low
    if span >= 2**62:
        raise ValueError(f"Expected 'time' to span less than 2^62 units. Got {span}.")
    wide = values if values.dtype == np.uint64 else values.astype(np.int64)
    since = (wide - wide.dtype.type(low)).astype(np.int64)
    return since, since + int(min(window, span))


def _refuse_times(bad: NDArray[np.bool_], values: NDArray[Any]) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"Expected 'time' to hold a finite time for each sample. Got {values[row]} at row {row}.")


def _dates(values: NDArray[Any]) -> NDArray[Any]:
    """Python's dates as datetime64."""
    given = values.tolist()
    if not all(isinstance(value, dt.date) and getattr(value, "tzinfo", None) is None for value in given):
        raise TypeError(
            "Expected 'time' to hold numbers or datetimes, all of one kind and without a time zone. "
            "Got objects: convert them, for instance by pandas' .dt.tz_convert(None)."
        )
    return np.array(given, dtype="datetime64[us]")


def _ticks(values: NDArray[Any], window: Any) -> tuple[Index, int]:
    """Dates and the window as whole numbers of the finer of their units."""
    _refuse_times(np.isnat(values), values)
    width = window.to_timedelta64() if hasattr(window, "to_timedelta64") else window
    width = np.timedelta64(width) if isinstance(width, dt.timedelta) else width
    unit, count = np.datetime_data(width.dtype) if isinstance(width, np.timedelta64) else ("generic", 1)
    if unit in ("generic", "Y", "M"):
        raise TypeError(
            "Expected 'window' to be a timedelta of a fixed length, such as np.timedelta64(5, 's'), since 'time' "
            f"holds dates. Got {short_repr(window)}."
        )
    if int(width.astype(np.int64)) < 0:  # NaT among them
        raise ValueError(f"Expected 'window' not to be negative or missing. Got {short_repr(window)}.")
    try:
        common = np.promote_types(values.dtype, f"{values.dtype.kind}8[{count}{unit}]")
        moved, moved_width = values.astype(common), width.astype(common.str.replace("M8", "m8"))
        exact = not (moved.astype(values.dtype) != values).any() and moved_width.astype(width.dtype) == width
    except (TypeError, OverflowError):
        exact = False
    if not exact:
        raise ValueError(
            "Expected 'time' and 'window' to be whole numbers of one unit, within the range of 64 bits. "
            f"Got {values.dtype} and {width.dtype}: convert both to one unit."
        )
    return moved.astype(np.int64), int(moved_width.astype(np.int64))
