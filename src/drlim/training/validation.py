"""Samples held out of the training: which they are, and the energy of their springs, by which training is stopped.

A network with many weights learns the relations of its training samples by heart. Samples that it was not trained on
show when their places stop improving.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from drlim._base.arrays import Array, Index
from drlim._base.checks import InvalidParameterError, short_repr
from drlim._base.sparse_rows import AnyRows, rows_of
from drlim._base.torch import Rows, RowSource
from drlim.forces import Balance, graph_energy
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.relations import LazyCopies
from drlim.relations.gather import check_trainable
from drlim.springs import Springs
from drlim.training.distributed import UNSHARED, Shares
from drlim.training.units import space_under

__all__ = ["HeldOut", "Part", "Split", "held_out_rows", "split", "split_off"]


class HeldOut(NamedTuple):
    """Samples that are not trained on, and what their energy is measured by.

    Attributes
    ----------
    rows : Rows
        All samples, those trained on too.
    graph : NeighborhoodGraph
        Of all samples.
    springs : Springs
    samples : ndarray of int64, shape (h,)
        The samples held out, ascending.
    balance : Balance
        Divides the sums over their springs by the number of these.
    """

    rows: Rows
    graph: NeighborhoodGraph
    springs: Springs
    samples: Index
    balance: Balance

    @classmethod
    def of(
        cls, rows: Rows, graph: NeighborhoodGraph, springs: Springs, samples: Index, dissimilar_weight: float
    ) -> HeldOut:
        """Count the springs of the samples held out, or refuse samples that have none of a kind."""
        similar, dissimilar = (_half_weight(pairs, samples) for pairs in (graph.similar, graph.dissimilar))
        if similar == 0 or dissimilar == 0:
            kind = "similar" if similar == 0 else "dissimilar"
            raise ValueError(
                f"The {len(samples)} samples that 'validation' holds out are {kind} to no other, so that their energy "
                "says nothing: hold out more samples, or such as have relations."
            )
        balance = Balance(1 / similar, dissimilar_weight / dissimilar)
        return cls(rows, graph, springs, samples, balance)

    def energy(self, network: nn.Module, shares: Shares = UNSHARED) -> float:
        """Return the objective over the springs of the samples held out: to each other, and to those trained on."""
        Z = shares.embedded(network, self.rows)  # (n, d)
        own = self.samples[shares.part(len(self.samples))]  # (s,)
        energy = graph_energy(Z, self.graph, self.springs, self.balance, rows=own, space=space_under(network))
        return self.balance.total(*shares.group.totals([energy.similar, energy.dissimilar]))


def _half_weight(pairs: PairSet, samples: Index) -> float:
    """Return half the weight of the samples' pairs: as `graph_energy` sums them, a pair in one of its samples."""
    listing = pairs.corrections()
    rows = np.repeat(np.arange(pairs.n_samples), np.diff(listing.indptr))  # (e,)
    weight = np.bincount(rows, listing.all_weights(), pairs.n_samples)  # (n,) beyond that of the blocks
    by_blocks = 0.0 if pairs.blocks is None else float(pairs.blocks.row_sums[samples].sum())
    return (by_blocks + float(weight[samples].sum())) / 2


class Part:
    """Some rows of a source, which are read from there a batch at a time.

    Parameters
    ----------
    source : array or RowSource, shape (n, ...)
    rows : ndarray of int64, shape (m,)
    """

    def __init__(self, source: RowSource, rows: Index) -> None:
        self.source = source
        self.rows = rows
        self.dtype: np.dtype[np.generic] | None = getattr(source, "dtype", None)

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, ...)."""
        return (len(self.rows), *self.source.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Index | slice) -> Array:
        return np.asarray(self.source[self.rows[index]])  # (b, ...)


def held_out_rows(validation: object, n_samples: int, seed: int = 0, *, n_copies: int = 1) -> Index | None:
    """Return the samples to hold out, ascending (h,), or refuse the parameter; None without any.

    Parameters
    ----------
    validation : None, float or array-like
        A share of the samples, which are drawn at random, or the rows themselves, as numbers or as booleans.
    n_samples : int
        Number of rows.
    seed : int, default=0
        Draws the samples of a share.
    n_copies : int, default=1
        Number of rows that are copies of one sample, which are ``n_samples / n_copies`` apart: a share takes all copies
        of a sample or none.

    Examples
    --------
    >>> held_out_rows([7, 2], 10).tolist(), len(held_out_rows(0.2, 10))
    ([2, 7], 2)
    """
    if validation is None:
        return None
    if isinstance(validation, float | np.floating):
        n_originals = n_samples // n_copies
        count = round(float(validation) * n_originals)
        _check_count(count, n_originals, f"of {n_originals} samples {short_repr(validation)}")
        drawn = np.random.default_rng([seed, n_samples]).permutation(n_originals)[:count]  # (h / n_copies,)
        return np.sort((np.arange(n_copies)[:, None] * n_originals + drawn).ravel())  # (h,)
    rows = _checked_rows(validation, n_samples)
    _check_count(len(rows), n_samples, f"of {n_samples} samples")
    return rows


def _checked_rows(given: object, n_samples: int) -> Index:
    """Return rows that the user names, ascending and once each, or refuse them."""
    wanted = "The 'validation' parameter must be a share of the samples in (0, 1), or rows of 'X': whole numbers in"
    try:
        values = np.asarray(given)
    except ValueError:  # rows of unequal length
        values = np.empty((0, 0))
    if values.dtype.kind == "b" and values.shape == (n_samples,):
        return np.flatnonzero(values)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise InvalidParameterError(f"{wanted} [0, {n_samples}), or a boolean for each. Got {short_repr(given)}.")
    if values.size and not 0 <= int(values.min()) <= int(values.max()) < n_samples:
        odd = int(values.min()) if int(values.min()) < 0 else int(values.max())
        raise InvalidParameterError(f"{wanted} [0, {n_samples}). Got {odd}.")
    return np.unique(values.astype(np.int64))


def _check_count(count: int, n_samples: int, described: str) -> None:
    """Refuse to hold out nothing, or so much that two samples do not remain to train on."""
    if not 1 <= count <= n_samples - 2:
        raise InvalidParameterError(
            "The 'validation' parameter must hold out at least one sample and leave two to train on. "
            f"Got {count} {described}."
        )


class Split(NamedTuple):
    """Samples to train on, and what judges them.

    Attributes
    ----------
    samples : ndarray, LazyCopies, SparseRows or Part, shape (m, ...)
        Those that are trained on.
    graph : NeighborhoodGraph
        Of these.
    rows : ndarray of int64, shape (m,)
        Their rows among all.
    judge : HeldOut or None
        The samples held out; None without any.
    """

    samples: AnyRows | LazyCopies | Part
    graph: NeighborhoodGraph
    rows: Index
    judge: HeldOut | None


def split(
    samples: AnyRows | LazyCopies,
    graph: NeighborhoodGraph,
    springs: Springs,
    held: Index | None,
    device: torch.device,
    dissimilar_weight: float,
) -> Split:
    """Hold out samples (h,), None for none; refuse to leave none that can be trained on, or judged by."""
    if held is None:
        return Split(samples, graph, np.arange(len(samples)), None)
    judge = HeldOut.of(Rows(samples, device, torch.float32), graph, springs, held, dissimilar_weight)
    return Split(*split_off(samples, graph, held), judge)


def split_off(
    samples: AnyRows | LazyCopies, graph: NeighborhoodGraph, held: Index
) -> tuple[AnyRows | Part, NeighborhoodGraph, Index]:
    """Return the samples that remain to train on, their graph, and their rows (m,)."""
    rows = np.setdiff1d(np.arange(len(samples)), held)  # (m,)
    graph = graph.subgraph(rows)
    check_trainable(graph)
    if isinstance(samples, LazyCopies | np.memmap):
        return Part(samples, rows), graph, rows
    return rows_of(samples, rows), graph, rows
