"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["MODEL_SUFFIX", "ONNX_SUFFIX", "ArrayName", "Data", "Json", "LabelsColumn"]

MODEL_SUFFIX = ".safetensors"
ONNX_SUFFIX = ".onnx"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Data = Annotated[
    Path, typer.Argument(metavar="DATA", help="Samples: .npy, .npz, .csv, .parquet or a folder of images.")
]
ArrayName = Annotated[str | None, typer.Option(help="Name of the array, where DATA is an .npz that has several.")]
LabelsColumn = Annotated[str | None, typer.Option(help="Column of DATA that is no feature and is left out.")]
