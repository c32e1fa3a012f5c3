"""A folder of text files to tell the lines of one from those of another: names by language, sentences by mood.

Shape letters: N samples, B batch, T tokens of a sample.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, Preprocessing, Samples, Source
from pellucid.data.split import rare_classes_note, ratios, split_rows
from pellucid.data.texts.tokens import PADDING, UNKNOWN, Vocabulary, cut, file_named, read_text, smallest_type
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Tokens


@dataclass(frozen=True, slots=True)
class TextLinesPreprocessing(Preprocessing):
    """Short texts to the numbers of their tokens, padded on the left so that the last step is always the last token.

    Attributes:
        vocabulary: fitted on the training texts; token 0 is the padding, token 1 the unknown one.
        length: tokens of every sample; longer texts are cut after so many.
        classes: names of the classes, to recognise files of lines by class in new data.
    """

    kind: ClassVar[str] = "text-lines"

    vocabulary: Vocabulary
    length: int
    classes: tuple[str, ...]

    def read(self, source: object) -> Samples:
        """Read new texts.

        Args:
            source: a text, a list of texts, a file with a text a line, or a folder of files named by the classes.

        Raises:
            DataError: none of these, or nothing in it.
        """
        path = file_named(source)
        folder = _folder_named(source)
        targets = None
        notes: tuple[str, ...] = ()
        if path is not None:
            lines, notes = _read_lines(path)
        elif folder is not None:
            lines, labels, classes, notes = _read_folder(folder)
            unknown = sorted(set(classes) - set(self.classes))
            if unknown:
                raise DataError(
                    f"{folder} has files of unknown classes",
                    expected="files named " + ", ".join(f"{name}.txt" for name in self.classes),
                    received=", ".join(f"{name}.txt" for name in unknown),
                )
            targets = torch.tensor([self.classes.index(classes[label]) for label in labels])
        elif isinstance(source, str):
            lines = [source]
        elif isinstance(source, list | tuple) and all(isinstance(line, str) for line in source):
            lines = list(source)
        else:
            raise DataError(
                "these are no texts",
                expected="a text, a list of texts, a text file or a folder of text files",
                received=type(source).__name__,
            )
        empty = [number for number, line in enumerate(lines, 1) if not cut(line, self.vocabulary.level)]
        if empty or not lines:
            what = f"text {empty[0]} of {len(lines)} is empty" if empty else "there are no texts"
            raise DataError(what, expected=f"texts of at least one {self.vocabulary.level}")
        return Samples(_padded(lines, self.vocabulary, self.length), lines, targets, notes)

    def prepare(self, stored: Tensor) -> Tensor:
        """Return int64 (B, T)."""
        return stored.to(torch.int64)

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {"vocabulary": self.vocabulary.to_json(), "length": self.length, "classes": list(self.classes)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TextLinesPreprocessing":
        """Return what `to_json` described."""
        return cls(Vocabulary.from_json(document["vocabulary"]), document["length"], tuple(document["classes"]))


def load_texts(folder: Path, options: DataOptions, *, name: str | None = None) -> Dataset:
    """Load a folder of text files, one file a class, one line a sample.

    Equal lines stay in one split, so that no figure is measured on a line that was trained on, unless `duplicates`
    asks for what most published figures are measured on: lines drawn one by one.

    Args:
        folder: of `<class>.txt` files.
        options: `length` (tokens at most), `level`, `split`, `duplicates`.
        name: of the data set (default: the folder's).

    Raises:
        DataError: fewer than two files with lines.
    """
    lines, labels, classes, notes = _read_folder(folder)
    if len(classes) < 2:
        raise DataError(
            f"{folder} has {len(classes)} text files with lines in them",
            expected="at least two, one a class, one line a sample",
            advice="to learn from one text, give the file instead of the folder",
        )
    first_of_line: dict[str, int] = {}
    groups = torch.tensor([first_of_line.setdefault(line, row) for row, line in enumerate(lines)])
    labels_N = torch.tensor(labels)
    wanted = sum(share > 0 for share in ratios(options.split, len(lines)))
    together = options.duplicates == "together"
    if together and len(first_of_line) < wanted:
        raise DataError(
            f"{folder} has too few different lines to split: equal lines stay in one split",
            expected=f"at least {wanted} different lines",
            received=f"{len(first_of_line)} different ones of {len(lines)}",
        )
    repeated = len(first_of_line) < len(lines)
    rows = split_rows(len(lines), options, labels=labels_N, groups=groups if repeated and together else None)
    vocabulary = Vocabulary.fit((lines[row] for row in rows["train"].tolist()), options.level, (PADDING, UNKNOWN))
    longest = max(len(cut(line, options.level)) for line in lines)
    length = min(longest, options.length)
    too_long = sum(len(cut(line, options.level)) > length for line in lines)
    if too_long:
        notes += (f"cut: {too_long:,} lines are longer than {length} {options.level}s (--length chooses another)",)
    notes += _repeated_note(lines, labels, together=together) + rare_classes_note(labels_N, classes, rows)
    return Dataset(
        name=name or folder.resolve().name,
        source=Source("texts", str(folder.resolve()), _hash_of(lines, labels, classes)),
        inputs=_padded(lines, vocabulary, length),
        targets=labels_N,
        rows=rows,
        input_shape=Tokens(len(vocabulary)),
        target=Classes(tuple(classes)),
        preprocessing=TextLinesPreprocessing(vocabulary, length, tuple(classes)),
        notes=notes,
    )


def _padded(lines: Sequence[str], vocabulary: Vocabulary, length: int) -> Tensor:
    """Return the first `length` tokens of each line, right-aligned, in the smallest type, (N, T)."""
    encoded = [vocabulary.encode(line)[:length] for line in lines]
    lengths_N1 = torch.tensor([len(one) for one in encoded])[:, None]
    stored_NT = torch.zeros(len(lines), length, dtype=smallest_type(vocabulary))
    stored_NT[torch.arange(length) >= length - lengths_N1] = torch.cat(encoded).to(stored_NT.dtype)
    return stored_NT


def _read_folder(folder: Path) -> tuple[list[str], list[int], list[str], tuple[str, ...]]:
    """Return the lines of a folder's .txt files, the class of each, the classes' names, and notes."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder", expected="a folder of .txt files, one a class")
    lines: list[str] = []
    labels: list[int] = []
    classes: list[str] = []
    notes: tuple[str, ...] = ()
    for path in sorted(folder.glob("*.txt")):
        of_class, file_notes = _read_lines(path)
        notes += file_notes
        if of_class:
            labels += [len(classes)] * len(of_class)
            lines += of_class
            classes.append(path.stem)
        else:
            notes += (f"left out: {path.name} has no lines",)
    return lines, labels, classes, notes


def _read_lines(path: Path) -> tuple[list[str], tuple[str, ...]]:
    content, notes = read_text(path)
    return [line.strip() for line in content.split("\n") if line.strip()], notes


def _repeated_note(lines: Sequence[str], labels: Sequence[int], *, together: bool) -> tuple[str, ...]:
    counts = Counter(lines)
    if len(counts) == len(lines):
        return ()
    classes_of_line = Counter(line for line, _ in set(zip(lines, labels, strict=True)))
    again = len(lines) - len(counts)
    conflicting = sum(count for line, count in counts.items() if classes_of_line[line] > 1)
    kept = "equal lines are kept in one split" if together else "lines of the test split may be trained on, as asked"
    note = f"duplicates: {again:,} of {len(lines):,} lines repeat another; {kept}"
    if conflicting:
        note += f"; {conflicting:,} lines stand under several classes, which nothing can tell apart"
    return (note,)


def _hash_of(lines: Sequence[str], labels: Sequence[int], classes: Sequence[str]) -> str:
    digest = hashlib.sha256(repr((labels, classes)).encode())
    digest.update("\n".join(lines).encode())
    return digest.hexdigest()


def _folder_named(source: object) -> Path | None:
    """Return the path if the source is a folder; a text counts as its name only if it holds .txt files."""
    if not isinstance(source, str | Path):
        return None
    path = Path(source)
    try:
        is_meant = path.is_dir() and (isinstance(source, Path) or any(path.glob("*.txt")))
    except (OSError, ValueError):  # a text that cannot be a path
        return None
    return path if is_meant else None
