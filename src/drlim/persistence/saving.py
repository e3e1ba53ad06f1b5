"""Save a fitted `DrLIM`, and load it: one file of tensors and JSON, checksummed, written atomically.

Nothing in a model file is ever executed: there is no pickle in it, and no name to import. What only code can say,
an encoder or springs of your own, is not in the file and is given to `load` again.
"""

from __future__ import annotations

import copy
import math
import os
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from drlim._base.disk import atomic_write
from drlim._base.sealed import (
    EMBEDDING,
    FORMAT_VERSION,
    KEY,
    ModelFile,
    ModelFileError,
    metadata_text,
    read_model_file,
    sealed,
    unusable,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from drlim.estimators.drlim import DrLIM
    from drlim.graph import NeighborhoodGraph

__all__ = ["ModelFileError", "load", "read_summary", "save"]

_WEIGHTS = "encoder."
_PAIR_SETS = ("similar", "dissimilar", "ignored")


def save(estimator: DrLIM, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to a file.

    The same seed gives the same bytes: times, the ``seconds`` of `history_`, are left out.

    The file holds the weights, the map of the training samples, the graph, the parameters and the history of the
    training, but no sample. The same estimator gives the same bytes.

    Parameters
    ----------
    estimator : DrLIM
        A fitted one.
    path : str or path-like
        File to write, by custom ``*.safetensors``. Its folder must exist. Whatever happens, the path holds the
        old file or the new one, whole.

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    TypeError
        When it is no `DrLIM` (a subclass may have parts that `load` does not know), or its own encoder keeps state
        that is no tensor.
    ValueError
        When a weight is not finite.
    OSError
        When the system cannot write.

    Notes
    -----
    An encoder of your own (a module or a factory) saves its weights only, and springs of your own nothing: give
    them to `load` again. A ``random_state`` that is a RandomState instance is stored as None, and so are ``neighbors``
    and ``orbit``, which a map that is made no longer needs. ``drift_``, and what `set_output` and metadata requests
    were told, are not stored.

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
    >>> bool((again.transform(X) == model.embedding_).all())
    True
    """
    from safetensors import torch as safetensors_torch  # torch takes seconds, and read_summary needs none
    from sklearn.utils.validation import check_is_fitted

    from drlim._base.checks import check_parameters, short_repr
    from drlim.estimators.drlim import DrLIM

    if type(estimator) is not DrLIM:
        raise TypeError(f"The 'estimator' parameter of save must be a DrLIM. Got {short_repr(estimator)} instead.")
    check_is_fitted(estimator)
    # set_params may have come after fit; a file that load would refuse is not written.
    check_parameters(estimator.get_params(deep=False), DrLIM._parameter_constraints, "DrLIM")  # noqa: SLF001
    metadata = {KEY: metadata_text(_metadata(estimator))}
    atomic_write(path, sealed(safetensors_torch.save(_tensors(estimator), metadata)))


def load(path: str | os.PathLike[str], *, encoder: Any = None, springs: Any = None) -> DrLIM:
    """Read an estimator from a file that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    encoder : torch.nn.Module or callable, default=None
        Needed when, and only when, the estimator had an encoder of your own: that module, the weights of which do
        not matter, or its factory. The stored weights are put into a copy.
    springs : Springs or pair of callables, default=None
        Needed when, and only when, the estimator had springs of your own.

    Returns
    -------
    DrLIM
        As it was: `transform` gives the same bytes on the same machine. It computes on its ``device`` if that is
        to be had here, else on the CPU.

    Raises
    ------
    ModelFileError
        When the file is damaged, cut short, of another kind or of a newer format, or when it needs your own
        encoder or springs and they are missing or do not fit.
    ValueError, TypeError
        When ``encoder`` or ``springs`` is given without need, or is not what it should be.
    OSError
        When there is no such file, or the system does not let it be read.
    """
    from drlim.springs import make_springs

    file = read_model_file(path)
    own = {"encoder": encoder, "springs": springs}
    _check_own_parts(path, file.metadata, own)
    model = _assembled(path, file, own)
    if springs is not None:
        make_springs(model.margin, springs)
    model.encoder_.to(_device(model.device)).eval()
    return model


def read_summary(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Describe a model file without building anything; takes a fraction of a second, for torch is not imported.

    Parameters
    ----------
    path : str or path-like
        The file. Its checksum is verified.

    Returns
    -------
    dict
        Ready for JSON: ``bytes``, ``format_version``, ``drlim_version``, ``parameters``, ``architecture``,
        ``needs`` (what `load` has to be given), ``samples``, ``training`` and ``sha256``.

    Raises
    ------
    ModelFileError, OSError
        As `load` does.
    """
    file = read_model_file(path)
    metadata, shapes = file.metadata, file.shapes
    history = metadata["training"]["history"]
    weights = sum(math.prod(shape) for name, shape in shapes.items() if name.startswith(_WEIGHTS))
    pairs = {name: shapes.get(f"graph.{name}.indices") for name in _PAIR_SETS}
    return {
        "bytes": len(file.content),
        **{name: metadata[name] for name in ("format_version", "drlim_version", "parameters")},
        "architecture": {**metadata["architecture"], "n_weights": weights},
        "needs": metadata["needs"],
        "samples": {
            "n_samples": shapes[EMBEDDING][0],
            "n_features": math.prod(metadata["architecture"]["input_shape"]),
            "feature_names": metadata["feature_names"],
            # None is the graph's own "not listed": all the rest are dissimilar, none are ignored.
            "pairs": {name: None if shape is None else shape[0] // 2 for name, shape in pairs.items()},
        },
        "training": {
            "epochs": len(history),
            "stopped": metadata["training"]["stopped"],
            "energy_first": history[0].get("energy") if history else None,
            "energy_last": history[-1].get("energy") if history else None,
        },
        "sha256": metadata["sha256"],
    }


def _metadata(estimator: DrLIM) -> dict[str, Any]:
    """Return all of an estimator that is no tensor."""
    from drlim import __version__

    parameters = estimator.get_params(deep=False)
    encoder = _built_in_name(estimator)
    needs = {"encoder": encoder is None, "springs": parameters["springs"] is not None}
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "format_version": FORMAT_VERSION,
        "drlim_version": __version__,
        "parameters": {name: _plain(value) for name, value in parameters.items()},
        "architecture": {
            "encoder": encoder,
            "class": type(estimator.encoder_).__name__,
            "input_shape": [int(side) for side in estimator.input_shape_],
            "n_components": estimator.embedding_.shape[1],
        },
        "needs": [name for name, needed in needs.items() if needed],
        "feature_names": None if names is None else [str(name) for name in names],
        "training": {
            "history": [
                {name: _plain(value) for name, value in record.items() if name != "seconds"}
                for record in estimator.history_
            ],
            "stopped": getattr(estimator, "stopped_", None),  # a fit that diverged has none
        },
    }


def _plain(value: Any) -> Any:
    """Return a parameter as JSON has it; what JSON cannot hold becomes None."""
    import numpy as np
    import torch

    if isinstance(value, torch.device):
        return {"torch.device": str(value)}
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return value if isinstance(value, str) else None


def _built_in_name(estimator: DrLIM) -> str | None:
    """Return the name under which `load` can build the encoder, None when it is the user's own.

    The trained encoder is asked, not the parameter: that may be "auto", or have been set anew since `fit`.
    """
    from drlim.encoders import ENCODERS

    if not isinstance(estimator.encoder, str):
        return None
    wanted = _layout(estimator.encoder_)
    for name in ENCODERS:
        try:
            if _layout(_unfilled(name, estimator.input_shape_, estimator.embedding_.shape[1])) == wanted:
                return name
        except ValueError:  # this one does not take such samples
            continue
    return None


def _layout(encoder: nn.Module) -> tuple[str, dict[str, tuple[int, ...]]]:
    return str(encoder), {name: tuple(value.shape) for name, value in encoder.state_dict().items()}


def _unfilled(name: str, input_shape: Any, n_components: int) -> nn.Module:
    """Build an encoder without memory for its weights: none is drawn, and no size in a file can exhaust us."""
    import torch

    from drlim.encoders import make_encoder

    with torch.device("meta"):
        return make_encoder(name, tuple(input_shape), n_components).float()


def _tensors(estimator: DrLIM) -> dict[str, Tensor]:
    """Return all arrays of an estimator by name, on the CPU, each with memory of its own."""
    import numpy as np
    import torch

    from drlim.graph.file import arrays_of

    _check_finite(estimator.encoder_, estimator.embedding_)
    tensors: dict[str, Tensor] = {}
    for name, value in estimator.encoder_.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise TypeError(
                f"The encoder cannot be saved: {name!r} in its state is no tensor, and a file holds no other."
            )
        tensors[_WEIGHTS + name] = value.detach().cpu().contiguous().clone()  # tied weights are stored twice
    tensors[EMBEDDING] = torch.from_numpy(np.array(estimator.embedding_))
    graph = estimator.graph_
    stated = {kind: getattr(graph, f"stated_{kind}") for kind in _PAIR_SETS}
    for name, array in arrays_of(stated, graph.rest).items():
        tensors[f"graph.{name}"] = torch.from_numpy(np.array(array))
    return tensors


def _check_finite(encoder: nn.Module, embedding: Any) -> None:
    """Refuse what no training can have left. A buffer may hold infinities: masks do."""
    import numpy as np
    import torch

    for name, weight in encoder.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise ValueError(f"the encoder's weight {name!r} is not finite")
    for name, buffer in encoder.named_buffers():
        if bool(torch.isnan(buffer).any()):
            raise ValueError(f"the encoder's buffer {name!r} has NaN in it")
    if not np.isfinite(embedding).all():
        raise ValueError("the map of the training samples is not finite")


def _check_own_parts(path: str | os.PathLike[str], metadata: dict[str, Any], own: dict[str, Any]) -> None:
    """Ask for the parts that are not in the file, and refuse those that are."""
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


def _assembled(path: str | os.PathLike[str], file: ModelFile, own: dict[str, Any]) -> DrLIM:
    """Build the estimator, on the CPU."""
    import numpy as np
    from safetensors import SafetensorError

    from drlim.estimators.drlim import DrLIM

    architecture, training = file.metadata["architecture"], file.metadata["training"]
    shape = tuple(architecture["input_shape"])
    blank = None if own["encoder"] is None else _own_copy(own["encoder"], shape, architecture["n_components"])
    try:
        weights, arrays = _read_tensors(file)
        model = DrLIM(**_parameters(file, own))
        encoder = _built_in(file, weights) if blank is None else _filled(blank, weights)
        embedding = arrays.pop(EMBEDDING)
        _check_finite(encoder, embedding)
        graph = _graph(arrays, len(embedding))
    except (SafetensorError, LookupError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise unusable(path, f"cannot be used: {error}") from error
    fitted = {
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
        fitted["stopped_"] = training["stopped"]
    if file.metadata["feature_names"] is not None:
        fitted["feature_names_in_"] = np.array(file.metadata["feature_names"], dtype=object)
    for name, value in fitted.items():
        setattr(model, name, value)
    return model


def _read_tensors(file: ModelFile) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights, and the other tensors as arrays."""
    from safetensors import torch as safetensors_torch

    from drlim.graph.file import ARRAYS

    # Cloned: in the file's bytes they lie at any address, and sums of unaligned rows may round otherwise.
    tensors = {name: value.clone() for name, value in safetensors_torch.load(file.content).items()}
    weights = {name.removeprefix(_WEIGHTS): value for name, value in tensors.items() if name.startswith(_WEIGHTS)}
    arrays = {name: value.numpy() for name, value in tensors.items() if not name.startswith(_WEIGHTS)}
    known = {EMBEDDING, *(f"graph.{name}" for name in ARRAYS)}
    if not arrays.keys() <= known:
        raise ValueError(f"it has an unknown tensor {min(arrays.keys() - known)[:60]!r}")
    if arrays[EMBEDDING].dtype not in ("float32", "float64"):
        raise ValueError(f"its map is of type {arrays[EMBEDDING].dtype}")
    return weights, arrays


_LATER_PARAMETERS: dict[str, Any] = {"neighbors": None, "orbit": None}
"""Parameters that the first files do not have, with the values that they had without knowing."""


def _parameters(file: ModelFile, own: dict[str, Any]) -> dict[str, Any]:
    """Return the constructor's parameters, checked."""
    from drlim._base.checks import check_parameters
    from drlim.estimators.drlim import DrLIM

    found = {
        **_LATER_PARAMETERS,
        **file.metadata["parameters"],
        **{name: given for name, given in own.items() if given is not None},
    }
    wanted = DrLIM().get_params(deep=False).keys()
    if found.keys() != wanted:
        raise ValueError(f"its parameters differ from DrLIM's in {', '.join(sorted(found.keys() ^ wanted))[:200]}")
    if isinstance(found["device"], dict):
        import torch

        found["device"] = torch.device(found["device"]["torch.device"])
    check_parameters(found, DrLIM._parameter_constraints, "DrLIM")  # noqa: SLF001 - as `fit` does
    return found


def _built_in(file: ModelFile, weights: dict[str, Tensor]) -> nn.Module:
    """Build the encoder by name, around the stored weights."""
    import torch

    architecture = file.metadata["architecture"]
    name = architecture["encoder"]
    encoder = _unfilled(name, architecture["input_shape"], architecture["n_components"])
    if any(value.dtype != torch.float32 for value in weights.values()):
        raise ValueError(f"not all weights of its {name!r} encoder are float32")
    try:
        encoder.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ValueError(f"its weights are not those of a {name!r} encoder: {_first_lines(error)}") from None
    return encoder


def _own_copy(given: Any, input_shape: tuple[int, ...], n_components: int) -> nn.Module:
    """Return a module that may be filled: a copy of the one given, or what its factory makes."""
    from torch import nn

    from drlim._base.checks import check_parameters, short_repr
    from drlim._base.torch import seeded

    check_parameters({"encoder": given}, {"encoder": [nn.Module, callable]}, "load")
    if isinstance(given, nn.Module):
        return copy.deepcopy(given).float().cpu()
    with seeded(0):  # its initial weights will be overwritten, and the caller's random numbers stay as they were
        made = given(input_shape, n_components)
    if not isinstance(made, nn.Module):
        raise TypeError(
            "The 'encoder' parameter of load must return a torch.nn.Module when called with (input_shape, "
            f"n_components). Got {short_repr(made)} instead."
        )
    return made.float().cpu()


def _filled(encoder: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"its weights do not fit the 'encoder' given: {_first_lines(error)}") from None
    return encoder


def _first_lines(error: RuntimeError) -> str:
    """Return the beginning of torch's list of missing, unexpected and mismatched weights."""
    return " ".join(str(error).split())[:300]


def _graph(arrays: dict[str, Any], n_samples: int) -> NeighborhoodGraph:
    """Build the graph, and refuse one that is not as `NeighborhoodGraph` would have it.

    Takes time in proportion to the pairs; to build it anew would mean to sort them.
    """
    from drlim.graph import NeighborhoodGraph
    from drlim.graph.file import stated_in

    stated = stated_in({name.removeprefix("graph."): array for name, array in arrays.items()}, n_samples)
    return NeighborhoodGraph.from_sets(n_samples, **stated.sets, rest=stated.rest)


def _device(wanted: Any) -> torch.device:
    """Return the device wanted, or the CPU where it is not to be had: a GPU's model serves without one."""
    import torch

    from drlim._base.torch import pick_device

    try:
        return pick_device(wanted)
    except ValueError:
        return torch.device("cpu")
