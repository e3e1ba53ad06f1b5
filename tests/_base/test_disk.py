"""The atomic write: the path holds the old file or the new one, whole, whatever happens."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import BinaryIO

import pytest

from drlim._base import disk as _io
from drlim._base.disk import atomic_write, refuse_special

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")


def only_file(path: Path) -> bytes:
    """Content of ``path``, once nothing else is in its folder."""
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return path.read_bytes()


@pytest.mark.parametrize("data", [b"new", bytearray(b"new"), memoryview(b"new"), lambda file: file.write(b"new")])
@pytest.mark.parametrize("old", [None, b"the old file"])
def test_writes_new_and_replaces_old(tmp_path, data, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    atomic_write(str(path), data)
    assert only_file(path) == b"new"


def test_longest_name_that_the_system_takes(tmp_path):
    path = tmp_path / ("n" * 255)
    atomic_write(path, b"new")
    assert only_file(path) == b"new"


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.parametrize("old", [None, b"old"])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, error, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)

    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        atomic_write(path, write)
    if old is None:
        assert list(tmp_path.iterdir()) == []
    else:
        assert only_file(path) == old


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_system_error_names_the_path_and_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((_io.os, "fsync", fail) if step == "fsync" else (_io.Path, "replace", fail)))
    expected = f"No space left on device; nothing was changed at this path: {str(path)!r}"
    with pytest.raises(OSError, match=re.escape(expected)) as caught:
        atomic_write(path, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert only_file(path) == b"old"


@posix
def test_full_disk(tmp_path):
    # The limit of a file's size is a disk that fills up after 64 KiB, without the rights that a small one would need.
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = f"""
        import resource, signal
        from drlim._base.disk import atomic_write, refuse_special
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        try:
            atomic_write({str(path)!r}, bytes(1 << 20))
        except OSError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "nothing was changed at this path" in done.stdout
    assert only_file(path) == b"old"


@posix
def test_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = f"""
        import os, signal
        from drlim._base.disk import atomic_write, refuse_special
        def write(file):
            file.write(bytes(1 << 20))
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        atomic_write({str(path)!r}, write)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"


def test_content_is_on_disk_before_the_rename(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen = []
    fsync = os.fsync

    def spy(handle: int) -> None:
        seen.append((os.fstat(handle).st_size, path.read_bytes()))
        fsync(handle)

    monkeypatch.setattr(_io.os, "fsync", spy)
    atomic_write(path, b"longer")
    assert seen[0] == (6, b"old")


@posix
def test_new_file_honours_umask_and_old_one_keeps_its_permissions(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_bytes(b"")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        atomic_write(new, b"1")
        old.chmod(0o604)
        atomic_write(old, b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o604


@posix
def test_symbolic_link_survives(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "missing/file",
            FileNotFoundError,
            "Cannot write {folder}/missing/file: there is no folder {folder}/missing.",
        ),
        ("old/file", NotADirectoryError, "Cannot write {folder}/old/file: {folder}/old is not a folder."),
        (".", IsADirectoryError, "Cannot write {folder}: it is a folder. Give the path of a file."),
    ],
)
def test_impossible_paths(tmp_path, name, error, message):
    folder = Path(os.path.realpath(tmp_path))
    (folder / "old").write_bytes(b"old")
    expected = message.format(folder=folder) if os.sep == "/" else ""
    with pytest.raises(error, match=re.escape(expected)):
        atomic_write(folder / name, b"new")
    assert only_file(folder / "old") == b"old"


@posix
def test_device_is_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="it is not a regular file"):
        atomic_write(pipe, b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_write_protected_file_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(_io.os, "access", lambda *_: False)  # root may write anything
    with pytest.raises(PermissionError, match="it is write-protected"):
        atomic_write(path, b"new")
    assert only_file(path) == b"old"


@pytest.mark.parametrize("data", ["text", 3, None])
def test_data_of_a_wrong_type(tmp_path, data):
    kind = type(data).__name__
    with pytest.raises(TypeError, match=f"must be bytes or callable. Got {kind} instead"):
        atomic_write(tmp_path / "file", data)
    assert list(tmp_path.iterdir()) == []


@posix
def test_pipes_and_devices_are_refused_before_they_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        for special, kind in ((tmp_path / "pipe", "a pipe"), (path, "a socket"), (Path("/dev/zero"), "a device")):
            sentence = f"{special} is {kind} and no file. Write what it gives to a file, and give that."
            with pytest.raises(ValueError, match=re.escape(sentence)):
                refuse_special(special)
    for other in (tmp_path, tmp_path / "none", __file__, "\0"):
        refuse_special(other)
