"""What an experiment found: numbers beside what was wanted, with machine and time."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drlim._base.disk import atomic_write

__all__ = ["Report", "Row", "described"]


@dataclass(frozen=True)
class Row:
    """One number and what was wanted of it.

    Attributes
    ----------
    number : str
        What was measured, on which samples.
    measured : float
    at_least, at_most : float or None
        The bound, if there is one.
    """

    number: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def wanted(self) -> str:
        """The bound in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "reported" if self.at_most is None else f"at most {self.at_most:g}"

    @property
    def reached(self) -> bool | None:
        """Whether the bound holds; None without one."""
        if self.at_least is not None:
            return self.measured >= self.at_least
        return None if self.at_most is None else self.measured <= self.at_most


@dataclass(frozen=True)
class Report:
    """Outcome of one experiment.

    Attributes
    ----------
    experiment : str
    rows : list of Row
    seconds : float
        Wall time of the whole experiment.
    folder : Path
        Where its files lie.
    details : dict
        Settings and anything else worth keeping, as JSON values.
    """

    experiment: str
    rows: list[Row]
    seconds: float
    folder: Path
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, with the machine and the date."""
        rows = [{**asdict(row), "wanted": row.wanted, "reached": row.reached} for row in self.rows]
        return {
            "experiment": self.experiment,
            "rows": rows,
            "seconds": round(self.seconds, 1),
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": _machine(),
            "details": self.details,
        }

    def write(self) -> None:
        """Write ``report.json`` into the folder."""
        atomic_write(self.folder / "report.json", (json.dumps(self.to_dict(), indent=2) + "\n").encode())


def described(model: Any, parameters: dict[str, Any], random_state: int, n_test: int) -> dict[str, Any]:
    """Return settings and counts of a trained `DrLIM` as JSON values."""
    return {
        "parameters": _plain({**parameters, "random_state": random_state}),
        "n_train": len(model.embedding_),
        "n_test": n_test,
        "n_similar": model.graph_.n_similar,
        "n_dissimilar": model.graph_.n_dissimilar,
        "epochs": model.n_iter_,
        "training_seconds": round(sum(record["seconds"] for record in model.history_), 1),
    }


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON values; what is none, such as a callable, in words."""
    values: dict[str, Any] = json.loads(json.dumps(parameters, default=repr))
    return values


def _machine() -> dict[str, Any]:
    import torch

    return {
        "processor": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
