"""Requests that are none of a person's: none is served, none leaves a trace, and a person still gets through."""

from __future__ import annotations

import asyncio
import json
import socket

import numpy as np
import pytest
from benchmarks.hostile import HOSTS, PATHS, ask, large_body, malformed, request, slow_sockets
from benchmarks.serving import Served, asked, statements_of

from drlim.explorer.editing.guard import HEADERS, local_hosts, refusal_of

WRITES = ("/statements", "/statements/rename", "/statements/undo", "/statements/restore", "/retraining")
READS = ("/payload", "/statements", "/retraining", "/positions")
OPEN = ("/", "/boot.js", "/page.js", "/page.css")


@pytest.fixture(autouse=True)
def _nothing_is_stated_and_a_person_gets_through(served: Served):
    before = statements_of(served.target)
    yield
    assert statements_of(served.target) == before
    assert ask(served.target, request(served.target, "/page.js")).status == 200


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_paths_that_are_no_pages(served: Served, path: str) -> None:
    reply = ask(served.target, request(served.target, path))
    assert reply.status in (400, 404)
    assert b"root:" not in reply.body
    assert b"DrLIM" not in reply.body


@pytest.mark.parametrize("name", HOSTS)
def test_other_names_of_the_server(served: Served, name: str) -> None:
    host = name.format(port=served.target.port, other=served.target.port + 1)
    for path in (*OPEN, *READS):
        assert ask(served.target, request(served.target, path, host=host)).status in (400, 421)
    body = b'{"kind":"alike","samples":[0,1]}'
    assert ask(served.target, request(served.target, "/statements", method="POST", host=host, body=body)).status in (
        400,
        421,
    )


def test_no_host_and_two_hosts(served: Served) -> None:
    for lines in (b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        assert ask(served.target, lines).status in (400, 421)
    twice = request(served.target, "/", headers=("Host: evil.example",))
    assert ask(served.target, twice).status in (400, 421)
    forwarded = request(
        served.target, "/payload", host="evil.example", headers=(f"X-Forwarded-Host: {served.target.host}",)
    )
    assert ask(served.target, forwarded).status == 421


@pytest.mark.parametrize("token", ["", "x", "null", "undefined"])
def test_nothing_of_the_users_comes_without_the_token(served: Served, token: str) -> None:
    for path in READS:
        reply = ask(served.target, request(served.target, path, token=token))
        assert (reply.status, list(json.loads(reply.body))) == (401, ["error"])
    for path in WRITES:
        sent = request(served.target, path, method="POST", body=b'{"kind":"alike","samples":[0,1]}', token=token)
        assert ask(served.target, sent).status == 401
    in_query = request(served.target, f"/payload?token={served.target.token}", token=token)
    assert ask(served.target, in_query).status == 401
    twice = request(served.target, "/payload", headers=("Authorization: Bearer x",))
    assert ask(served.target, twice).status == 401


def test_what_comes_without_the_token_is_the_same_for_all(served: Served) -> None:
    for path in OPEN:
        reply = ask(served.target, request(served.target, path, token=""))
        assert reply.status == 200
        assert served.target.token.encode() not in reply.body
        assert b"samples.npy" not in reply.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_other_methods(served: Served, method: str) -> None:
    for path in ("/", "/statements", "/payload"):
        reply = ask(served.target, request(served.target, path, method=method))
        assert reply.status in (400, 404, 405)
        assert "access-control" not in reply.head.lower()


@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: http://evil.example",),
        ("Origin: null",),
        ("Origin: https://127.0.0.1:{port}",),
        ("Origin: http://127.0.0.1:{other}",),
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"),
    ],
)
def test_requests_of_other_pages(served: Served, headers: tuple[str, ...]) -> None:
    port = served.target.port
    told = tuple(one.format(port=port, other=port + 1) for one in headers)
    body = b'{"kind":"alike","samples":[0,1]}'
    assert (
        ask(served.target, request(served.target, "/statements", method="POST", headers=told, body=body)).status == 403
    )
    assert ask(served.target, request(served.target, "/payload", headers=told)).status == 403


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", ""],
)
def test_bodies_that_a_form_could_send(served: Served, kind: str) -> None:
    body = b'{"kind":"alike","samples":[0,1]}'
    sent = request(served.target, "/statements", method="POST")[:-2]
    sent += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    assert ask(served.target, sent).status == 415


def test_every_answer_has_the_headers_that_keep_it_apart(served: Served) -> None:
    replies = [ask(served.target, request(served.target, path)) for path in (*OPEN, *READS, "/none")]
    replies.append(ask(served.target, request(served.target, "/", host="evil.example")))
    for reply in replies:
        lines = {line.lower() for line in reply.head.split("\r\n")}
        assert {f"{name}: {value}".lower() for name, value in HEADERS.items()} <= lines
        assert "server:" not in reply.head.lower()
        assert "access-control" not in reply.head.lower()


def test_malformed_bodies(served: Served) -> None:
    for body in malformed(300):
        for path in WRITES[:4] if len(body) < 300 else WRITES[:1]:
            reply = ask(served.target, request(served.target, path, method="POST", body=body))
            assert reply.status in (400, 413), (path, body[:80], reply)
            assert len(json.loads(reply.body)["error"]) <= 600


@pytest.mark.parametrize("says_length", [True, False])
def test_a_large_body_is_not_kept(served: Served, says_length: bool) -> None:
    before = served.memory()
    assert large_body(served.target, 64 * 2**20, says_length=says_length).status in (0, 413)
    assert served.memory() - before < 32 * 2**20


def test_a_person_gets_through_while_many_connections_wait(served: Served) -> None:
    with slow_sockets(served.target, 90) as slow:
        assert asked(served.target, "/retraining") == {"phase": "none"}
        assert slow.drip() <= 64
        assert ask(served.target, request(served.target, "/payload")).status == 200


def test_a_connection_that_never_ends_its_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    from drlim.explorer.editing.connections import BoundedConnection

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async def waited(beginning: bytes) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(beginning)
        begun = asyncio.get_running_loop().time()
        while await reader.read(65536):
            pass
        writer.close()
        return asyncio.get_running_loop().time() - begun

    async def all_waited() -> list[float]:
        server = uvicorn.Server(uvicorn.Config(app, http=BoundedConnection, lifespan="off", log_config=None, ws="none"))
        serving = asyncio.create_task(server._serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        found = await asyncio.wait_for(asyncio.gather(*map(waited, (b"", b"GET / H", whole))), 20)
        server.should_exit = True
        await serving
        return found

    monkeypatch.setattr(BoundedConnection, "request_seconds", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert all(0.4 < seconds < 15 for seconds in asyncio.run(all_waited()))


def test_the_guard_knows_the_names_of_this_machine() -> None:
    names = local_hosts(80)
    assert refusal_of([(b"host", b"LOCALHOST:80")], names) is None
    assert refusal_of([(b"host", b"localhost:80"), (b"origin", b"http://localhost:80")], names) is None
    assert refusal_of([(b"host", b"localhost:80"), (b"origin", b"http://127.0.0.1:80")], names) is not None
    assert (
        refusal_of(
            [(b"host", b"localhost:80"), (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate")], names
        )
        is None
    )


def test_positions_are_those_of_the_map(files, served: Served) -> None:
    from drlim import load

    reply = ask(served.target, request(served.target, "/positions"))
    Z = np.frombuffer(reply.body, "<f4").reshape(-1, 2)
    assert np.array_equal(Z, load(files[0]).embedding_.astype("f4"))
