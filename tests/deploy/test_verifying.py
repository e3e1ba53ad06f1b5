"""Rows to verify a file on, and what is said of a file that differs; ONNX models made by hand take no time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from drlim import NeighborMap, make_encoder
from drlim.deploy.verifying import jumps, rows_like, rows_of_encoder, verify

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(500, 3)).astype("f")


def model(*nodes, n="n") -> bytes:
    """An ONNX model of nodes from X (n, 3) to Z (n, 3)."""
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [n, 3]) for name in "XZ"]
    one = onnx.numpy_helper.from_array(np.float32(1), "one")
    graph = onnx.helper.make_graph([onnx.helper.make_node(*node) for node in nodes], "map", ends[:1], ends[1:], [one])
    opset = [onnx.helper.make_opsetid("", 20)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def same(samples):
    return samples


def test_an_equal_file_is_verified_on_all_rows_in_batches_of_three_sizes():
    found = verify(model(("Identity", "X", ["Z"])), TABLE, TABLE, same, size=1.0)
    assert found == (8 + 24 + 500, 0.0, 0)


def test_the_difference_is_a_share_of_the_size_of_the_map():
    within = TABLE + np.float32(5e-5) * (np.arange(500)[:, None] == 7)
    found = verify(model(("Identity", "X", ["Z"])), TABLE, TABLE, lambda _: within, size=10.0)
    assert found.largest_difference == pytest.approx(5e-6, rel=0.01)


@pytest.mark.parametrize("place", [0, 7, 499])
def test_a_row_that_differs_is_refused(place):
    changed = TABLE + np.float32(1e-3) * (np.arange(500)[:, None] == place)

    def put(samples):
        return changed if samples.dtype == np.float32 else samples

    with pytest.raises(ValueError, match=r"differs from transform by 1.0e-04 of the size of the map, on batches of"):
        verify(model(("Identity", "X", ["Z"])), TABLE, TABLE, put, size=10.0)


def test_not_a_number_is_refused():
    content = model(("Sqrt", "X", ["Z"]))
    with pytest.raises(ValueError, match="differs from transform by nan"):
        verify(content, -np.abs(TABLE), TABLE, same, size=1.0)


@pytest.mark.filterwarnings("ignore:overflow")
def test_rows_beyond_the_finite_numbers_are_left_out():
    rows = TABLE.copy()
    rows[3] = 3e38
    found = verify(model(("Add", ["X", "X"], ["Z"])), rows, rows, lambda samples: samples + samples, size=1.0)
    assert found.n_rows == 8 + 24 + 499


def test_a_file_that_takes_one_number_of_samples_is_refused():
    with pytest.raises(ValueError, match=r"cannot be run by onnxruntime on batches of 1: .*No file is written"):
        verify(model(("Identity", "X", ["Z"]), n=3), TABLE, TABLE, same, size=1.0)


def test_a_file_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"gives outputs of shape \(8, 1\) in place of \(8, 3\)"):
        verify(model(("ReduceSum", "X", ["Z"])), TABLE, TABLE, same, size=1.0)


def step_function(samples):
    """A map that jumps where the sum of a sample is 0."""
    return np.where(samples.sum(axis=1, keepdims=True) > 0, 1.0, -1.0)


def test_a_jump_is_told_from_a_slope():
    samples = np.array([[1.0, -1.0, 0.0], [1.0, -1.0, 1e-3], [1.0, 1.0, 1.0]])
    assert jumps(step_function, samples, np.ones(3), 0.1).tolist() == [True, False, False]
    assert jumps(lambda rows: 10 * rows, samples, np.ones(3), 1e-3).tolist() == [False, False, False]
    assert jumps(step_function, samples[:0], np.ones(3), 0.1).tolist() == []


def test_a_row_on_a_jump_is_counted_and_not_compared():
    rows = TABLE.copy()
    rows[2] = [1.0, 0.0, -1.0]

    def put(samples):  # the file, which has no jump, misses the row that lies on it
        return samples + 5.0 * (np.abs(samples.sum(axis=1, keepdims=True)) < 1e-8)

    found = verify(model(("Identity", "X", ["Z"])), rows, rows, put, size=1.0)
    assert found.n_tied == 3  # once in each size of batch
    assert found.largest_difference == 0.0


def test_rows_like_samples_have_the_extremes_of_each_column_and_no_other_values():
    rows = rows_like(TABLE)
    assert rows.dtype == np.float32
    assert np.array_equal(rows.min(axis=0), TABLE.min(axis=0))
    assert np.array_equal(rows.max(axis=0), TABLE.max(axis=0))
    assert all(np.isin(rows[:, column], TABLE[:, column]).all() for column in range(3))
    assert (rows[:, None] == TABLE[None]).all(axis=2).any(axis=1).mean() < 0.6  # the rest are mixed
    assert np.array_equal(rows, rows_like(TABLE))


def test_rows_like_samples_with_missing_values_have_the_extremes():
    holes = TABLE.copy()
    holes[::2, 0] = np.nan
    rows = rows_like(holes)
    assert np.nanmax(rows[:, 0]) == np.nanmax(holes[:, 0])
    assert np.isnan(rows).any()


def test_rows_like_images_are_images():
    assert rows_like(RANDOM.normal(size=(5, 4, 6)).astype("f")).shape[1:] == (4, 6)


def test_rows_of_an_encoder_reach_three_deviations_around_its_offset():
    encoder = make_encoder("linear", (4,))
    encoder[0].offset.copy_(torch.tensor([0.0, 10.0, -5.0, 100.0]))
    encoder[0].scale.fill_(2.0)
    rows = rows_of_encoder(encoder, (4,))
    assert rows.dtype == np.float32
    assert rows[:2].tolist() == [[-6.0, 4.0, -11.0, 94.0], [6.0, 16.0, 1.0, 106.0]]
    assert (rows == np.float32([0.0, 10.0, -5.0, 100.0])).all(axis=1).any()
    assert (rows_of_encoder(encoder, (4,), positive=True) >= 0).all()
    assert rows_of_encoder(nn.Flatten(), (2, 3)).shape[1:] == (2, 3)


def test_rows_of_a_neighbor_map_have_training_samples_at_the_ends_of_its_components():
    X = RANDOM.normal(size=(60, 3)).astype("f") * [5, 1, 1]
    encoder = NeighborMap(max_epochs=1, random_state=0, verbose=False).fit(X).encoder_
    rebuilt = rows_of_encoder(encoder, (3,))[251:]  # after 100 rows of ends, 150 normal ones and the mean
    distance = np.abs(rebuilt[:, None] - X[None]).max(axis=2).min(axis=1)
    assert len(rebuilt) >= 4
    assert distance.max() < 1e-4
    assert rebuilt[:, 0].max() == pytest.approx(X[:, 0].max(), abs=1e-4)
