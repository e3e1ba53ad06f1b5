"""The seven stories, each told in small and in one process."""

from __future__ import annotations

import os
import shlex

import numpy as np
import pandas as pd
import pytest
from tests.stories.telling import STORIES

from drlim import metrics
from drlim.cli import main

NAMES = {story.name: story for story in STORIES}

SHORTER = {"drlim fit ": "drlim fit --max-epochs 4 ", "DrLIM(random_state=0)": "DrLIM(max_epochs=40, random_state=0)"}
"""What takes the place of a text in a step: fewer epochs."""


def tell(name, folder, monkeypatch, capfd):
    """Tell a story in a folder; return what it printed."""
    story = NAMES[name]
    pytest.importorskip(story.needs)
    monkeypatch.chdir(folder)
    story.prepare(folder, 0.5)
    for told in story.short or story.steps:
        step = told
        for text, shorter in SHORTER.items():
            step = step.replace(text, shorter)
        if step.startswith("drlim "):
            assert main(shlex.split(step)[1:]) == 0, capfd.readouterr().err
        else:
            exec(step, {"__name__": name})  # noqa: S102 - lines of this repository
    printed = capfd.readouterr()
    assert "drlim: error" not in printed.err
    assert list(folder.glob(story.picture))
    return printed.out


def test_there_are_seven():
    assert len(NAMES) == len(STORIES) == 7


def test_a_table(tmp_path, monkeypatch, capfd):
    said = tell("a table", tmp_path, monkeypatch, capfd)
    assert "customer_id left out: all values differ" in said
    assert "blanks filled by the median of the column" in said
    Z, given = pd.read_csv("positions.csv"), pd.read_csv("customers.csv")
    assert (Z["customer_id"] == given["customer_id"]).all()
    assert metrics.knn_accuracy(Z.iloc[:, 1:].to_numpy(), given["plan"].to_numpy()) > 0.9
    assert len(pd.read_csv("new_positions.csv")) == 40


def test_embeddings(tmp_path, monkeypatch, capfd):
    tell("embeddings", tmp_path, monkeypatch, capfd)
    Z = pd.read_csv("positions.csv").to_numpy()
    assert metrics.knn_accuracy(Z, np.load("topics.npy")) > 0.95


def test_images(tmp_path, monkeypatch, capfd):
    said = tell("images", tmp_path, monkeypatch, capfd)
    assert "declared to ignore flip,brightness=0.2" in said
    assert "kept in map.safetensors" in said


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_spike_counts(tmp_path, monkeypatch, capfd):
    assert "angle on the map and phase agree by 0.9" in tell("spike counts", tmp_path, monkeypatch, capfd)


def test_a_deployment(tmp_path, monkeypatch, capfd):
    tell("a deployment", tmp_path, monkeypatch, capfd)
    assert len(np.load("by_numpy.npy")) == 50


def test_the_paper(tmp_path, monkeypatch, capfd):
    assert "numbers reached" in tell("the paper", tmp_path, monkeypatch, capfd)


@pytest.mark.skipif("umap" not in os.environ.get("DRLIM_PEERS", ""), reason="set DRLIM_PEERS=umap: it takes a minute")
def test_beside_umap(tmp_path, monkeypatch, capfd):
    assert "UMAP: " in tell("beside UMAP", tmp_path, monkeypatch, capfd)
