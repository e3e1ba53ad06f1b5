"""Arrays of a graph that are not as a graph writes them are refused, at the cost of reading them."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy
from tests.graph.drawing import KINDS, labelled

from drlim import ModelFileError, NeighborhoodGraph
from drlim._base.sealed import KEY, metadata_text, sealed
from drlim.graph.stored import arrays_of


def _forged(path, change, n_samples=4):
    """Write a file with the checksum right and the arrays changed."""
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2)], weights=[2.0, 3.0]) | labelled([0, 0, 1, -1])
    sets = {kind: getattr(graph, f"stated_{kind}") for kind in KINDS}
    arrays = {name: array.copy() for name, array in arrays_of(sets, graph.rest).items()}
    change(arrays)
    metadata = {"graph_format": 1, "n_samples": n_samples}
    path.write_bytes(sealed(safetensors.numpy.save(arrays, {KEY: metadata_text(metadata)})))
    return path


def _set(name, place, value):
    def change(arrays):
        arrays[name][place] = value

    return change


def _tiny_and_unequal(arrays):
    arrays["similar.weights"][:2] = [1e-20, 9e-17]  # which 1 + weight would not tell apart


def _replace(name, make):
    return lambda arrays: arrays.__setitem__(name, make(arrays.get(name)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("similar.indices", 0, 4), "the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.indices", 0, -1), "the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.indices", 0, 3), "the similar pairs of its graph are not symmetric, or not in order"),
        (_set("similar.indices", 0, 0), "the similar pairs of its graph are not symmetric, or not in order"),
        (_set("similar.indptr", 1, 9), "the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.indptr", 0, 1), "the similar pairs of its graph do not fit 4 samples"),
        (_replace("similar.indptr", lambda array: array[:-1]), "the similar pairs of its graph do not fit 4 samples"),
        (_replace("similar.indices", lambda a: a.astype(np.int32)), "the similar pairs of its graph are not whole"),
        (_replace("similar.indices", lambda a: a.reshape(2, -1)), "the similar pairs of its graph are not whole"),
        (lambda arrays: arrays.pop("similar.indptr"), "the similar pairs of its graph are not whole"),
        (lambda arrays: arrays.pop("dissimilar.indices"), "the dissimilar pairs of its graph are not whole"),
        (_set("similar.weights", 0, 7.0), "the weights of the similar pairs of its graph are not symmetric"),
        (_tiny_and_unequal, "the weights of the similar pairs of its graph are not symmetric"),
        (_set("similar.weights", 0, 1e101), "the weights of the similar pairs of its graph are not one finite number"),
        (_set("similar.weights", 0, np.nan), "the weights of the similar pairs of its graph are not one finite"),
        (_set("similar.weights", 0, -1.0), "the weights of the similar pairs of its graph are not one finite"),
        (_replace("similar.weights", lambda a: a[1:]), "the weights of the similar pairs of its graph are not one"),
        (_replace("ignored.weights", lambda _: np.ones(1)), "the ignored pairs of its graph are not whole"),
        (_set("similar.codes", 0, -2), "the classes of the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.codes", 0, 2**60), "the classes of the similar pairs of its graph do not fit 4 samples"),
        (_replace("similar.codes", lambda a: a[1:]), "the classes of the similar pairs of its graph do not fit"),
        (_replace("similar.levels", lambda a: a[1:]), "the classes of the similar pairs of its graph are not whole"),
        (_set("similar.levels", 0, 1e101), "a weight between classes of the similar pairs of its graph is not in"),
        (_set("similar.levels", 0, np.inf), "a weight between classes of the similar pairs of its graph is not"),
        (lambda arrays: arrays.pop("similar.levels"), "the classes of the similar pairs of its graph are not whole"),
        (_replace("similar.table", lambda _: np.ones(9)), "the classes of the similar pairs of its graph are not"),
        (_replace("rest", lambda _: np.zeros(1, dtype=np.uint8)), "the rest of its graph is of no known kind"),
        (_replace("friends", lambda _: np.ones(3)), "its graph has an unknown part 'friends'"),
    ],
)
def test_forged_files_are_refused(tmp_path, change, message):
    assert NeighborhoodGraph.load(_forged(tmp_path / "good", lambda arrays: None)).n_contradictions == 1
    with pytest.raises(ModelFileError, match=re.escape(f"cannot be used: {message}")):
        NeighborhoodGraph.load(_forged(tmp_path / "bad", change))


@pytest.mark.parametrize(
    ("table", "fits"),
    [([0, 1, 1, 0.0], True), ([0, 1, 2, 0.0], False), ([0, 1, 1.0], False), ([3.0], False)],
)
def test_forged_tables_are_refused(tmp_path, table, fits):
    def change(arrays):
        del arrays["similar.levels"]
        arrays["similar.codes"] = np.array([0, 0, 1, 1])
        arrays["similar.table"] = np.array(table)

    path = _forged(tmp_path / "graph", change)
    if fits:
        assert NeighborhoodGraph.load(path).stated_similar.weight_of(0, 3) == 1
    else:
        with pytest.raises(ModelFileError, match="the table of classes of the similar pairs of its graph does not fit"):
            NeighborhoodGraph.load(path)


@pytest.mark.parametrize("n_samples", [0, -1, 10**12, 10**30, 4.0, "4", None, True])
def test_a_claimed_size_costs_nothing(tmp_path, n_samples):
    path = _forged(tmp_path / "graph", lambda arrays: None, n_samples)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            NeighborhoodGraph.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
