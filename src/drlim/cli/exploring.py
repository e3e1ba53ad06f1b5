"""The command `explore`: a page to look at a map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from drlim.cli.options import (
    MODEL_SUFFIX,
    ArrayName,
    IdsColumn,
    ImageSize,
    Json,
    LabelsFrom,
    check_inputs,
    check_labels_from,
    image_size,
)
from drlim.cli.output import UsageError, answer

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.cli.models import SavedModel
    from drlim.explorer import Contents

__all__ = ["Asked", "Shown", "explore", "gathered", "serve_editing"]

_LARGEST_PORT = 65_535


def explore(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Samples; else those trained on, without values.", show_default=False),
    ] = None,
    output: Annotated[Path, typer.Option(help="File to write: .html.")] = Path("map.html"),
    labels: Annotated[
        str | None, typer.Option(help="Colours: a file of labels, or a column (in an .npz, an array) of DATA.")
    ] = None,
    labels_from: LabelsFrom = None,
    text: Annotated[str | None, typer.Option(help="Texts: a file of them, or a column of DATA.")] = None,
    ids: IdsColumn = None,
    size: ImageSize = None,
    array: ArrayName = None,
    title: Annotated[str | None, typer.Option(help="Heading of the page.", show_default=False)] = None,
    encoder: Annotated[
        bool | None,
        typer.Option(
            "--encoder/--no-encoder",
            help="Whether the encoder travels with the page, to map new samples in it. [default: up to 2 MiB]",
            show_default=False,
        ),
    ] = None,
    sensitivities: Annotated[
        bool, typer.Option(help="Whether the page holds where the map stretches, and what moves each sample.")
    ] = True,
    edit: Annotated[bool, typer.Option("--edit", help="Serve the page on this machine, to correct the map.")] = False,
    statements: Annotated[
        Path | None,
        typer.Option(
            help="File of what is stated on the page: .safetensors. [default: beside MODEL]", show_default=False
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of this machine to serve on; 0 takes a free one.")] = 0,
    as_json: Json = False,
) -> None:
    """Write a page to look at a map: one file that needs no network and no server.

    It shows the images, values and texts of samples, colours them by any column, and selects them by a line drawn
    around them. All columns of a table are in the page, those that the model left out, too.

    With --edit the page is served on this machine until Ctrl-C. What is stated there of samples is written to a graph's
    file as it is stated; a map that is trained on by it is saved beside MODEL.
    """
    from drlim.cli.targets import check_output

    pixels = image_size(size)
    check_labels_from(labels_from)
    if not edit:
        check_output(output, [".html"])
    check_inputs(model, data)
    asked = Asked(model, data, labels, labels_from, text, ids, pixels, array, title, encoder, sensitivities)
    if edit:
        serve_editing(asked, statements, port, as_json=as_json)
        return
    if statements is not None or port:
        raise UsageError("--statements and --port need --edit.")
    from drlim.explorer import Page, render

    contents = gathered(asked).contents
    Page(render(contents)).save(output)
    n = contents.meta["n_samples"]
    answer(as_json, {"output": str(output), "n_samples": n}, [f"{output}: {n} samples"])


def serve_editing(asked: Asked, statements: Path | None, port: int, *, as_json: bool) -> None:
    """Serve the page on which a person corrects the map, until Ctrl-C."""
    from drlim.cli.targets import check_output

    if asked.data is None:
        raise UsageError("--edit needs DATA: the map is trained on by them.")
    if not 0 <= port <= _LARGEST_PORT:
        raise UsageError(f"--port must be between 0 and {_LARGEST_PORT}. Got {port}.")
    if statements is not None:
        check_output(statements, [MODEL_SUFFIX])
    from drlim.explorer.editing.server import require_server

    require_server()
    from drlim.explorer.editing.session import Address, edit

    shown = gathered(asked)

    def ready(address: Address) -> None:
        said = f"{address.statements}: {address.n_statements} statements, each on the disk as it is made. Ctrl-C ends."
        answer(
            as_json,
            {"address": address.url, "statements": str(address.statements), "n_statements": address.n_statements},
            [f"Open {address.url}", said],
        )
        sys.stdout.flush()  # a program that reads the address waits for it

    edit(shown.model.whole, shown.samples, shown.contents, asked.model, statements=statements, port=port, ready=ready)


class Asked(NamedTuple):
    """What the command was asked to show; see its arguments."""

    model: Path
    data: Path | None
    labels: str | None
    labels_from: str | None
    text: str | None
    ids: str | None
    pixels: tuple[int, int] | None
    array: str | None
    title: str | None
    encoder: bool | None = None
    sensitivities: bool = True


class Shown(NamedTuple):
    """What the page shows: the model, the samples as it takes them, None without any, and the contents."""

    model: SavedModel
    samples: object
    contents: Contents


def gathered(asked: Asked) -> Shown:
    """Return what the page shows."""
    from drlim.cli.drawing import labels_to_draw
    from drlim.cli.models import open_model
    from drlim.explorer import contents_of

    saved = open_model(asked.model)
    labels = labels_to_draw(asked.labels, asked.labels_from, asked.model, asked.data)
    if asked.data is None:
        return Shown(saved, None, contents_of(saved.whole, labels=labels, title=asked.title, encoder=_encoder(asked)))
    return _of_data(saved, asked, asked.data, labels)


def _of_data(saved: SavedModel, asked: Asked, data: Path, labels: Array | None) -> Shown:
    """Return a page of samples in a file or folder."""
    from drlim.cli.files import read_labels
    from drlim.cli.models import ids_of, is_table
    from drlim.explorer import contents_of

    is_column = asked.labels is not None and is_table(data) and not Path(asked.labels).is_file()
    known = ids_of(data, saved.table, asked.ids)
    shown = [asked.labels, asked.text, None if known is None else known.name]
    samples = saved.read(data, array=asked.array, leave_out=asked.labels if is_column else None, size=asked.pixels)
    contents = contents_of(
        saved.whole,
        samples,
        labels=labels,
        columns=_columns(data, shown) if is_table(data) else None,
        text=None if asked.text is None else read_labels(asked.text, data).tolist(),
        ids=None if known is None else known.values,
        title=asked.title or data.name,
        encoder=_encoder(asked),
        sensitivities=asked.sensitivities,
    )
    return Shown(saved, samples, contents)


def _encoder(asked: Asked) -> bool | Literal["auto"]:
    return "auto" if asked.encoder is None else asked.encoder


def _columns(data: Path, others: list[str | None]) -> dict[str, Array]:
    """Return the columns of a table that are not shown in another way."""
    from drlim.tables.files import open_table

    table = open_table(data)
    names = table.names or [f"x{place}" for place in range(table.n_columns)]
    return {name: table.values(place) for place, name in enumerate(names) if name not in others}
