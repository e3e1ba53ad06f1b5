"""A journal: lines of JSON that are only appended, each forced to the disk before its call returns.

A process that is killed can leave the last line in part. It is cut off when the journal is opened again, and no call
that wrote it had returned. Any other damage is refused: each line holds a checksum of itself and of the line before.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

from drlim._base.disk import check_target
from drlim._base.sealed import ModelFileError, unusable

__all__ = ["Journal"]

Entry = dict[str, object]

_LARGEST = 2**30
"""Maximum number of bytes of a journal that is read."""


class Journal:
    """A file of entries, open for one process.

    Parameters
    ----------
    path : path-like
        The file. A new one begins with the head.
    head : dict of str to object
        What the entries are about; a file with another head is refused.

    Attributes
    ----------
    entries : list of dict
        What the file held when it was opened, without the head.

    Raises
    ------
    ModelFileError
        When the file is damaged or is no journal, is about something else, or is open in another process.
    OSError
        When the system cannot read or write it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = Journal(Path(folder) / "said.jsonl", {"n_samples": 3})
    ...     journal.append({"op": "undo", "statement": 1})
    ...     journal.close()
    ...     again = Journal(Path(folder) / "said.jsonl", {"n_samples": 3})
    ...     again.close()
    >>> again.entries
    [{'op': 'undo', 'statement': 1}]
    """

    def __init__(self, path: str | os.PathLike[str], head: Mapping[str, object]) -> None:
        self.path = Path(path)
        check_target(self.path)
        self._file = self.path.open("a+b", buffering=0)  # what a failed write leaves behind would be written later
        try:
            _lock(self._file, self.path)
            self.entries, whole, self._before = _read(self._file, self.path, head)
            self._file.truncate(whole)
            self._last = whole, self._before
            if whole == 0:
                self.append({"journal": 1, **head})
        except BaseException:
            self._file.close()
            raise

    def append(self, entry: Mapping[str, object]) -> None:
        """Write an entry, and return once it is on the disk.

        Raises
        ------
        OSError
            When the system cannot write, for instance on a full disk. Nothing of the entry is then in the file.
        """
        end = self._file.seek(0, os.SEEK_END)
        line, checksum = _line(entry, self._before)
        try:
            _write(self._file, line)
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(end)
            raise
        self._last, self._before = (end, self._before), checksum

    def take_back(self) -> None:
        """Cut off the entry that was appended last."""
        end, self._before = self._last
        self._file.truncate(end)
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, and let other processes open it."""
        self._file.close()


def _write(file: FileIO, line: bytes) -> None:
    """Write all bytes of a line: one call may write a part of them."""
    rest = memoryview(line)
    while rest:
        rest = rest[file.write(rest) :]


def _line(entry: Mapping[str, object], before: int) -> tuple[bytes, int]:
    """Return an entry as a line, and its checksum, which follows from that of the line before."""
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    checksum = zlib.crc32(text.encode(), before)
    return f'{{"check":"{checksum:08x}","entry":{text}}}\n'.encode(), checksum


def _read(file: FileIO, path: Path, head: Mapping[str, object]) -> tuple[list[Entry], int, int]:
    """Return the entries without the head, the number of bytes of whole lines, and the last checksum."""
    if os.fstat(file.fileno()).st_size > _LARGEST:
        raise unusable(path, f"has more than {_LARGEST:,} bytes: it is no journal of statements.")
    file.seek(0)
    content = file.readall()
    whole = content.rfind(b"\n") + 1
    if whole == 0 and content and not content.startswith(b'{"check":"'[: len(content)]):
        raise unusable(path, "is no journal of statements. Give another path.")
    entries, before = [], 0
    for number, line in enumerate(content[:whole].splitlines(), 1):
        entry = _entry(line)
        if entry is None or _line(entry, before)[0] != line + b"\n":
            raise unusable(path, f"is damaged, or no journal of statements: line {number} is not as it was written.")
        before = _line(entry, before)[1]
        entries.append(entry)
    if entries:
        _check_head(path, entries.pop(0), head)
    return entries, whole, before


def _entry(line: bytes) -> Entry | None:
    """Return the entry of a line, None for a line that holds none."""
    try:
        found = json.loads(line)["entry"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _check_head(path: Path, found: Entry, head: Mapping[str, object]) -> None:
    """Refuse a journal about something else."""
    if found.get("journal") != 1:
        raise unusable(path, "is of a newer drlim, or no journal of statements.")
    other = [name for name, value in head.items() if found.get(name) != value]
    if other:
        raise unusable(
            path,
            f"holds statements about other samples: it differs in {' and '.join(other)}. Give the data that they were "
            "made about, or another path for new statements.",
        )


def _lock(file: FileIO, path: Path) -> None:
    """Refuse a file that another process has open; a lock ends with its process, however that ends."""
    try:
        import fcntl
    except ImportError:  # Windows, which has no such lock
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        message = f"{path}: another process has these statements open. Close it, or give another path."
        raise ModelFileError(message) from error
