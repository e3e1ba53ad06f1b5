"""Imports of the package: private modules of scikit-learn may change without notice, and are not used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import drlim

SOURCES = Path(drlim.__file__).parent


def imported_names(source: str) -> Iterator[str]:
    """Yield the dotted name of everything that a source file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def private_of_sklearn(source: str) -> list[str]:
    """Return the names imported from scikit-learn that have a private part."""
    dotted = [name.split(".") for name in imported_names(source)]
    return [".".join(parts) for parts in dotted if parts[0] == "sklearn" and any(p.startswith("_") for p in parts)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sklearn.utils._tags", ["sklearn.utils._tags"]),
        ("from sklearn.utils import _safe_indexing", ["sklearn.utils._safe_indexing"]),
        ("def f():\n    from sklearn._loss.loss import HuberLoss as H", ["sklearn._loss.loss.HuberLoss"]),
        ("from sklearn.utils import check_array\nimport _thread\nfrom drlim._base import checks", []),
    ],
)
def test_the_search_finds_private_imports(source, found):
    assert private_of_sklearn(source) == found


def test_no_private_module_of_scikit_learn_is_imported():
    sources = {path: path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")}
    assert any("sklearn" in text for text in sources.values())
    found = {str(path.relative_to(SOURCES)): private_of_sklearn(text) for path, text in sources.items()}
    assert {path: names for path, names in found.items() if names} == {}
