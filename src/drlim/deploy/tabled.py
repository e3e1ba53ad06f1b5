"""A `Table` before a map in an ONNX file, which takes numbers: columns as codes, and what the table makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.arrays import Array, Floats
from drlim.deploy.onnx_file import CodedColumn
from drlim.tables import Table
from drlim.tables.values import values_of

__all__ = ["Tabled", "coded", "coded_columns", "decoded"]

_DAY = 86_400_000_000
"""Microseconds of a day."""


def coded_columns(table: Table) -> list[CodedColumn]:
    """Describe the columns that a table uses, in their order."""
    return [
        {"name": column.name, "kind": column.kind, "levels": list(column.levels)}
        for column in table.columns_
        if column.kind != "left out"
    ]


def coded(table: Table, X: ArrayLike | Mapping[str, ArrayLike]) -> Floats:
    """Return rows of a table as they come as codes, shape (n, p), NaN where blank.

    Parameters
    ----------
    table : Table
        Fitted.
    X : DataFrame, dict of columns or array-like
        As its ``transform`` takes them.
    """
    table.transform(X)  # refuses what it would refuse
    given = table.columns_by_name(X)
    found = []
    for column in coded_columns(table):
        values = values_of(given[column["name"]], column["name"])
        if column["kind"] == "category":
            places = {level: float(place) for place, level in enumerate(column["levels"])}
            found.append(np.array([places.get(text, np.nan) for text in values.as_texts().tolist()]))  # (n,)
        else:
            found.append(np.asarray(values.numbers))  # (n,)
    return np.column_stack(found)  # (n, p)


def decoded(table: Table, codes: Floats) -> Mapping[str, Array]:
    """Return columns, as a table takes them, of codes (n, p) as they may be in float32: categories are rounded."""
    columns: dict[str, Array] = {}
    for column, numbers in zip(coded_columns(table), codes.T, strict=True):
        blank = np.isnan(numbers)
        if column["kind"] == "category":
            places = np.where(blank, -1, np.rint(np.where(blank, -1, numbers))).astype(np.int64)
            levels = [*column["levels"], None]
            known = (places >= 0) & (places < len(column["levels"]))
            columns[column["name"]] = np.array([levels[place] for place in np.where(known, places, -1)], dtype=object)
        elif column["kind"] == "date":
            ticks = np.rint(np.where(blank, 0.0, numbers) * _DAY).astype(np.int64).astype("datetime64[us]")
            columns[column["name"]] = np.where(blank, np.datetime64("NaT", "us"), ticks)
        else:
            columns[column["name"]] = numbers
    return columns


class Tabled(nn.Module):
    """What a table makes of codes: blanks filled, numbers standardised, a column of 0 and 1 for each category."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        used = [column for column in table.columns_ if column.kind != "left out"]
        self.levels = [len(column.levels) for column in used]
        self.numbers = torch.tensor([[one.fill, one.center, one.scale] for one in used], dtype=torch.float64)  # (p, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map codes (n, p) to (n, q)."""
        parts = []
        for place, n_levels in enumerate(self.levels):
            column = x[:, place : place + 1]  # (n, 1)
            if n_levels:
                parts.append((torch.round(column) == torch.arange(n_levels, dtype=x.dtype)).to(x.dtype))  # (n, l)
            else:
                fill, center, scale = self.numbers[place].tolist()
                known = torch.where(torch.isnan(column), torch.full_like(column, fill), column)
                parts.append((known - center) / scale)  # (n, 1)
        return torch.cat(parts, dim=1)  # (n, q)
