"""The story of a table as it comes: from a file with ids, dates, units, categories and blanks to a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import drlim
from drlim.persistence import read_summary

QUICK = ["--method", "drlim", "--encoder", "linear", "--max-epochs", "2", "--n-neighbors", "3"]


def customers(n: int, seed: int = 0) -> pd.DataFrame:
    """Two kinds of customers, in columns as people have them."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, n)
    frame = pd.DataFrame(
        {
            "customer_id": random.permutation(n) + 10_000,
            "since": pd.to_datetime("2006-06-17") + pd.to_timedelta(random.integers(0, 900, n), unit="D"),
            "age": (30 + 30 * kind + random.normal(size=n) * 4).round(),
            "income": (30_000 + 40_000 * kind + random.normal(size=n) * 3000).round(2),
            "visits": random.poisson(3 + 9 * kind),
            "city": random.choice(["Oslo", "Bergen", "Tromsø, north"], n),
            "plan": np.where(kind == 1, "gold", random.choice(["basic", "free"], n)),
            "note": [f"called on {day}" for day in range(n)],
            "currency": "NOK",
        }
    )
    frame.loc[random.choice(n, n // 20, replace=False), "income"] = np.nan
    frame.loc[random.choice(n, n // 20, replace=False), "city"] = None
    return frame.assign(kind=kind)


@pytest.fixture
def table(folder):
    frame = customers(300)
    frame.drop(columns="kind").to_csv("customers.csv", index=False)
    return frame


def test_from_the_file_to_the_picture(run, printed, table):
    code, out, err = run(
        "fit", "customers.csv", "--model", "m.safetensors", "--embedding", "z.csv", "--max-epochs", "3"
    )
    assert (code, err) == (0, "")
    assert out.startswith(
        "data: customer_id, note left out: all values differ; currency left out: one value; 2 of 9 columns as "
        "categories (city, plan); 1 of 9 columns as dates, in days (since); blanks filled by the median of the column, "
        "15 values; numbers standardised.\n"
    )
    assert run("plot", "z.csv", "--output", "map.png")[0] == 0
    assert run("plot", "m.safetensors", "customers.csv", "--labels", "plan", "--output", "plans.png")[0] == 0
    assert run("plot", "m.safetensors", "--background", "customers.csv")[0] == 0
    first = pd.read_csv("z.csv")
    assert list(first.columns) == ["customer_id", "neighbormap0", "neighbormap1"]
    assert (first["customer_id"] == table["customer_id"]).all()
    Z = first.iloc[:, 1:].to_numpy()
    assert drlim.metrics.knn_accuracy(Z, table["kind"]) > 0.95
    assert printed("transform", "m.safetensors", "customers.csv", "--output", "again.csv")["n_samples"] == 300
    again = pd.read_csv("again.csv")
    assert again.iloc[:, 1:].to_numpy() == pytest.approx(Z, abs=1e-4)
    summary = read_summary("m.safetensors")
    assert summary["before"][0].startswith("customer_id, note left out")
    assert "before it" in run("info", "m.safetensors")[1]


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_new_customers(run, table, name):
    assert run("fit", "customers.csv", "--model", "m.safetensors", *QUICK)[0] == 0
    model = drlim.load("m.safetensors")
    new = (
        table.iloc[:5].drop(columns=["note", "currency", "kind"])[::-1].assign(more="x")
    )  # in another order of columns
    new = new[new.columns[::-1]]
    new.loc[0, "city"] = "Paris"
    new.to_csv(name, index=False) if name.endswith("csv") else new.to_parquet(name, index=False)
    code, _, err = run("transform", "m.safetensors", name, "--output", "z.npz")
    assert code == 0
    assert err.endswith("not in the training data count as none of the known ones: city in 1 rows.\n")
    code, _, err = run("transform", "m.safetensors", name, "--output", "z.npz", "--novelty", "n.npz")
    assert code == 0
    assert err.count("count as none of the known ones") == 1
    found = np.load("z.npz")
    assert found["customer_id"].tolist() == [str(one) for one in new["customer_id"]]
    whole = model.transform({name: column.tolist() for name, column in table.items()})
    assert found["embedding"][:4] == pytest.approx(whole[4:0:-1], abs=1e-5)
    steps = model[:-1].transform({name: column.tolist() for name, column in table.items()})
    assert np.load("n.npz")["embedding"][:4] == pytest.approx(model[-1].novelty(steps)[4:0:-1], abs=1e-5)
    new.drop(columns="age").to_csv("new.csv", index=False)
    code, _, err = run("transform", "m.safetensors", "new.csv", "--output", "z.csv")
    assert code == 1
    assert err.startswith("drlim: error: 'X' has no column 'age', which the training data had.")


def test_options_reach_the_table(run, printed, table):
    options = ["--drop", "note,since", "--categories", "visits", "--numbers", "customer_id", "--as-is", "age"]
    result = printed("fit", "customers.csv", "--model", "m.safetensors", "--fill", "mean", *options, *QUICK)
    assert "since, note left out: as asked" in result["data"]
    assert "numbers standardised but for age" in result["data"]
    found = drlim.load("m.safetensors")[0]
    assert (found.drop, found.categories, found.numbers) == (["note", "since"], ["visits"], ["customer_id"])
    assert (found.as_is, found.fill, found.standardize) == (["age"], "mean", "auto")
    assert run("fit", "customers.csv", "--model", "m.safetensors", "--no-standardize", *QUICK)[0] == 0
    assert drlim.load("m.safetensors")[0].standardize is False


def test_ids_may_be_chosen(run, table):
    table["nick"] = [f"name, {row % 7}" for row in range(300)]
    table.to_csv("customers.csv", index=False)
    given = ["fit", "customers.csv", "--ids", "nick", "--labels-column", "kind", "--model", "m.safetensors"]
    assert run(*given, "--embedding", "z.csv", *QUICK)[0] == 0
    assert pd.read_csv("z.csv")["nick"].tolist() == table["nick"].tolist()
    assert "nick" not in [column.name for column in drlim.load("m.safetensors")[0].columns_]
    assert run("transform", "m.safetensors", "customers.csv", "--ids", "plan", "--output", "z.parquet")[0] == 0
    assert pd.read_parquet("z.parquet")["plan"].tolist() == table["plan"].tolist()


def test_numbers_in_one_unit_need_no_table(run, folder):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=["a", "b", "c"])
    frame.to_csv("x.csv", index=False)
    code, out, _ = run("fit", "x.csv", "--model", "m.safetensors", *QUICK)
    assert (code, out.split("\n")[0]) == (0, "data: numbers kept as they are.")
    assert drlim.load("m.safetensors").feature_names_in_.tolist() == ["a", "b", "c"]


def test_relations_leave_their_columns_out_of_the_table(run, table):
    with open("relations.toml", "w") as file:  # noqa: PTH123 - in the test's own folder
        file.write('same = {groups = "plan"}\nnear = {knn = 3}\nuse = "same | near"')
    assert run("fit", "customers.csv", "--relations", "relations.toml", "--model", "m.safetensors", *QUICK)[0] == 0
    pipeline = drlim.load("m.safetensors")
    assert "plan" not in pipeline[0].feature_names_in_
    assert pipeline[-1].graph_.n_similar > 300


def test_refusals(run, table):
    fit = ["fit", "customers.csv", "--model", "m.safetensors", *QUICK]
    code, _, err = run(*fit, "--drop", "agee")
    assert (code, err) == (
        1,
        "drlim: error: customers.csv: 'drop' names the column 'agee', which 'X' does not have. Did you mean 'age'?\n",
    )
    np.save("x.npy", np.zeros((9, 2)))
    code, _, err = run("fit", "x.npy", "--fill", "mean", "--model", "m.safetensors")
    assert (code, err) == (2, "drlim: error: --fill is for a table, .csv, .tsv or .parquet. Got x.npy.\n")
    code, _, err = run("fit", "x.npy", "--ids", "a", "--model", "m.safetensors")
    assert (code, err) == (1, "drlim: error: x.npy: only a .csv or .parquet has a column of ids. Got a.\n")
    assert run(*fit)[0] == 0
    code, _, err = run("export", "m.safetensors")
    assert (code, "has steps before its map, such as a table: give DATA to verify the file on." in err) == (2, True)
    assert json.loads(run("info", "m.safetensors", "--json")[1])["before"]


def test_a_table_leaves_torch_by_onnx_and_by_numpy_alone(run, table):
    pytest.importorskip("onnxscript")
    assert run("fit", "customers.csv", "--model", "m.safetensors", "--embedding", "z.npy", *QUICK)[0] == 0
    code, out, err = run("export", "m.safetensors", "customers.csv", "--output", "m.onnx")
    assert (code, err) == (0, "")
    assert "m.onnx: equal to m.safetensors on " in out
    assert "features    since, age, income, visits, city, plan\n" in run("info", "m.onnx")[1]
    light = drlim.runtime.load("m.safetensors").transform(pd.read_csv("customers.csv"))
    np.testing.assert_allclose(light, np.load("z.npy"), atol=1e-5)


def test_info_names_the_columns_that_the_table_takes(run, printed, table):
    assert run("fit", "customers.csv", "--model", "m.safetensors", *QUICK)[0] == 0
    _, out, _ = run("info", "m.safetensors")
    assert "features    customer_id, since, age, income, visits, city, plan, note, currency\n" in out
    assert printed("info", "m.safetensors")["samples"]["feature_names"][:2] == ["customer_id", "since"]


def test_images_are_refused_by_the_model_of_a_table(run, table, folder):
    (folder / "images").mkdir()
    PIL.Image.new("L", (4, 4)).save(folder / "images" / "a.png")
    assert run("fit", "customers.csv", "--model", "m.safetensors", *QUICK)[0] == 0
    code, _, err = run("transform", "m.safetensors", "images", "--output", "z.csv")
    assert code == 1
    assert err.startswith(
        "drlim: error: images is a folder of images, and m.safetensors was fitted on a table with the columns 'since', "
    )
    assert err.endswith("Give a .csv, .tsv or .parquet with these.\n")


def test_as_many_neighbours_as_rows_are_warned_of_or_refused(run, table):
    fit = ("fit", "customers.csv", "--model", "m.safetensors", "--n-neighbors", "300", "--max-epochs", "1")
    code, _, err = run(*fit)
    assert (code, "n_neighbors = 300 is not less than the 300 samples" in err) == (0, True)
    code, _, err = run(*fit, "--method", "drlim")
    assert (code, "n_neighbors < n_samples" in err) == (1, True)


def test_a_column_of_many_dates_is_drawn_as_years(run, table):
    assert run("fit", "customers.csv", "--model", "m.safetensors", *QUICK)[0] == 0
    code, _, err = run("plot", "m.safetensors", "customers.csv", "--labels", "since", "--output", "since.svg")
    assert (code, err) == (0, "")
    assert "groups, colours repeat" not in (drawn := Path("since.svg").read_text())
    assert "2007" in drawn
