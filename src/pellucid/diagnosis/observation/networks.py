"""Networks: the modules that a script calls, and what the graph of a loss says of them."""

import weakref
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from pellucid.diagnosis.observation.samples import Line, Phase
from pellucid.diagnosis.suspicion import Place


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """A parameter of a network at the end, and as it was when the network was first called.

    Attributes:
        spread: standard deviation at first, `constant` whether all units of its layer were the same then.
        still_constant: whether they were in the end.
        changed: whether any number of it changed.
        asked: whether it asked for gradients in the end.
        size: norm at first and in the end.
        kind: of the module that holds it.
    """

    name: str
    key: int
    shape: tuple[int, ...]
    kind: str
    spread: float
    mean: float
    constant: bool
    still_constant: bool
    changed: bool
    asked: bool
    sizes: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the numbers of a parameter tell of how it was when its network was first called."""

    numbers: Tensor
    spread: float
    mean: float
    constant: bool
    norm: float


@dataclass(slots=True)
class NetworkSeen:
    """A module that the script called itself, not from within another module.

    Attributes:
        modes: (phase, whether it was in training mode) -> calls; those of training only at the measured steps.
        places: (phase, whether it was in training mode) -> the line of the first such call.
        dropouts: path -> probability; `batch_norms`, `recurrent`: paths.
        called: paths of the modules that were called in training.
        continued: steps before whose first call another had returned a state; `carried` of them began with it.
        followed: steps whose inputs stand, in the same data, behind those of the step before.
        hidden: modules and parameters that torch cannot find, in plain lists and dicts: (attribute, id).
        backed: whether it was in training mode -> backward passes through it.
        initial: path -> numbers of a parameter when the network was met; `begun` what they tell, where it was asked.
        reference: to the module, which it does not keep alive; `key` is its number.
        described: step at which its parameters were last looked at.
        loaded: whether weights were loaded into it.
        takes_several: whether a sample is more than one tensor: by its first alone it is not known again.
        reads_from: key of the network whose outputs it is given in training; 0 where they come from elsewhere, too.
    """

    name: str
    reference: "weakref.ref[Any]"
    first_step: int
    key: int = 0
    described: int = -1
    modes: Counter[tuple[Phase, bool]] = field(default_factory=Counter)
    places: dict[tuple[Phase, bool], Place] = field(default_factory=dict)
    backed: Counter[bool] = field(default_factory=Counter)
    loaded: bool = False
    takes_several: bool = False
    reads_from: int | None = None
    initial: dict[str, Tensor] = field(default_factory=dict)
    begun: dict[str, Beginning] = field(default_factory=dict)
    batch_sizes: Counter[tuple[Phase, int]] = field(default_factory=Counter)
    parameters: list[ParameterFacts] = field(default_factory=list)
    dropouts: dict[str, float] = field(default_factory=dict)
    batch_norms: list[str] = field(default_factory=list)
    recurrent: list[str] = field(default_factory=list)
    hidden: list[tuple[str, int]] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    continued: int = 0
    carried: int = 0
    followed: int = 0

    @property
    def module(self) -> Any:
        """The module itself, or None when the script has let go of it."""
        return self.reference()


@dataclass(slots=True)
class AdversarySeen:
    """A network that judges what another one made.

    Attributes:
        told: (step, share of pairs in which a real sample scored above a made one), `coverage` (step, share of real
            samples that have a made one in their neighbourhood; Naeem et al., 2020), `spread` (step, mean distance
            between made samples by that between real ones).
    """

    generator: str
    discriminator: str
    told: list[tuple[int, float]] = field(default_factory=list)
    coverage: list[tuple[int, float]] = field(default_factory=list)
    spread: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layer:
    """An operation with weights, as the graph shows it.

    Attributes:
        kind: as autograd calls it.
        weight: id of its weight; `bias` of its bias, where it has one.
        fan_in: numbers that one of its outputs is a sum of; `fan_out` outputs, `units_in` units or channels it reads.
        after: what stands between the layers before and this one: "input", "nonlinear" or "linear".
        reads: the operation whose result it multiplies; None where that is the network's input.
        spread: standard deviation of its weights.
    """

    kind: str
    module: str | None
    weight: int
    bias: int | None
    fan_in: int
    fan_out: int
    units_in: int
    after: Literal["input", "nonlinear", "linear"]
    reads: str | None
    spread: float


@dataclass(slots=True)
class Structure:
    """What the graph of a loss says of the network behind it.

    Attributes:
        layers: from the input on; `heads` are the weights of those that a loss reads.
        nonlinearities: kind -> how many, up to the loss.
        biased_norms: layers whose bias a batch norm takes away again.
        batch_axis: softmax operations over the axis of the batch: (module, size).
        parameters: ids of all that a gradient reaches; `sizes` of the graph at the measured steps.
        depth: operations on the longest way through the graph.
        mixing: share of a sample's gradient that falls on other samples; None where it cannot be told.
        norm_first: whether a norm reads the network's input before any layer.
        swapped: reshapes that give axes each other's length, where numbers stay in place: (module, before, after).
        single: softmax operations over an axis of one number: (module, shape).
        doubled: softmax operations, by hand, over what a softmax gave: (module, the first one's name).
    """

    place: Place
    step: int
    batch: int | None = None
    layers: list[Layer] = field(default_factory=list)
    heads: set[int] = field(default_factory=set)
    nonlinearities: Counter[str] = field(default_factory=Counter)
    biased_norms: list[str] = field(default_factory=list)
    batch_axis: list[tuple[str | None, int]] = field(default_factory=list)
    parameters: set[int] = field(default_factory=set)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    depth: int = 0
    mixing: float | None = None
    has_batch_norm: bool = False
    norm_first: bool = False
    swapped: list[tuple[str | None, tuple[int, ...], tuple[int, ...]]] = field(default_factory=list)
    single: list[tuple[str | None, tuple[int, ...]]] = field(default_factory=list)
    doubled: list[tuple[str | None, str]] = field(default_factory=list)
    losses: list[Line] = field(default_factory=list)

    @property
    def hidden(self) -> list[Layer]:
        """All layers but the last, and but those that a loss reads."""
        return [layer for layer in self.layers[:-1] if layer.weight not in self.heads]
