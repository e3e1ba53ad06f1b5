"""Keep a map as an MLflow model: ``python mlflow_model.py map.onnx model``, then ``mlflow models serve -m model``."""

import json
import sys

import mlflow.onnx
import numpy as np
import onnx
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

file, folder = sys.argv[1:]
model = onnx.load(file)
described = json.loads(next(entry.value for entry in model.metadata_props if entry.key == "drlim"))


def schema(tensors):
    """Return the names, types and shapes that the file states; -1 stands for any number of samples."""
    sides = {name: [-1 if side == "n" else side for side in tensor["shape"]] for name, tensor in tensors.items()}
    return Schema([TensorSpec(np.dtype(tensor["dtype"]), sides[name], name) for name, tensor in tensors.items()])


mlflow.onnx.save_model(
    model,
    folder,
    signature=ModelSignature(schema(described["inputs"]), schema(described["outputs"])),
    metadata={name: described[name] for name in ("drlim_version", "estimator", "sha256")},
)
