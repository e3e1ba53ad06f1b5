"""Parts of one's own: encoders and springs that a file does not hold are given to load again."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from tests.persistence.models import QUICK, TABLE, Net, assert_same, attract, repel
from torch import nn

from drlim import DrLIM, load, make_springs, save
from drlim.encoders import make_encoder
from drlim.persistence import ModelFileError, read_summary


@pytest.mark.parametrize("factory", [False, True])
def test_own_encoder_is_given_again(path, factory):
    net = Net()
    encoder: Any = (lambda input_shape, _: Net(*input_shape)) if factory else net
    original = DrLIM(**{**QUICK, "encoder": encoder}).fit(TABLE)
    save(original, path)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    loaded = load(path, encoder=encoder)
    assert loaded.encoder is encoder
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert loaded.encoder_ is not net
    assert_same(loaded, original, TABLE, own=("encoder",))
    again = path.with_name("again.safetensors")
    save(loaded, again)
    assert again.read_bytes() == path.read_bytes()


def test_own_module_like_a_built_in_one_is_still_ones_own(path):
    module = make_encoder("linear", (4,), 2)
    original = DrLIM(**{**QUICK, "encoder": module}).fit(TABLE)
    save(original, path)
    with pytest.raises(ModelFileError, match="encoder of your own"):
        load(path)
    assert_same(load(path, encoder=module), original, TABLE, own=("encoder",))


def test_file_without_a_needed_encoder_says_so(path):
    save(DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE), path)
    message = (
        f"{path}: was saved with an encoder of your own (a Net), and no code is in a model file. "
        "Give the same again: load(path, encoder=...)."
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(message)}$"):
        load(path)


def test_encoder_that_does_not_fit(path):
    save(DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE), path)
    begin = f"{path}: cannot be used: its weights do not fit the 'encoder' given: Error(s) in loading state_dict for "
    with pytest.raises(ModelFileError, match=re.escape(begin + "Net: size mismatch for first.weight")):
        load(path, encoder=Net(n_hidden=7))
    with pytest.raises(
        ModelFileError, match=re.escape(begin + 'Linear: Missing key(s) in state_dict: "weight"')
    ) as info:
        load(path, encoder=nn.Linear(4, 2))
    assert len(str(info.value)) <= 600


def test_factory_that_makes_no_module(path):
    save(DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE), path)
    message = (
        "The 'encoder' parameter of load must return a torch.nn.Module when called with (input_shape, n_components)."
    )
    with pytest.raises(TypeError, match=re.escape(f"{message} Got 3 instead.")):
        load(path, encoder=lambda *_: 3)
    with pytest.raises(TypeError, match=re.escape("The 'encoder' parameter of load must be")):
        load(path, encoder="mlp")


def test_own_springs_are_given_again(path):
    springs = (attract, repel)
    original = DrLIM(**{**QUICK, "springs": springs}).fit(TABLE)
    save(original, path)
    message = (
        f"{path}: was saved with springs of your own, and no code is in a model file. "
        "Give the same again: load(path, springs=...)."
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(message)}$"):
        load(path)
    loaded = load(path, springs=springs)
    assert_same(loaded, original, TABLE)
    assert loaded.score(TABLE) == original.score(TABLE)
    with pytest.raises(TypeError, match=re.escape("The 'springs' parameter must be None, a Springs or a pair")):
        load(path, springs=(attract, 3))


def test_both_parts_of_ones_own(path):
    springs = make_springs(laws=(attract, repel))
    net = Net()
    original = DrLIM(**{**QUICK, "encoder": net, "springs": springs}).fit(TABLE)
    save(original, path)
    assert read_summary(path)["needs"] == ["encoder", "springs"]
    assert_same(load(path, encoder=net, springs=springs), original, TABLE, own=("encoder",))


@pytest.mark.parametrize("name", ["encoder", "springs"])
def test_part_that_is_not_needed_is_refused(model, path, name):
    save(model, path)
    message = f"The '{name}' parameter of load must be None for this file, which has its own: {path}"
    with pytest.raises(ValueError, match=re.escape(message)):
        load(path, **{name: Net()})


@pytest.mark.parametrize("function", [load, read_summary])
def test_missing_file_and_folder(tmp_path, function):
    with pytest.raises(FileNotFoundError, match=re.escape("nowhere")):
        function(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match=re.escape(f"{tmp_path}: is no model file of drlim but a folder")):
        function(tmp_path)
