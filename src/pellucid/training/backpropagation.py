"""Backpropagation written out, for chains of fully connected layers: autograd's gradients to the bit, in half the time.

A step of a small network is spent on finding out what is to be computed: which kernel, which gradient, in which order.
In a chain that is the same at every step, and known beforehand. Each layer here calls the kernels that torch's autograd
would call, in its order; tests hold that not a bit differs. `population/backpropagation.py` is the same for many
chains at once.

Shape letters: B samples, I inputs and O outputs of a layer, K outputs of the network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import singledispatch
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules

from pellucid.training.rules.gradient import Gradient
from pellucid.training.session import Session
from pellucid.training.tasks.supervised import Supervised

_aten = torch.ops.aten
_MEAN, _IGNORED = 1, -100
"""torch's number of the mean as a reduction, and the class that its losses leave out."""

LossAndGradient = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(outputs, targets) -> the loss, and its gradient by the outputs."""


class Link(ABC):
    """A layer's forward and backward pass.

    Attributes:
        learns: whether it has parameters.
        is_first: whether nothing before it learns, so that the gradient by its input is of no use.
    """

    learns: ClassVar[bool] = False
    is_first = False

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives in training, and keep what `backward` needs."""

    @abstractmethod
    def backward(self, gradient: Tensor) -> Tensor:
        """Put the gradients of the layer's parameters in place, and return the gradient by its input.

        Args:
            gradient: of the loss by what `forward` returned.
        """


class Weighed(Link):
    """x Wᵀ + b, with the gradients Gᵀ X, the sum of G over the samples, and G W."""

    learns = True

    def __init__(self, layer: nn.Linear) -> None:
        self._weight_OI, self._bias_O = layer.weight, layer.bias
        self._of_weight_OI = torch.empty_like(layer.weight)
        self._of_bias_O = torch.empty_like(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the product."""
        self._x_BI = x
        return torch.addmm(self._bias_O, x, self._weight_OI.t())

    def backward(self, gradient: Tensor) -> Tensor:
        """Put the gradients in place."""
        self._weight_OI.grad = torch.mm(gradient.t(), self._x_BI, out=self._of_weight_OI)
        self._bias_O.grad = torch.sum(gradient, 0, out=self._of_bias_O)
        return gradient if self.is_first else torch.mm(gradient, self._weight_OI)


class Squashed(Link):
    """A function of each number whose derivative is known from its result."""

    def __init__(self, function: Callable[[Tensor], Tensor], derivative: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._function, self._derivative = function, derivative

    def forward(self, x: Tensor) -> Tensor:
        """Return the results."""
        self._result = self._function(x)
        return self._result

    def backward(self, gradient: Tensor) -> Tensor:
        """Return the gradient times the derivative."""
        return self._derivative(gradient, self._result)


class Masked(Link):
    """Dropout."""

    def __init__(self, layer: nn.Dropout) -> None:
        self._kept = 1 - layer.p

    def forward(self, x: Tensor) -> Tensor:
        """Draw a mask from torch's global stream, as the layer does, and return the input under it."""
        self._mask = torch.empty_like(x).bernoulli_(self._kept).div_(self._kept)
        return x * self._mask

    def backward(self, gradient: Tensor) -> Tensor:
        """Return the gradient under the mask."""
        return gradient * self._mask


class Flattened(Link):
    """A sample's numbers in a row.

    Args:
        begins: the first of a sample's axes.
    """

    def __init__(self, begins: int = 1) -> None:
        self._begins = begins

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows."""
        self._shape = x.shape
        return x.flatten(self._begins)

    def backward(self, gradient: Tensor) -> Tensor:
        """Return the gradient in the shape of the input."""
        return gradient.reshape(self._shape)


@singledispatch
def link(layer: nn.Module) -> Link | None:  # noqa: ARG001 (that it has no form)
    """Return a layer's passes; None where they are left to autograd."""
    return None


@link.register
def _(layer: nn.Linear) -> Link | None:
    return Weighed(layer) if layer.bias is not None else None


@link.register
def _(layer: nn.ReLU) -> Link:  # noqa: ARG001 (every layer is given)
    return Squashed(torch.relu, lambda gradient, result: _aten.threshold_backward(gradient, result, 0))


@link.register
def _(layer: nn.Tanh) -> Link:  # noqa: ARG001
    return Squashed(torch.tanh, _aten.tanh_backward)


@link.register
def _(layer: nn.Sigmoid) -> Link:  # noqa: ARG001
    return Squashed(torch.sigmoid, _aten.sigmoid_backward)


@link.register
def _(layer: nn.Dropout) -> Link | None:
    return Masked(layer) if 0 < layer.p < 1 else None  # for the others torch draws nothing


@link.register
def _(layer: nn.Flatten) -> Link | None:
    return Flattened() if (layer.start_dim, layer.end_dim) == (1, -1) else None


class Chain:
    """The layers of a network one after the other, and its loss.

    Args:
        links: of the layers.
        loss: of the last one's outputs.
    """

    def __init__(self, links: Sequence[Link], loss: LossAndGradient) -> None:
        self._links, self._loss = links, loss
        begins, first = next((number, each) for number, each in enumerate(links) if each.learns)
        first.is_first = True
        self._backwards = list(reversed(links[begins:]))

    @torch.no_grad()
    def __call__(self, inputs_B: Tensor, targets_B: Tensor) -> Tensor:
        """Give every parameter the gradient of the loss of a batch, and return the loss."""
        x = inputs_B
        for each in self._links:
            x = each.forward(x)
        loss, gradient = self._loss(x, targets_B)
        for each in self._backwards:
            gradient = each.backward(gradient)
        return loss


def chain_of(session: Session) -> Chain | None:
    """Return a session's chain, or None where its steps are left to autograd.

    So they are where somebody listens through torch who is not the session's audience.
    """
    layers = chained_layers(session)
    loss = loss_and_gradient(session)
    links = [each for each in map(link, layers) if each is not None]
    return Chain(links, loss) if loss is not None and links and len(links) == len(layers) else None


def chained_layers(session: Session) -> list[nn.Module]:
    """Return the layers of a session's network where it is a chain that nothing but gradient descent goes through.

    Some may have no link; none are returned where it is no chain, or where somebody listens.
    """
    network, recipe = session.network, session.recipe
    if session.audience is None and _is_listened_to():
        return []
    is_plain = type(session.rule) is Gradient and session.forward is network and session.ranks.count == 1
    if not is_plain or recipe.precision != "float32" or session.device.device.type != "cpu":
        return []
    layers = list(_in_order(network))
    begins = session.data.inputs.dim() == 2 or isinstance(layers[0], nn.Flatten)
    is_once = len(set(layers)) == len(layers) and len(set(network.parameters())) == len(list(_parameters(layers)))
    is_chain = begins and is_once and not any(_is_changed(layer) for layer in network.modules())
    return layers if is_chain else []


def loss_and_gradient(session: Session) -> LossAndGradient | None:
    """Return a session's loss with its gradient, or None where it is not written out."""
    task = session.task
    if not isinstance(task, Supervised) or task.name == "language" or session.recipe.label_smoothing:
        return None
    return _LOSSES.get(task.loss_name)


def _is_listened_to() -> bool:
    """Say whether all calls of modules are told to somebody: a watch, or hooks that torch has for all modules."""
    kinds = ("forward", "forward_pre", "backward", "backward_pre")
    hooks = (getattr(torch_modules, f"_global_{kind}_hooks") for kind in kinds)
    return any(hooks) or nn.Module.__call__ is not nn.Module._wrapped_call_impl  # noqa: SLF001 (what it is by itself)


def _in_order(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers one after the other, whatever groups they stand in."""
    if type(network) is not nn.Sequential:
        yield network
        return
    for inner in network:
        yield from _in_order(inner)


def _parameters(layers: Sequence[nn.Module]) -> Iterator[nn.Parameter]:
    """Yield each layer's parameters, those that it shares with another again."""
    for layer in layers:
        yield from layer.parameters()


def _is_changed(layer: nn.Module) -> bool:
    """Say whether a layer may do more than its type says, or leaves a weight as it is."""
    own = vars(layer)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    is_foreign = not type(layer).__module__.startswith("torch.nn.modules.") or "forward" in own
    return is_foreign or any(own[name] for name in hooks) or any(map(_is_special, layer.parameters(recurse=False)))


def _is_special(parameter: nn.Parameter) -> bool:
    """Say whether a parameter stays, is of another type, or has hooks, such as masks of its gradient."""
    hooks = ("_backward_hooks", "_post_accumulate_grad_hooks")
    is_usual = parameter.requires_grad and parameter.dtype in (torch.float32, torch.float64)
    return not is_usual or any(getattr(parameter, name) for name in hooks)


def _cross_entropy(logits_BK: Tensor, targets_B: Tensor) -> tuple[Tensor, Tensor]:
    logs_BK = torch.log_softmax(logits_BK, 1)
    loss, weight = _aten.nll_loss_forward(logs_BK, targets_B, None, _MEAN, _IGNORED)
    of_logs_BK = _aten.nll_loss_backward(torch.ones_like(loss), logs_BK, targets_B, None, _MEAN, _IGNORED, weight)
    return loss, _aten._log_softmax_backward_data(of_logs_BK, logs_BK, 1, logs_BK.dtype)  # noqa: SLF001 (has no other name)


def _squared_error(outputs_BK: Tensor, targets_BK: Tensor) -> tuple[Tensor, Tensor]:
    assert outputs_BK.shape == targets_BK.shape, f"{tuple(outputs_BK.shape)} against {tuple(targets_BK.shape)}"
    loss = nn.functional.mse_loss(outputs_BK, targets_BK)
    return loss, _aten.mse_loss_backward(torch.ones_like(loss), outputs_BK, targets_BK, _MEAN)


_LOSSES: dict[str, LossAndGradient] = {
    "cross-entropy": _cross_entropy,
    "squared-error": _squared_error,
}
