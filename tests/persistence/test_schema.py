"""Forged files: sealed again after a change, they are refused for what they state."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.persistence.models import forge

from drlim import load
from drlim.persistence import ModelFileError
from drlim.persistence.schema import FORMAT_VERSION


def set_in(*keys: Any, to: Any) -> Callable[[dict[str, Any], dict[str, torch.Tensor]], None]:
    """Return a forgery that sets one entry of the metadata."""

    def change(metadata: dict[str, Any], _: dict[str, torch.Tensor]) -> None:
        place = metadata
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def tensor(name: str, edit: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[..., None]:
    """Return a forgery that replaces one tensor, or drops it."""

    def change(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        edited = edit(tensors.pop(name, torch.zeros(1)))
        if edited is not None:
            tensors[name] = edited.contiguous().clone()

    return change


def pairs(indices: list[int], indptr: list[int]) -> Callable[..., None]:
    """Return a forgery that gives the first few of 12 samples other similar pairs."""

    def change(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        tensors[INDPTR] = torch.tensor(indptr + [len(indices)] * (13 - len(indptr)))
        tensors[INDICES] = torch.tensor(indices)

    return change


NOT_IN_ORDER = "the similar pairs of its graph are not symmetric, or not in order"
INDPTR, INDICES = "graph.similar.indptr", "graph.similar.indices"


def in_format(version: Any) -> Callable[..., None]:
    """Claim a format that has no unit."""

    def change(metadata: dict[str, Any], _: object) -> None:
        metadata["format_version"] = version
        del metadata["unit"]

    return change


FORGERIES: dict[str, tuple[Callable[..., Any], str]] = {
    "newer format": (
        set_in("format_version", to=FORMAT_VERSION + 1),
        f"is of format {FORMAT_VERSION + 1}, written by drlim 0.1.0.dev0; this drlim reads formats up to "
        f"{FORMAT_VERSION}. Install a newer drlim.",
    ),
    "old format": (in_format(0), "is damaged: 'format_version' in its metadata"),
    "format as text": (in_format("2"), "is damaged: 'format_version' in its metadata is a str"),
    "true format": (in_format(True), "is damaged: 'format_version' in its metadata is a bool"),
    "unknown key": (set_in("extra", to=1), "is damaged: its metadata have other keys than format_version, "),
    "missing key": (lambda m, _: m.pop("needs"), "is damaged: its metadata have other keys than"),
    "null parameters": (set_in("parameters", to=None), "is damaged: 'parameters' in its metadata is a NoneType"),
    "architecture": (set_in("architecture", "more", to=1), "is damaged: its architecture have other keys"),
    "input shape": (set_in("architecture", "input_shape", to=[0]), "'input_shape' in its metadata has an impossible"),
    "empty shape": (set_in("architecture", "input_shape", to=[]), "'input_shape' in its metadata has an impossible"),
    "text shape": (set_in("architecture", "input_shape", to=["4"]), "'input_shape' in its metadata has an impossible"),
    "needs": (set_in("needs", to=["springs", "encoder"]), "'needs' in its metadata has an impossible value"),
    "names": (set_in("feature_names", to=["a", "b"]), "'feature_names' in its metadata has an impossible value"),
    "numbers as names": (set_in("feature_names", to=[1, 2, 3, 4]), "'feature_names' in its metadata has an impossible"),
    "history": (set_in("training", "history", to=[1]), "'history' in its metadata has an impossible value"),
    "record": (set_in("training", "history", to=[{"energy": "low"}]), "'history' in its metadata has an impossible"),
    "stopped": (set_in("training", "stopped", to="bored"), "'stopped' in its metadata has an impossible value"),
    "components": (set_in("architecture", "n_components", to=3), "is damaged: the map in it is of shape (12, 2)"),
    "unknown parameter": (set_in("parameters", "colour", to=1), "its parameters differ from DrLIM's in colour"),
    "missing parameter": (lambda m, _: m["parameters"].pop("tol"), "its parameters differ from DrLIM's in tol"),
    "parameter": (set_in("parameters", "margin", to=-1), "The 'margin' parameter of DrLIM must be a float"),
    "device": (set_in("parameters", "device", to={"torch.device": "oven"}), "cannot be used: "),
    "device key": (set_in("parameters", "device", to={"os.system": "ls"}), "cannot be used: "),
    "neighbors beyond 64 bits": (set_in("parameters", "n_neighbors", to=2**63), "Integers go up to 2^63 - 1."),
    "epochs beyond 64 bits": (set_in("parameters", "max_epochs", to=2**63), "Integers go up to 2^63 - 1."),
    "huge map": (set_in("parameters", "n_components", to=10**7), "'n_components' parameter of DrLIM must be at most"),
    "huge record": (
        set_in("training", "history", to=[{"energy": 10**400}]),
        "'history' in its metadata has an impossib",
    ),
    "offset": (tensor("encoder.0.offset", lambda t: t * torch.inf), "offset of its samples is not finite"),
    "scale 0": (tensor("encoder.0.scale", lambda t: t * 0), "the scale of its samples is not positive and finite"),
    "scale below 0": (tensor("encoder.0.scale", lambda t: -t), "the scale of its samples is not positive and finite"),
    "scale": (tensor("encoder.0.scale", lambda t: t * torch.inf), "scale of its samples is not positive and finite"),
    "tiny scale": (tensor("encoder.0.scale", lambda _: torch.tensor(1e-45)), "scale of its samples is not positive"),
    "no encoder": (set_in("parameters", "encoder", to=None), "The 'encoder' parameter of DrLIM must be"),
    "encoder": (set_in("architecture", "encoder", to="resnet"), "The 'name' parameter of make_encoder must be"),
    "encoder type": (set_in("architecture", "encoder", to="mlp"), "its weights are not those of a 'mlp' encoder: "),
    "convnet": (set_in("architecture", "encoder", to="convnet"), "The 'convnet' encoder takes images"),
    "other shape": (set_in("architecture", "input_shape", to=[5]), "its weights are not those of a 'linear' encoder: "),
    "huge shape": (set_in("architecture", "input_shape", to=[10**12]), "cannot be used: its weights are not those of"),
    "impossible shape": (set_in("architecture", "input_shape", to=[10**30]), "cannot be used: "),
    "no embedding": (tensor("embedding", lambda _: None), "the map in it is of shape ()"),
    "flat embedding": (tensor("embedding", lambda t: t.ravel()), "the map in it is of shape (24,)"),
    "half embedding": (tensor("embedding", lambda t: t.half()), "its map is of type float16"),
    "bfloat embedding": (tensor("embedding", lambda t: t.bfloat16()), "cannot be used: "),
    "embedding rows": (tensor("embedding", lambda t: t[:11]), "the similar pairs of its graph do not fit 11 samples"),
    "unknown tensor": (tensor("more", lambda t: t), "it has an unknown tensor 'more'"),
    "missing weight": (tensor("encoder.1.1.bias", lambda _: None), 'Missing key(s) in state_dict: "1.1.bias"'),
    "unknown weight": (tensor("encoder.1.2.bias", lambda t: t), 'Unexpected key(s) in state_dict: "1.2.bias"'),
    "weight shape": (tensor("encoder.1.1.bias", lambda t: t[:1]), "size mismatch for 1.1.bias"),
    "weight type": (tensor("encoder.1.1.bias", lambda t: t.double()), "not all weights of its 'linear' encoder are"),
    "samples lost": (tensor("reference.rows", lambda _: None), "or lacks one: reference.rows"),
    "no samples": (tensor("reference.rows", lambda t: t[:0]), "what it keeps of the training samples is not of one"),
    "samples of rank 1": (tensor("reference.rows", lambda t: t[0]), "what it keeps of the training samples is not of"),
    "one column less": (tensor("reference.rows", lambda t: t[:, 1:]), "what it keeps of the training samples is not"),
    "one range less": (
        tensor("reference.high", lambda t: t[1:]),
        "what it keeps of the training samples is not of one",
    ),
    "range type": (tensor("reference.low", lambda t: t.float()), "what it keeps of the training samples is of another"),
    "range NaN": (tensor("reference.low", lambda t: t * torch.nan), "what it keeps of the training samples has impos"),
    "range empty": (tensor("reference.low", lambda t: t + 1e9), "what it keeps of the training samples has impossible"),
    "less seen than kept": (
        tensor("reference.numbers", lambda t: 0 * t),
        "what it keeps of the training samples has impossible",
    ),
    "direction": (tensor("reference.numbers", lambda t: t + 7), "what it keeps of the training samples has impossible"),
    "samples in an older format": (in_format(1), "it has an unknown tensor, or lacks one: reference."),
    "graph lost": (lambda _, t: (t.pop(INDPTR), t.pop(INDICES)), "the similar pairs of its graph are not whole"),
    "half a graph": (tensor(INDICES, lambda _: None), "the similar pairs of its graph are not whole"),
    "half ignored": (
        tensor("graph.ignored.indices", lambda t: t.long()),
        "the ignored pairs of its graph are not whole",
    ),
    "graph type": (tensor(INDICES, lambda t: t.int()), "the similar pairs of its graph are not whole"),
    "graph of rank 2": (tensor(INDICES, lambda t: t[None]), "the graph in it is not made of lists"),
    "indptr length": (tensor(INDPTR, lambda t: t[:-1]), "the similar pairs of its graph do not fit 12 samples"),
    "indptr start": (tensor(INDPTR, lambda t: t + 1), "the similar pairs of its graph do not fit 12 samples"),
    "indptr falls": (tensor(INDPTR, lambda t: t.index_fill(0, torch.tensor([3]), 99)), "do not fit 12 samples"),
    "index outside": (tensor(INDICES, lambda t: t + 12), "the similar pairs of its graph do not fit 12 samples"),
    "negative index": (tensor(INDICES, lambda t: t - 12), "the similar pairs of its graph do not fit 12 samples"),
    "disorder": (pairs([2, 1, 0, 0], [0, 2, 3, 4]), NOT_IN_ORDER),
    "one way": (pairs([1, 2, 0], [0, 2, 3]), NOT_IN_ORDER),
    "loop": (pairs([0, 2, 1], [0, 1, 2, 3]), NOT_IN_ORDER),
    "repeated pair": (pairs([1, 1, 0, 0], [0, 2, 4]), NOT_IN_ORDER),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_file_is_refused(small, path, name):
    change, cause = FORGERIES[name]
    path.write_bytes(small.read_bytes())
    forge(path, change)
    with pytest.raises(ModelFileError, match=f"^{re.escape(str(path))}: .*{re.escape(cause)}") as info:
        load(path)
    assert len(str(info.value)) <= 600
