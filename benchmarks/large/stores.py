"""``python -m benchmarks.large.stores``: milliseconds to read rows of files, 256 at random and all in order."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measuring import seconds
from drlim._base.arrays import Array, Index
from drlim._base.row_sources import row_source
from drlim._base.stored_rows import StoredRows

__all__ = ["main", "stores"]

_AT_RANDOM, _ROUNDS, _CHUNK = 256, 5, 256
"""Numbers of rows read at random, of rounds, and of rows of a chunk of h5py's and zarr's files."""


def stores(folder: Path, rows: Array) -> Iterator[tuple[str, Callable[[Index | slice], Array]]]:
    """Write rows (n, p) to each kind of file; yield its name and the function of an index that reads it."""
    import h5py
    import zarr

    np.save(folder / "rows.npy", rows)
    yield "memory map of a .npy", np.load(folder / "rows.npy", mmap_mode="r").__getitem__
    chunks = (_CHUNK, rows.shape[1])
    with h5py.File(folder / "rows.h5", "w") as file:
        yield "h5py", _reader(file.create_dataset("rows", data=rows, chunks=chunks))
    array = zarr.create_array(folder / "rows.zarr", shape=rows.shape, chunks=chunks, dtype=rows.dtype)
    array[:] = rows
    yield "zarr", _reader(array)


def _reader(given: object) -> Callable[[Index | slice], Array]:
    source = row_source(given, "X")
    if source is None:
        raise TypeError(f"{type(given).__name__} is read as an array.")
    return StoredRows(source.reader).__getitem__


def _milliseconds(call: Callable[[], object]) -> float:
    """Return the median time of a call."""
    return 1000 * median(seconds(call) for _ in range(_ROUNDS))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large.stores", description="Read rows of files.")
    parser.add_argument("--rows", type=int, default=60_000, help="number of rows of 784 values (default: 60,000)")
    n_rows = parser.parse_args(arguments).rows
    draw = np.random.default_rng(0)
    rows = draw.integers(0, 256, (n_rows, 784)).astype(np.float32)
    index = draw.choice(n_rows, min(_AT_RANDOM, n_rows), replace=False)
    lines = [f"| {n_rows:,} x 784, float32 | {_AT_RANDOM} at random, ms | all in order, ms |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, read in stores(Path(folder), rows):
            at_random, in_order = _milliseconds(partial(read, index)), _milliseconds(partial(_all, read, n_rows))
            lines.append(f"| {name} | {at_random:.3g} | {in_order:.3g} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _all(read: Callable[[Index | slice], Array], n_rows: int) -> None:
    """Read all rows, 4096 at a time."""
    for start in range(0, n_rows, 4096):
        np.array(read(slice(start, start + 4096)))


if __name__ == "__main__":
    sys.exit(main())
