"""Folders of images on the command line: subfolders as classes, images brought to one size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.cli.commands import QUICK

import drlim
from drlim.relations import label_graph

pytestmark = pytest.mark.usefixtures("folder")

FIT = ("fit", "images", "--model", "m.safetensors", *QUICK)

CLASSES = ["four"] * 4 + ["nine"] * 4 + [None]


@pytest.fixture(autouse=True)
def images(folder):
    """Eight images in two subfolders and one beside them; the last is of another size."""
    random = np.random.default_rng(0)
    for place, name in enumerate([*CLASSES[:8], "."]):
        path = Path("images") / name / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 6 + place // 8), dtype=np.uint8)).save(path)


def test_subfolders_are_labels(run):
    code, _, err = run(*FIT, "--size", "8", "--labels-from", "folders", "--embedding", "z.npy")
    assert (code, err) == (0, "")
    model = drlim.load("m.safetensors")
    assert model.input_shape_ == (8, 8)
    order = [8, *range(8)]  # the paths in order: images/8.png, images/four/0.png, ...
    graph, labels = model.graph_, label_graph([CLASSES[place] for place in order])
    for first, second in ((1, 4), (5, 8)):
        assert second in graph.neighbors(first)
    assert not any(second in graph.neighbors(first) for first in range(1, 5) for second in range(5, 9))
    assert labels.n_ignored == 8
    assert run("transform", "m.safetensors", "images", "--size", "8x8", "--output", "zz.npy")[::2] == (0, "")
    assert np.load("zz.npy").tobytes() == np.load("z.npy").tobytes()


def test_without_the_option_subfolders_are_read_and_are_no_labels(run):
    Path("images/8.png").unlink()
    assert run(*FIT, "--embedding", "z.npy")[::2] == (0, "")
    X = np.stack([np.asarray(Image.open(path)) for path in sorted(Path("images").rglob("*.png"))])
    wanted = drlim.DrLIM(encoder="linear", max_epochs=2, n_neighbors=2, random_state=0).fit(X)
    assert np.load("z.npy").tobytes() == wanted.embedding_.tobytes()


def test_images_of_several_sizes_are_brought_to_one(run):
    code, out, err = run(*FIT, "--embedding", "z.csv")
    assert (code, err) == (0, "")
    assert out.startswith("data: 9 images of 2 sizes, from 8x6 to 8x7 pixels, brought to 8x6\n")
    assert drlim.load("m.safetensors").input_shape_ == (8, 6)
    assert run("transform", "m.safetensors", "images", "--output", "zz.csv")[::2] == (0, "")
    assert Path("zz.csv").read_bytes() == Path("z.csv").read_bytes()
    assert [line.split(",")[0] for line in Path("z.csv").read_text().split("\n")[:3]] == ["file", "8.png", "four/0.png"]


def test_colours_of_images(run):
    assert run(*FIT, "--color", "rgb")[0] == 0
    assert drlim.load("m.safetensors").input_shape_ == (3, 8, 6)
    assert run("transform", "m.safetensors", "images", "--output", "z.npy")[0] == 0
    code, _, err = run(*FIT, "--color", "gray")
    assert (code, "to be auto, grey or rgb. Got 'gray'. Did you mean 'grey'?" in err) == (2, True)


def test_changes_that_do_not_matter(run, printed):
    Image.fromarray(np.zeros((8, 6), dtype=np.uint8)).save("images/nine/9.png")
    ignore = [*FIT[:-2], "--n-neighbors", "2", "--ignore", "shift=1,rotate=15,flip,color,brightness=0.1"]
    code, out, err = run(*ignore)
    assert (code, err) == (0, "")
    rows = out.split("changes to ignore, at full strength, on images that were trained on:\n")[1].split("\n")
    names = ["shift -1", "shift +1", "rotate -15", "rotate +15", "flip", "color -0.2", "color +0.2"]
    assert [row.split("  ")[0] for row in rows[1:8]] == names
    found = printed(*ignore)["invariance"]
    assert [row["name"] for row in found["rows"]][:7] == names
    assert found["verdict"] in ("invariant", "partly", "not invariant")
    assert run("transform", "m.safetensors", "images", "--output", "z.npy")[0] == 0
    code, _, err = run(*FIT, "--ignore", "shfit=1")
    assert (code, err) == (2, "drlim: error: No such change of images: shfit. Did you mean 'shift'?\n")
    code, _, err = run("fit", "x.npy", *FIT[2:], "--ignore", "shift")
    assert code == 1
    assert "Expected images to shift" in err


def test_a_model_of_another_size_names_the_option(run):
    assert run(*FIT, "--size", "8x5")[0] == 0
    sentence = "drlim: error: images: the images are of 8x8 pixels, and the model takes 8x5. Add --size 8x5.\n"
    assert run("transform", "m.safetensors", "images", "--size", "8", "--output", "z.npy") == (1, "", sentence)
    assert run("plot", "m.safetensors", "images", "--size", "8") == (1, "", sentence)


def test_plot_colours_by_subfolder(run, monkeypatch):
    from drlim import plotting

    original, given = plotting.plot_embedding, []

    def record(Z: Any, labels: Any = None, **options: Any) -> Any:
        given.append((labels, options))
        return original(Z, labels, **options)

    monkeypatch.setattr(plotting, "plot_embedding", record)
    assert run(*FIT, "--size", "8", "--embedding", "z.npy")[0] == 0
    options = ("--size", "8", "--labels-from", "folders", "--thumbnails", "--background", "images")
    assert run("plot", "m.safetensors", "images", *options) == (0, "map.png: 9 samples\n", "")
    assert run("plot", "z.npy", "images", *options[:5]) == (0, "map.png: 9 samples\n", "")
    for labels, _ in given:
        assert labels.tolist() == [None, *CLASSES[:8]]
    assert given[0][1]["images"].shape == given[1][1]["images"].shape == (9, 8, 8)
    np.testing.assert_array_equal(given[0][1]["background"], np.load("z.npy"))


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ((*FIT, "--labels-from", "folder"), 2, "--labels-from must be folders. Got folder. Did you mean 'folders'?"),
        ((*FIT, "--size", "28*28"), 2, "--size must be a number of pixels, such as 28, or height x width, such as"),
        ((*FIT, "--size", "0"), 2, "such as 24x32, from 1 to 10000 a side. Got 0."),
        ((*FIT, "--size", "20000"), 2, "from 1 to 10000 a side. Got 20000."),
        (("fit", "x.npy", "--model", "m.safetensors", "--size", "8"), 1, "x.npy: only the images of a folder are"),
        (("fit", "x.npy", "--model", "m.safetensors", "--labels-from", "folders"), 1, "x.npy is no folder, so that"),
        (("fit", "images/four", *FIT[2:], "--labels-from", "folders"), 1, "images/four has no subfolders with images"),
        (
            ("plot", "x.npy", "--labels-from", "folders"),
            2,
            "--labels-from needs DATA, and takes the place of --labels.",
        ),
        (
            ("plot", "x.npy", "images", "--labels-from", "folders", "--labels", "y.txt"),
            2,
            "--labels-from needs DATA, and takes the place of --labels.",
        ),
    ],
)
def test_refusals(run, command, code, sentence):
    found, out, err = run(*command)
    assert (found, out) == (code, "")
    assert sentence in err
