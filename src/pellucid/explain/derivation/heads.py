"""The loss of a network of several outputs: the sum of its heads' losses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.errors import DataError, OptionError, nearest
from pellucid.explain.derivation.calling import Outputs
from pellucid.explain.derivation.criterion import Criterion, LossLike, as_tensor, criterion
from pellucid.explain.derivation.operation import Operation, number
from pellucid.explain.derivation.steps import Array, Formula
from pellucid.explain.derivation.unwritten import tensors


class SummedLosses(Operation):
    """E = Σ w_h E_h over the heads h; the gradient by each head's output is w_h times that of its own loss.

    Caruana, "Multitask learning" (1997).

    Args:
        losses: of each head by its name.
        weights: w_h of each.

    Attributes:
        values: E_h of each, once it went forwards.
        gradients: ∂E_h by each head's output, once it went backwards.
    """

    symbols = ("O", "T")
    output = "E"

    def __init__(self, losses: Mapping[str, Operation], weights: Mapping[str, float]) -> None:
        self.losses, self.weights = losses, weights
        self.values: dict[str, float] = {}
        self.gradients: dict[str, Array] = {}
        self.kind = f"sum of the losses of {', '.join(losses)}"
        self.is_recomputed = all(loss.is_recomputed for loss in losses.values())
        self.operations = tuple(dict.fromkeys(name for loss in losses.values() for name in loss.operations))
        terms = [(_factor(weights[name]), name) for name in losses]
        self.forward_formula = Formula(
            "E = " + " + ".join(f"{factor}E_{name}" for factor, name in terms),
            "E = " + " + ".join(rf"{factor}E_{{\mathrm{{{_escaped(name)}}}}}" for factor, name in terms),
        )
        self.backward_formulas = tuple(
            Formula(
                f"dO_{name} = {factor}∂E_{name}/∂O_{name}",
                rf"dO_{{\mathrm{{{_escaped(name)}}}}} = {factor}\frac{{\partial E_{{\mathrm{{{_escaped(name)}}}}}}}"
                rf"{{\partial O_{{\mathrm{{{_escaped(name)}}}}}}}",
            )
            for factor, name in terms
        )

    def forward(self, outputs: tuple[Array, ...], targets: tuple[Array, ...]) -> Array:
        """Return E."""
        for (name, loss), output, target in zip(self.losses.items(), outputs, targets, strict=True):
            self.values[name] = float(loss.forward(output, target))
        return np.asarray(sum(self.weights[name] * value for name, value in self.values.items()))

    def backward(self, gradient: Array) -> tuple[tuple[Array, ...], None]:
        """Return the gradient by each head's output."""
        for name, loss in self.losses.items():
            self.gradients[name] = loss.backward(np.asarray(1.0))[0]
        return tuple(gradient * self.weights[name] * each for name, each in self.gradients.items()), None

    def worked(self, gradient: Array | None) -> tuple[str, ...]:  # noqa: ARG002 (dE is 1)
        """Return the sum."""
        terms = " + ".join(f"{_factor(self.weights[name])}{number(value)}" for name, value in self.values.items())
        total = sum(self.weights[name] * value for name, value in self.values.items())
        return (f"E = {terms} = {number(total)}",)


def _factor(weight: float) -> str:
    return "" if weight == 1 else f"{weight:g}·"


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _of_heads(
    loss: LossLike | Mapping[str, LossLike] | None, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor],
    samples: int, weights: Mapping[str, float],
) -> Criterion:  # fmt: skip
    """Return the weighted sum of the heads' losses.

    Args:
        loss: of each head by its name, or one for all; None: by each head's targets.
        outputs: what the network gives, by name.
        targets: what it should give, by the same names.
        samples: m.
        weights: of the heads' losses; 1 where one has none.

    Raises:
        OptionError: losses or weights of heads that there are not, or a loss that is none.
        DataError: targets that are not those of the heads, or do not fit their outputs.
    """
    if targets.keys() != outputs.keys():
        raise DataError(
            "the targets are not those of the network's outputs", expected=f"targets for {', '.join(outputs)}",
            received=f"targets for {', '.join(map(str, targets))}",
        )  # fmt: skip
    named = loss if isinstance(loss, Mapping) else {}
    for asked in (*named, *weights):
        if asked not in outputs:
            raise OptionError(
                f"the network has no output '{asked}'", expected=" or ".join(outputs), received=str(asked),
                advice=nearest(str(asked), tuple(outputs)),
            )  # fmt: skip
    shared = None if isinstance(loss, Mapping) else loss
    parts = {name: criterion(named.get(name, shared), each, targets[name], samples) for name, each in outputs.items()}
    every = {name: weights.get(name, 1.0) for name in parts}

    def reference(given: Mapping[str, Tensor], wanted: tuple[Tensor, ...]) -> Any:
        pairs = zip(parts.items(), wanted, strict=True)
        return sum(every[name] * part.reference(given[name], target) for (name, part), target in pairs)

    operation = SummedLosses({name: part.operation for name, part in parts.items()}, every)
    return Criterion(operation, reference, tuple(wanted for part in parts.values() for wanted in tensors(part.targets)))


def criterion_of(
    loss: LossLike | Mapping[str, LossLike] | None, outputs: Outputs, y: Any, samples: int, dtype: torch.dtype,
    weights: Mapping[str, float] | None,
) -> Criterion:  # fmt: skip
    """Return the loss of one output or of several.

    Raises:
        DataError: targets for several outputs and there is one, or the other way round.
        OptionError: losses or weights for several outputs and there is one.
    """
    if isinstance(outputs, dict):
        if not isinstance(y, Mapping):
            raise DataError(
                "a network of several outputs has targets for each", expected=f"a dict of {', '.join(outputs)}",
                received=type(y).__name__,
            )  # fmt: skip
        targets = {str(name): as_tensor(each, dtype) for name, each in y.items()}
        return _of_heads(loss, outputs, targets, samples, weights or {})
    if isinstance(y, Mapping):
        raise DataError("the network has one output only", expected="its targets", received=f"a dict of {', '.join(y)}")
    if isinstance(loss, Mapping) or weights:
        raise OptionError("the network has one output only", expected="one loss", received="one for each of several")
    return criterion(loss, outputs, as_tensor(y, dtype), samples)


def refuse_twice(loss: LossLike | Mapping[str, LossLike] | None, lasts: Mapping[str, str]) -> None:
    """Refuse a loss of logits, asked for by name, behind the function that it has inside.

    Args:
        loss: of the heads.
        lasts: what each head ends in, by its name; a network of one output has one head without a name.

    Raises:
        OptionError: so it is.
    """
    for head, last in lasts.items():
        _refuse_behind(loss.get(head) if isinstance(loss, Mapping) else loss, last)


def _refuse_behind(loss: LossLike | None, last: str) -> None:
    name = {"softmax": "cross-entropy", "sigmoid": "binary-cross-entropy"}.get(last)
    if name is not None and loss == name:
        own = "BCELoss" if last == "sigmoid" else "CrossEntropyLoss"
        raise OptionError(
            f"{name} takes logits, and the network ends in a {last}", expected=f"a network without the last {last}",
            received=f"{last} twice, once in the network and once in the loss",
            advice=f"take it out, or pass loss=torch.nn.{own}()"
            + ("" if last == "sigmoid" else " to derive it all the same"),
        )  # fmt: skip
