"""Gradient checking, held against torch's own gradcheck and derivatives that are known to be wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.errors import OptionError
from pellucid.explain.gradients.checked_function import UncheckableError, of_module
from pellucid.explain.gradients.differences import Probe
from pellucid.explain.gradients.gradient_check import band, check_gradients
from pellucid.networks import build

pytestmark = pytest.mark.covers("C3")


class WrongTanh(torch.autograd.Function):
    """tanh whose backward pass forgets the square: g (1 - tanh x) in place of g (1 - tanh² x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (y,) = ctx.saved_tensors
        return gradients[0] * (1 - y)


class RightTanh(WrongTanh):
    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (y,) = ctx.saved_tensors
        return gradients[0] * (1 - y * y)


class Activation(nn.Module):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.function.apply(x)
        return y


def chain(wrong_at: int | None, layers: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    modules: list[nn.Module] = []
    for number in range(layers):
        modules += [nn.Linear(5, 5), Activation(WrongTanh if number == wrong_at else RightTanh)]
    return nn.Sequential(*modules, nn.Linear(5, 3))


def data() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(6, 5), torch.randint(3, (6,))


@pytest.mark.parametrize("place", range(4))
def test_a_wrong_derivative_is_found_in_every_layer(place: int) -> None:
    found = check_gradients(chain(place), *data())
    assert found.verdict == "wrong"
    verdicts = {each.name: each.verdict for each in found.tensors}
    for number in range(5):  # all before the wrong derivative is wrong, all behind it right
        assert verdicts[f"{2 * number}.weight"] == ("wrong" if number <= place else "correct")
    assert found.boundary == (f"{2 * place}.bias", f"{2 * place + 2}.weight")
    assert f"look between it and {2 * place + 2}.weight" in str(found)


def test_the_same_chain_with_right_derivatives_is_correct() -> None:
    found = check_gradients(chain(None), *data())
    assert found.verdict == "correct"
    assert found.boundary is None
    assert found.worst.error < 1e-7


def test_the_worst_element_is_named_with_both_derivatives() -> None:
    class OneWrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 4))

        def forward(self, x: Tensor) -> Tensor:
            y = x * self.weight
            return torch.cat([y[:2].flatten(), y[2, :3], 2 * y[2, 3:] - y[2, 3:].detach()])

    x = torch.arange(1.0, 13.0).view(3, 4)
    found = check_gradients(OneWrong(), x, loss=torch.sum)
    assert found.worst.index == (2, 3)
    assert found.worst.numerical == pytest.approx(12)
    assert found.worst.analytical == pytest.approx(24)
    assert found.worst.error == pytest.approx(0.5)
    assert "weight[2, 3]: 12 by differences, 24 by autograd" in str(found)


SMOOTH: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(4, 3), (5, 4)),
    "gelu": (lambda: nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 2)), (5, 4)),
    "batchnorm": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Softplus()), (4, 2, 5, 5)),
    "layernorm": (lambda: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.SiLU()), (5, 4)),
    "lstm": (lambda: nn.LSTM(3, 4), (4, 2, 3)),
    "attention": (lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0, activation="gelu"), (3, 2, 4)),
    "wrong": (lambda: nn.Sequential(nn.Linear(4, 4), Activation(WrongTanh)), (5, 4)),
}


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("name", SMOOTH)
def test_the_verdict_is_that_of_torchs_gradcheck(name: str) -> None:
    make, shape = SMOOTH[name]
    torch.manual_seed(0)
    model, x = make(), torch.randn(shape)
    own = check_gradients(model, x, samples=None, inputs=True)
    double = model.double()

    def outputs(*parameters: Tensor) -> Tensor:
        named = dict(zip(dict(double.named_parameters()), parameters[1:], strict=True))
        out = torch.func.functional_call(double, named, (parameters[0],))
        return out[0] if isinstance(out, tuple) else out  # type: ignore[no-any-return]

    leaves = [each.detach().requires_grad_() for each in (x.double(), *double.parameters())]
    theirs = torch.autograd.gradcheck(outputs, leaves, raise_exception=False)
    assert theirs == (own.verdict == "correct") == (name != "wrong")


@pytest.mark.parametrize("function", [RightTanh, torch.sin, lambda x: x.exp().cumsum(0)])
def test_functions_are_checked_at_their_arguments(function: Any) -> None:
    found = check_gradients(function, torch.randn(7, generator=torch.manual_seed(0)))
    assert found.verdict == "correct"
    assert [each.name for each in found.tensors] == ["x"]


def test_a_wrong_function_is_found() -> None:
    assert check_gradients(WrongTanh, torch.randn(7, generator=torch.manual_seed(0))).verdict == "wrong"
    first_two = check_gradients(lambda a, b: a * b.detach(), (torch.ones(3), torch.ones(3)))
    assert {each.name: each.verdict for each in first_two.tensors} == {"x[0]": "correct", "x[1]": "wrong"}


def test_kinks_within_the_step_and_at_the_point_are_no_wrong_derivatives() -> None:
    within = check_gradients(F.relu, torch.tensor([1e-6, -1e-6, 0.5]), loss=torch.sum)
    at_zero = check_gradients(F.relu, torch.zeros(3), loss=torch.sum)
    assert within.verdict == at_zero.verdict == "probably fine"
    assert (within.tensors[0].kinks, at_zero.tensors[0].kinks) == (2, 3)
    assert "3 at a kink" in str(at_zero)
    wrong = check_gradients(lambda x: F.relu(x) * 2 - F.relu(x).detach(), torch.tensor([0.5]), loss=torch.sum)
    assert wrong.verdict == "wrong"


def test_a_wrong_slope_that_is_small_is_still_wrong() -> None:
    found = check_gradients(lambda x: 1 + 1e-5 * (2 * x - x.detach()), torch.randn(3), loss=torch.sum)
    assert found.verdict == "wrong"


def test_a_gradient_that_is_zero_is_not_wrong_by_rounding() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    found = check_gradients(model, torch.randn(8, 1, 4, 4), torch.randint(3, (8,)))
    assert next(each for each in found.tensors if each.name == "0.bias").verdict == "correct"


def test_many_values_at_once_are_those_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = data()
    function = of_module(chain(None, layers=0), x, y, None, 0, inputs=False)
    index_N, number_N = torch.tensor([0, 7, 14]), torch.tensor([0.5, 2.0, -3.0], dtype=torch.float64)
    with torch.no_grad():
        together, alone = Probe(function), Probe(function)
        at_once = together.at("0.weight", index_N, number_N)
        monkeypatch.setattr("pellucid.explain.gradients.differences._agrees", lambda *_: False)
        one_by_one = alone.at("0.weight", index_N, number_N)
    assert (together.together, alone.together) == (True, False)
    assert torch.allclose(at_once, one_by_one, rtol=1e-14, atol=0)
    assert len(at_once.unique()) == 3


def test_large_tensors_are_sampled_and_it_is_said() -> None:
    model = nn.Sequential(nn.Linear(40, 30), nn.Tanh(), nn.Linear(30, 2))
    found = check_gradients(model, torch.randn(2, 40), samples=7)
    assert [(each.checked, each.elements) for each in found.tensors] == [(7, 1200), (7, 30), (7, 60), (2, 2)]
    assert "23 of 1,292 elements checked" in str(found)
    assert check_gradients(nn.Linear(40, 30), torch.ones(1, 40), samples=None).tensors[0].checked == 1200


def test_the_callers_model_and_random_state_are_untouched() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 2))
    x, y = torch.randn(4, 1, 4, 4), torch.randint(2, (4,))
    F.cross_entropy(model(x), y).backward()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    gradients = [each.grad.clone() for each in model.parameters() if each.grad is not None]
    state, kept = torch.get_rng_state(), x.clone()
    check_gradients(model, x, y, inputs=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, kept)
    assert model.training
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(torch.equal(old, each.grad) for old, each in zip(gradients, model.parameters(), strict=True)
               if each.grad is not None)  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), "1 (Dropout)"),
        (nn.LSTM(4, 4, num_layers=2, dropout=0.2), "LSTM"),
        (nn.TransformerEncoderLayer(4, 2, 8, 0.1), "self_attn (MultiheadAttention)"),
    ],
)
def test_active_dropout_is_refused_by_its_layers_name(layer: nn.Module, name: str) -> None:
    x = torch.randn(3, 2, 4)
    with pytest.raises(UncheckableError, match="dropout is active") as refused:
        check_gradients(layer, x)
    assert name in refused.value.message
    assert "model.eval()" in refused.value.advice
    assert check_gradients(layer.eval(), x).verdict in {"correct", "probably fine"}


def test_dropout_of_probability_zero_is_no_chance() -> None:
    assert check_gradients(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0)), torch.ones(2, 4)).verdict == "correct"


def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(UncheckableError, match="two evaluations"):
        check_gradients(lambda x: x * torch.rand(3), torch.ones(3))
    with pytest.raises(UncheckableError, match="no gradient to check") as none:
        check_gradients(nn.ReLU(), torch.ones(3))
    assert "without parameters" in none.value.received
    with pytest.raises(UncheckableError, match="no gradient to check"):
        check_gradients(nn.Linear(2, 2).requires_grad_(requires_grad=False), torch.ones(1, 2))
    with pytest.raises(UncheckableError, match="whole numbers"):
        check_gradients(torch.abs, torch.tensor([1, 2]))
    with pytest.raises(UncheckableError, match="not one number"):
        check_gradients(nn.Linear(2, 2), torch.ones(1, 2), loss=lambda out: out)
    with pytest.raises(UncheckableError, match="not finite"):
        check_gradients(torch.log, -torch.ones(2))
    with pytest.raises(OptionError, match="no loss"):
        check_gradients(nn.Linear(2, 2), torch.ones(1, 2), torch.ones(1, 2), "squared-eror")
    with pytest.raises(OptionError, match="step"):
        check_gradients(nn.Linear(2, 2), torch.ones(1, 2), epsilon=0.0)


def test_losses_by_name_function_and_module_are_alike() -> None:
    model, (x, y) = chain(None), data()
    found = [check_gradients(model, x, y, loss) for loss in (None, "cross-entropy", F.cross_entropy,
                                                             nn.CrossEntropyLoss())]  # fmt: skip
    assert [each.loss for each in found] == ["cross-entropy", "cross-entropy", "cross_entropy", "CrossEntropyLoss"]
    assert len({each.worst.analytical for each in found}) == 1


def test_networks_of_the_notation() -> None:
    x = torch.randn(2, 8, 8, 1, generator=torch.manual_seed(0)).permute(0, 3, 1, 2)
    model = build("8x8x1 -> conv(3, 3x3) -> tanh -> avgpool(2x2) -> fc(4)", seed=0)
    assert check_gradients(model, x, torch.tensor([1, 3])).verdict == "correct"


def test_bands() -> None:
    errors = [0.0, 9e-8, 1e-7, 9e-6, 1e-5, 9e-4, 1e-3, 2.0]
    verdicts = ["correct", "correct", "probably fine", "probably fine", "suspicious", "suspicious", "wrong", "wrong"]
    assert [band(error) for error in errors] == verdicts
