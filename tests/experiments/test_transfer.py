"""What is taken over and held still, and which samples are drawn."""

import pytest
import torch

from pellucid.data import load
from pellucid.experiments.claims.transfer import digits_of, few, taking
from pellucid.experiments.trained import Variant, train
from pellucid.networks import build

pytestmark = pytest.mark.covers("C16", "D7")

NETWORK = "8x8x1 -> conv(2, 3x3) -> relu -> fc(4) -> relu -> fc(5)"


@pytest.mark.parametrize("seeds", [[0], [0, 1]], ids=["alone", "as a population"])
def test_what_is_frozen_stays_to_the_bit_and_the_rest_learns(seeds: list[int]) -> None:
    source = build(NETWORK, seed=9).state_dict()
    frozen = Variant(network=NETWORK, prepare=taking(source, ("conv", "fc1"), frozen=True))
    data = few(digits_of(load("digits"), range(5, 10)), 5, seed=0)
    for one in train(data, {"frozen": frozen}, seeds, epochs=2, learning_rate=0.1, augment="none")["frozen"]:
        after = one.session.network.state_dict()
        same = {name for name, each in after.items() if torch.equal(each, source[name])}
        assert same == {"conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias"}
        assert not torch.equal(
            after["fc2.weight"], build(NETWORK, seed=one.session.recipe.seed).state_dict()["fc2.weight"]
        )


def test_what_is_taken_but_not_frozen_learns_on() -> None:
    source = build(NETWORK, seed=9).state_dict()
    network = build(NETWORK, seed=0)
    with torch.no_grad():
        taking(source, ("conv", "fc1"), frozen=False)(network, 0)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert torch.equal(network.state_dict()["fc1.weight"], source["fc1.weight"])
    assert not torch.equal(network.state_dict()["fc2.weight"], source["fc2.weight"])


def test_few_samples_a_class_of_the_digits_asked_for() -> None:
    target = digits_of(load("digits"), range(5, 10))
    five, fifty = few(target, 5, seed=3), few(target, 50, seed=3)
    rows = five.rows["train"]
    assert len(rows) == len(fifty.rows["train"])
    assert torch.bincount(five.targets[rows.unique()]).tolist() == [5] * 5
    assert set(rows.tolist()) <= set(fifty.rows["train"].tolist())
    assert not set(rows.tolist()) & set(target.rows["test"].tolist())
    assert set(rows.tolist()) != set(few(target, 5, seed=4).rows["train"].tolist())
    assert sorted(five.targets[five.rows["test"]].unique().tolist()) == [0, 1, 2, 3, 4]
