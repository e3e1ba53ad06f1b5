"""A page for editing, served for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from benchmarks.serving import Served

from drlim import DrLIM, save


def made(folder: Path, n: int = 60) -> tuple[Path, Path]:
    """Write a model and its samples; return their paths."""
    X = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    model, data = folder / "map.safetensors", folder / "samples.npy"
    np.save(data, X)
    save(DrLIM(encoder="linear", max_epochs=2, random_state=0, verbose=False).fit(X), model)
    return model, data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(tmp_path_factory.mktemp("editing"))


@pytest.fixture(scope="module")
def served(files: tuple[Path, Path]) -> Iterator[Served]:
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    with Served(*files) as server:
        yield server
    assert "Traceback" not in server.errors()
