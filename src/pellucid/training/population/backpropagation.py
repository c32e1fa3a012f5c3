"""Backpropagation written out for K chains of fully connected layers at once.

As `training/backpropagation.py` is for one chain: each layer calls the kernels that autograd would call. Gradients are
put where the optimisers read them, which saves a pass through all of them.

Shape letters: K members, B samples, I inputs and O outputs of a layer, C classes.
"""

from functools import partial

import torch
from torch import Tensor, nn

from pellucid.training.backpropagation import (
    Chain,
    Flattened,
    Link,
    LossAndGradient,
    chained_layers,
    link,
)
from pellucid.training.population.chained import Tensors
from pellucid.training.population.stack import Stack
from pellucid.training.session import Session
from pellucid.training.tasks.supervised import Supervised


class Weighed(Link):
    """x Wᵀ + b of each member, with the gradients Gᵀ X, the sum of G over the samples, and G W.

    Args:
        weight_KOI, bias_KO: the members' parameters.
        of_weight_KOI, of_bias_KO: where their gradients are put.
    """

    learns = True

    def __init__(self, weight_KOI: Tensor, bias_KO: Tensor, of_weight_KOI: Tensor, of_bias_KO: Tensor) -> None:
        self._weight_KOI, self._bias_K1O = weight_KOI, bias_KO[:, None]
        self._of_weight_KOI, self._of_bias_KO = of_weight_KOI, of_bias_KO

    def forward(self, x: Tensor) -> Tensor:
        """Return the products."""
        self._x_KBI = x
        return torch.baddbmm(self._bias_K1O, x, self._weight_KOI.mT)

    def backward(self, gradient: Tensor) -> Tensor:
        """Put the gradients in place."""
        torch.bmm(gradient.mT, self._x_KBI, out=self._of_weight_KOI)
        torch.sum(gradient, 1, out=self._of_bias_KO)
        return gradient if self.is_first else torch.bmm(gradient, self._weight_KOI)


class Masked(Link):
    """Dropout.

    Attributes:
        mask: of the step to come.
    """

    mask: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return the input under the mask."""
        return x * self.mask

    def backward(self, gradient: Tensor) -> Tensor:
        """Return the gradient under the mask."""
        return gradient * self.mask


class Chains:
    """K networks of one make, each a chain.

    Args:
        links: of the layers.
        masks: those of them that are given what was drawn, by its name.
        loss: (outputs, targets) of all members -> their losses, and the gradients by their own outputs.
    """

    def __init__(self, links: list[Link], masks: dict[str, Masked], loss: LossAndGradient) -> None:
        self._chain, self._masks = Chain(links, loss), masks

    def __call__(self, inputs_KB: Tensor, targets_KB: Tensor, drawn: Tensors) -> Tensor:
        """Put the gradients of the members' losses in place, and return these, (K).

        Args:
            inputs_KB: a batch for each.
            targets_KB: of these.
            drawn: what each member draws at this step (see `Stack.draw`).
        """
        for name, each in self._masks.items():
            each.mask = drawn[name]
        return self._chain(inputs_KB, targets_KB)


def chains_of(session: Session, stack: Stack) -> Chains | None:
    """Return the chains of a stack, or None where the steps are left to autograd.

    Args:
        session: one of its members.
        stack: whose weights and gradients they read and write; other chains are needed once members have left it.
    """
    layers = chained_layers(session)
    loss = _loss_and_gradient(session)
    if not layers or loss is None:
        return None
    paths = {layer: path for path, layer in session.network.named_modules()}
    weights, gradients = stack.named(stack.weights_KP), stack.named(stack.gradients_KP)
    links: list[Link] = []
    masks: dict[str, Masked] = {}
    for layer in layers:
        match layer:
            case nn.Linear(bias=Tensor()):
                names = [f"{paths[layer]}.{name}" if paths[layer] else name for name in ("weight", "bias")]
                links.append(Weighed(*(given[name] for given in (weights, gradients) for name in names)))
            case nn.Dropout():
                links.append(mask := Masked())
                masks[f"{paths[layer]}.drawn"] = mask
            case nn.Flatten() if link(layer) is not None:
                links.append(Flattened(2))
            case nn.ReLU() | nn.Tanh() | nn.Sigmoid() if (same := link(layer)) is not None:
                links.append(same)
            case _:
                return None
    return Chains(links, masks, loss)


def _loss_and_gradient(session: Session) -> LossAndGradient | None:
    task = session.task
    if not isinstance(task, Supervised) or task.name == "language":
        return None
    losses: dict[str, LossAndGradient] = {
        "cross-entropy": partial(_cross_entropies, session.recipe.label_smoothing),
        "squared-error": _squared_errors,
    }
    return losses.get(task.loss_name)


def _cross_entropies(smoothing: float, logits_KBC: Tensor, targets_KB: Tensor) -> tuple[Tensor, Tensor]:
    """Return the means of -(1 - s) log p_right - s / C sum_c log p_c over each batch.

    Their gradient by a logit is p_c - s / C, for the right class less (1 - s), over B. Classes come first in memory:
    along a last axis of few, torch's softmax takes six times as long.
    """
    classes, batch = logits_KBC.shape[-1], targets_KB.shape[-1]
    logs_CKB = torch.log_softmax(logits_KBC.permute(2, 0, 1).contiguous(), 0)
    losses_K = -logs_CKB.gather(0, targets_KB[None])[0].mean(1)
    if smoothing:
        losses_K = (1 - smoothing) * losses_K - smoothing * logs_CKB.mean((0, 2))
    gradient_CKB = logs_CKB.exp_().sub_(smoothing / classes)
    gradient_CKB.scatter_add_(0, targets_KB[None], gradient_CKB.new_full((1, *targets_KB.shape), smoothing - 1))
    return losses_K, gradient_CKB.div_(batch).permute(1, 2, 0)


def _squared_errors(outputs_KBO: Tensor, targets_KBO: Tensor) -> tuple[Tensor, Tensor]:
    assert outputs_KBO.shape == targets_KBO.shape, f"{tuple(outputs_KBO.shape)} against {tuple(targets_KBO.shape)}"
    errors_KBO = outputs_KBO - targets_KBO
    return errors_KBO.square().mean((1, 2)), errors_KBO * (2 / errors_KBO[0].numel())
