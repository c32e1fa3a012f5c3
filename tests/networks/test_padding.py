"""Padding does not change what a network says: a text alone, in a padded batch, and as torch packs it."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.blocks import Ends, PaddedOutputs
from pellucid.errors import NotationError
from pellucid.formats.recurrence import TorchRecurrence, Unpacked, replaced
from pellucid.networks import build, fit_to
from pellucid.networks.zoo import ZOO
from pellucid.shapes import Tokens

pytestmark = pytest.mark.covers("B6")

LENGTHS = (3, 9, 1, 6, 9)
OPTIONS = ("", ", layers=2", ", bidirectional=yes", ", layers=3, bidirectional=yes")


def texts() -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    return [torch.randint(1, 11, (length,), generator=random) for length in LENGTHS]


def padded(lines: list[Tensor], length: int) -> Tensor:
    return torch.stack([nn.functional.pad(line, (length - len(line), 0)) for line in lines])


def network_of(cell: str, options: str) -> nn.Module:
    end = "ends(padded=yes)" if "bidirectional" in options else "last"
    return build(f"tokens(11) -> embed(4, padded=yes) -> {cell}(5{options}, padded=yes) -> {end} -> fc(3)", seed=2)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_text_alone_and_in_a_padded_batch(cell: str, options: str) -> None:
    network, lines = network_of(cell, options), texts()
    alone = torch.cat([network(line[None]) for line in lines])
    for length in (9, 14):
        assert torch.allclose(network(padded(lines, length)), alone, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_it_says_what_torchs_packed_sequence_says(cell: str, options: str) -> None:
    network, lines = network_of(cell, options), texts()
    embed, block = network[0], network[1]  # type: ignore[index]
    assert isinstance(block, PaddedOutputs)
    packed = nn.utils.rnn.pack_sequence([embed(line) for line in lines], enforce_sorted=False)
    outputs, state = block.layer(packed)
    said = block(embed(padded(lines, 12)))
    for line, expected, own in zip(lines, nn.utils.rnn.unpack_sequence(outputs), said, strict=True):
        assert torch.allclose(own[12 - len(line) :], expected, atol=1e-6)
        assert not own[: 12 - len(line)].any()
    # the states that torch returns beside its outputs are those the last words take
    states_LNH = state[0] if isinstance(state, tuple) else state
    both = torch.cat([states_LNH[-2], states_LNH[-1]], -1) if "bidirectional" in options else states_LNH[-1]
    assert torch.allclose(network[2](said), both, atol=1e-6)  # type: ignore[index]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_packed_and_with_padding_behind_it_says_and_learns_the_same(cell: str, options: str) -> None:
    """Of all that is on a GPU sequences are packed; a CPU reads what is behind them too."""
    network, lines = network_of(cell, options), texts()
    embed, block = network[0], network[1]  # type: ignore[index]
    weight_N = torch.linspace(-1, 1, len(lines))
    answers = []
    for packed in (False, True):
        x_NTF = embed(padded(lines, 14))
        first_N1 = torch.tensor([[14 - len(line)] for line in lines])
        said = block._packed(x_NTF, first_N1) if packed else block(x_NTF)
        network.zero_grad()
        (said.square().sum((1, 2)) @ weight_N).backward()
        answers.append((said.detach(), *(p.grad.clone() for p in block.parameters())))
    for one, other in zip(*answers, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
        assert one.abs().sum() > 0


def test_a_network_that_reads_padding_says_something_else() -> None:
    network = build("tokens(11) -> embed(4) -> gru(5) -> last -> fc(3)", seed=2)
    lines = texts()
    alone = torch.cat([network(line[None]) for line in lines])
    assert not torch.allclose(network(padded(lines, 9)), alone, atol=1e-3)


def test_padding_is_not_learned() -> None:
    network = build("tokens(11) -> embed(4, padded=yes) -> gru(5, padded=yes) -> last -> fc(3)", seed=2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    before = [p.clone() for p in network.parameters()]
    for _ in range(3):
        optimizer.zero_grad()
        network(padded(texts(), 9)).square().sum().backward()
        optimizer.step()
    embed = network[0]  # type: ignore[index]
    assert not embed.weight[0].any()
    assert all(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_two_recurrent_words_and_dropout_between_them() -> None:
    text = "embed(4, padded=yes) -> gru(6, padded=yes, bidirectional=yes) -> dropout -> lstm(5, padded=yes) -> last"
    network, lines = build(f"tokens(11) -> {text}", seed=3).eval(), texts()
    alone = torch.cat([network(line[None]) for line in lines])
    assert torch.allclose(network(padded(lines, 9)), alone, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_form_that_a_graph_can_hold_says_the_same(cell: str, options: str) -> None:
    network = network_of(cell, options)

    class Dense(nn.Module):
        def __init__(self, layer: nn.RNNBase) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            outputs: Tensor = self.layer(x)[0]
            return outputs

    dense = replaced(network, Dense)
    assert any(isinstance(module, Unpacked) for module in dense.modules())
    tokens_NT = padded(texts(), 13)
    tokens_NT[1, -3] = 0  # padding is in front only: in between it is a token as any other
    assert torch.allclose(dense(tokens_NT), network(tokens_NT), atol=1e-6)
    assert any(isinstance(module, TorchRecurrence) for module in replaced(network, TorchRecurrence).modules())


def test_ends_are_where_each_direction_stops() -> None:
    x_NTF = torch.arange(24.0).reshape(1, 4, 6) + 1
    assert Ends()(x_NTF).tolist() == [[19.0, 20.0, 21.0, 4.0, 5.0, 6.0]]
    x_NTF[:, :2] = 0
    assert Ends(padded=True)(x_NTF).tolist() == [[19.0, 20.0, 21.0, 16.0, 17.0, 18.0]]
    with pytest.raises(NotationError, match="even number"):
        build("T x 5 -> ends")


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("options", ["", ", bidirectional=yes", ", layers=2, dropout=0.2"])
def test_a_zoo_network_reads_texts_of_any_length(name: str, options: str) -> None:
    assert name in ZOO
    plan, _ = fit_to(f"{name}(6{options})", Tokens(11), 3)
    network, lines = build(plan, seed=4).eval(), texts()
    alone = torch.cat([network(line[None]) for line in lines])
    assert torch.allclose(network(padded(lines, 9)), alone, atol=1e-6)
