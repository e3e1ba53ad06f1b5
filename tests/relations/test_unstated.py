"""Near samples that the rest of a graph parts: by hand, when a fit warns of them, and false alarms."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from benchmarks.false_alarms import parted_in_experiments, warned_in_pages

from drlim import (
    DrLIM,
    NeighborhoodGraph,
    NeighborMap,
    knn_graph,
    label_graph,
    orbit_graph,
    sequence_graph,
)
from drlim.relations.unstated import MOST_ALONE, MOST_PARTED, parted_by_rest, warn_of_rest

TRIALS, LENGTH = 8, 25
PARTED = r"The relations declare \d+% of the samples nearest to a sample in 'X' dissimilar to it, by the rest and by no"
ALONE = r"In the relations \d+% of the samples are similar to no other, and dissimilar to all that is not listed"


def revisited(seed=0):
    """Trials that go through the same states: samples (n, 20), times and trials."""
    rng = np.random.default_rng(seed)
    phase = np.tile(np.linspace(0, 2 * np.pi, LENGTH, endpoint=False), TRIALS)
    X = np.column_stack([np.cos(phase), np.sin(phase)]) @ rng.normal(size=(2, 20))
    X += 0.05 * rng.normal(size=X.shape)
    return X, np.tile(np.arange(float(LENGTH)), TRIALS), np.repeat(np.arange(TRIALS), LENGTH)


X, TIME, TRIAL = revisited()
BY_TIME = sequence_graph(TIME, 1.0, groups=TRIAL)


def test_by_hand():
    # Two rows of places, one beside the other: of each place's two partners one is among its two nearest.
    line = np.arange(10.0)
    points = np.concatenate([np.column_stack([line, 0 * line]), np.column_stack([line, 0 * line + 0.5])])
    chain = sequence_graph(np.tile(line, 2), 1.0, groups=np.repeat([0, 1], 10))
    # The nearest is the place beside it, which the rest parts, then one of the row: half of two; at the ends, the one.
    assert parted_by_rest(points, chain) == pytest.approx((16 * 0.5 + 4 * 1.0) / 20)
    beside = NeighborhoodGraph.from_pairs(20, [(k, k + 10) for k in range(10)])
    assert parted_by_rest(points, beside) == 0.0


@pytest.mark.parametrize("kind", ["similar", "dissimilar", "ignored"])
def test_a_statement_of_any_kind_is_not_the_rest(kind):
    chain = NeighborhoodGraph.from_pairs(4, [(0, 1), (2, 3)])
    points = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 0.1], [5.0, 0.1]])  # 0 is near 2, and 1 near 3
    assert parted_by_rest(points, chain) == 1.0
    stated = {"similar": [], kind: [(0, 2), (1, 3)]}
    more = NeighborhoodGraph.from_pairs(4, stated["similar"], **{k: v for k, v in stated.items() if k != "similar"})
    assert parted_by_rest(points, (chain | more).with_rest("dissimilar")) == 0.0


def test_samples_that_are_similar_to_none_are_counted_apart():
    assert parted_by_rest(X, NeighborhoodGraph.from_pairs(len(X), [])) == 0.0


def test_blocks_of_samples_find_the_same_neighbours(monkeypatch):
    whole = parted_by_rest(X, BY_TIME)
    monkeypatch.setattr("drlim.relations.unstated._BLOCK", 7)
    assert parted_by_rest(X, BY_TIME) == whole > MOST_PARTED


FITS = [DrLIM(max_epochs=1, random_state=0), NeighborMap(max_epochs=1, random_state=0)]


@pytest.mark.parametrize("model", FITS)
def test_relations_from_time_alone_are_warned_of(model):
    with pytest.warns(UserWarning, match=PARTED) as caught:
        model.fit(X, graph=BY_TIME)
    assert caught[0].filename == __file__
    assert "graph | drlim.knn_graph(X)" in str(caught[0].message)
    assert len(str(caught[0].message)) < 600


@pytest.mark.parametrize("model", FITS)
def test_pairs_that_leave_most_alone_are_warned_of(model):
    with pytest.warns(UserWarning, match=ALONE):
        model.fit(X, graph=NeighborhoodGraph.from_pairs(len(X), [(0, 7), (7, 12), (3, 4)]))


def test_neighbours_that_a_function_finds_and_new_samples_are_looked_at():
    with pytest.warns(UserWarning, match=PARTED):
        DrLIM(max_epochs=1, random_state=0, neighbors=lambda samples: BY_TIME).fit(X)
    model = DrLIM(max_epochs=1, random_state=0).fit(X)
    with pytest.warns(UserWarning, match=PARTED):
        model.partial_fit(X, graph=BY_TIME)
    model.score(X, graph=BY_TIME)  # judges, and does not warn


QUIET = {
    "with neighbours": BY_TIME | knn_graph(X),
    "the rest is ignored": BY_TIME.with_rest("ignored"),
    "few neighbours": knn_graph(X, 1),
    "labels": label_graph(TRIAL),
    "ignored": BY_TIME.ignore(knn_graph(X, 10).similar.pairs()),
    "copies of one thing": orbit_graph(np.random.default_rng(0).permutation(np.repeat(np.arange(50), 4))),
    "pairs of all": NeighborhoodGraph.from_pairs(len(X), [(k, k + 100) for k in range(100)]),
}


@pytest.mark.parametrize("name", QUIET)
def test_the_way_out_is_quiet(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_rest(X, QUIET[name])


def test_what_is_stated_beside_neighbours_is_quiet():
    DrLIM(max_epochs=1, random_state=0).fit(X, pairs=[(0, 7), (7, 12)])
    few = np.arange(60)
    DrLIM(max_epochs=1, random_state=0).fit(X[few], graph=BY_TIME.subgraph(few))  # too few to judge by


def test_half_of_the_samples_may_be_alone():
    line = np.arange(100.0)[:, None]
    warn_of_rest(line, sequence_graph(np.arange(100), 1, groups=np.where(np.arange(100) < 50, 0, -1)))
    with pytest.warns(UserWarning, match=re.escape("51% of the samples are similar to no other")):
        warn_of_rest(line, sequence_graph(np.arange(100), 1, groups=np.where(np.arange(100) < 49, 0, -1)))
    assert MOST_ALONE == 0.5


def test_the_paper_s_experiments_raise_no_alarm():
    # The examples of README.md and docs/ raise none either: they are run with warnings as errors.
    shares, n_warnings = parted_in_experiments(300)
    assert n_warnings == 0
    assert max(shares, key=shares.get) == "aeroplane"
    assert max(shares.values()) < 0.3


@pytest.mark.slow
def test_the_paper_s_experiments_at_full_size_raise_no_alarm():
    shares, n_warnings = parted_in_experiments()
    assert n_warnings == 0
    assert max(shares.values()) < 0.3


def test_alarms_in_the_examples_of_a_page_are_counted(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        ">>> import drlim, numpy as np\n"
        ">>> X = np.random.default_rng(0).normal(size=(100, 2))\n"
        ">>> graph = drlim.NeighborhoodGraph.from_pairs(100, [(0, 1)])\n"
        ">>> model = drlim.DrLIM(max_epochs=1).fit(X, graph=graph)\n"
        ">>> model = drlim.DrLIM(max_epochs=1).fit(X, graph=graph | drlim.knn_graph(X))\n"
    )
    assert warned_in_pages((page,)) == (2, 1)
