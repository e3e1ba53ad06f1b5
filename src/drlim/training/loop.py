"""Step 2 of the paper's algorithm: move the weights until the springs are at rest.

The gradient with respect to the weights needs, of all the pairs, only one vector for each sample, dE/dz. Springs are
summed on the few output coordinates, and one backward pass of the encoder carries the result to the weights. No pair of
images is formed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.typing import ArrayLike
from torch import nn

from drlim._base.checks import check_parameters, check_same_length, integer_in
from drlim._base.joining import joined
from drlim._base.rows import check_rows
from drlim._base.shards import Shard, joined_shards
from drlim._base.state import usual_state
from drlim._base.torch import Rows, device_of, seeded
from drlim.forces.objective import balance_of
from drlim.graph import NeighborhoodGraph
from drlim.springs import Springs
from drlim.training.agreement import agree
from drlim.training.checkpoints import Keeper
from drlim.training.distributed import present_shares
from drlim.training.preflight import warn_of_scale
from drlim.training.problem import Anchor, AnchorSprings, EpochRecord, Problem, Result, Settings
from drlim.training.run import Run
from drlim.training.units import check_unit, in_margins, record_in_unit, space_under
from drlim.training.validation import HeldOut, held_out_rows, split
from drlim.training.watching import Watch, run_epochs

__all__ = ["train", "train_rows"]


def train(
    encoder: nn.Module,
    X: ArrayLike | Shard,
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
    X : array-like, shape (n_samples, ...), or Shard
        Samples, also sparse ones and those outside memory. They are given to the encoder in float32, a batch at a time.
        A `drlim.training.Shard` where each of several processes has some of them.
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
    if isinstance(X, Shard):
        samples = joined_shards(X, lambda rows: check_rows(rows, min_samples=0), device_of(encoder))  # (n, ...)
    else:
        samples = check_rows(X, min_samples=2)  # (n, ...)
    check_same_length(len(samples), "X", graph.n_samples, "graph")
    check_unit(springs, "train")
    held = held_out_rows(validation, len(samples), seed)
    device = device_of(encoder)
    network, springs, unit = in_margins(encoder, springs)

    def convert(record: EpochRecord) -> None:
        if on_epoch is not None:
            on_epoch(record_in_unit(record, unit))

    with usual_state(), joined(device), torch.enable_grad(), seeded(seed, device):
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
    on_epoch: Callable[[EpochRecord], object] | None = None,
    watch: Watch | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """Do what `train` does, with checked parts.

    ``rows`` are on the encoder's device and in its dtype. Where each sample has several rows (`Rows.n_copies`), a batch
    takes all rows of a sample or none. With an ``anchor``, some rows are tied to given positions while the others move,
    and records hold ``energy_anchor``. With ``validation``, samples that are not among the rows judge each epoch.
    What looks on may end the run (``watch``), and a ``keeper`` writes its state to disk, and restores it at first.
    """
    balance = balance_of(graph, settings.dissimilar_weight)
    space = space_under(encoder)
    tied = None if anchor is None else AnchorSprings.of(anchor, len(rows), rows.device, space)
    problem = Problem(encoder, rows, graph, springs, balance, settings, seed, tied, present_shares(), space)
    agree(problem, validation)
    run = Run(problem, validation)
    encoder.train()
    try:
        stopped = run_epochs(run, on_epoch, watch, keeper)
        stopped = "diverged" if run.has_risen() else stopped
    except KeyboardInterrupt:
        run.interrupt()
        stopped = "interrupted"
    finally:
        run.finish()
        if keeper is not None:
            keeper.flush()
    return Result(run.history, stopped)
