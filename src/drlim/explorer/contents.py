"""What a page shows: a map, the samples on it, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import StrOptions, check_parameters, check_same_length, short_repr
from drlim.explorer.certified import certificate_on_page
from drlim.explorer.charts import charted, space_on_page
from drlim.explorer.columns import Column, as_groups, as_texts, column_of, numbers, stored, table_columns
from drlim.explorer.judged import listed_springs, novelty_column, spring_columns
from drlim.explorer.mapping import mapping_of
from drlim.explorer.payload import Meta
from drlim.explorer.sensitivities import Sensitivities, sensitivities_of, uncertainty_column
from drlim.explorer.thumbnails import checked_images, sheet_of
from drlim.plotting.palette import group_colours
from drlim.tables.values import Values, values_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.estimators import DrLIM, NeighborMap

__all__ = ["Contents", "contents_of"]

_FORMAT = 1
_MANY = 200_000
"""Number of samples from which positions are stored in 16 bits."""

_MOST_COLUMNS = 50
"""Maximum number of columns of an array that a page holds: more are pixels, or coordinates without names."""

_MOST_VALUES = 2_000_000
"""Maximum number of values of such columns, about 5 MB: two columns of a million samples."""

_N_COLOURS = 60


_ACCEPTED = {
    "theme": [StrOptions({"auto", "light", "dark"})],
    "encoder": ["boolean", StrOptions({"auto"})],
    "sensitivities": ["boolean"],
    "ensemble": [None, list, tuple],
}


@dataclass
class Contents:
    """The contents of a page, as `drlim.explorer.payload.pack` takes them.

    Attributes
    ----------
    meta : dict
        What is not an array: see the keys in `contents_of`.
    arrays : dict of str to ndarray
    """

    meta: Meta
    arrays: dict[str, Array] = field(default_factory=dict)


def contents_of(
    model: DrLIM | NeighborMap | Pipeline,
    X: object = None,
    *,
    labels: ArrayLike | None = None,
    columns: object = None,
    text: Sequence[object] | None = None,
    images: ArrayLike | None = None,
    ids: Sequence[object] | None = None,
    title: str | None = None,
    theme: str = "auto",
    encoder: bool | Literal["auto"] = "auto",
    sensitivities: bool = True,
    ensemble: Sequence[DrLIM | NeighborMap | Pipeline] | None = None,
) -> Contents:
    """Return the contents of a page; parameters are those of `drlim.explore`.

    Returns
    -------
    Contents
        ``meta`` has the keys ``format`` (1), ``title``, ``subtitle``, ``theme``, ``n_samples``, ``dimensions`` (2 or
        3), ``space`` (see `drlim.explorer.charts.space_on_page`), ``positions`` ({"low", "high"}: the range of each
        axis), ``ids`` (list of texts, or None), ``columns`` (list: see `drlim.explorer.columns.stored`), ``colour``
        (the column that colours the points at first, or -1), ``palette``, ``thumbnails`` (or None),
        ``springs_left_out``, ``columns_left_out``, ``sensitivities_left_out`` (sentences), ``sensitivities`` (see
        `drlim.explorer.sensitivities.Sensitivities`), ``mapping`` (see `drlim.explorer.mapping.mapping_of`) and
        ``certificate`` (see `drlim.explorer.certified.certificate_on_page`). ``arrays`` has ``positions``, (n, 2) or
        (n, 3), in float32, or in uint16 over the range from 200,000 samples on; ``column0``, ``column1``, ... of
        columns that are no texts; ``thumbnails``, the bytes of the sheet; what `drlim.explorer.judged.listed_springs`
        returns; and arrays of sensitivities.
    """
    given = {"theme": theme, "encoder": encoder, "sensitivities": sensitivities, "ensemble": ensemble}
    check_parameters(given, _ACCEPTED, "explore")
    estimator = _map_of(model)
    Z, is_training, samples = _positions(model, estimator, X)
    n, chart = len(Z), charted(estimator, Z)
    found, said = _columns(estimator, X, n, labels, columns, text)
    if is_training:
        found += spring_columns(estimator, estimator.embedding_)
    found += [] if samples is None else novelty_column(estimator, samples, n)
    moved = Sensitivities()
    if sensitivities:
        moved = sensitivities_of(estimator, samples, n, _names_before(model, estimator))
    found += moved.columns + uncertainty_column(model, ensemble, X)
    arrays, left_out = listed_springs(estimator.graph_) if is_training else ({}, "")
    meta: Meta = {
        "format": _FORMAT,
        "title": title or f"{type(estimator).__name__}: {n:,} samples",
        "subtitle": _subtitle(estimator, n, is_training=is_training),
        "theme": theme,
        "n_samples": n,
        "dimensions": chart.shape[1],
        "space": space_on_page(estimator),
        "ids": None if ids is None else _checked_ids(ids, n),
        "palette": group_colours(_N_COLOURS, beside_grey=any(_has_gaps(column) for column in found)),
        "colour": _first_colour(found),
        "springs_left_out": left_out,
        "columns_left_out": said,
        "sensitivities": moved.said,
        "sensitivities_left_out": moved.left_out,
        "certificate": certificate_on_page(model, X),
    }
    meta["mapping"], weights = mapping_of(model, estimator, encoder)
    contents = Contents(meta, arrays | weights | moved.arrays)
    _add_positions(contents, chart)
    _add_columns(contents, found)
    _add_thumbnails(contents, X if images is None else images, n, given=images is not None)
    return contents


def _map_of(model: object) -> DrLIM | NeighborMap:
    """Return the map in a model, or refuse what is none, or has no map yet."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    from drlim.estimators import DrLIM, NeighborMap

    last = model.steps[-1][1] if isinstance(model, Pipeline) and model.steps else model
    if not isinstance(last, DrLIM | NeighborMap):
        raise TypeError(
            "The 'model' parameter of explore must be a DrLIM, a NeighborMap, or a pipeline that ends with one. Got "
            f"{short_repr(model)} instead."
        )
    check_is_fitted(last)
    if last.embedding_.shape[1] > 3:
        raise ValueError(
            f"Expected a map of 1 to 3 dimensions, which a page can show. Got one of {last.embedding_.shape[1]}: fit "
            "the model with n_components=2 or 3, or map its positions by a second one."
        )
    return last


def _positions(model: object, estimator: DrLIM | NeighborMap, X: object) -> tuple[Array, bool, ArrayLike | None]:
    """Return the map (n, d), whether it is of the samples trained on, and the samples that the map got."""
    if X is None:
        return estimator.embedding_, True, None
    samples: ArrayLike = X if model is estimator else model[:-1].transform(X)  # type: ignore[index,assignment]
    Z = estimator.transform(samples)
    return Z, _is_training(estimator, Z), samples


def _is_training(estimator: DrLIM | NeighborMap, Z: Array) -> bool:
    """Return whether a map is that of the samples trained on."""
    if Z.shape != estimator.embedding_.shape:
        return False
    own, there = charted(estimator, estimator.embedding_), charted(estimator, Z)
    return bool(np.allclose(there, own, rtol=0, atol=1e-4 * (float(np.abs(own).max()) or 1.0)))


def _columns(
    estimator: DrLIM | NeighborMap, X: object, n: int, labels: object, columns: object, text: object
) -> tuple[list[Column], str]:
    """Return labels, text, further columns and those of X, each name once; and a sentence on those left out."""
    found = [] if labels is None else [_label_column(labels, n)]
    found += [] if text is None else [as_texts("text", text, n)]
    found += [] if columns is None else table_columns(columns, n, "columns")
    taken = {column.name for column in found}
    own, said = _of_samples(estimator, X, n)
    return found + [column for column in own if column.name not in taken], said


def _names_before(model: object, estimator: DrLIM | NeighborMap) -> list[str] | None:
    """Return names of what the map gets, which a table or a step before it may have made; None if there are none."""
    if model is estimator:
        found = getattr(estimator, "feature_names_in_", None)
    else:
        try:
            found = model[:-1].get_feature_names_out()  # type: ignore[index]  # a pipeline
        except (AttributeError, ValueError):
            return None
    return None if found is None else [str(name) for name in found]


def _label_column(labels: object, n: int) -> Column:
    read = values_of(labels, "labels")
    check_same_length(len(read.as_texts()), "labels", n, "X")
    column = column_of("label", labels)
    return as_groups("label", Values(None, read.as_texts())) if column.kind == "text" else column


def _of_samples(estimator: DrLIM | NeighborMap, X: object, n: int) -> tuple[list[Column], str]:
    """Return the columns of a table, or of an array of not too many, and a sentence on those left out."""
    if isinstance(X, Mapping) or hasattr(X, "columns"):
        return table_columns(X, n, "X"), ""
    if getattr(X, "ndim", 0) != 2 or hasattr(X, "tocsr"):
        return [], ""
    values = np.asarray(X)
    width = values.shape[1]
    most = min(width, _MOST_VALUES // n) if width <= _MOST_COLUMNS else 0
    names = [*getattr(estimator, "feature_names_in_", ())]
    names = names if len(names) == width else [f"x{place}" for place in range(width)]
    left_out = f"{width - most} of the {width} columns of the samples are left out; columns= takes those to show."
    columns = [numbers(str(name), values[:, place]) for place, name in enumerate(names[:most])]
    return columns, left_out if most < width else ""


def _subtitle(estimator: DrLIM | NeighborMap, n: int, *, is_training: bool) -> str:
    kind, space, d = type(estimator).__name__, space_on_page(estimator), estimator.embedding_.shape[1]
    where = "" if space is None else f", {space['said']}"
    whose = "trained on" if is_training else "mapped, not those trained on"
    return f"{kind}, {d} dimension{'s' * (d > 1)}, {n:,} samples {whose}{where}"


def _checked_ids(ids: Sequence[object], n: int) -> list[str]:
    column = as_texts("ids", ids, n)
    return [str(value) for value in column.values.tolist()]


def _first_colour(columns: Sequence[Column]) -> int:
    """Return the column that colours the points at first: the labels, else the first one of groups."""
    groups = (place for place, column in enumerate(columns) if column.kind == "category" or column.name == "label")
    return next(groups, -1)


def _has_gaps(column: Column) -> bool:
    """Return whether samples are in no group, which is drawn in grey."""
    return column.kind == "category" and not column.values.all()


def _add_positions(contents: Contents, Z: Array) -> None:
    low, high = Z.min(axis=0).astype(np.float64), Z.max(axis=0).astype(np.float64)  # (d,) each
    contents.meta["positions"] = {"low": low.tolist(), "high": high.tolist()}
    if len(Z) < _MANY:
        contents.arrays["positions"] = Z.astype(np.float32)
        return
    shares = (Z - low) / np.where(high > low, high - low, 1.0)  # (n, d)
    contents.arrays["positions"] = np.rint(65535 * shares).astype(np.uint16)


def _add_columns(contents: Contents, columns: Sequence[Column]) -> None:
    said = []
    for place, column in enumerate(columns):
        entry, values = stored(column)
        said.append(entry)
        if values is not None:
            contents.arrays[f"column{place}"] = values
    contents.meta["columns"] = said


def _add_thumbnails(contents: Contents, images: object, n: int, *, given: bool) -> None:
    contents.meta["thumbnails"] = None
    has_rows = given or getattr(images, "ndim", 0) in (3, 4)
    pictures = checked_images(images, "images") if has_rows else None
    if pictures is None:
        if given:
            raise ValueError(
                "Expected 'images' to have the shape (n_samples, height, width) or (n_samples, channels, height, "
                f"width) with 1 or 3 channels. Got {short_repr(images)}."
            )
        return
    check_same_length(len(pictures), "images", n, "X")
    sheet = sheet_of(pictures)
    if sheet is None:
        return
    contents.arrays["thumbnails"] = sheet.content
    contents.meta["thumbnails"] = {
        "type": sheet.type,
        "width": sheet.width,
        "height": sheet.height,
        "columns": sheet.columns,
    }
