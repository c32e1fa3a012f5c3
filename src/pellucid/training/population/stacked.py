"""The layers that cannot be computed for all members as they are, each with its form that can.

`torch.func.vmap` computes most layers of torch, and a user's own, for all members at once. Others draw random numbers,
which each member must draw as it would alone, or are kernels that know one set of weights.

Shape letters: B samples, T steps, F features, H hidden units.
"""

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from pellucid.blocks import GaussianNoise, PaddedOutputs
from pellucid.errors import OptionError


class StackingError(OptionError):
    """Networks that cannot be computed together; the message says which layer is why."""


def refused(layer: nn.Module, path: str, why: str) -> StackingError:
    """Return the error of a layer that cannot be computed for many networks at once."""
    return StackingError(
        "these networks cannot be computed together",
        expected="layers that can be computed for many networks at once",
        received=f"{type(layer).__name__} ({path or 'the network itself'}): {why}",
    )


@singledispatch
def stacked(layer: nn.Module, path: str = "") -> nn.Module:
    """Return the form of a layer that `vmap` computes: by default the layer itself, with the layers in it so formed.

    Args:
        layer: a copy, which is changed.
        path: of the layer in its network, for what is said of it.

    Raises:
        StackingError: there is none.
    """
    for name, inner in layer.named_children():
        setattr(layer, name, stacked(inner, f"{path}.{name}" if path else name))
    return layer


class Drawn(nn.Module):
    """A layer whose random numbers of a step are put into `drawn`.

    Args:
        layer: what is drawn for.
    """

    drawn: Tensor

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.register_buffer("drawn", torch.zeros(()), persistent=False)
        self.training = layer.training


class Masked(Drawn):
    """Dropout: what is drawn is 0 or 1 / (1 - rate)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the input, in training masked."""
        return x * self.drawn if self.training else x


class Noisy(Drawn):
    """Noise that is added."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the input, in training with noise."""
        return x + self.drawn if self.training else x


@singledispatch
def draw(layer: nn.Module, like: Tensor, stream: torch.Generator) -> Tensor:
    """Return what a layer draws for an input, as it would draw it from torch's global stream in this state.

    Args:
        layer: a member's own, with its own rate.
        like: of the input's shape, type and order in memory, in which the numbers are drawn.
        stream: is drawn from, on the device of what is drawn.
    """
    raise NotImplementedError(f"{type(layer).__name__} draws nothing")


@stacked.register
def _(layer: _DropoutNd, path: str = "") -> nn.Module:
    if type(layer) not in _MASKS:
        raise refused(layer, path, "it drops in a way that has no form for many networks")
    return Masked(layer)


@draw.register
def _(layer: _DropoutNd, like: Tensor, stream: torch.Generator) -> Tensor:
    kept = torch.empty_like(_MASKS[type(layer)](like), device=stream.device)
    if layer.p in (0.0, 1.0):  # for these torch draws nothing
        return kept.fill_(1 - layer.p)
    return kept.bernoulli_(1 - layer.p, generator=stream).div_(1 - layer.p)


def _of_channels(like: Tensor) -> Tensor:
    return like.new_empty(*like.shape[:2], *(1 for _ in like.shape[2:]))


_MASKS: dict[type[nn.Module], Callable[[Tensor], Tensor]] = {
    nn.Dropout: lambda like: like,
    nn.Dropout1d: _of_channels,
    nn.Dropout2d: _of_channels,
    nn.Dropout3d: _of_channels,
}
"""What a mask is like, by what the input is like."""


@stacked.register
def _(layer: GaussianNoise, path: str = "") -> nn.Module:  # noqa: ARG001 (every form is given it)
    return Noisy(layer)


@draw.register
def _(layer: GaussianNoise, like: Tensor, stream: torch.Generator) -> Tensor:
    return torch.empty_like(like, device=stream.device).normal_(generator=stream).mul_(layer.deviation)


@stacked.register
def _(layer: _BatchNorm, path: str = "") -> nn.Module:
    if layer.momentum is None and layer.track_running_stats:
        raise refused(layer, path, "its averages over all batches so far depend on a count")
    return layer


class Products(torch.autograd.Function):
    """X Wᵀ + b of each of K members, with gradients that come in the order in memory that the parameters have.

    Those that torch derives of W come transposed, and putting them in order takes nearly as long as a product.
    """

    @staticmethod
    def forward(ctx: Any, x_KNF: Tensor, weight_KOF: Tensor, bias_KO: Tensor) -> Tensor:
        """Return the products, (K, N, O)."""
        ctx.save_for_backward(x_KNF, weight_KOF)
        return torch.baddbmm(bias_KO[:, None], x_KNF, weight_KOF.mT)

    @staticmethod
    def backward(ctx: Any, gradient_KNO: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        """Return the gradients G W, Gᵀ X and the sum of G over the samples."""
        x_KNF, weight_KOF = ctx.saved_tensors
        of_x = torch.bmm(gradient_KNO, weight_KOF) if ctx.needs_input_grad[0] else None
        return of_x, torch.bmm(gradient_KNO.mT, x_KNF), gradient_KNO.sum(1)


class Product(torch.autograd.Function):
    """X Wᵀ + b, of which `vmap` makes `Products`."""

    @staticmethod
    def forward(x_NF: Tensor, weight_OF: Tensor, bias_O: Tensor) -> Tensor:
        """Return the product, (N, O)."""
        return F.linear(x_NF, weight_OF, bias_O)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Keep nothing: gradients are those of `Products`."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        """Return the products of all members, (K, N, O)."""
        each = [
            given.expand(info.batch_size, *given.shape) if place is None else given.movedim(place, 0)
            for given, place in zip(inputs, in_dims, strict=True)
        ]
        return Products.apply(*each), 0  # type: ignore[no-untyped-call]


class Weighed(nn.Module):
    """A fully connected layer.

    Args:
        layer: with the parameters, which stay under their names.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return x Wᵀ + b."""
        product: Tensor = Product.apply(x.reshape(-1, x.shape[-1]), self.weight, self.bias)  # type: ignore[no-untyped-call]
        return product.reshape(*x.shape[:-1], -1)


@stacked.register
def _(layer: nn.Linear, path: str = "") -> nn.Module:  # noqa: ARG001 (every form is given it)
    return Weighed(layer) if type(layer) is nn.Linear and layer.bias is not None else layer


class PaddedEmbedded(nn.Module):
    """An embedding whose row of padding is not learned; `vmap` would forget which row that is.

    Args:
        layer: with a `padding_idx`.
    """

    def __init__(self, layer: nn.Embedding) -> None:
        super().__init__()
        assert layer.padding_idx is not None
        self.weight = layer.weight
        self.padding_idx = layer.padding_idx

    def forward(self, tokens: Tensor) -> Tensor:
        """Return a vector for each token."""
        rows_V = torch.arange(len(self.weight), device=self.weight.device)
        is_padding_V1 = rows_V.eq(self.padding_idx)[:, None]
        return F.embedding(tokens, torch.where(is_padding_V1, self.weight.detach(), self.weight))


@stacked.register
def _(layer: nn.Embedding, path: str = "") -> nn.Module:
    if layer.max_norm is not None or layer.scale_grad_by_freq or layer.sparse:
        raise refused(layer, path, "it has a largest norm, or gradients that are sparse or scaled by frequency")
    return layer if layer.padding_idx is None else PaddedEmbedded(layer)


class Scanned(nn.Module):
    """A recurrent layer written step by step, with the parameters of torch's under their names.

    Args:
        layer: an `nn.RNN`, `nn.GRU` or `nn.LSTM` with `batch_first=True`.
    """

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        for name, parameter in layer.named_parameters():
            self.register_parameter(name, parameter)
        self.mode, self.num_layers, self.hidden_size = layer.mode, layer.num_layers, layer.hidden_size
        self.bidirectional, self.bias = layer.bidirectional, layer.bias

    def forward(self, x_BTF: Tensor) -> tuple[Tensor, None]:
        """Return the hidden state of the last layer at every step, and no last state."""
        return self.scanned(dict(self.named_parameters()), x_BTF), None

    def scanned(self, weights: Mapping[str, Tensor], x_BTF: Tensor) -> Tensor:
        """Return the hidden state of the last layer at every step, with other weights.

        Args:
            weights: as the layer names its own, or those of K members.
            x_BTF: a batch of sequences, or one for each of K members.
        """
        for number in range(self.num_layers):
            outputs = self._read(weights, x_BTF, f"l{number}")
            if self.bidirectional:
                backwards = self._read(weights, x_BTF.flip(-2), f"l{number}_reverse").flip(-2)
                outputs = torch.cat([outputs, backwards], -1)
            x_BTF = outputs
        return x_BTF

    def read(self, x_BTF: Tensor, suffix: str) -> Tensor:
        """Return what one layer says in one direction, (B, T, H)."""
        return self._read(dict(self.named_parameters()), x_BTF, suffix)

    def _read(self, named: Mapping[str, Tensor], x_BTF: Tensor, suffix: str) -> Tensor:
        weights = [named[f"{name}_{suffix}"] for name in ("weight_ih", "weight_hh")]
        biases = [named[f"{name}_{suffix}"] if self.bias else None for name in ("bias_ih", "bias_hh")]
        given_BTG = _product(x_BTF.flatten(-3, -2), weights[0], biases[0]).unflatten(-2, x_BTF.shape[-3:-1])
        state: Any = x_BTF.new_zeros(*x_BTF.shape[:-2], self.hidden_size)
        if self.mode == "LSTM":
            state = state, state
        outputs = []
        for given_BG in given_BTG.unbind(-2):
            state = _STEPS[self.mode](given_BG, state, weights[1], biases[1])
            outputs.append(state[0] if self.mode == "LSTM" else state)
        return torch.stack(outputs, -2)


def _product(x_NF: Tensor, weight_OF: Tensor, bias_O: Tensor | None) -> Tensor:
    """Return x Wᵀ + b, of one member or of K."""
    if weight_OF.dim() == 2:
        return F.linear(x_NF, weight_OF, bias_O)
    return torch.bmm(x_NF, weight_OF.mT) if bias_O is None else torch.baddbmm(bias_O[:, None], x_NF, weight_OF.mT)


def _plain(squash: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def step(given_BH: Tensor, state_BH: Tensor, weight_HH: Tensor, bias_H: Tensor | None) -> Tensor:
        return squash(given_BH + _product(state_BH, weight_HH, bias_H))

    return step


def _gru(given_BG: Tensor, state_BH: Tensor, weight_GH: Tensor, bias_G: Tensor | None) -> Tensor:
    reset_i, update_i, new_i = given_BG.chunk(3, -1)
    reset_h, update_h, new_h = _product(state_BH, weight_GH, bias_G).chunk(3, -1)
    update_BH = torch.sigmoid(update_i + update_h)
    new_BH = torch.tanh(new_i + torch.sigmoid(reset_i + reset_h) * new_h)
    return new_BH + update_BH * (state_BH - new_BH)


def _lstm(
    given_BG: Tensor, state: tuple[Tensor, Tensor], weight_GH: Tensor, bias_G: Tensor | None
) -> tuple[Tensor, Tensor]:
    state_BH, cell_BH = state
    enter, forget, new, leave = (given_BG + _product(state_BH, weight_GH, bias_G)).chunk(4, -1)
    cell_BH = torch.sigmoid(forget) * cell_BH + torch.sigmoid(enter) * torch.tanh(new)
    return torch.sigmoid(leave) * torch.tanh(cell_BH), cell_BH


_STEPS: dict[str, Callable[..., Any]] = {
    "RNN_TANH": _plain(torch.tanh),
    "RNN_RELU": _plain(F.relu),
    "GRU": _gru,
    "LSTM": _lstm,
}


class PaddedScanned(PaddedOutputs):
    """`PaddedOutputs` that reads the steps which are padding in every sequence too: how many depends on the data."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden state at every step, zeros at padding."""
        return self._unpacked(x, x.ne(0).any(-1, keepdim=True).int().argmax(1))

    def _one(self, x: Tensor, suffix: str) -> Tensor:
        return cast("Scanned", self.layer).read(x, suffix)


@stacked.register
def _(layer: nn.RNNBase, path: str = "") -> nn.Module:
    if not layer.batch_first or layer.proj_size or (layer.dropout and layer.num_layers > 1):
        raise refused(layer, path, "it is not batch first, or has a projection or dropout of its own")
    return Scanned(layer)


@stacked.register
def _(layer: PaddedOutputs, path: str = "") -> nn.Module:
    return PaddedScanned(cast("nn.RNNBase", stacked(layer.layer, f"{path}.layer")))
