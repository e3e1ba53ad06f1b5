"""Load a `DrLIM` from its file. Nothing in a file is ever executed: it holds no pickle, and no name to import."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from drlim._base.sealed import unusable
from drlim.persistence.schema import EMBEDDING, GRAPH, WEIGHTS, Metadata, ModelFile, read_model_file

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from drlim._base.arrays import Array
    from drlim.estimators.drlim import DrLIM
    from drlim.graph import NeighborhoodGraph

__all__ = ["load"]

_LATER_PARAMETERS = {"neighbors": None, "orbit": None}
"""Parameters that the first files do not have, with the values that stand for their absence."""


def load(
    path: str | os.PathLike[str],
    *,
    encoder: nn.Module | Callable[[tuple[int, ...], int], nn.Module] | None = None,
    springs: object = None,
) -> DrLIM:
    """Read an estimator from a file that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    encoder : torch.nn.Module or callable, default=None
        The encoder, when and only when the estimator had one of your own: a module of the same layers with any
        weights, or its factory ``(input_shape, n_components) -> module``. The stored weights are put into a copy.
    springs : Springs or pair of callables, default=None
        The springs, when and only when the estimator had springs of your own.

    Returns
    -------
    DrLIM
        The estimator as it was saved: on the same machine `transform` returns the same bytes. It computes on its
        ``device`` if that can be used, else on the CPU.

    Raises
    ------
    ModelFileError
        When the file is damaged, cut short, of another kind or of a newer format, or when it needs an encoder or
        springs of your own and they are missing or do not fit.
    ValueError, TypeError
        When ``encoder`` or ``springs`` is given to a file that does not need it, or is of a wrong kind.
    OSError
        When there is no such file, or the system cannot read it.

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
    from drlim.springs.make import springs_for  # torch takes seconds to import

    file = read_model_file(path)
    own = {"encoder": encoder, "springs": springs}
    _check_own_parts(path, file.metadata, own)
    model = _assembled(path, file, own)
    if springs is not None:
        springs_for(model.margin, springs)
    model.encoder_.to(_device(model.device)).eval()
    return model


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


def _assembled(path: str | os.PathLike[str], file: ModelFile, own: Mapping[str, object]) -> DrLIM:
    """Build the estimator, on the CPU."""
    from safetensors import SafetensorError

    from drlim.estimators.drlim import DrLIM
    from drlim.persistence.encoder import check_finite, filled_built_in, filled_own, own_copy

    architecture = file.metadata["architecture"]
    shape = tuple(architecture["input_shape"])
    blank = None if own["encoder"] is None else own_copy(own["encoder"], shape, architecture["n_components"])
    try:
        weights, arrays = _read_tensors(file)
        model = DrLIM(**_parameters(file.metadata, own))
        encoder = filled_built_in(architecture, weights) if blank is None else filled_own(blank, weights)
        embedding = arrays.pop(EMBEDDING)
        check_finite(encoder, embedding)
        graph = _graph(arrays, len(embedding))
    except (SafetensorError, LookupError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise unusable(path, f"cannot be used: {error}") from error
    for name, value in _learned(file.metadata, encoder, embedding, graph).items():
        setattr(model, name, value)
    return model


def _learned(metadata: Metadata, encoder: nn.Module, embedding: Array, graph: NeighborhoodGraph) -> dict[str, object]:
    """Return the attributes that `fit` sets."""
    import numpy as np

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
    known = {EMBEDDING, *(GRAPH + name for name in ARRAYS)}
    if not arrays.keys() <= known:
        raise ValueError(f"it has an unknown tensor {min(arrays.keys() - known)[:60]!r}")
    if arrays[EMBEDDING].dtype not in ("float32", "float64"):
        raise ValueError(f"its map is of type {arrays[EMBEDDING].dtype}")
    return weights, arrays


def _parameters(metadata: Metadata, own: Mapping[str, object]) -> dict[str, Any]:
    """Return the constructor's parameters, checked."""
    from drlim.estimators.drlim import DrLIM
    from drlim.estimators.parameters import check_all

    found: dict[str, Any] = {
        **_LATER_PARAMETERS,
        **metadata["parameters"],
        **{name: given for name, given in own.items() if given is not None},
    }
    wanted = DrLIM().get_params(deep=False).keys()
    if found.keys() != wanted:
        raise ValueError(f"its parameters differ from DrLIM's in {', '.join(sorted(found.keys() ^ wanted))[:200]}")
    if isinstance(found["device"], dict):
        import torch

        found["device"] = torch.device(found["device"]["torch.device"])
    check_all(found)
    return found


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
