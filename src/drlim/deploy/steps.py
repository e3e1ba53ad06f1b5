"""Steps of scikit-learn before a map, as torch modules that are exported along with it.

Each computes in float64, as scikit-learn does for samples of float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.arrays import Index

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

__all__ = ["steps_module"]


def steps_module(pipeline: Pipeline) -> nn.Module:
    """Return the steps of a fitted pipeline but for its last one.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline

    Returns
    -------
    torch.nn.Module
        Maps (n, p) in float64 to (n, q).

    Raises
    ------
    TypeError
        When there is no way to export a step, or an option of it.
    """
    return nn.Sequential(*(_module(step) for _, step in pipeline.steps[:-1]))


def _module(step: object) -> nn.Module:
    """Return one step, or refuse it."""
    if step is None or step == "passthrough":
        return nn.Identity()
    for kind, build in _builders().items():
        if type(step) is kind:
            return build(step)
    if hasattr(step, "get_support"):
        return _Columns(np.flatnonzero(step.get_support()))
    known = ", ".join(kind.__name__ for kind in _builders())
    raise TypeError(
        f"Expected steps before the map that can be exported: {known} and selections of columns. Got "
        f"{type(step).__name__}: apply it before, and export the rest of the pipeline, such as pipeline[-1]."
    )


def _builders() -> dict[type, Callable[[Any], nn.Module]]:
    """Return what builds each kind of step. scikit-learn's modules take a second to import."""
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA, TruncatedSVD
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import (
        FunctionTransformer,
        MaxAbsScaler,
        MinMaxScaler,
        Normalizer,
        OneHotEncoder,
        RobustScaler,
        StandardScaler,
    )

    from drlim.deploy.tabled import Tabled
    from drlim.tables import Table

    return {
        Table: Tabled,
        StandardScaler: lambda step: _Scaled(step.mean_ if step.with_mean else None, step.scale_),
        MinMaxScaler: _min_max,
        MaxAbsScaler: lambda step: _Scaled(None, step.scale_, (-1.0, 1.0) if getattr(step, "clip", False) else None),
        RobustScaler: lambda step: _Scaled(step.center_, step.scale_),
        Normalizer: lambda step: _Normalized({"l1": 1.0, "l2": 2.0, "max": torch.inf}[step.norm]),
        PCA: _pca,
        TruncatedSVD: lambda step: _Projected(step.components_, np.zeros(len(step.components_))),
        SimpleImputer: _imputer,
        OneHotEncoder: _one_hot,
        ColumnTransformer: _column_transformer,
        FunctionTransformer: _function,
        Pipeline: lambda step: nn.Sequential(*(_module(inner) for _, inner in step.steps)),
    }


def _constant(values: ArrayLike) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))


class _Scaled(nn.Module):
    """(x - offset) / scale, cut to a range."""

    offset: Tensor
    scale: Tensor

    def __init__(
        self, offset: ArrayLike | None, scale: ArrayLike | None, bounds: tuple[float, float] | None = None
    ) -> None:
        super().__init__()
        self.bounds = bounds
        self.register_buffer("offset", _constant(0.0 if offset is None else offset))  # (p,)
        self.register_buffer("scale", _constant(1.0 if scale is None else scale))  # (p,)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, p)."""
        x = (x - self.offset) / self.scale
        return x if self.bounds is None else x.clamp(*self.bounds)


def _min_max(step: Any) -> nn.Module:
    low, high = step.feature_range
    bounds = (float(low), float(high)) if step.clip else None
    return _Scaled(-step.min_ / step.scale_, 1 / step.scale_, bounds)


class _Normalized(nn.Module):
    """Rows divided by their norm; those of zeros stay so."""

    def __init__(self, order: float) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, p)."""
        norm = torch.linalg.vector_norm(x, ord=self.order, dim=1, keepdim=True)  # (n, 1)
        return x / torch.where(norm == 0, torch.ones_like(norm), norm)


class _Projected(nn.Module):
    """A x - shift, A of shape (q, p)."""

    axes: Tensor
    shift: Tensor

    def __init__(self, axes: ArrayLike, shift: ArrayLike) -> None:
        super().__init__()
        self.register_buffer("axes", _constant(axes))
        self.register_buffer("shift", _constant(shift))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, q)."""
        return x @ self.axes.T - self.shift


def _pca(step: Any) -> nn.Module:
    axes = np.asarray(step.components_, dtype=np.float64)  # (q, p)
    if step.whiten:
        axes = (
            axes / np.sqrt(np.maximum(step.explained_variance_, np.finfo(step.explained_variance_.dtype).eps))[:, None]
        )
    return _Projected(axes, axes @ np.asarray(step.mean_, dtype=np.float64))


class _Imputed(nn.Module):
    """A value for each column in place of NaN."""

    values: Tensor

    def __init__(self, values: ArrayLike) -> None:
        super().__init__()
        self.register_buffer("values", _constant(values))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, p)."""
        return torch.where(torch.isnan(x), self.values, x)


def _imputer(step: Any) -> nn.Module:
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise _refused(step, "another missing value than NaN")
    try:
        values = np.asarray(step.statistics_).astype(np.float64)  # (p,)
    except ValueError:  # words
        values = np.full(1, np.nan)
    if step.add_indicator or np.isnan(values).any():
        raise _refused(step, "indicators of missing values, words, or columns without any value")
    return _Imputed(values)


class _OneHot(nn.Module):
    """Columns of codes as columns of 0 and 1, one for each category."""

    def __init__(self, categories: Sequence[ArrayLike]) -> None:
        super().__init__()
        for place, values in enumerate(categories):
            self.register_buffer(f"values{place}", _constant(values))
        self.n_columns = len(categories)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, q)."""
        columns = [(x[:, place, None] == self.get_buffer(f"values{place}")).to(x) for place in range(self.n_columns)]
        return torch.cat(columns, dim=1)  # (n, q)


def _one_hot(step: Any) -> nn.Module:
    if any(values.dtype.kind not in "fiub" for values in step.categories_):
        raise _refused(step, "categories that are no numbers")
    if any(values is not None for values in getattr(step, "infrequent_categories_", [])):
        raise _refused(step, "infrequent categories in one column")
    dropped = [None] * len(step.categories_) if step.drop_idx_ is None else step.drop_idx_
    pairs = zip(step.categories_, dropped, strict=True)
    return _OneHot([values if drop is None else np.delete(values, int(drop)) for values, drop in pairs])


class _Columns(nn.Module):
    """Chosen columns, in the order given."""

    columns: Tensor

    def __init__(self, columns: Index) -> None:
        super().__init__()
        self.register_buffer("columns", torch.from_numpy(np.array(columns, dtype=np.int64)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, q)."""
        return x.index_select(1, self.columns)


class _SideBySide(nn.Module):
    """What several modules make of the same rows."""

    def __init__(self, parts: Iterable[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, p) to (n, q)."""
        return torch.cat([part(x) for part in self.parts], dim=1)  # (n, q)


def _function(step: Any) -> nn.Module:
    """Return the step that changes nothing, as a ColumnTransformer passes columns through."""
    if step.func is not None:
        raise _refused(step, "a function")
    return nn.Identity()


def _column_transformer(step: Any) -> nn.Module:
    if step.transformer_weights:
        raise _refused(step, "weights of its parts")
    names = [*getattr(step, "feature_names_in_", [])]
    parts = []
    for _, inner, columns in step.transformers_:
        places = _places(columns, names, step.n_features_in_)
        if len(places) and not (isinstance(inner, str) and inner == "drop"):
            parts.append(nn.Sequential(_Columns(places), _module(inner)))
    return _SideBySide(parts)


def _places(columns: Any, names: list[str], n_columns: int) -> Index:
    """Return the numbers of columns that a ColumnTransformer names by numbers, names, slices or a mask."""
    if isinstance(columns, str | int):  # one column, as a list of numbers or words
        columns = [columns]
    if isinstance(columns, slice):
        ends = [names.index(end) if isinstance(end, str) else end for end in (columns.start, columns.stop)]
        last = ends[1] + 1 if isinstance(columns.stop, str) else ends[1]  # by name, the last one counts
        return np.arange(n_columns)[slice(ends[0], last, columns.step)]
    if len(columns) and isinstance(columns[0], str):
        return np.array([names.index(name) for name in columns])
    return np.arange(n_columns)[np.asarray(columns)] if len(columns) else np.zeros(0, dtype=np.int64)


def _refused(step: BaseEstimator, what: str) -> TypeError:
    return TypeError(
        f"Expected steps before the map that can be exported. Got a {type(step).__name__} with {what}: apply it "
        "before, and export the rest of the pipeline, such as pipeline[-1]."
    )
