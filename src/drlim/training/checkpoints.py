"""Checkpoints: the newest two states of a run in a folder, each in a sealed file that is written whole.

A run that was killed goes on from the newest valid one, and ends where it would have ended: the state holds all that
changes from epoch to epoch. Nothing in a file is executed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from drlim._base.checks import InvalidParameterError, short_repr
from drlim._base.disk import atomic_write
from drlim._base.messages import one_line
from drlim._base.notices import warn_user
from drlim._base.sealed import KEY, ModelFileError, metadata_text, parse_sealed, read_sealed, sealed, unusable
from drlim.training.packing import Packed, under
from drlim.training.problem import Stopped
from drlim.training.state import RunState, Savable

__all__ = ["Checkpoint", "CheckpointFolder", "Identity", "Keeper", "check_every", "refuse_other"]

CHECKPOINT_FORMAT = 1
"""Version of the format of a checkpoint."""

_KEPT = 2
"""Number of checkpoints that a folder holds."""

_NAME = re.compile(r"checkpoint-(\d{8,})\.safetensors", re.ASCII)
"""Pattern of the name of a checkpoint. Its number grows with each that is written, in later runs too."""

_LEFT_BEHIND = ".drlim-*.tmp"
"""Pattern of what a killed process may leave in the folder (`drlim._base.disk.atomic_write`)."""

_TIME = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|min|h)\s*", re.ASCII)

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}

_CONSTANT = "constant"
"""Beginning of the names of tensors that were computed before the run."""

_MOST_DIFFERENCES = 6
"""Maximum number of differences that a message names."""

Identity = dict[str, Packed]
"""What a run depends on, by name: parameters, versions, and digests of samples and relations."""


class _Every(NamedTuple):
    """When checkpoints are written: after a number of epochs, or at the first end of an epoch after a time."""

    epochs: int | None
    seconds: float | None


def check_every(given: int | str) -> _Every:
    """Return when checkpoints are to be written, or refuse the parameter.

    Examples
    --------
    >>> check_every(5), check_every("10min")
    (_Every(epochs=5, seconds=None), _Every(epochs=None, seconds=600.0))
    """
    if not isinstance(given, str):
        return _Every(int(given), None)
    found = _TIME.fullmatch(given)
    seconds = 0.0 if found is None else float(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds < float("inf"):
        raise InvalidParameterError(
            "The 'checkpoint_every' parameter must be a number of epochs, or a time above 0 such as '90s', '10min' or "
            f"'2h'. Got {short_repr(given)}."
        )
    return _Every(None, seconds)


class Checkpoint(NamedTuple):
    """A checkpoint that was read.

    Attributes
    ----------
    path : Path
    identity : dict
        What the run depends on.
    stopped : str or None
        Why the run had ended; None if it had not.
    planned : int
        Maximum number of epochs of the run.
    state : RunState
    """

    path: Path
    identity: Identity
    stopped: Stopped | None
    planned: int
    state: RunState

    @property
    def constants(self) -> dict[str, Tensor]:
        """What was computed before the run."""
        return under(_CONSTANT, self.state.tensors)


class CheckpointFolder:
    """A folder of checkpoints of one run.

    Parameters
    ----------
    path : str or path-like
        It is made when the first checkpoint is written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def newest(self) -> Checkpoint | None:
        """Return the newest valid checkpoint, None if there is none; a warning names each that is not valid."""
        for path in reversed(self._files()):
            try:
                return _read(path)
            except (ModelFileError, OSError) as error:
                warn_user(f"A checkpoint is passed over, and the one before is used: {one_line(error)}")
        return None

    def check_free(self) -> None:
        """Refuse to begin a run where there is a checkpoint of one that has not ended: it would be lost."""
        found = self.newest()
        if found is not None and found.stopped is None:
            n_epochs = len(found.state.history)
            raise ValueError(
                f"The folder of checkpoints {self.path} has one of a run that was cut short after {n_epochs} of "
                f"{found.planned} epochs. resume=True goes on from it; to begin anew, give another folder or delete "
                "this one."
            )

    def make(self) -> None:
        """Make the folder; remove what a killed process has left in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        for left in self.path.glob(_LEFT_BEHIND):
            left.unlink(missing_ok=True)

    def write(self, content: bytes, n_kept: int = _KEPT) -> None:
        """Write a checkpoint, and remove those before the newest ``n_kept``."""
        files = self._files()
        number = 1 + (_number_of(files[-1]) if files else 0)
        atomic_write(self.path / f"checkpoint-{number:08d}.safetensors", content)
        for old in files[: len(files) + 1 - n_kept]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """Return the checkpoints, the oldest first."""
        if not self.path.is_dir():
            return []
        return sorted((path for path in self.path.iterdir() if _NAME.fullmatch(path.name)), key=_number_of)


def _number_of(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _read(path: Path) -> Checkpoint:
    """Read a checkpoint, or refuse a file that is damaged or none."""
    found = read_sealed(path, "checkpoint")
    metadata = found.metadata
    if not isinstance(metadata, dict) or metadata.get("checkpoint_format") != CHECKPOINT_FORMAT:
        raise unusable(path, f"is no checkpoint of format {CHECKPOINT_FORMAT}.")
    try:
        # Cloned: in the file's bytes they lie at any address, and sums of unaligned rows may round otherwise.
        tensors = {name: value.clone() for name, value in safetensors_torch.load(found.content).items()}
        numbers: dict[str, Packed] = dict(metadata["numbers"])
        identity: Identity = dict(metadata["identity"])
        planned = int(metadata["planned"])
    except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise unusable(path, f"is damaged: {one_line(error)}.") from error
    return Checkpoint(
        path, identity, cast("Stopped | None", metadata.get("stopped")), planned, RunState(numbers, tensors)
    )


def refuse_other(found: Checkpoint, identity: Mapping[str, Packed]) -> None:
    """Refuse to go on from a checkpoint of a run that depends on something else; name what differs.

    Parameters
    ----------
    found : Checkpoint
    identity : dict
        What the present run depends on, or a part of it.

    Raises
    ------
    ValueError
    """
    absent = "absent"
    pairs = {name: (found.identity.get(name, absent), value) for name, value in identity.items()}
    different = [_difference(name, *values) for name, values in pairs.items() if values[0] != values[1]]
    if not different:
        return
    shown = "; ".join(different[:_MOST_DIFFERENCES])
    more = f"; and {len(different) - _MOST_DIFFERENCES} more" if len(different) > _MOST_DIFFERENCES else ""
    raise ValueError(
        f"The checkpoint {found.path} is of another run: {shown}{more}. Give what it was begun with, or another folder "
        "to begin anew."
    )


def _difference(name: str, before: Packed, now: Packed) -> str:
    if _is_digest(before) or _is_digest(now):
        return f"other {name}"
    return f"{name} was {_shown(before)} and is {_shown(now)}"


def _shown(value: Packed) -> str:
    return (value if isinstance(value, str) else short_repr(value))[:60]


def _is_digest(value: Packed) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{16}", value) is not None


class Keeper:
    """Writes the checkpoints of a run as it goes on, and restores it at its beginning.

    Parameters
    ----------
    folder : CheckpointFolder
    every : int or str
        As `check_every` takes it.
    identity : dict
        What the run depends on.
    planned : int
        Maximum number of epochs of the run.
    found : Checkpoint, default=None
        The checkpoint to go on from, of the same identity; None begins anew.
    constants : dict of str to Tensor, default=None
        What was computed before the run, and is kept with its state, so that it is not computed again.
    writes : bool, default=True
        Whether this process writes: of several that train together one does.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        every: int | str,
        identity: Identity,
        planned: int,
        found: Checkpoint | None = None,
        constants: Mapping[str, Tensor] | None = None,
        *,
        writes: bool = True,
    ) -> None:
        self._folder = folder
        self._every = check_every(every)
        self._identity = identity
        self._planned = planned
        self._found = found
        self._constants = dict(constants or {})
        self._writes = writes
        self._newest: RunState | None = None  # that is not on disk
        self._n_since = 0
        self._written = time.monotonic()

    def begin(self, run: Savable) -> Stopped | None:
        """Restore the run, or write a first checkpoint, which shows early what cannot be written.

        Returns
        -------
        str or None
            Why the run had ended; None to go on.
        """
        if self._found is not None:
            run.restore(self._found.state)
            return self._found.stopped
        if not self._writes:
            return None
        content = self._content(run.state(), None)
        parse_sealed(self._folder.path, content, "checkpoint")  # as it will be read
        self._folder.write(content, n_kept=1)
        return None

    def keep(self, run: Savable, stopped: Stopped | None) -> None:
        """Take the state after an epoch, and write it where that is due or the run has ended."""
        if not self._writes:
            return
        self._newest = run.state()
        self._n_since += 1
        epochs, seconds = self._every
        is_due = self._n_since >= epochs if epochs is not None else time.monotonic() - self._written >= (seconds or 0.0)
        if is_due or stopped is not None:
            self.flush(stopped)

    def flush(self, stopped: Stopped | None = None) -> None:
        """Write the newest state unless it is on disk. Where that fails, a warning says so, and the run goes on."""
        if self._newest is None:
            return
        content = self._content(self._newest, stopped)
        try:
            self._folder.write(content)
        except OSError as error:
            warn_user(
                f"No checkpoint was written after epoch {len(self._newest.history)}, and the training goes on: "
                f"{one_line(error)}"
            )
            return
        self._newest, self._n_since, self._written = None, 0, time.monotonic()

    def _content(self, state: RunState, stopped: Stopped | None) -> bytes:
        metadata: dict[str, object] = {
            "checkpoint_format": CHECKPOINT_FORMAT,
            "identity": self._identity,
            "stopped": stopped,
            "planned": self._planned,
            "numbers": state.numbers,
        }
        tensors = {**state.tensors, **{f"{_CONSTANT}.{name}": value for name, value in self._constants.items()}}
        return sealed(safetensors_torch.save(tensors, {KEY: metadata_text(metadata)}))
