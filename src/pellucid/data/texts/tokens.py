"""Text as tokens: reading a text file, cutting it into characters or words, and numbering these by a vocabulary.

Shape letters: T tokens, N texts.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.data.paths import missing, naming, require_file
from pellucid.errors import DataError

Level = Literal["character", "word"]

ENDINGS = (".txt", ".md", ".text")

UNKNOWN = "<unknown>"
PADDING = "<padding>"

# a line break, a word with its inner apostrophes and hyphens, or one sign
_WORDS = re.compile(r"\n|\w+(?:['’-]\w+)*|[^\w\s]")
_NO_SPACE_BEFORE = re.compile(r" ([.,;:!?)\]}…])")
_NO_SPACE_AFTER = re.compile(r"([(\[{]) ")
_SPACES_AT_BREAK = re.compile(r" ?\n ?")
_MOST_WORDS = 20_000
_LONGEST_FILE_NAME = 1024


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens a network knows, numbered from 0; anything else is the unknown token.

    Attributes:
        level: what a token is.
        tokens: all tokens in the order of their numbers, special ones first.
    """

    level: Level
    tokens: tuple[str, ...]

    @classmethod
    def fit(cls, texts: Iterable[str], level: Level, special: Sequence[str] = (UNKNOWN,)) -> "Vocabulary":
        """Number the tokens of training texts.

        Characters are numbered in Unicode's order. Words are numbered from the most frequent; a word that occurs once
        is left out (so that the unknown token occurs in training, too), as are words beyond the 20,000 most frequent.
        """
        if level == "character":
            return cls(level, (*special, *sorted(set().union(*texts))))
        counts = Counter(word for text in texts for word in cut(text, level))
        frequent = sorted((word for word, count in counts.items() if count > 1), key=lambda word: (-counts[word], word))
        return cls(level, (*special, *frequent[:_MOST_WORDS]))

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def special(self) -> int:
        """How many of the first tokens stand for no text of their own."""
        return sum(token in (UNKNOWN, PADDING) for token in self.tokens[:2])

    def encode(self, text: str) -> Tensor:
        """Return the numbers of a text's tokens, int64 (T,)."""
        unknown = self.tokens.index(UNKNOWN)
        if self.level == "word":
            numbers = {token: number for number, token in enumerate(self.tokens)}
            return torch.tensor([numbers.get(word, unknown) for word in cut(text, "word")], dtype=torch.int64)
        known = _codes("".join(self.tokens[self.special :]))
        codes_T = _codes(text)
        if not len(known):
            return torch.full((len(codes_T),), unknown)
        # characters are numbered in their own order, so their number is their place among the known ones
        places_T = np.searchsorted(known, codes_T).clip(max=len(known) - 1)
        numbers_T = np.where(known[places_T] == codes_T, places_T + self.special, unknown)
        return torch.from_numpy(numbers_T.astype(np.int64))

    def decode(self, numbers_T: Tensor | Sequence[int]) -> str:
        """Return the text of tokens; the unknown token is written `�`, padding is left out.

        Raises:
            DataError: a number that is no token's.
        """
        numbers = numbers_T.tolist() if isinstance(numbers_T, Tensor) else list(numbers_T)
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(self.tokens):
            raise DataError(
                "a number is no token's",
                expected=f"0 to {len(self.tokens) - 1}",
                received=f"{min(numbers)} to {max(numbers)}",
            )
        written = {UNKNOWN: "�", PADDING: ""}
        words = [written.get(self.tokens[number], self.tokens[number]) for number in numbers]
        return "".join(words) if self.level == "character" else _join([word for word in words if word])

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {"level": self.level, "tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Vocabulary":
        """Return what `to_json` described."""
        return cls(document["level"], tuple(document["tokens"]))


def cut(text: str, level: Level) -> Sequence[str]:
    """Return a text's tokens.

    >>> cut("Don't stop (now).", "word")
    ["Don't", 'stop', '(', 'now', ')', '.']
    """
    return text if level == "character" else _WORDS.findall(text)


def smallest_type(vocabulary: Vocabulary) -> torch.dtype:
    """Return the smallest integer type that holds every token's number."""
    return next(
        dtype for dtype in (torch.uint8, torch.int16, torch.int32) if len(vocabulary) <= torch.iinfo(dtype).max + 1
    )


def file_named(source: object) -> Path | None:
    """Return the path if the source is a file's, or the name of one; any other text stays a text.

    Raises:
        DataError: a single word that ends as a text file's name does, where no such file is: a name mistyped.
    """
    if isinstance(source, Path):
        return None if source.is_dir() else source
    if isinstance(source, str) and 0 < len(source) <= _LONGEST_FILE_NAME and "\n" not in source and "\0" not in source:
        with contextlib.suppress(OSError):  # a name longer than the file system allows
            if Path(source).is_file():
                return Path(source)
            if source.endswith(ENDINGS) and not any(map(str.isspace, source)):
                raise missing(Path(source), "a text, or a text file")
    return None


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    r"""Return a file's text, line breaks as `\n`, and a note if it is not UTF-8.

    Raises:
        DataError: not there, or not a text.
    """
    require_file(path, "a text file, UTF-8")
    with naming(path):
        content = path.read_bytes()
    notes: tuple[str, ...] = ()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
        if "\ufffd" in text:
            notes = (f"encoding: {path.name} says it is UTF-16, but some of its bytes are not: they became �",)
    elif b"\0" in content:
        raise DataError(f"{path} is not a text", expected="a text file, UTF-8", received="zero bytes")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            text = content.decode("cp1252", errors="replace")
            notes = (f"encoding: {path.name} is not UTF-8 (byte {error.start:,}); read as Windows-1252",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)


def _join(words: Sequence[str]) -> str:
    text = _SPACES_AT_BREAK.sub("\n", " ".join(words))
    return _NO_SPACE_AFTER.sub(r"\1", _NO_SPACE_BEFORE.sub(r"\1", text))
