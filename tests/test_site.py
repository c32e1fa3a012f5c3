"""The documentation as a site: it builds without a warning, every page is in it, and it asks nothing of other hosts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_holds_every_page(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the site needs the extra `docs`")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [*command, str(DOCS), str(tmp_path / "site")],
        env=os.environ | {"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {page.relative_to(DOCS).with_suffix("") for page in DOCS.rglob("*.md")}
    built = {page.relative_to(tmp_path / "site").with_suffix("") for page in (tmp_path / "site").rglob("*.html")}
    assert pages <= built
    for page in pages:
        text = (tmp_path / "site" / page.with_suffix(page.suffix + ".html")).read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:script|img|iframe)[^>]* src=\"([^\"]+)\"|<link[^>]*stylesheet[^>]* href=\"([^\"]+)\"", text
        )
        assert not [address for pair in loaded for address in pair if re.match(r"(https?:)?//", address)]
