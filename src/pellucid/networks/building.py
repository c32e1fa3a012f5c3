"""`build`: from a plan to a plain `torch.nn.Module`."""

from collections import OrderedDict
from typing import Any

from torch import nn

from pellucid.networks.initialisation import INITS
from pellucid.networks.layers import Group, Layer, named
from pellucid.networks.parsing import parse
from pellucid.networks.plan import Plan
from pellucid.networks.words.composite import chain_layers
from pellucid.seed import isolated, seed_torch


def build(network: str | Plan, seed: int | None = None) -> nn.Module:
    """Build a network: a `nn.Sequential` whose layers are named conv1, relu1, fc1.

    >>> model = build("lenet5", seed=0)
    >>> [name for name, _ in model.named_children()][:3]
    ['conv1', 'tanh1', 'avgpool1']

    Args:
        network: arrows, a zoo name or a plan.
        seed: makes the initial weights reproducible and leaves torch's global random state as it was; without one
            they are drawn from that state.

    Raises:
        NotationError: the text cannot be read, or a shape does not fit.
    """
    plan = parse(network) if isinstance(network, str) else network
    group = Group(chain_layers(plan.steps, plan.input))
    if seed is None:
        return _make_group(group)
    with isolated():
        seed_torch(seed, "weights")
        return _make_group(group)


def _make_group(group: Group) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, _make(layer)) for name, layer in named(group.layers)))


def _make(layer: Layer) -> nn.Module:
    named = {name: _value(value) for name, value in layer.named.items()}
    module = layer.module(*map(_value, layer.positional), **named)
    if layer.init:
        INITS[layer.init](module)
    return module


def _value(value: Any) -> Any:
    match value:
        case Layer():
            return _make(value)
        case Group():
            return _make_group(value)
    return value
