"""Backpropagation written out, for chains of fully connected layers: autograd's gradients to the bit, in half the time.

A step of a small network is spent on finding out what is to be computed: which kernel, which gradient, in which order.
In a chain that is the same at every step, and known beforehand. Each layer here calls the kernels that torch's autograd
would call, in its order; tests hold that not a bit differs.

Shape letters: B samples, I inputs and O outputs of a layer, K outputs of the network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import singledispatch

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules

from pellucid.training.rules.gradient import Gradient
from pellucid.training.session import Session
from pellucid.training.tasks.supervised import Supervised

_aten = torch.ops.aten
_MEAN, _IGNORED = 1, -100
"""torch's number of the mean as a reduction, and the class that its losses leave out."""


class Link(ABC):
    """A layer's forward and backward pass."""

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
    """x Wᵀ + b, with the gradients Gᵀ X, the sum of G over the samples, and G W.

    Attributes:
        is_first: whether nothing before it learns, so that the gradient by its input is of no use.
    """

    def __init__(self, layer: nn.Linear) -> None:
        self.is_first = False
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
    """A sample's numbers in a row."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows."""
        self._shape = x.shape
        return x.flatten(1)

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
        loss: (outputs, targets) -> the loss, a scalar, and its gradient by the outputs.
    """

    def __init__(self, links: Sequence[Link], loss: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        self._links, self._loss = links, loss
        begins, first = next((number, each) for number, each in enumerate(links) if isinstance(each, Weighed))
        first.is_first = True
        self._backwards = list(reversed(links[begins:]))

    @torch.no_grad()
    def __call__(self, inputs_B: Tensor, targets_B: Tensor) -> float:
        """Give every parameter the gradient of the loss of a batch, and return the loss."""
        x = inputs_B
        for each in self._links:
            x = each.forward(x)
        loss, gradient = self._loss(x, targets_B)
        for each in self._backwards:
            gradient = each.backward(gradient)
        return loss.item()


def chain_of(session: Session) -> Chain | None:
    """Return a session's chain, or None where its steps are left to autograd.

    So they are where somebody listens through torch who is not the session's audience.
    """
    network, task, recipe = session.network, session.task, session.recipe
    if session.audience is None and _is_listened_to():
        return None
    is_plain = type(session.rule) is Gradient and session.forward is network and session.ranks.count == 1
    is_plain &= recipe.precision == "float32" and not recipe.label_smoothing and session.device.device.type == "cpu"
    if not is_plain or not isinstance(task, Supervised) or task.name == "language" or task.loss_name not in _LOSSES:
        return None
    layers = list(_in_order(network))
    begins = session.data.inputs.dim() == 2 or isinstance(layers[0], nn.Flatten)
    is_once = len(set(layers)) == len(layers) and len(set(network.parameters())) == len(list(_parameters(layers)))
    if not begins or not is_once or any(_is_changed(layer) for layer in network.modules()):
        return None
    links = [link(layer) for layer in layers]
    found = [each for each in links if each is not None]
    return Chain(found, _LOSSES[task.loss_name]) if len(found) == len(links) else None


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
    is_usual = parameter.requires_grad and parameter.dtype == torch.float32
    return not is_usual or any(getattr(parameter, name) for name in hooks)


def _cross_entropy(logits_BK: Tensor, targets_B: Tensor) -> tuple[Tensor, Tensor]:
    logs_BK = torch.log_softmax(logits_BK, 1)
    loss, weight = _aten.nll_loss_forward(logs_BK, targets_B, None, _MEAN, _IGNORED)
    of_logs_BK = _aten.nll_loss_backward(torch.ones_like(loss), logs_BK, targets_B, None, _MEAN, _IGNORED, weight)
    return loss, _aten._log_softmax_backward_data(of_logs_BK, logs_BK, 1, torch.float32)  # noqa: SLF001 (has no other name)


def _squared_error(outputs_BK: Tensor, targets_BK: Tensor) -> tuple[Tensor, Tensor]:
    assert outputs_BK.shape == targets_BK.shape, f"{tuple(outputs_BK.shape)} against {tuple(targets_BK.shape)}"
    loss = nn.functional.mse_loss(outputs_BK, targets_BK)
    return loss, _aten.mse_loss_backward(torch.ones_like(loss), outputs_BK, targets_BK, _MEAN)


_LOSSES: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "cross-entropy": _cross_entropy,
    "squared-error": _squared_error,
}
