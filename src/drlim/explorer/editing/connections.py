"""Connections that take their time: how long one may wait, and how many there may be.

uvicorn waits for ever for the first request of a connection, and for a body. Here a connection has some seconds for a
whole request, and some for its answer; and where there are too many, the one that has waited longest is closed, so that
a person still gets through.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MOST_CONNECTIONS", "BoundedConnection"]

MOST_CONNECTIONS = 64
"""Maximum number of open connections. A browser opens six."""

_REQUEST_SECONDS = 20.0
"""Seconds for a whole request, from the opening of the connection or from the answer before."""

_ANSWER_SECONDS = 120.0
"""Seconds for an answer, until the other side has taken it."""


class BoundedConnection(H11Protocol):
    """A connection of uvicorn that is closed when it takes too long."""

    request_seconds = _REQUEST_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room where there are too many connections, and begin to wait for a request."""
        super().connection_made(transport)
        self._opened = self.loop.time()
        self._deadline = self.loop.call_later(self.request_seconds, self._too_late)
        # A connection that was closed stays in the set until the loop turns, and many may come in one turn.
        all_ones = cast("Iterable[BoundedConnection]", self.connections)
        open_ones = [one for one in all_ones if not one.transport.is_closing()]
        if len(open_ones) > MOST_CONNECTIONS:
            waiting = [one for one in open_ones if not one.is_answering]
            min(waiting, key=lambda one: one._opened, default=self).transport.abort()  # noqa: SLF001 - of this class

    def connection_lost(self, exc: Exception | None) -> None:
        """End the waiting."""
        self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._deadline.cancel()
        self._deadline = self.loop.call_later(self.request_seconds, self._too_late)
        super().on_response_complete()

    @property
    def is_answering(self) -> bool:
        """Whether a whole request is there, and its answer is not yet complete."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _too_late(self) -> None:
        if self.is_answering:
            self._deadline = self.loop.call_later(_ANSWER_SECONDS, self.transport.abort)
        else:
            self.transport.abort()
