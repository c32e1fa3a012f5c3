"""What is known of each activation: its derivative, its range, where it saturates, when to use it.

An activation saturates where its derivative is so small that next to nothing is learned through it; here below 0.01.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as F

SATURATED = 0.01
_SELU_SCALE, _SELU_DEPTH = 1.0507009873554805, 1.7580993408473766
_NORMAL = 1 / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Nonlinearity:
    """The facts of one activation, with its usual arguments.

    Attributes:
        formula: its derivative, as it is written.
        slope: its derivative at each number of a tensor; None where it is a matrix, or learned.
        low, high: its least and its greatest value, or what they tend to.
        below, above: where it is saturated; None where it is not.
        use: when to take it, and when not.
        zone: where a matrix is saturated, in words.
    """

    formula: str
    slope: Callable[[Tensor], Tensor] | None
    low: float
    high: float
    below: float | None
    above: float | None
    use: str
    zone: str = ""

    @property
    def range(self) -> str:
        """The range, as text."""
        return f"{_number(self.low)} to {_number(self.high)}"

    @property
    def saturation(self) -> str:
        """The saturated zone, as text."""
        if self.below is not None and self.below == self.above:
            return "everywhere"
        zones = [
            f"{sign} {_number(end)}" for sign, end in (("below", self.below), ("above", self.above)) if end is not None
        ]
        return self.zone or " and ".join(zones) or "nowhere"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−").replace("inf", "∞")


def _sigmoid_slope(x: Tensor) -> Tensor:
    return x.sigmoid() * (1 - x.sigmoid())


def _silu_slope(x: Tensor) -> Tensor:
    return x.sigmoid() * (1 + x * (1 - x.sigmoid()))


def _gelu_slope(x: Tensor) -> Tensor:
    density = _NORMAL * (-x.square() / 2).exp()
    below: Tensor = torch.special.ndtr(x)
    return below + x * density


def _mish_slope(x: Tensor) -> Tensor:
    bend = F.softplus(x).tanh()
    return bend + x * x.sigmoid() * (1 - bend.square())


def _rising(x: Tensor, below: float | Tensor) -> Tensor:
    """Return 1 above 0, and what is given below."""
    return torch.where(x > 0, torch.ones_like(x), below)


_INFINITE = math.inf

NONLINEARITIES: Mapping[str, Nonlinearity] = MappingProxyType({
    "step": Nonlinearity(
        "0 (none at the threshold)", torch.zeros_like, 0.0, 1.0, 0.0, 0.0,
        "one neuron, by hand or by the perceptron rule; no gradient passes, so never inside a deep network",
    ),
    "identity": Nonlinearity(
        "1", torch.ones_like, -_INFINITE, _INFINITE, None, None,
        "the output of a regression; between layers it adds nothing, for a stack of linear layers is one",
    ),
    "sigmoid": Nonlinearity(
        "σ(x) (1 − σ(x)), at most 1/4", _sigmoid_slope, 0.0, 1.0, -4.585, 4.585,
        "a probability of two classes, gates; not in hidden layers: it is never 0 on average and at most 1/4 steep",
    ),
    "tanh": Nonlinearity(
        "1 − tanh²(x)", lambda x: 1 - x.tanh().square(), -1.0, 1.0, -2.993, 2.993,
        "recurrent states and small networks: its mean is near 0; it saturates in deep ones",
    ),
    "hardtanh": Nonlinearity(
        "1 between −1 and 1, else 0", lambda x: (x.abs() < 1).to(x.dtype), -1.0, 1.0, -1.0, 1.0,
        "tanh where it must be cheap",
    ),
    "scaledtanh": Nonlinearity(
        "1.1439 (1 − tanh²(2x/3))",
        lambda x: 1.7159 * 2 / 3 * (1 - (x * 2 / 3).tanh().square()), -1.7159, 1.7159, -4.591, 4.591,
        "LeNet-5 as it was published",
    ),
    "relu": Nonlinearity(
        "1 above 0, 0 below", lambda x: _rising(x, 0.0), 0.0, _INFINITE, 0.0, None,
        "the first choice of hidden layers: cheap, and as steep in the hundredth layer; a unit below 0 for all"
        " samples is dead",
    ),
    "leakyrelu": Nonlinearity(
        "1 above 0, 0.01 below", lambda x: _rising(x, 0.01), -_INFINITE, _INFINITE, None, None,
        "where ReLU's units die; discriminators of GANs (slope 0.2)",
    ),
    "prelu": Nonlinearity(
        "1 above 0, the learned slope (0.25 at first) below", lambda x: _rising(x, 0.25),
        -_INFINITE, _INFINITE, None, None,
        "where there is data enough to learn the slope too",
    ),
    "elu": Nonlinearity(
        "1 above 0, exp(x) below", lambda x: _rising(x, x.exp()), -1.0, _INFINITE, -4.605, None,
        "hidden layers without batch norm: its mean is nearer 0 than ReLU's; dearer",
    ),
    "selu": Nonlinearity(
        "1.0507 above 0, 1.7581 exp(x) below",
        lambda x: _SELU_SCALE * _rising(x, _SELU_DEPTH / _SELU_SCALE * x.exp()), -_SELU_DEPTH, _INFINITE, -5.169, None,
        "deep fully connected networks without normalisation, with weights of deviation 1/√n",
    ),
    "gelu": Nonlinearity(
        "Φ(x) + x φ(x)", _gelu_slope, -0.16997, _INFINITE, -3.067, None,
        "transformers, and large networks where a little more time for a little less error is right",
    ),
    "silu": Nonlinearity(
        "σ(x) (1 + x (1 − σ(x)))", _silu_slope, -0.27846, _INFINITE, -6.261, None,
        "deep convolutional networks, as GELU",
    ),
    "mish": Nonlinearity(
        "tanh(s) + x σ(x) (1 − tanh²(s)), s = log(1 + exp(x))", _mish_slope, -0.30884, _INFINITE, -6.264, None,
        "as SiLU",
    ),
    "softplus": Nonlinearity(
        "σ(x)", torch.sigmoid, 0.0, _INFINITE, -4.595, None,
        "an output that must be above 0, such as a variance; in hidden layers ReLU learns better",
    ),
    "softmax": Nonlinearity(
        "∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ)", None, 0.0, 1.0, None, None,
        "the probabilities of classes; the loss takes the numbers before it, so train without and add it to read them",
        "where one output is above 0.99",
    ),
    "maxout": Nonlinearity(
        "wⱼ of the largest piece j", None, -_INFINITE, _INFINITE, None, None,
        "with dropout; it learns its own convex function for `pieces` times the parameters, and never saturates",
    ),
})  # fmt: skip
"""Every activation word, and maxout, by name."""
