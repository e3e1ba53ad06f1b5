"""Functions of the weights of several `Blocks`: one `Blocks` on the classes that their partitions form together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats, Index, frozen
from drlim.graph.blocks import LARGEST_TABLE, Blocks, simplest

__all__ = ["Pointwise", "combined"]

Pointwise = Callable[..., ArrayLike]
"""A function of arrays of weights, one array for each set and all of one shape, that returns weights of that shape."""


def combined(function: Pointwise, n_samples: int, operands: Sequence[Blocks | None]) -> Blocks | None:
    """Apply a function to the weights of every pair at once.

    Parameters
    ----------
    function : callable
        Called with one array of weights for each operand, all of one shape; returns an array of that shape.
    n_samples : int
        Number of samples, 0 or more.
    operands : sequence of Blocks or None
        Blocks of ``n_samples`` samples; None is weight 0 for every pair.

    Returns
    -------
    Blocks or None
        None when every pair has weight 0.

    Raises
    ------
    ValueError
        When the partitions of the operands together divide the samples into more than `LARGEST_TABLE` classes.

    Examples
    --------
    The larger one of two weights:

    >>> alike = Blocks.from_codes(np.array([0, 0, 1]), within=3.0)
    >>> both = combined(np.maximum, 3, [alike, Blocks.constant(3, 1.0)])
    >>> both.within, both.between
    (3.0, 1.0)
    """
    if n_samples < 2:
        return None
    varying = [blocks for blocks in operands if blocks is not None and blocks.level is None]
    if not varying:
        level = np.asarray(function(*(_levels(blocks)[:1] for blocks in operands)))
        found = Blocks.constant(n_samples, float(level[0]))
    elif _one_partition(varying):
        within, between, outside = np.asarray(function(*map(_levels, operands))).astype(np.float64).tolist()
        found = simplest(varying[0].codes, within, between, outside)
    else:
        found = _on_joint_classes(function, operands, varying)
    return None if found.level == 0 else found


def _levels(blocks: Blocks | None) -> Floats:
    """Return the weights within, between and outside, shape (3,)."""
    return np.zeros(3) if blocks is None else np.array([blocks.within, blocks.between, blocks.outside])


def _one_partition(varying: list[Blocks]) -> bool:
    """Return whether all blocks have the same codes, and levels instead of a table."""
    codes = varying[0].codes
    return all(
        blocks.table is None and (blocks.codes is codes or np.array_equal(blocks.codes, codes)) for blocks in varying
    )


def _on_joint_classes(function: Pointwise, operands: Sequence[Blocks | None], varying: list[Blocks]) -> Blocks:
    """Combine blocks of several partitions by a table of their joint classes."""
    codes = np.zeros(varying[0].n_samples, dtype=np.int64)
    for blocks in varying:
        _, codes = np.unique(codes * (blocks.codes.max() + 2) + blocks.codes + 1, return_inverse=True)
    n_classes = int(codes.max()) + 1
    if n_classes > LARGEST_TABLE:
        raise ValueError(
            f"These graphs divide the samples into {n_classes} joint classes; at most {LARGEST_TABLE} can be held "
            "without listing their pairs. Use fewer classes, or list the pairs of one graph: "
            "NeighborhoodGraph.from_pairs(n_samples, pairs)."
        )
    _, examples = np.unique(codes, return_index=True)  # one sample of each joint class
    square = (examples[:, None], examples[None, :])
    tables = [np.zeros((n_classes,) * 2) if blocks is None else blocks.weight_of(*square) for blocks in operands]
    table = np.asarray(function(*tables), dtype=np.float64)  # (n_classes, n_classes)
    kept, merged = np.unique(table, axis=0, return_inverse=True)  # classes with equal weights become one
    first = np.array([np.flatnonzero(merged == place)[0] for place in range(len(kept))])
    return _simplest_table(merged.ravel()[codes], kept[:, first])


def _simplest_table(codes: Index, table: Floats) -> Blocks:
    """Build blocks from a table of which no two rows are equal, with three levels where three levels suffice."""
    is_level = (table == table[:, :1]).all(axis=1)  # at most one row: two level rows would be equal
    inside = np.flatnonzero(~is_level)
    own = np.diagonal(table)[inside]
    across = table[np.ix_(inside, inside)][~np.eye(len(inside), dtype=bool)]
    if (own != own[:1]).any() or (across != across[:1]).any():
        return Blocks(frozen(codes), table=frozen(table))
    outside = float(table[is_level][0, 0]) if is_level.any() else 0.0
    number = np.full(len(table), -1)
    number[inside] = np.arange(len(inside))
    within = float(own[0]) if len(own) else outside
    between = float(across[0]) if len(across) else within
    return simplest(frozen(number[codes]), within, between, outside)
