"""Types of the public names; `__init__.py` imports them when first used."""

from drlim import callbacks as callbacks
from drlim import datasets as datasets
from drlim import encoders as encoders
from drlim import forces as forces
from drlim import metrics as metrics
from drlim import plotting as plotting
from drlim import relations as relations
from drlim import runtime as runtime
from drlim import spaces as spaces
from drlim import springs as springs
from drlim import training as training
from drlim import transforms as transforms
from drlim._base import show_versions as show_versions
from drlim.deploy import export as export
from drlim.encoders import embed as embed
from drlim.encoders import make_encoder as make_encoder
from drlim.estimators import DrLIM as DrLIM
from drlim.estimators import NeighborMap as NeighborMap
from drlim.explorer import explore as explore
from drlim.graph import NeighborhoodGraph as NeighborhoodGraph
from drlim.metrics import certificate as certificate
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
from drlim.relations import target_graph as target_graph
from drlim.relations import with_copies as with_copies
from drlim.springs import Springs as Springs
from drlim.springs import make_springs as make_springs
from drlim.tables import Table as Table
from drlim.training import DivergenceError as DivergenceError
from drlim.training import Settings as Settings
from drlim.training import train as train

__version__: str

__all__ = [  # noqa: RUF022 - classes, functions, modules
    "DrLIM",
    "NeighborMap",
    "NeighborhoodGraph",
    "Settings",
    "Springs",
    "Table",
    "DivergenceError",
    "ModelFileError",
    "certificate",
    "embed",
    "explore",
    "export",
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
    "show_versions",
    "target_graph",
    "train",
    "with_copies",
    "callbacks",
    "datasets",
    "encoders",
    "forces",
    "metrics",
    "plotting",
    "relations",
    "runtime",
    "spaces",
    "springs",
    "training",
    "transforms",
]
