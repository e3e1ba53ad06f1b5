from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import drlim
from drlim import DrLIM, explore
from drlim.explorer.payload import unpack

SOURCES = Path(__file__).parents[2] / "tools" / "explorer" / "src"
SCRIPT = Path(drlim.__file__).parent / "explorer" / "page.js"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{script}}"


@pytest.fixture(scope="module")
def model():
    return DrLIM(max_epochs=1, random_state=0).fit(np.random.default_rng(0).normal(size=(20, 3)))


class Parsed(HTMLParser):
    """The elements of a page, and the text in each."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self.tag = [], {}, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.tag = dict(attrs).get("id", tag)

    def handle_endtag(self, tag):
        self.tag = ""

    def handle_data(self, data):
        self.texts.setdefault(self.tag, []).append(data)


def test_the_page_loads_nothing_and_allows_its_own_script_alone(model):
    parsed = Parsed(explore(model).html)
    for _, attributes in parsed.elements:
        assert not {"src", "href", "srcset", "onload"} & attributes.keys()
    (policy_given,) = [one["content"] for _, one in parsed.elements if one.get("http-equiv")]
    digest = base64.b64encode(hashlib.sha256("".join(parsed.texts["script"]).encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy_given
    digest = base64.b64encode(hashlib.sha256("".join(parsed.texts["style"]).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in policy_given
    assert policy_given.startswith("default-src 'none';")
    assert "connect-src 'none'" in policy_given
    assert "unsafe" not in policy_given


def test_hostile_texts_make_no_element(model):
    texts = [HOSTILE] * 20
    page = explore(model, text=texts, ids=texts, labels=texts, title=HOSTILE, columns={HOSTILE: texts}).html
    plain = explore(model).html
    assert [tag for tag, _ in Parsed(page).elements] == [tag for tag, _ in Parsed(plain).elements]
    assert Parsed(page).texts["title"] == [HOSTILE]
    meta, _ = unpack("".join(Parsed(page).texts["drlim-payload"]))
    assert meta["ids"][0] == HOSTILE


def test_the_same_map_makes_the_same_page(model):
    assert explore(model).html == explore(model).html


def test_a_page_is_written_whole_and_shown_in_a_frame(model, tmp_path):
    page = explore(model)
    page.save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_text(encoding="utf-8") == page.html
    frame = Parsed(page._repr_html_())
    ((tag, attributes),) = frame.elements
    assert tag == "iframe"
    assert attributes["srcdoc"] == page.html
    assert "allow-same-origin" not in attributes["sandbox"]
    assert str(len(page.html))[-3:] in repr(page)


def test_the_script_is_made_of_its_sources():
    digest = hashlib.sha256()
    for path in sorted(SOURCES.glob("*.js")):
        digest.update(path.read_bytes())
    first = SCRIPT.read_text(encoding="utf-8").split("\n", 1)[0]
    assert digest.hexdigest() in first, "run make explorer-bundle"


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.js")), ids=lambda path: path.name)
def test_no_source_parses_markup_runs_texts_or_asks_the_network(path):
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)",
        path.read_text(encoding="utf-8"),
    )
    assert not found
