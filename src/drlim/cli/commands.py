"""The command line: parses, calls public names, prints.

Exit codes: 0 done; 1 the work failed, or a certificate no longer holds; 2 the command was not understood; 3 a
certificate cannot be checked; 130 Ctrl-C cut the work short; 143 SIGTERM did. Results go to the standard output, with
``--json`` as one object; progress, warnings and one line for an error go to the standard error stream. Everything slow
is imported inside the command that needs it, so that ``drlim --help`` answers at once.
"""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from drlim import __version__
from drlim.cli.certifying import certify, check
from drlim.cli.describing import relations
from drlim.cli.exploring import explore
from drlim.cli.fitting import fit
from drlim.cli.options import (
    MODEL_SUFFIX,
    ONNX_SUFFIX,
    ArrayName,
    Data,
    IdsColumn,
    ImageSize,
    Json,
    LabelsColumn,
    LabelsFrom,
    check_inputs,
    check_labels_from,
    image_size,
)
from drlim.cli.output import (
    UsageError,
    answer,
    is_usage,
    nearest,
    say,
    sentence,
    show_warnings_in_one_line,
)
from drlim.cli.report import description_lines, report_lines, summary_lines
from drlim.cli.signals import INTERRUPTED, ending_in_order

__all__ = ["app", "main"]

PICTURE_SUFFIXES = (".png", ".svg", ".pdf", ".jpg")

_PLACES: dict[str, Literal["auto", "legend", "map"] | None] = {
    "auto": "auto",
    "legend": "legend",
    "map": "map",
    "none": None,
}
"""Places of the names of groups in a picture, as the command line and as `plot_embedding` calls them."""


class _Commands(TyperGroup):
    """The commands; a mistyped name is answered with the name most like it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            raise UsageError(f"No such command: {args[0]}.{nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class _Reproduce(TyperCommand):
    """The command `reproduce`, whose help lists the experiments."""

    def format_epilog(self, ctx: object, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        from drlim.paper import EXPERIMENTS

        with formatter.section("Experiments"):
            formatter.write_dl(list(EXPERIMENTS.items()))


app = typer.Typer(cls=_Commands, rich_markup_mode=None, add_completion=False)


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
    with warnings.catch_warnings(), ending_in_order() as ending:
        show_warnings_in_one_line()
        try:
            code = int(command.main(args=arguments, prog_name="drlim", standalone_mode=False) or 0)
        except (typer.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except Exception as error:
            if len(arguments) < len(given):
                traceback.print_exc()
            say("error", sentence(error))
            return 2 if is_usage(error) else getattr(error, "exit_code", 1)
    if code == INTERRUPTED:  # newer versions of typer return it for Ctrl-C
        say("error", ending.sentence)
    return ending.exit_code(code)


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
    from drlim.cli.targets import check_output

    folder = output if name == "all" else output / name
    folder.mkdir(parents=True, exist_ok=True)
    check_output(folder / "report.json", [".json"])
    report = paper.reproduce(name, folder, random_state=seed)
    answer(as_json, {**report.to_dict(), "folder": str(report.folder)}, report_lines(report))


app.command()(fit)
app.command()(relations)
app.command()(explore)
app.command()(certify)
app.command()(check)


@app.command()
def transform(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Data,
    output: Annotated[Path, typer.Option(help="File for the map: .npy, .npz, .csv or .parquet.")],
    ids: IdsColumn = None,
    labels_column: LabelsColumn = None,
    size: ImageSize = None,
    array: ArrayName = None,
    novelty: Annotated[
        Path | None,
        typer.Option(
            help="File for how far each sample lies from the training samples, in the input and on the map.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Map samples, seen before or not, with a saved model.

    Columns are found by name where the model was fitted on names, whatever other columns DATA has. What fit did with a
    table is done again: unknown categories count as none of the known ones, blank numbers are filled as they were,
    and a missing column is an error. Names of images, and a column that fit left out as an id, come first in the map.
    """
    from drlim.cli.targets import MAP_SUFFIXES, check_output

    pixels = image_size(size)
    for path in (output,) if novelty is None else (output, novelty):
        check_output(path, MAP_SUFFIXES)
    check_inputs(model, data)
    from drlim.cli.models import ids_of, open_model
    from drlim.cli.writing import write_map

    saved = open_model(model)
    samples = saved.read(data, array=array, leave_out=labels_column, size=pixels)
    known = ids_of(data, saved.table, ids)
    Z, distances = (saved.transform(samples), None) if novelty is None else saved.transform_with_novelty(samples)
    write_map(output, Z, saved.outputs, known)
    result = {"output": str(output), "n_samples": len(Z), "n_components": Z.shape[1]}
    lines = [f"{output}: {len(Z)} samples in {Z.shape[1]} dimensions"]
    if novelty is not None and distances is not None:
        write_map(novelty, distances, ["input", "map"], known)
        result["novelty"] = str(novelty)
        lines.append(f"{novelty}: distances to the nearest training samples, in units of what is usual among these")
    answer(as_json, result, lines)


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
    labels_from: LabelsFrom = None,
    size: ImageSize = None,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Lay the images of DATA on the map.")] = False,
    background: Annotated[
        Path | None,
        typer.Option(
            help="Earlier samples, grey beneath: a map, or samples to map with the model.", show_default=False
        ),
    ] = None,
    names: Annotated[str, typer.Option(metavar="|".join(_PLACES), help="Where the names of groups stand.")] = "auto",
    array: ArrayName = None,
    as_json: Json = False,
) -> None:
    """Draw a map: of DATA, or of the samples that a model was trained on."""
    from drlim.cli.targets import check_output

    place, pixels = _place_of_names(names), image_size(size)
    check_labels_from(labels_from)
    check_output(output, PICTURE_SUFFIXES)
    if thumbnails and data is None:
        raise UsageError("--thumbnails needs DATA, the images of the samples.")
    check_inputs(source, data, background)
    from drlim._base.disk import atomic_write
    from drlim.cli.drawing import drawn_map, labels_to_draw, map_to_draw, read_background
    from drlim.cli.models import open_model

    column = labels if labels is not None and not Path(labels).is_file() else None
    saved = open_model(source) if source.suffix.lower() == MODEL_SUFFIX else None
    values = labels_to_draw(labels, labels_from, source, data)
    Z, images = map_to_draw(saved, source, data, array, column, thumbnails, pixels)
    earlier = None if background is None else read_background(saved, background, array, column, pixels)
    axes = drawn_map(saved, Z, values, images, earlier, title=column, names=place)
    figure: Any = axes.figure  # its type allows for figures in figures
    picture = io.BytesIO()
    figure.savefig(picture, format=output.suffix[1:].lower(), dpi=150)
    atomic_write(output, picture.getvalue())
    answer(as_json, {"output": str(output), "n_samples": len(Z)}, [f"{output}: {len(Z)} samples"])


def _place_of_names(names: str) -> Literal["auto", "legend", "map"] | None:
    if names not in _PLACES:
        raise UsageError(f"--names must be one of {', '.join(_PLACES)}. Got {names}.{nearest(names, _PLACES)}")
    return _PLACES[names]


@app.command()
def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Samples to verify the file on; else made ones.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option(help="File to write: .onnx.")] = Path("map.onnx"),
    labels_column: LabelsColumn = None,
    array: ArrayName = None,
    as_json: Json = False,
) -> None:
    """Write a saved model as an ONNX file, for servers, browsers and programs in other languages.

    The file is compared with the model before it is written.
    """
    from drlim.cli.targets import check_output

    check_output(output, [ONNX_SUFFIX])
    check_inputs(model, data)
    import numpy as np

    import drlim
    from drlim.cli.models import open_model

    saved = open_model(model)
    if data is None and saved.whole is not saved.map:
        raise UsageError(f"{model} has steps before its map, such as a table: give DATA to verify the file on.")
    X = None if data is None else saved.read(data, array=array, leave_out=labels_column)
    rows: Any = X if saved.table is not None or X is None else np.asarray(X)  # a table takes columns by name
    verified = drlim.export(saved.whole, output, X=rows)
    difference = f"largest difference {verified.largest_difference:.1e}"
    line = f"{output}: equal to {model} on {verified.n_rows} samples, {difference}, {verified.n_tied} on a tie"
    answer(as_json, {"output": str(output), "model": str(model), **verified._asdict()}, [line])


@app.command()
def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or an ONNX file that export wrote.")],
    as_json: Json = False,
) -> None:
    """Describe a model file, once its checksum is found right."""
    if model.suffix.lower() == ONNX_SUFFIX:
        from drlim.deploy.onnx_file import read_description

        description = read_description(model)
        answer(as_json, {"model": str(model), **description}, [str(model), *description_lines(description)])
        return
    from drlim.persistence import read_summary

    summary = read_summary(model)
    answer(as_json, {"model": str(model), **summary}, [str(model), *summary_lines(summary)])
