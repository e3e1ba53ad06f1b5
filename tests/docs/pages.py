"""Run a page of the documentation as a reader would: its Python and its commands, in their order, in one folder."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path

from drlim.cli import main

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

_GENERATED = (
    "_build",
    "_static",
    "_templates",
    "_extensions",
    "gallery",
    "api/generated",
    "api/reference",
    "api/backreferences",
)

_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def pages() -> dict[str, str]:
    """Return the text of each page that is written by hand, by its path below docs/."""
    found = sorted(DOCS.rglob("*.md"))
    names = {path: path.relative_to(DOCS).as_posix() for path in found}
    return {names[path]: path.read_text(encoding="utf-8") for path in found if not names[path].startswith(_GENERATED)}


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the blocks of a page that can be run, in their order: Python with prompts, and commands of `drlim`."""
    found = [(kind, body) for kind, body in _BLOCK.findall(text)]
    return [(kind, body) for kind, body in found if kind == "console" or ">>>" in body]


def commands(body: str) -> list[tuple[str, str]]:
    """Return each command of a block, without its prompt, and what the page says that it prints."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    joined = [re.sub(r"\\\n\s*", "", part) for part in parts]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in joined]


def printed(command: str) -> str:
    """Return what a command of `drlim` prints on its standard output; an error ends the test with what it says."""
    program, *arguments = shlex.split(command)
    assert program == "drlim", f"a page runs {program}: only `drlim` is run by the tests"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    assert code == 0, f"{command} ended with {code}: {err.getvalue()}"
    return out.getvalue()


def run(text: str, name: str) -> list[str]:
    """Run a page in the present folder, and return a line for each example that does something else than it says."""
    wrong: list[str] = []
    shared: dict[str, object] = {"__name__": "__main__"}
    for kind, body in blocks(text):
        if kind == "console":
            wrong += [difference for command, said in commands(body) if (difference := _differs(command, said))]
            continue
        test = doctest.DocTestParser().get_doctest(body, shared, name, name, 0)
        report = io.StringIO()
        doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.write, clear_globs=False)
        shared = test.globs
        wrong += [report.getvalue()] if report.getvalue() else []
    return wrong


def _differs(command: str, said: str) -> str:
    got = printed(command)
    example = doctest.Example(command, said)
    if not said.strip() or doctest.OutputChecker().check_output(said, got, FLAGS):
        return ""
    return f"$ {command}\n" + doctest.OutputChecker().output_difference(example, got, FLAGS)
