"""A text gone on with step by step, the state carried, is the text gone on with by reading everything again."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.networks import build
from pellucid.networks.carrying import State, carrying
from pellucid.networks.continuation import carries_on, continue_tokens

pytestmark = pytest.mark.covers("B6")

CARRYING = (
    "embed(6) -> rnn(8) -> fc(9)",
    "embed(6) -> gru(8, layers=2) -> dropout(0.3) -> fc(9)",
    "embed(6) -> lstm(8) -> layernorm -> relu -> gru(7) -> fc(9)",
)
NOT_CARRYING = (
    "embed(6) -> lstm(8, bidirectional=yes) -> fc(9)",
    "embed(6) -> conv(5, kernel=3, padding=same) -> gru(4) -> fc(9)",
    "embed(6) -> fc(9)",
    "embed(6) -> residual(gru(6)) -> fc(9)",
)


class Counted(nn.Module):
    """Stands in front of a network that then is no chain, and counts the tokens it is shown."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.shown = 0

    def forward(self, tokens_NT: Tensor) -> Tensor:
        self.shown += tokens_NT.numel()
        logits_NTK: Tensor = self.network(tokens_NT)
        return logits_NTK


def gone_on(network: nn.Module, temperature: float, window: int = 256) -> list[int]:
    prompt_T = torch.tensor([3, 1, 4, 1, 5])
    drawn = continue_tokens(network, prompt_T, 60, temperature, torch.Generator().manual_seed(7), window)
    found: list[int] = drawn.tolist()
    return found


def sharp(text: str) -> nn.Module:
    """Return a network whose answers differ much, so that a wrong state would show."""
    network = build(f"tokens(9) -> {text}", seed=1).eval()
    for parameter in network.parameters():
        parameter.data *= 3
    return network


@pytest.mark.parametrize("temperature", [0, 0.5, 1])
@pytest.mark.parametrize("text", CARRYING)
def test_the_same_tokens_as_reading_all_again(text: str, temperature: float) -> None:
    network = sharp(text)
    assert carries_on(network)
    again = Counted(network)
    assert not carries_on(again)
    assert gone_on(network, temperature) == gone_on(again, temperature)
    assert again.shown == sum(range(5, 65))


@pytest.mark.parametrize("text", CARRYING)
def test_the_same_distribution(text: str) -> None:
    """What the network believes of the next token after a long text, to 1e-5."""
    network, state = sharp(text), State()
    tokens_1T = torch.randint(0, 9, (1, 300), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        whole = network(tokens_1T)
        for step in range(300):
            with carrying(network, state):
                said = network(tokens_1T[:, step : step + 1])
            assert torch.allclose(said[0, 0].softmax(-1), whole[0, step].softmax(-1), atol=1e-5)


@pytest.mark.parametrize("text", NOT_CARRYING)
def test_another_network_is_shown_its_window_again(text: str) -> None:
    network = sharp(text)
    assert not carries_on(network)
    counted = Counted(network)
    assert gone_on(counted, 1, window=10) == gone_on(network, 1, window=10)
    assert counted.shown == sum(min(10, 5 + drawn) for drawn in range(60))
