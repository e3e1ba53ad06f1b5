"""Relations in a file: each kind by hand, the algebra as text, files and columns beside them, and refusals."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from tests.builders import listed

from drlim import grid_graph, knn_graph, label_graph, orbit_graph, pairs, radius_graph, relations, sequence_graph
from drlim.relations.expression import parsed

COLUMNS = {
    "object": ["a", "a", "b", "b"],
    "azimuth": [0, 340, 0, 20],
    "elevation": [30, 30, 30, 35],
    "class": ["x", None, "y", "x"],
    "t": [0.0, 1.0, 2.0, 9.0],
    "day": ["2006-06-17", "2006-06-18", "2006-06-30", "2006-07-01T12:00"],
    "name": ["ann", "bob", "cid", "dan"],
}
X = [[0.0, 5.0], [1.0, 0.0], [3.0, 5.0], [7.0, 0.0]]


@pytest.fixture
def read(tmp_path):
    def call(text, X=None, columns=COLUMNS):
        path = tmp_path / "relations.toml"
        path.write_text(text, encoding="utf-8")
        return relations.read(path, X, columns=columns)

    return call


@pytest.fixture
def refused(read, tmp_path):
    """Return a function that returns the sentence in which a text is refused, without the file's path."""

    def call(text, X=None, columns=COLUMNS, error=(ValueError, TypeError)):
        with pytest.raises(error, match=re.escape(str(tmp_path))) as refusal:
            read(text, X, columns)
        assert len(str(refusal.value)) <= 600
        return str(refusal.value).replace(str(tmp_path / "relations.toml"), "FILE").replace(str(tmp_path), "FOLDER")

    return call


@pytest.mark.parametrize(
    ("text", "graph"),
    [
        ("near = {knn = 1}", knn_graph(X, 1)),
        ('near = {knn = 1, metric = "cosine"}', knn_graph(X, 1, "cosine")),
        ('near = {knn = 1, columns = ["t"]}', knn_graph([[0], [1], [2], [9]], 1)),
        ("near = {radius = 4.5}", radius_graph(X, 4.5)),
        ('same = {groups = "object"}', orbit_graph(COLUMNS["object"])),
        ('known = {labels = "class"}', label_graph(COLUMNS["class"])),
        ('then = {time = "t", window = 1}', sequence_graph(COLUMNS["t"], 1)),
        ('then = {time = "t", window = 1.5, groups = "object"}', sequence_graph(COLUMNS["t"], 1.5, COLUMNS["object"])),
        ('then = {time = "day", window = "36 h"}', pairs(4, similar=[(0, 1), (2, 3)])),
        ('then = {time = "day", window = "13 days"}', pairs(4, similar=[(0, 1), (0, 2), (1, 2), (2, 3)])),
        ("listed = {pairs = [[0, 1], [2, 1]]}", pairs(4, similar=[(0, 1), (1, 2)])),
        ("listed = {dissimilar = [[0, 1]], ignored = [[2, 3]]}", pairs(4, dissimilar=[(0, 1)], ignored=[(2, 3)])),
        ('listed = {pairs = [["ann", "dan"]], ids = "name"}', pairs(4, similar=[(0, 3)])),
    ],
)
def test_each_kind_is_its_builder(read, text, graph):
    assert read(text, X) == graph


@pytest.mark.parametrize(
    "text",
    [
        "grid = {azimuth = {step = 20, cyclic = 360}, elevation = 5}",
        "[grid]\nazimuth = {step = 20, cyclic = 360}\nelevation = 5",
        "views = {grid = {azimuth = {step = 20, cyclic = 360}, elevation = 5}, tolerance = 1e-6, same = true}",
    ],
)
def test_a_grid_of_columns(read, text):
    metadata = {name: COLUMNS[name] for name in ("azimuth", "elevation")}
    wanted = grid_graph(metadata, step={"azimuth": 20, "elevation": 5}, cyclic={"azimuth": 360})
    assert read(text) == wanted
    assert listed(wanted) == [[0, 1], [0, 2], [1, 2]]


def test_a_grid_with_equal_columns_and_levels(read):
    assert listed(read('grid = {azimuth = {step = 20, cyclic = 360}, object = "equal"}')) == [[0, 1], [2, 3]]
    assert listed(read('grid = {object = ["b", "a"], azimuth = "equal"}')) == [[0, 2]]
    assert listed(read("views = {grid = {elevation = 5}, same = false}")) == [[0, 3], [1, 3], [2, 3]]


def test_the_algebra(read):
    text = """
    same = {groups = "object"}
    grid = {azimuth = {step = 20, cyclic = 360}}
    cannot = {pairs = [[0, 3]]}
    use = "same | grid - cannot"
    """
    without = text.replace(" - cannot", " | cannot - cannot")
    assert listed(read(without)) == [[0, 1], [0, 2], [0, 3], [1, 2], [2, 3]]  # 0 and 2 are equal
    assert listed(read(text)) == [[0, 1], [0, 2], [1, 2], [2, 3]]
    assert listed(read(text.replace("same | grid - cannot", "(same | grid) - same - cannot"))) == [[0, 2], [1, 2]]


A, B, C = (pairs(4, similar=some) for some in ([(0, 1), (1, 2)], [(1, 2), (2, 3)], [(1, 2), (0, 3)]))


@pytest.mark.parametrize(
    ("text", "graph"),
    [
        ("a | b & c", A | B & C),
        ("(a | b) & c", (A | B) & C),
        ("a | b - c", A | (B - C)),
        ("a & b - c", A & (B - C)),
        ("a - b - c", A - B - C),
        ("a - (b - c)", A - (B - C)),
        ("a-~b", A - ~B),
        ("~~a", ~~A),
        ("2 * a | b", 2 * A | B),
        ("a * .5 * 3 | ~ b", A * 0.5 * 3 | ~B),
        ("1e-1*(a|b)", 0.1 * (A | B)),
    ],
)
def test_operators_bind_as_in_python(text, graph):
    graphs = {"a": A, "b": B, "c": C}
    assert parsed(text, graphs).evaluate(graphs) == graph


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Expected the name of a relation in ''. Got the end."),
        ("a b", "Expected an operator, such as | or -, in 'a b'. Got 'b' at character 3."),
        ("(a", "Expected a closing parenthesis in '(a'. Got the end."),
        ("a)", "Expected an operator, such as | or -, in 'a)'. Got ')' at character 2."),
        ("a |", "Expected the name of a relation in 'a |'. Got the end."),
        ("2 a", "Expected * after the weight in '2 a'. Got 'a' at character 3."),
        ("a * b", "Expected a weight, such as 0.5, in 'a * b'. Got 'b' at character 5."),
        (
            "a + b",
            "Expected names of relations, numbers, parentheses and | & - ~ * in 'a + b'. Got '+' at character 3.",
        ),
        ("a.b", "Expected names of relations, numbers, parentheses and | & - ~ * in 'a.b'. Got '.' at character 2."),
        ("__import__('os')", 'Got "\'" at character 12.'),
        ("near", "'near' names a relation that there is not. Got 'near': there are 'a', 'b'."),
        ("~" * 51 + "a", "Expected at most 50 nested parentheses and ~."),
        ("(" * 1500 + "a", "Expected at most 50 nested parentheses and ~."),
        ("a |" * 1000, "Expected at most 2000 characters. Got 3000."),
    ],
)
def test_other_text_is_refused(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as refusal:
        parsed(text, ["a", "b"])
    assert len(str(refusal.value)) <= 600


def test_pairs_and_columns_in_files_beside(read, refused, tmp_path):
    (tmp_path / "alike.csv").write_text("first,second\n0,1\n3,2\n")
    assert listed(read('listed = {pairs = "alike.csv"}')) == [[0, 1], [2, 3]]
    (tmp_path / "named.csv").write_text("first,second\nann,dan\n")
    text = 'listed = {similar = "named.csv", ids = "name"}'
    assert listed(read(text)) == [[0, 3]]
    (tmp_path / "named.csv").write_text("ann,dan\nbob,cid\n")
    assert refused(text).endswith("the first row is a pair of ids. Put a row of names above it, such as first,second.")
    (tmp_path / "about.csv").write_text("kind\nx\ny\nx\n")
    text = 'columns = "about.csv"\nsame = {groups = "kind"}'
    assert listed(read(text, columns=None)) == [[0, 2]]
    assert listed(read(text, X[:3], columns=None)) == [[0, 2]]
    assert refused(text, X) == (
        "FILE: columns: Expected 'about.csv' and 'the data' to describe the same samples, one a row. "
        "Got 3 in 'about.csv' and 4 in 'the data'."
    )
    (tmp_path / "alike.csv").write_text("a,b,c\n0,1,2\n")
    assert refused('listed = {pairs = "alike.csv"}') == (
        "FILE: listed: FOLDER/alike.csv: expected two columns, one pair a row. Got 3."
    )
    assert refused('listed = {pairs = "alike.pkl"}') == (
        "FILE: listed: Expected a file of pairs in two columns, .csv, .tsv or .parquet. Got FOLDER/alike.pkl."
    )


def test_columns_of_a_data_frame(read):
    frame = pd.DataFrame({"object": ["a", "b", "a"], "x": [0.0, 1.0, 2.0]})
    assert listed(read('same = {groups = "object"}', frame, None)) == [[0, 2]]
    assert listed(read('same = {groups = "object"}', None, frame)) == [[0, 2]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "near = {kn = 3}",
            "There is no such kind of relation, nor such a column. Got 'kn': did you mean 'knn'?",
        ),
        ("near = {azimut = 3}", "nor such a column. Got 'azimut': did you mean 'azimuth'?"),
        (
            "near = {knn = 3, metrik = 'cosine'}",
            "near: A relation by 'knn' has no such key. Got 'metrik': did you mean 'metric'?",
        ),
        (
            "near = {knn = 3, radius = 3}",
            "near: A relation by 'knn' has no such key. Got 'radius': there are 'columns', 'knn', 'metric'.",
        ),
        ("near = {knn = 9}", "must be an int in the range [1, 3]. Got 9"),
        ("near = {knn = true}", "near: The 'n_neighbors' parameter of knn_graph must be"),
        ("near = {knn = 1, metric = 'cosin'}", "Got 'cosin' instead."),
        (
            "same = {groups = 'objekt'}",
            "same: 'groups' names a column that the data do not have. Got 'objekt': did you",
        ),
        ("same = {groups = 3}", "same: Expected 'groups' to be the name of a column. Got 3."),
        ("then = {time = 't'}", "then: Expected 'window', the longest time between similar samples, such as 5 or"),
        ("then = {time = 'day', window = '3 lunes'}", "then: Expected 'window' to be a number, or of dates a whole"),
        ("then = {time = 'name', window = 1}", "then: Expected 'time' to name a column of numbers or dates"),
        (
            "grid = {azimuth = {stp = 20}}",
            "Column 'azimuth' has a key that there is not. Got 'stp': did you mean 'step'?",
        ),
        ("grid = {azimuth = {cyclic = 360}}", "Expected 'step' of column 'azimuth'"),
        ("views = {grid = 5}", "views: Expected 'grid' to be a table of columns and their steps. Got 5."),
        ("near = 3", "near: Expected a relation, such as {knn = 10}. Got 3."),
        ("near = {}", "near: Expected a relation, such as {knn = 10}. Got {}."),
        (
            "must-link = {knn = 1}",
            "Expected a name of letters, digits and underscores, which 'use' can hold.",
        ),
        ("", "FILE states no relation. Write one, such as near = {knn = 10}."),
        ("near = ", "FILE is no TOML that can be read: "),
        ("a = " + "[" * 5000, "FILE is no TOML that can be read: "),
        (
            "a = {knn = 1}\nb = {radius = 1}",
            'use: Expected a line that joins the relations, such as use = "a | b". Got none.',
        ),
        ("a = {knn = 1}\nuse = 3", 'use: Expected text, such as "a". Got 3.'),
        ("a = {knn = 1}\nuse = 'b'", "use: 'b' names a relation that there is not. Got 'b': there are 'a'."),
        ("a = {knn = 1}\nuse = 'a * 0'", "use: The 'weight' parameter of NeighborhoodGraph.__mul__ must be"),
        ("columns = 3\na = {knn = 1}", "columns: Expected the name of a table. Got 3."),
        ("columns = 'x.npy'\na = {knn = 1}", "columns: Expected a table, .csv, .tsv or .parquet. Got FOLDER/x.npy."),
        ("a = {knn = 1, columns = 't'}", "a: Expected 'columns' to be a list of names of columns. Got 't'."),
    ],
)
def test_refusals(refused, text, sentence):
    assert sentence in refused(text, X)


def test_what_is_missing_is_named(read, refused, tmp_path):
    assert refused("near = {knn = 1}") == (
        "FILE: near: Expected samples to measure neighbours of. Got none: give 'X', or name 'columns'."
    )
    with pytest.raises(ValueError, match="Expected samples, 'X', or what is known of each, 'columns'"):
        read("near = {knn = 1}", columns=None)
    with pytest.raises(TypeError, match="Expected 'columns' to be a DataFrame or a dict of arrays"):
        read("near = {knn = 1}", columns=[1])
    with pytest.raises(FileNotFoundError):
        relations.read(tmp_path / "none.toml", X)
    assert refused('same = {groups = "object"}', X[:3]) == (
        "FILE: same: Column 'object' has 4 values, and there are 3 samples."
    )


def test_a_relation_that_is_not_used_is_named(read):
    with pytest.warns(UserWarning, match=r"relations.toml: 'use' leaves out 'near'\."):
        read('near = {radius = 1}\nsame = {groups = "object"}\nuse = "same"')


def test_a_large_file_is_refused(refused, monkeypatch):
    monkeypatch.setattr("drlim.relations.file._LARGEST", 10)
    assert (
        refused("near = {knn = 10}") == "FILE has more than 10 bytes. Put long lists of pairs into a table beside it."
    )


def test_samples_may_be_images(read):
    images = np.zeros((3, 2, 2))
    images[2] = 9
    assert listed(read("near = {radius = 1}", images, None)) == [[0, 1]]
