"""The benchmark of maps: scores of maps known by hand, resuming, tables, pictures, and adapters on stand-ins."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.maps import __main__ as command
from benchmarks.maps import data, methods, picture, process, records, report, trial
from benchmarks.maps.methods import METHODS, Fitted, Method

import drlim
from drlim.datasets import LabelledImages

ABOUT = {"machine": "abacus", "threads": 2}


def two_columns(X, seed, threads):
    """A method whose map is the first two columns."""
    return Fitted(X[:, :2], lambda samples: samples[:, :2])


def two_groups(n: int = 30) -> data.Split:
    """A split of points on a plane, two groups far apart; the map by two_columns is the data itself."""
    X = np.random.default_rng(0).normal(size=(2 * n, 2)).astype(np.float32)
    y = np.arange(2 * n) % 2
    X[y == 1] += 100.0
    return data.Split(X[:n], y[:n], X[n:], y[n:])


def record(name="digits", method="PCA", seed=0, *, error=None, **numbers):
    """A record as run_apart and run_all leave it."""
    scores = {"knn5": 0.9, "trust10": 0.8, "fit_s": 2.0, "fit_cpu_s": 3.0, "transform_s": 0.5, "transform_cpu_s": 0.5}
    scores |= {"first_s": 1.0, "peak_gb": 0.25, "n_train": 1300, "n_test": 497, "columns": 64, "split": "a"}
    found = {} if error else scores | numbers
    installed = records.installed(METHODS[method].package)
    return {**ABOUT, "data": name, "method": method, "version": installed, "seed": seed, "error": error, **found}


def test_a_perfect_map_scores_one():
    (score,) = trial.trial(Method(two_columns, "fake"), two_groups(), [0], 1, None)
    assert (score["knn5"], score["trust10"]) == (1.0, 1.0)
    assert (score["n_train"], score["n_test"], score["columns"], score["seed"]) == (30, 30, 2, 0)
    assert score["split"] == two_groups().fingerprint


def test_test_samples_are_classified_by_the_training_map():
    def exchanged(X, seed, threads):  # the groups change places between the training map and the test map
        return Fitted(X[:, :2], lambda samples: 100.0 - samples[:, :2])

    (score,) = trial.trial(Method(exchanged, "fake"), two_groups(), [0], 1, None)
    assert (score["knn5"], score["trust10"]) == (0.0, 1.0)


def test_the_warm_up_comes_first_and_once():
    calls = []

    def method(X, seed, threads):
        calls.append((len(X), seed, threads))
        return two_columns(X, seed, threads)

    scores = list(trial.trial(Method(method, "fake", warm_rows=7), two_groups(), [3, 5], 2, None))
    assert calls == [(7, 0, 2), (30, 3, 2), (30, 5, 2)]
    assert [score["seed"] for score in scores] == [3, 5]


@pytest.mark.parametrize(("images", "shape"), [(True, (30, 4, 4)), (False, (30, 16))])
def test_images_stay_images_for_methods_that_take_them(images, shape):
    seen = []

    def method(X, seed, threads):
        seen.append(X.shape)
        flat = X.reshape(len(X), -1)
        return Fitted(flat[:, :2], lambda samples: samples.reshape(len(samples), -1)[:, :2])

    X = np.random.default_rng(0).random((60, 4, 4), dtype=np.float32)
    split = data.Split(X[:30], np.zeros(30), X[30:], np.zeros(30))
    (score,) = trial.trial(Method(method, "fake", images=images), split, [0], 1, None)
    assert seen == [shape, shape]
    assert score["columns"] == 16


@pytest.mark.parametrize("spoil", [lambda Z: Z[:, :1], lambda Z: Z[1:], lambda Z: Z * np.nan])
def test_a_map_without_a_place_for_each_sample_is_refused(spoil):
    def method(X, seed, threads):
        return Fitted(X[:, :2], lambda samples: spoil(samples[:, :2]))

    with pytest.raises(ArithmeticError, match="The map of the test samples"):
        list(trial.trial(Method(method, "fake"), two_groups(), [0], 1, None))


def test_seconds_are_those_of_the_fit_and_of_the_transform():
    def slow(X, seed, threads):
        time.sleep(0.5 if len(X) == 30 else 0.0)  # not in the warm-up
        return two_columns(X, seed, threads)

    (score,) = trial.trial(Method(slow, "fake", warm_rows=5), two_groups(), [0], 1, None)
    assert score["fit_s"] >= 0.5 > score["fit_cpu_s"] >= 0.0
    assert score["first_s"] < 0.5
    assert score["transform_s"] < 0.5


def test_memory_is_that_of_the_fit():
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError as error:
        pytest.skip(f"the peak memory of this process cannot be reset: {error}")

    def hungry(X, seed, threads):
        if len(X) == 30:  # not in the warm-up
            np.ones(20_000_000).sum()  # 160 MB, given back before the end
        return two_columns(X, seed, threads)

    (score,) = trial.trial(Method(hungry, "fake", warm_rows=5), two_groups(), [0], 1, None)
    assert 0.1 < score["peak_gb"] < 0.3


def test_the_map_of_the_first_seed_is_left_with_its_colours(tmp_path):
    split = two_groups()
    file = trial.map_file(tmp_path, "digits", "PCA")
    list(trial.trial(Method(two_columns, "fake"), split, [0, 1], 1, file))
    with np.load(file) as arrays:
        np.testing.assert_array_equal(arrays["Z"], split.X_test)
        np.testing.assert_array_equal(arrays["colours"], split.y_test)
        assert str(arrays["cmap"]) == "viridis"


TINY = {
    "vectors": lambda: data.vectors(80, 30, d=6, n_groups=16),
    "table": lambda: data.table(80, 30),
    "table_scaled": lambda: data.table(80, 30, scaled=True),
    "roll": lambda: data.swiss_roll(80, 30),
    "rows": lambda: data.rows(80, 30),
}


@pytest.mark.parametrize("name", sorted(TINY))
def test_made_data_repeat_and_have_the_sizes_asked_for(name):
    one, other = TINY[name](), TINY[name]()
    assert (len(one.X_train), len(one.y_train), len(one.X_test), len(one.y_test), len(one.colours)) == (
        *(80, 80),
        *(30, 30, 30),
    )
    assert one.X_train.dtype == one.X_test.dtype == np.float32
    assert np.isfinite(one.X_train).all()
    for attribute in ("X_train", "y_train", "X_test", "y_test", "colours"):
        np.testing.assert_array_equal(getattr(one, attribute), getattr(other, attribute))


def test_vectors_have_length_one_and_groups_are_unequal():
    split = data.vectors(3000, 30, d=16)
    np.testing.assert_allclose(np.linalg.norm(split.X_train, axis=1), 1.0, rtol=1e-6)
    counts = np.bincount(split.y_train, minlength=40)
    assert counts[0] > 10 * counts[-1] > 0


def test_the_columns_of_the_table_are_of_unlike_width_until_they_are_scaled():
    plain, scaled = data.table(400, 30), data.table(400, 30, scaled=True)
    width = plain.X_train.std(axis=0)
    assert width.max() > 1e5 * width.min()
    np.testing.assert_allclose(scaled.X_train.std(axis=0), 1.0, rtol=1e-3)
    levels = plain.X_train[:, 12:]
    np.testing.assert_array_equal(np.unique(levels), [0.0, 1.0])
    np.testing.assert_array_equal(levels.sum(axis=1), 3.0)  # three categories, one level each
    np.testing.assert_array_equal(plain.y_test, scaled.y_test)


def test_few_digits_are_some_of_the_training_digits_and_all_of_the_test_digits():
    whole, few = data.digits(), data.digits(20)
    rows = {row.tobytes() for row in whole.X_train}
    assert len(few.X_train) == 20
    assert all(row.tobytes() in rows for row in few.X_train)
    np.testing.assert_array_equal(few.X_test, whole.X_test)


def test_a_part_of_mnist_is_drawn_from_each_half(monkeypatch):
    X = np.arange(60, dtype=np.float32).reshape(60, 1, 1)
    whole = LabelledImages(X[:40], np.arange(40), X[40:], np.arange(40, 60))
    monkeypatch.setattr(data.datasets, "mnist", lambda: whole)
    part = data.mnist(10, 5)
    np.testing.assert_array_equal(part.X_train.ravel(), part.y_train)
    np.testing.assert_array_equal(part.X_test.ravel(), part.y_test)
    assert (len(np.unique(part.y_train)), len(np.unique(part.y_test))) == (10, 5)
    assert part.y_train.max() < 40 <= part.y_test.min()
    assert len(data.mnist().X_train) == 40


def test_the_turntable_is_classified_by_azimuth():
    split = data.turntable()
    assert (len(split.X_train), len(split.X_test)) == (660, 312)
    np.testing.assert_array_equal(np.unique(split.y_test), np.arange(18))
    np.testing.assert_array_equal(split.colours, 20.0 * split.y_test)


def test_what_grows_comes_from_small_to_large():
    growing = [name for name in data.DATA if data.DATA[name].growth]
    assert growing == ["rows10000", "rows100000", "rows1000000"]


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"machine": "other"}, {"threads": 1}, {"version": "0"}, {"error": "crash"}, {"data": "roll"}],
)
def test_a_seed_is_missing_unless_the_same_was_measured(change):
    done = record()
    assert records.missing([done], ABOUT, "digits", "PCA", [0]) == []
    assert records.missing([{**done, **change}], ABOUT, "digits", "PCA", [0]) == [0]


def test_finished_trials_are_not_repeated_unless_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "here", lambda threads: ABOUT)
    calls = []

    def run(name, method, seeds, threads, folder, longest):
        calls.append((name, method, list(seeds)))
        return [record(name, method, seed) for seed in seeds]

    def once(seeds, again=False):
        return command.run_all(["digits"], ["PCA", "UMAP"], seeds, 2, tmp_path, again=again, run=run)

    assert once([0]) == 0
    assert once(None) == 0  # three seeds
    assert once([0, 1, 2]) == 0
    assert once([1], again=True) == 0
    first = [("digits", "PCA", [0]), ("digits", "UMAP", [0])]
    then = [("digits", "PCA", [1, 2]), ("digits", "UMAP", [1, 2])]
    assert calls == [*first, *then, ("digits", "PCA", [1]), ("digits", "UMAP", [1])]
    content = json.loads((tmp_path / "maps.json").read_text())
    assert len(content["results"]) == 6
    assert content["versions"]["torch"] == records.versions()["torch"]
    assert (tmp_path / "maps.md").read_text().strip() in capsys.readouterr().out


def test_a_crash_is_reported_and_tried_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "here", lambda threads: ABOUT)

    def crash(name, method, seeds, threads, folder, longest):
        return [record(name, method, seed, error="Traceback\nValueError: a | b") for seed in seeds]

    def work(name, method, seeds, threads, folder, longest):
        return [record(name, method, seed) for seed in seeds]

    assert command.run_all(["digits"], ["PCA"], [0], 2, tmp_path, run=crash) == 1
    out = capsys.readouterr().out
    assert "| PCA | ValueError: a / b |" in out
    assert "| 8x8 digits | failed / failed |" in out
    assert command.run_all(["digits"], ["PCA"], [0], 2, tmp_path, run=work) == 0
    assert len(json.loads((tmp_path / "maps.json").read_text())["results"]) == 1


def test_a_method_that_does_not_finish_is_not_tried_on_more_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "here", lambda threads: ABOUT)
    calls = []

    def run(name, method, seeds, threads, folder, longest):
        calls.append((name, method))
        error = "not done" if method == "UMAP" and name == "rows100000" else None
        return [record(name, method, 0, error=error)]

    sizes = ["rows10000", "rows100000", "rows1000000"]
    assert command.run_all(sizes, ["PCA", "UMAP"], None, 2, tmp_path, run=run) == 1
    assert [name for name, method in calls if method == "UMAP"] == sizes[:2]
    assert [name for name, method in calls if method == "PCA"] == sizes
    table = (tmp_path / "maps.md").read_text()
    assert "| UMAP | 2 (3), 0.25, .900 / .800 | not done |  |" in table


def test_the_tables_have_means_ranges_and_the_best_in_bold():
    found = [record(seed=0, knn5=0.9), record(seed=1, knn5=0.92), record(method="UMAP", knn5=0.95, trust10=0.799)]
    text = report.page([*found, {**record(knn5=0.1), "machine": "other"}], ABOUT, {"numpy": "2.0", "umap-learn": None})
    assert text.startswith("abacus; 2 threads. numpy 2.0. Bold: ")
    assert "| 8x8 digits | **.9500** / **.7990** | .9100 / **.8000** |" in text
    assert "## 8x8 digits (`digits`): 1,300 / 497 of 64 values" in text
    assert "| PCA | .9100 (.9000 to .9200) | **.8000** | 2 | 3 | 0.5 | 0.25 | 1 | 2 |" in text
    assert "Growth" not in text


def test_the_page_has_one_panel_for_each_data_set_and_method(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(picture, "save_figure", lambda ax, path, dpi: drawn.append(ax.figure))
    split = two_groups()
    for name, method in [("digits", "PCA"), ("digits", "UMAP"), ("vectors", "UMAP")]:
        list(trial.trial(Method(two_columns, "fake"), split, [0], 1, trial.map_file(tmp_path, name, method)))
    assert picture.draw(tmp_path, {("digits", "PCA"): ".6"}) == tmp_path / "maps.png"
    (figure,) = drawn
    panels = np.array(figure.axes).reshape(2, 2)
    assert [ax.get_title() for ax in panels[0]] == ["UMAP", "PCA"]  # the order of METHODS
    assert [ax.get_ylabel() for ax in panels[:, 0]] == ["8x8 digits", "unit vectors, 40 groups"]
    assert [len(ax.collections) for ax in panels.ravel()] == [1, 1, 1, 0]
    assert panels[0, 1].get_xlabel() == ".6"
    assert all(ax.get_legend() is None for ax in panels.ravel())


def test_results_on_another_split_are_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "here", lambda threads: ABOUT)

    def run(name, method, seeds, threads, folder, longest):
        return [record(name, method, 0, split="b")]

    records.write(tmp_path / "maps.json", [record(), record("roll"), record(method="PaCMAP", error="crash")])
    command.run_all(["digits"], ["UMAP"], [0], 2, tmp_path, run=run)
    kept = [(one["data"], one["method"]) for one in records.read(tmp_path / "maps.json")[0]]
    assert kept == [("roll", "PCA"), ("digits", "PaCMAP"), ("digits", "UMAP")]


def test_the_fingerprint_changes_with_samples_and_classes():
    split = two_groups()
    before = split.fingerprint
    assert two_groups().fingerprint == before
    split.X_test[3, 1] += 1
    other = data.Split(split.X_train, 1 - split.y_train, split.X_test, split.y_test)
    assert len({before, split.fingerprint, other.fingerprint}) == 3


def test_a_far_sample_does_not_shrink_a_map(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(picture, "save_figure", lambda ax, path, dpi: drawn.append(ax))
    split = two_groups(2000)
    split.X_test[0] = 1e6
    list(trial.trial(Method(two_columns, "fake"), split, [0], 1, trial.map_file(tmp_path, "roll", "PCA")))
    picture.draw(tmp_path)
    (ax,) = drawn
    left, right = ax.get_xlim()
    assert -20 < left < 0 < 100 < right < 120


def test_without_maps_there_is_no_picture(tmp_path):
    assert picture.draw(tmp_path) is None


def program(tmp_path, monkeypatch, text: str) -> None:
    """Put a program in the place of ``python -m benchmarks.maps``."""
    script = tmp_path / "benchmarks" / "maps" / "__main__.py"
    script.parent.mkdir(parents=True)
    script.write_text(text)
    monkeypatch.setattr(process, "ROOT", tmp_path)


def test_a_process_gets_its_threads_and_gives_a_record_for_each_seed(tmp_path, monkeypatch):
    program(
        tmp_path,
        monkeypatch,
        "import json, os, sys\n"
        "print('noise')\n"
        "for seed in sys.argv[4].split(','):\n"
        "    print('RESULT', json.dumps({'seed': int(seed), 'argv': sys.argv[1:], 'omp': os.environ['OMP_NUM_THREADS'],"
        " 'numba': os.environ['NUMBA_NUM_THREADS']}))\n",
    )
    found = process.run_apart("digits", "PCA", [0, 7], 3, tmp_path, 60.0)
    assert [one["seed"] for one in found] == [0, 7]
    for one in found:
        assert one["error"] is None
        assert one["argv"] == ["--here", "digits", "PCA", "0,7", "--threads", "3", "--out", str(tmp_path.resolve())]
        assert (one["omp"], one["numba"]) == ("3", "3")
        assert one["version"] == records.installed("scikit-learn")


def test_a_process_that_crashes_keeps_what_it_had_finished(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "print('RESULT {\"seed\": 0}'); raise SystemExit('no such thing')")
    first, second = process.run_apart("digits", "PCA", [0, 1], 1, tmp_path, 60.0)
    assert first["error"] is None
    assert "no such thing" in second["error"]


def test_a_process_that_takes_too_long_keeps_what_it_had_finished(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "import time; print('RESULT {\"seed\": 0}'); time.sleep(60)")
    first, second = process.run_apart("digits", "PCA", [0, 1], 1, tmp_path, 3.0)
    assert first["error"] is None
    assert second["error"] == "not done after 3 seconds"


def test_a_trial_run_here_prints_its_results(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(data.DATA, "digits", data.DataSet("tiny", two_groups))
    monkeypatch.setitem(methods.METHODS, "PCA", Method(two_columns, "scikit-learn"))
    assert command.main(["--here", "digits", "PCA", "0,1", "--threads", "1", "--out", str(tmp_path)]) == 0
    lines = [json.loads(line.removeprefix("RESULT ")) for line in capsys.readouterr().out.splitlines()]
    assert [(line["seed"], line["knn5"]) for line in lines] == [(0, 1.0), (1, 1.0)]
    assert trial.map_file(tmp_path, "digits", "PCA").exists()


@pytest.mark.parametrize(("option", "known"), [("--only", "digits300"), ("--methods", "openTSNE")])
def test_unknown_names_are_refused_before_anything_runs(option, known, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main([option, f"{known},speed"])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "unknown: speed. There are: " in message
    assert known in message


@pytest.mark.parametrize(
    ("arguments", "names", "kinds"),
    [
        (
            [],
            [
                *("digits", "digits300", "turntable", "roll"),
                *("table", "table_scaled", "vectors", "mnist12000", "mnist60000"),
            ],
            ["NeighborMap", "DrLIM", "UMAP", "openTSNE", "PaCMAP", "PCA"],
        ),
        (
            ["--growth"],
            ["rows10000", "rows100000", "rows1000000"],
            ["NeighborMap", "UMAP", "openTSNE", "PaCMAP", "PCA"],
        ),
        (["--only", "roll,rows10000", "--methods", "PCA"], ["roll", "rows10000"], ["PCA"]),
    ],
)
def test_the_command_chooses_data_and_methods(arguments, names, kinds, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "run_all", lambda *given, **options: asked.append((given, options)) or 0)
    assert command.main([*arguments, "--seeds", "4,5", "--threads", "1"]) == 0
    ((found, methods_found, seeds, threads, folder), options) = asked[0]
    assert (found, methods_found, seeds, threads) == (names, kinds, [4, 5], 1)
    assert folder == process.ROOT / "runs"
    assert options == {"again": False, "longest": 3600.0}


def test_the_table_of_a_file_is_printed_without_measuring(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "here", lambda threads: ABOUT)
    records.write(tmp_path / "maps.json", [record(knn5=0.75)])
    monkeypatch.setattr(records, "PACKAGES", ())  # the versions are those of the measurement
    assert command.main(["--table", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "**.7500**" in out
    assert f"torch {records.installed('torch')}" in out


class StandIn:
    """An estimator with the names that the peers share; it keeps how it was made."""

    made: dict[str, object]

    def __init__(self, **parameters):
        StandIn.made = parameters

    def fit(self, X, y=None):
        self.embedding_ = X[:, :2]
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X).embedding_

    def transform(self, X):
        return X[:, :2] + 1.0


class Embedding(np.ndarray):
    """The map that openTSNE's fit returns: an array that maps new samples."""

    def transform(self, X):
        return X[:, :2] + 1.0


class OpenStandIn(StandIn):
    def fit(self, X, y=None):
        return X[:, :2].view(Embedding)


@pytest.mark.parametrize(
    ("name", "module", "classes", "parameters"),
    [
        ("UMAP", "umap", {"UMAP": StandIn}, {"n_jobs": 2}),
        ("PaCMAP", "pacmap", {"PaCMAP": StandIn}, {"random_state": 7, "save_tree": True}),
        ("openTSNE", "openTSNE", {"TSNE": OpenStandIn}, {"n_jobs": 2, "random_state": 7}),
        ("NeighborMap", None, {"NeighborMap": StandIn}, {"random_state": 7}),
        ("DrLIM", None, {"DrLIM": StandIn}, {"random_state": 7, "verbose": 0}),
    ],
)
def test_adapters_pass_seed_and_threads_and_leave_a_map(name, module, classes, parameters, monkeypatch):
    if module is None:
        monkeypatch.setattr(drlim, name, StandIn, raising=False)
    else:
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(**classes))
    X = np.random.default_rng(0).random((6, 3))
    fitted = METHODS[name].fit(X, 7, 2)
    assert StandIn.made == parameters
    np.testing.assert_array_equal(fitted.embedding, X[:, :2])
    np.testing.assert_array_equal(fitted.transform(X), X[:, :2] + 1.0)
    assert type(fitted.embedding) is np.ndarray


def test_umap_is_seeded_by_the_state_it_draws_from(monkeypatch):
    class Drawing(StandIn):
        def fit(self, X, y=None):
            self.embedding_ = np.random.random((len(X), 2))  # noqa: NPY002 - what the real one draws from
            return self

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Drawing))
    state = np.random.get_state()  # noqa: NPY002
    first, second, other = (METHODS["UMAP"].fit(np.zeros((3, 2)), seed, 2).embedding for seed in (1, 1, 2))
    np.random.set_state(state)  # noqa: NPY002
    np.testing.assert_array_equal(first, second)
    assert (first != other).all()


def test_principal_components_map_training_samples_where_they_put_them():
    X = np.random.default_rng(0).normal(size=(25, 4)).astype(np.float32)
    fitted = METHODS["PCA"].fit(X, 0, 1)
    np.testing.assert_allclose(fitted.transform(X), fitted.embedding, atol=1e-4)


def test_the_make_target_installs_every_peer():
    makefile = (process.ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\$\(VENV\)/\.peers:.*\n\t(.*)$", makefile, flags=re.MULTILINE)
    peers = {method.package for method in METHODS.values()} - {"drlim", "scikit-learn"}
    assert peers == set(re.findall(r'"([\w-]+)[><=]', line))
    assert {method.package for method in METHODS.values()} <= set(records.PACKAGES)
