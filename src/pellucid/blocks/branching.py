"""Several ways through a network that start from one tensor."""

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """The sum of several branches of one input: y = a(x) + b(x) + ...

    With the branches `body` and an identity this is the residual block of He et al., "Deep Residual Learning for
    Image Recognition" (2016).

    Args:
        branches: modules whose outputs have one shape; their keywords name them in the state dict.
    """

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of the branches' outputs."""
        first, *others = self.children()
        total: Tensor = first(x)
        for branch in others:
            total = total + branch(x)
        return total


class Concat(nn.Module):
    """The outputs of several branches of one input side by side, as in GoogLeNet's Inception module.

    Args:
        dimension: the dimension to join: 1 for the channels of images (N, C, H, W), -1 for features and sequences.
        branches: modules whose outputs agree in all other dimensions; their keywords name them in the state dict.
    """

    def __init__(self, dimension: int, **branches: nn.Module) -> None:
        super().__init__()
        self.dimension = dimension
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """Return the branches' outputs joined."""
        return torch.cat([branch(x) for branch in self.children()], self.dimension)

    def extra_repr(self) -> str:
        """Return the joined dimension."""
        return f"dimension={self.dimension}"


class Heads(nn.Module):
    """Several outputs of one network, a dict of tensors: one network, several tasks (Caruana, 1997).

    Args:
        heads: one module for each output; their keywords are the outputs' names. One that gives a dict itself, for it
            ends in heads, gives those outputs in its place.
    """

    def __init__(self, **heads: nn.Module) -> None:
        super().__init__()
        for name, head in heads.items():
            self.add_module(name, head)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return each head's output under its name."""
        outputs: dict[str, Tensor] = {}
        for name, head in self.named_children():
            output = head(x)
            outputs.update(output if isinstance(output, dict) else {name: output})
        return outputs
