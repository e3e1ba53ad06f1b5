"""The benchmarks measure what they say: ratios on fakes, baselines equal to the library, every row at a tiny size."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import report, suite
from benchmarks.__main__ import main, run_all
from benchmarks.baselines import LabelledPairs, by_neighbor_list, compiled_loop, contrastive_loss, siamese_steps
from benchmarks.measuring import alternate, measured, peak_memory, ratio, reached, whole_peak
from benchmarks.points import spread_evenly, within_a_margin

from drlim import NeighborhoodGraph, make_encoder
from drlim.forces import all_pairs, graph_energy
from drlim.springs import Repulsion, make_springs

TINY = {
    "epoch": {"n": 60, "rounds": 2},
    "literal_loop": {"n": 60, "rounds": 1, "n_batches": 1, "batch_size": 10},
    "growth": {"n": 50, "factor": 4, "rounds": 2},
    "neighbor_list": {"n": 300, "rounds": 2},
    "one_margin": {"n": 100, "rounds": 2},
    "force_memory": {"n": 200},
    "collapsed_memory": {"n": 200},
    "transform": {"n": 50, "rounds": 1, "n_train": 40},
    "transform_places": {"n": 50, "rounds": 1, "n_train": 60},
    "jacobian": {"n": 30, "rounds": 1},
    "runtime": {"n": 20, "rounds": 1, "calls": 1, "n_train": 60, "onnx": False},
    "fit_memory": {"n": 20, "epochs": (1, 2)},
    "fit_memory_defaults": {"n": 20, "epochs": (1, 2)},
    "fit_memory_all": {"n": 20, "epochs": (1, 2)},
    "pairs": {"n": 100, "n_edges": 200},
    "label_graph": {"n": 100},
    "or": {"n": 100, "n_edges": 200},
    "and": {"n": 100, "n_edges": 200},
    "minus": {"n": 100, "n_edges": 200},
    "distributed": {"n": 60, "rounds": 1, "epochs": 1, "growth": (1100,), "names": ("defaults",)},
    "false_alarms": {"n": 30, "pages": ()},
    "overfitting": {"seeds": 1, "n_train": 60, "n_test": 40, "max_epochs": 2},
}
"""A size of each measurement that takes no time; the others have tests of their own."""


def test_the_ratio_is_the_median_over_rounds_of_one_side_over_the_other():
    value, (low, high) = ratio([1.0, 20.0, 3.0], [2.0, 10.0, 1.0])  # .5, 2, 3
    assert value == 2.0
    assert (low, high) == (1.25, 2.5)


def test_the_quartiles_of_one_round_are_that_round():
    assert ratio([3.0], [2.0]) == (1.5, (1.5, 1.5))


def test_sides_take_turns_after_one_untimed_call_each():
    calls = []
    times = alternate({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert "".join(calls) == "ab" + "ababab"
    assert {name: len(clocked) for name, clocked in times.items()} == {"a": 3, "b": 3}


def test_a_side_is_clocked_from_outside_unless_it_clocks_itself():
    times = alternate({"outside": lambda: time.sleep(0.02), "itself": lambda: 7.5}, rounds=2)
    assert all(0.02 <= clocked < 1.0 for clocked in times["outside"])
    assert times["itself"] == [7.5, 7.5]


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        (1.05, {"at_most": 1.05}, True),
        (1.06, {"at_most": 1.05}, False),
        (1.0, {"at_least": 1.0}, True),
        (0.9, {"at_least": 1.0}, False),
        (0.9, {}, None),
    ],
)
def test_a_bound_is_reached_on_its_own_side(value, bound, verdict):
    assert reached(measured("it", value, "ratio", **bound)) is verdict


@pytest.fixture
def resets_peak():
    """Skip where the system does not let a process reset its peak memory."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError as error:
        pytest.skip(f"the peak memory of this process cannot be reset: {error}")


@pytest.mark.usefixtures("resets_peak")
def test_peak_memory_sees_what_was_given_back_before_the_end():
    def hold() -> float:
        return float(np.ones(20_000_000).sum())  # 160 MB, gone when it returns

    grown = peak_memory(hold)
    assert 150e6 < grown < 260e6
    assert whole_peak() > grown


@pytest.mark.parametrize("d", [1, 2, 3])
def test_evenly_strewn_points_have_the_partners_promised(d):
    n = 4000
    Z = spread_evenly(n, d, in_range=20.0)
    assert Z.shape == (n, d)
    inside = (Z > 1).all(1) & (Z.amax(0) > Z + 1).all(1)
    partners = (torch.cdist(Z[inside].double(), Z.double()) < 1.0).sum(1) - 1
    assert partners.double().mean() == pytest.approx(20.0, rel=0.06)


def test_points_within_a_margin_are():
    assert torch.pdist(within_a_margin(200, 3)).max() < 1.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("points", [spread_evenly, within_a_margin])
def test_baselines_compute_what_the_library_computes(points, dtype):
    Z = points(700).to(dtype)
    Z[1] = Z[0]  # coincident points: full energy, no force
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    energy, gradient = all_pairs(Z, Repulsion(1.0))
    for baseline in (by_neighbor_list, compiled_loop):
        other, pull = baseline(Z, 1.0)
        assert other == pytest.approx(energy, rel=tolerance)
        assert (pull - gradient).norm() <= tolerance * gradient.norm()


def test_the_literal_loop_visits_every_pair_with_its_label():
    graph = NeighborhoodGraph.from_pairs(7, [(0, 1), (5, 2)])
    pairs = LabelledPairs(torch.arange(7.0)[:, None], graph)
    found = {tuple(sorted((int(a), int(b)))): label for a, b, label in (pairs[place] for place in range(len(pairs)))}
    assert len(pairs) == 21
    assert set(found) == set(itertools.combinations(range(7), 2))
    assert {pair for pair, label in found.items() if label == 0.0} == {(0, 1), (2, 5)}


def test_the_literal_loop_finds_the_last_of_the_pairs_of_60_000_samples():
    pairs = LabelledPairs(torch.arange(60_000.0)[:, None], NeighborhoodGraph.from_pairs(60_000, [(59_998, 59_999)]))
    assert [float(part) for part in pairs[len(pairs) - 1]] == [59_998.0, 59_999.0, 0.0]
    assert [float(part) for part in pairs[len(pairs) - 59_999]] == [0.0, 59_999.0, 1.0]


def test_the_literal_loop_adds_up_to_the_energy_of_the_graph():
    graph = NeighborhoodGraph.from_pairs(9, [(0, 1), (5, 2), (3, 8)])
    Z = torch.randn(9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pairs = LabelledPairs(Z, graph)
    first, second, label = map(torch.stack, zip(*[(a, b, torch.tensor(y)) for a, b, y in pairs_of(pairs)], strict=True))
    expected = graph_energy(Z, graph, make_springs(1.0))
    loss = float(contrastive_loss(first, second, label.double(), 1.0))
    assert loss == pytest.approx(expected.similar + expected.dissimilar, rel=1e-12)


def pairs_of(pairs):
    return [pairs[place] for place in range(len(pairs))]


def test_the_literal_loop_trains():
    X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    graph = NeighborhoodGraph.from_pairs(40, list(itertools.combinations(range(40), 2))[::2])
    torch.manual_seed(0)
    encoder = make_encoder("linear", (3,), 2)
    before = [weight.detach().clone() for weight in encoder.parameters()]
    losses = list(siamese_steps(encoder, X, graph, batch_size=50))
    assert len(losses) == 16  # 780 pairs, 50 at a time
    assert np.isfinite(losses).all()
    assert any((weight != old).any() for weight, old in zip(encoder.parameters(), before, strict=True))


@pytest.mark.parametrize("name", sorted(TINY))
def test_every_measurement_runs_and_states_itself(name):
    n_threads = torch.get_num_threads()
    lines = suite.run_here(name, **TINY[name])
    assert torch.get_num_threads() == n_threads
    assert lines
    for line in json.loads(json.dumps(lines)):
        assert set(line) == {"what", "value", "wanted", "sense", "unit", "spread", "parts", "notes"}
        assert np.isfinite(line["value"])
        assert line["what"]


def test_the_encoder_alone_is_sent_the_batches_that_training_sends():
    (line,) = suite.run_here("epoch", n=60, rounds=1)
    assert line["notes"] == "in 1 pieces of at most 60"


@pytest.mark.parametrize("name", sorted(suite.SUITE))
def test_the_suite_names_functions_that_exist(name):
    entry = suite.SUITE[name]
    path = suite.ROOT / "benchmarks" / f"{entry.module}.py"
    assert f"def {entry.function}(" in path.read_text(encoding="utf-8")


def done(value: float = 1.0, error: str | None = None) -> dict[str, object]:
    """An entry as a subprocess would leave it."""
    lines = [measured("it", value, "ratio", at_most=2.0)] if error is None else []
    return {"lines": lines, "error": error, "seconds": 1.0, "date": "2020-01-01", "commit": "abc"}


def test_a_miss_is_not_a_crash(tmp_path, capsys):
    assert run_all(["epoch"], ["cpu"], tmp_path / "a.json", lambda name, device: done(3.0)) == 0
    assert "**no**" in capsys.readouterr().out


def test_a_crash_is_reported_and_the_rest_still_runs(tmp_path, capsys):
    def run(name, device):
        return done(error="Traceback\nValueError: broken | pipe") if name == "epoch" else done()

    assert run_all(["epoch", "transform"], ["cpu"], tmp_path / "a.json", run) == 1
    out = capsys.readouterr().out
    assert "| `epoch` | | crashed: ValueError: broken / pipe | no |" in out
    assert "| it | at most 2 | 1 | yes |" in out


def test_results_of_another_run_on_this_machine_stay(tmp_path):
    path = tmp_path / "runs" / "a.json"
    run_all(["epoch"], ["cpu"], path, lambda name, device: done(1.0))
    run_all(["transform"], ["cpu"], path, lambda name, device: done(2.0))
    content = json.loads(path.read_text())
    assert {name: entry["lines"][0]["value"] for name, entry in content["results"]["cpu"].items()} == {
        "epoch": 1.0,
        "transform": 2.0,
    }
    assert content["machine"]["threads"] == torch.get_num_threads()
    assert content["machine"]["torch"] == torch.__version__


def test_results_of_another_machine_are_dropped(tmp_path):
    path = tmp_path / "a.json"
    report.write(path, {"cpu": {"epoch": done()}}, {"processor": "abacus"})
    run_all(["transform"], ["cpu"], path, lambda name, device: done())
    assert list(json.loads(path.read_text())["results"]["cpu"]) == ["transform"]


def test_a_gpu_gets_what_can_run_on_one_and_a_table_of_its_own(tmp_path, capsys):
    ran = []
    run_all(["epoch", "pairs"], ["cpu", "cuda"], tmp_path / "a.json", lambda *call: ran.append(call) or done())
    assert ran == [("epoch", "cpu"), ("pairs", "cpu"), ("epoch", "cuda")]
    assert "On a GPU (cuda):\n\n| what |" in capsys.readouterr().out


def test_the_table_is_in_the_order_of_the_suite():
    rows = report.table({"cpu": {name: done() for name in ["transform", "epoch"]}})
    assert rows == report.table({"cpu": {name: done() for name in ["epoch", "transform"]}})


def test_a_pipe_does_not_end_a_cell_of_the_table():
    line = measured("`a | b`", 1.0, "s")
    assert report.table({"cpu": {"or": {"lines": [line], "error": None}}}).endswith("| `a \\| b` |  | 1 s |  |")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0 / 3.0, "0.333"), (0.0, "0"), (1.0512, "1.05"), (12345.6, "12,346"), (100.4, "100")]
)
def test_numbers_have_three_digits(value, text):
    line = measured("it", value, "ratio")
    assert report.table({"cpu": {"epoch": {"lines": [line], "error": None}}}).endswith(f"| it |  | {text} |  |")


def test_the_command_runs_a_measurement_apart_and_prints_the_table_again(tmp_path, capsys, monkeypatch):
    script = tmp_path / "benchmarks" / "__main__.py"
    script.parent.mkdir()
    script.write_text("import json, sys; print('noise'); print(json.dumps([{'argv': sys.argv[1:]}]))")
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    entry = suite.run_apart("epoch", "cpu")
    assert entry["error"] is None
    assert entry["lines"] == [{"argv": ["--here", "epoch", "--device", "cpu"]}]
    report.write(tmp_path / "a.json", {"cpu": {"epoch": done()}}, {})
    assert main(["--table", "--out", str(tmp_path / "a.json")]) == 0
    assert "| it | at most 2 | 1 | yes |" in capsys.readouterr().out


def test_a_process_that_fails_leaves_its_last_words(tmp_path, monkeypatch):
    script = tmp_path / "benchmarks" / "__main__.py"
    script.parent.mkdir()
    script.write_text("raise SystemExit('no such thing')")
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    entry = suite.run_apart("epoch")
    assert entry["lines"] == []
    assert "no such thing" in entry["error"]


def test_a_wrong_name_is_refused_before_anything_runs(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["epoch", "speed"])
    assert stop.value.code == 2
    assert "unknown: speed" in capsys.readouterr().err


def test_the_page_says_how_every_number_is_measured():
    page = (suite.ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in suite.SUITE if f"`{name}`" not in page] == []


def test_what_runs_only_when_named_is_left_out_of_a_run_of_all(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("benchmarks.__main__.run_all", lambda names, devices, path: asked.extend(names) or 0)
    assert main(["--out", str(tmp_path / "a.json")]) == 0
    left_out = [name for name, entry in suite.SUITE.items() if not entry.unasked]
    assert {"flipped_labels", "overfitting", "explorer_million", "false_alarms"} <= set(left_out)
    assert asked == [name for name in suite.SUITE if name not in left_out]
    assert main(["flipped_labels"]) == 0
    assert asked[-1] == "flipped_labels"


def test_a_measurement_run_here_prints_its_lines_as_json(capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.force_pass.memory", lambda device: measured(f"on {device}", 1.0, "GB"))
    assert main(["--here", "force_memory"]) == 0
    assert [line["what"] for line in json.loads(capsys.readouterr().out)] == ["on cpu"]


def test_two_different_answers_are_not_raced(monkeypatch):
    monkeypatch.setattr("benchmarks.force_pass.by_neighbor_list", lambda Z, margin: (1.0, torch.zeros_like(Z)))
    with pytest.raises(ArithmeticError, match="The two sides differ"):
        suite.run_here("neighbor_list", n=300, rounds=1)
