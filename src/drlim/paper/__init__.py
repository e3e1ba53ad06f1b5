"""The paper's experiments, one module each, written with drlim's public names.

Each module has ``run(folder, ...) -> (rows, details)``, and `drlim.paper.frame` makes a report of it. The command
``drlim reproduce NAME`` calls `reproduce`.
"""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drlim.paper.frame import Outcome
    from drlim.paper.report import Report

__all__ = ["EXPERIMENTS", "reproduce"]

EXPERIMENTS = {
    "springs": "the method: losses, forces, and points that relax to their equilibrium (figures 1 and 2)",
    "digits": "experiment 1: fours and nines of MNIST on a 2-D map, organised by slant (the paper's figure 4)",
    "shifted": "experiment 2: translated digits without a prior, five clusters by shift (figure 5)",
    "shifted-lle": "experiment 3: locally linear embedding of the translated digits, for comparison (figure 5)",
    "shifted-prior": "experiment 4: translated digits with a prior, no trace of the shift (figure 6)",
    "airplane": "experiment 5: an aeroplane in all poses and lights on a cylinder in 3-D (figures 7 and 8)",
    "airplane-cylinder": "experiment 5 on a circle and a line: two coordinates in place of the paper's three",
    "airplane-lle": "experiment 6: locally linear embedding of the aeroplane, for comparison (figure 9)",
    "comparison": "PCA, Isomap, LLE, t-SNE and UMAP (where installed) on the same images",
    "all": "all of these, and one page that shows them",
}
"""Names and summaries of the experiments. The module of each but "all" is ``drlim.paper.NAME``, with "_" for "-"."""

_MINUTES = 20
"""Maximum wall time of "all" on two cores, in minutes."""


def reproduce(name: str, folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Report:
    """Run one experiment of the paper, or all of them, and judge its result.

    Parameters
    ----------
    name : str
        A key of `EXPERIMENTS`. "all" runs the others, in that order, each in a folder of its own inside ``folder``, and
        writes ``index.html``: one page with every picture and number, which loads nothing from a network.
    folder : Path
        Folder for pictures, report and model; made if it is missing. Files of an earlier run are replaced.
    random_state : int, default=0
        Seed of weights and batches, in [0, inf). The same seed gives the same bytes on one machine.
    verbose : bool, default=None
        Whether to show a progress bar; None shows it on a terminal.

    Returns
    -------
    drlim.paper.report.Report
        The numbers measured, beside their bounds.

    Raises
    ------
    ValueError
        When there is no experiment of that name.
    ImportError
        When matplotlib, which draws the pictures, is not installed.
    """
    if name not in EXPERIMENTS:
        raise ValueError(
            f"The 'name' parameter of reproduce must be one of {sorted(EXPERIMENTS)}. Got {name!r} instead."
        )
    if name == "all":
        from drlim.paper.frame import framed

        return framed(name, _run_all)(Path(folder), random_state=random_state, verbose=verbose)
    report: Report = import_module(f"drlim.paper.{name.replace('-', '_')}").reproduce(
        Path(folder), random_state=random_state, verbose=verbose
    )
    return report


def _run_all(folder: Path, *, random_state: int, verbose: bool | None) -> Outcome:
    """Run every experiment, write the page after each, and return all their numbers."""
    from drlim.paper.page import write_page
    from drlim.paper.report import Row

    began = time.perf_counter()
    reports: list[Report] = []
    for name in EXPERIMENTS:
        if name != "all":
            reports.append(reproduce(name, folder / name, random_state=random_state, verbose=verbose))
            write_page(reports, folder / "index.html", EXPERIMENTS)  # readable if the next experiment is interrupted
    rows = [
        Row(f"{report.experiment}: {row.number}", row.measured, row.at_least, row.at_most)
        for report in reports
        for row in report.rows
    ]
    minutes = (time.perf_counter() - began) / 60
    rows.append(Row("wall time, minutes, on two cores", minutes, at_most=_MINUTES))
    return rows, {"seconds": {report.experiment: round(report.seconds, 1) for report in reports}}
