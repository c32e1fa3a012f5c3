"""The networks to begin with: in arrows, or where arrows have no word for it as a module with its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.explain.derivation.criterion import LossName

Rows = tuple[tuple[float, ...], ...]


class Shared(nn.Module):
    """The 2-2-2 network with one bias for both units of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.W1, self.b1 = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(1))
        self.W2, self.b2 = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the two outputs of each sample."""
        hidden = torch.sigmoid(F.linear(x, self.W1, self.b1.expand(2)))
        return torch.sigmoid(F.linear(hidden, self.W2, self.b2.expand(2)))


class Recurrent(nn.Module):
    """One recurrent unit over three steps, and an output: every step has the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.W, self.b = nn.Parameter(torch.zeros(1, 1)), nn.Parameter(torch.zeros(1))
        self.U = nn.Parameter(torch.zeros(1, 1))
        self.V = nn.Parameter(torch.zeros(1, 1))

    def forward(self, x1: Tensor, x2: Tensor, x3: Tensor) -> Tensor:
        """Return the output after the last step."""
        h = torch.tanh(F.linear(x1, self.W, self.b))
        h = torch.tanh(F.linear(x2, self.W, self.b) + F.linear(h, self.U))
        h = torch.tanh(F.linear(x3, self.W, self.b) + F.linear(h, self.U))
        return F.linear(h, self.V)


@dataclass(frozen=True)
class Preset:
    """A network with the numbers it begins with.

    Attributes:
        network: in arrows, or a module's class.
        inputs, targets: a row a sample; of cross-entropy the target is the class's number, from 0.
        loss, learning_rate: the usual ones here.
        weights: parameter -> its numbers; what is not named is drawn by the seed.
        is_series: whether a row's numbers are one input each, step after step.
    """

    network: str | Callable[[], nn.Module]
    inputs: Rows
    targets: Rows
    loss: LossName
    learning_rate: float
    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    is_series: bool = False


_X, _T = ((0.05, 0.10),), ((0.01, 0.99),)
BY_NAME: dict[str, Preset] = {
    # M. Mazur, "A step by step backpropagation example", 2015, with a bias of its own for each unit
    "two_two_two": Preset(
        "2 -> fc(2) -> sigmoid -> fc(2) -> sigmoid", _X, _T, "half-squared-error", 0.5,
        {
            "fc1.weight": (0.15, 0.20, 0.25, 0.30), "fc1.bias": (0.35, 0.35),
            "fc2.weight": (0.40, 0.45, 0.50, 0.55), "fc2.bias": (0.60, 0.60),
        },
    ),
    "shared": Preset(
        Shared, _X, _T, "half-squared-error", 0.5,
        {"W1": (0.15, 0.20, 0.25, 0.30), "b1": (0.35,), "W2": (0.40, 0.45, 0.50, 0.55), "b2": (0.60,)},
    ),
    "neuron": Preset(
        "2 -> fc(1) -> sigmoid", ((1.0, 0.5),), ((1.0,),), "half-squared-error", 1.0,
        {"fc1.weight": (0.4, -0.6), "fc1.bias": (-0.2,)},
    ),
    "xor": Preset(
        "2 -> fc(2) -> tanh -> fc(1)",
        ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)), ((0.0,), (1.0,), (1.0,), (0.0,)),
        "binary-cross-entropy", 0.5,
        {"fc1.weight": (0.8, -0.9, -0.7, 0.6), "fc1.bias": (0.2, -0.2), "fc2.weight": (0.9, 1.1), "fc2.bias": (0.2,)},
    ),
    "softmax": Preset(
        "2 -> fc(3)", ((0.6, -0.4),), ((0.0,),), "cross-entropy", 0.5,
        {"fc1.weight": (0.2, -0.3, 0.5, 0.1, -0.4, 0.7), "fc1.bias": (0.1, 0.0, -0.1)},
    ),
    "convolution": Preset(
        "4x4x1 -> conv(1, 3x3) -> relu -> fc(2)",
        ((0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0),), ((1.0, 0.0),),
        "half-squared-error", 0.1,
        {
            "conv1.weight": (-0.1, 0.2, 0.3, -0.2, 0.4, 0.1, 0.1, -0.3, 0.2), "conv1.bias": (0.1,),
            "fc1.weight": (0.3, -0.2, 0.5, 0.1, -0.4, 0.2, 0.1, 0.6), "fc1.bias": (0.0, 0.1),
        },
    ),
    "recurrent": Preset(
        Recurrent, ((0.5, -0.3, 0.8),), ((0.6,),), "half-squared-error", 0.5,
        {"W": (0.7,), "b": (0.1,), "U": (0.5,), "V": (0.9,)}, is_series=True,
    ),
    "residual": Preset(
        "2 -> fc(2) -> tanh -> residual(fc(2) -> tanh) -> fc(1)", ((0.5, -1.0),), ((0.8,),), "half-squared-error", 0.2,
        {
            "fc1.weight": (0.6, -0.2, 0.3, 0.5), "fc1.bias": (0.1, -0.1),
            "residual1.body.fc1.weight": (0.4, 0.3, -0.5, 0.2), "residual1.body.fc1.bias": (0.0, 0.1),
            "fc2.weight": (0.7, -0.6), "fc2.bias": (0.05,),
        },
    ),
}  # fmt: skip
