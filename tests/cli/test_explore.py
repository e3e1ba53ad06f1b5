from __future__ import annotations

import json
import re

import numpy as np
import pytest

from drlim import DrLIM, save
from drlim.cli import main
from drlim.explorer.payload import unpack


def contents(path):
    return unpack(re.search(r'payload">(.*?)<', path.read_text(encoding="utf-8"))[1])


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        f"{place + 100},{rng.normal():.3f},{rng.normal():.3f},{'ab'[place % 2]},note {place}" for place in range(30)
    ]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["id,age,size,group,note", *rows]), encoding="utf-8")
    return path


def test_a_table_of_a_model_that_fit_made(table, tmp_path, capsys):
    model, page = tmp_path / "map.safetensors", tmp_path / "page.html"
    fit = ["fit", str(table), "--model", str(model), "--max-epochs", "2", "--method", "drlim"]
    assert main(fit) == 0
    capsys.readouterr()
    assert main(["explore", str(model), str(table), "--text", "note", "--output", str(page), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(page), "n_samples": 30}
    meta, arrays = contents(page)
    names = [column["name"] for column in meta["columns"]]
    assert {"text", "age", "size", "group"} <= set(names)
    assert "note" not in names
    assert meta["ids"][:2] == ["100", "101"]
    assert meta["title"] == "people.csv"
    assert len(arrays["positions"]) == 30


def test_labels_of_a_column_and_the_map_alone(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model, page, labels = (tmp_path / name for name in ("map.safetensors", "page.html", "labels.npy"))
    save(DrLIM(max_epochs=1, random_state=0).fit(X), model)
    np.save(labels, np.arange(20) % 2)
    command = ["explore", str(model), "--output", str(page), "--labels", str(labels), "--title", "Mine"]
    assert main(command) == 0, capsys.readouterr().err
    assert "20 samples" in capsys.readouterr().out
    meta, _ = contents(page)
    assert meta["title"] == "Mine"
    assert meta["columns"][0]["categories"] == ["0", "1"]


def test_another_suffix_is_refused_before_any_work(tmp_path, capsys):
    assert main(["explore", "none.safetensors", "--output", str(tmp_path / "page.txt")]) == 2
    assert "must end in .html" in capsys.readouterr().err


def test_a_missing_model_is_named(tmp_path, capsys):
    assert main(["explore", "none.safetensors", "--output", str(tmp_path / "page.html")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_a_column_that_is_not_there_is_named(table, tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = tmp_path / "map.safetensors"
    save(DrLIM(max_epochs=1, random_state=0).fit(X), model)
    command = ["explore", str(model), str(table), "--labels", "grup", "--output", str(tmp_path / "page.html")]
    assert main(command) == 1
    assert "group" in capsys.readouterr().err


def test_the_encoder_travels_when_asked(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model, page = tmp_path / "map.safetensors", tmp_path / "page.html"
    save(DrLIM(max_epochs=1, random_state=0).fit(X), model)
    for options, travels in (([], True), (["--no-encoder"], False), (["--encoder"], True)):
        assert main(["explore", str(model), "--output", str(page), *options]) == 0, capsys.readouterr().err
        assert (contents(page)[0]["mapping"]["steps"] is not None) == travels


def test_sensitivities_are_left_out_when_asked(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model, page, data = tmp_path / "map.safetensors", tmp_path / "page.html", tmp_path / "rows.npy"
    np.save(data, X)
    save(DrLIM(max_epochs=1, random_state=0).fit(X), model)
    for options, held in (([], True), (["--no-sensitivities"], False)):
        assert main(["explore", str(model), str(data), "--output", str(page), *options]) == 0, capsys.readouterr().err
        assert (contents(page)[0]["sensitivities"] is not None) == held


def test_the_certificate_of_the_file_is_on_the_page(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model, page, data, ids = (tmp_path / name for name in ("map.safetensors", "page.html", "rows.npy", "ids.npy"))
    np.save(data, X[20:])
    np.save(ids, np.repeat(np.arange(20), 2))
    save(DrLIM(max_epochs=1, random_state=0).fit(X[:20]), model)
    assert main(["certify", str(model), str(data), "--groups", str(ids)]) == 0, capsys.readouterr().err
    assert main(["explore", str(model), str(data), "--output", str(page)]) == 0, capsys.readouterr().err
    found = contents(page)[0]["certificate"]
    assert (found["covers"], found["of_this_encoder"], found["record"]["n_samples"]) == ("these", True, 40)
