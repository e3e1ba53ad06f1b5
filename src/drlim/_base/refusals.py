"""What is said of samples that scikit-learn refuses: its sentence, the first place that is wrong, and a way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, SupportsInt

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array
from drlim._base.messages import short_repr

__all__ = ["brief", "column_names", "located_errors", "place_words"]

_LONGEST_MESSAGE = 600
"""Maximum number of characters of a message."""


@contextmanager
def located_errors(
    X: object, name: str, names: Sequence[str] | None = None, first_row: int | None = None
) -> Iterator[None]:
    """Complete scikit-learn's and NumPy's errors about samples.

    An error's sentences are kept, without the array's values and the links; added are the parameter's name, the row and
    the column of the first value that is wrong, and a way out.

    Parameters
    ----------
    X : object
        The samples that are checked in the block.
    name : str
        The parameter's name.
    names : sequence of str, default=None
        Names of the columns; None takes those that ``X`` has.
    first_row : int, default=None
        Row of the samples that ``X`` begins with where it is a block of them; None is all of them.

    Raises
    ------
    ValueError, TypeError
        Of the kind of the error in the block; a ValueError for one that is neither.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what they are about is refused
            yield
    except MemoryError:
        raise
    except Exception as error:  # also of objects of the user's that are no numbers
        kind = TypeError if isinstance(error, TypeError) else ValueError
        known = column_names(X) if names is None else names
        rest = _fault(X, name, known, first_row) or _advice(str(error), X, name)
        text = brief(error, _LONGEST_MESSAGE - len(rest) - 2)
        text = text if name in text else re.sub(r"\bX\b", lambda _: name, text)  # scikit-learn's word for samples
        whole = f"{text}\n{rest}" if "\n" in text else f"{text.rstrip('.')}. {rest}"
        raise kind(whole if rest else text) from error


def brief(error: Exception, longest: int = _LONGEST_MESSAGE) -> str:
    """Return an error's sentences, without lines of an array's values and links where there are such."""
    text = str(error).strip()
    lines = text.splitlines() or [type(error).__name__]
    if not 0 < len(text) <= longest or any(line.startswith(("[", "array=")) for line in lines):
        text = " ".join([lines[0], *(line for line in lines[1:] if line.startswith("Reshape"))])[:longest]
    return text


def column_names(X: object) -> list[object] | None:
    """Return the names of the columns of a data frame, None where there are none."""
    names = getattr(X, "columns", None)
    return None if names is None or callable(names) else list(names)


def place_words(index: Sequence[SupportsInt], names: Sequence[object] | None = None) -> str:
    """Return where a value of samples is.

    Examples
    --------
    >>> place_words((3, 1)), place_words((3, 1), ["age", "size"]), place_words((3, 1, 4)), place_words((3,))
    ('row 3, column 1', "row 3, column 'size'", 'sample 3, at (1, 4)', 'row 3')
    """
    row, rest = int(index[0]), tuple(map(int, index[1:]))
    if not rest:
        return f"row {row}"
    if len(rest) > 1:
        return f"sample {row}, at {rest}"
    return f"row {row}, column {rest[0] if names is None or rest[0] >= len(names) else short_repr(names[rest[0]])}"


class _Fault(NamedTuple):
    """The first wrong value of several: its place, what it is and how often that occurs, and what to do about it."""

    place: int
    what: str
    way_out: str
    times: int = 1

    def found(self, *, in_block: bool) -> str:
        """Say what there is, and how often where not only a block was looked at."""
        if self.times == 1:
            return self.what
        return f"{self.what}, first" if in_block else f"{self.what} {self.times} times, first"


def _fault(X: object, name: str, names: Sequence[object] | None, first_row: int | None) -> str:
    """Return where the first value is that cannot be used, and what to do about it; "" where all values can be."""
    try:
        values, index_of = _values(X)
    except (ValueError, TypeError, RuntimeError):
        return _ragged(X, name)
    find = _FINDERS.get(values.dtype.kind)
    fault = None if find is None else find(values)
    if fault is None:
        return ""
    row, *rest = index_of(fault.place)
    where = place_words((row + (first_row or 0), *rest), names)
    return f"{name!r} has {fault.found(in_block=first_row is not None)} in {where}: {fault.way_out}."


def _values(X: object) -> tuple[Array, Callable[[int], tuple[int, ...]]]:
    """Return the values of samples, (m,), of sparse ones those that are stored, and what finds the index of one."""
    if hasattr(X, "tocoo"):  # of SciPy, which takes a while to import
        stored = X.tocoo()
        return stored.data, lambda place: (int(stored.row[place]), int(stored.col[place]))
    table = np.asarray(X)
    if table.ndim == 0:
        return np.empty(0), lambda _: ()
    return table.ravel(), lambda place: tuple(map(int, np.unravel_index(place, table.shape)))  # (m,)


def _ragged(X: object, name: str) -> str:
    """Return which row of a list is longer or shorter than the first."""
    if not isinstance(X, list | tuple):
        return ""
    sizes = [len(row) if isinstance(row, list | tuple | np.ndarray) else -1 for row in X]
    other = next((row for row, size in enumerate(sizes) if size != sizes[0]), None)
    if other is None:
        return f"Give all rows of {name!r} the same form."
    first, second = ("one value" if abs(sizes[row]) == 1 else f"{sizes[row]} values" for row in (0, other))
    return f"Row 0 of {name!r} has {first}, row {other} has {second}: give all the same number of values."


def _first(bad: NDArray[np.bool_], what: str, way_out: str) -> _Fault:
    return _Fault(int(np.argmax(bad)), what, way_out, int(bad.sum()))


def _not_finite(values: Array) -> _Fault | None:
    if np.isnan(values).any():
        way_out = "fill such values in, for example by sklearn.impute.SimpleImputer, or leave their samples out"
        return _first(np.isnan(values), "NaN", way_out)
    with np.errstate(over="ignore"):  # of long doubles, of which most are beyond float64
        infinite = np.isinf(values.astype(np.float64))
    way_out = "replace such values, or leave their samples out"
    return _first(infinite, "infinity", way_out) if infinite.any() else None


def _complex(values: Array) -> _Fault:
    way_out = "give real and imaginary parts as columns of their own, or absolute values, or real parts alone"
    with_part = values.imag != 0
    if not with_part.any():
        return _Fault(0, "complex numbers without imaginary parts, the first", way_out)
    return _first(with_part, "an imaginary part", way_out)


def _no_number(values: Array) -> _Fault | None:
    """Return the first object that is no finite number."""
    for place, value in enumerate(values.tolist()):
        way_out = _way_out(value)
        if way_out is not None:
            return _Fault(place, short_repr(value), way_out)
    return None


def _way_out(value: object) -> str | None:
    """Return what to do about a value that is no finite number, None for one that is."""
    if type(value).__name__ in ("NAType", "NaTType") or value is None:
        return _FILL
    if any(hasattr(value, part) for part in ("year", "total_seconds", "left")):
        return "make a number of such a time, in a unit that you choose, or leave its column out"
    try:
        number = float(value)  # type: ignore[arg-type]  # refused below
    except OverflowError:
        return "rescale its column, for float64 holds no such number"
    except Exception:  # whatever a user's class raises
        if isinstance(value, str | bytes):
            return "leave its column out, or put a drlim.Table() before the map, which makes numbers of it"
        return "give one number in its place, or leave its column out"
    return None if np.isfinite(number) else _FILL


_FILL = "fill such values in, or leave their samples out"

_FINDERS: dict[str, Callable[[Array], _Fault | None]] = {
    "f": _not_finite,
    "c": _complex,
    **dict.fromkeys("OUS", _no_number),
}
"""What finds the first wrong value, by the kind of an array's dtype."""


def _advice(text: str, X: object, name: str) -> str:
    """Return the way out of an error about the form of samples, or which parameter it is about."""
    for begin, advice in _ADVICE.items():
        if begin in text:
            return advice.format(name=name, given=short_repr(X))
    return "" if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) else f"It was given as {name!r}."


_ADVICE = {
    "Expected 2D array": "Got {given} as {name!r}.",
    "2-dimensional container": "Got {given} as {name!r}.",
    "Found array with 0 feature": "Give {name!r} at least one column.",
    "Found array with dim": "Got {given} as {name!r}.",
    "Found array with": "Give {name!r} more samples.",
    " features, but ": "Give {name!r} the columns of the training data.",
    "feature names should match": "Give {name!r} the columns of the training data, {name}[model.feature_names_in_].",
    "unique column names": "Rename columns of {name!r}.",
    "np.matrix": "Give numpy.asarray({name}) as {name!r}.",
}
"""What is added to errors of scikit-learn that have a text in them."""
