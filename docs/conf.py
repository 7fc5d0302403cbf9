"""The documentation site, for Sphinx: make docs."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from vaultrelay import __version__  # noqa: E402  needs the path above

project = "VaultMesh relay"
author = "The VaultMesh relay contributors"
copyright = author
version = release = __version__

extensions = ["sphinx.ext.autodoc", "plain_links", "relay_reference"]
exclude_patterns = ["_ext"]
default_role = "code"
highlight_language = "text"
smartquotes = False
pygments_style = "default"
nitpicky = True
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(twisted|ssl|pathlib|collections|IReactorTime|IStreamClientEndpoint|vaultrelay)\b.*",
    ),
]
linkcheck_anchors = False
linkcheck_ignore = [
    # Names of examples.
    r"https?://(localhost|127\.0\.0\.1|10\.|[^/]*example\.org)",
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1d5fa8", "color-brand-content": "#1d5fa8"},
    "dark_css_variables": {"color-brand-primary": "#7db4f0", "color-brand-content": "#7db4f0"},
}
