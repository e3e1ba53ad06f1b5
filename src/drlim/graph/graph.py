"""`NeighborhoodGraph`: which samples are known to be similar, which dissimilar, and which pairs do not count.

Step 1 of the paper's algorithm (section 2.3) finds for every X_i the set S_i of samples similar to it and labels
all other pairs dissimilar. A graph stores that labelling without storing the pairs: the similar ones as lists of
neighbours, the dissimilar ones by default as "all the rest".

This file is over 350 lines because it is one public class: most lines are docstrings with examples, and most methods
call one function of another file of this folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.arrays import Index
from drlim._base.checks import StrOptions, check_parameters, integer_in, real_in
from drlim.graph.checks import check_index, check_samples
from drlim.graph.convert import csr_edges, networkx_edges, stated_pairs
from drlim.graph.describe import Description, as_html, described
from drlim.graph.file import read_graph_file, write_graph_file
from drlim.graph.pairset import PairSet, cut_all
from drlim.graph.statements import (
    KINDS,
    Rest,
    Stated,
    ThreeSets,
    check_sets,
    contradictions,
    dissimilar_pairs,
    ignored_pairs,
    similar_pairs,
)

__all__ = ["NeighborhoodGraph", "PairSet"]

_RESTS = [StrOptions(set(get_args(Rest)))]
_STATEMENTS = tuple(f"stated_{kind}" for kind in KINDS)


@dataclass(frozen=True, eq=False)
class NeighborhoodGraph:
    """What is known of the pairs of a set of samples: an immutable, symmetric graph without self-loops.

    A graph makes *statements*: a pair may be stated similar, dissimilar or ignored, the first two with a weight
    above 0 (1 by default). The ``rest`` is a rule for all pairs of which nothing is stated. Statements and rest
    determine the *state* of every pair of distinct samples, by the first of these lines that applies:

    1. stated ignored: the pair is *ignored*, it has no spring;
    2. stated similar and dissimilar: a contradiction; the pair is *ignored* and counted in ``n_contradictions``;
    3. stated similar: the pair is *similar* (the paper's Y = 0), with the stated weight;
    4. stated dissimilar: the pair is *dissimilar* (Y = 1), with the stated weight;
    5. nothing stated: the pair has the state ``rest``, *dissimilar* with weight 1 (the paper's rule) or *ignored*.
       The rest is a default and not a statement: it contradicts no statement.

    Operators combine graphs of the same samples, each kind of statement by itself:

    ============== =========================================================================================
    ``a | b``      statements of a or b; a pair stated in both has the larger weight
    ``a & b``      statements of both a and b, each with the smaller weight
    ``a - b``      statements of a that b does not make; for example similar in a, and not similar in b
    ``~a``         similar and dissimilar statements exchanged, ignored ones kept; the rest is ignored
    ``a * 2.0``    weights of the similar and dissimilar statements multiplied by 2
    ============== =========================================================================================

    The rest of ``a | b`` and of ``a & b`` is dissimilar if the rest of a or of b is; ``a - b`` and ``a * 2.0`` have
    the rest of a. For example, ``(knn - ~labels) | labels`` means "neighbours, except where labels contradict them".

    Build a graph with `from_pairs`, `from_csr`, `from_networkx` or a builder such as `drlim.knn_graph`.

    Attributes
    ----------
    n_samples : int
        Number of samples.
    stated_similar, stated_dissimilar, stated_ignored : PairSet
        The statements; a pair may be in several of the sets.
    rest : {"dissimilar", "ignored"}
        State of the pairs of which nothing is stated.

    Examples
    --------
    Four samples; the first two are alike, and so are the last two:

    >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (3, 2)])
    >>> graph
    NeighborhoodGraph(n_samples=4, similar=2, dissimilar=4, ignored=0)
    >>> graph.neighbors(2)
    array([3])

    Another graph states that 0 and 1 are dissimilar: the union has a contradiction, unless one statement is removed:

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
    """With None, numpy's numbers leave ``number * graph`` to `__rmul__`."""

    __iter__ = None
    """A graph has a length and takes an index, but it is not a sequence of samples."""

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
        """Build from sets of stated pairs.

        Parameters
        ----------
        n_samples : int
            Number of samples, in [1, inf).
        similar, dissimilar, ignored : PairSet, default=None
            Statements; None states nothing. They may contradict each other.
        rest : {"dissimilar", "ignored"}, default="dissimilar"
            State of the pairs of which nothing is stated.

        Raises
        ------
        ValueError, TypeError
            When a set is not a `PairSet` or has another number of samples, or another parameter is out of range.

        Examples
        --------
        >>> pairs = PairSet.from_pairs(3, [(0, 1)])
        >>> NeighborhoodGraph.from_sets(3, similar=pairs, rest="ignored")
        NeighborhoodGraph(n_samples=3, similar=1, dissimilar=0, ignored=2)
        """
        accepted = {"n_samples": [integer_in(1)], "rest": _RESTS}
        check_parameters({"n_samples": n_samples, "rest": rest}, accepted, "NeighborhoodGraph")
        given = dict(zip(KINDS, (similar, dissimilar, ignored), strict=True))
        return cls._from_stated(int(n_samples), Stated(check_sets(int(n_samples), given), rest))

    @classmethod
    def _from_stated(cls, n_samples: int, stated: Stated) -> NeighborhoodGraph:
        return cls(n_samples, *stated.three_sets(n_samples), stated.rest)

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
            Similar pairs, in any order and direction; a repeated pair counts once, with its largest weight.
        dissimilar : array-like of int, shape (n_pairs, 2), default=None
            Dissimilar pairs. With None, the paper's rule, all pairs that are not listed are dissimilar; otherwise
            pairs that are not listed are ignored.
        ignored : array-like of int, shape (n_pairs, 2), default=None
            Pairs without a spring.
        weights, dissimilar_weights : array-like of float, shape (n_pairs,), default=None
            Weights of the pairs in ``similar`` and in ``dissimilar``, in (0, 1e100]; None is 1 for all.

        Returns
        -------
        NeighborhoodGraph

        Raises
        ------
        ValueError, TypeError
            When an array is not of shape (n_pairs, 2), an index is not a whole number in [0, n_samples), a sample
            is paired with itself, a weight is out of range, or a pair is given in two states, which in one call is
            probably a mistake; graphs that contradict each other may be combined by operators.

        Examples
        --------
        >>> NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], weights=[1.0, 0.5]).similar.total_weight
        1.5
        """
        check_parameters({"n_samples": n_samples}, {"n_samples": [integer_in(1)]}, "NeighborhoodGraph")
        stated = stated_pairs(int(n_samples), similar, dissimilar, ignored, weights, dissimilar_weights)
        return cls._from_stated(int(n_samples), stated)

    @classmethod
    def from_csr(cls, matrix: object, *, weighted: bool = False) -> NeighborhoodGraph:
        """Build from a square sparse or dense matrix whose non-zero entries are similar pairs.

        The diagonal is dropped. A pair is similar if either of its two entries is non-zero. Entries that a COO matrix
        repeats are summed, in float64.

        Parameters
        ----------
        matrix : sparse matrix, sparse array or array-like, shape (n_samples, n_samples)
            Numbers of 0 or more.
        weighted : bool, default=False
            Whether a pair has the larger one of its two entries as its weight. Otherwise all weights are 1.

        Raises
        ------
        ValueError
            When the matrix is not square or not numeric, has a NaN, infinite or negative entry, or, if ``weighted``,
            an entry above 1e100.

        Examples
        --------
        >>> NeighborhoodGraph.from_csr([[0, 1, 0], [0, 0, 0], [0, 0, 5]]).similar.pairs()
        array([[0, 1]])
        """
        check_parameters({"weighted": weighted}, {"weighted": ["boolean"]}, "NeighborhoodGraph.from_csr")
        edges = csr_edges(matrix, weighted)
        return cls.from_pairs(edges.n_samples, edges.pairs, weights=edges.weights)

    @classmethod
    def from_networkx(
        cls, graph: object, nodelist: Sequence[Hashable] | None = None, weight: str | None = None
    ) -> NeighborhoodGraph:
        """Build from a networkx graph whose edges are similar pairs.

        Directions do not matter, self-loops are dropped, and parallel edges count once, with the largest weight.

        Parameters
        ----------
        graph : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
        nodelist : sequence of nodes, default=None
            The node of each sample, in the order of the rows of your data. Edges to other nodes are left out. None
            means ``list(graph.nodes)``, the order in which the nodes were added.
        weight : str, default=None
            Name of the edges' attribute that contains their weight, in (0, 1e100]; an edge without it has weight 1.
            With None, all weights are 1.

        Raises
        ------
        ValueError, TypeError
            When ``graph`` is not a networkx graph or has no nodes, ``nodelist`` repeats a node or names one that the
            graph does not have, or a weight is out of range.

        Examples
        --------
        >>> import networkx
        >>> path = networkx.path_graph(["a", "b", "c"])
        >>> NeighborhoodGraph.from_networkx(path, nodelist=["c", "a", "b"]).similar.pairs().tolist()
        [[0, 2], [1, 2]]
        """
        edges = networkx_edges(graph, nodelist, weight)
        return cls.from_pairs(edges.n_samples, edges.pairs, weights=edges.weights)

    def to_csr(self, *, weighted: bool = False) -> sparse.csr_array:
        """Return the similar pairs as a symmetric CSR array, shape (n_samples, n_samples).

        Parameters
        ----------
        weighted : bool, default=False
            Whether the entries are the weights, float64. Otherwise they are True.

        Raises
        ------
        ValueError
            When classes imply so many pairs that there are more than 10^9: each would be an entry.

        Examples
        --------
        >>> NeighborhoodGraph.from_pairs(2, [(0, 1)], weights=[3.0]).to_csr(weighted=True).toarray().tolist()
        [[0.0, 3.0], [3.0, 0.0]]
        """
        listed = self.similar
        if listed.blocks is not None:
            listed = PairSet.from_pairs(self.n_samples, listed.pairs(), weights=listed.pair_weights())
        all_weights = listed.corrections().all_weights()
        data = all_weights.copy() if weighted else np.ones(len(all_weights), dtype=bool)
        shape = (self.n_samples, self.n_samples)
        return sparse.csr_array((data, listed.indices.copy(), listed.indptr.copy()), shape=shape)

    def neighbors(self, sample: int) -> Index:
        """Return the samples similar to ``sample``: the paper's S_i.

        Parameters
        ----------
        sample : int
            Index in [0, n_samples).

        Returns
        -------
        ndarray of int64, shape (n_neighbors,)
            Ascending; read-only.

        Raises
        ------
        ValueError
            When ``sample`` is not an integer in [0, n_samples).
        """
        check_parameters(
            {"sample": sample}, {"sample": [integer_in(0, self.n_samples - 1)]}, "NeighborhoodGraph.neighbors"
        )
        return self.similar.partners(int(sample))

    @cached_property
    def similar(self) -> PairSet:
        """The similar pairs: stated similar, not stated dissimilar, not stated ignored."""
        return similar_pairs(*self._statements)

    @cached_property
    def dissimilar(self) -> PairSet:
        """The dissimilar pairs, those that are dissimilar by ``rest`` included; the latter are not listed."""
        return dissimilar_pairs(*self._statements, self.rest)

    @cached_property
    def ignored(self) -> PairSet:
        """The pairs stated ignored and the contradictions, all of weight 1; pairs ignored by ``rest`` are left out."""
        return ignored_pairs(*self._statements)

    @property
    def _statements(self) -> ThreeSets:
        return self.stated_similar, self.stated_dissimilar, self.stated_ignored

    @property
    def n_similar(self) -> int:
        """Number of similar pairs."""
        return self.similar.n_pairs

    @property
    def n_dissimilar(self) -> int:
        """Number of dissimilar pairs, those that are dissimilar by ``rest`` included."""
        return self.dissimilar.n_pairs

    @property
    def n_ignored(self) -> int:
        """Number of pairs without a spring, those that are ignored by ``rest`` included."""
        return self.n_samples * (self.n_samples - 1) // 2 - self.n_similar - self.n_dissimilar

    @cached_property
    def n_contradictions(self) -> int:
        """Number of pairs stated similar and dissimilar, and not stated ignored."""
        return contradictions(*self._statements).n_pairs

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_samples, n_samples)``: scikit-learn reads the number of samples from it."""
        return (self.n_samples, self.n_samples)

    def __len__(self) -> int:
        return self.n_samples

    def __getitem__(self, index: object) -> NeighborhoodGraph:
        return self.subgraph(check_index(self.n_samples, index))

    def subgraph(self, samples: ArrayLike, position: Index | None = None) -> NeighborhoodGraph:
        """Return what is known of some of the samples, renumbered in the order given.

        Parameters
        ----------
        samples : array-like of int, shape (b,)
            Distinct indices in [0, n_samples).
        position : ndarray of int64, shape (n_samples,), default=None
            Scratch memory filled with -1, for one array to serve many calls; see `PairSet.within`. ``samples`` is
            then not checked and must be an ndarray of int64.

        Returns
        -------
        NeighborhoodGraph
            The graph of the b samples, with the same rest.

        Raises
        ------
        ValueError, TypeError
            When ``samples`` repeats an index or contains one that is not an integer in [0, n_samples).

        Examples
        --------
        >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (2, 3)])
        >>> graph.subgraph([3, 0, 2]).similar.pairs()
        array([[0, 2]])
        """
        if position is None:
            samples = check_samples(self.n_samples, samples)
            position = np.full(self.n_samples, -1, dtype=np.int64)
        # The state of a pair depends on its own statements alone, so that states already computed are cut, too.
        names = [*_STATEMENTS, *(kind for kind in KINDS if kind in self.__dict__)]
        cut = cut_all([getattr(self, name) for name in names], cast(Index, samples), position)
        part = NeighborhoodGraph(len(cast(Index, samples)), cut[0], cut[1], cut[2], self.rest)
        part.__dict__.update(zip(names[3:], cut[3:], strict=True))
        return part

    def describe(self, X: ArrayLike | None = None, *, verbose: bool = True) -> Description:
        """Summarise the graph in a few numbers, with warnings of what prevents or hampers training.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...), default=None
            The samples, to count dissimilar pairs of identical samples: every map puts them at one point, so that
            each such pair keeps an energy of half the square of the margin.
        verbose : bool, default=True
            Whether to print the summary.

        Returns
        -------
        Description
            The numbers and warnings; its ``str`` is the table that is printed.

        Raises
        ------
        ValueError
            When ``X`` is not finite or has another number of samples.

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
        Warning: 1 of 4 samples are similar to no other, and only pushes place them: nothing is stated of them, or most
        others are equally far from them.
        >>> summary.components
        2
        """
        check_parameters({"verbose": verbose}, {"verbose": ["boolean"]}, "NeighborhoodGraph.describe")
        counts = {"n_ignored": self.n_ignored, "n_contradictions": self.n_contradictions}
        found = described(self.similar, self.dissimilar, **counts, X=X)
        if verbose:
            print(found)  # noqa: T201 - the purpose of the call
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the statements and the rest to a safetensors file with a checksum, without pickle.

        Parameters
        ----------
        path : str or path-like
            File to write, in a folder that exists. An old file is replaced; if writing fails, it stays unchanged.

        Raises
        ------
        OSError, ValueError
            When the path cannot be written.
        TypeError
            When ``path`` is not a path.

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
        sets = dict(zip(KINDS, self._statements, strict=True))
        write_graph_file(path, self.n_samples, Stated(sets, self.rest))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> NeighborhoodGraph:
        """Read a graph from a file that `save` wrote. No code from the file is executed.

        Parameters
        ----------
        path : str or path-like
            File to read.

        Raises
        ------
        ModelFileError
            A ``ValueError``: the file is damaged, cut short, of another kind or of a newer format.
        OSError
            When the file does not exist or cannot be opened.
        """
        return cls._from_stated(*read_graph_file(path))

    def with_rest(self, rest: Rest) -> NeighborhoodGraph:
        """Return the same statements with another rule for the rest.

        Parameters
        ----------
        rest : {"dissimilar", "ignored"}
            State of the pairs of which nothing is stated.

        Examples
        --------
        >>> NeighborhoodGraph.from_pairs(3, [(0, 1)]).with_rest("ignored")
        NeighborhoodGraph(n_samples=3, similar=1, dissimilar=0, ignored=2)
        """
        check_parameters({"rest": rest}, {"rest": _RESTS}, "NeighborhoodGraph.with_rest")
        return NeighborhoodGraph(self.n_samples, *self._statements, rest)

    def ignore(self, pairs: ArrayLike) -> NeighborhoodGraph:
        """Return the graph with more pairs stated ignored; they are ignored whatever else is stated of them.

        Parameters
        ----------
        pairs : array-like of int, shape (n_pairs, 2)
            Indices in [0, n_samples) of two distinct samples each.

        Raises
        ------
        ValueError, TypeError
            When ``pairs`` is not of that form.

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
            return False  # its own comparison would raise an error
        if not isinstance(other, NeighborhoodGraph):
            return NotImplemented
        return (
            self.n_samples == other.n_samples
            and self.rest == other.rest
            and all(getattr(self, name).same_pairs(getattr(other, name)) for name in _STATEMENTS)
        )

    def __hash__(self) -> int:
        degrees = (getattr(self, name).degrees.tobytes() for name in _STATEMENTS)  # independent of how pairs are stored
        return hash((self.n_samples, self.rest, *degrees))

    def __repr__(self) -> str:
        return (
            f"NeighborhoodGraph(n_samples={self.n_samples}, similar={self.n_similar}, "
            f"dissimilar={self.n_dissimilar}, ignored={self.n_ignored})"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the table of `describe`."""
        return as_html(self.describe(verbose=False))

    def __getstate__(self) -> dict[str, object]:
        """Leave out the states, which follow from the statements."""
        return {name: getattr(self, name) for name in ("n_samples", *_STATEMENTS, "rest")}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Restore from pickle or a deep copy."""
        self.__dict__.update(state)


def _combined(
    mine: NeighborhoodGraph, theirs: object, operation: Callable[[PairSet, PairSet], PairSet], rest: Rest
) -> NeighborhoodGraph:
    """Combine the statements of two graphs, each kind by itself."""
    if not isinstance(theirs, NeighborhoodGraph):
        return cast(NeighborhoodGraph, NotImplemented)
    if mine.n_samples != theirs.n_samples:
        raise ValueError(
            f"Expected graphs of the same samples. Got one of {mine.n_samples} and one of {theirs.n_samples}."
        )
    sets = [operation(getattr(mine, name), getattr(theirs, name)) for name in _STATEMENTS]
    return NeighborhoodGraph(mine.n_samples, sets[0], sets[1], sets[2], rest)
