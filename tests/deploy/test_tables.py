"""A table before a map in an ONNX file: its columns as numbers, coded as the description says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.pipeline import make_pipeline

from drlim import DrLIM, Table, export
from drlim.deploy import read_description
from drlim.deploy.tabled import Tabled, coded, coded_columns, decoded

QUICK = {"max_epochs": 1, "random_state": 0}
FRAME = pd.DataFrame(
    {
        "id": [f"k{row}" for row in range(40)],
        "size": [1.5, None, 3.0, 4.0] * 10,
        "city": ["Oslo", "Bergen", None, "Oslo"] * 10,
        "since": ["2020-01-05", "2021-07-09T12:00", "", "2022-03-05"] * 10,
        "member": [True, False] * 20,
    }
)


def test_codes_by_hand():
    table = Table().fit(FRAME)
    assert coded_columns(table) == [
        {"name": "size", "kind": "number", "levels": []},
        {"name": "city", "kind": "category", "levels": ["Bergen", "Oslo"]},
        {"name": "since", "kind": "date", "levels": []},
        {"name": "member", "kind": "number", "levels": []},
    ]
    codes = coded(table, FRAME.iloc[:3])
    np.testing.assert_array_equal(
        codes, [[1.5, 1.0, 18266.0, 1.0], [np.nan, 0.0, 18817.5, 0.0], [3.0, np.nan, np.nan, 1.0]]
    )


@pytest.mark.parametrize("fill", ["median", "mean"])
def test_the_module_makes_of_codes_what_the_table_makes_of_rows(fill):
    table = Table(fill=fill).fit(FRAME)
    codes = coded(table, FRAME)
    made = Tabled(table)(torch.from_numpy(codes)).numpy()
    np.testing.assert_allclose(made, table.transform(FRAME), rtol=0, atol=1e-12)
    np.testing.assert_allclose(table.transform(decoded(table, codes)), table.transform(FRAME), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Categories that are not in the training data")
def test_an_unknown_category_is_none_of_them():
    table = Table().fit(FRAME)
    codes = coded(table, FRAME.iloc[:1].assign(city=["Rome"]))
    assert np.isnan(codes[0, 1])
    for code in (np.nan, -1.0, 7.0):
        codes[0, 1] = code
        made = Tabled(table)(torch.from_numpy(codes)).numpy()
        assert made[0, 1:3].tolist() == [0.0, 0.0]
        np.testing.assert_allclose(table.transform(decoded(table, codes)), made, rtol=0, atol=1e-12)


def test_a_pipeline_of_a_table_in_a_file(tmp_path):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    pipeline = make_pipeline(Table(), DrLIM(encoder="mlp", **QUICK)).fit(FRAME)
    verified = export(pipeline, tmp_path / "map.onnx", X=FRAME)
    assert verified.largest_difference < 1e-5
    described = read_description(tmp_path / "map.onnx")
    assert described["feature_names"] == ["size", "city", "since", "member"]
    assert described["columns"] == coded_columns(pipeline[0])
    assert described["inputs"]["X"]["shape"] == ["n", 4]
    codes = coded(pipeline[0], FRAME).astype(np.float32)
    Z = onnxruntime.InferenceSession(tmp_path / "map.onnx").run(["Z"], {"X": codes})[0]
    np.testing.assert_allclose(Z, pipeline.transform(FRAME), rtol=0, atol=1e-5)
