"""What was seen of a running program: plain figures, which the causes are read from."""

import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from pellucid.diagnosis.suspicion import Place

Phase = Literal["train", "eval"]
MANY = 64
"""Distinct targets counted; more are values, not classes."""


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
        values = values.detach().double().flatten()
        finite = values[torch.isfinite(values)]
        self.not_finite += values.numel() - finite.numel()
        if finite.numel():
            low, high = torch.aminmax(finite)
            self.low, self.high = min(self.low, low.item()), max(self.high, high.item())
            self.count += finite.numel()
            self.total += finite.sum().item()
            self.squares += finite.square().sum().item()

    @staticmethod
    def add_each(spans: "list[Span]", values_FN: Tensor) -> None:
        """Take in a batch of several features at once, one row a feature."""
        values_FN = values_FN.double()
        finite = torch.isfinite(values_FN)
        kept = torch.where(finite, values_FN, 0.0)
        figures = torch.stack(
            (
                torch.where(finite, values_FN, float("inf")).amin(1),
                torch.where(finite, values_FN, float("-inf")).amax(1),
                finite.sum(1).double(),
                kept.sum(1),
                kept.square().sum(1),
            )
        ).T.tolist()
        for span, (low, high, count, total, squares) in zip(spans, figures, strict=True):
            span.low, span.high = min(span.low, low), max(span.high, high)
            span.count += int(count)
            span.total += total
            span.squares += squares
            span.not_finite += values_FN.shape[1] - int(count)

    @property
    def mean(self) -> float:
        """Mean of the finite numbers."""
        return self.total / self.count if self.count else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of the finite numbers."""
        return max(self.squares / self.count - self.mean**2, 0.0) ** 0.5 if self.count else float("nan")


@dataclass(slots=True)
class LossSite:
    """A line that computes a loss, and what it was given there.

    Attributes:
        function: of torch.nn.functional, or "manual" where the script computes the loss itself.
        calls: in training, and `eval_calls` without gradients.
        shapes: (of the prediction, of the target), of the first call.
        prediction: numbers given to the loss.
        target: numbers it was compared with.
        classes: target -> how often, where targets are whole numbers and few.
        whole: whether all targets were whole numbers.
        one_hot: whether every row of the targets sums to 1.
        floating: whether the targets are floating-point numbers.
        chain: operations from the loss's prediction back to the layer that made it.
        softmax_size: of a softmax among them, how many numbers sum to 1.
        batch_means: mean target of each batch seen, with the variance of a single target and the size.
        weighted: whether classes have weights of their own.
        steps: of the optimiser when the loss was computed in training, with `values`.
    """

    key: tuple[str, str | None, int | None]
    function: str
    place: Place
    calls: int = 0
    eval_calls: int = 0
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    prediction: Span = field(default_factory=Span)
    target: Span = field(default_factory=Span)
    classes: Counter[float] = field(default_factory=Counter)
    many: bool = False
    whole: bool = True
    one_hot: bool = True
    floating: bool = False
    chain: tuple[str, ...] = ()
    softmax_size: int | None = None
    batch_means: list[tuple[float, float, int]] = field(default_factory=list)
    weighted: bool = False
    target_is_input: bool = False
    network: str | None = None

    @property
    def width(self) -> int:
        """Numbers predicted of a sample."""
        shape = self.shapes[0]
        return shape[1] if len(shape) > 1 else 1


@dataclass(slots=True)
class Series:
    """The losses of one backward call's line, in order."""

    place: Place
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    pending: list[Tensor] = field(default_factory=list)
    optimizers: Counter[int] = field(default_factory=Counter)

    def settle(self) -> None:
        """Turn tensors into numbers; late, so that a GPU is not waited for at every step."""
        if self.pending:
            self.values.extend(torch.stack(self.pending).double().tolist())
            self.pending.clear()


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
        turns: cosine between the gradients of neighbouring steps.
    """

    name: str
    shape: tuple[int, ...]
    steps: list[int] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)
    turns: list[tuple[int, float]] = field(default_factory=list)


@dataclass(slots=True)
class OptimizerSeen:
    """One optimiser object.

    Attributes:
        rates: (step, learning rate of its first group) at every change.
        looked: steps whose gradients were looked at; `stale` of them were made with gradients that were not cleared
            since the last one, `empty` without any.
        settings: of its first group, numbers and switches only.
    """

    kind: str
    place: Place
    made_at: int
    parameters: frozenset[int]
    settings: dict[str, Any]
    steps: int = 0
    rates: list[tuple[int, float]] = field(default_factory=list)
    looked: int = 0
    stale: int = 0
    empty: int = 0


@dataclass(slots=True)
class SchedulerSeen:
    """One learning-rate schedule."""

    kind: str
    place: Place
    settings: dict[str, Any]
    calls: int = 0
    steps_between: list[int] = field(default_factory=list)
    last_call: int = -1


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


@dataclass(slots=True)
class NetworkSeen:
    """A module that the script called itself, not from within another module.

    Attributes:
        modes: (phase, whether it was in training mode) -> calls.
        dropouts: path -> probability; `batch_norms`, `recurrent`: paths.
        called: paths of the modules that were called in training.
        carried: calls that were given, as their second argument, what an earlier call had returned.
        hidden: modules and parameters that torch cannot find, in plain lists and dicts: (attribute, id).
        backed: whether it was in training mode -> backward passes through it.
        reference: to the module, which it does not keep alive; `key` is its number.
        described: step at which its parameters were last looked at.
        loaded: whether weights were loaded into it.
    """

    name: str
    reference: "weakref.ref[Any]"
    first_step: int
    key: int = 0
    described: int = -1
    modes: Counter[tuple[Phase, bool]] = field(default_factory=Counter)
    mode_steps: dict[tuple[Phase, bool], int] = field(default_factory=dict)
    places: dict[tuple[Phase, bool], Place] = field(default_factory=dict)
    backed: Counter[bool] = field(default_factory=Counter)
    loaded: bool = False
    initial: dict[str, Tensor] = field(default_factory=dict)
    batch_sizes: Counter[tuple[Phase, int]] = field(default_factory=Counter)
    parameters: list[ParameterFacts] = field(default_factory=list)
    dropouts: dict[str, float] = field(default_factory=dict)
    batch_norms: list[str] = field(default_factory=list)
    recurrent: list[str] = field(default_factory=list)
    hidden: list[tuple[str, int]] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    carried: int = 0

    @property
    def module(self) -> Any:
        """The module itself, or None when the script has let go of it."""
        return self.reference()


@dataclass(slots=True)
class Rows:
    """Samples that went through networks, each told by a fingerprint of its numbers.

    Attributes:
        inputs, targets: of the first batches; `prints` and `keys`, the names of the networks, of all.
    """

    inputs: list[Tensor] = field(default_factory=list)
    targets: list[Tensor] = field(default_factory=list)
    prints: list[Tensor] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    numbers: int = 0

    def add(self, key: str, inputs: Tensor, targets: Tensor, prints: Tensor, room: int = 4_000_000) -> None:
        """Keep a batch of samples of a network, as long as there is room."""
        self.prints.append(prints)
        self.keys.append(key)
        if self.numbers + inputs.numel() <= room and len(self.inputs) == len(self.prints) - 1:
            self.numbers += inputs.numel()
            self.inputs.append(inputs.detach().clone())
            self.targets.append(targets.detach().clone())

    def of(self, key: str | None) -> "Rows":
        """Return the samples of one network."""
        chosen = [at for at, name in enumerate(self.keys) if name == key]
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


@dataclass(slots=True)
class Clipping:
    """Calls of one clip_grad function: largest norm allowed, and norms found."""

    function: str
    place: Place
    limit: float
    calls: int = 0
    norms: list[float] = field(default_factory=list)


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
        layers: from the input on.
        nonlinearities: kind -> how many, up to the loss.
        biased_norms: layers whose bias a batch norm takes away again.
        batch_axis: softmax operations over the axis of the batch: (module, size).
        parameters: ids of all that a gradient reaches; `sizes` of the graph at the measured steps.
        mixing: share of a sample's gradient that falls on other samples; None where it cannot be told.
        norm_first: whether a norm reads the network's input before any layer.
    """

    place: Place
    step: int
    batch: int | None = None
    layers: list[Layer] = field(default_factory=list)
    nonlinearities: Counter[str] = field(default_factory=Counter)
    biased_norms: list[str] = field(default_factory=list)
    batch_axis: list[tuple[str | None, int]] = field(default_factory=list)
    parameters: set[int] = field(default_factory=set)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    mixing: float | None = None
    has_batch_norm: bool = False
    norm_first: bool = False
    losses: list[tuple[str, str | None, int | None]] = field(default_factory=list)


@dataclass(slots=True)
class Afterwards:
    """What was measured when the script had ended.

    Attributes:
        batches: of training that had been kept when this was measured; 0 where it was not.
        rows: distinct training samples that the figures are of.
        distinct: training samples seen, and `passes` how often each was, in the steps whose samples were taken in.
        order: share of the later batches that are none of the earlier ones: 0 where every pass has the same.
        eval_neighbours: as `neighbours`, of the evaluated samples among themselves.
        leaked: share of the evaluated samples that were trained on; `eval_rows` were evaluated.
        neighbours: leave-one-out accuracy (or r2) of the nearest neighbours; `linear` of a ridge regression.
        chance: accuracy of the commonest class.
        sure: share of samples whose neighbours agree; `contradicted` of them those whose own label is another.
        foretold: accuracy (or r2) of the nearest training samples on the evaluated ones.
        recalls: class -> share of its training samples that the network finds.
    """

    batches: int = 0
    rows: int = 0
    distinct: int = 0
    passes: float = 0.0
    leaked: float = 0.0
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


@dataclass(slots=True)
class Observation:
    """Everything seen of a program.

    Attributes:
        cut_short: whether it was ended by something else than itself, so that its last step means nothing.
    """

    steps: int = 0
    cut_short: bool = False
    backwards: int = 0
    losses: dict[tuple[str, str | None, int | None], LossSite] = field(default_factory=dict)
    series: dict[Place, Series] = field(default_factory=dict)
    structures: dict[Place, Structure] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    parameters: dict[int, ParameterSeen] = field(default_factory=dict)
    optimizers: list[OptimizerSeen] = field(default_factory=list)
    schedulers: list[SchedulerSeen] = field(default_factory=list)
    networks: list[NetworkSeen] = field(default_factory=list)
    clippings: dict[Place, Clipping] = field(default_factory=dict)
    inputs: dict[str, list[Span]] = field(default_factory=dict)
    rows: dict[Phase, Rows] = field(default_factory=lambda: {"train": Rows(), "eval": Rows()})
    scores: list[Score] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    not_finite: list[tuple[int, str, Place]] = field(default_factory=list)
    loaders: list[dict[str, Any]] = field(default_factory=list)
    loaded: set[int] = field(default_factory=set)
    adversaries: dict[str, AdversarySeen] = field(default_factory=dict)
    seconds: float = 0.0
    after: Afterwards = field(default_factory=Afterwards)

    def scored(self, phase: Phase) -> list[Score]:
        """Return the scores of a phase, in order."""
        return [score for score in self.scores if score.phase == phase]

    def training_losses(self) -> Iterable[LossSite]:
        """Return the losses that were trained with, the most often called first."""
        trained = [site for site in self.losses.values() if site.calls]
        return sorted(trained, key=lambda site: -site.calls)
