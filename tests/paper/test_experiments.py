"""Small versions of the experiments give the kind of result of the paper, and fail to with a broken loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.paper.kinds import AIRPLANE, DIGITS, clusters_by_shift, is_cylinder, knows_no_shift, needs_ripser, number

from drlim import datasets, make_springs
from drlim.paper import airplane, airplane_cylinder, airplane_lle, digits, shifted, shifted_lle, shifted_prior
from drlim.paper.report import Report, Row

exact = make_springs(1.0)

BROKEN = {
    "nothing repels": (exact.similar.energy, lambda distance: 0.0 * distance),
    "nothing attracts": (lambda distance: 0.0 * distance, exact.dissimilar.energy),
    "labels exchanged": (exact.dissimilar.energy, exact.similar.energy),
}


def passes(kind: Any, module: Any, folder: Path, **parameters: Any) -> bool:
    """Whether an experiment gives its kind of result; a map that has collapsed is refused by the metrics."""
    try:
        return bool(kind(module.reproduce(folder, **parameters)))
    except ValueError as error:
        if "coincide" not in str(error):
            raise
        return False


@pytest.fixture(scope="module")
def without_prior(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return shifted.reproduce(tmp_path_factory.mktemp("shifted"), **DIGITS)


@pytest.fixture(scope="module")
def with_prior(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return shifted_prior.reproduce(tmp_path_factory.mktemp("prior"), **DIGITS)


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


class Interrupting:
    """A person who gives up after the first epoch."""

    def on_epoch_end(self, *_: object) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("module", [shifted, shifted_prior, airplane, airplane_cylinder, digits])
def test_an_interrupted_training_is_not_judged(
    module: Any, tmp_path: Path, small_airplane: None, no_pictures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MODEL", {**module.MODEL, "callbacks": [Interrupting()]})
    small = {} if module is digits else {"n_train": 60}
    with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match="interrupted after 1 of"):
        module.reproduce(tmp_path, **small)
    assert not (tmp_path / "report.json").exists()
    assert not (tmp_path / "model.safetensors").exists()


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
    assert number(report, "lighting from position") < 0.5  # chance is .17


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


def test_the_airplane_lies_on_a_circle_and_a_line(tmp_path: Path, small_airplane: None) -> None:
    report = airplane_cylinder.reproduce(tmp_path, max_epochs=30)
    measured = {row.number: row.measured for row in report.rows}
    assert measured["circular correlation of angle and azimuth"] > 0.95
    assert measured["R2 of elevation, from the length alone"] > 0.9
    assert all((tmp_path / name).stat().st_size > 0 for name in airplane_cylinder.FIGURES)
