"""Networks computed together come to what each comes to by itself: every word of the notation, and plain modules."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.networks import Plan, build
from pellucid.seed import isolated
from pellucid.training.population.stack import Stack
from pellucid.training.population.stacked import StackingError
from tests.networks.test_contract import IDS, PLANS, example, tensors

MEMBERS = 3
WITHOUT_A_FORM = ("sample", "gan")
"""Words that no form is written for: a code that is drawn, and two networks in one."""


def can_be_stacked(plan: Plan) -> bool:
    return plan.parameters > 0 and not any(f" {word}" in str(plan) for word in WITHOUT_A_FORM)


STACKED = [
    pytest.param(plan, id=name, marks=[pytest.mark.slow] * (plan.parameters > 5_000_000))
    for plan, name in zip(PLANS, IDS, strict=True)
    if can_be_stacked(plan)
]


@pytest.mark.parametrize("plan", STACKED)
def test_every_word_computed_together(plan: Plan) -> None:
    networks = [build(plan, seed=k).double() for k in range(MEMBERS)]
    alone = copy.deepcopy(networks)
    inputs_KB = torch.stack([example(plan.input, seed=k) for k in range(MEMBERS)])
    inputs_KB = inputs_KB.double() if inputs_KB.is_floating_point() else inputs_KB
    stack = Stack(networks, inputs_KB)
    leaves = stack.leaves()
    outputs = tensors(stack(leaves, inputs_KB, stack.draw(list(range(MEMBERS)), inputs_KB[0])))
    squares = [each.flatten(1).square().sum(1) for each in outputs]
    stack.find_gradients(torch.stack(squares).sum(0), leaves)
    for k, network in enumerate(alone):
        with isolated():
            torch.manual_seed(k)
            answer = tensors(network.train()(inputs_KB[k]))
        torch.stack([each.square().sum() for each in answer]).sum().backward()
        for one, other in zip(answer, outputs, strict=True):
            assert torch.allclose(one, other[k], rtol=1e-10, atol=1e-10)
        gradient_P = torch.cat(
            [p.grad.flatten() for p in network.parameters() if p.requires_grad and p.grad is not None]
        )
        assert torch.allclose(gradient_P, stack.gradients_KP[k], rtol=1e-9, atol=1e-9 * float(gradient_P.abs().max()))
        for one, other in zip(network.buffers(), networks[k].buffers(), strict=True):
            assert torch.allclose(one, other, rtol=1e-10)
    judged = tensors(stack.judged(inputs_KB[0]))
    for k, network in enumerate(alone):
        for one, other in zip(tensors(network.eval()(inputs_KB[0])), judged, strict=True):
            assert torch.allclose(one, other[k], rtol=1e-10, atol=1e-10)


class Reading(nn.Module):
    """Does otherwise where a number of its own says so."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x)
        return y if float(y.sum().detach()) > 0 else -y


class Hidden(nn.Module):
    """Drops by a call of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.inner(x), 0.5, self.training)


class Twice(nn.Module):
    """Drops twice by one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.drop = nn.Linear(3, 3), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.drop(self.inner(self.drop(x)))
        return y


class Own(nn.Module):
    """Multiplies by a number that is no parameter."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.inner, self.factor = nn.Linear(3, 2), factor

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x) * self.factor
        return y


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Reading, "Reading"),
        (Hidden, "random"),
        (Twice, "Dropout .drop.*more than once"),
        (
            lambda: nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4, momentum=None))),
            r"BatchNorm1d \(1.0\)",
        ),
        (lambda: nn.LSTM(3, 2), "batch first"),
        (lambda: nn.Sequential(nn.Linear(3, 3), nn.AlphaDropout()), "AlphaDropout"),
        (nn.ReLU, "nothing to train"),
    ],
)
def test_what_cannot_be_computed_together_is_named(make: Callable[[], nn.Module], said: str) -> None:
    with pytest.raises(StackingError, match=said):
        Stack([make(), make()], torch.randn(2, 5, 3))


class Centred(nn.Module):
    """A layer without weights in which the samples of a batch know of one another."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what is left without the batch's mean."""
        return x - x.mean(0)


class Again(nn.Sequential):
    """No chain of its layers."""

    def forward(self, x: Tensor) -> Tensor:
        """Go through them twice."""
        for _ in range(2):
            for layer in self:
                x = layer(x)
        return x


@pytest.mark.parametrize("layer", [Centred(), Again(nn.Linear(3, 3), nn.Tanh()), nn.BatchNorm1d(3, 1e-5, 0.1, False)])
def test_layers_that_only_look_simple(layer: nn.Module) -> None:
    networks = [nn.Sequential(nn.Linear(3, 3), copy.deepcopy(layer)) for _ in range(2)]
    inputs_KB = torch.randn(2, 5, 3)
    stack = Stack(networks, inputs_KB)
    outputs = stack(stack.leaves(), inputs_KB, {})
    assert isinstance(outputs, Tensor)
    for network, inputs_B, output_B in zip(networks, inputs_KB, outputs, strict=True):
        torch.testing.assert_close(output_B, network.train()(inputs_B))


def test_networks_that_differ_in_more_than_their_tensors_are_noticed() -> None:
    Stack([Own(2.0), Own(2.0)], torch.randn(2, 5, 3))
    with pytest.raises(StackingError, match="something else together"):
        Stack([Own(2.0), Own(3.0)], torch.randn(2, 5, 3))


def test_networks_of_different_shapes_are_refused() -> None:
    with pytest.raises(StackingError, match="different shapes"):
        Stack([nn.Linear(3, 2), nn.Linear(3, 3)], torch.randn(2, 5, 3))


def test_networks_stay_themselves_and_their_own() -> None:
    networks = [nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(3)]
    before = [{name: tensor.clone() for name, tensor in network.state_dict().items()} for network in networks]
    stack = Stack(networks, torch.randn(3, 5, 3))
    for network, was in zip(networks, before, strict=True):
        assert all(torch.equal(tensor, was[name]) for name, tensor in network.state_dict().items())
    stack.keep([0, 2])
    stack.weights_KP.zero_()
    assert not any(parameter.any() for k in (0, 2) for parameter in networks[k].parameters())
    assert all(torch.equal(tensor, before[1][name]) for name, tensor in networks[1].state_dict().items())
