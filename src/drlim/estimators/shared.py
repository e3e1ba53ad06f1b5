"""What both estimators share: hints, what is read from a map, how new samples are, and scikit-learn's tags."""

from __future__ import annotations

from sklearn.utils import Tags

from drlim.estimators.hints import HintingMixin
from drlim.estimators.novelty import NoveltyMixin
from drlim.estimators.reading import ReadingMixin
from drlim.estimators.showing import ShowingMixin

__all__ = ["SharedMixin"]


class SharedMixin(HintingMixin, ReadingMixin, NoveltyMixin, ShowingMixin):
    """`kneighbors`, `decode`, `novelty`, hints for misspelt parameters, what a notebook shows, and tags."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedding_")

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()  # type: ignore[misc]  # of scikit-learn's classes, which come after
        tags.input_tags.three_d_array = tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
