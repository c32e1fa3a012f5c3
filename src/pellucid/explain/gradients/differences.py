"""Derivatives by central differences, (f(θ + h) - f(θ - h)) / 2h, of many elements of a tensor at once.

The error of a quotient is h² f'''/6 from the curve and about u |f| / h from rounding, u = 2⁻⁵²; h = 1e-5 makes both
small. Where a quotient and the gradient differ, two other steps say why: with the step 30 times larger rounding is 30
times smaller; with the step 100 times smaller a kink that lay within the step is no longer crossed.

Shape letter: N elements.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from pellucid.explain.gradients.checked_function import CheckedFunction, UncheckableError

STEP = 1e-5
CLOSE = 1e-7
_COARSER, _FINER = 30.0, 0.01
_ROUNDINGS = 8  # that a loss of many sums is wrong by, in units of its last place
_NUMBERS_AT_ONCE = 2**21
_MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Differences:
    """The numerical derivatives of N elements, each a tensor (N,).

    Attributes:
        slope: the central difference.
        floor: below such a size a derivative is measured to less than seven digits, since the loss is rounded.
        kink: whether the function bends within the step, and the gradient is its slope on one side or between both.
    """

    slope: Tensor
    floor: Tensor
    kink: Tensor


@dataclass(frozen=True, slots=True)
class _Slopes:
    left: Tensor
    right: Tensor
    central: Tensor
    noise: Tensor

    @property
    def bend(self) -> Tensor:
        return (self.right - self.left).abs()


class Probe:
    """A function with one element of one tensor changed, at many such places together where `vmap` can do that."""

    def __init__(self, function: CheckedFunction) -> None:
        self._function = function
        self.tensors: Mapping[str, Tensor] = {name: each.detach() for name, each in function.tensors.items()}
        self.here = float(function.value(self.tensors))
        self.together: bool | None = None

    def at(self, name: str, index_N: Tensor, number_N: Tensor) -> Tensor:
        """Return the N values of the function with element `index` of tensor `name` set to `number`."""
        size = max(self.tensors[name].numel(), self._function.input_size)
        count = max(1, min(_MOST_AT_ONCE, _NUMBERS_AT_ONCE // max(size, 1)))
        pieces = zip(index_N.split(count), number_N.split(count), strict=True)
        return torch.cat([self._some(name, index, number) for index, number in pieces])

    def _some(self, name: str, index_N: Tensor, number_N: Tensor) -> Tensor:
        tensor = self.tensors[name]
        changed = tensor.reshape(1, -1).repeat(len(index_N), 1)
        changed[torch.arange(len(index_N)), index_N] = number_N
        changed = changed.view(len(index_N), *tensor.shape)

        def value(one: Tensor) -> Tensor:
            return self._function.value({**self.tensors, name: one})

        if self.together is None and len(index_N) > 1:
            self.together = _agrees(value, changed[:2])
        return _mapped(value, changed) if self.together else torch.stack([value(one) for one in changed])


def differences(probe: Probe, name: str, index_N: Tensor, gradient_N: Tensor, step: float) -> Differences:
    """Return the numerical derivatives of elements of a tensor, measured again where they are not the gradient."""
    first = _slopes(probe, name, index_N, step)
    slope_N, noise_N = first.central.clone(), first.noise.clone()
    kink_N = torch.zeros_like(index_N, dtype=torch.bool)
    apart_N = (slope_N - gradient_N).abs()
    again = (apart_N > CLOSE * torch.maximum(slope_N.abs(), gradient_N.abs())).nonzero().flatten()
    if len(again):
        coarser = _slopes(probe, name, index_N[again], _COARSER * step)
        finer = _slopes(probe, name, index_N[again], _FINER * step)
        better = (coarser.central - gradient_N[again]).abs() < apart_N[again]
        slope_N[again] = torch.where(better, coarser.central, slope_N[again])
        noise_N[again] = torch.where(better, coarser.noise, noise_N[again])
        kink_N[again] = _kinked(gradient_N[again], apart_N[again], first.bend[again], finer)
        slope_N[again] = torch.where(kink_N[again], finer.central, slope_N[again])
    return Differences(slope_N, noise_N / CLOSE, kink_N)


def _kinked(gradient_N: Tensor, apart_N: Tensor, bend_N: Tensor, finer: _Slopes) -> Tensor:
    """Say where a difference comes from a kink.

    Either the smaller step no longer crosses it and agrees; or the kink is at θ itself: both sides have slopes of
    their own, which do not come together with the step as those of a curve do, and the gradient is between them.
    """
    told = finer.noise <= 0.1 * apart_N
    passed = (finer.central - gradient_N).abs() <= 0.1 * apart_N
    lowest = torch.minimum(finer.left, finer.right) - 2 * finer.noise
    highest = torch.maximum(finer.left, finer.right) + 2 * finer.noise
    between = (lowest <= gradient_N) & (gradient_N <= highest)
    stays = (finer.bend > 0.05 * bend_N) & (finer.bend > 20 * finer.noise)
    return told & (passed | (between & stays))


def _slopes(probe: Probe, name: str, index_N: Tensor, step: float) -> _Slopes:
    here_N = probe.tensors[name].reshape(-1)[index_N]
    size_N = step * here_N.abs().clamp(min=1)
    above_N, below_N = here_N + size_N, here_N - size_N  # rounded: the steps are what they turn out to be
    up_N, down_N = probe.at(name, index_N, above_N), probe.at(name, index_N, below_N)
    return _Slopes(
        left=(probe.here - down_N) / (here_N - below_N),
        right=(up_N - probe.here) / (above_N - here_N),
        central=(up_N - down_N) / (above_N - below_N),
        noise=_ROUNDINGS * torch.finfo(torch.float64).eps * torch.maximum(up_N.abs(), down_N.abs()) / size_N,
    )


def _agrees(value: Callable[[Tensor], Tensor], changed: Tensor) -> bool:
    """Say whether `vmap` computes what single calls do; it has no rule for recurrent kernels and Python's branches."""
    try:
        together = _mapped(value, changed)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    alone = torch.stack([value(one) for one in changed])
    return torch.allclose(together, alone, rtol=1e-12, atol=0)


def _mapped(value: Callable[[Tensor], Tensor], changed: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a slower fallback of one kernel is no news to who asked for a check
        values: Tensor = vmap(value)(changed)
    return values


def gradient(function: CheckedFunction) -> dict[str, Tensor]:
    """Return what autograd gives for each tensor; zeros where the number does not depend on it.

    Raises:
        UncheckableError: the function does not give one number.
    """
    value = function.value(function.tensors)
    if value.numel() != 1:
        raise UncheckableError(
            "the loss is not one number", expected="a scalar", received=f"a tensor of {tuple(value.shape)}",
            advice="reduce it, for instance by its mean",
        )  # fmt: skip
    names, tensors = list(function.tensors), list(function.tensors.values())
    if not value.requires_grad:
        return {name: torch.zeros_like(each) for name, each in function.tensors.items()}
    found = torch.autograd.grad(value.reshape(()), tensors, allow_unused=True)
    pairs = zip(names, tensors, found, strict=True)
    return {name: torch.zeros_like(own) if one is None else one.detach() for name, own, one in pairs}
