"""What was done with the columns of a table, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from drlim.tables.columns import Column

__all__ = ["sentence"]

_MOST_NAMED = 6
"""Maximum number of columns that the sentence names of one kind."""


def sentence(columns: Sequence[Column], fill: str, *, standardized: bool) -> str:
    """Return the sentence.

    Parameters
    ----------
    columns : sequence of Column
        What was learned.
    fill : str
        What blanks are filled by.
    standardized : bool
        Whether numbers are standardised.

    Examples
    --------
    >>> columns = [Column("id", "left out", "all values differ"), Column("age", "number", center=40.0, n_blanks=3)]
    >>> sentence(columns, "median", standardized=True)
    'id left out: all values differ; blanks filled by the median of the column, 3 values; numbers standardised.'
    """
    parts = _left_out(columns)
    for kind, words in {"category": "as categories", "date": "as dates, in days"}.items():
        names = [column.name for column in columns if column.kind == kind]
        if names:
            parts.append(f"{len(names)} of {len(columns)} columns {words} ({_few(names)})")
    numeric = [column for column in columns if column.is_numeric]
    n_blanks = sum(column.n_blanks for column in numeric)
    if n_blanks:
        parts.append(f"blanks filled by the {fill} of the column, {n_blanks} value{'s' * (n_blanks > 1)}")
    if numeric:
        parts.append(_of_numbers(numeric, standardized=standardized))
    return f"{'; '.join(parts)}."


def _left_out(columns: Sequence[Column]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for column in columns:
        if column.kind == "left out":
            reasons.setdefault(column.reason, []).append(column.name)
    return [f"{_few(names)} left out: {reason}" for reason, names in reasons.items()]


def _of_numbers(numeric: Sequence[Column], *, standardized: bool) -> str:
    if not standardized:
        return "numbers kept as they are"
    kept = [column.name for column in numeric if (column.center, column.scale) == (0, 1)]
    return f"numbers standardised but for {_few(kept)}" if kept else "numbers standardised"


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown
