"""The description in an ONNX file, and its checksum: without onnx."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drlim import ModelFileError
from drlim.deploy.onnx_file import description_text, read_description, sealed_onnx

DESCRIPTION = {"onnx_format": 1, "drlim_version": "0.1", "feature_names": ['"sha256":"' + "0" * 64 + '"', "ü"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    text = description_text(DESCRIPTION).encode()
    (tmp_path / "map.onnx").write_bytes(sealed_onnx(b"\x08\x0a\xff" + text + b"\x00\xff rest"))
    return tmp_path / "map.onnx"


def test_it_is_read_again(path):
    found = read_description(path)
    content = path.read_bytes()
    assert {**found, "sha256": None} == {**DESCRIPTION, "sha256": None}
    assert content.count(found["sha256"].encode()) == 1
    assert hashlib.sha256(content.replace(found["sha256"].encode(), b"0" * 64)).hexdigest() == found["sha256"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_noticed(path, data):
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    changed = path.with_name("changed.onnx")
    changed.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"its checksum does not match its content|its description is damaged"):
        read_description(changed)


@pytest.mark.parametrize("content", [b"", b"\x08\x0a onnx", b'"sha256":"' + b"0" * 64 + b'"'])
def test_another_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as info:
        read_description(path)
    assert str(info.value) == f"{path}: is no ONNX file of drlim, or its description is damaged."


def test_a_folder_and_an_absent_file_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="is no ONNX file of drlim but a folder"):
        read_description(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_description(tmp_path / "absent.onnx")


def test_a_newer_description_is_refused(path):
    text = description_text({"onnx_format": 2, "drlim_version": "9.9"})
    path.write_bytes(sealed_onnx(text.encode()))
    with pytest.raises(ModelFileError) as info:
        read_description(path)
    assert str(info.value) == f"{path}: is described in format 2, by drlim 9.9. Install a newer drlim."


def test_a_description_begins_with_its_format():
    with pytest.raises(ValueError, match="Expected the description to begin with its format"):
        description_text({"drlim_version": "0.1", "onnx_format": 1})
    with pytest.raises(ValueError, match=r"Expected one checksum in the file\. Got 0"):
        sealed_onnx(b"nothing")


def test_reading_a_description_imports_nothing_heavy(path):
    code = (
        "import sys; from drlim.deploy import read_description; read_description(sys.argv[1]); "
        "print([m for m in ('torch', 'sklearn', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
