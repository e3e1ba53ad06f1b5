"""Measure how well a map ignores what it was declared to ignore, as a certificate that can be kept and repeated."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats
from drlim._base.certificates import CertifiedRow, Verdict, WorstSample
from drlim._base.checks import check_parameters, integer_in
from drlim._base.notices import warn_user
from drlim._base.versions import version
from drlim.metrics.bootstrap import Resampled
from drlim.metrics.certificates import Certificate
from drlim.metrics.declared import Declared, declared
from drlim.metrics.digests import digest_of_data, digest_of_weights
from drlim.metrics.inputs import check_at_most
from drlim.metrics.invariance import NO_SPREAD, unrelated_pairs, verdict_of
from drlim.metrics.nuisances import JudgedMap, Nuisance
from drlim.metrics.prediction import predict

__all__ = ["SETTINGS", "certificate", "certificate_of", "check_settings"]

SETTINGS = {
    "n_worst": 10,
    "n_neighbors": 15,
    "n_splits": 5,
    "n_permutations": 200,
    "n_bootstrap": 1000,
    "random_state": 0,
}
"""Defaults of `certificate`."""

_MEASURED_BY = ("drlim", "numpy", "scipy", "scikit-learn", "torch")
"""Packages whose versions a certificate names."""

_MANY = 0.1
"""Share of samples that lie exactly where training samples do, above which a warning says so."""


def certificate(
    model: object,
    X: object,
    orbits: object = None,
    *,
    groups: ArrayLike | None = None,
    n_worst: int = SETTINGS["n_worst"],
    n_neighbors: int = SETTINGS["n_neighbors"],
    n_splits: int = SETTINGS["n_splits"],
    n_permutations: int = SETTINGS["n_permutations"],
    n_bootstrap: int = SETTINGS["n_bootstrap"],
    random_state: int = SETTINGS["random_state"],
) -> Certificate:
    """Certify how well a map ignores what it was declared to ignore, on samples that it was not trained on.

    ``drlim.save(model, path, certificate=...)`` keeps the certificate in the model's file, ``drlim info`` shows it, and
    ``drlim check`` repeats it on other samples.

    Parameters
    ----------
    model : object with ``transform``, callable, or array-like of shape (n_samples, n_components)
        The map: a fitted estimator or pipeline, a function from samples to points, or the points themselves.
    X : array-like, shape (n_samples, ...), data frame or dict of columns
        Samples held out: training samples would make the map look more invariant than it is.
    orbits : object, default=None
        What the map was declared to ignore:

        - changes of images, such as ``drlim.transforms.shift(2)``, or several in a list; they are tried at full
          strength to either side;
        - a function from a batch to a changed batch, or from a batch and a `numpy.random.Generator`, or several in a
          list or by name in a dict;
        - metadata, a dict of arrays or a data frame with one row for each sample and one column for each nuisance, as
          `drlim.metrics.invariance_report` takes it;
        - an array with one id for each sample: samples of one id are copies of one thing, whatever they differ in;
        - None for the model's own ``orbit``, or for the changes that it was certified to ignore.
    groups : array-like, shape (n_samples,), default=None
        With metadata: the thing that each sample shows. Samples of one group are copies of each other. None leaves out
        the ratio.
    n_worst : int, default=10
        Maximum number of samples to name whose copies lie farthest from them, in [0, 1000].
    n_neighbors : int, default=15
        Number of neighbours that vote on the nuisance, in [1, 10,000].
    n_splits : int, default=5
        Number of folds, from 2 to the number of groups, at most 1000.
    n_permutations : int, default=200
        Number of permutations of the nuisance, in [19, 100,000].
    n_bootstrap : int, default=1000
        Number of bootstrap draws of whole groups, in [100, 1,000,000].
    random_state : int, default=0
        Seed of all that is drawn, in [0, 2^32). The same call gives the same certificate.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError, TypeError
        When nothing is declared, the map fails or is not finite, lengths differ, or a number is out of range.

    Warns
    -----
    UserWarning
        When more than a tenth of the samples lie exactly where training samples do.

    Notes
    -----
    The numbers are those of `drlim.metrics.invariance_report`, and the verdict has its bounds. But here the upper end
    of the ratio's 95 % interval decides, not the ratio: a certificate states what the samples suffice to show. Take
    more samples where the interval is wide. The interval is of percentiles of the ratio over bootstrap draws of whole
    groups, so that copies of one sample stay together. Of ids alone nothing is predicted, and the ratio decides.

    Examples
    --------
    >>> import drlim
    >>> data = drlim.datasets.digits()
    >>> model = drlim.DrLIM(encoder="linear", max_epochs=20, random_state=0).fit(data.X_train[:300])
    >>> def dimmed(images):
    ...     return 0.9 * images
    >>> made = drlim.certificate(model, data.X_test[:200], dimmed)
    >>> made.declared, made.verdict, made.n_samples, made.n_trained_on
    ('dimmed', 'invariant', 200, 0)
    """
    settings = {
        "n_worst": n_worst,
        "n_neighbors": n_neighbors,
        "n_splits": n_splits,
        "n_permutations": n_permutations,
        "n_bootstrap": n_bootstrap,
        "random_state": random_state,
    }
    check_settings(settings)
    return certificate_of(model, X, declared(model, orbits, groups, int(random_state)), settings)


def check_settings(settings: Mapping[str, int]) -> None:
    """Refuse settings of other names or out of range."""
    accepted = {
        "n_worst": [integer_in(0, 1000)],
        "n_neighbors": [integer_in(1, 10_000)],
        "n_splits": [integer_in(2, 1000)],
        "n_permutations": [integer_in(19, 100_000)],
        "n_bootstrap": [integer_in(100, 1_000_000)],
        "random_state": [integer_in(0, 2**32 - 1)],
    }
    if settings.keys() != accepted.keys():
        raise ValueError(f"Expected the settings {', '.join(accepted)}. Got {', '.join(settings)[:200]}.")
    check_parameters(dict(settings), accepted, "certificate")


def certificate_of(model: object, X: object, of: Declared, settings: Mapping[str, int]) -> Certificate:
    """Certify a map on samples, by settings that were checked."""
    rng = np.random.default_rng(settings["random_state"])
    judged = of.judged(model, X, rng)
    n_groups = int(judged.groups.max()) + 1
    check_at_most("n_splits", settings["n_splits"], 2, n_groups, f"at most the {n_groups} groups", "certificate")
    pairs = unrelated_pairs(judged, rng)
    unrelated = float(np.median(pairs[0]))
    collapsed = unrelated <= NO_SPREAD
    draws = None if collapsed else Resampled(n_groups, pairs, NO_SPREAD, settings["n_bootstrap"], rng)
    rows = tuple(_row(judged, nuisance, unrelated, draws, settings) for nuisance in judged.nuisances)
    n_trained_on = _n_where_trained(model, judged)
    return Certificate(
        verdict=max((row["verdict"] for row in rows), key=get_args(Verdict).index),
        model=_name_of(model),
        declared=of.text,
        kind=of.kind,
        groups=of.groups_name,
        rows=rows,
        worst=() if collapsed else _worst(judged, of, unrelated, settings["n_worst"]),
        unrelated=unrelated * judged.unit,
        n_samples=len(judged.unchanged),
        n_trained_on=n_trained_on,
        data_sha256=digest_of_data(X),
        weights_sha256=digest_of_weights(model),
        settings={name: int(value) for name, value in settings.items()},
        versions={"python": sys.version.split()[0], **{name: version(name) for name in _MEASURED_BY}},
    )


def _row(
    judged: JudgedMap, nuisance: Nuisance, unrelated: float, draws: Resampled | None, settings: Mapping[str, int]
) -> CertifiedRow:
    """Return the numbers of one nuisance; ``draws`` is None for a map that has collapsed."""
    row: CertifiedRow = {
        **_told(judged, nuisance, settings),
        "n_pairs": len(nuisance.first),
        "ratio": None,
        "ratio_low": None,
        "ratio_high": None,
    }
    if draws is not None and len(nuisance.first):
        apart = _distances(judged, nuisance)  # (p,)
        low, high = draws.interval(apart, judged.groups[nuisance.second])
        row |= {"ratio": float(np.median(apart)) / unrelated, "ratio_low": low, "ratio_high": high}
    p_value = 1.0 if row["p_value"] is None else row["p_value"]
    row["verdict"] = "collapsed" if draws is None else verdict_of(row["ratio_high"], row["told"] or 0.0, p_value)
    return row


def _told(judged: JudgedMap, nuisance: Nuisance, settings: Mapping[str, int]) -> CertifiedRow:
    """Return how well a nuisance is predicted from the position; of ids alone, that nothing is."""
    row: CertifiedRow = {
        "name": nuisance.name,
        "kind": nuisance.kind,
        "n_pairs": 0,
        "ratio": None,
        "ratio_low": None,
        "ratio_high": None,
        "score": None,
        "chance": None,
        "told": None,
        "told_by_chance": None,
        "p_value": None,
        "verdict": "collapsed",
    }
    if nuisance.kind == "copies":
        return row
    by = {name: settings[name] for name in ("n_neighbors", "n_splits", "n_permutations", "random_state")}
    samples = nuisance.samples
    found = predict(judged.Z[samples], nuisance.values, judged.groups[samples], **by)
    scale = 1 / (1 - found.chance) if found.chance < 1 else 0.0
    return {
        **row,
        "score": found.score,
        "chance": found.chance,
        "told": (found.score - found.chance) * scale,
        "told_by_chance": max(0.0, (found.often - found.chance) * scale),
        "p_value": found.p_value,
    }


def _distances(judged: JudgedMap, nuisance: Nuisance) -> Floats:
    apart: Floats = np.linalg.norm(judged.Z[nuisance.first] - judged.Z[nuisance.second], axis=1)  # (p,)
    return apart


def _worst(judged: JudgedMap, of: Declared, unrelated: float, n_worst: int) -> tuple[WorstSample, ...]:
    """Return the samples whose copies lie farthest from them, each sample or pair of samples once."""
    singles = _single(judged.nuisances)
    ratios = np.concatenate([_distances(judged, one) for one in singles]) / unrelated  # (p,)
    names = [one.name for one in singles for _ in one.first]
    pairs = np.concatenate([np.stack([one.first, one.second], axis=1) for one in singles])  # (p, 2)
    are_rows = of.kind in ("columns", "copies")  # else the copies were made, and are no rows of X
    keys = np.sort(pairs, axis=1) if are_rows else judged.groups[pairs]  # (p, 2)
    order = np.argsort(-ratios, kind="stable")  # (p,)
    earliest = np.unique(keys[order], axis=0, return_index=True)[1]
    return tuple(
        {
            "sample": int(keys[place, 0]),
            "copy": int(keys[place, 1]) if are_rows else None,
            "name": names[place],
            "ratio": float(ratios[place]),
        }
        for place in order[np.sort(earliest)[:n_worst]].tolist()
    )


def _single(nuisances: list[Nuisance]) -> list[Nuisance]:
    """Leave out "any" of several transforms, which has the copies of all of them again."""
    return nuisances[:-1] if len(nuisances) > 1 and nuisances[-1].kind == "transform" else nuisances


def _n_where_trained(model: object, judged: JudgedMap) -> int | None:
    """Count samples that lie exactly where a training sample does, and warn of many; None where that is not known."""
    last = model[-1] if hasattr(model, "steps") else model  # type: ignore[index]  # a pipeline
    trained = getattr(last, "embedding_", None)
    if trained is None:
        return None
    known = {row.tobytes() for row in np.asarray(trained, dtype=np.float64) + 0.0}
    found = sum((row + 0.0).tobytes() in known for row in judged.Z[judged.unchanged] * judged.unit)
    if found > _MANY * len(judged.unchanged):
        warn_user(
            f"{found} of the {len(judged.unchanged)} samples lie exactly where training samples do. If they are "
            "training samples, the map looks more invariant than it is: give samples held out."
        )
    return found


def _name_of(model: object) -> str:
    """Return the class of a map; of a pipeline, of each step."""
    if hasattr(model, "steps"):
        return ", ".join(type(step).__name__ for _, step in model.steps)
    if hasattr(model, "shape"):
        return "points of a map"
    return str(getattr(model, "__name__", type(model).__name__)) if callable(model) else type(model).__name__
