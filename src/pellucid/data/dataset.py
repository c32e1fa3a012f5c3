"""What every source becomes: stored tensors, rows for each split, and what must happen to an input.

Shape letters: N samples, B batch, C channels, H height, W width, T time, F features, K targets, M their columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import polars as pl
from torch import Tensor

from pellucid.data import spread
from pellucid.errors import DataError
from pellucid.recipe import TaskName
from pellucid.shapes import Shape

SplitName = Literal["train", "validation", "test"]

WITHOUT_TARGET: frozenset[TaskName] = frozenset({"reconstruction", "generation", "recall"})
"""The tasks that are learned from the inputs alone."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where data came from, for run.json: enough to find it again and to notice that it changed."""

    kind: str
    location: str
    sha256: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Classes:
    """The target is one of several classes: int64 (N,), an index into `names`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """The target is one or more numbers: float32 (N, K), stored as (value - mean) / scale."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def restore(self, standardised_NK: Tensor) -> Tensor:
        """Return the values in the target's own units: standardised * scale + mean."""
        values_NK = standardised_NK.to(spread.precision(self.mean, self.scale))
        return values_NK * values_NK.new_tensor(self.scale) + values_NK.new_tensor(self.mean)


@dataclass(frozen=True, slots=True)
class Labels:
    """Each of several labels applies or does not, whatever the others do: float32 (N, K), 1 where it applies."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """Several targets of one input, each learned by an output of its own: their columns side by side, float32 (N, M).

    A class is one column, its index as a whole number; values and labels are as many columns as they have names.

    Attributes:
        parts: the targets by name, a Python identifier; a network's output has a tensor of the same name for each.
    """

    parts: Mapping[str, "Classes | Values | Labels"]

    def of(self, name: str, stored_NM: Tensor) -> Tensor:
        """Return one target's columns in the form that it has by itself."""
        end = 0
        for each, part in self.parts.items():
            start, end = end, end + (1 if isinstance(part, Classes) else len(part.names))
            if each == name:
                return stored_NM[:, start].long() if isinstance(part, Classes) else stored_NM[:, start:end]
        raise KeyError(name)

    def part(self, name: str, data: "Dataset") -> "Dataset":
        """Return the data with one of its targets alone."""
        return replace(data, targets=self.of(name, data.targets), target=self.parts[name])


@dataclass(frozen=True, slots=True)
class NextToken:
    """The target at each step is the token that follows: int64 (N, T), an index into `vocabulary`."""

    vocabulary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Masks:
    """The target is a class for every pixel: uint8 (N, H, W), in a batch int64, an index into `names`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Itself:
    """No target beside the input, which is to be reconstructed, generated or recalled: float32 (N, 0)."""

    purpose: TaskName


Target = Classes | Values | Labels | Several | NextToken | Masks | Itself


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs read by a fitted `Preprocessing`: stored tensors, one name a row, targets where the source has them."""

    inputs: Tensor
    names: Sequence[str]
    targets: Tensor | None = None
    notes: tuple[str, ...] = ()


class Preprocessing(ABC):
    """How a user's input becomes the network's; fitted on the training split, kept with the run as plain JSON.

    Two steps, so that what is large can stay as it is on disk: `read` turns a source into the stored form (done
    once), `prepare` turns a batch of the stored form into the network's input (done every batch).
    """

    kind: ClassVar[str]

    @abstractmethod
    def read(self, source: object) -> Samples:
        """Read new data of the same make: a path, a frame, an array, or what else the kind knows.

        Raises:
            DataError: the source is not of the make this was fitted on.
        """

    @abstractmethod
    def prepare(self, stored: Tensor) -> Tensor:
        """Return the network's input for a batch of the stored form, on the same device."""

    def restore(self, prepared: Tensor) -> Tensor | pl.DataFrame:
        """Return what a person would recognise of prepared inputs, or of numbers that a network made to be like them.

        The inverse of `prepare`: the stored form, or for a table, whose stored form is prepared already, its columns
        in their own units.

        Raises:
            DataError: this kind of input cannot be had back.
        """
        raise DataError(
            f"inputs of kind {self.kind} cannot be had back from what a network is given of them",
            expected="images, rows of a table, or arrays",
            received=f"{self.kind}, {tuple(prepared.shape)}",
            advice="reconstruct or generate images, tables or arrays",
        )

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return all that `from_json` needs, without `kind`."""

    @classmethod
    @abstractmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Preprocessing":
        """Return what `to_json` described."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples ready to train on.

    Attributes:
        name: what a run is named after.
        source: where it came from.
        inputs: stored inputs (N, ...), in memory or memory-mapped; `preprocessing.prepare` makes them the network's.
        targets: stored targets, as `target` describes.
        rows: for each split the row numbers (int64) it holds.
        input_shape: shape of one prepared input.
        target: what is predicted.
        preprocessing: fitted on the training rows.
        notes: what the user should know of how the source was read (columns left out, missing values, duplicates).
    """

    name: str
    source: Source
    inputs: Tensor
    targets: Tensor
    rows: Mapping[SplitName, Tensor]
    input_shape: Shape
    target: Target
    preprocessing: Preprocessing
    notes: tuple[str, ...] = ()

    def batch(self, rows_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the prepared inputs and the targets of some rows: one gather each, no Python work a sample."""
        targets_B = self.targets.index_select(0, rows_B)
        if isinstance(self.target, Masks):
            targets_B = targets_B.long()
        return self.preprocessing.prepare(self.inputs.index_select(0, rows_B)), targets_B

    def split(self, name: SplitName) -> tuple[Tensor, Tensor]:
        """Return the prepared inputs and the targets of a whole split (for small data; else `batch`)."""
        return self.batch(self.rows[name])

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(rows):,} {name}" for name, rows in self.rows.items())
        return f"<Dataset {self.name}: {counts}; input {self.input_shape}; {describe(self.target)}>"


def describe(target: Target) -> str:
    """Return one line on what is predicted."""
    match target:
        case Classes(names):
            return f"{len(names)} classes"
        case Values(names) if len(names) > 8:
            return f"predicts {names[0]} to {names[-1]}, {len(names)} values"
        case Values(names):
            return "predicts " + ", ".join(names)
        case Labels(names):
            return f"{len(names)} labels, any number of them a sample"
        case Several(parts):
            return "; ".join(f"{name}: {describe(part)}" for name, part in parts.items())
        case NextToken(vocabulary):
            return f"predicts the next of {len(vocabulary)} tokens"
        case Masks(names):
            return f"one of {len(names)} classes a pixel"
        case Itself(purpose):
            return f"no target: {purpose}"
