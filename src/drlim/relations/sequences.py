"""Samples in the order of time, such as frames of a film, as a `NeighborhoodGraph`."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array, Index, joined
from drlim._base.checks import as_array, check_parameters, check_same_length, real_in, short_repr
from drlim.graph import NeighborhoodGraph
from drlim.relations.labels import group_codes

__all__ = ["sequence_graph"]

Window = float | np.timedelta64 | dt.timedelta


def sequence_graph(time: ArrayLike, window: Window, groups: ArrayLike | None = None) -> NeighborhoodGraph:
    """Declare samples similar that are close in time, such as frames of a film.

    Parameters
    ----------
    time : array-like, shape (n_samples,)
        Time of each sample, in any order: finite numbers, datetime64, timedelta64 or `datetime.datetime` without a
        time zone. Times may be equal.
    window : float or timedelta
        Maximum difference between the times of similar samples, in [0, inf) and in the unit of ``time``. For dates
        it is a timedelta of NumPy, pandas or Python with a fixed length (no months or years). A wider window joins
        more samples, and so gives a smoother map.
    groups : array-like, shape (n_samples,), default=None
        Label of the sequence of each sample, such as a film or a subject. Only samples of one sequence are similar.
        A sample labelled -1, or without a label (None, NaN, NaT or pandas' NA), is similar to no other. None puts all
        samples into one sequence.

    Returns
    -------
    NeighborhoodGraph
        All other pairs are dissimilar, even those of identical samples.

    Raises
    ------
    ValueError, TypeError
        When a time is missing or not finite, ``window`` is negative or does not suit ``time``, ``groups`` is of
        another length, or there would be more than 10^9 pairs.

    Notes
    -----
    Whole numbers and dates are compared exactly. A difference of floats may exceed ``window`` by 4 units in the last
    place of the largest number in ``time``, which allows for rounding errors: frames every 0.1 s are 0.1 s apart.

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
    begins, ends = _intervals(time, window)  # (n,), (n,)
    n_samples = len(begins)
    codes = np.zeros(n_samples, dtype=np.int64)
    if groups is not None:
        codes, _ = group_codes(groups)
        check_same_length(n_samples, "time", len(codes), "groups")
    order = np.argsort(begins, kind="stable")
    until = np.empty(n_samples, dtype=np.int64)  # rank in time of the first sample after the window
    until[order] = np.searchsorted(begins[order], ends[order], side="right")
    rank = np.empty(n_samples, dtype=np.int64)
    rank[order] = np.arange(n_samples)
    # One number for (group, rank), so that a single search serves all groups. Ranks are whole: none is rounded.
    key = codes * (n_samples + 1) + rank
    order = np.argsort(key)
    stops = np.searchsorted(key[order], (codes * (n_samples + 1) + until)[order])
    place = np.arange(n_samples)
    first, second = joined(place, place + 1, np.where(codes[order] < 0, 0, stops))  # (p,), (p,)
    return NeighborhoodGraph.from_pairs(n_samples, np.column_stack([order[first], order[second]]))  # (p, 2)


def _intervals(time: ArrayLike, window: Window) -> tuple[Array, Array]:
    """Return the time of each sample and the last time within its window, as numbers of one type; shape (n,) each."""
    values = as_array(time, "'time'")
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"Expected 'time' to be 1-D, a time for each of at least one sample. Got {short_repr(time)}.")
    if values.dtype.kind == "O":
        values = _dates(values)
    if values.dtype.kind in "mM":
        return _whole_intervals(*_ticks(values, window))
    if values.dtype.kind not in "iuf":
        raise TypeError(f"Expected 'time' to hold numbers or datetimes. Got {short_repr(values)}.")
    if isinstance(window, np.timedelta64 | dt.timedelta):  # NumPy counts its own as a whole number
        raise TypeError(f"Expected 'window' to be a number, since 'time' holds numbers. Got {short_repr(window)}.")
    check_parameters({"window": window}, {"window": [real_in(0, None, closed="left")]}, "sequence_graph")
    if values.dtype.kind in "iu":
        return _whole_intervals(values, window)
    _refuse_times(~np.isfinite(values), values)
    values = values.astype(np.float64)
    slack = 4 * np.finfo(np.float64).eps * np.abs(values).max()
    with np.errstate(over="ignore"):  # an end may be infinite, which is later than any time
        return values, values + (float(window) + slack)


def _whole_intervals(values: Array, window: float) -> tuple[Index, Index]:
    """Return what `_intervals` does for whole numbers, relative to the first time, exactly and without overflow."""
    low = int(values.min())
    span = int(values.max()) - low
    if span >= 2**62:
        raise ValueError(f"Expected 'time' to span less than 2^62 units. Got {span}.")
    wide = values if values.dtype == np.uint64 else values.astype(np.int64)
    since = (wide - wide.dtype.type(low)).astype(np.int64)
    return since, since + int(min(window, span))


def _refuse_times(bad: NDArray[np.bool_], values: Array) -> None:
    """Refuse times by the first of the bad ones, if there is one."""
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"Expected 'time' to hold a finite time for each sample. Got {values[row]} at row {row}.")


def _dates(values: Array) -> Array:
    """Return dates of Python as datetime64, or refuse other objects."""
    given = values.tolist()
    if not all(isinstance(value, dt.date) and getattr(value, "tzinfo", None) is None for value in given):
        raise TypeError(
            "Expected 'time' to hold numbers or datetimes, all of one kind and without a time zone. "
            "Got objects: convert them, for instance by pandas' .dt.tz_convert(None)."
        )
    return np.array(given, dtype="datetime64[us]")


def _ticks(values: Array, window: Window) -> tuple[Index, int]:
    """Return dates and the window as whole numbers of the finer of their two units."""
    _refuse_times(np.isnat(values), values)
    width = _fixed_width(window)
    unit, count = np.datetime_data(width.dtype)
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


def _fixed_width(window: Window) -> np.timedelta64:
    """Return a timedelta of any library as NumPy's, or refuse what has no fixed length of at least 0."""
    width = window.to_timedelta64() if hasattr(window, "to_timedelta64") else window
    width = np.timedelta64(width) if isinstance(width, dt.timedelta) else width
    if not isinstance(width, np.timedelta64) or np.datetime_data(width.dtype)[0] in ("generic", "Y", "M"):
        raise TypeError(
            "Expected 'window' to be a timedelta of a fixed length, such as np.timedelta64(5, 's'), since 'time' "
            f"holds dates. Got {short_repr(window)}."
        )
    if int(width.astype(np.int64)) < 0:  # as for NaT
        raise ValueError(f"Expected 'window' not to be negative or missing. Got {short_repr(window)}.")
    return width
