"""Forms in which people have samples: what can be taken becomes an array; any other is refused in one sentence.

Nothing here imports the packages whose objects it takes: their classes are known by the names of their modules. A
refusal says what was given, what is taken, and the way from the one to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set, Sized
from typing import Any, NamedTuple, Protocol, TypeGuard

import numpy as np

from drlim._base.arrays import Array
from drlim._base.messages import one_line, short_repr
from drlim._base.row_sources import FailedReadError, RowSource, Sliced, is_row_source, read_whole, row_source, sliced
from drlim._base.strange import TAKEN, derives, is_array, refuse_strange, refused_form

__all__ = ["Taken", "plain", "stored", "taken"]

_DATES = ("datetime", "date", "time", "timestamp", "period", "interval")
"""Beginnings of the names of types of dates in data frames, in lower case."""

_DURATIONS = ("timedelta", "duration")


class Items(Protocol):
    """A map-style Dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> object: ...


class Taken(NamedTuple):
    """Samples in a form that scikit-learn checks.

    Attributes
    ----------
    values : object
        An array, a data frame, a sparse matrix, or what was given where there is no better form of it.
    names : list of str or None
        Names of the columns where scikit-learn would not find them.
    """

    values: Any
    names: list[str] | None = None


def taken(given: object, name: str = "X") -> Taken:
    """Return samples in a form that scikit-learn checks, or refuse them.

    Parameters
    ----------
    given : object
        A tensor is read whatever its device and without its gradient; one of bfloat16 or of 8-bit floats as float32. Of
        an AnnData ``X`` is read; of a map-style Dataset all items, and of an item that is a tuple the first part.
    name : str, default="X"
        The parameter's name in an error.

    Raises
    ------
    ValueError, TypeError
        When it has no samples in it, or samples of different shapes, dates or durations.

    Examples
    --------
    >>> import torch
    >>> taken(torch.ones(2, 1, requires_grad=True)).values.tolist()
    [[1.0], [1.0]]
    >>> taken(row for row in [[1.0], [2.0]])
    Traceback (most recent call last):
        ...
    TypeError: Expected 'X' to be an array, a data frame, a tensor, an AnnData or a map-style Dataset, one sample a row.
    Got a generator: make an array of what it gives, numpy.stack(list(X)).
    """
    refuse_strange(given, name)
    for is_known, take in _FORMS:
        if is_known(given):
            return take(given, name)
    return Taken(given)


def stored(given: object, name: str = "X") -> RowSource | None:
    """Return how samples outside memory are read, or None for samples that `taken` takes.

    Parameters
    ----------
    given : object
        A memory map, an array of h5py or zarr, an Arrow table, a map-style Dataset, an AnnData whose ``X`` is one of
        these, or any object with a ``shape`` of two or more axes that is read by slices of rows. One of up to 256 MiB
        that is slow to pick rows from is better read into memory, and for it None is returned.
    name : str, default="X"
        The parameter's name in an error.

    Raises
    ------
    ValueError, TypeError
        When it cannot be read.
    """
    refuse_strange(given, name)
    names = [str(one) for one in getattr(given, "var_names", ())] if _is_anndata(given) else None
    values = getattr(given, "X", None) if names is not None else given
    if _is_tensor(values) or isinstance(values, list | tuple):
        return None
    _refuse_one_axis(values, name)
    source = _dataset_source(values, name) if _is_dataset(values) else row_source(values, name)
    if source is None or source.is_small:
        return None
    return source if names is None else source._replace(names=names)


def _refuse_one_axis(values: object, name: str) -> None:
    """Refuse rows that are single values and that NumPy makes no array of."""
    shape = getattr(values, "shape", ())
    if isinstance(shape, tuple) and len(shape) == 1 and not hasattr(values, "__array__"):
        raise ValueError(
            f"Expected {name!r} to have rows of one value or more, shape (n_samples, n_features). Got an object of "
            f"type {type(values).__name__} and shape {shape}."
        )


def plain(values: object, name: str) -> object:
    """Return a tensor as an array, whatever its device, type and gradient; other values as they are."""
    return _tensor(values, name).values if _is_tensor(values) else values


def _is_tensor(given: object) -> bool:
    return derives(given, "torch", "Tensor")


def _tensor(given: Any, name: str) -> Taken:
    if str(given.layout) != "torch.strided":
        raise refused_form(name, f"a sparse tensor of shape {tuple(given.shape)}", f"give {name}.to_dense()")
    if given.device.type == "meta":
        raise refused_form(name, "a tensor on the device 'meta'", "it holds no values, so give one that does")
    values = given.detach().cpu()
    unknown_to_numpy = values.is_floating_point() and str(values.dtype).startswith(("torch.bfloat", "torch.float8"))
    return Taken((values.float() if unknown_to_numpy else values).numpy(force=True))


def _is_anndata(given: object) -> bool:
    return derives(given, "anndata") and hasattr(given, "X") and hasattr(given, "var_names")


def _anndata(given: Any, name: str) -> Taken:
    """Return the values of an AnnData, and the names of its variables."""
    values = given.X
    if values is None:
        others = [f"adata.{part}[{key!r}]" for part in ("obsm", "layers") for key in getattr(given, part, ())]
        way_out = f"give one of its arrays, such as {(others or ['adata.obsm[...]'])[0]}"
        raise refused_form(name, "an AnnData whose X is None", way_out)
    in_memory = values.to_memory() if hasattr(values, "to_memory") else values
    in_memory = _source(in_memory, name).values if is_row_source(in_memory) else in_memory
    return Taken(in_memory, [str(one) for one in given.var_names])


def _is_dataset(given: object) -> TypeGuard[Items]:
    """Return whether an object is a map-style Dataset: torch's, or any other that has a length and items by number."""
    if derives(given, "torch.utils.data", "Dataset"):
        return isinstance(given, Sized) and not derives(given, "torch.utils.data", "IterableDataset")
    is_array = any(hasattr(given, name) for name in ("shape", "__array__", "__array_interface__", "columns"))
    is_known = is_array or isinstance(given, Sequence | Mapping | Set | bytearray)
    return isinstance(given, Sized) and hasattr(given, "__getitem__") and not is_known


def _dataset(given: Items, name: str) -> Taken:
    """Return all items of a map-style Dataset as one array."""
    rows: Array = np.empty((0,))
    for place in range(len(given)):
        row = _item_at(given, place, name)  # (...)
        if place == 0:
            rows = np.empty((len(given), *row.shape), row.dtype)  # (n, ...)
        if row.shape != rows.shape[1:]:
            raise _unequal(name, "a Dataset of items", rows.shape[1:], row.shape, place)
        rows = rows.astype(np.result_type(rows, row), copy=False)
        rows[place] = row
    return Taken(rows)


def _dataset_source(given: Items, name: str) -> RowSource | None:
    """Return how the items of a map-style Dataset are read; None where they are no arrays of numbers."""
    if len(given) == 0:
        return None
    first = _item_at(given, 0, name)  # (...)
    if first.ndim == 0 or first.dtype.kind not in "biuf":
        return None

    def read(start: int, stop: int) -> Array:
        items = [_item_at(given, place, name) for place in range(start, stop)]  # (...) each
        for place, item in enumerate(items, start):
            if item.shape != first.shape:
                raise FailedReadError(str(_unequal(name, "a Dataset of items", first.shape, item.shape, place)))
        return np.stack(items)  # (b, ...)

    return sliced(Sliced(given, name, (len(given), *first.shape), read))


def _item_at(given: Items, place: int, name: str) -> Array:
    """Return one item of a Dataset as an array, or name the item that it fails at."""
    try:
        item = given[place]
    except Exception as error:  # whatever a user's Dataset raises
        raise FailedReadError(f"The Dataset given as {name!r} fails at item {place}: {one_line(error)}") from error
    return _item(item, name, has_pairs=derives(given, "torch.utils.data", "Dataset"))


def _item(item: object, name: str, *, has_pairs: bool) -> Array:
    """Return an item of a Dataset as an array: of a pair of a sample and its label, the sample."""
    if isinstance(item, tuple | list) and len(item) and (has_pairs or _has_axes(item[0])):
        item = item[0]
    if isinstance(item, Mapping):
        keys = ", ".join(map(repr, list(item)[:8]))
        way_out = f"give one that gives an array an item, such as what is under one of the keys {keys}"
        raise refused_form(name, "a Dataset whose items are dicts", way_out)
    return np.asarray(plain(item, name))


def _has_axes(given: object) -> bool:
    """Return whether an object is an array of one or more dimensions or an image, and no number."""
    return is_array(given) and getattr(given, "shape", None) != ()


def _has_arrays(given: object) -> bool:
    """Return whether an object is a list of arrays, or an array of such objects."""
    if isinstance(given, np.ndarray):
        return given.dtype == object and given.ndim == 1 and len(given) > 0 and is_array(given[0])
    return isinstance(given, list | tuple) and len(given) > 0 and is_array(given[0])


def _listed(given: Iterable[object], name: str) -> Taken:
    """Return a list of rows as one array; refuse a list of tables or images, which may be stacked or joined."""
    rows = [np.asarray(plain(row, name)) for row in given]  # (...) each
    first = rows[0].shape
    for place, row in enumerate(rows):
        if row.shape != first:
            raise _unequal(name, "a list of arrays", first, row.shape, place)
    if len(first) > 1:
        way_out = (
            f"numpy.stack({name}) makes one array of images, and numpy.concatenate({name}) one of recordings, with one "
            "time a row"
        )
        raise refused_form(name, f"a list of {len(rows)} arrays of shape {first}", way_out)
    return Taken(np.stack(rows))  # (n, ...)


def _unequal(name: str, what: str, first: tuple[int, ...], other: tuple[int, ...], place: int) -> ValueError:
    """Return the refusal of samples of different shapes, which may be images or recordings."""
    ways = ["bring images to one size"]
    if len(first) == len(other) == 2 and first[1] == other[1]:
        ways += [f"join recordings, whose rows are times, by numpy.concatenate({name})"]
    elif len(first) == len(other) == 2:
        ways += ["fit one model for each recording with columns of its own"]
    if len(first) < 2:
        ways = ["give all samples the same values"]
    return ValueError(
        f"Expected {name!r} to be {TAKEN}. Got {what} of different shapes, {first} and then {other} at place {place}: "
        f"{', or '.join(ways)}."
    )


def _is_frame(given: object) -> bool:
    """Return whether an object is a data frame, or a table that has names of columns."""
    return hasattr(given, "__array__") and (hasattr(given, "columns") or hasattr(given, "column_names"))


def _frame(given: Any, name: str) -> Taken:
    """Return a data frame whose columns are no dates; of a table that scikit-learn does not know, the names, too."""
    if hasattr(given, "column_names"):
        schema = getattr(given, "schema", None)
        _refuse_dates(name, zip(given.column_names, getattr(schema, "types", ()), strict=False))
        return Taken(np.asarray(given), list(given.column_names))
    _refuse_dates(name, zip(given.columns, getattr(given, "dtypes", ()), strict=False))
    return Taken(given)


def _refuse_dates(name: str, types: Iterable[tuple[object, object]]) -> None:
    """Refuse columns of dates and durations, which NumPy would turn into numbers of a unit that nobody chose."""
    for column, dtype in types:
        kind = str(dtype).lower()
        if kind.startswith(_DURATIONS):
            raise _dates(name, f"durations in column {column!r}", "hours")
        if kind.startswith(_DATES):
            raise _dates(name, f"dates in column {column!r}", "days since the first")


def _dates(name: str, got: str, unit: str) -> ValueError:
    return ValueError(
        f"Expected {name!r} to hold numbers. Got {got}: make numbers of them in a unit that you choose, such as "
        f"{unit}, or leave them out."
    )


def _source(given: object, name: str) -> Taken:
    """Return all rows of what is read by slices, in memory."""
    found = row_source(given, name)
    return Taken(given) if found is None else _array(read_whole(found.reader), name)._replace(names=found.names)


def _has_kind(given: object) -> bool:
    return isinstance(getattr(getattr(given, "dtype", None), "kind", None), str)


def _array(given: Any, name: str) -> Taken:
    """Return an array of anything but dates, durations and records."""
    kind = given.dtype.kind
    if kind == "m":
        raise _dates(name, "durations", f"{name} / numpy.timedelta64(1, 'h')")
    if kind == "M":
        raise _dates(name, "dates", f"({name} - {name}.min()) / numpy.timedelta64(1, 'D')")
    if kind == "V" and given.dtype.names is not None:
        way_out = f"make columns of its fields, numpy.lib.recfunctions.structured_to_unstructured({name})"
        raise refused_form(name, short_repr(given), way_out)
    if kind == "V":  # also bfloat16 of a library that adds it to NumPy
        raise refused_form(name, short_repr(given), f"give numbers that NumPy knows, {name}.astype(numpy.float32)")
    return Taken(given)


_FORMS: tuple[tuple[Callable[[object], bool], Callable[[Any, str], Taken]], ...] = (
    (_is_tensor, _tensor),
    (_is_anndata, _anndata),
    (_is_dataset, _dataset),
    (_has_arrays, _listed),
    (_is_frame, _frame),
    (is_row_source, _source),
    (_has_kind, _array),
)
"""Forms that are taken: whether an object has it, and what is made of it."""
