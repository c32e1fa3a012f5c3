"""Causes that no case of ours has: each in a training that fails for it, and not in the same one without it."""

import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid
from pellucid.diagnosis import Watch
from pellucid.diagnosis.observation import NetworkSeen
from pellucid.diagnosis.observer.held import Held
from pellucid.diagnosis.observer.listening import Listening
from pellucid.diagnosis.observer.rivals import Rivals, variety
from pellucid.diagnosis.ranking import rank
from pellucid.diagnosis.suspicion import Suspicion


def suspected(cause: str, confidence: float) -> Suspicion:
    return Suspicion(cause, "critical", confidence, (), "")


def causes_of(watch: Watch) -> list[str]:
    return [finding.cause for finding in watch.findings if finding.severity != "info"]


class Shuffled(nn.Module):
    """Reads what belongs to other samples: a fault in the script that no measure of ours names."""

    def __init__(self, blind: bool) -> None:
        super().__init__()
        self.blind = blind
        self.layers = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, x_BF: Tensor) -> Tensor:
        result: Tensor = self.layers(torch.randn_like(x_BF) if self.blind else x_BF)
        return result


def classify(blind: bool) -> Watch:
    torch.manual_seed(0)
    network = Shuffled(blind)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    x_NF = torch.randn(600, 8)
    y_N = (x_NF @ torch.randn(8, 3)).argmax(1)
    with pellucid.watch() as watch:
        for _ in range(20):
            for rows in torch.randperm(600).split(30):
                optimizer.zero_grad()
                F.cross_entropy(network(x_NF[rows]), y_N[rows]).backward()
                optimizer.step()
    return watch


def test_a_loss_that_stands_still_without_a_known_cause_is_a_plateau() -> None:
    watch = classify(blind=True)
    assert causes_of(watch) == ["plateau"]
    (finding,) = watch.findings
    assert finding.confidence == 0.5
    assert "None of the causes" in finding.explanation


@pytest.mark.parametrize("frozen", [True, False])
def test_a_plateau_of_layers_held_still_names_them_first(frozen: bool) -> None:
    """Weights learned elsewhere that read one input, which tells nothing, and a layer that learns from them."""
    torch.manual_seed(0)
    learned, network = (nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3)) for _ in range(2))
    with torch.no_grad():
        next(learned.parameters())[:, 1:] = 0
    x_NF = torch.randn(600, 8)
    y_N = (x_NF[:, 1:] @ torch.randn(7, 3)).argmax(1)
    with pellucid.watch() as watch:
        network.load_state_dict(learned.state_dict())
        if frozen:
            network[0].requires_grad_(False)
        optimizer = torch.optim.Adam([each for each in network.parameters() if each.requires_grad], lr=3e-3)
        for _ in range(20):
            for rows in torch.randperm(600).split(30):
                optimizer.zero_grad()
                F.cross_entropy(network(x_NF[rows]), y_N[rows]).backward()
                optimizer.step()
    assert causes_of(watch) == (["plateau"] if frozen else [])
    if frozen:
        (finding,) = watch.findings
        assert "74% of the weights are kept from learning" in finding.explanation  # 288 of 387
        assert finding.remedies[0]["action"] == "Let the frozen parameters learn."


def test_a_training_that_learns_has_no_plateau() -> None:
    assert not causes_of(classify(blind=False))


def test_a_plateau_is_said_only_where_no_cause_is() -> None:
    alone = rank([suspected("plateau", 0.5)])
    beside = rank([suspected("plateau", 0.5), suspected("label-noise", 0.7)])
    assert [each.cause for each in alone] == ["plateau"]
    assert [each.cause for each in beside] == ["label-noise"]


def duel(judges_rate: float) -> Watch:
    """Train a generator on four spots against a discriminator of this rate."""
    torch.manual_seed(0)
    maker, judge = (
        nn.Sequential(nn.Linear(wide, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, out))
        for wide, out in ((4, 2), (2, 1))
    )
    makers = torch.optim.Adam(maker.parameters(), lr=1e-3, betas=(0.5, 0.999))
    judges = torch.optim.Adam(judge.parameters(), lr=judges_rate, betas=(0.5, 0.999))
    spots = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    with pellucid.watch() as watch:
        for _ in range(700):
            real, made = spots[torch.randint(0, 4, (96,))] + 0.2 * torch.randn(96, 2), maker(torch.randn(96, 4))
            judges.zero_grad()
            (F.softplus(-judge(real)).mean() + F.softplus(judge(made.detach())).mean()).backward()
            judges.step()
            makers.zero_grad()
            F.softplus(-judge(maker(torch.randn(96, 4)))).mean().backward()
            makers.step()
    return watch


@pytest.mark.slow
def test_a_discriminator_that_never_learns_to_tell_is_told_from_a_collapse() -> None:
    assert causes_of(duel(judges_rate=1e-6)) == ["generator-dominates"]
    assert not {"generator-dominates", "discriminator-dominates"} & set(causes_of(duel(judges_rate=2e-3)))


def test_samples_at_an_address_that_was_a_made_ones_are_not_taken_for_made() -> None:
    rivals = Rivals(Listening())
    module = nn.Identity()
    maker, judge = (NetworkSeen(name, weakref.ref(module), 0) for name in ("maker", "judge"))
    made = torch.randn(64, 4)
    address = made.data_ptr()
    rivals.judged(maker, None, made)
    assert rivals.is_made(made.detach()[:8])
    del made
    real = next((one for _ in range(10_000) if (one := torch.randn(64, 4)).data_ptr() == address), torch.randn(64, 4))
    assert not rivals.is_made(real)
    rivals.judged(judge, (judge, Held(real)), torch.randn(64, 1))
    assert list(rivals.real) == ["judge"]


def test_samples_that_a_judge_sees_twice_are_as_varied_as_they_were() -> None:
    rivals = Rivals(Listening())
    module = nn.Identity()
    maker, judge = (NetworkSeen(name, weakref.ref(module), 0) for name in ("maker", "judge"))
    others, real = torch.randn(64, 4), torch.randn(64, 4)
    for made in (others, 0.1 * others):
        rivals.judged(maker, None, made)
        rivals.judged(judge, (judge, Held(real)), torch.randn(64, 1))
        for seen in (made.detach(), made, made[:32]):
            rivals.judged(judge, (judge, Held(seen)), torch.randn(len(seen), 1))
    adversary = rivals.seen.adversaries["maker judge"]
    expected = [variety(real, made) for one in (others, 0.1 * others) for made in (one, one, one[:32])]
    assert [(c, s) for (_, c), (_, s) in zip(adversary.coverage, adversary.spread, strict=True)] == expected
