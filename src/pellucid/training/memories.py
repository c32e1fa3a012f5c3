"""The associative memory inside a network: where it is, what reaches it, what it recalls.

Shape letters: N rows, B cues, U units of the memory.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.blocks import Hopfield, HopfieldModern
from pellucid.errors import OptionError

Memory = Hopfield | HopfieldModern

_HELD_BY_HEBB = 0.138  # random patterns a unit
_ALIKE = 1.5  # times the overlap of random patterns


@dataclass(frozen=True, slots=True)
class Crosstalk:
    """How much the patterns stored in a Hopfield network are in each other's way.

    Hebb's rule adds to the field of a pattern its overlap with each of the others: sums that cancel where patterns are
    random and few, and do not where they are alike (Amit, Gutfreund and Sompolinsky, "Information storage in neural
    networks with low levels of activity", 1987). The pseudo-inverse takes these sums away.

    Attributes:
        patterns: how many are stored.
        units: of each.
        storage: how: hebbian or pseudo-inverse.
        lost: how many of them recall leaves, though it begins there.
        overlap: the mean of |x.y| / N over pairs.
        chance: the same of random patterns, sqrt(2 / (pi N)).
    """

    patterns: int
    units: int
    storage: str
    lost: int
    overlap: float
    chance: float

    @property
    def blurs(self) -> bool:
        """Whether Hebb's rule stored patterns that it does not hold."""
        return self.storage == "hebbian" and self.lost > 0

    @property
    def alike(self) -> bool:
        """Whether the patterns overlap clearly more than random ones."""
        return self.overlap > _ALIKE * self.chance

    @property
    def reason(self) -> str:
        """Why Hebb's rule would not hold the patterns, or does not."""
        if self.alike:
            return (
                f"two of them overlap by {self.overlap:.2f} in the mean, random ones would by {self.chance:.2f};"
                " the rule adds up what patterns share, and alike ones blur (Amit, Gutfreund and Sompolinsky, 1987)"
            )
        return (
            f"of random patterns the rule holds {_HELD_BY_HEBB:g} a unit, here {_HELD_BY_HEBB * self.units:.0f}"
            " (Amit, Gutfreund and Sompolinsky, 1985)"
        )

    @property
    def advice(self) -> str:
        """What holds them."""
        pseudo_inverse = f"hopfield({self.patterns}, storage=pseudo-inverse)"
        return f"{pseudo_inverse}, which holds any that are independent, or modern-hopfield"

    def __str__(self) -> str:
        return f"Hebb's rule does not hold these patterns: recall leaves {self.lost:,} of {self.patterns:,}"


def memory_of(network: object) -> Memory:
    """Return the memory of a network.

    Raises:
        OptionError: there is none, or more than one.
    """
    found = [each for each in network.modules() if isinstance(each, Memory)] if isinstance(network, nn.Module) else []
    if len(found) == 1:
        return found[0]
    raise OptionError(
        "what recalls patterns is a network with one memory",
        expected="such as --network hopfield, or arrows with one hopfield(...) or modernhopfield(...)",
        received=f"{len(found)} of them" if found else "none",
    )


@torch.no_grad()
def states_before(network: nn.Module, memory: Memory, inputs: Tensor) -> Tensor:
    """Return what reaches the memory of some inputs, (N, ...), without what it would recall."""
    reached: list[Tensor] = []

    def stop(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
        reached.append(given[0])
        raise _ReachedError

    hook = memory.register_forward_pre_hook(stop)
    try:
        network(inputs)
    except _ReachedError:
        return reached[0]
    finally:
        hook.remove()
    raise OptionError("the memory is not on the way through the network", expected="a memory that is used")


class _ReachedError(Exception):
    pass


def recalled(memory: Memory, cues_BU: Tensor) -> Tensor:
    """Return what a memory recalls from cues in the values that it keeps its patterns in, of bits too -1 to +1."""
    if isinstance(memory, Hopfield) and memory.states == "bits":
        bits: Tensor = memory((cues_BU + 1) / 2)
        return 2 * bits - 1
    ended: Tensor = memory(cues_BU)
    return ended


@torch.no_grad()
def crosstalk(memory: Memory) -> Crosstalk | None:
    """Return how much stored patterns are in each other's way; None where there are no two, or nothing couples them."""
    count = int(memory.stored)
    if count < 2 or not isinstance(memory, Hopfield):
        return None
    patterns_PU = memory.patterns[:count]
    overlap_PP = (patterns_PU @ patterns_PU.T / memory.units).abs().fill_diagonal_(0)
    lost_P = (recalled(memory, patterns_PU) != patterns_PU).any(1)
    return Crosstalk(
        patterns=count,
        units=memory.units,
        storage=memory.storage,
        lost=int(lost_P.sum()),
        overlap=float(overlap_PP.sum()) / (count * (count - 1)),
        chance=math.sqrt(2 / (math.pi * memory.units)),
    )
