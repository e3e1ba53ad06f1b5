from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from drlim import knn_graph, make_springs
from drlim._base.torch import Rows, seeded
from drlim.forces.objective import balance_of
from drlim.relations import with_copies
from drlim.training import Anchor, Settings
from drlim.training.fresh import FreshCopies
from drlim.training.packing import packed, unpacked
from drlim.training.problem import AnchorSprings, Problem
from drlim.training.run import Run
from drlim.training.validation import HeldOut

X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
GRAPH = knn_graph(X, 3)
SPRINGS = make_springs(margin=1.0)


def noisy(x, generator):
    return (x + generator.normal(scale=0.1, size=x.shape)).astype(np.float32)


def problem(settings, *, orbit=False, anchored=False):
    """A network with dropout and batch normalisation, so that masks and statistics belong to the state."""
    with seeded(3):
        encoder = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.SiLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    cpu = torch.device("cpu")
    rows = Rows(FreshCopies(X, noisy, 7) if orbit else X, cpu, torch.float32)
    graph = with_copies(GRAPH, np.tile(np.arange(40), 2)) if orbit else GRAPH
    anchor = AnchorSprings.of(Anchor(np.arange(4), torch.ones(4, 2), 2.0), len(rows), cpu) if anchored else None
    return Problem(encoder, rows, graph, SPRINGS, balance_of(graph, 1.0), settings, 11, anchor)


def held_out():
    return HeldOut.of(Rows(X, torch.device("cpu"), torch.float32), GRAPH, SPRINGS, np.arange(10), 1.0)


def without_seconds(history):
    return [{name: value for name, value in record.items() if name != "seconds"} for record in history]


ADAM = Settings(max_epochs=6, batch_size=10)
RUNS = {
    "all": {"settings": ADAM},
    "batch": {"settings": replace(ADAM, interactions="batch")},
    "whole": {"settings": replace(ADAM, batch_size=None, weight_decay=0.1)},
    "lbfgs": {"settings": Settings(optimizer="lbfgs", batch_size=None, max_epochs=6, learning_rate=1.0)},
    "orbit": {"settings": ADAM, "orbit": True},
    "orbit, lbfgs": {"settings": Settings("lbfgs", 1.0, None, max_epochs=6), "orbit": True},
    "anchored": {"settings": ADAM, "anchored": True},
}


@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("kind", RUNS)
def test_a_run_that_is_restored_goes_on_to_the_same_bytes(kind, validated):
    with seeded(5):
        whole = Run(problem(**RUNS[kind]), held_out() if validated else None)
        whole.problem.encoder.train()
        for _ in range(3):
            whole.advance()
        state = whole.state()
        for _ in range(3):
            whole.advance()
    with seeded(99):  # another state of the generators, which is restored
        again = Run(problem(**RUNS[kind]), held_out() if validated else None)
        again.problem.encoder.train()
        again.restore(state)
        for _ in range(3):
            again.advance()
    assert without_seconds(again.history) == without_seconds(whole.history)
    after, wanted = again.state(), whole.state()
    assert after.tensors.keys() == wanted.tensors.keys()
    for name, tensor in wanted.tensors.items():
        assert torch.equal(after.tensors[name], tensor), name
    for name in wanted.numbers.keys() - {"history"}:
        assert after.numbers[name] == wanted.numbers[name], name
    whole.finish()
    again.finish()
    for one, other in zip(whole.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_state_does_not_change_as_the_run_goes_on():
    run = Run(problem(ADAM))
    run.problem.encoder.train()
    run.advance()
    state = run.state()
    before = {name: tensor.clone() for name, tensor in state.tensors.items()}
    run.advance()
    assert len(state.history) == 1
    assert all(torch.equal(state.tensors[name], tensor) for name, tensor in before.items())


def test_the_best_epoch_is_kept_apart_only_where_it_is_not_the_last():
    run = Run(problem(replace(ADAM, learning_rate=1e-9)))
    run.problem.encoder.eval()
    run.advance()
    assert not any(name.startswith("best.") for name in run.state().tensors)
    run.history[-1]["energy"] = run._best._judged[-1] = -1.0  # no later epoch is as good
    run.advance()
    assert any(name.startswith("best.") for name in run.state().tensors)


def test_all_kinds_of_values_come_back():
    tensors = {}
    value = {0: {"step": torch.tensor(3.0), "past": [torch.ones(2), None, 0.1]}, 1: {"flag": True, "word": "x"}}
    back = unpacked(packed(value, "adam", tensors), tensors)
    assert back[1] == value[1]
    assert back[0]["past"][1:] == [None, 0.1]
    assert torch.equal(back[0]["past"][0], torch.ones(2))
    assert sorted(tensors) == ["adam.0.past.0", "adam.0.step"]


def test_what_is_neither_tensor_nor_number_is_refused_by_its_place():
    with pytest.raises(TypeError, match=r"'encoder\.1\.words' is a set, and neither a tensor nor a number"):
        packed({"1.words": {1}}, "encoder", {})
