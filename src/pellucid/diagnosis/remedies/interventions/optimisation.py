"""Interventions in how weights are changed: rate, optimiser, gradients, schedule."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from pellucid.diagnosis.remedies.interventions.patching import Intervention, patch


def _during_step(undo: ExitStack, name: str, change: Callable[[dict[str, Any]], float]) -> None:
    """Let every group of every optimiser have another value of an option for the time of its step.

    Only for that time: a schedule, or a script that reads or sets its rate, then reckons with its own numbers.
    """
    kept: weakref.WeakKeyDictionary[Optimizer, list[Any]] = weakref.WeakKeyDictionary()

    def begin(optimizer: Optimizer, _arguments: Any, _options: Any) -> None:
        kept[optimizer] = [group.get(name) for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            if name in group:
                group[name] = change(group)

    def end(optimizer: Optimizer, _arguments: Any, _options: Any) -> None:
        for group, value in zip(optimizer.param_groups, kept.pop(optimizer, []), strict=False):
            if name in group:
                group[name] = value

    undo.callback(register_optimizer_step_pre_hook(begin).remove)
    undo.callback(register_optimizer_step_post_hook(end).remove)


@dataclass(frozen=True, slots=True)
class ScaleRate(Intervention, kind="scale-rate"):
    """Multiply the learning rate of every step."""

    factor: float

    def install(self, undo: ExitStack) -> None:
        """Scale the rate while an optimiser steps."""
        _during_step(undo, "lr", lambda group: group["lr"] * self.factor)


@dataclass(frozen=True, slots=True)
class SetRate(Intervention, kind="set-rate"):
    """Begin with another learning rate; what a schedule makes of the first one it makes of this."""

    rate: float

    def install(self, undo: ExitStack) -> None:
        """Scale the rate while an optimiser steps, by what leads from its first rate to this one."""

        def scaled(group: dict[str, Any]) -> float:
            first = group.get("initial_lr") or group.setdefault("_first_lr", group["lr"])
            return float(group["lr"] * self.rate / first) if first else self.rate

        _during_step(undo, "lr", scaled)


@dataclass(frozen=True, slots=True)
class HoldRate(Intervention, kind="hold-rate"):
    """Keep the learning rate at what it was before any schedule."""

    def install(self, undo: ExitStack) -> None:
        """Use the first rate while an optimiser steps."""
        _during_step(undo, "lr", lambda group: float(group.get("initial_lr", group["lr"])))


@dataclass(frozen=True, slots=True)
class SetOption(Intervention, kind="set-option"):
    """Give optimisers another value of an option, such as `weight_decay`."""

    option: str
    value: float

    def install(self, undo: ExitStack) -> None:
        """Use the value while an optimiser steps."""
        _during_step(undo, self.option, lambda _group: self.value)


@dataclass(frozen=True, slots=True)
class SwapOptimizer(Intervention, kind="swap-optimizer"):
    """Make optimisers of another class, whatever class the script asks for."""

    optimizer: str
    rate: float

    def install(self, undo: ExitStack) -> None:
        """Put a class that ignores what it does not know in place of each of torch's."""
        wanted: type[Optimizer] = getattr(torch.optim, self.optimizer)
        rate = self.rate

        class Swapped(wanted):  # type: ignore[valid-type, misc]
            def __init__(self, params: Any, *_: Any, **options: Any) -> None:
                super().__init__(params, lr=rate, weight_decay=float(options.get("weight_decay", 0.0)))

        for name in (
            "SGD",
            "Adam",
            "AdamW",
            "RMSprop",
            "Adagrad",
            "Adadelta",
            "Adamax",
            "NAdam",
            "RAdam",
            "Rprop",
            "ASGD",
        ):
            if name != self.optimizer:
                patch(undo, torch.optim, name, lambda _original: Swapped)


@dataclass(frozen=True, slots=True)
class ClearGradients(Intervention, kind="clear-gradients"):
    """Clear an optimiser's gradients after each of its steps."""

    def install(self, undo: ExitStack) -> None:
        """Hook every optimiser's step."""

        def clear(optimizer: Optimizer, _arguments: Any, _options: Any) -> None:
            optimizer.zero_grad()

        undo.callback(register_optimizer_step_post_hook(clear).remove)


def _made(undo: ExitStack, told: Callable[[Optimizer], None]) -> None:
    """Call `told` with every optimiser that is made from now on."""

    def wrap(original: Callable[..., None]) -> Callable[..., None]:
        def initialise(self: Optimizer, *arguments: Any, **options: Any) -> None:
            original(self, *arguments, **options)
            told(self)

        return initialise

    patch(undo, Optimizer, "__init__", wrap)


@dataclass(frozen=True, slots=True)
class StepAfterBackward(Intervention, kind="step-after-backward"):
    """Let every optimiser step and clear its gradients when backward has run; the script's own steps then find none."""

    def install(self, undo: ExitStack) -> None:
        """Follow the optimisers that are made, and step those whose parameters have gradients."""
        made: list[weakref.ref[Optimizer]] = []
        _made(undo, lambda optimizer: made.append(weakref.ref(optimizer)))

        def wrap(original: Callable[..., None]) -> Callable[..., None]:
            def backward(self: torch.Tensor, *arguments: Any, **options: Any) -> None:
                original(self, *arguments, **options)
                for optimizer in filter(None, (held() for held in made)):
                    if any(parameter.grad is not None for parameter in _parameters(optimizer)):
                        optimizer.step()
                        optimizer.zero_grad()

            return backward

        patch(undo, torch.Tensor, "backward", wrap)


@dataclass(frozen=True, slots=True)
class KeepOptimizer(Intervention, kind="keep-optimizer"):
    """Let an optimiser that is made anew for the same parameters go on with its predecessor's state."""

    def install(self, undo: ExitStack) -> None:
        """Hand the state on."""
        known: dict[tuple[type, tuple[int, ...]], Any] = {}

        def hand_on(optimizer: Optimizer) -> None:
            key = (type(optimizer), tuple(id(parameter) for parameter in _parameters(optimizer)))
            if key in known:
                optimizer.state = known[key]
            known[key] = optimizer.state

        _made(undo, hand_on)


def _parameters(optimizer: Optimizer) -> Iterator[torch.Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]


@dataclass(frozen=True, slots=True)
class ClipGradients(Intervention, kind="clip-gradients"):
    """Clip the norm of an optimiser's gradients before it steps."""

    limit: float

    def install(self, undo: ExitStack) -> None:
        """Hook every optimiser's step."""

        def clip(optimizer: Optimizer, _arguments: Any, _options: Any) -> None:
            torch.nn.utils.clip_grad_norm_(_parameters(optimizer), self.limit)

        undo.callback(register_optimizer_step_pre_hook(clip).remove)


@dataclass(frozen=True, slots=True)
class LiftClipping(Intervention, kind="lift-clipping"):
    """Let the script clip gradients no tighter than this."""

    limit: float

    def install(self, undo: ExitStack) -> None:
        """Patch torch's clipping."""

        def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
            def clip(parameters: Any, max_norm: float, *arguments: Any, **options: Any) -> Any:
                return original(parameters, max(float(max_norm), self.limit), *arguments, **options)

            return clip

        patch(undo, torch.nn.utils, "clip_grad_norm_", wrap)
