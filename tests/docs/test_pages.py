"""The pages of the site: their Python and their commands do what the page says, and the site has its parts."""

from __future__ import annotations

import re

import pytest
from tests.docs.pages import DOCS, ROOT, blocks, commands, pages, run

PAGES = pages()
RUN_HERE = sorted(name for name, text in PAGES.items() if blocks(text) and "/" in name)
"""Pages of the folders below docs/; tests/test_readme.py runs those that lie in docs/ itself."""


LONG = {"getting_started/deployment.md"}
"""Pages that take long; tests/test_readme.py runs the same calls on docs/deploying.md."""


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] if page in LONG else []) for page in RUN_HERE]
)
@pytest.mark.filterwarnings("ignore:This figure includes Axes")
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    for needed in re.findall(r">>> import (onnxruntime|pandas|umap)", PAGES[page]):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    assert run(PAGES[page], page) == []


def test_a_wrong_output_on_a_page_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("```python\n>>> 1 + 1\n3\n\n```\n", "page") != []
    assert run("```console\n$ drlim --version\nnothing of the kind\n```\n", "page") != []
    assert run("```python\n>>> a = 1\n\n```\nand\n```python\n>>> a\n1\n\n```\n", "page") == []


def test_a_command_that_fails_on_a_page_is_found():
    with pytest.raises(AssertionError, match="ended with"):
        run("```console\n$ drlim info nothing.safetensors\n```\n", "page")


def test_a_block_of_commands_is_cut_at_its_prompts():
    assert commands("$ drlim fit a \\\n    --seed 1\nsaid\n$ drlim info b\n") == [
        ("drlim fit a --seed 1", "said\n"),
        ("drlim info b", ""),
    ]


def test_there_is_a_page_to_get_started_for_each_of_seven():
    names = {name for name in PAGES if name.startswith("getting_started/")} - {"getting_started/index.md"}
    assert len(names) == 7
    assert names <= set(RUN_HERE)
    listed = set(re.findall(r"\]\((\w+\.md)\)", PAGES["getting_started/index.md"]))
    assert {f"getting_started/{name}" for name in listed} == names


def test_the_gallery_has_at_least_fifteen_examples_that_are_run_and_the_paper_from_files():
    run_by_the_build = sorted((ROOT / "examples" / "gallery").rglob("plot_*.py"))
    assert len(run_by_the_build) >= 15
    for path in run_by_the_build:
        assert re.match(r'"""\n.+\n=+\n\n', path.read_text(encoding="utf-8")), f"{path.name} has no title"


def test_pictures_that_the_gallery_makes_have_an_example_that_makes_them():
    made = {path.stem for path in (ROOT / "examples" / "gallery").rglob("plot_*.py")}
    named = {name for text in PAGES.values() for name in re.findall(r"sphx_glr_(\w+)_\d{3}\.png", text)}
    assert named <= made


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "{literalinclude}" in text])
def test_the_lines_of_code_that_a_page_shows_are_there(page):
    for path, options in re.findall(r"\{literalinclude\} (\S+)\n((?:^:.*\n)*)", PAGES[page], flags=re.MULTILINE):
        code = (DOCS / page).parent.joinpath(path).read_text(encoding="utf-8")
        wanted = dict(re.findall(r"^:([a-z-]+): (.+)$", options, flags=re.MULTILINE))
        for mark in (wanted.get("start-at", ""), wanted.get("end-at", "")):
            assert mark in code, f"{page} shows {path} from or to {mark!r}, which is not in it"
        for name in wanted.get("pyobject", "").split("."):
            assert re.search(rf"^ *(?:def|class) {name}\b", code, flags=re.MULTILINE), f"{name} is not in {path}"


def test_each_page_is_reached_from_the_landing_page():
    reached, todo = set(), ["index"]
    while todo:
        name = todo.pop()
        if name in reached or not (DOCS / f"{name}.md").exists():
            continue
        reached.add(name)
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", PAGES[f"{name}.md"], flags=re.MULTILINE | re.DOTALL):
            for entry in [line for line in block.splitlines() if line and not line.startswith(":")]:
                base = DOCS if entry.startswith("/") else (DOCS / name).parent
                found = sorted(base.glob(f"{entry.lstrip('/')}.md"))
                todo += [path.relative_to(DOCS).with_suffix("").as_posix() for path in found]
    assert {name.removesuffix(".md") for name in PAGES} - reached == set()
