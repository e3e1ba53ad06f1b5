"""Run the tests in random order, by the seed in TEST_SEED: a plug-in of pytest, `-p tools.random_order`.

Modules are shuffled, and the tests within each: the fixtures of a module are made once, as in the usual order.
"""

from __future__ import annotations

import os
import random

import pytest

__all__ = ["pytest_collection_modifyitems", "pytest_report_header"]

_SEED = os.environ.get("TEST_SEED", "0")


def pytest_report_header() -> str:
    """Name the seed, by which an order can be repeated."""
    return f"random order: TEST_SEED={_SEED}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle the tests in place."""
    shuffle = random.Random(_SEED)  # noqa: S311 - an order, and no secret
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(str(item.path), []).append(item)
    groups = list(modules.values())
    shuffle.shuffle(groups)
    for group in groups:
        shuffle.shuffle(group)
    items[:] = [item for group in groups for item in group]
