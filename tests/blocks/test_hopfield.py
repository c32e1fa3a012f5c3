"""Associative memories against NumPy, their formulas and the figures of their papers."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from benchmarks import hopfield_capacity as capacity
from pellucid.blocks import Hopfield, HopfieldModern

UPDATES = ("asynchronous", "synchronous", "annealed")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_signs(count: int, units: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 2, (count, units), generator=seeded(seed)) * 2.0 - 1


def made(patterns_PN: Tensor, storage: str = "hebbian", update: str = "asynchronous", **options: object) -> Hopfield:
    """Return a network that has stored the patterns."""
    network = Hopfield(patterns_PN.shape[1], len(patterns_PN), storage, update, **options)  # type: ignore[arg-type]
    network.store(patterns_PN)
    return network


def one_by_one(
    network: Hopfield, state_BN: NDArray[np.float64], order: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the states after one sweep and the energies after each of its updates, in whole numbers: N times both."""
    patterns = network.patterns[: int(network.stored)].numpy().astype(np.int64)
    coupling = patterns.T @ patterns
    np.fill_diagonal(coupling, 0)
    state, energies = state_BN.astype(np.int64).copy(), []
    for unit in order:
        field = state @ coupling[:, unit]
        state[:, unit] = np.where(field == 0, state[:, unit], np.sign(field))
        energies.append(-np.einsum("bi,ij,bj->b", state, coupling, state) / 2)
    return state.astype(np.float64), np.array(energies)


states = st.integers(0, 2**31).map(lambda seed: random_signs(20, 40, seed))
memories = st.tuples(st.integers(1, 30), st.integers(0, 2**31)).map(lambda drawn: random_signs(drawn[0], 40, drawn[1]))


@settings(max_examples=30)
@given(memories, states, st.integers(0, 2**31))
def test_a_sweep_is_every_unit_after_the_other(patterns_PN: Tensor, state_BN: Tensor, seed: int) -> None:
    network = made(patterns_PN)
    order_N = torch.randperm(40, generator=seeded(seed))
    expected, energies = one_by_one(network, state_BN.numpy().astype(np.float64), order_N.tolist())
    assert (np.diff(energies, axis=0) <= 0).all()
    tolerance_N = network._tolerance()
    by_unit = network._unit_by_unit(state_BN, order_N, tolerance_N)
    by_flip = network._flip_by_flip(state_BN, network._field(state_BN), order_N, tolerance_N)
    assert np.array_equal(by_unit.numpy(), expected)
    assert np.array_equal(by_flip.numpy(), expected)


@pytest.mark.covers("B8")
@pytest.mark.parametrize("storage", ["hebbian", "pseudo-inverse"])
def test_energy_never_rises_in_ten_thousand_asynchronous_recalls(storage: str) -> None:
    network = made(random_signs(14, 100), storage)
    network.threshold.uniform_(-0.2, 0.2, generator=seeded(1))
    trace = network.trace(random_signs(10_000, 100, seed=2), seeded(3))
    energy = torch.stack([network.energy(each) for each in trace])
    assert (energy.diff(dim=0) <= 1e-12).all()
    assert (energy[-1] < energy[0]).double().mean() > 0.99
    assert torch.equal(trace[-1], network.recall(trace[-1], seeded(4)))  # at rest in any order


@settings(max_examples=30)
@given(memories, states, st.sampled_from(["hebbian", "pseudo-inverse"]), st.integers(0, 2**31))
def test_energy_falls_from_any_cue_known_or_not(patterns: Tensor, cue_BN: Tensor, storage: str, seed: int) -> None:
    network = made(patterns, storage)
    cue_BN = torch.where(torch.rand(cue_BN.shape, generator=seeded(seed)) < 0.3, 0.0, cue_BN)
    trace = network.trace(cue_BN, seeded(seed))
    energy = torch.stack([network.energy(each) for each in trace])
    assert (energy.diff(dim=0) <= 1e-12).all()
    assert set(trace[-1].unique().tolist()) <= {-1.0, 1.0}


@pytest.mark.covers("B8")
@settings(max_examples=30)
@given(st.integers(2, 60), st.integers(0, 2**31), st.sampled_from(UPDATES))
def test_one_pattern_is_recalled_from_less_than_half_of_it_wrong(units: int, seed: int, update: str) -> None:
    """Hebb's W = (x x^T - 1) / N: from fewer than (N - 1) / 2 errors any rule recalls x in a sweep or two."""
    pattern_1N = random_signs(1, units, seed)
    network = made(pattern_1N, update=update, sweeps=4, temperature=0.01)
    expected = (pattern_1N.T @ pattern_1N / units).fill_diagonal_(0)
    assert torch.equal(network.weight, expected)
    wrong = torch.randperm(units, generator=seeded(seed))[: max(0, (units - 2) // 2)]
    cue = pattern_1N.clone()
    cue[:, wrong] *= -1
    assert torch.equal(network.recall(cue, seeded(seed)), pattern_1N)
    assert torch.equal(network.recall(-cue, seeded(seed)), -pattern_1N)


@pytest.mark.covers("B8")
@settings(max_examples=30)
@given(st.integers(1, 39), st.integers(0, 2**31), st.floats(0, 0.45))
def test_the_pseudo_inverse_holds_any_patterns(count: int, seed: int, alike: float) -> None:
    """Random or all much like the first one, they are fixed points, and the couplings are NumPy's X^+ X."""
    patterns_PN = random_signs(count, 40, seed)
    other = torch.rand(patterns_PN.shape, generator=seeded(seed)) < alike
    patterns_PN = torch.where(other, patterns_PN, patterns_PN[:1])
    network = made(patterns_PN, "pseudo-inverse")
    x = patterns_PN.double().numpy()
    expected = np.linalg.pinv(x, rcond=1e-9) @ x
    np.fill_diagonal(expected, 0)
    assert network.weight.numpy() == pytest.approx(expected, abs=1e-6)
    for update in UPDATES[:2]:
        network.update = update
        assert torch.equal(network.recall(patterns_PN, seeded(seed)), patterns_PN)


@pytest.mark.parametrize("storage", ["hebbian", "pseudo-inverse"])
def test_couplings_are_symmetric_without_a_diagonal(storage: str) -> None:
    weight = made(random_signs(9, 50), storage).weight
    assert torch.equal(weight, weight.T)
    assert weight.diagonal().eq(0).all()


@pytest.mark.covers("B8")
@settings(max_examples=30)
@given(memories, states, st.sampled_from(UPDATES), st.integers(0, 2**31))
def test_bits_are_signs_by_a_change_of_variables(patterns_PN: Tensor, state_BN: Tensor, update: str, seed: int) -> None:
    signs = made(patterns_PN, update=update, sweeps=6)
    bits = Hopfield(40, len(patterns_PN), update=update, states="bits", sweeps=6)
    bits.store((patterns_PN + 1) / 2)
    for network in (signs, bits):
        network.threshold.uniform_(-0.3, 0.3, generator=seeded(seed))
    v_BN = (state_BN + 1) / 2
    recalled = bits.recall(v_BN, seeded(seed))
    assert torch.equal(2 * recalled - 1, signs.recall(state_BN, seeded(seed)))
    # the same network, written in 0 and 1: its energy differs by a constant
    weight, threshold = (each.double() for each in bits.bits())
    v = torch.cat([v_BN, recalled]).double()
    energy = -(v @ weight * v).sum(1) / 2 + v @ threshold
    assert (energy - bits.energy(v)).numpy() == pytest.approx((energy - bits.energy(v))[0].item(), abs=1e-4)
    field = weight @ v.T - threshold[:, None]
    assert field.numpy() / 2 == pytest.approx(signs._field((2 * v - 1).float()).T.numpy(), abs=1e-5)


def test_what_a_cue_recalls_does_not_depend_on_the_others() -> None:
    for update in UPDATES:
        network = made(random_signs(9, 60), update=update, sweeps=10)
        cues = random_signs(6, 60, seed=1)
        alone = torch.cat([network.recall(cue[None], seeded(5)) for cue in cues])
        assert torch.equal(network.recall(cues, seeded(5)), alone)
        assert torch.equal(network(cues), torch.cat([network(cue[None]) for cue in cues]))


def test_two_coupled_units_at_once_go_round_in_a_cycle() -> None:
    """W = ((0, 1), (1, 0)) from (1, -1): each unit takes the other's value for ever."""
    cue = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    network = made(torch.tensor([[1.0, 1.0]]), update="synchronous")
    trace = network.trace(cue)
    assert trace[:, 0].tolist() == [[1, -1], [-1, 1], [1, -1]]  # ended where it came back
    kinds, _, _ = network.recognise(trace[-1])
    assert [network.KINDS[kind] for kind in kinds] == ["cycle", "stored"]
    network.update = "asynchronous"
    assert network.recall(cue)[0].abs().sum() == abs(network.recall(cue)[0].sum())


def test_synchronous_updates_end_in_rest_or_in_a_cycle_of_two() -> None:
    """Goles, Fogelman and Pellegrin (1985): symmetric couplings allow no longer cycle."""
    network = made(random_signs(20, 60), update="synchronous")
    ended = network.recall(random_signs(500, 60, seed=1))
    kinds, _, _ = network.recognise(ended)
    found = {network.KINDS[kind] for kind in kinds}
    assert "unsettled" not in found
    assert "cycle" in found


def test_what_recall_ends_in_is_recognised() -> None:
    patterns = random_signs(5, 400)
    network = made(patterns)
    mixed = torch.sign(patterns[0] - patterns[2] + patterns[4])
    given = torch.stack([patterns[3], -patterns[1], mixed, random_signs(1, 400, seed=9)[0]])
    kinds, which, overlap = network.recognise(given)
    assert [network.KINDS[kind] for kind in kinds] == ["stored", "negative", "mixture", "unsettled"]
    assert which[:2].tolist() == [3, 1]
    assert overlap[:2].tolist() == [1.0, -1.0]
    # mixtures of three are at rest too (Amit, Gutfreund and Sompolinsky, 1985), with overlaps of about a half
    at_rest = network.recall(mixed[None])
    assert network.KINDS[network.recognise(at_rest)[0][0]] == "mixture"
    assert network.overlaps(at_rest)[0, [0, 2, 4]].abs().numpy() == pytest.approx(0.5, abs=0.1)


def test_a_crowded_memory_ends_in_other_states() -> None:
    network = made(random_signs(40, 100))
    kinds, _, _ = network.recognise(network.recall(random_signs(200, 100, seed=1)))
    assert (kinds == network.KINDS.index("spurious")).double().mean() > 0.9


@pytest.mark.covers("B8")
def test_annealing_leaves_shallow_valleys() -> None:
    """From random starts, noise that falls to none ends deeper, and more often in a pattern, than no noise."""
    patterns = random_signs(6, 120)
    cues = random_signs(300, 120, seed=1)
    ends = {}
    for update in ("asynchronous", "annealed"):
        network = made(patterns, update=update, sweeps=40, temperature=0.8)
        ended = torch.cat([network.recall(some, seeded(at)) for at, some in enumerate(cues.split(30))])
        kinds = network.recognise(ended)[0]
        ends[update] = (network.energy(ended).mean().item(), (kinds < 2).double().mean().item())
    assert ends["annealed"][0] < ends["asynchronous"][0]
    assert ends["annealed"][1] > ends["asynchronous"][1] + 0.1


def test_glauber_dynamics_is_the_distribution_of_gibbs() -> None:
    """Three units at a temperature: the share of each state is exp(-E / T) / Z."""
    network = made(random_signs(2, 3, seed=3))
    network.threshold.copy_(torch.tensor([0.1, -0.2, 0.3]))
    random, state, counts = seeded(0), torch.ones(1, 3), torch.zeros(8)
    order, steps = torch.arange(3), 8_000
    for _ in range(steps):
        state = network._unit_by_unit(state, order, torch.rand(3, generator=random), temperature=0.7)
        counts[int(((state[0] + 1) / 2 @ torch.tensor([4.0, 2.0, 1.0])).item())] += 1
    every = torch.tensor(list(product([-1.0, 1.0], repeat=3)))
    expected = torch.softmax(-network.energy(every) / 0.7, 0)
    assert (counts / steps).numpy() == pytest.approx(expected.numpy(), abs=0.02)


@pytest.mark.parametrize(
    ("patterns", "storage", "says"),
    [
        (torch.full((2, 4), 0.5), "hebbian", "patterns of -1 and 1 are stored"),
        (torch.ones(2, 5), "hebbian", "1 to 6 patterns of 4 units, not for 2 of 5"),
        (torch.ones(7, 4), "hebbian", "1 to 6 patterns of 4 units, not for 7 of 4"),
        (torch.ones(0, 4), "hebbian", "not for 0 of 4"),
        (random_signs(6, 4), "pseudo-inverse", "at most 3, not 4"),
    ],
)
def test_patterns_that_cannot_be_stored_are_refused(patterns: Tensor, storage: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Hopfield(4, 6, storage).store(patterns)
    with pytest.raises(ValueError, match="nothing is stored"):
        Hopfield(4, 6, storage).recognise(torch.ones(1, 4))


@pytest.mark.slow
@pytest.mark.covers("B8")
def test_capacity_falls_towards_that_of_amit_gutfreund_and_sompolinsky() -> None:
    """The small form of `benchmarks/hopfield_capacity.py`, whose sizes go to 4,000."""
    cells = [
        capacity.measure(units, load, seed)
        for units, seeds in ((500, 8), (1000, 4))
        for seed in range(seeds)
        for load in capacity.LOADS
    ]
    retained, exact = capacity.shares(cells, "retained"), capacity.shares(cells, "exact")
    loads = {units: capacity.crossing(shares) for units, shares in retained.items()}
    assert 0.138 < loads[1000] < loads[500] < 0.18
    assert all(shares[:, capacity.LOADS.index(0.1)].mean() > 0.98 for shares in retained.values())
    for units, shares in exact.items():
        assert capacity.crossing(shares) == pytest.approx(capacity.half_exact(units), rel=0.08)
    assert sum(cell["ended_higher"] for cell in cells) == 0


def sphere(count: int, units: int, seed: int = 0) -> Tensor:
    """Return random patterns of length sqrt(N)."""
    drawn = torch.randn(count, units, generator=seeded(seed), dtype=torch.float64)
    onto: Tensor = drawn / drawn.norm(dim=1, keepdim=True) * units**0.5
    return onto


def modern(patterns_PN: Tensor, beta: float = 1.0, updates: int = 1) -> HopfieldModern:
    network = HopfieldModern(patterns_PN.shape[1], len(patterns_PN), beta, updates).double()
    network.store(patterns_PN)
    return network


@given(st.integers(1, 12), st.integers(1, 20), st.floats(0.05, 5), st.integers(0, 2**31))
def test_modern_recall_is_the_papers_formula_and_lowers_its_energy(
    units: int, count: int, beta: float, seed: int
) -> None:
    patterns, cue = sphere(count, units, seed), sphere(4, units, seed + 1)
    network = modern(patterns, beta)
    X, xi = patterns.numpy().T, cue.numpy().T
    weight = np.exp(beta * X.T @ xi)
    expected = X @ (weight / weight.sum(0))
    assert np.abs(network(cue).numpy().T - expected).max() < 1e-9
    before, after = network.energy(cue), network.energy(network(cue))
    assert (after <= before + 1e-9).all()
    largest = np.sqrt((X**2).sum(0)).max()
    assert before.min() >= -1e-9
    assert after.max() <= 2 * largest**2 + 1e-9  # theorem 1 of the paper, for states no longer than the patterns
    formula = -np.log(weight.sum(0)) / beta + (xi**2).sum(0) / 2 + np.log(count) / beta + largest**2 / 2
    assert before.numpy() == pytest.approx(formula, abs=1e-9)


def test_modern_recall_is_the_attention_of_torch() -> None:
    patterns, cue = sphere(9, 5), sphere(4, 5, seed=1)
    attended = torch.nn.functional.scaled_dot_product_attention(cue[None], patterns[None], patterns[None], scale=0.7)
    assert torch.allclose(modern(patterns, 0.7)(cue), attended[0])


def test_room_that_is_not_used_changes_nothing() -> None:
    patterns, cue = sphere(9, 5), sphere(4, 5, seed=1)
    roomy = HopfieldModern(5, 50).double()
    assert torch.equal(roomy(cue), cue)
    roomy.store(patterns)
    assert torch.allclose(roomy(cue), modern(patterns)(cue))
    _, which, _ = roomy.recognise(patterns)
    assert which.tolist() == list(range(9))
    assert [roomy.KINDS[kind] for kind in roomy.recognise(patterns[:2] / 2 + patterns[2:4] / 2)[0]] == ["mixture"] * 2


@pytest.mark.covers("B8")
def test_the_modern_form_stores_exponentially_many_patterns() -> None:
    """Half of P random patterns on the sphere are retrieved in one update up to log2 P = 0.558 N + constant, beta 1/2.

    A pattern is lost when the P others together outweigh it. As in a random energy model (Lucibello and Mezard, "The
    exponential capacity of dense associative memories", 2024), for patterns of length sqrt(N) that is at
    ln P / N = beta - max over u of (beta u + 1/2 ln(1 - u^2)).
    """
    sizes, beta = np.arange(12, 29, 4), 0.5
    logs = np.array([largest_retrieved(int(units), beta) for units in sizes])
    u = np.linspace(0, 0.999, 10_000)
    theory = (beta - (beta * u + np.log(1 - u**2) / 2).max()) / np.log(2)
    slope, _ = np.polyfit(sizes, logs, 1)
    assert theory == pytest.approx(0.558, abs=0.001)
    assert slope == pytest.approx(theory, rel=0.1)
    assert 2 ** logs[-1] > 1_000 * 0.138 * sizes[-1]


def largest_retrieved(units: int, beta: float) -> float:
    """Return log2 of the number of patterns at which half of those tried are retrieved, between powers of two."""
    before = 1.0
    for power in range(1, 18):
        patterns = sphere(2**power, units)
        tried = patterns[:300]
        noise = torch.randn(tried.shape, generator=seeded(1), dtype=torch.float64)
        ended = modern(patterns, beta)(tried + 0.1 * noise)
        share = float(((ended - tried).norm(dim=1) < 0.1 * units**0.5).double().mean())
        if share < 0.5:
            return power - (0.5 - share) / (before - share)
        before = share
    raise AssertionError("more than was tried")


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        (torch.full((2, 4), torch.nan), "finite"),
        (torch.ones(2, 5), "1 to 6 patterns of 4 units, not for 2 of 5"),
        (torch.ones(7, 4), "not for 7 of 4"),
    ],
)
def test_patterns_that_the_modern_form_cannot_store_are_refused(patterns: Tensor, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        HopfieldModern(4, 6).store(patterns)
    with pytest.raises(ValueError, match="nothing is stored"):
        HopfieldModern(4, 6).recognise(torch.ones(1, 4))
