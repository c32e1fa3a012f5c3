"""Several outputs, whose losses are summed, and several inputs."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid
from pellucid.errors import DataError, OptionError
from pellucid.explain import backprop
from pellucid.explain.derivation import as_latex, as_text
from pellucid.seed import generator

TEXT = "4 -> fc(3) -> tanh -> heads(digit: fc(2) | size: fc(1) | marks: fc(3))"
X = torch.randn(5, 4, generator=generator(0, "x"))
TARGETS = {
    "marks": (torch.rand(5, 3, generator=generator(0, "marks")) > 0.5).long(),
    "digit": torch.tensor([0, 1, 1, 0, 1]),
    "size": torch.randn(5, 1, generator=generator(0, "size")),
}
LOSSES = {"marks": "binary-cross-entropy"}
WEIGHTS = {"size": 0.25, "marks": 2.0}


def test_the_losses_of_the_heads_are_summed_with_their_weights() -> None:
    network = pellucid.build(TEXT, seed=0).double()
    found = backprop(network, X, TARGETS, loss=LOSSES, weights=WEIGHTS, learning_rate=0.1)  # type: ignore[arg-type]
    outputs = network(X.double())
    losses = {
        "digit": F.cross_entropy(outputs["digit"], TARGETS["digit"]),
        "size": F.mse_loss(outputs["size"], TARGETS["size"].double()),
        "marks": F.binary_cross_entropy_with_logits(outputs["marks"], TARGETS["marks"].double()),
    }
    total = losses["digit"] + 0.25 * losses["size"] + 2 * losses["marks"]
    total.backward()
    assert found.loss.value == pytest.approx(total.item(), rel=1e-12)
    assert {name: head.value for name, head in found.loss.heads.items()} == pytest.approx(
        {name: loss.item() for name, loss in losses.items()}, rel=1e-12
    )
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        assert found.gradients[name] == pytest.approx(parameter.grad.numpy(), rel=1e-9, abs=1e-15)
    assert all(step.is_recomputed for step in found.steps)
    assert found.agreement.relative < 1e-9


def test_the_text_tells_each_loss_and_their_sum() -> None:
    found = backprop(pellucid.build(TEXT, seed=0), X, TARGETS, loss=LOSSES, weights=WEIGHTS)  # type: ignore[arg-type]
    text, latex = as_text(found), as_latex(found)
    for name, kind in {"digit": "cross-entropy of the softmax", "marks": "binary cross-entropy of the sigmoid"}.items():
        assert f"Loss of {name}: {kind}" in text
    assert "E = E_digit + 0.25·E_size + 2·E_marks" in text
    assert "dO_marks = 2·∂E_marks/∂O_marks" in text
    assert r"\paragraph{size: squared error" in latex
    assert latex.count("{") == latex.count("}")
    assert "\t" not in latex


class Heads(nn.Module):
    """A head that the other one reads, and one tensor under two names; its branch cannot be traced."""

    def __init__(self, *, is_traceable: bool) -> None:
        super().__init__()
        self.first, self.second, self.is_traceable = nn.Linear(4, 3), nn.Linear(3, 2), is_traceable

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = self.first(x)
        if not self.is_traceable and hidden.sum() > 1e9:
            hidden = -hidden
        return {"hidden": hidden, "said": self.second(hidden), "again": hidden}


@pytest.mark.parametrize("is_traceable", [True, False], ids=["traced", "one step"])
@pytest.mark.parametrize("is_inside", [False, True], ids=["alone", "inside"])
def test_heads_of_any_module(is_traceable: bool, is_inside: bool) -> None:
    model: nn.Module = Heads(is_traceable=is_traceable)
    if is_inside:
        model = nn.Sequential(nn.Linear(4, 4), model)
    zeros = torch.zeros(5, 3)
    found = backprop(model, X, {"hidden": zeros, "said": zeros[:, :2], "again": zeros + 1}, learning_rate=0.1)
    assert found.agreement.relative < 1e-9
    assert all(step.is_recomputed for step in found.steps) is is_traceable
    assert as_text(found)
    model.double()
    outputs = model(X.double())
    sum(F.mse_loss(outputs[name], target) for name, target in (
        ("hidden", zeros.double()), ("said", zeros[:, :2].double()), ("again", zeros.double() + 1)
    )).backward()  # type: ignore[union-attr]  # fmt: skip
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert found.gradients[name] == pytest.approx(parameter.grad.numpy(), rel=1e-9, abs=1e-14)


def test_what_does_not_fit_the_heads_is_told() -> None:
    network = pellucid.build(TEXT, seed=0)
    with pytest.raises(DataError, match="not those of the network's outputs"):
        backprop(network, X, {"digit": TARGETS["digit"]})
    with pytest.raises(DataError, match="one output only"):
        backprop(pellucid.build("4 -> fc(2)"), X, TARGETS)
    with pytest.raises(OptionError, match="one output only"):
        backprop(pellucid.build("4 -> fc(2)"), X, [0, 1, 1, 0, 1], weights=WEIGHTS)
    with pytest.raises(OptionError, match="no output 'mark'"):
        backprop(network, X, TARGETS, loss=LOSSES, weights={"mark": 1.0})  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="takes logits"):
        backprop(
            pellucid.build("4 -> heads(a: fc(2) -> softmax | b: fc(1))"), X,
            {"a": TARGETS["digit"], "b": TARGETS["size"]}, loss={"a": "cross-entropy"},
        )  # fmt: skip

    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x

    with pytest.raises(DataError, match="cannot be compared"):
        backprop(Pair(), X, X)


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.numbers, self.out = nn.Embedding(7, 3), nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, tokens: Tensor, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.words(tokens) * self.numbers(x)))  # type: ignore[no-any-return]


def test_several_inputs_are_a_tuple() -> None:
    tokens = torch.tensor([0, 3, 3, 6, 1])
    found = backprop(Two(), (tokens, X), TARGETS["digit"], learning_rate=0.1)
    assert [operand.source for step in found.steps for operand in step.operands if "input" in operand.source] == [
        "input 1", "input 2"
    ]  # fmt: skip
    assert all(step.is_recomputed for step in found.steps)
    assert found.agreement.relative < 1e-9
    assert "X = input 2 = " in as_text(found)
    with pytest.raises(DataError, match=r"cannot take.*\n.*\(5,\) and torch.float64, \(5, 3\)"):
        backprop(Two(), (tokens, X[:, :3]), TARGETS["digit"])
