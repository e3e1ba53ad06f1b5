"""Editing a map from start to end: the files beside the model, the statements, the server."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drlim._base.arrays import Array
from drlim._base.checks import check_same_length
from drlim.estimators.drlim import DrLIM
from drlim.estimators.neighbor_map import NeighborMap
from drlim.explorer.editing.application import Asset, application
from drlim.explorer.editing.retraining import Retraining, free_path
from drlim.explorer.editing.server import new_token, require_server, reserved, serve
from drlim.explorer.editing.statements import GRAPH_SUFFIX, Statements
from drlim.explorer.payload import pack
from drlim.persistence import save

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.explorer.contents import Contents

__all__ = ["Address", "data_digest", "edit", "statements_path"]

_HERE = Path(__file__).parent

_ASSETS = {
    "/": ("text/html; charset=utf-8", _HERE / "boot.html"),
    "/boot.js": ("text/javascript; charset=utf-8", _HERE / "boot.js"),
    "/page.js": ("text/javascript; charset=utf-8", _HERE.parent / "page.js"),
    "/page.css": ("text/css; charset=utf-8", _HERE.parent / "page.css"),
}
"""Files of the page by path: what is in them is the same for all users."""


class Address(NamedTuple):
    """Where a map is edited.

    Attributes
    ----------
    url : str
        To open in a browser. It holds the token, and so is a secret.
    statements : Path
        The graph's file.
    n_statements : int
        Number of statements that it holds already.
    """

    url: str
    statements: Path
    n_statements: int


def edit(
    model: DrLIM | NeighborMap | Pipeline,
    samples: object,
    contents: Contents,
    path: Path,
    *,
    statements: Path | None = None,
    port: int = 0,
    ready: Callable[[Address], None],
) -> None:
    """Serve a page on which a person corrects a map, until the process is interrupted or told to end.

    Parameters
    ----------
    model : DrLIM, NeighborMap or Pipeline
        Fitted; a pipeline ends with one of the two.
    samples : array-like or columns, shape (n, ...)
        As ``model.transform`` takes them.
    contents : Contents
        What the page shows of these samples.
    path : Path
        File of the model. Maps that are trained on are saved beside it.
    statements : Path, default=None
        The graph's file; None takes one beside the model: see `statements_path`.
    port : int, default=0
        Port of this machine; 0 takes a free one.
    ready : callable
        Called with the address once requests are answered.

    Raises
    ------
    ImportError
        When the extra ``explore`` is missing.
    ModelFileError
        When the statements are damaged, about other samples, or open in another process.
    OSError
        When the port is taken, or the system cannot read or write.
    """
    require_server()
    last, before = _parts(model)
    rows = np.asarray(samples if before is None else before.transform(samples))
    check_same_length(len(rows), "samples", int(str(contents.meta["n_samples"])), "the page")
    made = Statements(statements or statements_path(path), len(rows), data_digest(rows))
    try:
        retraining = Retraining(last, rows, _saving(model, path))
        told = {"statements": made.path.name, "model": path.name}
        payload = pack({**contents.meta, "editing": told}, contents.arrays).encode()
        with reserved(port) as listening:
            token, number = new_token(), listening.getsockname()[1]
            assets = {name: Asset(kind, file.read_bytes()) for name, (kind, file) in _ASSETS.items()}
            app = application(assets, payload, made, retraining, token=token, port=number)
            address = Address(f"http://127.0.0.1:{number}/#token={token}", made.path, len(made.to_list()))
            with contextlib.suppress(KeyboardInterrupt):
                serve(app, listening, lambda: ready(address))
    finally:
        made.close()


def statements_path(model: Path) -> Path:
    """Return the path of the statements about the map in a model's file.

    Examples
    --------
    >>> statements_path(Path("maps/map.safetensors")).name
    'map.statements.safetensors'
    """
    return model.with_name(f"{model.stem}.statements{GRAPH_SUFFIX}")


def data_digest(samples: Array) -> str:
    """Return the SHA-256 of an array, alike on all machines.

    Examples
    --------
    >>> data_digest(np.zeros((2, 2), dtype=">f4")) == data_digest(np.zeros((2, 2), dtype="<f4"))
    True
    >>> data_digest(np.zeros((2, 2))) == data_digest(np.zeros((4, 1)))
    False
    """
    array = np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("<"))
    found = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    found.update(array.data.cast("B") if array.size else b"")
    return found.hexdigest()


def _parts(model: DrLIM | NeighborMap | Pipeline) -> tuple[DrLIM | NeighborMap, Pipeline | None]:
    """Return the map in a model, and the steps before it."""
    if isinstance(model, DrLIM | NeighborMap):
        return model, None
    return model.steps[-1][1], model[:-1]


def _saving(model: DrLIM | NeighborMap | Pipeline, path: Path) -> Callable[[DrLIM | NeighborMap], Path]:
    """Return the function that saves a map that was trained on, with the steps before it."""

    def saved(trained: DrLIM | NeighborMap) -> Path:
        target = free_path(path)
        save(trained if isinstance(model, DrLIM | NeighborMap) else _with_last(model.steps, trained), target)
        return target

    return saved


def _with_last(steps: Sequence[tuple[str, object]], last: DrLIM | NeighborMap) -> Pipeline:
    from sklearn.pipeline import Pipeline

    return Pipeline([*steps[:-1], (steps[-1][0], last)])
