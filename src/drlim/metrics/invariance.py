"""Whether a map is invariant to what is known not to matter: translations, lighting, sensors, batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.checks import check_parameters, integer_in
from drlim.metrics._nuisances import JudgedMap, Nuisance, judged_map
from drlim.metrics._rows import check_at_most
from drlim.metrics._telling import tell

__all__ = ["FAINT", "STRONG", "InvarianceReport", "InvarianceRow", "invariance_report"]

Verdict = Literal["invariant", "partly", "not invariant", "collapsed"]

_HEAD = ("nuisance", "copies/unrelated", "10-90 %", "from position", "chance", "told", "p", "verdict")

FAINT, STRONG = 0.2, 0.5
"""Ends of "invariant" and of "partly", for the ratio and for what is told alike."""

_SIGNIFICANT = 0.05
"""p-value above which what is told counts as chance."""

_NO_SPREAD = 1e-6
"""Unrelated samples nearer than this part of the largest coordinate differ by the rounding of a float32 map only."""

_UNRELATED = 20_000
"""Pairs of unrelated samples drawn: the median of so many is off by about a hundredth."""


class InvarianceRow(NamedTuple):
    """How a map answers to one nuisance.

    Attributes
    ----------
    name : str
        The transform or the column; "any" is all transforms together.
    kind : {"transform", "class", "number"}
    n_pairs : int
        Pairs of copies whose distance was measured.
    ratio : float or None
        Median distance of a pair of copies over the median distance of two unrelated samples, at least 0. None where
        it is not known which samples are copies of one thing.
    ratio_low, ratio_high : float or None
        The 10 % and the 90 % quantile instead of the median of the copies.
    score : float
        Balanced accuracy, or R2 of a number, with which the nuisance is predicted from the position.
    chance : float
        Mean score over the permutations.
    told : float
        (score - chance) / (1 - chance), at most 1: the part that the position tells of what there is to tell.
    p_value : float
        Share of permutations, the given labels among them, that score as well or better.
    verdict : {"invariant", "partly", "not invariant", "collapsed"}
    """

    name: str
    kind: Literal["transform", "class", "number"]
    n_pairs: int
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    score: float
    chance: float
    told: float
    p_value: float
    verdict: Verdict


@dataclass(frozen=True)
class InvarianceReport:
    """What `invariance_report` found; ``print`` it for a table.

    Attributes
    ----------
    rows : tuple of InvarianceRow
        One a nuisance, in the order given.
    verdict : {"invariant", "partly", "not invariant", "collapsed"}
        The worst of the rows'.
    n_samples : int
        Rows of the map that were judged.
    unrelated : float
        Median distance of two unrelated samples, in units of the map.
    n_permutations : int
    """

    rows: tuple[InvarianceRow, ...]
    verdict: Verdict
    n_samples: int
    unrelated: float
    n_permutations: int

    def to_dict(self) -> dict[str, Any]:
        """Return the same as dicts, lists, strings, numbers and None."""
        return {
            "verdict": self.verdict,
            "n_samples": self.n_samples,
            "unrelated": self.unrelated,
            "n_permutations": self.n_permutations,
            "rows": [row._asdict() for row in self.rows],
        }

    def __str__(self) -> str:
        """Return an aligned table, one nuisance a line, and the verdict."""
        lines = [_HEAD, *(_cells(row) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        left = {0, len(_HEAD) - 1}
        table = [
            "  ".join(
                text.ljust(width) if place in left else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*table, f"{self.verdict}: {self.n_samples} samples, {self.n_permutations} permutations"])


def invariance_report(
    estimator: Any,
    X: Any,
    orbits: Any,
    *,
    groups: ArrayLike | None = None,
    n_neighbors: int = 15,
    n_splits: int = 5,
    n_permutations: int = 200,
    random_state: int = 0,
) -> InvarianceReport:
    """Judge whether a map answers to what should not matter, on held-out samples.

    For each nuisance, two questions. How far apart does the map put copies of one sample that differ in the
    nuisance alone, as part of the distance of unrelated samples? And how well can the nuisance be told from the
    position on the map, against what chance would tell?

    Parameters
    ----------
    estimator : object with ``transform``, callable or array-like of shape (n_rows, n_components)
        Anyone's map: a fitted transformer, a function from samples to points, or the points themselves, one for
        each row of the copies, or of the metadata.
    X : array-like, shape (n_samples, ...), or None
        Held-out samples. Of those that the map was trained on, the report says what was learnt by heart. Not
        looked at where ``orbits`` holds the copies (`Orbits`), or the points are given: None will do.
    orbits : Orbits, dict of str to callable, sequence of callable, or table
        The nuisances.

        - transforms, as `drlim.orbits` takes them: copies of ``X`` are made here;
        - what `drlim.orbits` returned;
        - metadata, as a dict of arrays or a DataFrame: one row a sample, one column a nuisance (lighting, sensor,
          batch). Strings, truth values and up to ten distinct whole numbers are classes, other numbers are
          quantities; for an angle give its cosine and its sine.
    groups : array-like, shape (n_samples,), default=None
        With metadata: the thing that each sample is a picture of, so that samples of one group are copies. None
        leaves the ratio out.
    n_neighbors : int, default=15
        Neighbours that vote, at least 1.
    n_splits : int, default=5
        Folds, from 2 to the number of groups. Copies of one sample are never in two folds: else the nearest
        neighbour would be the sample's own copy, whose label is always another.
    n_permutations : int, default=200
        At least 19, without which no p-value comes to .05.
    random_state : int, default=0
        Seed of folds, permutations and pairs drawn, in [0, 2^32): the same call gives the same report.

    Returns
    -------
    InvarianceReport

    Raises
    ------
    ValueError, TypeError
        When the map cannot be made or is not finite, lengths differ, a column is constant or has missing values, or
        a number is out of range.

    Notes
    -----
    *Ratio.* Under transforms, each copy is compared with its original, and unrelated are two different originals.
    With metadata, copies are samples of one group that differ in the column and agree in the other columns that
    are classes; unrelated are samples of different groups.

    *Told.* The better of a balanced vote of the nearest and a linear read-out, both cross-validated. The null
    permutes the nuisance within groups (the copies of one sample), and tries both predictors too; where no group
    has two different values, whole groups exchange theirs. A transform is told from "unchanged", two classes;
    "any" is which of them all.

    *Verdict.* By the worse of the ratio and what is told: at most .2 "invariant", above .5 "not invariant",
    "partly" between. What is told counts as nothing where p is above .05. "collapsed" is said of all rows when the
    map puts most unrelated samples into one place, which is invariant to everything and tells nothing.

    Of more than 5000 groups, 5000 drawn at random are predicted.

    Examples
    --------
    The first coordinate is worth keeping; the map keeps the second, which is a nuisance, as well:

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> moved = {"moved": lambda batch: batch + [0.0, 3.0]}
    >>> print(invariance_report(lambda batch: batch, X, moved))
    nuisance  copies/unrelated    10-90 %  from position  chance  told      p  verdict
    moved                 1.83  1.83-1.83           0.95    0.52  0.90  0.005  not invariant
    not invariant: 400 samples, 200 permutations
    >>> invariance_report(lambda batch: batch[:, :1], X, moved).verdict
    'invariant'
    """
    numbers = {"n_neighbors": n_neighbors, "n_splits": n_splits, "n_permutations": n_permutations}
    accepted = {"n_neighbors": [integer_in(1)], "n_splits": [integer_in(2)], "n_permutations": [integer_in(19)]}
    seed = {"random_state": [integer_in(0, 2**32 - 1)]}
    check_parameters({**numbers, "random_state": random_state}, {**accepted, **seed}, "invariance_report")
    rng = np.random.default_rng(random_state)
    judged = judged_map(estimator, X, orbits, groups, rng)
    n_groups = int(judged.groups.max()) + 1
    check_at_most("n_splits", n_splits, 2, n_groups, f"at most the {n_groups} groups", "invariance_report")
    unrelated = _unrelated_distance(judged, rng)
    collapsed = unrelated <= _NO_SPREAD  # of the largest coordinate, which is about 1
    seeds = {**numbers, "random_state": random_state}
    rows = tuple(_row(judged, nuisance, unrelated, collapsed, seeds) for nuisance in judged.nuisances)
    worst = max((row.verdict for row in rows), key=get_args(Verdict).index)
    return InvarianceReport(rows, worst, len(judged.Z), unrelated * judged.unit, n_permutations)


def _unrelated_distance(judged: JudgedMap, rng: np.random.Generator) -> float:
    """Return the median distance of samples of two groups, both groups and their samples drawn at random."""
    order = judged.unchanged[np.argsort(judged.groups[judged.unchanged], kind="stable")]
    _, starts, sizes = np.unique(judged.groups[order], return_index=True, return_counts=True)
    one = rng.integers(0, len(sizes), _UNRELATED)
    other = (one + rng.integers(1, len(sizes), _UNRELATED)) % len(sizes)
    first, second = (order[starts[group] + rng.integers(0, sizes[group])] for group in (one, other))
    return float(np.median(np.linalg.norm(judged.Z[first] - judged.Z[second], axis=1)))


def _row(
    judged: JudgedMap, nuisance: Nuisance, unrelated: float, collapsed: bool, numbers: dict[str, int]
) -> InvarianceRow:
    score, chance, p_value = tell(judged.Z[nuisance.rows], nuisance.values, judged.groups[nuisance.rows], **numbers)
    told = (score - chance) / (1 - chance) if chance < 1 else 0.0
    low = ratio = high = None
    if len(nuisance.first) and not collapsed:
        apart = np.linalg.norm(judged.Z[nuisance.first] - judged.Z[nuisance.second], axis=1)  # (p,)
        low, ratio, high = (float(part) for part in np.quantile(apart, [0.1, 0.5, 0.9]) / unrelated)
    verdict = "collapsed" if collapsed else _verdict(ratio, told, p_value)
    n_pairs = len(nuisance.first)
    return InvarianceRow(nuisance.name, nuisance.kind, n_pairs, ratio, low, high, score, chance, told, p_value, verdict)


def _verdict(ratio: float | None, told: float, p_value: float) -> Verdict:
    """Judge by the worse of the two."""
    worse = max(ratio or 0.0, told if p_value <= _SIGNIFICANT else 0.0)
    if worse <= FAINT:
        return "invariant"
    return "partly" if worse <= STRONG else "not invariant"


def _cells(row: InvarianceRow) -> tuple[str, ...]:
    """Write a row of the table."""
    known = row.ratio is not None
    return (
        row.name,
        f"{row.ratio:.2f}" if known else "-",
        f"{row.ratio_low:.2f}-{row.ratio_high:.2f}" if known else "-",
        f"{round(row.score, 2) + 0.0:.2f}{' R2' if row.kind == 'number' else ''}",
        f"{round(row.chance, 2) + 0.0:.2f}",
        f"{round(row.told, 2) + 0.0:.2f}",
        f"{row.p_value:.3f}",
        row.verdict,
    )
