"""Learn maps from what is known to be alike.

DrLIM (Hadsell, Chopra, LeCun 2006) trains an encoder so that samples declared similar land close together and
all others stay at least a margin apart. The result is a function: it maps samples it has never seen.

Names are imported when first used, so that ``drlim --help`` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drlim import datasets as datasets
    from drlim import encoders as encoders
    from drlim import forces as forces
    from drlim import metrics as metrics
    from drlim import plotting as plotting
    from drlim import springs as springs
    from drlim.encoders import make_encoder as make_encoder
    from drlim.estimator import DrLIM as DrLIM
    from drlim.graph import NeighborhoodGraph as NeighborhoodGraph
    from drlim.neighbors import knn_graph as knn_graph
    from drlim.neighbors import neighbors_graph as neighbors_graph
    from drlim.neighbors import radius_graph as radius_graph
    from drlim.persistence import ModelFileError as ModelFileError
    from drlim.persistence import load as load
    from drlim.persistence import save as save
    from drlim.relations import grid_graph as grid_graph
    from drlim.relations import label_graph as label_graph
    from drlim.relations import orbit_graph as orbit_graph
    from drlim.relations import orbits as orbits
    from drlim.relations import pairs as pairs
    from drlim.relations import sequence_graph as sequence_graph
    from drlim.relations import shift as shift
    from drlim.relations import shifts as shifts
    from drlim.relations import with_copies as with_copies
    from drlim.springs import Springs as Springs
    from drlim.springs import make_springs as make_springs
    from drlim.training import DivergenceError as DivergenceError

__version__ = "0.1.0.dev0"

_MODULES = ("datasets", "encoders", "forces", "metrics", "plotting", "springs")
_HOME = {
    "DivergenceError": "training",
    "DrLIM": "estimator",
    "ModelFileError": "persistence",
    "NeighborhoodGraph": "graph",
    "Springs": "springs",
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
    "with_copies": "relations",
}

__all__ = [  # noqa: RUF022 - classes, functions, modules
    "DrLIM",
    "NeighborhoodGraph",
    "Springs",
    "DivergenceError",
    "ModelFileError",
    "grid_graph",
    "knn_graph",
    "label_graph",
    "load",
    "make_encoder",
    "make_springs",
    "neighbors_graph",
    "orbit_graph",
    "orbits",
    "pairs",
    "radius_graph",
    "save",
    "sequence_graph",
    "shift",
    "shifts",
    "with_copies",
    "datasets",
    "encoders",
    "forces",
    "metrics",
    "plotting",
    "springs",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"drlim.{name}")
    if name in _HOME:
        return getattr(import_module(f"drlim.{_HOME[name]}"), name)
    raise AttributeError(f"module 'drlim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
