"""Whether a launcher, such as torchrun, has started this process as one of several: by environment variables alone.

Needs no torch, since the command line asks before it imports anything slow.
"""

from __future__ import annotations

import multiprocessing
import os

__all__ = ["VARIABLES", "is_launched", "launched_rank"]

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Environment variables by which torchrun, scripts for SLURM and others describe a group of processes."""


def is_launched() -> bool:
    """Whether this very process is one of several.

    A process that this program has started itself, as joblib does, inherits the variables and is no member.
    """
    return (
        all(name in os.environ for name in VARIABLES)
        and os.environ["WORLD_SIZE"] != "1"
        and multiprocessing.parent_process() is None
    )


def launched_rank() -> int:
    """Return the number of this process among those of the launcher; 0 without one."""
    return int(os.environ["RANK"]) if is_launched() else 0
