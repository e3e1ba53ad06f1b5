"""Fixtures that the tests of the command line share."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drlim.cli import main

RANDOM = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder of its own, with samples in it."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(RANDOM.normal(size=(12, 3)), columns=["a", "b", "c"])
    frame["kind"] = ["four", "nine", "two"] * 4
    frame.to_csv("x.csv", index=False)
    np.save("x.npy", RANDOM.normal(size=(12, 3)).astype(np.float32))
    return tmp_path


@pytest.fixture
def run(capfd):
    """Return a function that runs a command and returns its exit code, its output and its messages."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return (code, *capfd.readouterr())

    return call


@pytest.fixture
def printed(run):
    """Return a function that runs a command with ``--json`` and returns the object."""

    def call(*arguments: object) -> Any:
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        assert out.count("\n") == 1
        return json.loads(out)

    return call
