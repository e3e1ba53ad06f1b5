"""The data sets: fixed splits into training and test samples, with classes that only the scores use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from drlim import datasets
from drlim._base.arrays import Array, Floats, Index

__all__ = ["DATA", "DataSet", "Split"]

SEED = 2006
"""The year of the paper; behind every split and every made data set."""


@dataclass(frozen=True, eq=False)
class Split:
    """Training samples, test samples, their classes, and the colours of the test samples in pictures."""

    X_train: Array  # (n_train, ...) float32
    y_train: Array  # (n_train,)
    X_test: Array  # (n_test, ...) float32
    y_test: Array  # (n_test,)
    shade: Array = field(default_factory=lambda: np.empty(0))
    """Shape (n_test,): a class or a number for each test sample. Empty: the classes."""
    cmap: str = "viridis"
    """matplotlib's colour map, where the colours are numbers."""

    @property
    def colours(self) -> Array:
        """The classes or numbers that give test samples their colours, shape (n_test,)."""
        return self.shade if len(self.shade) else self.y_test

    @property
    def fingerprint(self) -> str:
        """Twelve digits of a hash of samples and classes, which identify the split."""
        found = hashlib.sha256()
        for array in (self.X_train, self.y_train, self.X_test, self.y_test):
            found.update(f"{array.shape} {array.dtype}".encode())
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:12]


@dataclass(frozen=True)
class DataSet:
    """How to load a split, and how often to measure on it."""

    title: str
    load: Callable[[], Split]
    seeds: int = 3
    """Number of seeds measured by default, 0 first."""
    growth: bool = False
    """Whether it is measured by ``--growth`` only."""


def digits(n_train: int | None = None) -> Split:
    """Return scikit-learn's digits of 8 x 8 pixels; with ``n_train``, that many of the 1300 training samples."""
    data = datasets.digits()
    chosen = _chosen(len(data.y_train), n_train)
    return Split(data.X_train[chosen], data.y_train[chosen], data.X_test, data.y_test)


def mnist(n_train: int | None = None, n_test: int | None = None) -> Split:
    """Return MNIST; with numbers, so many of its 60,000 training and 10,000 test images, chosen at random."""
    data = datasets.mnist()
    train, test = _chosen(len(data.y_train), n_train), _chosen(len(data.y_test), n_test)
    return Split(data.X_train[train], data.y_train[train], data.X_test[test], data.y_test[test])


def vectors(n_train: int = 20_000, n_test: int = 4000, d: int = 384, n_groups: int = 40) -> Split:
    """Return unit vectors, as a text or image model makes them, in groups of unequal size.

    Eight families of groups; the largest group has about 30 times as many samples as the smallest. Samples lie near
    their group's direction, some much nearer than others.
    """
    rng = np.random.default_rng(SEED)
    families = _unit(rng.normal(size=(8, d)))
    directions = _unit(families[np.arange(n_groups) % 8] + _unit(rng.normal(size=(n_groups, d))))  # (n_groups, d)
    share = np.geomspace(1.0, 1 / 30, n_groups)
    y = rng.choice(n_groups, n_train + n_test, p=share / share.sum())  # (n,)
    strength = rng.uniform(0.5, 3.0, (len(y), 1))
    X = _unit(strength * directions[y] + 0.12 * rng.normal(size=(len(y), d)))  # (n, d)
    return _halves(X, y, n_train, shade=_names(y))


def table(n_train: int = 5000, n_test: int = 1000, scaled: bool = False) -> Split:
    """Return a table of numbers in different units and of categories, one column for each level.

    Rows of eight classes of unequal size differ in five hidden traits. Ten columns of numbers and three categories
    depend on the traits and the class, two more columns of numbers on nothing.

    Parameters
    ----------
    n_train, n_test : int
    scaled : bool, default=False
        Whether each column is standardised by the training rows. Otherwise values are as they are.
    """
    rng = np.random.default_rng(SEED)
    n, n_classes, n_traits = n_train + n_test, 8, 5
    share = np.geomspace(1.0, 1 / 8, n_classes)
    y = rng.choice(n_classes, n, p=share / share.sum())  # (n,)
    traits = 2.0 * rng.normal(size=(n_classes, n_traits))[y] + rng.normal(size=(n, n_traits))  # (n, 5)
    hidden = traits @ rng.normal(size=(n_traits, 10)) / 5 + 0.3 * rng.normal(size=(n, 10))  # (n, 10)
    X = np.column_stack(
        [
            45 + 15 * hidden[:, 0],  # years
            np.exp(10 + 0.6 * hidden[:, 1]),  # income
            1700 + 90 * hidden[:, 2],  # millimetres
            0.002 + 0.0005 * hidden[:, 3],  # a rate
            rng.poisson(np.exp(1 + 0.7 * hidden[:, 4])),  # a count
            1 / (1 + np.exp(-2 * hidden[:, 5])),  # a share
            np.round(37 + 0.5 * hidden[:, 6], 1),  # degrees
            hidden[:, 7:10] * [1.0, 10.0, 100.0],
            rng.uniform(0, 5000, n),  # nothing
            rng.normal(size=n),  # nothing
            *(_one_hot(rng, y, levels) for levels in (4, 6, 9)),
        ]
    )  # (n, 31)
    if scaled:
        deviation = X[:n_train].std(axis=0)
        X = (X - X[:n_train].mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return _halves(X, y, n_train)


def swiss_roll(n_train: int = 5000, n_test: int = 1000) -> Split:
    """Return points of a rolled sheet in three dimensions; a class is a cell of 24 x 4 on the sheet.

    The sheet is populated evenly along its length, and coloured by it.
    """
    rng = np.random.default_rng(SEED)
    low, high = 1.5 * np.pi, 4.5 * np.pi
    along, across = rng.random((2, n_train + n_test))  # (n,), (n,)
    turn = np.sqrt(low**2 + along * (high**2 - low**2))  # the length of a spiral grows about with the angle's square
    X = np.column_stack([turn * np.cos(turn), 21 * across, turn * np.sin(turn)])  # (n, 3)
    X += 0.1 * rng.normal(size=X.shape)
    cell = 4 * (24 * along).astype(np.int64) + (4 * across).astype(np.int64)
    return _halves(X, cell, n_train, shade=along)


def turntable() -> Split:
    """Return the views of the aeroplane; a class is one of 18 azimuths. Elevation and lighting vary within it."""
    data = datasets.turntable()
    azimuth = data.metadata["azimuth"]
    X, y = data.images, azimuth // 20
    return Split(X[data.train], y[data.train], X[data.test], y[data.test], azimuth[data.test] / 1.0, "hsv")


def rows(n_train: int, n_test: int = 2000, d: int = 64) -> Split:
    """Return rows of 64 columns in 50 groups, each group stretched along 8 directions of its own."""
    rng = np.random.default_rng(SEED)
    n, n_groups = n_train + n_test, 50
    centres = rng.normal(size=(n_groups, d))
    stretch = 0.7 * rng.normal(size=(n_groups, 8, d))
    y = rng.integers(0, n_groups, n)
    X = np.empty((n, d), dtype=np.float32)
    for group in range(n_groups):
        members = np.flatnonzero(y == group)
        inside = rng.normal(size=(len(members), 8)) @ stretch[group]  # (m, d)
        X[members] = centres[group] + inside + 0.4 * rng.normal(size=(len(members), d))
    return _halves(X, y, n_train, shade=_names(y))


DATA = {
    "digits": DataSet("8x8 digits", digits),
    "digits300": DataSet("8x8 digits, few", lambda: digits(300)),
    "turntable": DataSet("turntable, azimuth", turntable),
    "roll": DataSet("swiss roll", swiss_roll),
    "table": DataSet("table, columns as they are", table),
    "table_scaled": DataSet("table, columns standardised", lambda: table(scaled=True)),
    "vectors": DataSet("unit vectors, 40 groups", vectors),
    "mnist12000": DataSet("MNIST, a fifth", lambda: mnist(12_000, 4000)),
    "mnist60000": DataSet("MNIST", mnist, seeds=1),
    "rows10000": DataSet("10,000 rows of 64", lambda: rows(10_000), seeds=1, growth=True),
    "rows100000": DataSet("100,000 rows of 64", lambda: rows(100_000), seeds=1, growth=True),
    "rows1000000": DataSet("1,000,000 rows of 64", lambda: rows(1_000_000), seeds=1, growth=True),
}
"""Data sets by their names on the command line, in the order of the tables; those of ``--growth`` by size."""


def _chosen(n: int, size: int | None) -> Index:
    """Return ``size`` of n indices at random, ascending; all of them when None."""
    if size is None:
        return np.arange(n)
    # Raw bits, whose stream NumPy keeps for ever; the streams of its distributions may change.
    order = np.argsort(np.random.PCG64(SEED).random_raw(n), kind="stable")
    return np.sort(order[:size]).astype(np.int64)


def _halves(X: Array, y: Array, n_train: int, shade: Array | None = None) -> Split:
    """Cut samples in random order into training and test samples."""
    X = X.astype(np.float32)
    shades = np.empty(0) if shade is None else shade[n_train:]
    return Split(X[:n_train], y[:n_train], X[n_train:], y[n_train:], shades)


def _one_hot(rng: np.random.Generator, y: Index, levels: int) -> Floats:
    """Return a category that depends on the class, as one column of zeros and ones for each level."""
    weights = rng.dirichlet(np.full(levels, 0.5), y.max() + 1)  # (n_classes, levels)
    drawn = (rng.random((len(y), 1)) > np.cumsum(weights, axis=1)[y]).sum(axis=1)  # (n,)
    columns: Floats = np.eye(levels)[np.minimum(drawn, levels - 1)]  # (n, levels)
    return columns


def _names(y: Index) -> Array:
    """Return classes as text, so that pictures colour them as classes and not as a quantity."""
    return np.array([f"{label:02d}" for label in y])


def _unit(vectors: Floats) -> Floats:
    """Return vectors (n, d) divided by their lengths."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled
