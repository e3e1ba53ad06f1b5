"""Training on by statements: what is stated is followed, what is not stays, and the old model is left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from drlim import DrLIM, NeighborhoodGraph, NeighborMap, load, save
from drlim.estimators.correcting import corrected, named_samples
from drlim.explorer import contents_of
from drlim.explorer.editing.retraining import Retraining, drift_of, free_path, statement_weights
from drlim.explorer.editing.statement import read_statement

N = 120
ALIKE = {"kind": "alike", "samples": [0, 1, 40, 41]}
APART = {"kind": "not alike", "samples": [80, 81], "others": [82, 83]}


@pytest.fixture(scope="module")
def X() -> np.ndarray:  # noqa: N802
    """Return three groups of 40 samples each."""
    rng = np.random.default_rng(0)
    centres = np.repeat(4 * rng.normal(size=(3, 5)), 40, axis=0)
    return (centres + rng.normal(size=(N, 5))).astype(np.float32)


@pytest.fixture(scope="module", params=["DrLIM", "NeighborMap"])
def model(request: pytest.FixtureRequest, X: np.ndarray) -> DrLIM | NeighborMap:
    kind = {"DrLIM": DrLIM, "NeighborMap": NeighborMap}[request.param]
    return kind(max_epochs=20, random_state=0, verbose=False).fit(X)


def statements(*given: dict[str, object]) -> list[object]:
    return [read_statement(one, N) for one in given]


def run(retraining: Retraining, said: list[object]) -> dict[str, object]:
    retraining.start(said)
    retraining.thread.join(120)
    return retraining.report()


def length(Z: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    return float(np.mean([np.linalg.norm(Z[i] - Z[j]) for i, j in pairs]))


def test_the_map_follows_and_the_old_model_is_as_it_was(model, X, tmp_path) -> None:
    before, kept = model.transform(X), model.get_params()
    saved: list[object] = []

    def saving(trained: object) -> Path:
        saved.append(trained)
        return tmp_path / "new.safetensors"

    retraining = Retraining(model, X, saving)
    report = run(retraining, statements(ALIKE, APART))
    assert report["phase"] == "done", report
    after = retraining.positions()
    across = [(i, j) for i in (0, 1) for j in (40, 41)]
    assert length(after, across) < 0.9 * length(before, across)
    parted = [(80, 82), (80, 83), (81, 82), (81, 83)]
    assert length(after, parted) > length(before, parted)
    assert np.array_equal(model.transform(X), before)
    assert saved == [retraining.model]
    assert retraining.model.get_params() == kept
    assert np.array_equal(retraining.model.transform(X), retraining.model.embedding_)
    assert retraining.model.graph_.similar.weight_of([0], [40])[0] > 0
    assert retraining.model.graph_.dissimilar.weight_of([80], [82])[0] > 0
    moved = np.linalg.norm(after.astype(float) - before, axis=1)
    named = np.array([0, 1, 40, 41, 80, 81, 82, 83])
    others = np.setdiff1d(np.arange(N), named)
    assert report["drift"] == drift_of(moved, others, before)
    assert np.median(moved[others]) < 0.5 * np.median(moved[named])
    assert len(report["epochs"]) == report["of"]
    assert report["warnings"] == []


def test_what_is_undone_leaves_no_trace_in_the_next_training(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    retraining = Retraining(model, X, lambda _: Path("new"))
    run(retraining, statements(ALIKE))
    first = retraining.model
    run(retraining, statements(APART))
    assert first.graph_.similar.weight_of([0], [41])[0] > 0
    assert retraining.model.graph_.similar.weight_of([0], [41])[0] == 0
    untouched = np.setdiff1d(np.arange(N), [80, 81, 82, 83])
    assert retraining.model.graph_.subgraph(untouched) == model.graph_.subgraph(untouched)


def test_samples_that_take_no_part_are_neither_trained_on_nor_held(X, monkeypatch) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    seen = []
    original = DrLIM.partial_fit

    def watched(self, rows, **given):
        seen.append((len(rows), len(given["anchor"]), given["graph"].n_samples))
        return original(self, rows, **given)

    monkeypatch.setattr(DrLIM, "partial_fit", watched)
    run(Retraining(model, X, lambda _: Path("new")), statements(ALIKE, {"kind": "ignore", "samples": [1, 5, 6]}))
    assert seen == [(3, N - 6, N - 3)]


def test_labels_of_all_samples_need_no_anchor(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    labels = [{"kind": "label", "samples": list(range(40 * g, 40 * g + 40)), "label": str(g)} for g in range(3)]
    report = run(Retraining(model, X, lambda _: Path("new")), statements(*labels))
    assert report["phase"] == "done", report
    assert report["drift"]["held"] == {"n": 0, "quantiles": []}


def test_other_samples_than_those_trained_on_are_corrected_by_their_neighbours(X) -> None:
    for kind in (DrLIM, NeighborMap):
        model = kind(max_epochs=3, random_state=0, verbose=False).fit(X[:100])
        retraining = Retraining(model, X, lambda _: Path("new"))
        assert retraining.positions().shape == (N, 2)
        report = run(retraining, statements(ALIKE))
        assert report["phase"] == "done", report
        assert retraining.model.embedding_.shape == (N, 2)


def test_a_training_that_fails_says_why_and_the_next_one_can_begin(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)

    def full(_: object) -> Path:
        raise OSError(28, "No space left on device", "/somewhere/new.safetensors")

    retraining = Retraining(model, X, full)
    report = run(retraining, statements(ALIKE))
    assert (report["phase"], "No space left" in report["error"]) == ("failed", True)
    assert retraining.model is model
    retraining._save = lambda _: Path("new.safetensors")
    assert run(retraining, statements(ALIKE))["phase"] == "done"


def test_nothing_stated_and_a_training_that_runs_are_refused(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    go = threading.Event()

    def waiting(_: object) -> Path:
        go.wait(60)
        return Path("new")

    retraining = Retraining(model, X, waiting)
    assert retraining.report() == {"phase": "none"}
    for said in ([], statements({"kind": "ignore", "samples": [3]})):
        with pytest.raises(ValueError, match="nothing to learn"):
            retraining.start(said)
    retraining.start(statements(ALIKE))
    with pytest.raises(ValueError, match="A training runs"):
        retraining.start(statements(ALIKE))
    go.set()
    retraining.thread.join(60)
    assert retraining.report()["phase"] == "done"


def test_a_training_that_is_cancelled_leaves_the_map_and_the_files(model, X) -> None:
    """It ends after the epoch in which it was cancelled, saves nothing, and the next training goes to its end."""
    saved: list[object] = []

    def saving(trained: object) -> Path:
        saved.append(trained)
        return Path("new.safetensors")

    retraining = Retraining(model, X, saving)
    before = model.transform(X)
    began, go = threading.Event(), threading.Event()

    class Holding:
        """Waits in the first epoch, so that the training is cancelled there."""

        def __deepcopy__(self, memo: object) -> Holding:
            return self

        def on_epoch_end(self, record: object, model_state: object) -> None:
            began.set()
            assert go.wait(60)

    own = model.callbacks
    model.callbacks = [Holding()]
    try:
        retraining.start(statements(ALIKE))
        assert began.wait(60)
        assert retraining.report()["cancelling"] is False
        retraining.cancel()
        assert retraining.report()["cancelling"] is True
        go.set()
        retraining.thread.join(60)
    finally:
        model.callbacks = own
    report = retraining.report()
    assert (report["phase"], len(report["epochs"])) == ("cancelled", 1)
    assert report["of"] > 1
    assert "moved" not in report
    assert saved == []
    assert retraining.model is model
    assert np.array_equal(model.transform(X), before)
    with pytest.raises(ValueError, match="No training runs"):
        retraining.cancel()
    report = run(retraining, statements(ALIKE))
    assert (report["phase"], report["moved"], len(saved)) == ("done", True, 1)
    assert retraining.model.callbacks == own


def test_a_map_that_is_being_saved_is_cancelled_no_more(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    saving, go = threading.Event(), threading.Event()

    def slow(_: object) -> Path:
        saving.set()
        assert go.wait(60)
        return Path("new")

    retraining = Retraining(model, X, slow)
    with pytest.raises(ValueError, match="No training runs"):
        retraining.cancel()
    retraining.start(statements(ALIKE))
    assert saving.wait(60)
    with pytest.raises(ValueError, match="is being saved"):
        retraining.cancel()
    go.set()
    retraining.thread.join(60)
    assert retraining.report()["phase"] == "done"


def test_a_cancel_between_training_and_saving_saves_nothing(X, monkeypatch) -> None:
    from drlim.explorer.editing import retraining as module

    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    retraining = Retraining(model, X, lambda _: pytest.fail("it was saved"))

    def cancelled_at_the_end(*args: object, **options: object) -> object:
        found = corrected(*args, **options)
        retraining.cancel()
        return found

    monkeypatch.setattr(module, "corrected", cancelled_at_the_end)
    assert run(retraining, statements(ALIKE))["phase"] == "cancelled"


def test_a_statement_weighs_alike_whatever_its_size() -> None:
    said = statements(ALIKE, APART, {"kind": "alike", "samples": [0], "others": list(range(1, 11))})
    weights = statement_weights(said, 3.0, 8.0)
    assert weights == [1.0, 4.0, pytest.approx(0.3)]


def test_named_samples_are_those_of_pairs_and_of_labels() -> None:
    from drlim import label_graph

    assert named_samples(label_graph([None, "a", None, "b"])).tolist() == [1, 3]
    ignored = NeighborhoodGraph.from_pairs(5, [], dissimilar=[], ignored=[(1, 4)])
    assert named_samples(ignored).tolist() == [1, 4]


def test_nothing_stated_of_those_who_take_part_is_refused(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    stated = NeighborhoodGraph.from_pairs(N, [(0, 1)], dissimilar=[])
    with pytest.raises(ValueError, match="nothing is to be learned"):
        corrected(model, X, stated, without=np.array([0, 1]))
    with pytest.raises(ValueError, match="stated"):
        corrected(model, X[:50], stated)


def test_the_new_model_is_saved_beside_the_old_one_and_never_over_a_file(X, tmp_path) -> None:
    path = tmp_path / "map.safetensors"
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0, verbose=False).fit(X)
    save(model, path)
    old = path.read_bytes()
    for number in (1, 2):
        found = free_path(path)
        assert found.name == f"map.retrained-{number}.safetensors"
        stated = NeighborhoodGraph.from_pairs(N, [(0, 1)], dissimilar=[])
        save(corrected(model, X, stated).model, found)
        assert load(found).graph_.similar.weight_of([0], [1])[0] > 0
    assert path.read_bytes() == old


def test_samples_move_along_the_space_of_a_map(X) -> None:
    """On a circle no sample is farther from where it was than half round, whatever its angle was."""
    model = DrLIM(space="circle", max_epochs=5, random_state=0, verbose=False).fit(X)
    found = corrected(model, X, NeighborhoodGraph.from_pairs(N, [(0, 50), (1, 60)], dissimilar=[]))
    before, after = (one.transform(X)[:, 0].astype(float) for one in (model, found.model))
    radius = model.space_.factors[0].radius
    turned = np.abs(after - before)
    wanted = radius * np.minimum(turned, 2 * np.pi - turned)
    assert np.abs(found.moved - wanted).max() < 1e-3 * radius


def test_a_map_on_a_circle_is_sent_as_the_ring_that_the_page_shows(X) -> None:
    model = DrLIM(space="circle", max_epochs=2, random_state=0, verbose=False).fit(X)
    retraining = Retraining(model, X, lambda _: Path("new"))
    shown = contents_of(model, X).arrays["positions"]
    assert np.array_equal(retraining.positions().astype(np.float32), shown)
    assert run(retraining, statements(ALIKE))["phase"] == "done"
    ring = retraining.positions()
    turned = np.arctan2(ring[:, 1], ring[:, 0]) - retraining.model.embedding_[:, 0]
    assert np.abs(np.cos(turned) - 1).max() < 1e-6
