"""Short texts by which two runs are compared: of the samples, the relations, the weights and the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version

import numpy as np
import torch
from torch import nn

from drlim import __version__
from drlim._base.hashing import blocks_of, hashed, of_module
from drlim._base.sparse_rows import SparseRows
from drlim._base.stored_rows import are_shared
from drlim._base.torch import RowSource
from drlim.graph import NeighborhoodGraph
from drlim.graph.stored import arrays_of
from drlim.relations import LazyCopies
from drlim.springs import Law, Springs
from drlim.training.fresh import FreshCopies
from drlim.training.validation import Part

__all__ = ["of_graph", "of_parameters", "of_samples", "of_springs", "versions"]

_DISTANCES = (0.0, 0.1, 0.3, 0.7, 1.0, 1.5, 3.0)
"""Distances at which laws are compared."""


def of_samples(samples: RowSource) -> str:
    """Return the fingerprint of samples, whatever holds them. Copies are not made: what they are made of counts.

    Of samples of which each process has some, the fingerprints of the parts count, in the order of ranks.

    Parameters
    ----------
    samples : RowSource, shape (n, ...)
        An array, memory map, sparse rows, copies, or whatever reads rows by index.

    Examples
    --------
    >>> X = np.zeros((3, 2), dtype=np.float32)
    >>> of_samples(X) == of_samples(X.copy()), of_samples(X) == of_samples(X + 1)
    (True, False)
    """
    return hashed(_parts_of(samples))


def of_graph(graph: NeighborhoodGraph) -> str:
    """Return the fingerprint of all that a graph states."""
    sets = {"similar": graph.stated_similar, "dissimilar": graph.stated_dissimilar, "ignored": graph.stated_ignored}
    arrays = arrays_of(sets, graph.rest)
    return hashed(
        part for name in sorted(arrays) for part in (f"{name} {graph.n_samples}".encode(), *blocks_of(arrays[name]))
    )


def of_springs(springs: Springs) -> str:
    """Return the fingerprint of two laws: what they are at some distances."""
    return " ".join(_of_law(law) for law in (springs.similar, springs.dissimilar))


def of_parameters(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return each parameter as a short text: a number or word as it is, and of anything larger a fingerprint.

    Examples
    --------
    >>> of_parameters({"margin": 1.0, "encoder": "auto", "validation": None})
    {'margin': '1.0', 'encoder': "'auto'", 'validation': 'None'}
    """
    return {name: _of_parameter(value) for name, value in parameters.items()}


def versions() -> dict[str, str]:
    """Return the versions on which the numbers of a run depend."""
    return {"drlim": __version__, **{name: version(name) for name in ("torch", "numpy", "scipy")}}


def _of_law(law: Law) -> str:
    with torch.no_grad():
        energies = law.energy(torch.tensor(_DISTANCES, dtype=torch.float64)).tolist()
    return f"{type(law).__name__}(reach={law.reach:g}, {', '.join(f'{energy:.6g}' for energy in energies)})"


def _of_parameter(value: object) -> str:
    if isinstance(value, np.ndarray):
        return hashed(blocks_of(np.atleast_1d(value)))
    if isinstance(value, nn.Module):
        return f"{type(value).__name__} {of_module(value)}"
    if isinstance(value, Springs):
        return of_springs(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_of_parameter, value))}]"
    if value is None or isinstance(value, bool | int | float | str | np.number):
        return repr(value)
    name = getattr(value, "__qualname__", type(value).__qualname__)
    code = getattr(value, "__code__", None)
    return name if code is None else f"{name} {hashed([code.co_code])}"


def _parts_of(samples: RowSource) -> Iterator[bytes]:
    if isinstance(samples, FreshCopies | LazyCopies):
        yield f"{type(samples).__name__} {samples.shape}".encode()
        yield from _parts_of(samples.originals)
    elif isinstance(samples, Part):
        yield from blocks_of(samples.rows)
        yield from _parts_of(samples.source)
    elif isinstance(samples, SparseRows):
        yield str(samples.shape).encode()
        for array in (samples.matrix.indptr, samples.matrix.indices, samples.matrix.data):
            yield from blocks_of(array)
    elif are_shared(samples):
        own = bytes.fromhex(hashed(blocks_of(samples.at_hand()[1])))
        yield str(samples.shape).encode()
        yield samples.of_all(np.frombuffer(own, dtype=np.uint8)).tobytes()
    else:
        yield from blocks_of(samples)
