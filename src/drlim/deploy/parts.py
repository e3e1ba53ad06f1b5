"""What is exported: a map, the steps of a pipeline before it, and rows to trace and to verify them on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.checks import check_points, short_repr
from drlim._base.torch import Rows
from drlim.deploy.steps import steps_module
from drlim.deploy.tabled import coded, coded_columns, decoded
from drlim.deploy.verifying import rows_like, rows_of_encoder
from drlim.encoders.embedding import embed_rows
from drlim.encoders.place_encoder import PlaceEncoder

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.estimators import DrLIM, NeighborMap
    from drlim.tables import Table

__all__ = ["Parts", "Whole", "checked_parts", "encoder_of", "places", "rows_to_map", "samples_of"]


class Parts(NamedTuple):
    """What is exported: the map, the steps before it, and the shape of a sample."""

    estimator: DrLIM | NeighborMap
    pipeline: Pipeline | None
    shape: tuple[int, ...]

    @property
    def table(self) -> Table | None:
        """The table that begins the pipeline, if one does."""
        from drlim.tables import Table

        first = None if self.pipeline is None else self.pipeline.steps[0][1]
        return first if isinstance(first, Table) else None


def checked_parts(model: object) -> Parts:
    """Return what is to be exported, or refuse it."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    from drlim.estimators import DrLIM, NeighborMap
    from drlim.tables import Table

    last = model.steps[-1][1] if isinstance(model, Pipeline) and model.steps else model
    if not isinstance(last, DrLIM | NeighborMap):
        raise TypeError(
            "The 'model' parameter of export must be a DrLIM, a NeighborMap, or a pipeline that ends with one. Got "
            f"{short_repr(model)} instead."
        )
    check_is_fitted(last)
    space = getattr(last, "space_", None)
    if space is not None and not space.is_flat:
        raise ValueError(
            f"A map on {space} is not exported: its last layer has no form in such files. Fit it with "
            "space='euclidean', or serve it by torch, as drlim.load gives it."
        )
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        first = model.steps[0][1]
        n_columns = len(coded_columns(first)) if isinstance(first, Table) else model.n_features_in_
        return Parts(last, model, (n_columns,))
    return Parts(last, None, last.input_shape_)


def encoder_of(parts: Parts) -> nn.Module:
    """Return a copy of the encoder, on the CPU and in evaluation mode."""
    encoder: nn.Module = copy.deepcopy(parts.estimator.encoder_).cpu().float().eval()
    return encoder


class Whole(nn.Module):
    """Steps before a map, and the map: positions (n, d), and of a `NeighborMap` the confidence (n,).

    Parameters
    ----------
    parts : Parts
    encoder : torch.nn.Module

    Attributes
    ----------
    outputs : list of str
        Names.
    """

    def __init__(self, parts: Parts, encoder: nn.Module) -> None:
        super().__init__()
        self.steps = None if parts.pipeline is None else steps_module(parts.pipeline)
        self.encoder = encoder
        self.outputs = ["Z", "confidence"] if isinstance(encoder, PlaceEncoder) else ["Z"]

    def forward(self, X: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Map (n, ...) to the outputs."""
        return _outputs(self.encoder, X if self.steps is None else self.steps(X.double()).to(X.dtype))


def _outputs(encoder: nn.Module, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    if isinstance(encoder, PlaceEncoder):
        return encoder.head.locate(encoder.candidates(x))
    positions: Tensor = encoder(x)
    return positions


class _SideBySide(nn.Module):
    """The outputs of an encoder as one tensor, (n, d + c)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, ...) to (n, d + c)."""
        found = _outputs(self.encoder, x)
        return found if isinstance(found, Tensor) else torch.cat([found[0], found[1][:, None]], dim=1)  # (n, d + 1)


def places(encoder: nn.Module) -> Callable[[Array], Array]:
    """Return the function that maps samples in their dtype, as `transform` does, to all outputs, (n, d + c)."""
    module = _SideBySide(encoder)

    def place(samples: Array) -> Array:
        dtype = torch.float64 if samples.dtype == np.float64 else torch.float32
        found: Array = embed_rows(module, Rows(samples, torch.device("cpu"), dtype)).numpy()
        return found

    return place


def rows_to_map(parts: Parts, encoder: nn.Module, X: ArrayLike | None) -> Array:
    """Return rows to trace and to verify on, float32 (m, ...)."""
    if X is None and parts.pipeline is not None:
        raise ValueError(
            "Expected 'X' with a pipeline, whose steps do not tell what samples look like. Give the training samples: "
            "export(pipeline, path, X=X)."
        )
    if X is None:
        positive = parts.estimator.get_params(deep=False).get("metric") == "precomputed"
        return rows_of_encoder(encoder, parts.shape, positive=positive)
    # A pipeline may begin with an imputer, which takes NaN.
    if parts.table is not None:
        return rows_like(coded(parts.table, X).astype(np.float32))
    samples = np.asarray(X, dtype=np.float64) if parts.pipeline else check_points(X, name="X", ndim=None)
    if samples.shape[1:] != parts.shape or not len(samples):
        raise ValueError(f"Expected 'X' to hold samples of shape {parts.shape}. Got {short_repr(samples)}.")
    return rows_like(samples.astype(np.float32))


def samples_of(parts: Parts, rows: Array) -> Array:
    """Return what the encoder gets of rows: float32 as they are, or what the steps before make of them in float64."""
    if parts.pipeline is None:
        return rows
    if parts.table is not None:
        table: object = decoded(parts.table, rows.astype(np.float64))
    else:
        table = _table(rows.astype(np.float64), getattr(parts.pipeline, "feature_names_in_", None))
    made = parts.pipeline[:-1].transform(table)
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _table(rows: Array, names: Array | None) -> object:
    """Return rows as a data frame where a pipeline was fitted on one: it may choose columns by their names."""
    if names is None:
        return rows
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Exporting a pipeline that knows its columns by name needs pandas, which is not installed: pip install "
            "pandas"
        ) from error
    return pd.DataFrame(rows, columns=names)
