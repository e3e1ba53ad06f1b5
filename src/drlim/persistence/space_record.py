"""The space of a map as JSON: of which circles, spheres and lines it is made, and their radii. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from drlim.spaces import Space

__all__ = [
    "SPACE_FORMAT",
    "FactorRecord",
    "check_space",
    "described_space",
    "factors_of",
    "n_ambient",
    "said_of_space",
    "space_in",
    "without_space",
]

SPACE_FORMAT = 7
"""Version of the format of any of these whose map lies on a curved space: it has the keys of one of the other formats,
whose version is under "flat_format", and the space under "space"."""

_AMBIENT = {"circle": 2, "sphere": 3, "line": 1}
_COORDINATES = {"circle": 1, "sphere": 2, "line": 1}

_LINE = 2
"""Place of a line among the kinds."""

_MOST_FACTORS = 64
"""Maximum number of factors of a space in a file."""


class FactorRecord(TypedDict):
    """A factor: its kind, the dimensions of a line, and two radii.

    ``radius`` is in the unit of the network, None if it is learned, and ``now`` is that on the map.
    """

    kind: str
    size: int
    radius: float | None
    now: float | None


def described_space(given: Space, present: Space) -> list[FactorRecord]:
    """Return a space as JSON stores it: as the network has it, and with the radii that are on the map."""
    return [
        {"kind": factor.kind, "size": factor.size, "radius": factor.radius, "now": found.radius}
        for factor, found in zip(given.factors, present.factors, strict=True)
    ]


def factors_of(value: object) -> list[list[object]] | str:
    """Return the parameter ``space`` as JSON stores it: a name, or a kind, a size and a radius for each factor."""
    if isinstance(value, str):
        return value
    return [[factor.kind, factor.size, factor.radius] for factor in value.factors]  # type: ignore[attr-defined]


def space_in(factors: Sequence[Sequence[object]]) -> Space:
    """Return the space of kinds, sizes and radii, or refuse them."""
    from drlim.spaces import Factor, Space

    records = [{"kind": kind, "size": size, "radius": radius, "now": radius} for kind, size, radius in factors]
    check_space(records, None)
    return Space(tuple(Factor(kind, size, radius) for kind, size, radius in factors))  # type: ignore[arg-type]


def n_ambient(records: Sequence[FactorRecord]) -> int:
    """Return the number of ambient coordinates."""
    return sum(_AMBIENT[record["kind"]] * record["size"] for record in records)


def said_of_space(records: Sequence[FactorRecord]) -> str:
    """Describe a space, with its radii.

    Examples
    --------
    >>> said_of_space([{"kind": "circle", "size": 1, "radius": None, "now": 0.78211}])
    'circle of radius 0.7821 (learned)'
    """
    return " x ".join(map(_said, records))


def _said(record: FactorRecord) -> str:
    if record["kind"] == "line":
        return f"line of {record['size']} dimension{'s' * (record['size'] > 1)}"
    learned = " (learned)" if record["radius"] is None else ""
    return f"{record['kind']} of radius {record['now']:.4g}{learned}"


def without_space(metadata: dict[str, object]) -> tuple[dict[str, object], object]:
    """Return metadata in the format that they have on a flat space, and the curved space."""
    if metadata.get("format_version") != SPACE_FORMAT:
        return metadata, None
    version = metadata.get("flat_format")
    if type(version) is not int or not 1 <= version < SPACE_FORMAT or "space" not in metadata:
        raise ValueError("'flat_format' in its metadata has an impossible value")
    rest = {name: value for name, value in metadata.items() if name not in ("space", "flat_format")}
    return {**rest, "format_version": version}, metadata["space"]


def check_space(given: object, n_components: int | None) -> None:
    """Refuse factors of other keys, types or ranges than `described_space` gives, or of other dimensions."""
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_FACTORS or not all(map(_is_factor, given)):
        raise ValueError("'space' in its metadata is no list of circles, spheres and lines")
    kinds = [list(_AMBIENT).index(record["kind"]) for record in given]
    if kinds[0] == _LINE or kinds != sorted(kinds) or kinds.count(_LINE) > 1:
        raise ValueError("'space' in its metadata is flat, or has its factors in another order")
    found = sum(_COORDINATES[record["kind"]] * record["size"] for record in given)
    if n_components not in (None, found):
        raise ValueError(f"'space' in its metadata has {found} dimensions, and the map {n_components}")


def _is_factor(record: object) -> bool:
    if not isinstance(record, dict) or set(record) != {"kind", "size", "radius", "now"}:
        return False
    kind, size, radii = record["kind"], record["size"], (record["radius"], record["now"])
    if kind == "line":
        return type(size) is int and size >= 1 and radii == (None, None)
    return kind in ("circle", "sphere") and type(size) is int and size == 1 and all(map(_is_radius, radii))


def _is_radius(value: object) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value) and value > 0)  # type: ignore[arg-type, operator]
