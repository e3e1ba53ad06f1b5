"""What is learned of one column of a table: whether and how it is used, and how its blanks are filled."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from drlim._base.arrays import Floats
from drlim._base.checks import short_repr
from drlim.tables.values import Values, is_number

__all__ = ["Column", "ColumnKind", "Wanted", "applied", "learned"]

ColumnKind = Literal["number", "date", "category", "left out"]

Wanted = Literal["auto", "number", "category", "left out"]
"""What the user asked of a column."""

_LIKE_AN_ID = re.compile(
    r"((?i:(^|[\W_])(id|ids|uuid|guid|key|index|nr|number))|(?<=[a-z])(Id|ID|Key|Index|Nr|Number))$"
)
"""Names of columns of whole numbers that number the rows, where no two are equal."""

_SHARE_OF_TEXTS = 0.5
"""Share of different texts among all above which a column of texts is left out."""

_FEW = 20
"""Number of values below which that share is chance."""


@dataclass(frozen=True)
class Column:
    """A column of a table as `Table` learned to use it.

    Attributes
    ----------
    name : str
        Its name; of an array without names ``x0``, ``x1``, ...
    kind : {"number", "date", "category", "left out"}
        How it is used. A date is the number of days since 1970.
    reason : str
        Why it is left out; "" if it is not.
    is_id : bool
        Whether it was left out because all of its values differ, so that it tells the rows apart.
    fill : float
        Value in place of blanks.
    center, scale : float
        Subtracted from, and divided by, where numbers are standardised; else 0 and 1.
    levels : tuple of str
        Categories, each of which becomes a column of 0 and 1.
    n_blanks : int
        Number of blanks in the samples it was learned from.
    """

    name: str
    kind: ColumnKind
    reason: str = ""
    is_id: bool = False
    fill: float = 0.0
    center: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    n_blanks: int = 0

    @property
    def is_numeric(self) -> bool:
        """Whether it is used as numbers."""
        return self.kind in ("number", "date")

    @property
    def outputs(self) -> list[str]:
        """Names of the columns that it becomes."""
        if self.kind == "left out":
            return []
        return [f"{self.name}_{level}" for level in self.levels] if self.kind == "category" else [self.name]


def learned(name: str, values: Values, wanted: Wanted, fill: str, max_categories: int) -> Column:
    """Return how a column is used, its numbers not yet standardised."""
    blank = values.blank
    n_blanks = int(blank.sum())
    if wanted == "left out" or n_blanks == len(blank):
        return Column(name, "left out", "as asked" if wanted == "left out" else "no values", n_blanks=n_blanks)
    if wanted == "category" or (wanted == "auto" and values.numbers is None):
        return _category(name, values, n_blanks, max_categories, asked=wanted == "category")
    if n_blanks and fill == "refuse":
        raise ValueError(
            f"Column {name!r} is blank in {n_blanks} rows, the first {int(np.argmax(blank))}: fill them in, or choose "
            "how by fill='median' or 'mean'."
        )
    return _number(name, values, wanted, fill, n_blanks)


def _number(name: str, values: Values, wanted: Wanted, fill: str, n_blanks: int) -> Column:
    if values.numbers is None:
        bad = next(text for text in values.as_texts().tolist() if text is not None and not is_number(text))
        raise ValueError(f"Column {name!r} is asked to hold numbers. Got {short_repr(bad)}: correct it, or drop it.")
    numbers = np.asarray(values.numbers)
    known = numbers[~np.isnan(numbers)]
    if known.min() == known.max():
        return Column(name, "left out", "one value", n_blanks=n_blanks)
    if wanted == "auto" and _numbers_rows(name, numbers):
        return Column(name, "left out", "all values differ", is_id=True, n_blanks=n_blanks)
    middle = float(np.mean(known) if fill == "mean" else np.median(known))
    return Column(name, "date" if values.is_date else "number", fill=middle, n_blanks=n_blanks)


def _numbers_rows(name: str, numbers: Floats) -> bool:
    """Return whether whole numbers count the rows, or all differ in a column that is named like an id."""
    if len(numbers) < 3 or np.isnan(numbers).any() or (numbers != np.floor(numbers)).any():
        return False
    counts = len(numbers) >= _FEW and bool((np.diff(numbers) == 1).all())
    return counts or (_LIKE_AN_ID.search(name) is not None and len(np.unique(numbers)) == len(numbers))


def _category(name: str, values: Values, n_blanks: int, max_categories: int, *, asked: bool) -> Column:
    """Return a column of categories: the most frequent ones, in alphabetical order."""
    texts = values.as_texts()
    counts = Counter(text for text in texts.tolist() if text is not None)
    n_values = sum(counts.values())
    if not asked and len(counts) == n_values > 1:
        return Column(name, "left out", "all values differ", is_id=n_blanks == 0, n_blanks=n_blanks)
    if not asked and n_values >= _FEW and len(counts) > _SHARE_OF_TEXTS * n_values:
        return Column(name, "left out", f"{len(counts)} different texts", n_blanks=n_blanks)
    if len(counts) == 1 and not n_blanks:
        return Column(name, "left out", "one value", n_blanks=n_blanks)
    frequent = sorted(counts, key=lambda text: (-counts[text], text))[:max_categories]
    return Column(name, "category", levels=tuple(sorted(frequent)), n_blanks=n_blanks)


def applied(column: Column, values: Values, fill: str) -> tuple[Floats, int]:
    """Return what a column becomes, shape (n, number of outputs), and the number of values that are no known category.

    Blanks and unknown categories are 0 in all columns of the categories.
    """
    if column.kind == "category":
        return _indicators(column, values)
    if values.numbers is None or (values.is_date != (column.kind == "date") and not values.blank.all()):
        _refuse_kind(column, values)
    numbers = np.asarray(values.numbers)
    blank = np.isnan(numbers)
    if fill == "refuse" and blank.any():
        raise ValueError(f"Column {column.name!r} is blank in row {int(np.argmax(blank))}: fill it in.")
    filled = np.where(blank, column.fill, numbers)
    return ((filled - column.center) / column.scale)[:, None], 0  # (n, 1)


def _indicators(column: Column, values: Values) -> tuple[Floats, int]:
    """Return 0 and 1 for each category, shape (n, l), and the number of unknown ones."""
    texts = values.as_texts().tolist()
    places = {level: place for place, level in enumerate(column.levels)}
    found = np.array([places.get(text, -1) for text in texts], dtype=np.int64)  # (n,)
    unknown = [text for text in texts if text is not None and text not in places]
    return (found[:, None] == np.arange(len(places))).astype(np.float64), len(unknown)


def _refuse_kind(column: Column, values: Values) -> None:
    """Refuse a column that held numbers or dates when it was learned, and now holds something else."""
    held = "dates" if column.kind == "date" else "numbers"
    texts = values.as_texts().tolist()
    bad = [
        row
        for row, text in enumerate(texts)
        if text is not None and (values.numbers is not None or not is_number(text))
    ]
    row = bad[0] if bad else 0
    raise ValueError(
        f"Column {column.name!r} held {held} in the training data. Got {short_repr(texts[row])} in row {row}: correct "
        "it, or leave it blank."
    )
