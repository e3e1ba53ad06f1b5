"""Seven newcomers: what each has, and the commands from the README that bring each to a picture.

A story makes its data with NumPy alone, and then does what a user would: commands of ``drlim``, and lines of Python.
The tests tell each in small, in one process; ``make stories`` tells each in full, from a fresh virtual environment, one
process for each step, and measures the time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["STORIES", "Story"]

Numbers = NDArray[np.float64]


class Story(NamedTuple):
    """What a newcomer has and does.

    Attributes
    ----------
    name : str
    prepare : callable
        Writes the data into a folder, of a size: about 1 in a test, more in full.
    steps : sequence of str
        Commands, beginning with "drlim ", and else lines of Python. They run in the folder.
    picture : str
        Pattern of the file that is there at the end.
    full : float
        Size in full.
    needs : str
        Package without which it is not told.
    short : sequence of str
        Steps in a test, where they are others.
    """

    name: str
    prepare: Callable[[Path, float], None]
    steps: Sequence[str]
    picture: str
    full: float
    needs: str = "drlim"
    short: Sequence[str] = ()


def _table(folder: Path, size: float) -> None:
    """Write customers of three kinds, with an id, a date, different units, categories and blanks."""
    rng = np.random.default_rng(0)
    for name, n in (("customers.csv", int(300 * size)), ("new.csv", 40)):
        kind = rng.integers(0, 3, n)
        days = np.datetime64("2020-01-01") + rng.integers(0, 900, n)
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["customer_id", "since", "age", "income", "visits", "city", "plan", "newsletter", "score"])
            for row in range(n):
                blank = rng.random(2) < 0.05
                rows.writerow(
                    [
                        f"C{rng.integers(10**9)}-{row}",
                        days[row],
                        round(25 + 18 * kind[row] + 3 * rng.normal()),
                        "" if blank[0] else round(20_000 + 25_000 * kind[row] + 3000 * rng.normal(), 2),
                        rng.poisson(2 + 6 * kind[row]),
                        "" if blank[1] else rng.choice(["Oslo", "Bergen", "Tromsø, north"]),
                        ["free", "basic", "gold"][kind[row]],
                        rng.choice(["yes", "no"]),
                        round(float(rng.normal(kind[row])), 3),
                    ]
                )


def _vectors(folder: Path, size: float) -> None:
    """Write vectors of 384 numbers in groups, as a model of sentences gives them, and the groups."""
    rng = np.random.default_rng(0)
    n, n_groups = int(400 * size), 8 if size < 5 else 40
    group = rng.integers(0, n_groups, n)
    vectors = rng.normal(size=(n_groups, 384))[group] + 0.9 * rng.normal(size=(n, 384))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.save(folder / "vectors.npy", vectors.astype(np.float32))
    np.save(folder / "topics.npy", np.char.add("topic ", group.astype(str)))


def _photos(folder: Path, size: float) -> None:
    """Write coloured pictures of three classes, a folder each, of different sizes, some of them grey."""
    from PIL import Image  # comes with matplotlib

    rng = np.random.default_rng(0)
    for where, n in (("photos", int(30 * size)), ("held_out", 12)):
        for place, name in enumerate(("discs", "stripes", "squares")):
            (folder / where / name).mkdir(parents=True)
            for number in range(n):
                side = int(rng.integers(20, 34))
                across, down = np.meshgrid(np.arange(side), np.arange(side))
                middle = side / 2 + rng.uniform(-3, 3, 2)
                far = np.hypot(across - middle[0], down - middle[1])
                square = np.maximum(abs(across - middle[0]), abs(down - middle[1]))
                shape = (far < side / 4, down // 4 % 2 == 0, (square < side / 3) & (square > side / 5))[place]
                colour = rng.uniform(0.3, 1, 3) if number % 3 else np.full(3, 0.8)
                pixels = 255 * (0.1 + 0.9 * shape[:, :, None] * colour * rng.uniform(0.7, 1))
                image = Image.fromarray(pixels.astype(np.uint8))
                suffix = "png" if number % 2 else "jpg"
                (image.convert("L") if number % 5 == 0 else image).save(folder / where / name / f"{number}.{suffix}")


def _spikes(folder: Path, size: float) -> None:
    """Write counts of 40 cells tuned to a phase that goes round, in trials of 27 windows, and the trials."""
    rng = np.random.default_rng(0)
    n_trials = int(30 * size)
    trial = np.repeat(np.arange(n_trials), 27)
    phase = rng.uniform(0, 2 * np.pi, n_trials)[trial] + np.tile(np.arange(27), n_trials) * 2 * np.pi / 27
    preferred = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    counts = rng.poisson(8 * np.exp(2 * (np.cos(phase[:, None] - preferred) - 1)))
    np.savez(folder / "spikes.npz", counts=counts, trial=trial, phase=phase % (2 * np.pi))


def _vectors_and_new(folder: Path, size: float) -> None:
    """Write vectors, and the first of them as samples that come later."""
    _vectors(folder, size)
    np.save(folder / "new.npy", np.load(folder / "vectors.npy")[:50])


def _nothing(folder: Path, size: float) -> None:
    """Write nothing: the data come with the package."""


_SPIKES = """
import drlim, numpy as np
data = np.load("spikes.npz")
seen = data["trial"] % 3 > 0  # a third of the trials is held out
rates = np.sqrt(data["counts"])
near = drlim.knn_graph(rates[seen], 10)
soon = drlim.sequence_graph(np.arange(seen.sum()), 1, groups=data["trial"][seen])
model = drlim.DrLIM(random_state=0).fit(rates[seen], graph=near | soon)
drlim.save(model, "map.safetensors")
Z = model.transform(rates[~seen])
drlim.plotting.plot_embedding(Z, data["phase"][~seen], cmap="twilight").figure.savefig("map.png")
angle, phase = np.arctan2(*(Z - Z.mean(axis=0)).T), data["phase"][~seen]
agree = max(abs(np.exp(1j * (way * angle - phase)).mean()) for way in (1, -1))  # 1 if they differ by a constant
print(f"angle on the map and phase agree by {agree:.3f}, in trials never seen")
assert agree > 0.9
"""

_RUNTIME = """
import sys, numpy as np
from drlim import runtime
X = np.load("new.npy")
Z = runtime.load("map.safetensors").transform(X)
assert "torch" not in sys.modules or "pytest" in sys.modules
np.save("by_numpy.npy", Z)
"""

_ONNX = """
import numpy as np, onnxruntime
Z = onnxruntime.InferenceSession("map.onnx").run(["Z"], {"X": np.load("new.npy").astype("float32")})[0]
assert np.abs(Z - np.load("positions.npy")).max() < 1e-3
assert np.abs(np.load("by_numpy.npy") - np.load("positions.npy")).max() < 1e-3
"""

_UMAP = """
import time, drlim, numpy as np, umap, matplotlib.pyplot as plt
X, y = np.load("vectors.npy"), np.load("topics.npy")
half = len(X) // 2
figure, axes = plt.subplots(1, 2, figsize=(12, 5))
for ax, model in zip(axes, (drlim.NeighborMap(random_state=0), umap.UMAP(random_state=0))):
    began = time.perf_counter()
    Z = model.fit(X[:half]).transform(X[half:])
    name, seconds = type(model).__name__, time.perf_counter() - began
    trust = drlim.metrics.trustworthiness(X[half:], Z, 10)
    accuracy = drlim.metrics.knn_accuracy(Z, y[half:])
    print(f"{name}: {seconds:.1f} s, trustworthiness {trust:.3f}, accuracy {accuracy:.3f}")
    drlim.plotting.plot_embedding(Z, y[half:], ax=ax)
    ax.set_title(name)
figure.savefig("map.png")
"""

STORIES = (
    Story(
        "a table",
        _table,
        [
            "drlim fit customers.csv --model map.safetensors --embedding positions.csv",
            "drlim transform map.safetensors new.csv --output new_positions.csv",
            "drlim plot map.safetensors customers.csv --labels plan --output map.png",
            "drlim info map.safetensors",
        ],
        "map.png",
        5000 / 300,
    ),
    Story(
        "embeddings",
        _vectors,
        [
            "drlim fit vectors.npy --model map.safetensors --metric cosine --embedding positions.csv",
            "drlim plot positions.csv --labels topics.npy --output map.png",
        ],
        "map.png",
        10_000 / 400,
    ),
    Story(
        "images",
        _photos,
        [
            "drlim fit photos --model map.safetensors --size 20 --labels-from folders --ignore flip,brightness",
            "drlim plot map.safetensors photos --labels-from folders --thumbnails --output map.png",
            "drlim certify map.safetensors held_out --ignore flip,brightness",
        ],
        "map.png",
        500 / 30,
    ),
    Story("spike counts", _spikes, [_SPIKES], "map.png", 1.0),
    Story(
        "a deployment",
        _vectors_and_new,
        [
            "drlim fit vectors.npy --model map.safetensors --method drlim --encoder mlp",
            "drlim transform map.safetensors new.npy --output positions.npy",
            "drlim export map.safetensors vectors.npy --output map.onnx",
            _RUNTIME,
            _ONNX,
            "drlim plot positions.npy --output map.png",
        ],
        "map.png",
        2000 / 400,
        needs="onnxruntime",
    ),
    Story(
        "the paper",
        _nothing,
        ["drlim reproduce digits"],
        "runs/*/springs.png",
        1.0,
        short=["drlim reproduce springs"],
    ),
    Story("beside UMAP", _vectors, [_UMAP], "map.png", 5000 / 400, needs="umap"),
)
"""The stories, in the order of the README."""
