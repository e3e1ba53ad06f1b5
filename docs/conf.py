"""Settings of the site that `make docs` builds: sphinx, with the theme that users of the field's libraries know."""

from __future__ import annotations

import inspect
import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent)]
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small steps with two threads take ten times as long on a busy machine

from sphinx_gallery.sorting import ExplicitOrder  # noqa: E402
from tools import api_pages  # noqa: E402

import drlim  # noqa: E402

project = "drlim"
author = "The drlim developers"
project_copyright = author
version = release = drlim.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "short_names",
]
exclude_patterns = ["_build", "_templates", "gallery/**.ipynb", "gallery/**.py", "gallery/**.py.md5"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"(datetime|numpy|pandas|scipy|sklearn|torch)\..*"),  # other libraries: links to them need a network
    ("py:obj", r"drlim\._base\..*|drlim\.(training|encoders)\.[a-z_]+"),  # files that a docstring refers a developer to
    ("py:obj", r"knn_indices|PairSet.*|set_params|set_output|drlim\.deploy\..*"),  # inside, or scikit-learn's
]
runs_gallery = os.environ.get("DRLIM_DOCS_GALLERY", "True") == "True"
suppress_warnings = [
    "config.cache",  # the order of the gallery is a function, which no cache can hold
    *([] if runs_gallery else ["image.not_readable"]),  # pictures that the gallery makes
]
default_role = "py:obj"
primary_domain = "py"
highlight_language = "python"

# Pages in Markdown
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

# The API reference
autodoc_typehints = "none"  # the docstrings give types with shapes, units and ranges
autodoc_member_order = "bysource"
autosummary_generate = True
autosummary_ignore_module_all = False
numpydoc_show_class_members = False  # the template of a class lists its methods
numpydoc_xref_param_type = False
numpydoc_class_members_toctree = False

# The gallery: each file `plot_*.py` is run; the others are shown with pictures from files
sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"[\\/]plot_",
    "ignore_pattern": r"[\\/]_",
    "subsection_order": ExplicitOrder(
        [f"../examples/gallery/{name}" for name in ("data", "relations", "judging", "inside", "paper")]
    ),
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("drlim",),
    "abort_on_example_error": True,
    "parallel": True,  # in as many processes as sphinx is given by --jobs
    "only_warn_on_example_error": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 20,
    "matplotlib_animations": False,
    "image_scrapers": ("drawn_figures", "matplotlib"),  # in this order: the second closes the figures it has shown
    "reset_modules": ("matplotlib",),
    "plot_gallery": runs_gallery,
    "capture_repr": ("_repr_html_", "__repr__"),
    "nested_sections": False,
}

# The look
html_theme = "pydata_sphinx_theme"
html_title = "drlim"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_toc_level": 2,
    "navigation_depth": 3,
    "header_links_before_dropdown": 5,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}
html_sidebars = {"index": [], "about/changelog": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def _signature(
    _app: object, what: str, _name: str, value: object, _options: object, given: str, returned: str
) -> object:
    """Return the signature of a class whose methods are wrapped, which sphinx takes for that of the wrapper."""
    if what != "class" or not (given or "").startswith("(*args"):
        return given, returned
    whole = inspect.signature(value)  # type: ignore[arg-type]
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in whole.parameters.values()]
    return str(whole.replace(parameters=plain, return_annotation=inspect.Signature.empty)), returned


def _for_the_site(_app: object, _page: str, text: list[str]) -> None:
    """Take the blank line off the end of a block of code, which doctest needs there and a reader does not.

    Links to files of the repository that are pages of the site lead to these.
    """
    text[0] = re.sub(r"\n\n```$", "\n```", text[0], flags=re.MULTILINE)
    files = r"\]\((?:\.\./)+(SECURITY|CONTRIBUTING|CHANGELOG|RELEASING)\.md"
    text[0] = re.sub(files, lambda found: f"](/about/{found[1].lower()}.md", text[0])


def setup(app: object) -> None:
    """Write the pages of the API reference and of the command line before the sources are read."""
    app.connect("config-inited", lambda _app, _config: api_pages.write(DOCS / "api"))  # type: ignore[attr-defined]
    app.connect("autodoc-process-signature", _signature)  # type: ignore[attr-defined]
    app.connect("source-read", _for_the_site)  # type: ignore[attr-defined]
