"""Texts to a network's input as in training. Needs torch, not pellucid.

    names, inputs = read("Which class is this?", json.loads(Path("preprocessing.json").read_text())["input"])

Reads a text, a list of texts, a `.txt` file with a text a line, or a folder of such files; for a network that goes on
with a text (kind `text`) one text, or the whole of a file. Shape letters: N texts, T tokens.
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
    if not encoded or not all(encoded):
        raise ValueError("there is no text, or an empty one")
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
        return list(source) if lines else ["".join(source)]
    if not 0 < len(str(source)) < 1024 or "\n" in str(source) or not Path(source).exists():
        return [str(source)]
    path = Path(source)
    contents = [text_of(file) for file in (sorted(path.glob("*.txt")) if path.is_dir() else [path])]
    return [line.strip() for text in contents for line in text.split("\n") if line.strip()] if lines else contents


def text_of(path: Path) -> str:
    """Return a file's text whatever it is written in, its line breaks as a single sign."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
