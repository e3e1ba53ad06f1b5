"""What the processes of `tests.training.test_processes` do. Each function runs in all processes of a group."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import nn

import drlim
from drlim._base.joining import joined, present_group
from drlim._base.watch import Watch

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
RANK = int(os.environ.get("RANK", "0"))
SHORT = {"max_epochs": 3, "random_state": 0}


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def summary(model):
    weights = [value.numpy() for value in model.encoder_.state_dict().values()]
    return {
        "embedding": model.embedding_.tolist(),
        "bytes": digest(model.embedding_, *weights),
        "history": model.history_,
        "stopped": model.stopped_,
    }


class Dropping(nn.Module):
    """A network with dropout."""

    def __init__(self):
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2)

    def forward(self, x):
        return self.last(self.drop(torch.tanh(self.first(x))))


def noise(batch, generator):
    return batch + 0.1 * generator.normal(size=batch.shape).astype(np.float32)


def fits():
    """Fit in many ways, and return what came of each."""
    torch.manual_seed(0)
    network = Dropping()
    made = {
        "exact": drlim.DrLIM(**SHORT),
        "all": drlim.DrLIM(**SHORT, batch_size=20),
        "batch": drlim.DrLIM(**SHORT, batch_size=20, interactions="batch"),
        "held out": drlim.DrLIM(**SHORT, batch_size=20, validation=0.2),
        "orbit": drlim.DrLIM(**SHORT, batch_size=20, orbit=noise),
        "dropout": drlim.DrLIM(**SHORT, batch_size=20, encoder=network),
        "places": drlim.NeighborMap(**SHORT),
    }
    found = {name: summary(model.fit(X)) for name, model in made.items()}
    more = made["all"].partial_fit(X[:30] + 0.1, anchor=X)
    found["partial"] = {**summary(more), "drift": more.drift_}
    result = drlim.train(
        drlim.make_encoder("linear", (4,), 2),
        X,
        drlim.knn_graph(X, 3),
        drlim.make_springs(),
        drlim.Settings(max_epochs=2),
    )
    found["train"] = {"history": result.history}
    return {**found, "left": torch.distributed.is_initialized()}


def few():
    """Fit three samples in all the processes there are."""
    graph = drlim.NeighborhoodGraph.from_pairs(3, [(0, 1)])
    models = [
        drlim.DrLIM(**SHORT, n_neighbors=1, **more).fit(X[:3], graph=graph)
        for more in ({}, {"batch_size": 2}, {"batch_size": 2, "interactions": "batch"})
    ]
    return [summary(model) for model in models]


def refused():
    """Give the processes different things, and return the messages."""
    mine = RANK == 1
    graph = drlim.knn_graph(X, 3 + mine)
    torch.manual_seed(0)
    normalised = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    calls = {
        "samples": lambda: drlim.DrLIM(**SHORT).fit(X + mine),
        "number of samples": lambda: drlim.DrLIM(**SHORT).fit(X[: 60 - 10 * mine]),
        "seed": lambda: drlim.DrLIM(max_epochs=3, random_state=RANK).fit(X),
        "parameter": lambda: drlim.DrLIM(**SHORT, margin=1.0 + mine).fit(X),
        "relations": lambda: drlim.DrLIM(**SHORT).fit(X, graph=graph),
        "estimator": lambda: (drlim.NeighborMap if mine else drlim.DrLIM)(**SHORT).fit(X),
        "relations of places": lambda: drlim.NeighborMap(**SHORT).fit(X, graph=graph),
        "statistics": lambda: drlim.DrLIM(**SHORT, encoder=normalised).fit(X),
    }
    found = {}
    for name, call in calls.items():
        try:
            call()
            found[name] = "nothing"
        except ValueError as error:
            found[name] = str(error)
    return {**found, "after": summary(drlim.DrLIM(**SHORT).fit(X))["bytes"]}


def with_shards(bounds, kept):
    """Fit rows of which each process has some, in many ways; return what came of it."""
    size, rank = len(bounds) - 1, RANK if len(bounds) > 2 else 0
    own = slice(bounds[rank], bounds[rank + 1])

    def given(rows):
        return drlim.training.Shard(rows[own], own.start, rows.shape[0]) if size > 1 else rows

    graph = drlim.knn_graph(X, 3)
    labels = np.arange(60) % 3
    wild = X.copy()
    wild[41, 2] = 1e7
    short = {"max_epochs": 2, "random_state": 0, "optimizer": "adam"}
    made = {
        "exact": (drlim.DrLIM(**short, batch_size=60), X),
        "all": (drlim.DrLIM(**short, batch_size=20), X),
        "batch": (drlim.DrLIM(**short, batch_size=20, interactions="batch"), X),
        "held out": (drlim.DrLIM(**short, batch_size=20, validation=0.2), X),
        "wild": (drlim.DrLIM(**short, batch_size=20), wild),
        "sparse": (drlim.DrLIM(**short, batch_size=20), sparse.csr_array(np.where(X > 0.5, X, 0))),
        "circle": (drlim.DrLIM(1, space="circle", **short, batch_size=20), X),
        "checkpoint": (drlim.DrLIM(**short, batch_size=20, checkpoint=f"{kept}/of_{size}"), X),
    }
    found = {}
    for name, (model, rows) in made.items():
        model.fit(given(rows), None if name == "wild" else labels, graph=graph)
        found[name] = {**summary(model), "novelty": model.novelty(X[:7]).tolist()}
    made["checkpoint"][0].fit(given(X), labels, graph=graph, resume=True)
    found["resumed"] = {**summary(made["checkpoint"][0]), "novelty": made["checkpoint"][0].novelty(X[:7]).tolist()}
    torch.manual_seed(0)
    encoder = drlim.make_encoder("linear", (4,), 2)
    result = drlim.train(
        encoder, given(X), graph, drlim.make_springs(), drlim.Settings(max_epochs=2, batch_size=20), validation=0.2
    )
    found["train"] = {"history": result.history, "embedding": drlim.embed(encoder, X).tolist()}
    return found


class Looking:
    """A callback that asks for the map."""

    def on_epoch_end(self, record, model_state):
        model_state.embedding()


def refused_shards(bounds):
    """Give the processes shards that do not fit together, or where none are taken; return the messages."""
    shard = drlim.training.Shard
    start, stop = bounds[RANK], bounds[RANK + 1]
    graph = drlim.knn_graph(X, 3)
    good = shard(X[start:stop], start, 60)
    last, first, middle = (int(rank == RANK) for rank in (len(bounds) - 2, 0, 1))
    flawed = X.copy()
    flawed[50, 2] = np.nan
    calls = {
        "gap": lambda: shard(X[start + 5 * last : stop], start + 5 * last, 60),
        "gap at the start": lambda: shard(X[start + 2 * first : stop], start + 2 * first, 60),
        "overlap": lambda: shard(X[start - 3 * middle : stop], start - 3 * middle, 60),
        "end": lambda: shard(X[start : stop - 4 * last], start, 60),
        "number": lambda: shard(X[start:stop], start, 60 + middle),
        "shape": lambda: shard(X[start:stop, : 4 - last], start, 60),
        "type": lambda: shard(X[start:stop].astype(np.float64 if middle else np.float32), start, 60),
        "columns": lambda: shard(pd.DataFrame(X[start:stop], columns=list("abcx" if last else "abcd")), start, 60),
        "value": lambda: shard(flawed[start:stop], start, 60),
        "none": lambda: X if middle else good,
    }
    found = {}

    def tell(name, call):
        try:
            call()
            found[name] = "nothing"
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            found[name] = f"{type(error).__name__}: {error}"

    for name, given in calls.items():
        tell(name, lambda given=given: drlim.DrLIM(**SHORT).fit(given(), graph=graph))
    tell("train", lambda: drlim.train(nn.Linear(4, 2), calls["gap"](), graph, drlim.make_springs()))
    tell("neighbours", lambda: drlim.DrLIM(**SHORT).fit(good))
    tell("orbit", lambda: drlim.DrLIM(**SHORT, orbit=noise).fit(good, graph=graph))
    tell("callback", lambda: drlim.DrLIM(**SHORT, callbacks=[Looking()]).fit(good, graph=graph))
    tell("places", lambda: drlim.NeighborMap(**SHORT).fit(good, graph=graph))
    model = drlim.DrLIM(**SHORT).fit(good, graph=graph)
    tell("transform", lambda: model.transform(good))
    tell("partial_fit", lambda: model.partial_fit(good, graph=graph))
    return {**found, "after": summary(model)["bytes"]}


def apart():
    """Fit a map of its own in each process, and one in the first alone."""
    with drlim.training.alone():
        own = drlim.DrLIM(**SHORT).fit(X + RANK)
        if RANK == 0:
            drlim.DrLIM(**SHORT).fit(X)
    return summary(own)["bytes"]


def own_group():
    """Fit in a group that is there already, twice, and use it afterwards."""
    torch.distributed.init_process_group("gloo")
    models = [drlim.DrLIM(**SHORT, batch_size=20).fit(X) for _ in range(2)]
    total = torch.ones(1)
    torch.distributed.all_reduce(total)
    torch.distributed.destroy_process_group()
    return [summary(models[0])["bytes"], summary(models[1])["bytes"], float(total)]


class Failing(nn.Module):
    """A network that does something in one process after some steps."""

    def __init__(self, what="raise"):
        super().__init__()
        self.layer, self.what, self.calls = nn.Linear(4, 2), what, 0

    def forward(self, x):
        self.calls += self.training
        if RANK == 1 and self.calls == 7:
            if self.what == "raise":
                raise LookupError("there is no seventh step")
            os.kill(os.getpid(), signal.SIGKILL if self.what == "kill" else signal.SIGSTOP)
        return self.layer(x)


def failing(what):
    """Fail in one process in the middle of an epoch; return what the others say, and after how long."""
    torch.manual_seed(0)
    Watch.__init__.__kwdefaults__["silence"] = 6.0
    model = drlim.DrLIM(encoder=Failing(what), batch_size=10, max_epochs=100, random_state=0)
    began = time.monotonic()
    try:
        model.fit(X)
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error), "seconds": time.monotonic() - began}
    return None


def data_plane():
    """Return what the collectives give."""
    with joined(torch.device("cpu")) as group:
        assert present_group() is group
        counts = [rank + 1 for rank in range(group.size)]
        rows = group.gather(torch.full((RANK + 1, 2), float(RANK)), counts, "rows")
        values = torch.full((5,), 0.1) * (RANK + 1)
        group.add(values, "values")
        first = torch.full((2,), float(RANK))
        group.copy_first(first)
        return {
            "rows": rows[:, 0].tolist(),
            "values": digest(values.numpy()),
            "sum": float(values[0]),
            "first": first.tolist(),
            "totals": group.totals([1.0, 0.5 * RANK]),
            "texts": group.texts(f"from {RANK}"),
            "sent": group.sent,
        }


def many(bounds, kept):
    """Do in one start of the processes what needs no process to fail."""
    return {"few": few(), "refused": refused(), "apart": apart(), "collectives": data_plane()} | {
        "shards": with_shards(bounds, kept),
        "refused shards": refused_shards([0, 10, 30, 30, 60]),
        "group": own_group(),
        "failing": failing("raise"),  # last, since connections are closed after it
    }


if __name__ == "__main__":
    call = json.loads(sys.argv[1])
    result = globals()[call["name"]](**call["arguments"])
    Path(call["file"]).write_text(json.dumps(result))
