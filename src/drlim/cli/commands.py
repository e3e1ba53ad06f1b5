"""The command line: parses, calls public names, prints.

Exit codes: 0 done; 1 the work failed, or Ctrl-C cut it short; 2 the command was not understood. Results go to the
standard output, with ``--json`` as one object; progress, warnings and one line for an error go to the standard error
stream. Everything slow is imported inside the command that needs it, so that ``drlim --help`` answers at once.
"""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from drlim import __version__
from drlim.cli.output import (
    LONGEST_LINE,
    UsageError,
    answer,
    is_usage,
    nearest,
    say,
    sentence,
    show_warnings_in_one_line,
)

if TYPE_CHECKING:
    from drlim.estimators.drlim import DrLIM
    from drlim.paper.report import Report

__all__ = ["app", "main"]

MODEL_SUFFIX = ".safetensors"
PICTURE_SUFFIXES = (".png", ".svg", ".pdf", ".jpg")

_INTERRUPTED = 130
"""What newer versions of typer return for Ctrl-C; older ones raise."""


class _Commands(TyperGroup):
    """Commands, with a suggestion for a mistyped one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            raise UsageError(f"No such command: {args[0]}.{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class _Reproduce(TyperCommand):
    """The command whose help lists what it can reproduce."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        from drlim.paper import EXPERIMENTS

        with formatter.section("Experiments"):
            formatter.write_dl(list(EXPERIMENTS.items()))


app = typer.Typer(cls=_Commands, rich_markup_mode=None, add_completion=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Data = Annotated[
    Path, typer.Argument(metavar="DATA", help="Samples: .npy, .npz, .csv, .parquet or a folder of images.")
]
Array = Annotated[str | None, typer.Option(help="Name of the array, where DATA is an .npz that has several.")]
LabelsColumn = Annotated[str | None, typer.Option(help="Column of DATA that is no feature and is left out.")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    int
        The exit code.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = [argument for argument in given if argument != "--debug"]  # it may stand anywhere
    command = typer.main.get_command(app)
    with warnings.catch_warnings():
        show_warnings_in_one_line()
        try:
            code = int(command.main(args=arguments, prog_name="drlim", standalone_mode=False) or 0)
        except (typer.Abort, KeyboardInterrupt):
            code = _INTERRUPTED
        except Exception as error:
            if len(arguments) < len(given):
                traceback.print_exc()
            say("error", sentence(error))
            return 2 if is_usage(error) else 1
    if code == _INTERRUPTED:
        say("error", "Interrupted.")
        return 1
    return code


@app.callback(invoke_without_command=True)
def _drlim(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> None:
    """Learn maps from what is known to be alike (DrLIM; Hadsell, Chopra, LeCun 2006)."""
    if version:
        typer.echo(f"drlim {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(cls=_Reproduce)
def reproduce(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The experiment.")],
    output: Annotated[
        Path, typer.Option(help="Folder that gets a folder with the results of each experiment run.")
    ] = Path("runs"),
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.")] = 0,
    as_json: Json = False,
) -> None:
    """Reproduce an experiment of the paper, and print its numbers beside those wanted."""
    from drlim import paper

    if name not in paper.EXPERIMENTS:
        raise UsageError(f"No such experiment: {name}.{nearest(name, paper.EXPERIMENTS)}")
    from drlim.cli.files import check_output

    folder = output if name == "all" else output / name
    folder.mkdir(parents=True, exist_ok=True)
    check_output(folder / "report.json", [".json"])
    report = paper.reproduce(name, folder, random_state=seed)
    answer(as_json, {**report.to_dict(), "folder": str(report.folder)}, _report_lines(report))


@app.command()
def fit(
    data: Data,
    model: Annotated[Path, typer.Option(help=f"File to save the model to ({MODEL_SUFFIX}).")],
    graph: Annotated[
        Path | None, typer.Option(help="Similar pairs, .csv, .npy or .npz; else the nearest neighbours are.")
    ] = None,
    labels_column: LabelsColumn = None,
    array: Array = None,
    embedding: Annotated[Path | None, typer.Option(help="File to write the map of DATA to.")] = None,
    n_components: Annotated[int, typer.Option(help="Dimensions of the map.")] = 2,
    encoder: Annotated[str, typer.Option(help="auto, convnet, two_layer, linear or mlp.")] = "auto",
    n_neighbors: Annotated[int, typer.Option(help="Nearest neighbours declared similar.")] = 5,
    margin: Annotated[float, typer.Option(help="Distance within which dissimilar samples repel.")] = 1.0,
    dissimilar_weight: Annotated[float, typer.Option(help="More spreads the map.")] = 1.0,
    optimizer: Annotated[str, typer.Option(help="auto, adam or lbfgs.")] = "auto",
    learning_rate: Annotated[str, typer.Option(help="A number or auto.")] = "auto",
    batch_size: Annotated[str, typer.Option(help="Samples a step, auto or all.")] = "auto",
    interactions: Annotated[str, typer.Option(help="What a batch feels: all samples, or those in the batch.")] = "all",
    max_epochs: Annotated[str, typer.Option(help="Passes through the samples, or auto.")] = "auto",
    tol: Annotated[float, typer.Option(help="Stop when a fifth of the epochs gains less than this share.")] = 1e-4,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    seed: Annotated[int, typer.Option(help="The same seed gives the same map.")] = 0,
    as_json: Json = False,
) -> int:
    """Learn a map of samples and save it.

    Ctrl-C ends the training; the map as it stands then is saved, and the exit code is 1.
    """
    from drlim.cli.files import MAP_SUFFIXES, check_output, read_graph, read_samples

    check_output(model, [MODEL_SUFFIX])
    if embedding is not None:
        check_output(embedding, MAP_SUFFIXES)
    from drlim import DrLIM

    estimator = DrLIM(
        n_components,
        encoder=encoder,
        n_neighbors=n_neighbors,
        margin=margin,
        dissimilar_weight=dissimilar_weight,
        optimizer=optimizer,
        learning_rate=_number(learning_rate, float),
        batch_size=_number(batch_size, int),
        interactions=interactions,
        max_epochs=_number(max_epochs, int),
        tol=tol,
        device=device,
        random_state=seed,
    )
    samples = read_samples(data, array=array, leave_out=labels_column)
    estimator.fit(samples.X, graph=None if graph is None else read_graph(graph, len(samples.X)))
    return _keep(estimator, samples.names, model, embedding, as_json)


def _keep(estimator: DrLIM, names: list[str] | None, model: Path, embedding: Path | None, as_json: bool) -> int:
    """Save what was learned, and tell of it."""
    import numpy as np

    from drlim import save
    from drlim.cli.files import write_map

    if names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    save(estimator, model)
    if embedding is not None:
        write_map(embedding, estimator.embedding_, list(estimator.get_feature_names_out()))
    history = estimator.history_
    told = {
        "model": str(model),
        "embedding": None if embedding is None else str(embedding),
        "n_samples": len(estimator.embedding_),
        "n_features": estimator.n_features_in_,
        "n_components": estimator.n_components,
        "similar_pairs": estimator.graph_.n_similar,
        "dissimilar_pairs": estimator.graph_.n_dissimilar,
        "epochs": estimator.n_iter_,
        "stopped": estimator.stopped_,
        "energy": history[-1]["energy"] if history else None,
        "seconds": sum(record["seconds"] for record in history),
    }
    answer(as_json, told, _fit_lines(told))
    return 1 if estimator.stopped_ == "interrupted" else 0


@app.command()
def transform(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Data,
    output: Annotated[Path, typer.Option(help="File for the map: .npy, .npz, .csv or .parquet.")],
    labels_column: LabelsColumn = None,
    array: Array = None,
    as_json: Json = False,
) -> None:
    """Map samples, seen before or not, with a saved model.

    A model that knows its columns by name finds them by name, whatever other columns DATA has.
    """
    from drlim.cli.files import MAP_SUFFIXES, check_output, read_samples, write_map

    check_output(output, MAP_SUFFIXES)
    from drlim import load

    estimator = load(model)
    samples = read_samples(data, array=array, columns=_names(estimator), leave_out=labels_column)
    Z = estimator.transform(samples.X)
    write_map(output, Z, list(estimator.get_feature_names_out()))
    told = {"output": str(output), "n_samples": len(Z), "n_components": Z.shape[1]}
    answer(as_json, told, [f"{output}: {len(Z)} samples in {Z.shape[1]} dimensions"])


@app.command()
def plot(
    source: Annotated[Path, typer.Argument(metavar="MODEL_OR_MAP", help="A model file, or a map as transform writes.")],
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Samples to map with the model, or those of the map.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option(help="Picture to write: .png, .svg, .pdf or .jpg.")] = Path("map.png"),
    labels: Annotated[
        str | None, typer.Option(help="Colours: a file of labels, or a column (in an .npz, an array) of DATA.")
    ] = None,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Lay the images of DATA on the map.")] = False,
    array: Array = None,
    as_json: Json = False,
) -> None:
    """Draw a map: of DATA, or of the samples that a model was trained on."""
    from drlim.cli.files import check_output, read_labels

    check_output(output, PICTURE_SUFFIXES)
    if thumbnails and data is None:
        raise UsageError("--thumbnails needs DATA, the images of the samples.")
    from drlim import plotting
    from drlim._base.disk import atomic_write

    column = labels if labels is not None and not Path(labels).is_file() else None
    Z, images = _map_to_draw(source, data, array, column, thumbnails)
    values = None if labels is None else read_labels(labels, data or source)
    axes: Any = plotting.plot_embedding(Z, values, images=images, key_title=column)
    picture = io.BytesIO()
    axes.figure.savefig(picture, format=output.suffix[1:].lower(), dpi=150)
    atomic_write(output, picture.getvalue())
    answer(as_json, {"output": str(output), "n_samples": len(Z)}, [f"{output}: {len(Z)} samples"])


def _map_to_draw(source: Path, data: Path | None, array: str | None, column: str | None, images: bool) -> Any:
    """Return a map, and the samples as images where they are wanted."""
    from drlim import load
    from drlim.cli.files import Samples, read_samples
    from drlim.cli.tables import TABLE_SUFFIXES

    def read(path: Path, columns: list[str] | None = None) -> Samples:
        table = path.suffix.lower() in TABLE_SUFFIXES
        return read_samples(path, array=array, columns=columns, leave_out=column if table else None)

    if source.suffix.lower() != MODEL_SUFFIX:
        return read(source).X if data is None else read_samples(source).X, read(data).X if data and images else None
    estimator = load(source)
    if data is None:
        return estimator.embedding_, None
    samples = read(data, _names(estimator)).X
    return estimator.transform(samples), samples if images else None


@app.command()
def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    as_json: Json = False,
) -> None:
    """Describe a model file, once its checksum is found right."""
    from drlim.persistence import read_summary

    summary = read_summary(model)
    answer(as_json, {"model": str(model), **summary}, [str(model), *_summary_lines(summary)])


def _names(estimator: DrLIM) -> list[str] | None:
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else list(names)


def _number(text: str, kind: type[int] | type[float]) -> Any:
    """Return a number where there is one; a word is for the estimator to judge."""
    try:
        return kind(text)
    except ValueError:
        return text


def _short(energy: float | None) -> str:
    return "none" if energy is None else f"{energy:.5g}"


def _fit_lines(told: dict[str, Any]) -> list[str]:
    lines = [
        f"{told['n_samples']} samples of {told['n_features']} values on a map of {told['n_components']} dimensions",
        f"{told['similar_pairs']} similar pairs, {told['dissimilar_pairs']} dissimilar",
        f"{told['epochs']} epochs in {told['seconds']:.1f} s, ended: {told['stopped']}",
        f"energy {_short(told['energy'])}",
        f"saved to {told['model']}",
    ]
    if told["stopped"] == "interrupted":
        lines[-1] = f"partly trained model {lines[-1]}"
    return lines if told["embedding"] is None else [*lines, f"map written to {told['embedding']}"]


def _report_lines(report: Report) -> list[str]:
    """Return the numbers as a table, and whether all that was wanted is reached."""
    marks = {True: "yes", False: "NO", None: ""}
    table = [("number", "measured", "wanted", "reached")]
    table += [(row.number, f"{row.measured:.4f}", row.wanted, marks[row.reached]) for row in report.rows]
    widths = [max(len(line[place]) for line in table) for place in range(4)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    judged = [row.reached for row in report.rows if row.reached is not None]
    short = judged.count(False)
    verdict = f"{len(judged) - short} of {len(judged)} numbers reached"
    verdict += f"; {short} {'falls' if short == 1 else 'fall'} short." if short else "."
    return [*lines, "", verdict, f"{report.seconds:.0f} s; pictures, report and model are in {report.folder}"]


def _summary_lines(summary: dict[str, Any]) -> list[str]:
    architecture, samples, training = (summary[name] for name in ("architecture", "samples", "training"))
    shape = " x ".join(str(side) for side in architecture["input_shape"])
    pairs = {"similar": "none", "dissimilar": "all the rest", "ignored": "none"}
    pairs |= {name: str(count) for name, count in samples["pairs"].items() if count is not None}
    encoder = architecture["encoder"] or f"your own, a {architecture['class']}"
    names = samples["feature_names"]
    rows = {
        "format": f"{summary['format_version']}, written by drlim {summary['drlim_version']}, {summary['bytes']} bytes",
        "sha256": summary["sha256"],
        "needs": ", ".join(summary["needs"]) or "nothing",
        "encoder": f"{encoder}: {shape} -> {architecture['n_components']}, {architecture['n_weights']} weights",
        "samples": f"{samples['n_samples']} of {samples['n_features']} values",
        "features": "not named" if names is None else ", ".join(names),
        "pairs": ", ".join(f"{name} {count}" for name, count in pairs.items()),
        "training": f"{training['epochs']} epochs, ended: {training['stopped']}",
        "energy": " -> ".join(_short(training[name]) for name in ("energy_first", "energy_last")),
        "parameters": ", ".join(f"{name}={value!r}" for name, value in summary["parameters"].items()),
    }
    return [
        f"  {name:<12}{text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + '...'}"
        for name, text in rows.items()
    ]
