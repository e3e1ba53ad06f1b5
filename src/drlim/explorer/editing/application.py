"""The editing server's application: a fixed table of pages, each with one function."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drlim._base.checks import short_repr
from drlim._base.messages import one_line
from drlim.explorer.editing.guard import Guard, local_hosts
from drlim.explorer.editing.retraining import Retraining
from drlim.explorer.editing.statements import Statements

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Asset", "application"]

_SMALLEST_BODY = 16_384
"""Number of bytes of a body that are always read; the numbers of all samples take more."""

_BYTES_A_NUMBER = 12
"""Maximum number of bytes of the number of a sample, with a comma and a blank."""

Answer = Callable[["Request"], Awaitable["Response"]]


class Asset(NamedTuple):
    """A file of the page: its type and its bytes."""

    type: str
    content: bytes


class _TooLargeError(ValueError):
    """A body that goes on beyond what is read."""


def application(
    assets: Mapping[str, Asset],
    payload: bytes,
    statements: Statements,
    retraining: Retraining,
    *,
    token: str,
    port: int,
) -> Guard:
    """Return the ASGI application.

    Parameters
    ----------
    assets : mapping of str to Asset
        Files by path. They hold nothing of the user's and are answered without the token.
    payload : bytes
        Contents of the page, as `drlim.explorer.pack` makes them.
    statements : Statements
    retraining : Retraining
    token : str
    port : int
        Of the server, which the Host header names.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route

    table = _Answers(statements, retraining, payload).table()
    table |= {path: {"GET": _file(asset)} for path, asset in assets.items()}
    routes = [Route(path, one, methods=[method]) for path, by in table.items() for method, one in by.items()]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Guard(
        app,
        hosts=local_hosts(port),
        token=token,
        methods={path: {*by, "HEAD"} if "GET" in by else {*by} for path, by in table.items()},
        open_paths=frozenset(assets),
        largest=_largest_body(statements),
    )


def _largest_body(statements: Statements) -> int:
    return _SMALLEST_BODY + _BYTES_A_NUMBER * statements.n_samples


def _file(asset: Asset) -> Answer:
    from starlette.responses import Response

    async def answer(request: Request) -> Response:  # noqa: ARG001 - Starlette's signature
        return Response(asset.content, headers={"content-type": asset.type})

    return answer


class _Answers:
    """The functions that answer, by path and method."""

    def __init__(self, statements: Statements, retraining: Retraining, payload: bytes) -> None:
        self._statements, self._retraining, self._payload = statements, retraining, payload

    def table(self) -> dict[str, dict[str, Answer]]:
        """Return the functions."""
        said = self._statements
        return {
            "/payload": {"GET": _file(Asset("text/plain; charset=utf-8", self._payload))},
            "/statements": {"GET": self._changing(None), "POST": self._changing(lambda given: said.add(given))},
            "/statements/rename": {
                "POST": self._changing(lambda given: said.rename(*_values(given, "number", "name")))
            },
            "/statements/undo": {"POST": self._changing(lambda given: said.undo(*_values(given, "number")))},
            "/statements/restore": {"POST": self._changing(lambda given: said.restore(*_values(given, "number")))},
            "/retraining": {"GET": self._report, "POST": self._start},
            "/retraining/cancel": {"POST": self._cancel},
            "/positions": {"GET": self._positions},
        }

    def _changing(self, change: Callable[[object], object] | None) -> Answer:
        """Return a function that changes the statements and answers with all of them."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse

        async def answer(request: Request) -> Response:
            if change is not None:
                refused = await self._tried(request, change)
                if refused is not None:
                    return refused
            listed = await run_in_threadpool(self._statements.to_list)
            return JSONResponse({"statements": listed, "file": self._statements.path.name})

        return answer

    async def _tried(self, request: Request, change: Callable[[object], object]) -> Response | None:
        """Make a change by the body of a request; return the answer where it is refused."""
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import ClientDisconnect
        from starlette.responses import JSONResponse, Response

        try:
            given = await _body(request, _largest_body(self._statements))
            await run_in_threadpool(change, given)
        except ClientDisconnect:
            return Response(status_code=400)
        except _TooLargeError as error:
            return JSONResponse({"error": str(error)}, 413, {"connection": "close"})
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": one_line(error, 600)}, 400)
        except OSError as error:
            return JSONResponse({"error": f"It could not be written and is not made: {one_line(error)}"}, 507)
        return None

    async def _start(self, request: Request) -> Response:
        return await self._asked(request, lambda: self._retraining.start(self._statements.active()))

    async def _cancel(self, request: Request) -> Response:
        return await self._asked(request, self._retraining.cancel)

    async def _asked(self, request: Request, act: Callable[[], None]) -> Response:
        """Do what a request without values asks for, and answer how far the training is."""

        def acted(given: object) -> None:
            _values(given)
            act()

        refused = await self._tried(request, acted)
        return await self._report(request) if refused is None else refused

    async def _report(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        from starlette.responses import JSONResponse

        return JSONResponse(self._retraining.report())

    async def _positions(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response

        found = await run_in_threadpool(self._retraining.positions)
        content = np.ascontiguousarray(found, dtype="<f4").tobytes()
        return Response(content, headers={"content-type": "application/octet-stream"})


async def _body(request: Request, largest: int) -> object:
    """Return the JSON of a body, or refuse it; no more than ``largest`` bytes are kept."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > largest:
            raise _TooLargeError(f"The body may have up to {largest} bytes.")
    try:
        return json.loads(content.decode(), object_pairs_hook=_once, parse_constant=_refused_constant)
    except UnicodeDecodeError:
        raise ValueError("The body is no JSON in UTF-8.") from None
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A key of the body stands in it twice.")
    return found


def _refused_constant(text: str) -> object:
    raise ValueError(f"JSON has no {text}.")


def _values(given: object, *names: str) -> list[object]:
    """Return the values of an object that has these keys and no others."""
    if not isinstance(given, dict) or given.keys() != set(names):
        raise ValueError(f"Expected an object with the keys {', '.join(names) or 'none'}. Got {short_repr(given)}.")
    return [given[name] for name in names]
