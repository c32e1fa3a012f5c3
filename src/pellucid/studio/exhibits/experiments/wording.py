"""The experiments' own texts, which are English, in Chinese: methods, statements, quantities, notes, drawings."""

import functools
import json
import re
from collections.abc import Iterable
from pathlib import Path

FILE = Path(__file__).parent / "chinese.json"


def labels(drawing: str) -> list[str]:
    """Return the texts in an SVG."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", drawing)


@functools.cache
def _chinese() -> dict[str, str]:
    known: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return known


def in_chinese(texts: Iterable[str]) -> dict[str, str]:
    """Return those texts of which there is a translation, with it."""
    return {text: _chinese()[text] for text in texts if text in _chinese()}
