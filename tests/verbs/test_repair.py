"""`train --repair`: what keeps a network from learning is found and mended, and only what is proven stays."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pellucid
from pellucid.diagnosis.suspicion import Suspicion
from pellucid.errors import OptionError
from pellucid.files import read_json
from pellucid.networks import parse
from pellucid.recipe import Recipe
from pellucid.verbs.changes import Change, changes_for
from pellucid.verbs.run import Run

AS_GOOD = 0.95  # of what the same training without the fault reaches
SMALL = "8x8x1 -> fc(32) -> relu -> fc(10)"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(data: str, **options: Any) -> Run:
    return pellucid.train(data, quiet=True, no_report=True, **options)


@pytest.mark.covers("D6")
def test_a_rate_of_ten_is_lowered_and_the_run_says_why(here: Path) -> None:
    run = train("digits", network=SMALL, learning_rate=10.0, epochs=8, repair=True)
    asked = read_json(run.folder / "run.json")
    assert asked["options"]["learning_rate"] == 10.0
    assert asked["recipe"]["learning_rate"] < 1.0
    (repair, *_) = asked["repairs"]
    assert repair["cause"] in {"lr-high", "dead-relu"}
    assert repair["change"] == f"--learning-rate {asked['recipe']['learning_rate']:.3g}"
    assert repair["metric"] == "accuracy"
    assert repair["after"] > repair["before"] + 0.2
    assert repair["seed"] == 0
    assert repair["explanation"]
    as_asked = train("digits", network=SMALL, learning_rate=10.0, epochs=8)
    healthy = train("digits", network=SMALL, epochs=8)
    assert run.evaluate()["accuracy"] > AS_GOOD * healthy.evaluate()["accuracy"]
    assert run.evaluate()["accuracy"] > as_asked.evaluate()["accuracy"] + 0.5
    # the folder tells all that is needed to train the same again
    same = train("digits", network=SMALL, learning_rate=asked["recipe"]["learning_rate"], epochs=8)
    assert (same.folder / "record.jsonl").read_bytes() == (run.folder / "record.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.covers("D6")
def test_a_stack_of_sigmoids_gets_other_arrows(here: Path) -> None:
    stack = "8x8x1 -> 8 * (fc(32) -> sigmoid) -> fc(10)"
    run = train("digits", network=stack, epochs=8, repair=True)
    healthy = train("digits", network=stack.replace("sigmoid", "relu"), epochs=8)
    asked = read_json(run.folder / "run.json")
    assert "relu" in asked["network"]["arrows"]
    assert "sigmoid" not in asked["network"]["arrows"]
    assert run.evaluate()["accuracy"] > AS_GOOD * healthy.evaluate()["accuracy"]


def test_a_training_that_diverges_is_mended(here: Path) -> None:
    network = "10 -> fc(32) -> relu -> fc(1)"
    run = train("diabetes", network=network, optimizer="sgd", learning_rate=100.0, epochs=20, repair=True)
    (repair, *_) = read_json(run.folder / "run.json")["repairs"]
    assert repair["before"] is None
    assert math.isfinite(run.evaluate()["mse"])


def test_what_is_well_is_left_as_it_is(here: Path) -> None:
    repaired = train("digits", network=SMALL, epochs=15, repair=True)
    as_asked = train("digits", network=SMALL, epochs=15)
    assert "repairs" not in read_json(repaired.folder / "run.json")
    assert (repaired.folder / "record.jsonl").read_bytes() == (as_asked.folder / "record.jsonl").read_bytes()


def test_nothing_is_changed_where_nothing_helps(here: Path) -> None:
    """Labels drawn at random can be learned by no network: whatever is tried, chance is what it reaches."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 8, generator=generator).numpy()
    y = torch.randint(2, (400,), generator=generator).numpy()
    network = "8 -> fc(16) -> relu -> fc(2)"
    run = pellucid.train((x, y), network=network, epochs=10, repair=True, quiet=True, no_report=True)
    assert "repairs" not in read_json(run.folder / "run.json")


def test_a_module_of_ones_own_keeps_its_layers_and_its_weights(here: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    before = [parameter.detach().clone() for parameter in module.parameters()]
    run = train("digits", network=module, learning_rate=10.0, epochs=8, repair=True)
    (repair, *_) = read_json(run.folder / "run.json")["repairs"]
    assert repair["change"].startswith("--learning-rate")
    assert run.record.result is not None
    assert all(torch.equal(one, other) for one, other in zip(before, module.parameters(), strict=True))
    healthy = train("digits", network=module, epochs=8)
    assert healthy.record.result is not None
    assert run.record.result.metrics["accuracy"] > AS_GOOD * healthy.record.result.metrics["accuracy"]


def test_two_that_choose_the_rate_are_refused(here: Path) -> None:
    with pytest.raises(OptionError, match="both choose the learning rate"):
        train("iris", repair=True, range_test=True)


def suspected(cause: str, **facts: Any) -> Suspicion:
    return Suspicion(cause, "critical", 0.9, (), "", facts=facts)


RECIPE = Recipe(epochs=5, batch_size=2, learning_rate=1.0, clip_norm=1e-4, weight_decay=5.0)
DEEP = parse("4 -> 3 * (fc(8) -> sigmoid) -> dropout(0.9) -> fc(6) -> fc(3)")


@pytest.mark.parametrize(
    ("suspicion", "options"),
    [
        (suspected("lr-high"), "--learning-rate 0.003"),
        (suspected("too-few-epochs"), "--epochs 20"),
        (suspected("batch-size"), "--batch-size 32"),
        (suspected("clip-too-tight", wanted_limit=2.5), "--clip-norm 2.5"),
        (suspected("clip-too-tight"), "--clip-norm None"),
        (suspected("over-regularised"), "--weight-decay 0.01"),
        (suspected("wrong-hidden-activation"), f'--network "{str(DEEP).replace("sigmoid", "relu")}"'),
        (suspected("missing-nonlinearity"), f'--network "{str(DEEP).replace("fc(6)", "fc(6) -> relu")}"'),
        (suspected("capacity-low"), f'--network "{str(DEEP).replace("fc(8)", "fc(32)").replace("fc(6)", "fc(24)")}"'),
    ],
)
def test_the_first_change_of_a_cause(suspicion: Suspicion, options: str) -> None:
    assert changes_for(suspicion, RECIPE, DEEP)[0].options == options


def test_batch_norm_comes_between_a_layer_and_its_activation() -> None:
    changes = changes_for(suspected("wrong-hidden-activation"), RECIPE, DEEP)
    assert "3 * (fc(8) -> batchnorm -> relu)" in changes[1].options


def test_changes_are_others_than_what_is() -> None:
    usual = Recipe(epochs=5, batch_size=32, learning_rate=0.003)
    for cause in ("lr-high", "lr-low", "over-regularised", "batch-size", "plateau", "label-noise", "overfitting"):
        changes = changes_for(suspected(cause), usual, parse("4 -> fc(3)"))
        assert len({change.options for change in changes}) == len(changes)
        assert all(change.options for change in changes)
    assert changes_for(suspected("split-leak"), usual, None) == []
    assert Change("lr-high", "Lower it.", {"learning_rate": 0.5}).to_json()["change"] == "--learning-rate 0.5"


def test_a_plateau_of_frozen_layers_lets_them_learn_first() -> None:
    frozen = Recipe(epochs=5, learning_rate=0.003, freeze="all")
    held = suspected("plateau", held_still=0.9)
    assert changes_for(held, frozen, DEEP)[0].options == "--unfreeze-at 2"
    rest = changes_for(suspected("plateau"), frozen, DEEP)
    assert [change.options for change in changes_for(held, frozen, DEEP)[1:]] == [change.options for change in rest]
