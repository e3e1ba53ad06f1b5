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
from drlim.training.preflight import warn_of_scale
from drlim.training.problem import Anchor, AnchorSprings, EpochRecord, Problem, Result, Settings, Stopped
from drlim.training.units import check_unit, in_margins, record_in_unit
from drlim.training.validation import HeldOut, held_out_rows, split

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
    validation: ArrayLike | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> Result:
    """Train an encoder in place: the method in one call, for those who put its parts together by hand.

    It minimises, over the weights W, the paper's equation 3 with each kind of pair averaged
    (`drlim.forces.balanced`).

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps (b, ...) to (b, d). Adam's weights are averaged as training goes, and the encoder is left with the average;
        L-BFGS's are not. Its first outputs must lie within some margins of each other: multiply them by the margin
        where it is far from 1, by `drlim.encoders.Scaled`.
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
    validation : float or array-like, default=None
        Samples that are not trained on but judge each epoch: see `drlim.DrLIM`. The encoder then is left with the
        weights of the best epoch, and records hold ``energy_validation``.
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

    Warns
    -----
    UserWarning
        When the encoder places the samples more than 50 margins or less than a 2000th of one apart before training.

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
    check_unit(springs, "train")
    held = held_out_rows(validation, len(samples), seed)
    device = device_of(encoder)
    network, springs, unit = in_margins(encoder, springs)

    def convert(record: EpochRecord) -> None:
        if on_epoch is not None:
            on_epoch(record_in_unit(record, unit))

    with usual_state(), torch.enable_grad(), seeded(seed, device):
        warn_of_scale(network, samples, springs)
        part = split(samples, graph, springs, held, device, settings.dissimilar_weight)
        rows = Rows(part.samples, device, torch.float32)
        result = train_rows(
            network, rows, part.graph, springs, settings, seed=seed, validation=part.judge, on_epoch=convert
        )
    encoder.eval()
    return result._replace(history=[record_in_unit(record, unit) for record in result.history])


def train_rows(
    encoder: nn.Module,
    rows: Rows,
    graph: NeighborhoodGraph,
    springs: Springs,
    settings: Settings,
    *,
    seed: int = 0,
    anchor: Anchor | None = None,
    validation: HeldOut | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> Result:
    """Do what `train` does, with checked parts.

    ``rows`` are on the encoder's device and in its dtype. Where each sample has several rows (`Rows.n_copies`), a batch
    takes all rows of a sample or none. With an ``anchor``, some rows are tied to given positions while the others move,
    and records hold ``energy_anchor``. With ``validation``, samples that are not among the rows judge each epoch.
    """
    balance = balance_of(graph, settings.dissimilar_weight)
    springs_of_anchor = None if anchor is None else AnchorSprings.of(anchor, len(rows), rows.device)
    problem = Problem(encoder, rows, graph, springs, balance, settings, seed, springs_of_anchor)
    optimizer = make_optimizer(problem)
    average = WeightAverage(problem)
    run_epoch = choose_epoch(problem, optimizer, average)
    history: list[EpochRecord] = []
    last_finite = copy.deepcopy(average.module.state_dict())
    best = _Best(last_finite, validation, settings)
    stopped: Stopped = "max_epochs"
    encoder.train()
    try:
        for epoch in range(settings.max_epochs):
            began = time.perf_counter()
            sums = _finite_epoch(problem, run_epoch, average.module, epoch, last_finite)
            last_finite = copy.deepcopy(average.module.state_dict())
            history.append(_record(problem, epoch, sums, time.perf_counter() - began))
            best.see(history[-1], average.module, last_finite)
            if on_epoch is not None:
                on_epoch(history[-1])
            ended = best.why_ended
            if ended is not None:
                stopped = ended
                break
        if _has_risen(best.energies, settings):
            average.module.load_state_dict(best.state)
            stopped = "diverged"
    except KeyboardInterrupt:
        if average.is_encoder or not is_finite(average.module):  # L-BFGS may be in the middle of a line search
            average.module.load_state_dict(last_finite)
        stopped = "interrupted"
    finally:
        if validation is not None:
            average.module.load_state_dict(best.state)
        encoder.load_state_dict(average.module.state_dict())
        encoder.eval()
    return Result(history, stopped)


class _Best:
    """The weights of the best epoch so far: of the lowest energy, of the samples held out where there are any.

    Attributes
    ----------
    state : dict of str to Tensor
    energies : list of float
        Of the samples trained on, by epoch.
    """

    def __init__(self, state: dict[str, Tensor], validation: HeldOut | None, settings: Settings) -> None:
        self.state = state
        self.energies: list[float] = []
        self._validation = validation
        self._settings = settings
        self._judged: list[float] = []

    def see(self, record: EpochRecord, network: nn.Module, state: dict[str, Tensor]) -> None:
        """Judge an epoch by its record and weights; add the energy of the samples held out to the record."""
        self.energies.append(record["energy"])
        if self._validation is not None:
            record["energy_validation"] = self._validation.energy(network)
        self._judged.append(record.get("energy_validation", record["energy"]))
        if self._judged[-1] <= min(self._judged):
            self.state = state

    @property
    def why_ended(self) -> Stopped | None:
        """Why to stop now; None to go on.

        "validation": the energy of the samples held out was lowest half of the run ago, ten epochs at least. With
        weight decay it may rise for a fifth of the run, and then fall below where it was (docs/overfitting.md).
        """
        since = len(self._judged) - 1 - int(np.argmin(self._judged))
        if self._validation is not None and since >= max(10, self._settings.max_epochs // 2):
            return "validation"
        return "converged" if _has_converged(self.energies, self._settings) else None


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


def _window(settings: Settings) -> int:
    """Return the number of epochs over which a run is judged: a fifth, ten at least."""
    return max(10, settings.max_epochs // 5)


def _has_risen(energies: list[float], settings: Settings) -> bool:
    """Whether the run ends clearly above the lowest mean energy of any of its fifths, ten epochs at least.

    Such a run has not come to rest. A tenth is far above the noise of means over ten epochs.
    """
    window = _window(settings)
    means = [float(np.mean(energies[end - window : end])) for end in range(len(energies), window - 1, -window)]
    return len(means) > 1 and means[0] > min(means) + _RISE * abs(min(means))


def _has_converged(energies: list[float], settings: Settings) -> bool:
    """Whether the last fifth of the run, ten epochs at least, is on the mean no lower than the fifth before it.

    Means, because in-batch energies are noisy; a fifth, because Adam overshoots and comes back.
    """
    window = _window(settings)
    if len(energies) < 2 * window:
        return False
    before, lately = float(np.mean(energies[-2 * window : -window])), float(np.mean(energies[-window:]))
    return lately > before - settings.tol * abs(before)
