"""Commands that several tests run."""

from __future__ import annotations

from typing import Any

QUICK = ["--encoder", "linear", "--max-epochs", "2", "--n-neighbors", "2"]
"""Options of a fit that takes a moment."""

COMMAND = ("fit", "x.csv", "--labels-column", "kind", "--model", "m.safetensors")


def fitted(run: Any, *options: object, data: str = "x.csv") -> None:
    leave_out = ["--labels-column", "kind"] if data == "x.csv" else []
    code, _, err = run("fit", data, "--model", "m.safetensors", *leave_out, *QUICK, *options)
    assert (code, err) == (0, "")
