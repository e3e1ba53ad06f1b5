"""Measure the structure of the package from its sources, and print it beside the bounds that `make house` checks.

Standard library only. ``python tools/house.py`` prints the table, names what breaks a bound, and exits 1 if a bound is
broken. ``python tools/house.py --list`` names everything that was counted. tests/test_house.py checks the same bounds,
and on made sources that each measure can fail.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
"""The repository."""

_LONGEST_FILE = 350
"""Number of lines beyond which a file counts as long."""

_MOST_COMPLEX = 10
"""Maximum cyclomatic complexity of a function."""

_SHAPED = ("encoders", "forces", "training", "metrics", "neighbors")
"""Folders in which a line that changes the shape of an array has a shape comment."""

_CHANGES_SHAPE = re.compile(
    r"\.(reshape|ravel|flatten|unflatten|unbind|index_select|column_stack|concatenate|stack|vstack|hstack|tile)\("
    r"|\b(torch\.cat|np\.repeat|repeat_interleave)\(|\[:, None\]|\[None, :\]|\[:, None, :\]"
)

_TWICE = {
    "frozen": r"def _?frozen\(|flags\.writeable = False",
    "type of an index": r"^Index = ",
    "ragged ranges": r"np\.cumsum\((\w+)\) - \1",
    "did you mean": r"get_close_matches\(",
    "errors on one line": r"\" \"\.join\(str\(error\)\.split\(\)\)",
    "kinds of pair": r"\(\"similar\", \"dissimilar\", \"ignored\"\)",
    "total of an energy": r"\w*\.?similar \* \w+(\.\w+)* ?\+|balance\.similar \* energy\.similar",
    "frame of an experiment": r"\.write\(\)  # report|Report\(\"[a-z-]+\",",
}
"""Pieces that once stood in several places, each with a pattern that finds it."""

_MAY_REPEAT = {
    ("kinds of pair", "persistence/summary.py"): "drlim.graph imports scipy, and `drlim info` answers without it",
}
"""Pieces that a file repeats, each with the reason."""


@dataclass
class Row:
    """One line of the table: a measure, its value, its bound (None is no bound), and what was counted."""

    what: str
    found: int
    at_most: int | None
    names: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.at_most is None or self.found <= self.at_most


class House(NamedTuple):
    """Sources of a package: the repository, and each file's text and syntax tree."""

    root: Path
    texts: dict[Path, str]
    trees: dict[Path, ast.Module]

    @property
    def package(self) -> Path:
        """Folder of the package."""
        return self.root / "src" / "drlim"

    def name(self, path: Path) -> str:
        """Return a file's path inside the package."""
        return path.relative_to(self.package).as_posix()

    def entry(self, path: Path) -> str:
        """Return the folder or module, directly in the package, that a file belongs to."""
        return path.relative_to(self.package).parts[0].removesuffix(".py")


def read(root: Path = ROOT) -> House:
    """Read the sources of the package in a repository."""
    files = sorted((root / "src" / "drlim").rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    return House(root, texts, {path: ast.parse(text) for path, text in texts.items()})


def _n_lines(text: str) -> int:
    return text.count("\n")


def entries(house: House) -> Row:
    """Count the folders and files directly in the package."""
    left_out = {"__pycache__", "py.typed"}
    names = sorted(path.name for path in house.package.iterdir() if path.name not in left_out)
    # deploy/ and runtime.py: a map outside of Python, and where there is no torch. A user copies the one file.
    # tables/: files of columns, which relations, estimators' files and the command line share.
    # transforms.py: changes that a map is to ignore, which users and the command line name.
    # spaces.py: the surfaces that a map lies on. explorer/: the page to look at and correct a map. callbacks.py: what
    # users give to a fit. __main__.py: `python -m drlim`, which launchers of several processes need.
    return Row("entries of src/drlim", len(names), 26, names)


def _contract(root: Path) -> list[list[str]]:
    """Return the import layers of pyproject.toml, the topmost first."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def layers(house: House) -> Row:
    """Count the import layers."""
    names = [" | ".join(layer) for layer in _contract(house.root)]
    return Row("import layers", len(names), 12, names)


def _imports(house: House) -> set[tuple[str, str]]:
    """Return the pairs of entries of which the first imports the second."""
    initial = house.package / "__init__.py"
    home = _homes(house.trees[initial])
    return {
        (house.entry(path), target)
        for path, tree in house.trees.items()
        if path != initial
        for node in ast.walk(tree)
        for target in _imported(node, home)
        if target != house.entry(path)
    }


def _homes(tree: ast.Module) -> dict[str, str]:
    """Return the subpackage of each public name."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOME":
            table: dict[str, str] = ast.literal_eval(node.value)
            return {name: where or name for name, where in table.items()}
    raise ValueError("src/drlim/__init__.py has no table _HOME")


def _imported(node: ast.AST, home: dict[str, str]) -> Iterator[str]:
    """Yield the entries that an import statement names."""
    if isinstance(node, ast.ImportFrom) and node.module == "drlim":
        yield from (home.get(alias.name, alias.name) for alias in node.names if not alias.name.startswith("__"))
    elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("drlim."):
        yield str(node.module).split(".")[1]
    elif isinstance(node, ast.Import):
        yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("drlim."))


def arrows(house: House) -> Row:
    """Count the pairs of entries of which one imports the other."""
    found = sorted(_imports(house))
    # deploy/ reads estimators, encoders, graphs and what a file of a model says; the command line calls it.
    # tables/ is read by the command line, by relations (pairs and columns in files) and by persistence, and stands on
    # _base; cli -> datasets: folders of images are read in Python, too; cli -> metrics: what a map ignores is reported;
    # transforms is read by the command line, and stands on _base.
    # metrics reads encoders: sensitivities are derivatives of the encoder.
    # spaces is read by springs, forces, encoders, training, metrics, plotting, persistence and estimators; explorer
    # reads estimators, metrics, plotting, deploy, graph and datasets; callbacks and __main__ are read by users and
    # launchers.
    # Of the 102, 96 were meant for all rooms; callbacks, explorer and several processes took those that spaces needs:
    # estimators, forces, metrics, persistence, plotting and training read it, and it reads _base.
    return Row("arrows between entries", len(found), 102, [f"{a} -> {b}" for a, b in found])


def upward(house: House) -> Row:
    """Find imports that do not run to a lower layer, and those from or to an entry that no layer names."""
    level = {name: place for place, layer in enumerate(_contract(house.root)) for name in layer}
    up = [f"{a} -> {b}" for a, b in sorted(_imports(house)) if level.get(a, 99) >= level.get(b, -1)]
    return Row("arrows that run up or in a circle", len(up), 0, up)


def lines_of_the_estimator(house: House) -> Row:
    """Count the lines of estimators/drlim.py."""
    text = house.texts.get(house.package / "estimators" / "drlim.py", "")
    return Row("lines of estimators/drlim.py", _n_lines(text), 500)


def long_files(house: House) -> Row:
    """Find files with more than 350 lines."""
    names = [f"{house.name(path)}: {_n_lines(text)}" for path, text in house.texts.items()]
    names = [name for name in names if int(name.rsplit(" ", 1)[1]) > _LONGEST_FILE]
    # Three have docstrings of many public methods; runtime.py is one file, to be copied beside a model.
    return Row(f"files over {_LONGEST_FILE} lines", len(names), 4, names)


def complexity(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    r"""Return the cyclomatic complexity of a function: one, and one for each place where its flow divides.

    Inner functions and classes count for themselves.

    Examples
    --------
    >>> complexity(ast.parse("def f(x):\n    return 1 if x and x > 2 else 0").body[0])
    3
    """
    total, rest = 1, list(ast.iter_child_nodes(function))
    while rest:
        node = rest.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        total += _divisions(node)
        rest.extend(ast.iter_child_nodes(node))
    return total


def _divisions(node: ast.AST) -> int:
    """Return the number of places in one node where the flow divides, as the tool radon counts them."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        return 1 + bool(node.orelse)
    if isinstance(node, ast.Try):
        return len(node.handlers) + bool(node.orelse)
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, ast.If | ast.IfExp | ast.Assert | ast.match_case))


def complex_functions(house: House) -> Row:
    """Find functions with a cyclomatic complexity over 10."""
    names = [
        f"{house.name(path)}: {node.name} {complexity(node)}"
        for path, tree in house.trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and complexity(node) > _MOST_COMPLEX
    ]
    return Row(f"functions with a complexity over {_MOST_COMPLEX}", len(names), 0, names)


def standing_twice(house: House) -> Row:
    """Find pieces of `_TWICE` that more than one file holds, but for those that may repeat them."""
    names = []
    for piece, pattern in _TWICE.items():
        places = [
            house.name(path)
            for path, text in house.texts.items()
            if re.search(pattern, text, flags=re.MULTILINE) and (piece, house.name(path)) not in _MAY_REPEAT
        ]
        if len(places) > 1:
            names.append(f"{piece}: {', '.join(places)}")
    return Row("pieces standing twice", len(names), 0, names)


def private_scikit_learn(house: House) -> Row:
    """Find imports of scikit-learn's private modules."""
    names = []
    for path, tree in house.trees.items():
        for node in ast.walk(tree):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            private = [one for one in modules if one.startswith("sklearn") and "._" in one]
            names += [f"{house.name(path)}: {one}" for one in private]
    return Row("uses of scikit-learn's private modules", len(names), 0, names)


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                if argument is not None and argument.annotation is not None:
                    yield argument.annotation
            if node.returns is not None:
                yield node.returns
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation


def anys(house: House) -> Row:
    """Count `Any` in annotations."""
    names, total = [], 0
    for path, tree in house.trees.items():
        nodes = [node for annotation in _annotations(tree) for node in ast.walk(annotation)]
        count = sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes)
        names += [f"{house.name(path)}: {count}"] if count else []
        total += count
    return Row("`Any` in annotations", total, 79, names)


def without_shape(house: House) -> Row:
    """Find lines that change a shape without a comment on the line, on the one before or on the three after it."""
    names = []
    for path, text in house.texts.items():
        if house.entry(path) not in _SHAPED:
            continue
        lines = text.split("\n")
        for number in _code_lines(text):
            line = lines[number - 1]
            near = lines[max(0, number - 2) : number + 3]
            if _CHANGES_SHAPE.search(line) and not any(re.search(r"#.*\(", one) for one in near):
                names.append(f"{house.name(path)}:{number}: {line.strip()}")
    return Row("changes of a shape without a comment", len(names), 0, names)


def shape_comments(house: House) -> Row:
    """Count comments that give the shape of an array."""
    found = sum(len(re.findall(r"#.*\([a-z0-9_]+[,)]", text)) for text in house.texts.values())
    return Row("shape comments", found, None)


def _code_lines(text: str) -> list[int]:
    """Return the numbers of lines that are not inside a docstring."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            inside.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [number for number in range(1, text.count("\n") + 1) if number not in inside]


MEASURES: tuple[Callable[[House], Row], ...] = (
    entries,
    layers,
    arrows,
    upward,
    lines_of_the_estimator,
    long_files,
    complex_functions,
    standing_twice,
    private_scikit_learn,
    anys,
    without_shape,
    shape_comments,
)
"""The measures, in the order of the table."""


def main(root: Path = ROOT, show: Callable[[str], None] = print, *, listing: bool = False) -> int:
    """Print the table; return 1 if a bound is broken."""
    house = read(root)
    rows = [measure(house) for measure in MEASURES]
    width = max(len(row.what) for row in rows)
    show(f"{'what':<{width}}  found  at most")
    for row in rows:
        bound = "" if row.at_most is None else str(row.at_most)
        show(f"{row.what:<{width}}  {row.found:>5}  {bound:>7}{'' if row.holds else '  <-'}")
        if listing or not row.holds:
            for name in row.names:
                show(f"    {name}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(listing="--list" in sys.argv[1:]))
