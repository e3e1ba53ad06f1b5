"""What a certificate of invariance holds, as JSON: its schema, and the text that a person reads.

Nothing here imports NumPy: `drlim info` describes a file in a tenth of a second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Literal, TypedDict, cast

from drlim._base.messages import aligned

__all__ = [
    "CertificateRecord",
    "CertifiedRow",
    "DeclaredKind",
    "Verdict",
    "WorstSample",
    "certificate_lines",
    "check_certificate",
]

Verdict = Literal["invariant", "partly", "not invariant", "collapsed"]

DeclaredKind = Literal["changes", "functions", "columns", "copies"]
"""How it was said what the map is to ignore: changes of `drlim.transforms`, functions of the user's own, columns of
metadata, or which samples are copies of one thing."""

_VERDICTS: tuple[Verdict, ...] = ("invariant", "partly", "not invariant", "collapsed")
_KINDS: tuple[DeclaredKind, ...] = ("changes", "functions", "columns", "copies")
_KINDS_OF_ROWS = ("transform", "class", "number", "copies")

_MOST_ROWS = 1000
"""Maximum number of nuisances, and of worst samples."""

_SHA256 = re.compile(r"[0-9a-f]{64}")

_HEAD = ("ignored", "copies/unrelated", "95 %", "from position", "chance", "told", "p", "verdict")

_SHOWN = 5
"""Number of worst samples in the text."""


class CertifiedRow(TypedDict):
    """One nuisance: see `drlim.metrics.Certificate`."""

    name: str
    kind: str
    n_pairs: int
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    score: float | None
    chance: float | None
    told: float | None
    told_by_chance: float | None
    p_value: float | None
    verdict: Verdict


class WorstSample(TypedDict):
    """A sample, the copy of it that lies farthest away (a row of X where the copy is one), and how far."""

    sample: int
    copy: int | None
    name: str
    ratio: float


class CertificateRecord(TypedDict):
    """All of a certificate: see `drlim.metrics.Certificate`."""

    certificate_format: int
    verdict: Verdict
    model: str
    declared: str
    kind: DeclaredKind
    groups: str | None
    rows: list[CertifiedRow]
    worst: list[WorstSample]
    unrelated: float
    n_samples: int
    n_trained_on: int | None
    data_sha256: str
    weights_sha256: str | None
    settings: dict[str, int]
    versions: dict[str, str]


_Rules = Mapping[str, Callable[[object], bool]]
"""What tells whether a value is possible, by its name."""


def check_certificate(given: object) -> CertificateRecord:
    """Return a certificate's record, or refuse one of other keys, types or ranges than `certificate` gives.

    Raises
    ------
    ValueError
        It names the first entry that is wrong.
    """
    _check("the certificate", given, _CERTIFICATE)
    record = cast("CertificateRecord", given)
    for row in record["rows"]:
        _check("a row of the certificate", row, _ROW)
    for sample in record["worst"]:
        _check("a sample of the certificate", sample, _WORST)
    if max(map(_VERDICTS.index, (row["verdict"] for row in record["rows"]))) != _VERDICTS.index(record["verdict"]):
        raise ValueError("'verdict' of the certificate is not the worst of its rows")
    return record


def certificate_lines(record: CertificateRecord) -> list[str]:
    """Return a certificate as lines for a person: what is ignored and how well, on what, and the worst samples."""
    counted = f"{record['n_samples']} samples, sha256 {record['data_sha256'][:16]}"
    if record["n_trained_on"]:
        counted += f", {record['n_trained_on']} of them where training samples lie"
    lines = [
        f"{record['verdict']}: {record['model']}, declared to ignore {record['declared']}",
        f"measured on {counted}",
        *aligned([_HEAD, *(_cells(row) for row in record["rows"])], left={0, len(_HEAD) - 1}),
    ]
    if record["worst"]:
        lines.append(f"worst samples: {', '.join(_worst_text(one) for one in record['worst'][:_SHOWN])}")
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return [*lines, f"by {versions}"]


def _cells(row: CertifiedRow) -> tuple[str, ...]:
    """Return the cells of one row of the table."""
    low, high = row["ratio_low"], row["ratio_high"]
    p_value, unit = row["p_value"], " R2" if row["kind"] == "number" else ""
    return (
        row["name"],
        _two_digits(row["ratio"]),
        "-" if low is None or high is None else f"{low:.2f}-{high:.2f}",
        f"{_two_digits(row['score'])}{unit}",
        _two_digits(row["chance"]),
        _two_digits(row["told"]),
        "-" if p_value is None else f"{p_value:.3f}",
        row["verdict"],
    )


def _two_digits(number: float | None) -> str:
    return "-" if number is None else f"{round(number, 2) + 0.0:.2f}"  # + 0.0 takes the sign off -0.0


def _worst_text(one: WorstSample) -> str:
    where = "" if one["copy"] is None else f" and {one['copy']}"
    return f"{one['sample']}{where} ({one['name']}, {one['ratio']:.2f})"


def _check(what: str, record: object, rules: _Rules) -> None:
    if not isinstance(record, dict) or set(record) != set(rules):
        raise ValueError(f"{what} has other keys")
    for key, holds in rules.items():
        if not holds(record[key]):
            raise ValueError(f"{key!r} of {what} has an impossible value")


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]  # a number


def _is_finite_or_none(value: object) -> bool:
    return value is None or _is_finite(value)


def _is_at_least_0(value: object) -> bool:
    return _is_finite(value) and value >= 0  # type: ignore[operator]  # a number


def _is_at_least_0_or_none(value: object) -> bool:
    return value is None or _is_at_least_0(value)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _is_text(value: object) -> bool:
    return type(value) is str and len(value) <= 10_000


def _is_text_or_none(value: object) -> bool:
    return value is None or _is_text(value)


def _is_sha256(value: object) -> bool:
    return type(value) is str and _SHA256.fullmatch(value) is not None


def _dict_of(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, dict)
        and len(value) <= _MOST_ROWS
        and all(_is_text(key) and holds(value[key]) for key in value)
    )


_CERTIFICATE: _Rules = {
    "certificate_format": lambda value: type(value) is int and value == 1,
    "verdict": lambda value: value in _VERDICTS,
    "model": _is_text,
    "declared": _is_text,
    "kind": lambda value: value in _KINDS,
    "groups": _is_text_or_none,
    "rows": lambda value: isinstance(value, list) and 1 <= len(value) <= _MOST_ROWS,
    "worst": lambda value: isinstance(value, list) and len(value) <= _MOST_ROWS,
    "unrelated": _is_at_least_0,
    "n_samples": _is_count,
    "n_trained_on": _is_count_or_none,
    "data_sha256": _is_sha256,
    "weights_sha256": lambda value: value is None or _is_sha256(value),
    "settings": _dict_of(_is_count),
    "versions": _dict_of(_is_text),
}
_ROW: _Rules = {
    "name": _is_text,
    "kind": lambda value: value in _KINDS_OF_ROWS,
    "n_pairs": _is_count,
    "ratio": _is_at_least_0_or_none,
    "ratio_low": _is_at_least_0_or_none,
    "ratio_high": _is_at_least_0_or_none,
    "score": _is_finite_or_none,
    "chance": _is_finite_or_none,
    "told": _is_finite_or_none,
    "told_by_chance": _is_at_least_0_or_none,
    "p_value": _is_at_least_0_or_none,
    "verdict": lambda value: value in _VERDICTS,
}
_WORST: _Rules = {"sample": _is_count, "copy": _is_count_or_none, "name": _is_text, "ratio": _is_at_least_0}
