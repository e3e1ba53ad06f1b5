"""Checks that need the samples, before training: what cannot train is refused; what will train badly gets a warning."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from drlim._base.arrays import Array
from drlim._base.calls import FailedCallError, reason
from drlim._base.notices import warn_user
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows, column_means, column_variances
from drlim._base.torch import Rows, device_of
from drlim.encoders.embedding import embed_rows
from drlim.graph import NeighborhoodGraph
from drlim.graph.components import count_duplicates
from drlim.relations import LazyCopies
from drlim.springs import Springs
from drlim.training.units import unit_of

__all__ = ["preflight", "try_encoder", "try_orbit", "warn_of_offset", "warn_of_scale", "warn_of_twins"]

_WIDEST, _NARROWEST = 50.0, 1 / 2000
"""Spread of a map, in margins, beyond which training hardly begins. After 60 epochs of Adam on 200 samples the energy
was .12 where the encoder began at a spread of .1 or 1, .15 at .001, .18 at 10, .40 at .0001 and 2.4 at 100."""

_WEAKEST, _STRONGEST = 1e-4, 1e15
"""Range of the strongest force of springs that train as forces of 1 do. At 1e-6 the energy of 200 samples stayed at .40
with L-BFGS and fell to .140 with Adam, where it falls to .116 and .122; at 1e12 it fell so far."""

_N_SPREAD = 512
"""Maximum number of samples by which the spread is estimated."""


def preflight(samples: AnyRows | LazyCopies, graph: NeighborhoodGraph, springs: Springs) -> None:
    """Warn of what will train badly. Lazy copies are not looked at: that would make them all."""
    if isinstance(samples, LazyCopies):
        return
    if not isinstance(samples, SparseRows):  # which lie about zero
        warn_of_offset(samples)
    warn_of_twins(samples, graph, springs)
    _warn_of_strength(springs)


def try_encoder(encoder: nn.Module, samples: AnyRows | LazyCopies, n_components: int) -> None:
    """Refuse an encoder that does not map two samples to two points, or cannot be trained."""
    wanted = f"The 'encoder' parameter of DrLIM must map (2, ...) samples to shape (2, {n_components})"
    cpu = torch.device("cpu")
    kinds = [torch.float32] if samples.dtype == np.float32 else [torch.float32, torch.float64]
    for kind in kinds:
        try:
            output = embed_rows(encoder.cpu(), Rows(samples[:2], cpu, kind))
        except Exception as error:  # whatever a user's module raises
            name = str(kind).removeprefix("torch.")
            hint = " Give X as float32, or let the module take float64." if kind == torch.float64 else ""
            raise ValueError(
                f"{wanted}. On {name} samples of shape {samples.shape[1:]} it fails: {reason(error)}.{hint}"
            ) from error
        if output.shape != (2, n_components):
            raise ValueError(f"{wanted}, n_components = {n_components}. It gives {tuple(output.shape)}.")
        if not bool(torch.isfinite(output).all()):
            raise ValueError(f"{wanted}, of finite numbers. It gives {output.tolist()} for the first two samples.")
    _try_gradient(encoder, Rows(samples[:2], cpu, torch.float32))


def _try_gradient(encoder: nn.Module, two: Rows) -> None:
    """Refuse an encoder without weights to train, or whose output does not depend on them."""
    if not any(weight.requires_grad for weight in encoder.parameters()):
        raise ValueError(
            "The 'encoder' parameter of DrLIM must have weights to train. It has none that require a gradient."
        )
    encoder.eval()  # in training mode, one pass would move the statistics of a batch normalisation
    output = encoder(two.take(slice(None)))
    if not (output.is_floating_point() and output.requires_grad):
        raise ValueError(
            "The 'encoder' parameter of DrLIM must give floating-point outputs that depend on its weights through "
            "operations with a gradient. Look for .detach(), .long() or torch.no_grad() in its forward."
        )


def try_orbit(rows: Rows, owner: str = "DrLIM") -> None:
    """Refuse a function that cannot make copies of two samples."""
    n_samples = len(rows) // rows.n_copies
    try:
        rows.take(np.array([n_samples, n_samples + 1]))
    except Exception as error:  # whatever a user's function raises
        if isinstance(error, ValueError) and not isinstance(error, FailedCallError) and "'orbit'" in str(error):
            raise
        raise ValueError(
            f"The 'orbit' parameter of {owner} must be a function of a batch, or of a batch and a "
            "numpy.random.Generator, that returns as many samples of the same shape. On two samples it fails: "
            f"{reason(error)}."
        ) from error


def warn_of_offset(samples: Array | StoredRows) -> None:
    """Warn where the samples lie so far from zero that float32, in which encoders train, blurs them."""
    if isinstance(samples, StoredRows):
        mean = column_means(samples)  # (...)
        middle = float(mean.mean()) if samples.ndim > 2 else mean
        spread = float(np.sqrt(column_variances(samples, np.broadcast_to(middle, mean.shape)).mean()))
    else:
        mean = samples.mean(axis=0, dtype=np.float64)  # (...)
        spread = float(samples.std(dtype=np.float64) if samples.ndim > 2 else np.sqrt(samples.var(axis=0).mean()))
    farthest = float(np.abs(mean).max())
    if spread > 0 and farthest > 1e5 * spread:
        warn_user(
            f"The samples in 'X' lie {farthest / spread:.0e} times their spread away from zero. Training in float32 "
            "then blurs them: subtract the mean first, for example with sklearn.preprocessing.StandardScaler."
        )


def warn_of_scale(network: nn.Module, samples: AnyRows | LazyCopies, springs: Springs) -> None:
    """Warn where an encoder places the samples out of all proportion to the margin before it is trained.

    Parameters
    ----------
    network : torch.nn.Module
        Its outputs count in margins.
    samples : ndarray, SparseRows or LazyCopies, shape (n, ...)
    springs : Springs
        Without a reach they have no unit, and nothing is said.
    """
    if isinstance(samples, LazyCopies) or not np.isfinite(springs.dissimilar.reach):
        return
    some = np.linspace(0, len(samples) - 1, min(len(samples), _N_SPREAD)).astype(np.int64)
    Z = embed_rows(network, Rows(samples[some], device_of(network), torch.float32)).double()  # (s, d)
    spread = float((Z - Z.mean(dim=0)).square().sum(dim=1).mean().sqrt())
    if spread > _WIDEST or 0 < spread < _NARROWEST:
        warn_user(
            f"Before any training the encoder places the samples {spread:.2g} margins apart. Springs act over about "
            "one margin, and training may not get there: multiply the encoder's outputs by the margin, or choose a "
            "margin of about their size."
        )


def _warn_of_strength(springs: Springs) -> None:
    """Warn where a user's own springs are so weak or so strong that no step of an optimizer suits them."""
    unit = unit_of(springs)
    distance = unit * torch.tensor([0.1, 0.5, 1.0, 2.0], dtype=torch.float64, device="cpu")
    laws = (springs.similar, springs.dissimilar)
    strongest = max(float(law.force(distance).abs().max()) for law in laws) / unit
    if 0 < strongest < _WEAKEST or strongest > _STRONGEST:
        warn_user(
            f"The strongest force of the 'springs' at distances of .1 to 2 is {strongest:.1g}, and steps are made for "
            "forces of about 1: multiply both laws by one number, which changes nothing else."
        )


def warn_of_twins(samples: AnyRows, graph: NeighborhoodGraph, springs: Springs) -> None:
    """Warn of identical samples declared dissimilar: a function of the sample can never part them."""
    count = count_duplicates(samples, graph.dissimilar)
    if count:
        floor = float(springs.dissimilar.energy(torch.zeros(1, dtype=torch.float64))[0])
        warn_user(
            f"{count} pairs of identical samples are declared dissimilar. No map can part them: each adds at least "
            f"{floor:.4g} to the sum of energies. Declare them similar, or drop the copies."
        )
