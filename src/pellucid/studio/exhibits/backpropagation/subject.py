"""What is derived: a network in double precision, a batch small enough to be read number by number, and a loss."""

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor, nn

from pellucid.data import Classes, Dataset, Labels, Values
from pellucid.explain.derivation.criterion import Criterion, LossName, criterion
from pellucid.networks import Plan, build, parse
from pellucid.seed import generator
from pellucid.shapes import Shape, Tokens
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.backpropagation.presets import BY_NAME, Preset, Rows
from pellucid.studio.exhibits.backpropagation.settings import MOST_NUMBERS, BackpropagationSettings

MOST_PARAMETERS, MOST_STEPS = 1000, 40
"""Of a whole network, and operations of its forward pass."""
_FREE_LENGTH = 3
"""Steps of a sequence whose length the network leaves open."""


@dataclass(frozen=True)
class Subject:
    """A network with a batch.

    Attributes:
        model: float64, in evaluation mode.
        inputs: one, or a series of them.
        targets: as the loss takes them.
        loss, learning_rate: of the settings, or the usual ones.
        arrows: the network as text; empty where there is none.
        source: a module's class as Python text; empty where arrows say it.
        is_whole: whether the inputs are whole numbers (tokens), which have no slope and are not changed by hand.
    """

    model: nn.Module
    inputs: tuple[Tensor, ...]
    targets: Tensor
    loss: LossName
    learning_rate: float
    arrows: str = ""
    source: str = ""
    is_whole: bool = False

    @property
    def x(self) -> Tensor | tuple[Tensor, ...]:
        """The inputs as `backprop` and `check_gradients` take them."""
        return self.inputs if len(self.inputs) > 1 else self.inputs[0]

    def criterion(self, outputs: Tensor) -> Criterion:
        """Return the loss that is meant, as torch computes it."""
        samples = len(self.inputs[0]) if self.inputs[0].dim() > 1 else 1
        return criterion(self.loss, outputs, self.targets, samples)


def subject(settings: BackpropagationSettings, given: Given) -> Subject:
    """Return what the settings ask for.

    Raises:
        RefusedError: it is too large to be read, or numbers do not fit.
        NotationError: the network's text cannot be read.
    """
    if settings.preset == "given":
        made = _of_given(settings, given)
    elif settings.preset == "own":
        made = _of_text(settings)
    else:
        made = _of_preset(BY_NAME[settings.preset], settings)
    made = replace(made, loss=settings.loss or made.loss, learning_rate=settings.learning_rate or made.learning_rate)
    if settings.weights is not None:
        _fill(made.model, dict(settings.weights))
    return made


def rows_of(made: Subject, *, targets: bool) -> Rows:
    """Return the numbers of a batch as the settings hold them: a row a sample."""
    if targets:
        flat = made.targets.double().reshape(len(made.targets), -1)
    else:
        flat = torch.cat([each.double().reshape(len(each), -1) for each in made.inputs], 1)
    return tuple(map(tuple, flat.tolist()))


def _of_preset(preset: Preset, settings: BackpropagationSettings) -> Subject:
    text = preset.network if isinstance(preset.network, str) else ""
    model = build(text, settings.seed) if text else preset.network()  # type: ignore[operator]
    model = model.double().eval()
    _fill(model, preset.weights)
    x = torch.tensor(settings.inputs or preset.inputs, dtype=torch.float64)
    if x.shape[1] != len(preset.inputs[0]):
        raise RefusedError("width", control="data", wanted=len(preset.inputs[0]), given=x.shape[1])
    inputs = tuple(x.split(1, dim=1)) if preset.is_series else (x,)
    if text:
        inputs = (x.reshape(len(x), *_dimensions(parse(text).input)),)
    loss = settings.loss or preset.loss
    answers = settings.targets or (preset.targets if loss == preset.loss else _fitting(preset, model, inputs, loss))
    y = _targets(model, inputs, answers, loss)
    source = "" if text else inspect.getsource(type(model))
    return Subject(model, inputs, y, preset.loss, preset.learning_rate, arrows=text, source=source)


def _fitting(preset: Preset, model: nn.Module, inputs: tuple[Tensor, ...], loss: LossName) -> Rows:
    """Return the preset's targets where another loss can take them, else new ones."""
    try:
        _targets(model, inputs, preset.targets, loss)
    except RefusedError:
        return _answers(_outputs(model, inputs), loss, 0)
    return preset.targets


def _of_text(settings: BackpropagationSettings) -> Subject:
    """Return a network that was typed, with a batch drawn by the seed where none was given."""
    plan = parse(settings.network)
    _require_small(plan)
    model = build(plan, settings.seed).double().eval()
    dimensions = _dimensions(plan.input)
    count = prod(dimensions)
    if settings.inputs is not None and len(settings.inputs[0]) != count:
        raise RefusedError("width", control="data", wanted=count, given=len(settings.inputs[0]))
    rows = settings.inputs or _drawn(plan.input, count, settings.seed)
    x = torch.tensor(rows, dtype=torch.float64).reshape(len(rows), *dimensions)
    is_whole = isinstance(plan.input, Tokens)
    inputs = (x.long() if is_whole else x,)
    loss: LossName = settings.loss or "half-squared-error"
    outputs = _outputs(model, inputs)
    y = _targets(model, inputs, settings.targets or _answers(outputs, loss, settings.seed), loss)
    return Subject(model, inputs, y, loss, 0.5, arrows=str(plan), is_whole=is_whole)


def _of_given(settings: BackpropagationSettings, given: Given) -> Subject:
    """Return the studio's own network with the first training samples of its own data."""
    model, data = given.model, given.data
    if model is None or data is None:
        raise RefusedError("nothing_given", control="preset")
    count = sum(each.numel() for each in model.parameters())
    if count > MOST_PARAMETERS:
        raise RefusedError("parameters", control="preset", count=f"{count:,}", most=MOST_PARAMETERS)
    x, y = data.batch(data.rows["train"][: settings.samples])
    if x[0].numel() > MOST_NUMBERS:
        raise RefusedError("numbers", control="preset", name="x", count=f"{x[0].numel():,}", most=MOST_NUMBERS)
    inputs = (x.double() if x.is_floating_point() else x,)
    own = copy.deepcopy(model).cpu().double().eval()
    is_whole = not x.is_floating_point()
    if settings.inputs is not None and not is_whole:
        own_rows = torch.tensor(settings.inputs, dtype=torch.float64)
        if own_rows.shape[1] != x[0].numel():
            raise RefusedError("width", control="data", wanted=x[0].numel(), given=own_rows.shape[1])
        inputs = (own_rows.reshape(len(own_rows), *x.shape[1:]),)
    loss = settings.loss or _usual_loss(data)
    answers = settings.targets or tuple(map(tuple, y.double().reshape(len(y), -1).tolist()))
    y = _targets(own, inputs, answers, loss)
    return Subject(own, inputs, y, loss, 0.1, is_whole=is_whole)


def _usual_loss(data: Dataset) -> LossName:
    match data.target:
        case Classes():
            return "cross-entropy"
        case Labels():
            return "binary-cross-entropy"
        case Values():
            return "half-squared-error"
    raise RefusedError("target_kind", control="preset")


def _require_small(plan: Plan) -> None:
    """Refuse a network that is too large before its tensors are made."""
    if plan.parameters > MOST_PARAMETERS:
        raise RefusedError("parameters", control="network", count=f"{plan.parameters:,}", most=MOST_PARAMETERS)
    count = prod(_dimensions(plan.input))
    if count > MOST_NUMBERS:
        raise RefusedError("numbers", control="network", name="x", count=f"{count:,}", most=MOST_NUMBERS)


def _dimensions(shape: Shape) -> tuple[int, ...]:
    """Return the layout of one sample; a free length is a short one."""
    return tuple(_FREE_LENGTH if each is None else each for each in shape.dimensions)


def _drawn(shape: Shape, count: int, seed: int) -> Rows:
    """Return one sample: numbers from -1 to 1 with one decimal, or tokens."""
    stream = generator(seed, "input")
    if isinstance(shape, Tokens):
        drawn = torch.randint(0, shape.vocabulary, (count,), generator=stream).tolist()
    else:
        drawn = (torch.randint(-10, 11, (count,), generator=stream) / 10.0).tolist()
    return (tuple(round(float(each), 1) for each in drawn),)


def _answers(outputs: Tensor, loss: LossName, seed: int) -> Rows:
    """Return targets for what a network gives: a class, zeros and ones, or numbers with one decimal."""
    stream, (samples, *places) = generator(seed, "target"), outputs.shape
    count = outputs[0].numel()
    if loss == "cross-entropy":
        classes = torch.randint(0, places[-1], (samples, count // places[-1]), generator=stream)
        return tuple(map(tuple, classes.double().tolist()))
    high = 2 if loss == "binary-cross-entropy" else 11
    drawn = torch.randint(0, high, (samples, count), generator=stream).tolist()
    return tuple(tuple(round(each / (high - 1), 1) for each in row) for row in drawn)


def _targets(model: nn.Module, inputs: tuple[Tensor, ...], rows: Rows, loss: LossName) -> Tensor:
    """Return the targets in the shape that the loss wants of the network's outputs."""
    outputs = _outputs(model, inputs)
    targets = torch.tensor(rows, dtype=torch.float64)
    if len(targets) != len(inputs[0]):
        raise RefusedError("samples", control="data", wanted=len(inputs[0]), given=len(targets))
    if loss != "cross-entropy":
        if targets[0].numel() != outputs[0].numel():
            raise RefusedError("width", control="data", wanted=outputs[0].numel(), given=targets[0].numel())
        if loss == "binary-cross-entropy" and not bool(((targets >= 0) & (targets <= 1)).all()):
            raise RefusedError("shares", control="data")
        return targets.reshape(outputs.shape)
    classes, count = outputs.shape[-1], outputs[0].numel() // outputs.shape[-1]
    is_class = bool(((targets >= 0) & (targets < classes) & (targets == targets.round())).all())
    if targets.shape[1] != count or not is_class:
        raise RefusedError("classes", control="data", classes=classes - 1, wanted=count)
    return targets.long().reshape(outputs.shape[:-1])


def _outputs(model: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return what a network gives.

    Raises:
        RefusedError: it cannot take the inputs, or gives what has no place here.
    """
    try:
        with torch.no_grad():
            outputs = model(*inputs)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise RefusedError("does_not_fit", reason=str(error)[:200]) from error
    if not isinstance(outputs, Tensor) or not outputs.dim() or outputs[0].numel() > MOST_NUMBERS:
        raise RefusedError("outputs")
    return outputs


def _fill(model: nn.Module, weights: Mapping[str, tuple[float, ...]]) -> None:
    """Put numbers into parameters.

    Raises:
        RefusedError: they are not this network's.
    """
    known = dict(model.named_parameters())
    with torch.no_grad():
        for name, numbers in weights.items():
            if name not in known or known[name].numel() != len(numbers):
                raise RefusedError("weights", control="weights", name=name)
            known[name].copy_(torch.tensor(numbers, dtype=torch.float64).reshape(known[name].shape))
