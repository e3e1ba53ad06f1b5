"""What both estimators share: hints for misspelt parameters, what is read from a map, and how new samples are."""

from __future__ import annotations

from drlim.estimators.hints import HintingMixin
from drlim.estimators.novelty import NoveltyMixin
from drlim.estimators.reading import ReadingMixin

__all__ = ["SharedMixin"]


class SharedMixin(HintingMixin, ReadingMixin, NoveltyMixin):
    """`kneighbors`, `decode`, `novelty`, and hints for misspelt parameters."""
