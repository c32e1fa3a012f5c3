"""Texts to a network's input as in training. Needs torch, not pellucid.

    names, inputs = read("Which class is this?", json.loads(Path("preprocessing.json").read_text())["input"])

Reads a text, a list of texts, or a `.txt` file with a text a line; for a network that goes on with a text (kind
`text`) one text, the whole of the file. Shape letters: N texts, T tokens.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

UNKNOWN, PADDING = "<unknown>", "<padding>"
WORDS = re.compile(r"\n|\w+(?:['’-]\w+)*|[^\w\s]")


def read(source: str | Path | Sequence[str], description: Mapping[str, Any]) -> tuple[list[str], torch.Tensor]:
    """Return each text and the numbers of its tokens, int64 (N, T): padded on the left, cut after `length`."""
    texts = _texts(source, lines=description["kind"] == "text-lines")
    encoded = [encode(text, description["vocabulary"]) for text in texts]
    if description["kind"] == "text":
        return texts, torch.tensor(encoded)
    length = description["length"]
    inputs = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, numbers in enumerate(encoded):
        kept = numbers[:length]
        inputs[row, length - len(kept) :] = torch.tensor(kept)
    return texts, inputs


def encode(text: str, vocabulary: Mapping[str, Any]) -> list[int]:
    """Return the numbers of a text's characters or words; what training did not know is the unknown token."""
    numbers = {token: number for number, token in enumerate(vocabulary["tokens"])}
    unknown = numbers.pop(UNKNOWN)
    numbers.pop(PADDING, None)
    tokens = text if vocabulary["level"] == "character" else WORDS.findall(text)
    return [numbers.get(token, unknown) for token in tokens]


def decode(numbers: Sequence[int], vocabulary: Mapping[str, Any]) -> str:
    """Return the text of tokens."""
    tokens = [vocabulary["tokens"][number] for number in numbers]
    return ("" if vocabulary["level"] == "character" else " ").join(tokens)


def _texts(source: Any, *, lines: bool) -> list[str]:
    if not isinstance(source, str | Path):
        return list(source)
    text = str(source)
    if len(text) < 1024 and "\n" not in text and Path(text).is_file():
        text = Path(text).read_text(encoding="utf-8-sig")
        return [line.strip() for line in text.split("\n") if line.strip()] if lines else [text]
    return [text]
