"""The tables that a run leaves, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.maps.data import DATA
from benchmarks.maps.methods import METHODS
from benchmarks.maps.records import Record

__all__ = ["SCORES", "page"]

_COLUMNS = {
    "knn5": "knn5",
    "trust10": "trust10",
    "fit_s": "fit, s",
    "fit_cpu_s": "fit, s of processor",
    "transform_s": "transform, s",
    "peak_gb": "peak of fit, GB",
    "first_s": "first, s",
}
"""Numbers of the tables of each data set, and their heads."""

SCORES = ("knn5", "trust10")
"""The numbers that judge a map; the others are costs."""

_TIE = 0.003
"""Scores that differ less are not told apart: seeds differ by as much."""


def page(records: Sequence[Record], about: Mapping[str, Any], versions: Mapping[str, str | None]) -> str:
    """Return the tables of one machine and number of threads.

    Parameters
    ----------
    records : sequence of dict
        Of any machine; those of others are left out.
    about : dict
        Machine and threads, of `benchmarks.maps.records.here`.
    versions : dict of str to str or None
    """
    grouped = _grouped(records, about)
    growing = {name: grouped.pop(name) for name in list(grouped) if DATA[name].growth}
    parts = [("knn5 / trust10", _overview(grouped))] if grouped else []
    parts += [(_title(name, rows), _table(rows)) for name, rows in grouped.items()]
    parts += [("Growth of the time of a fit", _growth(growing))] if growing else []
    return "\n\n".join([_head(about, versions), *(f"## {title}\n\n{table}" for title, table in parts)]) + "\n"


def _head(about: Mapping[str, Any], versions: Mapping[str, str | None]) -> str:
    """Return where the numbers were measured, with what, and how to read them."""
    installed = ", ".join(f"{name} {number}" for name, number in versions.items() if number is not None)
    threads = "1 thread" if about["threads"] == 1 else f"{about['threads']} threads"
    return (
        f"{about['machine']}; {threads}. {installed}. Bold: the best score and those within {_digits(_TIE, 3)} of it. "
        "Means over seeds; in brackets the least and the most."
    )


def _grouped(records: Iterable[Record], about: Mapping[str, Any]) -> dict[str, dict[str, list[Record]]]:
    """Return the records of one machine by data set and method, both in the order of their registries."""
    records = [record for record in records if all(record[key] == value for key, value in about.items())]
    grouped: dict[str, dict[str, list[Record]]] = {}
    for data in DATA:
        for method in METHODS:
            found = [record for record in records if record["data"] == data and record["method"] == method]
            if found:
                grouped.setdefault(data, {})[method] = sorted(found, key=lambda record: record["seed"])
    return grouped


def _title(name: str, rows: Mapping[str, Sequence[Record]]) -> str:
    """Return a data set's title with its sizes, where a trial has ended well."""
    done = [record for found in rows.values() for record in found if record["error"] is None]
    sizes = f": {done[0]['n_train']:,} / {done[0]['n_test']:,} of {done[0]['columns']:,} values" if done else ""
    return f"{DATA[name].title} (`{name}`){sizes}"


def _overview(grouped: Mapping[str, Mapping[str, Sequence[Record]]]) -> str:
    """Return one row for each data set and one column for each method, of both scores."""
    methods = [name for name in METHODS if any(name in rows for rows in grouped.values())]
    lines = [f"| data set | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for data, rows in grouped.items():
        best = {key: _best(rows, key) for key in SCORES}
        cells = [" / ".join(_score(rows.get(name, []), key, best[key]) for key in SCORES) for name in methods]
        cells = ["" if cell == " / " else cell for cell in cells]
        lines.append(f"| {DATA[data].title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _table(rows: Mapping[str, Sequence[Record]]) -> str:
    """Return all numbers of one data set, one row for each method."""
    lines = [f"| method | {' | '.join(_COLUMNS.values())} | seeds |", "|---" * (len(_COLUMNS) + 2) + "|"]
    best = {key: _best(rows, key) for key in SCORES}
    for method, found in rows.items():
        done = _done(found)
        if not done:
            lines.append(f"| {method} | {_reason(found)} |" + " |" * len(_COLUMNS))
            continue
        cells = [_score(done, key, best[key], spread=True) for key in SCORES]
        cells += [_seconds([record[key] for record in done]) for key in _COLUMNS if key not in SCORES]
        crashed = len(found) - len(done)
        seeds = str(len(done)) + (f" ({crashed} crashed)" if crashed else "")
        lines.append(f"| {method} | {' | '.join(cells)} | {seeds} |")
    return "\n".join(lines)


def _growth(grouped: Mapping[str, Mapping[str, Sequence[Record]]]) -> str:
    """Return seconds and memory of a fit, one row for each method and one column for each size."""
    methods = [name for name in METHODS if any(name in rows for rows in grouped.values())]
    heads = [f"{DATA[data].title}: fit s (processor s), GB, knn5 / trust10" for data in grouped]
    lines = [f"| method | {' | '.join(heads)} |", "|---" * (len(grouped) + 1) + "|"]
    for method in methods:
        cells = [_grown(rows.get(method, [])) for rows in grouped.values()]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _grown(found: Sequence[Record]) -> str:
    done = _done(found)
    if not done:
        return _reason(found)
    wall, processor, peak, knn5, trust10 = (
        statistics.fmean(record[key] for record in done) for key in ("fit_s", "fit_cpu_s", "peak_gb", "knn5", "trust10")
    )
    scores = f"{_digits(knn5, 3)} / {_digits(trust10, 3)}"
    return f"{_number(wall)} ({_number(processor)}), {_number(peak)}, {scores}"


def _done(found: Iterable[Record]) -> list[Record]:
    return [record for record in found if record["error"] is None]


def _best(rows: Mapping[str, Sequence[Record]], key: str) -> float:
    """Return the highest mean over seeds that a method has."""
    means = [statistics.fmean(record[key] for record in done) for found in rows.values() if (done := _done(found))]
    return max(means, default=0.0)


def _score(found: Sequence[Record], key: str, best: float, *, spread: bool = False) -> str:
    """Return the mean of a score, bold when it is about the best, and its range over seeds."""
    values = [record[key] for record in _done(found)]
    if not values:
        return "failed" if found else ""
    mean = statistics.fmean(values)
    text = f"**{_digits(mean, 4)}**" if mean >= best - _TIE else _digits(mean, 4)
    low, high = (_digits(end, 4) for end in (min(values), max(values)))
    return f"{text} ({low} to {high})" if spread and low != high else text


def _seconds(values: Sequence[float]) -> str:
    """Return the mean of seconds or gigabytes."""
    return _number(statistics.fmean(values))


def _reason(found: Sequence[Record]) -> str:
    """Return why there are no numbers: the last line of the error."""
    if not found:
        return ""
    last = str(found[-1]["error"]).strip().splitlines()[-1:] or ["failed"]
    return last[0][:120].replace("|", "/")


def _number(value: float) -> str:
    """Return two or three significant digits, without exponents.

    Examples
    --------
    >>> [_number(value) for value in (1234.5, 31.24, 0.0123)]
    ['1,234', '31.2', '0.012']
    """
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2g}"


def _digits(value: float, places: int) -> str:
    """Return a share of one without its leading zero.

    Examples
    --------
    >>> _digits(0.93251, 4), _digits(1.0, 4)
    ('.9325', '1.0000')
    """
    return f"{value:.{places}f}".removeprefix("0") if value >= 0 else f"{value:.{places}f}"
