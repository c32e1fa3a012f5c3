"""The chain rule number by number: terms against autograd's Jacobians, and the formulas' letters."""

import re
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import pellucid
from pellucid.explain import backprop
from pellucid.explain.derivation import Derivation, Step, links, rewritten, terms
from pellucid.explain.derivation.layers import is_written

pytestmark = pytest.mark.covers("C1", "E5")
Named = Literal["half-squared-error", "cross-entropy", "binary-cross-entropy"]
NETWORKS = [
    "3 -> fc(4) -> sigmoid -> fc(2)", "3 -> fc(3) -> relu -> layernorm -> fc(2)",
    "3 -> residual(fc(3) -> tanh) -> fc(2)",
    "5x4x2 -> conv(3, 3x2, stride=2, padding=1) -> leakyrelu -> avgpool(2x2) -> fc(2)",
    "6x6x1 -> conv(2, 3x3, dilation=2) -> batchnorm -> maxpool(2x2) -> fc(2)", "4 -> fc(3) -> softmax -> fc(2)",
]  # fmt: skip


def derived(text: str, loss: Named = "half-squared-error") -> tuple[nn.Module, Derivation]:
    network = pellucid.build(text, seed=3).double().eval()
    stream = torch.Generator().manual_seed(4)
    shape = tuple(d or 1 for d in pellucid.networks.parse(text).input.dimensions)
    x = torch.randn(2, *shape, generator=stream, dtype=torch.float64)
    y = torch.rand(2, 2, generator=stream, dtype=torch.float64)
    return network, backprop(network, x, y, loss=loss)


def numbered(step: Step) -> list[tuple[int, tuple[int, ...]]]:
    return [(operand, place) for operand, each in enumerate(step.operands) if each.gradient is not None
            for place in np.ndindex(np.shape(each.gradient))]  # fmt: skip


@pytest.mark.parametrize("text", NETWORKS)
def test_the_links_of_every_number_sum_to_its_gradient(text: str) -> None:
    _, found = derived(text)
    for step in found.steps:
        for operand, place in numbered(step):
            total = sum(link.gradient * link.slope for link in links(step, operand, place))
            assert total == pytest.approx(step.operands[operand].gradient[place], rel=1e-9, abs=1e-13), step.name


@pytest.mark.parametrize("text", NETWORKS)
def test_the_terms_of_every_number_sum_to_it(text: str) -> None:
    _, found = derived(text)
    linear = [step for step in found.steps if step.rule.linear_in]
    assert {"fully connected"} <= {step.kind for step in linear}
    for step in linear:
        for place in np.ndindex(step.output.shape):
            total = sum(term.slope * term.value for term in terms(step, place))
            assert total == pytest.approx(step.output[place], rel=1e-9, abs=1e-13), step.name


@pytest.mark.parametrize("text", NETWORKS)
def test_a_slope_that_is_a_number_of_the_network_is_that_number(text: str) -> None:
    _, found = derived(text)
    named = 0
    for step in found.steps:
        for operand, place in numbered(step):
            for link in links(step, operand, place):
                if link.slope_is is not None:
                    other, there = link.slope_is
                    assert link.slope == pytest.approx(step.operands[other].value[there], abs=1e-14), step.name
                    named += 1
    assert named


def test_the_slopes_are_autograds_jacobian() -> None:
    network, found = derived("4 -> fc(3) -> softmax -> fc(2)")
    step = found.step("softmax1")
    softmax = network.get_submodule("softmax1")
    assert is_written(softmax)
    z = torch.as_tensor(step.operands[0].value)
    jacobian = torch.autograd.functional.jacobian(softmax, z)
    for operand, place in numbered(step):
        for link in links(step, operand, place):
            assert link.slope == pytest.approx(float(jacobian[link.place + place]), abs=1e-12)


def test_a_dead_relu_has_a_term_of_zero() -> None:
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, -1.0)
    nn.init.zeros_(layer.bias)
    network = nn.Sequential(layer, nn.ReLU()).double()
    relu = backprop(network, [[1.0]], [[2.0]], loss="half-squared-error").step("1")
    (link,) = links(relu, 0, (0, 0))
    assert (link.gradient, link.slope) == (-2.0, 0.0)


def test_what_is_not_recomputed_has_no_terms() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            gone: torch.Tensor = torch.special.erfcx(x)
            return gone

    network = nn.Sequential(nn.Linear(2, 2), Odd()).double()
    step = next(each for each in backprop(network, [[1.0, 2.0]], [[0.0, 0.0]]).steps if not each.is_recomputed)
    assert links(step, 0, (0, 0)) == ()
    assert terms(step, (0, 0)) == ()
    with pytest.raises(IndexError):
        links(step, 0, (0, 5))


@pytest.mark.parametrize("loss", ["cross-entropy", "binary-cross-entropy"])
def test_the_worked_loss_is_the_loss(loss: Literal["cross-entropy", "binary-cross-entropy"]) -> None:
    network = nn.Linear(1, 2, bias=False).double()
    y = torch.tensor([1]) if loss == "cross-entropy" else torch.tensor([[0.25, 1.0]], dtype=torch.float64)
    line = backprop(network, [[1.0]], y, loss=loss).loss.worked[0]
    _, formula, value = line.split(" = ")
    computed = eval(re.sub(r"log ([\d.]+)", r"np.log(\1)", formula).replace("·", "*"))
    expected = F.cross_entropy(network(torch.ones(1, 1).double()), y)
    if loss == "binary-cross-entropy":
        expected = F.binary_cross_entropy_with_logits(network(torch.ones(1, 1).double()), y)
    assert float(value) == pytest.approx(expected.item(), rel=1e-7)
    assert computed == pytest.approx(expected.item(), rel=1e-6)


def test_letters_are_replaced_and_words_are_not() -> None:
    assert (
        rewritten(r"Z = X W^\top \text{ of } X", {"X": "A_1", "W": "W_2"}) == r"Z = {A_1} {W_2}^\top \text{ of } {A_1}"
    )
    assert rewritten(r"dW = dZ^\top X", {"W": "W_2", "Z": "Z_2"}) == r"d{W_2} = d{Z_2}^\top X"
    assert rewritten(r"\max(0, Z)", {"m": "1", "a": "2", "Z": "0.3"}) == r"\max(0, {0.3})"
    assert (
        rewritten(r"\frac{1}{m} (\hat Y - Y)", {r"\hat Y": "0.4", "Y": "1", "m": "4"}) == r"\frac{1}{{4}} ({0.4} - {1})"
    )
