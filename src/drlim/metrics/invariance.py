"""Whether a map is invariant to nuisances such as translations, lighting, sensors or batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats, Index
from drlim._base.certificates import Verdict
from drlim._base.checks import check_parameters, integer_in
from drlim._base.messages import aligned
from drlim.metrics.inputs import check_at_most
from drlim.metrics.nuisances import JudgedMap, Kind, Nuisance, judged_map
from drlim.metrics.prediction import predict

__all__ = [
    "FAINT",
    "NO_SPREAD",
    "STRONG",
    "InvarianceReport",
    "InvarianceRow",
    "invariance_report",
    "unrelated_pairs",
    "verdict_of",
]

_HEAD = ("nuisance", "copies/unrelated", "10-90 %", "from position", "chance", "told", "p", "verdict")

FAINT, STRONG = 0.2, 0.5
"""Upper bounds of "invariant" and of "partly", for the ratio and for the part predicted alike."""

_SIGNIFICANT = 0.05
"""p-value above which a prediction counts as chance."""

NO_SPREAD = 1e-6
"""Distance, in units of the largest coordinate, below which unrelated samples differ by float32 rounding only."""

_UNRELATED = 20_000
"""Number of pairs of unrelated samples drawn: their median has an error of about a hundredth."""


class InvarianceRow(NamedTuple):
    """How strongly a map depends on one nuisance.

    Attributes
    ----------
    name : str
        Name of the transform or the column; "any" stands for all transforms together.
    kind : {"transform", "class", "number"}
        A transform, a column of classes or a column of numbers.
    n_pairs : int
        Number of pairs of copies whose distance was measured.
    ratio : float or None
        Median distance of a pair of copies, divided by the median distance of two unrelated samples; at least 0. None
        if it is not known which samples are copies of one thing.
    ratio_low, ratio_high : float or None
        The same with the 10 % and the 90 % quantile of the distances of copies.
    score : float
        Balanced accuracy (R2 for a number) of the nuisance predicted from the position.
    chance : float
        Mean score over the permutations.
    told : float
        (score - chance) / (1 - chance), at most 1: the score on a scale where chance is 0 and certainty 1.
    p_value : float
        Share of permutations, the given values among them, that score as well or better, in (0, 1].
    verdict : {"invariant", "partly", "not invariant", "collapsed"}
        See the notes of `invariance_report`.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.metrics import invariance_report
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> report = invariance_report(lambda X: X[:, :1], X, {"second column": lambda X: X * [1, -1]}, n_permutations=20)
    >>> report.rows[0].name, report.rows[0].ratio
    ('second column', 0.0)
    """

    name: str
    kind: Kind
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
    """Result of `invariance_report`; ``print`` shows a table.

    Attributes
    ----------
    rows : tuple of InvarianceRow
        One row for each nuisance, in the order given.
    verdict : {"invariant", "partly", "not invariant", "collapsed"}
        The worst verdict of the rows.
    n_samples : int
        Number of points of the map, copies included.
    unrelated : float
        Median distance of two unrelated samples, in units of the map.
    n_permutations : int
        Number of permutations behind each p-value.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.metrics import invariance_report
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> report = invariance_report(lambda X: X[:, :1], X, {"second column": lambda X: X * [1, -1]}, n_permutations=20)
    >>> report.verdict, report.to_dict()["n_samples"]
    ('invariant', 80)
    """

    rows: tuple[InvarianceRow, ...]
    verdict: Verdict
    n_samples: int
    unrelated: float
    n_permutations: int

    def to_dict(self) -> dict[str, object]:
        """Return the report as dicts, lists, strings, numbers and None, which JSON can store."""
        return {
            "verdict": self.verdict,
            "n_samples": self.n_samples,
            "unrelated": self.unrelated,
            "n_permutations": self.n_permutations,
            "rows": [row._asdict() for row in self.rows],
        }

    def __str__(self) -> str:
        """Return an aligned table, one line for each nuisance, and the verdict."""
        table = aligned([_HEAD, *(_cells(row) for row in self.rows)], left={0, len(_HEAD) - 1})
        return "\n".join([*table, f"{self.verdict}: {self.n_samples} samples, {self.n_permutations} permutations"])


def invariance_report(
    estimator: object,
    X: object,
    orbits: object,
    *,
    groups: ArrayLike | None = None,
    n_neighbors: int = 15,
    n_splits: int = 5,
    n_permutations: int = 200,
    random_state: int = 0,
) -> InvarianceReport:
    """Judge whether a map is invariant to nuisances, on samples that it was not trained on.

    Two questions are answered for each nuisance. How far apart does the map place copies of one sample that differ in
    the nuisance alone, in units of the distance of unrelated samples? How well can the nuisance be predicted from the
    position on the map, compared with chance?

    Parameters
    ----------
    estimator : object with ``transform``, callable or array-like of shape (n_rows, n_components)
        The map, made by any method: a fitted transformer, a function from samples to points, or the points themselves,
        one for each copy or for each row of the metadata.
    X : array-like, shape (n_samples, ...), or None
        Samples that the map was not trained on; training samples would make it look more invariant than it is. May be
        None if ``orbits`` contains the copies (`Orbits`) or the points are given.
    orbits : Change, Orbits, dict of str to callable, sequence of callable, or table
        The nuisances, in one of four forms:

        - changes of `drlim.transforms`, one or several, which are judged at full strength;
        - transforms, as `drlim.orbits` takes them; this function makes the copies of ``X``;
        - the result of `drlim.orbits`;
        - metadata, as a dict of arrays or a DataFrame, with one row for each sample and one column for each nuisance
          (lighting, sensor, batch). Strings, truth values and up to ten distinct whole numbers are classes; other
          numbers are quantities. For an angle, give its cosine and its sine.
    groups : array-like, shape (n_samples,), default=None
        With metadata: the object that each sample shows. Samples of one group are copies of each other. None leaves
        out the ratio.
    n_neighbors : int, default=15
        Number of neighbours that vote, at least 1.
    n_splits : int, default=5
        Number of folds, from 2 to the number of groups. All copies of one sample are in one fold; otherwise the nearest
        neighbour would often be the sample's own copy, which always has another label.
    n_permutations : int, default=200
        Number of permutations, at least 19: with fewer no p-value reaches .05.
    random_state : int, default=0
        Seed of folds, permutations and pairs drawn, in [0, 2^32). The same call gives the same report.

    Returns
    -------
    InvarianceReport
        One row for each nuisance, and the verdict.

    Raises
    ------
    ValueError, TypeError
        When the map fails or is not finite, lengths differ, a column is constant or has missing values, or a number is
        out of range.

    Notes
    -----
    *Ratio.* Under transforms, each copy is compared with its original, and two different originals are unrelated.
    With metadata, copies are samples of one group that differ in the column and agree in all other columns of classes;
    samples of different groups are unrelated.

    *Told.* The score is the better one of a balanced vote of the nearest samples and a linear read-out, both
    cross-validated. For chance, the values of the nuisance are permuted within groups (the copies of one sample) and
    both predictors are tried again; if no group has two different values, whole groups exchange theirs. For a
    transform the two classes are "changed" and "unchanged"; for "any" each transform is a class.

    *Verdict.* The larger of ``ratio`` and ``told`` decides: up to .2 "invariant", above .5 "not invariant", "partly" in
    between. ``told`` counts as 0 if the p-value is above .05. All rows are "collapsed" if the map places most unrelated
    samples at one point: such a map is invariant to everything and contains no information.

    With more than 5000 groups, the prediction uses 5000 of them, drawn at random.

    Examples
    --------
    The transform changes the second coordinate, which a map should ignore. The first map keeps both coordinates, the
    second map only the first one:

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
    unrelated = float(np.median(unrelated_pairs(judged, rng)[0]))
    collapsed = unrelated <= NO_SPREAD  # the largest coordinate is about 1
    settings = {**numbers, "random_state": random_state}
    rows = tuple(_row(judged, nuisance, unrelated, collapsed, settings) for nuisance in judged.nuisances)
    worst = max((row.verdict for row in rows), key=get_args(Verdict).index)
    return InvarianceReport(rows, worst, len(judged.Z), unrelated * judged.unit, n_permutations)


def unrelated_pairs(judged: JudgedMap, rng: np.random.Generator) -> tuple[Floats, Index, Index]:
    """Return distances of samples of two groups, and the groups; groups and samples are drawn at random."""
    order = judged.unchanged[np.argsort(judged.groups[judged.unchanged], kind="stable")]  # (u,)
    groups, starts, sizes = np.unique(judged.groups[order], return_index=True, return_counts=True)  # (g,) each
    one = rng.integers(0, len(sizes), _UNRELATED)
    other = (one + rng.integers(1, len(sizes), _UNRELATED)) % len(sizes)
    first, second = (order[starts[group] + rng.integers(0, sizes[group])] for group in (one, other))
    return np.linalg.norm(judged.Z[first] - judged.Z[second], axis=1), groups[one], groups[other]  # (u,) each


def _row(
    judged: JudgedMap, nuisance: Nuisance, unrelated: float, collapsed: bool, settings: dict[str, int]
) -> InvarianceRow:
    samples = nuisance.samples
    score, chance, p_value, _ = predict(judged.Z[samples], nuisance.values, judged.groups[samples], **settings)
    told = (score - chance) / (1 - chance) if chance < 1 else 0.0
    low = ratio = high = None
    if len(nuisance.first) and not collapsed:
        apart = np.linalg.norm(judged.Z[nuisance.first] - judged.Z[nuisance.second], axis=1)  # (p,)
        low, ratio, high = (float(part) for part in np.quantile(apart, [0.1, 0.5, 0.9]) / unrelated)
    verdict = "collapsed" if collapsed else verdict_of(ratio, told, p_value)
    n_pairs = len(nuisance.first)
    return InvarianceRow(nuisance.name, nuisance.kind, n_pairs, ratio, low, high, score, chance, told, p_value, verdict)


def verdict_of(ratio: float | None, told: float, p_value: float) -> Verdict:
    """Judge by the larger of the two, where a prediction that may be chance counts as 0."""
    worse = max(ratio or 0.0, told if p_value <= _SIGNIFICANT else 0.0)
    if worse <= FAINT:
        return "invariant"
    return "partly" if worse <= STRONG else "not invariant"


def _cells(row: InvarianceRow) -> tuple[str, ...]:
    """Return the cells of one row of the table."""
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
