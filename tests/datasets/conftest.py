"""A user without data and without a network, and a mirror on this machine."""

from __future__ import annotations

import functools
import socket
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from drlim.datasets import mnist_files


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user with an empty cache, no DRLIM_DATA, and no network."""
    monkeypatch.delenv("DRLIM_DATA", raising=False)
    monkeypatch.setattr(mnist_files, "cache_folder", lambda: tmp_path / "cache")
    connect = socket.socket.connect

    def local_only(self, address):
        if address[0] != "127.0.0.1":
            raise OSError("a test tried to reach the network")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    return tmp_path


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what was asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """A folder, its address, and the list of what was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder)) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}", server.asked
        server.shutdown()
        thread.join()
