"""A trial in a process of its own, so that memory, compilation and threads are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.maps.methods import METHODS
from benchmarks.maps.records import Record, installed
from benchmarks.maps.trial import Score
from benchmarks.suite import ROOT, commit

__all__ = ["MARK", "run_apart"]

MARK = "RESULT "
"""Begins the lines of output that are results; methods print lines of their own."""

_THREADS = (
    *("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "LOKY_MAX_CPU_COUNT"),
)
"""Environment variables that limit threads."""


def run_apart(data: str, method: str, seeds: Sequence[int], threads: int, folder: Path, longest: float) -> list[Record]:
    """Run one method on one data set in a fresh process.

    Parameters
    ----------
    data, method : str
    seeds : sequence of int
    threads : int
        Maximum number of threads, set by environment variables and handed to the method.
    folder : Path
        Where the map is left.
    longest : float
        Seconds after which the process is stopped.

    Returns
    -------
    list of dict
        One record for each seed: its numbers and ``error`` None, or ``error`` the last lines of the process.
    """
    listed = ",".join(str(seed) for seed in seeds)
    command = [sys.executable, "-m", "benchmarks.maps", "--here", data, method, listed]
    command += ["--threads", str(threads), "--out", str(folder.resolve())]
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads)), "PYTHONUNBUFFERED": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=longest
        )
        output, error = done.stdout, None
        if done.returncode != 0:
            error = (done.stderr or done.stdout or f"exit status {done.returncode}")[-2000:]
    except subprocess.TimeoutExpired as late:
        output, error = _text(late.stdout), f"not done after {longest:g} seconds"
    scores = _scores(output)
    found = {int(score["seed"]): {**score, "error": None} for score in scores}
    reason = error or "the process ended without a result"
    common = {
        "data": data,
        "method": method,
        "version": installed(METHODS[method].package),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
    }
    return [{**common, **found.get(seed, {"seed": seed, "error": reason})} for seed in seeds]


def _scores(output: str) -> list[Score]:
    """Return the results among the lines that a process printed."""
    return [json.loads(line.removeprefix(MARK)) for line in output.splitlines() if line.startswith(MARK)]


def _text(output: bytes | str | None) -> str:
    """Return what a stopped process had printed; Python gives bytes there even for text."""
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
