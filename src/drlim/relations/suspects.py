"""Labels that probably mean something else than classes: signs, marks of pairs, and quantities in whole numbers."""

from __future__ import annotations

from numbers import Real

from drlim._base.arrays import Array
from drlim._base.notices import warn_user
from drlim.relations.missing import is_missing

__all__ = ["refuse_pairs", "warn_of_labels"]

_FEWEST_CLASSES = 20
"""Number of classes from which whole numbers may be a quantity."""

_SMALLEST_CLASS = 5
"""Mean number of samples of a class below which whole numbers are taken for a quantity. A continuous target has about
one sample a value. Names of persons or products in data sets of images have 5 and more each."""


def warn_of_labels(labels: Array) -> None:
    """Warn of labels of which -1 is probably a class, and of whole numbers that are probably a quantity.

    There is a warning where -1, which means unknown, stands beside one class only; and where whole numbers have 20
    distinct values or more and fewer than 5 samples a value on average.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Not continuous.
    """
    given = [label for label in labels.tolist() if not is_missing(label)]
    known = [label for label in given if label != -1]
    classes = set(known)
    if len(classes) == 1 and len(known) < len(given):
        (only,) = classes
        warn_user(
            f"'y' has one class, {only!r:.40}, beside -1, which means unknown: no two samples are declared dissimilar "
            "by it. If -1 is a class, give it another name, for example numpy.where(y == -1, 0, y); if the samples are "
            "unlabelled, give None or NaN in place of -1."
        )
    are_few = len(known) < _SMALLEST_CLASS * len(classes)
    if len(classes) >= _FEWEST_CLASSES and are_few and all(map(_is_number, known)):
        warn_user(
            f"'y' has {len(classes)} distinct whole numbers among {len(known)} samples, as a quantity has, and each is "
            "taken for a class. For a quantity, state which values are alike: pairs=drlim.target_graph(y, "
            "n_neighbors=...). For names of classes, give text, y.astype(str)."
        )


def _is_number(label: object) -> bool:
    return isinstance(label, Real) and not isinstance(label, bool)


def refuse_pairs(labels: Array, shape: tuple[int, ...]) -> None:
    """Refuse samples and labels that look like pairs of samples and their marks, by a question.

    Parameters
    ----------
    labels : ndarray, shape (m,)
    shape : tuple of int
        Shape of the samples. Pairs are of shape (m, 2, d), marked 1 and -1, or two arrays of m samples, (2, m, d).
    """
    if len(shape) != 3:
        return
    are_marks = shape[1] == 2 and set(labels.tolist()) == {-1, 1}
    if are_marks or (shape[0] == 2 and shape[1] == len(labels) > 2):
        raise ValueError(
            f"Are these pairs of samples? 'X' has shape {shape} and 'y' {len(labels)} marks, but samples are rows, and "
            "-1 in 'y' means unknown. Give each sample as a row, and the pairs as numbers of rows: fit(samples, "
            "pairs={'similar': [(0, 1), ...], 'dissimilar': [(2, 3), ...]}). If they are images of two rows, name the "
            "classes otherwise."
        )
