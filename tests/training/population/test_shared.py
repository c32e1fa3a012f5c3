"""Sessions shared out among processes, here two threads; real processes: tests/verbs/test_several_processes.py."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import torch

from pellucid.data import load
from pellucid.data.dataset import Dataset
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.training import Session, begin, steps
from pellucid.training.population import Event
from pellucid.training.population.shared import Exchange, Said
from pellucid.training.ranks import Ranks

RECIPE = Recipe(epochs=3, device="cpu", batch_size=32, threads=1)
TEXTS = ("4 -> fc(4) -> tanh -> fc(3)", "4 -> fc(8) -> tanh -> fc(3)")
SAID = Said(has_more=True, is_due=False, stopping=False)


@dataclasses.dataclass(frozen=True)
class Talking(Ranks):
    """Ranks that hear each other through a list in place of a network."""

    said: list[Any] = dataclasses.field(default_factory=lambda: [None, None])
    barrier: Barrier = dataclasses.field(default_factory=lambda: Barrier(2))

    def gathered(self, said: Any) -> list[Any]:
        self.said[self.rank] = said
        self.barrier.wait(10)
        heard = list(self.said)
        self.barrier.wait(10)
        return heard


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load("iris")


def sessions(data: Dataset) -> dict[str, Session]:
    """Three of one make and two of another."""
    return {
        str(number): begin(data, TEXTS[number % 2], dataclasses.replace(RECIPE, seed=number)).session
        for number in range(5)
    }


class Rank:
    """One of two, with all sessions and what it heard."""

    def __init__(self, data: Dataset, ranks: Ranks) -> None:
        self.sessions = sessions(data)
        self.heard: list[tuple[str, Event, bool]] = []
        self.exchange = Exchange(self.sessions, ranks, self.hear)

    def hear(self, name: str, event: Event) -> None:
        self.heard.append((name, event, self.sessions[name].finished))

    def train(self, epochs: int) -> None:
        for name, session in self.exchange.own.items():
            for event in steps(session):
                self.exchange.note(name, event)
                if isinstance(event, Epoch) and event.epoch == epochs:
                    break


def at_once(*calls: Any) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(20) for future in [pool.submit(call) for call in calls]]


@pytest.fixture
def two(iris: Dataset) -> tuple[Rank, Rank]:
    first = Talking(0, 2)
    return Rank(iris, first), Rank(iris, dataclasses.replace(first, rank=1))


def assert_same(one: Session, other: Session) -> None:
    assert one.progress == other.progress
    for state, theirs in (
        (one.network.state_dict(), other.network.state_dict()),
        (one.best_weights, other.best_weights),
    ):
        assert state.keys() == theirs.keys()
        assert all(torch.equal(state[name], theirs[name]) for name in state)
    moments = [session.optimizer.state_dict()["state"] for session in (one, other) if session.optimizer is not None]
    torch.testing.assert_close(moments[0], moments[1], rtol=0, atol=0)


def test_each_is_trained_by_one_and_every_make_by_both(two: tuple[Rank, Rank]) -> None:
    shares = [list(rank.exchange.own) for rank in two]
    assert sorted(shares[0] + shares[1]) == [str(number) for number in range(5)]
    for share in shares:
        assert {int(name) % 2 for name in share} == {0, 1}


def test_what_is_finished_all_have_when_they_hear_of_it(two: tuple[Rank, Rank]) -> None:
    for rank in two:
        rank.train(3)
    told = at_once(*(lambda rank=rank: rank.exchange.meet(SAID) for rank in two))
    assert told == [[SAID, SAID], [SAID, SAID]]
    for name in two[0].sessions:
        assert_same(two[0].sessions[name], two[1].sessions[name])
        for rank in two:
            epochs = [
                (event.epoch, is_done)
                for heard, event, is_done in rank.heard
                if heard == name and isinstance(event, Epoch)
            ]
            assert epochs == [(1, False), (2, False), (3, True)]


def test_all_that_goes_on_is_the_same_everywhere_once_it_is_shared(two: tuple[Rank, Rank]) -> None:
    for rank in two:
        rank.train(1)
    assert any(two[0].sessions[name].progress != two[1].sessions[name].progress for name in two[0].sessions)
    at_once(*(rank.exchange.share for rank in two))
    for name in two[0].sessions:
        assert_same(two[0].sessions[name], two[1].sessions[name])
        assert two[0].sessions[name].progress.epoch == 2
