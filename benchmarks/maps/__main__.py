"""``python -m benchmarks.maps``: measure what is missing, print tables, write runs/maps.json, maps.md and maps.png."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.maps.data import DATA
from benchmarks.maps.methods import METHODS
from benchmarks.maps.picture import draw
from benchmarks.maps.process import MARK, run_apart
from benchmarks.maps.records import Record, here, missing, read, replace, versions, write
from benchmarks.maps.report import SCORES, page
from benchmarks.maps.trial import map_file, trial
from benchmarks.suite import ROOT
from drlim._base.disk import atomic_write

__all__ = ["main", "run_all"]

Runner = Callable[[str, str, Sequence[int], int, Path, float], list[Record]]
"""Runs data set, method, seeds, threads, folder and limit in seconds: `benchmarks.maps.process.run_apart`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.here is not None:
        data, method, seeds = given.here
        _run_here(data, method, seeds, given.threads, given.out)
        return 0
    _refuse(parser, given.only or [], DATA)
    _refuse(parser, given.methods or [], METHODS)
    if given.table:
        _finish(*read(given.out / "maps.json"), given.threads, given.out)
        return 0
    chosen = _chosen(given.only, given.methods, given.growth)
    return run_all(*chosen, given.seeds, given.threads, given.out, again=given.again, longest=given.longest)


def run_all(
    data: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int] | None,
    threads: int,
    folder: Path,
    *,
    again: bool = False,
    longest: float = 3600.0,
    run: Runner = run_apart,
) -> int:
    """Measure what is not in the file yet, one process after the other; write after each.

    Parameters
    ----------
    data, methods : sequence of str
    seeds : sequence of int or None
        None is as many as each data set asks for, 0 first.
    threads : int
    folder : Path
        Of ``maps.json``, ``maps.md`` and ``maps.png``.
    again : bool, default=False
        Whether to repeat what is in the file.
    longest : float, default=3600.0
        Seconds after which a process is stopped. A method stopped or crashed on fewer rows is not tried on more.
    run : callable, default=run_apart

    Returns
    -------
    int
        1 when a trial failed, else 0.
    """
    file = folder / "maps.json"
    (records, _), about = read(file), here(threads)
    failed: set[str] = set()
    for name in data:
        for method in methods:
            wanted = list(range(DATA[name].seeds)) if seeds is None else list(seeds)
            todo = wanted if again else missing(records, about, name, method, wanted)
            if not todo or (DATA[name].growth and method in failed):
                continue
            for record in run(name, method, todo, threads, folder, longest):
                records = replace(records, {**about, **record})
                failed |= {method} if record["error"] is not None else set()
                _say(_line(record))
            write(file, records)
    _finish(records, versions(), threads, folder)
    return int(bool(failed))


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.maps", description="Measure maps of ordinary data by several methods."
    )
    parser.add_argument("--only", type=_names, metavar="DATA,..", help=f"data sets: {', '.join(DATA)}")
    parser.add_argument("--methods", type=_names, metavar="METHOD,..", help=f"methods: {', '.join(METHODS)}")
    parser.add_argument("--seeds", type=_numbers, metavar="SEED,..", help="default: 0,1,2; 0 for large data sets")
    parser.add_argument("--threads", type=int, default=2, help="threads of each method (default: 2)")
    parser.add_argument("--growth", action="store_true", help="10,000 to 1,000,000 rows of 64 in place of the others")
    parser.add_argument("--again", action="store_true", help="repeat what is measured already")
    parser.add_argument("--table", action="store_true", help="measure nothing; print and draw what is there")
    parser.add_argument("--longest", type=float, default=3600.0, help="seconds after which a process is stopped (3600)")
    parser.add_argument("--out", type=Path, default=ROOT / "runs", help="folder of the results (default: runs)")
    parser.add_argument(
        "--here", nargs=3, metavar=("DATA", "METHOD", "SEEDS"), help="one trial in this process, results as JSON"
    )
    return parser


def _chosen(data: list[str] | None, methods: list[str] | None, growth: bool) -> tuple[list[str], list[str]]:
    """Return the data sets and methods to measure: those named, or all that belong to the kind of run."""
    all_data = [name for name in DATA if DATA[name].growth == growth]
    all_methods = [name for name, method in METHODS.items() if method.on_all and (method.grows or not growth)]
    return data or all_data, methods or all_methods


def _run_here(data: str, method: str, seeds: str, threads: int, folder: Path) -> None:
    """Run one trial in this process, and print its results as they come."""
    numbers = _numbers(seeds)
    file = map_file(folder, data, method) if 0 in numbers and not DATA[data].growth else None
    for score in trial(METHODS[method], DATA[data].load(), numbers, threads, file):
        _say(MARK + json.dumps(score))


def _finish(records: Sequence[Record], installed: Mapping[str, str | None], threads: int, folder: Path) -> None:
    """Write and print the tables, and draw the maps where matplotlib is installed."""
    tables = page(records, here(threads), installed)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / "maps.md", tables.encode())
    _say(tables)
    try:
        picture = draw(folder, _captions(records, threads))
    except ImportError as error:
        _say(str(error))
        return
    if picture is not None:
        _say(f"Maps of the test samples: {picture}")


def _captions(records: Iterable[Record], threads: int) -> dict[tuple[str, str], str]:
    """Return the mean scores of each data set and method, for the picture."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record["threads"] == threads and record["error"] is None:
            found.setdefault((record["data"], record["method"]), []).append(record)
    return {
        key: " / ".join(f"{statistics.fmean(one[score] for one in many):.3f}" for score in SCORES)
        for key, many in found.items()
    }


def _line(record: Record) -> str:
    """Return one measurement in one line."""
    name = f"{record['data']} {record['method']} seed {record['seed']}"
    if record["error"] is not None:
        return f"{name}: failed\n{record['error']}"
    return (
        f"{name}: knn5 {record['knn5']:.4f}, trust10 {record['trust10']:.4f}, fit {record['fit_s']:.1f} s "
        f"(processor {record['fit_cpu_s']:.1f}), transform {record['transform_s']:.2f} s, {record['peak_gb']:.2f} GB"
    )


def _refuse(parser: argparse.ArgumentParser, names: Iterable[str], known: Iterable[str]) -> None:
    """End with a message when a name is unknown."""
    known = list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}. There are: {', '.join(known)}.")


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _names(text)]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
