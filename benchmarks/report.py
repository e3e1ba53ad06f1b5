"""The file and the table of the results."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measuring import reached
from benchmarks.suite import ROOT, SUITE

__all__ = ["FILE", "kept", "machine", "table", "write"]

FILE = ROOT / "runs" / "benchmarks.json"

_LIBRARIES = ("torch", "numba", "numpy", "scipy", "scikit-learn")


def machine() -> dict[str, Any]:
    """Return the properties of the machine that results depend on: processor, cores, threads, GPU, versions."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _LIBRARIES},
    }


def write(path: Path, results: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Write results by device and name, with the machine, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": dict(about), "results": results}, indent=2) + "\n", encoding="utf-8")


def kept(path: Path, about: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Return the results in a file, by device and name; none if it is missing or of another machine than ``about``."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if about is not None and content["machine"] != dict(about):
        return {}
    results: dict[str, dict[str, Any]] = content["results"]
    return results


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the results as Markdown, one table for each device, in the order of the suite.

    Examples
    --------
    >>> from benchmarks.measuring import measured
    >>> line = measured("`transform` / encoder", 1.0312, "ratio", at_most=1.05, spread=(1.02, 1.04))
    >>> print(table({"cpu": {"transform": {"lines": [line], "error": None}}}))
    | what | wanted | measured | reached |
    |---|---|---|---|
    | `transform` / encoder | at most 1.05 | 1.03 (1.02 to 1.04) | yes |
    """
    tables = []
    for device, by_name in results.items():
        rows = ["| what | wanted | measured | reached |", "|---|---|---|---|"]
        for name in sorted(by_name, key=list(SUITE).index):
            entry = by_name[name]
            if entry["error"] is not None:
                rows.append(f"| `{name}` | | crashed: {_last_words(entry['error'])} | no |")
            rows += [_row(line) for line in entry["lines"]]
        tables.append(("" if device == "cpu" else f"On a GPU ({device}):\n\n") + "\n".join(rows))
    return "\n\n".join(tables)


def _row(line: Mapping[str, Any]) -> str:
    unit = f" {line['unit']}" if line["unit"] in ("s", "GB") else ""
    wanted = "" if line["wanted"] is None else f"{line['sense']} {_number(line['wanted'])}{unit}"
    found = _number(line["value"]) + unit
    if line["spread"] is not None:
        found += f" ({' to '.join(_number(end) for end in line['spread'])})"
    verdict = {True: "yes", False: "**no**", None: ""}[reached(dict(line))]
    what = line["what"].replace("|", "\\|")  # `a | b` must not end its cell
    return f"| {what} | {wanted} | {found} | {verdict} |"


def _number(value: float) -> str:
    """Return three significant digits, without exponents."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _last_words(error: str) -> str:
    return " ".join(error.splitlines()[-1:])[:200].replace("|", "/")


def _processor() -> str:
    """Return the model of the processor on Linux; on other systems what Python reports."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
