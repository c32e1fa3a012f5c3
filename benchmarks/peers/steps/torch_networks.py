"""The five networks in plain PyTorch, and their data as it likes them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.steps.made import TOKENS, TRAININGS, made


class CharLSTM(nn.Module):
    """A table of the characters, an LSTM, and a score for each character that may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm = nn.Embedding(TOKENS, 64), nn.LSTM(64, 128, batch_first=True)
        self.scores = nn.Linear(128, TOKENS)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the scores as cross-entropy likes them, (B, tokens, T)."""
        states_BTH, _ = self.lstm(self.table(tokens_BT))
        scores_BKT: Tensor = self.scores(states_BTH).transpose(1, 2)
        return scores_BKT


class Block(nn.Module):
    """Two convolutions, and the input added: every other pixel with zeros for new maps where these are more."""

    def __init__(self, maps_in: int, maps: int) -> None:
        super().__init__()
        self.stride, self.more = maps // maps_in, maps - maps_in
        self.convolutions = nn.Sequential(
            nn.Conv2d(maps_in, maps, 3, self.stride, padding=1, bias=False), nn.BatchNorm2d(maps), nn.ReLU(),
            nn.Conv2d(maps, maps, 3, padding=1, bias=False), nn.BatchNorm2d(maps),
        )  # fmt: skip

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the sum, rectified."""
        kept = F.pad(x_BCHW[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return F.relu(self.convolutions(x_BCHW) + kept)


def network_of(name: str) -> nn.Module:
    """Return a network at its beginning."""
    torch.manual_seed(0)
    match name:
        case "mlp":
            return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
        case "wide":
            return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        case "lenet5":
            return nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
                nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(),
                nn.Linear(84, 10),
            )  # fmt: skip
        case "resnet8":
            begin = (nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
            blocks = (Block(16, 16), Block(16, 32), Block(32, 64))
            return nn.Sequential(*begin, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
        case _:
            return CharLSTM()


def samples_of(name: str) -> tuple[Tensor, Tensor]:
    """Return the samples and classes of all steps."""
    x, y = (torch.from_numpy(each) for each in made(name))
    return (x.movedim(-1, 1).contiguous() if x.dim() == 4 else x), y


def batches_of(name: str) -> list[tuple[Tensor, Tensor]]:
    """Return the same, cut into the batches of the steps."""
    x, y = samples_of(name)
    size = TRAININGS[name].batch
    return list(zip(x.split(size), y.split(size), strict=True))
