"""The command `drlim fit`: one of two methods learns a map, which is saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import typer

from drlim._base.launched import launched_rank
from drlim.cli.options import (
    MODEL_SUFFIX,
    ArrayName,
    Data,
    IdsColumn,
    ImageColor,
    ImageSize,
    Json,
    LabelsColumn,
    LabelsFrom,
    changes_named,
    check_inputs,
    check_labels_from,
    check_one_source,
    image_size,
    names_of,
)
from drlim.cli.output import UsageError, answer, nearest, say, sentence
from drlim.cli.report import FitResult, fit_lines
from drlim.cli.signals import CUT_SHORT_AND_KEPT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from drlim.cli.preparing import Prepared
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.metrics import InvarianceReport

__all__ = ["METHODS", "estimator_for", "fit"]

_NEIGHBORS = "neighbors"
_DRLIM = "drlim"
METHODS = (_NEIGHBORS, _DRLIM)

_ONLY = {
    **dict.fromkeys(("n_places",), _NEIGHBORS),
    **dict.fromkeys(("margin", "dissimilar_weight", "optimizer", "learning_rate"), _DRLIM),
    **dict.fromkeys(("batch_size", "interactions", "tol", "weight_decay", "validation", "space"), _DRLIM),
}
"""Parameters that one method has, and the other has not."""

_Number = TypeVar("_Number", int, float)


def fit(
    data: Data,
    model: Annotated[Path, typer.Option(help=f"File to save the model to ({MODEL_SUFFIX}).")],
    method: Annotated[
        str,
        typer.Option(
            help="neighbors (NeighborMap) shows the groups of ordinary data. drlim (DrLIM) minimises the paper's exact "
            "loss: an even map that follows the similar pairs of --graph. Most data come without such pairs, so "
            "neighbors is the default."
        ),
    ] = _NEIGHBORS,
    graph: Annotated[
        Path | None, typer.Option(help="Similar pairs, .csv, .npy or .npz; else the nearest neighbours are.")
    ] = None,
    relations: Annotated[
        Path | None,
        typer.Option(help="File of relations, .toml, in place of --graph; drlim relations describes it."),
    ] = None,
    labels_column: LabelsColumn = None,
    labels_from: LabelsFrom = None,
    size: ImageSize = None,
    color: ImageColor = "auto",
    ignore: Annotated[
        str | None,
        typer.Option(
            metavar="CHANGES",
            help="Changes of images that do not matter, some of shift=2,rotate=15,flip,color=0.2,brightness=0.2.",
        ),
    ] = None,
    array: ArrayName = None,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="COLUMNS", help="Columns of a table to leave out: a,b.")
    ] = None,
    categories: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns of categories that hold numbers."),
    ] = None,
    numbers: Annotated[
        list[str] | None, typer.Option(metavar="COLUMNS", help="Columns of numbers, kept though they look like ids.")
    ] = None,
    as_is: Annotated[
        list[str] | None, typer.Option(metavar="COLUMNS", help="Columns of numbers that are not standardised.")
    ] = None,
    standardize: Annotated[
        bool | None,
        typer.Option(
            "--standardize/--no-standardize",
            help="Give the numbers of a table one scale, or leave them.",
            show_default="unless all columns are numbers, and 50 or more or of similar spread",
        ),
    ] = None,
    fill: Annotated[
        str | None,
        typer.Option(help="Blank numbers of a table: median, mean or refuse.", show_default="median"),
    ] = None,
    ids: IdsColumn = None,
    embedding: Annotated[Path | None, typer.Option(help="File to write the map of DATA to.")] = None,
    n_components: Annotated[int, typer.Option(help="Dimensions of the map.")] = 2,
    n_neighbors: Annotated[
        int | None,
        typer.Option(
            help="Nearest neighbours declared similar.",
            show_default="neighbors: auto, drlim: 5",
        ),
    ] = None,
    encoder: Annotated[str, typer.Option(help="auto; by drlim also convnet, two_layer, linear or mlp.")] = "auto",
    max_epochs: Annotated[str, typer.Option(help="Passes through the samples, or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    seed: Annotated[int, typer.Option(help="The same seed gives the same map.")] = 0,
    metric: Annotated[
        str | None,
        typer.Option(
            help="euclidean, cosine, jaccard or hamming; by neighbors also precomputed.", show_default="euclidean"
        ),
    ] = None,
    n_places: Annotated[
        str | None,
        typer.Option(help="By neighbors only: number of places of the map, or auto.", show_default="auto"),
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="By drlim only: circle, sphere, torus or cylinder.", show_default="euclidean")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="By drlim only: distance within which dissimilar samples repel.", show_default="1.0"),
    ] = None,
    dissimilar_weight: Annotated[
        float | None, typer.Option(help="By drlim only: more spreads the map.", show_default="1.0")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="By drlim only: auto, adam or lbfgs.", show_default="auto")
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="By drlim only: a number or auto.", show_default="auto")
    ] = None,
    batch_size: Annotated[
        str | None, typer.Option(help="By drlim only: samples a step, auto or all.", show_default="auto")
    ] = None,
    interactions: Annotated[
        str | None,
        typer.Option(
            help="By drlim only: all, each step uses forces from all samples; batch, from those of its batch.",
            show_default="all",
        ),
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(
            help="By drlim only: stop when a fifth of the epochs gains less than this share.", show_default="0.0001"
        ),
    ] = None,
    weight_decay: Annotated[
        str | None,
        typer.Option(
            help="By drlim only: share of the weights that each step takes off, or auto.", show_default="auto"
        ),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(help="By drlim only: share of the samples held out, by which training is stopped."),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="File for the numbers of each epoch, .csv, written anew after each.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder for the newest two states of the training, to go on from after a kill.")
    ] = None,
    checkpoint_every: Annotated[
        str | None,
        typer.Option(help="Epochs between two checkpoints, or a time, such as 90s, 10min or 2h.", show_default="1"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the newest checkpoint, if there is one, to the same bytes."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Learn a map of samples and save it.

    Ctrl-C and SIGTERM end the training, after a checkpoint where --checkpoint names a folder; the map as it stands then
    is saved. The exit codes are 130 and 143, and 1 of a training that diverged.
    """
    from drlim.cli.targets import MAP_SUFFIXES, check_output

    given: dict[str, object] = {
        "n_components": n_components,
        "n_neighbors": n_neighbors,
        "encoder": encoder,
        "max_epochs": _number(max_epochs, int),
        "device": device,
        "random_state": seed,
        "metric": metric,
        "n_places": _number(n_places, int),
        "margin": margin,
        "dissimilar_weight": dissimilar_weight,
        "optimizer": optimizer,
        "learning_rate": _number(learning_rate, float),
        "batch_size": _number(batch_size, int),
        "interactions": interactions,
        "tol": tol,
        "weight_decay": _number(weight_decay, float),
        "validation": validation,
        "space": space,
        "checkpoint": checkpoint,
        "checkpoint_every": _number(checkpoint_every, int),
    }
    given["orbit"] = change = changes_named(ignore)
    parameters = {name: value for name, value in given.items() if value is not None}
    _check_method(method, parameters)
    check_labels_from(labels_from)
    pixels = image_size(size)
    check_output(model, [MODEL_SUFFIX])
    if embedding is not None:
        check_output(embedding, MAP_SUFFIXES)
    if log is not None:
        check_output(log, [".csv"])
    check_one_source(graph, relations)
    check_inputs(data, graph, relations)
    from drlim.cli.ignoring import report_on
    from drlim.cli.preparing import TableOptions, prepared
    from drlim.cli.relating import stated_by
    from drlim.datasets.folders import folder_classes

    stated = stated_by(graph, relations)
    left_out = [*([] if labels_column is None else [labels_column]), *stated.columns_used(data)]
    estimator = estimator_for(method, parameters)
    options = TableOptions(names_of(drop), names_of(categories), names_of(numbers), names_of(as_is), standardize, fill)
    found = prepared(data, options, ids=ids, array=array, left_out=left_out, size=pixels, color=color)
    labels = None if labels_from is None else folder_classes(data)
    began = time.perf_counter()
    _fit(estimator, found.X, labels, stated.graph_of(data, found.samples), log, resume)
    seconds = time.perf_counter() - began
    if launched_rank():  # the first of several processes writes and prints
        return _exit_code(estimator.stopped_)
    report = report_on(estimator, found.samples, change, seed)
    return _keep(estimator, method, seconds, model, embedding, found, report, as_json)


def _fit(
    estimator: DrLIM | NeighborMap, X: object, labels: object, graph: object, log: Path | None, resume: bool
) -> None:
    """Fit an estimator, with a log of its epochs."""
    from drlim.callbacks import CallbackError, CsvWriter

    if log is not None:
        estimator.set_params(callbacks=[CsvWriter(log)])
    try:
        estimator.fit(cast("ArrayLike", X), labels, graph=graph, resume=resume)
    except CallbackError as error:  # a log that cannot be written any more costs no map
        say("error", sentence(error))


def _exit_code(stopped: str) -> int:
    if stopped == "interrupted":
        return CUT_SHORT_AND_KEPT
    return 1 if stopped in ("diverged", "callback") else 0


def _check_method(method: str, parameters: Mapping[str, object]) -> None:
    """Refuse an unknown method, and parameters of the other one."""
    if method not in METHODS:
        raise UsageError(f"No such method: {method}.{nearest(method, METHODS)}")
    foreign = [f"--{name.replace('_', '-')}" for name in parameters if _ONLY.get(name, method) != method]
    if method == _NEIGHBORS and parameters["encoder"] != "auto":
        foreign.append(f"--encoder {parameters['encoder']}")
    if foreign:
        other = _DRLIM if method == _NEIGHBORS else _NEIGHBORS
        raise UsageError(f"{foreign[0]} belongs to --method {other}. This fit is by --method {method}.")


def estimator_for(method: str, parameters: Mapping[str, object]) -> DrLIM | NeighborMap:
    """Return an estimator with the parameters given, and its own defaults for the rest."""
    from drlim import DrLIM, NeighborMap

    estimator = NeighborMap() if method == _NEIGHBORS else DrLIM()
    estimator.set_params(**parameters)
    return estimator


def _keep(
    estimator: DrLIM | NeighborMap,
    method: str,
    seconds: float,
    model: Path,
    embedding: Path | None,
    found: Prepared,
    report: InvarianceReport | None,
    as_json: bool,
) -> int:
    """Save a fitted estimator, and print what it learned; return the exit code."""
    from sklearn.pipeline import Pipeline

    from drlim import save
    from drlim.cli.ignoring import report_lines_of
    from drlim.cli.writing import write_map

    save(estimator if found.table is None else Pipeline([("table", found.table), ("map", estimator)]), model)
    if embedding is not None:
        write_map(embedding, estimator.embedding_, list(estimator.get_feature_names_out()), found.ids)
    result: FitResult = {
        "model": str(model),
        "method": method,
        "embedding": None if embedding is None else str(embedding),
        "n_samples": len(estimator.embedding_),
        "n_features": estimator.n_features_in_,
        "n_components": estimator.embedding_.shape[1],
        "similar_pairs": estimator.graph_.n_similar,
        "dissimilar_pairs": estimator.graph_.n_dissimilar,
        "epochs": estimator.n_iter_,
        "stopped": estimator.stopped_,
        "seconds": seconds,
        "data": found.said,
    }
    last = estimator.history_[-1] if estimator.history_ else {}
    if method == _NEIGHBORS:
        result["cross_entropy"] = last.get("cross_entropy")
    else:
        result["energy"] = last.get("energy")
    lines = fit_lines(result)
    if report is not None:
        result["invariance"] = report.to_dict()
        lines += report_lines_of(report)
    answer(as_json, result, lines)
    return _exit_code(estimator.stopped_)


def _number(text: str | None, kind: Callable[[str], _Number]) -> _Number | str | None:
    """Return a number, or the text where it is none: the estimator accepts some words, and refuses others."""
    try:
        return None if text is None else kind(text)
    except ValueError:
        return text
