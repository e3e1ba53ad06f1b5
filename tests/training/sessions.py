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
import torch
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


def many():
    """Do in one start of the processes what needs no process to fail."""
    return {"few": few(), "refused": refused(), "apart": apart(), "collectives": data_plane()} | {
        "group": own_group(),
        "failing": failing("raise"),  # last, since connections are closed after it
    }


if __name__ == "__main__":
    call = json.loads(sys.argv[1])
    result = globals()[call["name"]](**call["arguments"])
    Path(call["file"]).write_text(json.dumps(result))
