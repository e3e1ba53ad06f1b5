"""The examples of serving run, and name files that exist."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drlim import DrLIM, export

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve"
TABLE = np.random.default_rng(0).normal(size=(30, 3)).astype("f")


@pytest.fixture(scope="module")
def model() -> DrLIM:
    return DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(TABLE)


@pytest.fixture(scope="module")
def file(model, tmp_path_factory) -> Path:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    path = tmp_path_factory.mktemp("serve") / "map.onnx"
    export(model, path)
    return path


@pytest.fixture(scope="module")
def address(file) -> Iterator[str]:
    """Run the server of the example beside a file, and return its address."""
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    shutil.copy(EXAMPLE / "app.py", file.parent)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    with subprocess.Popen(command, cwd=file.parent) as process:
        try:
            yield _when_it_answers(f"127.0.0.1:{port}", process)
        finally:
            process.terminate()


def _when_it_answers(address: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(300):
        try:
            assert asked(address, "GET", "/openapi.json")[0] == 200
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
        else:
            return address
    raise TimeoutError(address)


def asked(address: str, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def post(address: str, body: str) -> tuple[int, Any]:
    code, text = asked(address, "POST", "/map", body)
    return code, json.loads(text)


def test_the_server_maps_as_the_estimator_does(address, model):
    code, found = post(address, json.dumps({"X": TABLE.tolist()}))
    assert (code, list(found)) == (200, ["Z"])
    np.testing.assert_allclose(found["Z"], model.transform(TABLE), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"X": [[1, 2]]}', "X must hold 1 to 10000 finite samples of shape (3,). Got shape (1, 2)."),
        ('{"X": []}', "X must hold 1 to 10000 finite samples of shape (3,). Got shape (0,)."),
        ('{"X": [[1, 2, NaN]]}', "X must hold 1 to 10000 finite samples of shape (3,). Got shape (1, 3)."),
        ('{"X": [["a", 1, 2]]}', "X holds no numbers: could not convert string to float: 'a'"),
    ],
)
def test_the_server_refuses_what_it_cannot_map(address, body, message):
    assert post(address, body) == (422, {"detail": message})


def test_the_server_answers_to_its_own_names_alone(address):
    found = asked(address, "POST", "/map", '{"X": [[1, 2, 3]]}', Host="elsewhere.example")
    assert found == (400, "Invalid host header")


def test_the_image_runs_the_server_with_the_files_it_copies():
    lines = (EXAMPLE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    (copied,) = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    assert all((EXAMPLE / name).is_file() for name in copied)
    (command,) = [json.loads(line.removeprefix("CMD ")) for line in lines if line.startswith("CMD ")]
    assert command[:2] == ["uvicorn", "app:app"]
    assert "app.py" in copied
    (model,) = [line.partition("MODEL=")[2] for line in lines if line.startswith("ENV ")]
    assert f"./map.onnx:{model}:ro" in (EXAMPLE / "compose.yaml").read_text(encoding="utf-8")


def test_the_requirements_are_what_the_server_imports():
    source = (EXAMPLE / "app.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, flags=re.M)) - set(sys.stdlib_module_names)
    listed = set(re.findall(r"^[\w-]+", (EXAMPLE / "requirements.txt").read_text(encoding="utf-8"), flags=re.M))
    assert imported - {"pydantic", "starlette"} == listed - {"uvicorn"}  # fastapi brings these two


def test_the_map_as_a_model_of_mlflow(file, model, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    command = [sys.executable, EXAMPLE / "mlflow_model.py", file, tmp_path / "model"]
    subprocess.run(command, check=True, capture_output=True)
    found = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict({"X": TABLE})
    np.testing.assert_allclose(found["Z"], model.transform(TABLE), rtol=0, atol=1e-5)


def test_the_page_names_files_that_exist():
    page = (EXAMPLE / "html" / "index.html").read_text(encoding="utf-8")
    (script,) = re.findall(r'from "\./([\w.]+)"', page)
    assert (EXAMPLE / "html" / script).is_file()
    package = json.loads((EXAMPLE / "html" / "package.json").read_text(encoding="utf-8"))
    assert "onnxruntime-web" in package["dependencies"]
    assert "./node_modules/onnxruntime-web/dist/" in (EXAMPLE / "html" / script).read_text(encoding="utf-8")


PROGRAM = """
import { readFile } from "node:fs/promises";
import { place } from "./map.js";
const [file, samples] = process.argv.slice(2);
console.log(JSON.stringify(await place(new Uint8Array(await readFile(file)), JSON.parse(samples))));
"""


def test_a_program_in_javascript_maps_as_the_estimator_does(file, model, tmp_path):
    packages = EXAMPLE / "html" / "node_modules"
    if shutil.which("node") is None or not packages.is_dir():
        pytest.skip("needs node, and `npm install` in examples/serve/html")
    shutil.copy(EXAMPLE / "html" / "map.js", tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)
    (tmp_path / "run.mjs").write_text(PROGRAM, encoding="utf-8")
    command = ["node", "run.mjs", str(file), json.dumps(TABLE.tolist())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), model.transform(TABLE), rtol=0, atol=1e-5)
