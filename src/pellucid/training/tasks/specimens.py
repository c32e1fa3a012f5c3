"""What a network makes of some samples, gathered to be looked at: plain data, drawn by the report.

Shape letters: N samples, C channels, H height, W width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Specimen:
    """One sample.

    Attributes:
        name: what it is called.
        pictures: what each shows ("input", "reconstructed") -> uint8 (C, H, W), one or three channels.
        words: what is said of it ("recognised as") -> in words.
    """

    name: str = ""
    pictures: Mapping[str, Tensor] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Points of a plane: those of the data, and those that a network made; float (N, 2) each, in the data's units."""

    real: Tensor
    made: Tensor
    axes: tuple[str, str] = ("x1", "x2")


@dataclass(frozen=True, slots=True)
class Specimens:
    """Some samples beside what a network makes of them.

    Attributes:
        title: what is to be seen.
        lead: one sentence on it.
        items: the samples, in order.
        cloud: points, where samples are points of a plane.
    """

    title: str
    lead: str
    items: tuple[Specimen, ...] = ()
    cloud: Cloud | None = None
