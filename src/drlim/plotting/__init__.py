"""Pictures of maps, of springs, of training and of reports: each function returns matplotlib axes.

matplotlib is imported inside the functions, because it is optional (``pip install "drlim[viz]"``) and slow to load.
Without ``ax`` a function makes a new figure. pyplot does not store it, so no figure has to be closed; save it with
``ax.figure.savefig("map.png", dpi=150)``. If you give your own axes, make their figure with ``layout="constrained"``,
which leaves room for a key beside them.
"""

from __future__ import annotations

from drlim.plotting.figures import save_figure
from drlim.plotting.judgement import plot_invariance, plot_tension
from drlim.plotting.maps import plot_density, plot_embedding, plot_views
from drlim.plotting.on_spaces import plot_on_space
from drlim.plotting.sensitivity import plot_sensitivity
from drlim.plotting.sheets import plot_images, plot_weights
from drlim.plotting.springs import plot_history, plot_relaxation, plot_springs
from drlim.plotting.thumbnails import plot_thumbnails

__all__ = [
    "plot_density",
    "plot_embedding",
    "plot_history",
    "plot_images",
    "plot_invariance",
    "plot_on_space",
    "plot_relaxation",
    "plot_sensitivity",
    "plot_springs",
    "plot_tension",
    "plot_thumbnails",
    "plot_views",
    "plot_weights",
    "save_figure",
]
