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


class FromLast(nn.Module):
    """A forecast from where the sequence stands: y = f(x - x[T]) + x[T, 0], so that f need only say the change.

    With f = 0 this repeats the last value (persistence); a trend takes the input nowhere new, for f sees differences.
    Zeng et al., "Are transformers effective for time series forecasting?" (2023), the N of NLinear.

    Args:
        body: (N, T, F) -> (N, K), the changes of the first feature at K times to come.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, K) of (N, T, F)."""
        last = x[:, -1:]
        change: Tensor = self.body(x - last)
        return change + last[:, 0, :1]


class Last(nn.Module):
    """The last step of a sequence: (N, T, F) to (N, F); sequences of unequal length are padded on the left."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the last step."""
        return x[:, -1]
