"""The paper's experiments: small versions of each, of which the kind of result is asserted, and the page of all.

Each kind is a function of a report, so that the same function can be seen to fail on a broken loss.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drlim import DrLIM, datasets, make_springs, paper
from drlim.paper import airplane, airplane_lle, comparison, shifted, shifted_lle, shifted_prior, springs, topology
from drlim.paper.page import write_page
from drlim.paper.report import Report, Row
from drlim.paper.rotatable import rotatable_page

DIGITS: dict[str, Any] = {
    "n_train": 150,
    "n_test": 80,
    "encoder": "mlp",
    "batch_size": 250,
    "interactions": "all",
    "learning_rate": 4e-3,
    "max_epochs": 40,
    "tol": 0.0,
}
AIRPLANE: dict[str, Any] = {
    "optimizer": "adam",
    "batch_size": "all",
    "learning_rate": 2e-3,
    "max_epochs": 150,
    "dissimilar_weight": 1.0,
}
exact = make_springs(1.0)
BROKEN = {
    "nothing repels": (exact.similar.energy, lambda distance: 0.0 * distance),
    "nothing attracts": (lambda distance: 0.0 * distance, exact.dissimilar.energy),
    "labels exchanged": (exact.dissimilar.energy, exact.similar.energy),
}

needs_ripser = pytest.mark.skipif(importlib.util.find_spec("ripser") is None, reason="ripser is optional")


def number(report: Report, begins: str) -> float:
    (found,) = [row.measured for row in report.rows if row.number.startswith(begins)]
    return found


def clusters_by_shift(report: Report) -> bool:
    """Position tells the shift, and what is organised within one."""
    return number(report, "shift from position") > 0.8 and number(report, "trustworthiness within") > 0.7


def knows_no_shift(report: Report) -> bool:
    """Position does not tell the shift, copies are together, and the map is still organised."""
    return (
        number(report, "shift from position") < 0.3
        and number(report, "variance within an orbit of translations") < 0.1
        and number(report, "variance within an orbit / total, shifts never seen") < 0.15
        and number(report, "trustworthiness") > 0.7
    )


def is_cylinder(report: Report) -> bool:
    """Pose can be read off, light does not show, and one loop stands out."""
    return (
        min(row.measured for row in report.rows if row.number.startswith("R2 of")) > 0.9
        and number(report, "variance within a pose") < 0.02
        and number(report, "longest H1 bar / next, the whole map") > 2
    )


def passes(kind: Any, module: Any, folder: Path, **parameters: Any) -> bool:
    """Whether an experiment gives its kind of result; a map that has collapsed is refused by the metrics."""
    try:
        return bool(kind(module.reproduce(folder, **parameters)))
    except ValueError as error:
        if "coincide" not in str(error):
            raise
        return False


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in [(shifted, "draw"), (shifted_prior, "draw"), (airplane, "draw"), (airplane, "_draw_model")]:
        monkeypatch.setattr(module, name, lambda *_: None)


@pytest.fixture
def small_airplane(monkeypatch: pytest.MonkeyPatch) -> None:
    data = datasets.turntable()
    small = replace(data, images=data.images[:, ::4, ::4].copy())  # (972, 24, 24)
    monkeypatch.setattr(airplane, "views", lambda: (small, "turntable, small"))
    monkeypatch.setattr(airplane_lle, "views", airplane.views)


@pytest.fixture(scope="module")
def without_prior(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return shifted.reproduce(tmp_path_factory.mktemp("shifted"), **DIGITS)


@pytest.fixture(scope="module")
def with_prior(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return shifted_prior.reproduce(tmp_path_factory.mktemp("prior"), **DIGITS)


# --- kinds of result ----------------------------------------------------------------------------------------------


def test_without_the_prior_there_are_clusters_by_shift(without_prior: Report) -> None:
    assert clusters_by_shift(without_prior)
    assert not knows_no_shift(replace(without_prior, rows=[*without_prior.rows, *_rows_of_orbits()]))


def _rows_of_orbits() -> list[Row]:
    return [Row("variance within an orbit of translations / total", 0.0), Row("trustworthiness of the unshifted", 1.0)]


def test_with_the_prior_position_tells_nothing_of_the_shift(with_prior: Report) -> None:
    assert knows_no_shift(with_prior)


@needs_ripser
def test_the_airplane_lies_on_a_cylinder(tmp_path: Path, small_airplane: None) -> None:
    report = airplane.reproduce(tmp_path, **AIRPLANE)
    assert is_cylinder(report)
    assert report.details["data"] == "turntable, small"
    assert report.details["notes"] == []


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    ("module", "kind"), [(shifted, clusters_by_shift), (shifted_prior, knows_no_shift)], ids=["shifted", "prior"]
)
def test_a_broken_loss_does_not_pass_on_digits(
    module: Any, kind: Any, broken: str, tmp_path: Path, no_pictures: None
) -> None:
    assert not passes(kind, module, tmp_path, **DIGITS, springs=BROKEN[broken])


@needs_ripser
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_loss_does_not_pass_on_the_airplane(
    broken: str, tmp_path: Path, small_airplane: None, no_pictures: None
) -> None:
    assert not passes(is_cylinder, airplane, tmp_path, **AIRPLANE, springs=BROKEN[broken])


def test_relations_of_the_experiments_are_the_papers(without_prior: Report, with_prior: Report) -> None:
    """(a), (b) and (c): 25 pairs of copies for each pair of neighbours, and 10 within each orbit."""
    from drlim import knn_graph

    neighbours = knn_graph(datasets.digits49().X_train[:150], n_neighbors=5).n_similar
    assert with_prior.details["n_similar"] == 25 * neighbours + 10 * 150
    assert without_prior.details["n_similar"] < 5 * 5 * 150  # five each, fewer where they are mutual
    data = datasets.turntable()
    graph = airplane.relations(data.metadata)
    assert graph.n_similar == 36 * (18 * 9 + 18 * 8) + 162 * 15  # contiguous cells, and lights of one pose
    first = {name: values[0] for name, values in data.metadata.items()}
    around = {int(data.metadata["azimuth"][row]) for row in graph.neighbors(0)}
    assert (first["azimuth"], around) == (0, {0, 20, 340})


def test_lle_of_the_translated_digits_is_worse(tmp_path: Path, without_prior: Report) -> None:
    report = shifted_lle.reproduce(tmp_path, n_train=100, n_test=80)
    assert number(report, "trustworthiness within") < number(without_prior, "trustworthiness within") - 0.02
    # Degenerate: most samples in one heap, where the learned map is spread.
    heap = "share of samples in the densest"
    assert 1 >= number(report, heap) > 1.5 * number(without_prior, heap)
    assert report.details["subsample"].startswith("fitted on 100 digits x 5 shifts")
    assert (tmp_path / "density.png").is_file()


def test_the_densest_share_of_maps_solved_by_hand() -> None:
    grid = np.stack(np.meshgrid(np.arange(100), np.arange(100)), axis=-1).reshape(-1, 2)
    assert shifted.densest_share(grid) == 0.01  # one sample in each cell
    assert shifted.densest_share(np.concatenate([np.zeros((99, 2)), np.ones((1, 2))])) == 1.0


def test_lle_of_the_airplane_does_not_pass(tmp_path: Path, small_airplane: None) -> None:
    report = airplane_lle.reproduce(tmp_path)
    assert not is_cylinder(report)
    assert all(row.reached is None for row in report.rows)
    assert 0 <= number(report, "lighting from position") <= 1


# --- the method itself --------------------------------------------------------------------------------------------


def test_points_come_to_rest_where_the_forces_balance(tmp_path: Path) -> None:
    report = springs.reproduce(tmp_path)
    assert all(row.reached is not False for row in report.rows)
    assert {path.name for path in tmp_path.iterdir()} == {*springs.FIGURES, "report.json"}


def test_a_broken_law_does_not_come_to_the_rest_worked_out_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(springs, "make_springs", lambda margin: make_springs(2 * margin))
    (row,) = springs._by_hand()
    assert row.reached is False


# --- topology -----------------------------------------------------------------------------------------------------


@needs_ripser
def test_one_loop_stands_out_of_a_cylinder_and_none_of_a_ball() -> None:
    rng = np.random.default_rng(0)
    angle, height = rng.uniform(0, 2 * np.pi, 300), rng.uniform(0, 1, 300)
    cylinder = np.column_stack([np.cos(angle), np.sin(angle), height])
    assert topology.loop_ratio(cylinder) > 3
    assert topology.loop_ratio(rng.normal(size=(300, 3))) < 2
    assert topology.loop_ratio(np.zeros((5, 3))) == 0.0
    assert topology.loop_ratio(7 * cylinder) == pytest.approx(topology.loop_ratio(cylinder), rel=1e-4)


@needs_ripser
def test_two_loops_do_not_stand_out() -> None:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    assert topology.loop_ratio(np.concatenate([circle, circle + np.array([5.0, 0.0])])) == pytest.approx(1, rel=1e-3)


def test_without_ripser_there_is_a_clear_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_airplane: None, no_pictures: None
) -> None:
    monkeypatch.setitem(sys.modules, "ripser", None)
    message = 'Persistent homology needs ripser, which is not installed. Install it with: pip install "drlim[topology]"'
    with pytest.raises(ImportError, match=re.escape(message)):
        topology.loop_ratio(np.eye(3))
    report = airplane.reproduce(tmp_path, **{**AIRPLANE, "max_epochs": 2})
    assert report.details["notes"] == [message]
    assert not any("H1" in row.number for row in report.rows)


# --- what is read and what is bounded -----------------------------------------------------------------------------


def test_the_airplane_is_norbs_only_where_its_files_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DRLIM_DATA", raising=False)
    assert airplane.views()[1] == "turntable, a rendered stand-in for NORB"
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path))
    assert airplane.views()[1].startswith("turntable, a rendered stand-in for NORB. No file of ")
    stand_in = datasets.turntable()
    monkeypatch.setattr(datasets, "small_norb_airplane", lambda: stand_in)
    assert airplane.views() == (stand_in, "small NORB, aeroplane 4")


def test_the_prior_is_held_against_the_digits_beside_it(tmp_path: Path) -> None:
    assert shifted_prior.quality_of_digits(tmp_path) == 0.845
    Report("digits", [Row("trustworthiness (10 neighbours)", 0.87, at_least=0.845)], 1.0, tmp_path).write()
    assert shifted_prior.quality_of_digits(tmp_path) == 0.87
    copies = shifted.translated(datasets.digits49().X_test[:40])
    rows = shifted_prior.judge(np.random.default_rng(0).normal(size=(200, 2)), copies, 0.87)
    assert {row.at_least for row in rows} == {None, 0.86}


def test_samples_are_shifted_by_what_is_said() -> None:
    copies = shifted.translated(datasets.digits49().X_test[:2])
    assert shifted.pixels_shifted(copies).tolist() == [0, 0, -6, -6, -3, -3, 3, 3, 6, 6]
    np.testing.assert_array_equal(copies.X[6, :, 3:], copies.X[0, :, :-3])
    assert not copies.X[6, :, :3].any()


# --- comparison ---------------------------------------------------------------------------------------------------


@pytest.fixture
def line() -> comparison.Task:
    X = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)
    return comparison.Task("line", X[:80], X[80:], 2, lambda Z: {"width": float(np.ptp(Z))}, {"mine": "DrLIM"}, 50)


def test_every_method_is_judged_on_the_test_images(tmp_path: Path, line: comparison.Task) -> None:
    from drlim import save

    model = DrLIM(max_epochs=1, random_state=0).fit(line.X_train)
    (tmp_path / "mine").mkdir()
    save(model, tmp_path / "mine" / "model.safetensors")
    Report("mine", [], 0.0, tmp_path / "mine", {"n_train": 80}).write()
    report = comparison.reproduce(tmp_path / "comparison", chosen=[line])
    table = report.details["table"]
    found = {row[1]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
    assert list(found)[:5] == ["DrLIM", "PCA", "Isomap", "LLE", "t-SNE"]
    assert found["DrLIM"]["width"] == pytest.approx(np.ptp(model.transform(line.X_test)))
    assert found["DrLIM"]["fitted on"] == found["PCA"]["fitted on"] == "80 training"
    assert found["Isomap"]["fitted on"] == "50 training"
    assert found["t-SNE"]["fitted on"] == "the 40 test images themselves"
    assert [found[name]["maps new images"] for name in ("PCA", "t-SNE")] == ["yes", "no"]
    assert number(report, "line, PCA: width") == found["PCA"]["width"]


def test_what_cannot_be_compared_is_said(
    tmp_path: Path, line: comparison.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "find_spec", lambda _: None)
    monkeypatch.setattr(comparison, "METHODS", {name: comparison.METHODS[name] for name in ("PCA", "UMAP")})
    report = comparison.reproduce(tmp_path / "comparison", chosen=[line])
    assert report.details["notes"] == [
        "UMAP is not installed, and left out.",
        "DrLIM is left out of line: run mine first.",
    ]
    assert len(report.rows) == 1


# --- the page and the list ----------------------------------------------------------------------------------------


def report_of(folder: Path, name: str = "airplane <1>") -> Report:
    (folder / "map.png").write_bytes(b"\x89PNG picture")
    (folder / "rotatable.html").write_text('<script>"a&b"</script>')
    details = {"figures": {"map.png": "A <map>."}, "notes": ["a note"], "data": "turntable", "parameters": {"m": 1.0}}
    rows = [Row("R2", 0.5, at_least=0.99), Row("ratio", 0.001, at_most=0.002), Row("free", 3.0)]
    return Report(name, rows, 61.0, folder, details)


def test_the_page_holds_everything_and_fetches_nothing(tmp_path: Path) -> None:
    write_page([report_of(tmp_path)], tmp_path / "index.html", {"airplane <1>": "views of <one>"})
    page = (tmp_path / "index.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:image/png;base64,|#)""", page)
    assert "http" not in page
    assert "import(" not in page
    assert base64.b64encode(b"\x89PNG picture").decode() in page
    for text in (
        "A &lt;map&gt;.",
        "airplane &lt;1&gt;",
        "Views of &lt;one&gt;.",
        "a note",
        "turntable",
        "61 s",
        "m=1.0",
    ):
        assert text in page
    assert 'srcdoc="&lt;script&gt;&quot;a&amp;b&quot;&lt;/script&gt;"' in page
    assert '<td>0.5</td><td>at least 0.99</td><td class="short">short</td>' in page
    assert '<td>0.001</td><td>at most 0.002</td><td class="reached">reached</td>' in page
    assert "<td>3</td><td>reported</td>" in page
    assert f"torch {torch.__version__}" in page


def test_the_page_shows_a_table_with_its_gaps(tmp_path: Path) -> None:
    table = {"columns": ["method", "trust"], "rows": [["PCA", 0.123456], ["t-SNE", None]]}
    write_page([Report("comparison", [], 1.0, tmp_path, {"table": table})], tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text()
    assert "<tr><td>PCA</td><td>0.1235</td></tr><tr><td>t-SNE</td><td></td></tr>" in page


def test_a_map_that_turns_is_whole_and_safe() -> None:
    page = rotatable_page(np.eye(3), {"</script>": [0, 1, 2], "azimuth": [0, 20, 40]}, cyclic=["azimuth"])
    assert page.count("</script>") == 1
    data = json.loads(re.search(r"const data = (.*);\n", page)[1])  # type: ignore[index]
    assert list(data["colourings"]) == ["</script>", "azimuth"]
    assert data["cyclic"] == ["azimuth"]
    np.testing.assert_allclose(np.linalg.norm(data["points"], axis=1).max(), 1, atol=1e-3)


@pytest.fixture
def short_list(monkeypatch: pytest.MonkeyPatch, small_airplane: None) -> list[str]:
    names = ["springs", "airplane-lle", "all"]
    monkeypatch.setattr(paper, "EXPERIMENTS", {name: paper.EXPERIMENTS[name] for name in names})
    return names


def test_all_runs_everything_and_writes_one_page(tmp_path: Path, short_list: list[str]) -> None:
    report = paper.reproduce("all", tmp_path)
    assert report.experiment == "all"
    assert {row.number.split(":")[0] for row in report.rows} == {
        "springs",
        "airplane-lle",
        "wall time, minutes, on two cores",
    }
    assert report.rows[-1].at_most == 20
    page = (tmp_path / "index.html").read_text()
    assert page.count("data:image/png;base64,") == len(springs.FIGURES) + len(airplane_lle.FIGURES)
    assert page.count("<iframe") == 1
    written = json.loads((tmp_path / "report.json").read_text())
    assert set(written["details"]["seconds"]) == {"springs", "airplane-lle"}
    assert (tmp_path / "springs" / "report.json").is_file()


def test_every_experiment_of_the_list_has_its_module() -> None:
    from importlib import import_module

    for name in paper.EXPERIMENTS:
        if name != "all":
            assert callable(import_module(f"drlim.paper.{name.replace('-', '_')}").reproduce)


def test_an_unknown_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape("Got 'plane' instead.")):
        paper.reproduce("plane", tmp_path)
