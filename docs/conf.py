"""How Sphinx makes the site: `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extension"))

project = "headstart"
copyright = "the headstart authors, Apache-2.0"
extensions = ["myst_parser", "catalogue"]
exclude_patterns = ["_build", "extension"]
source_suffix = {".md": "markdown"}
language = "en"
html_theme = "furo"
html_title = "headstart"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block", "colon_fence"]
