"""Pictures of a map, of the springs, of a run and of a judgement: each function returns matplotlib axes.

matplotlib is imported inside the functions: it is optional (``pip install "drlim[viz]"``) and slow to load. Without
``ax`` a function makes a figure of its own, outside pyplot, so no list of open figures grows; save it with
``ax.figure.savefig("map.png", dpi=150)``. On axes of your own, give their figure ``layout="constrained"``, which
leaves room for a key beside them.
"""

from __future__ import annotations

from drlim.plotting.figures import save_figure
from drlim.plotting.judgement import plot_invariance, plot_tension
from drlim.plotting.maps import plot_density, plot_embedding, plot_views
from drlim.plotting.sheets import plot_images, plot_weights
from drlim.plotting.springs import plot_history, plot_relaxation, plot_springs
from drlim.plotting.thumbnails import plot_thumbnails

__all__ = [
    "plot_density",
    "plot_embedding",
    "plot_history",
    "plot_images",
    "plot_invariance",
    "plot_relaxation",
    "plot_springs",
    "plot_tension",
    "plot_thumbnails",
    "plot_views",
    "plot_weights",
    "save_figure",
]
