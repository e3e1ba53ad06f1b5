"""Write the pages of the API reference from the public names themselves, so that none can be missing.

``docs/conf.py`` calls `write` before sphinx reads its sources: a page for the package and one for each public module,
each a list from which sphinx makes a page for each name; and a page with the help of each command. A name that the
package itself has is listed there, and the module that also has it refers to that page.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType

import drlim
from drlim.cli import app, main
from drlim.cli import commands as commands_module

_GROUPS = {
    "class": "Classes",
    "function": "Functions",
    "constant": "Constants",
}
"""Kinds of public names, in the order of a page, with their headings."""


def modules() -> list[str]:
    """Return the names of the package and of its public modules, in the order of the package's list."""
    return ["drlim", *(f"drlim.{name}" for name, home in drlim._HOME.items() if not home)]


def names(module: str) -> list[str]:
    """Return the full names of what a module makes public, other than modules: each once, where it has its page."""
    found = [name for name in import_module(module).__all__ if not inspect.ismodule(_value(module, name))]
    return [f"drlim.{name}" if _is_of_the_package(module, name) else f"{module}.{name}" for name in found]


def kind(full_name: str) -> str:
    """Return "class", "function" or "constant"."""
    value = value_of(full_name)
    if inspect.isclass(value):
        return "class"
    return "function" if callable(value) else "constant"


def value_of(full_name: str) -> object:
    """Return what a full name names."""
    module, name = full_name.rsplit(".", 1)
    return _value(module, name)


def _value(module: str, name: str) -> object:
    return getattr(import_module(module), name)


def _is_of_the_package(module: str, name: str) -> bool:
    """Return whether the package itself has the same thing under the same name."""
    same = name in drlim.__all__ and getattr(drlim, name) is _value(module, name)
    return same and not isinstance(getattr(drlim, name), ModuleType)


def page(module: str) -> str:
    """Return the text of a module's page, in reStructuredText."""
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", "   :no-members:", ""]
    lines += [f".. currentmodule:: {module}", ""]
    own = [name for name in names(module) if name.rsplit(".", 1)[0] == module]
    for group, heading in _GROUPS.items():
        members = [name.rsplit(".", 1)[1] for name in own if kind(name) == group]
        if members:
            lines += [heading, "-" * len(heading), "", ".. autosummary::", "   :toctree: ../generated"]
            lines += ["   :nosignatures:", "", *(f"   {name}" for name in members), ""]
    shared = [f":obj:`{name}`" for name in names(module) if name not in own]
    if shared:
        lines += ["Also here", "---------", ""]
        lines += ["These have their page under the package: " + ", ".join(shared) + ".", ""]
    if module == "drlim":
        lines += ["Modules", "-------", "", *(f"* :mod:`{name}`" for name in modules()[1:]), ""]
    return "\n".join(lines)


def help_of(command: str) -> str:
    """Return what `drlim COMMAND --help` prints, or `drlim --help` for the empty word."""
    printed = io.StringIO()
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([command, "--help"] if command else ["--help"])
    finally:
        os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)
    return printed.getvalue()


def commands() -> list[str]:
    """Return the names of the commands of `drlim`."""
    return [command.name or command.callback.__name__.rstrip("_") for command in app.registered_commands]  # type: ignore[union-attr]


def command_page() -> str:
    """Return the page of the command line: the help of each command, as it is printed."""
    about = inspect.getdoc(commands_module).split("\n\n")[1]  # type: ignore[union-attr]
    lines = ["The command line", "================", "", about, "", *_block(help_of(""))]
    for command in commands():
        heading = f"drlim {command}"
        lines += [heading, "-" * len(heading), "", *_block(help_of(command))]
    return "\n".join(lines)


def _block(text: str) -> list[str]:
    return [".. code-block:: text", "", *(f"   {line}".rstrip() for line in text.splitlines()), ""]


def write(folder: Path) -> None:
    """Write all pages into ``folder/reference``, those whose text has changed."""
    texts = {f"{module}.rst": page(module) for module in modules()} | {"command_line.rst": command_page()}
    target = folder / "reference"
    target.mkdir(parents=True, exist_ok=True)
    for path in target.glob("*.rst"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = target / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
