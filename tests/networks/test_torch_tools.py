"""Networks are modules like any other: PyTorch's own tools work on every one of the zoo."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from pellucid.networks import Plan, build
from tests.networks.small import QUICK, REPEATS, SMALL
from tests.networks.test_contract import BATCH, example, tensors

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")

RECURRENT = {"rnn", "gru", "lstm", "seq2seq", "lstm(bidirectional=yes)"}
"""torch.compile leaves torch's own recurrent layers as they are, between graphs, unless it is asked not to."""

NO_FIXED_GRAPH = {"hopfield"}
"""It recalls until nothing changes: how many operations that takes depends on the values."""

WITHOUT_GRADIENT = {"mcculloch-pitts", "hopfield", "modern-hopfield"}
"""What they know is set or stored, not learned by gradients."""

NOT_BY_SAMPLE = {"rnn", "gru", "seq2seq", "hopfield"}
"""torch 2.13 has no rule that lets vmap into its own rnn and gru on the CPU; hopfield draws random orders."""


def marked(names: list[str]) -> list[Any]:
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]


ALL = [pytest.param(name, marks=pytest.mark.slow if name in REPEATS else ()) for name in SMALL]
COMPILED = [name for name in SMALL if name not in NO_FIXED_GRAPH | REPEATS]


def made(name: str) -> tuple[nn.Module, Tensor]:
    """Return a network in evaluation mode and a batch for it."""
    return build(SMALL[name], seed=0).eval(), example(SMALL[name].input)


def same(one: Any, other: Any) -> bool:
    return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(tensors(one), tensors(other), strict=True))


def squares(output: Any) -> Tensor:
    return torch.stack([tensor.square().sum() for tensor in tensors(output)]).sum()


def gradients(network: nn.Module, run: Callable[[Tensor], Any], x: Tensor) -> dict[str, Tensor]:
    network.zero_grad()
    squares(run(x)).backward()
    return {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("name", marked(COMPILED))
def test_it_compiles_as_one_graph(name: str) -> None:
    torch._dynamo.reset()
    network, x = made(name)
    with torch.no_grad(), torch._dynamo.config.patch(allow_rnn=name in RECURRENT):
        assert same(torch.compile(network, backend="eager", fullgraph=True)(x), network(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(QUICK - WITHOUT_GRADIENT - RECURRENT))
def test_its_gradient_compiles_too(name: str) -> None:
    torch._dynamo.reset()
    network, x = made(name)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    theirs, own = gradients(network, compiled, x), gradients(network, network, x)
    assert theirs.keys() == own.keys()
    assert all(torch.allclose(theirs[key], own[key], rtol=1e-4, atol=1e-5) for key in own)


def test_what_has_no_fixed_graph_says_so() -> None:
    network, x = made("hopfield")
    with pytest.raises(RuntimeError, match="until nothing changes"):
        torch.export.export(network, (x,))
    torch._dynamo.reset()
    assert same(torch.compile(network, backend="eager")(x), network(x))


@pytest.mark.parametrize("name", marked(COMPILED))
def test_it_is_exported_for_any_batch_size(name: str) -> None:
    network, x = made(name)
    program = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert program.state_dict.keys() == network.state_dict().keys()
    with torch.no_grad():
        for rows in (x, x[:2], torch.cat([x, x])):
            assert same(program.module()(rows), network(rows))


@pytest.mark.parametrize("name", ALL)
def test_a_copy_is_the_same_and_its_own(name: str) -> None:
    network, x = made(name)
    copied = copy.deepcopy(network)
    assert [key for key, _ in copied.named_modules()] == [key for key, _ in network.named_modules()]
    with torch.no_grad():
        torch.manual_seed(0)
        before = network(x)
        torch.manual_seed(0)
        assert same(copied(x), before)
        for tensor in copied.state_dict().values():
            tensor.zero_()
        torch.manual_seed(0)
        assert same(network(x), before)


@pytest.mark.parametrize("name", ALL)
def test_its_state_goes_through_a_file(name: str, tmp_path: Any) -> None:
    network, _ = made(name)
    torch.save(network.state_dict(), tmp_path / "state.pth")
    other = build(SMALL[name], seed=1)
    assert not other.load_state_dict(torch.load(tmp_path / "state.pth", weights_only=True)).missing_keys
    assert all(torch.equal(tensor, network.state_dict()[key]) for key, tensor in other.state_dict().items())
    assert type(network).__module__.startswith("torch.nn")


@pytest.mark.parametrize("name", ALL)
def test_it_is_a_function_of_weights_that_are_given(name: str) -> None:
    network, x = made(name)
    other = build(SMALL[name], seed=1).eval()
    with torch.no_grad():
        torch.manual_seed(0)
        expected = other(x)
        torch.manual_seed(0)
        assert same(functional_call(network, other.state_dict(), (x,)), expected)


@pytest.mark.parametrize("name", [each for each in ALL if each.values[0] not in WITHOUT_GRADIENT | NOT_BY_SAMPLE])
def test_gradients_of_single_samples_add_up_to_the_batchs(name: str) -> None:
    network, x = made(name)
    weights = {key: weight.detach() for key, weight in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def loss(weights: dict[str, Tensor], sample: Tensor) -> Tensor:
        return squares(functional_call(network, {**weights, **buffers}, (sample[None],)))

    by_sample = vmap(grad(loss), in_dims=(None, 0))(weights, x)
    for key, whole in gradients(network, network, x).items():
        assert by_sample[key].shape == (BATCH, *whole.shape)
        assert torch.allclose(by_sample[key].sum(0), whole, rtol=1e-3, atol=1e-3 * float(whole.abs().max())), key


def test_every_name_of_the_zoo_is_here() -> None:
    assert all(isinstance(plan, Plan) for plan in SMALL.values())
    assert SMALL.keys() >= QUICK | REPEATS
