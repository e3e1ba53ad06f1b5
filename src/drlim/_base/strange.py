"""Forms of samples that are not taken, each with the sentence that is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Set, Sized
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from drlim._base.messages import short_repr

__all__ = ["TAKEN", "derives", "is_array", "refuse_strange", "refused_form"]

TAKEN = "an array, a data frame, a tensor, an AnnData or a map-style Dataset, one sample a row"
"""What is taken, as an error names it."""


def derives(given: object, module: str, kind: str | None = None) -> bool:
    """Return whether the class of an object, or one of its bases, is of a package, and has a name."""
    bases = type(given).__mro__
    return any(f"{base.__module__}.".startswith(f"{module}.") and kind in (None, base.__name__) for base in bases)


def is_array(given: object) -> bool:
    """Return whether an object has a shape, as arrays, tensors and rows of data frames have, or is an image."""
    if isinstance(given, ModuleType):  # numpy has a function `shape`
        return False
    return any(hasattr(given, name) for name in ("shape", "__array__", "__array_interface__"))


def refused_form(name: str, got: str, way_out: str) -> TypeError:
    """Return the error that says what was given, what is taken, and the way out."""
    return TypeError(f"Expected {name!r} to be {TAKEN}. Got {got}: {way_out}.")


def refuse_strange(given: object, name: str) -> None:
    """Refuse an object in which samples are not looked for.

    Parameters
    ----------
    given : object
    name : str
        The parameter's name in an error.

    Raises
    ------
    TypeError
    """
    for form in _FORMS:
        if form.is_it(given):
            raise refused_form(name, form.got(given), form.way_out.format(name=name))


def _kind(given: object) -> str:
    """Return the name of the class of an object, with its article."""
    kind = type(given).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def _are_texts(given: object) -> bool:
    return isinstance(given, list | tuple) and len(given) > 0 and isinstance(given[0], str | os.PathLike)


def _is_mapping(given: object) -> bool:
    """Return whether an object is a mapping, and no sparse matrix, of which some are mappings, too."""
    return isinstance(given, Mapping) and not hasattr(given, "shape")


def _is_stream(given: object) -> bool:
    """Return whether an object gives its items in a row, but none by number."""
    is_dataset = derives(given, "torch.utils.data", "IterableDataset")
    return is_dataset or (isinstance(given, Iterable) and not hasattr(given, "__getitem__") and not is_array(given))


def _is_no_container(given: object) -> bool:
    """Return whether an object is neither a number nor anything that has a length or a shape."""
    return not isinstance(given, Sized | complex | float | int | np.generic) and not is_array(given)


class _Form(NamedTuple):
    """A form that is not taken: whether an object has it, and what is said of it."""

    is_it: Callable[[Any], bool]
    got: Callable[[Any], str]
    way_out: str


_FORMS = (
    _Form(lambda given: given is None, repr, "give the samples"),
    _Form(
        lambda given: isinstance(given, ModuleType),
        lambda given: f"the module {given.__name__}",
        "give an array that it holds or makes",
    ),
    _Form(
        lambda given: isinstance(given, str | bytes | os.PathLike),
        short_repr,
        "read the file first, for example by numpy.load or pandas.read_csv",
    ),
    _Form(
        _are_texts,
        lambda given: f"a list of {len(given)} texts",
        "read the files that they name, or make vectors of them, for example by "
        "sklearn.feature_extraction.text.TfidfVectorizer",
    ),
    _Form(
        lambda given: derives(given, "torch.utils.data", "DataLoader"),
        _kind,
        "give the Dataset that it loads, {name}.dataset",
    ),
    _Form(lambda given: derives(given, "polars", "LazyFrame"), _kind, "give {name}.collect()"),
    _Form(
        lambda given: derives(given, "drlim", "NeighborhoodGraph"),
        _kind,
        "give the samples, and the graph by its name, fit(X, graph=graph)",
    ),
    _Form(
        lambda given: derives(given, "drlim", "Orbits"),
        _kind,
        "give its samples and its graph, fit({name}.X, graph={name}.graph)",
    ),
    _Form(lambda given: not is_array(given) and hasattr(given, "X_train"), _kind, "give {name}.X_train"),
    _Form(lambda given: _is_mapping(given) and "data" in given, _kind, "give {name}['data']"),
    _Form(
        _is_mapping,
        _kind,
        "put a drlim.Table() before the map, or make columns of its values, numpy.column_stack(list({name}.values()))",
    ),
    _Form(lambda given: isinstance(given, Set), _kind, "it has no order, so give a list"),
    _Form(_is_stream, _kind, "make an array of what it gives, numpy.stack(list({name}))"),
    _Form(_is_no_container, _kind, "give the samples themselves"),
)
