"""Samples in the order of time, such as frames of a film, as a `NeighborhoodGraph`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import joined
from drlim._base.checks import check_parameters, check_same_length, real_in, short_repr
from drlim.graph import NeighborhoodGraph
from drlim.relations.labels import as_array, group_codes

__all__ = ["sequence_graph"]

Index = NDArray[np.int64]


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
        codes, _ = group_codes(groups)
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
    first, second = joined(place, place + 1, np.where(codes[order] < 0, 0, stops))
    return NeighborhoodGraph.from_pairs(n_samples, np.column_stack([order[first], order[second]]))


def _reach(time: Any, window: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the time of each sample and the latest time within its window, as numbers of one type, (n,) each."""
    values = as_array(time, "'time'")
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
