"""The page of data, held against the names that exist."""

from pathlib import Path

import pytest

from pellucid.data.named.archives import ARCHIVES
from pellucid.data.named.builtin import BUILTINS
from pellucid.data.named.catalogue import Entry

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "entry"), [*BUILTINS.items(), *ARCHIVES.items()], ids=lambda value: str(value)[:20])
def test_every_name_is_on_the_page_with_its_summary(name: str, entry: Entry) -> None:
    assert f"| `{name}` | {entry.summary} |" in PAGE
