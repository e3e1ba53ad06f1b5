"""The file of finished measurements, and which measurements are missing from it."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.maps.methods import METHODS
from benchmarks.report import machine
from drlim._base.disk import atomic_write

__all__ = ["KEYS", "PACKAGES", "Record", "here", "installed", "missing", "read", "replace", "versions", "write"]

Record = dict[str, Any]
"""Numbers of one seed, with data set, method, version, machine, threads, date, commit, and an error or None."""

KEYS = ("machine", "threads", "data", "method", "seed")
"""Entries that identify a measurement."""

PACKAGES = (
    "drlim",
    *("umap-learn", "pynndescent", "openTSNE", "pacmap", "faiss-cpu"),
    *("scikit-learn", "torch", "numba", "numpy", "scipy"),
)
"""Distributions whose versions are written to the file and the tables."""


def here(threads: int) -> Record:
    """Return what all measurements of a run have in common: a description of the machine, and the number of threads."""
    about = machine()
    return {"machine": f"{about['processor']}, {about['cores']} cores, {about['system']}", "threads": threads}


def installed(package: str) -> str | None:
    """Return the installed version of a package; None where it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str | None]:
    """Return the installed versions of all packages that results depend on."""
    return {name: installed(name) for name in PACKAGES}


def read(path: Path) -> tuple[list[Record], dict[str, str | None]]:
    """Return the measurements in a file, and the versions written with them; neither where there is no file."""
    if not path.exists():
        return [], {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["results"], content["versions"]


def write(path: Path, records: Sequence[Record]) -> None:
    """Write measurements with the versions of today, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"versions": versions(), "python": platform.python_version(), "results": list(records)}
    atomic_write(path, (json.dumps(content, indent=1) + "\n").encode())


def replace(records: Iterable[Record], new: Record) -> list[Record]:
    """Return the measurements with a new one in place of an older one of the same.

    Measurements on another split of the same data set are dropped: a table must not mix them.

    Examples
    --------
    >>> old = {"machine": "m", "threads": 2, "data": "digits", "method": "PCA", "seed": 0, "split": "a", "error": None}
    >>> len(replace([old], old)), len(replace([old], {**old, "seed": 1})), len(replace([old], {**old, "split": "b"}))
    (1, 2, 1)
    >>> len(replace([old], {**old, "seed": 1, "split": "b"}))
    1
    """
    return [record for record in records if not _same(record, new) and not _of_another_split(record, new)] + [new]


def missing(
    records: Iterable[Record], about: Mapping[str, Any], data: str, method: str, seeds: Sequence[int]
) -> list[int]:
    """Return the seeds for which a method is not measured yet on a data set.

    A crash does not count as measured, nor does another version of the method's package.
    """
    wanted = {**about, "data": data, "method": method, "version": installed(METHODS[method].package)}
    done = {
        record["seed"]
        for record in records
        if record["error"] is None and all(record[key] == value for key, value in wanted.items())
    }
    return [seed for seed in seeds if seed not in done]


def _of_another_split(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two measurements of one data set, both without an error, were made on different samples."""
    done = one["error"] is None and other["error"] is None
    return done and one["data"] == other["data"] and one["split"] != other["split"]


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key] == other[key] for key in KEYS)
