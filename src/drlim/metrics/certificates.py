"""A certificate of invariance: what a map was declared to ignore and how well it does, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import cast

from drlim._base.certificates import (
    CertificateRecord,
    CertifiedRow,
    DeclaredKind,
    Verdict,
    WorstSample,
    certificate_lines,
    check_certificate,
)
from drlim.metrics.invariance import FAINT

__all__ = ["Certificate"]


@dataclass(frozen=True, repr=False)
class Certificate:
    """What a map was declared to ignore, and how well it does; made by `drlim.certificate`. ``print`` shows a table.

    Attributes
    ----------
    verdict : {"invariant", "partly", "not invariant", "collapsed"}
        The worst verdict of the rows.
    model : str
        Class of the map.
    declared : str
        What the map was declared to ignore.
    kind : {"changes", "functions", "columns", "copies"}
        How it was declared: by changes of `drlim.transforms`, functions of the user's own, columns of metadata, or
        samples that are copies of one thing.
    groups : str or None
        Name of the column that says which samples are copies, where it has one.
    rows : tuple of dict
        One for each nuisance: ``name``; ``kind`` ("transform", "class", "number" or "copies"); ``n_pairs`` of copies
        measured; ``ratio``, the median distance of copies divided by that of unrelated samples, with the ends
        ``ratio_low`` and ``ratio_high`` of its 95 % interval; ``score`` and ``chance``, how well the nuisance is
        predicted from the position, as it is and permuted; ``told``, (score - chance) / (1 - chance);
        ``told_by_chance``, what one permutation in twenty reaches on the same scale; ``p_value``; ``verdict``. What is
        not known is None.
    worst : tuple of dict
        The samples whose copies lie farthest from them, the farthest first: ``sample``, its row of X; ``copy``, the row
        of the other where it is one; ``name`` of the nuisance; ``ratio``, their distance divided by the median
        distance of unrelated samples.
    unrelated : float
        Median distance of two unrelated samples, in units of the map.
    n_samples : int
        Number of samples, copies not counted.
    n_trained_on : int or None
        Number of the samples that lie exactly where a training sample does; None where that is not known.
    data_sha256 : str
        Digest of the samples; the same for equal values, whatever their dtype and the machine.
    weights_sha256 : str or None
        Digest of the encoder; None for a map without one.
    settings : dict of str to int
        Numbers given to `drlim.certificate`, its seed included.
    versions : dict of str to str
        Versions of drlim and of what computed the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import certificate
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> made = certificate(lambda batch: batch[:, :1], X, {"moved": lambda batch: batch + [0.0, 3.0]})
    >>> made.verdict, made.declared, made.rows[0]["ratio"]
    ('invariant', 'moved', 0.0)
    >>> Certificate.from_json(made.to_json()) == made
    True
    """

    verdict: Verdict
    model: str
    declared: str
    kind: DeclaredKind
    groups: str | None
    rows: tuple[CertifiedRow, ...]
    worst: tuple[WorstSample, ...]
    unrelated: float
    n_samples: int
    n_trained_on: int | None
    data_sha256: str
    weights_sha256: str | None
    settings: dict[str, int]
    versions: dict[str, str]

    @classmethod
    def from_dict(cls, record: Mapping[str, object]) -> Certificate:
        """Build a certificate from what `to_dict` returned.

        Raises
        ------
        ValueError
            When it is no record of a certificate.
        """
        checked = check_certificate(dict(record))
        found = {name: value for name, value in checked.items() if name not in ("certificate_format", "rows", "worst")}
        make = cast("Callable[..., Certificate]", cls)
        return make(rows=tuple(checked["rows"]), worst=tuple(checked["worst"]), **found)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read a certificate from text that `to_json` returned.

        Raises
        ------
        ValueError
            When it is no JSON, or no record of a certificate.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"Expected 'text' to be JSON. {error}") from None
        if not isinstance(found, dict):
            raise ValueError(f"Expected 'text' to be a JSON object. Got a {type(found).__name__}.")  # noqa: TRY004
        return cls.from_dict(found)

    def to_dict(self) -> CertificateRecord:
        """Return the certificate as dicts, lists, strings, numbers and None, which JSON can store."""
        found = asdict(self)
        return cast(
            "CertificateRecord",
            {"certificate_format": 1, **found, "rows": list(found["rows"]), "worst": list(found["worst"])},
        )

    def to_json(self) -> str:
        """Return the certificate as a JSON object on one line, the same text for equal certificates."""
        return json.dumps(self.to_dict(), allow_nan=False, sort_keys=True)

    def failures(self, later: Certificate) -> tuple[str, ...]:
        """Say where this certificate no longer holds, by a later one of the same map or of one that replaces it.

        Parameters
        ----------
        later : Certificate
            Of the same nuisances, measured on other samples or after a change.

        Returns
        -------
        tuple of str
            One sentence for each nuisance that the map ignores less than is certified; () where all holds. A later
            ratio counts as larger where its 95 % interval lies above that of this certificate, and above .2; a
            nuisance as told better where it is told by more than .2, and by more than in this certificate and what one
            permutation in twenty reaches, of both together. A map that has collapsed does not hold.

        Raises
        ------
        ValueError
            When ``later`` is of other nuisances.

        Notes
        -----
        Where nothing has changed, two intervals of 95 % lie apart in about one of 200 comparisons.

        Examples
        --------
        >>> import numpy as np
        >>> from drlim import certificate
        >>> X = np.random.default_rng(0).normal(size=(200, 2))
        >>> moved = {"moved": lambda batch: batch + [0.0, 3.0]}
        >>> first = certificate(lambda batch: batch[:, :1], X, moved)
        >>> first.failures(certificate(lambda batch: batch[:, :1], X + 1, moved))
        ()
        >>> first.failures(certificate(lambda batch: batch, X, moved))[0]
        'moved: copies lie 1.83 (1.70-1.97) of the distance of unrelated samples apart, certified 0.00 (0.00-0.00)'
        """
        wanted, given = (", ".join(_measured(one)) for one in (self, later))
        if wanted != given and later.verdict != "collapsed":
            raise ValueError(f"Expected 'later' to be of the same nuisances, {wanted[:200]}. Got {given[:200]}.")
        pairs = zip(self.rows, later.rows, strict=True)
        return tuple(sentence for before, now in pairs for sentence in _failures(before, now))

    def __repr__(self) -> str:
        return f"Certificate({self.verdict!r}, declared={self.declared!r}, n_samples={self.n_samples})"

    def __str__(self) -> str:
        """Return the certificate as a table, under what was declared and what it was measured on."""
        return "\n".join(certificate_lines(self.to_dict()))


def _measured(certificate: Certificate) -> list[str]:
    """Return names of nuisances, with what was not measured of each."""
    return [
        f"{row['name']}{' (no copies)' * (row['ratio'] is None)}{' (not told)' * (row['told'] is None)}"
        for row in certificate.rows
    ]


def _failures(before: CertifiedRow, now: CertifiedRow) -> list[str]:
    """Say in what a nuisance is ignored less than before."""
    name = now["name"]
    if now["verdict"] == "collapsed" != before["verdict"]:
        return [f"{name}: the map has collapsed: most unrelated samples lie at one point"]
    found = []
    if (now["ratio_low"] or 0.0) > max(before["ratio_high"] or 0.0, FAINT):
        found.append(
            f"{name}: copies lie {_ratio_text(now)} of the distance of unrelated samples apart, "
            f"certified {_ratio_text(before)}"
        )
    told, told_before = now["told"] or 0.0, before["told"] or 0.0
    if told - max(told_before, 0.0) > _by_chance(before) + _by_chance(now) and told > FAINT:
        found.append(f"{name}: told from the position by {told:.2f}, certified {told_before:.2f}")
    return found


def _by_chance(row: CertifiedRow) -> float:
    return row["told_by_chance"] or 0.0


def _ratio_text(row: CertifiedRow) -> str:
    return f"{row['ratio']:.2f} ({row['ratio_low']:.2f}-{row['ratio_high']:.2f})"
