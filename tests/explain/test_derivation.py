"""The derivation held against autograd, the worked 2-2-2 example, and what a reader is told."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid
from pellucid.errors import DataError, OptionError
from pellucid.explain import backprop
from pellucid.explain.derivation import Derivation, as_latex, as_text
from pellucid.explain.derivation.dense import Linear
from pellucid.explain.derivation.elementwise import SIGMOID, Elementwise
from pellucid.explain.derivation.losses import SquaredError

X, T = [[0.05, 0.10]], [[0.01, 0.99]]


class Shared(nn.Module):
    """The 2-2-2 network of sigmoids with one bias for both units of a layer, written by functions."""

    def __init__(self) -> None:
        super().__init__()
        self.W1 = nn.Parameter(torch.tensor([[0.15, 0.20], [0.25, 0.30]], dtype=torch.float64))
        self.b1 = nn.Parameter(torch.tensor(0.35, dtype=torch.float64))
        self.W2 = nn.Parameter(torch.tensor([[0.40, 0.45], [0.50, 0.55]], dtype=torch.float64))
        self.b2 = nn.Parameter(torch.tensor(0.60, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.sigmoid(x @ self.W1.T + self.b1)
        return torch.sigmoid(hidden @ self.W2.T + self.b2)


def in_layers(*, biases: bool) -> nn.Module:
    """Return the same network as layers, with biases that are learned or not."""
    first, second, known = nn.Linear(2, 2), nn.Linear(2, 2), Shared()
    network = nn.Sequential(first, nn.Sigmoid(), second, nn.Sigmoid()).double()
    with torch.no_grad():
        for layer, weight, bias in ((first, known.W1, 0.35), (second, known.W2, 0.6)):
            layer.weight.copy_(weight)
            layer.bias.fill_(bias)
            layer.bias.requires_grad_(biases)
    return network


@pytest.mark.covers("C1", "E5")
def test_the_2_2_2_example_with_shared_biases() -> None:
    derived = backprop(Shared(), X, T, loss="half-squared-error", learning_rate=0.5)
    np.testing.assert_allclose(derived.loss.outputs, [[0.75136507, 0.77292847]], atol=5e-9)
    assert derived.loss.value == pytest.approx(0.29837111, abs=5e-9)
    assert derived.update is not None
    after = derived.update.parameters
    assert after["W2"][0, 0] == pytest.approx(0.35891648, abs=5e-9)
    assert after["W1"][0, 0] == pytest.approx(0.14978072, abs=5e-9)
    assert after["b2"] == pytest.approx(0.54979984, abs=5e-9)
    assert after["b1"] == pytest.approx(0.34063720, abs=5e-9)
    # 0.2857508867 to ten digits; lecture notes that give 0.28575087 rounded on the way
    assert derived.update.loss == pytest.approx(0.2857508867, abs=5e-11)
    assert derived.update.loss == pytest.approx(0.28575087, abs=2e-8)
    assert [step.kind for step in derived.steps] == 2 * ["transposition", "matrix product", "sum", "sigmoid"]
    assert_exact(derived)


@pytest.mark.covers("C1")
def test_the_2_2_2_example_in_layers_weights_only() -> None:
    derived = backprop(in_layers(biases=False), X, T, loss="half-squared-error", learning_rate=0.5)
    assert derived.update is not None
    assert set(derived.gradients) == {"0.weight", "2.weight"}
    assert derived.update.loss == pytest.approx(0.29102777, abs=5e-9)
    assert_exact(derived)


@pytest.mark.covers("C1")
def test_summed_over_the_units_separate_biases_are_the_shared_one() -> None:
    separate = backprop(in_layers(biases=True), X, T, loss="half-squared-error")
    shared = backprop(Shared(), X, T, loss="half-squared-error")
    assert separate.gradients["0.bias"].sum() == pytest.approx(float(shared.gradients["b1"]), rel=1e-14)
    assert separate.gradients["2.bias"].sum() == pytest.approx(float(shared.gradients["b2"]), rel=1e-14)


@pytest.mark.covers("C1")
def test_the_written_formulas_ten_thousand_times() -> None:
    first, second = Linear(has_bias=True), Linear(has_bias=True)
    squash, output, error = Elementwise(SIGMOID), Elementwise(SIGMOID), SquaredError(half=True, over="nothing")
    x, t = np.array(X), np.array(T)
    w1, w2 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]])
    for _ in range(10_000):
        hidden = squash.forward(first.forward(x, w1, np.array(0.35)))
        error.forward(output.forward(second.forward(hidden, w2, np.array(0.60))), t)
        by_hidden, by_w2, _ = second.backward(output.backward(error.backward(np.array(1.0))[0])[0])
        w1, w2 = w1 - 0.5 * first.backward(squash.backward(by_hidden)[0])[1], w2 - 0.5 * by_w2
    hidden = squash.forward(first.forward(x, w1, np.array(0.35)))
    loss = error.forward(output.forward(second.forward(hidden, w2, np.array(0.60))), t)
    assert float(loss) == pytest.approx(3.5102e-5, abs=5e-10)


@pytest.mark.covers("C1")
def test_the_batch_form_of_the_notes() -> None:
    """dZ = Ŷ - Y, dW = dZ Xᵀ / m, db = mean dZ, hidden dZ = Wᵀ dZ ∘ g′(z), with samples as columns."""
    network, m = pellucid.build("3 -> fc(4) -> tanh -> fc(5)", seed=1).double(), 6
    x = torch.randn(m, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 2, 3, 4, 0])
    derived = backprop(network, x, y, loss="cross-entropy")
    hidden, logits = derived.step("tanh1").output.T, derived.step("fc2").output.T
    said = np.exp(logits) / np.exp(logits).sum(0)
    dz2 = said - np.eye(5)[y].T
    np.testing.assert_allclose(derived.gradients["fc2.weight"], dz2 @ hidden.T / m, rtol=1e-12)
    np.testing.assert_allclose(derived.gradients["fc2.bias"], dz2.mean(1), rtol=1e-12, atol=1e-16)
    weight = derived.step("fc2").operands[1].value
    dz1 = weight.T @ dz2 * (1 - hidden**2)
    np.testing.assert_allclose(derived.gradients["fc1.weight"], dz1 @ x.numpy() / m, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(derived.gradients["fc1.bias"], dz1.mean(1), rtol=1e-12, atol=1e-16)
    assert "dW = dZ Xᵀ / m, db = mean of dZ" in as_text(derived)


def assert_exact(derived: Derivation, within: float = 1e-10) -> None:
    """Assert that all is recomputed, and that it agrees with autograd."""
    assert all(step.is_recomputed for step in derived.steps)
    assert derived.agreement.relative < within
    assert derived.agreement.compared > 0


def test_a_wrong_formula_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Elementwise, "backward", lambda *given: given[1:])  # as if g′ were 1
    derived = backprop(in_layers(biases=True), X, T)
    assert derived.agreement.relative > 0.5
    apart = {step.name: step.agreement.relative > 0.5 for step in derived.steps if step.agreement is not None}
    assert apart == {"0": True, "1": True, "2": True, "3": False}


def test_tensors_of_the_wrong_size_are_told() -> None:
    with pytest.raises(DataError, match="do not fit") as refused:
        backprop(in_layers(biases=True), X, [[0.01]], loss="half-squared-error")
    assert "(1, 2)" in refused.value.expected
    with pytest.raises(DataError, match="no class"):
        backprop(pellucid.build("2 -> fc(3)"), X, [3])
    with pytest.raises(DataError, match="class numbers of the shape"):
        backprop(pellucid.build("2 -> fc(3)"), X, [0, 1])
    with pytest.raises(DataError, match="cannot take"):
        backprop(in_layers(biases=True), [[1.0, 2.0, 3.0]], T)
    with pytest.raises(DataError, match="no numbers"):
        backprop(in_layers(biases=True), "words", T)
    with pytest.raises(DataError, match="probabilities"):
        backprop(pellucid.build("2 -> fc(2)"), X, [[2.0, 0.0]], loss="binary-cross-entropy")
    with pytest.raises(DataError, match="several outputs has targets for each"):
        backprop(pellucid.build("2 -> heads(a: fc(1) | b: fc(2))"), X, T)


def test_what_has_no_one_derivation_is_refused() -> None:
    active = pellucid.build("2 -> fc(4) -> dropout -> fc(2)")
    with pytest.raises(OptionError, match=r"dropout1.*\n.*model\.eval\(\)"):
        backprop(active.train(), X, T)
    assert_exact(backprop(active.eval(), X, T))

    class Noisy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.rand_like(x)

    with pytest.raises(OptionError, match="random"):
        backprop(nn.Sequential(nn.Linear(2, 2), Noisy()), X, T)
    with pytest.raises(OptionError, match="did you mean 'squared-error'"):
        backprop(in_layers(biases=True), X, T, loss="squared-eror")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="one number"):
        backprop(in_layers(biases=True), X, T, loss=nn.MSELoss(reduction="none"))
    with pytest.raises(OptionError, match="takes logits"):
        backprop(pellucid.build("2 -> fc(3) -> softmax"), X, [0], loss="cross-entropy")
    with pytest.raises(OptionError, match="BCELoss"):
        backprop(in_layers(biases=True), X, T, loss="binary-cross-entropy")


def test_neither_the_model_nor_torch_is_changed() -> None:
    network = pellucid.build("4x4x1 -> conv(2, 3x3) -> batchnorm -> relu -> fc(2)", seed=0).train()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    state, dtype = torch.get_rng_state(), torch.get_default_dtype()
    backprop(network, torch.ones(3, 1, 4, 4), torch.tensor([0, 1, 1]), learning_rate=1.0)
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() == dtype


def test_large_tensors_are_summarised_and_whole_in_the_result() -> None:
    derived = backprop(pellucid.build("28x28x1 -> lenet5", seed=0), torch.ones(2, 1, 28, 28), torch.tensor([3, 4]))
    text = as_text(derived)
    assert re.search(r"2×6×28×28: mean \S+, deviation \S+, least \S+, most \S+; begins", text)
    assert derived.steps[0].output.shape == (2, 6, 28, 28)
    assert len(text) < 40_000
    assert "full convolution" in text
    assert text.endswith(f"The formulas against autograd: {derived.agreement}")


def test_latex_has_every_formula_and_balanced_environments() -> None:
    derived = backprop(in_layers(biases=True), X, T, loss="half-squared-error", learning_rate=0.5)
    latex = as_latex(derived)
    for step in derived.steps:
        assert step.forward.latex in latex
        assert all(formula.latex in latex for formula in step.backward)
    assert latex.count(r"\begin{") == latex.count(r"\end{") > 0
    assert latex.count("{") == latex.count("}")
    assert r"\begin{pmatrix} 0.15 & 0.2 \\ 0.25 & 0.3 \end{pmatrix}" in latex


def test_the_numbers_put_into_the_formulas_are_those_of_the_result() -> None:
    derived = backprop(in_layers(biases=True), X, T, loss="half-squared-error")
    assert derived.step("0").worked[0] == "Z[1,1] = 0.15·0.05 + 0.2·0.1 + 0.35 = 0.3775"
    assert derived.step("3").worked[1] == "dZ[1,1] = 0.74136507·0.1868156 = 0.13849856"
    assert derived.step("2").worked[1] == "dW[1,1] = 0.13849856·0.59326999 = 0.082167041"


def test_an_unknown_step_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="no step 'fc9'"):
        backprop(in_layers(biases=True), X, T).step("fc9")


@pytest.mark.covers("E5")
def test_the_page_for_learners_shows_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "derivation.md").read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    shown = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 4
    for code, text in shown:
        exec(code, namespace)
        # how far rounding puts the formulas from autograd is the machine's
        printed, told = (re.sub(r"\S+ absolute, \S+ relative", "", each) for each in (capsys.readouterr().out, text))
        assert printed.rstrip() == told.rstrip()
