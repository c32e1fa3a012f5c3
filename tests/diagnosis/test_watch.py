"""A watch around a plain loop: it changes nothing, and what it found may be asked for at any time."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, cast

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

import pellucid
from pellucid.diagnosis import Watch, is_watched
from pellucid.diagnosis.alarm import FIRST_STEPS, Alarm
from pellucid.diagnosis.observation import Afterwards, Observation
from pellucid.diagnosis.observer import afterwards
from pellucid.diagnosis.observer.held import key_of
from pellucid.diagnosis.suspicion import Suspicion


def two_moons(samples: int = 256) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(samples) % 2
    angles = torch.rand(samples, generator=generator) * torch.pi
    x = torch.stack((angles.cos() + labels, angles.sin() * (1 - 2 * labels) + 0.5 * labels), 1)
    return (x + 0.05 * torch.randn(samples, 2, generator=generator) - x.mean(0)) / x.std(0), labels


def make_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 32), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(32, 2))


def learn(network: nn.Module, rate: float, epochs: int, watch: Watch | None = None) -> list[tuple[str, ...]]:
    """Train by a plain loop, and return what the watch found at every epoch's end."""
    x, y = two_moons()
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    found = []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        if watch is not None:
            found.append(tuple(finding.cause for finding in watch.findings))
    return found


@pytest.mark.covers("D5")
def test_a_loop_that_asks_every_epoch_learns_what_it_learns_unwatched() -> None:
    alone, seen = make_network(), make_network()
    torch.manual_seed(1)
    learn(alone, 0.01, 6)
    after_alone = torch.random.get_rng_state()
    torch.manual_seed(1)
    with pellucid.watch(seen) as watch:
        learn(seen, 0.01, 6, watch)
    assert torch.equal(torch.random.get_rng_state(), after_alone)
    for one, other in zip(alone.parameters(), seen.parameters(), strict=True):
        assert torch.equal(one, other)
    assert watch.steps == 6 * 8
    assert not watch.seen.faults


def test_what_is_found_at_every_epoch_is_what_ending_there_would_have_told() -> None:
    told = []
    with pellucid.watch() as watch:
        torch.manual_seed(1)
        told = learn(make_network(), 30.0, 5, watch)
    assert "lr-high" in told[-1] or "dead-relu" in told[-1]
    assert told[-1] == tuple(finding.cause for finding in watch.findings)


def test_the_data_are_compared_again_only_when_they_have_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    whole = afterwards._compared

    def counted(seen: Observation) -> Afterwards:
        kept.append(len(seen.rows["train"].inputs))
        return whole(seen)

    monkeypatch.setattr(afterwards, "_compared", counted)
    with pellucid.watch() as watch:
        learn(make_network(), 0.01, 12, watch)
        meanwhile = len(kept)
        assert watch.findings == watch.findings
        assert len(kept) == meanwhile, "nothing was seen in between"
    assert meanwhile == 4
    assert all(later >= 2 * earlier for earlier, later in itertools.pairwise(kept))
    watch.diagnosis()
    assert len(kept) == meanwhile + 1, "at the end all that was seen counts"
    watch.diagnosis()
    assert len(kept) == meanwhile + 1


def suspected(cause: str, severity: Literal["critical", "warning"], confidence: float) -> Suspicion:
    return Suspicion(cause, severity, confidence, (), "")


def alarm_over(*suspicions: Suspicion) -> tuple[Alarm, SimpleNamespace]:
    watch = SimpleNamespace(steps=FIRST_STEPS, suspicions=lambda: suspicions)
    return Alarm(cast("Watch", watch)), watch


def test_an_alarm_says_only_what_it_was_told_twice_and_not_at_once() -> None:
    alarm, watch = alarm_over(suspected("lr-high", "critical", 0.9))
    watch.steps = FIRST_STEPS - 1
    assert alarm.ask() is None, "too few steps are made"
    watch.steps = FIRST_STEPS
    assert alarm.ask() == ()
    assert alarm.ask() is None, "asking took time, which is made good first"
    alarm._ready_at = 0.0
    assert [suspicion.cause for suspicion in alarm.ask() or ()] == ["lr-high"]


def test_an_alarm_is_quiet_about_what_is_unsure_or_mild_or_known_only_at_the_end() -> None:
    alarm, _ = alarm_over(
        suspected("lr-low", "critical", 0.9),
        suspected("dead-relu", "critical", 0.7),
        suspected("label-noise", "warning", 0.9),
    )
    for _ in range(3):
        alarm._ready_at = 0.0
        assert alarm.ask() == ()


def test_what_a_loop_knows_itself_is_taken_in() -> None:
    with pellucid.watch() as watch:
        learn(make_network(), 0.01, 1)
        watch.judge(0.5, "accuracy", 0.75, 40)
        watch.break_off(float("nan"))
    score = watch.diagnosis().scores[-1]
    assert (score.phase, score.kind, score.score, score.step) == ("eval", "accuracy", 0.75, 8)
    (series,) = watch.seen.series.values()
    assert series.values[-1] != series.values[-1]


def test_who_is_watched_is_known() -> None:
    assert not is_watched()
    with pellucid.watch() as watch:
        assert is_watched()
        watch.abandon()
        assert not is_watched()
    with pytest.raises(KeyError), pellucid.watch():
        raise KeyError
    assert not is_watched()


def test_steps_that_call_their_closure_are_measured_too() -> None:
    x, y = two_moons()
    network = make_network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def closure() -> float:
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        return float(loss.detach())

    with pellucid.watch(network) as watch:
        for _ in range(4):
            before = network[0].weight.detach().clone()  # type: ignore[index]
            optimizer.step(closure)
    weight = watch.seen.parameters[key_of(network[0].weight)]  # type: ignore[index]
    gradient = network[0].weight.grad  # type: ignore[index]
    assert weight.gradients[-1] == pytest.approx(gradient.norm().item(), rel=1e-5)
    assert weight.weights[-1] == pytest.approx(before.norm().item(), rel=1e-5)
    assert weight.updates[-1] == pytest.approx(0.1 * gradient.norm().item(), rel=1e-4)
    assert len(weight.turns) == 3


def test_a_network_of_several_processes_is_seen_and_not_its_wrapper(tmp_path: Path) -> None:
    """Else what is computed when the training has ended would wait for the other processes."""
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        network = make_network()
        with pellucid.watch(network) as watch:
            learn(nn.parallel.DistributedDataParallel(network), 0.01, 2)
            assert isinstance(watch.findings, tuple)
        seen = watch.seen
    finally:
        distributed.destroy_process_group()
    assert [each.module for each in seen.networks] == [network]
    assert seen.networks[0].name == "network"
    assert not seen.faults
    assert sum(seen.networks[0].backed.values()) == seen.backwards == 16
