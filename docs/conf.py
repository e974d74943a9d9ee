"""How Sphinx builds these pages: `python -m sphinx -W --keep-going -b html docs build/docs`, without the internet."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import from_code

import posecut_core

project = "PoseCut"
author = "The PoseCut developers"
copyright = f"2026, {author}"
version = release = posecut_core.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["build", "examples"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes_action = "qe"  # no dashes: `--frames` stays what one types
default_role = "code"  # `name` in a docstring
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",  # made anew by each build
    "abort_on_example_error": True,  # they are tests, so
    "run_stale_examples": True,  # they run also where only the code has changed
    "download_all_examples": False,
    "write_computation_times": False,
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "PoseCut"
html_static_path = ["static"]
html_css_files = ["posecut.css"]
html_sidebars = {"design": [], "limits": []}  # pages of no section have nothing to navigate
html_show_sourcelink = False
html_theme_options = {
    "github_url": "https://github.com/posecut/posecut",
    "show_toc_level": 2,
    "navigation_with_keys": False,
}


def setup(app) -> None:
    """Fill in what is made from the code before a page is parsed."""
    app.connect("source-read", lambda _, __, source: source.__setitem__(0, from_code.filled_in(source[0])))
