"""The layers of a network that learn, in order, how fast each of them does, and whether a batch is enough for them."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pellucid.errors import OptionError
from pellucid.seed import isolated


def layers_of(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the modules that have weights of their own, from the input on, by name."""
    return [
        (name, module)
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]


def shares_of_rate(network: nn.Module, layer_decay: float) -> Iterator[tuple[float, list[nn.Parameter]]]:
    """Yield each layer's share of the learning rate with its weights, from the output on.

    Layer l of L learns at the rate learning_rate * layer_decay^(L - l): those near the input know what every task
    needs, and should change least ("discriminative fine-tuning", Howard and Ruder 2018, section 3.2).
    """
    for depth, (_, module) in enumerate(reversed(layers_of(network))):
        yield layer_decay**depth, list(module.parameters(recurse=False))


def require_variance(network: nn.Module, inputs_B: Tensor) -> None:
    """Refuse batches of one sample where a batch normalisation would have one number a feature to take a variance of.

    An image has many pixels a channel, so that it depends on the place in the network: a copy is tried.

    Raises:
        OptionError: there is such a layer.
    """
    if not any(isinstance(module, _BatchNorm) for module in network.modules()):
        return
    with isolated(), torch.no_grad():
        try:
            copy.deepcopy(network).train()(inputs_B)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise OptionError(
                "batch normalisation has no variance in a batch of one sample",
                expected="--batch-size 2 or more, and as many training samples",
                received="batches of one sample",
                advice="normalise each sample by itself: layernorm in place of batchnorm",
            ) from None
