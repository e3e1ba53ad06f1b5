"""False alarms of the warnings of relations: all that the paper's experiments and the examples of the pages train on.

``python -m benchmarks false_alarms`` takes the relations of the paper's experiments at full size, and runs the examples
of README.md and docs/, about two minutes. It counts the warnings that the rest of a graph parts near samples, or leaves
most samples alone (`drlim.relations.unstated`). All these relations are meant, so that each such
warning is a false alarm.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.measuring import Measured, measured
from benchmarks.suite import ROOT
from drlim import NeighborhoodGraph, datasets, knn_graph, orbits, shifts
from drlim._base.arrays import Array
from drlim.paper import airplane, shifted
from drlim.relations import gather, with_copies
from drlim.relations.unstated import MOST_PARTED, parted_by_rest, warn_of_rest

__all__ = ["experiments", "measure", "parted_in_experiments", "warned_in_pages"]

_PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def experiments(n: int | None = None) -> Iterator[tuple[str, Array, NeighborhoodGraph]]:
    """Yield samples and relations of each of the paper's experiments by name, with ``n`` digits (None: all 6000).

    The topology of the aeroplane's map, and the comparison, train on the same relations as these.
    """
    digits = datasets.digits49().X_train[:n]
    yield "digits", digits, knn_graph(digits, 5)
    moved = np.asarray(shifted.translated(digits).X)
    yield "translated digits", moved, knn_graph(moved, 5)
    copies = orbits(digits, shifts(list(shifted.SHIFTS)))
    yield "translated digits with the prior", copies.X, with_copies(knn_graph(digits, 5), copies)
    views, _ = airplane.views()
    metadata = {name: values[views.train] for name, values in views.metadata.items()}
    yield "aeroplane", views.images[views.train], airplane.relations(metadata)


def parted_in_experiments(n: int | None = None) -> tuple[dict[str, float], int]:
    """Return the share of near samples that the rest parts, by experiment, and the number of warnings."""
    shares = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name, samples, graph in experiments(n):
            warn_of_rest(samples, graph)
            shares[name] = parted_by_rest(samples, graph)
    return shares, len(caught)


def warned_in_pages(pages: tuple[Path, ...] = _PAGES) -> tuple[int, int]:
    """Run the examples of pages; return the number of relations that were looked at in them, and of warnings."""
    looked_at, n_warnings = 0, 0

    def counted(samples: Array, graph: NeighborhoodGraph) -> None:
        nonlocal looked_at, n_warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_of_rest(samples, graph)
        looked_at += 1
        n_warnings += len(caught)

    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    with mock.patch.object(gather, "warn_of_rest", counted), tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # examples that fail for want of an extra
                for page in pages:
                    text = page.read_text(encoding="utf-8")
                    runner.run(parser.get_doctest(text, {}, page.name, page.name, 0), clear_globs=True)
        finally:
            os.chdir(before)
    return looked_at, n_warnings


def measure(n: int | None = None, pages: tuple[Path, ...] = _PAGES) -> Measured:
    """Return the number of warnings in all of them."""
    shares, in_experiments = parted_in_experiments(n)
    looked_at, in_pages = warned_in_pages(pages)
    return measured(
        "warnings that the rest parts near samples, or leaves most alone",
        in_experiments + in_pages,
        "warnings",
        at_most=0,
        parts={
            **{f"parted, {name}": share for name, share in shares.items()},
            "relations looked at in the pages": looked_at,
        },
        notes=f"a warning from {MOST_PARTED:.2f} on",
    )
