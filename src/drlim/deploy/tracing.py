"""A torch module as an ONNX graph, traced by torch's exporter."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from drlim._base.arrays import Array
from drlim._base.messages import one_line

if TYPE_CHECKING:
    import onnx

__all__ = ["require_onnx", "traced"]

_SPOKEN = "torch.onnx._internal.exporter._registration"
"""Logger of torch's exporter that says four times that torchvision, which no map needs, is not installed."""


def require_onnx() -> None:
    """Refuse to export where the packages of the extra are missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'Exporting to ONNX needs {error.name}, which is not installed. Install it with: pip install "drlim[onnx]"'
        ) from error


def traced(module: nn.Module, rows: Array, outputs: Sequence[str]) -> onnx.ModelProto:
    """Return the ONNX model of a module in evaluation mode, with an input ``X`` of any number of rows.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU. Maps (n, ...) to as many tensors as there are outputs.
    rows : ndarray of float32, shape (n, ...)
        Two samples or more, on which the module is traced.
    outputs : sequence of str
        Names.

    Returns
    -------
    onnx.ModelProto
        Without what torch notes of the traced code: paths and lines of the machine that exports.

    Raises
    ------
    ValueError
        When torch cannot trace the module.
    """
    import onnx

    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                (torch.from_numpy(rows),),
                dynamo=True,
                input_names=["X"],
                output_names=list(outputs),
                dynamic_shapes=({0: torch.export.Dim("n")},),
                verbose=False,
            )
        except Exception as error:  # whatever a user's module raises, and what torch's exporter makes of it
            cause = error.__cause__ or error
            raise ValueError(
                f"The encoder cannot be exported to ONNX: {one_line(cause, 300).rstrip('.')}. Write it with operations "
                "that torch.onnx.export knows, for any number of samples."
            ) from error
    assert program is not None  # noqa: S101 - for mypy: there is one where dynamo is True
    model: onnx.ModelProto = program.model_proto
    _strip(model.graph)
    onnx.checker.check_model(model)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence four log lines and a FutureWarning of torch's exporter about itself, and nothing else."""

    def heard(record: logging.LogRecord) -> bool:
        return "torchvision is not installed" not in record.getMessage()

    logger = logging.getLogger(_SPOKEN)
    logger.addFilter(heard)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)", category=FutureWarning)
            yield
    finally:
        logger.removeFilter(heard)


def _strip(graph: onnx.GraphProto) -> None:
    """Remove torch's notes from a graph and all in it."""
    parts = [graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _strip(attribute.g)
