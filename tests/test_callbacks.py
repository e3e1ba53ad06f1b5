from __future__ import annotations

import csv
import sys
import types

import numpy as np
import pytest
import torch
from sklearn.base import clone

from drlim import DrLIM, NeighborMap, callbacks
from drlim.callbacks import CsvWriter, EarlyStopping, MapFrames, MLflowWriter, ModelState, TensorBoardWriter

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
QUICK = {"encoder": "linear", "max_epochs": 3, "tol": 0.0, "batch_size": 10, "random_state": 0}


def state(energies, *, n_before=0, parameters=None, name="energy_validation"):
    history = [{"epoch": place + 1, name: energy} for place, energy in enumerate(energies)]
    given = {"validation": 0.1} if parameters is None else parameters
    return ModelState(history, n_before, 10, given, torch.nn.Module, lambda encoder: np.zeros((1, 2)))


def stops(callback, energies, **options):
    now = state(energies, **options)
    return callback.on_epoch_end(now.history[-1], now)


def test_training_stops_when_the_lowest_energy_is_as_long_ago_as_patience_says():
    stop = EarlyStopping(patience=3)
    energies = [5.0, 4.0, 3.0, 3.5, 3.0, 3.1]  # 3.0 again is no fall
    assert [stops(stop, energies[:count]) for count in range(1, 7)] == [False, False, False, False, False, True]


def test_a_fall_of_less_than_min_delta_does_not_count():
    assert not stops(EarlyStopping(patience=2), [3.0, 2.95, 2.9])
    assert stops(EarlyStopping(patience=2, min_delta=0.2), [3.0, 2.95, 2.9])
    assert not stops(EarlyStopping(patience=2, min_delta=0.2), [3.0, 2.95, 2.7])


def test_epochs_of_earlier_calls_do_not_count():
    assert stops(EarlyStopping(patience=2), [1.0, 3.0, 2.0])
    assert not stops(EarlyStopping(patience=2), [1.0, 3.0, 2.0], n_before=1)


def test_early_stopping_needs_samples_held_out_or_another_number():
    with pytest.raises(ValueError, match=r"on_fit_begin of the callback EarlyStopping fails: .*set validation=0\.1"):
        DrLIM(**QUICK, callbacks=[EarlyStopping()]).fit(X)
    with pytest.raises(ValueError, match="set monitor='cross_entropy'"):
        NeighborMap(max_epochs=2, callbacks=[EarlyStopping()]).fit(X)
    model = NeighborMap(
        max_epochs=9,
        random_state=0,
        callbacks=[EarlyStopping(patience=1, min_delta=9.0, monitor="cross_entropy")],
    ).fit(X)
    assert (model.n_iter_, model.stopped_) == (2, "callback")
    with pytest.raises(callbacks.CallbackError, match=r"No number 'loss' in the records\. They have 'epoch', 'energy'"):
        DrLIM(**QUICK, callbacks=[EarlyStopping(monitor="loss")]).fit(X)


@pytest.mark.parametrize("given", [{"patience": 0}, {"patience": 1.5}, {"min_delta": -1.0}, {"monitor": None}])
def test_bad_parameters_of_early_stopping_are_refused(given):
    with pytest.raises(ValueError, match=f"The '{next(iter(given))}' parameter of EarlyStopping must be"):
        EarlyStopping(**given)


def test_the_map_is_that_of_the_lowest_energy_held_out():
    given = {**QUICK, "max_epochs": 60, "learning_rate": 0.2, "validation": 0.3}
    model = DrLIM(**given, callbacks=[EarlyStopping(patience=3)]).fit(X)
    assert model.stopped_ == "callback"
    judged = [record["energy_validation"] for record in model.history_]
    best = int(np.argmin(judged)) + 1
    assert best == model.n_iter_ - 3

    class StopAt:
        def on_epoch_end(self, record, model_state):
            return record["epoch"] == best

    assert DrLIM(**given, callbacks=[StopAt()]).fit(X).embedding_.tobytes() == model.embedding_.tobytes()


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_history_as_a_csv_file(tmp_path):
    path = tmp_path / "history.csv"
    model = DrLIM(**QUICK, callbacks=[CsvWriter(path)]).fit(X)
    rows = read(path)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["energy"]) for row in rows] == [record["energy"] for record in model.history_]
    model.partial_fit(X[:20], anchor=X[20:])
    rows = read(path)
    assert [row["energy_anchor"] == "" for row in rows] == [True] * 3 + [False] * 3


def test_a_csv_file_has_the_epochs_of_a_fit_that_goes_on_once(tmp_path):
    class Cut:
        def on_epoch_end(self, record, model_state):
            if record["epoch"] == 2:
                raise KeyboardInterrupt

    path = tmp_path / "history.csv"
    with pytest.warns(UserWarning, match="interrupted"):
        DrLIM(**QUICK, checkpoint=tmp_path / "kept", callbacks=[CsvWriter(path), Cut()]).fit(X)
    assert len(read(path)) == 2
    DrLIM(**QUICK, checkpoint=tmp_path / "kept", callbacks=[CsvWriter(path)]).fit(X, resume=True)
    assert [int(row["epoch"]) for row in read(path)] == [1, 2, 3]


def test_a_csv_file_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        CsvWriter(tmp_path / "none" / "history.csv")


def test_frames_of_the_map(tmp_path):
    pytest.importorskip("matplotlib")
    frames = MapFrames(tmp_path / "frames", every=2, labels=np.arange(40) % 2, dpi=30)
    DrLIM(**QUICK, callbacks=[frames]).fit(X)
    assert sorted(file.name for file in frames.folder.iterdir()) == ["epoch-000000.png", "epoch-000002.png"]


def test_axes_of_frames_grow_and_never_shrink(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    limits = []
    monkeypatch.setattr(
        "drlim.plotting.save_figure", lambda ax, path, dpi: limits.append((ax.get_xlim(), ax.get_ylim()))
    )
    frames = MapFrames(tmp_path)
    small, large = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [3.0, 1.0]])
    for Z in (small, large, small):
        now = ModelState([{"epoch": 1}], 0, 3, {"n_components": 2}, torch.nn.Module, lambda _, Z=Z: Z)
        frames.on_epoch_end({}, now)
    assert limits[0][0] == pytest.approx((-0.03, 1.03))
    assert limits[1] == limits[2]
    assert limits[1][0] == pytest.approx((-0.09, 3.09))


def test_frames_of_a_map_that_cannot_be_drawn_are_refused(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="MapFrames draws maps of 2 or 3 dimensions, and n_components is 4"):
        DrLIM(4, **QUICK, callbacks=[MapFrames(tmp_path)]).fit(X)


@pytest.mark.parametrize(
    ("missing", "make", "extra"),
    [
        ("torch.utils.tensorboard", lambda: TensorBoardWriter("x"), "tensorboard"),
        ("mlflow", MLflowWriter, "mlflow"),
        ("matplotlib.figure", lambda: MapFrames("x"), "viz"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, missing, make, extra):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf'pip install "drlim\[{extra}\]"'):
        make()


class Board:
    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.scalars, self.closed = folder, purge_step, [], False

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, scalar_value, global_step))

    def close(self):
        self.closed = True


def test_numbers_for_tensorboard(tmp_path, monkeypatch):
    boards = []

    def opened(*given, **options):
        boards.append(Board(*given, **options))
        return boards[-1]

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.SimpleNamespace(SummaryWriter=opened))
    writer = TensorBoardWriter(tmp_path / "runs")
    model = DrLIM(**QUICK, callbacks=[writer]).fit(X)
    (board,) = boards
    assert (board.folder, board.purge_step, board.closed) == (str(tmp_path / "runs"), 1, True)
    energies = [(value, step) for tag, value, step in board.scalars if tag == "energy"]
    assert energies == [(record["energy"], record["epoch"]) for record in model.history_]
    assert not any(tag == "epoch" for tag, _, _ in board.scalars)
    assert clone(model).callbacks[0].folder == writer.folder


class Flow(types.SimpleNamespace):
    """What is used of MLflow."""

    def __init__(self, active):
        super().__init__(active=active, calls=[])

    def active_run(self):
        return self.active

    def start_run(self, run_name):
        self.calls.append(("start", run_name))

    def log_params(self, parameters):
        self.parameters = parameters

    def log_metrics(self, numbers, step):
        self.calls.append(("metrics", numbers["energy"], step))

    def set_tag(self, name, value):
        self.calls.append((name, value))

    def end_run(self):
        self.calls.append(("end",))


@pytest.mark.parametrize("active", [None, "a run"])
def test_numbers_for_mlflow(monkeypatch, active):
    flow = Flow(active)
    monkeypatch.setitem(sys.modules, "mlflow", flow)
    model = DrLIM(**QUICK, orbit=lambda x: x, callbacks=[MLflowWriter("first")]).fit(X)
    numbers = [("metrics", record["energy"], record["epoch"]) for record in model.history_]
    begun, ended = ([("start", "first")], [("end",)]) if active is None else ([], [])
    assert flow.calls == [*begun, *numbers, ("stopped", "max_epochs"), *ended]
    assert flow.parameters["margin"] == 1.0
    assert "orbit" not in flow.parameters  # no number and no text
    assert clone(model).callbacks[0].run_name == "first"


def test_the_real_tensorboard_reads_what_is_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model = DrLIM(**QUICK, callbacks=[TensorBoardWriter(tmp_path)]).fit(X)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    energies = [(event.step, event.value) for event in found.Scalars("energy")]
    assert energies == [(record["epoch"], pytest.approx(record["energy"])) for record in model.history_]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_the_real_mlflow_keeps_what_is_logged(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    model = DrLIM(**QUICK, callbacks=[MLflowWriter("first")]).fit(X)
    assert mlflow.active_run() is None
    run = mlflow.last_active_run()
    assert run.data.params["margin"] == "1.0"
    assert run.data.metrics["energy"] == model.history_[-1]["energy"]
    assert run.data.tags["stopped"] == "max_epochs"
