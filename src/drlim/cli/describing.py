"""The command `drlim relations`: what a file of relations states of samples, before any training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from drlim.cli.options import ArrayName, Data, ImageSize, Json, LabelsColumn, check_inputs, image_size
from drlim.cli.output import answer

__all__ = ["relations"]


def relations(
    data: Data,
    file: Annotated[Path, typer.Argument(metavar="RELATIONS", help="A file of relations, .toml.")],
    labels_column: LabelsColumn = None,
    size: ImageSize = None,
    array: ArrayName = None,
    as_json: Json = False,
) -> None:
    """Describe the relations that a file states of DATA, before any training.

    The file names relations, such as near = {knn = 10} and same = {groups = "object"}, and joins them, as in use =
    "same | near". drlim fit --relations trains on them.
    """
    check_inputs(data, file)
    pixels = image_size(size)
    from drlim.cli.relating import stated_graphs
    from drlim.relations.file import read_file

    stated = read_file(file)
    graphs = stated_graphs(stated, data, labels_column=labels_column, size=pixels, array=array)
    joined = stated.joined(graphs).describe(verbose=False)
    each = {name: graph.describe(verbose=False) for name, graph in graphs.items()}
    lines = [
        f"{name}: {one.similar:,} similar pairs, {one.dissimilar:,} dissimilar, {one.ignored:,} ignored"
        for name, one in each.items()
    ]
    result = {"relations": {name: asdict(one) for name, one in each.items()}, "joined": asdict(joined)}
    answer(as_json, result, [*lines, f"{stated.use.text}:", *(f"  {line}" for line in str(joined).split("\n"))])
