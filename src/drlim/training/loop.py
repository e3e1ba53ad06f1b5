"""Step 2 of the paper's algorithm: move the weights until the springs are at rest.

The gradient with respect to the weights needs, of all the pairs, only one vector for each sample, dE/dz. Springs are
summed on the few output coordinates, and one backward pass of the encoder carries the result to the weights. No pair of
images is formed.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.checks import check_parameters, check_points, check_same_length, integer_in
from drlim._base.state import usual_state
from drlim._base.torch import Rows, device_of, seeded
from drlim.forces.objective import balance_of
from drlim.graph import NeighborhoodGraph
from drlim.springs import Springs
from drlim.training.divergence import DivergenceError, check_result, is_finite
from drlim.training.epochs import EpochSums, choose_epoch
from drlim.training.optimizer import WeightAverage, learning_rate_at, make_optimizer
from drlim.training.problem import Anchor, AnchorSprings, EpochRecord, Problem, Result, Settings, Stopped

__all__ = ["train", "train_rows"]

_RISE = 0.1
"""Share by which the energy at the end may lie above the lowest before the end counts as a failure."""


def train(
    encoder: nn.Module,
    X: ArrayLike,
    graph: NeighborhoodGraph,
    springs: Springs,
    settings: Settings | None = None,
    *,
    seed: int = 0,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> Result:
    """Train an encoder in place: the method in one call, for those who put its parts together by hand.

    It minimises, over the weights W, the paper's equation 3 with each kind of pair averaged
    (`drlim.forces.balanced`).

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps (b, ...) to (b, d). Adam's weights are averaged as training goes, and the encoder is left with the average;
        L-BFGS's are not.
    X : array-like, shape (n_samples, ...)
        Samples. They are given to the encoder in float32.
    graph : NeighborhoodGraph
        Relations of the n samples.
    springs : Springs
        Laws of similar and dissimilar pairs; see `drlim.make_springs`.
    settings : Settings, default=None
        How to train; None is ``Settings()``.
    seed : int, default=0
        Seed of the batches and of dropout, in [0, inf). The same seed gives the same weights on one machine.
    on_epoch : callable, default=None
        Called with each epoch's record as it ends.

    Returns
    -------
    Result
        ``history`` and ``stopped``. Where the energy has risen by a tenth above its lowest, ``stopped`` is "diverged"
        and the encoder has the weights of the epoch with the lowest energy. Records hold ``epoch`` (from 1), ``energy``
        (the objective), ``energy_similar`` and ``energy_dissimilar`` (mean L_S and mean L_D), ``learning_rate``,
        ``pairs`` (springs evaluated) and ``seconds`` (of this epoch). Energies of a batch are taken before its step;
        with ``interactions="batch"`` they are estimates
        from the pairs inside batches.

    Raises
    ------
    ValueError, TypeError
        When a part is of a wrong type, ``X`` is not finite, or ``graph`` is of another number of samples.
    DivergenceError
        When energies, gradients or outputs stop being finite.

    Examples
    --------
    >>> import drlim
    >>> X = drlim.datasets.digits().X_train[:200]
    >>> graph = drlim.knn_graph(X, 5)
    >>> encoder = drlim.make_encoder("mlp", X.shape[1:], 2)
    >>> result = drlim.train(encoder, X, graph, drlim.make_springs(margin=1.0), drlim.Settings(max_epochs=3), seed=0)
    >>> len(result.history), result.stopped
    (3, 'max_epochs')
    """
    settings = Settings() if settings is None else settings
    check_parameters(
        {"encoder": encoder, "graph": graph, "springs": springs, "settings": settings, "seed": seed},
        {
            "encoder": [nn.Module],
            "graph": [NeighborhoodGraph],
            "springs": [Springs],
            "settings": [Settings],
            "seed": [integer_in(0)],
        },
        "train",
    )
    settings.check()
    samples = check_points(X, name="X", min_samples=2, ndim=None)  # (n, ...)
    check_same_length(len(samples), "X", graph.n_samples, "graph")
    device = device_of(encoder)
    rows = Rows(samples, device, torch.float32)
    with usual_state(), torch.enable_grad(), seeded(seed, device):
        return train_rows(encoder, rows, graph, springs, settings, seed=seed, on_epoch=on_epoch)


def train_rows(
    encoder: nn.Module,
    rows: Rows,
    graph: NeighborhoodGraph,
    springs: Springs,
    settings: Settings,
    *,
    seed: int = 0,
    anchor: Anchor | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> Result:
    """Do what `train` does, with checked parts.

    ``rows`` are on the encoder's device and in its dtype. Where each sample has several rows (`Rows.n_copies`), a batch
    takes all rows of a sample or none. With an ``anchor``, some rows are tied to given positions while the others move,
    and records hold ``energy_anchor``.
    """
    balance = balance_of(graph, settings.dissimilar_weight)
    springs_of_anchor = None if anchor is None else AnchorSprings.of(anchor, len(rows), rows.device)
    problem = Problem(encoder, rows, graph, springs, balance, settings, seed, springs_of_anchor)
    optimizer = make_optimizer(problem)
    average = WeightAverage(problem)
    run_epoch = choose_epoch(problem, optimizer, average)
    history: list[EpochRecord] = []
    energies: list[float] = []
    last_finite = best = copy.deepcopy(average.module.state_dict())
    stopped: Stopped = "max_epochs"
    encoder.train()
    try:
        for epoch in range(settings.max_epochs):
            began = time.perf_counter()
            sums = _finite_epoch(problem, run_epoch, average.module, epoch, last_finite)
            last_finite = copy.deepcopy(average.module.state_dict())
            history.append(_record(problem, epoch, sums, time.perf_counter() - began))
            energies.append(history[-1]["energy"])
            if energies[-1] <= min(energies):
                best = last_finite
            if on_epoch is not None:
                on_epoch(history[-1])
            if _has_converged(energies, settings):
                stopped = "converged"
                break
        if _has_risen(energies, settings):
            average.module.load_state_dict(best)
            stopped = "diverged"
    except KeyboardInterrupt:
        if average.is_encoder or not is_finite(average.module):  # L-BFGS may be in the middle of a line search
            average.module.load_state_dict(last_finite)
        stopped = "interrupted"
    finally:
        encoder.load_state_dict(average.module.state_dict())
        encoder.eval()
    return Result(history, stopped)


def _finite_epoch(
    problem: Problem,
    run_epoch: Callable[[int], EpochSums],
    module: nn.Module,
    epoch: int,
    last_finite: dict[str, Tensor],
) -> EpochSums:
    """Run an epoch; where it leaves the finite numbers, give the module its last finite weights and raise."""
    try:
        sums = run_epoch(epoch)
        check_result(module, epoch, problem.n_steps - 1, _rate_at_start(problem, epoch))
    except DivergenceError:
        module.load_state_dict(last_finite)
        raise
    return sums


def _rate_at_start(problem: Problem, epoch: int) -> float:
    return learning_rate_at(problem, epoch / problem.settings.max_epochs)


def _record(problem: Problem, epoch: int, sums: EpochSums, seconds: float) -> EpochRecord:
    graph, balance = problem.graph, problem.balance
    record = {
        "epoch": epoch + 1,
        "energy": balance.total(sums.similar, sums.dissimilar) + sums.anchor,
        "energy_similar": sums.similar / max(1, graph.similar.total_weight),
        "energy_dissimilar": sums.dissimilar / max(1, graph.dissimilar.total_weight),
        "learning_rate": learning_rate_at(problem, (epoch + 0.5) / problem.settings.max_epochs),
        "pairs": sums.pairs,
        "seconds": seconds,
    }
    if problem.anchor is not None:
        record["energy_anchor"] = sums.anchor
    return record


def _has_risen(energies: list[float], settings: Settings) -> bool:
    """Whether the run ends clearly above the lowest mean energy of any of its fifths, ten epochs at least.

    Such a run has not come to rest. A tenth is far above the noise of means over ten epochs.
    """
    window = max(10, settings.max_epochs // 5)
    means = [float(np.mean(energies[end - window : end])) for end in range(len(energies), window - 1, -window)]
    return len(means) > 1 and means[0] > min(means) + _RISE * abs(min(means))


def _has_converged(energies: list[float], settings: Settings) -> bool:
    """Whether the last fifth of the run, ten epochs at least, is on the mean no lower than the fifth before it.

    Means, because in-batch energies are noisy; a fifth, because Adam overshoots and comes back.
    """
    window = max(10, settings.max_epochs // 5)
    if len(energies) < 2 * window:
        return False
    before, lately = float(np.mean(energies[-2 * window : -window])), float(np.mean(energies[-window:]))
    return lately > before - settings.tol * abs(before)
