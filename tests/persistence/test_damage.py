"""Damaged files, and files of other kinds: each is refused, and nothing in them is executed."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import struct
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import torch as safetensors_torch
from tests.persistence.models import QUICK, TABLE, reseal, rewrite_header

from drlim import DrLIM, load, save
from drlim._base.sealed import KEY
from drlim.persistence import ModelFileError, read_summary


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_or_byte_is_noticed(small, path, data):
    content = bytearray(small.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=re.escape(f"{path}: ")) as info:
        load(path)
    assert len(str(info.value)) <= 600


def test_a_cut_anywhere_is_noticed(small, path):
    content = small.read_bytes()
    path.write_bytes(content)
    for length in reversed(range(len(content))):
        os.truncate(path, length)
        with pytest.raises(ModelFileError, match=r"is cut short|does not begin like"):
            read_summary(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ModelFileError, match=re.escape(f"it has {len(content) + 1} bytes, its header says")):
        load(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), header=st.booleans())
def test_any_other_file_is_refused(path, content, header):
    path.write_bytes(struct.pack("<Q", len(content)) + content if header else content)
    with pytest.raises(ModelFileError, match="is no model file of drlim"):
        load(path)


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickles_are_refused_and_not_executed(path, tmp_path):
    touched = tmp_path / "touched"
    for write in (lambda bomb: path.write_bytes(pickle.dumps(bomb)), lambda bomb: torch.save(bomb, path)):
        write(Bomb(touched))
        with pytest.raises(ModelFileError, match="it does not begin like a safetensors file"):
            load(path)
    assert not touched.exists()


def test_other_safetensors_file(path):
    for metadata in (None, {"format": "pt"}, {KEY: "{}", "format": "pt"}):
        path.write_bytes(safetensors_torch.save({"weight": torch.zeros(2)}, metadata))
        with pytest.raises(ModelFileError, match="is no model file of drlim, or its header is damaged"):
            load(path)
    path.write_bytes(safetensors_torch.save({"weight": torch.zeros(2)}, {KEY: "{}"}))
    with pytest.raises(ModelFileError, match="is no model file of drlim, or its checksum is damaged"):
        load(path)


def test_oversized_header_is_refused_unread(path):
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 10**9) + b"{")
        file.truncate(10**9 + 10)  # a hole, not a gigabyte
    with pytest.raises(ModelFileError, match="it does not begin like a safetensors file"):
        load(path)


@pytest.mark.parametrize("metadata", [b"", b'"__metadata__":{"drlim":"{}"},', b'"__metadata__":{"drlim":"{\\"}'])
def test_a_header_of_a_million_tensors_is_refused_at_once(path, metadata):
    tensors = b",".join(b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % place for place in range(10**6))
    header = b"{" + metadata + tensors + b',"}":{"}":0}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    began = time.perf_counter()
    with pytest.raises(ModelFileError, match="its header lists more tensors than any that drlim writes"):
        read_summary(path)
    assert time.perf_counter() - began < 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_pipe_is_refused_unread(path):
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match="is no model file of drlim but a folder or a device"):
        load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace(b'"embedding":', b'"embedding":{},"embedding":'),
        lambda header: header.replace(b'{"__metadata__"', b'{"__metadata__":{},"__metadata__"'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":[12,2.0]'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":[-12,-2]'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":[true,2]'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":' + b"[" * 100_000),
        lambda _: b"[]",
        lambda _: b"\xff" * 9,
        lambda _: b"1" * 5000,
    ],
)
def test_header_that_is_none(small, path, change):
    path.write_bytes(small.read_bytes())
    rewrite_header(path, change)
    assert path.read_bytes() != small.read_bytes()
    with pytest.raises(ModelFileError, match="is no model file of drlim, or its header is damaged"):
        load(path)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            lambda header: header.replace(b'\\"needs\\":[]', b'\\"needs\\":[],\\"needs\\":[]'),
            "a key stands in it twice",
        ),
        (lambda header: re.sub(rb'(\\"energy\\":)[0-9.e-]+', rb"\1NaN", header, count=1), "NaN in it is not finite"),
        (lambda header: re.sub(rb'(\\"energy\\":)[0-9.e-]+', rb"\g<1>1e999", header), "1e999 in it is not finite"),
        (lambda header: header.replace(b'\\"needs\\":[]', b'\\"needs\\":' + b"[" * 100_000), "recursion"),
    ],
)
def test_metadata_that_are_no_json(small, path, change, cause):
    path.write_bytes(small.read_bytes())
    rewrite_header(path, change)
    reseal(path)
    assert path.read_bytes() != small.read_bytes()
    with pytest.raises(ModelFileError, match=f"its metadata is not JSON as drlim writes it .*{cause}"):
        load(path)


def test_metadata_that_are_no_object(small, path):
    path.write_bytes(small.read_bytes())
    rewrite_header(path, lambda header: header.replace(b'"drlim":"{', b'"drlim":"[{').replace(b'}"},"', b'}]"},"'))
    reseal(path)
    with pytest.raises(ModelFileError, match="is damaged: its metadata is no JSON object"):
        load(path)


def test_checksum_is_of_the_whole_file_its_digits_read_as_zeros(small):
    found = read_summary(small)["sha256"]
    content = small.read_bytes()
    assert content.count(found.encode()) == 1
    assert hashlib.sha256(content.replace(found.encode(), b"0" * 64)).hexdigest() == found


def test_a_name_that_looks_like_a_checksum(path):
    name = '\\"sha256\\":\\"' + "0" * 64 + '\\"'
    save(DrLIM(**QUICK).fit(pd.DataFrame(TABLE, columns=["a", "b", f'"sha256":"{"0" * 64}"', name])), path)
    assert load(path).feature_names_in_[3] == name
