"""Locations of data files: the user's folder, the user's cache, or a mirror on the network."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin

from drlim._base.disk import atomic_write

__all__ = ["DATA_VARIABLE", "cache_folder", "data_folder", "download", "find"]

DATA_VARIABLE = "DRLIM_DATA"
"""The environment variable that names the user's folder of data."""

_TIMEOUT = 30.0
"""Maximum number of seconds without an answer before the next mirror is tried."""

_LONGEST_DOWNLOAD = 1 << 28
"""Maximum number of bytes of a file: no file of a data set is longer."""


def data_folder(data_home: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder that ``data_home`` names, else the one that ``DRLIM_DATA`` names; None without either.

    Raises
    ------
    FileNotFoundError
        When the folder does not exist. A typing error in its name thus does not start a download.
    """
    named = data_home if data_home is not None else os.environ.get(DATA_VARIABLE) or None
    if named is None:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        source = "'data_home'" if data_home is not None else f"the environment variable {DATA_VARIABLE}"
        raise FileNotFoundError(f"There is no folder {folder}, which {source} names. Correct the name.")
    return folder


def cache_folder() -> Path:
    r"""Return the folder of this system for files that a program can download again; it may not exist yet.

    ``~/Library/Caches/drlim`` on macOS, ``%LOCALAPPDATA%\drlim\Cache`` on Windows, else
    ``$XDG_CACHE_HOME/drlim`` or ``~/.cache/drlim``.
    """
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "drlim"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "drlim" / "Cache"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG standard says to ignore a relative path.
    return (named if named.is_absolute() else Path.home() / ".cache") / "drlim"


def find(folders: Iterable[Path], names: Iterable[str]) -> Path | None:
    """Return the first file found, by folder, then by name; None when there is none."""
    names = list(names)
    return next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)


def download(path: Path, mirrors: Iterable[str], check: Callable[[bytes], object]) -> None:
    """Download a file from the first mirror that sends a valid one, and write it atomically.

    Parameters
    ----------
    path : Path
        File to write, of the name that it has on the mirrors. Its folder is made if it is missing.
    mirrors : iterable of str
        Addresses of folders, http or https, tried in this order.
    check : callable
        Takes the content before it is written, and raises ``ValueError`` if it is not valid.

    Raises
    ------
    ConnectionError
        When no mirror sends a valid file. The message gives the reason for each.
    """
    refusals = []
    for mirror in mirrors:
        address = urljoin(mirror.rstrip("/") + "/", path.name)
        try:
            content = _content_at(address)
            check(content)
        except (OSError, HTTPException, ValueError) as error:
            refusals.append(f"{mirror}: {str(error)[:80]}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
        return
    raise ConnectionError("; ".join(refusals) or "no mirror is named")


def _content_at(address: str) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise ValueError("a mirror's address must begin with https:// or http://")
    with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:  # noqa: S310 - scheme checked above
        content: bytes = answer.read(_LONGEST_DOWNLOAD + 1)
    if len(content) > _LONGEST_DOWNLOAD:
        raise ValueError(f"more than {_LONGEST_DOWNLOAD} bytes long")
    return content
