"""The benchmark of rows on disk: data are repeated, memory is that of the process alone, promises are judged."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

import numpy as np
import pytest
from benchmarks.large import __main__ as large
from benchmarks.large import data, trials
from benchmarks.large import stores as large_stores
from benchmarks.large.data import counts, groups_of, rows_file
from benchmarks.large.steps import STEPS, SUMS
from benchmarks.large.trials import READY, TRIALS, Sizes
from benchmarks.large.watching import watched

import drlim


def test_rows_are_the_same_in_every_run_and_lie_in_groups(tmp_path, monkeypatch):
    first = np.load(rows_file(tmp_path, 3000))
    assert first.shape == (3000, 64)
    assert first.dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == ["rows-3000x64.npy"]
    assert (np.load(rows_file(tmp_path / "again", 3000)) == first).all()
    groups = groups_of(3000)
    within = np.mean([first[groups == group].var(axis=0).sum() for group in range(50)])
    assert within < 0.9 * first.var(axis=0).sum()
    (tmp_path / "rows-3000x64.npy").write_bytes(b"there already")
    assert rows_file(tmp_path, 3000).read_bytes() == b"there already"


def test_counts_have_the_density_asked_for_and_topics():
    matrix, topics = counts(400, 1000, 0.03, 4)
    assert matrix.shape == (400, 1000)
    assert matrix.nnz / 400_000 == pytest.approx(0.03, rel=0.15)
    assert matrix.data.min() >= 1
    words = [set(matrix[topics == topic].sum(axis=0).argsort()[-20:].tolist()) for topic in range(4)]
    assert not set.intersection(*words)


def test_memory_of_a_map_of_a_file_does_not_count(tmp_path):
    rows = np.load(rows_file(tmp_path, 50_000), mmap_mode="r")  # 12.8 MB
    total, took = watched(lambda: float(rows.sum()))
    assert np.isfinite(total)
    assert took.peak < 6e6
    size = 50_000_000
    kept, took = watched(lambda: filled(size))
    assert took.peak > 0.9 * len(kept)
    assert took.wall > 0


def filled(size: int) -> mmap.mmap:
    """Return memory that this process did not have: an array may lie in memory that an earlier one has left."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(b"1" * size)
    return memory


def test_promises_are_judged():
    def judged(**results):
        return large.table({name: dict(zip(("total_s", "peak_gb"), two, strict=True)) for name, two in results.items()})

    assert "peak_gb at most 4: yes; total_s / PaCMAP's at most 0.5: 0.1, yes" in judged(
        NeighborMap=(10.0, 3.9), PaCMAP=(100.0, 5.0)
    )
    assert "peak_gb at most 4: no; total_s / PaCMAP's at most 0.5: 0.6, no" in judged(
        NeighborMap=(60.0, 4.1), PaCMAP=(100.0, 5.0)
    )
    assert "| NeighborMap | 10 | | 1 | | peak_gb at most 4: yes |" in judged(NeighborMap=(10.0, 1.0))
    assert "not done after 5 seconds |" in large.table({"PaCMAP": {"error": "not done after 5 seconds"}})


def test_peers_that_were_stopped_bound_the_ratio():
    def judged(seconds, **peers):
        return large.table({"NeighborMap": {"total_s": seconds}, **peers})

    stopped = {"error": "not done after 99 seconds", "at_least_s": 90.0}
    assert "total_s / PaCMAP's at most 0.5: below 0.33, yes |" in judged(30.0, PaCMAP=stopped)
    assert "total_s / PaCMAP's at most 0.5: below 0.67, not known |" in judged(60.0, PaCMAP=stopped)
    assert "| PaCMAP | > 90 | | | | not done after 99 seconds |" in judged(60.0, PaCMAP=stopped)
    assert "| total_s / UMAP's: 0.25 |" in judged(30.0, UMAP={"total_s": 120.0}).replace("| | | |", "|")
    assert "openTSNE's" not in judged(30.0, openTSNE={"error": "no module"})


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(trials, "_JUDGED", 100)
    monkeypatch.setattr(trials, "_WARM_TEXTS", 60)
    monkeypatch.setattr(data, "_N_GROUPS", 5)
    return Sizes(rows=600, counts=(300, 200), epochs=3)


@pytest.mark.parametrize("name", ["NeighborMap", "neighbours", "sparse-DrLIM", "sparse-NeighborMap"])
def test_trials_of_this_library_run(name, small, tmp_path, capsys):
    numbers = TRIALS[name](small, tmp_path)
    assert READY in json.loads(capsys.readouterr().out.splitlines()[-1])
    assert numbers["total_s"] > 0
    assert numbers["peak_gb"] < 2
    assert json.loads(json.dumps(numbers)) == numbers
    assert numbers.get("knn5", 1.0) > 0.5 or name.startswith("sparse-")  # of too few texts


def test_epochs_of_a_sparse_fit_are_those_asked_for(small, tmp_path):
    assert TRIALS["sparse-DrLIM"](small, tmp_path)["epochs"] == 3


@pytest.mark.parametrize("name", ["NeighborMap", "sparse-DrLIM", "sparse-NeighborMap"])
def test_steps_of_a_fit_add_up(name, small, tmp_path):
    seconds = TRIALS[name](small._replace(profiled=True), tmp_path)
    assert set(seconds) - set(STEPS) == set(SUMS)
    assert {"check of the values", "neighbours", "encoder: training", "map of all rows"} <= set(seconds)
    assert min(seconds.values()) >= 0
    assert sum(seconds.values()) == pytest.approx(2 * seconds["all"])
    assert seconds["the rest"] < 0.5 * seconds["all"]


def test_steps_are_functions_of_the_library():
    package = Path(drlim.__file__).parent
    for functions in STEPS.values():
        for path, name in functions:
            assert f"def {name}(" in (package / path).read_text("utf-8")


def test_results_are_kept_one_by_one_and_failures_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(large, "_apart", lambda name, given: {"error": "no"} if name == "PaCMAP" else {"total_s": 1.0})
    out = ["--out", str(tmp_path / "large.json")]
    assert large.main(["NeighborMap", *out]) == 0
    assert large.main(["PaCMAP", *out]) == 1
    assert json.loads((tmp_path / "large.json").read_text()) == {
        "NeighborMap": {"total_s": 1.0},
        "PaCMAP": {"error": "no"},
    }
    capsys.readouterr()
    assert large.main(["--table", *out]) == 0
    assert "| PaCMAP | | | | | no |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        large.main(["TSNE", *out])


def test_a_trial_that_fails_says_why(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(large, "ROOT", tmp_path)  # where there are no benchmarks
    assert large.main(["neighbours", "--out", str(tmp_path / "large.json")]) == 1
    assert "No module named" in capsys.readouterr().out


def test_a_profile_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(large, "_apart", lambda name, given: {"date": "x", "neighbours": 1.0, "the rest": 1, "all": 2})
    assert large.main(["--profile", "NeighborMap", "--out", str(tmp_path / "large.json")]) == 0
    assert "| neighbours | 1 | 50 % |" in capsys.readouterr().out
    assert not (tmp_path / "large.json").exists()


def test_a_trial_that_takes_too_long_is_stopped_and_says_what_it_took(tmp_path, capsys):
    out = ["--out", str(tmp_path / "large.json"), "--data", str(tmp_path), "--rows", "600", "--longest", "0"]
    assert large.main(["neighbours", *out]) == 1
    written = capsys.readouterr().out
    assert "not done after 0 seconds, " in written
    assert "| neighbours | > 0 |" in written
    assert large.main(["neighbours", *out[:-1], "60"]) == 0
    assert "peak_gb at most 1: yes" in capsys.readouterr().out


def test_the_time_of_a_trial_begins_where_it_is_measured():
    text = 'hello\n{"ready_at": 12.5}\nmore\n'
    assert large._ready_at(text) == 12.5
    assert large._ready_at(text[:20]) is None
    assert large._ready_at("") is None


def test_stores_are_read_and_measured(tmp_path, capsys):
    rows = np.arange(600 * 784, dtype=np.float32).reshape(600, 784)
    for _, read in large_stores.stores(tmp_path, rows):
        np.testing.assert_array_equal(read(np.array([5, 599, 0])), rows[[5, 599, 0]])
        np.testing.assert_array_equal(read(slice(300, 302)), rows[300:302])
    assert large_stores.main(["--rows", "600"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| memory map of a .npy", "| h5py", "| zarr"]
    assert all(float(cell) > 0 for line in lines[2:] for cell in line.strip("| ").split(" | ")[1:])
