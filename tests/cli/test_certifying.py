"""`drlim certify` and `drlim check`: from files, with exit codes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from drlim import DrLIM, NeighborMap, certificate, datasets, load, save, transforms
from drlim.cli import main

MAIN = [*("--method", "drlim", "--encoder", "linear"), *("--max-epochs", "2")]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return a folder with images and a map of some of them."""
    folder = tmp_path_factory.mktemp("images")
    data = datasets.digits49()
    np.save(folder / "held.npy", data.X_test[:60])
    np.save(folder / "other.npy", data.X_test[60:120])
    np.save(folder / "stripes.npy", data.X_test[60:120] * (np.arange(28) % 3 == 0))
    save(DrLIM(encoder="linear", max_epochs=2, random_state=0).fit(data.X_train[:100]), folder / "m.safetensors")
    assert main(["certify", str(folder / "m.safetensors"), str(folder / "held.npy"), "--ignore", "shift=1"]) == 0
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a folder with tables of things seen by two sensors, and a map of one of them."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    for place, name in enumerate(("train.csv", "held.csv", "other.csv", "broken.csv")):
        things = np.repeat(np.arange(30), 4)
        frame = pd.DataFrame(rng.normal(size=(30, 3))[things], columns=["a", "b", "c"])
        frame += 0.01 * rng.normal(size=(120, 3))
        sensor = np.tile(["left", "right"], 60)
        if name == "broken.csv":
            frame["a"] += 3.0 * (sensor == "left")
        frame["thing"] = [f"t{place}-{thing}" for thing in things]
        frame["sensor"] = sensor
        frame.to_csv(folder / name, index=False)
    fit = ["fit", str(folder / "train.csv"), "--model", str(folder / "m.safetensors"), "--drop", "thing,sensor"]
    assert main([*fit, "--no-standardize", *MAIN]) == 0
    certify = ["certify", str(folder / "m.safetensors"), str(folder / "held.csv")]
    assert main([*certify, "--columns", "sensor", "--groups", "thing"]) == 0
    return folder


def test_the_certificate_is_that_of_python(images):
    data = datasets.digits49()
    model = load(images / "m.safetensors")
    assert model.certificate_ == certificate(model, data.X_test[:60], transforms.shift(1))


def test_it_is_shown_by_info(run, printed, images):
    _, out, _ = run("info", images / "m.safetensors")
    assert "  certificate\n" in out
    assert "DrLIM, declared to ignore shift=1" in out
    assert printed("info", images / "m.safetensors")["certificate"]["declared"] == "shift=1"


def test_it_holds_on_its_own_samples_and_on_others(run, images):
    code, out, err = run("check", images / "m.safetensors", images / "held.npy")
    assert (code, err) == (0, "")
    assert out.endswith("holds, as certified on these samples\n")
    code, out, err = run("check", images / "m.safetensors", images / "other.npy")
    assert (code, err) == (0, "")
    assert out.endswith("holds, as certified on 60 samples\n")


def test_exit_code_1_where_it_no_longer_holds(run, images, table):
    code, out, _ = run("check", images / "m.safetensors", images / "stripes.npy")
    assert code == 1
    assert "no longer holds: any: copies lie " in out
    code, out, _ = run("check", table / "m.safetensors", table / "broken.csv", "--json")
    answer = json.loads(out)
    assert code == 1
    assert answer["holds"] is False
    assert answer["failures"][0].startswith("sensor: copies lie ")
    assert answer["certified"]["verdict"] == "invariant"
    assert answer["measured"]["groups"] == "thing"


def test_a_table_is_checked_by_its_columns(run, table):
    code, out, err = run("check", table / "m.safetensors", table / "other.csv")
    assert (code, err) == (0, "")
    assert "declared to ignore sensor" in out
    assert load(table / "m.safetensors").certificate_.groups == "thing"


def test_groups_from_a_file(run, table, tmp_path):
    model = tmp_path / "m.safetensors"
    model.write_bytes((table / "m.safetensors").read_bytes())
    pd.read_csv(table / "held.csv")["thing"].to_csv(tmp_path / "things.csv", index=False)
    code, out, err = run("certify", model, table / "held.csv", "--groups", tmp_path / "things.csv")
    assert (code, err) == (0, "")
    assert "copies" in out
    assert run("check", model, table / "other.csv", "--groups", "thing")[0] == 0


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        ("m.safetensors", "nothing.npy", "nothing.npy: No such file"),
        ("nothing.safetensors", "held.npy", "nothing.safetensors: No such file"),
        ("held.npy", "held.npy", "is no model file of drlim"),
        ("m.safetensors", "wrong.npy", "Expected images to shift, (n, height, width)"),
        ("m.safetensors", "text.csv", "cannot be read"),
        ("plain.safetensors", "held.npy", "has no certificate. Make one"),
        ("own.safetensors", "held.npy", "was certified to ignore functions of your own (halved), and no code is in"),
        ("cut.safetensors", "held.npy", "cut short"),
    ],
)
def test_exit_code_3_where_it_cannot_be_checked(run, images, model, data, message):
    np.save(images / "wrong.npy", np.zeros((60, 5)))
    (images / "text.csv").write_text("a,b\nx,y\nz,w\n")
    (images / "cut.safetensors").write_bytes((images / "m.safetensors").read_bytes()[:-10])
    held_out = datasets.digits49().X_test[:60]
    fitted = load(images / "m.safetensors")
    fitted.certificate_ = None
    save(fitted, images / "plain.safetensors")

    def halved(batch):
        return batch / 2

    save(fitted, images / "own.safetensors", certificate=certificate(fitted, held_out, halved, n_permutations=19))
    code, out, err = run("check", images / model, images / data)
    assert (code, out) == (3, "")
    assert message in err
    assert err.count("\n") == 1


def test_exit_code_2_where_the_command_is_not_understood(run, images, table):
    assert run("check", images / "m.safetensors")[0] == 2
    assert run("check", images / "m.safetensors", images / "held.npy", "--grups", "x")[0] == 2
    code, _, err = run("check", images / "m.safetensors", images / "held.npy", "--groups", "x")
    assert (code, "--groups is for samples that show one thing" in err) == (2, True)
    unnamed = NeighborMap(max_epochs=1, random_state=0).fit(np.random.default_rng(0).normal(size=(40, 3)))
    columns = pd.read_csv(table / "held.csv")
    made = certificate(unnamed, columns[["a", "b", "c"]].to_numpy(), columns["thing"].to_numpy(), n_permutations=19)
    save(unnamed, table / "unnamed.safetensors", certificate=made)
    code, _, err = run("check", table / "unnamed.safetensors", table / "held.csv")
    assert (code, "--groups COLUMN" in err) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Say what the map is to ignore: --ignore, --columns or --groups."),
        (["--ignore", "shift=1", "--groups", "x"], "--ignore is for changes that are made of each image"),
        (["--ignore", "shif=1"], "No such change of images: shif. Did you mean 'shift'?"),
    ],
)
def test_certify_refuses_what_says_nothing(run, images, options, message):
    before = (images / "m.safetensors").read_bytes()
    code, _, err = run("certify", images / "m.safetensors", images / "held.npy", *options)
    assert (code, message in err) == (2, True)
    assert (images / "m.safetensors").read_bytes() == before


def test_a_certificate_that_fails_leaves_the_file(run, table):
    before = (table / "m.safetensors").read_bytes()
    code, _, err = run("certify", table / "m.safetensors", table / "held.csv", "--columns", "senser")
    assert (code, "no column 'senser'. Did you mean 'sensor'?" in err) == (1, True)
    assert (table / "m.safetensors").read_bytes() == before
