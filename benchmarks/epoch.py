"""Time of one epoch over all pairs, compared with the encoder alone and with the paper's loop."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.baselines import siamese_steps
from benchmarks.measuring import Measured, alternate, measured, ratio
from drlim import DrLIM, NeighborhoodGraph, datasets, knn_graph, make_encoder

__all__ = ["all_pairs_epoch", "literal_loop", "recorder"]


def all_pairs_epoch(n: int = 6000, rounds: int = 7, device: str = "cpu") -> Measured:
    """Time an epoch of ``DrLIM(batch_size="all")`` on digits against the encoder's forward and backward pass.

    The encoder alone takes its samples as a tensor, in the same pieces as in `fit`, one after the other, and a given
    gradient. ``parts`` also contains its times in pieces of other sizes. One piece of all samples is slower, because
    the system has to provide new pages for its activations at each pass.
    """
    X, graph = _digits(n)
    batches: list[int] = []
    epoch = _epoch(X, graph, device, batches)
    epoch()
    encoder, inputs = _encoder(X, device), torch.from_numpy(X).to(device)
    given = torch.randn(n, 2, device=device) / n  # any values: the time does not depend on them
    sides: dict[str, Callable[[], object]] = {"epoch": epoch}
    sizes = {"encoder alone": batches, **{f"encoder in {size}s": _pieces(n, size) for size in (250, 1000, n)}}
    for name, pieces in sizes.items():
        sides[name] = lambda pieces=pieces: _forward_backward(encoder, inputs, given, pieces)
    times = alternate(sides, rounds, device)
    value, spread = ratio(times["epoch"], times["encoder alone"])
    return measured(
        f"one exact pass over all {n * (n - 1) // 2:,} pairs of digits, encoder included / encoder alone",
        value,
        "ratio",
        at_most=1.15,
        spread=spread,
        parts={f"{name}, s": statistics.median(clocked) for name, clocked in times.items()},
        notes=f"in {len(batches)} pieces of at most {max(batches)}",
    )


def literal_loop(
    n: int = 6000, rounds: int = 5, n_batches: int = 3, batch_size: int = 1000, device: str = "cpu"
) -> Measured:
    """Time the same epoch against the paper's loop, and return the ratio of the pairs per second."""
    X, graph = _digits(n)
    steps = siamese_steps(_encoder(X, device), torch.from_numpy(X), graph, batch_size=batch_size)

    def batches_of_pairs() -> None:
        for _ in itertools.islice(steps, n_batches):
            pass

    times = alternate({"epoch": _epoch(X, graph, device, []), "loop": batches_of_pairs}, rounds, device)
    pairs = {"epoch": n * (n - 1) // 2, "loop": n_batches * batch_size}
    value, spread = ratio([pairs["epoch"] / t for t in times["epoch"]], [pairs["loop"] / t for t in times["loop"]])
    rates = {name: pairs[name] / statistics.median(clocked) for name, clocked in times.items()}
    return measured(
        f"pairs a second of that pass / the paper's loop (siamese network, labelled pairs, batches of {batch_size})",
        value,
        "ratio",
        at_least=1000.0,
        spread=spread,
        parts={"drlim, pairs/s": rates["epoch"], "loop, pairs/s": rates["loop"]},
    )


def recorder(X: np.ndarray, batches: list[int]) -> Callable[[tuple[int, ...], int], nn.Module]:
    """Return a maker of the paper's encoder that appends to ``batches`` the size of each batch it is trained on."""

    def build(input_shape: tuple[int, ...], n_components: int) -> nn.Module:
        encoder = make_encoder("convnet", input_shape, n_components)
        encoder[0].fit(X)

        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if module.training and torch.is_grad_enabled():
                batches.append(len(inputs[0]))

        encoder.register_forward_pre_hook(note)
        return encoder

    return build


def _digits(n: int) -> tuple[np.ndarray, NeighborhoodGraph]:
    """Return the first n of the paper's digits, float32 (n, 28, 28), and their graph of 5 neighbours."""
    X = np.asarray(datasets.digits49().X_train[:n], dtype=np.float32)
    return X, knn_graph(X, n_neighbors=5)


def _encoder(X: np.ndarray, device: str) -> nn.Module:
    return recorder(X, [])(X.shape[1:], 2).to(device).train()


def _epoch(X: np.ndarray, graph: NeighborhoodGraph, device: str, batches: list[int]) -> Callable[[], float]:
    """Return a function that trains for two epochs and returns the seconds of the second.

    ``batches`` then contains the sizes of that epoch's batches.
    """

    def run() -> float:
        batches.clear()
        encoder = recorder(X, batches)
        model = DrLIM(
            encoder=encoder, batch_size="all", max_epochs=2, tol=0.0, device=device, random_state=0, verbose=False
        )
        model.fit(X, graph=graph)
        del batches[: len(batches) // 2]
        return float(model.history_[1]["seconds"])

    return run


def _pieces(n: int, size: int) -> list[int]:
    return [min(size, n - start) for start in range(0, n, size)]


def _forward_backward(encoder: nn.Module, inputs: Tensor, given: Tensor, pieces: Sequence[int]) -> None:
    """Send all samples forward through the encoder and a given gradient back, one piece at a time."""
    encoder.zero_grad()
    start = 0
    for size in pieces:
        encoder(inputs[start : start + size]).backward(given[start : start + size])
        start += size
