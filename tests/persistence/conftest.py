"""Fixtures that the tests of persistence share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.persistence.models import QUICK, TABLE

from drlim import DrLIM, save


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
