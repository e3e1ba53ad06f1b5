"""The page for editing, served by the command line in a process of its own, and a person who edits by requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.hostile import Reply, Target, ask, request
from benchmarks.suite import ROOT

__all__ = ["Served", "asked", "state", "statements_of"]


class Served:
    """A server of the page for editing, as a context manager.

    Parameters
    ----------
    model, data : Path
        Arguments of ``drlim explore MODEL DATA --edit``.
    more : str
        Further arguments.

    Attributes
    ----------
    address : str
        Of the page, with the token.
    target : Target
    process : subprocess.Popen
    """

    def __init__(self, model: Path, data: Path, *more: str) -> None:
        self._command = [sys.executable, "-c", "import sys; from drlim.cli import main; sys.exit(main())"]
        self._command += ["explore", str(model), str(data), "--edit", "--json", *more]
        self._said = model.with_suffix(".stderr")

    def __enter__(self) -> Served:
        with self._said.open("ab") as errors:
            self.process = subprocess.Popen(  # noqa: S603 - this project's own command line
                self._command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
            )
        assert self.process.stdout is not None  # noqa: S101 - for mypy
        line = self.process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError(f"The server ended at once: {self.errors()}")
        self.address = str(json.loads(line)["address"])
        base, _, token = self.address.partition("/#token=")
        self.target = Target(int(base.rpartition(":")[2]), token)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None  # noqa: S101 - for mypy
        self.process.stdout.close()

    def errors(self) -> str:
        """Return what the server has written to its standard error stream."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def memory(self) -> int:
        """Return the most memory that the server has had so far, in bytes; 0 where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return 0
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return 1024 * int(lines[0].split()[1])

    def processor_seconds(self) -> float:
        """Return the seconds of processors that the server has used, which other work on the machine changes little."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def asked(target: Target, path: str, given: object = None, *, seconds: float = 60.0) -> Any:
    """Return the JSON of an answer to a request of a person's; raise where it is refused."""
    reply = _sent(target, path, given, seconds)
    if reply.status != 200:
        raise RuntimeError(f"{path}: {reply.status} {reply.body[:300]!r}")
    return json.loads(reply.body)


def _sent(target: Target, path: str, given: object, seconds: float) -> Reply:
    if given is None:
        return ask(target, request(target, path), seconds=seconds)
    return ask(target, request(target, path, method="POST", body=json.dumps(given).encode()), seconds=seconds)


def state(target: Target, given: dict[str, object]) -> int:
    """Make a statement, and return how many there are then."""
    return len(asked(target, "/statements", given)["statements"])


def statements_of(target: Target) -> list[dict[str, Any]]:
    """Return the statements."""
    found: list[dict[str, Any]] = asked(target, "/statements")["statements"]
    return found
