"""What a gradient is held against: central differences, and autograd."""

from dataclasses import dataclass
from typing import Any

import torch

from pellucid.errors import PellucidError
from pellucid.explain import GradientCheck, check_gradients
from pellucid.explain.gradients.checked_function import of_module
from pellucid.explain.gradients.differences import STEP, Probe, differences
from pellucid.studio.exhibit import finite
from pellucid.studio.exhibits.backpropagation.subject import Subject
from pellucid.studio.exhibits.backpropagation.updating import Learner


@dataclass
class Checked:
    """The gradients of one round's parameters by central differences, measured when they are first asked for.

    Attributes:
        subject: what is derived.
        now: with the round's parameters.
    """

    subject: Subject
    now: Learner
    _found: GradientCheck | None = None
    _has_failed: bool = False

    def told(self, name: str, at: tuple[int, ...], gradient: torch.Tensor) -> dict[str, Any] | None:
        """Return how a parameter's gradient fares, and one of its numbers by differences; None where none can be.

        Args:
            name: of the parameter.
            at: the number's place.
            gradient: of the whole parameter, as the formulas have it.
        """
        found = self._all()
        if found is None:
            return None
        one = next(each for each in found.tensors if each.name == name)
        function = of_module(self.now.model, self.subject.x, self._targets(), self._loss, 0, inputs=False)
        index = torch.tensor([int(torch.arange(gradient.numel()).reshape(gradient.shape)[at])])
        with torch.no_grad():
            measured = differences(Probe(function), name, index, gradient.reshape(-1)[index], STEP)
        return {
            "slope": finite(float(measured.slope)), "error": finite(one.error), "verdict": one.verdict,
            "kinks": one.kinks, "checked": one.checked, "epsilon": found.epsilon,
        }  # fmt: skip

    def _all(self) -> GradientCheck | None:
        """Return the check of every number; None where the loss is not finite."""
        if self._found is None and not self._has_failed:
            try:
                self._found = check_gradients(self.now.model, self.subject.x, self._targets(), self._loss, samples=None)
            except PellucidError:
                self._has_failed = True
        return self._found

    def _targets(self) -> torch.Tensor:
        return self.subject.targets

    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.subject.criterion(outputs).reference(outputs, targets)
