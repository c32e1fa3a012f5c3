"""While the observer sleeps, steps and backward passes are counted, and what matters wakes it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.optimizer import _global_optimizer_pre_hooks

from pellucid.diagnosis import EnoughSteps, Sampling, Watch

SELDOM = Sampling(rows=(8, 2), figures=(8, 2), graphs=(4, 2), losses=(16, 2), evaluations=(1_000, 1_000))
X, Y = torch.randn(64, 3, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 2


def loss_of(network: nn.Module) -> torch.Tensor:
    return F.cross_entropy(network(X), Y)


def descend(network: nn.Module, steps: int) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(network).backward()
        optimizer.step()


def test_all_is_counted_while_nothing_is_heard() -> None:
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    with Watch(sampling=SELDOM) as watch:
        fast, slow = torch.optim.SGD(first.parameters(), lr=0.1), torch.optim.Adam(second.parameters(), lr=0.01)
        for step in range(1_000):
            (loss_of(first) / 2).backward()
            (loss_of(first) / 2).backward()
            fast.step()
            fast.zero_grad()
            if step % 5 == 0:
                slow.zero_grad()
                loss_of(second).backward()
                slow.step()
            if step == 700:
                fast.param_groups[0]["lr"] = 0.05
    seen = watch.seen
    assert [optimizer.steps for optimizer in seen.optimizers] == [1_000, 200]
    assert (seen.steps, seen.backwards) == (1_200, 2_200)
    assert seen.optimizers[0].rates == [(0, 0.1), (842, 0.05)]  # after 701 steps of the one and 141 of the other
    assert sum(site.calls for site in seen.losses.values()) < 200
    assert not seen.faults


def test_of_a_rate_that_changes_at_every_step_what_matters_is_kept() -> None:
    network = nn.Linear(3, 2)
    with Watch(sampling=SELDOM) as watch:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
        for step in range(10_000):
            optimizer.param_groups[0]["lr"] = 1 - abs(step - 7_777) / 10_000
            optimizer.zero_grad()
            loss_of(network).backward()
            optimizer.step()
    seen = watch.seen.optimizers[0]
    assert (seen.steps, seen.highest_rate) == (10_000, 1.0)
    assert 1_000 < len(seen.rates) < 5_000
    assert all(rate == 1 - abs(step - 7_777) / 10_000 for step, rate in seen.rates)


def test_an_evaluation_wakes_it_and_the_next_step_lulls_it() -> None:
    network = nn.Linear(3, 2)
    with Watch(sampling=SELDOM) as watch:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for step in range(1_000):
            optimizer.zero_grad()
            loss_of(network).backward()
            optimizer.step()
            if step in (500, 777):
                assert watch._recorder.listening.sleeps
                with torch.no_grad():
                    loss_of(network)
                assert not watch._recorder.listening.sleeps
    assert [score.step for score in watch.seen.scored("eval")] == [501, 778]
    assert watch.steps == 1_000


def test_no_optimiser_tells_of_a_step_to_come_while_it_rests() -> None:
    network = nn.Linear(3, 2)
    before = dict(_global_optimizer_pre_hooks)
    with Watch(sampling=SELDOM) as watch:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for _ in range(100):
            rests = watch._recorder.listening.rests
            assert len(_global_optimizer_pre_hooks) == len(before) + (not rests)
            optimizer.zero_grad()
            loss_of(network).backward()
            optimizer.step()
        assert watch.seen.optimizers[0].looked == 8 + 2 * 4  # all of the first 8 steps, and two of each doubling
    assert before == _global_optimizer_pre_hooks


def test_it_ends_at_the_step_that_was_asked_for() -> None:
    with pytest.raises(EnoughSteps), Watch(steps=333, sampling=SELDOM) as watch:
        descend(nn.Linear(3, 2), 1_000)
    assert watch.steps == 333


def test_steps_by_hand_are_counted_by_their_backward_passes() -> None:
    network = nn.Linear(3, 2)
    with Watch(sampling=SELDOM) as watch:
        for _ in range(600):
            network.zero_grad()
            loss_of(network).backward()
            with torch.no_grad():
                for parameter in network.parameters():
                    assert parameter.grad is not None
                    parameter.sub_(0.1 * parameter.grad)
    assert (watch.seen.steps, watch.seen.backwards) == (600, 600)


def test_an_optimiser_made_in_the_place_of_another_is_another() -> None:
    network = nn.Linear(3, 2)
    with Watch(sampling=SELDOM) as watch:
        for _ in range(10):
            descend(network, 100)  # by an optimiser that is often at the address of the one before
    assert [optimizer.steps for optimizer in watch.seen.optimizers] == [100] * 10
