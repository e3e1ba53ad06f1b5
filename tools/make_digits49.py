"""Choose the fours and nines that the package ships, from the four files of MNIST.

Run ``python tools/make_digits49.py FOLDER`` with the package installed. FOLDER contains the original files
``train-images-idx3-ubyte.gz``, ``train-labels-idx1-ubyte.gz``, ``t10k-images-idx3-ubyte.gz`` and
``t10k-labels-idx1-ubyte.gz``. The script writes ``src/drlim/data/digits49.npz`` and prints its SHA-256. The choice is
the same on every machine.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drlim.datasets.formats import read_idx, write_npz

SEED = 2006
"""Seed of the choice: the year of the paper."""
N_TRAIN_EACH = 3000
CLASSES = (4, 9)
TARGET = Path(__file__).resolve().parents[1] / "src" / "drlim" / "data" / "digits49.npz"


def chosen_rows(labels: NDArray[np.uint8], n_each: int | None) -> NDArray[np.intp]:
    """Return the indices of ``n_each`` samples of each class at random, or of all of them, in the order of the file."""
    # Raw bits, whose stream NumPy guarantees; the streams of its distributions may change.
    keys = np.random.PCG64(SEED).random_raw(len(labels))
    chosen = []
    for label in CLASSES:
        rows = np.flatnonzero(labels == label)
        chosen.append(rows[np.argsort(keys[rows], kind="stable")[:n_each]])
    return np.sort(np.concatenate(chosen))


def digits49(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Return images (n, 28, 28) and labels (n,), 4 or 9, of both splits."""
    arrays = {}
    for name, prefix, n_each in [("train", "train", N_TRAIN_EACH), ("test", "t10k", None)]:
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        rows = chosen_rows(labels, n_each)
        arrays[f"X_{name}"] = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")[rows]
        arrays[f"y_{name}"] = labels[rows]
    return arrays


def main() -> None:
    """Write the file and print what is in it."""
    parser = argparse.ArgumentParser(description="Choose the fours and nines that the package ships.")
    parser.add_argument("folder", type=Path, help="folder with the four .gz files of MNIST")
    arrays = digits49(parser.parse_args().folder)
    write_npz(TARGET, arrays)
    content = TARGET.read_bytes()
    for name, values in arrays.items():
        print(f"{name:8} {values.shape} {values.dtype}")
    print(f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
