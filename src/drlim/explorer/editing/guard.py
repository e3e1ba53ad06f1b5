"""What a request must be before the editing server looks at it.

A page on the internet can make a browser send requests to a server on this machine, under a name of its own that
resolves to 127.0.0.1. Such a request names another host. Other people on this machine can connect, too; they lack the
token. No answer allows another origin to read it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard", "local_hosts", "refusal_of"]

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'self'; script-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every answer."""

_JSON = (b"application/json", b"application/json;charset=utf-8")
"""Types of a body that are read. A form on another page can send neither."""

_BEARER = b"Bearer "

Headers = Iterable[tuple[bytes, bytes]]


def local_hosts(port: int) -> frozenset[bytes]:
    """Return what a Host header may be for a server on this machine."""
    return frozenset(f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost"))


class Guard:
    """An ASGI application that answers what may not be answered, and gives the rest to another one.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of bytes
        Values of the Host header that are answered: see `local_hosts`.
    token : str
        Secret that requests show, but for ``open_paths``.
    methods : mapping of str to collection of str
        The methods of each path that there is.
    open_paths : collection of str
        Paths that hold nothing of the user's and are answered without the token.
    largest : int
        Maximum number of bytes of a body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[bytes],
        token: str,
        methods: Mapping[str, Collection[str]],
        open_paths: Collection[str],
        largest: int,
    ) -> None:
        self._app, self._hosts, self._token = app, hosts, token.encode()
        self._methods, self._open_paths, self._largest = methods, open_paths, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # a websocket; uvicorn is told to accept none
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, send_guarded)
            return
        from starlette.responses import JSONResponse

        status, reason = refused
        # The body of a refused request is not read: the connection ends.
        response = JSONResponse({"error": reason}, status, {"connection": "close"})
        await response(scope, receive, send_guarded)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = list(scope["headers"])
        refused = refusal_of(headers, self._hosts)
        if refused is not None:
            return refused
        path, method = scope["path"], scope["method"]
        if path not in self._methods or scope.get("raw_path", path.encode()) != path.encode():
            return 404, "There is no such page."
        if path not in self._open_paths and not self._shows_token(headers):
            return 401, "The token is missing or wrong. Open the address that the server printed."
        if method not in self._methods[path]:
            return 405, "The page has no such method."
        return self._refused_body(headers) if method == "POST" else None

    def _shows_token(self, headers: Headers) -> bool:
        given = _values(headers, b"authorization")
        return len(given) == 1 and secrets.compare_digest(given[0], _BEARER + self._token)

    def _refused_body(self, headers: Headers) -> tuple[int, str] | None:
        kinds = _values(headers, b"content-type")
        if len(kinds) != 1 or kinds[0].lower().replace(b" ", b"") not in _JSON:
            return 415, "The body must be JSON, of the type application/json."
        if _values(headers, b"content-encoding"):
            return 415, "The body must be as it is, without an encoding."
        length = _values(headers, b"content-length")
        if length and int(length[0]) > self._largest:  # h11 has checked that it is one number
            return 413, f"The body may have up to {self._largest} bytes."
        return None


def refusal_of(headers: Headers, hosts: Collection[bytes]) -> tuple[int, str] | None:
    """Return status and reason of a request that came by another name or from another page; None of others.

    Examples
    --------
    >>> refusal_of([(b"host", b"evil.example:8000")], local_hosts(8000))
    (421, 'This server answers to 127.0.0.1 and localhost alone.')
    """
    named = _values(headers, b"host")
    if len(named) != 1 or named[0].lower() not in hosts:
        return 421, "This server answers to 127.0.0.1 and localhost alone."
    origins = _values(headers, b"origin")
    if origins and origins != [b"http://" + named[0].lower()]:
        return 403, "The request comes from another page."
    sites = _values(headers, b"sec-fetch-site")
    modes = _values(headers, b"sec-fetch-mode")
    if sites and sites[0] not in (b"same-origin", b"none") and modes != [b"navigate"]:
        return 403, "The request comes from another page."
    return None


def _values(headers: Headers, name: bytes) -> list[bytes]:
    """Return the values of a header; a server gives names in small letters."""
    return [value.strip() for key, value in headers if key == name]
