"""Gradient checking: autograd's derivatives held against central differences, element by element, in float64.

The relative error of an element is |num - ana| / max(|num|, |ana|), that of a tensor
||num - ana|| / (||num|| + ||ana||). Their bands: below 1e-7 correct, below 1e-5 probably fine (a kink, such as ReLU's,
costs so much), below 1e-3 suspicious, above it wrong. Li, Karpathy and Johnson, notes of CS231n, "Gradient checks".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.explain.gradients.checked_function import Inputs, Loss, of_function, of_module, refuse_random
from pellucid.explain.gradients.differences import STEP, Differences, Probe, differences, gradient
from pellucid.seed import generator, isolated

Verdict = Literal["correct", "probably fine", "suspicious", "wrong"]
_BANDS: tuple[tuple[float, Verdict], ...] = ((1e-7, "correct"), (1e-5, "probably fine"), (1e-3, "suspicious"))
_ORDER: tuple[Verdict, ...] = ("correct", "probably fine", "suspicious", "wrong")


@dataclass(frozen=True, slots=True)
class Element:
    """One derivative by both ways.

    Attributes:
        tensor: the tensor's name.
        index: the element's place in it.
        numerical: the central difference.
        analytical: autograd's.
        error: |num - ana| / max(|num|, |ana|, what rounding hides).
    """

    tensor: str
    index: tuple[int, ...]
    numerical: float
    analytical: float
    error: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return (
            f"{self.tensor}{place}: {self.numerical:.6g} by differences, {self.analytical:.6g} by autograd,"
            f" relative error {self.error:.2g}"
        )


@dataclass(frozen=True, slots=True)
class TensorCheck:
    """The check of one tensor.

    Attributes:
        name, shape: the tensor.
        checked: how many of its `elements` were checked.
        elements: how many it has.
        error: ||num - ana|| / (||num|| + ||ana||) over the checked elements that have no kink.
        worst: the element of the greatest relative error.
        kinks: how many lie at a kink, where the difference quotient and not the gradient is in doubt.
        verdict: by the greater of `error` and `worst.error`; no better than "probably fine" where there are kinks.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    elements: int
    error: float
    worst: Element
    kinks: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What a gradient check found.

    Attributes:
        tensors: each tensor, in the order of `named_parameters`.
        loss: the number that was derived.
        epsilon: the step h; an element θ is moved by h max(1, |θ|).
        together: whether several differences were computed at once.
    """

    tensors: tuple[TensorCheck, ...]
    loss: str
    epsilon: float
    together: bool

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of a tensor."""
        return max((each.verdict for each in self.tensors), key=_ORDER.index)

    @property
    def worst(self) -> Element:
        """The element of the greatest relative error."""
        return max((each.worst for each in self.tensors), key=lambda element: element.error)

    @property
    def boundary(self) -> tuple[str, str] | None:
        """The last wrong tensor and the right one behind it: in a chain the wrong derivative lies between them."""
        wrong = [place for place, each in enumerate(self.tensors) if each.verdict == "wrong"]
        if not wrong or wrong[-1] + 1 == len(self.tensors):
            return None
        return self.tensors[wrong[-1]].name, self.tensors[wrong[-1] + 1].name

    def __str__(self) -> str:
        checked, elements = (sum(getattr(each, which) for each in self.tensors) for which in ("checked", "elements"))
        head = f"gradient of {self.loss}: {self.verdict}; {checked:,} of {elements:,} elements checked"
        kinks = sum(each.kinks for each in self.tensors)
        notes = [f"{kinks} at a kink, where the difference quotient is in doubt and not the gradient"] if kinks else []
        if self.boundary:
            notes.append("behind {} all is right: look between it and {}".format(*self.boundary))
        width = max(len(each.name) for each in self.tensors)
        rows = [
            f"{each.name:<{width}}  {each.checked:>7,} of {each.elements:<9,} error {each.error:<8.1e} {each.verdict}"
            for each in self.tensors
        ]
        return "\n".join([head, f"worst: {self.worst}", *notes, "", *rows])


def check_gradients(  # noqa: PLR0913 (what is derived, and three choices that each have a default)
    model: nn.Module | Callable[..., Any],
    x: Inputs,
    y: Tensor | None = None,
    loss: Loss | None = None,
    *,
    samples: int | None = 100,
    epsilon: float | None = None,
    seed: int = 0,
    inputs: bool = False,
) -> GradientCheck:
    """Hold the gradients of a module, or of a function, against central differences.

    All is computed in float64 on a copy: the module, its buffers and gradients, `x`, and torch's random state stay as
    they are. Where a quotient is not the gradient it is taken again with a coarser step, which rounding disturbs
    less, and with a finer one, which crosses fewer kinks.

    Args:
        model: a module; or a function, or an `autograd.Function`, whose arguments are checked.
        x: its input, or a tuple of its arguments; few samples do.
        y: the target of the loss.
        loss: "cross-entropy", "squared-error", "absolute-error", "huber", a module or a function of output and target
            (of the output, without a target). By default the cross-entropy of whole and the squared error of other
            numbers; without a target, a random weighting of all outputs.
        samples: how many elements of each tensor are checked, drawn at random; all of them where None.
        epsilon: the step h, by default 1e-5; an element θ is moved by h max(1, |θ|).
        seed: of what is drawn.
        inputs: whether the gradient of a module's input is checked too.

    Raises:
        UncheckableError: dropout is active, two evaluations differ, the loss is not one finite number, or nothing has
            a gradient.
        OptionError: there is no such loss, or `samples` or `epsilon` is not positive.

    >>> check_gradients(nn.Linear(3, 2), torch.ones(4, 3), torch.tensor([0, 1, 1, 0])).verdict
    'correct'
    """
    step = STEP if epsilon is None else epsilon
    if step <= 0 or (samples is not None and samples <= 0):
        received = f"epsilon={epsilon}, samples={samples}"
        raise OptionError("a check needs a step and elements", expected="positive numbers", received=received)
    with isolated():
        if isinstance(model, nn.Module):
            function = of_module(model, x, y, loss, seed, inputs=inputs)
        else:
            function = of_function(model, x, y, loss, seed)
        analytical = {name: each.reshape(-1) for name, each in gradient(function).items()}
        with torch.no_grad():
            probe = Probe(function)
            refuse_random(probe.here, float(function.value(probe.tensors)))
            names = [name for name, each in function.tensors.items() if each.numel()]
            drawn = [(name, _drawn(function.tensors[name], samples, seed, name)) for name in names]
            found = [
                (name, index_N, differences(probe, name, index_N, analytical[name][index_N], step))
                for name, index_N in drawn
            ]
        checks = tuple(_judged(name, probe.tensors[name], index_N, analytical[name][index_N], numerical)
                       for name, index_N, numerical in found)  # fmt: skip
    return GradientCheck(checks, function.measure, step, bool(probe.together))


def band(error: float) -> Verdict:
    """Return the verdict of a relative error.

    >>> band(3e-6)
    'probably fine'
    """
    return next((verdict for limit, verdict in _BANDS if error < limit), "wrong")


def _drawn(tensor: Tensor, samples: int | None, seed: int, name: str) -> Tensor:
    count = tensor.numel()
    if samples is None or samples >= count:
        return torch.arange(count, device=tensor.device)
    order = torch.randperm(count, generator=generator(seed, "gradient check", name))
    return order[:samples].sort().values.to(tensor.device)


def _judged(name: str, tensor: Tensor, index_N: Tensor, analytical_N: Tensor, numerical: Differences) -> TensorCheck:
    smooth_N = ~numerical.kink
    apart_N = (numerical.slope - analytical_N).abs() * smooth_N
    size_N = torch.maximum(numerical.slope.abs(), analytical_N.abs())
    error_N = apart_N / torch.maximum(size_N, numerical.floor)
    norms = (numerical.slope * smooth_N).norm() + (analytical_N * smooth_N).norm()
    whole = float(apart_N.norm() / torch.maximum(norms, numerical.floor.norm()))
    at = int(error_N.argmax())
    place = tuple(int(each) for each in torch.unravel_index(index_N[at], tensor.shape))
    worst = Element(name, place, float(numerical.slope[at]), float(analytical_N[at]), float(error_N[at]))
    kinks = int(numerical.kink.sum())
    least: Verdict = "probably fine" if kinks else "correct"
    verdict = max(band(max(whole, worst.error)), least, key=_ORDER.index)
    return TensorCheck(name, tuple(tensor.shape), len(index_N), tensor.numel(), whole, worst, kinks, verdict)
