"""The list of measurements, and how one of them runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["ROOT", "SUITE", "Entry", "commit", "run_apart", "run_here"]

ROOT = Path(__file__).resolve().parents[1]

_LONGEST = 900
"""Maximum number of seconds of a measurement, beyond which it counts as crashed. The longest takes about 100."""


class Entry(NamedTuple):
    """A measurement: a function of a module of ``benchmarks``."""

    module: str
    function: str
    on_gpu: bool = False
    """Whether it has a parameter ``device``."""
    unasked: bool = True
    """Whether it runs when no measurement is named."""


SUITE = {
    "epoch": Entry("epoch", "all_pairs_epoch", on_gpu=True),
    "literal_loop": Entry("epoch", "literal_loop", on_gpu=True),
    "growth": Entry("force_pass", "growth", on_gpu=True),
    "neighbor_list": Entry("force_pass", "neighbor_list", on_gpu=True),
    "one_margin": Entry("force_pass", "one_margin", on_gpu=True),
    "force_memory": Entry("force_pass", "memory", on_gpu=True),
    "collapsed_memory": Entry("force_pass", "collapsed_memory", on_gpu=True),
    "time_to_energy": Entry("time_to_energy", "measure"),
    "transform": Entry("mapping", "transform", on_gpu=True),
    "transform_places": Entry("mapping", "transform_places", on_gpu=True),
    "jacobian": Entry("derivatives", "jacobian", on_gpu=True),
    "runtime": Entry("runtime", "measure"),
    "spaces": Entry("spaces", "force_pass"),
    "fit_memory": Entry("fitting", "fit_memory"),
    "fit_memory_defaults": Entry("fitting", "fit_memory_defaults"),
    "fit_memory_all": Entry("fitting", "fit_memory_all"),
    "semi_supervised": Entry("semi_supervised", "measure"),
    "pairs": Entry("relations", "stated"),
    "label_graph": Entry("relations", "labelled"),
    "or": Entry("relations", "either"),
    "and": Entry("relations", "both"),
    "minus": Entry("relations", "without"),
    "checkpoint_kills": Entry("checkpoints", "kills", unasked=False),
    "checkpoint_share": Entry("checkpoints", "share"),
    "distributed": Entry("distributed", "measure", unasked=False),
    "flipped_labels": Entry("flipped_labels", "measure", unasked=False),
    "overfitting": Entry("overfitting", "measure", unasked=False),
    "explorer_mapping": Entry("exploring", "mapping", unasked=False),
    "explorer_digits": Entry("exploring", "digits", unasked=False),
    "explorer_million": Entry("exploring", "million", unasked=False),
    "false_alarms": Entry("false_alarms", "measure", unasked=False),
    "editing_retraining": Entry("editing", "retraining", unasked=False),
    "editing_hostile": Entry("editing", "hostile", unasked=False),
    "editing_killed": Entry("editing", "killed", unasked=False),
    "editing_browser_killed": Entry("editing", "browser_killed", unasked=False),
}
"""Measurements by their names on the command line, in the order of the table."""


def run_here(name: str, device: str = "cpu", **sizes: Any) -> list[dict[str, Any]]:
    """Run one measurement in this process.

    Parameters
    ----------
    name : str
        A key of `SUITE`.
    device : str, default="cpu"
        Device for measurements that can use a GPU.
    **sizes
        Parameters of the measurement, for a quick trial.

    Returns
    -------
    list of dict
        Results of `benchmarks.measuring.measured`.
    """
    entry = SUITE[name]
    function: Callable[..., Any] = getattr(import_module(f"benchmarks.{entry.module}"), entry.function)
    found = function(**sizes, **({"device": device} if entry.on_gpu else {}))
    return [found] if isinstance(found, dict) else list(found)


def run_apart(name: str, device: str = "cpu") -> dict[str, Any]:
    """Run one measurement in a fresh process, where earlier ones have no effect on memory and caches.

    Returns
    -------
    dict
        ``lines`` (empty after a crash), ``error`` (None, or the end of the output), ``seconds``, ``date``
        and ``commit``.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks", "--here", name, "--device", device]
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_LONGEST
        )
        error = None if done.returncode == 0 else (done.stderr or done.stdout or str(done.returncode))[-2000:]
    except subprocess.TimeoutExpired:
        error = f"not done after {_LONGEST} seconds"
    lines = json.loads(done.stdout.splitlines()[-1]) if error is None else []
    return {
        "lines": lines,
        "error": error,
        "seconds": round(time.perf_counter() - began, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
    }


def commit() -> str | None:
    """Return the commit measured, marked where files differ from it; None outside a repository."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 - whichever git there is
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None
