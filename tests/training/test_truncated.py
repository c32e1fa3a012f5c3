"""Texts read on with the state kept: truncated back-propagation through time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.data.dataset import Dataset, NextToken
from pellucid.errors import OptionError
from pellucid.networks import build
from pellucid.networks.carrying import carrying
from pellucid.recipe import Recipe
from pellucid.shapes import Tokens
from pellucid.training import begin, evaluate, steps
from pellucid.training.checkpoint import restore, save_checkpoint
from pellucid.training.loop import epoch_order
from pellucid.training.rules import Truncated
from pellucid.training.session import Session
from tests.training.making import make_data

pytestmark = pytest.mark.covers("B6")

NETWORK = "tokens(5) -> embed(4) -> lstm(6) -> dropout(0.2) -> gru(5) -> fc(5)"
RECIPE = Recipe(epochs=3, batch_size=4, learning_rate=1e-2)


@pytest.fixture
def text() -> Dataset:
    """A text in windows of 7 tokens that lie side by side: 22 to train on, 6 to validate, 6 to test."""
    stream = torch.randint(0, 5, (34 * 7 + 1,), generator=torch.Generator().manual_seed(1)).cumsum(0) % 5
    target = NextToken(tuple("abcde"))
    return make_data(stream[:-1].reshape(-1, 7), stream[1:].reshape(-1, 7), target, Tokens(5), train=22)


def gradients(network: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_pieces_with_the_state_carried_say_what_the_whole_says(cell: str) -> None:
    network = build(f"T x 3 -> {cell}(5, layers=2) -> fc(2) -> {cell}(4)", seed=1)
    x_NTF = torch.randn(2, 12, 3)
    state: dict[str, Tensor] = {}
    pieces = []
    for piece in x_NTF.split([5, 1, 6], dim=1):
        with carrying(network, state):
            pieces.append(network(piece))
    assert torch.allclose(torch.cat(pieces, 1), network(x_NTF), atol=1e-6)
    assert not any(tensor.requires_grad for tensor in state.values())
    assert torch.equal(network(x_NTF[:, :5]), pieces[0])  # nothing is left behind in the network


def test_a_row_goes_on_where_the_same_row_of_the_batch_before_stopped(text: Dataset) -> None:
    session = begin(text, NETWORK, RECIPE).session
    assert isinstance(session.rule, Truncated)
    starts = set()
    for epoch in range(1, 6):
        session.progress.epoch = epoch
        order = epoch_order(session)
        assert sorted(order.tolist()) == list(range(22))
        batches = order[:20].view(5, 4)
        assert bool(((batches[1:] - batches[:-1]) % 22 == 1).all())
        starts.add(int(order[0]))
    assert len(starts) > 1  # the streams are cut elsewhere each time


def test_the_gradient_is_cut_where_the_window_begins_and_the_state_is_not(text: Dataset) -> None:
    """Against a loop by hand, in which the state is handed on and detached."""
    recipe = Recipe(epochs=1, batch_size=4, learning_rate=0.05, optimizer="sgd", schedule="constant", weight_decay=0.0)
    session = begin(text, "tokens(5) -> embed(4) -> gru(6) -> fc(5)", recipe).session
    embed, gru, fc = (
        module for module in build("tokens(5) -> embed(4) -> gru(6) -> fc(5)", seed=0).modules()
        if isinstance(module, nn.Embedding | nn.GRU | nn.Linear)
    )  # fmt: skip
    parameters = [*embed.parameters(), *gru.parameters(), *fc.parameters()]
    order, hidden = epoch_order(session), None
    for number, rows in enumerate(order.split(4)):
        inputs, targets = text.batch(rows)
        y, hidden = gru(embed(inputs), hidden if 0 < number < 5 else None)
        loss = F.cross_entropy(fc(y).flatten(0, 1), targets.flatten())
        rate = 0.05 * session.schedule(number)
        with torch.no_grad():
            for weight, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                weight.sub_(rate * gradient)
        hidden = hidden.detach()
    for _ in steps(session):
        pass
    for ours, by_hand in zip(session.network.parameters(), parameters, strict=True):
        assert torch.allclose(ours, by_hand, atol=1e-6)


def test_a_window_as_long_as_the_stream_is_back_propagation_through_all_time() -> None:
    """The gradient of a whole text reaches further than that of its pieces, and equals that of a loop by hand."""
    network = build("T x 3 -> rnn(4)", seed=2)
    x_NTF = torch.randn(1, 8, 3)
    network(x_NTF)[:, -1].sum().backward()
    whole = gradients(network)
    network.zero_grad()
    state: dict[str, Tensor] = {}
    for piece in x_NTF.split(4, dim=1):
        with carrying(network, state):
            last = network(piece)[:, -1]
    last.sum().backward()
    assert not torch.allclose(whole[0], gradients(network)[0], atol=1e-6)
    layer = network[0].layer  # type: ignore[index]
    weight = layer.weight_ih_l0.detach().clone().requires_grad_()
    hidden = torch.zeros(1, 4)
    for t in range(8):
        recurrent = hidden @ layer.weight_hh_l0.T + layer.bias_hh_l0 + layer.bias_ih_l0
        hidden = torch.tanh(x_NTF[:, t] @ weight.T + recurrent)
    hidden.sum().backward()
    assert weight.grad is not None
    assert torch.allclose(whole[0], weight.grad, atol=1e-6)


def test_evaluation_reads_on_too(text: Dataset) -> None:
    """With one row a stream everything begins cold; with a split as one stream the loss is that of reading it whole."""
    session = begin(text, "tokens(5) -> embed(4) -> gru(6) -> fc(5)", RECIPE).session
    network = session.network.eval()
    metrics = evaluate(network, text, session.task, "validation", session.device)
    tokens_T, targets_T = (part[22:28].flatten() for part in (text.inputs, text.targets))
    # six windows are fewer than the streams that are read at once: each begins cold
    cold = F.cross_entropy(network(tokens_T.view(6, 7)).flatten(0, 1), targets_T)
    assert metrics["loss"] == pytest.approx(cold.item(), abs=1e-6)
    rows = torch.arange(32).view(16, 2)
    data = make_data(text.inputs, text.targets, text.target, text.input_shape, train=2)
    data = Dataset(**{**{name: getattr(data, name) for name in Dataset.__slots__}, "rows": {"test": rows.flatten()}})
    metrics = evaluate(network, data, session.task, "test", session.device)
    warm = F.cross_entropy(network(text.inputs[rows].flatten(1)).flatten(0, 1), text.targets[rows].flatten())
    assert metrics["loss"] == pytest.approx(warm.item(), abs=1e-6)


@pytest.mark.parametrize("stop", [1, 3, 6, 8, 13])
def test_a_training_stopped_anywhere_goes_on_with_the_state_it_had(text: Dataset, tmp_path: Path, stop: int) -> None:
    def stepped(session: Session) -> Iterator[None]:
        for _ in steps(session, every=1):
            yield

    whole = begin(text, NETWORK, RECIPE).session
    for _ in stepped(whole):
        pass
    stopped = begin(text, NETWORK, RECIPE).session
    for number, _ in enumerate(stepped(stopped), 1):
        if number == stop:
            break
    save_checkpoint(tmp_path / "last.safetensors", stopped)
    gone_on = begin(text, NETWORK, RECIPE).session
    restore(gone_on, tmp_path / "last.safetensors")
    for _ in stepped(gone_on):
        pass
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, gone_on.network.state_dict()[name])
    assert whole.progress == gone_on.progress


@pytest.mark.parametrize(
    ("network", "recipe", "message"),
    [
        ("tokens(5) -> embed(4) -> gru(6, bidirectional=yes) -> fc(5)", Recipe(state="carried"), "reads backwards"),
        ("tokens(5) -> embed(4) -> fc(5)", Recipe(state="carried"), "no recurrent layer"),
        ("tokens(5) -> embed(4) -> gru(6) -> fc(5)", Recipe(state="carried", compile=True), "compile"),
    ],
)
def test_what_cannot_carry_a_state_is_refused(text: Dataset, network: str, recipe: Recipe, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        begin(text, network, recipe)


def test_the_state_is_carried_where_it_can_be(text: Dataset, blobs: Dataset) -> None:
    forwards, backwards = (
        f"tokens(5) -> embed(4) -> gru(6{option}) -> fc(5)" for option in ("", ", bidirectional=yes")
    )
    assert begin(text, forwards).session.recipe.state == "carried"
    assert begin(text, backwards).session.recipe.state == "fresh"
    assert begin(blobs).session.recipe.state == "fresh"
    with pytest.raises(OptionError, match="do not follow one another"):
        begin(blobs, recipe=Recipe(state="carried"))
