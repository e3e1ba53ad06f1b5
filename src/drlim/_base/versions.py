"""Versions of this package and of what it uses, for a report of a problem."""

from __future__ import annotations

import os
import platform
import sys

__all__ = ["show_versions", "version"]

_NEEDED = ("numpy", "scipy", "scikit-learn", "torch", "safetensors", "threadpoolctl", "typer")
_OPTIONAL = ("numba", "matplotlib", "pandas", "pillow", "pyarrow", "onnx", "onnxruntime", "voyager", "ripser")


def show_versions() -> None:
    """Print the versions of this package, of Python and of the packages that it uses, and the machine.

    Nothing is imported and no data is read: what is printed can be put into a report of a problem.

    Examples
    --------
    >>> import drlim
    >>> drlim.show_versions()
    drlim          ...
    python         ...
    """
    system = f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores"
    rows = {
        "drlim": version("drlim"),
        "python": sys.version.split()[0],
        "system": system,
        **{name: version(name) for name in (*_NEEDED, *_OPTIONAL)},
    }
    for name, text in rows.items():
        print(f"{name:<14} {text}")  # noqa: T201 - printing is what it is for


def version(name: str) -> str:
    """Return the version of a package that is installed, or that it is not."""
    if name == "drlim":  # a copy that is not installed has a version, too
        from drlim import __version__

        return __version__
    from importlib import metadata  # tens of milliseconds, and few runs ask for a version

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
