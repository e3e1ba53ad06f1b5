"""Requests to the page for editing that are none of a person's: a table of them, and a client that sends bytes.

All of them go to this machine, and their number and time are bounded. `tests/explorer/editing/test_hostile.py` sends
some of each kind, ``python -m benchmarks editing_hostile`` all.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["HOSTS", "LABELS", "PATHS", "Reply", "Target", "ask", "hosts", "large_body", "malformed", "slow_sockets"]

_SECONDS = 30.0
"""Seconds that an answer may take."""


class Target(NamedTuple):
    """A server: its port, and its token."""

    port: int
    token: str

    @property
    def host(self) -> str:
        """The Host header that it answers to."""
        return f"127.0.0.1:{self.port}"


class Reply(NamedTuple):
    """What came back: 0 for the status where the connection was closed without an answer."""

    status: int
    head: str
    body: bytes


def ask(target: Target, content: bytes, *, seconds: float = _SECONDS) -> Reply:
    """Send bytes to the server, and return what it answers until it closes the connection or has said all."""
    with socket.create_connection(("127.0.0.1", target.port), timeout=seconds) as connection:
        received = b""
        try:
            connection.sendall(content)
            while (part := connection.recv(65536)) and not _is_whole(received := received + part):
                pass
        except OSError:  # closed while it was sent
            pass
    return parsed(received)


def _is_whole(received: bytes) -> bool:
    head, between, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(between) and bool(lengths) and len(body) >= int(lengths[0])


def parsed(received: bytes) -> Reply:
    """Return an answer in parts."""
    head, _, body = received.partition(b"\r\n\r\n")
    first = head.split(b"\r\n")[0].split(b" ")
    return Reply(int(first[1]) if len(first) > 1 else 0, head.decode("latin-1"), body)


def request(
    target: Target,
    path: str,
    *,
    method: str = "GET",
    host: str | None = None,
    headers: tuple[str, ...] = (),
    body: bytes | None = None,
    token: str | None = None,
) -> bytes:
    """Return a request as bytes, by default one that a page of the server's own could send, with the token."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {target.host if host is None else host}"]
    lines.append(f"Authorization: Bearer {target.token if token is None else token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1", "replace") + (body or b"")


PATHS = (
    "/..",
    "/../",
    "/../../etc/passwd",
    "/../../../../../../../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/..%5c..%5cwindows%5cwin.ini",
    "/..\\..\\windows\\win.ini",
    "/%252e%252e/%252e%252e/etc/passwd",
    "/....//....//etc/passwd",
    "/.%00./etc/passwd",
    "/page.js%00.html",
    "/page.js/../../journal.py",
    "/page.js/..",
    "/./page.js",
    "//page.js",
    "/page.js/",
    "/PAGE.JS",
    "/page%2ejs",
    "/%70age.js",
    "/page.js;v=1",
    "/page.css.map",
    "/boot.html",
    "/page.html",
    "/index.html",
    "/editing.js",
    "/__init__.py",
    "/editing/server.py",
    "/explorer/page.py",
    "/src/drlim/__init__.py",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "/proc/self/cmdline",
    "/dev/zero",
    "/C:/windows/win.ini",
    "/file:///etc/passwd",
    "file:///etc/passwd",
    "http://evil.example/",
    "http://169.254.169.254/latest/meta-data/",
    "evil.example:443",
    "*",
    "/.git/config",
    "/.env",
    "/.ssh/id_rsa",
    "/map.safetensors",
    "/map.statements.safetensors",
    "/map.statements.jsonl",
    "/statements/1",
    "/statements/",
    "/statements/../payload",
    "/statements%2fundo",
    "/payload/..",
    "/docs",
    "/openapi.json",
    "/debug",
    "/metrics",
    "/admin",
    "/" + "a" * 8000,
)
"""Targets of requests that are no pages."""

HOSTS = (
    "evil.example",
    "evil.example:{port}",
    "localhost",
    "localhost.:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1.:{port}",
    "127.0.0.1.nip.io:{port}",
    "127.0.0.1:{other}",
    "127.0.0.1:{port}@evil.example",
    "evil.example@127.0.0.1:{port}",
    "127.0.0.1:{port}.evil.example",
    "127.0.0.1:{port}, evil.example",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0.0.0.0:{port}",
    "127.0.0.2:{port}",
    "[::1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "",
    "127.0.0.1:0{port}",
    "http://127.0.0.1:{port}",
    "127.0.0.1:{port}/",
)
"""Host headers of a page that reached the server by another name."""


def hosts(target: Target) -> Iterator[bytes]:
    """Return a request under each of `HOSTS`; the token is right, so that the name alone is wrong."""
    for name in HOSTS:
        yield request(target, "/payload", host=name.format(port=target.port, other=target.port + 1))


LABELS = (
    "<script>window.hit=1</script>",
    "<ScRiPt>window.hit=1</sCrIpT>",
    "</script><script>window.hit=1</script>",
    "</title><script>window.hit=1</script>",
    "</textarea><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<img src=x onerror=window.hit=1//",
    '"><img src=x onerror=window.hit=1>',
    "'><img src=x onerror=window.hit=1>",
    '" autofocus onfocus="window.hit=1',
    "' autofocus onfocus='window.hit=1",
    "<svg onload=window.hit=1>",
    "<svg/onload=window.hit=1>",
    "<svg><script>window.hit=1</script></svg>",
    "<iframe src=javascript:parent.hit=1></iframe>",
    '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
    "<a href=javascript:window.hit=1>here</a>",
    "javascript:window.hit=1",
    "<details open ontoggle=window.hit=1>",
    "<style>@import 'data:text/css,*{display:none}'</style>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<!--<script>window.hit=1</script>-->",
    "{{constructor.constructor('window.hit=1')()}}",
    "${window.hit=1}",
)
"""Labels and names with markup. Each would set ``window.hit`` or change the page if it were parsed."""


def large_body(target: Target, n_bytes: int, *, says_length: bool) -> Reply:
    """Send a body of so many bytes, of a length that the head says, or in chunks; return the answer."""
    head = request(target, "/statements", method="POST")[:-2] + b"Content-Type: application/json\r\n"
    head += f"Content-Length: {n_bytes}\r\n\r\n".encode() if says_length else b"Transfer-Encoding: chunked\r\n\r\n"
    part = b" " * 2**20
    chunk = part if says_length else f"{len(part):x}\r\n".encode() + part + b"\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", target.port), timeout=_SECONDS) as connection:
        try:
            connection.sendall(head)
            for _ in range(n_bytes // len(part)):
                connection.sendall(chunk)
        except OSError:  # the server has closed it
            pass
        with contextlib.suppress(OSError):
            received = connection.recv(65536)
    return parsed(received)


class slow_sockets:  # noqa: N801 - a context manager
    """Connections that send a byte now and then, and never a whole request; the block runs while they are open."""

    def __init__(self, target: Target, count: int) -> None:
        self._target, self._count = target, count
        self._open: list[socket.socket] = []

    def __enter__(self) -> slow_sockets:
        for number in range(self._count):
            try:
                connection = socket.create_connection(("127.0.0.1", self._target.port), timeout=5)
                connection.sendall(self._beginning(number))
                self._open.append(connection)
            except OSError:
                continue
        return self

    def _beginning(self, number: int) -> bytes:
        """Return the beginning of a request: none, a part of the head, or a head whose body is to come."""
        whole = request(self._target, "/statements", method="POST", body=b"{" + b" " * 1000)
        return (b"", b"G", whole[:60], whole[:-900])[number % 4]

    def drip(self) -> int:
        """Send one more byte on each; return how many are still open and were not answered."""
        still = 0
        for connection in self._open:
            try:
                connection.sendall(b"x")
                connection.settimeout(0.01)
                connection.recv(1)  # an answer, or the end
            except TimeoutError:
                still += 1
            except OSError:
                continue
        return still

    def __exit__(self, *_: object) -> None:
        for connection in self._open:
            connection.close()


def malformed(count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield bodies of statements that are none: spoilt JSON, wrong values, and random bytes."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    whole = json.dumps({"kind": "alike", "samples": [0, 1, 2], "name": "three"}).encode()
    values: list[object] = [None, True, 1e999, -1, "x" * 5000, [], [[]], {}, [0, -1], [0, 10**30], ["0"], [0.5, 1]]
    values += [[0, 0], "\ud800", list(range(5000)), {"a": [1]}, [None, None], [True, False]]
    fixed = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"kind":"alike","kind":"alike","samples":[0,1]}',
        b"1" * 10_000,
        b'"\\ud800"',
        b"\xff\xfe{}",
        b"NaN",
        b'{"kind":"label","samples":[0],"label":NaN}',
        whole[:-1],
        whole + whole,
        b"\xef\xbb\xbf" + whole,
        whole.decode().encode("utf-16"),
    ]
    for number in range(count):
        if number < len(fixed):
            yield fixed[number]
        elif number % 3 == 0:
            yield bytes(rng.randrange(256) for _ in range(rng.randrange(1, 200)))
        elif number % 3 == 1:
            spoilt = bytearray(whole)
            place = rng.randrange(len(spoilt) - 10)
            spoilt[place] = rng.choice([one for one in b"{}[]:,\\\x00\xff" if one != spoilt[place]])
            yield bytes(spoilt)
        else:
            said: dict[str, object] = {"kind": "alike", "samples": [0, 1, 2], "label": 3}
            said[rng.choice(["kind", "samples", "others", "name", "weight"])] = rng.choice(values)
            yield json.dumps(said).encode("utf-8", "surrogatepass")
