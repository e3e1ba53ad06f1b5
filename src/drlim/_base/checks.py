"""The sentences in which bad input is refused: one wording, for functions, estimator and command line."""

from __future__ import annotations

import re
import reprlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _param_validation as sklearn_validation
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, InvalidParameterError, validate_parameter_constraints

__all__ = [
    "InvalidParameterError",
    "StrOptions",
    "brief_errors",
    "check_labels",
    "check_parameters",
    "check_points",
    "check_same_length",
    "count_rows",
    "integer_in",
    "is_masked",
    "real_in",
    "refuse_masked",
    "short_repr",
]

_LONGEST_MESSAGE = 600
_LONGEST_VALUE = 120
"""Characters of a refused value that a message repeats; with the sentence around it the whole stays under 600."""


def short_repr(value: object) -> str:
    """Describe ``value`` on one line: arrays by shape and dtype, anything long cut in the middle.

    Examples
    --------
    >>> import numpy as np
    >>> short_repr(np.zeros((3, 2)))
    'an array of shape (3, 2) and dtype float64'
    >>> short_repr(-1)
    '-1'
    """
    if hasattr(value, "shape") and hasattr(value, "dtype") and value.shape != ():
        return f"an array of shape {tuple(value.shape)} and dtype {value.dtype}"
    text = " ".join(reprlib.repr(value).split())
    if len(text) > _LONGEST_VALUE:
        text = f"{text[: _LONGEST_VALUE // 2]}...{text[-_LONGEST_VALUE // 2 :]}"
    return text


class StrOptions(sklearn_validation.StrOptions):  # type: ignore[misc]  # scikit-learn is not typed
    """A choice of strings, named in alphabetical order: scikit-learn's order changes from process to process."""

    def __str__(self) -> str:
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


@contextmanager
def brief_errors() -> Iterator[None]:
    """Shorten scikit-learn's refusals of an array to the sentences, without the array and the links."""
    try:
        yield
    except ValueError as error:
        text = str(error).strip()
        lines = text.splitlines() or [type(error).__name__]
        if 0 < len(text) <= _LONGEST_MESSAGE and not any(line.startswith(("[", "array=")) for line in lines):
            raise
        kept = [lines[0], *(line for line in lines[1:] if line.startswith("Reshape"))]
        raise ValueError(" ".join(kept)[:_LONGEST_MESSAGE]) from None


def integer_in(low: int, high: int | None = None) -> Interval:
    """Integers from ``low`` to ``high``, both included; no upper end when ``high`` is None."""
    if high == low:  # scikit-learn takes no interval of one number with both its ends
        return Interval(Integral, low, low + 1, closed="left")
    return Interval(Integral, low, high, closed="left" if high is None else "both")


def real_in(low: float, high: float | None = None, *, closed: str = "neither") -> Interval:
    """Real numbers, integers among them, from ``low`` to ``high``; ``closed`` names the ends included."""
    return Interval(Real, low, high, closed=closed)


def check_parameters(values: Mapping[str, Any], constraints: Mapping[str, Any], owner: str) -> None:
    """Refuse the first of ``values`` that none of its ``constraints`` accepts.

    Parameters
    ----------
    values : dict of str to object
        Parameter names and what was given for them.
    constraints : dict of str to list
        scikit-learn's constraints by parameter name; a name without constraints is accepted.
    owner : str
        The class or function whose parameters these are.

    Raises
    ------
    InvalidParameterError
        Both a ``ValueError`` and a ``TypeError``, in scikit-learn's words. A bool is refused where a number is
        wanted, although Python counts it as one: ``margin=True`` is a slip.
    """
    for name, value in values.items():
        accepted = constraints.get(name, "no_validation")
        if accepted == "no_validation":
            continue
        wants_bool = any(kind in accepted for kind in ("boolean", "verbose", bool))
        is_bool = isinstance(value, bool | np.bool_)
        beyond_float = isinstance(value, int) and abs(value) > sys.float_info.max
        judged = object() if (is_bool and not wants_bool) or beyond_float else value
        try:
            _validate(name, judged, accepted, owner)
        except InvalidParameterError as refusal:
            sentence = re.sub(r" Got .*", "", str(refusal), flags=re.DOTALL)
            raise InvalidParameterError(f"{sentence} Got {short_repr(value)} instead.") from None


def _validate(name: str, value: object, accepted: Any, owner: str) -> None:
    try:
        validate_parameter_constraints({name: accepted}, {name: value}, caller_name=owner)
    except (TypeError, OverflowError) as error:  # numbers that numpy cannot judge, such as a Fraction or 10**400
        if isinstance(error, InvalidParameterError):
            raise
        validate_parameter_constraints({name: accepted}, {name: object()}, caller_name=owner)


def check_points(
    Z: ArrayLike,
    *,
    name: str = "Z",
    min_samples: int = 1,
    ndim: int | None = 2,
    dtype: Any = (np.float64, np.float32),
    largest: float | None = None,
) -> NDArray[np.floating[Any]]:
    """Return points as a float array of shape (n, d), or refuse them by name.

    Parameters
    ----------
    Z : array-like
        Points, one a row. See ``dtype`` for what it becomes.
    name : str, default="Z"
        The parameter's name in an error.
    min_samples : int, default=1
        Fewer rows are refused.
    ndim : int or None, default=2
        Dimensions wanted; None takes two or more, so that images pass.
    dtype : dtype or sequence of dtype, default=(float64, float32)
        Types kept; anything else becomes the first.
    largest : float, default=None
        Values beyond it in size are refused; None takes any.

    Raises
    ------
    ValueError
        When there are NaN, infinite, complex, masked or non-numeric values, values beyond ``largest``, too few rows
        or other dimensions than ``ndim``.
    """
    refuse_masked(Z, name, "fill them in, or leave their samples out")
    if ndim == 2 and np.ndim(Z) != 2 and not hasattr(Z, "toarray"):
        raise ValueError(f"Expected '{name}' to be a 2-D array (n_samples, n_features). Got {short_repr(Z)}.")
    with brief_errors():
        points: NDArray[np.floating[Any]] = check_array(
            Z,
            dtype=list(dtype) if isinstance(dtype, tuple) else dtype,
            allow_nd=ndim is None,
            input_name=name,
            ensure_min_samples=min_samples,
        )
    if points.size == 0 and len(points):
        raise ValueError(f"Found array with 0 value(s) a sample (shape={points.shape}) in '{name}'.")
    if largest is not None and points.size and float(max(points.max(), -points.min())) > largest:
        raise ValueError(f"Expected '{name}' to hold values up to {largest:.0e} in size: rescale it. Got larger ones.")
    return points


def refuse_masked(values: object, name: str, way_out: str) -> None:
    """Refuse a masked array: numpy would quietly take what is under the mask for a value."""
    if is_masked(values):
        raise ValueError(f"Expected '{name}' to hold no masked values. Got {short_repr(values)}: {way_out}.")


def is_masked(values: object) -> bool:
    """Whether a numpy array hides some of its values; pandas' arrays have a mask, too, and are None there."""
    return isinstance(values, np.ma.MaskedArray) and bool(np.ma.is_masked(values))


def count_rows(X: Any, name: str) -> int:
    """Return the number of samples of what has a row for each, or refuse it by name."""
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    if shape is not None or not hasattr(X, "__len__") or isinstance(X, str | bytes):
        raise TypeError(f"Expected '{name}' to hold samples, one a row. Got {short_repr(X)}.")
    return len(X)


def check_same_length(n: int, name: str, n_other: int, other: str) -> None:
    """Refuse two arrays of different length that should have a row for each sample, naming both."""
    if n != n_other:
        raise ValueError(
            f"Expected '{name}' and '{other}' to describe the same samples, one a row. "
            f"Got {n} in '{name}' and {n_other} in '{other}'."
        )


def check_labels(labels: ArrayLike, name: str, n_samples: int, other: str) -> NDArray[Any]:
    """Return one label a sample as an array that can be sorted and compared.

    Parameters
    ----------
    labels : array-like, shape (n_samples,)
        Numbers or strings, none missing.
    name : str
        The parameter's name in an error.
    n_samples : int
        How many are wanted.
    other : str
        The parameter that has this many rows.

    Raises
    ------
    ValueError
        When labels are not 1-D, too few or many, missing, masked, or of kinds that do not compare.
    """
    refuse_masked(labels, name, "leave those samples out, or give them a label of their own")
    values = np.asarray(labels)
    given = values if hasattr(labels, "dtype") else np.asarray(labels, dtype=object)  # numpy makes NaN "nan"
    if values.ndim != 1:
        raise ValueError(f"Expected '{name}' to be 1-D, one label a sample. Got {short_repr(labels)}.")
    check_same_length(len(values), name, n_samples, other)
    try:
        missing = bool(np.any(given != given)) or None in given.tolist()  # NaN alone differs from itself
        np.unique(given)
    except TypeError:  # None, pandas' NA, or numbers beside strings
        missing = True
    if missing:
        raise ValueError(
            f"Expected '{name}' to hold a label for each sample, all numbers or all strings. "
            "Some are missing or of another kind: leave those samples out or give them a label of their own."
        )
    return values
