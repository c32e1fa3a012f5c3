"""Any network as a table of what it computes: a row for each call of a layer, with its shapes, weights and costs."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from pellucid.explain.layers.calls import Given, Recording, record
from pellucid.explain.layers.failure import Failure, failure_of
from pellucid.networks import Field

HEADS = ("layer", "kind", "input", "output", "parameters", "FLOPs", "activations", "receptive field")


@dataclass(frozen=True, slots=True)
class Layer:
    """One call of a layer.

    Attributes:
        name: the module's, as `named_modules` names it; empty for the network itself.
        kind: its class.
        received, given: the shapes of what came and of what it gave, of a tuple those of all its tensors.
        parameters: its weights, where no call before has counted them.
        shared: its weights that a call before has counted.
        flops: 2 x the multiply-adds of this call, by torch's counter; additions, activations and norms are none.
        memory: bytes of what it gave; 0 for what it wrote over its input or only gave another shape.
        field: what one number of its output sees of the input; None where it does not depend on the input.
        own: whether this is what a block computes besides its layers, with weights of its own.
    """

    name: str
    kind: str
    received: tuple[tuple[int, ...], ...]
    given: tuple[tuple[int, ...], ...]
    parameters: int
    shared: int
    flops: int
    memory: int
    field: Field | None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A network's layers in the order of their calls, and its totals.

    Attributes:
        layers: up to the one that fails.
        parameters: weights of the network, each counted once.
        trainable: those that require a gradient.
        flops: 2 x the multiply-adds of the pass.
        memory: bytes of all activations.
        failed: where the pass ended and why; None where it came through.
    """

    layers: tuple[Layer, ...]
    parameters: int
    trainable: int
    flops: int
    memory: int
    failed: Failure | None = None

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """A row of cells for each layer, under `HEADS`, and one of totals."""
        total = ("total", "", "", "", f"{self.parameters:,}", _count(self.flops), _bytes(self.memory), "")
        return [*(_cells(layer) for layer in self.layers), total]

    def __str__(self) -> str:
        *cells, total = self.rows
        widths = [max(map(len, column)) for column in zip(HEADS, *cells, total, strict=True)]
        rule = "  ".join("─" * width for width in widths)
        lines = [_line(HEADS, widths), rule, *(_line(row, widths) for row in cells), rule, _line(total, widths)]
        frozen = self.parameters - self.trainable
        lines += [f"{frozen:,} of the parameters are frozen"] if frozen else []
        return "\n".join([*lines, *(["", str(self.failed)] if self.failed else [])])


def network(model: nn.Module, x_or_shape: Given) -> Anatomy:
    """Run any network once, in evaluation mode, and tell what each layer received, gave and cost.

    A network whose forward pass fails is told up to the layer where that happens. A layer that is called twice stands
    there twice; its weights are counted once, its FLOPs twice. All figures are of the whole batch.

    Args:
        model: the network; it is left as it was.
        x_or_shape: a batch; a tuple of arguments; the sizes of a batch, such as (1, 3, 32, 32); or the shape of one
            sample, such as `Image(28, 28, 1)`.

    Raises:
        OptionError: `x_or_shape` is none of these.

    >>> print(network(nn.Sequential(nn.Linear(4, 3), nn.Linear(2, 1)), (1, 4)).failed.advice)
    make it nn.Linear(3, 1), or change what comes
    """
    recording = record(model, x_or_shape)
    model = recording.model
    sizes = [(each.numel(), each.requires_grad) for each in model.parameters() if not _uninitialised(each)]
    layers = tuple(_layers(recording))
    return Anatomy(
        layers=layers,
        parameters=sum(size for size, _ in sizes),
        trainable=sum(size for size, trained in sizes if trained),
        flops=sum(layer.flops for layer in layers),
        memory=sum(layer.memory for layer in layers),
        failed=failure_of(recording),
    )


def _layers(recording: Recording) -> Iterable[Layer]:
    weights = _weights(recording)
    counted: set[nn.Parameter] = set()
    for call in recording.calls:
        own = weights.get(call.name, set())
        if call.inside and not own and not call.own_flops:
            continue  # a block that only calls its layers
        yield Layer(
            name=call.name,
            kind=call.kind,
            received=call.received,
            given=call.given,
            parameters=sum(each.numel() for each in own - counted),
            shared=sum(each.numel() for each in own & counted),
            flops=call.own_flops,
            memory=0 if call.inside else call.memory,
            field=None if call.seen is None else call.seen.field,
            own=call.inside > 0,
        )
        counted |= own


def _weights(recording: Recording) -> dict[str, set[nn.Parameter]]:
    """Return the weights of each module that was called: its own, and those of modules in it that never were."""
    called = {call.name for call in recording.calls}
    weights: dict[str, set[nn.Parameter]] = {}
    for name, parameter in recording.model.named_parameters(remove_duplicate=False):
        if _uninitialised(parameter):
            continue
        owner = name.rpartition(".")[0]
        while owner and owner not in called:
            owner = owner.rpartition(".")[0]
        weights.setdefault(owner, set()).add(parameter)
    return weights


def _uninitialised(parameter: nn.Parameter) -> bool:
    return isinstance(parameter, nn.parameter.UninitializedParameter)


def _cells(layer: Layer) -> tuple[str, ...]:
    kind = f"{layer.kind}, itself" if layer.own else layer.kind
    parameters = f"{layer.shared:,} again" if layer.shared and not layer.parameters else _count(layer.parameters)
    field = "–" if layer.field is None else str(layer.field)
    shapes = (_shapes(layer.received), _shapes(layer.given))
    return layer.name or "(network)", kind, *shapes, parameters, _count(layer.flops), _bytes(layer.memory), field


def _shapes(shapes: tuple[tuple[int, ...], ...]) -> str:
    texts = ["x".join(map(str, shape)) or "1" for shape in shapes[:2]]
    return ", ".join([*texts, *(["..."] if len(shapes) > 2 else [])]) or "–"


def _count(count: int) -> str:
    return f"{count:,}" if count else "–"


def _bytes(count: int) -> str:
    """Return bytes in decimal units.

    >>> _bytes(18816)
    '18.8 kB'
    """
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return "–" if not count else f"{count} B" if unit == "B" else f"{size:.1f} {unit}"


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    sides = ("<", "<", "<", "<", ">", ">", ">", "<")
    return "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True)).rstrip()
