"""`Description`: a graph in a few numbers, and warnings in words of what in it will not train."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.checks import check_points, check_same_length
from drlim.graph.components import count_components, count_duplicates
from drlim.graph.pairset import PairSet

__all__ = ["Description", "as_html", "described"]

_MANY = 0.5
"""Number of components a sample above which `Description` warns of them."""


@dataclass(frozen=True)
class Description:
    """A graph in a few numbers, as `NeighborhoodGraph.describe` returns it; its ``str`` is a table.

    Attributes
    ----------
    samples : int
        Number of samples.
    similar, dissimilar, ignored : int
        Number of pairs in each state; together they are all pairs.
    contradictions : int
        Number of pairs stated similar and dissimilar, and not stated ignored; they count as ignored.
    degrees : tuple of float
        Smallest, median and largest number of samples that are similar to one sample.
    isolated : int
        Number of samples that are similar to no other.
    components : int
        Number of connected components of the graph of similar pairs; each isolated sample is one.
    duplicates : int or None
        Number of dissimilar pairs of identical samples; None when no samples were given.
    warnings : tuple of str
        One sentence for each property that prevents training or is probably not intended.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> found = NeighborhoodGraph.from_pairs(3, [(0, 1)]).describe(verbose=False)
    >>> found.similar, found.dissimilar, found.isolated, found.components
    (1, 2, 1, 2)
    >>> found.warnings
    ('1 of 3 samples are similar to no other, and only pushes place them: nothing is stated of them, or most others are
    equally far from them.',)
    """

    samples: int
    similar: int
    dissimilar: int
    ignored: int
    contradictions: int
    degrees: tuple[float, float, float]
    isolated: int
    components: int
    duplicates: int | None
    warnings: tuple[str, ...]

    def table(self) -> list[tuple[str, str]]:
        """Return the rows of the table that is shown: a name and a value each.

        Returns
        -------
        list of (str, str)
        """
        least, median, largest = self.degrees
        rows = [
            ("samples", f"{self.samples:,}"),
            ("similar pairs", f"{self.similar:,}"),
            ("dissimilar pairs", f"{self.dissimilar:,}"),
            ("ignored pairs", f"{self.ignored:,}"),
            ("contradictions", f"{self.contradictions:,}"),
            ("similar to one sample", f"{least:,.0f} to {largest:,.0f}, median {median:,g}"),
            ("isolated samples", f"{self.isolated:,}"),
            ("components", f"{self.components:,}"),
        ]
        if self.duplicates is not None:
            rows.append(("dissimilar duplicates", f"{self.duplicates:,}"))
        return rows

    def __str__(self) -> str:
        rows = self.table()
        width = max(len(name) for name, _ in rows)
        return "\n".join(
            [*(f"{name:<{width}}  {value}" for name, value in rows), *(f"Warning: {text}" for text in self.warnings)]
        )


def as_html(found: Description) -> str:
    """Return a description as HTML: its table, and its warnings beneath.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> as_html(NeighborhoodGraph.from_pairs(3, [(0, 1)]).describe(verbose=False))[:62]
    '<table><tr><th>samples</th><td>3</td></tr><tr><th>similar pair'
    """
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in found.table())
    return f"<table>{rows}</table>" + "".join(f"<p>Warning: {escape(text)}</p>" for text in found.warnings)


def described(
    similar: PairSet, dissimilar: PairSet, *, n_ignored: int, n_contradictions: int, X: ArrayLike | None = None
) -> Description:
    """Count what a `Description` holds; see `NeighborhoodGraph.describe`."""
    degrees = similar.degrees
    found = Description(
        samples=similar.n_samples,
        similar=similar.n_pairs,
        dissimilar=dissimilar.n_pairs,
        ignored=n_ignored,
        contradictions=n_contradictions,
        degrees=(float(degrees.min()), float(np.median(degrees)), float(degrees.max())),
        isolated=int(np.count_nonzero(degrees == 0)),
        components=count_components(similar),
        duplicates=None if X is None else _count_duplicates(X, dissimilar),
        warnings=(),
    )
    return replace(found, warnings=tuple(_warnings(found)))


def _count_duplicates(X: ArrayLike, dissimilar: PairSet) -> int:
    samples = check_points(X, name="X", ndim=None)
    check_same_length(len(samples), "X", dissimilar.n_samples, "graph")
    return count_duplicates(samples, dissimilar)


def _warnings(found: Description) -> list[str]:
    groups, duplicates = found.components - found.isolated, found.duplicates or 0
    texts = {
        "no pair is dissimilar: nothing pushes, and the map collapses to a point.": found.dissimilar == 0,
        "no pair is similar: nothing pulls, and the map only spreads.": found.similar == 0,
        f"{found.isolated:,} of {found.samples:,} samples are similar to no other, and only pushes place them: nothing "
        "is stated of them, or most others are equally far from them.": 0 < found.isolated < found.samples,
        f"the similar pairs fall into {groups:,} groups that no similar pair joins: how these lie to each other is "
        "left to chance. More neighbours would join them.": groups > 1 and found.components > _MANY * found.samples,
        f"{_pairs(found.contradictions)} stated similar and dissimilar, and so ignored: let one statement "
        "overrule the other, as in (a - ~b) | b.": found.contradictions > 0,
        f"{_pairs(duplicates, 'of identical samples ')} dissimilar: no map can part them, and each adds "
        "half the square of the margin to the sum of energies. Declare them similar, or drop "
        "the copies.": duplicates > 0,
    }
    return [text for text, holds in texts.items() if holds]


def _pairs(count: int, kind: str = "") -> str:
    return f"1 pair {kind}is" if count == 1 else f"{count:,} pairs {kind}are"
