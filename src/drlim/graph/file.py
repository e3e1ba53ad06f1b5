"""A graph's file: its arrays and metadata in one safetensors file under a checksum."""

from __future__ import annotations

import os

import numpy as np

from drlim._base.disk import atomic_write, checked_path
from drlim._base.sealed import KEY, metadata_text, read_sealed, sealed, unusable
from drlim.graph.statements import Stated
from drlim.graph.stored import ARRAYS, arrays_of, stated_in

__all__ = ["ARRAYS", "arrays_of", "read_graph_file", "stated_in", "write_graph_file"]

GRAPH_FORMAT = 1
"""Newest format that is read, and the one that is written."""

_METADATA = {"graph_format", "n_samples", "sha256"}
"""Names of a file's metadata."""


def write_graph_file(path: str | os.PathLike[str], n_samples: int, stated: Stated) -> None:
    """Write what a graph states to a file, whole or not at all; see `NeighborhoodGraph.save`."""
    checked_path(path)
    from safetensors import numpy as safetensors_numpy

    metadata = {"graph_format": GRAPH_FORMAT, "n_samples": n_samples}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays_of(*stated).items()}
    atomic_write(path, sealed(safetensors_numpy.save(arrays, {KEY: metadata_text(metadata)})))


def read_graph_file(path: str | os.PathLike[str]) -> tuple[int, Stated]:
    """Return the number of samples of a graph's file, and what the graph states; see `NeighborhoodGraph.load`."""
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors_numpy

    file = read_sealed(path, "graph")
    n_samples = _check_metadata(path, file.metadata)
    try:
        return n_samples, stated_in(safetensors_numpy.load(file.content), n_samples)
    except (SafetensorError, LookupError, ValueError, TypeError, OverflowError) as error:
        raise unusable(path, f"cannot be used: {error}") from error


def _check_metadata(path: str | os.PathLike[str], metadata: object) -> int:
    """Return the number of samples, or refuse the metadata."""
    if not isinstance(metadata, dict) or "graph_format" not in metadata:
        raise unusable(path, "is no graph's file; a model is read by drlim.load(path).")
    version = metadata["graph_format"]
    if type(version) is int and version > GRAPH_FORMAT:
        raise unusable(
            path, f"is of graph format {version}; this drlim reads formats up to {GRAPH_FORMAT}. Install a newer drlim."
        )
    n_samples = metadata.get("n_samples")
    known = type(version) is int and version == GRAPH_FORMAT  # True is equal to 1
    if not known or metadata.keys() != _METADATA or type(n_samples) is not int or n_samples < 1:
        raise unusable(path, "is damaged: its metadata are not as drlim writes them.")
    return n_samples
