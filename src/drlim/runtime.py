"""Map samples by a model file with NumPy alone, where neither torch nor scikit-learn is installed.

`load` reads a file that `drlim.save` wrote; `Model.transform` then places samples where the estimator would. The module
imports nothing else of drlim, so that this one file can be copied beside a model file (docs/deploying.md). For that
reason it repeats how `drlim._base.sealed` reads a file, and is longer than the other files of the package.

Layers are folded when a model is read: a scale of the samples, a batch normalisation or a coefficient beside a layer is
multiplied into its weights, in float64. Images pass through with the channels last.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

try:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
except ImportError as error:
    raise ImportError("drlim.runtime needs NumPy, which is not installed: pip install numpy") from error

__all__ = ["Model", "ModelFileError", "load"]

Floats = NDArray[np.floating[Any]]
"""Numbers in float32 or float64."""

_Tensors = Mapping[str, NDArray[Any]]
"""Arrays of an encoder by name."""

_Step = Callable[[Floats], Floats]
"""A layer, which may overwrite its input, but for the first one."""

_Search = Callable[[Floats], tuple[list[Floats], Floats]]
"""From features (b, p) to positions, d times (b, k), and their shares, (b, k)."""

_Weights = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weight and bias of a layer."""

_Kind = type[np.floating[Any]]
"""float32 or float64, in which an encoder computes."""

_KEY = "drlim"
_NEWEST_FORMAT = 7
_SPACE_FORMAT = 7
_LARGEST_HEADER = 100_000_000
_SEAL = re.compile(rb'\\"sha256\\":\\"([0-9a-f]{64})\\"')
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}

_LARGEST_VALUE = 1e30
"""Values beyond it are refused, as `transform` refuses them."""

_BATCH_VALUES = 2**19
"""Number of values of the largest array of a batch: 2 MiB in float32, which fit a processor's cache."""

_LARGEST_BATCH = 4096
"""Maximum number of samples mapped at once."""

_NEAREST_PLACES = 16
"""Number of places among which the head of a `NeighborMap` seeks the mode."""

_SCALE, _SOFTENING = 5, 1e-3
"""The neighbour whose squared distance is the unit of a retrieval's weights, and what is added to each."""

_SUMS = 128
"""Number of sums that a sample of more values is summed up in, to be compared with training samples."""

_EXACT_IN_FLOAT32 = tuple(np.dtype(name) for name in ("bool", "int8", "uint8", "int16", "uint16", "float16"))
"""Types every value of which float32 holds exactly."""


class ModelFileError(ValueError):
    """A model file cannot be used: it is damaged, of another kind, newer, or has an encoder of your own.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import runtime
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "map.safetensors"
    ...     _ = path.write_bytes(b"cut short")
    ...     try:
    ...         runtime.load(path)
    ...     except runtime.ModelFileError as error:
    ...         print("map.safetensors" in str(error))
    True
    """


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file that `drlim.save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file. Nothing in it is executed.

    Returns
    -------
    Model

    Raises
    ------
    ModelFileError
        When the file is damaged, cut short, of another kind or of a newer format, or when its encoder is a module of
        your own, whose code no file holds: export that one to ONNX by `drlim.export`.
    OSError
        When there is no such file, or the system cannot read it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from drlim import DrLIM, datasets, runtime, save
    >>> X = datasets.digits().X_train[:100]
    >>> estimator = DrLIM(encoder="linear", max_epochs=5, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(estimator, Path(folder) / "digits.safetensors")
    ...     model = runtime.load(Path(folder) / "digits.safetensors")
    >>> model.transform(X).shape
    (100, 2)
    >>> bool(np.allclose(model.transform(X), estimator.transform(X), atol=1e-5))
    True
    """
    metadata, tensors = _read(os.fspath(path))
    try:
        model = Model(metadata, tensors)
        model._try()  # noqa: SLF001 - shows shapes that do not fit together
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _unusable(path, f"cannot be used: its weights are not those of its encoder ({error}).") from error
    return model


class Model:
    """A map that was read from a file by `load`.

    It may be used from several threads at once.

    Attributes
    ----------
    estimator : {"DrLIM", "NeighborMap"}
        Class of the estimator that was saved.
    input_shape : tuple of int
        Shape of one sample.
    n_components : int
        Dimensions of the map.
    feature_names : list of str or None
        Names of the columns, where the estimator was fitted on a table with names.
    steps : list of str
        Kinds of the steps before the map, "Table" or "StandardScaler"; [] without any.
    drlim_version : str
        Version of the library that wrote the file.
    sha256 : str
        Checksum of the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import DrLIM, datasets, runtime, save
    >>> X = datasets.digits().X_train[:60]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(DrLIM(encoder="linear", max_epochs=2, random_state=0).fit(X), Path(folder) / "map.safetensors")
    ...     model = runtime.load(Path(folder) / "map.safetensors")
    >>> model, model.transform(X).shape
    (Model(DrLIM, input_shape=(8, 8), n_components=2), (60, 2))
    """

    def __init__(self, metadata: Mapping[str, Any], tensors: _Tensors) -> None:
        architecture = metadata["architecture"]
        self.estimator = "NeighborMap" if "places" in metadata else "DrLIM"
        self.input_shape = tuple(int(side) for side in architecture["input_shape"])
        self.n_components = int(architecture["n_components"])
        self._before: list[_Record] = metadata.get("before", [])
        self.steps = [str(step["kind"]) for step in self._before]
        self._names: list[str] | None = metadata["feature_names"]
        self.feature_names = self._before[0]["feature_names"] if self._before else self._names
        self.drlim_version: str = metadata["drlim_version"]
        self.sha256: str = metadata["sha256"]
        self._of_distances = metadata["parameters"].get("metric") == "precomputed"
        self._metadata, self._tensors = metadata, tensors
        self._encoders: dict[np.dtype[Any], _Encoder] = {}
        self._kept: dict[str, tuple[NDArray[np.float64], float]] = {}

    def __repr__(self) -> str:
        kinds = ", ".join([*self.steps, self.estimator])
        return f"Model({kinds}, input_shape={self.input_shape}, n_components={self.n_components})"

    def transform(self, X: ArrayLike) -> Floats:
        """Map samples as the estimator's ``transform`` does.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Samples of ``input_shape``: an array, a list of lists, or a data frame. Where a `Table` comes before the
            map, rows of the columns that it was fitted on: a data frame, a dict of columns (lists or arrays), or an
            array, in any order by name, with texts, dates, categories and blanks as they come.

        Returns
        -------
        ndarray, shape (n_samples, n_components)
            In the dtype of ``X`` where that is float32 or float64; in float32 for booleans, small integers and float16,
            and in float64 for the rest. It agrees with the estimator's to 1e-6 of the size of the map in float32.
            Where two modes of a `NeighborMap` are equally high within rounding, either may be returned.

        Raises
        ------
        ValueError, TypeError
            As the estimator's ``transform``, in the same words: for NaN and infinite values, values beyond 1e30, other
            shapes, types that are no numbers, and samples that the map sends beyond the finite numbers.
        """
        return self._positions(self._checked(X))

    def _try(self) -> None:
        """Map one sample, and make nothing of a table without rows, so that parts that do not fit together show."""
        for step in self._before:
            _STEPS[step["kind"]](step, _columns(np.empty((0, step["n_features"])), step))
        zeros = np.zeros((1, *self.input_shape), dtype=np.float32)
        self._positions(self._checked_map(zeros))

    def _positions(self, samples: Floats) -> Floats:
        """Map checked samples; refuse those that the map sends beyond the finite numbers."""
        positions = self._mapped(samples, 0)
        if not np.isfinite(positions).all():
            raise ValueError(
                "The encoder maps some of the samples in 'X' to values that are not finite: they lie too far from "
                "those it was trained on. Rescale or drop them."
            )
        return positions

    def confidence(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the share of each sample's probabilities that lies about its position: of a `NeighborMap` only.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            As in `transform`.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            In (0, 1]. Computed in float32, as the estimator does.

        Raises
        ------
        ValueError, TypeError
            As `transform` does; or when the model is a `DrLIM`, which has no probabilities.
        """
        if self.estimator != "NeighborMap":
            raise TypeError("Expected the model of a NeighborMap: a DrLIM has no probabilities. Use transform.")
        return self._mapped(self._checked(X).astype(np.float32), 1)[:, 0].astype(np.float64)  # (n,)

    def novelty(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return how far samples lie from the training samples, as the estimator's ``novelty`` does.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            As in `transform`.

        Returns
        -------
        ndarray of float64, shape (n_samples, 2)
            Distance to the nearest training sample that the file has, in the input and on the map, in units of the
            median distance of one to the nearest other one. There is no warning of samples far outside, as the
            estimator's ``transform`` gives: compare the first column with 2, for example.

        Raises
        ------
        ValueError, TypeError
            As `transform` does; or when the file has no training samples: it is of an earlier version, or was written
            by ``save(novelty=False)``.
        """
        if "reference.rows" not in self._tensors:
            raise ValueError(
                "Expected a model that keeps some of its training samples. This one comes from a file without them, of "
                "an earlier version of drlim or saved with novelty=False, so that novelty is not known: fit it again."
            )
        samples = self._checked(X)
        positions = self._positions(samples).astype(np.float64)
        if not self._kept:  # two threads at once compute the same
            for name in ("rows", "places"):
                points = self._tensors[f"reference.{name}"].astype(np.float64)
                self._kept[name] = (points, _usual_distance(points))
        by_direction, found = bool(self._tensors["reference.numbers"][2]), np.empty((len(samples), 2))
        step = max(1, min(_LARGEST_BATCH, _BATCH_VALUES // math.prod(self.input_shape)))
        for start in range(0, len(samples), step):
            part = slice(start, start + step)
            points = _coordinates(samples[part], by_direction) - self._tensors["reference.centre"]  # (b, q)
            found[part, 0] = _to_nearest(points, *self._kept["rows"])
            found[part, 1] = _to_nearest(positions[part], *self._kept["places"])
        return found

    def _mapped(self, samples: Floats, which: int) -> Floats:
        """Return positions (0), shape (n, d), or the confidence (1), shape (n, 1), a batch at a time."""
        encoder = self._encoders.get(samples.dtype) or self._built(samples.dtype)
        size = min(_LARGEST_BATCH, max(1, _BATCH_VALUES // encoder.widest))
        with np.errstate(all="ignore"):  # an overflow is found in the result
            parts = [encoder(samples[start : start + size])[which] for start in range(0, len(samples), size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _built(self, dtype: np.dtype[np.floating[Any]]) -> _Encoder:
        """Return the encoder in a dtype, and keep it; two threads at once build the same one twice."""
        build = _place_encoder if self.estimator == "NeighborMap" else _paper_encoder
        self._encoders[dtype] = encoder = build(self._metadata, self._tensors, dtype.type)
        return encoder

    def _checked(self, X: ArrayLike) -> Floats:
        """Return what the map takes of what the user gives, or refuse it."""
        for step in self._before:
            X = _STEPS[step["kind"]](step, _columns(X, step))
        return self._checked_map(X)

    def _checked_map(self, X: ArrayLike) -> Floats:
        """Return samples in float32 or float64, or refuse them in the words of scikit-learn and `DrLIM`."""
        if type(X) is np.ndarray and X.dtype in (np.float32, np.float64) and X.shape[1:] == self.input_shape and len(X):
            samples: Floats = X
        else:
            samples = self._converted(X)
        low, high = float(samples.min()), float(samples.max())
        if not (low >= -_LARGEST_VALUE and high <= _LARGEST_VALUE):
            _refuse_not_finite(samples)
            raise ValueError(
                f"Expected 'X' to hold values up to {_LARGEST_VALUE:.0e} in size: rescale it. Got larger ones."
            )
        if self._of_distances and low < 0:
            raise ValueError(
                "Negative values in data passed to NeighborMap: with metric='precomputed', 'X' holds distances, which "
                f"are at least 0. Got {low:.3g}."
            )
        return samples

    def _converted(self, X: ArrayLike) -> Floats:
        """Return an array of floats of the shape of the samples, or refuse it."""
        samples = _as_floats(X)
        by = f" by {self.estimator}"
        if getattr(X, "ndim", 2) <= 2:  # a table, which scikit-learn reads
            self._check_names(X)
            _refuse_unless_table(samples, by)
            if samples.shape[1] != math.prod(self.input_shape):
                raise ValueError(
                    f"X has {samples.shape[1]} features, but {self.estimator} is expecting "
                    f"{math.prod(self.input_shape)} features as input."
                )
        else:
            _refuse_not_finite(samples)
            _refuse_few(samples, "")
            if not samples.size:
                raise ValueError(f"Found array with 0 value(s) a sample (shape={samples.shape}) in 'X'.")
        if samples.shape[1:] != self.input_shape:
            raise ValueError(
                f"Expected 'X' to hold samples of shape {self.input_shape}, as {self.estimator} was fitted on. "
                f"Got an array of shape {samples.shape} and dtype {samples.dtype}."
            )
        return samples

    def _check_names(self, X: object) -> None:
        """Refuse a data frame with other columns than the estimator was fitted on."""
        names = [*getattr(X, "columns", ())] if hasattr(X, "columns") else []
        if self._names is None or not names or not all(isinstance(name, str) for name in names):
            return
        if names != self._names:
            raise ValueError(_other_names(self._names, names))


def _other_names(wanted: list[str], found: list[str]) -> str:
    """Return scikit-learn's words for columns that differ."""
    lines = ["The feature names should match those that were passed during fit."]
    unexpected, missing = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    for title, names in (
        ("Feature names unseen at fit time:", unexpected),
        ("Feature names seen at fit time, yet now missing:", missing),
    ):
        if names:
            lines += [title, *(f"- {name}" for name in names[:5]), *["- ..."] * (len(names) > 5)]
    if not unexpected and not missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join([*lines, ""])


def _as_floats(X: Any) -> Floats:
    """Return an array-like as float32 where that is exact, else in its own float dtype or float64."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"Expected 'X' to hold no masked values. Got an array of shape {X.shape} and dtype {X.dtype}: fill the "
            "gaps, X.filled(...), or drop those samples."
        )
    if hasattr(X, "toarray"):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to a dense numpy "
            "array."
        )
    given = np.asarray(X)
    if given.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if getattr(X, "dtype", None) in _EXACT_IN_FLOAT32:
        return given.astype(np.float32)
    return given if given.dtype in (np.float32, np.float64) else np.asarray(X, dtype=np.float64)


def _refuse_not_finite(samples: Floats) -> None:
    if np.isnan(samples).any():
        raise ValueError("Input X contains NaN.")
    if np.isinf(samples).any():
        raise ValueError(f"Input X contains infinity or a value too large for {samples.dtype!r}.")


def _refuse_few(samples: Floats, by: str) -> None:
    if not len(samples):
        raise ValueError(f"Found array with 0 sample(s) (shape={samples.shape}) while a minimum of 1 is required{by}.")


def _refuse_unless_table(samples: Floats, by: str) -> None:
    """Refuse an array that is not of two dimensions, not finite or empty."""
    if samples.ndim < 2:
        kind = "scalar" if samples.ndim == 0 else "1D"
        raise ValueError(
            f"Expected 2D array, got {kind} array instead: Reshape your data either using array.reshape(-1, 1) if your "
            "data has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    if samples.ndim > 2:
        raise ValueError(f"Found array with dim {samples.ndim}, while dim <= 2 is required{by}.")
    _refuse_not_finite(samples)
    _refuse_few(samples, by)
    if not samples.shape[1]:
        raise ValueError(f"Found array with 0 feature(s) (shape={samples.shape}) while a minimum of 1 is required{by}.")


# Steps before a map: a Table makes numbers of columns as they come, a StandardScaler gives them one scale

_Record = Mapping[str, Any]
"""A step, or a column of a `Table`, as a file holds it."""

_Columns = Mapping[str, Any]
"""Columns by name: lists, or whatever NumPy makes an array of."""

_Array = NDArray[Any]

_Doubles = NDArray[np.float64]

_BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none", "nat", "<na>"})
"""Texts that stand for a blank among numbers and dates, in lower case."""

_DATE = re.compile(r"(\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?)?)(Z|[+-]\d{2}:?\d{2})?")
_DOTTED = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+|[+-]?\d{1,3}")
_DAY = 86_400_000_000
"""Microseconds of a day."""


def _columns(X: object, step: _Record) -> _Columns:
    """Return the columns of a step by name, or refuse samples that lack one."""
    names = _names_of(step)
    named = X if isinstance(X, Mapping) else _of_frame(X)
    if named is not None:
        missing = [name for name in _used(step, names) if name not in named]
        if missing:
            raise ValueError(
                f"'X' has no column {missing[0]!r}, which the training data had. There are {list(named)[:8]}."
            )
        return named
    rows: _Array = X if isinstance(X, np.ndarray) else np.array(X, dtype=object)
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ValueError(
            f"Expected 'X' to hold rows of {len(names)} columns, as the {step['kind']} was fitted on. Got an array of "
            f"shape {rows.shape}."
        )
    return {name: rows[:, place] for place, name in enumerate(names)}


def _names_of(step: _Record) -> list[str]:
    """Return the names of the columns of a step, x0, x1, ... where it was fitted on columns without names."""
    names: list[str] | None = step["feature_names"]
    return names or [f"x{place}" for place in range(step["n_features"])]


def _of_frame(X: Any) -> _Columns | None:
    """Return the columns of a data frame by name; None for anything else."""
    return {str(name): X[name] for name in X.columns} if hasattr(X, "columns") else None


def _used(step: _Record, names: list[str]) -> list[str]:
    if step["kind"] != "Table":
        return names
    return [column["name"] for column in step["learned"]["columns"] if column["kind"] != "left out"]


def _scaled_step(step: _Record, columns: _Columns) -> Floats:
    """Return what a StandardScaler makes of columns, shape (n, p)."""
    names = _names_of(step)
    made = np.column_stack([np.asarray(columns[name]) for name in names])  # (n, p)
    kind: _Kind = np.float32 if made.dtype == np.float32 else np.float64
    floats: Floats = made.astype(kind)
    mean, scale = step["learned"]["mean"], step["learned"]["scale"]
    if mean is not None and step["parameters"]["with_mean"]:
        floats -= np.array(mean)
    if scale is not None:
        floats /= np.array(scale)
    return floats


def _tabled_step(step: _Record, columns: _Columns) -> Floats:
    """Return what a Table makes of columns, float64 (n, q)."""
    used = [column for column in step["learned"]["columns"] if column["kind"] != "left out"]
    parts = [_applied(one, _values_of(columns[one["name"]]), step["parameters"]["fill"]) for one in used]
    lengths = sorted({len(part) for part in parts})
    if len(lengths) != 1:
        raise ValueError(f"Expected 'X' to hold columns of one length. Got {lengths}.")
    return np.concatenate(parts, axis=1)


_STEPS: dict[str, Callable[[_Record, _Columns], Floats]] = {"Table": _tabled_step, "StandardScaler": _scaled_step}
"""What makes numbers of columns, by the kind of step."""


class _Values(NamedTuple):
    """A column as numbers (NaN where blank; None where one is no number) and as texts (None where blank)."""

    numbers: _Doubles | None
    texts: list[str | None]
    is_date: bool = False


def _applied(column: _Record, values: _Values, fill: str) -> _Doubles:
    """Return what a column becomes, shape (n, number of outputs)."""
    if column["kind"] == "category":
        places = {level: place for place, level in enumerate(column["levels"])}
        found = np.array([places.get(text or "", -1) for text in values.texts], dtype=np.int64)  # (n,)
        ones: _Doubles = (found[:, None] == np.arange(len(places))).astype(np.float64)
        return ones
    numbers = _checked_numbers(column, values)
    blank = np.isnan(numbers)
    if fill == "refuse" and blank.any():
        row = int(np.argmax(blank))
        raise ValueError(f"Column {column['name']!r} is blank in row {row}: fill it in.")
    made: _Doubles = (np.where(blank, column["fill"], numbers) - column["center"]) / column["scale"]
    return made[:, None]  # (n, 1)


def _checked_numbers(column: _Record, values: _Values) -> _Doubles:
    """Return the numbers of a column, or refuse what was no number or no date before, and infinity."""
    numbers, is_date = values.numbers, column["kind"] == "date"
    if numbers is None or (values.is_date != is_date and not np.isnan(numbers).all()):
        held = "dates" if is_date else "numbers"
        raise ValueError(f"Column {column['name']!r} held {held} in the training data. Got something else: correct it.")
    if np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise ValueError(
            f"Column {column['name']!r} holds infinity in row {row}: replace such values, or leave them blank."
        )
    return numbers


def _values_of(column: Any) -> _Values:
    """Return the values of a column, as a `Table` reads them."""
    kind = str(getattr(column, "dtype", "")).lower()
    is_category = kind.startswith(("category", "categorical", "enum"))
    if is_category or isinstance(column, (list, tuple)):  # NumPy would make texts of numbers beside texts
        return _of_objects(list(column), as_texts=is_category)
    array = np.asarray(column, dtype="datetime64[us]") if kind.startswith("datetime64[") else np.asarray(column)
    if array.ndim != 1:
        raise ValueError("Expected each column of 'X' to hold one value a row.")
    if array.dtype.kind not in "mMbiuf":
        return _of_objects(array.tolist())
    numbers = _days(array) if array.dtype.kind in "mM" else array.astype(np.float64)
    texts = [None if number != number else f"{number:.15g}" for number in numbers.tolist()]
    return _Values(numbers, texts, array.dtype.kind == "M")


def _of_objects(given: list[Any], *, as_texts: bool = False) -> _Values:
    """Return texts and other objects, also as numbers or dates where all are such."""
    texts = [_text_of(value) or None for value in given]
    if as_texts:
        return _Values(None, texts)
    known = {row: text for row, text in enumerate(texts) if text is not None and text.lower() not in _BLANKS}
    numbers = np.full(len(texts), np.nan)
    for read, is_date in ((_numbers_of, False), (_dates_of, True)):
        try:
            numbers[list(known)] = read(list(known.values()))
        except ValueError:
            continue
        return _Values(numbers, texts, is_date)
    return _Values(None, texts)


def _numbers_of(texts: list[str]) -> list[float]:
    """Return texts as numbers, with a point, a decimal comma or commas between thousands."""
    if any("," in text for text in texts):
        if all(_THOUSANDS.fullmatch(text) for text in texts):
            texts = [text.replace(",", "") for text in texts]
        elif all(_DECIMAL_COMMA.fullmatch(text) for text in texts):
            texts = [text.replace(",", ".") for text in texts]
    return [float(text) for text in texts]


def _dates_of(texts: list[str]) -> _Doubles:
    """Return texts of dates as days since 1970."""
    return _days(np.array([_in_utc(text) for text in texts], dtype="datetime64[us]"))


def _in_utc(text: str) -> np.datetime64:
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        return np.datetime64(f"{dotted[3]}-{dotted[2]}-{dotted[1]}", "us")
    found = _DATE.fullmatch(text)
    if found is None or (found[2] is not None and ":" not in found[1]):
        raise ValueError("not a date")
    zone = (found[2] or "Z").replace(":", "")
    minutes = 0 if zone == "Z" else int(f"{zone[0]}1") * (60 * int(zone[1:3]) + int(zone[3:]))
    return np.datetime64(found[1], "us") - np.timedelta64(minutes, "m")


def _days(array: _Array) -> _Doubles:
    """Return dates as days since 1970, durations as days; NaN where there is none."""
    ticks = array.astype(f"{'datetime64' if array.dtype.kind == 'M' else 'timedelta64'}[us]")
    days: _Doubles = np.where(np.isnat(ticks), np.nan, ticks.astype(np.int64) / _DAY)
    return days


def _text_of(value: object) -> str | None:
    """Return a value as text, None for a blank."""
    if isinstance(value, str):
        return value.strip()
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return f"{float(value):.15g}" if isinstance(value, (int, float, np.number)) else str(value)


# Encoders


class _Encoder(NamedTuple):
    """A map: layers from samples (b, ...) to features (b, p), and a head that turns features into positions.

    ``widest`` is the number of values that one sample takes in the largest array on the way.
    """

    steps: list[_Step]
    widest: int
    head: Callable[[Floats, Floats], tuple[Floats, Floats]] | None = None

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        """Map (b, ...) to positions (b, d) and the confidence (b, 1); without a head, to positions twice."""
        features = x
        for step in self.steps:
            features = step(features)
        return (features, features) if self.head is None else self.head(x, features)


def _paper_encoder(metadata: Mapping[str, Any], tensors: _Tensors, dtype: _Kind) -> _Encoder:
    """Return the encoder of a `DrLIM` by its name."""
    architecture = metadata["architecture"]
    shape = architecture["input_shape"]
    first, scale = _standardized(tensors, "0.", dtype)
    in_margins = _in_margins(metadata["unit"], dtype) if "unit" in metadata else []
    if architecture["encoder"] == "convnet":
        convnet = _convnet(tensors, first, scale, shape, dtype)
        return convnet._replace(steps=convnet.steps + in_margins)
    activation = {"linear": _tanh, "two_layer": _tanh, "mlp": _rectified}[architecture["encoder"]]
    steps, widest = [_flat, first], math.prod(shape)
    numbers = _numbers(tensors, "1.")
    for number in numbers:
        layer = _outputs if number == numbers[-1] else _affine
        weight = _double(tensors, f"1.{number}.weight") / scale  # (n_out, n_in)
        steps += [layer(weight, _double(tensors, f"1.{number}.bias"), dtype), activation]
        scale, widest = 1.0, max(widest, len(weight))
    return _Encoder(steps[:-1] + in_margins, widest)


def _in_margins(unit: float, dtype: _Kind) -> list[_Step]:
    """Return the step from positions in margins to those of the map."""
    return [] if unit == 1 else [lambda x: x * dtype(unit)]


def _convnet(tensors: _Tensors, first: _Step, scale: float, shape: Sequence[int], dtype: _Kind) -> _Encoder:
    """Return the paper's network: C1, tanh, S2, C3, tanh, F4.

    S2 multiplies means of 3 x 3 values by a coefficient and adds a bias; both are folded into C3.
    """
    c1, c3 = _double(tensors, "1.1.weight") / scale, _double(tensors, "1.4.weight")  # (15, c, 6, 6), (30, 15, 9, 9)
    c3_bias = _double(tensors, "1.4.bias") + (c3 * _double(tensors, "1.3.bias")).sum(axis=(1, 2, 3))  # (30,)
    sides = [(side - 8) // 2 - 7 for side in shape[-2:]]
    steps = [
        first,
        _with_channels,
        _first_convolution(c1, _double(tensors, "1.1.bias"), 1, dtype),
        _tanh,
        _sums_of_3_by_3,
        _convolution(c3 * _double(tensors, "1.3.coefficient") / 9, c3_bias, 1, dtype),
        _tanh,
        _flat,
        _outputs(_channels_last(_double(tensors, "1.7.weight"), sides), _double(tensors, "1.7.bias"), dtype),
    ]
    return _Encoder(steps, math.prod(c1.shape[1:]) * (shape[-2] - 5) * (shape[-1] - 5))


def _place_encoder(metadata: Mapping[str, Any], tensors: _Tensors, dtype: _Kind) -> _Encoder:
    """Return the encoder of a `NeighborMap`: its trunk, the places of it, retrieved positions, and the mode of all."""
    places = metadata["places"]
    begin = "network.trunk." + "1." * places["unit_length"]
    steps, widest = _trunk(tensors, begin, metadata["architecture"]["input_shape"], dtype)
    logits = _affine(_double(tensors, "network.linear.weight"), _double(tensors, "network.linear.bias"), dtype)
    centres = [column.astype(dtype) for column in tensors["head.centres"].T]  # d times (K,)
    bandwidth = dtype(tensors["head.bandwidth"])
    sources = [
        (dtype(source["share"]), source["by"] == "features", *_source(source, number, tensors, dtype))
        for number, source in enumerate(places["sources"])
    ]
    own = dtype(1 - sum(source["share"] for source in places["sources"]))

    def head(x: Floats, features: Floats) -> tuple[Floats, Floats]:
        near, mass = _nearest_places(_softmax(logits(features)), centres)  # d times (b, m), (b, m)
        mass *= own
        for share, of_features, reduced, retrieved in sources:
            found, share_of = retrieved(reduced(_directions(features) if of_features else x))
            near = [np.concatenate(both, axis=1) for both in zip(near, found, strict=True)]  # d times (b, m)
            mass = np.concatenate([mass, share * share_of], axis=1)  # (b, m)
        return _located(near, mass, bandwidth, places["n_steps"])

    stored = [len(tensors[f"retrievals.{number}.stored"]) for number in range(len(sources))]
    n_candidates = _NEAREST_PLACES + sum(source["n_neighbors"] for source in places["sources"])
    widest = max(widest, len(centres[0]), n_candidates**2, *stored)
    return _Encoder([_unit_length] * places["unit_length"] + steps, widest, head)


def _trunk(tensors: _Tensors, begin: str, input_shape: Sequence[int], dtype: _Kind) -> tuple[list[_Step], int]:
    """Return the layers of the built-in trunk, and the values of a sample in the largest array.

    Each layer is linear, then normalised, then SiLU. Images have convolutions first.
    """
    first, scale = _standardized(tensors, f"{begin}0.", dtype)
    layers = [_normalized(tensors, begin, number) for number in _numbers(tensors, begin)]
    layers[0] = (layers[0][0] / scale, layers[0][1])
    images = [layer for layer in layers if layer[0].ndim == 4]
    dense = layers[len(images) :]
    steps, widest = [first], max(math.prod(input_shape), *(len(weight) for weight, _ in dense))
    if images:
        convolutions, size, sides = _convolutions(images, input_shape[-2:], dtype)
        steps, widest = steps + convolutions, max(widest, size)
        dense[0] = (_channels_last(dense[0][0], sides), dense[0][1])
    steps.append(_flat)
    for weight, bias in dense:
        steps += [_affine(weight, bias, dtype), _silu]
    return steps, widest


def _convolutions(
    layers: Sequence[_Weights], sides: Sequence[int], dtype: _Kind
) -> tuple[list[_Step], int, Sequence[int]]:
    """Return convolutions and the sides of their results.

    They have stride 2 where images have more than 6 values a side; the first has stride 4 where they have more than 64.
    """
    steps: list[_Step] = [_with_channels]
    widest = 0
    for place, (weight, bias) in enumerate(layers):
        stride = 1 if min(sides) <= 6 else 4 if min(sides) > 64 and not place else 2
        sides = [(side - 1) // stride + 1 for side in sides]
        convolution = _convolution if place else _first_convolution
        steps += [_padded(weight.shape[-1] // 2, 1 if place else 2), convolution(weight, bias, stride, dtype), _silu]
        widest = max(widest, math.prod(weight.shape[1:]) * math.prod(sides))
    return steps, widest, sides


def _source(source: Mapping[str, Any], number: int, tensors: _Tensors, dtype: _Kind) -> tuple[_Step, _Search]:
    """Return the step to what a retrieval searches by, and the retrieval."""
    begin = f"reductions.{number}." + "1." * source["unit_length"]
    retrieved = _retrieval(tensors, f"retrievals.{number}.", source["n_neighbors"], dtype)
    if source["by"] == "features" and f"{begin}mean" not in tensors:  # the first files of format 2
        return lambda features: features, retrieved
    mean, axes = tensors[f"{begin}mean"].astype(dtype), tensors[f"{begin}axes"].astype(dtype)  # (D,), (p, D)

    def reduced(x: Floats) -> Floats:
        for _ in range(source["unit_length"]):
            x = _unit_length(x)
        return (x.reshape(len(x), -1) - mean) @ axes.T  # (b, p)

    return reduced, retrieved


# Layers


def _double(tensors: _Tensors, name: str) -> NDArray[np.float64]:
    return tensors[name].astype(np.float64)


def _numbers(tensors: _Tensors, begin: str) -> list[int]:
    """Return the numbers of the layers with weights that are no normalisations."""
    names = [name.removeprefix(begin).split(".") for name in tensors if name.startswith(begin)]
    found = {int(name[0]) for name in names if len(name) == 2 and name[1] == "weight"}
    return sorted(number for number in found if f"{begin}{number}.running_mean" not in tensors)


def _standardized(tensors: _Tensors, begin: str, dtype: _Kind) -> tuple[_Step, float]:
    """Return the step that subtracts the offset, and the scale by which the next weights are to be divided."""
    offset, scale = tensors[f"{begin}offset"].astype(dtype), float(tensors[f"{begin}scale"])
    if 1e-15 < scale < 1e15:  # beyond, the weights would leave the range of float32
        return lambda x: np.subtract(x, offset, order="C"), scale
    return lambda x: np.subtract(x, offset, order="C") / dtype(scale), 1.0


def _normalized(tensors: _Tensors, begin: str, number: int) -> _Weights:
    """Return weight and bias of a layer with the normalisation that follows it."""
    weight, after = _double(tensors, f"{begin}{number}.weight"), f"{begin}{number + 1}."
    bias = tensors.get(f"{begin}{number}.bias", np.zeros(len(weight)))
    factor = _double(tensors, f"{after}weight") / np.sqrt(_double(tensors, f"{after}running_var") + 1e-5)
    bias = (bias - _double(tensors, f"{after}running_mean")) * factor + tensors[f"{after}bias"]
    return weight * factor.reshape(-1, *[1] * (weight.ndim - 1)), bias


def _channels_last(weight: NDArray[np.float64], sides: Sequence[int]) -> NDArray[np.float64]:
    """Reorder the columns of a dense layer after convolutions from (channels, h, w) to (h, w, channels)."""
    return weight.reshape(len(weight), -1, *sides).transpose(0, 2, 3, 1).reshape(len(weight), -1)


def _affine(weight: NDArray[np.float64], bias: NDArray[np.float64], dtype: _Kind) -> _Step:
    """Return a dense layer."""
    columns, added = np.ascontiguousarray(weight.T, dtype=dtype), bias.astype(dtype)  # (n_in, n_out)

    def step(x: Floats) -> Floats:
        y: Floats = x @ columns  # (b, n_out)
        y += added
        return y

    return step


def _outputs(weight: NDArray[np.float64], bias: NDArray[np.float64], dtype: _Kind) -> _Step:
    """Return the dense layer of the positions. Summed in float64: in float32 it makes most of the error of a map."""
    columns = np.ascontiguousarray(weight.T)  # (n_in, d)
    return lambda x: (x.astype(np.float64) @ columns + bias).astype(dtype)  # (b, d)


def _flat(x: Floats) -> Floats:
    return x.reshape(len(x), -1)  # (b, p)


def _with_channels(x: Floats) -> Floats:
    """Give grey images their one channel: (b, H, W) to (b, 1, H, W)."""
    return x if x.ndim == 4 else x[:, None]


def _tanh(x: Floats) -> Floats:
    return np.tanh(x, out=x)


def _rectified(x: Floats) -> Floats:
    return np.maximum(x, 0, out=x)


def _silu(x: Floats) -> Floats:
    divisor = np.negative(x)
    np.exp(divisor, out=divisor)
    divisor += 1
    x /= divisor
    return x


def _padded(width: int, axis: int) -> _Step:
    """Return the step that puts zeros around images whose rows and columns are the axes ``axis`` and ``axis + 1``."""
    inner = (slice(None),) * axis + (slice(width, -width),) * 2

    def step(x: Floats) -> Floats:
        shape = [side + 2 * width * (axis <= place <= axis + 1) for place, side in enumerate(x.shape)]
        padded = np.zeros(shape, x.dtype)
        padded[inner] = x
        return padded

    return step


def _first_convolution(weight: NDArray[np.float64], bias: NDArray[np.float64], stride: int, dtype: _Kind) -> _Step:
    """Return the convolution of images with the channels first, whose results have them last.

    Planes of pixels are copied, one for each weight: with one or a few channels the rows of a window are short.
    """
    maps, channels, size, _ = weight.shape
    columns, added = np.ascontiguousarray(weight.reshape(maps, -1).T, dtype=dtype), bias.astype(dtype)  # (c k k, maps)

    def step(x: Floats) -> Floats:
        b, _, height, width = x.shape
        h, w = (height - size) // stride + 1, (width - size) // stride + 1
        s = x.strides
        windows = _view(x, (b, channels, size, size, h, w), (s[0], s[1], s[2], s[3], s[2] * stride, s[3] * stride))
        y: Floats = windows.reshape(b, -1, h * w).transpose(0, 2, 1) @ columns  # (b, h w, maps)
        y += added
        return y.reshape(b, h, w, maps)

    return step


def _convolution(weight: NDArray[np.float64], bias: NDArray[np.float64], stride: int, dtype: _Kind) -> _Step:
    """Return the convolution of images with the channels last."""
    maps, channels, size, _ = weight.shape
    columns = np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, maps), dtype=dtype)  # (k k c, maps)
    added = bias.astype(dtype)

    def step(x: Floats) -> Floats:
        b, height, width, _ = x.shape
        h, w = (height - size) // stride + 1, (width - size) // stride + 1
        s = x.strides
        windows = _view(x, (b, h, w, size, size * channels), (s[0], s[1] * stride, s[2] * stride, s[1], s[3]))
        y: Floats = windows.reshape(b * h * w, -1) @ columns  # (b h w, maps)
        y += added
        return y.reshape(b, h, w, maps)

    return step


def _view(x: Floats, shape: tuple[int, ...], strides: tuple[int, ...]) -> Floats:
    """Return overlapping windows of an array; `numpy.lib.stride_tricks` takes ten times as long to make the view."""
    windows: Floats = np.ndarray(shape, x.dtype, x, strides=strides)  # refuses an x that is not contiguous
    return windows


def _sums_of_3_by_3(x: Floats) -> Floats:
    """Sum squares of 3 x 3 values, every second one: (b, h, w, c) to (b, (h - 1) // 2, (w - 1) // 2, c)."""
    rows, columns = ((side - 3) // 2 * 2 + 1 for side in x.shape[1:3])
    down = x[:, 0:rows:2] + x[:, 1 : rows + 1 : 2]
    down += x[:, 2 : rows + 2 : 2]  # (b, h', w, c)
    across = down[:, :, 0:columns:2] + down[:, :, 1 : columns + 1 : 2]
    across += down[:, :, 2 : columns + 2 : 2]  # (b, h', w', c)
    return across


def _unit_length(x: Floats) -> Floats:
    """Scale each sample to length 1, as one vector of all its values; one of zeros stays so."""
    flat = x.reshape(len(x), -1)  # (b, p)
    largest = np.abs(flat).max(axis=1, keepdims=True)  # (b, 1) divided by first, so that squares stay finite
    return _directions(flat / np.where(largest > 0, largest, 1)).reshape(x.shape)  # (b, ...)


def _directions(features: Floats) -> Floats:
    """Return h / |h|, (b, p)."""
    length = np.sqrt(np.einsum("ij,ij->i", features, features))  # (b,)
    unit: Floats = features / np.maximum(length, 1e-12, dtype=features.dtype)[:, None]
    return unit


def _softmax(logits: Floats) -> Floats:
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits


def _retrieval(tensors: _Tensors, begin: str, n_neighbors: int, dtype: _Kind) -> _Search:
    """Return the search from features (b, p) to the positions of the nearest stored samples and their shares."""
    stored, half_squares = tensors[f"{begin}stored"].astype(dtype), tensors[f"{begin}half_squares"].astype(dtype)
    positions = [column.astype(dtype) for column in tensors[f"{begin}positions"].T]  # d times (n,)
    least = np.finfo(dtype).tiny

    def search(features: Floats) -> tuple[list[Floats], Floats]:
        distance = features @ stored.T  # (b, n)
        np.subtract(half_squares, distance, out=distance)  # |x - s|^2 / 2 less |x|^2 / 2, the same for all stored s
        nearest = distance.argpartition(n_neighbors - 1, axis=1)[:, :n_neighbors]  # (b, k)
        away = stored[nearest] - features[:, None]  # (b, k, p)
        away /= np.maximum(np.abs(away).max(axis=(1, 2), keepdims=True), least)
        squares = np.einsum("bkp,bkp->bk", away, away)  # (b, k)
        unit = np.sort(squares, axis=1)[:, min(_SCALE, n_neighbors) - 1, None]  # (b, 1)
        weight = 1 / (squares / np.maximum(unit, least) + dtype(_SOFTENING))  # (b, k)
        return [column[nearest] for column in positions], weight / weight.sum(axis=1, keepdims=True)  # (b, k) each

    return search


def _nearest_places(probabilities: Floats, centres: list[Floats]) -> tuple[list[Floats], Floats]:
    """Return the most probable places by P (b, K), d times (b, m), and their probabilities, (b, m)."""
    n_places = probabilities.shape[1]
    m = min(_NEAREST_PLACES, n_places)
    index = np.argpartition(probabilities, n_places - m, axis=1)[:, n_places - m :]  # (b, m)
    mass = np.take_along_axis(probabilities, index, axis=1)  # (b, m)
    order = np.argsort(-mass, axis=1, kind="stable")  # of two equal modes, that of the most probable place
    index, mass = np.take_along_axis(index, order, axis=1), np.take_along_axis(mass, order, axis=1)  # (b, m)
    return [column[index] for column in centres], mass


def _located(near: list[Floats], mass: Floats, bandwidth: np.floating[Any], n_steps: int) -> tuple[Floats, Floats]:
    """Return the mode of candidates, d times (b, m), under a Cauchy kernel, (b, d), and the share about it, (b, 1)."""
    between = _kernel([c[:, :, None] for c in near], [c[:, None] for c in near], bandwidth)  # (b, m, m)
    first = (between @ mass[:, :, None])[:, :, 0].argmax(axis=1)[:, None]  # (b, 1)
    z = [np.take_along_axis(c, first, axis=1) for c in near]  # d times (b, 1)
    for _ in range(n_steps):
        weight = mass * np.square(_kernel(z, near, bandwidth))  # (b, m)
        weight /= weight.sum(axis=1, keepdims=True)
        z = [(weight * c).sum(axis=1, keepdims=True) for c in near]  # d times (b, 1)
    height = (mass * _kernel(z, near, bandwidth)).sum(axis=1, keepdims=True)  # (b, 1)
    return np.concatenate(z, axis=1), height  # (b, d), (b, 1)


def _kernel(some: list[Floats], others: list[Floats], bandwidth: np.floating[Any]) -> Floats:
    """Return 1 / (1 + D^2 / b^2) of points whose coordinates stand in lists, one array each."""
    squares = np.square(some[0] - others[0])
    for place in range(1, len(some)):
        squares += np.square(some[place] - others[place])
    squares /= bandwidth * bandwidth
    squares += 1
    return np.reciprocal(squares, out=squares)


# Novelty


def _usual_distance(points: NDArray[np.float64]) -> float:
    """Return the median distance of a point to the nearest other one that is not identical; 1 where all are."""
    distinct = np.unique(points, axis=0)  # (u, q)
    if len(distinct) < 2:
        return 1.0
    closeness = 2.0 * (distinct @ distinct.T) - np.square(distinct).sum(axis=1)  # (u, u)
    np.fill_diagonal(closeness, -np.inf)
    return float(np.median(np.linalg.norm(distinct - distinct[closeness.argmax(axis=1)], axis=1)))


def _to_nearest(points: NDArray[np.float64], kept: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Return the distance of each of b points to the nearest of those kept, in a unit, (b,)."""
    nearest = (np.square(kept).sum(axis=1) - 2.0 * (points @ kept.T)).argmin(axis=1)  # (b,)
    distance: NDArray[np.float64] = np.linalg.norm(points - kept[nearest], axis=1) / unit  # (b,)
    return distance


def _coordinates(samples: Floats, by_direction: bool) -> NDArray[np.float64]:
    """Return samples of up to 128 values, and 128 sums of longer ones: see `drlim.estimators.sketches`; (b, q)."""
    flat = (_unit_length(samples) if by_direction else samples).reshape(len(samples), -1)  # (b, p)
    width = flat.shape[1]
    if width <= _SUMS:
        return flat.astype(np.float64)
    order, sign = _drawn(width)
    padded = np.zeros((len(flat), -(-width // _SUMS) * _SUMS))
    np.multiply(flat[:, order], sign, out=padded[:, :width])
    sums: NDArray[np.float64] = padded.reshape(len(flat), -1, _SUMS).sum(axis=1)  # (b, q)
    return sums


@lru_cache(maxsize=4)
def _drawn(n_values: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the order in which values go into the sums in turn, and their signs."""
    draw = np.random.RandomState(0)
    order, sign = draw.permutation(n_values), draw.randint(0, 2, n_values)
    return order, (2 * sign - 1).astype(np.float64)


# The file


def _unusable(path: str | os.PathLike[str], cause: str) -> ModelFileError:
    """Return the error that names the file and the cause, in at most 600 characters."""
    name = os.fspath(path)
    message = f"{name if len(name) <= 200 else '...' + name[-200:]}: {cause}"
    return ModelFileError(message if len(message) <= 600 else f"{message[:597]}...")


def _read(path: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return metadata and the encoder's tensors of a file whose checksum is found right."""
    if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait for ever
        raise _unusable(path, "is no model file of drlim but a folder or a device.")
    if path.lower().endswith(".onnx") and os.path.exists(path):
        raise _unusable(
            path,
            "is no model file of drlim but an ONNX file by its name. Run it by onnxruntime (pip install onnxruntime): "
            "onnxruntime.InferenceSession(path).run(None, {'X': X}).",
        )
    with open(path, "rb") as file:
        start, text, entries = _read_header(path, file)
        content = start + file.read()
    _check_seal(path, content, len(start))
    try:
        metadata = json.loads(text, object_pairs_hook=_without_repeats, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"is damaged: its metadata is not JSON as drlim writes it ({error}).") from None
    _check_kind(path, metadata)
    try:
        _check_own(path, metadata["architecture"])
        return metadata, _tensors(content, len(start), entries)
    except ModelFileError:
        raise
    except (LookupError, ValueError, TypeError) as error:
        raise _unusable(path, f"is damaged: {error}.") from None


def _check_kind(path: str, metadata: object) -> None:
    """Refuse metadata of a graph, of a newer format, or of nothing known."""
    if not isinstance(metadata, dict):
        raise _unusable(path, "is damaged: its metadata is no JSON object.")
    if "graph_format" in metadata:
        raise _unusable(path, "is a graph's file and no model's. Read it by NeighborhoodGraph.load(path).")
    version = metadata.get("format_version")
    if type(version) is int and version > _NEWEST_FORMAT:
        writer = str(metadata.get("drlim_version"))[:40]
        raise _unusable(
            path,
            f"is of format {version}, written by drlim {writer}; this drlim reads formats up to {_NEWEST_FORMAT}. "
            "Install a newer drlim.",
        )
    if version == _SPACE_FORMAT:
        raise _unusable(path, "holds a map on a curved space, which needs torch: read it by drlim.load(path).")


def _check_own(path: str, architecture: Mapping[str, Any]) -> None:
    """Refuse an encoder that is a module of the user's own."""
    if architecture["encoder"] is None:
        raise _unusable(
            path,
            f"was saved with an encoder of your own (a {architecture['class'][:60]}), and no code is in a model file. "
            'Export it where torch is installed, drlim.export(estimator, "map.onnx"), and run that file by '
            "onnxruntime.",
        )


class _Entry(NamedTuple):
    """Where a tensor stands in a file, after the header."""

    dtype: str
    shape: list[int]
    begin: int
    end: int


def _entry(described: Mapping[str, Any]) -> _Entry:
    begin, end = _whole_numbers(described["data_offsets"])
    return _Entry(described.get("dtype", ""), _whole_numbers(described["shape"]), begin, end)


def _read_header(path: str, file: BinaryIO) -> tuple[bytes, str, dict[str, _Entry]]:
    """Return the bytes before the tensors, the metadata's text and the tensors' entries; refuse other files."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= _LARGEST_HEADER:
        raise _unusable(path, "is no model file of drlim: it does not begin like a safetensors file.")
    if size < 8 + length:
        raise _unusable(path, f"is cut short, or no model file of drlim: {size} bytes cannot hold its header.")
    start += file.read(length)
    try:
        header = json.loads(start[8:], object_pairs_hook=_without_repeats)
        text = _only_text(header.pop("__metadata__"))
        entries = {name: _entry(described) for name, described in header.items()}
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise _unusable(path, "is no model file of drlim, or its header is damaged.") from None
    end = 8 + length + max((entry.end for entry in entries.values()), default=0)
    if size != end:
        raise _unusable(path, f"is cut short or damaged: it has {size} bytes, its header says {end}.")
    return start, text, entries


def _check_seal(path: str, content: bytes, header_end: int) -> None:
    """Refuse a file whose checksum is missing or wrong: the SHA-256 of the file with zeros for its digits."""
    import hashlib  # half as long to import as the rest of this module

    places = [match.start(1) + 8 for match in _SEAL.finditer(content[8:header_end])]
    if len(places) != 1:
        raise _unusable(path, "is no model file of drlim, or its checksum is damaged.")
    digest = hashlib.sha256(content[: places[0]])
    digest.update(b"0" * 64)
    digest.update(memoryview(content)[places[0] + 64 :])
    if digest.hexdigest().encode() != content[places[0] : places[0] + 64]:
        raise _unusable(path, "is damaged: its checksum does not match its content. Save the model again.")


def _tensors(content: bytes, start: int, entries: Mapping[str, _Entry]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the encoder by their names in it, and what novelty needs; refuse what is not finite."""
    tensors = {}
    for name, entry in entries.items():
        if not name.startswith(("encoder.", "reference.")):
            continue
        dtype = np.dtype(_DTYPES[entry.dtype])
        if entry.end - entry.begin != math.prod(entry.shape) * dtype.itemsize:
            raise ValueError(f"{name[:60]!r} in it is of another size than its shape")
        stored = np.frombuffer(content, dtype, math.prod(entry.shape), start + entry.begin)
        array = stored.reshape(entry.shape).astype(dtype.newbyteorder("="))  # a copy, aligned
        if not np.isfinite(array).all():
            raise ValueError(f"{name[:60]!r} in it is not finite")
        tensors[name.removeprefix("encoder.")] = array
    return tensors


def _only_text(entries: dict[str, Any]) -> str:
    """Return the metadata's text, or refuse other metadata."""
    if list(entries) != [_KEY] or type(entries[_KEY]) is not str:
        raise ValueError("other metadata than drlim's")
    return str(entries[_KEY])


def _whole_numbers(values: Any) -> list[int]:
    """Return a list of integers of at least 0, or refuse what is none."""
    if type(values) is not list or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError("not a list of whole numbers")
    return values


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build a JSON object, or refuse one with two equal keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _finite(text: str) -> float:
    """Return a number, or refuse NaN, Infinity and 1e999, which Python's JSON reader accepts."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} in it is not finite")
    return number
