"""Samples of which each process of a group has some rows, its shard, and none has all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict, cast

import numpy as np
import torch
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Index
from drlim._base.checks import check_parameters, integer_in
from drlim._base.joining import joined, present_group
from drlim._base.sparse_rows import AnyRows
from drlim._base.stored_rows import Reader, StoredRows

__all__ = ["Shard", "joined_shards", "refused_shard", "shared_rows"]


class Shard:
    """The rows that this process has, where each process of a group has others and none has all.

    `drlim.DrLIM.fit` and `drlim.train` take it in place of ``X``, with the relations of all samples. Each process then
    reads its own rows; positions and gradients travel, and before the training some rows and sums over rows do
    (docs/several_machines.md).

    Parameters
    ----------
    rows : array-like, shape (n_own, ...)
        Consecutive samples, in any form that ``X`` may have. There may be none: an array of shape (0, ...).
    start : int
        Number of the first of them among all samples, in [0, n_samples]: the number of rows of the ranks before.
    n_samples : int
        Number of samples of all processes together, in [2, inf).

    Raises
    ------
    InvalidParameterError
        When ``start`` or ``n_samples`` is out of range.

    Examples
    --------
    Each of the processes that torchrun has started reads a part of its own. Here there is one, which has all:

    >>> import numpy as np
    >>> import drlim
    >>> rank, size = 0, 1  # os.environ["RANK"], os.environ["WORLD_SIZE"]
    >>> n_samples = 60
    >>> bounds = n_samples * np.arange(size + 1) // size
    >>> rows = np.random.default_rng(0).normal(size=(60, 3))[bounds[rank] : bounds[rank + 1]]
    >>> shard = drlim.training.Shard(rows, int(bounds[rank]), n_samples)
    >>> graph = drlim.pairs(n_samples, similar=[(i, i + 1) for i in range(n_samples - 1)])
    >>> drlim.DrLIM(max_epochs=2, random_state=0).fit(shard, graph=graph).embedding_.shape
    (60, 2)
    """

    def __init__(self, rows: ArrayLike, start: int, n_samples: int) -> None:
        check_parameters(
            {"start": start, "n_samples": n_samples}, {"start": [integer_in(0)], "n_samples": [integer_in(2)]}, "Shard"
        )
        self.rows = rows
        self.start = int(start)
        self.n_samples = int(n_samples)

    def __repr__(self) -> str:
        return f"Shard(start={self.start}, n_samples={self.n_samples})"


class _Layout(TypedDict):
    """Which rows a process has, and what they are."""

    start: int
    stop: int
    n_samples: int
    shape: list[int]
    dtype: str
    columns: str


class _AtHand:
    """Rows of this process."""

    def __init__(self, rows: AnyRows) -> None:
        self._rows = rows
        self.shape: tuple[int, ...] = rows.shape
        self.dtype: np.dtype[np.generic] = rows.dtype
        self.is_quick: bool = getattr(rows, "is_quick", True)

    def read(self, rows: Index | slice) -> Array:
        """Return rows by their numbers among those of this process."""
        return np.asarray(self._rows[rows])


class _Shared:
    """Rows of all processes: each reads its own, and all get them. All must ask for the same, at the same time.

    Attributes
    ----------
    own : Reader
        Rows of this process.
    bounds : ndarray of int64, shape (size + 1,)
        First row of each process, and the number of rows.
    rank : int
    spare : ndarray, shape (1, ...)
        A row that each process has, for one that has none of its own.
    """

    is_quick = True  # of what is read ahead, all of it would travel

    def __init__(self, own: Reader, bounds: Index, rank: int) -> None:
        self.own = own
        self.bounds = bounds
        self.rank = rank
        self.shape: tuple[int, ...] = (int(bounds[-1]), *own.shape[1:])
        self.dtype = own.dtype
        self.spare = self.read(np.zeros(1, dtype=np.int64))  # (1, ...)

    def read(self, rows: Index | slice) -> Array:
        """Return rows by their numbers among all."""
        chosen = np.arange(self.shape[0])[rows] if isinstance(rows, slice) else rows  # (b,)
        owner = np.searchsorted(self.bounds, chosen, side="right") - 1  # (b,)
        counts = np.bincount(owner, minlength=len(self.bounds) - 1)  # (size,)
        mine = self.own.read(chosen[owner == self.rank] - self.bounds[self.rank])  # (counts[rank], ...)
        block = np.empty((len(chosen), *self.shape[1:]), self.dtype)  # (b, ...)
        block[np.argsort(owner, kind="stable")] = self.gathered(mine, counts.tolist())
        return block

    def gathered(self, values: Array, counts: Sequence[int]) -> Array:
        """Return the values of all processes, those of rank 0 first, (sum of counts, ...)."""
        group = present_group()
        if group.size != len(self.bounds) - 1:
            raise ValueError(
                f"Rows of {len(self.bounds) - 1} shards can be read only while all their processes fit together, and "
                "one of them has left."
            )
        mine = torch.from_numpy(np.require(values, requirements=["C", "W"])).to(group.device)
        found: Array = group.gather(mine, counts, "samples").cpu().numpy()
        return found


def joined_shards(
    shard: Shard,
    check: Callable[[ArrayLike], AnyRows],
    device: torch.device,
    columns: Callable[[], Sequence[str] | None] = lambda: None,
) -> AnyRows:
    """Return the samples of all processes, of which this one has a shard; refuse shards that are no parts of a whole.

    Parameters
    ----------
    shard : Shard
    check : callable
        Returns the rows of this process, checked. Where it fails, the other processes are told.
    device : torch.device
        Where the training computes.
    columns : callable
        Returns the names of the columns, once the rows were checked.

    Raises
    ------
    ValueError
        In all processes, when rows are missing or in two shards, or differ in shape, type or columns.
    """
    with joined(device) as group:
        own = check(shard.rows)
        layout = _Layout(
            start=shard.start,
            stop=shard.start + len(own),
            n_samples=shard.n_samples,
            shape=list(own.shape[1:]),
            dtype=str(own.dtype),
            columns=_listed(columns()),
        )
        # As text under one name, so that processes that were given no shard differ in it, and say so.
        given = [json.loads(text) for text in group.texts(json.dumps({"a shard of 'X'": json.dumps(layout)}))]
        layouts = _layouts(given)
        _refuse_different(layouts)
        _refuse_gaps(layouts)
        if not group.is_several:
            return own
        bounds = np.array([*(one["start"] for one in layouts), shard.n_samples], dtype=np.int64)  # (size + 1,)
        return shared_rows(own, bounds)


def shared_rows(own: AnyRows, bounds: Index) -> StoredRows:
    """Return the samples of all processes of the present group, of which this one has consecutive ones.

    Parameters
    ----------
    own : ndarray, SparseRows or StoredRows, shape (bounds[rank + 1] - bounds[rank], ...)
    bounds : ndarray of int64, shape (size + 1,)
        First row of each process, and the number of rows.
    """
    return StoredRows(_Shared(_AtHand(own), bounds, present_group().rank))


def refused_shard(name: str, owner: str) -> TypeError:
    """Return the error of a shard where the samples themselves are wanted."""
    return TypeError(
        f"Expected {name!r} of {owner} here to be samples. Got a Shard, which DrLIM.fit and drlim.train take: "
        "give the samples themselves, such as its 'rows'."
    )


def _layouts(given: Sequence[Mapping[str, str]]) -> list[_Layout]:
    """Return what the processes say of their shards; refuse where one was given none."""
    texts = [one.get("a shard of 'X'") for one in given]
    if None in texts:
        raise ValueError(
            f"Expected all {len(texts)} processes to be given a Shard as 'X', or none of them. Rank "
            f"{texts.index(None)} was given none: where each has all rows, give all of them the rows."
        )
    return [cast(_Layout, json.loads(cast(str, text))) for text in texts]


def _refuse_different(layouts: Sequence[_Layout]) -> None:
    """Refuse shards of different samples."""
    for what, say in (
        ("n_samples", "n_samples"),
        ("shape", "samples of shape"),
        ("dtype", "the type"),
        ("columns", "the columns"),
    ):
        first = layouts[0][what]  # type: ignore[literal-required]  # the names of the four
        for rank, one in enumerate(layouts):
            found = one[what]  # type: ignore[literal-required]
            if found != first:
                raise ValueError(
                    f"Expected all {len(layouts)} shards to be parts of the same samples. Rank 0 has {say} "
                    f"{_short(first)}, and rank {rank} has {_short(found)}."
                )


def _listed(names: Sequence[str] | None) -> str:
    return "no names" if names is None else str([str(name) for name in names])


def _short(value: object) -> str:
    text = str(tuple(value)) if isinstance(value, list) else str(value)
    return text if len(text) < 80 else f"{text[:77]}..."


def _refuse_gaps(layouts: Sequence[_Layout]) -> None:
    """Refuse shards that do not follow each other, in the order of ranks, from the first sample to the last."""
    n_samples, row = layouts[0]["n_samples"], 0
    wanted = f"Expected shards that hold each of {n_samples} rows once, in the order of ranks."
    way_out = "'start' is the number of rows of all ranks before."
    for rank, one in enumerate(layouts):
        if one["start"] != row:
            what = "are in no shard" if one["start"] > row else "are in two shards or out of order"
            low, high = sorted((row, one["start"]))
            raise ValueError(
                f"{wanted} Rank {rank} begins at row {one['start']}, and the ranks before it end before row {row}: "
                f"rows {low} to {high - 1} {what}. {way_out}"
            )
        row = one["stop"]
    if row != n_samples:
        raise ValueError(f"{wanted} They have {row} together, and n_samples={n_samples}. {way_out}")
