"""Notices to the user while work goes on: warnings that point at the user's line, and the progress bar."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count

from drlim._base.importing import undisturbed
from drlim._base.launched import launched_rank

__all__ = ["epoch_bar", "warn_user"]

_PASSED_OVER = ("drlim", "sklearn", "joblib")
"""Packages whose lines a warning does not point at: this one, and those that call estimators for the user."""


def warn_user(message: str) -> None:
    """Issue a UserWarning at the nearest line outside this package."""
    for level in count(1):
        try:
            frame = sys._getframe(level)  # noqa: SLF001 - `warnings` counts frames, and has no other way before 3.12
        except ValueError:  # all frames are inside, as in this package's own command line
            break
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _PASSED_OVER:
            break
    warnings.warn(message, stacklevel=level + 1)


@contextmanager
def epoch_bar(
    max_epochs: int, verbose: bool | int | None, n_samples: int, n_similar: int
) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """Show a progress bar on the standard error stream while the block runs, of several processes in the first alone.

    The bar shows the epoch, the loss, pairs per second where pairs are counted, and the time left. Before the first
    epoch has ended, it shows the numbers of samples and of similar pairs.

    Parameters
    ----------
    max_epochs : int
        Number of epochs of a whole run.
    verbose : bool, int or None
        Whether to show the bar; None shows it when the standard error stream is a terminal.
    n_samples, n_similar : int
        Number of samples, and of pairs of them that are similar.

    Yields
    ------
    callable
        Moves the bar by one epoch. Its argument is the epoch's record, of which it uses ``energy`` or
        ``cross_entropy``, ``pairs`` and ``seconds``.
    """
    if launched_rank() or not (sys.stderr.isatty() if verbose is None else verbose):
        yield lambda _: None
        return

    with undisturbed():
        from rich.console import Console  # takes 50 ms, and most fits are silent
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.fields[loss]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=max_epochs, loss=f"{n_samples} samples, {n_similar} similar pairs")

        def advance(record: Mapping[str, float]) -> None:
            progress.update(task, advance=1, loss=_loss(record))

        yield advance


def _loss(record: Mapping[str, float]) -> str:
    """Return the loss of an epoch by its name, with the pairs per second where there are pairs."""
    if "energy" not in record:
        return f"cross-entropy {record['cross_entropy']:.4f}"
    return f"energy {record['energy']:.5f} {record['pairs'] / max(record['seconds'], 1e-9):.2g} pairs/s"
