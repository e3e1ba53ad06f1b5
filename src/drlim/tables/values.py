"""The values of one column: as numbers with NaN for blanks where they are such, and as texts with None for blanks."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array, Floats
from drlim._base.checks import short_repr

__all__ = ["Values", "is_number", "values_of"]

_BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none", "nat", "<na>"})
"""Texts that stand for a blank, in lower case. In a column of words only the first does."""

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?)?")
"""Dates as ISO 8601 writes them; without a time zone they are of UTC."""

_DOTTED = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})")
"""Dates as day, month and year with points."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+|[+-]?\d{1,3}")
"""Numbers with a comma in them, before the decimals or between thousands."""

_DAY = 86_400_000_000
"""Microseconds of a day."""


class Values(NamedTuple):
    """A column: numbers, texts, or both.

    Attributes
    ----------
    numbers : ndarray of float64, shape (n,), or None
        NaN where blank; None where a value is no number. Dates are days since the beginning of 1970, durations days,
        booleans 0 and 1.
    texts : ndarray of object, shape (n,), or None
        None where blank. None for numbers that were given as such.
    is_date : bool
        Whether the numbers are dates.
    """

    numbers: Floats | None
    texts: Array | None = None
    is_date: bool = False

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Which values are blank, shape (n,)."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        return np.array([text is None for text in self.as_texts().tolist()], dtype=np.bool_)

    def as_texts(self) -> Array:
        """Return the values as texts, None where blank, shape (n,); whole numbers without a point."""
        if self.texts is not None:
            return self.texts
        numbers = np.asarray(self.numbers)
        return np.array([None if number != number else _short(number) for number in numbers.tolist()], dtype=object)


def values_of(column: object, name: str) -> Values:
    """Return the values of a column.

    Parameters
    ----------
    column : array-like, shape (n,)
        Numbers, texts, dates, booleans, pandas' categories, or a mixture of them and blanks.
    name : str
        The column's name in an error.

    Raises
    ------
    ValueError, TypeError
        When a value is infinite, complex, or no value of such kinds.

    Examples
    --------
    >>> values_of(["1", " 2.5", "", "NA"], "age").numbers.tolist()
    [1.0, 2.5, nan, nan]
    >>> values_of(["no", "yes", ""], "member").texts.tolist()
    ['no', 'yes', None]
    >>> values_of(["1970-01-03", "1970-01-01T12:00"], "since")
    Values(numbers=array([2. , 0.5]), texts=array(['1970-01-03', '1970-01-01T12:00'], dtype=object), is_date=True)
    """
    if str(getattr(column, "dtype", "")).lower().startswith(("category", "categorical", "enum")):
        return Values(None, _texts(np.asarray(column, dtype=object).tolist(), name))
    if isinstance(column, list | tuple | range):  # NumPy would make texts of numbers beside texts
        return _of_objects(list(column), name)
    has_zone = str(getattr(column, "dtype", "")).startswith("datetime64[")
    array = np.asarray(column, dtype="datetime64[us]") if has_zone else np.asarray(column)
    if array.ndim != 1:
        raise TypeError(f"Column {name!r} holds several values a row. Leave it out by drop=, or make columns of them.")
    if array.dtype.kind in "mM":
        return Values(_days(array), is_date=array.dtype.kind == "M")
    if array.dtype.kind in "biuf":
        return Values(_finite(array.astype(np.float64), name))
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} has complex numbers. Give their parts.")
    return _of_objects(array.tolist(), name)


def _of_objects(given: list[object], name: str) -> Values:
    """Return texts and other objects, also as numbers or dates where all are such."""
    texts = _texts(given, name)
    blank = np.array([text is None or text.lower() in _BLANKS for text in texts.tolist()], dtype=np.bool_)
    found = np.full(len(texts), np.nan)
    try:
        found[~blank] = _with_points(texts[~blank]).astype(np.float64)
    except ValueError:
        return _of_words(texts, blank)
    return Values(_finite(found, name), texts)


def _with_points(known: Array) -> Array:
    """Return texts of numbers with a point in place of a decimal comma, and without commas between thousands."""
    texts = known.tolist()
    if not any("," in text for text in texts):
        return known
    if all(_THOUSANDS.fullmatch(text) for text in texts):
        return np.array([text.replace(",", "") for text in texts], dtype=object)
    if all(_DECIMAL_COMMA.fullmatch(text) for text in texts):
        return np.array([text.replace(",", ".") for text in texts], dtype=object)
    return known


def _of_words(texts: Array, blank: NDArray[np.bool_]) -> Values:
    """Return texts that are no numbers, also as dates where all are such."""
    with contextlib.suppress(ValueError):  # no date, or such as month 13
        dates = ["NaT" if is_blank else _iso(text) for text, is_blank in zip(texts, blank, strict=True)]
        return Values(_days(np.array(dates, dtype="datetime64[us]")), texts, is_date=True)
    return Values(None, texts)


def _iso(text: str) -> str:
    """Return a date as ISO 8601 writes it in UTC, or refuse what is none."""
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        return f"{dotted[3]}-{dotted[2]}-{dotted[1]}"
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("not a date")
    if found[5] is None:
        return text
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None).isoformat()


def _text_of(value: object, name: str) -> str | None:
    """Return a value as text, None for a blank, or refuse what is no single value."""
    if isinstance(value, str):
        return value.strip()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, Real):
        return None if value != value else _short(float(value))
    if hasattr(value, "__len__"):
        raise TypeError(
            f"Each argument must be a string or a number, and column {name!r} holds {short_repr(value)}. "
            "Leave the column out by drop=, or make columns of what is in it."
        )
    return None if value != value else str(value)


def is_number(text: str) -> bool:
    """Return whether a text is a number as Python reads it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _short(number: float) -> str:
    """Return a number as text, a whole one without a point."""
    return f"{number:.15g}"


def _texts(given: list[object], name: str) -> Array:
    return np.array([_text_of(value, name) or None for value in given], dtype=object)


def _days(array: Array) -> Floats:
    """Return dates as days since 1970, durations as days; NaN where there is none."""
    kind = array.dtype.kind
    ticks = array.astype(f"{'datetime64' if kind == 'M' else 'timedelta64'}[us]")
    days = ticks.astype(np.int64) / _DAY
    return np.where(np.isnat(ticks), np.nan, days)


def _finite(numbers: Floats, name: str) -> Floats:
    if np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise ValueError(f"Column {name!r} holds infinity in row {row}: replace such values, or leave them blank.")
    return numbers
