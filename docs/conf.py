"""How the documentation site is built: ``nox -s docs``. What a page shows is made here, nothing is fetched."""

from __future__ import annotations

import sys
from pathlib import Path

from dirac_failover import __version__

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

project = "dirac-failover"
version = release = __version__
copyright = "its contributors"  # noqa: A001 - Sphinx calls it so
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "blocks",
    "contract",
    "generated",
    "timelines",
]
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # an option, a dash and a quote are what they are
# Types of the standard library and of others have no page here; every name of ours must have one.
nitpick_ignore_regex = [(r"py:.*", r"(?!dirac_failover\.|dirac_fakes\.).*")]
nitpick_ignore = [
    ("py:class", f"dirac_failover.{place}.T") for place in ("conformance.results", "conformance.workers", "spec.shape")
]  # type variables

suppress_warnings = ["ref.python"]  # several classes are named Step, each in its own module

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "dirac-failover"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
