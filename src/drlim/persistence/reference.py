"""What `novelty` needs of the training samples, in a file's arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from drlim.persistence.schema import REFERENCE, REFERENCE_FORMAT, Metadata
from drlim.persistence.space_record import FactorRecord, n_ambient, space_in

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.estimators.reference import Reference
    from drlim.spaces import Space

__all__ = ["KEPT", "add_reference", "reference_in"]

KEPT = ("low", "high", "size", "centre", "rows", "places", "numbers")
"""Names of the arrays; the last has the least size, the number of samples seen, and whether directions count."""


def add_reference(estimator: DrLIM | NeighborMap, metadata: Metadata) -> dict[str, Array]:
    """Return the arrays by the names that a file has for them, and set its format; none where nothing is kept."""
    import numpy as np

    reference: Reference | None = getattr(estimator, "_reference", None)
    if reference is None:
        return {}
    metadata["format_version"] = REFERENCE_FORMAT
    if "places" not in metadata:
        metadata.setdefault("unit", 1.0)
    numbers = np.array([reference.least, float(reference.n_seen), float(reference.by_direction)])
    return {REFERENCE + name: np.array(getattr(reference, name, numbers), order="C") for name in KEPT}


def reference_in(metadata: Metadata, arrays: dict[str, Array]) -> Reference | None:
    """Take the arrays out of all others, and build from them; None for a file of an earlier format.

    Raises
    ------
    ValueError
        When there is an array too many or too few, or no training samples can have left them.
    """
    from drlim.estimators.reference import Reference

    names = [name for name in arrays if name.startswith(REFERENCE)]
    found = {name.removeprefix(REFERENCE): arrays.pop(name) for name in names}
    wanted = KEPT if metadata["format_version"] == REFERENCE_FORMAT else ()
    if found.keys() != set(wanted):
        raise ValueError(f"it has an unknown tensor, or lacks one: {REFERENCE}{min(found.keys() ^ set(wanted))[:60]}")
    if not wanted:
        return None
    architecture, space = metadata["architecture"], metadata.get("space")
    n_axes = architecture["n_components"] if space is None else n_ambient(space)
    _check_form(found, tuple(architecture["input_shape"]), n_axes)
    _check_values(found)
    least, n_seen, by_direction = found["numbers"].tolist()
    low, high, size, centre, rows, places = (found[name] for name in KEPT[:-1])
    return Reference(low, high, size, centre, rows, places, least, int(n_seen), bool(by_direction), space=_space(space))


def _space(records: list[FactorRecord] | None) -> Space | None:
    """Return the space that distances on the map are measured on."""
    return None if records is None else space_in([(one["kind"], one["size"], one["now"]) for one in records])


def _check_form(found: Mapping[str, Array], input_shape: tuple[int, ...], n_components: int) -> None:
    """Refuse arrays of other shapes or types than those of such samples."""
    from drlim.estimators.reference import MOST_ROWS
    from drlim.estimators.sketches import MOST_NUMBERS

    n_groups = input_shape[0] if len(input_shape) in (1, 3) else 1
    width = min(math.prod(input_shape), MOST_NUMBERS)
    n_rows, n_places = (found[name].shape[0] if found[name].ndim else 0 for name in ("rows", "places"))
    shapes = dict.fromkeys(("low", "high", "size"), (n_groups,)) | {
        "centre": (width,),
        "rows": (n_rows, width),
        "places": (n_places, n_components),
        "numbers": (3,),
    }
    for name, shape in shapes.items():
        if found[name].shape != shape or not 0 < shape[0] <= max(MOST_ROWS, n_groups, width):
            raise ValueError(f"what it keeps of the training samples is not of one shape: {name!r}")
        if found[name].dtype.name != ("float32" if name == "rows" else "float64"):
            raise ValueError(f"what it keeps of the training samples is of another type: {name!r}")


def _check_values(found: Mapping[str, Array]) -> None:
    """Refuse values that no samples have."""
    import numpy as np

    least, n_seen, by_direction = found["numbers"].tolist()
    holds = {
        "rows": all(bool(np.isfinite(array).all()) for array in found.values()),
        "low": bool((found["low"] <= found["high"]).all()),
        "size": bool((found["size"] >= 0).all()) and least >= 0,
        "numbers": by_direction in (0.0, 1.0) and n_seen >= len(found["rows"]) and float(n_seen).is_integer(),
    }
    for name, value in holds.items():
        if not value:
            raise ValueError(f"what it keeps of the training samples has impossible values: {name!r}")
