"""The report of an experiment: its numbers with their bounds, the machine and the time."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drlim._base.disk import atomic_write

if TYPE_CHECKING:
    from drlim import DrLIM

__all__ = ["Details", "Parameters", "Report", "Row", "described"]

Details = dict[str, Any]
"""JSON values by name."""

Parameters = dict[str, Any]
"""Parameters of `drlim.DrLIM` by name."""


@dataclass(frozen=True)
class Row:
    """One number of a report and its bound.

    Attributes
    ----------
    number : str
        What was measured, and on which samples.
    measured : float
        The value.
    at_least, at_most : float or None
        The bound that the value should keep; both None if it is only reported.
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
        Name of the experiment.
    rows : list of Row
        Its numbers, in the order of the page.
    seconds : float
        Wall time of the whole experiment.
    folder : Path
        Folder that contains its files.
    details : dict
        Settings, counts and remarks, as JSON values.
    """

    experiment: str
    rows: list[Row]
    seconds: float
    folder: Path
    details: Details = field(default_factory=dict)

    def to_dict(self) -> Details:
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


def described(model: DrLIM, parameters: Parameters, random_state: int, n_test: int) -> Details:
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


def _plain(parameters: Parameters) -> Details:
    """Return parameters as JSON values; others, such as callables, as their ``repr``."""
    values: Details = json.loads(json.dumps(parameters, default=repr))
    return values


def _machine() -> Details:
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
