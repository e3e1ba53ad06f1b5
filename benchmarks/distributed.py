"""Time of an epoch in two processes beside one, the numbers that travel, and what follows for more processes."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.measuring import Measured, measured, ratio, seconds, torch_threads
from benchmarks.suite import ROOT
from drlim import DrLIM, NeighborhoodGraph, datasets, knn_graph, make_encoder, make_springs
from drlim._base.group import Group
from drlim._base.torch import Rows
from drlim.forces import balanced, graph_energy
from drlim.paper.shifted import MODEL, translated
from drlim.training.memory import Memory

__all__ = ["measure"]

_SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {"encoder": "convnet"},
    "experiment 2": {name: value for name, value in MODEL.items() if name != "max_epochs"},
}
"""Parameters by name: those of the estimator, with forces of all samples and batches of 150, and the paper's."""

_RANKS = (1, 2, 4, 8, 16, 32, 64)

_BARE = 2.0
"""Seconds for which the encoder runs alone."""

_LATENCY, _BANDWIDTH = 1e-4, 1.25e9
"""Assumed seconds of a message and bytes a second between machines: 10 Gbit/s Ethernet."""


def measure(
    n: int = 6000,
    rounds: int = 3,
    epochs: int = 3,
    growth: tuple[int, ...] = (30_000, 300_000),
    names: tuple[str, ...] = tuple(_SETTINGS),
) -> list[Measured]:
    """Fit 5 n translated digits in one and in two processes of one thread each, in turn.

    The time is that of the epochs after the first, by `history_`. The numbers sent are counted where they are given to
    the collectives of torch, in rank 0. After each fit the processes run the encoder alone, without a message, on parts
    of a batch as large as in the fit: two processes that share a machine's memory are not twice as fast as one.
    """
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        X = np.asarray(translated(datasets.digits49().X_train[:n]).X, dtype=np.float32)  # (5 n, 28, 34)
        np.save(folder / "X.npy", X)
        knn_graph(X, n_neighbors=5).save(folder / "graph.safetensors")
        lines = []
        for name in names:
            lines += _compared(folder, name, X, rounds, epochs)
        parts = lines[0]["parts"]
        return [*lines, *_projected(X, parts, growth)]


def _compared(folder: Path, name: str, X: np.ndarray, rounds: int, epochs: int) -> list[Measured]:
    """Return the ratio of the times, and the numbers sent a step."""
    found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _ in range(rounds):
        for size in found:
            found[size].append(_run(folder, size, name, epochs))
    one, two = ([statistics.median(run["seconds"]) for run in found[size]] for size in (1, 2))
    value, spread = ratio(two, one)
    bare, bare_spread = ratio(*([run["bare"] for run in found[size]] for size in (2, 1)))
    run = found[2][0]
    beyond = {kind: sent / run["steps"] for kind, sent in run["sent"].items() if kind != "gradients"}
    steps = run["steps"] / epochs
    batch = len(X) / steps
    return [
        measured(
            f"an epoch of {len(X):,} translated digits, {name}: 2 processes x 1 thread / 1 process x 1 thread",
            value,
            "ratio",
            at_most=0.6,
            spread=spread,
            parts={
                "one process, s": statistics.median(one),
                "two processes, s": statistics.median(two),
                "one process, processor s": statistics.median(one["processor"][0] for one in found[1]),
                "two processes, processor s of rank 0": statistics.median(one["processor"][0] for one in found[2]),
                "encoder alone, ratio": bare,
                "encoder alone, first quartile": bare_spread[0],
                "encoder alone, third quartile": bare_spread[1],
                "steps of an epoch": steps,
                "same bytes": float(len({one["bytes"] for one in found[2]}) == 1),
            },
        ),
        measured(
            f"numbers sent a step by a process beyond the gradient of the encoder / batch x d, {name}",
            beyond["positions"] / (batch * 2) + 3 / (batch * 2),
            "ratio",
            at_most=1.0,
            parts={
                "gradient and 3 marks, numbers a step": run["sent"]["gradients"] / run["steps"],
                "positions, numbers a step": beyond["positions"],
                "batch x d": batch * 2,
                "sums, numbers an epoch": run["sent"].get("totals", 0) / epochs,
            },
        ),
    ]


@torch_threads(1)
def _projected(X: np.ndarray, parts: Mapping[str, float], sizes: Sequence[int]) -> list[Measured]:
    """Return times of an epoch that follow for more processes and samples, each process on a machine of its own.

    A step of b samples in W processes takes e b / W for the encoder, f(n) + g(n) b / W for the forces of n samples,
    m(n) for the estimates of all positions and o for the optimizer, all measured here on one thread, and the messages:
    W - 1 turns of a ring for the positions, 2 (W - 1) for the gradient. What grows with n is taken to grow in
    proportion beyond the largest n measured.
    """
    costs = {n: _costs(X, n) for n in sizes}
    first, largest = costs[sizes[0]], costs[sizes[-1]]
    n_steps, batch = parts["steps of an epoch"], len(X) / parts["steps of an epoch"]
    rest = first.fixed + first.row * batch + first.memory
    fixed = 1e-3  # Adam's step, the average of the weights and the loop, by profile
    encoder = (parts["one process, s"] / n_steps - rest - fixed) / batch
    n_weights = sum(weight.numel() for weight in make_encoder("convnet", X.shape[1:], 2).parameters())

    def epoch(n: int, b: int, ranks: int, interactions: str) -> float:
        scale = n / sizes[-1] if n > sizes[-1] else 1.0
        known = costs.get(n, largest)
        forces = known.fixed * scale + known.row * scale * b / ranks + known.memory * scale
        if interactions == "batch":
            forces = largest.pair * b * b
        sent = 4 * (2 * b * (ranks - 1) / ranks + 2 * n_weights * (ranks - 1) / ranks)
        travel = 0.0 if ranks == 1 else 3 * (ranks - 1) * _LATENCY + sent / _BANDWIDTH
        return n / b * (encoder * b / ranks + forces + fixed + travel)

    cases = {
        "30,000 samples, batches of 150, all interactions": (30_000, 150, "all"),
        "30,000 samples, batches of 600, interactions inside the batch": (30_000, 600, "batch"),
        "10^8 samples, batches of 9600, all interactions": (10**8, 9600, "all"),
        "10^8 samples, batches of 9600, interactions inside the batch": (10**8, 9600, "batch"),
    }
    return [
        measured(
            f"projected epoch of {what}: 64 processes / 1 process",
            epoch(n, b, 64, kind) / epoch(n, b, 1, kind),
            "ratio",
            parts={f"{ranks} processes, s": epoch(n, b, ranks, kind) for ranks in _RANKS},
            notes=f"encoder {encoder * 1e6:.0f} microseconds a sample, {n_weights} weights",
        )
        for what, (n, b, kind) in cases.items()
    ]


class _Costs(NamedTuple):
    """Seconds of a step with n samples: of the forces once and for a row, of the estimates, and for a pair."""

    fixed: float
    row: float
    memory: float
    pair: float


def _costs(X: np.ndarray, n: int) -> _Costs:
    """Time the parts of a step that grow with the number of samples, on a map of n points."""
    generator = np.random.default_rng(0)
    Z = torch.from_numpy(generator.normal(size=(n, 2)).astype(np.float32) * 1.5)  # (n, d)
    first = np.arange(n)
    graph = NeighborhoodGraph.from_pairs(n, np.stack([first[:-1], first[1:]], 1))  # (n - 1, 2)
    springs, balance = make_springs(), balanced(graph)
    rows = np.sort(generator.choice(n, 600, replace=False))

    def forces(count: int) -> float:
        return _median(lambda: graph_energy(Z, graph, springs, balance, rows=rows[:count]))

    memory = Memory(Z.clone(), Rows(X[np.arange(n) % len(X)][:, ::4, ::4], Z.device, torch.float32))
    moved = Z[rows[:150]] + 0.01  # (b, d)
    few, many = forces(2), forces(600)
    row = max(0.0, many - few) / 598
    inside = Z[:1000]
    in_batch = NeighborhoodGraph.from_pairs(1000, np.stack([np.arange(999), np.arange(1, 1000)], 1))
    pair = _median(lambda: graph_energy(inside, in_batch, springs, balanced(in_batch))) / 1000**2
    return _Costs(few - 2 * row, row, _median(lambda: memory.update(rows[:150], moved)), pair)


def _median(function: Callable[[], object], rounds: int = 7) -> float:
    """Return the median time of a call, after one that does not count."""
    function()
    return statistics.median(seconds(function) for _ in range(rounds))


def _run(folder: Path, size: int, name: str, epochs: int) -> dict[str, Any]:
    """Fit in processes of their own, and return what rank 0 found."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    processes = []
    for rank in range(size):
        variables = {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **{key: str(value) for key, value in variables.items()}}
        command = [sys.executable, "-m", "benchmarks.distributed", str(folder), name, str(epochs)]
        processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True))  # noqa: S603
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"{size} processes ended with {[process.returncode for process in processes]}")
    found = [json.loads(output.splitlines()[-1]) for output in outputs]
    if len({one["bytes"] for one in found}) != 1:
        raise RuntimeError("The processes ended with different bytes.")
    result: dict[str, Any] = found[0]
    return result


class _ProcessorClock:
    """Notes the processor time of this process, all its threads included, at the end of each epoch."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_epoch_end(self, *_: object) -> None:
        """Note the time."""
        self.times.append(time.process_time())


def _fit(folder: Path, name: str, epochs: int) -> dict[str, Any]:
    """Fit as one of the processes."""
    torch.set_num_threads(1)
    groups: list[Group] = []
    begin = Group.begin

    def noted(group: Group) -> None:
        groups.append(group)
        begin(group)

    Group.begin = noted  # type: ignore[method-assign]  # to read what it counts
    X, graph = np.load(folder / "X.npy"), NeighborhoodGraph.load(folder / "graph.safetensors")
    clock = _ProcessorClock()
    given = {**_SETTINGS[name], "max_epochs": epochs + 1, "tol": 0.0, "callbacks": [clock]}
    model = DrLIM(**given, random_state=0, verbose=False)
    model.fit(X, graph=graph)
    size = 600 if name != "defaults" else 150
    sent = groups[0].sent if groups else {}
    steps = (epochs + 1) * -(-len(X) // size)
    return {
        "seconds": [record["seconds"] for record in model.history_[1:]],
        "processor": np.diff(clock.times).tolist(),
        "bare": _bare_step(X[: size // int(os.environ["WORLD_SIZE"])]),
        "steps": steps * epochs / (epochs + 1),
        "sent": {kind: count * epochs / (epochs + 1) for kind, count in sent.items()},
        "bytes": hashlib.sha256(model.embedding_.tobytes()).hexdigest(),
    }


def _bare_step(X: np.ndarray) -> float:
    """Return the mean seconds in which the encoder maps samples and carries forces back."""
    encoder, samples, steps = make_encoder("convnet", X.shape[1:], 2), torch.from_numpy(X), 0
    began = time.perf_counter()
    while time.perf_counter() - began < _BARE:
        encoder.zero_grad()
        Z = encoder(samples)  # (b, d)
        Z.backward(torch.ones_like(Z))
        steps += 1
    return (time.perf_counter() - began) / steps


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_fit(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))) + "\n")
