"""The frame around an experiment: it makes the folder, takes the time, and writes the report.

An experiment is a function ``run(folder, ...) -> (rows, details)``. Its module's ``reproduce`` is that function inside
this frame.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Concatenate, ParamSpec

from drlim import DrLIM
from drlim.paper.report import Details, Report, Row

__all__ = ["Outcome", "framed", "refuse_interrupted"]

P = ParamSpec("P")

Outcome = tuple[list[Row], Details]
"""What an experiment returns: its numbers, and its settings and remarks."""


def framed(name: str, run: Callable[Concatenate[Path, P], Outcome]) -> Callable[Concatenate[Path, P], Report]:
    """Return a function that runs an experiment and reports its numbers.

    Parameters
    ----------
    name : str
        Name of the experiment in its report.
    run : callable
        Takes the folder, then the parameters of the experiment. It writes pictures and model into the folder and
        returns rows and details of the report.

    Returns
    -------
    callable
        Takes what ``run`` takes. It makes the folder if it is missing, measures the wall time of ``run``, writes
        ``report.json`` and returns the `Report`.
    """

    def reproduce(folder: Path, /, *args: P.args, **kwargs: P.kwargs) -> Report:
        began = time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)
        rows, details = run(folder, *args, **kwargs)
        report = Report(name, rows, time.perf_counter() - began, folder, details)
        report.write()
        return report

    update_wrapper(reproduce, run)
    return reproduce


def refuse_interrupted(model: DrLIM) -> None:
    """Raise where the training of a model was interrupted: a fit keeps its map then, whose numbers are none to judge.

    Raises
    ------
    KeyboardInterrupt
    """
    if model.stopped_ == "interrupted":
        raise KeyboardInterrupt
