"""The page of all experiments, and the page that rotates a map."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import torch

from drlim.paper.page import write_page
from drlim.paper.report import Report, Row
from drlim.paper.rotatable import rotatable_page


def report_of(folder: Path, name: str = "airplane <1>") -> Report:
    (folder / "map.png").write_bytes(b"\x89PNG picture")
    (folder / "rotatable.html").write_text('<script>"a&b"</script>')
    details = {"figures": {"map.png": "A <map>."}, "notes": ["a note"], "data": "turntable", "parameters": {"m": 1.0}}
    rows = [Row("R2", 0.5, at_least=0.99), Row("ratio", 0.001, at_most=0.002), Row("free", 3.0)]
    return Report(name, rows, 61.0, folder, details)


def test_the_page_holds_everything_and_fetches_nothing(tmp_path: Path) -> None:
    write_page([report_of(tmp_path)], tmp_path / "index.html", {"airplane <1>": "views of <one>"})
    page = (tmp_path / "index.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:image/png;base64,|#)""", page)
    assert "http" not in page
    assert "import(" not in page
    assert base64.b64encode(b"\x89PNG picture").decode() in page
    for text in (
        "A &lt;map&gt;.",
        "airplane &lt;1&gt;",
        "Views of &lt;one&gt;.",
        "a note",
        "turntable",
        "61 s",
        "m=1.0",
    ):
        assert text in page
    assert 'srcdoc="&lt;script&gt;&quot;a&amp;b&quot;&lt;/script&gt;"' in page
    assert '<td>0.5</td><td>at least 0.99</td><td class="short">short</td>' in page
    assert '<td>0.001</td><td>at most 0.002</td><td class="reached">reached</td>' in page
    assert "<td>3</td><td>reported</td>" in page
    assert f"torch {torch.__version__}" in page


def test_the_page_shows_a_table_with_its_gaps(tmp_path: Path) -> None:
    table = {"columns": ["method", "trust"], "rows": [["PCA", 0.123456], ["t-SNE", None]]}
    write_page([Report("comparison", [], 1.0, tmp_path, {"table": table})], tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text()
    assert "<tr><td>PCA</td><td>0.1235</td></tr><tr><td>t-SNE</td><td></td></tr>" in page


def test_a_map_that_turns_is_whole_and_safe() -> None:
    page = rotatable_page(np.eye(3), {"</script>": [0, 1, 2], "azimuth": [0, 20, 40]}, cyclic=["azimuth"])
    assert page.count("</script>") == 1
    data = json.loads(re.search(r"const data = (.*);\n", page)[1])  # type: ignore[index]
    assert list(data["colourings"]) == ["</script>", "azimuth"]
    assert data["cyclic"] == ["azimuth"]
    np.testing.assert_allclose(np.linalg.norm(data["points"], axis=1).max(), 1, atol=1e-3)
