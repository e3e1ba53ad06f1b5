"""The paper's experiments, one module each, made of drlim's public names only.

``drlim reproduce NAME`` on the command line calls `reproduce`.
"""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drlim.paper.report import Report

__all__ = ["EXPERIMENTS", "reproduce"]

EXPERIMENTS = {
    "springs": "the method: losses, forces, and points that relax to their equilibrium (figures 1 and 2)",
    "digits": "experiment 1: fours and nines of MNIST on a 2-D map, organised by slant (the paper's figure 4)",
    "shifted": "experiment 2: translated digits without a prior, five clusters by shift (figure 5)",
    "shifted-lle": "experiment 3: locally linear embedding of the translated digits, for comparison (figure 5)",
    "shifted-prior": "experiment 4: translated digits with a prior, no trace of the shift (figure 6)",
    "airplane": "experiment 5: an aeroplane in all poses and lights on a cylinder in 3-D (figures 7 and 8)",
    "airplane-lle": "experiment 6: locally linear embedding of the aeroplane, for comparison (figure 9)",
    "comparison": "PCA, Isomap, LLE, t-SNE and UMAP (where installed) on the same images",
    "all": "all of these, and one page that shows them",
}
"""What can be reproduced; each name's module, but that of "all", is ``drlim.paper.NAME`` with "_" for "-"."""

_MINUTES = 20
"""What "all" may take on two cores."""


def reproduce(name: str, folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Report:
    """Run one experiment of the paper, or all of them, and judge it.

    Parameters
    ----------
    name : str
        A key of `EXPERIMENTS`. "all" runs the others, in that order, each in its own folder inside ``folder``, and
        writes ``index.html``: one page, without need of a network, with every picture and number.
    folder : Path
        Where pictures, report and model go; made if missing. Files of an earlier run are replaced.
    random_state : int, default=0
        Seed of weights and batches, in [0, inf). The same seed gives the same bytes on one machine.
    verbose : bool, default=None
        Whether to show a progress bar; None shows it on a terminal.

    Returns
    -------
    drlim.paper.report.Report

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
        return _reproduce_all(Path(folder), random_state=random_state, verbose=verbose)
    report: Report = import_module(f"drlim.paper.{name.replace('-', '_')}").reproduce(
        Path(folder), random_state=random_state, verbose=verbose
    )
    return report


def _reproduce_all(folder: Path, *, random_state: int, verbose: bool | None) -> Report:
    """Run every experiment, write the page after each, and return all their numbers in one report."""
    from drlim.paper.page import write_page
    from drlim.paper.report import Report, Row

    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    for name in EXPERIMENTS:
        if name != "all":
            reports.append(reproduce(name, folder / name, random_state=random_state, verbose=verbose))
            write_page(reports, folder / "index.html", EXPERIMENTS)  # what is done can be read if the rest is stopped
    seconds = time.perf_counter() - began
    rows = [
        Row(f"{report.experiment}: {row.number}", row.measured, row.at_least, row.at_most)
        for report in reports
        for row in report.rows
    ]
    rows.append(Row("wall time, minutes, on two cores", seconds / 60, at_most=_MINUTES))
    times = {report.experiment: round(report.seconds, 1) for report in reports}
    whole = Report("all", rows, seconds, folder, {"seconds": times})
    whole.write()
    return whole
