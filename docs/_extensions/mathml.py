"""Equations as MathML, which browsers draw by themselves: no script, no network, and readers for the blind can say it.

The translation from LaTeX is that of docutils, which sphinx needs anyway. Sphinx's own renderers load a script from
another server, or need an installation of LaTeX.
"""

from __future__ import annotations

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml


def _translated(node: object, *, as_block: bool) -> str:
    try:
        text: str = tex2mathml(node.astext(), as_block=as_block)  # type: ignore[attr-defined]
    except MathError as error:
        raise ValueError(f"an equation that docutils cannot read: {node.astext()}: {error}") from error  # type: ignore[attr-defined]
    return text


def _inline(self: object, node: object) -> None:
    from docutils.nodes import SkipNode

    self.body.append(_translated(node, as_block=False))  # type: ignore[attr-defined]
    raise SkipNode


def _block(self: object, node: object) -> None:
    from docutils.nodes import SkipNode

    text = _translated(node, as_block=True)
    self.body.append(f'<div class="equation">{text}</div>\n')  # type: ignore[attr-defined]
    raise SkipNode


def setup(app: object) -> dict[str, bool]:
    """Register the renderer; it is the only one beside those that sphinx loads when asked."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))  # type: ignore[attr-defined]
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True}
