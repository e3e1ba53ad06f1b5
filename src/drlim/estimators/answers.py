"""Answers to requests that other estimators serve: weights of samples, and a way back from the map."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["answering"]

_Class = TypeVar("_Class", bound=type)
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_TRAINING = ("fit", "partial_fit", "fit_transform", "score")
"""Methods that take ``sample_weight`` in other estimators."""


def answering(kind: _Class) -> _Class:
    """Let an estimator answer ``sample_weight`` and ``inverse_transform`` with a sentence each.

    The signatures of its methods stay as they are, so that scikit-learn does not take it for one with weights, and
    ``hasattr(estimator, "inverse_transform")`` is False.

    Parameters
    ----------
    kind : type
        The class, which is changed.

    Examples
    --------
    >>> @answering
    ... class Estimator:
    ...     def fit(self, X):
    ...         return self
    >>> Estimator().fit([], sample_weight=[])
    Traceback (most recent call last):
        ...
    TypeError: Estimator.fit takes no 'sample_weight': pairs of samples have weights, samples have none. Give
    graph=NeighborhoodGraph.from_pairs(n_samples, pairs, weights=weights).
    """
    for name in _TRAINING:
        if name in kind.__dict__:
            setattr(kind, name, _without_weights(kind.__dict__[name], f"{kind.__name__}.{name}"))
    setattr(kind, "inverse_transform", property(_no_way_back))  # noqa: B010 - mypy knows no such attribute
    return kind


def _without_weights(method: Callable[_Arguments, _Result], called: str) -> Callable[_Arguments, _Result]:
    @functools.wraps(method)
    def answered(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        if "sample_weight" in kwargs:
            raise TypeError(
                f"{called} takes no 'sample_weight': pairs of samples have weights, samples have none. Give "
                "graph=NeighborhoodGraph.from_pairs(n_samples, pairs, weights=weights)."
            )
        return method(*args, **kwargs)

    return answered


def _no_way_back(estimator: object) -> None:
    """Not available: many samples may lie at one place of a map, and none at most places."""
    raise AttributeError(
        f"{type(estimator).__name__} has no inverse_transform: many samples may lie at one place of a map, and none at "
        "most places. Training samples near a place are found by "
        "sklearn.neighbors.NearestNeighbors().fit(model.embedding_).kneighbors(places)."
    )
