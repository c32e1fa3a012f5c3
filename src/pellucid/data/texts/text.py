"""A text to predict the next token of, in windows that lie side by side.

Shape letters: N samples, B batch, T tokens of a sample.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.data import fingerprint
from pellucid.data.dataset import Dataset, NextToken, Preprocessing, Samples, Source
from pellucid.data.split import split_rows
from pellucid.data.texts.lines import TextLinesPreprocessing, load_texts
from pellucid.data.texts.tokens import UNKNOWN, Vocabulary, cut, file_named, read_text
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Tokens

__all__ = ["TextLinesPreprocessing", "TextPreprocessing", "from_text", "load_text", "load_texts"]

# Every token is a prediction, but neighbours say nearly the same: a share is needed that independent rows would not
_BY_SIZE = ((100_000, "90:5:5"), (20_000, "80:10:10"), (0, "60:20:20"))


@dataclass(frozen=True, slots=True)
class TextPreprocessing(Preprocessing):
    """A text to the numbers of its tokens, in windows of `length`.

    Attributes:
        vocabulary: fitted on the training part.
        length: tokens in a window.
    """

    kind: ClassVar[str] = "text"

    vocabulary: Vocabulary
    length: int

    def encode(self, text: str) -> Tensor:
        """Return a prompt's tokens, int64 (T,)."""
        return self.vocabulary.encode(text)

    def decode(self, numbers_T: Tensor | Sequence[int]) -> str:
        """Return the text of generated tokens."""
        return self.vocabulary.decode(numbers_T)

    def read(self, source: object) -> Samples:
        """Read a prompt, or a text file to be measured on.

        Args:
            source: a text, which becomes one row of all its tokens (1, T) without targets; or a file (a path, or a
                text that is the name of one), which becomes windows (N, T) with the tokens that follow as targets.

        Raises:
            DataError: neither, or empty.
        """
        path = file_named(source)
        if path is None:
            if not isinstance(source, str):
                raise DataError("this is no text", expected="a text or a text file", received=type(source).__name__)
            prompt_T = self.encode(source)
            if not len(prompt_T):
                raise DataError("the text is empty", expected=f"at least one {self.vocabulary.level}")
            return Samples(prompt_T[None], ["text"])
        content, notes = read_text(path)
        stream = self.encode(content)
        if len(stream) < 2:
            raise DataError(f"{path} is too short", expected="at least two tokens", received=str(len(stream)))
        inputs_NT, targets_NT = _windows(stream, min(self.length, len(stream) - 1))
        return Samples(inputs_NT, [f"{path.name} {number}" for number in range(len(inputs_NT))], targets_NT, notes)

    def prepare(self, stored: Tensor) -> Tensor:
        """Return int64 (B, T)."""
        return stored.to(torch.int64)

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {"vocabulary": self.vocabulary.to_json(), "length": self.length}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TextPreprocessing":
        """Return what `to_json` described."""
        return cls(Vocabulary.from_json(document["vocabulary"]), document["length"])


def load_text(path: Path, options: DataOptions, *, name: str | None = None) -> Dataset:
    """Load one text file to learn which token follows.

    Args:
        path: the file.
        options: `length` (tokens in a window), `level`, `split`; `test` names a file to test on.
        name: of the data set (default: the file's).

    Raises:
        DataError: not a text, or too short.
    """
    content, notes = read_text(path)
    if not content.strip():
        raise DataError(
            f"{path.name} is empty", expected="a text", received="nothing but spaces" if content else "no text"
        )
    test = None
    if options.test is not None:
        test, test_notes = read_text(Path(options.test))
        notes += test_notes
    source = Source("text", str(path.resolve()), fingerprint.of_file(path))
    return from_text(name or path.stem, content, options, source, test=test, notes=notes)


def from_text(
    name: str,
    content: str,
    options: DataOptions,
    source: Source,
    *,
    test: str | None = None,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Return the data set of a text: windows of `options.length` tokens, each with the tokens that follow as targets.

    The windows lie side by side: one epoch reads the text once. The first part trains, the next validates, the last
    tests (unless `test` is a text of its own), and only the first part says which tokens there are. The default
    ratio goes by tokens, not windows: 60:20:20, from 20,000 tokens 80:10:10, from 100,000 tokens 90:5:5.

    Raises:
        DataError: too short for three windows.
    """
    length = options.length
    tokens = cut(content, options.level)
    count = max(0, (len(tokens) - 1) // length)
    test_count = 0 if test is None else max(0, (len(cut(test, options.level)) - 1) // length)
    if count < 3 or (test is not None and test_count < 1):
        raise DataError(
            f"the text is too short for windows of {length} {options.level}s",
            expected=f"at least {3 * length + 1:,} {options.level}s (a test text: {length + 1:,})",
            received=f"{len(tokens):,}" if count < 3 else "a shorter test text",
            advice="give more text, or shorter windows with --length",
        )
    test_rows = torch.arange(count, count + test_count) if test_count else None
    times = torch.arange(count + test_count)
    if options.split is None:
        by_size = next(ratio for least, ratio in _BY_SIZE if len(tokens) >= least)
        options = dataclasses.replace(options, split=by_size)
    rows = split_rows(count + test_count, options, times=times, test_rows=test_rows)
    seen = len(rows["train"]) * length + 1
    training = content[:seen] if options.level == "character" else " ".join(tokens[:seen])
    vocabulary = Vocabulary.fit([training], options.level)
    inputs_NT, targets_NT = _windows(vocabulary.encode(content), length)
    if test is not None:
        test_inputs_NT, test_targets_NT = _windows(vocabulary.encode(test), length)
        inputs_NT, targets_NT = torch.cat([inputs_NT, test_inputs_NT]), torch.cat([targets_NT, test_targets_NT])
    unknown_share = float((targets_NT[rows["train"]] == vocabulary.tokens.index(UNKNOWN)).double().mean())
    if unknown_share > 0:
        notes += (f"vocabulary: {len(vocabulary):,} tokens; {unknown_share:.1%} of the training text is none of them",)
    return Dataset(
        name=name,
        source=source,
        inputs=inputs_NT,
        targets=targets_NT,
        rows=rows,
        input_shape=Tokens(len(vocabulary)),
        target=NextToken(vocabulary.tokens),
        preprocessing=TextPreprocessing(vocabulary, length),
        notes=notes,
    )


def _windows(stream: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Return the windows of a stream and what follows each token, (N, T) both: views of one stream, nothing is copied.

    The stream is int64 because targets are; a smaller type for the inputs would need a second copy, not less memory.
    """
    return stream[:-1].unfold(0, length, length), stream[1:].unfold(0, length, length)
