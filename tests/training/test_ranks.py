"""What several processes share out; that they train as one does is tested in tests/verbs/test_several_processes.py."""

import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pellucid
from pellucid.errors import OptionError, RunError
from pellucid.recipe import Recipe
from pellucid.training import begin, ranks
from pellucid.training.loop import train_together
from pellucid.training.ranks import ALONE, Ranks, launched, losses_explained


@given(st.integers(1, 40), st.integers(1, 9))
def test_the_shares_are_the_batch_or_each_is_all_of_it(size: int, count: int) -> None:
    batch = torch.arange(size)
    shares = [Ranks(rank, count).share(batch) for rank in range(count)]
    if size < 2 * count:
        assert all(torch.equal(share, batch) for share in shares)
    else:
        assert torch.equal(torch.cat(shares), batch)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1 < min(map(len, shares))


@given(st.integers(4, 20), st.integers(1, 4))
def test_a_random_change_is_the_same_in_every_number_of_ranks(size: int, count: int) -> None:
    batch = torch.rand(size, 2)

    def change(values: torch.Tensor) -> torch.Tensor:
        return values + torch.rand(len(values), 2, generator=torch.Generator().manual_seed(0))

    changed = [rank.as_of_whole(change, rank.share(batch), size) for rank in (Ranks(r, count) for r in range(count))]
    whole = change(batch)
    for rank, part in enumerate(changed):
        assert torch.equal(part, Ranks(rank, count).share(whole))


def test_one_process_needs_no_others() -> None:
    assert launched() is ALONE
    assert ALONE.pooled(torch.tensor(3.0), 7) == (3.0, 1.0)
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert ALONE.from_first(lambda: "made") == "made"
    with ALONE.first_before_others():
        ALONE.meet()


def test_some_of_what_torchrun_sets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    launched.cache_clear()
    try:
        with pytest.raises(OptionError, match="which of them this process is is not said"):
            launched()
    finally:
        launched.cache_clear()


@pytest.mark.parametrize(
    ("network", "asked"), [("4 -> fc(3) -> step", {"rule": "perceptron"}), ("4 -> fc(3)", {"compile": True})]
)
def test_what_is_for_one_process_is_refused_in_two(
    network: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiles = asked.pop("compile", False)
    session = begin(pellucid.load("iris"), network, Recipe(**asked)).session
    session.recipe = dataclasses.replace(session.recipe, compile=compiles)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="is for one process"):
        train_together(session, Ranks(0, 2))
    assert session.ranks is ALONE


def test_a_lost_process_is_told_of_and_another_fault_is_not() -> None:
    with pytest.raises(RunError, match="lost another one"), losses_explained(Ranks(1, 3)):
        raise RuntimeError("[gloo] Connection reset by peer\nmore")
    with pytest.raises(RuntimeError, match="shapes"), losses_explained(Ranks(1, 3)):
        raise RuntimeError("shapes do not fit")


class Store(dict[str, bytes]):
    """As torch's, which outlives the processes."""

    def check(self, keys: list[str]) -> bool:
        return all(key in self for key in keys)

    def set(self, key: str, value: str) -> None:
        self[key] = value.encode()


def test_each_training_of_a_restarted_program_goes_on_with_its_own_run(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    monkeypatch.setattr(ranks, "_store", lambda: store)
    monkeypatch.setattr(ranks._Asked, "times", 0)
    told = [ranks.remembered()]
    ranks.remember("search")
    ranks.remember("search/best")  # which the search makes in the end
    told.append(ranks.remembered())
    ranks.remember("run")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    monkeypatch.setattr(ranks._Asked, "times", 0)
    told += [ranks.remembered() for _ in range(3)]
    assert told == [None, None, "search", "run", None]
