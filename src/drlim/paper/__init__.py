"""The paper's experiments, one module each, made of drlim's public names only.

``drlim reproduce NAME`` on the command line calls `reproduce`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drlim.paper.report import Report

__all__ = ["EXPERIMENTS", "reproduce"]

EXPERIMENTS = {
    "digits": "experiment 1: fours and nines of MNIST on a 2-D map, organised by slant (the paper's figure 4)",
}
"""What can be reproduced; each name's module is ``drlim.paper.NAME``."""


def reproduce(name: str, folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Report:
    """Run one experiment of the paper and judge it.

    Parameters
    ----------
    name : str
        A key of `EXPERIMENTS`.
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
    report: Report = import_module(f"drlim.paper.{name}").reproduce(
        Path(folder), random_state=random_state, verbose=verbose
    )
    return report
