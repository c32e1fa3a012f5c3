"""Each layer's and each function's written formulas against autograd, and what has none."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid
from pellucid.explain import backprop
from pellucid.explain.derivation import Derivation, as_latex, as_text
from pellucid.seed import generator
from pellucid.shapes import Features, Image, Sequence, Tokens

NETWORKS = (
    "5 -> fc(4) -> relu -> fc(3)",
    "5 -> fc(4) -> tanh -> fc(4) -> sigmoid -> fc(3)",
    "5 -> fc(4, bias=no) -> leakyrelu(0.2) -> elu(0.5) -> gelu -> silu -> fc(3)",
    "5 -> fc(4) -> prelu -> selu -> mish -> softplus -> hardtanh -> fc(3)",
    "5 -> fc(4) -> softmax -> fc(3)",
    "5 -> fc(4) -> batchnorm -> relu -> fc(3)",
    "5 -> fc(4) -> layernorm -> relu -> residual(fc(4) -> tanh) -> fc(3)",
    "5 -> rbf(4) -> fc(3)",
    "lenet5(classes=3)",
    "8x7x2 -> conv(3, 3x2, stride=2x1, padding=1x0, dilation=1x2) -> batchnorm -> relu -> fc(3)",
    "8x8x2 -> conv(4, 3x3, groups=2, padding=same) -> prelu -> maxpool(3x3, stride=2, padding=1) -> fc(3)",
    "8x7x2 -> maxpool(3x3, stride=2, padding=same) -> avgpool(3x3, stride=2, padding=same) -> fc(3)",
    "8x8x2 -> minpool(2x2) -> adaptiveavgpool(3x2) -> fc(3)",
    "8x8x1 -> concat(conv(2, 1x1) | conv(2, 3x3, padding=1)) -> residual(conv(3, 3x3, padding=1)) -> globalavgpool",
    "8x8x6 -> tableconv(3x3) -> scaledtanh -> subsample(2x2) -> fc(3)",
    "T=6 x 3 -> conv(4, kernel=3) -> relu -> maxpool(kernel=2) -> fc(2) -> flatten -> fc(3)",
    "T=5 x 3 -> rnn(4) -> last -> fc(3)",
    "T=5 x 3 -> gru(4, layers=2, bidirectional=yes) -> ends -> fc(3)",
    "tokens(9) -> embed(4) -> lstm(3, layers=2, bidirectional=yes) -> last -> fc(3)",
    "tokens(9) -> embed(4) -> gru(5) -> fc(3) -> globalavgpool",
)


def inputs_of(text: str, count: int = 4) -> Tensor:
    shape, random = pellucid.parse(text).input, generator(0, "inputs")
    match shape:
        case Image(height=h, width=w, channels=c):
            return torch.randn(count, c, h, w, generator=random)
        case Sequence(features=f, length=length):
            return torch.randn(count, length or 5, f, generator=random)
        case Tokens(vocabulary=vocabulary):
            return torch.randint(vocabulary, (count, 6), generator=random)
        case Features(count=features):
            return torch.randn(count, features, generator=random)
    raise AssertionError(shape)


def assert_exact(derived: Derivation, within: float = 1e-10) -> None:
    assert [step.name for step in derived.steps if not step.is_recomputed] == []
    assert derived.agreement.relative < within
    assert derived.update is None or derived.update.loss == derived.update.loss
    assert as_text(derived)
    assert as_latex(derived).count("{") == as_latex(derived).count("}")


@pytest.mark.covers("C1", "E5")
@pytest.mark.parametrize("is_training", [False, True], ids=["at rest", "training"])
@pytest.mark.parametrize("text", NETWORKS)
def test_networks_agree_with_autograd(text: str, is_training: bool) -> None:
    network = pellucid.build(text, seed=0).train(is_training)
    if "rbf" in text:  # its middle is detached, which is autograd's alone
        derived = backprop(network, inputs_of(text), torch.tensor([0, 2, 1, 1]), learning_rate=0.1)
        assert derived.agreement.relative < 1e-10
        return
    assert_exact(backprop(network, inputs_of(text), torch.tensor([0, 2, 1, 1]), learning_rate=0.1))


@pytest.mark.parametrize("text", NETWORKS[:2] + NETWORKS[16:18])
def test_networks_agree_in_float32(text: str) -> None:
    derived = backprop(pellucid.build(text, seed=0), inputs_of(text), torch.tensor([0, 2, 1, 1]), dtype=torch.float32)
    assert_exact(derived, 2e-6)


@settings(max_examples=25)
@given(
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    activations=st.lists(st.sampled_from(["relu", "tanh", "sigmoid"]), min_size=4, max_size=4),
    samples=st.integers(1, 5),
    loss=st.sampled_from(["half-squared-error", "squared-error", "cross-entropy", "binary-cross-entropy"]),
    seed=st.integers(0, 9),
)
def test_any_chain_agrees(widths: list[int], activations: list[str], samples: int, loss: str, seed: int) -> None:
    layers = [f"fc({width}) -> {name}" for width, name in zip(widths, activations, strict=False)]
    network = pellucid.build(" -> ".join(["3", *layers, "fc(2)"]), seed=seed)
    random = generator(seed, "data")
    x, y = torch.randn(samples, 3, generator=random), torch.rand(samples, 2, generator=random)
    derived = backprop(network, x, y, loss=loss, learning_rate=0.5)  # type: ignore[arg-type]
    assert_exact(derived)


X, Y = torch.linspace(-1, 1, 12).view(3, 4), torch.tensor([[0.1, 0.9], [0.4, 0.2], [1.0, 0.0]])
LOSSES = (
    (nn.MSELoss(), Y), (nn.MSELoss(reduction="sum"), Y), (nn.BCEWithLogitsLoss(), Y), (nn.CrossEntropyLoss(), Y),
    (nn.CrossEntropyLoss(reduction="sum"), torch.tensor([0, 1, 1])),
)  # fmt: skip


@pytest.mark.covers("C4")
@pytest.mark.parametrize(("loss", "targets"), LOSSES, ids=str)
def test_loss_modules_agree(loss: nn.Module, targets: Tensor) -> None:
    derived = backprop(pellucid.build("4 -> fc(2)", seed=0), X, targets, loss=loss)
    assert derived.loss.is_recomputed
    assert_exact(derived)


def test_the_binary_cross_entropy_of_a_sigmoid_gives_y_hat_less_y() -> None:
    derived = backprop(pellucid.build("4 -> fc(2) -> sigmoid", seed=0), X, Y, loss=nn.BCELoss())
    assert_exact(derived)
    gradient = derived.step("fc1").output_gradient
    assert gradient == pytest.approx((derived.loss.outputs - Y.double().numpy()) / 6, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [(nn.L1Loss(), Y), (nn.CrossEntropyLoss(label_smoothing=0.1), torch.tensor([0, 1, 1]))],
    ids=str,
)
def test_other_losses_are_marked(loss: nn.Module, targets: Tensor) -> None:
    derived = backprop(pellucid.build("4 -> fc(2)", seed=0), X, targets, loss=loss)
    assert not derived.loss.is_recomputed
    assert derived.agreement.relative < 1e-10
    assert "Not recomputed, and so not compared: the loss" in as_text(derived)


def test_cross_entropy_of_sequences_and_of_pixels() -> None:
    tokens = torch.randint(7, (2, 5), generator=generator(0, "tokens"))
    assert_exact(
        backprop(pellucid.build("tokens(7) -> embed(3) -> rnn(4) -> fc(7)", seed=0), tokens, tokens.roll(-1, 1))
    )
    pixels = torch.randn(2, 1, 4, 4, generator=generator(0, "pixels"))
    assert_exact(backprop(pellucid.build("4x4x1 -> conv(3, 1x1)", seed=0), pixels, pixels[:, 0].gt(0).long()))


FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "arithmetic": lambda x, w: (2 * x - x / (1 + x.square()) + (-x) ** 3) @ w,
    "functions": lambda x, w: torch.exp(x @ w).log() + torch.sqrt(1 + torch.abs(F.silu(x @ w))),
    "waves": lambda x, w: torch.sin(x @ w) * torch.cos(x @ w).clamp(-0.5, 0.9),
    "reductions": lambda x, w: (x @ w) - (x @ w).mean(1, keepdim=True) + x.sum(-1, keepdim=True) + x.mean(),
    "pieces": lambda x, w: torch.cat([piece @ w[:2] for piece in x.chunk(2, 1)], 1)[:, 1:3],
    "rows": lambda x, w: torch.stack([row @ w for row in x.unbind(0)]),
    "shapes": lambda x, w: x.view(x.size(0), -1).t().permute(1, 0).unsqueeze(1).expand(-1, 2, -1).sum(1) @ w,
    "batched": lambda x, w: torch.bmm(x[:, None, :], w.expand(3, 4, 2)).squeeze(1),
    "padded": lambda x, w: F.pad(x @ w, (1, 1), value=0.5)[..., [0, 2]],
    "softmax": lambda x, w: torch.softmax(x @ w, 1) + F.log_softmax(x @ w, dim=-1),
    "linear": lambda x, w: F.dropout(F.relu(F.linear(x, w.T)), 0.5, training=False),
    "vector": lambda x, w: torch.stack([x @ w[:, 0], x.matmul(w[:, 1])], 1),
    "in place": lambda x, w: (x @ w).add_(1).mul_(2),
}


class Functional(nn.Module):
    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.w = nn.Parameter(torch.randn(4, 2, generator=generator(0, "w")))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.w)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functional_forward_passes_agree(name: str) -> None:
    # `unbind` and `view` by the batch's own size cannot be traced with an unknown one where they are iterated over
    derived = backprop(Functional(FUNCTIONS[name]), X, Y)
    assert derived.agreement.relative < 1e-10
    if name not in {"rows", "pieces"}:
        assert_exact(derived)


class Foreign(nn.Module):
    """A layer whose way depends on its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor) -> Tensor:
        return x.sinh() * self.scale if x.sum() > 0 else x.erf() * self.scale


def test_a_module_that_is_not_known_is_marked_and_the_rest_recomputed() -> None:
    derived = backprop(nn.Sequential(nn.Linear(4, 3), Foreign(), nn.Linear(3, 2)), X, Y, learning_rate=0.1)
    foreign = derived.step("1")
    assert (foreign.is_recomputed, foreign.kind, foreign.agreement) == (False, "Foreign", None)
    assert {"Mul"} < set(foreign.operations) <= {"Erf", "Sinh", "Mul"}
    assert [step.name for step in derived.steps if step.is_recomputed] == ["0", "2"]
    assert derived.agreement.relative < 1e-10
    assert "1.scale" in derived.gradients
    text = as_text(derived)
    assert "NOT recomputed by a written formula" in text
    assert "Not recomputed, and so not compared: 1" in text


def test_a_model_that_cannot_be_traced_at_all_is_one_step() -> None:
    derived = backprop(Foreign(), X, torch.zeros(3, 4))
    assert [(step.name, step.is_recomputed) for step in derived.steps] == [("model", False)]


def test_layers_that_do_more_than_their_class_says_are_not_recomputed() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    hooked = nn.Linear(4, 2)
    hooked.register_forward_hook(lambda *given: 3 * given[-1])
    for layer in (hooked, nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)), Doubled(4, 2)):
        derived = backprop(nn.Sequential(layer), X, Y)
        assert derived.agreement.relative < 1e-10
        expected = layer.double()(X.double()).detach().numpy()
        assert derived.loss.outputs == pytest.approx(expected, rel=1e-12)


def test_shared_layers_and_tied_weights_are_summed() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.out = nn.Linear(4, 4, bias=False)
            self.out.weight = self.layer.weight

        def forward(self, x: Tensor) -> Tensor:
            given: Tensor = self.out(self.layer(torch.relu(self.layer(x))))
            return given

    derived = backprop(Tied(), X, X)
    assert_exact(derived)
    assert [step.name for step in derived.steps] == ["layer", "relu", "layer (call 2)", "out"]
    parts = [each.gradient for step in derived.steps for each in step.operands if each.source == "layer.weight"]
    assert len(parts) == 3
    assert sum(parts) == pytest.approx(derived.gradients["layer.weight"], rel=1e-12)
    assert "through this step" in as_text(derived)


def test_frozen_parameters_have_no_gradient() -> None:
    network = pellucid.build("4 -> fc(3) -> tanh -> fc(2)", seed=0)
    network.get_submodule("fc1").requires_grad_(False)
    derived = backprop(network, X, Y)
    assert set(derived.gradients) == {"fc2.weight", "fc2.bias"}
    assert derived.step("fc1").operands[1].gradient is None
    assert_exact(derived)


def test_a_layer_in_place_leaves_the_numbers_before_it() -> None:
    derived = backprop(nn.Sequential(nn.Linear(4, 2), nn.Identity(), nn.ReLU(inplace=True)), X, Y)
    assert_exact(derived)
    assert (derived.steps[0].output < 0).any()


def test_shapes_are_written_with_the_sizes_that_were_left_open() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Unflatten(1, (2, -1)), nn.Flatten(), nn.Linear(4, 1))
    random = generator(0)
    x, targets = torch.randn(3, 2, 3, generator=random), torch.randn(3, 1, generator=random)
    text = as_text(backprop(network, x, targets))
    assert "(3, 6)" in text
    assert "(3, 2, 2)" in text
    assert "-1)" not in text
