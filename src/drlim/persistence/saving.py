"""Save a fitted `DrLIM` or `NeighborMap`: one file of tensors and JSON, under a checksum, written atomically."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import TYPE_CHECKING

from drlim._base.disk import atomic_write, checked_path
from drlim._base.importing import undisturbed
from drlim._base.sealed import KEY, ModelFileError, metadata_text, sealed
from drlim.persistence.before import described_steps, steps_and_map
from drlim.persistence.certified import add_certificate
from drlim.persistence.places_schema import check_places_shapes
from drlim.persistence.reference import add_reference
from drlim.persistence.schema import (
    DRLIM_FORMAT,
    DRLIM_UNIT_FORMAT,
    EMBEDDING,
    FUNCTIONS,
    GRAPH,
    LATER_PARAMETERS,
    LOG_RADII,
    NEIGHBOR_MAP_FORMAT,
    OF_A_FIT,
    PIPELINE_FORMAT,
    WEIGHTS,
    Architecture,
    EstimatorName,
    Metadata,
    Training,
    Value,
)
from drlim.persistence.space_record import SPACE_FORMAT, described_space, factors_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline
    from torch import Tensor

    from drlim.estimators.drlim import DrLIM
    from drlim.estimators.neighbor_map import NeighborMap
    from drlim.metrics import Certificate

__all__ = ["describe_model", "save"]


def save(
    estimator: DrLIM | NeighborMap | Pipeline,
    path: str | os.PathLike[str],
    *,
    novelty: bool = True,
    certificate: Certificate | None = None,
) -> None:
    """Write a fitted estimator, or a pipeline that ends with one, to a file.

    The file holds the weights, the map of the training samples, the graph, the parameters and the history of the
    training. Of the training samples it holds what ``novelty`` needs; and of a `NeighborMap` that retrieves, principal
    components and features of all. The same estimator gives the same bytes, and so does another fit with the same seed
    on the same machine: the ``seconds`` of `history_` are left out.

    Parameters
    ----------
    estimator : DrLIM, NeighborMap or Pipeline
        A fitted estimator; or a pipeline that ends with one, of which the other steps are `Table` or StandardScaler.
    path : str or path-like
        File to write, by custom ``*.safetensors``. Its folder must exist. Whatever happens, the path holds the
        old file or the new one, whole.
    novelty : bool, default=True
        Whether to write what the estimator's ``novelty`` needs: the range of each column, and up to 500 of the training
        samples, as they are where they have up to 128 values, else 128 sums of each. Give False where no sample may
        leave your hands; the model that is loaded then refuses ``novelty``, and warns of no samples that lie far from
        the training samples.
    certificate : Certificate, default=None
        What `drlim.certificate` returned for this estimator, to be kept in the file. None keeps that of an estimator
        that was loaded, ``certificate_``, if it was not trained since.

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    TypeError
        When it is none of these (a subclass may have parts that `load` cannot restore), or when its own encoder keeps
        state that is no tensor.
    ValueError
        When ``certificate`` is of another encoder, a weight is not finite, a parameter was set to a value out of its
        range after `fit`, or an attribute was changed so that `load` would refuse the file.
    OSError
        When the system cannot write.

    Notes
    -----
    Of an encoder of your own (a module or a factory) the weights are stored, of springs of your own nothing: give
    both to `load` again. A ``random_state`` that is a RandomState instance is stored as None. Of functions and objects
    given as ``neighbors``, ``orbit`` or ``metric`` the name is stored: see `load`. ``callbacks``, ``checkpoint`` and
    ``checkpoint_every``, ``drift_``, the choice made by `set_output` and metadata requests are not stored.

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
    with undisturbed():
        import torch  # takes seconds, and read_summary needs none
        from safetensors import torch as safetensors_torch
        from sklearn.utils.validation import check_is_fitted

        from drlim._base.checks import short_repr
        from drlim.estimators import DrLIM, NeighborMap
        from drlim.persistence.loading import check_loadable

    checked_path(path)
    whole = estimator
    steps, estimator = steps_and_map(whole)
    if type(estimator) not in (DrLIM, NeighborMap):
        raise TypeError(
            "The 'estimator' parameter of save must be a DrLIM, a NeighborMap or a pipeline that ends with one. "
            f"Got {short_repr(estimator)} instead."
        )
    check_is_fitted(estimator)
    # set_params may have come after fit; a file that load would refuse is not written.
    _check_parameters(estimator)
    tensors = _tensors(estimator)
    metadata = describe_model(estimator)
    if novelty:
        kept = add_reference(estimator, metadata)
        tensors.update({name: torch.from_numpy(array) for name, array in kept.items()})
    if steps:
        metadata["before"] = described_steps(steps)
        metadata["map_format"], metadata["format_version"] = metadata["format_version"], PIPELINE_FORMAT
    add_certificate(whole, metadata, certificate)
    _add_space(estimator, metadata)
    if isinstance(estimator, NeighborMap):
        _check_tensors_of_a_map(estimator, metadata, tensors)
    content = sealed(safetensors_torch.save(tensors, {KEY: metadata_text(metadata)}))
    own = {name: getattr(estimator, name) if name in metadata["needs"] else None for name in ("encoder", "springs")}
    try:
        check_loadable(path, content, own)
    except ModelFileError as error:
        raise ValueError(f"The estimator was not saved, for its file could not be loaded again. {error}") from error
    atomic_write(path, content)


def _add_space(estimator: DrLIM | NeighborMap, metadata: Metadata) -> None:
    """Put a curved space into metadata of any other format."""
    from drlim.encoders.scaled import network_and_unit
    from drlim.spaces import OnSpace

    network, unit = network_and_unit(estimator.encoder_)
    if not isinstance(network, OnSpace):
        return
    metadata["space"] = described_space(network.space, network.resolved(unit))
    metadata["flat_format"], metadata["format_version"] = metadata["format_version"], SPACE_FORMAT


def _check_parameters(estimator: DrLIM | NeighborMap) -> None:
    """Refuse parameters that `load` would refuse."""
    from drlim.estimators import DrLIM
    from drlim.estimators.parameters import check_all, check_map_parameters

    check = check_all if isinstance(estimator, DrLIM) else check_map_parameters
    check(estimator.get_params(deep=False), needed=())


def describe_model(estimator: DrLIM | NeighborMap) -> Metadata:
    """Return all of a fitted estimator that is no tensor."""
    from drlim.estimators import DrLIM

    return _metadata(estimator) if isinstance(estimator, DrLIM) else _metadata_of_a_map(estimator)


def _metadata(estimator: DrLIM) -> Metadata:
    """Return all of a `DrLIM` that is no tensor."""
    from drlim import __version__
    from drlim.encoders.scaled import network_and_unit
    from drlim.persistence.encoder import bare_network, built_in_name

    encoder = built_in_name(estimator)
    network = bare_network(estimator)
    unit = 1.0 if encoder is None else network_and_unit(estimator.encoder_)[1]
    parameters = _parameters(estimator, "DrLIM")
    metadata: Metadata = {
        "format_version": DRLIM_FORMAT,
        "drlim_version": __version__,
        "parameters": parameters,
        "architecture": _architecture(estimator, encoder, type(network).__name__),
        "needs": _needs(estimator, encoder),
        "feature_names": _feature_names(estimator),
        "training": _training(estimator),
    }
    return (
        metadata
        if unit == 1 and _as_first(metadata)
        else {**metadata, "format_version": DRLIM_UNIT_FORMAT, "unit": unit}
    )


def _as_first(metadata: Metadata) -> bool:
    """Take out parameters that the first files do not have, if that loses nothing: earlier versions read those."""
    parameters = metadata["parameters"]
    later = {name: value for name, value in LATER_PARAMETERS["DrLIM"].items() if name not in FUNCTIONS["DrLIM"]}
    has_functions = any(isinstance(parameters[name], dict) for name in FUNCTIONS["DrLIM"])
    if has_functions or any(parameters[name] != value for name, value in later.items()):
        return False
    metadata["parameters"] = {name: parameters[name] for name in parameters if name not in later}
    return True


def _parameters(estimator: DrLIM | NeighborMap, kind: EstimatorName) -> dict[str, Value]:
    """Return the parameters as a file holds them."""
    import numpy as np

    given = {name: value for name, value in estimator.get_params(deep=False).items() if name not in OF_A_FIT}
    stored = {name: _named(value) if name in FUNCTIONS[kind] else _plain(value) for name, value in given.items()}
    if "space" in given:
        stored["space"] = factors_of(given["space"])
    rows = given.get("validation")
    return stored if rows is None or isinstance(rows, Real) else {**stored, "validation": np.asarray(rows).tolist()}


def _metadata_of_a_map(estimator: NeighborMap) -> Metadata:
    """Return all of a `NeighborMap` that is no tensor."""
    from drlim import __version__
    from drlim.encoders.standardize import unscaled
    from drlim.persistence.place_encoder import described_places, trunk_name

    _, trunk = unscaled(estimator.encoder_.network.trunk)
    encoder = trunk_name(estimator.encoder, trunk, estimator.input_shape_)
    return {
        "format_version": NEIGHBOR_MAP_FORMAT,
        "drlim_version": __version__,
        "estimator": "NeighborMap",
        "parameters": _parameters(estimator, "NeighborMap"),
        "architecture": _architecture(estimator, encoder, type(trunk).__name__),
        "places": described_places(estimator.encoder_, encoder),
        "needs": _needs(estimator, encoder),
        "feature_names": _feature_names(estimator),
        "training": _training(estimator),
    }


def _check_tensors_of_a_map(estimator: NeighborMap, metadata: Metadata, tensors: dict[str, Tensor]) -> None:
    """Refuse an encoder whose tensors `load` would refuse."""
    from drlim.persistence.place_encoder import check_usable

    check_usable(estimator.encoder_, trunk=metadata["architecture"]["encoder"] is not None)
    shapes = {name.removeprefix(WEIGHTS): list(value.shape) for name, value in tensors.items()}
    shapes = {name: shape for name, shape in shapes.items() if WEIGHTS + name in tensors}
    check_places_shapes(metadata["places"], shapes, estimator.n_features_in_, estimator.embedding_.shape[1])


def _architecture(estimator: DrLIM | NeighborMap, encoder: str | None, kind: str) -> Architecture:
    return {
        "encoder": encoder,
        "class": kind,
        "input_shape": [int(side) for side in estimator.input_shape_],
        "n_components": estimator.embedding_.shape[1],
    }


def _needs(estimator: DrLIM | NeighborMap, encoder: str | None) -> list[str]:
    """Return the parts that `load` needs."""
    needs = {"encoder": encoder is None, "springs": estimator.springs is not None}
    return [name for name, needed in needs.items() if needed]


def _feature_names(estimator: DrLIM | NeighborMap) -> list[str] | None:
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _training(estimator: DrLIM | NeighborMap) -> Training:
    return {
        "history": [
            {name: _number(value) for name, value in record.items() if name != "seconds"}
            for record in estimator.history_
        ],
        "stopped": getattr(estimator, "stopped_", None),  # a fit that diverged has none
    }


def _named(value: object) -> Value:
    """Return a value as `_plain` does; a function, or another object of the user's own, by its name."""
    from drlim.estimators.left_out import LeftOut

    if isinstance(value, LeftOut):
        return {value.kind: value.name}
    if value is None or isinstance(value, str):
        return value
    return {"function" if callable(value) else "object": str(getattr(value, "__name__", type(value).__name__))}


def _plain(value: object) -> Value:
    """Return a value as JSON stores it; one that JSON cannot store becomes None."""
    import numpy as np
    import torch

    if isinstance(value, torch.device):
        return {"torch.device": str(value)}
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Real):
        return _number(value)
    return value if isinstance(value, str) else None


def _number(value: Real | float) -> float:
    """Return a number of any library as Python's int or float."""
    return int(value) if isinstance(value, Integral) else float(value)


def _tensors(estimator: DrLIM | NeighborMap) -> dict[str, Tensor]:
    """Return all arrays of an estimator by name, on the CPU, each with memory of its own."""
    import numpy as np
    import torch

    from drlim.estimators import DrLIM
    from drlim.graph.statements import KINDS
    from drlim.graph.stored import arrays_of
    from drlim.persistence.encoder import bare_network, check_finite, learned_radii

    check_finite(estimator.encoder_, estimator.embedding_)
    tensors: dict[str, Tensor] = {}
    network = bare_network(estimator) if isinstance(estimator, DrLIM) else estimator.encoder_
    radii = learned_radii(estimator.encoder_)
    if radii is not None:
        tensors[LOG_RADII] = radii.cpu().clone()
    for name, value in network.state_dict().items():
        if not isinstance(value, torch.Tensor):
            raise TypeError(
                f"The encoder cannot be saved: {name!r} in its state is no tensor, and a file holds no other."
            )
        tensors[WEIGHTS + name] = value.detach().cpu().contiguous().clone()  # tied weights are stored twice
    tensors[EMBEDDING] = torch.from_numpy(np.array(estimator.embedding_))
    graph = estimator.graph_
    stated = {kind: getattr(graph, f"stated_{kind}") for kind in KINDS}
    for name, array in arrays_of(stated, graph.rest).items():
        tensors[GRAPH + name] = torch.from_numpy(np.array(array))
    return tensors
