"""Interventions in what a network computes, what it is given, and what its output is compared with."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from pellucid.diagnosis.remedies.interventions.patching import Intervention, after_call, before_call, patch

SMALLEST = 1e-7
VALUE_LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy")
OPERANDS = {"size_average", "reduce", "reduction", "label_smoothing", "weight", "pos_weight"}


@dataclass(frozen=True, slots=True)
class StandardiseInputs(Intervention, kind="standardise-inputs"):
    """Subtract the mean of a network's first batches from all its inputs, and divide by their deviation.

    Attributes:
        by_feature: whether each feature has figures of its own.
        batches: how many are measured; their figures grow more exact until then.
    """

    by_feature: bool = True
    batches: int = 20

    def install(self, undo: ExitStack) -> None:
        """Change what networks are given."""
        seen: dict[int, list[Tensor]] = {}

        def change(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if not inputs or not isinstance(inputs[0], Tensor) or not inputs[0].is_floating_point():
                return None
            x, held = inputs[0], seen.setdefault(id(module), [])
            if (torch.is_grad_enabled() and len(held) < self.batches) or not held:
                held.append(x.detach())
            rows = torch.cat([part.reshape(-1, part.shape[-1]) for part in held])
            axes = 0 if self.by_feature and x.dim() in {2, 3} else None
            center = rows.mean() if axes is None else rows.mean(0)
            spread = rows.std() if axes is None else rows.std(0)
            return ((x - center) / torch.where(spread > 0, spread, torch.ones_like(spread)), *inputs[1:])

        before_call(undo, change)


@dataclass(frozen=True, slots=True)
class FiniteInputs(Intervention, kind="finite-inputs"):
    """Put zero for a network's inputs that are no finite numbers."""

    def install(self, undo: ExitStack) -> None:
        """Change what networks are given."""

        def change(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
            return tuple(
                part.nan_to_num(0.0, 0.0, 0.0) if isinstance(part, Tensor) and part.is_floating_point() else part
                for part in inputs
            )

        before_call(undo, change)


@dataclass(frozen=True, slots=True)
class ScaleTargets(Intervention, kind="scale-targets"):
    """Let a network predict standardised targets: its output is multiplied by `unit`, `level` added.

    The loss's gradient is divided by what this multiplies it by, so that a rate means the same as without.
    """

    level: float
    unit: float

    def install(self, undo: ExitStack) -> None:
        """Change what networks answer, and the gradient that reaches them."""

        def change(_module: nn.Module, output: Any) -> Any:
            if not isinstance(output, Tensor):
                return output
            if output.requires_grad:
                output.register_hook(lambda gradient: gradient / self.unit**2)
            return output * self.unit + self.level

        after_call(undo, change)


@dataclass(frozen=True, slots=True)
class FreshWeights(Intervention, kind="fresh-weights"):
    """Draw a network's weights anew, as torch's layers do, right before it is first called."""

    def install(self, undo: ExitStack) -> None:
        """Reset each network once."""
        met: set[int] = set()

        def change(module: nn.Module, _inputs: tuple[Any, ...]) -> None:
            if id(module) in met:
                return
            met.add(id(module))
            for layer in module.modules():
                reset = getattr(layer, "reset_parameters", None)
                if callable(reset):
                    reset()

        before_call(undo, change)


@dataclass(frozen=True, slots=True)
class SwapActivation(Intervention, kind="swap-activation"):
    """Compute another activation wherever one is asked for by a layer or a call of this name."""

    old: str
    new: str

    def install(self, undo: ExitStack) -> None:
        """Patch the function in torch, in torch.nn.functional and as a tensor's method, and the layer."""
        new: Callable[..., Tensor] = getattr(F, self.new)

        def swapped(_original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            return lambda x, *_arguments, **_options: new(x)

        for owner in (torch, F, Tensor):
            if hasattr(owner, self.old):
                patch(undo, owner, self.old, swapped)
        layers = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softmax": nn.Softmax}
        if self.old in layers:
            patch(undo, layers[self.old], "forward", lambda _original: lambda _self, x: new(x))


@dataclass(frozen=True, slots=True)
class SetDropout(Intervention, kind="set-dropout"):
    """Drop another share of the units."""

    probability: float

    def install(self, undo: ExitStack) -> None:
        """Patch torch's dropout."""

        def wrap(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def dropout(
                x: Tensor, _p: float = 0.5, training: bool = True, inplace: bool = False, **options: Any
            ) -> Tensor:
                del options
                return original(x, self.probability, training, inplace)

            return dropout

        patch(undo, F, "dropout", wrap)


@dataclass(frozen=True, slots=True)
class EvaluateInMode(Intervention, kind="evaluate-in-mode"):
    """Put a network in evaluation mode while it is called without gradients."""

    def install(self, undo: ExitStack) -> None:
        """Set the mode before and set it back after."""
        _with_mode(undo, gradients=False, training=False)


@dataclass(frozen=True, slots=True)
class TrainInMode(Intervention, kind="train-in-mode"):
    """Put a network in training mode while it is called with gradients."""

    def install(self, undo: ExitStack) -> None:
        """Set the mode before and set it back after."""
        _with_mode(undo, gradients=True, training=True)


def _with_mode(undo: ExitStack, *, gradients: bool, training: bool) -> None:
    changed: dict[int, list[nn.Module]] = {}

    def enter(module: nn.Module, _inputs: tuple[Any, ...]) -> None:
        if torch.is_grad_enabled() == gradients:
            changed[id(module)] = [layer for layer in module.modules() if layer.training != training]
            for layer in changed[id(module)]:
                layer.training = training

    def leave(module: nn.Module, output: Any) -> Any:
        for layer in changed.pop(id(module), []):
            layer.training = not training
        return output

    before_call(undo, enter)
    after_call(undo, leave)


@dataclass(frozen=True, slots=True)
class InvertOutput(Intervention, kind="invert-output"):
    """Give a loss that applies softmax or sigmoid the scores behind probabilities: ln p, or ln(p / (1 - p))."""

    activation: str

    def install(self, undo: ExitStack) -> None:
        """Patch the losses that take scores."""

        def scores(probabilities: Tensor) -> Tensor:
            within = probabilities.clamp(SMALLEST, 1 - SMALLEST)
            return within.log() if self.activation == "softmax" else torch.logit(within)

        def wrap(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def loss(input: Tensor, *arguments: Any, **options: Any) -> Tensor:
                return original(scores(input), *arguments, **options)

            return loss

        for name in ("cross_entropy", "binary_cross_entropy_with_logits"):
            patch(undo, F, name, wrap)


@dataclass(frozen=True, slots=True)
class SwapLoss(Intervention, kind="swap-loss"):
    """Compute another loss from the same prediction and target."""

    old: str
    new: str

    def install(self, undo: ExitStack) -> None:
        """Patch the loss's function, which its layer calls, too."""
        new: Callable[..., Tensor] = getattr(F, self.new)

        def wrap(_original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def loss(input: Tensor, target: Tensor, *_arguments: Any, **options: Any) -> Tensor:
                return new(input, target, reduction=options.get("reduction", "mean"))

            return loss

        patch(undo, F, self.old, wrap)


@dataclass(frozen=True, slots=True)
class MatchShapes(Intervention, kind="match-shapes"):
    """Give a target its prediction's shape where both have as many numbers."""

    def install(self, undo: ExitStack) -> None:
        """Patch the losses that compare number by number."""

        def wrap(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def loss(input: Tensor, target: Tensor, *arguments: Any, **options: Any) -> Tensor:
                matched = target.view_as(input) if target.numel() == input.numel() else target
                return original(input, matched, *arguments, **options)

            return loss

        for name in VALUE_LOSSES:
            patch(undo, F, name, wrap)


@dataclass(frozen=True, slots=True)
class WeightClasses(Intervention, kind="weight-classes"):
    """Give cross-entropy a weight for every class."""

    weights: tuple[float, ...]

    def install(self, undo: ExitStack) -> None:
        """Patch the loss where it has no weights and as many classes."""

        def wrap(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def loss(input: Tensor, target: Tensor, *arguments: Any, **options: Any) -> Tensor:
                if not arguments and options.get("weight") is None and input.shape[1] == len(self.weights):
                    options["weight"] = torch.tensor(self.weights, dtype=input.dtype, device=input.device)
                return original(input, target, *arguments, **options)

            return loss

        patch(undo, F, "cross_entropy", wrap)


@dataclass(frozen=True, slots=True)
class ShuffleLoaders(Intervention, kind="shuffle-loaders"):
    """Let the first loader that is made, the training data's by custom, draw its samples in a new order each time."""

    def install(self, undo: ExitStack) -> None:
        """Patch how loaders are made."""
        made: list[int] = []

        def wrap(original: Callable[..., None]) -> Callable[..., None]:
            def initialise(self: Any, dataset: Any, *arguments: Any, **options: Any) -> None:
                ordered = options.get("sampler") is None and options.get("batch_sampler") is None and len(arguments) < 2
                if not made and ordered and not isinstance(dataset, IterableDataset):
                    options["shuffle"] = True
                made.append(id(self))
                original(self, dataset, *arguments, **options)

            return initialise

        patch(undo, DataLoader, "__init__", wrap)
