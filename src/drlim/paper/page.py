"""The page of all experiments: ``index.html``, one file that contains every picture and loads nothing."""

from __future__ import annotations

import base64
import datetime as dt
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from drlim._base.disk import atomic_write
from drlim.paper.report import Details, Report

__all__ = ["write_page"]

_MARKS = {True: "reached", False: "short", None: ""}

_CAPTIONS = {
    "map.png": "Test samples on the learned map.",
    "springs.png": "Loss and force of a similar and a dissimilar pair against their distance; m is the margin.",
    "history.png": "Energy by epoch.",
}
"""Captions of pictures whose report gives none."""

_HIDDEN = ("figures", "notes", "table")
"""Details that are left out of the table of settings, as the page shows them in another form."""


def write_page(reports: Sequence[Report], path: Path, summaries: Mapping[str, str] | None = None) -> None:
    """Write the reports, with their pictures, numbers, times and machine, as one self-contained page.

    Parameters
    ----------
    reports : sequence of Report
        Reports in the order of the page. Pictures are read from their folders.
    path : Path
        File to write.
    summaries : dict of str to str, default=None
        A sentence on each experiment, by name.
    """
    summaries = summaries or {}
    parts = [_HEAD, "<h1>Learning an invariant mapping, reproduced</h1>", _overview(reports)]
    parts += [_section(report, summaries.get(report.experiment, "")) for report in reports]
    atomic_write(path, ("\n".join(parts) + "\n</main></html>\n").encode())


def _overview(reports: Sequence[Report]) -> str:
    """Return the table of experiments: the number of bounds reached, and the wall time."""
    lines = []
    for report in reports:
        judged = [row.reached for row in report.rows if row.reached is not None]
        verdict = f"{judged.count(True)} of {len(judged)} reached" if judged else "reported"
        mark = "" if not judged else "reached" if all(judged) else "short"
        link = f'<a href="#{_text(report.experiment)}">{_text(report.experiment)}</a>'
        lines.append(f'<tr><td>{link}</td><td class="{mark}">{verdict}</td><td>{report.seconds:.0f} s</td></tr>')
    total = sum(report.seconds for report in reports)
    head = "<tr><th>experiment</th><th>numbers</th><th>wall time</th></tr>"
    machine = ", ".join(f"{name} {value}" for name, value in reports[0].to_dict()["machine"].items()) if reports else ""
    return (
        f"<table>{head}{''.join(lines)}</table><p>{dt.datetime.now(dt.UTC).date().isoformat()}; "
        f"{total / 60:.1f} minutes in all. Machine: {_text(machine)}. All numbers are of samples never trained on, "
        "unless they say otherwise.</p>"
    )


def _section(report: Report, summary: str) -> str:
    """Return the section of one experiment: numbers, pictures, settings."""
    details = report.details
    parts = [f'<h2 id="{_text(report.experiment)}">{_text(report.experiment)}</h2>']
    parts += [f"<p>{_text(summary[:1].upper() + summary[1:])}.</p>"] if summary else []
    parts += [f"<p>Data: <b>{_text(details['data'])}</b>.</p>"] if "data" in details else []
    parts.append(_table(details["table"]) if "table" in details else _numbers(report))
    parts += [f"<p>{_text(note)}</p>" for note in details.get("notes", [])]
    parts += _pictures(report)
    rotatable = report.folder / "rotatable.html"
    if rotatable.is_file():
        page = html.escape(rotatable.read_text(encoding="utf-8"))
        parts.append(f'<figure><iframe srcdoc="{page}"></iframe><figcaption>Drag to turn.</figcaption></figure>')
    settings = {name: value for name, value in details.items() if name not in _HIDDEN}
    lines = "".join(
        f"<tr><td>{_text(name)}</td><td>{_text(_written(each))}</td></tr>" for name, each in settings.items()
    )
    parts.append(f"<details><summary>Settings; {report.seconds:.0f} s in all</summary><table>{lines}</table></details>")
    return "\n".join(parts)


def _numbers(report: Report) -> str:
    lines = [
        f"<tr><td>{_text(row.number)}</td><td>{row.measured:.4g}</td><td>{row.wanted}</td>"
        f'<td class="{_MARKS[row.reached]}">{_MARKS[row.reached]}</td></tr>'
        for row in report.rows
    ]
    return f"<table><tr><th>number</th><th>measured</th><th>wanted</th><th></th></tr>{''.join(lines)}</table>"


def _table(table: Details) -> str:
    """Return a table of {"columns": [...], "rows": [[...], ...]}, with numbers rounded."""
    head = "".join(f"<th>{_text(name)}</th>" for name in table["columns"])
    lines = ["".join(f"<td>{_text(_written(cell))}</td>" for cell in row) for row in table["rows"]]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _pictures(report: Report) -> list[str]:
    captions = report.details.get("figures") or _CAPTIONS
    parts = []
    for name, caption in captions.items():
        picture = report.folder / name
        if picture.is_file():
            content = base64.b64encode(picture.read_bytes()).decode()
            parts.append(
                f'<figure><img alt="{_text(caption)}" src="data:image/png;base64,{content}">'
                f"<figcaption>{_text(caption)}</figcaption></figure>"
            )
    return parts


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={inner!r}" for name, inner in value.items())
    return "" if value is None else str(value)


def _text(value: object) -> str:
    return html.escape(str(value))


_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>drlim: the paper, reproduced</title>
<style>
  body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; }
  main { max-width: 1000px; margin: 0 auto; padding: 16px; }
  table { border-collapse: collapse; margin: 12px 0; font-variant-numeric: tabular-nums; }
  th, td { text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid #ddd; vertical-align: top; }
  h2 { margin-top: 48px; border-top: 2px solid #222; padding-top: 8px; }
  figure { margin: 20px 0; } img { max-width: 100%; } figcaption { color: #555; }
  iframe { width: 100%; height: 560px; border: 1px solid #ddd; }
  details table { font-size: 14px; } td { overflow-wrap: anywhere; }
  .reached, .short { white-space: nowrap; } .reached { color: #1a7f37; } .short { color: #bd1f01; font-weight: 600; }
</style>
<main>"""
