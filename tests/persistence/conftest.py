"""Fixtures that the tests of persistence share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.persistence.models import QUICK, QUICK_MAP, TABLE

from drlim import DrLIM, NeighborMap, save


@pytest.fixture(scope="module")
def model() -> DrLIM:
    return DrLIM(**QUICK).fit(TABLE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, model: DrLIM) -> Path:
    path = tmp_path_factory.mktemp("damage") / "model.safetensors"
    save(model, path)
    return path


@pytest.fixture(scope="module")
def neighbor_map() -> NeighborMap:
    return NeighborMap(**QUICK_MAP).fit(TABLE)


@pytest.fixture(scope="module")
def small_map(tmp_path_factory: pytest.TempPathFactory, neighbor_map: NeighborMap) -> Path:
    path = tmp_path_factory.mktemp("map") / "map.safetensors"
    save(neighbor_map, path)
    return path
