"""Measure the structure of the package from its sources, and print it beside the bounds that `make house` holds.

Standard library only. ``python tools/house.py`` prints the table and exits 1 if a bound is broken; tests/test_house.py
holds the same bounds. ``python tools/house.py --list`` names what was counted.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "drlim"

LONGEST_FILE = 350
"""Lines of a file beyond which it gives its reason at the top."""

MOST_COMPLEX = 10
"""Maximum cyclomatic complexity of a function."""

SHAPED = ("encoders", "forces", "training", "metrics", "neighbors")
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


@dataclass
class Row:
    """One line of the table."""

    what: str
    found: int
    at_most: int | None
    names: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.at_most is None or self.found <= self.at_most


def sources() -> dict[Path, str]:
    """Return the text of each source file."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def table() -> list[Row]:
    """Measure everything."""
    texts = sources()
    trees = {path: ast.parse(text) for path, text in texts.items()}
    return [
        _entries(),
        _layers(),
        _arrows(trees),
        _upward(trees),
        Row("lines of estimators/drlim.py", _n_lines(texts[PACKAGE / "estimators" / "drlim.py"]), 460),
        _long_files(texts),
        _complex_functions(trees),
        _standing_twice(texts),
        _private_scikit_learn(trees),
        _anys(trees),
        _without_shape(texts),
        Row("shape comments", sum(len(re.findall(r"#.*\([a-z0-9_]+[,)]", text)) for text in texts.values()), None),
    ]


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _n_lines(text: str) -> int:
    return text.count("\n")


def _entries() -> Row:
    left_out = {"__pycache__", "py.typed"}
    names = sorted(path.name for path in PACKAGE.iterdir() if path.name not in left_out)
    return Row("entries of src/drlim", len(names), 18, names)


def _contract() -> list[list[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def _layers() -> Row:
    layers = [" | ".join(layer) for layer in _contract()]
    return Row("import layers", len(layers), 10, layers)


def _entry(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(trees: dict[Path, ast.Module]) -> set[tuple[str, str]]:
    """Return the pairs of entries of which the first imports the second."""
    home = _homes(trees[PACKAGE / "__init__.py"])
    found = set()
    for path, tree in trees.items():
        if path.name == "__init__.py" and path.parent == PACKAGE:
            continue
        for node in ast.walk(tree):
            for target in _imported(node, home):
                if target != _entry(path):
                    found.add((_entry(path), target))
    return found


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


def _arrows(trees: dict[Path, ast.Module]) -> Row:
    arrows = sorted(_imports(trees))
    return Row("arrows between entries", len(arrows), 60, [f"{a} -> {b}" for a, b in arrows])


def _upward(trees: dict[Path, ast.Module]) -> Row:
    level = {name: place for place, layer in enumerate(_contract()) for name in layer}
    up = [f"{a} -> {b}" for a, b in sorted(_imports(trees)) if level.get(a, -1) >= level.get(b, 99)]
    return Row("arrows that run up or in a circle", len(up), 0, up)


def _long_files(texts: dict[Path, str]) -> Row:
    names = [f"{_name(path)}: {_n_lines(text)}" for path, text in texts.items() if _n_lines(text) > LONGEST_FILE]
    return Row(f"files over {LONGEST_FILE} lines", len(names), 3, names)


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
        if isinstance(node, ast.If | ast.IfExp | ast.For | ast.AsyncFor | ast.While | ast.ExceptHandler | ast.Assert):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            total += 1 + len(node.ifs)
        elif isinstance(node, ast.match_case):
            total += 1
        rest.extend(ast.iter_child_nodes(node))
    return total


def _functions(trees: dict[Path, ast.Module]) -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def _complex_functions(trees: dict[Path, ast.Module]) -> Row:
    names = [
        f"{_name(path)}: {function.name} {complexity(function)}"
        for path, function in _functions(trees)
        if complexity(function) > MOST_COMPLEX
    ]
    return Row(f"functions with a complexity over {MOST_COMPLEX}", len(names), 0, names)


def _standing_twice(texts: dict[Path, str]) -> Row:
    names = []
    for piece, pattern in _TWICE.items():
        places = [_name(path) for path, text in texts.items() if re.search(pattern, text, flags=re.MULTILINE)]
        if len(places) > 1:
            names.append(f"{piece}: {', '.join(places)}")
    return Row("pieces standing twice", len(names), 0, names)


def _private_scikit_learn(trees: dict[Path, ast.Module]) -> Row:
    names = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            private = [one for one in modules if one.startswith("sklearn") and "._" in one]
            names += [f"{_name(path)}: {one}" for one in private]
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


def _anys(trees: dict[Path, ast.Module]) -> Row:
    names = []
    for path, tree in trees.items():
        nodes = [node for annotation in _annotations(tree) for node in ast.walk(annotation)]
        count = sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes)
        names += [f"{_name(path)}: {count}"] if count else []
    total = sum(int(name.rsplit(" ", 1)[1]) for name in names)
    return Row("`Any` in annotations", total, 79, names)


def _without_shape(texts: dict[Path, str]) -> Row:
    """Find lines that change a shape without a comment on the line or on one of the three before or after it."""
    names = []
    for path, text in texts.items():
        if _entry(path) not in SHAPED:
            continue
        lines = text.split("\n")
        for number in _code_lines(text):
            line = lines[number - 1]
            near = lines[max(0, number - 2) : number + 3]
            if _CHANGES_SHAPE.search(line) and not any(re.search(r"#.*\(", one) for one in near):
                names.append(f"{_name(path)}:{number}: {line.strip()}")
    return Row("changes of a shape without a comment", len(names), 0, names)


def _code_lines(text: str) -> list[int]:
    """Return the numbers of lines that are not inside a docstring."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            inside.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [number for number in range(1, text.count("\n") + 1) if number not in inside]


def main(show: Callable[[str], None] = print, *, listing: bool = False) -> int:
    """Print the table; return 1 if a bound is broken."""
    rows = table()
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
