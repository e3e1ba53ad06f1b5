"""The one progress bar: epoch, energy, pairs a second and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["epoch_bar"]


@contextmanager
def epoch_bar(max_epochs: int, verbose: bool | int | None) -> Iterator[Callable[[dict[str, float]], None]]:
    """Show a bar on the standard error stream while the block runs; yield what moves it.

    Parameters
    ----------
    max_epochs : int
        Epochs of a whole run.
    verbose : bool, int or None
        None shows the bar only on a terminal.

    Yields
    ------
    callable
        Takes an epoch's record (see `drlim.training.train`).
    """
    if not (sys.stderr.isatty() if verbose is None else verbose):
        yield lambda _: None
        return

    from rich.console import Console  # takes 50 ms, and most fits are silent
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("energy {task.fields[energy]:.5f}"),
        TextColumn("{task.fields[rate]:.2g} pairs/s"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=max_epochs, energy=float("nan"), rate=0.0)

        def advance(record: dict[str, float]) -> None:
            rate = record["pairs"] / max(record["seconds"], 1e-9)
            progress.update(task, advance=1, energy=record["energy"], rate=rate)

        yield advance
