"""Learn maps from what is known to be alike.

DrLIM (Hadsell, Chopra, LeCun 2006) trains an encoder so that samples declared similar land close together and
all others stay at least a margin apart. The result is a function: it maps samples it has never seen.

Names are imported when first used, so that ``drlim --help`` needs no torch. Type checkers read ``__init__.pyi``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0.dev0"

_HOME = {
    "DrLIM": "estimators",
    "NeighborMap": "estimators",
    "NeighborhoodGraph": "graph",
    "Settings": "training",
    "Springs": "springs",
    "Table": "tables",
    "DivergenceError": "training",
    "ModelFileError": "persistence",
    "certificate": "metrics",
    "embed": "encoders",
    "explore": "explorer",
    "export": "deploy",
    "grid_graph": "relations",
    "knn_graph": "neighbors",
    "label_graph": "relations",
    "load": "persistence",
    "make_encoder": "encoders",
    "make_springs": "springs",
    "neighbors_graph": "neighbors",
    "orbit_graph": "relations",
    "orbits": "relations",
    "pairs": "relations",
    "radius_graph": "neighbors",
    "save": "persistence",
    "sequence_graph": "relations",
    "shift": "relations",
    "shifts": "relations",
    "show_versions": "_base",
    "target_graph": "relations",
    "train": "training",
    "with_copies": "relations",
    "callbacks": "",
    "datasets": "",
    "encoders": "",
    "forces": "",
    "metrics": "",
    "plotting": "",
    "relations": "",
    "runtime": "",
    "spaces": "",
    "springs": "",
    "training": "",
    "transforms": "",
}
"""Public names and the subpackage that each is imported from; "" for the subpackages themselves."""

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'drlim' has no attribute {name!r}")
    from drlim._base.importing import undisturbed

    with undisturbed():
        home = import_module(f"drlim.{_HOME[name] or name}")
    return getattr(home, name) if _HOME[name] else home


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
