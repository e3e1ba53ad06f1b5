"""Sources of rows outside memory that tests read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.utils.data import Dataset


class Spy:
    """Rows that are read by slices alone, which notes how many are asked for at once and in all."""

    def __init__(self, X):
        self.X, self.shape = X, X.shape
        self.most = self.n_reads = self.n_rows = 0

    def __getitem__(self, rows):
        assert isinstance(rows, slice), rows
        assert rows.step is None
        assert 0 <= rows.start < rows.stop <= len(self.X)
        read = self.X[rows]
        self.most, self.n_reads, self.n_rows = max(self.most, len(read)), self.n_reads + 1, self.n_rows + len(read)
        return read


class Computed:
    """Rows that are computed as they are read, and in no memory before: the same ones at every read."""

    dtype = np.dtype(np.float32)

    def __init__(self, n, d):
        self.shape = (n, d)
        self.most = 0

    def __getitem__(self, rows):
        self.most = max(self.most, rows.stop - rows.start)
        number = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        place = np.arange(self.shape[1], dtype=np.float32)
        return np.sin(number * (1 + place) * np.float32(0.37)) + number % 3 * 4


class Images(Dataset):
    """A map-style Dataset of pairs of a sample and its label."""

    def __init__(self, X):
        self.X = X

    def __len__(self):
        return len(self.X)

    def __getitem__(self, place):
        return self.X[place], place % 3


def mapped(X, folder: Path):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


def in_h5(X, folder: Path):
    import h5py

    with h5py.File(folder / "X.h5", "w") as file:
        file.create_dataset("X", data=X, chunks=(min(len(X), 16), *X.shape[1:]))
    return h5py.File(folder / "X.h5", "r")["X"]


def in_zarr(X, folder: Path):
    import zarr

    return zarr.create_array(folder / "X.zarr", data=X, chunks=(min(len(X), 16), *X.shape[1:]))


def in_arrow(X, folder: Path):
    import pyarrow as pa

    path = folder / "X.arrow"
    table = pa.table({f"column {place}": column for place, column in enumerate(X.T)})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=16)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


STORES = {
    "memory map": mapped,
    "h5py": in_h5,
    "zarr": in_zarr,
    "Arrow": in_arrow,
    "Dataset": lambda X, folder: Images(X),
    "any slices": lambda X, folder: Spy(X),
}
"""Functions that put rows, (n, ...), into a store in a folder; Arrow takes tables alone."""
