"""Random changes of images that a map is to ignore: shift, rotate, flip, color, brightness.

Each is a function of a batch of images and a generator, as the parameter ``orbit`` of `DrLIM` and `NeighborMap` takes
it. `ignoring` makes one of several, from text such as ``"shift=2,rotate=15,flip"``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import InvalidParameterError, check_parameters, integer_in, real_in, short_repr
from drlim._base.image_changes import CHANGES, drawn
from drlim._base.messages import did_you_mean

__all__ = ["Change", "brightness", "color", "combined", "flip", "ignoring", "rotate", "shift"]

_DEFAULTS = {"shift": 2.0, "rotate": 15.0, "color": 0.2, "brightness": 0.2}
"""Strengths in a text that names a change and no strength."""


@dataclass(frozen=True)
class _Fixed:
    """A change of one strength, without chance."""

    name: str
    strength: float

    def __call__(self, images: Array) -> Array:
        frames = _checked_frames(images, self.name, self.strength)
        return CHANGES[self.name](frames, np.full((len(frames), 3), self.strength))


@dataclass(frozen=True)
class Change:
    """A random change of images.

    Attributes
    ----------
    name : str
        What changes; "shift", or several joined by commas.
    strength : float
        How much at most, in the unit of the change; 0 for several changes.
    parts : tuple of Change
        The changes that follow one another; () for a single one.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import transforms
    >>> change = transforms.shift(1)
    >>> image = np.array([[[0, 1, 2], [3, 4, 5], [6, 7, 8]]])
    >>> change(image, np.random.default_rng(2)).tolist()
    [[[1, 2, 2], [1, 2, 2], [4, 5, 5]]]
    """

    name: str
    strength: float = 0.0
    parts: tuple[Change, ...] = ()

    def __call__(self, images: ArrayLike, generator: np.random.Generator) -> Array:
        """Change each image at random.

        Parameters
        ----------
        images : array-like, shape (n, height, width) or (n, n_channels, height, width)
            Images, channels first.
        generator : numpy.random.Generator
            What the changes are drawn from.

        Returns
        -------
        ndarray
            Of the same shape; of float64 or the float dtype of the images where values are computed.

        Raises
        ------
        ValueError
            When the samples are no images of such a shape, or so small that nothing of them would stay in the frame.
        """
        frames = _checked_frames(images, self.name, self.strength)
        if self.parts:
            for part in self.parts:
                frames = part(frames, generator)
            return frames
        return CHANGES[self.name](frames, drawn(self.name, frames, self.strength, generator))

    @property
    def text(self) -> str:
        """The text that `ignoring` reads as this change."""
        if self.parts:
            return ",".join(part.text for part in self.parts)
        return self.name if self.name == "flip" else f"{self.name}={self.strength:g}"

    def extremes(self) -> dict[str, Callable[[Array], Array]]:
        """Return changes of full strength without chance, by name, to judge a map by.

        Returns
        -------
        dict of str to callable
            As `drlim.orbits` takes them.

        Examples
        --------
        >>> from drlim import transforms
        >>> list(transforms.ignoring("shift=2,flip").extremes())
        ['shift -2', 'shift +2', 'flip']
        """
        if self.parts:
            return {name: change for part in self.parts for name, change in part.extremes().items()}
        if self.name == "flip":
            return {"flip": _Fixed(self.name, 1.0)}
        signs = {"-": -1.0, "+": 1.0}
        return {
            f"{self.name} {sign}{self.strength:g}": _Fixed(self.name, factor * self.strength)
            for sign, factor in signs.items()
        }


def _checked_frames(images: ArrayLike, name: str, strength: float) -> Array:
    """Return images as an array, or refuse samples that are none and a shift that is as wide as they are."""
    frames = np.asarray(images)
    if frames.ndim not in (3, 4):
        raise ValueError(
            f"Expected images to {name}, (n, height, width) or (n, n_channels, height, width). Got samples of "
            f"shape {frames.shape[1:]}: reshape them, or state by a function of your own what does not matter."
        )
    height, width = frames.shape[-2:]
    if name == "shift" and abs(strength) >= min(height, width):
        raise ValueError(
            f"Expected a shift by fewer pixels than a side of the images. Got shift={abs(strength):g} and images of "
            f"{height} x {width}: give at most {min(height, width) - 1}."
        )
    return frames


def shift(pixels: int) -> Change:
    """Shift images by up to some whole pixels along both sides.

    Parameters
    ----------
    pixels : int
        Largest shift, in [1, inf). Pixels that become free get the value of the nearest pixel of the edge.

    Returns
    -------
    Change

    Examples
    --------
    >>> from drlim import transforms
    >>> transforms.shift(2)
    Change(name='shift', strength=2.0, parts=())
    """
    check_parameters({"pixels": pixels}, {"pixels": [integer_in(1)]}, "shift")
    return Change("shift", float(pixels))


def rotate(degrees: float) -> Change:
    """Rotate images about their middle.

    Parameters
    ----------
    degrees : float
        Largest angle to either side, in (0, 180]. Values between pixels are interpolated linearly, and those outside
        are of the nearest pixel of the edge.

    Returns
    -------
    Change

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import transforms
    >>> stripe = np.eye(3)[None]
    >>> transforms.rotate(90).extremes()["rotate +90"](stripe).round(6).tolist()
    [[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]
    """
    check_parameters({"degrees": degrees}, {"degrees": [real_in(0, 180, closed="right")]}, "rotate")
    return Change("rotate", float(degrees))


def flip() -> Change:
    """Mirror half of the images, left to right.

    Returns
    -------
    Change

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import transforms
    >>> transforms.flip()(np.array([[[1, 2]], [[1, 2]]]), np.random.default_rng(0)).tolist()
    [[[2, 1]], [[1, 2]]]
    """
    return Change("flip", 1.0)


def color(strength: float = _DEFAULTS["color"]) -> Change:
    """Multiply each channel of an image by a factor of its own.

    Parameters
    ----------
    strength : float, default=0.2
        Largest difference of a factor from 1, in (0, 1). Grey images have one channel, and so change in brightness.

    Returns
    -------
    Change

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import transforms
    >>> changed = transforms.color(0.2)(np.ones((1, 3, 1, 1)), np.random.default_rng(0))
    >>> changed.ravel().round(2).tolist()
    [1.05, 0.91, 0.82]
    """
    check_parameters({"strength": strength}, {"strength": [real_in(0, 1)]}, "color")
    return Change("color", float(strength))


def brightness(strength: float = _DEFAULTS["brightness"]) -> Change:
    """Multiply each image by a factor.

    Parameters
    ----------
    strength : float, default=0.2
        Largest difference of the factor from 1, in (0, 1).

    Returns
    -------
    Change

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import transforms
    >>> transforms.brightness(0.5).extremes()["brightness -0.5"](np.full((1, 1, 2), 4)).tolist()
    [[[2.0, 2.0]]]
    """
    check_parameters({"strength": strength}, {"strength": [real_in(0, 1)]}, "brightness")
    return Change("brightness", float(strength))


def combined(changes: Iterable[Change]) -> Change:
    """Join changes that follow one another.

    Parameters
    ----------
    changes : iterable of Change
        At least one.

    Returns
    -------
    Change

    Raises
    ------
    ValueError, TypeError
        When there is none, or something else among them.

    Examples
    --------
    >>> from drlim import transforms
    >>> transforms.combined([transforms.shift(2), transforms.flip()]).name
    'shift, flip'
    """
    parts = tuple(changes)
    if not parts:
        raise ValueError("Expected 'changes' to hold at least one change. Got none.")
    for part in parts:
        if not isinstance(part, Change):
            raise TypeError(f"Expected 'changes' to hold changes, such as shift(2). Got {short_repr(part)}.")
    return parts[0] if len(parts) == 1 else Change(", ".join(part.name for part in parts), parts=parts)


def ignoring(text: str) -> Change:
    """Read from text which changes a map is to ignore.

    Parameters
    ----------
    text : str
        Names of changes, separated by commas, each with a strength or without: ``shift`` (pixels; 2), ``rotate``
        (degrees; 15), ``flip``, ``color`` (0.2) and ``brightness`` (0.2).

    Returns
    -------
    Change
        What ``orbit`` of `DrLIM` and `NeighborMap` takes.

    Raises
    ------
    ValueError
        When a name is unknown or repeated, or a strength is no number or out of range.

    Examples
    --------
    >>> from drlim import transforms
    >>> transforms.ignoring("shift=3, flip").parts
    (Change(name='shift', strength=3.0, parts=()), Change(name='flip', strength=1.0, parts=()))
    >>> transforms.ignoring("rotat=15")
    Traceback (most recent call last):
        ...
    drlim._base.checks.InvalidParameterError: No such change of images: rotat. Did you mean 'rotate'?
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    names = [word.partition("=")[0].strip() for word in words]
    for name in names:
        if names.count(name) > 1:
            raise InvalidParameterError(f"Expected each change once. Got {name!r} twice in {short_repr(text)}.")
    return combined(_named_change(name, word) for name, word in zip(names, words, strict=True))


def _named_change(name: str, word: str) -> Change:
    if name not in CHANGES:
        hint = did_you_mean(name, CHANGES, f"Choose from {', '.join(CHANGES)}.")
        raise InvalidParameterError(f"No such change of images: {name[:40]}. {hint}")
    _, equals, strength = word.partition("=")
    if name == "flip":
        if equals:
            raise InvalidParameterError(f"'flip' has no strength. Got {short_repr(word)}.")
        return flip()
    try:
        number = float(strength) if equals else _DEFAULTS[name]
    except ValueError:
        raise InvalidParameterError(
            f"Expected a number after '{name}=', such as {name}={_DEFAULTS[name]:g}. Got {short_repr(word)}."
        ) from None
    if name == "shift":
        return shift(int(number) if number.is_integer() else number)  # type: ignore[arg-type]  # refused
    if name == "rotate":
        return rotate(number)
    return color(number) if name == "color" else brightness(number)
