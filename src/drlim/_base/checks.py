"""Checks of what a user passes in, with one wording of errors for functions, estimator and command line."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array
from drlim._base.constraints import (
    LARGEST_INTEGER,
    StrOptions,
    as_constraint,
    has_methods,
    integer_in,
    joined_words,
    real_in,
)
from drlim._base.forms import plain, taken
from drlim._base.importing import undisturbed
from drlim._base.messages import did_you_mean, short_repr
from drlim._base.refusals import column_names, located_errors, place_words
from drlim._base.stored_rows import StoredRows

__all__ = [
    "InvalidParameterError",
    "StrOptions",
    "as_array",
    "check_blocks",
    "check_labels",
    "check_parameters",
    "check_points",
    "check_same_length",
    "count_rows",
    "has_methods",
    "integer_in",
    "is_masked",
    "real_in",
    "refuse_large",
    "refuse_masked",
    "refuse_masked_values",
    "short_repr",
]


class InvalidParameterError(ValueError, TypeError):
    """A parameter's value or type is not accepted."""


def check_parameters(values: Mapping[str, object], constraints: Mapping[str, Any], owner: str) -> None:
    """Refuse the first of ``values`` that none of its ``constraints`` accepts.

    Parameters
    ----------
    values : dict of str to object
        Parameter names and the values given.
    constraints : dict of str to list
        What each parameter accepts: see `drlim._base.constraints.as_constraint`. A parameter that is missing here, or
        has "no_validation", may have any value.
    owner : str
        Name of the class or function that has these parameters.

    Raises
    ------
    InvalidParameterError
        Both a ``ValueError`` and a ``TypeError``. A bool is refused where a number is wanted, although Python counts
        it as one, for ``margin=True`` is a slip. An integer too large for a float is refused, too, and so is one beyond
        64 bits where an integer is wanted.

    Examples
    --------
    >>> check_parameters({"margin": 1.5}, {"margin": [real_in(0.0)]}, "DrLIM")
    >>> check_parameters({"margin": -1}, {"margin": [real_in(0.0)]}, "DrLIM")
    Traceback (most recent call last):
        ...
    drlim._base.checks.InvalidParameterError: The 'margin' parameter of DrLIM must be a float in the range (0.0, inf).
    Got -1 instead.
    """
    for name, value in values.items():
        accepted = constraints.get(name, "no_validation")
        if accepted == "no_validation" or _is_accepted(value, accepted):
            continue
        wanted = joined_words([str(as_constraint(one)) for one in accepted], "or")
        beyond = isinstance(value, int) and value > LARGEST_INTEGER and "an int in" in wanted
        note = " Integers go up to 2^63 - 1." if beyond else ""
        hint = did_you_mean(value, re.findall(r"'(\w+)'", wanted)) if isinstance(value, str) else ""
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be {wanted}. Got {short_repr(value)} instead.{note}"
            f"{hint and f' {hint}'}"
        )


def _is_accepted(value: object, accepted: Sequence[object]) -> bool:
    """Return whether one of the constraints accepts a value."""
    wants_bool = any(kind in accepted for kind in ("boolean", "verbose", bool))
    if isinstance(value, bool | np.bool_) and not wants_bool:
        return False
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return False
    try:
        return any(as_constraint(one).accepts(value) for one in accepted)
    except (TypeError, OverflowError):  # NumPy cannot compare the value, such as a Fraction, with a number
        return False


def check_points(
    Z: ArrayLike,
    *,
    name: str = "Z",
    min_samples: int = 1,
    ndim: int | None = 2,
    dtype: Any = (np.float64, np.float32),
    largest: float | None = None,
) -> NDArray[np.floating[Any]]:
    """Return points as an array, or refuse them by name.

    Parameters
    ----------
    Z : array-like, shape (n, d), or (n, ...) with ``ndim=None``
        Points, one a row, in any form that `drlim._base.forms.taken` takes.
    name : str, default="Z"
        The parameter's name in an error.
    min_samples : int, default=1
        Minimum number of rows.
    ndim : int or None, default=2
        Number of dimensions of the array; None accepts two or more, so that images pass.
    dtype : dtype, tuple of dtype or "numeric", default=(float64, float32)
        Accepted types; values of another type are converted to the first. "numeric" keeps any type of numbers.
    largest : float, default=None
        Maximum absolute value; None sets no limit.

    Returns
    -------
    ndarray, shape of ``Z``

    Raises
    ------
    ValueError, TypeError
        When there are NaN, infinite, complex, masked or non-numeric values, values beyond ``largest``, too few rows
        or another number of dimensions than ``ndim``. The first such value is named by its row and column.

    Examples
    --------
    >>> check_points([[0, 1], [2, 3]]).dtype
    dtype('float64')
    """
    with undisturbed():
        from sklearn.utils import check_array  # takes a second to import, and many commands need no points

    refuse_masked(Z, name, "fill them in, or leave their samples out")
    given, names = taken(Z, name)
    with located_errors(given, name, names):
        if ndim == 2 and np.ndim(given) != 2 and not hasattr(given, "toarray"):
            raise ValueError(f"Expected '{name}' to be a 2-D array (n_samples, n_features). Got {short_repr(Z)}.")
        points: NDArray[np.floating[Any]] = check_array(
            given,
            dtype=list(dtype) if isinstance(dtype, tuple) else dtype,
            allow_nd=ndim is None,
            input_name=name,
            ensure_min_samples=min_samples,
        )
    if points.size == 0 and len(points):
        raise ValueError(f"Found array with 0 value(s) a sample (shape={points.shape}) in '{name}'.")
    if largest is not None:
        refuse_large(points, largest, name, names or column_names(given))
    return points


def check_blocks(
    rows: StoredRows,
    dtype: np.dtype[np.generic],
    name: str,
    names: Sequence[str] | None = None,
    *,
    largest: float,
    min_samples: int = 1,
) -> None:
    """Do what `check_points` does for rows outside memory, which are read once, a block at a time."""
    with undisturbed():
        from sklearn.utils import check_array  # takes a second to import, and many commands need no points

    wanted = {"dtype": dtype, "allow_nd": True, "input_name": name}
    if len(rows) < min_samples or 0 in rows.shape[1:]:
        with located_errors(rows, name, names):
            check_array(np.empty(rows.shape, dtype), ensure_min_samples=min_samples, **wanted)
    for start, block in rows.blocks():
        with located_errors(block, name, names, start):
            values = check_array(block, **wanted)  # (b, ...)
        refuse_large(values, largest, name, names, start)


def refuse_large(
    samples: Array, largest: float, name: str, names: Sequence[object] | None = None, first_row: int = 0
) -> None:
    """Refuse values beyond ``largest``, by the place of the largest one; the first of the samples is a given row."""
    if samples.size and float(max(samples.max(), -samples.min())) > largest:
        place = np.unravel_index(int(np.argmax(np.abs(samples))), samples.shape)
        where = (int(place[0]) + first_row, *map(int, place[1:]))
        raise ValueError(
            f"Expected {name!r} to hold values up to {largest:.0e} in size: rescale it. Got {samples[place]:.3g} in "
            f"{place_words(where, names)}."
        )


def refuse_masked(values: object, name: str, way_out: str) -> None:
    """Refuse a masked array as the parameter ``name``: NumPy would use the values under the mask."""
    refuse_masked_values(values, f"'{name}'", way_out)


def refuse_masked_values(values: object, phrase: str, way_out: str) -> None:
    """Refuse a masked array; ``phrase`` describes it in the sentence, with quotes around the names in it."""
    if isinstance(values, np.ma.MaskedArray) and is_masked(values):
        place = np.unravel_index(int(np.argmax(np.ma.getmaskarray(values))), values.shape)
        where = f", the first in {place_words(place)}" if place else ""
        raise ValueError(f"Expected {phrase} to hold no masked values. Got {short_repr(values)}{where}: {way_out}.")


def as_array(values: object, phrase: str) -> Array:
    """Return values as an array, or refuse them; ``phrase`` describes them, such as "'time'" with its quotes."""
    refuse_masked_values(values, phrase, "fill them in, or leave their samples out")
    try:
        return np.asarray(plain(values, phrase))
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"Expected {phrase} to be an array. Got rows of unequal length.") from error


def is_masked(values: object) -> bool:
    """Return whether an array is NumPy's masked array with a masked value; pandas' arrays with a mask are none."""
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.is_masked(values))


def count_rows(X: object, name: str) -> int:
    """Return the number of rows of an array, a list or the like, or refuse what has none, by name."""
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    if shape is not None or not isinstance(X, Sized) or isinstance(X, str | bytes):
        raise TypeError(f"Expected '{name}' to hold samples, one a row. Got {short_repr(X)}.")
    return len(X)


def check_same_length(n: int, name: str, n_other: int, other: str) -> None:
    """Refuse two arrays of different length that should each have one row for each sample; name both."""
    if n != n_other:
        raise ValueError(
            f"Expected '{name}' and '{other}' to describe the same samples, one a row. "
            f"Got {n} in '{name}' and {n_other} in '{other}'."
        )


def check_labels(labels: ArrayLike, name: str, n_samples: int, other: str) -> Array:
    """Return labels, one for each sample, as an array that can be sorted and compared.

    Parameters
    ----------
    labels : array-like, shape (n_samples,)
        Numbers or strings, none missing.
    name : str
        The parameter's name in an error.
    n_samples : int
        Number of samples.
    other : str
        Name of the parameter that has one row for each sample, in an error.

    Returns
    -------
    ndarray, shape (n_samples,)

    Raises
    ------
    ValueError
        When labels are not 1-D, too few or many, missing, masked, or of kinds that do not compare.
    """
    refuse_masked(labels, name, "leave those samples out, or give them a label of their own")
    values = np.asarray(labels)
    given = (
        values if hasattr(labels, "dtype") else np.asarray(labels, dtype=object)
    )  # NumPy would turn NaN beside strings into "nan"
    if values.ndim != 1:
        raise ValueError(f"Expected '{name}' to be 1-D, one label a sample. Got {short_repr(labels)}.")
    check_same_length(len(values), name, n_samples, other)
    try:
        missing = bool(np.any(given != given)) or None in given.tolist()  # only NaN differs from itself
        np.unique(given)
    except TypeError:  # None, pandas' NA, or numbers beside strings
        missing = True
    if missing:
        raise ValueError(
            f"Expected '{name}' to hold a label for each sample, all numbers or all strings. "
            "Some are missing or of another kind: leave those samples out or give them a label of their own."
        )
    return values
