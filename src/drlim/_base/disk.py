"""Files on disk: written whole, so that at any time a path holds the old file or the new one; read if regular."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from drlim._base.messages import short_repr

__all__ = ["atomic_write", "check_target", "checked_path", "refuse_special"]

_SPECIAL = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
"""Kinds of path that are neither files nor folders."""


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse a path that `atomic_write` would refuse, before the work whose result is to be written there."""
    _mode_of_old(Path(os.path.realpath(path)))


def checked_path(path: object) -> Path:
    """Return a file's name as a path, or refuse what is none."""
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise TypeError(f"Expected 'path' to be a file's name, a str or a pathlib.Path. Got {short_repr(path)}.")
    return Path(path)


def refuse_special(path: str | os.PathLike[str]) -> None:
    """Refuse a pipe, a socket or a device before it is opened: reading it may wait or go on for ever.

    Raises
    ------
    ValueError
        It names the path and the way out.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):  # no such file, or no path at all: reading it gives the better error
        return
    kind = _SPECIAL.get(stat.S_IFMT(mode))
    if kind is not None:
        raise ValueError(f"{os.fspath(path)} is {kind} and no file. Write what it gives to a file, and give that.")


def atomic_write(path: str | os.PathLike[str], data: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file so that its path never holds a part of the content.

    The bytes go to a temporary file in the same folder, are forced to the disk, and only then take the path's
    name. A full disk, an exception or Ctrl-C leaves the old file (or none) and nothing beside it; a killed
    process can leave a hidden ``.drlim-*.tmp`` beside it, which may be deleted.

    Parameters
    ----------
    path : str or path-like
        File to write. Its folder must exist. A symbolic link is followed, so that the link survives.
    data : bytes or callable
        The content, or a function that writes it to its argument, a binary, seekable file object.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        When the folder is missing, or is a file.
    IsADirectoryError, PermissionError
        When the path is a folder, or a file that may not be written.
    ValueError
        When the path is of something else than a regular file, such as a device.
    TypeError
        When ``data`` is neither bytes nor callable.
    OSError
        When the system cannot write, for instance on a full disk.

    Notes
    -----
    An existing file keeps its permissions; a new one gets those of the process's umask. Hard links to the old
    file keep the old content.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "numbers.bin"
    ...     atomic_write(path, b"123")
    ...     atomic_write(path, lambda file: file.write(b"4567"))
    ...     path.read_bytes()
    b'4567'
    """
    if not (isinstance(data, bytes | bytearray | memoryview) or callable(data)):
        kind = type(data).__name__
        raise TypeError(f"The 'data' parameter of atomic_write must be bytes or callable. Got {kind} instead.")
    target = Path(os.path.realpath(checked_path(path)))
    mode = _mode_of_old(target)
    temporary = target.parent / f".drlim-{secrets.token_hex(8)}.tmp"
    try:
        _write_whole(temporary, data)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            reason = f"{error.strerror}; nothing was changed at this path"
            raise OSError(error.errno, reason, str(target)) from error
        raise
    _force_folder(target.parent)


def _mode_of_old(target: Path) -> int | None:
    """Refuse a target that cannot be replaced; return the old file's permissions, None without one."""
    folder = target.parent
    if not folder.exists():
        raise FileNotFoundError(f"Cannot write {target}: there is no folder {folder}. Create it first.")
    if not folder.is_dir():
        raise NotADirectoryError(f"Cannot write {target}: {folder} is not a folder.")
    if target.is_dir():
        raise IsADirectoryError(f"Cannot write {target}: it is a folder. Give the path of a file.")
    if not target.exists():
        return None
    if not target.is_file():  # a file in place of /dev/null would break other programs
        raise ValueError(f"Cannot write {target}: it is not a regular file. Give the path of a file.")
    if not os.access(target, os.W_OK):  # a rename would replace even a file that is write-protected
        raise PermissionError(f"Cannot write {target}: it is write-protected. Give another path.")
    return stat.S_IMODE(target.stat().st_mode)


def _write_whole(temporary: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a new file and force its content to the disk."""
    # "x" gives the permissions of the umask, where tempfile gives 0600, and opens no file that exists.
    with temporary.open("xb") as file:
        if callable(data):
            data(file)
        else:
            file.write(data)
        file.flush()
        os.fsync(file.fileno())  # else a crash after the rename could show an empty file


def _force_folder(folder: Path) -> None:
    """Force the new name of the file to the disk, where the system supports that."""
    with contextlib.suppress(OSError):  # Windows cannot open a folder, some file systems cannot sync one
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
