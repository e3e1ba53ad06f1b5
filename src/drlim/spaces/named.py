"""Spaces by name."""

from __future__ import annotations

from drlim._base.checks import InvalidParameterError, check_parameters, integer_in, real_in
from drlim.spaces.space import Factor, Space

__all__ = ["NAMES", "Circle", "Cylinder", "Euclidean", "Line", "Sphere", "Torus", "space_of"]


def Line(n_dimensions: int = 1) -> Space:  # noqa: N802 - the name of a space
    """Return a line, a plane or a flat space.

    Parameters
    ----------
    n_dimensions : int, default=1
        In [1, inf).

    Examples
    --------
    >>> from drlim import spaces
    >>> spaces.Line(2).n_components
    2
    """
    check_parameters({"n_dimensions": n_dimensions}, {"n_dimensions": [integer_in(1)]}, "Line")
    return Space((Factor("line", int(n_dimensions)),))


Euclidean = Line


def Circle(radius: float | str = "auto") -> Space:  # noqa: N802
    """Return a circle.

    Parameters
    ----------
    radius : float or "auto", default="auto"
        In the unit of the map, in which the margin is given, too. "auto" is learned: as large as the springs want.

    Raises
    ------
    ValueError, TypeError
        When the radius is neither.

    Examples
    --------
    >>> Circle(radius=0.5) * Line(1) == Cylinder(radius=0.5)
    True
    """
    return Space((Factor("circle", radius=_radius(radius, "Circle")),))


def Sphere(radius: float | str = "auto") -> Space:  # noqa: N802
    """Return a sphere in three dimensions, of two; ``radius`` as of `Circle`.

    Examples
    --------
    >>> from drlim import spaces
    >>> spaces.Sphere(1.0).n_ambient
    3
    """
    return Space((Factor("sphere", radius=_radius(radius, "Sphere")),))


def Cylinder(radius: float | str = "auto") -> Space:  # noqa: N802
    """Return a circle times a line; ``radius`` as of `Circle`.

    Examples
    --------
    >>> from drlim import spaces
    >>> spaces.Cylinder(1.0) == spaces.Circle(1.0) * spaces.Line()
    True
    """
    return Circle(radius) * Line()


def Torus(radius: float | str = "auto", other: float | str | None = None) -> Space:  # noqa: N802
    """Return a circle times a circle, which is flat: all of its points are alike.

    Parameters
    ----------
    radius : float or "auto", default="auto"
    other : float or "auto", default=None
        The radius of the second circle; None takes that of the first, and "auto" learns each.

    Examples
    --------
    >>> from drlim import spaces
    >>> spaces.Torus(1.0, 2.0) == spaces.Circle(1.0) * spaces.Circle(2.0)
    True
    """
    return Circle(radius) * Circle(radius if other is None else other)


NAMES = {"circle": Circle, "sphere": Sphere, "torus": Torus, "cylinder": Cylinder}
"""Curved spaces by name, of learned radii; "euclidean" is the space of as many dimensions as are asked for."""


def space_of(wanted: str | Space, n_components: int) -> Space:
    """Return the space that a parameter asks for, or refuse a number of dimensions that contradicts it.

    Parameters
    ----------
    wanted : str or Space
        Checked.
    n_components : int
        2, which is the default of an estimator, or the number of dimensions of the space.

    Examples
    --------
    >>> space_of("circle", 2), space_of("euclidean", 3)
    (Circle(radius='auto'), Line(3))
    """
    if wanted == "euclidean":
        return Line(n_components)
    space = NAMES[wanted]() if isinstance(wanted, str) else wanted
    if n_components not in (2, space.n_components):
        raise InvalidParameterError(
            f"The 'n_components' parameter must be that of the space, {space.n_components} of {space}, or be left "
            f"out. Got {n_components}."
        )
    return space


def _radius(radius: object, owner: str) -> float | None:
    if isinstance(radius, str) and radius == "auto":
        return None
    if isinstance(radius, str):
        raise InvalidParameterError(f"The 'radius' parameter of {owner} must be a number or 'auto'. Got {radius!r}.")
    check_parameters({"radius": radius}, {"radius": [real_in(0.0)]}, owner)
    return float(radius)  # type: ignore[arg-type]  # a number
