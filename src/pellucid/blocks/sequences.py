"""What joins torch's layers to sequences that are batch first, (N, T, F)."""

from torch import Tensor, nn


class OverTime(nn.Module):
    """A channels-first layer (convolution, pooling, batch normalisation) on a sequence: (N, T, F) to (N, T', F').

    Args:
        layer: a module that takes (N, F, T).
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output with time before features again."""
        y: Tensor = self.layer(x.transpose(1, 2))
        return y.transpose(1, 2)


class Outputs(nn.Module):
    """A recurrent layer that gives its outputs (N, T, H) and keeps its last state to itself.

    Args:
        layer: an `nn.RNN`, `nn.GRU` or `nn.LSTM` with `batch_first=True`; call it directly to carry the state on.
    """

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden state at every step."""
        outputs: Tensor = self.layer(x)[0]
        return outputs


class Last(nn.Module):
    """The last step of a sequence: (N, T, F) to (N, F); sequences of unequal length are padded on the left."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the last step."""
        return x[:, -1]
