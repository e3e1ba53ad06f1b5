"""A fitted map as one file that programs in other languages run, ONNX."""

from __future__ import annotations

from drlim.deploy.onnx_file import Description, Verified, read_description
from drlim.deploy.onnx_map import export

__all__ = [
    "Description",
    "Verified",
    "export",
    "read_description",
]
