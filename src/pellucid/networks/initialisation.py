"""How the weights of a convolution or a fully connected layer start; n is the inputs of one of its units.

| name | weights | biases |
|---|---|---|
| `uniform` | U(-sqrt(1/n), sqrt(1/n)), torch's own: variance 1/(3n) | likewise |
| `he` | N(0, 2/n), which keeps the variance through ReLU. He et al. (2015) | 0 |
| `xavier` | U(-sqrt(6/(n + m)), sqrt(6/(n + m))), m units: keeps it through tanh. Glorot and Bengio (2010) | 0 |
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor, nn


def _uniform(module: nn.Module) -> None:
    """Leave the weights as torch drew them."""


def _he(module: nn.Module) -> None:
    nn.init.kaiming_normal_(_weight_of(module), nonlinearity="relu")
    _zero_bias(module)


def _xavier(module: nn.Module) -> None:
    nn.init.xavier_uniform_(_weight_of(module))
    _zero_bias(module)


def _weight_of(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight


def _zero_bias(module: nn.Module) -> None:
    if isinstance(module.bias, Tensor):
        nn.init.zeros_(module.bias)


INITS: Mapping[str, Callable[[nn.Module], None]] = MappingProxyType({"uniform": _uniform, "he": _he, "xavier": _xavier})
