"""The journal: whole lines only, and any damage is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drlim._base.sealed import ModelFileError
from drlim.explorer.editing.journal import Journal

HEAD: dict[str, object] = {"n_samples": 5, "data": "abc"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a journal with three entries."""
    path = tmp_path / "said.jsonl"
    journal = Journal(path, HEAD)
    for number in range(3):
        journal.append({"op": "state", "number": number})
    journal.close()
    return path


def entries(path: Path, head: dict[str, object] = HEAD) -> list[object]:
    journal = Journal(path, head)
    journal.close()
    return [entry["number"] for entry in journal.entries]


def test_entries_are_there_when_it_is_opened_again(path: Path) -> None:
    assert entries(path) == [0, 1, 2]
    journal = Journal(path, HEAD)
    journal.append({"op": "state", "number": 3})
    journal.close()
    assert entries(path) == [0, 1, 2, 3]


def test_of_a_file_cut_at_any_byte_the_whole_lines_are_kept(path: Path) -> None:
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        assert entries(path) == list(range(max(0, whole - 1)))
        journal = Journal(path, HEAD)  # what is written next follows the whole lines
        journal.append({"op": "state", "number": 9})
        journal.close()
        assert entries(path) == [*range(max(0, whole - 1)), 9]


def test_any_changed_byte_before_the_last_line_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for place in range(content.rfind(b"\n", 0, -1)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(ModelFileError):
            entries(path)
        assert path.read_bytes() == bytes(changed)  # nothing of a damaged file is cut off


def test_a_line_that_was_taken_out_or_moved_is_refused(path: Path) -> None:
    head, first, second, third = path.read_bytes().splitlines(keepends=True)
    for lines in ([head, second, third], [head, second, first, third], [first, second], [head, head, first]):
        path.write_bytes(b"".join(lines))
        with pytest.raises(ModelFileError, match=r"damaged|journal"):
            entries(path)


def test_other_samples_are_refused_and_named(path: Path) -> None:
    with pytest.raises(ModelFileError, match="other samples: it differs in data"):
        entries(path, {**HEAD, "data": "other"})


@pytest.mark.parametrize("content", [b"\n", b"{}\n", b"[" * 100_000 + b"\n", b"row,label\n1,2\n", b"no line"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="journal"):
        Journal(path, HEAD)
    assert path.read_bytes() == content


def test_two_cannot_have_it_open(path: Path) -> None:
    pytest.importorskip("fcntl")
    journal = Journal(path, HEAD)
    try:
        with pytest.raises(ModelFileError, match="another process"):
            Journal(path, HEAD)
    finally:
        journal.close()
    assert entries(path) == [0, 1, 2]


def test_each_entry_is_forced_to_the_disk_before_append_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path, HEAD)
    forced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: forced.append(path.read_bytes()))
    journal.append({"op": "state", "number": 3})
    journal.close()
    assert forced == [path.read_bytes()]


def test_an_entry_that_cannot_be_written_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path, HEAD)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            journal.append({"op": "state", "number": 3})
    assert path.read_bytes() == before
    journal.append({"op": "state", "number": 4})
    journal.close()
    assert entries(path) == [0, 1, 2, 4]


def test_the_last_entry_can_be_taken_back(path: Path) -> None:
    journal = Journal(path, HEAD)
    journal.append({"op": "state", "number": 3})
    journal.take_back()
    journal.append({"op": "state", "number": 4})
    journal.close()
    assert entries(path) == [0, 1, 2, 4]
