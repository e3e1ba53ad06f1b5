"""Commands that several tests run."""

from __future__ import annotations

from typing import Any

QUICK = ["--method", "drlim", "--encoder", "linear", "--max-epochs", "2", "--n-neighbors", "2"]
"""Options of a fit by drlim that takes a moment."""

COMMAND = ("fit", "x.csv", "--labels-column", "kind", "--model", "m.safetensors", "--method", "drlim")

NEIGHBORS = ("fit", "x.csv", "--labels-column", "kind", "--model", "m.safetensors")
"""A fit by the default method."""


def fitted(run: Any, *options: object, data: str = "x.csv") -> None:
    leave_out = ["--labels-column", "kind"] if data == "x.csv" else []
    code, _, err = run("fit", data, "--model", "m.safetensors", *leave_out, *QUICK, *options)
    assert (code, err) == (0, "")
