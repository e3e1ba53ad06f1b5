"""IDX, NORB's binary matrices and reproducible npz: bytes by hand, then round trips, then refusals."""

from __future__ import annotations

import gzip
import os
import re
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drlim.datasets.formats import read_idx, read_norb_matrix, write_idx, write_norb_matrix, write_npz

IDX_BY_HAND = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
NORB_BY_HAND = bytes.fromhex("544c3d1e 02000000 02000000 01000000 01000000 07000000 ffffffff")

once = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def written(path, content: bytes):
    path.write_bytes(content)
    return path


def arrays_of(dtypes, min_dims):
    shapes = hnp.array_shapes(min_dims=min_dims, max_dims=5, min_side=0, max_side=4)
    return st.sampled_from(dtypes).flatmap(lambda dtype: hnp.arrays(dtype, shapes))


def assert_same(found, expected):
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, expected, strict=False)
    assert found.shape == expected.shape


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_by_hand(tmp_path, pack):
    assert_same(read_idx(written(tmp_path / "a", pack(IDX_BY_HAND))), np.array([[1, 2, 3], [4, 5, 6]], np.uint8))


def test_idx_numbers_are_big_endian(tmp_path):
    path = written(tmp_path / "a", bytes([0, 0, 11, 1, 0, 0, 0, 2, 1, 2, 255, 255]))
    assert_same(read_idx(path), np.array([258, -1], np.int16))


@once
@given(values=arrays_of(["u1", "i1", "<i2", ">i2", "<i4", "<f4", ">f8"], 0), suffix=st.sampled_from(["", ".gz"]))
def test_idx_round_trip(tmp_path, values, suffix):
    path = tmp_path / f"values{suffix}"
    write_idx(path, values)
    assert_same(read_idx(path), values)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == (suffix == ".gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path} is not an IDX file: it begins with the bytes '', where two zeros"),
        (b"\x89PNG\r\n", "{path} is not an IDX file: it begins with the bytes '89 50 4e 47', where two zeros"),
        (b"\0\0\x0a\1", "{path} is not an IDX file: it begins with the bytes '00 00 0a 01', where two zeros"),
        (IDX_BY_HAND[:10], "{path} is truncated within its header."),
        (
            IDX_BY_HAND[:-1],
            "{path} is truncated: its header promises shape (2, 3), 18 bytes in all, and it holds 17.",
        ),
        (
            IDX_BY_HAND + b"\0",
            "{path} is too long: its header promises shape (2, 3), 18 bytes in all, and it holds 19.",
        ),
        (
            gzip.compress(IDX_BY_HAND, mtime=0)[:-9],
            "{path} is a gzip file that is truncated or corrupted (Compressed file",
        ),
        (
            gzip.compress(IDX_BY_HAND, mtime=0)[:-8] + bytes(8),
            "{path} is a gzip file that is truncated or corrupted (CRC",
        ),
        (b"\x1f\x8bxxxxxxxxxxxxxxxxxx", "{path} is a gzip file that is truncated or corrupted ("),
    ],
)
def test_idx_refusals(tmp_path, content, message):
    path = written(tmp_path / "bad", content)
    with pytest.raises(ValueError, match=re.escape(message.format(path=path))):
        read_idx(path)


def test_idx_has_no_complex_numbers(tmp_path):
    with pytest.raises(ValueError, match=re.escape("IDX cannot hold numbers of type complex128. Convert them to")):
        write_idx(tmp_path / "a", np.zeros(3, complex))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_norb_by_hand(tmp_path, pack):
    path = written(tmp_path / "a.mat", pack(NORB_BY_HAND))
    assert_same(read_norb_matrix(path), np.array([[7], [-1]], np.int32))


def test_norb_header_by_hand(tmp_path):
    write_norb_matrix(tmp_path / "a.mat", np.array([[7], [-1]], ">i4"))
    assert (tmp_path / "a.mat").read_bytes() == NORB_BY_HAND


NORB_DTYPES = ["<f4", ">f4", "<f8", "<i4", ">i4", "u1", "<i2", ">i2"]


@once
@given(values=arrays_of(NORB_DTYPES, 0), suffix=st.sampled_from(["", ".gz"]))
def test_norb_round_trip(tmp_path, values, suffix):
    path = tmp_path / f"values.mat{suffix}"
    write_norb_matrix(path, values)
    assert_same(read_norb_matrix(path), values)


@once
@given(data=st.data(), values=arrays_of(NORB_DTYPES, 1), suffix=st.sampled_from(["", ".gz"]))
def test_norb_rows_are_those_of_the_whole(tmp_path, data, values, suffix):
    rows = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=6)) if len(values) else []
    path = tmp_path / f"values.mat{suffix}"
    write_norb_matrix(path, values)
    assert_same(read_norb_matrix(path, rows), values[np.array(rows, int)])


@pytest.mark.parametrize(("write", "name"), [(write_idx, "a.gz"), (write_norb_matrix, "a.mat.gz")])
def test_packed_bytes_do_not_depend_on_the_time(tmp_path, monkeypatch, write, name):
    contents = []
    for time in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda time=time: time)
        write(tmp_path / name, np.arange(3, dtype=np.uint8))
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("rows", [[2], [-1], [0, 5]])
def test_norb_rows_out_of_range(tmp_path, rows):
    path = written(tmp_path / "a.mat", NORB_BY_HAND)
    with pytest.raises(IndexError, match=re.escape(f"'rows' must be from 0 to 1, for {path} holds 2.")):
        read_norb_matrix(path, rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a NORB binary matrix: it begins with the bytes '00 00 00 00', where '51' to '56'"),
        (b"PK\3\4" + bytes(40), "is not a NORB binary matrix: it begins with the bytes '50 4b 03 04', where"),
        (bytes.fromhex("524c3d1e") + bytes(40), "is not a NORB binary matrix: it is of the 'packed' type"),
        (bytes.fromhex("1e3d4c55") + bytes(40), "is not a NORB binary matrix: its numbers are big-endian"),
        (
            bytes.fromhex("554c3d1e ffffffff") + bytes(40),
            "is not a NORB binary matrix: its header promises 4294967295 dimensions",
        ),
        (NORB_BY_HAND[:15], "is truncated within its header."),
        (
            NORB_BY_HAND[:-1],
            "is truncated: its header promises shape (2, 1), 28 bytes in all, and it holds 27.",
        ),
        (NORB_BY_HAND + b"\0", "is too long: its header promises shape (2, 1), 28 bytes in all, and it holds 29."),
        (gzip.compress(NORB_BY_HAND, mtime=0)[:-9], "is a gzip file that is truncated or corrupted (Compressed file"),
        (gzip.compress(NORB_BY_HAND, mtime=0)[:-8] + bytes(8), "is a gzip file that is truncated or corrupted (CRC"),
    ],
)
@pytest.mark.parametrize("rows", [None, [0]])
def test_norb_refusals(tmp_path, content, message, rows):
    path = written(tmp_path / "bad.mat", content)
    with pytest.raises(ValueError, match=re.escape(f"{path} {message}")):
        read_norb_matrix(path, rows)


def test_norb_has_no_int64(tmp_path):
    message = (
        "a NORB binary matrix cannot hold numbers of type int64. Convert them to one of float32, float64, int16, "
        "int32, uint8."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        write_norb_matrix(tmp_path / "a.mat", np.zeros(3, np.int64))


def test_npz_is_read_back_and_its_bytes_do_not_depend_on_the_time(tmp_path, monkeypatch):
    arrays = {"b": np.arange(6.0).reshape(2, 3), "a": np.array(["x", "yz"])}
    write_npz(tmp_path / "1.npz", arrays)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("sys.platform", "win32")
    write_npz(tmp_path / "2.npz", arrays)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    with np.load(tmp_path / "1.npz", allow_pickle=False) as found:
        assert list(found) == ["b", "a"]
        for name, values in arrays.items():
            np.testing.assert_array_equal(found[name], values, strict=True)
    with zipfile.ZipFile(tmp_path / "1.npz") as archive:
        assert {(m.date_time, m.create_system) for m in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), 3)}


def test_npz_refuses_what_needs_pickle(tmp_path):
    with pytest.raises(ValueError, match="Object arrays cannot be saved when allow_pickle=False"):
        write_npz(tmp_path / "a.npz", {"a": np.array([{}])})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_pipes_are_refused_unread(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (read_idx, read_norb_matrix):
        with pytest.raises(ValueError, match="is a pipe and no file"):
            read(tmp_path / "pipe")
