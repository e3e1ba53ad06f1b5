"""The NumPy runtime of a table or a scaler before a map: equal to the pipeline, whatever the columns hold."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.stories.telling import STORIES

import drlim
from drlim import DrLIM, NeighborMap, Table, runtime
from drlim.tables.values import values_of

QUICK = {"max_epochs": 1, "random_state": 0}
RANDOM = np.random.default_rng(0)

COLUMNS = {
    "id": [f"k{row}" for row in range(30)],
    "size": [*RANDOM.normal(size=28).round(3).tolist(), None, float("nan")],
    "price": ["1,5", "2", "", "3,25", "NA"] * 6,
    "count": ["1,500", "900", "12,000"] * 10,
    "since": ["2020-01-05", "2021-07-09T12:30", "", "05.03.2022", "2020-02-01 00:00:00.25"] * 6,
    "zoned": ["2020-01-05T10:00+02:00", "2020-01-05T10:00Z", "2021-07-09T12:30-0330"] * 10,
    "city": ["Oslo", " Bergen ", None, "Tromsø", "Oslo"] * 6,
    "code": ["1", "2", "x"] * 10,
    "member": [True, False, None] * 10,
    "level": [3, 1.5, 2] * 10,
}
FRAME = pd.DataFrame(COLUMNS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a pipeline of a table, and its file read by NumPy alone."""
    path = tmp_path_factory.mktemp("tables") / "m.safetensors"
    model = DrLIM(encoder="mlp", **QUICK)
    pipeline = make_pipeline(Table(categories=["level"]), model).fit(FRAME)
    drlim.save(pipeline, path)
    return pipeline, runtime.load(path)


def same(pipeline, light, X, of=None):
    np.testing.assert_allclose(light.transform(X), pipeline.transform(X if of is None else of), rtol=0, atol=1e-6)


def test_a_table_as_it_comes(saved):
    pipeline, light = saved
    kinds = {column.name: column.kind for column in pipeline[0].columns_}
    assert kinds["since"] == kinds["zoned"] == "date"
    assert kinds["price"] == kinds["count"] == "number"
    assert kinds["city"] == kinds["code"] == kinds["level"] == "category"
    assert (light.steps, light.feature_names) == (["Table"], list(COLUMNS))
    assert repr(light).startswith("Model(Table, DrLIM, input_shape=(")
    same(pipeline, light, FRAME)
    same(pipeline, light, COLUMNS)


@pytest.mark.filterwarnings("ignore:Categories that are not in the training data")
def test_columns_in_any_order_others_beside_them_and_unknown_categories(saved):
    pipeline, light = saved
    other = FRAME.iloc[:3].assign(city=["Rome", "Oslo", ""])
    mixed = {name: other[name].to_numpy() for name in reversed(list(other))} | {"more": [1, 2, 3]}
    del mixed["id"]  # left out by the table
    same(pipeline, light, mixed, of={**mixed})
    typed = other.assign(
        city=other["city"].astype("category"),
        since=pd.to_datetime(["2020-01-05", None, "2022-03-05"]),
        size=pd.array([1, None, 3], dtype="Int64"),
        zoned=pd.to_datetime(["2020-01-05T10:00+02:00"] * 3, utc=True),
    )
    same(pipeline, light, typed)


def test_a_scaler_and_a_neighbor_map(tmp_path):
    X = RANDOM.normal(size=(60, 3)) * [1, 10, 100] + 5
    for steps in ([StandardScaler()], [StandardScaler(with_mean=False)], [Table(standardize=False), StandardScaler()]):
        pipeline = make_pipeline(*steps, NeighborMap(n_places=20, **QUICK)).fit(X)
        drlim.save(pipeline, tmp_path / "m.safetensors")
        light = runtime.load(tmp_path / "m.safetensors")
        for kind in (np.float32, np.float64):
            rows = X[:7].astype(kind)
            wanted = pipeline.transform(rows)
            found = light.transform(rows)
            assert found.dtype == wanted.dtype
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)
        np.testing.assert_allclose(
            light.novelty(X[:7]), pipeline[-1].novelty(pipeline[:-1].transform(X[:7])), rtol=0, atol=1e-6
        )
        assert light.confidence(X[:7]).shape == (7,)


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize("name", ["a table"])
def test_the_table_of_the_story(tmp_path, name):
    (story,) = [one for one in STORIES if one.name == name]
    story.prepare(tmp_path, 0.3)
    frame, new = (pd.read_csv(tmp_path / f"{one}.csv") for one in ("customers", "new"))
    pipeline = make_pipeline(Table(), DrLIM(encoder="linear", **QUICK)).fit(frame)
    drlim.save(pipeline, tmp_path / "m.safetensors")
    same(pipeline, runtime.load(tmp_path / "m.safetensors"), new)


CELLS = st.one_of(
    st.none(),
    st.floats(-1e9, 1e9),
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.sampled_from(["", " ", "NA", "n/a", "null", "nan", "1,5", "1,500", "-3", "1e3", "2020-01-05", "05.03.2022"]),
    st.sampled_from(["2020-01-05T10:00+02:00", "2020-13-01", "2021-07", "inf", "x", "Å", "1_000", "0x1", "01,5"]),
    st.text(max_size=4),
)


@given(cells=st.lists(CELLS, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cells_are_read_as_a_table_reads_them(cells):
    try:
        wanted = values_of(cells, "a")
    except (ValueError, OverflowError):  # infinity
        wanted = None
    found = runtime._values_of(cells)
    if wanted is None:
        assert np.isinf(found.numbers).any()
        return
    assert found.texts == wanted.as_texts().tolist()
    assert found.is_date == wanted.is_date
    assert (found.numbers is None) == (wanted.numbers is None)
    if wanted.numbers is not None:
        np.testing.assert_array_equal(found.numbers, wanted.numbers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": None}, "'X' has no column 'size'"),
        ({"size": ["a"] * 30}, "Column 'size' held numbers in the training data"),
        ({"since": ["x"] * 30}, "Column 'since' held dates in the training data"),
        ({"size": ["2020-01-01"] * 30}, "Column 'size' held numbers in the training data"),
        ({"size": [float("inf")] * 30}, "Column 'size' holds infinity in row 0"),
    ],
)
def test_refusals_begin_as_those_of_the_table(saved, change, message):
    pipeline, light = saved
    columns = {name: change.get(name, values) for name, values in COLUMNS.items()}
    columns = {name: values for name, values in columns.items() if values is not None}
    for transform in (pipeline.transform, light.transform):
        with pytest.raises(ValueError, match=message):
            transform(columns)


def test_other_refusals(saved, tmp_path):
    _, light = saved
    with pytest.raises(ValueError, match="columns of one length"):
        light.transform({**COLUMNS, "size": [1.0]})
    with pytest.raises(ValueError, match="to hold rows of 10 columns, as the Table was fitted on"):
        light.transform(np.zeros((3, 4)))
    pipeline = make_pipeline(Table(fill="refuse"), DrLIM(encoder="linear", **QUICK)).fit(
        {"a": range(30), "b": [1, 2] * 15}
    )
    drlim.save(pipeline, tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="Column 'b' is blank in row 1"):
        runtime.load(tmp_path / "m.safetensors").transform({"a": [1, 2], "b": [1, None]})


def test_only_numpy_is_imported(saved, tmp_path):
    pipeline, _ = saved
    drlim.save(pipeline, tmp_path / "m.safetensors")
    script = (
        "import importlib.util, sys; spec = importlib.util.spec_from_file_location('runtime', sys.argv[1]); "
        "module = importlib.util.module_from_spec(spec); sys.modules['runtime'] = module; "
        "spec.loader.exec_module(module); model = module.load(sys.argv[2]); "
        "columns = {name: ['', ''] for name in model.feature_names}; assert model.transform(columns).shape == (2, 2); "
        "print([name for name in ('torch', 'sklearn', 'scipy', 'drlim') if name in sys.modules])"
    )
    command = [sys.executable, "-I", "-c", script, runtime.__file__, str(tmp_path / "m.safetensors")]
    assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout == "[]\n"
