"""`NeighborhoodGraph`: which samples are known to be similar, which dissimilar, and which pairs do not count.

Step 1 of the paper's algorithm (section 2.3) finds for every X_i the set S_i of samples similar to it and labels
all other pairs dissimilar. A graph holds that labelling without holding the pairs: the similar ones as lists of
neighbours, the dissimilar ones by default as "all the rest".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from drlim._base.checks import StrOptions, check_parameters, integer_in, real_in, refuse_masked, short_repr
from drlim.graph.checks import check_samples
from drlim.graph.convert import csr_edges, networkx_edges
from drlim.graph.describe import Description, described
from drlim.graph.file import Stated, read_graph_file, write_graph_file
from drlim.graph.pairset import PairSet, cut_all, pointwise

__all__ = ["NeighborhoodGraph", "PairSet"]

Index = NDArray[np.int64]
Weights = NDArray[np.float64]
Rest = Literal["dissimilar", "ignored"]

_RESTS = [StrOptions({"dissimilar", "ignored"})]
_STATEMENTS = ("stated_similar", "stated_dissimilar", "stated_ignored")
_STATES = ("similar", "dissimilar", "ignored")


@dataclass(frozen=True, eq=False)
class NeighborhoodGraph:
    """What is known of a set of samples: an immutable, symmetric graph without self-loops.

    A graph makes *statements*: pairs are stated similar, dissimilar, or ignored, the first two with a weight above
    0 (1 unless told otherwise); and it has a rule for the ``rest``, the pairs of which nothing is stated. From
    these follows the one *state* of every pair of distinct samples:

    1. stated ignored: *ignored*, there is no spring;
    2. stated similar and stated dissimilar: a contradiction, *ignored* and counted in ``n_contradictions``;
    3. stated similar: *similar* (the paper's Y = 0); stated dissimilar: *dissimilar* (Y = 1), with that weight;
    4. nothing stated: ``rest``, that is *dissimilar* with weight 1 (the paper's rule) or *ignored*. The rest is a
       default and no statement: it contradicts nothing.

    Graphs of the same samples combine, statement by statement:

    ============== ====================================================================================
    ``a | b``      what either says; of two weights the larger
    ``a & b``      what both say; of two weights the smaller
    ``a - b``      takes back from a what b says too: similar from similar, dissimilar from dissimilar
    ``~a``         similar and dissimilar exchanged, and no default: the rest is ignored
    ``a * 2.0``    weights of the similar and dissimilar statements multiplied
    ============== ====================================================================================

    The rest of ``a | b`` and ``a & b`` is dissimilar if that of either is; ``a - b`` keeps that of a. So
    ``(knn - ~labels) | labels`` reads "neighbours, but labels overrule them".

    Build one with `from_pairs`, `from_csr`, `from_networkx` or a builder such as `drlim.knn_graph`.

    Attributes
    ----------
    n_samples : int
    stated_similar, stated_dissimilar, stated_ignored : PairSet
        The statements; a pair may stand in several.
    rest : {"dissimilar", "ignored"}

    Examples
    --------
    Four samples; the first two are alike, and so are the last two:

    >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (3, 2)])
    >>> graph
    NeighborhoodGraph(n_samples=4, similar=2, dissimilar=4, ignored=0)
    >>> graph.neighbors(2)
    array([3])

    Somebody else says that 0 and 1 differ: a contradiction, until one of the two takes it back:

    >>> other = NeighborhoodGraph.from_pairs(4, [], dissimilar=[(0, 1)])
    >>> graph | other
    NeighborhoodGraph(n_samples=4, similar=1, dissimilar=4, ignored=1)
    >>> (graph - ~other) | other
    NeighborhoodGraph(n_samples=4, similar=1, dissimilar=5, ignored=0)
    """

    n_samples: int
    stated_similar: PairSet
    stated_dissimilar: PairSet
    stated_ignored: PairSet
    rest: Rest = "dissimilar"

    __array_ufunc__ = None
    """numpy's numbers leave ``number * graph`` to the graph."""

    __iter__ = None
    """A graph is no sequence of samples, though it has a length and can be cut by an index."""

    @classmethod
    def from_sets(
        cls,
        n_samples: int,
        similar: PairSet | None = None,
        dissimilar: PairSet | None = None,
        ignored: PairSet | None = None,
        *,
        rest: Rest = "dissimilar",
    ) -> NeighborhoodGraph:
        """Build from sets of stated pairs, None for none; what builders of implicit relations use.

        Parameters
        ----------
        n_samples : int
            Number of samples, in [1, inf).
        similar, dissimilar, ignored : PairSet, default=None
            Statements; they may contradict each other.
        rest : {"dissimilar", "ignored"}, default="dissimilar"
            State of the pairs of which nothing is stated.

        Raises
        ------
        ValueError, TypeError
            When a set is no `PairSet` or of another number of samples, or another parameter is out of range.
        """
        accepted = {"n_samples": [integer_in(1)], "rest": _RESTS}
        check_parameters({"n_samples": n_samples, "rest": rest}, accepted, "NeighborhoodGraph")
        n_samples = int(n_samples)
        sets = {"similar": similar, "dissimilar": dissimilar, "ignored": ignored}
        for name, pairs in sets.items():
            if pairs is not None and not isinstance(pairs, PairSet):
                raise TypeError(f"Expected '{name}' to be a PairSet. Got {short_repr(pairs)}.")
            if pairs is not None and pairs.n_samples != n_samples:
                raise ValueError(f"Expected '{name}' to be of {n_samples} samples. Got one of {pairs.n_samples}.")
        stated = [PairSet.empty(n_samples) if pairs is None else pairs for pairs in sets.values()]
        return cls(n_samples, stated[0], stated[1], stated[2], rest)

    @classmethod
    def from_pairs(
        cls,
        n_samples: int,
        similar: ArrayLike,
        *,
        dissimilar: ArrayLike | None = None,
        ignored: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        dissimilar_weights: ArrayLike | None = None,
    ) -> NeighborhoodGraph:
        """Build from index pairs.

        Parameters
        ----------
        n_samples : int
            Number of samples, in [1, inf).
        similar : array-like of int, shape (n_pairs, 2)
            Similar pairs, in any order and direction; repetitions count once, with the largest weight.
        dissimilar : array-like of int, shape (n_pairs, 2), default=None
            Dissimilar pairs. None, the paper's rule, makes all pairs dissimilar that are listed nowhere; when
            given, those are ignored.
        ignored : array-like of int, shape (n_pairs, 2), default=None
            Pairs without a spring.
        weights, dissimilar_weights : array-like of float, shape (n_pairs,), default=None
            Of the pairs in ``similar`` and in ``dissimilar``, in (0, 1e100]; None is 1 for all.

        Returns
        -------
        NeighborhoodGraph

        Raises
        ------
        ValueError, TypeError
            When an array is not of shape (n_pairs, 2), an index is not a whole number in [0, n_samples), a sample
            is paired with itself, a weight is out of range, or a pair is given in two states: one caller
            contradicting himself has made a slip.

        Examples
        --------
        >>> NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], weights=[1.0, 0.5]).similar.total_weight
        1.5
        """
        check_parameters({"n_samples": n_samples}, {"n_samples": [integer_in(1)]}, "NeighborhoodGraph")
        n_samples = int(n_samples)
        if dissimilar is None and dissimilar_weights is not None:
            raise ValueError("Expected 'dissimilar_weights' together with 'dissimilar', the pairs. Got them alone.")
        given = {
            "similar": (similar, weights),
            "dissimilar": (dissimilar, dissimilar_weights),
            "ignored": (ignored, None),
        }
        sets = {
            name: PairSet.from_pairs(n_samples, cast(ArrayLike, pairs), name, heavy)
            for name, (pairs, heavy) in given.items()
            if pairs is not None or name == "similar"
        }
        _check_disjoint(sets)
        return cls.from_sets(n_samples, **sets, rest="dissimilar" if dissimilar is None else "ignored")

    @classmethod
    def from_csr(cls, matrix: Any, *, weighted: bool = False) -> NeighborhoodGraph:
        """Build from a square sparse or dense matrix whose non-zero entries are similar pairs.

        The diagonal is dropped, and a pair counts if either of its two entries is non-zero. Entries that a COO matrix
        repeats are added up, in float64.

        Parameters
        ----------
        matrix : sparse matrix, sparse array or array-like, shape (n_samples, n_samples)
        weighted : bool, default=False
            Whether the entries are the weights of the pairs, the larger one of each pair's two. Otherwise all
            weights are 1.

        Raises
        ------
        ValueError
            When the matrix is not square, not numeric, or has a NaN, infinite or negative entry.

        Examples
        --------
        >>> NeighborhoodGraph.from_csr([[0, 1, 0], [0, 0, 0], [0, 0, 5]]).similar.pairs()
        array([[0, 1]])
        """
        check_parameters({"weighted": weighted}, {"weighted": ["boolean"]}, "NeighborhoodGraph.from_csr")
        return cls.from_pairs(**csr_edges(matrix, weighted))

    @classmethod
    def from_networkx(
        cls, graph: Any, nodelist: Sequence[Any] | None = None, weight: str | None = None
    ) -> NeighborhoodGraph:
        """Build from a networkx graph whose edges are similar pairs.

        Directions do not matter, self-loops are dropped, and parallel edges count once, with the largest weight.

        Parameters
        ----------
        graph : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
        nodelist : sequence of nodes, default=None
            The node of each sample, in order: those of the rows of your data. Edges to other nodes are left out. None
            takes ``list(graph.nodes)``, the order in which nodes were added.
        weight : str, default=None
            Name of the edges' attribute that holds their weight, in (0, 1e100]; an edge without it has weight 1. None
            makes all weights 1.

        Raises
        ------
        ValueError, TypeError
            When ``graph`` is no networkx graph or has no nodes, ``nodelist`` repeats a node or names one that is not
            there, or a weight is out of range.

        Examples
        --------
        >>> import networkx
        >>> path = networkx.path_graph(["a", "b", "c"])
        >>> NeighborhoodGraph.from_networkx(path, nodelist=["c", "a", "b"]).similar.pairs().tolist()
        [[0, 2], [1, 2]]
        """
        return cls.from_pairs(**networkx_edges(graph, nodelist, weight))

    def to_csr(self, *, weighted: bool = False) -> sparse.csr_array:
        """Return the similar pairs as a symmetric CSR array, shape (n_samples, n_samples).

        Parameters
        ----------
        weighted : bool, default=False
            Whether to give the weights, float64; otherwise entries are True.

        Raises
        ------
        ValueError
            When classes imply more than 10^9 pairs, which would be written out here.
        """
        listed = self.similar
        if listed.blocks is not None:
            listed = PairSet.from_pairs(self.n_samples, listed.pairs(), weights=listed.pair_weights())
        heavy = listed.corrections().all_weights()
        data = heavy.copy() if weighted else np.ones(len(heavy), dtype=bool)
        shape = (self.n_samples, self.n_samples)
        return sparse.csr_array((data, listed.indices.copy(), listed.indptr.copy()), shape=shape)

    def neighbors(self, sample: int) -> Index:
        """Return the samples similar to ``sample``: the paper's S_i, ascending."""
        check_parameters(
            {"sample": sample}, {"sample": [integer_in(0, self.n_samples - 1)]}, "NeighborhoodGraph.neighbors"
        )
        return self.similar.partners(int(sample))

    @cached_property
    def similar(self) -> PairSet:
        """The similar pairs: stated so, not stated dissimilar, not stated ignored."""
        if self.stated_dissimilar.is_empty and self.stated_ignored.is_empty:
            return self.stated_similar
        return pointwise(_is_similar, self.stated_similar, self.stated_dissimilar, self.stated_ignored)

    @cached_property
    def dissimilar(self) -> PairSet:
        """The dissimilar pairs; where ``rest`` is "dissimilar", blocks of weight 1 and a list of exceptions."""
        if self.rest == "ignored" and self.stated_similar.is_empty and self.stated_ignored.is_empty:
            return self.stated_dissimilar
        state = _is_dissimilar(1.0 if self.rest == "dissimilar" else 0.0)
        return pointwise(state, self.stated_similar, self.stated_dissimilar, self.stated_ignored)

    @cached_property
    def ignored(self) -> PairSet:
        """The pairs stated ignored and the contradictions, all of weight 1; without the rest."""
        of_weight_1 = self.stated_ignored.weights is None and self.stated_ignored.blocks is None
        if of_weight_1 and (self.stated_similar.is_empty or self.stated_dissimilar.is_empty):
            return self.stated_ignored
        return pointwise(_is_ignored, self.stated_similar, self.stated_dissimilar, self.stated_ignored)

    @property
    def n_similar(self) -> int:
        """Number of similar pairs."""
        return self.similar.n_pairs

    @property
    def n_dissimilar(self) -> int:
        """Number of dissimilar pairs, those not listed included."""
        return self.dissimilar.n_pairs

    @property
    def n_ignored(self) -> int:
        """Number of pairs without a spring, those not listed included."""
        return self.n_samples * (self.n_samples - 1) // 2 - self.n_similar - self.n_dissimilar

    @cached_property
    def n_contradictions(self) -> int:
        """Number of pairs stated similar and dissimilar, and not stated ignored."""
        if self.stated_similar.is_empty or self.stated_dissimilar.is_empty:
            return 0
        sets = (self.stated_similar, self.stated_dissimilar, self.stated_ignored)
        return pointwise(lambda s, d, g: (s > 0) & (d > 0) & (g == 0), *sets).n_pairs

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_samples, n_samples)``, so that scikit-learn takes a graph for something with a row for each sample."""
        return (self.n_samples, self.n_samples)

    def __len__(self) -> int:
        return self.n_samples

    def __getitem__(self, index: Any) -> NeighborhoodGraph:
        if isinstance(index, tuple):  # scikit-learn writes graph[index, ...]
            if len(index) != 2 or not isinstance(index[1], EllipsisType):
                raise TypeError(
                    f"Expected 'samples' to be a 1-D array of integer indices. Got {short_repr(index)}: whether a pair "
                    "is similar, and with which weight, says graph.similar.weight_of(i, j)."
                )
            index = index[0]
        if isinstance(index, slice):
            return self.subgraph(np.arange(self.n_samples)[index])
        refuse_masked(index, "index", "fill them in")
        try:
            chosen = np.asarray(index)
        except ValueError:  # rows of unequal length
            return self.subgraph(index)
        is_mask = chosen.dtype == bool and chosen.shape == (self.n_samples,)
        return self.subgraph(np.flatnonzero(chosen) if is_mask else index)

    def subgraph(self, samples: ArrayLike, position: Index | None = None) -> NeighborhoodGraph:
        """Return what is known of some of the samples, renumbered in the order given.

        Parameters
        ----------
        samples : array-like of int, shape (b,)
            Distinct indices in [0, n_samples).
        position : ndarray of int64, shape (n_samples,), default=None
            Scratch filled with -1, to be reused over many calls; see `PairSet.within`. ``samples`` is then trusted,
            and must be an ndarray of int64.

        Returns
        -------
        NeighborhoodGraph
            On b samples.

        Raises
        ------
        ValueError, TypeError
            When ``samples`` repeats an index or holds one that is not an integer in [0, n_samples).

        Examples
        --------
        >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (2, 3)])
        >>> graph.subgraph([3, 0, 2]).similar.pairs()
        array([[0, 2]])
        """
        if position is None:
            samples = check_samples(self.n_samples, samples)
            position = np.full(self.n_samples, -1, dtype=np.int64)
        # States follow from statements pair by pair, so they may be cut instead of being found anew.
        names = [*_STATEMENTS, *(name for name in _STATES if name in self.__dict__)]
        cut = cut_all([getattr(self, name) for name in names], cast(Index, samples), position)
        part = NeighborhoodGraph(len(cast(Index, samples)), cut[0], cut[1], cut[2], self.rest)
        part.__dict__.update(zip(names[3:], cut[3:], strict=True))
        return part

    def describe(self, X: ArrayLike | None = None, *, verbose: bool = True) -> Description:
        """Print and return the graph in a few numbers, with warnings of what will not train.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...), default=None
            The samples, to find identical ones that are declared dissimilar: no map can part them, and each such
            pair costs half the square of the margin for ever.
        verbose : bool, default=True
            Whether to print.

        Returns
        -------
        Description
            Its ``str`` is the table printed.

        Raises
        ------
        ValueError
            When ``X`` is not finite, or has another number of samples.

        Examples
        --------
        >>> summary = NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2)]).describe()
        samples                4
        similar pairs          2
        dissimilar pairs       4
        ignored pairs          0
        contradictions         0
        similar to one sample  0 to 2, median 1
        isolated samples       1
        components             2
        Warning: 1 of 4 samples are similar to no other: only pushes place them.
        >>> summary.components
        2
        """
        check_parameters({"verbose": verbose}, {"verbose": ["boolean"]}, "NeighborhoodGraph.describe")
        counts = {"n_ignored": self.n_ignored, "n_contradictions": self.n_contradictions}
        found = described(self.similar, self.dissimilar, **counts, X=X)
        if verbose:
            print(found)  # noqa: T201 - what one calls it for
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file: what is stated and the rest, in arrays and JSON under a checksum, no pickle.

        Parameters
        ----------
        path : str or path-like
            File to write, in a folder that exists. An old file is replaced whole, or left as it is.

        Raises
        ------
        OSError, ValueError
            When the path cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graph.save(Path(folder) / "graph.safetensors")
        ...     NeighborhoodGraph.load(Path(folder) / "graph.safetensors") == graph
        True
        """
        sets = {kind: getattr(self, name) for kind, name in zip(_STATES, _STATEMENTS, strict=True)}
        write_graph_file(path, self.n_samples, Stated(sets, self.rest))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> NeighborhoodGraph:
        """Read a graph from a file that `save` wrote. Nothing in a file is executed.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        ModelFileError
            A ``ValueError``: the file is damaged, cut short, of another kind or of a newer format.
        OSError
            When there is no such file, or the system does not let it be read.
        """
        n_samples, stated = read_graph_file(path)
        return cls.from_sets(n_samples, **stated.sets, rest=stated.rest)

    def with_rest(self, rest: Rest) -> NeighborhoodGraph:
        """Return the same statements with another rule for the rest.

        Parameters
        ----------
        rest : {"dissimilar", "ignored"}
            State of the pairs of which nothing is stated.
        """
        check_parameters({"rest": rest}, {"rest": _RESTS}, "NeighborhoodGraph.with_rest")
        return NeighborhoodGraph(self.n_samples, self.stated_similar, self.stated_dissimilar, self.stated_ignored, rest)

    def ignore(self, pairs: ArrayLike) -> NeighborhoodGraph:
        """Return the same graph with some more pairs ignored, whatever else is stated of them.

        Parameters
        ----------
        pairs : array-like of int, shape (n_pairs, 2)

        Examples
        --------
        >>> NeighborhoodGraph.from_pairs(3, [(0, 1)]).ignore([(0, 1), (2, 1)])
        NeighborhoodGraph(n_samples=3, similar=0, dissimilar=1, ignored=2)
        """
        stated = self.stated_ignored | PairSet.from_pairs(self.n_samples, pairs, "pairs")
        return NeighborhoodGraph(self.n_samples, self.stated_similar, self.stated_dissimilar, stated, self.rest)

    def __or__(self, other: NeighborhoodGraph) -> NeighborhoodGraph:
        return _combined(self, other, PairSet.__or__, self._joint_rest(other))

    def __and__(self, other: NeighborhoodGraph) -> NeighborhoodGraph:
        return _combined(self, other, PairSet.__and__, self._joint_rest(other))

    def __sub__(self, other: NeighborhoodGraph) -> NeighborhoodGraph:
        return _combined(self, other, PairSet.__sub__, self.rest)

    def __invert__(self) -> NeighborhoodGraph:
        return NeighborhoodGraph(
            self.n_samples, self.stated_dissimilar, self.stated_similar, self.stated_ignored, "ignored"
        )

    def __mul__(self, weight: float) -> NeighborhoodGraph:
        check_parameters({"weight": weight}, {"weight": [real_in(0.0, float("inf"))]}, "NeighborhoodGraph.__mul__")
        factor = float(weight)
        similar, dissimilar = self.stated_similar * factor, self.stated_dissimilar * factor
        return NeighborhoodGraph(self.n_samples, similar, dissimilar, self.stated_ignored, self.rest)

    __rmul__ = __mul__

    def _joint_rest(self, other: object) -> Rest:
        return "dissimilar" if "dissimilar" in (self.rest, getattr(other, "rest", None)) else "ignored"

    def __eq__(self, other: object) -> bool:
        if sparse.issparse(other):
            return False  # whose own comparison would raise an error
        if not isinstance(other, NeighborhoodGraph):
            return NotImplemented
        return (
            self.n_samples == other.n_samples
            and self.rest == other.rest
            and all(getattr(self, name).same_pairs(getattr(other, name)) for name in _STATEMENTS)
        )

    def __hash__(self) -> int:
        degrees = (getattr(self, name).degrees.tobytes() for name in _STATEMENTS)  # the same however pairs are stored
        return hash((self.n_samples, self.rest, *degrees))

    def __repr__(self) -> str:
        return (
            f"NeighborhoodGraph(n_samples={self.n_samples}, similar={self.n_similar}, "
            f"dissimilar={self.n_dissimilar}, ignored={self.n_ignored})"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what follows from the statements."""
        return {name: getattr(self, name) for name in ("n_samples", *_STATEMENTS, "rest")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore from pickle, or copy deeply."""
        self.__dict__.update(state)


def _combined(
    mine: NeighborhoodGraph, theirs: object, operation: Callable[[PairSet, PairSet], PairSet], rest: Rest
) -> NeighborhoodGraph:
    """Combine the statements of two graphs, kind by kind."""
    if not isinstance(theirs, NeighborhoodGraph):
        return cast(NeighborhoodGraph, NotImplemented)
    if mine.n_samples != theirs.n_samples:
        raise ValueError(
            f"Expected graphs of the same samples. Got one of {mine.n_samples} and one of {theirs.n_samples}."
        )
    sets = [operation(getattr(mine, name), getattr(theirs, name)) for name in _STATEMENTS]
    return NeighborhoodGraph(mine.n_samples, sets[0], sets[1], sets[2], rest)


def _is_similar(similar: Weights, dissimilar: Weights, ignored: Weights) -> Weights:
    return np.where((dissimilar == 0) & (ignored == 0), similar, 0.0)


def _is_dissimilar(rest: float) -> Callable[[Weights, Weights, Weights], Weights]:
    def weigh(similar: Weights, dissimilar: Weights, ignored: Weights) -> Weights:
        stated = np.where(dissimilar > 0, dissimilar, rest)
        return np.where((similar == 0) & (ignored == 0), stated, 0.0)

    return weigh


def _is_ignored(similar: Weights, dissimilar: Weights, ignored: Weights) -> NDArray[np.bool_]:
    return (ignored > 0) | ((similar > 0) & (dissimilar > 0))


def _check_disjoint(sets: dict[str, PairSet]) -> None:
    """Refuse a pair that is given in two states."""
    names = list(sets)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            both = sets[first] & sets[second]
            if both.n_pairs:
                pair = both.pairs()[0].tolist()
                count = "1 pair is" if both.n_pairs == 1 else f"{both.n_pairs} pairs are"
                raise ValueError(f"{count} both '{first}' and '{second}', first {pair}: give each pair one state.")
