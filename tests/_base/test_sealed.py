"""Sealed files: any change is noticed, and errors are short."""

from __future__ import annotations

import re

import numpy as np
import pytest
from safetensors import numpy as safetensors_numpy

from drlim._base.sealed import KEY, ModelFileError, metadata_text, read_sealed, sealed, unusable


@pytest.fixture
def path(tmp_path):
    content = safetensors_numpy.save({"ones": np.ones((2, 3))}, {KEY: metadata_text({"colour": "red"})})
    path = tmp_path / "some.safetensors"
    path.write_bytes(sealed(content))
    return path


def test_a_sealed_file_is_read(path):
    found = read_sealed(path)
    assert isinstance(found.metadata, dict)
    assert found.metadata.pop("sha256") in path.read_text(errors="ignore")
    assert found.metadata == {"colour": "red"}
    assert found.shapes == {"ones": [2, 3]}
    assert found.content == path.read_bytes()


def test_every_changed_byte_is_noticed_and_the_kind_of_file_is_named(path):
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ModelFileError, match=re.escape(f"{path}: is ")):
            read_sealed(path, "colour")
    path.write_bytes(b"12345678")
    with pytest.raises(ModelFileError, match="is no colour file of drlim: it does not begin like a safetensors file"):
        read_sealed(path, "colour")


def test_metadata_that_json_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="Out of range float values"):
        metadata_text({"energy": float("nan")})
    with pytest.raises(TypeError, match="set"):
        metadata_text({"names": {1}})


def test_messages_are_short_whatever_the_path(tmp_path):
    error = unusable(tmp_path / ("n" * 3000), "is odd. " * 100)
    assert len(str(error)) == 600
    assert str(error).startswith("...nnn")
