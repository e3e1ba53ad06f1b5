"""The examples of the gallery run, draw, and do not warn. `make docs` runs them as well."""

from __future__ import annotations

import importlib
import runpy

import numpy as np
import pytest
from tests.docs.pages import DOCS, ROOT

from drlim import plotting

EXAMPLES = sorted((ROOT / "examples" / "gallery").rglob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.name.startswith("plot_")], ids=lambda path: path.stem
)
def test_an_example_runs_and_draws(path, tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    begin = figure.Figure.__init__

    def counted(self, *arguments, **options):
        drawn.append(self)
        begin(self, *arguments, **options)

    monkeypatch.setattr(figure.Figure, "__init__", counted)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert drawn
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_can_be_read_as_python_and_says_what_it_shows(path):
    text = path.read_text(encoding="utf-8")
    compile(text, str(path), "exec")
    title, rule = text.split("\n")[1:3]
    assert rule == "=" * len(title)


def test_examples_that_are_not_run_show_a_picture_from_a_file():
    for path in EXAMPLES:
        if not path.name.startswith("plot_"):
            text = path.read_text(encoding="utf-8")
            (shown,) = [line.split("::")[1].strip() for line in text.splitlines() if line.startswith(".. image::")]
            assert (ROOT / "docs" / shown.lstrip("/")).exists(), shown


def test_a_figure_is_shown_once_whoever_drew_it(tmp_path, monkeypatch):
    pytest.importorskip("sphinx_gallery")
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.syspath_prepend(DOCS / "_extensions")
    scrape = importlib.import_module("drawn_figures")._scrape
    of_drlim, (_, of_pyplot) = plotting.plot_embedding(np.eye(3, 2)), plt.subplots()
    variables = {
        "example_globals": {"one": of_drlim, "other": of_pyplot},
        "image_path_iterator": (str(tmp_path / f"{number}.png") for number in range(9)),
    }
    assert "0.png" in scrape(None, variables, {"src_dir": str(tmp_path)})
    plt.close("all")  # by the scraper of matplotlib, which comes next
    assert scrape(None, variables, {"src_dir": str(tmp_path)}) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["0.png"]
