"""The gradient of a recurrent layer through time: against the product of Jacobians, vanishing and not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks import through_time
from benchmarks.through_time import felt
from pellucid.networks import build
from pellucid.networks.through_time import reach, reach_within

pytestmark = pytest.mark.covers("B6")

STEPS, UNITS = 40, 16


def sequences(samples: int = 3, features: int = 4) -> Tensor:
    return torch.randn(samples, STEPS, features, generator=torch.Generator().manual_seed(1))


def weight_of(network: nn.Module, name: str) -> Tensor:
    """Return a weight of the first layer, which can be written to."""
    return network.get_parameter(f"{network_name(network)}.layer.{name}").detach()


def network_name(network: nn.Module) -> str:
    return next(name for name, _ in network.named_children())


def test_it_is_the_norm_of_the_product_of_jacobians() -> None:
    """Of a plain layer: dh_T/dx_t = prod of diag(1 - h_s²) U over s from T to t + 1, times diag(1 - h_t²) W."""
    network, x_NTF = build(f"T x 4 -> rnn({UNITS})", seed=1).double(), sequences().double()
    w, u = weight_of(network, "weight_ih_l0").numpy(), weight_of(network, "weight_hh_l0").numpy()
    h_NTH = network(x_NTF).detach().numpy()
    norms = np.zeros((3, STEPS))
    for sample, h_TH in enumerate(h_NTH):
        product = np.eye(UNITS)
        for t in reversed(range(STEPS)):
            slopes = np.diag(1 - h_TH[t] ** 2)
            norms[sample, t] = np.linalg.norm(product @ slopes @ w)
            product = product @ slopes @ u
    assert reach(network, x_NTF).numpy() == pytest.approx(norms.mean(0), rel=1e-6)


def test_a_plain_layers_gradient_vanishes_as_its_recurrent_weights_bound_it() -> None:
    network, x_NTF = build(f"T x 4 -> rnn({UNITS})", seed=1), sequences()
    felt_T = reach(network, x_NTF)
    largest = float(torch.linalg.matrix_norm(weight_of(network, "weight_hh_l0"), 2))
    assert largest < 1.3
    assert felt_T[0] < felt_T[-1] * largest ** (STEPS - 1)
    assert felt_T[0] < 1e-6 * felt_T[-1]


def test_an_lstms_gradient_stays_where_its_forget_gates_are_open() -> None:
    network, x_NTF = build(f"T x 4 -> lstm({UNITS})", seed=1), sequences()
    closed = reach(network, x_NTF)
    weight_of(network, "bias_ih_l0")[UNITS : 2 * UNITS] = 6.0
    opened = reach(network, x_NTF)
    assert opened[0] > 0.1 * opened[-1]
    assert closed[0] < 1e-3 * closed[-1]  # as it is drawn its gates let half through at each step, so it fades as well


@pytest.mark.parametrize("layer", ["rnn(6)", "lstm(8)", "gru(7, layers=2)"])
def test_inside_a_network_it_is_that_of_its_recurrent_layers(layer: str) -> None:
    network = build(f"T x 4 -> fc(5) -> {layer} -> dropout(0.5) -> last -> fc(2)", seed=1).eval()
    x_NTF = sequences()
    felt_T = reach_within(network, x_NTF)
    assert felt_T is not None
    with torch.no_grad():
        read_NTF = network[0](x_NTF)  # type: ignore[index]
    assert felt_T.numpy() == pytest.approx(reach(network[1], read_NTF).flip(0).numpy(), rel=1e-5)  # type: ignore[index]


def test_layers_that_follow_one_another_are_measured_from_end_to_end() -> None:
    network = build("T x 4 -> gru(5) -> fc(3) -> lstm(6) -> fc(2)", seed=1).eval()
    felt_T = reach_within(network, sequences())
    assert felt_T is not None
    assert felt_T.numpy() == pytest.approx(reach(network[:3], sequences()).flip(0).numpy(), rel=1e-5)  # type: ignore[index]


def test_of_a_large_state_it_is_estimated() -> None:
    network = build("T x 4 -> rnn(64)", seed=1).eval()
    x_NTF = sequences(samples=16)
    felt_T = reach_within(network, x_NTF)
    assert felt_T is not None
    assert felt_T.numpy() == pytest.approx(reach(network, x_NTF).flip(0).numpy(), rel=0.25)


def test_padding_is_no_step_back() -> None:
    network = build("tokens(9) -> embed(3, padded=yes) -> gru(5, padded=yes) -> last -> fc(2)", seed=1).eval()
    tokens_NT = torch.tensor([[0, 0, 0, 1, 2, 3], [0, 0, 0, 4, 5, 6], [0, 0, 0, 7, 8, 1], [0, 0, 0, 3, 2, 5]])
    padded, bare = reach_within(network, tokens_NT), reach_within(network, tokens_NT[:, 3:])
    assert padded is not None
    assert bare is not None
    assert torch.allclose(padded, bare)
    assert len(padded) == 3


def test_of_a_layer_that_reads_in_both_directions_it_is_that_forwards() -> None:
    both = build("T x 4 -> gru(5, bidirectional=yes) -> ends -> fc(2)", seed=1).eval()
    forwards = build("T x 4 -> gru(5)", seed=1).eval()
    weights = {name: both.state_dict()[name] for name in forwards.state_dict()}
    forwards.load_state_dict(weights)
    felt_T = reach_within(both, sequences())
    assert felt_T is not None
    assert felt_T.numpy() == pytest.approx(reach(forwards, sequences()).flip(0).numpy(), rel=1e-5)


def test_a_decoder_is_not_part_of_it_and_a_network_without_steps_has_none() -> None:
    network = build("T x 4 -> gru(5) -> last -> repeatvector(7) -> gru(6) -> fc(1)", seed=1).eval()
    felt_T = reach_within(network, sequences())
    assert felt_T is not None
    assert felt_T.numpy() == pytest.approx(reach(network[:1], sequences()).flip(0).numpy(), rel=1e-5)  # type: ignore[index]
    assert reach_within(build("4 -> fc(5)"), torch.zeros(2, 4)) is None
    assert reach_within(build("4 -> repeatvector(3) -> gru(5)"), torch.zeros(2, 4)) is None


@pytest.mark.slow
def test_where_it_learns_to_remember_its_gradient_reaches_back() -> None:
    """To say at the end what the first of 40 steps was: the plain layer forgets as it is drawn, and learns not to."""
    network = build("T x 4 -> rnn(32) -> fc(4)", seed=0)
    assert fading(network) < 1e-3
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    random = torch.Generator().manual_seed(0)
    for _ in range(1500):
        tokens_NT = torch.randint(0, 4, (32, STEPS), generator=random)
        loss = F.cross_entropy(network(F.one_hot(tokens_NT, 4).float())[:, -1], tokens_NT[:, 0])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    assert loss.item() < 0.1
    assert fading(network) > 0.1


@pytest.mark.slow
def test_gates_keep_over_thirty_steps_what_a_plain_layer_loses() -> None:
    """The adding problem in small; docs/results.md has three seeds over 60 steps."""
    plain, gated = (through_time.measure(name, 0, length=30, steps=1200) for name in ("plain tanh", "GRU"))
    assert plain["error"] > 10 * gated["error"]
    assert gated["right"] > 0.8
    assert plain["right"] < 0.4
    assert felt(plain["before"], 29) < 1e-4
    assert felt(gated["before"], 29) < 1e-3
    assert felt(gated["after"], 29) > 0.02


def fading(network: nn.Module) -> float:
    """Return how much less is felt of the first step than of the last."""
    tokens_NT = torch.randint(0, 4, (16, STEPS), generator=torch.Generator().manual_seed(1))
    felt_T = reach(network, F.one_hot(tokens_NT, 4).float())
    return float(felt_T[0] / felt_T[-1])
