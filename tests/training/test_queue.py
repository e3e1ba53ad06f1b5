"""No step on a GPU waits for it: what an epoch reads of a device, counted on one that has no values to read."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from drlim import DivergenceError, NeighborhoodGraph, label_graph, make_encoder, make_springs
from drlim._base import torch as border
from drlim._base.torch import Rows, moved, seeded
from drlim.forces import balanced
from drlim.relations import with_copies
from drlim.spaces import Circle, Line, OnSpace, Sphere
from drlim.springs import CauchyRepulsion, LogAttraction, Springs
from drlim.training import Anchor, Settings, divergence, epochs, memory, optimizer
from drlim.training.epochs import choose_epoch, memory_for
from drlim.training.fresh import FreshCopies
from drlim.training.optimizer import WeightAverage, make_optimizer
from drlim.training.problem import AnchorSprings, Problem
from drlim.training.run import Run

CPU = torch.device("cpu")

SETTINGS = {
    "all": Settings(batch_size=40, max_epochs=2, weight_decay=0.1),
    "batch": Settings(batch_size=40, interactions="batch", max_epochs=2),
    "exact": Settings(batch_size=None, chunk_size=16, max_epochs=2),
}

CASES = {
    "rest": {},
    "anchor": {"anchor": True},
    "labels": {"labels": True},
    "laws": {"springs": Springs(LogAttraction(), CauchyRepulsion())},
    "copies": {"orbit": lambda batch: batch + 1},
}


def problem_of(device, settings, *, anchor=False, orbit=None, springs=None, labels=False, encoder=None, on=None):
    """Return a problem of 101 samples whose encoder, rows and anchors are on a device."""
    X = np.random.default_rng(0).normal(size=(101, 4)).astype(np.float32)
    graph = NeighborhoodGraph.from_pairs(101, [(i, i + 1) for i in range(100)])
    graph = label_graph(np.arange(101) % 3) if labels else graph
    with seeded(3):
        network = make_encoder("two_layer", (4,), 2) if encoder is None else copy.deepcopy(encoder)
        network = network if on is None else OnSpace(network, on)
    if orbit is not None:
        graph = with_copies(graph, np.tile(np.arange(101), 2))
    held = Anchor(np.arange(5), torch.ones(5, 2 if on is None else on.n_ambient), 2.0)
    tied = AnchorSprings.of(held, graph.n_samples, device, on) if anchor else None
    rows = Rows(X if orbit is None else FreshCopies(X, orbit, 5), device, torch.float32)
    law = springs or make_springs()
    return Problem(network.to(device), rows, graph, law, balanced(graph), settings, 0, tied, space=on)


def epochs_of(device, settings, **given):
    """Return the function that runs an epoch on a device, and the number of steps of one."""
    problem = problem_of(device, settings, **given)
    found = memory_for(problem_of(CPU, settings, **given))  # to begin with, components are read
    for name, value in ({} if found is None else vars(found)).items():
        if isinstance(value, torch.Tensor):
            setattr(found, name, value.to(device))
    with pytest.MonkeyPatch.context() as patch:  # what is averaged is found out to begin with, too
        patch.setattr(optimizer, "_is_averaged", lambda value: value.is_floating_point())
        average = WeightAverage(problem)
    problem.encoder.train()
    return choose_epoch(problem, make_optimizer(problem), average, found), problem.n_steps


class Copies(TorchDispatchMode):
    """Counts what is read of a device in the one place for it, and names what waits for the device otherwise.

    "meta" has no values: whatever reads one elsewhere fails.
    """

    def __init__(self, monkeypatch):
        super().__init__()
        self.n_read, self.waits = 0, []
        for module in (border, divergence, epochs, memory):
            monkeypatch.setattr(module, "read", self.read)

    def read(self, values):
        self.n_read += 1
        return [0.0 if values.dtype == torch.bool else 1.0] * values.numel()  # all is finite, and no error too large

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        name = function.overloadpacket.__name__
        kinds = {one.device.type for one in tree_leaves(arguments) if isinstance(one, torch.Tensor)}
        to = keywords.get("device")
        arrives = name == "_to_copy" and kinds == {"cpu"} and to is not None and to.type == "meta"
        if (arrives and not keywords.get("non_blocking")) or (name == "copy_" and kinds == {"cpu", "meta"}):
            self.waits.append(name)
        # torch reads a number of the device to check what these were given.
        if name == "_linalg_check_errors" or (name == "segment_reduce" and not keywords.get("unsafe")):
            self.waits.append(name)
        return function(*arguments, **keywords)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", SETTINGS)
def test_an_epoch_reads_its_sums_and_checks_once_and_no_step_waits(monkeypatch, name, case):
    run_epoch, n_steps = epochs_of(torch.device("meta"), SETTINGS[name], **CASES[case])
    assert n_steps == 1 if name == "exact" else n_steps > 2
    for epoch in range(2):  # from the second on, estimated positions are judged
        with Copies(monkeypatch) as copies:
            run_epoch(epoch)
        # The sums and what was finite; and, where positions are estimated, whether these are to be trusted.
        assert copies.n_read == (3 if name == "all" else 2)
        assert copies.waits == []


@pytest.mark.parametrize("on", [Circle(), Sphere(radius=2.0), Circle(radius=1.0) * Line(1)], ids=repr)
@pytest.mark.parametrize("name", SETTINGS)
def test_no_step_on_a_curved_space_waits(monkeypatch, name, on):
    encoder = make_encoder("linear", (4,), on.n_ambient)
    run_epoch, _ = epochs_of(torch.device("meta"), SETTINGS[name], encoder=encoder, on=on, anchor=True)
    with Copies(monkeypatch) as copies:
        run_epoch(0)
    assert copies.n_read == (3 if name == "all" else 2)
    assert copies.waits == []


def test_what_waits_for_a_device_is_seen(monkeypatch):
    values = torch.ones(3, 3)
    with Copies(monkeypatch) as copies:
        there = moved(values.numpy(), torch.device("meta"))
        assert copies.waits == []
        values.to("meta")
        torch.linalg.solve(there, there)
        lengths = torch.empty(2, dtype=torch.int64, device="meta")
        torch.segment_reduce(there, "sum", lengths=lengths, axis=0)
        there.copy_(values)
    assert copies.waits == ["_to_copy", "_linalg_check_errors", "segment_reduce", "copy_"]
    for read in (float, bool, int):
        with pytest.raises(RuntimeError):
            read(there[0, 0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", SETTINGS)
def test_no_step_waits_on_a_gpu(monkeypatch, name, case):
    run_epoch, _ = epochs_of(torch.device("cuda"), SETTINGS[name], **CASES[case])
    read = border.read

    def noticed(values):
        torch.cuda.set_sync_debug_mode("default")
        try:
            return read(values)
        finally:
            torch.cuda.set_sync_debug_mode("error")

    for module in (border, divergence, epochs, memory):
        monkeypatch.setattr(module, "read", noticed)
    try:
        torch.cuda.set_sync_debug_mode("error")
        for epoch in range(2):
            run_epoch(epoch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


class Breaking(nn.Module):
    """Maps all samples to infinity, or gives weights a gradient that is not finite, from one call on."""

    def __init__(self, last, *, in_gradient):
        super().__init__()
        self.linear, self.last, self.in_gradient, self.calls = nn.Linear(4, 2), last, in_gradient, 0

    def forward(self, x):
        self.calls += self.training
        Z = self.linear(x)
        if self.training and self.calls > self.last:
            return Z + (Z - Z.detach()) * 1e30 if self.in_gradient else Z + math.inf
        return Z


@pytest.mark.parametrize("in_gradient", [False, True])
@pytest.mark.parametrize("name", ["all", "batch", "exact"])
def test_what_is_not_finite_is_found_when_the_epoch_ends_as_it_would_be_at_once(monkeypatch, name, in_gradient):
    messages, weights = [], []
    for is_late in (False, True):
        monkeypatch.setattr(divergence, "is_queued", lambda device, late=is_late: late)
        monkeypatch.setattr(memory, "is_queued", lambda device, late=is_late: late)
        encoder = Breaking(4 if name != "exact" else 9, in_gradient=in_gradient)
        nn.init.ones_(encoder.linear.weight), nn.init.zeros_(encoder.linear.bias)
        run = Run(problem_of(CPU, SETTINGS[name], encoder=encoder))
        run.advance()
        weights.append([weight.clone() for weight in run.module.parameters()])
        with pytest.raises(DivergenceError) as error:
            run.advance()
        messages.append(str(error.value))
        assert all(map(torch.equal, run.module.parameters(), weights[0]))  # those of the last finite epoch
    assert messages[0] == messages[1]
    step = 1 if name == "exact" else 2
    assert f"the {'gradient' if in_gradient else 'forces'} of epoch 2, step {step}, is not finite" in messages[1]


def test_estimated_positions_are_trusted_to_the_end_of_an_epoch_on_a_gpu(monkeypatch):
    monkeypatch.setattr(memory, "is_queued", lambda device: True)
    found = memory_for(problem_of(CPU, SETTINGS["all"]))
    for _ in range(40):  # the first 101 placements are not judged
        found.update(np.arange(20), torch.randn(20, 2))
    assert found.error > 0.05
    assert found.is_trusted
    found.settle()
    assert not found.is_trusted
