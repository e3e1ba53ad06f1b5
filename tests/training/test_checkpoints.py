from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from safetensors import torch as safetensors_torch

from drlim._base import disk
from drlim._base.sealed import KEY, metadata_text, sealed
from drlim.training.checkpoints import CheckpointFolder, Keeper, check_every, refuse_other
from drlim.training.state import RunState, restore_optimizer


class Counting:
    """A run whose state is its number of epochs."""

    def __init__(self):
        self.weight = torch.zeros(3)
        self.history = []

    def advance(self):
        self.history.append({"epoch": len(self.history) + 1, "energy": 0.1 * len(self.history)})
        self.weight += 1
        return self

    def state(self):
        return RunState.of({"weight": self.weight, "history": self.history})

    def restore(self, state):
        self.weight = state.tensors["weight"]
        self.history = state.history


def kept(path, epochs, every=1, stopped=None, **options):
    folder, run = CheckpointFolder(path), Counting()
    folder.make()
    keeper = Keeper(folder, every, {"margin": 1.0}, 10, **options)
    assert keeper.begin(run) is None
    for epoch in range(1, epochs + 1):
        keeper.keep(run.advance(), stopped if epoch == epochs else None)
    return keeper


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_the_newest_two_are_kept_and_the_newest_is_read(tmp_path):
    kept(tmp_path / "a" / "b", 5)  # folders are made
    assert names(tmp_path / "a" / "b") == ["checkpoint-00000005.safetensors", "checkpoint-00000006.safetensors"]
    found = CheckpointFolder(tmp_path / "a" / "b").newest()
    assert (len(found.state.history), found.stopped, found.planned, found.identity) == (5, None, 10, {"margin": 1.0})
    again = Counting()
    again.restore(found.state)
    assert again.weight.tolist() == [5.0] * 3
    assert again.history == Counting().advance().advance().advance().advance().advance().history


def test_the_first_is_written_before_the_first_epoch(tmp_path):
    kept(tmp_path, 0)
    assert CheckpointFolder(tmp_path).newest().state.history == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "format"])
def test_an_invalid_one_is_named_and_the_one_before_is_used(tmp_path, damage):
    kept(tmp_path, 4)
    newest = tmp_path / names(tmp_path)[-1]
    content = bytearray(newest.read_bytes())
    if damage == "cut":
        content = content[:-7]
    elif damage == "flipped":
        content[-1] ^= 1
    elif damage == "text":
        content = b"no checkpoint"
    else:
        tensors = {"weight": torch.zeros(1)}
        content = sealed(safetensors_torch.save(tensors, {KEY: metadata_text({"checkpoint_format": 99})}))
    newest.write_bytes(content)
    with pytest.warns(UserWarning, match=f"A checkpoint is passed over.*{re.escape(newest.name)}"):
        found = CheckpointFolder(tmp_path).newest()
    assert len(found.state.history) == 3


@pytest.mark.parametrize("missing", ["numbers", "identity", "planned"])
def test_a_sealed_file_without_a_part_of_a_checkpoint_is_passed_over(tmp_path, missing):
    parts = {"checkpoint_format": 1, "numbers": {}, "identity": {}, "planned": 3, "stopped": None}
    parts.pop(missing)
    content = sealed(safetensors_torch.save({"weight": torch.zeros(1)}, {KEY: metadata_text(parts)}))
    (tmp_path / "checkpoint-00000001.safetensors").write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged"):
        assert CheckpointFolder(tmp_path).newest() is None


def test_a_run_begins_anew_only_where_none_would_be_lost(tmp_path):
    CheckpointFolder(tmp_path / "none").check_free()
    kept(tmp_path, 3)
    with pytest.raises(ValueError, match=r"cut short after 3 of 10 epochs\. resume=True goes on from it"):
        CheckpointFolder(tmp_path).check_free()
    kept(tmp_path, 4, stopped="converged")
    CheckpointFolder(tmp_path).check_free()
    kept(tmp_path, 0)  # the numbers of files go on, and those of the run before are gone
    assert names(tmp_path) == ["checkpoint-00000010.safetensors"]


def test_a_run_that_goes_on_gets_its_state_and_why_it_ended(tmp_path):
    kept(tmp_path, 3, stopped="callback")
    found = CheckpointFolder(tmp_path).newest()
    run = Counting()
    assert Keeper(CheckpointFolder(tmp_path), 1, found.identity, 10, found).begin(run) == "callback"
    assert len(run.history) == 3


def test_checkpoints_are_written_every_few_epochs_at_the_end_and_when_asked(tmp_path):
    def newest():
        return len(CheckpointFolder(tmp_path).newest().state.history)

    keeper = kept(tmp_path, 5, every=3)
    assert newest() == 3
    keeper.flush()
    assert newest() == 5
    before = names(tmp_path)
    keeper.flush()  # all is on the disk
    assert names(tmp_path) == before
    kept(tmp_path, 5, every=3, stopped="max_epochs")
    assert newest() == 5


def test_checkpoints_are_written_after_a_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("drlim.training.checkpoints.time.monotonic", lambda: now[0])
    keeper = Keeper(CheckpointFolder(tmp_path), "2min", {}, 10)
    run, written = Counting(), []
    keeper.begin(run)
    for seconds in (50, 110, 121, 200, 242):
        now[0] = seconds
        keeper.keep(run.advance(), None)
        written.append(len(CheckpointFolder(tmp_path).newest().state.history))
    assert written == [0, 0, 3, 3, 5]


def test_a_full_disk_does_not_end_the_run(tmp_path, monkeypatch):
    keeper = kept(tmp_path, 2)
    run = Counting()
    with monkeypatch.context() as full:

        def refuse(*_):
            raise OSError(28, "No space left on device")

        full.setattr(disk, "_write_whole", refuse)
        with pytest.warns(UserWarning, match="No checkpoint was written after epoch 1, .* goes on: .*No space"):
            keeper.keep(run.advance(), None)
    keeper.keep(run.advance(), None)
    assert len(CheckpointFolder(tmp_path).newest().state.history) == 2


def test_a_folder_that_cannot_be_written_is_found_at_the_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_write_whole", lambda *_: (_ for _ in ()).throw(OSError(30, "Read-only file system")))
    with pytest.raises(OSError, match="Read-only file system"):
        kept(tmp_path, 1)


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".drlim-0123456789abcdef.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    kept(tmp_path, 1)
    assert names(tmp_path) == ["checkpoint-00000001.safetensors", "checkpoint-00000002.safetensors", "notes.txt"]


def test_of_several_processes_one_writes(tmp_path):
    run = Counting()
    keeper = Keeper(CheckpointFolder(tmp_path), 1, {}, 10, writes=False)
    assert keeper.begin(run) is None
    keeper.keep(run.advance(), "converged")
    keeper.flush()
    assert names(tmp_path) == []


def test_constants_are_kept_with_each_state(tmp_path):
    kept(tmp_path, 3, constants={"layout": torch.arange(4.0)})
    assert CheckpointFolder(tmp_path).newest().constants["layout"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_numbers_that_are_not_finite_are_kept(tmp_path):
    keeper, run = Keeper(CheckpointFolder(tmp_path), 1, {}, 10), Counting()
    keeper.begin(run)
    run.advance().history[-1]["energy_validation"] = float("inf")
    keeper.keep(run, None)
    assert CheckpointFolder(tmp_path).newest().state.history[-1]["energy_validation"] == float("inf")


def test_another_identity_is_refused_by_what_differs(tmp_path):
    kept(tmp_path, 1)
    found = CheckpointFolder(tmp_path).newest()
    refuse_other(found, {"margin": 1.0})
    refuse_other(found, {})
    with pytest.raises(ValueError, match=r"of another run: margin was 1\.0 and is 2\.0\. Give what it was"):
        refuse_other(found, {"margin": 2.0})
    with pytest.raises(ValueError, match=r"run: other samples\."):
        refuse_other(found, {"samples": "a" * 16})
    with pytest.raises(ValueError, match="p5 was absent and is 5; and 3 more"):
        refuse_other(found, {f"p{number}": number for number in range(9)})


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), (" 1.5 min", 90.0), ("2h", 7200.0), (".5s", 0.5)])
def test_times(text, seconds):
    assert check_every(text) == (None, seconds)


@pytest.mark.parametrize("text", ["", "90", "s", "-1s", "0s", "1 day", "1e999s", "9" * 400 + "h"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="'checkpoint_every' parameter must be a number of epochs, or a time above 0"):
        check_every(text)


def test_moments_of_an_optimizer_lie_in_memory_as_its_weights_do():
    def stepped(weight, optimizer, steps):
        for step in range(steps):
            weight.grad = torch.full_like(weight, step + 1.0) * torch.arange(weight.numel()).reshape(weight.shape)
            optimizer.step()

    def begun():
        start = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 3, 2, 2))).float()
        weight = torch.nn.Parameter(start.contiguous(memory_format=torch.channels_last))
        return weight, torch.optim.AdamW([weight], fused=True)

    weight, optimizer = begun()
    stepped(weight, optimizer, 2)
    state = RunState.of({"optimizer": optimizer.state_dict()["state"]})
    again, other = begun()
    again.data.copy_(weight.data)
    restore_optimizer(other, state.parts()["optimizer"])
    moments = other.state[again]["exp_avg"]
    assert moments.is_contiguous(memory_format=torch.channels_last)
    stepped(weight, optimizer, 2)
    stepped(again, other, 2)
    assert torch.equal(weight, again)
