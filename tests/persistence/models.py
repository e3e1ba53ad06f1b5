"""Estimators and files that the tests of persistence share."""

from __future__ import annotations

import copy
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import torch as safetensors_torch
from torch import nn

from drlim import DrLIM, NeighborMap
from drlim._base.sealed import KEY, metadata_text, sealed
from drlim.persistence.schema import read_model_file

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(12, 4)).astype(np.float32)
IMAGES = RANDOM.integers(0, 256, size=(8, 24, 24), dtype=np.uint8)

QUICK: dict[str, Any] = {"encoder": "linear", "n_neighbors": 2, "max_epochs": 2, "random_state": 0, "verbose": False}

QUICK_MAP: dict[str, Any] = {"n_neighbors": 3, "max_epochs": 2, "random_state": 0, "verbose": False}


class Net(nn.Module):
    """A module with all that a state can hold: weights, counters, a mask of infinities, one weight under two names."""

    mask: torch.Tensor

    def __init__(self, n_features: int = 4, n_hidden: int = 6) -> None:
        super().__init__()
        self.first = nn.Linear(n_features, n_hidden)
        self.norm = nn.BatchNorm1d(n_hidden)
        self.last = nn.Linear(n_hidden, 2)
        self.tied = self.last
        self.register_buffer("mask", torch.full((2,), -torch.inf))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tied(torch.relu(self.norm(self.first(x)))).maximum(self.mask)


class Trunk(Net):
    """The same with a finite mask."""

    def __init__(self, n_features: int = 4, n_hidden: int = 6) -> None:
        super().__init__(n_features, n_hidden)
        self.mask.fill_(-1.0)


def attract(distance: torch.Tensor) -> torch.Tensor:
    return distance.square()


def repel(distance: torch.Tensor) -> torch.Tensor:
    return torch.exp(-distance)


def assert_same(loaded: DrLIM | NeighborMap, original: DrLIM | NeighborMap, X: Any, own: tuple[str, ...] = ()) -> None:
    """Assert that two estimators agree in all that they show."""
    wanted = original.get_params()
    found = loaded.get_params()
    assert {name: found[name] for name in found if name not in own} == {
        name: wanted[name] for name in wanted if name not in own
    }
    public = {name for name in vars(original) if name.endswith("_")}
    assert {name for name in vars(loaded) if name.endswith("_")} == public
    for name in public - {"encoder_", "embedding_", "feature_names_in_", "history_"}:
        assert getattr(loaded, name) == getattr(original, name), name
    timeless = [{name: value for name, value in record.items() if name != "seconds"} for record in original.history_]
    assert repr(loaded.history_) == repr(timeless)  # the types too
    assert loaded.embedding_.dtype == original.embedding_.dtype
    assert loaded.embedding_.tobytes() == original.embedding_.tobytes()
    assert loaded.embedding_.flags.writeable
    assert not loaded.graph_.similar.indices.flags.writeable
    assert not loaded.encoder_.training
    # Where in memory a row begins can change how its sum is rounded; torch's own allocations begin at 64 bytes.
    assert all(value.data_ptr() % 64 == 0 for value in loaded.encoder_.state_dict().values())
    first, second = loaded.transform(X), original.transform(X)
    assert np.asarray(first).dtype == np.asarray(second).dtype
    assert np.asarray(first).tobytes() == np.asarray(second).tobytes()
    assert list(loaded.get_feature_names_out()) == list(original.get_feature_names_out())


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object]) -> None:
    """Change a file's metadata and tensors, and seal it anew: a checksum alone would let it pass."""
    file = read_model_file(path)
    tensors = safetensors_torch.load(file.content)
    metadata = copy.deepcopy(file.metadata)
    change(metadata, tensors)
    path.write_bytes(sealed(safetensors_torch.save(tensors, {KEY: metadata_text(metadata)})))


def forget(path: Path, version: int) -> None:
    """Turn a file into one of an earlier format, which has nothing of the training samples."""

    def change(metadata: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        metadata["format_version"] = version
        for name in [name for name in tensors if name.startswith("reference.")]:
            del tensors[name]

    forge(path, change)


def rewrite_header(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file's header as text."""
    content = path.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = change(content[8:end])
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[end:])


def reseal(path: Path) -> None:
    content = re.sub(rb'(\\"sha256\\":\\")[0-9a-f]{64}', rb"\g<1>" + b"0" * 64, path.read_bytes())
    path.write_bytes(sealed(content))
