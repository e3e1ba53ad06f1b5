"""Links of names in docstrings that are written as a reader of the code says them: `DrLIM`, `transform`, `knn_graph`.

Sphinx looks for a name in the module and class where it is written. A name that it does not find there is looked for in
the package, then as a method or attribute of the estimators.
"""

from __future__ import annotations

import drlim

_MODULES = [f"drlim.{name}" for name, home in drlim._HOME.items() if not home]

_HOMES = ("drlim", "drlim.NeighborMap", "drlim.DrLIM", *_MODULES)
"""Where a name is looked for, in this order."""


def _candidates(target: str) -> list[str]:
    """Return full names that a short name may stand for."""
    last = target.rsplit(".", 1)[-1]
    found = [f"{home}.{target}" for home in _HOMES]
    found += [f"drlim.{last}"] if target.startswith("drlim.") else []
    return found + (["drlim.DrLIM"] if target.endswith("_") else [])


def _resolve(app: object, env: object, node: object, contnode: object) -> object:
    """Return a link to the first candidate that has a page, or None."""
    if node.get("refdomain") != "py" or node.get("reftype") not in ("obj", "func", "class", "mod"):  # type: ignore[attr-defined]
        return None
    domain = env.domains["py"]  # type: ignore[attr-defined]
    for name in _candidates(node["reftarget"]):  # type: ignore[index]
        if name in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, contnode)  # type: ignore[attr-defined, index]
    return None


def setup(app: object) -> dict[str, bool]:
    """Ask here for names that sphinx has not found."""
    app.connect("missing-reference", _resolve)  # type: ignore[attr-defined]
    return {"parallel_read_safe": True}
