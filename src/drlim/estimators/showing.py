"""A fitted estimator in a notebook: scikit-learn's diagram, and the map below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drlim._base.arrays import Array

__all__ = ["ShowingMixin"]

_MOST_SAMPLES = 5000
"""Maximum number of samples of a map that is shown unasked: half a megabyte in the notebook's file."""

_MOST_DIMENSIONS = 3


class ShowingMixin:
    """What a notebook shows of an estimator: as scikit-learn has it, with the map below once there is one.

    The map is that of `drlim.explore`, without the encoder. Larger maps, and those of more than 3 dimensions, are not
    shown, and nothing is where scikit-learn's ``display`` option is not "diagram".
    """

    embedding_: Array

    @property
    def _repr_html_(self) -> Callable[[], str]:
        """Return what makes the HTML: a property, since scikit-learn's has none where its option forbids it."""
        diagram: Callable[[], str] = super()._repr_html_  # type: ignore[misc]  # of scikit-learn's BaseEstimator
        return lambda: diagram() + self._map_as_html()

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        """Return what Jupyter asks for first."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # likewise
        if "text/html" in bundle:
            bundle["text/html"] += self._map_as_html()
        return bundle

    def _map_as_html(self) -> str:
        """Return the page in a frame, "" where there is no map to show."""
        found: Array | None = self.__dict__.get("embedding_")
        if found is None or len(found) > _MOST_SAMPLES or found.shape[1] > _MOST_DIMENSIONS:
            return ""
        import drlim  # by its public name: the page stands above the estimators, and is made when a notebook asks

        return str(drlim.explore(self, encoder=False)._repr_html_())
