"""The schema of a `NeighborMap`'s encoder in a file: how its parts are described, and which tensors they have.

Nothing here imports torch. Shapes come from the header of a file whose size agrees with them, so that parts built from
them take no more memory than the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

__all__ = [
    "COMPONENTS",
    "FEATURES",
    "TRUNK",
    "PlacesRecord",
    "SourceRecord",
    "check_places",
    "check_places_shapes",
    "check_types",
    "is_unreduced",
]

TRUNK = "network.trunk."
"""Beginning of the names of the trunk's weights."""

COMPONENTS = "components"
"""Retrieval by principal components of the samples."""

FEATURES = "features"
"""Retrieval by principal components of the network's features."""

_MOST_SCALINGS = 2
"""Maximum number of scalings to length 1 before a trunk: the one of the cosine metric, and one of the user's own."""

_ROUNDING = 1e-6
"""Largest excess of the sum of the shares above 1."""


class SourceRecord(TypedDict):
    """A retrieval: its share of the probabilities, neighbours, what it searches, and scalings to length 1 before."""

    share: float
    n_neighbors: int
    by: str
    unit_length: int


class PlacesRecord(TypedDict):
    """What is not in the tensors of a `PlaceEncoder`.

    The share of values that the built-in trunk drops in training, None of an own one; scalings of samples to length 1
    before the trunk; steps of the head; the retrievals.
    """

    dropout: float | None
    unit_length: int
    n_steps: int
    sources: list[SourceRecord]


_Types = Mapping[str, type | tuple[type, ...]]

_PLACES: _Types = {"dropout": (int, float, type(None)), "unit_length": int, "n_steps": int, "sources": list}
_SOURCE: _Types = {"share": (int, float), "n_neighbors": int, "by": str, "unit_length": int}


def check_types(name: str, found: Mapping[str, object], wanted: _Types) -> None:
    """Refuse missing keys, unknown keys and values of another type."""
    if found.keys() != wanted.keys():
        raise ValueError(f"its {name} have other keys than {', '.join(wanted)}")
    for key, value in found.items():
        if not isinstance(value, wanted[key]) or isinstance(value, bool):
            raise ValueError(f"{key!r} in its {name} is a {type(value).__name__}")  # noqa: TRY004 - a file's fault


def check_places(places: PlacesRecord, encoder: str | None) -> None:
    """Refuse keys, types and values that no `PlaceEncoder` has.

    Parameters
    ----------
    places : PlacesRecord
        Not trusted.
    encoder : str or None
        Name of the trunk, None for the user's own.

    Raises
    ------
    ValueError
    """
    check_types("places", places, _PLACES)
    dropout, sources = places["dropout"], places["sources"]
    rules = {
        "encoder": encoder in (None, "auto"),
        "dropout": dropout is None if encoder is None else dropout is not None and 0 <= dropout < 1,
        "unit_length": 0 <= places["unit_length"] <= _MOST_SCALINGS,
        "n_steps": 0 <= places["n_steps"] <= 100,
        "sources": all(isinstance(source, dict) for source in sources),
    }
    _refuse_unless(rules)
    for source in sources:
        check_types("sources", source, _SOURCE)
        _refuse_unless(
            {
                "share": 0 <= source["share"] <= 1,
                "by": source["by"] in (COMPONENTS, FEATURES),
                "unit_length": 0 <= source["unit_length"] <= (source["by"] == COMPONENTS),
            }
        )
    _refuse_unless({"share": sum(source["share"] for source in sources) <= 1 + _ROUNDING})


def _refuse_unless(rules: Mapping[str, bool]) -> None:
    for name, holds in rules.items():
        if not holds:
            raise ValueError(f"{name!r} in its metadata has an impossible value")


def check_places_shapes(
    places: PlacesRecord, shapes: Mapping[str, list[int]], n_values: int, n_components: int
) -> None:
    """Refuse tensors that are missing, unknown, or do not fit together.

    Parameters
    ----------
    places : PlacesRecord
        Checked.
    shapes : dict of str to list of int
        Shapes of the encoder's tensors by name, those of the trunk included, which are not checked here.
    n_values : int
        Number of values in one sample, D.
    n_components : int
        Dimensions of the map, d.

    Raises
    ------
    ValueError
    """
    n_places, n_features = _sides("network.linear.weight", shapes, 2)  # K, p
    wanted = {
        "network.linear.weight": [n_places, n_features],
        "network.linear.bias": [n_places],
        "head.centres": [n_places, n_components],
        "head.bandwidth": [],
    }
    for place, source in enumerate(places["sources"]):
        wanted |= _shapes_of_source(place, source, shapes, n_values, n_components)
    found = {name: shape for name, shape in shapes.items() if not name.startswith(TRUNK)}
    odd = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if odd:
        raise ValueError(f"{odd[0][:60]!r} of its encoder is missing, unknown or of another shape than the rest")


def _shapes_of_source(
    place: int, source: SourceRecord, shapes: Mapping[str, list[int]], n_values: int, n_components: int
) -> dict[str, list[int]]:
    """Return the shapes that the tensors of a retrieval must have."""
    n_reduced = n_values if source["by"] == COMPONENTS else shapes["network.linear.weight"][1]  # D, or p
    begin = f"retrievals.{place}."
    n_stored, n_columns = _sides(f"{begin}stored", shapes, 2)  # n, q
    if not 1 <= source["n_neighbors"] <= n_stored:
        raise ValueError("'n_neighbors' in its metadata has an impossible value")
    wanted = {
        f"{begin}stored": [n_stored, n_columns],
        f"{begin}half_squares": [n_stored],
        f"{begin}positions": [n_stored, n_components],
    }
    if is_unreduced(place, source, shapes):
        return wanted | {f"{begin}stored": [n_stored, n_reduced]}
    reduction = f"reductions.{place}." + "1." * source["unit_length"]
    return wanted | {f"{reduction}mean": [n_reduced], f"{reduction}axes": [n_columns, n_reduced]}


def is_unreduced(place: int, source: SourceRecord, names: Iterable[str]) -> bool:
    """Whether a retrieval searches all features of the network, as the first files of format 2 have it."""
    return source["by"] == FEATURES and not any(name.startswith(f"reductions.{place}.") for name in names)


def _sides(name: str, shapes: Mapping[str, list[int]], ndim: int) -> list[int]:
    """Return the shape of a tensor that must be there and not be empty."""
    shape = shapes.get(name, [])
    if len(shape) != ndim or min(shape) < 1:
        raise ValueError(f"{name!r} of its encoder is missing, empty or not of {ndim} dimensions")
    return shape
