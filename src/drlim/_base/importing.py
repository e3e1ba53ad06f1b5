"""Imports that leave Python's generator of random numbers as it was.

rich, which scikit-learn imports, draws from the generator when it is first imported. The first call of a function that
imports it would therefore change the random numbers of a program that has seeded them.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["undisturbed"]


_DRAWS = "rich.style"
"""The module that draws from the generator as it is imported. Once it is there, nothing has to be restored."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Restore the state of Python's generator after a block that imports modules.

    Examples
    --------
    >>> before = random.getstate()
    >>> with undisturbed():
    ...     import sklearn.metrics
    >>> random.getstate() == before
    True
    """
    if _DRAWS in sys.modules:
        yield
        return
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)
