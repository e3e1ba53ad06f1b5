"""The editing server: on this machine alone, for as long as a person edits."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from drlim._base.messages import one_line

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["new_token", "require_server", "reserved", "serve"]

_LOOPBACK = "127.0.0.1"

_LARGEST_HEAD = 16_384
"""Maximum number of bytes of the line and the headers of a request."""

_PATIENCE = 2
"""Seconds that requests have to end once the server is stopped."""


def require_server() -> None:
    """Refuse to go on without the packages of the extra ``explore``.

    Raises
    ------
    ImportError
        It names the extra.
    """
    try:
        import starlette  # noqa: F401 - only whether they are there
        import uvicorn  # noqa: F401
    except ImportError as error:
        message = f"Editing a map needs starlette and uvicorn: pip install 'drlim[explore]' ({one_line(error)})."
        raise ImportError(message) from error


def new_token() -> str:
    """Return a secret of 256 bits, in letters that an address may have."""
    return secrets.token_urlsafe(32)


def reserved(port: int = 0) -> socket.socket:
    """Return a socket of this machine that listens on a port; 0 takes a free one.

    Raises
    ------
    OSError
        When the port is taken.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((_LOOPBACK, port))
        found.listen(128)
    except OSError as error:
        found.close()
        raise OSError(error.errno, f"port {port} cannot be used: {error.strerror}. Give another --port") from error
    return found


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until the process is interrupted or told to end.

    Parameters
    ----------
    app : ASGI application
        `drlim.explorer.editing.application.application`.
    listening : socket
        From `reserved`.
    ready : callable
        Called once requests are answered.
    """
    import uvicorn

    from drlim.explorer.editing.connections import BoundedConnection

    class Server(uvicorn.Server):
        """A server that says when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,  # no proxy stands before it, and whoever says so is not believed
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        timeout_graceful_shutdown=_PATIENCE,
    )
    Server(config).run(sockets=[listening])
