"""What joins torch's layers to sequences that are batch first, (N, T, F)."""

import torch
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


class PaddedOutputs(nn.Module):
    """A recurrent layer on sequences that steps of zeros in front pad to one length: those are not read.

    In their places its outputs (N, T, H) are zeros again, so that another such layer can follow. What it says of a
    sequence does not depend on how long the others in the batch are.

    On a CPU padding is put behind the sequence, read after it, and what is said of it thrown away: a packed sequence
    takes up to four times as long there, for it is read in many small pieces.

    Args:
        layer: an `nn.RNN`, `nn.GRU` or `nn.LSTM` with `batch_first=True`.
    """

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden state at every step, zeros at padding."""
        first_N1 = x.ne(0).any(-1, keepdim=True).int().argmax(1)
        if not x.is_cpu:
            return self._packed(x, first_N1)
        skipped = int(first_N1.min())  # steps that are padding in every sequence
        y = self._unpacked(x[:, skipped:], first_N1 - skipped)
        return nn.functional.pad(y, (0, 0, skipped, 0))

    def _packed(self, x: Tensor, first_N1: Tensor) -> Tensor:
        there_NT, back_NT = self._places(x, first_N1)
        lengths_N = (x.shape[1] - first_N1[:, 0]).cpu()
        x = self._taken(x, there_NT)  # torch packs sequences that are padded behind
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths_N, batch_first=True, enforce_sorted=False)
        y, _ = nn.utils.rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True, total_length=x.shape[1])
        return self._taken(y, back_NT)

    def _unpacked(self, x: Tensor, first_N1: Tensor) -> Tensor:
        there_NT, back_NT = self._places(x, first_N1)
        real_NT1 = (torch.arange(x.shape[1]) >= first_N1)[..., None]
        if not self.layer.bidirectional:
            outputs: Tensor = self.layer(self._taken(x, there_NT))[0]
            return self._taken(outputs, back_NT) * real_NT1
        for number in range(self.layer.num_layers):
            forwards = self._taken(self._one(self._taken(x, there_NT), f"l{number}"), back_NT)
            backwards = self._one(x.flip(1), f"l{number}_reverse").flip(1)
            x = torch.cat([forwards, backwards], -1) * real_NT1
        return x

    def _one(self, x: Tensor, suffix: str) -> Tensor:
        """Return what one layer of the stack says in one direction, (N, T, H)."""
        layer = self.layer
        biases = ("bias_ih", "bias_hh") if layer.bias else ()
        weights = [getattr(layer, f"{name}_{suffix}") for name in ("weight_ih", "weight_hh", *biases)]
        start = x.new_zeros(1, x.shape[0], layer.hidden_size)
        read = getattr(torch, layer.mode.lower())  # torch.lstm, torch.gru, torch.rnn_tanh: what the layers call
        outputs: Tensor = read(
            x, (start, start) if layer.mode == "LSTM" else start,
            weights, layer.bias, 1, 0.0, layer.training, False, True,
        )[0]  # fmt: skip
        return outputs

    @staticmethod
    def _places(x: Tensor, first_N1: Tensor) -> tuple[Tensor, Tensor]:
        """Return where each step with padding behind comes from, and where each with padding in front does, (N, T)."""
        steps_T = torch.arange(x.shape[1], device=x.device)
        return (steps_T + first_N1) % x.shape[1], (steps_T - first_N1) % x.shape[1]

    @staticmethod
    def _taken(x: Tensor, places_NT: Tensor) -> Tensor:
        return x.gather(1, places_NT[..., None].expand(-1, -1, x.shape[-1]))


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


class Ends(nn.Module):
    """Where a layer that reads in both directions ends: (N, T, 2 H) to (N, 2 H).

    The last step of the first half of the features, and the first step of the second half, which was read backwards.

    Args:
        padded: whether steps of zeros in front are padding, so that the first step is the first that is not zeros.
    """

    def __init__(self, padded: bool = False) -> None:
        super().__init__()
        self.padded = padded

    def forward(self, x: Tensor) -> Tensor:
        """Return both ends side by side."""
        forwards, backwards = x.chunk(2, -1)
        if not self.padded:
            return torch.cat([forwards[:, -1], backwards[:, 0]], -1)
        first_N1 = x.ne(0).any(-1, keepdim=True).int().argmax(1)
        # not take_along_dim, which fixes the batch size of a traced network
        first_N1H = first_N1[..., None].expand(-1, -1, backwards.shape[-1])
        return torch.cat([forwards[:, -1], backwards.gather(1, first_N1H)[:, 0]], -1)


class RepeatVector(nn.Module):
    """The same features at every step of a sequence: (N, F) to (N, T, F).

    Args:
        steps: how many, T.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        """Return the sequence."""
        return x[:, None].expand(-1, self.steps, -1)
