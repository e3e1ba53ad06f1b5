"""A table as it comes: its files, and what is made of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drlim.tables.table import Table

__all__ = ["Table"]


def __getattr__(name: str) -> Any:
    if name != "Table":
        raise AttributeError(f"module 'drlim.tables' has no attribute {name!r}")
    from drlim.tables.table import Table  # scikit-learn takes a second to import, and files of tables need none of it

    return Table
