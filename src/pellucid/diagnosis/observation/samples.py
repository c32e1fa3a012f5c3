"""Samples that went through networks: their numbers, their scores, what was measured of them in the end."""

import math
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from pellucid.diagnosis.observation.stack import Stack
from pellucid.diagnosis.suspicion import Place

Phase = Literal["train", "eval"]


@dataclass(slots=True)
class Span:
    """Lowest, highest, mean and standard deviation of numbers that come in batches."""

    low: float = float("inf")
    high: float = float("-inf")
    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    not_finite: int = 0

    def add(self, values: Tensor) -> None:
        """Take in a batch; numbers that are not finite are counted and left out."""
        Span.add_each([self], values.detach().reshape(1, -1))

    def add_counted(self, numbers: list[float], counts: list[int]) -> None:
        """Take in a batch of finite numbers of which is known how often each occurs."""
        self.low, self.high = min(self.low, *numbers), max(self.high, *numbers)
        self.count += sum(counts)
        self.total += sum(number * count for number, count in zip(numbers, counts, strict=True))
        self.squares += sum(number**2 * count for number, count in zip(numbers, counts, strict=True))

    @staticmethod
    def add_each(spans: "list[Span]", values_FN: Tensor) -> None:
        """Take in a batch of several features at once, one row a feature."""
        if not values_FN.numel():
            return
        values_FN = values_FN.double()
        count = values_FN.shape[1]
        figures = _figures(values_FN)
        if all(math.isfinite(figure) for figure in figures[-1]):  # of squares: so are the numbers
            counts = [float(count)] * len(spans)
        else:
            *figures, counts = _finite_figures(values_FN)
        for span, low, high, total, squares, finite in zip(spans, *figures, counts, strict=True):
            span.low, span.high = min(span.low, low), max(span.high, high)
            span.count += int(finite)
            span.total += total
            span.squares += squares
            span.not_finite += count - int(finite)

    @property
    def mean(self) -> float:
        """Mean of the finite numbers."""
        return self.total / self.count if self.count else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of the finite numbers."""
        return max(self.squares / self.count - self.mean**2, 0.0) ** 0.5 if self.count else float("nan")


def _figures(values_FN: Tensor) -> list[list[float]]:
    """Return the lowest, the highest, the sum and the sum of squares of each row."""
    low_F, high_F = torch.aminmax(values_FN, dim=1)
    figures: list[list[float]] = torch.stack((low_F, high_F, values_FN.sum(1), values_FN.square().sum(1))).tolist()
    return figures


def _finite_figures(values_FN: Tensor) -> list[list[float]]:
    """Return the same of the finite numbers alone, and how many these are."""
    finite_FN = torch.isfinite(values_FN)
    low_F = torch.where(finite_FN, values_FN, float("inf")).amin(1)
    high_F = torch.where(finite_FN, values_FN, float("-inf")).amax(1)
    kept_FN = torch.where(finite_FN, values_FN, 0.0)
    counts_F = finite_FN.sum(1).double()
    figures: list[list[float]] = torch.stack(
        (low_F, high_F, kept_FN.sum(1), kept_FN.square().sum(1), counts_F)
    ).tolist()
    return figures


Line = tuple[str, str | None, int | None]
"""A loss, by its function, file and line."""


@dataclass(slots=True)
class Rows:
    """Samples that went through networks, each told by a fingerprint of its numbers.

    Attributes:
        inputs, targets: of the first batches; `prints` and `keys`, the names of the networks with the lines of the
            losses (None where the script compares without one), of all.
    """

    inputs: Stack | list[Tensor] = field(default_factory=Stack)
    targets: Stack | list[Tensor] = field(default_factory=Stack)
    prints: Stack | list[Tensor] = field(default_factory=Stack)
    keys: list[tuple[str, Line | None]] = field(default_factory=list)
    numbers: int = 0

    def add(
        self, network: str, line: Line | None, inputs: Tensor, targets: Tensor, prints: Tensor, room: int = 4_000_000
    ) -> None:
        """Keep a batch of samples of a network, as long as there is room."""
        self.prints.append(prints)
        self.keys.append((network, line))
        if self.numbers + inputs.numel() <= room and len(self.inputs) == len(self.prints) - 1:
            self.numbers += inputs.numel()
            self.inputs.append(inputs)
            self.targets.append(targets)

    def of(self, network: str | None, line: Line | None = None) -> "Rows":
        """Return the samples of one network, and of one line's loss alone where it is given."""
        chosen = [at for at, key in enumerate(self.keys) if key[0] == network and line in (None, key[1])]
        kept = [at for at in chosen if at < len(self.inputs)]
        return Rows(
            [self.inputs[at] for at in kept],
            [self.targets[at] for at in kept],
            [self.prints[at] for at in chosen],
            [self.keys[at] for at in chosen],
        )


@dataclass(frozen=True, slots=True)
class Score:
    """How well predictions met their targets at one moment.

    Attributes:
        kind: "accuracy", 1 for all right, or "r2", the share of the targets' variance explained.
        residual, spread: sums of squares behind an r2.
    """

    step: int
    phase: Phase
    loss: float | None
    score: float
    kind: Literal["accuracy", "r2", "none"]
    size: int
    site: Place = Place()
    training_mode: bool = False


@dataclass(slots=True)
class Afterwards:
    """What was measured when the script had ended.

    Attributes:
        batches: of training that had been kept when this was measured; 0 where it was not.
        rows: distinct training samples that the figures are of.
        distinct: training samples seen, and `passes` how often each was, in the steps whose samples were taken in.
        order: share of the later batches that are none of the earlier ones: 0 where every pass has the same.
        eval_neighbours: as `neighbours`, of the evaluated samples among themselves.
        leaked: share of the evaluated samples that were trained on; `eval_rows` were evaluated. As many would be shared
            `by_chance`, were the features independent of each other.
        neighbours: leave-one-out accuracy (or r2) of the nearest neighbours; `linear` of a ridge regression.
        chance: accuracy of the commonest class.
        sure: share of samples whose neighbours agree; `contradicted` of them those whose own label is another.
        foretold: accuracy (or r2) of the nearest training samples on the evaluated ones.
        recalls: class -> share of its training samples that the network finds.
        components: where inputs are what is to be predicted, the share of their variance that one principal component
            explains, that two explain, and so on.
    """

    batches: int = 0
    rows: int = 0
    distinct: int = 0
    passes: float = 0.0
    leaked: float = 0.0
    by_chance: float = 0.0
    eval_rows: int = 0
    eval_neighbours: float | None = None
    order: float | None = None
    neighbours: float | None = None
    linear: float | None = None
    chance: float | None = None
    sure: float | None = None
    contradicted: float | None = None
    foretold: float | None = None
    recalls: dict[float, float] | None = None
    components: tuple[float, ...] = ()
