"""Forged and damaged files of `NeighborMap`: each is refused for what it states, before memory is taken for it."""

from __future__ import annotations

import os
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.persistence.models import QUICK_MAP, TABLE, Trunk, forge
from tests.persistence.test_schema import set_in, tensor

from drlim import NeighborMap, load, save
from drlim.persistence import ModelFileError, read_summary

DAMAGED = "is damaged: "
IMPOSSIBLE = "in its metadata has an impossible value"
MISFIT = "of its encoder is missing, unknown or of another shape than the rest"


def source(place: int, key: str, to: Any) -> Callable[..., None]:
    """Return a forgery that sets one entry of a retrieval."""

    def change(metadata: dict[str, Any], _: dict[str, torch.Tensor]) -> None:
        metadata["places"]["sources"][place][key] = to

    return change


def filled(name: str, value: float) -> Callable[..., None]:
    """Return a forgery that fills one tensor of the encoder with a number."""
    return tensor(f"encoder.{name}", lambda t: torch.full_like(t, value))


def each(*changes: Callable[..., None]) -> Callable[..., None]:
    """Return a forgery made of several."""

    def change(metadata: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        for one in changes:
            one(metadata, tensors)

    return change


def of_encoder(name: str, edit: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[..., None]:
    return tensor(f"encoder.{name}", edit)


TRUNK = "network.trunk"

FORGERIES: dict[str, tuple[Callable[..., Any], str]] = {
    "format of DrLIM": (set_in("format_version", to=1), DAMAGED + "its metadata have other keys than"),
    "format 3": (set_in("format_version", to=3), DAMAGED + "its metadata have other keys than"),
    "format 8": (set_in("format_version", to=8), "is of format 8, written by drlim 0.1.0.dev0; this drlim reads"),
    "samples in an older format": (
        set_in("format_version", to=2),
        "it has an unknown tensor, or lacks one: reference.",
    ),
    "other estimator": (set_in("estimator", to="DrLIM"), f"'estimator' {IMPOSSIBLE}"),
    "no estimator": (lambda m, _: m.pop("estimator"), "its metadata have other keys than"),
    "estimator of no name": (set_in("estimator", to=None), "'estimator' in its metadata is a NoneType"),
    "no places": (lambda m, _: m.pop("places"), "its metadata have other keys than"),
    "list of places": (set_in("places", to=[]), "'places' in its metadata is a list"),
    "unknown key": (set_in("places", "more", to=1), "its places have other keys than dropout, unit_length"),
    "missing key": (lambda m, _: m["places"].pop("n_steps"), "its places have other keys than"),
    "unknown encoder": (set_in("architecture", "encoder", to="mlp"), f"'encoder' {IMPOSSIBLE}"),
    "dropout 1": (set_in("places", "dropout", to=1.0), f"'dropout' {IMPOSSIBLE}"),
    "dropout below 0": (set_in("places", "dropout", to=-0.1), f"'dropout' {IMPOSSIBLE}"),
    "no dropout": (set_in("places", "dropout", to=None), f"'dropout' {IMPOSSIBLE}"),
    "true dropout": (set_in("places", "dropout", to=True), "'dropout' in its places is a bool"),
    "many scalings": (set_in("places", "unit_length", to=10**9), f"'unit_length' {IMPOSSIBLE}"),
    "half a scaling": (set_in("places", "unit_length", to=0.5), "'unit_length' in its places is a float"),
    "one scaling more": (set_in("places", "unit_length", to=1), "its weights are not those of its trunk: "),
    "many steps": (set_in("places", "n_steps", to=10**9), f"'n_steps' {IMPOSSIBLE}"),
    "steps below 0": (set_in("places", "n_steps", to=-1), f"'n_steps' {IMPOSSIBLE}"),
    "text of sources": (set_in("places", "sources", to="all"), "'sources' in its places is a str"),
    "sources of numbers": (set_in("places", "sources", to=[1, 2]), f"'sources' {IMPOSSIBLE}"),
    "sources lost": (set_in("places", "sources", to=[]), MISFIT),
    "source lost": (lambda m, _: m["places"]["sources"].pop(), MISFIT),
    "source too many": (lambda m, _: m["places"]["sources"].append(dict(m["places"]["sources"][1])), "'retrievals.2."),
    "key of a source": (source(0, "more", 1), "its sources have other keys than share, n_neighbors"),
    "share below 0": (source(0, "share", -0.1), f"'share' {IMPOSSIBLE}"),
    "share above 1": (source(0, "share", 1.1), f"'share' {IMPOSSIBLE}"),
    "huge share": (source(0, "share", 10**400), f"'share' {IMPOSSIBLE}"),
    "shares above 1": (each(source(0, "share", 0.6), source(1, "share", 0.6)), f"'share' {IMPOSSIBLE}"),
    "text of a share": (source(0, "share", "1"), "'share' in its sources is a str"),
    "no neighbours": (source(0, "n_neighbors", 0), f"'n_neighbors' {IMPOSSIBLE}"),
    "too many neighbours": (source(1, "n_neighbors", 13), f"'n_neighbors' {IMPOSSIBLE}"),
    "half a neighbour": (source(1, "n_neighbors", 1.5), "'n_neighbors' in its sources is a float"),
    "other features": (source(0, "by", "os.system"), f"'by' {IMPOSSIBLE}"),
    "features exchanged": (source(0, "by", "features"), MISFIT),
    "components exchanged": (source(1, "by", "components"), MISFIT),
    "scaling of features": (source(1, "unit_length", 1), f"'unit_length' {IMPOSSIBLE}"),
    "scaling of components": (source(0, "unit_length", 1), MISFIT),
    "components": (set_in("architecture", "n_components", to=3), "the map in it is of shape (12, 2)"),
    "no embedding": (tensor("embedding", lambda _: None), "the map in it is of shape ()"),
    "embedding type": (tensor("embedding", lambda t: t.half()), "its map is of type float16"),
    "embedding not finite": (tensor("embedding", lambda t: t * torch.nan), "the map of the training samples is not"),
    "embedding rows": (tensor("embedding", lambda t: t[:11]), "the similar pairs of its graph do not fit 11 samples"),
    "empty embedding": (tensor("embedding", lambda t: t[:0]), "the map in it is of shape (0, 2)"),
    "shape": (set_in("architecture", "input_shape", to=[5]), MISFIT),
    "images": (set_in("architecture", "input_shape", to=[2, 2]), "its weights are not those of its trunk: "),
    "huge shape": (set_in("architecture", "input_shape", to=[10**12]), MISFIT),
    "impossible shape": (set_in("architecture", "input_shape", to=[10**30, 10**30]), MISFIT),
    "missing parameter": (lambda m, _: m["parameters"].pop("metric"), "its parameters differ from NeighborMap's in"),
    "unknown parameter": (set_in("parameters", "margin", to=1), "its parameters differ from NeighborMap's in margin"),
    "parameter": (set_in("parameters", "n_places", to=0), "The 'n_places' parameter of NeighborMap must be"),
    "neighbors beyond 64 bits": (set_in("parameters", "n_neighbors", to=2**63), "Integers go up to 2^63 - 1."),
    "scale infinite": (filled(f"{TRUNK}.0.scale", torch.inf), "'0.scale' is not finite"),
    "no metric": (set_in("parameters", "metric", to=None), "The 'metric' parameter of NeighborMap must be"),
    "function": (set_in("parameters", "metric", to={"function": 1}), "a function in its parameters has no name"),
    "foreign dict": (set_in("parameters", "orbit", to={"os.system": "ls"}), "a function in its parameters has no name"),
    "device": (set_in("parameters", "device", to={"torch.device": "oven"}), "cannot be used: "),
    "unknown tensor": (tensor("more", lambda t: t), "it has an unknown tensor 'more'"),
    "unknown tensor of the encoder": (of_encoder("head.more", lambda t: t), f"'head.more' {MISFIT}"),
    "unknown weight": (of_encoder(f"{TRUNK}.9.bias", lambda t: t), 'Unexpected key(s) in state_dict: "9.bias"'),
    "missing weight": (of_encoder(f"{TRUNK}.2.bias", lambda _: None), 'Missing key(s) in state_dict: "2.bias"'),
    "weight shape": (of_encoder(f"{TRUNK}.2.bias", lambda t: t[:1]), "size mismatch for 2.bias"),
    "weight type": (of_encoder(f"{TRUNK}.2.bias", lambda t: t.double()), "not all weights of its trunk are float32"),
    "weight not finite": (filled(f"{TRUNK}.2.bias", torch.inf), "weight 'network.trunk.2.bias' is not finite"),
    "no logits": (of_encoder("network.linear.weight", lambda _: None), "'network.linear.weight' of its encoder is"),
    "flat logits": (of_encoder("network.linear.weight", lambda t: t.ravel()), "not of 2 dimensions"),
    "empty logits": (of_encoder("network.linear.weight", lambda t: t[:0]), "missing, empty or not of 2 dimensions"),
    "logits of other features": (of_encoder("network.linear.weight", lambda t: t[:, :9]), MISFIT),
    "bias": (of_encoder("network.linear.bias", lambda t: t[:1]), f"'network.linear.bias' {MISFIT}"),
    "bias type": (of_encoder("network.linear.bias", lambda t: t.long()), "is of type torch.int64"),
    "centres": (of_encoder("head.centres", lambda t: t[:1]), f"'head.centres' {MISFIT}"),
    "centres of three": (of_encoder("head.centres", lambda t: torch.cat([t, t[:, :1]], 1)), f"'head.centres' {MISFIT}"),
    "centres type": (of_encoder("head.centres", lambda t: t.double()), "'head.centres' of its encoder is of type"),
    "centres not finite": (filled("head.centres", torch.inf), "buffer 'centres' is not finite"),
    "bandwidths": (of_encoder("head.bandwidth", lambda t: t[None]), f"'head.bandwidth' {MISFIT}"),
    "no bandwidth": (of_encoder("head.bandwidth", lambda _: None), f"'head.bandwidth' {MISFIT}"),
    "bandwidth 0": (filled("head.bandwidth", 0.0), "the bandwidth of its head is not positive"),
    "bandwidth below 0": (filled("head.bandwidth", -1.0), "the bandwidth of its head is not positive"),
    "tiny bandwidth": (filled("head.bandwidth", 1e-30), "the bandwidth of its head is not positive"),
    "bandwidth not finite": (filled("head.bandwidth", torch.inf), "buffer 'bandwidth' is not finite"),
    "scale 0": (filled(f"{TRUNK}.0.scale", 0.0), "the scale of its samples is not positive"),
    "scale NaN": (filled(f"{TRUNK}.0.scale", torch.nan), "'0.scale' is not finite"),
    "offset not finite": (filled(f"{TRUNK}.0.offset", torch.inf), "'0.offset' is not finite"),
    "variance below 0": (filled(f"{TRUNK}.3.running_var", -1.0), "a variance in its encoder is negative"),
    "stored rows": (of_encoder("retrievals.0.stored", lambda t: t[:11]), f"'retrievals.0.half_squares' {MISFIT}"),
    "stored columns": (of_encoder("retrievals.1.stored", lambda t: t[:, :5]), f"'reductions.1.axes' {MISFIT}"),
    "stored of none": (of_encoder("retrievals.0.stored", lambda t: t[:0]), "'retrievals.0.stored' of its encoder is"),
    "stored not finite": (filled("retrievals.0.stored", torch.nan), "buffer '0.stored' is not finite"),
    "squares of others": (filled("retrievals.1.half_squares", 7.0), "squares in its retrieval are not those of what"),
    "squares not finite": (filled("retrievals.0.half_squares", torch.inf), "buffer '0.half_squares' is not finite"),
    "positions": (of_encoder("retrievals.0.positions", lambda t: t[:11]), f"'retrievals.0.positions' {MISFIT}"),
    "positions of one": (
        of_encoder("retrievals.0.positions", lambda t: t[:, :1]),
        f"'retrievals.0.positions' {MISFIT}",
    ),
    "positions type": (
        of_encoder("retrievals.0.positions", lambda t: t.double()),
        "'retrievals.0.positions' of its en",
    ),
    "positions not finite": (filled("retrievals.1.positions", torch.inf), "buffer '1.positions' is not finite"),
    "axes": (of_encoder("reductions.0.axes", lambda t: t[:1]), f"'reductions.0.axes' {MISFIT}"),
    "mean": (of_encoder("reductions.0.mean", lambda t: t[:1]), f"'reductions.0.mean' {MISFIT}"),
    "mean not finite": (filled("reductions.0.mean", torch.nan), "buffer '0.mean' is not finite"),
    "needs": (set_in("needs", to=["encoder"]), f"'needs' {IMPOSSIBLE}"),
    "history": (set_in("training", "history", to=[{"cross_entropy": "low"}]), f"'history' {IMPOSSIBLE}"),
    "half a graph": (tensor("graph.similar.indices", lambda _: None), "the similar pairs of its graph are not whole"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_file_is_refused(small_map, path, name):
    change, cause = FORGERIES[name]
    path.write_bytes(small_map.read_bytes())
    forge(path, change)
    with pytest.raises(ModelFileError, match=f"^{re.escape(str(path))}: .*{re.escape(cause)}") as info:
        load(path)
    assert len(str(info.value)) <= 600


def test_no_memory_is_taken_for_claimed_sizes(small_map, path):
    path.write_bytes(small_map.read_bytes())
    forge(
        path,
        each(
            set_in("architecture", "input_shape", to=[10**12]),
            lambda metadata, tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("encoder.re")],
            set_in("places", "sources", to=[]),
        ),
    )
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=r"its weights are not those of its trunk: .* size mismatch"):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * path.stat().st_size + 2**22


def test_forged_file_with_an_own_trunk(path):
    save(NeighborMap(**QUICK_MAP, encoder=Trunk()).fit(TABLE), path)
    whole = path.read_bytes()
    for change, cause in (
        (set_in("places", "dropout", to=0.3), f"'dropout' {IMPOSSIBLE}"),
        (set_in("places", "unit_length", to=1), "its weights do not fit the 'encoder' given"),
        (filled(f"{TRUNK}.mask", torch.nan), "buffer 'network.trunk.mask' has NaN in it"),
        (filled("head.bandwidth", 0.0), "the bandwidth of its head is not positive"),
    ):
        path.write_bytes(whole)
        forge(path, change)
        with pytest.raises(ModelFileError, match=re.escape(cause)):
            load(path, encoder=Trunk())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_or_byte_is_noticed(small_map, path, data):
    content = bytearray(small_map.read_bytes())
    place = data.draw(st.one_of(st.integers(0, 4000), st.integers(0, len(content) - 1)))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=re.escape(f"{path}: ")) as info:
        load(path)
    assert len(str(info.value)) <= 600


def test_a_cut_is_noticed(small_map, path):
    path.write_bytes(small_map.read_bytes())
    for length in range(path.stat().st_size - 1, -1, -997):
        os.truncate(path, length)
        with pytest.raises(ModelFileError, match=r"is cut short|does not begin like"):
            read_summary(path)
