"""Editing from the command line: statements reach the graph's file, survive the server, and retrain the map."""

from __future__ import annotations

import time

import pytest
from benchmarks.hostile import LABELS
from benchmarks.serving import Served, asked, state, statements_of
from tests.explorer.editing.conftest import made

from drlim import NeighborhoodGraph, load
from drlim.cli import main
from drlim.explorer.editing.server import new_token, reserved


@pytest.fixture(autouse=True)
def _has_server() -> None:
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")


def waited(target) -> dict[str, object]:
    for _ in range(600):
        report = asked(target, "/retraining")
        if report["phase"] != "running":
            return report
        time.sleep(0.1)
    raise AssertionError("the training does not end")


def test_a_map_is_corrected_and_a_server_that_is_killed_loses_nothing(tmp_path) -> None:
    model, data = made(tmp_path)
    graph = tmp_path / "map.statements.safetensors"
    old = model.read_bytes()
    with Served(model, data) as server:
        assert statements_of(server.target) == []
        assert state(server.target, {"kind": "alike", "samples": [0, 1, 2]}) == 1
        assert state(server.target, {"kind": "not alike", "samples": [5], "others": [6, 7]}) == 2
        asked(server.target, "/statements/rename", {"number": 1, "name": "ships"})
        asked(server.target, "/statements/undo", {"number": 2})
        server.process.kill()
    assert NeighborhoodGraph.load(graph) == NeighborhoodGraph.from_pairs(60, [(0, 1), (0, 2), (1, 2)], dissimilar=[])
    with Served(model, data) as server:
        assert [(one["name"], one["undone"]) for one in statements_of(server.target)] == [
            ("ships", False),
            ("1 and 2 samples not alike", True),
        ]
        asked(server.target, "/statements/restore", {"number": 2})
        report = asked(server.target, "/retraining", {})
        assert report["phase"] == "running"
        done = waited(server.target)
        assert done["phase"] == "done", done
        assert done["model"] == "map.retrained-1.safetensors"
        assert (done["drift"]["held"]["n"], done["drift"]["others"]["n"]) == (54, 6)
        assert "Traceback" not in server.errors()
    assert model.read_bytes() == old
    trained = load(tmp_path / "map.retrained-1.safetensors")
    assert trained.graph_.similar.weight_of([0], [1])[0] > 0
    assert trained.embedding_.shape == (60, 2)


def test_nothing_stated_is_said_in_a_sentence(served) -> None:
    with pytest.raises(RuntimeError, match=r"400.*nothing to learn"):
        asked(served.target, "/retraining", {})


def test_where_no_training_runs_none_is_cancelled(served) -> None:
    with pytest.raises(RuntimeError, match=r"400.*No training runs"):
        asked(served.target, "/retraining/cancel", {})
    with pytest.raises(RuntimeError, match=r"400.*Expected an object"):
        asked(served.target, "/retraining/cancel", {"all": True})


def test_labels_with_markup_come_back_as_they_are(served) -> None:
    for number, label in enumerate(LABELS, 1):
        assert state(served.target, {"kind": "label", "samples": [number], "label": label, "name": label}) == number
    assert [one["label"] for one in statements_of(served.target)] == list(LABELS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["MODEL", "--edit"], 2, "--edit needs DATA"),
        (["MODEL", "DATA", "--port", "8000"], 2, "need --edit"),
        (["MODEL", "DATA", "--edit", "--port", "70000"], 2, "--port must be between 0 and 65535"),
        (["MODEL", "DATA", "--edit", "--statements", "said.csv"], 2, ".safetensors"),
        (["MODEL", "DATA", "--edit", "--statements", "nowhere/said.safetensors"], 1, "nowhere"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, capsys, arguments, code, said) -> None:
    model, data = made(tmp_path)
    given = [{"MODEL": str(model), "DATA": str(data)}.get(one, one) for one in arguments]
    assert main(["explore", *given]) == code
    assert said in capsys.readouterr().err


def test_without_the_server_the_extra_is_named(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    model, data = made(tmp_path)
    assert main(["explore", str(model), str(data), "--edit"]) == 1
    assert "pip install 'drlim[explore]'" in capsys.readouterr().err
    assert not (tmp_path / "map.statements.jsonl").exists()


def test_a_port_that_is_taken_is_named() -> None:
    with reserved() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} cannot be used"):
            reserved(port)


def test_it_listens_on_this_machine_alone() -> None:
    with reserved() as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43
