"""Curves of the springs, of training, and of a relaxation."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plotting.drawn import RECORD, TRIPLE, lines, render

from drlim.plotting import (
    plot_history,
    plot_relaxation,
    plot_springs,
)
from drlim.springs import CauchyRepulsion, LogAttraction, make_springs


@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_springs_are_the_papers(margin: float) -> None:
    energies, forces = plot_springs(margin)
    d, energy_similar = lines(energies)["$L_S$, similar pair"]
    _, energy_dissimilar = lines(energies)["$L_D$, dissimilar pair"]
    _, attraction = lines(forces)["$-dL_S/dD_W$, similar pair"]
    _, repulsion = lines(forces)["$-dL_D/dD_W$, dissimilar pair"]
    inside = np.where(d < margin, margin - d, 0.0)
    assert d.min() == 0.0
    assert d.max() > 1.5 * margin
    assert np.isclose(d, margin).any()
    np.testing.assert_allclose(energy_similar, d**2 / 2, atol=1e-12)
    np.testing.assert_allclose(energy_dissimilar, inside**2 / 2, atol=1e-12)
    np.testing.assert_allclose(attraction, -d, atol=1e-12)
    np.testing.assert_allclose(repulsion, inside, atol=1e-12)
    for ax in (energies, forces):
        assert ax.get_xlabel() == "distance $D_W$"
        assert [text.xy[0] for text in ax.texts if text.get_text() == "$m$"] == [margin]
        assert any(np.all(np.asarray(line.get_xdata()) == margin) for line in ax.lines)


def test_springs_of_ones_own() -> None:
    springs = make_springs(laws=(lambda d: d, lambda d: (-d).exp()))
    energies, forces = plot_springs(3.0, springs=springs)
    d, energy = lines(energies)["$L_D$, dissimilar pair"]
    np.testing.assert_allclose(energy, np.exp(-d))
    np.testing.assert_allclose(lines(forces)["$-dL_D/dD_W$, dissimilar pair"][1], np.exp(-d))
    np.testing.assert_allclose(lines(forces)["$-dL_S/dD_W$, similar pair"][1], -1.0)
    assert d.max() > 4.5
    assert not [text for text in energies.texts if text.get_text() == "$m$"]  # no reach, no mark


@pytest.mark.parametrize(
    "laws",
    [
        None,
        (LogAttraction(), CauchyRepulsion()),
        (lambda d: d, lambda d: 1 / (1 + d)),
        (lambda d: d**2 / 2, lambda d: (-d).exp()),
    ],
)
def test_the_legend_of_forces_covers_neither_a_text_nor_a_line(laws) -> None:
    _, forces = plot_springs(springs=laws)
    render(forces.figure)
    covered = forces.get_legend().get_window_extent()
    drawn = [line for line in forces.lines if line.get_label().startswith("$")]
    points = np.concatenate([forces.transData.transform(line.get_xydata()) for line in drawn])
    assert not any(covered.contains(*point) for point in points)
    assert not any(covered.overlaps(text.get_window_extent()) for text in forces.texts)


def test_springs_on_given_axes() -> None:
    pair = Figure().subplots(1, 2)
    energies, forces = plot_springs(axes=pair)
    assert (energies, forces) == tuple(pair)


def test_history_is_drawn_as_it_is() -> None:
    history = [{**RECORD, "epoch": 1 + i, "energy": 0.5 - 0.1 * i, "seconds": 2.0} for i in range(3)]
    ax = plot_history(history)
    drawn = lines(ax)
    assert len(drawn) == 3
    np.testing.assert_array_equal(drawn["energy that training lowers"], [[1, 2, 3], [0.5, 0.4, 0.3]])
    np.testing.assert_array_equal(drawn["mean $L_S$, similar pairs"][1], [0.1] * 3)
    np.testing.assert_array_equal(drawn["mean $L_D$, dissimilar pairs"][1], [0.4] * 3)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "energy", "linear")
    render(ax.figure)
    ticks = [float(tick) for tick in ax.get_xticks() if 0.5 <= tick <= 3.5]
    assert ticks == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("least", "scale"), [(0.006, "linear"), (0.004, "log"), (0.0, "linear")])
def test_scale_is_logarithmic_beyond_two_decades(least: float, scale: str) -> None:
    ax = plot_history([RECORD, {**RECORD, "epoch": 2, "energy_similar": least}])
    assert ax.get_yscale() == scale


def test_energies_of_zero_alone_are_drawn() -> None:
    ax = plot_history([{"epoch": 1, "energy": 0.0, "energy_similar": 0.0, "energy_dissimilar": 0.0}])
    assert ax.get_yscale() == "linear"


def test_zeros_do_not_spoil_a_logarithmic_scale() -> None:
    ax = plot_history([RECORD, {**RECORD, "epoch": 2, "energy_similar": 0.001, "energy_dissimilar": 0.0}])
    render(ax.figure)
    assert ax.get_ylim()[0] > 1e-4


def test_a_single_epoch_shows_as_dots() -> None:
    ax = plot_history([RECORD])
    assert {line.get_marker() for line in ax.lines} == {"o"}


def test_relaxation_draws_only_springs_that_pull_or_push() -> None:
    near, far = [[0.0, 0.0], [2.0, 0.0], [2.5, 0.0]], [[0.0, 0.0], [0.0, 0.0], [9.0, 0.0]]
    panels = plot_relaxation([("near", near), ("far", far)], TRIPLE, margin=1.0)
    assert [ax.get_title() for ax in panels] == ["near", "far"]
    styles = [(line.get_linestyle(), line.get_xdata().tolist()) for line in panels[0].lines]
    assert styles == [("--", [0.0, 2.0]), ("-", [2.0, 2.5])]
    assert not panels[1].lines  # the similar pair coincides, and the others are farther apart than m
    assert panels[0].get_xlim() == panels[1].get_xlim()
