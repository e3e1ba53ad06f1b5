"""The command ``python -m benchmarks [NAME ...]``: measure, print the table, write runs/benchmarks.json.

The exit status is 1 after a crash only. A bound that is not reached is a line of the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import FILE, kept, machine, table, write
from benchmarks.suite import SUITE, run_apart, run_here

__all__ = ["main", "run_all"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    _refuse_unknown(parser, given.names)
    if given.table:
        _print(table(kept(given.out)) or f"There is no {given.out} yet: run python -m benchmarks first.")
        return 0
    if given.here and len(given.names) != 1:
        parser.error("--here takes one NAME.")
    if given.here:
        _print(json.dumps(run_here(given.names[0], given.device or "cpu")))
        return 0
    devices = [given.device] if given.device else None
    return run_all(given.names or _unasked(), devices, given.out)


def _refuse_unknown(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in SUITE]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}. There are: {', '.join(SUITE)}.")


def _unasked() -> list[str]:
    """Return the names of the measurements that run when none is named."""
    return [name for name, entry in SUITE.items() if entry.unasked]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the library promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(SUITE)}")
    parser.add_argument("--table", action="store_true", help="measure nothing; print the table of the last run")
    parser.add_argument("--device", help="cpu or cuda; by default the CPU, then the GPU where there is one")
    parser.add_argument(
        "--here", action="store_true", help="in this process, and print JSON: one NAME, as run by itself"
    )
    parser.add_argument("--out", type=Path, default=FILE, help="file of the results (default: runs/benchmarks.json)")
    return parser


def run_all(
    names: Sequence[str],
    devices: Sequence[str] | None,
    path: Path,
    run: Callable[[str, str], dict[str, Any]] = run_apart,
) -> int:
    """Run measurements one after the other, each in its own process, and write and print each result at once.

    Parameters
    ----------
    names : sequence of str
        Names of measurements, keys of `benchmarks.suite.SUITE`.
    devices : sequence of str or None
        Devices to measure on; None takes the CPU, then the GPU if there is one.
    path : Path
        JSON file of the results. Results of other measurements on this machine remain in it.
    run : callable, default=run_apart
        Takes a name and a device, and returns the entry of the file.

    Returns
    -------
    int
        1 when a measurement crashed, else 0.
    """
    about = machine()
    chosen = devices or ["cpu", *(["cuda"] if about["gpu"] else [])]
    results = kept(path, about)
    crashed = False
    for device in chosen:
        for name in names:
            if device != "cpu" and not SUITE[name].on_gpu:
                continue
            entry = run(name, device)
            results.setdefault(device, {})[name] = entry
            crashed |= entry["error"] is not None
            write(path, results, about)
            _print(f"{name} ({device}, {entry['seconds']:.0f} s)\n{_brief(entry)}")
    _print(f"\n{table(results)}\n\nWritten to {path}.")
    return int(crashed)


def _brief(entry: dict[str, Any]) -> str:
    """Return one measurement with its parts as indented text."""
    if entry["error"] is not None:
        return entry["error"]
    lines = []
    for line in entry["lines"]:
        lines.append(f"    {line['what']}: {line['value']:.4g} {line['unit']}")
        lines += [
            f"        {name}: {part:.4g}" for name, part in line["parts"].items() if isinstance(part, int | float)
        ]
        lines += [f"        {line['notes']}"] if line["notes"] else []
    return "\n".join(lines)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
