"""Downloads and the user's cache: limits, refused mirrors, and the folder of each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from drlim.datasets import fetch


def test_answer_that_is_too_long_is_cut(tmp_path, served, monkeypatch):
    folder, address, _ = served
    (folder / "file").write_bytes(bytes(1001))
    monkeypatch.setattr(fetch, "_LONGEST_DOWNLOAD", 1000)
    with pytest.raises(ConnectionError, match="more than 1000 bytes long"):
        fetch.download(tmp_path / "kept" / "file", [address], lambda _: None)
    monkeypatch.setattr(fetch, "_LONGEST_DOWNLOAD", 1001)
    fetch.download(tmp_path / "kept" / "file", [address], lambda _: None)
    assert (tmp_path / "kept" / "file").read_bytes() == bytes(1001)


def test_local_files_are_no_mirror(tmp_path):
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(ConnectionError, match="must begin with https:// or http://"):
        fetch.download(tmp_path / "kept" / "file", [tmp_path.as_uri()], lambda _: None)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "~/.cache/drlim"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/drlim"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "~/.cache/drlim"),
        ("linux", {"XDG_CACHE_HOME": ""}, "~/.cache/drlim"),
        ("darwin", {"XDG_CACHE_HOME": "/elsewhere"}, "~/Library/Caches/drlim"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/drlim/Cache"),
        ("win32", {}, "~/AppData/Local/drlim/Cache"),
    ],
)
def test_cache_folder(monkeypatch, platform, variables, expected):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fetch.sys, "platform", platform)
    assert fetch.cache_folder() == Path(expected).expanduser()
