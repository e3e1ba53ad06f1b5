"""Where the command line takes relations from: a file of pairs or of relations, and the columns of DATA."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from drlim.cli.arrays import read_whole_npz
from drlim.cli.files import read_graph
from drlim.cli.models import is_table
from drlim.cli.preparing import TableOptions, prepared
from drlim.datasets.folders import class_of, image_names
from drlim.relations.file import RelationsFile, read_file
from drlim.tables.by_name import TableColumns
from drlim.tables.files import open_table

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.datasets.pillow import Size
    from drlim.graph import NeighborhoodGraph
    from drlim.relations.kinds import Columns

__all__ = ["Stated", "columns_of", "stated_by", "stated_graphs"]

_FOLDER, _FILE = "folder", "file"
"""Columns that images of a folder have: the subfolder that each is in, and its path below the folder."""


class Stated(NamedTuple):
    """Where a fit takes its relations from: pairs in a file, a file of relations, or neither."""

    graph: Path | None
    file: RelationsFile | None

    def columns_used(self, data: Path) -> list[str]:
        """Return the columns of DATA that say which samples are alike, and so are no features."""
        return [] if self.file is None or not is_table(data) else self.file.columns_used()

    def graph_of(self, data: Path, X: Array) -> NeighborhoodGraph | None:
        """Return the graph of samples; None where the fit is to find neighbours."""
        if self.file is not None:
            return self.file.joined(self.file.build(len(X), X, columns_of(data)))
        return None if self.graph is None else read_graph(self.graph, len(X))


def stated_by(graph: Path | None, relations: Path | None) -> Stated:
    """Return where a fit takes its relations from."""
    return Stated(graph, None if relations is None else read_file(relations))


def stated_graphs(
    file: RelationsFile, data: Path, *, labels_column: str | None, size: Size | None, array: str | None
) -> dict[str, NeighborhoodGraph]:
    """Return the graph of each relation of DATA; samples are read only where neighbours of them are measured."""
    columns = columns_of(data)
    X = None
    if file.measures or not columns:
        left_out = [*Stated(None, file).columns_used(data), *([] if labels_column is None else [labels_column])]
        options = TableOptions([], [], [], [], None, None)
        X = prepared(data, options, ids=None, array=array, left_out=left_out, size=size).samples
    n_samples = len(next(iter(columns.values()))) if X is None else len(X)
    return file.build(n_samples, X, columns)


def columns_of(data: Path) -> Columns:
    """Return what DATA have by name: columns of a table, 1-D arrays of an .npz, folders and names of images."""
    if data.is_dir():
        names = image_names(data)
        return {_FOLDER: list(map(class_of, names)), _FILE: names}
    if data.suffix.lower() == ".npz":
        return {name: values for name, values in read_whole_npz(data).items() if values.ndim == 1}
    return TableColumns(open_table(data)) if is_table(data) else {}
