"""Start several processes as a launcher does, and collect what a function returns in each of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    """One process: what the function returned (None where it did not), its exit status and its error stream."""

    result: Any
    status: int
    errors: str


def run_ranks(
    folder: Path,
    size: int,
    name: str,
    *,
    timeout: float = 300.0,
    waits_for: Sequence[int] | None = None,
    **arguments: Any,
) -> list[Ended]:
    """Call the function ``name`` of `tests.training.sessions` in ``size`` processes, with a launcher's variables.

    With ``waits_for``, the others are killed when these have ended.
    """
    processes = [_start(folder, rank, size, name, arguments, port) for port in [_free_port()] for rank in range(size)]
    deadline = time.monotonic() + timeout
    try:
        for process in processes if waits_for is None else [processes[rank] for rank in waits_for]:
            process.wait(timeout=max(1.0, deadline - time.monotonic()))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [
        Ended(_read(folder / f"{rank}.json"), process.returncode, (folder / f"{rank}.err").read_text())
        for rank, process in enumerate(processes)
    ]


def _start(
    folder: Path, rank: int, size: int, name: str, arguments: Mapping[str, Any], port: int
) -> subprocess.Popen[bytes]:
    call = json.dumps({"name": name, "file": str(folder / f"{rank}.json"), "arguments": dict(arguments)})
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {
        **os.environ,
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": path,
    }
    with (folder / f"{rank}.err").open("wb") as errors:
        command = [sys.executable, "-W", "ignore", "-m", "tests.training.sessions", call]
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None
