"""Place samples on a map over HTTP: ``MODEL=map.onnx uvicorn app:app``, then POST {"X": [[...], ...]} to /map."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

session = onnxruntime.InferenceSession(os.environ.get("MODEL", "map.onnx"))
names = [output.name for output in session.get_outputs()]
shape = tuple(session.get_inputs()[0].shape[1:])  # of one sample

app = FastAPI(title="A map")
# A page on another site cannot reach the server under a name of its own.
app.add_middleware(TrustedHostMiddleware, allowed_hosts=os.environ.get("HOSTS", "localhost,127.0.0.1").split(","))


class Samples(BaseModel):
    """Samples to place, as nested lists of numbers."""

    X: list[list]


@app.post("/map")
def place(samples: Samples) -> dict[str, list]:
    """Return the outputs of the file: positions, and of a `NeighborMap` the confidence."""
    try:
        X = np.array(samples.X, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise HTTPException(422, f"X holds no numbers: {error}") from error
    if X.shape[1:] != shape or not 1 <= len(X) <= 10_000 or not np.isfinite(X).all():
        raise HTTPException(422, f"X must hold 1 to 10000 finite samples of shape {shape}. Got shape {X.shape}.")
    found = session.run(None, {"X": X})
    return {name: values.tolist() for name, values in zip(names, found, strict=True)}
