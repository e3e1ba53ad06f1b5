"""The list of statements: on the disk as they are made, whatever happens to the process."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drlim import NeighborhoodGraph
from drlim._base.sealed import ModelFileError
from drlim.explorer.editing import statements as module
from drlim.explorer.editing.statements import Statements

ALIKE = {"kind": "alike", "samples": [0, 1]}
APART = {"kind": "not alike", "samples": [2], "others": [3, 4]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "said.safetensors"


def opened(path: Path, data: str = "digest") -> Statements:
    return Statements(path, 10, data)


def test_the_graph_follows_what_is_stated_undone_and_restored(path: Path) -> None:
    statements = opened(path)
    assert NeighborhoodGraph.load(path).similar.n_pairs == 0
    assert (statements.add(ALIKE), statements.add(APART)) == (1, 2)
    both = NeighborhoodGraph.from_pairs(10, [(0, 1)], dissimilar=[(2, 3), (2, 4)])
    assert NeighborhoodGraph.load(path) == both == statements.graph()
    statements.undo(1)
    assert NeighborhoodGraph.load(path).similar.n_pairs == 0
    assert [one["undone"] for one in statements.to_list()] == [True, False]
    statements.restore(1)
    assert NeighborhoodGraph.load(path) == both
    statements.close()


def test_everything_is_there_when_it_is_opened_again(path: Path) -> None:
    statements = opened(path)
    statements.add(ALIKE)
    statements.add(APART)
    statements.rename(2, "<b>ships</b> & planes")
    statements.undo(1)
    before, graph = statements.to_list(), path.read_bytes()
    statements.close()
    path.unlink()  # as if the process had been killed before the graph was written
    again = opened(path)
    assert again.to_list() == before
    assert path.read_bytes() == graph
    assert again.to_list()[1]["name"] == "<b>ships</b> & planes"
    again.close()


@pytest.mark.parametrize("number", [0, 3, -1, True, "1", 1.0, None, pytest.param(10**5000, id="huge")])
def test_a_number_that_is_none_is_refused(path: Path, number: object) -> None:
    statements = opened(path)
    statements.add(ALIKE)
    statements.add(APART)
    for change in (statements.undo, statements.restore, lambda one: statements.rename(one, "name")):
        with pytest.raises(ValueError, match="There are 2"):
            change(number)
    statements.close()


def test_what_is_undone_cannot_be_undone_and_what_is_not_cannot_be_restored(path: Path) -> None:
    statements = opened(path)
    statements.add(ALIKE)
    with pytest.raises(ValueError, match="not undone"):
        statements.restore(1)
    statements.undo(1)
    with pytest.raises(ValueError, match="is undone"):
        statements.undo(1)
    statements.close()


def test_what_is_refused_leaves_the_files_as_they_are(path: Path) -> None:
    statements = opened(path)
    statements.add(ALIKE)
    files = [path.read_bytes(), path.with_suffix(".jsonl").read_bytes()]
    for wrong in ({"kind": "alike", "samples": [0]}, {"kind": "label", "samples": [0], "label": "\udfff"}, None):
        with pytest.raises((ValueError, TypeError)):
            statements.add(wrong)
    assert [path.read_bytes(), path.with_suffix(".jsonl").read_bytes()] == files
    statements.close()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("_MOST", ALIKE),
        ("_MOST_PAIRS", {"kind": "alike", "samples": [5, 6]}),
        ("_MOST_LABELS", {"kind": "label", "samples": [0], "label": "a"}),
    ],
)
def test_there_is_room_for_so_many(path: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: object) -> None:
    statements = opened(path)
    statements.add(ALIKE)
    monkeypatch.setattr(module, name, 0 if name == "_MOST_LABELS" else 1)
    with pytest.raises(ValueError, match=r"more than|the most"):
        statements.add(given)
    assert len(statements.to_list()) == 1
    statements.close()


def test_other_samples_are_refused(path: Path) -> None:
    opened(path).close()
    with pytest.raises(ModelFileError, match="other samples"):
        opened(path, "another digest")


def test_where_the_graph_cannot_be_written_nothing_is_stated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = opened(path)
    statements.add(ALIKE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(NeighborhoodGraph, "save", full)
        with pytest.raises(OSError, match="No space"):
            statements.add(APART)
    assert len(statements.to_list()) == 1
    statements.add(APART)
    statements.close()
    again = opened(path)
    assert len(again.to_list()) == 2
    again.close()


def test_statements_made_by_several_threads_are_all_kept(path: Path) -> None:
    statements = opened(path)
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda i: statements.add({"kind": "alike", "samples": [i, i + 1]}), range(9)))
    assert sorted(numbers) == list(range(1, 10))
    statements.close()
    again = opened(path)
    assert len(again.to_list()) == 9
    assert NeighborhoodGraph.load(path).n_similar == 9
    again.close()


STATE_FOR_EVER = """
import sys
from drlim.explorer.editing.statements import Statements
statements = Statements(sys.argv[1], 2000, "digest")
for i in range(1999):
    statements.add({"kind": "alike", "samples": [i, i + 1]})
    print(i, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_of_a_process_that_is_killed_every_statement_made_is_in_the_graph_file(path: Path) -> None:
    command = [sys.executable, "-c", STATE_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = -1
        for _ in range(random.Random(0).randint(20, 60)):  # noqa: S311 - no secret
            last = int(process.stdout.readline())
        process.kill()
        last = max([last, *map(int, process.stdout.read().split())])
    graph = NeighborhoodGraph.load(path)
    assert graph.similar.pairs()[: last + 1].tolist() == [[i, i + 1] for i in range(last + 1)]
    again = Statements(path, 2000, "digest")
    assert last + 1 <= len(again.to_list()) <= last + 2
    again.close()
