"""Ready-made callbacks: what looks on while a map is learned, writes what it sees, and may end the training.

A callback is any object with some of three methods::

    on_fit_begin(model_state)             before the first epoch; it may take no argument
    on_epoch_end(record, model_state)     after each epoch; returning True ends the training
    on_fit_end(model_state)               after the last epoch, whatever ended it; it may take no argument

``record`` is the epoch's entry of ``history_``, and ``model_state`` a `ModelState`: the history, a copy of the encoder,
the map as it is. Callbacks do not change the map: what they draw from torch's generators is not missed by the training.
docs/long_runs.md explains them, and checkpoints.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import check_parameters, integer_in, real_in
from drlim._base.disk import atomic_write, check_target
from drlim._base.messages import listed
from drlim.estimators.watching import ModelState
from drlim.training.watching import CallbackError

__all__ = [
    "CallbackError",
    "CsvWriter",
    "EarlyStopping",
    "MLflowWriter",
    "MapFrames",
    "ModelState",
    "TensorBoardWriter",
]

Record = Mapping[str, float]


class EarlyStopping:
    """End the training when a number has not fallen for some epochs: by default the energy of samples held out.

    `DrLIM` itself waits for half of ``max_epochs``, because that energy may rise for a fifth of a run and then fall
    below where it was (docs/overfitting.md). This callback waits as long as you say. The map is that of the epoch with
    the lowest energy of the samples held out in either case.

    Parameters
    ----------
    patience : int, default=10
        Number of epochs without a fall after which training ends, in [1, inf).
    min_delta : float, default=0.0
        How much a number must lie below the lowest before to count as a fall, in [0, inf).
    monitor : str, default="energy_validation"
        Name of the number in the records. "energy_validation" needs ``DrLIM(validation=...)``, rows or a share.

    Examples
    --------
    >>> from drlim import DrLIM, callbacks, datasets
    >>> X = datasets.digits().X_train[:100]
    >>> stop = callbacks.EarlyStopping(patience=2, min_delta=1.0)  # no epoch gains as much
    >>> model = DrLIM(encoder="linear", validation=0.2, callbacks=[stop], random_state=0).fit(X)
    >>> model.stopped_, model.n_iter_
    ('callback', 3)
    """

    def __init__(self, patience: int = 10, *, min_delta: float = 0.0, monitor: str = "energy_validation") -> None:
        given = {"patience": patience, "min_delta": min_delta, "monitor": monitor}
        accepted = {"patience": [integer_in(1)], "min_delta": [real_in(0.0, closed="left")], "monitor": [str]}
        check_parameters(given, accepted, "EarlyStopping")
        self.patience = patience
        self.min_delta = min_delta
        self.monitor = monitor

    def on_fit_begin(self, model_state: ModelState) -> None:
        """Refuse to wait for the energy of samples held out where there are none."""
        parameters = model_state.parameters
        if self.monitor == "energy_validation" and parameters.get("validation") is None:
            way_out = "validation=0.1, or monitor='energy'" if "validation" in parameters else "monitor='cross_entropy'"
            raise ValueError(f"EarlyStopping looks at the energy of samples held out, and none are: set {way_out}")

    def on_epoch_end(self, record: Record, model_state: ModelState) -> bool:
        """Return whether the lowest number is as long ago as ``patience`` says."""
        if self.monitor not in record:
            raise KeyError(f"No number {self.monitor!r} in the records. They have {listed(list(record))}")
        # From the history, and not from what was seen: a fit that goes on from a checkpoint then ends where it would.
        lowest, since = float("inf"), 0
        for past in model_state.history[model_state.n_before :]:
            if past.get(self.monitor, float("inf")) < lowest - (self.min_delta if np.isfinite(lowest) else 0.0):
                lowest, since = past[self.monitor], 0
            else:
                since += 1
        return since >= self.patience


class CsvWriter:
    """Write the history to a CSV file, anew after each epoch: the file is whole at any time.

    Parameters
    ----------
    path : str or path-like
        File to write, such as ``history.csv``. Its folder must exist.

    Raises
    ------
    OSError, ValueError
        When it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from drlim import DrLIM, callbacks, datasets
    >>> X = datasets.digits().X_train[:100]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = callbacks.CsvWriter(Path(folder) / "history.csv")
    ...     model = DrLIM(encoder="linear", max_epochs=2, callbacks=[log], random_state=0).fit(X)
    ...     lines = log.path.read_text().splitlines()
    >>> len(lines), lines[0].split(",")[:2]
    (3, ['epoch', 'energy'])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        check_target(self.path)

    def on_fit_begin(self, model_state: ModelState) -> None:
        """Write what a fit that goes on has behind it."""
        self._write(model_state.history)

    def on_epoch_end(self, record: Record, model_state: ModelState) -> None:
        """Write the epochs so far."""
        self._write(model_state.history)

    def _write(self, history: Sequence[Record]) -> None:
        names = list(dict.fromkeys(name for record in history for name in record))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
        if history:
            writer.writeheader()
        writer.writerows(history)
        atomic_write(self.path, text.getvalue().encode())


class _Board(Protocol):
    """What is used of TensorBoard's SummaryWriter."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None: ...

    def close(self) -> None: ...


class TensorBoardWriter:
    """Write the numbers of each epoch to a folder that TensorBoard shows (extra ``tensorboard``).

    Parameters
    ----------
    folder : str or path-like
        Folder of the run; ``tensorboard --logdir`` takes it or the one above.

    Raises
    ------
    ImportError
        When TensorBoard is not installed.

    Examples
    --------
    >>> from drlim import DrLIM, callbacks
    >>> model = DrLIM(callbacks=[callbacks.TensorBoardWriter("runs/first")])  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError(_missing("TensorBoardWriter", "TensorBoard", "tensorboard")) from error
        self.folder = Path(folder)
        self._new = SummaryWriter
        self._board: _Board | None = None

    def on_fit_begin(self, model_state: ModelState) -> None:
        """Open the folder; epochs from here on hide those of a fit that was cut short."""
        self._board = cast(_Board, self._new(str(self.folder), purge_step=model_state.epoch + 1))

    def on_epoch_end(self, record: Record, model_state: ModelState) -> None:
        """Add an epoch."""
        if self._board is not None:
            for name, value in record.items():
                if name != "epoch":
                    self._board.add_scalar(name, value, model_state.epoch)

    def on_fit_end(self) -> None:
        """Write what is not written yet."""
        if self._board is not None:
            self._board.close()
        self._board = None

    def __deepcopy__(self, memo: object) -> TensorBoardWriter:
        """Return one that is not open: scikit-learn's ``clone`` copies callbacks."""
        return TensorBoardWriter(self.folder)


class MLflowWriter:
    """Log parameters, and the numbers of each epoch, to MLflow (extra ``mlflow``).

    They go to the active run. Where there is none, one is started, and ended with the fit.

    Parameters
    ----------
    run_name : str, default=None
        Name of a run that is started.

    Raises
    ------
    ImportError
        When MLflow is not installed.

    Examples
    --------
    >>> from drlim import DrLIM, callbacks
    >>> model = DrLIM(callbacks=[callbacks.MLflowWriter("first")])  # doctest: +SKIP
    """

    def __init__(self, run_name: str | None = None) -> None:
        try:
            import mlflow
        except ImportError as error:
            raise ImportError(_missing("MLflowWriter", "MLflow", "mlflow")) from error
        self.run_name = run_name
        self._mlflow = mlflow
        self._has_started = False

    def on_fit_begin(self, model_state: ModelState) -> None:
        """Log the parameters that are numbers or texts."""
        self._has_started = self._mlflow.active_run() is None
        if self._has_started:
            self._mlflow.start_run(run_name=self.run_name)
        plain = {
            name: value
            for name, value in model_state.parameters.items()
            if value is None or isinstance(value, str | bool | Real)
        }
        self._mlflow.log_params(plain)

    def on_epoch_end(self, record: Record, model_state: ModelState) -> None:
        """Log an epoch."""
        numbers = {name: float(value) for name, value in record.items() if name != "epoch"}
        self._mlflow.log_metrics(numbers, step=model_state.epoch)

    def on_fit_end(self, model_state: ModelState) -> None:
        """Log why training ended."""
        self._mlflow.set_tag("stopped", str(model_state.stopped))
        if self._has_started:
            self._mlflow.end_run()

    def __deepcopy__(self, memo: object) -> MLflowWriter:
        """Return one that has begun nothing: scikit-learn's ``clone`` copies callbacks, and modules have no copy."""
        return MLflowWriter(self.run_name)


class MapFrames:
    """Draw the map of the training samples every few epochs: frames of an animation of the springs at work.

    Frames have one scale as far as they can: the axes grow with the map and never shrink. ``ffmpeg -i
    frames/epoch-%06d.png map.mp4`` makes a film of frames of all epochs.

    Parameters
    ----------
    folder : str or path-like
        Folder for the pictures, ``epoch-000010.png`` of the tenth epoch. It is made.
    every : int, default=1
        Number of epochs between two frames, in [1, inf).
    labels : array-like, shape (n_samples,), default=None
        Groups or numbers of the training samples; see `drlim.plotting.plot_embedding`.
    dpi : int, default=100
        Pixels per inch, in [1, inf).

    Raises
    ------
    ImportError
        When matplotlib is not installed (extra ``viz``).

    Examples
    --------
    >>> import tempfile
    >>> from drlim import DrLIM, callbacks, datasets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frames = callbacks.MapFrames(folder, every=2)
    ...     model = DrLIM(encoder="linear", max_epochs=4, callbacks=[frames], random_state=0)
    ...     _ = model.fit(datasets.digits().X_train[:50])
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['epoch-000000.png', 'epoch-000002.png', 'epoch-000004.png']
    """

    def __init__(
        self, folder: str | os.PathLike[str], every: int = 1, *, labels: ArrayLike | None = None, dpi: int = 100
    ) -> None:
        from drlim.plotting.figures import require_matplotlib

        check_parameters({"every": every, "dpi": dpi}, {"every": [integer_in(1)], "dpi": [integer_in(1)]}, "MapFrames")
        require_matplotlib()
        self.folder = Path(folder)
        self.every = every
        self.labels = labels
        self.dpi = dpi
        self._extent: Array | None = None  # (2, d)

    def on_fit_begin(self, model_state: ModelState) -> None:
        """Make the folder, and refuse a map that cannot be drawn."""
        columns = model_state.parameters["n_components"]
        if columns not in (2, 3):
            raise ValueError(f"MapFrames draws maps of 2 or 3 dimensions, and n_components is {columns}")
        self._extent = None
        self.folder.mkdir(parents=True, exist_ok=True)
        if model_state.epoch == 0:
            self._draw(model_state)

    def on_epoch_end(self, record: Record, model_state: ModelState) -> None:
        """Draw a frame where one is due."""
        if model_state.epoch % self.every == 0:
            self._draw(model_state)

    def _draw(self, model_state: ModelState) -> None:
        from drlim.plotting import plot_embedding, save_figure

        Z = model_state.embedding()  # (n, d)
        ends = np.stack([Z.min(axis=0), Z.max(axis=0)])  # (2, d)
        if self._extent is not None:
            ends = np.stack([np.minimum(ends[0], self._extent[0]), np.maximum(ends[1], self._extent[1])])  # (2, d)
        self._extent = ends
        ax = plot_embedding(Z, self.labels)
        pad = 0.03 * np.maximum(ends[1] - ends[0], 1e-6)  # (d,)
        for axis, name in enumerate("xyz"[: Z.shape[1]]):
            low, high = ends[0, axis] - pad[axis], ends[1, axis] + pad[axis]
            getattr(ax, f"set_{name}lim")(float(low), float(high))
        ax.set_title(f"epoch {model_state.epoch} of {model_state.max_epochs}", loc="left")
        save_figure(ax, self.folder / f"epoch-{model_state.epoch:06d}.png", dpi=self.dpi)


def _missing(owner: str, package: str, extra: str) -> str:
    return f'{owner} needs {package}, which is not installed. Install it with: pip install "drlim[{extra}]"'
