"""`Description`: numbers and warnings of graphs solved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from drlim import NeighborhoodGraph


def test_a_description_by_hand(capsys):
    graph = NeighborhoodGraph.from_pairs(6, [(0, 1), (1, 2), (3, 4)]) | NeighborhoodGraph.from_pairs(
        6, [], dissimilar=[(0, 1)]
    )
    X = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [2, 2], [0, 0]])
    found = graph.describe(X)
    assert (found.samples, found.similar, found.dissimilar, found.ignored) == (6, 2, 12, 1)
    assert (found.contradictions, found.degrees, found.isolated, found.components) == (1, (0.0, 1.0, 1.0), 2, 4)
    assert found.duplicates == 3  # (0, 5), (1, 5), (2, 3); (0, 1) is ignored
    assert capsys.readouterr().out == f"{found}\n"
    assert str(found).splitlines()[:3] == [
        "samples                6",
        "similar pairs          2",
        "dissimilar pairs       12",
    ]
    assert [text.split(":")[0] for text in found.warnings] == [
        "2 of 6 samples are similar to no other, and only pushes place them",
        "the similar pairs fall into 2 groups that no similar pair joins",
        "1 pair is stated similar and dissimilar, and so ignored",
        "3 pairs of identical samples are dissimilar",
    ]
    assert all(f"Warning: {text}" in str(found) for text in found.warnings)


def test_a_description_may_be_silent(capsys):
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])
    found = graph.describe(verbose=False)
    assert capsys.readouterr().out == ""
    assert found.warnings == ()
    assert found.duplicates is None
    assert "duplicates" not in str(found)
    with pytest.raises(ValueError, match=r"^The 'verbose' parameter of NeighborhoodGraph.describe must be"):
        graph.describe(verbose=None)


@pytest.mark.parametrize(
    ("graph", "warning"),
    [
        (NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], dissimilar=[]), "no pair is dissimilar"),
        (NeighborhoodGraph.from_pairs(3, []), "no pair is similar"),
    ],
)
def test_a_graph_that_will_not_train(graph, warning):
    assert any(text.startswith(warning) for text in graph.describe(verbose=False).warnings)


def test_describing_other_samples():
    graph = NeighborhoodGraph.from_pairs(3, [])
    with pytest.raises(ValueError, match=r"^Expected 'X' and 'graph' to describe the same samples"):
        graph.describe(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="NaN"):
        graph.describe([[0.0], [1.0], [np.nan]])


def test_a_notebook_shows_the_table():
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1)])
    shown = graph._repr_html_()
    found = graph.describe(verbose=False)
    assert [f"<th>{name}</th><td>{value}</td>" in shown for name, value in found.table()] == [True] * 8
    assert shown.count("<p>Warning: ") == len(found.warnings) == 1
