"""What passes through a network at a measured step: activations, gradients, updates."""

from dataclasses import dataclass, field

from pellucid.diagnosis.suspicion import Place


@dataclass(frozen=True, slots=True)
class Activation:
    """What came out of one nonlinearity at a measured step.

    Attributes:
        kind: as autograd calls it: Relu, Tanh, Sigmoid, Softmax.
        order: its place among the nonlinearities from the input on; `depth` is how many there were.
        dead: share of units at zero (or on the flat part) for every sample of the batch.
        flat: share of all numbers on the flat part.
        std: over the batch, averaged over the units.
    """

    step: int
    site: Place
    kind: str
    module: str | None
    order: int
    depth: int
    units: int
    dead: float
    flat: float
    std: float


@dataclass(slots=True)
class Flow:
    """The gradient on its way back through the nonlinearities of one backward pass.

    Attributes:
        norms: place among the nonlinearities, from the input on -> norm of the gradient by what came out of it.
    """

    step: int
    site: Place
    kinds: tuple[str, ...]
    norms: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class ParameterSeen:
    """One parameter, at the measured steps.

    Attributes:
        layer: place among the layers from the input on.
        gradients, weights, updates: norms (of at most 4,096 numbers of it), one a measured step.
        cut: of the gradient's numbers that are not zero, the share at a limit that each was clipped to.
        turns: cosine between the gradients of neighbouring steps.
    """

    name: str
    shape: tuple[int, ...]
    steps: list[int] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    turns: list[tuple[int, float]] = field(default_factory=list)
