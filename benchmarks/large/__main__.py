"""``python -m benchmarks.large``: measure, one process after the other; print a table, and write runs/large.json."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.large.trials import TRIALS, Numbers, Sizes
from benchmarks.suite import ROOT, commit
from drlim._base.disk import atomic_write

__all__ = ["main", "table"]

_COLUMNS = ("total_s", "total_cpu_s", "peak_gb", "knn5")
"""Numbers of a trial that the table shows, where a trial has them."""

_WANTED = {
    "NeighborMap": ("peak_gb", 4.0),
    "neighbours": ("peak_gb", 1.0),
    "sparse-NeighborMap": ("peak_gb", 2.0),
    "sparse-DrLIM": ("peak_gb", 2.0),
}
"""Numbers that are promised, and the most that they may be."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 when a trial failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description="Map rows on disk.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(TRIALS)}")
    parser.add_argument("--rows", type=int, default=Sizes().rows, help="rows of 64 columns (default: 1,000,000)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each process (default: 2)")
    parser.add_argument("--longest", type=float, default=7200.0, help="seconds after which one is stopped (7200)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "large.json", help="file of the results")
    parser.add_argument("--data", type=Path, default=ROOT / "runs" / "large", help="folder of the rows on disk")
    parser.add_argument("--table", action="store_true", help="measure nothing; print the table of the file")
    parser.add_argument("--here", action="store_true", help="one NAME in this process, its numbers as JSON")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in TRIALS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}. There are: {', '.join(TRIALS)}.")
    if given.here:
        _say(json.dumps(TRIALS[given.names[0]](Sizes(rows=given.rows), given.data)))
        return 0
    results: dict[str, Numbers] = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    failed = False
    for name in [] if given.table else given.names or list(TRIALS):
        results[name] = _apart(name, given)
        failed |= "error" in results[name]
        given.out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(given.out, json.dumps(results, indent=1).encode())
        _say(f"{name}: {results[name]}")
    _say(table(results))
    return int(failed)


def _apart(name: str, given: argparse.Namespace) -> Numbers:
    """Run one trial in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.large", "--here", name]
    command += ["--rows", str(given.rows), "--data", str(given.data.absolute())]
    threads = {f"{library}_NUM_THREADS": str(given.threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    about: Numbers = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": str(commit()),
        "threads": given.threads,
    }
    began = _processor_of_children()
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            command,
            cwd=ROOT,
            env={**os.environ, **threads},
            capture_output=True,
            text=True,
            check=False,
            timeout=given.longest,
        )
    except subprocess.TimeoutExpired:
        took = _processor_of_children() - began
        return {**about, "error": f"not done after {given.longest:g} seconds, {took:.0f} of a processor"}
    if done.returncode != 0:
        return {**about, "error": (done.stderr or done.stdout)[-1000:]}
    return {**about, **json.loads(done.stdout.splitlines()[-1])}


def _processor_of_children() -> float:
    """Return the processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(results: Mapping[str, Numbers]) -> str:
    """Return the results as a table in Markdown.

    Examples
    --------
    >>> print(table({"NeighborMap": {"total_s": 30.0, "peak_gb": 0.5}, "PaCMAP": {"total_s": 300.0}}))
    | | total_s | total_cpu_s | peak_gb | knn5 | wanted |
    |---|---|---|---|---|---|
    | NeighborMap | 30 | | 0.5 | | peak_gb at most 4: yes; total_s / PaCMAP's at most 0.5: 0.1, yes |
    | PaCMAP | 300 | | | | |
    """
    lines = [f"| | {' | '.join(_COLUMNS)} | wanted |", "|---" * (len(_COLUMNS) + 2) + "|"]
    for name, numbers in results.items():
        cells = [f"{float(numbers[column]):.3g}" if column in numbers else "" for column in _COLUMNS]
        said = [str(numbers["error"]).splitlines()[-1]] if "error" in numbers else _judged(name, numbers, results)
        lines.append(" ".join(f"| {cell}".rstrip() for cell in [name, *cells, "; ".join(said)]) + " |")
    return "\n".join(lines)


def _judged(name: str, numbers: Numbers, results: Mapping[str, Numbers]) -> list[str]:
    """Say which promises hold."""
    said = []
    if name in _WANTED and _WANTED[name][0] in numbers:
        column, most = _WANTED[name]
        said.append(f"{column} at most {most:g}: {'yes' if float(numbers[column]) <= most else 'no'}")
    theirs = results.get("PaCMAP", {})
    if name == "NeighborMap" and {"total_s"} <= theirs.keys() & numbers.keys():
        share = float(numbers["total_s"]) / float(theirs["total_s"])
        said.append(f"total_s / PaCMAP's at most 0.5: {share:.2g}, {'yes' if share <= 0.5 else 'no'}")
    return said


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
