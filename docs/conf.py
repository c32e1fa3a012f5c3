"""The pages of docs/ as a site: `pip install -c constraints.txt '.[docs]' && sphinx-build -W docs site`."""

# ruff: noqa: INP001 - Sphinx reads it as a file

from importlib.metadata import version as version_of
from typing import Any

project = "pellucid"
copyright = "the pellucid authors"
version = release = version_of("pellucid")
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
pygments_dark_style = "github-dark"  # the theme's own underlines imports as if they were links
html_title = f"pellucid {version}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = html_show_sphinx = False

AT_THE_ROOT = {
    "README.md": "docs/index.md",
    "README.zh-CN.md": "docs/index.zh-CN.md",
    "CHANGELOG.md": "docs/changelog.md",
    "CONTRIBUTING.md": "docs/contributing.md",
}
"""Pages at the repository's root, and those of the site that bring them in."""


def setup(app: Any) -> None:
    """Let pages at the root lead to each other on the site, too; say which pages are in Chinese."""
    app.connect("include-read", _lead_to_pages)
    app.connect("html-page-context", _tell_language)


def _lead_to_pages(_app: Any, _path: Any, _page: str, content: list[str]) -> None:
    for file, page in AT_THE_ROOT.items():
        content[0] = content[0].replace(f"]({file})", f"]({page})")


def _tell_language(_app: Any, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    if page.endswith(".zh-CN"):  # else browsers may take Japanese shapes of characters, and readers speak English
        context["language"] = "zh-CN"
