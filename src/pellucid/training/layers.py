"""The layers of a network that learn, in order, and how fast each of them does."""

from collections.abc import Iterator

from torch import nn


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
