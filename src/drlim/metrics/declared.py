"""What a map was declared to ignore, in any form in which it is said, as the judgement of a map takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.certificates import DeclaredKind
from drlim._base.checks import count_rows, short_repr
from drlim.metrics.certificates import Certificate
from drlim.metrics.nuisances import JudgedMap, changes_in, judged_copies, judged_map
from drlim.relations import Orbits
from drlim.training.fresh import Draws
from drlim.transforms import ignoring

__all__ = ["Declared", "declared"]

_MOST_NAMES = 20
"""Maximum number of names in the description."""


class Declared(NamedTuple):
    """What a map was declared to ignore.

    Attributes
    ----------
    kind : {"changes", "functions", "columns", "copies"}
    text : str
        Names of all nuisances; of changes as `drlim.transforms.ignoring` reads them.
    orbits : object
        As `invariance_report` takes them; of "copies" the ids.
    groups : array-like or None
        Of "columns": which samples are copies of one thing.
    groups_name : str or None
        Name of the column of ``groups`` or of the ids.
    """

    kind: DeclaredKind
    text: str
    orbits: object
    groups: ArrayLike | None = None
    groups_name: str | None = None

    def judged(self, model: object, X: object, rng: np.random.Generator) -> JudgedMap:
        """Map the samples and their copies."""
        if self.kind == "copies":
            return judged_copies(model, X, cast("ArrayLike", self.orbits), rng)
        return judged_map(model, X, self.orbits, self.groups, rng)


def declared(
    model: object, orbits: object, groups: ArrayLike | None, seed: int, groups_name: str | None = None
) -> Declared:
    """Return what a map is to ignore, or refuse what is no form of it.

    Parameters
    ----------
    model : object
        Its ``orbit`` is taken where ``orbits`` is None; of a pipeline, that of its last step.
    orbits, groups : object
        As `drlim.certificate` takes them.
    seed : int
        Seed of what functions draw that take a generator.
    groups_name : str, default=None
        Name of the groups or ids; None for that of a data frame's column, if it is one.
    """
    given = _own_orbit(model) if orbits is None else orbits
    found = _transforms(given, seed)
    columns = given if isinstance(given, Mapping) else getattr(given, "columns", None)
    if found is None and columns is not None:
        return Declared("columns", _listed(columns), given, groups, groups_name or _name_of(groups))
    if groups is not None:
        raise ValueError(
            "'groups' belongs to columns of metadata. The copies of one sample, or samples of one id, are a group "
            f"already: drop it. Got {short_repr(groups)}."
        )
    if found is not None:
        return found
    count_rows(given, "orbits")
    name = groups_name or _name_of(given)
    return Declared("copies", f"what differs between samples of one {name or 'id'}", given, groups_name=name)


def _transforms(given: object, seed: int) -> Declared | None:
    """Return changes, functions, or copies that were made by them; None for anything else."""
    if isinstance(given, Orbits):
        return Declared("functions", _listed(given.names[1:]), given)
    changes = changes_in(given)
    if changes is not None:
        return Declared("changes", changes.text, changes.extremes())
    named = _named(given)
    if not named or not all(map(callable, named.values())):
        return None
    functions = {name: Draws(cast("Callable[..., ArrayLike]", one), seed) for name, one in named.items()}
    return Declared("functions", _listed(functions), functions)


def _own_orbit(model: object) -> object:
    last = model[-1] if hasattr(model, "steps") else model  # type: ignore[index]  # a pipeline
    orbit = getattr(last, "orbit", None)
    if callable(orbit):
        return orbit
    certified = getattr(model, "certificate_", None)  # of a file, which holds changes by name, and no functions
    if isinstance(certified, Certificate) and certified.kind == "changes":
        return ignoring(certified.declared)
    raise ValueError(
        "Expected 'orbits' to say what the map was declared to ignore: changes such as drlim.transforms.shift(2), "
        "functions from a batch to a batch, columns of metadata, or an id for each sample, equal for copies. Got None, "
        "and the model has no function 'orbit' of its own."
    )


def _named(given: object) -> dict[str, object]:
    """Return what may be functions by name: one, several in a list, or a dict of them."""
    if isinstance(given, Mapping):
        return {str(name): one for name, one in given.items()}
    if isinstance(given, list | tuple):
        return {str(place): one for place, one in enumerate(given, start=1)}
    if not callable(given) or hasattr(given, "shape"):
        return {}
    return {str(getattr(given, "__name__", type(given).__name__)): given}


def _name_of(values: object) -> str | None:
    name = getattr(values, "name", None)  # a column of a data frame has one
    return name if isinstance(name, str) else None


def _listed(names: Iterable[object]) -> str:
    words = [str(name) for name in names]
    more = f" and {len(words) - _MOST_NAMES} more" if len(words) > _MOST_NAMES else ""
    return f"{', '.join(words[:_MOST_NAMES])}{more}"[:1000]
