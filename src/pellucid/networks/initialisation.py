"""How the weights of a convolution or a fully connected layer start; n is the inputs of one of its units.

| name | weights | biases |
|---|---|---|
| `uniform` | U(-sqrt(1/n), sqrt(1/n)), torch's own: variance 1/(3n) | likewise |
| `he` | N(0, 2/n), which keeps the variance through ReLU. He et al. (2015) | 0 |
| `xavier` | U(-sqrt(6/(n + m)), sqrt(6/(n + m))), m units: keeps it through tanh. Glorot and Bengio (2010) | 0 |
| `lecun` | N(0, 1/n), deviation 1/sqrt(n). LeCun et al. (1998), "Efficient BackProp", section 4.6 | 0 |
| `small` | U(-0.03, 0.03), whatever n | 0 |
| `zeros` | 0, from which the units of a layer never become different | 0 |
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd


def _uniform(module: nn.Module) -> None:
    """Leave the weights as torch drew them."""


def _he(module: nn.Module) -> None:
    nn.init.kaiming_normal_(_weight_of(module), nonlinearity="relu")
    _zero_bias(module)


def _xavier(module: nn.Module) -> None:
    nn.init.xavier_uniform_(_weight_of(module))
    _zero_bias(module)


def _lecun(module: nn.Module) -> None:
    nn.init.kaiming_normal_(_weight_of(module), nonlinearity="linear")
    _zero_bias(module)


def _small(module: nn.Module) -> None:
    nn.init.uniform_(_weight_of(module), -0.03, 0.03)
    _zero_bias(module)


def _zeros(module: nn.Module) -> None:
    nn.init.zeros_(_weight_of(module))
    _zero_bias(module)


def initialise(network: nn.Module, name: str) -> None:
    """Draw the weights of every convolution and fully connected layer anew, in place, from torch's global stream.

    Args:
        network: any module.
        name: one of `INITS`; `uniform` draws them as torch does.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | _ConvNd):
            module.reset_parameters()
            INITS[name](module)


def _weight_of(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight


def _zero_bias(module: nn.Module) -> None:
    if isinstance(module.bias, Tensor):
        nn.init.zeros_(module.bias)


INITS: Mapping[str, Callable[[nn.Module], None]] = MappingProxyType(
    {"uniform": _uniform, "he": _he, "xavier": _xavier, "lecun": _lecun, "small": _small, "zeros": _zeros}
)
