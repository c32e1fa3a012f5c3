"""The mean loss of a network on given data as a function of its weights, L(θ): what surfaces and curvatures are of.

Shape letters: N samples, B samples of a batch, W weights.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pellucid.networks import MAIN, main_output

Loss: TypeAlias = Callable[[Any, Tensor], Tensor]
"""The mean loss of a batch, of its outputs and targets."""

Weights: TypeAlias = Mapping[str, Tensor]
"""Parameters by name, as `named_parameters` names them; of a state dict the buffers are not read."""


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and each of its modules back into the mode it was in."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@dataclass(frozen=True, slots=True)
class Objective:
    """L(θ) = 1/N Σ_n loss(f_θ(x_n), y_n), in evaluation mode: without dropout, with the running statistics as they are.

    Attributes:
        network: f; it is never changed, other weights are put in its place by `torch.func.functional_call`.
        loss: the mean over a batch, such as `nn.functional.cross_entropy` or the `loss` of a session's task; it is
            given the main output where a network has auxiliary ones, and the whole dict of one with several tasks.
        inputs: x, (N, ...); `Objective(network, loss, *data.split("train"))` takes those of a data set.
        targets: y, (N, ...).
        rows_at_once: samples of a batch; it changes the memory that is needed, not the loss.
    """

    network: nn.Module
    loss: Loss
    inputs: Tensor
    targets: Tensor
    rows_at_once: int = 256

    @property
    def weights(self) -> dict[str, Tensor]:
        """The network's own parameters θ, detached."""
        return {name: parameter.detach() for name, parameter in self.network.named_parameters()}

    def parts(self) -> list[Callable[[Weights], Tensor]]:
        """Return functions of the weights, one for each batch, whose sum is L(θ)."""
        batches = zip(self.inputs.split(self.rows_at_once), self.targets.split(self.rows_at_once), strict=True)
        return [self._part(*batch) for batch in batches]

    def at(self, weights: Weights) -> Tensor:
        """Return L(θ), a number, for other weights than the network's own."""
        return torch.stack([part(weights) for part in self.parts()]).sum()

    def in_double(self) -> "Objective":
        """Return the same in float64, on a copy of the network: second derivatives of float32 are seldom enough."""
        numbers = (each.double() if each.is_floating_point() else each for each in (self.inputs, self.targets))
        inputs, targets = numbers
        return replace(self, network=copy.deepcopy(self.network).double(), inputs=inputs, targets=targets)

    def _part(self, inputs_B: Tensor, targets_B: Tensor) -> Callable[[Weights], Tensor]:
        share = len(inputs_B) / len(self.inputs)

        def part(weights: Weights) -> Tensor:
            outputs = functional_call(self.network, dict(weights), (inputs_B,))
            has_main = isinstance(outputs, Mapping) and MAIN in outputs
            return share * self.loss(main_output(outputs) if has_main else outputs, targets_B)

        return part


def as_vector(weights: Weights, like: Weights) -> Tensor:
    """Return parameters as one vector, (W,), in the order of `like`."""
    return torch.cat([weights[name].detach().reshape(-1).to(own.device, own.dtype) for name, own in like.items()])


def from_vector(vector_W: Tensor, like: Weights) -> dict[str, Tensor]:
    """Return the parameters, in the shapes of `like`, that `as_vector` made a vector of."""
    pieces = vector_W.split([own.numel() for own in like.values()])
    return {name: piece.view_as(own) for (name, own), piece in zip(like.items(), pieces, strict=True)}
