"""Ctrl-C and SIGTERM on the command line: both end a training in order, with the exit codes that shells expect.

A library installs no handler of signals: what a program does on SIGTERM is its own decision. The command line is a
program, and does what Ctrl-C does. In Python, ``signal.signal(signal.SIGTERM, signal.default_int_handler)`` does the
same.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CUT_SHORT_AND_KEPT", "INTERRUPTED", "Ending", "ending_in_order"]

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT."""

CUT_SHORT_AND_KEPT = -1
"""What a command returns that a signal has cut short, and that has kept and printed what there was."""

_TERMINATED = 143
"""Exit code after SIGTERM: 128 and its number."""


class Ending:
    """What a signal asks for.

    Attributes
    ----------
    is_terminated : bool
        Whether SIGTERM has come.
    """

    is_terminated = False

    def exit_code(self, code: int) -> int:
        """Return the exit code of a command, by the signal where it was cut short."""
        if code not in (INTERRUPTED, CUT_SHORT_AND_KEPT):
            return code
        return _TERMINATED if self.is_terminated else INTERRUPTED

    @property
    def sentence(self) -> str:
        """What is said of such work."""
        return "Terminated." if self.is_terminated else "Interrupted."


@contextmanager
def ending_in_order() -> Iterator[Ending]:
    """Let SIGTERM do what Ctrl-C does while the block runs, in the main thread; others leave signals alone."""
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return

    def terminate(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        ending.is_terminated = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
