"""The experiments' own texts, which are English, in Chinese: methods, statements, quantities and notes."""

import functools
import json
from collections.abc import Iterable
from pathlib import Path

FILE = Path(__file__).parent / "chinese.json"


@functools.cache
def _chinese() -> dict[str, str]:
    known: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return known


def in_chinese(texts: Iterable[str]) -> dict[str, str]:
    """Return those texts of which there is a translation, with it."""
    return {text: _chinese()[text] for text in texts if text in _chinese()}
