"""``python -m benchmarks.large``: measure, one process after the other; print a table, and write runs/large.json."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from benchmarks.large.steps import STEPS, SUMS, shares_table
from benchmarks.large.trials import READY, TRIALS, Numbers, Sizes
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


_LOOK = 0.1
"""Seconds between two looks at what a trial has written."""

_PEERS = {"PaCMAP": 0.5, "UMAP": None, "openTSNE": None}
"""Methods that the total time is compared with, and the most that it may be of theirs where that is promised."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 when a trial failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description="Map rows on disk.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(TRIALS)}")
    parser.add_argument("--rows", type=int, default=Sizes().rows, help="rows of 64 columns (default: 1,000,000)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each process (default: 2)")
    parser.add_argument(
        "--longest", type=float, default=7200.0, help="seconds of one fit after which it is stopped (7200)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "large.json", help="file of the results")
    parser.add_argument("--data", type=Path, default=ROOT / "runs" / "large", help="folder of the rows on disk")
    parser.add_argument("--table", action="store_true", help="measure nothing; print the table of the file")
    parser.add_argument("--texts", type=int, default=Sizes().counts[0], help="sparse texts (default: 50,000)")
    parser.add_argument("--words", type=int, default=Sizes().counts[1], help="columns of theirs (default: 30,000)")
    parser.add_argument("--epochs", type=int, help="epochs of sparse-DrLIM (default: as many as a fit takes by itself)")
    parser.add_argument("--profile", action="store_true", help="print the seconds of each step of the NAMEs' fits")
    parser.add_argument("--here", action="store_true", help="one NAME in this process, its numbers as JSON")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in TRIALS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}. There are: {', '.join(TRIALS)}.")
    if given.here:
        sizes = Sizes(given.rows, (given.texts, given.words), given.epochs, given.profile)
        _say(json.dumps(TRIALS[given.names[0]](sizes, given.data)))
        return 0
    if given.profile:
        for name in given.names:
            found = _apart(name, given)
            spent = {step: float(seconds) for step, seconds in found.items() if step in (*STEPS, *SUMS)}
            _say(shares_table(name, spent) if spent else f"{name}: {found}")
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
    command += ["--rows", str(given.rows), "--texts", str(given.texts), "--words", str(given.words)]
    command += ["--data", str(given.data.absolute()), *(["--profile"] if given.profile else [])]
    command += [] if given.epochs is None else ["--epochs", str(given.epochs)]
    threads = {f"{library}_NUM_THREADS": str(given.threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    about: Numbers = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": str(commit()),
        "threads": given.threads,
    }
    began = _processor_of_children()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603 - this very program
            command, cwd=ROOT, env={**os.environ, **threads}, stdout=output, stderr=errors, text=True
        )
        ended = _waited(process, output, given.longest)
        said, failure = (_written(file) for file in (output, errors))
    if not ended:
        took = _processor_of_children() - began
        about["error"] = f"not done after {given.longest:g} seconds, {took:.0f} of a processor with what comes before"
        return {**about, "at_least_s": given.longest}
    if process.returncode != 0:
        return {**about, "error": (failure or said)[-1000:]}
    return {**about, **json.loads(said.splitlines()[-1])}


def _waited(process: subprocess.Popen[str], output: TextIO, longest: float) -> bool:
    """Wait for a trial; return whether it ended. After ``longest`` seconds of its measured part it is stopped."""
    while process.poll() is None:
        ready = _ready_at(_written(output))
        if ready is not None and time.time() - ready > longest:
            process.kill()
            process.wait()
            return False
        time.sleep(_LOOK)
    return True


def _written(file: TextIO) -> str:
    """Return what another process has written into a file so far, whose place both share."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")


def _ready_at(text: str) -> float | None:
    """Return when a trial began with what is measured, by what it wrote; None before."""
    said = [
        json.loads(line)[READY] for line in text.splitlines() if line.startswith(f'{{"{READY}"') and line[-1] == "}"
    ]
    return float(said[-1]) if said else None


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
        if "at_least_s" in numbers:
            cells[0] = f"> {float(numbers['at_least_s']):.3g}"
        said = [str(numbers["error"]).splitlines()[-1]] if "error" in numbers else _judged(name, numbers, results)
        lines.append(" ".join(f"| {cell}".rstrip() for cell in [name, *cells, "; ".join(said)]) + " |")
    return "\n".join(lines)


def _judged(name: str, numbers: Numbers, results: Mapping[str, Numbers]) -> list[str]:
    """Say which promises hold, and how the time compares with the peers', of which some were stopped."""
    said = []
    if name in _WANTED and _WANTED[name][0] in numbers:
        column, most = _WANTED[name]
        said.append(f"{column} at most {most:g}: {'yes' if float(numbers[column]) <= most else 'no'}")
    if name == "NeighborMap" and "total_s" in numbers:
        said += [_compared(float(numbers["total_s"]), peer, results[peer]) for peer in _PEERS if peer in results]
    return [one for one in said if one]


def _compared(seconds: float, peer: str, theirs: Numbers) -> str:
    """Say which share of a peer's time another time is; of one that was stopped, below which it is."""
    least = theirs.get("total_s", theirs.get("at_least_s"))
    if least is None:
        return ""
    share, most = seconds / float(least), _PEERS[peer]
    bound = f"{'' if 'total_s' in theirs else 'below '}{share:.2g}"
    if most is None:
        return f"total_s / {peer}'s: {bound}"
    misses = "no" if "total_s" in theirs else "not known"
    return f"total_s / {peer}'s at most {most:g}: {bound}, {'yes' if share <= most else misses}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
