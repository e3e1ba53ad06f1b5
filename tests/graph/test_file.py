"""Files of graphs: what is saved is loaded, a file of an earlier version too, and other files are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.graph.drawing import graphs, labelled

from drlim import ModelFileError, NeighborhoodGraph
from drlim._base.sealed import KEY, metadata_text, sealed

quick = settings(max_examples=60, deadline=None)


GOLDEN = Path(__file__).parents[1] / "golden" / "graph_format1.safetensors"
"""A graph with statements of all kinds, listed with weights and implied by classes, in format 1."""


def test_a_file_written_by_an_earlier_version_is_read_and_written_again(tmp_path):
    graph = NeighborhoodGraph.load(GOLDEN)
    assert repr(graph) == "NeighborhoodGraph(n_samples=12, similar=15, dissimilar=44, ignored=7)"
    graph.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == GOLDEN.read_bytes()


@st.composite
def any_graphs(draw: st.DrawFn) -> NeighborhoodGraph:
    graph = draw(graphs())
    if draw(st.booleans()):
        graph = graph * draw(st.sampled_from([0.5, 3.0]))
    for _ in range(draw(st.integers(0, 2))):
        codes = draw(st.lists(st.integers(-1, 2), min_size=graph.n_samples, max_size=graph.n_samples))
        graph = draw(st.sampled_from([graph | labelled(codes), graph - labelled(codes)]))
    return graph.with_rest(draw(st.sampled_from(["dissimilar", "ignored"])))


@quick
@given(graph=any_graphs())
def test_what_is_saved_is_loaded(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "graph"
    graph.save(path)
    loaded = NeighborhoodGraph.load(path)
    assert loaded == graph
    assert (loaded.n_similar, loaded.n_dissimilar, loaded.rest) == (graph.n_similar, graph.n_dissimilar, graph.rest)
    first = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == first
    with pytest.raises(ValueError, match="read-only"):
        loaded.similar.indptr[0] = 1


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "graph"
    NeighborhoodGraph.from_pairs(4, [(0, 1)]).save(path)
    whole = path.read_bytes()
    for content in (b"", whole[:7], whole[: len(whole) // 2], whole[:-1], whole + b"0", b"PK" + whole, whole[8:]):
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            NeighborhoodGraph.load(path)
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ModelFileError):
            NeighborhoodGraph.load(path)


def _with_metadata(path, metadata):
    arrays = {"similar.indptr": np.zeros(2, dtype=np.int64), "similar.indices": np.zeros(0, dtype=np.int64)}
    path.write_bytes(sealed(safetensors.numpy.save(arrays, {KEY: metadata_text(metadata)})))
    return path


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"graph_format": 2, "n_samples": 1}, "is of graph format 2; this drlim reads formats up to 1. Install a"),
        ({"format_version": 1}, "is no graph's file; a model is read by drlim.load(path)."),
        ({"graph_format": 1}, "is damaged: its metadata are not as drlim writes them."),
        ({"graph_format": True, "n_samples": 1}, "is damaged: its metadata are not as drlim writes them."),
        ({"graph_format": "1", "n_samples": 1}, "is damaged: its metadata are not as drlim writes them."),
        ({"graph_format": 1, "n_samples": 1, "more": 1}, "is damaged: its metadata are not as drlim writes them."),
    ],
)
def test_metadata_of_other_files(tmp_path, metadata, message):
    with pytest.raises(ModelFileError, match=re.escape(message)):
        NeighborhoodGraph.load(_with_metadata(tmp_path / "file", metadata))


@pytest.mark.parametrize("path", [None, 3, ["graph"]])
def test_what_is_no_path_is_refused(path):
    graph = NeighborhoodGraph.from_pairs(2, [(0, 1)])
    for call in (graph.save, NeighborhoodGraph.load):
        with pytest.raises(TypeError, match=r"^Expected 'path' to be a file's name, a str or a pathlib\.Path\. Got "):
            call(path)


def test_other_files_are_no_graphs(tmp_path):
    with pytest.raises(ModelFileError, match="is no graph file of drlim but a folder or a device"):
        NeighborhoodGraph.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        NeighborhoodGraph.load(tmp_path / "none")
    (tmp_path / "text").write_text(json.dumps({"similar": [[0, 1]]}))
    with pytest.raises(ModelFileError, match="is no graph file of drlim"):
        NeighborhoodGraph.load(tmp_path / "text")


def test_a_graph_is_no_model(tmp_path):
    from drlim import load

    NeighborhoodGraph.from_pairs(4, [(0, 1)]).save(tmp_path / "graph")
    with pytest.raises(
        ModelFileError, match=re.escape("is a graph's file and no model's. Read it by NeighborhoodGraph")
    ):
        load(tmp_path / "graph")


def test_a_part_of_many_classes_is_saved_without_them(tmp_path):
    graph = labelled(list(range(1000)) * 2).subgraph([999, 1999, 5])
    graph.save(tmp_path / "graph")
    assert NeighborhoodGraph.load(tmp_path / "graph") == graph
