"""The targets of a source as they were read, before it is known which rows train.

Shape letters: N rows, K target quantities or labels, M columns of stored targets.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.data import targets
from pellucid.data.dataset import Classes, Labels, Several, SplitName, Values
from pellucid.data.split import rare_classes_note

Answer = Classes | Values | Labels | Several
"""What rows can be learned to tell."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Targets as they were read.

    Attributes:
        stored: class indices int64 (N,); labels float32 (N, K); quantities float64 (N, K), in their own units; of
            several targets, nothing.
        names: of the quantities or labels; of classes, of the one target.
        known: the classes or labels; None of quantities, and of several targets.
        notes: what was read as what.
        parts: of several targets, each by the name of its head, in the order of `names`.
    """

    stored: Tensor
    names: tuple[str, ...]
    known: Classes | Labels | None
    notes: tuple[str, ...] = ()
    parts: Mapping[str, "Answers"] = field(default_factory=dict)

    @property
    def strata(self) -> Tensor | None:
        """The classes whose shares are to be the same in every split, (N,)."""
        return self.stored if isinstance(self.known, Classes) else None

    def fit(self, train: Tensor) -> tuple[Tensor, Answer]:
        """Return the targets as they are stored, quantities standardised on the training rows, and what they mean.

        Raises:
            DataError: a quantity is the same in all training rows.
        """
        if self.parts:
            fitted = {name: part.fit(train) for name, part in self.parts.items()}
            columns = [stored.reshape(len(stored), -1).float() for stored, _ in fitted.values()]
            return torch.cat(columns, 1), Several(
                {name: kind for name, (_, kind) in fitted.items() if not isinstance(kind, Several)}
            )
        if self.known is not None:
            return self.stored, self.known
        return targets.standardise(self.stored.numpy(), train, self.names)

    def rare(self, rows: Mapping[SplitName, Tensor]) -> tuple[str, ...]:
        """Return a note on classes that are not in every split."""
        if self.parts:
            return tuple(f"'{name}': {note}" for name, part in self.parts.items() for note in part.rare(rows))
        return rare_classes_note(self.stored, self.known.names, rows) if isinstance(self.known, Classes) else ()


def labels_of(stored_NK: Tensor, names: tuple[str, ...]) -> Answers:
    """Return zeros and ones, float32 (N, K), as labels."""
    average = float(stored_NK.sum(1).mean())
    note = f"task: which of {len(names)} labels apply, {average:.3g} of them on average"
    return Answers(stored_NK, names, Labels(names), (note,))


def several(parts: Mapping[str, Answers]) -> Answers:
    """Return several targets of the same rows as one answer, each under a name that a head of a network can have."""
    said = "; ".join(f"'{name}', {note.removeprefix('task: ')}" for name, part in parts.items() for note in part.notes)
    named: dict[str, Answers] = {}
    for name, part in parts.items():
        named[_identifier(name, named)] = part
    other = ", ".join(f"'{name}' {head}" for name, head in zip(parts, named, strict=True) if name != head)
    notes = (f"tasks: {said}", *([f"heads are called by plain words: {other}"] if other else []))
    return Answers(torch.empty(0), tuple(parts), None, notes, named)


def _identifier(name: str, taken: Container[str]) -> str:
    """Return a word that names a head in arrows, in Python and as a part of a module of torch."""
    word = re.sub(r"\W+", "_", name).strip("_") or "target"
    word = f"_{word}" if word[0].isdigit() else word
    while word in taken or iskeyword(word) or hasattr(nn.Module(), word):
        word += "_"
    return word


def side_by_side(stored: Tensor, answer: Answer) -> NDArray[np.generic]:
    """Return stored targets as numbers that can be compared: classes (N,) as they are, of several one-hot, (N, M)."""
    if not isinstance(answer, Several):
        return stored.numpy()
    columns = []
    for name, part in answer.parts.items():
        own = answer.of(name, stored)
        columns.append(F.one_hot(own, len(part.names)).float() if isinstance(part, Classes) else own)
    return torch.cat(columns, 1).numpy()
