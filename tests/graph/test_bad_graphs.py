"""Bad graphs of 36 kinds, in four forms: a clear error or the documented grace, the same in each form.

The forms are a list of pairs (`NeighborhoodGraph.from_pairs`), a table of neighbour indices (`neighbors_graph`), a
dense matrix and a CSR matrix (`NeighborhoodGraph.from_csr`). In a list and a table the numbers are indices; in a matrix
they say which pairs are similar, so that an index cannot be wrong there. A dash: the kind does not exist in that form.

================== ============================================ =======================================================
kind               list of pairs, table of indices              dense, CSR
================== ============================================ =======================================================
NaN, infinity      refused                                      refused
1.5                refused                                      similar (not 0)
-2                 refused (-1 in a table is "none")            refused, whether entries are weights or not
n, 2^64 - 1        refused                                      similar (not 0)
10^400             refused                                      refused; CSR cannot hold it
bool               refused: a mask is no index                  similar where True
strings, objects   refused                                      refused; CSR cannot hold them
None among numbers refused                                      refused; CSR cannot hold it
complex            refused                                      refused
dates, durations   refused                                      refused; CSR cannot hold them
masked values      refused                                      refused
ragged rows        refused                                      refused; CSR cannot hold them
scalar, 1-D, 3-D   refused                                      refused
None, str, dict    refused                                      refused; CSR cannot hold them
set, list of sets  refused                                      refused; CSR cannot hold them
generator          refused                                      refused; CSR cannot hold it
a graph            refused                                      refused
no samples         refused (n_samples = 0)                      refused
not square         - (any number of pairs, or of neighbours)    refused
own index          refused in a list: a slip; dropped in a table dropped
duplicates         once                                         CSR: added up
one direction      both                                         both
no pair            a graph without similar pairs                a graph without similar pairs
all pairs          a graph without dissimilar pairs             a graph without dissimilar pairs
whole floats       indices                                      similar (not 0)
float16            indices                                      similar (not 0)
pandas frame       as an array                                  as an array
stored zeros       -                                            not similar; in a matrix of distances, neighbours
zero weights       refused                                      not similar
negative weights   refused                                      refused
conflicting states refused                                      -
wrong n            refused by `DrLIM.fit`                       refused by `DrLIM.fit`
no similar pair    refused by `DrLIM.fit`                       refused by `DrLIM.fit`
no dissimilar pair refused by `DrLIM.fit`                       refused by `DrLIM.fit`
================== ============================================ =======================================================
"""

from __future__ import annotations

import datetime as dt
import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from drlim import DrLIM, NeighborhoodGraph, neighbors_graph

N = 4
CHAIN = [[0, 1], [2, 3]]
EYES = np.array([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=float)
"""The pairs of CHAIN, as a matrix."""


def from_list(given):
    return NeighborhoodGraph.from_pairs(N, given)


FORMS = {
    "list": (from_list, "'similar'"),
    "table": (neighbors_graph, "'neighbors'"),
    "dense": (NeighborhoodGraph.from_csr, "'matrix'"),
    "csr": (NeighborhoodGraph.from_csr, "'matrix'"),
}


def with_entry(value):
    """CHAIN, with one more number in it, in each form."""
    wide = object if isinstance(value, str | int | complex) or value is None else np.result_type(np.asarray(value))
    matrix = EYES.astype(wide)
    matrix[1, 2] = value
    return {
        "list": [[0, 1], [2, value]],
        "table": [[1, 1], [0, value], [3, 3], [2, 2]],
        "dense": matrix.tolist() if wide is object else matrix,
    }


def of_type(dtype):
    """CHAIN, in another type; the numbers of a list stay whole."""
    table = np.array([[1], [0], [3], [2]])
    return {"list": np.array(CHAIN).astype(dtype), "table": table.astype(dtype), "dense": EYES.astype(dtype)}


def everywhere(*values):
    """One thing in the place of all four forms."""
    names = ("list", "table", "dense", "csr")
    return dict(zip(names, values * 4 if len(values) == 1 else values, strict=False))


def masked(values, where):
    given = np.ma.array(values, copy=True)
    given[where] = np.ma.masked
    return given


class Thing:
    pass


REFUSED = {
    "nan": {**with_entry(np.nan), "csr": sparse.csr_array(with_entry(np.nan)["dense"])},
    "infinity": {**with_entry(np.inf), "csr": sparse.csr_array(with_entry(np.inf)["dense"])},
    "minus infinity": {**with_entry(-np.inf), "csr": sparse.csr_array(with_entry(-np.inf)["dense"])},
    "half": {name: given for name, given in with_entry(1.5).items() if name != "dense"},
    "negative": {**with_entry(-2), "csr": sparse.csr_array(with_entry(-2)["dense"])},
    "index n": {name: given for name, given in with_entry(N).items() if name != "dense"},
    "2^64 - 1": {
        "list": np.array([[0, 2**64 - 1]], dtype=np.uint64),
        "table": np.array([[2**64 - 1]] * 4, dtype=np.uint64),
    },
    "10^400": with_entry(10**400),
    "bool": {"list": np.array([[True, False]]), "table": np.eye(4, dtype=bool)},
    "strings": of_type("U1"),
    "a string among numbers": with_entry("3"),
    "objects": with_entry(None)
    | {"list": [[Thing(), Thing()]], "table": [[Thing()]] * 4, "dense": [[Thing()] * 4] * 4},
    "None among numbers": with_entry(None),
    "complex": {**of_type(complex), "csr": sparse.csr_array(EYES.astype(complex))},
    "dates": of_type("int64") | {k: v.astype("int64").astype("datetime64[D]") for k, v in of_type("int64").items()},
    "durations": {k: v.astype("timedelta64[D]") for k, v in of_type("int64").items()},
    "a date": with_entry(None) | {"list": [[0, dt.date(2006, 6, 17)]], "table": [[dt.date(2006, 6, 17)]] * 4},
    "masked values": {
        "list": masked(CHAIN, (1, 1)),
        "table": masked([[1], [0], [3], [2]], (3, 0)),
        "dense": masked(EYES, (0, 1)),
    },
    "ragged rows": everywhere([[0, 1], [2]], [[1], [0, 2], [3], [2]], [[0, 1], [1]]),
    "scalar": everywhere(3, 3, 3),
    "1-D": everywhere([0, 1], [1, 0, 3, 2], [0, 1, 0, 0], sparse.coo_array(EYES[0])),
    "3-D": everywhere(np.zeros((1, 2, 2), dtype=int), np.zeros((4, 1, 1), dtype=int), EYES[None]),
    "None": everywhere(None, None, None),
    "str": everywhere("0123", "0123", "0123"),
    "dict": everywhere({0: 1}, {0: 1}, {0: 1}),
    "set": everywhere({(0, 1)}, {1}, {1}),
    "list of sets": everywhere([{1}, {0}], [{1}, {0}], [{1}, {0}]),
    "a graph": everywhere(from_list(CHAIN)),
    "no samples": {"table": np.empty((0, 2), dtype=int), "dense": np.empty((0, 0)), "csr": sparse.csr_array((0, 0))},
    "not square": {"dense": EYES[:3], "csr": sparse.csr_array(EYES[:, :3])},
    "a triple": {"list": [[0, 1, 2]]},
    "own index": {"list": [[0, 1], [2, 2]]},
}
del REFUSED["a graph"]["table"]  # where a function may have returned it


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, given in REFUSED.items() for form in given])
def test_refused(kind, form):
    build, name = FORMS[form]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ValueError, TypeError)) as refusal:
            build(REFUSED[kind][form])
    message = str(refusal.value)
    assert message.startswith(f"Expected {name} to ")
    assert " Got " in message
    assert len(message) <= 600
    assert "\n" not in message


def test_a_generator_is_refused():
    for build, name in FORMS.values():
        with pytest.raises(ValueError, match=f"^Expected {name} to .* Got <generator"):
            build(pair for pair in CHAIN)


GRACE = {
    "own index": ({"table": [[0, 1], [1, 0], [2, 3], [3, 2]], "dense": EYES + np.eye(4)}, CHAIN),
    "duplicates": (
        {
            "list": [[0, 1], [0, 1], [2, 3]],
            "table": [[1, 1], [0, 0], [3, 3], [2, 2]],
            "csr": sparse.coo_array(([1.0, 1.0, 1.0], ([0, 0, 2], [1, 1, 3])), shape=(4, 4)),
        },
        CHAIN,
    ),
    "both directions": (
        {"list": [[0, 1], [1, 0], [2, 3]], "table": [[1], [0], [3], [2]], "dense": EYES + EYES.T},
        CHAIN,
    ),
    "one direction": ({"list": [[1, 0], [3, 2]], "table": [[-1], [0], [-1], [2]], "dense": EYES.T}, CHAIN),
    "no pair": ({"list": [], "table": np.empty((4, 0)), "dense": np.zeros((4, 4))}, []),
    "no pair, padded": ({"list": np.empty((0, 2)), "table": [[-1, -1]] * 4, "csr": sparse.csr_array((4, 4))}, []),
    "all pairs": (
        {
            "list": list(combinations(range(4), 2)),
            "table": [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]],
            "dense": np.ones((4, 4)),
        },
        [list(pair) for pair in combinations(range(4), 2)],
    ),
    "whole floats": (of_type(float), CHAIN),
    "float16": (of_type(np.float16), CHAIN),
    "long double": (of_type(np.longdouble), CHAIN),
    "unsigned": (of_type(np.uint8), CHAIN),
    "uint64": (of_type(np.uint64), CHAIN),
    "frame": ({k: pd.DataFrame(v) for k, v in of_type(int).items()}, CHAIN),
    "nothing masked": ({k: np.ma.array(v) for k, v in of_type(int).items()}, CHAIN),
    "bool": ({"dense": EYES > 0, "csr": sparse.csr_array(EYES > 0)}, CHAIN),
    "absolute": ({"dense": abs(-EYES), "csr": abs(sparse.csr_array(-EYES))}, CHAIN),
    "above 0": ({"dense": EYES - EYES.T > 0, "csr": sparse.csr_array(EYES - EYES.T) > 0}, CHAIN),
    "any number": ({"dense": 0.5 * EYES, "csr": sparse.csr_array(1e-300 * EYES)}, CHAIN),
    "2^64 - 1": ({"dense": np.where(EYES > 0, np.uint64(2**64 - 1), np.uint64(0))}, CHAIN),
    "stored zeros": (
        {"csr": sparse.csr_array(([1.0, 0.0, 1.0], [1, 2, 3], [0, 2, 2, 3, 3]), shape=(4, 4))},
        CHAIN,
    ),
    "other sparse": ({"csr": sparse.lil_matrix(EYES)}, CHAIN),
}


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, (given, _) in GRACE.items() for form in given])
def test_grace(kind, form):
    given, expected = GRACE[kind]
    graph = FORMS[form][0](given[form])
    assert graph == NeighborhoodGraph.from_pairs(N, expected)


@pytest.mark.parametrize("kind", [kind for kind, (given, _) in GRACE.items() if "dense" in given and kind != "float16"])
def test_a_sparse_matrix_is_taken_as_the_dense_one(kind):
    dense = np.asarray(GRACE[kind][0]["dense"])
    assert NeighborhoodGraph.from_csr(sparse.csr_array(dense)) == NeighborhoodGraph.from_csr(dense)


def test_there_are_at_least_thirty_kinds():
    assert len({*REFUSED, *GRACE}) >= 30


def test_stored_zeros_are_distances_to_neighbors_graph():
    matrix = sparse.csr_array(([0.0, 0.0], [1, 3], [0, 1, 1, 2, 2]), shape=(4, 4))
    assert NeighborhoodGraph.from_csr(matrix).n_similar == 0
    assert neighbors_graph(matrix) == from_list(CHAIN)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_weights(weight):
    matrix = np.where(EYES > 0, weight, 0.0)
    with pytest.raises(ValueError, match=r"^Expected the weights of 'similar' to be finite and above 0\. Got "):
        NeighborhoodGraph.from_pairs(N, CHAIN, weights=[1.0, weight])
    for form in (matrix, sparse.csr_array(matrix)):
        if weight == 0.0:
            assert NeighborhoodGraph.from_csr(form, weighted=True).n_similar == 0
        else:
            with pytest.raises(ValueError, match=r"^Expected 'matrix' to hold "):
                NeighborhoodGraph.from_csr(form, weighted=True)


@pytest.mark.parametrize("other", ["dissimilar", "ignored"])
def test_conflicting_states(other):
    with pytest.raises(
        ValueError, match=f"1 pair is both 'similar' and '{other}', first \\[0, 1\\]: give each pair one"
    ):
        NeighborhoodGraph.from_pairs(N, CHAIN, **{other: [(1, 0)]})


X = np.random.default_rng(0).normal(size=(4, 3))


def in_every_form(pairs):
    """The same relations, as what `DrLIM.fit` takes."""
    matrix = np.zeros((N, N))
    table = np.full((N, N), -1)
    for i, j in pairs:
        matrix[i, j] = matrix[j, i] = 1
        table[i, j], table[j, i] = j, i
    return {
        "list": from_list(pairs),
        "table": neighbors_graph(table),
        "dense": NeighborhoodGraph.from_csr(matrix),
        "csr": sparse.csr_array(matrix),
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("pairs", "samples", "message"),
    [
        (CHAIN, np.vstack([X, X]), "Expected 'graph' to have as many samples as 'X'. Got 4 and 8."),
        ([], X, "Expected 'graph' to have similar pairs. Got none"),
        (list(combinations(range(4), 2)), X, "Expected 'graph' to have dissimilar pairs. Got none: without repulsion"),
    ],
)
def test_what_cannot_train_is_refused_by_fit(form, pairs, samples, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        DrLIM(max_epochs=1).fit(samples, graph=in_every_form(pairs)[form])


@pytest.mark.parametrize(
    "graph",
    [CHAIN, np.array(CHAIN), EYES, EYES.tolist(), {(0, 1)}, "graph", 3, Thing(), pd.DataFrame(EYES), [{1}, {0}]],
)
def test_fit_takes_a_graph_and_no_numbers(graph):
    """A bare array could be pairs, a table or a matrix: the caller has to say."""
    with pytest.raises(
        TypeError, match=r"^The 'graph' parameter must be a NeighborhoodGraph, a sparse matrix"
    ) as refusal:
        DrLIM(max_epochs=1).fit(X, graph=graph)
    assert len(str(refusal.value)) <= 600


@pytest.mark.parametrize("kind", [kind for kind, given in REFUSED.items() if sparse.issparse(given.get("csr"))])
def test_fit_refuses_a_sparse_matrix_as_from_csr_does(kind):
    with pytest.raises(ValueError, match=r"^(In 'graph': Expected 'matrix'|Expected 'graph') to "):
        DrLIM(max_epochs=1).fit(X, graph=REFUSED[kind]["csr"])
