"""The structure of the package stays within the bounds of tools/house.py, and each of its measures can fail."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

_SPEC = importlib.util.spec_from_file_location("house", ROOT / "tools" / "house.py")
house = importlib.util.module_from_spec(_SPEC)
sys.modules["house"] = house  # its dataclass looks its module up
_SPEC.loader.exec_module(house)

LAYERS = """
[[tool.importlinter.contracts]]
layers = ["cli", "estimators | plotting", "training", "_base"]
"""

INITIAL = '_HOME = {"DrLIM": "estimators", "train": "training", "training": ""}\n'


@pytest.fixture(scope="module")
def sources():
    return house.read()


@pytest.mark.parametrize("measure", house.MEASURES, ids=lambda measure: measure.__name__)
def test_the_package_is_within_the_bound(sources, measure):
    row = measure(sources)
    listed = "\n    ".join(row.names)
    assert row.holds, f"{row.what}: {row.found}, at most {row.at_most}\n    {listed}"


def made(root: Path, files: dict[str, str]) -> house.House:
    """Write sources of a package into a folder, and read them."""
    (root / "pyproject.toml").write_text(LAYERS, encoding="utf-8")
    for name, text in {"__init__.py": INITIAL, **files}.items():
        path = root / "src" / "drlim" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return house.read(root)


def test_entries_are_counted_without_what_python_writes(tmp_path):
    sources = made(tmp_path, {"cli/__init__.py": "", "training/loop.py": "", "py.typed": "", "__pycache__/x.py": ""})
    assert house.entries(sources).names == ["__init__.py", "cli", "training"]


def test_layers_are_those_of_the_contract(tmp_path):
    assert house.layers(made(tmp_path, {})).names == ["cli", "estimators | plotting", "training", "_base"]


def test_arrows_follow_a_public_name_to_its_home(tmp_path):
    text = "import drlim.training\nfrom drlim import DrLIM, __version__\ndef f():\n    from drlim.cli import main\n"
    assert house.arrows(made(tmp_path, {"cli/commands.py": text})).names == ["cli -> estimators", "cli -> training"]


@pytest.mark.parametrize(
    ("file", "text", "arrow"),
    [
        ("training/loop.py", "from drlim.cli import main", "training -> cli"),
        ("training/loop.py", "def f():\n    from drlim import DrLIM", "training -> estimators"),
        ("plotting/maps.py", "import drlim.estimators.drlim", "plotting -> estimators"),
        ("stray.py", "from drlim._base import disk", "stray -> _base"),
        ("cli/x.py", "from drlim.stray import f", "cli -> stray"),
    ],
)
def test_an_import_that_does_not_run_down_is_found(tmp_path, file, text, arrow):
    assert house.upward(made(tmp_path, {file: text})).names == [arrow]


def test_an_import_that_runs_down_is_not_found(tmp_path):
    sources = made(tmp_path, {"cli/x.py": "from drlim import DrLIM\nfrom drlim._base import disk"})
    assert house.upward(sources).names == []


def test_lines_are_counted(tmp_path):
    files = {"estimators/drlim.py": "x = 1\n" * 511, "cli/long.py": "x = 1\n" * 351, "cli/short.py": "x = 1\n" * 350}
    sources = made(tmp_path, files)
    assert house.lines_of_the_estimator(sources).found == 511
    assert not house.lines_of_the_estimator(sources).holds
    assert house.long_files(sources).names == ["cli/long.py: 351", "estimators/drlim.py: 511"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x", 1),
        ("if x:\n        return 1\n    elif y:\n        return 2\n    else:\n        return 3", 3),
        ("return 1 if x and y or x else 0", 4),
        ("for i in x:\n        pass\n    else:\n        pass", 3),
        ("while x:\n        assert y", 3),
        ("return [i for i in x if i if y]", 4),
        ("try:\n        pass\n    except ValueError:\n        pass\n    except KeyError:\n        pass", 3),
        ("match x:\n        case 1:\n            pass\n        case _:\n            pass", 3),
        ("def inner():\n        return 1 if x else 2\n    return inner", 1),
    ],
)
def test_complexity_is_that_counted_by_hand(body, expected):
    (function,) = ast.parse(f"def f(x, y):\n    {body}").body
    assert house.complexity(function) == expected


def test_a_complex_function_is_named(tmp_path):
    branches = "".join(f"    if x == {k}:\n        return {k}\n" for k in range(10))
    sources = made(tmp_path, {"cli/x.py": f"def good(x):\n    return x\ndef bad(x):\n{branches}"})
    assert house.complex_functions(sources).names == ["cli/x.py: bad 11"]


def test_a_piece_that_stands_twice_is_found(tmp_path):
    text = "Index = int\n"
    assert house.standing_twice(made(tmp_path, {"cli/a.py": text})).names == []
    found = house.standing_twice(made(tmp_path, {"cli/b.py": text})).names
    assert found == ["type of an index: cli/a.py, cli/b.py"]


def test_a_file_may_repeat_a_piece_for_a_reason(tmp_path):
    text = 'KINDS = ("similar", "dissimilar", "ignored")\n'
    files = {"graph/statements.py": text, "persistence/summary.py": text}
    assert house.standing_twice(made(tmp_path, files)).names == []
    found = house.standing_twice(made(tmp_path, {"cli/files.py": text})).names
    assert found == ["kinds of pair: cli/files.py, graph/statements.py"]


def test_each_file_that_may_repeat_a_piece_does(sources):
    for piece, name in house._MAY_REPEAT:
        assert house.re.search(house._TWICE[piece], sources.texts[sources.package / name], flags=house.re.MULTILINE)


def test_a_private_module_of_scikit_learn_is_found(tmp_path):
    text = (
        "from sklearn.utils._param_validation import Interval\nfrom sklearn.base import clone\nimport sklearn._loss\n"
    )
    found = house.private_scikit_learn(made(tmp_path, {"cli/x.py": text})).names
    assert found == ["cli/x.py: sklearn.utils._param_validation", "cli/x.py: sklearn._loss"]


def test_any_is_counted_in_annotations_alone(tmp_path):
    text = "x: Any = Any\ndef f(a: list[Any], *b: Any, c: int, **d: Any) -> dict[str, Any]:\n    return Any\n"
    row = house.anys(made(tmp_path, {"cli/x.py": text}))
    assert (row.found, row.names) == (5, ["cli/x.py: 5"])


def test_a_change_of_shape_without_a_comment_is_found(tmp_path):
    text = 'def f(x):\n    """Use x.reshape(2, 3)."""\n    y = 1\n    y = 2\n    return x.reshape(2, 3){}\n'
    bare, commented = text.format(""), text.format("  # (2, 3)")
    files = {"training/bare.py": bare, "training/good.py": commented, "cli/elsewhere.py": bare}
    row = house.without_shape(made(tmp_path, files))
    assert row.names == ["training/bare.py:5: return x.reshape(2, 3)"]


def test_shape_comments_are_counted(tmp_path):
    text = "a = 1  # (n, d)\nb = 2  # (k,) of each\nc = 3  # a reason\n"
    assert house.shape_comments(made(tmp_path, {"cli/x.py": text})).found == 2


def test_the_table_names_what_breaks_a_bound(tmp_path):
    made(tmp_path, {"training/loop.py": "from drlim.cli import main"})
    shown = []
    assert house.main(tmp_path, shown.append) == 1
    (line,) = [number for number, text in enumerate(shown) if text.endswith("<-")]
    assert shown[line].split() == ["arrows", "that", "run", "up", "or", "in", "a", "circle", "1", "0", "<-"]
    assert shown[line + 1] == "    training -> cli"


def test_the_table_is_0_where_all_bounds_are_kept(tmp_path):
    made(tmp_path, {"cli/x.py": "from drlim import training"})
    shown = []
    assert house.main(tmp_path, shown.append, listing=True) == 0
    assert "    cli -> training" in shown
