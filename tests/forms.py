"""Forms in which people have samples: those that are taken, and those that are refused, each with its sentence."""

from __future__ import annotations

import collections
import datetime as dt
import pathlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

import drlim

ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
FRAME = pd.DataFrame(ROWS, columns=["a", "b"])


class AnnData:
    """The part of anndata's class that is read."""

    __module__ = "anndata._core.anndata"

    def __init__(self, X, names=("g1", "g2"), obsm=(), layers=()):
        self.X = X
        self.var_names = pd.Index(names)
        self.obsm, self.layers = dict(obsm), dict(layers)
        self.shape = (3, len(names))

    def __len__(self):
        return 3

    def __getitem__(self, index):
        raise AssertionError("read item by item, it takes minutes")


class Stored:
    """The values of an AnnData that are in a file."""

    def to_memory(self):
        return ROWS


class Items(Dataset):
    """A Dataset of torch that gives an item by a function of its number."""

    def __init__(self, item, n_items=3):
        self.item, self.n_items = item, n_items

    def __len__(self):
        return self.n_items

    def __getitem__(self, place):
        return self.item(place)


class Own:
    """A Dataset of no library."""

    def __init__(self, item):
        self.item = item

    def __len__(self):
        return 3

    def __getitem__(self, place):
        return self.item(place)


class Stream(IterableDataset):
    def __iter__(self):
        yield from ROWS


TAKEN_FORMS = {
    "array": ROWS,
    "float16": ROWS.astype(np.float16),
    "tensor": torch.tensor(ROWS),
    "tensor with a gradient": torch.tensor(ROWS, requires_grad=True),
    "weight": torch.nn.Parameter(torch.tensor(ROWS)),
    "bfloat16": torch.tensor(ROWS).bfloat16(),
    "8-bit floats": torch.tensor(ROWS).to(torch.float8_e4m3fn),
    "conjugate": torch.tensor(ROWS + 0j).conj().real,
    "list of rows": list(ROWS),
    "list of tensors": [torch.tensor(row, requires_grad=True) for row in ROWS],
    "array of rows": np.array([*ROWS, None], dtype=object)[:3],
    "TensorDataset": TensorDataset(torch.tensor(ROWS), torch.arange(3)),
    "Dataset of pairs": Items(lambda place: (ROWS[place], "label")),
    "Dataset of samples": Items(lambda place: torch.tensor(ROWS[place]).bfloat16()),
    "part of a Dataset": Subset(Items(lambda place: ROWS[place - 1], 4), [1, 2, 3]),
    "Dataset of integers and floats": Items(lambda place: ROWS[place].astype(int) if place == 0 else ROWS[place]),
    "Dataset of lists": Own(lambda place: ROWS[place].tolist()),
    "Dataset of tuples": Own(lambda place: tuple(ROWS[place])),
    "own Dataset of pairs": Own(lambda place: (ROWS[place], 0)),
    "AnnData": AnnData(ROWS),
    "AnnData in a file": AnnData(Stored()),
    "data frame": FRAME,
    "polars": pl.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1]}),
    "Arrow": pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1]}),
    "deque": collections.deque(ROWS.tolist()),
    "memoryview": memoryview(ROWS),
}


DATE = np.datetime64("2026-11-27")
READ_FIRST = "read the file first, for example by numpy.load or pandas.read_csv."
STACK = "make an array of what it gives, numpy.stack(list(X))."

REFUSED_FORMS = {
    "None": (None, "Got None: give the samples."),
    "name of a file": ("x.csv", f"Got 'x.csv': {READ_FIRST}"),
    "path": (pathlib.PurePosixPath("x.csv"), f"Got PurePosixPath('x.csv'): {READ_FIRST}"),
    "bytes": (b"PK", f"Got b'PK': {READ_FIRST}"),
    "texts": (["one", "two"], "Got a list of 2 texts: read the files that they name, or make vectors of them, for"),
    "generator": ((row for row in ROWS), f"Got a generator: {STACK}"),
    "iterator": (iter(ROWS), f"Got an iterator: {STACK}"),
    "map": (map(list, ROWS), f"Got a map: {STACK}"),
    "values of a dict": ({0: ROWS[0]}.values(), f"Got a dict_values: {STACK}"),
    "stream": (Stream(), f"Got a Stream: {STACK}"),
    "DataLoader": (DataLoader(TAKEN_FORMS["TensorDataset"]), "DataLoader: give the Dataset that it loads, X.dataset."),
    "dict": ({"a": [1], "b": [2]}, "Got a dict: put a drlim.Table() before the map, or make columns of its"),
    "Bunch": ({"data": ROWS, "target": 0}, "Got a dict: give X['data']."),
    "set": ({1, 2}, "Got a set: it has no order, so give a list."),
    "LazyFrame": (TAKEN_FORMS["polars"].lazy(), "Got a LazyFrame: give X.collect()."),
    "function": (len, "Got a builtin_function_or_method: give the samples themselves."),
    "class": (dict, "Got a type: give the samples themselves."),
    "graph": (drlim.knn_graph(ROWS, 1), "Got a NeighborhoodGraph: give the samples, and the graph by its name, fit(X"),
    "orbits": (drlim.orbits(ROWS, [np.negative]), "Got an Orbits: give its samples and its graph, fit(X.X, graph=X.g"),
    "data set": (drlim.datasets.digits(), "Got a LabelledImages: give X.X_train."),
    "sparse tensor": (torch.tensor(ROWS).to_sparse(), "Got a sparse tensor of shape (3, 2): give X.to_dense()."),
    "no tensor": (torch.zeros(2, 2, device="meta"), "Got a tensor on the device 'meta': it holds no values"),
    "AnnData without X": (
        AnnData(None, obsm={"X_pca": ROWS}),
        "Got an AnnData whose X is None: give one of its arrays, such as adata.obsm['X_pca'].",
    ),
    "AnnData without anything": (AnnData(None), "give one of its arrays, such as adata.obsm[...]."),
    "items of dicts": (
        Items(lambda place: {"pixels": ROWS, "label": 3}),
        "Got a Dataset whose items are dicts: give one that gives an array an item, such as what is under one of the "
        "keys 'pixels', 'label'.",
    ),
    "records": (np.zeros(3, dtype=[("a", float)]), "numpy.lib.recfunctions.structured_to_unstructured(X)."),
    "void": (np.zeros((3, 2), dtype="V2"), "give numbers that NumPy knows, X.astype(numpy.float32)."),
    "images of one size": (
        [np.zeros((8, 9))] * 2,
        "Got a list of 2 arrays of shape (8, 9): numpy.stack(X) makes one array of images, and numpy.concatenate(X) "
        "one of recordings, with one time a row.",
    ),
}


UNEQUAL = {
    "images": (
        [np.zeros((8, 9)), np.zeros((8, 9)), np.zeros((7, 8))],
        "(8, 9) and then (7, 8) at place 2: bring images",
    ),
    "colours": (
        [np.zeros((3, 8, 9)), np.zeros((8, 9))],
        "(3, 8, 9) and then (8, 9) at place 1: bring images to one si",
    ),
    "recordings": ([ROWS, ROWS[:, :1]], "to one size, or fit one model for each recording with columns of its own."),
    "recordings of the same columns": ([ROWS, ROWS[:2]], "whose rows are times, by numpy.concatenate(X)."),
    "rows": ([ROWS[0], ROWS[0, :1]], "(2,) and then (1,) at place 1: give all samples the same values."),
    "array of rows": (np.array([ROWS[0], ROWS[0, :1]], dtype=object), "Got a list of arrays of different shapes, (2,)"),
    "Dataset": (
        Items(lambda place: np.zeros((8, 8 + place))),
        "Got a Dataset of items of different shapes, (8, 8) and",
    ),
}


TIMES = pd.date_range("2026-11-27", periods=3)

DATES = {
    "dates": (
        np.full((3, 2), DATE),
        "dates: make numbers of them in a unit that you choose, such as (X - X.min()) / n",
    ),
    "durations": (
        np.full((3, 2), DATE - DATE),
        "durations: make numbers of them in a unit that you choose, such as X /",
    ),
    "column of dates": (FRAME.assign(t=TIMES), "dates in column 't': make numbers of them in a unit that you choose"),
    "column with a zone": (FRAME.assign(t=TIMES.tz_localize("UTC")), "dates in column 't'"),
    "column of durations": (FRAME.assign(t=TIMES - TIMES[0]), "durations in column 't': make numbers of them"),
    "column of periods": (FRAME.assign(t=TIMES.to_period("D")), "dates in column 't'"),
    "dates alone": (pd.DataFrame({"t": TIMES}), "dates in column 't'"),
    "series": (pd.Series(TIMES), "dates: make numbers of them"),
    "polars": (pl.DataFrame({"a": [1.0], "t": [dt.date(2026, 11, 27)]}), "dates in column 't'"),
    "polars' times": (pl.DataFrame({"t": [dt.time(1)]}), "dates in column 't'"),
    "polars' durations": (pl.DataFrame({"t": [dt.timedelta(1)]}), "durations in column 't'"),
    "Arrow": (pa.table({"t": TIMES.to_numpy()}), "dates in column 't'"),
}
