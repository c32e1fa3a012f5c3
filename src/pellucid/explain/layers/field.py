"""Receptive fields: what one unit can see by the network's connections, what it does see, and what it looks at.

The theoretical field follows kernels, strides, paddings and dilations through the dataflow (`explain/dataflow`). The
measured field is where the unit's gradient with respect to the input is not zero, in a copy of the network in which no
gradient can vanish or cancel (`explain/linearised.py`): there the two are the same places, not only as many. The
effective field is the mean of the squared gradient in the network as it is; its deviation is far smaller than the
theoretical field, which grows with the number of layers where the effective one grows with its root (Luo, Li, Urtasun
and Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", 2016).

Shape letters: N samples, X places along all axes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from pellucid.chart import Axis, Chart, FigureData, Line, Tile, Tiles
from pellucid.errors import OptionError, nearest
from pellucid.explain.landscape.objective import evaluating
from pellucid.explain.layers.calls import Call, Given, Recording, record
from pellucid.explain.layers.dataflow.seen import of_input
from pellucid.explain.layers.failure import failure_of
from pellucid.explain.layers.linearised import Linearised, positive_copy
from pellucid.networks import Field
from pellucid.seed import generator, isolated

Places = tuple[tuple[int, int], ...]
"""Along each axis of the input, the first place and the one behind the last."""


_NUMBERS_AT_ONCE = 2**20  # of the input; a network holds many times as many


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What the central unit of a layer sees.

    Attributes:
        layer: the module's name.
        unit: its place along each axis of the layer's output.
        theoretical: size and jump by the connections, the padding included.
        places: what of the input that is; where a layer enlarges (a jump below 1), at most.
        measured: the extent of its gradient.
        deviation: of the effective field along each axis, in places.
        heat: the effective field, its values summing to 1; of a sequence one row, of a volume its depth summed.
    """

    layer: str
    unit: tuple[int, ...]
    theoretical: Field
    places: Places
    measured: Places
    deviation: tuple[float, ...]
    heat: tuple[tuple[float, ...], ...]

    @property
    def agrees(self) -> bool:
        """Whether the measured places are those that the connections say."""
        return self.places == self.measured

    def __str__(self) -> str:
        seen, found = (_extent(which) for which in (self.places, self.measured))
        wide = " x ".join(f"{each:.2g}" for each in self.deviation)
        return (
            f"{self.layer or 'the network'}: a unit's field is {self.theoretical}; the central one, at {self.unit},"
            f" sees {seen} of the input and has a gradient at {found};"
            f" its effective field has a deviation of {wide}"
        )


def receptive_field(
    model: nn.Module, x_or_shape: Given, layer: str | None = None, *, samples: int = 32, seed: int = 0
) -> ReceptiveField:
    """Tell what the central unit of a layer sees: by the connections, by its gradient, and in effect.

    Args:
        model: any network; it is left as it was.
        x_or_shape: a batch, the sizes of one, or the shape of a sample. The effective field is measured on a batch of
            at least two samples as it is, and on standard normal numbers otherwise.
        layer: a module's name; by default the last whose units do not each see everything.
        samples: how many normal inputs are drawn.
        seed: of what is drawn.

    Raises:
        OptionError: there is no such layer, its output has no places, the input is ids, or the forward pass fails.
    """
    recording = record(model, x_or_shape)
    call = _chosen(recording, layer)
    probe = _Probe(recording, call, seed)
    with isolated():
        measured = probe.measured()
        heat_X = probe.effective(samples)
    spans = [probe.seen.spans[axis] for axis in probe.seen.order]
    flat_HW = heat_X.reshape(-1, *heat_X.shape[-2:]).sum(0) if heat_X.ndim > 1 else heat_X[None]
    return ReceptiveField(
        layer=call.name,
        unit=probe.unit,
        theoretical=probe.seen.field,
        places=tuple(span.at(index) for span, index in zip(spans, probe.unit, strict=True)),
        measured=measured,
        deviation=tuple(_deviation(heat_X, axis) for axis in range(heat_X.ndim)),
        heat=tuple(map(tuple, flat_HW.tolist())),
    )


def _extent(places: Places) -> str:
    return "x".join(str(behind - first) for first, behind in places)


def field_figure(field: ReceptiveField) -> FigureData:
    """Return the effective field as a picture, beside the places of the theoretical one; of a sequence as a line."""
    says = str(field) + "."
    title, detail = f"What a unit of {field.layer or 'the network'} sees", "share of the mean squared gradient"
    if len(field.places) == 1:
        ((first, behind),) = field.places
        places = list(range(len(field.heat[0])))
        bounds = [float(first <= place < behind) / (behind - first) for place in places]
        lines = [Line(label="effective", x=places, runs=field.heat),
                 Line(label="theoretical", x=places, runs=[bounds], style="dashed")]  # fmt: skip
        return Chart(title=title, detail=detail, says=says, x=Axis("place"), y=Axis("share"), lines=lines)
    (top, bottom), (left, right) = field.places[-2:]
    width = range(len(field.heat[0]))
    box = [[float(top <= y < bottom and left <= x < right) for x in width] for y in range(len(field.heat))]
    tiles = [Tile(caption=f"theoretical, {field.theoretical}", values=box),
             Tile(caption=f"effective, deviation {field.deviation[-2]:.2g} x {field.deviation[-1]:.2g}",
                  values=field.heat)]  # fmt: skip
    return Tiles(title=title, detail=detail, says=says, tiles=tiles, columns=2, together=False)


def _chosen(recording: Recording, layer: str | None) -> Call:
    failed = failure_of(recording)
    if failed is not None:
        raise OptionError(str(failed))
    names = [call.name for call in recording.calls]
    if layer is not None and layer not in names:
        called = ", ".join(filter(None, names))
        advice = nearest(layer, names)
        raise OptionError(f"no layer '{layer}' is called", expected=called, received=layer, advice=advice)
    seeing = [call for call in recording.calls if layer in (None, call.name) and call.seen and call.seen.order]
    if layer is None:
        seeing = [call for call in seeing if call.seen and call.seen.laid_out]
    if not seeing:
        raise OptionError(
            "there is no place to look from",
            expected="a layer whose units see places of an image or a sequence",
            received=f"'{layer}', whose units see no places" if layer else "no such layer",
        )
    last = max(seeing, key=lambda call: call.ended)
    # of a block that gives what its last layer gave, the layer
    same = [call for call in seeing if call.seen is last.seen]
    return max(same, key=lambda call: (call.inside == 0, recording.calls.index(call)))


class _Probe:
    """Gradients of the central unit of one call's output, with respect to the network's input."""

    def __init__(self, recording: Recording, call: Call, seed: int) -> None:
        assert call.seen is not None
        self._recording, self._name, self._seed = recording, call.name, seed
        self._earlier = [each for each in recording.calls if each.module is call.module].index(call)
        self.seen = call.seen
        counts = {axis: size for dim in self.seen.dims for axis, size in dim if axis is not None}
        self.unit = tuple(counts.get(axis, 1) // 2 for axis in self.seen.order)
        tensors = [each for each in recording.inputs if isinstance(each, Tensor)]
        if not tensors or not tensors[0].is_floating_point():
            advice = "give a network that begins behind the embedding what the embedding gives"
            raise OptionError("ids have no gradient", expected="an input of real numbers", advice=advice)
        self._x, self._alone = tensors[0], len(tensors) == 1

    def measured(self) -> Places:
        """Return the extent of the gradient that is not zero, in a copy where none can vanish or cancel."""
        model = positive_copy(self._recording.model, self._seed)
        x = torch.rand(self._sizes(8), generator=self._draw("measured"), dtype=torch.float64) + 0.5
        with Linearised():
            reached_X = torch.stack(
                [self._over_axes(each.abs()) for each in self._gradients(model, x, Tensor.sum)]
            ).sum(0)
        found = []
        for axis in range(reached_X.ndim):
            hit = _along(reached_X, axis).nonzero().flatten()
            found.append((int(hit.min()), int(hit.max()) + 1) if len(hit) else (0, 0))
        return tuple(found)

    def effective(self, samples: int) -> Tensor:
        """Return the mean squared gradient of the network itself along all axes, its values summing to 1.

        The unit's channels are weighted by signs drawn for each sample: the mean square of their sum is the sum of
        their squares.
        """
        draw = self._draw("effective")
        x = self._x if len(self._x) > 1 else torch.randn(self._sizes(samples), generator=draw)

        def signed(unit_NU: Tensor) -> Tensor:
            signs = torch.randint(2, unit_NU.shape, generator=draw).to(unit_NU) * 2 - 1
            return (signs * unit_NU).sum()

        with evaluating(self._recording.model):
            gradients = self._gradients(self._recording.model, x.to(self._x), signed)
            heat_X = torch.stack([self._over_axes(each.double().square()) for each in gradients]).sum(0)
        return heat_X / heat_X.sum().clamp(min=torch.finfo(torch.float64).tiny)

    def _gradients(self, model: nn.Module, x: Tensor, number: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
        """Yield the gradients of a number made of the unit's channels, a few samples of the input at a time."""
        outputs: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            outputs.append(next(each for each in pytree.tree_leaves(output) if isinstance(each, Tensor)).clone())

        handle = model.get_submodule(self._name).register_forward_hook(keep)
        at_once = max(1, _NUMBERS_AT_ONCE // self._x[0].numel()) if self._alone else len(x)
        try:
            for some in x.to(self._x.device).split(at_once):
                outputs.clear()
                leaf = some.detach().requires_grad_()
                with torch.enable_grad():
                    model(*(leaf.clone() if each is self._x else _as_type(each, x) for each in self._recording.inputs))
                    value = number(self._at_unit(outputs[self._earlier]))
                    (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True)
                yield torch.zeros_like(leaf) if gradient is None else gradient
        finally:
            handle.remove()

    def _at_unit(self, output: Tensor) -> Tensor:
        """Return the channels of the central unit, (N, U)."""
        factors = [factor for dim in self.seen.dims for factor in dim]
        spread = output.reshape(-1, *(size for _, size in factors[1:]))
        index = dict(zip(self.seen.order, self.unit, strict=True))
        picked = tuple(slice(None) if axis is None else index.get(axis, slice(None)) for axis, _ in factors)
        return spread[picked].flatten(1) if spread[picked].ndim > 1 else spread[picked][:, None]

    def _over_axes(self, values: Tensor) -> Tensor:
        """Return the sum over samples and channels of what was measured at every number of the input."""
        dims = of_input(self._x, steps_first=self._recording.steps_first).dims
        kept = [dim for dim, factors in enumerate(dims) if factors[0][0] in self.seen.order]
        return values.sum([dim for dim in range(values.ndim) if dim not in kept])

    def _sizes(self, samples: int) -> tuple[int, ...]:
        return (samples if self._alone else len(self._x), *self._x.shape[1:])

    def _draw(self, name: str) -> torch.Generator:
        return generator(self._seed, "receptive field", name)


def _as_type(argument: Any, x: Tensor) -> Any:
    return argument.to(x) if isinstance(argument, Tensor) and argument.is_floating_point() else argument


def _along(values_X: Tensor, axis: int) -> Tensor:
    """Return the sums over all other axes."""
    return values_X.movedim(axis, 0).reshape(values_X.shape[axis], -1).sum(1)


def _deviation(heat_X: Tensor, axis: int) -> float:
    """Return the standard deviation of a place along an axis, drawn with the shares as probabilities."""
    share = _along(heat_X, axis)
    place = torch.arange(len(share), dtype=share.dtype)
    mean = (share * place).sum()
    return float((share * (place - mean).square()).sum().clamp(min=0).sqrt())
