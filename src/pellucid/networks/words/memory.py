"""Associative memories, and the two values that the classic one works on."""

# ruff: noqa: ARG002 - every rule of a word is given the input's shape, though few words need it for all

from dataclasses import dataclass
from typing import ClassVar

from pellucid.blocks import Binarise as BinariseBlock
from pellucid.blocks import Hopfield as HopfieldBlock
from pellucid.blocks import HopfieldModern
from pellucid.networks.arguments import Choice, Count, Number, argument
from pellucid.networks.field import WHOLE, Field
from pellucid.networks.layers import Layer
from pellucid.networks.place import MisfitError
from pellucid.networks.word import Word, refusal
from pellucid.recipe import TaskName
from pellucid.shapes import Features, Image, Shape, size

_MOST_UNITS = 16_384  # their couplings take 1 GiB
_WORKS_ON = "features and images"


@dataclass(frozen=True)
class _WholeSample(Word):
    """What looks at all numbers of a row or an image at once, and gives as many in the same places."""

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if not isinstance(incoming, Features | Image):
            raise refusal(self, incoming, _WORKS_ON, "" if incoming.length is None else "flatten or reshape it first")
        return incoming

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input."""
        return WHOLE


@dataclass(frozen=True)
class Binarise(_WholeSample):
    """+1 where a number is above the sample's own threshold, else -1: by `otsu`, the `mean`, or the `sign`.

    Otsu's threshold parts the numbers into two groups whose means lie as far apart as can be (1979). By sign, the
    threshold is 0, which is the mean of each feature of standardised rows. There is no gradient.
    """

    name: ClassVar[str] = "binarise"
    also_called: ClassVar[tuple[str, ...]] = ("binarize", "binary", "otsu")
    by: str = argument(Choice(("otsu", "mean", "sign")), "otsu", help="otsu, mean or sign", positional=True)

    def field(self, before: Field, incoming: Shape) -> Field:
        """Return the whole input, whose numbers share a threshold, unless that is 0."""
        return before if self.by == "sign" else WHOLE

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return the block that compares with the threshold."""
        return (Layer("binarise", BinariseBlock, (self.by,)),)


@dataclass(frozen=True)
class Hopfield(_WholeSample):
    """A Hopfield network: two-valued units that settle in the stored pattern nearest to where they start.

    It has no parameters that a gradient trains: storing sets its N (N - 1) / 2 couplings. Its FLOPs are those of one
    sweep over all units. Hopfield (1982).
    """

    name: ClassVar[str] = "hopfield"
    learns: ClassVar[TaskName | None] = "recall"
    patterns: int = argument(Count(), 10, help="the most patterns that are stored", positional=True)
    storage: str = argument(Choice(("hebbian", "pseudo-inverse")), "hebbian", help="hebbian or pseudo-inverse")
    update: str = argument(
        Choice(("asynchronous", "synchronous", "annealed")),
        "asynchronous",
        help="one unit after the other, all at once, or with a noise that falls to none",
    )
    states: str = argument(Choice(("signs", "bits")), "signs", help="signs, -1 and +1, or bits, 0 and 1")
    sweeps: int = argument(Count(), 100, help="the most updates of every unit")
    temperature: float = argument(Number(0.0), 1.0, help="noise that an annealed recall begins with")

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if _units(super().shape(incoming)) > _MOST_UNITS:
            raise MisfitError(
                "hopfield couples every unit with every other, and here there are too many",
                expected=f"at most {_MOST_UNITS:,} numbers a sample",
                received=f"{_units(incoming):,} of {incoming}",
                advice="read the images smaller, such as --size 32x32; modernhopfield has no couplings",
            )
        return incoming

    def flops(self, incoming: Shape) -> int:
        """Return 2 * N * N, of one sweep."""
        return 2 * _units(incoming) ** 2

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a Hopfield network of as many units as there are numbers."""
        named = {"storage": self.storage, "update": self.update, "states": self.states}
        numbers = {"sweeps": self.sweeps, "temperature": self.temperature}
        return (Layer("hopfield", HopfieldBlock, (_units(incoming), self.patterns), named | numbers),)


@dataclass(frozen=True)
class ModernHopfield(_WholeSample):
    """A modern Hopfield network on real numbers: x' = X softmax(beta X^T x) with the stored patterns in X.

    It has no parameters that a gradient trains. Ramsauer et al. (2021).
    """

    name: ClassVar[str] = "modernhopfield"
    also_called: ClassVar[tuple[str, ...]] = ("hopfieldmodern", "densehopfield", "continuoushopfield")
    learns: ClassVar[TaskName | None] = "recall"
    patterns: int = argument(Count(), 100, help="the most patterns that are stored", positional=True)
    beta: float = argument(Number(0.0), 1.0, help="inverse temperature: larger tells closer patterns apart")
    updates: int = argument(Count(), 1, help="how often the update is applied")

    def __post_init__(self) -> None:
        """Check every argument, and that beta is not 0."""
        super().__post_init__()
        if self.beta == 0:
            raise MisfitError("beta cannot be 0", expected="a number above 0", received="0")

    def shape(self, incoming: Shape) -> Shape:
        """Return the shape unchanged."""
        if _units(super().shape(incoming)) * self.patterns > _MOST_UNITS**2:
            raise MisfitError(
                "modernhopfield keeps every pattern, and here they are too many or too large",
                expected=f"at most {_MOST_UNITS**2:,} numbers in all patterns",
                received=f"{self.patterns:,} patterns of {incoming}",
                advice="keep fewer patterns, or read the images smaller, such as --size 32x32",
            )
        return incoming

    def flops(self, incoming: Shape) -> int:
        """Return 4 * N * patterns for each update."""
        return 4 * _units(incoming) * self.patterns * self.updates

    def modules(self, incoming: Shape) -> tuple[Layer, ...]:
        """Return a modern Hopfield network of as many units as there are numbers."""
        named = {"beta": self.beta, "updates": self.updates}
        return (Layer("modernhopfield", HopfieldModern, (_units(incoming), self.patterns), named),)


def _units(shape: Shape) -> int:
    count = size(shape)
    assert count is not None, "features and images have a size"
    return count
