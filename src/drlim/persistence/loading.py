"""Load a `DrLIM` or `NeighborMap` from its file.

Nothing in a file is ever executed: it holds no pickle, and no name to import.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drlim._base.importing import undisturbed
from drlim._base.messages import one_line
from drlim._base.sealed import parse_sealed, unusable
from drlim.persistence.before import pipeline_of
from drlim.persistence.building import blank_module, encoder_in
from drlim.persistence.certified import with_certificate
from drlim.persistence.reference import KEPT, reference_in
from drlim.persistence.schema import (
    DRLIM_FORMAT,
    EMBEDDING,
    FUNCTIONS,
    GRAPH,
    LATER_PARAMETERS,
    LOG_RADII,
    OF_A_FIT,
    REFERENCE,
    WEIGHTS,
    EstimatorName,
    Metadata,
    ModelFile,
    checked_model_file,
    estimator_of,
    read_model_file,
)
from drlim.persistence.space_record import space_in

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from drlim._base.arrays import Array
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.estimators.left_out import LeftOut
    from drlim.graph import NeighborhoodGraph

__all__ = ["check_loadable", "load"]

_LONGEST_REASON = 400
"""Maximum number of characters of the reason why a file cannot be used."""

_Parameters = dict[str, Any]
"""Parameters of a constructor, by name."""


def load(
    path: str | os.PathLike[str],
    *,
    encoder: nn.Module | Callable[..., nn.Module] | None = None,
    springs: object = None,
    neighbors: object = None,
    orbit: object = None,
    metric: object = None,
) -> Any:
    """Read an estimator or a pipeline from a file that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    encoder : torch.nn.Module or callable, default=None
        The encoder, when and only when the estimator had one of your own: a module of the same layers with any
        weights, or its factory: ``(input_shape, n_components) -> module`` of a `DrLIM`, ``(input_shape) -> module`` of
        a `NeighborMap`. The stored weights are put into a copy.
    springs : Springs or pair of callables, default=None
        The springs, when and only when the estimator had springs of your own.
    neighbors, orbit, metric : callable or object, default=None
        The functions or objects of these names, where the estimator had some. They may be given later, or not at all:
        see the notes.

    Returns
    -------
    DrLIM, NeighborMap or Pipeline
        The estimator as it was saved: on the same machine `transform` returns the same bytes. It computes on its
        ``device`` if that can be used, else on the CPU. A certificate of the file is its ``certificate_``.

    Raises
    ------
    ModelFileError
        When the file is damaged, cut short, of another kind or of a newer format, or when it needs an encoder or
        springs of your own and they are missing or do not fit.
    ValueError, TypeError
        When a part is given to a file that does not need it, or is of a wrong kind.
    OSError
        When there is no such file, or the system cannot read it.

    Notes
    -----
    Functions and objects that an estimator had as ``neighbors``, ``orbit`` or ``metric`` are not in its file.
    `transform`, `confidence` and `kneighbors` need none. Calls that need one raise an error until it is given again,
    here or by `set_params`: training needs ``orbit``, and where no ``graph`` is given, training and `score` need
    ``neighbors`` and ``metric``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import DrLIM, datasets, load, save
    >>> X = datasets.digits().X_train[:100]
    >>> model = DrLIM(encoder="linear", max_epochs=5, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "digits.safetensors")
    ...     again = load(Path(folder) / "digits.safetensors")
    >>> again.transform(X).shape
    (100, 2)
    """
    file = read_model_file(path)  # before what takes seconds to import
    with undisturbed():
        import drlim.estimators  # noqa: F401 - with scikit-learn, which the functions below import
        from drlim.springs.make import springs_for  # torch takes seconds to import

    own = {"encoder": encoder, "springs": springs}
    _check_own_parts(path, file.metadata, own)
    functions = {"neighbors": neighbors, "orbit": orbit, "metric": metric}
    own |= _checked_functions(path, file.metadata, functions)
    model = _assembled(path, file, own)
    if springs is not None:
        springs_for(getattr(model, "margin", 1.0), springs)
    model.encoder_.to(_device(model.device)).eval()
    with _unusable_parts(path):
        return with_certificate(pipeline_of(file.metadata.get("before", []), model), file.metadata)


def _check_own_parts(path: str | os.PathLike[str], metadata: Metadata, own: Mapping[str, object]) -> None:
    """Refuse the parts that are in the file, and the lack of those that are not."""
    kind = metadata["architecture"]["class"][:60]
    described = {"encoder": f"an encoder of your own (a {kind})", "springs": "springs of your own"}
    for name, given in own.items():
        needed = name in metadata["needs"]
        if needed and given is None:
            raise unusable(
                path,
                f"was saved with {described[name]}, and no code is in a model file. "
                f"Give the same again: load(path, {name}=...).",
            )
        if given is not None and not needed:
            raise ValueError(f"The {name!r} parameter of load must be None for this file, which has its own: {path}")


def check_loadable(path: str | os.PathLike[str], content: bytes, own: Mapping[str, object]) -> None:
    """Refuse the content of a file that `load` would refuse.

    Parameters
    ----------
    path : str or path-like
        The file to be written, for an error.
    content : bytes
        All of it.
    own : dict
        The user's own encoder and springs, which are not in the file, by name; None where they are built-in ones. Into
        an encoder of the user's own no weights are put, for it would have to be copied.

    Raises
    ------
    ModelFileError
    """
    file = checked_model_file(path, parse_sealed(path, content))
    if own["encoder"] is None:
        model = _assembled(path, file, own)
        with _unusable_parts(path):
            pipeline_of(file.metadata.get("before", []), model)
        return
    with _unusable_parts(path):
        _parameters(file.metadata, own)
        _, arrays = _read_tensors(file)
        reference_in(file.metadata, arrays)
        arrays.pop(LOG_RADII, None)
        _graph(arrays, len(arrays.pop(EMBEDDING)))


def _checked_functions(
    path: str | os.PathLike[str], metadata: Metadata, functions: Mapping[str, object]
) -> dict[str, object]:
    """Return the functions given, or refuse those that the estimator did not have."""
    given = {name: function for name, function in functions.items() if function is not None}
    left_out = {name for name, value in metadata["parameters"].items() if isinstance(value, dict)}
    unknown = [name for name in given if name not in left_out]
    if unknown:
        raise ValueError(
            f"The {unknown[0]!r} parameter of load must be None for this file, which was saved without: {path}"
        )
    return given


def _assembled(path: str | os.PathLike[str], file: ModelFile, own: Mapping[str, object]) -> DrLIM | NeighborMap:
    """Build the estimator, on the CPU."""
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.persistence.encoder import check_finite

    blank = None if own["encoder"] is None else blank_module(file.metadata, own["encoder"])
    with _unusable_parts(path):
        weights, arrays = _read_tensors(file)
        parameters = _parameters(file.metadata, own)
        kind = estimator_of(file.metadata)
        model = DrLIM(**parameters) if kind == "DrLIM" else NeighborMap(**parameters)
        encoder = encoder_in(file.metadata, weights, blank, arrays.pop(LOG_RADII, None))
        embedding = arrays.pop(EMBEDDING)
        check_finite(encoder, embedding)
        reference = reference_in(file.metadata, arrays)
        graph = _graph(arrays, len(embedding))
    for name, value in _learned(file.metadata, encoder, embedding, graph).items():
        setattr(model, name, value)
    if reference is not None:
        model._reference = reference  # noqa: SLF001 - as `fit` sets it
    return model


@contextmanager
def _unusable_parts(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever parts of a file raise that do not fit together into the error that names the file."""
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, LookupError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise unusable(path, f"cannot be used: {one_line(error, _LONGEST_REASON)}") from error


def _learned(metadata: Metadata, encoder: nn.Module, embedding: Array, graph: NeighborhoodGraph) -> dict[str, object]:
    """Return the attributes that `fit` sets."""
    import numpy as np

    from drlim.estimators.on_space import space_of_encoder

    training, shape = metadata["training"], tuple(metadata["architecture"]["input_shape"])
    learned: dict[str, object] = {
        "encoder_": encoder,
        "embedding_": embedding,
        "graph_": graph,
        "history_": training["history"],
        "n_iter_": len(training["history"]),
        "input_shape_": shape,
        "n_features_in_": math.prod(shape),
        "_n_features_out": embedding.shape[1],
    }
    if "places" not in metadata:
        learned["space_"] = space_of_encoder(encoder, embedding.shape[1])
    if training["stopped"] is not None:
        learned["stopped_"] = training["stopped"]
    if metadata["feature_names"] is not None:
        learned["feature_names_in_"] = np.array(metadata["feature_names"], dtype=object)
    return learned


def _read_tensors(file: ModelFile) -> tuple[dict[str, Tensor], dict[str, Array]]:
    """Return the weights, and the other tensors as arrays."""
    from safetensors import torch as safetensors_torch

    from drlim.graph.stored import ARRAYS

    # Cloned: in the file's bytes they lie at any address, and sums of unaligned rows may round otherwise.
    tensors = {name: value.clone() for name, value in safetensors_torch.load(file.content).items()}
    weights = {name.removeprefix(WEIGHTS): value for name, value in tensors.items() if name.startswith(WEIGHTS)}
    arrays = {name: value.numpy() for name, value in tensors.items() if not name.startswith(WEIGHTS)}
    known = {EMBEDDING, LOG_RADII, *(GRAPH + name for name in ARRAYS), *(REFERENCE + name for name in KEPT)}
    if not arrays.keys() <= known:
        raise ValueError(f"it has an unknown tensor {min(arrays.keys() - known)[:60]!r}")
    if arrays[EMBEDDING].dtype not in ("float32", "float64"):
        raise ValueError(f"its map is of type {arrays[EMBEDDING].dtype}")
    return weights, arrays


def _parameters(metadata: Metadata, own: Mapping[str, object]) -> _Parameters:
    """Return the constructor's parameters, checked."""
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.estimators.parameters import check_all, check_map_parameters

    kind = estimator_of(metadata)
    found: _Parameters = {
        **OF_A_FIT,
        **LATER_PARAMETERS[kind],
        **metadata["parameters"],
        **{name: given for name, given in own.items() if given is not None},
    }
    wanted = (DrLIM() if kind == "DrLIM" else NeighborMap()).get_params(deep=False).keys()
    if found.keys() != wanted:
        raise ValueError(f"its parameters differ from {kind}'s in {', '.join(sorted(found.keys() ^ wanted))[:200]}")
    if isinstance(found["device"], dict):
        import torch

        found["device"] = torch.device(found["device"]["torch.device"])
    if isinstance(found.get("space"), list):
        found["space"] = space_in(found["space"])
    left_out = {} if metadata["format_version"] == DRLIM_FORMAT else _left_out(kind, found)
    found |= left_out
    (check_all if kind == "DrLIM" else check_map_parameters)(found, needed=())
    return found


def _left_out(kind: EstimatorName, found: _Parameters) -> dict[str, LeftOut]:
    """Return stand-ins for functions and objects of the user's own, which the file does not hold."""
    from drlim.estimators.left_out import LeftOut

    names = {name: found[name] for name in FUNCTIONS[kind] if isinstance(found[name], dict)}
    for value in names.values():
        if list(value) not in (["function"], ["object"]) or type(*value.values()) is not str:
            raise ValueError("a function in its parameters has no name")
    return {name: LeftOut(*value.values(), *value) for name, value in names.items()}


def _graph(arrays: Mapping[str, Array], n_samples: int) -> NeighborhoodGraph:
    """Build the graph, and refuse arrays that no `NeighborhoodGraph` has.

    Takes time in proportion to the pairs; a graph built anew from its pairs would sort them.
    """
    from drlim.graph import NeighborhoodGraph
    from drlim.graph.stored import stated_in

    stated = stated_in({name.removeprefix(GRAPH): array for name, array in arrays.items()}, n_samples)
    return NeighborhoodGraph.from_sets(n_samples, **stated.sets, rest=stated.rest)


def _device(wanted: str | torch.device) -> torch.device:
    """Return the device wanted, or the CPU where it cannot be used: a model trained on a GPU works without one."""
    import torch

    from drlim._base.torch import pick_device

    try:
        return pick_device(wanted)
    except ValueError:
        return torch.device("cpu")
