"""The page for editing: time from statements to the retrained map, hostile requests, and processes that are killed.

``python -m benchmarks editing_retraining editing_hostile editing_killed`` measures what docs/correcting.md promises, in
about ten minutes on two cores. All requests go to this machine.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile import (
    LABELS,
    PATHS,
    Reply,
    Target,
    ask,
    hosts,
    large_body,
    malformed,
    request,
    slow_sockets,
)
from benchmarks.measuring import MIB, Measured, measured
from benchmarks.serving import Served, asked, state, statements_of
from drlim import DrLIM, NeighborhoodGraph, NeighborMap, datasets, load, save
from drlim._base.arrays import Array, Index
from drlim.explorer.editing.statement import read_statement
from drlim.metrics import knn_accuracy

__all__ = ["browser_killed", "hostile", "killed", "retraining", "said_of_digits"]


def said_of_digits(Z: Array, y: Index, count: int, seed: int = 0) -> list[dict[str, object]]:
    """Return statements that a person could make of a map of digits, half of them "alike" and half "not alike".

    Parameters
    ----------
    Z : ndarray, shape (n, d)
        The map.
    y : ndarray of int, shape (n,)
        Digits.
    count : int
    seed : int, default=0

    Returns
    -------
    list of dict
        "alike": six samples about a place and six about another, all of one digit. "Not alike": the six nearest of a
        sample's digit, and the six nearest of other digits.
    """
    rng = np.random.default_rng(seed)
    said: list[dict[str, object]] = []
    for number in range(count):
        if number % 2 == 0:
            ours = np.flatnonzero(y == rng.integers(10))
            places = [ours[np.argsort(np.linalg.norm(Z[ours] - Z[one], axis=1))[:6]] for one in rng.choice(ours, 2)]
            said.append({"kind": "alike", "samples": np.unique(np.concatenate(places)).tolist()})
        else:
            one = rng.integers(len(Z))
            order = np.argsort(np.linalg.norm(Z - Z[one], axis=1))
            same, other = order[y[order] == y[one]][:6], order[y[order] != y[one]][:6]
            said.append({"kind": "not alike", "samples": sorted(same.tolist()), "others": sorted(other.tolist())})
    return said


def retraining(n: int = 6000, count: int = 50) -> list[Measured]:
    """Make statements about a map of n digits by requests, and time until the retrained map has arrived."""
    data = datasets.mnist()
    X, y = data.X_train[:n], data.y_train[:n]
    lines = []
    models = {
        "NeighborMap": NeighborMap(random_state=0, verbose=False),
        "DrLIM": DrLIM(random_state=0, max_epochs=30, verbose=False),
    }
    for name, model in models.items():
        with tempfile.TemporaryDirectory() as folder:
            path, rows = Path(folder) / "map.safetensors", Path(folder) / "digits.npy"
            np.save(rows, X)
            save(model.fit(X), path)
            lines += _retrained(name, path, rows, said_of_digits(model.embedding_, y, count), y)
    return lines


def _retrained(name: str, path: Path, rows: Path, said: list[dict[str, object]], y: Index) -> list[Measured]:
    before = load(path).embedding_.astype(np.float64)
    with Served(path, rows) as server:
        stating = []
        for one in said[:-1]:
            began = time.perf_counter()
            state(server.target, one)
            stating.append(time.perf_counter() - began)
        used, began = server.processor_seconds(), time.perf_counter()
        state(server.target, said[-1])
        asked(server.target, "/retraining", {})
        report = _waited(server.target)
        content = ask(server.target, request(server.target, "/positions")).body
        seconds = time.perf_counter() - began
        used = server.processor_seconds() - used
        trained = load(path.with_name(str(report["model"])))
        after = np.frombuffer(content, "<f4").reshape(before.shape).astype(np.float64)
        graph = NeighborhoodGraph.load(path.with_name("map.statements.safetensors"))
    kept = _kept(said, graph, trained.graph_)
    alike, apart = _followed(said, before, after)
    held = report["drift"]["held"]
    parts = {
        "seconds of both processors": round(used, 1),
        "n_held": held["n"],
        "drift_of_held_in_widths": dict(zip(("0.5", "0.9", "0.99", "1"), held["quantiles"], strict=True)),
        "drift_of_named_in_widths": report["drift"]["others"]["quantiles"],
        "seconds_of_a_statement": round(statistics.median(stating), 4),
        "accuracy_5nn_before_after": [_accuracy(before, y), _accuracy(after, y)],
    }
    n = f"{len(said)} statements, {len(before)} digits, `{name}`"
    return [
        measured(f"from the last lasso to the retrained map: {n}", seconds, "s", at_most=20.0, parts=parts),
        measured(f"statements in the graph's file and in the new model: {n}", kept, "count", at_least=len(said)),
        measured(f"alike statements whose pairs are nearer, share: {n}", alike, "share"),
        measured(f"not alike statements whose pairs are farther, share: {n}", apart, "share"),
        measured(f"99 % of the held samples moved at most, in widths of the map: {n}", held["quantiles"][2], "share"),
    ]


def _waited(target: Target) -> dict[str, Any]:
    while True:
        report: dict[str, Any] = asked(target, "/retraining")
        if report["phase"] != "running":
            if report["phase"] != "done":
                raise RuntimeError(f"The training failed: {report}")
            return report
        time.sleep(0.4)  # as the page does


def _kept(said: list[dict[str, object]], *graphs: NeighborhoodGraph) -> int:
    """Return how many statements both graphs make, but for pairs of which a later statement says otherwise."""
    n = graphs[0].n_samples
    last: dict[tuple[int, int], str] = {}
    for one in said:
        last.update({(int(i), int(j)): str(one["kind"]) for i, j in read_statement(one, n).pairs()})
    found = 0
    for one in said:
        pairs = read_statement(one, n).pairs()
        pairs = np.array([pair for pair in pairs.tolist() if last[tuple(pair)] == one["kind"]]).reshape(-1, 2)
        name = "similar" if one["kind"] == "alike" else "dissimilar"
        found += all((getattr(graph, name).weight_of(pairs[:, 0], pairs[:, 1]) > 0).all() for graph in graphs)
    return found


def _followed(said: list[dict[str, object]], before: Array, after: Array) -> tuple[float, float]:
    """Return the share of statements of each kind whose pairs have moved as stated, by the mean of their distances."""
    moved: dict[str, list[bool]] = {"alike": [], "not alike": []}
    for one in said:
        pairs = read_statement(one, len(before)).pairs()
        old, new = (np.linalg.norm(Z[pairs[:, 0]] - Z[pairs[:, 1]], axis=1).mean() for Z in (before, after))
        moved[str(one["kind"])].append(bool(new < old) == (one["kind"] == "alike"))
    return float(np.mean(moved["alike"])), float(np.mean(moved["not alike"]))


def _accuracy(Z: Array, y: Index) -> float:
    return round(float(knn_accuracy(Z, y)), 4)


def hostile(n_bytes: int = 2**30, n_slow: int = 200, n_malformed: int = 300) -> list[Measured]:
    """Send all hostile requests to a server; count those that were served, and measure its memory."""
    with tempfile.TemporaryDirectory() as folder, Served(*_small(Path(folder))) as server:
        target = server.target
        asked(target, "/retraining")
        ask(target, request(target, "/payload"))
        before, replies = server.memory(), list(_replies(target, n_malformed))
        replies += [large_body(target, n_bytes, says_length=says_length) for says_length in (True, False)]
        with slow_sockets(target, n_slow) as slow:
            through = asked(target, "/retraining") == {"phase": "none"}
            slow.drip()
            time.sleep(22)  # beyond the time that a request has
            left = slow.drip()
        served = sum(200 <= reply.status < 400 for reply in replies)
        broken = sum(reply.status >= 500 for reply in replies)
        more = server.memory() - before
        unchanged = statements_of(target) == []
        for number, label in enumerate(LABELS):
            state(target, {"kind": "label", "samples": [number], "label": label})
        whole = [one["label"] for one in statements_of(target)] == list(LABELS)
        tracebacks = server.errors().count("Traceback")
    answers = f"{len(replies)} requests, {n_slow} slow sockets"
    parts = {
        "a person got through": through,
        "slow sockets open after 22 s": left,
        "statements unchanged": unchanged,
        "labels with markup came back as they are": whole,
        "statuses": {
            str(status): sum(r.status == status for r in replies) for status in sorted({r.status for r in replies})
        },
    }
    wrong = served + broken + (not through) + left + (not unchanged) + (not whole)
    return [
        measured(f"hostile requests served, or with an effect: {answers}", wrong, "count", at_most=0, parts=parts),
        measured("tracebacks of the server", tracebacks, "count", at_most=0),
        measured(f"extra memory, MB, after two bodies of {n_bytes / 1e9:.2g} GB", more / MIB, "MB", at_most=200),
    ]


def _replies(target: Target, n_malformed: int) -> Iterator[Reply]:
    for path in PATHS:
        yield ask(target, request(target, path))
    for sent in hosts(target):
        yield ask(target, sent)
    for body in malformed(n_malformed):
        yield ask(target, request(target, "/statements", method="POST", body=body))


def _small(folder: Path, n: int = 2000) -> tuple[Path, Path]:
    X = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    model, data = folder / "map.safetensors", folder / "samples.npy"
    np.save(data, X)
    save(DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X), model)
    return model, data


def killed(times: int = 20, seed: int = 0) -> list[Measured]:
    """Kill a server while statements are made, at random times; count those that were made and are not in the file."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    lost, made = 0, 0  # statement k is about the samples k and k + 1
    with tempfile.TemporaryDirectory() as folder:
        model, data = _small(Path(folder))
        graph = Path(folder) / "map.statements.safetensors"
        for _ in range(times):
            with Served(model, data) as server:
                clock = threading.Timer(rng.uniform(0.05, 1.0), server.process.kill)
                clock.start()
                made = _state_until_killed(server.target, made)
                clock.join()
            found = NeighborhoodGraph.load(graph).similar
            wanted = np.arange(made)
            lost += int((found.weight_of(wanted, wanted + 1) == 0).sum())
        with Served(model, data) as server:
            listed = {tuple(one["samples"]) for one in statements_of(server.target)}
        lost += len({(k, k + 1) for k in range(made)} - listed)
    what = f"statements made before {times} kills of the server that are not in the graph's file, or not in the list"
    return [measured(what, lost, "count", at_most=0, parts={"made": made})]


def _state_until_killed(target: Target, made: int) -> int:
    """Make statements one after the other, each of two samples; return how many were answered, with earlier ones."""
    while True:
        body = json.dumps({"kind": "alike", "samples": [made, made + 1]}).encode()
        try:
            reply = ask(target, request(target, "/statements", method="POST", body=body))
        except OSError:
            return made
        if reply.status != 200:
            return made
        made += 1


def browser_killed(times: int = 20, seed: int = 0) -> list[Measured]:
    """Kill a browser at random times while statements are made in the page; count those that are not in the file."""
    from playwright.sync_api import sync_playwright

    rng = random.Random(seed)  # noqa: S311 - no secret
    lost, made = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        model, data = _small(Path(folder), 2000)
        graph = Path(folder) / "map.statements.safetensors"
        with Served(model, data) as server, sync_playwright() as driver:
            for number in range(times):
                made = max(made, _stated_in_browser(driver, server, rng.uniform(0.2, 2.0), 100 * number))
                found = NeighborhoodGraph.load(graph).similar
                listed = statements_of(server.target)
                lost += sum(found.weight_of([a], [b])[0] == 0 for a, b in (one["samples"] for one in listed))
                lost += max(0, made - len(listed))
            whole = asked(server.target, "/retraining") == {"phase": "none"}
    if made == 0:
        raise RuntimeError("No statement was made in the page before a kill: nothing was measured.")
    what = f"statements made before {times} kills of the browser that are not in the graph's file"
    return [measured(what, lost + (not whole), "count", at_most=0, parts={"made": made})]


def _stated_in_browser(driver: Any, server: Served, seconds: float, first: int) -> int:
    """Make statements in the page until its browser is killed; return how many the page had shown as made."""
    shown = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, _chromium(Path(profile)) as process:
        try:
            tab = driver.chromium.connect_over_cdp(_debugging(Path(profile))).contexts[0].new_page()
            tab.goto(server.address)
            tab.wait_for_selector("html[data-ready=yes]", timeout=60_000)
            count = "document.querySelectorAll('.statements li').length"
            before = len(statements_of(server.target))
            _until(tab, f"{count} === {before}")
            clock = threading.Timer(seconds, os.killpg, [process.pid, signal.SIGKILL])
            clock.start()
            for k in range(first, first + 98):
                tab.evaluate(f"window.drlim.explorer.select(Uint32Array.from([{k}, {k + 1}]))")
                tab.get_by_role("button", name=re.compile("^Alike")).click(timeout=3000)
                _until(tab, f"{count} > {max(shown, before)}")
                shown = tab.evaluate(count)
        except Exception:
            time.sleep(1)
            if process.poll() is None:  # the browser is still there, so that it was no kill
                os.killpg(process.pid, signal.SIGKILL)
                raise
    return shown


def _until(tab: Any, expression: str) -> None:
    """Wait until something holds in the page, whose policy lets Playwright's own waiting evaluate nothing."""
    for _ in range(200):
        if tab.evaluate(expression):
            return
        time.sleep(0.02)
    raise RuntimeError(expression)


def _chromium(profile: Path) -> subprocess.Popen[bytes]:
    """Start a Chromium without a window in a session of its own, so that all of its processes are killed at once."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = os.environ.get("DRLIM_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise RuntimeError("There is no Chromium: install one, or set DRLIM_CHROMIUM to its path.")
    options = ["--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--no-first-run"]
    options += ["--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
    return subprocess.Popen(  # noqa: S603 - the path is the user's own
        [path, *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _debugging(profile: Path) -> str:
    """Return the address at which a Chromium is driven, once it has written it."""
    file = profile / "DevToolsActivePort"
    for _ in range(600):
        if file.exists() and file.read_text().strip():
            return f"http://127.0.0.1:{file.read_text().split()[0]}"
        time.sleep(0.1)
    raise RuntimeError("Chromium does not start.")
