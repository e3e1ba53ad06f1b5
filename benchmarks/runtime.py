"""Maps outside of torch: time and agreement of the NumPy runtime, and agreement of ONNX files, with the estimators."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import drlim
from benchmarks.measuring import Measured, alternate, measured, ratio, torch_threads
from drlim import DrLIM, NeighborMap, datasets, runtime
from drlim._base.torch import Rows
from drlim.deploy.verifying import jumps
from drlim.encoders.embedding import embed_rows

__all__ = ["measure"]

Estimator = DrLIM | NeighborMap


def measure(
    n: int = 10_000, rounds: int = 7, calls: int = 200, n_train: int = 6000, onnx: bool = True
) -> list[Measured]:
    """Time and compare three encoders on n images of 28 x 28 that were not trained on, on one thread.

    Both sides get an array of float32. The torch side is the bare encoder, in evaluation and inference mode, in batches
    of 512; the NumPy side is `drlim.runtime.Model.transform`, its checks included. One sample is timed ``calls`` times
    in a row. ONNX files are compared where ``onnx`` is true and their packages are installed.
    """
    onnx = onnx and all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))
    data = datasets.digits49()
    images = np.asarray(data.X_train, dtype=np.float32)[:n_train]
    random = np.random.default_rng(0)
    rows = np.resize(np.asarray(data.X_test, dtype=np.float32), (n, 28, 28))
    rows = np.clip(rows + 0.05 * random.normal(size=rows.shape).astype(np.float32), 0, 1)  # no two are equal
    kinds: dict[str, tuple[Estimator, tuple[int, ...]]] = {
        "paper's convnet": (DrLIM(encoder="convnet", max_epochs=2, random_state=0, verbose=False), (28, 28)),
        "MLP": (DrLIM(encoder="mlp", max_epochs=2, random_state=0, verbose=False), (784,)),
        "image encoder of `NeighborMap`": (NeighborMap(max_epochs=4, random_state=0, verbose=False), (28, 28)),
    }
    lines: list[Measured] = []
    for name, (estimator, shape) in kinds.items():
        estimator.fit(images.reshape(-1, *shape))
        lines += _compared(name, estimator, rows.reshape(-1, *shape), rounds, calls, onnx)
    return [*lines, _import_time(rounds)]


def _compared(
    name: str, estimator: Estimator, X: np.ndarray, rounds: int, calls: int, onnx: bool
) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory() as folder:
        drlim.save(estimator, Path(folder) / "map.safetensors")
        model = runtime.load(Path(folder) / "map.safetensors")
        yield from _times(name, estimator, model, X, rounds, calls)
        wanted = estimator.transform(X)
        yield _agreement(f"NumPy runtime, {name}", estimator, X, model.transform(X), wanted, 1e-6)
        if onnx:
            import onnxruntime

            drlim.export(estimator, Path(folder) / "map.onnx")
            session = onnxruntime.InferenceSession(Path(folder) / "map.onnx", providers=["CPUExecutionProvider"])
            found = np.concatenate([session.run(["Z"], {"X": X[at : at + 512]})[0] for at in range(0, len(X), 512)])
            yield _agreement(f"ONNX, {name}", estimator, X, found, wanted, 1e-5)


def _times(
    name: str, estimator: Estimator, model: runtime.Model, X: np.ndarray, rounds: int, calls: int
) -> Iterator[Measured]:
    encoder, one, rows = estimator.encoder_, torch.from_numpy(X[:1]), torch.from_numpy(X)
    with torch_threads(1), threadpool_limits(1), torch.inference_mode():
        single = alternate(
            {
                "numpy": lambda: [model.transform(X[:1]) for _ in range(calls)],
                "torch": lambda: [encoder(one) for _ in range(calls)],
            },
            rounds,
        )
        many = alternate(
            {
                "numpy": lambda: model.transform(X),
                "torch": lambda: torch.cat([encoder(part) for part in rows.split(512)]),
            },
            rounds,
        )
    at_most = 1.0 if name == "MLP" else 2.0
    yield _ratio(
        f"one sample through the NumPy runtime / torch, one thread: {name}", single, at_most, calls, "us a call"
    )
    yield _ratio(f"{len(X):,} rows through the NumPy runtime / torch, one thread: {name}", many, 2.0, 1, "s")


def _ratio(what: str, times: dict[str, list[float]], at_most: float, calls: int, unit: str) -> Measured:
    value, spread = ratio(times["numpy"], times["torch"])
    factor = 1e6 / calls if unit != "s" else 1.0
    parts = {f"{side}, {unit}": statistics.median(clocked) * factor for side, clocked in times.items()}
    return measured(what, value, "ratio", at_most=at_most, spread=spread, parts=parts)


def _agreement(
    name: str, estimator: Estimator, X: np.ndarray, found: np.ndarray, wanted: np.ndarray, at_most: float
) -> Measured:
    """Compare positions; rows where a map jumps from one mode to another are counted and left out."""
    size = max(1.0, float(np.abs(estimator.embedding_).max()))
    apart = np.abs(found - wanted).max(axis=1) / size  # (n,)
    odd = np.flatnonzero(apart > at_most)
    tied = odd[jumps(_place(estimator), X[odd], X.std(axis=0, dtype=np.float64), at_most * size)]
    return measured(
        f"{name}: largest difference from `transform` on {len(X):,} rows, as a share of the size of the map",
        float(np.delete(apart, tied).max()),
        "ratio",
        at_most=at_most,
        parts={"size of the map": size, "rows on a tie of two modes": len(tied)},
    )


def _place(estimator: Estimator) -> Callable[[np.ndarray], np.ndarray]:
    device = torch.device("cpu")
    return lambda samples: embed_rows(estimator.encoder_, Rows(samples, device, torch.float64)).numpy()


def _import_time(rounds: int) -> Measured:
    code = "import time, numpy; began = time.perf_counter(); import drlim.runtime; print(time.perf_counter() - began)"
    command = [sys.executable, "-c", code]
    runs = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - this Python
        for _ in range(rounds)
    ]
    return measured("import of `drlim.runtime` beyond NumPy", statistics.median(runs), "s", at_most=0.05)
