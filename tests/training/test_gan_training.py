"""Generators and discriminators trained: against turns taken by hand, stopped anywhere, judged, and refused."""

import dataclasses
import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.blocks import Gan
from pellucid.data import Itself, load
from pellucid.data.dataset import Dataset
from pellucid.data.named.mixtures import MIXTURES
from pellucid.errors import DataError, DivergedError, NotationError, OptionError
from pellucid.networks import build
from pellucid.recipe import AdversarialLossName, Recipe
from pellucid.record import Epoch
from pellucid.seed import seed_torch
from pellucid.shapes import Features
from pellucid.training import begin
from pellucid.training.checkpoint import restore, save_checkpoint
from pellucid.training.evaluation import evaluate
from pellucid.training.fit import fit
from pellucid.training.loop import epoch_order, steps, train_step
from pellucid.training.tasks import Generation
from pellucid.training.tasks.generation import gan_of
from tests.training.making import assert_equal, make_data, make_session, state

PAIR = "2 -> gan(generator: code(2) -> fc(8) -> relu -> fc(2) | discriminator: fc(8) -> relu -> fc(1))"


def without_target(data: Dataset) -> Dataset:
    return dataclasses.replace(data, target=Itself("generation"), targets=torch.zeros(len(data), 0))


@pytest.fixture
def blob() -> Dataset:
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    return make_data(points, torch.zeros(200, 0), Itself("generation"), Features(2), 128)


def pair(text: str = PAIR, seed: int = 0) -> nn.Module:
    return build(text, seed=seed)


def weights(network: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector([p for p in network.parameters() if p.requires_grad]).detach().clone()


@pytest.mark.covers("B9")
@pytest.mark.parametrize("critic_steps", [1, 3])
def test_turns_equal_those_taken_by_hand(blob: Dataset, critic_steps: int) -> None:
    options = {"optimizer": "adam", "momentum": 0.5, "learning_rate": 0.01, "schedule": "constant", "weight_decay": 0.0}
    session = make_session(blob, pair(), critic_steps=critic_steps, gradient_penalty=0.3, **options)
    by_hand = gan_of(pair())
    generator, discriminator = by_hand.generator, by_hand.discriminator
    optimizers = [torch.optim.Adam(net.parameters(), 0.01, betas=(0.5, 0.999)) for net in (generator, discriminator)]
    average = weights(generator)
    for step in range(6):
        rows = epoch_order(session)[32 * (step % 4) : 32 * (step % 4) + 32]
        session.progress.batch = step % 4
        train_step(session, rows)

        seed_torch(0, "step", step)
        real = blob.inputs[rows].requires_grad_()
        made = generator(real).detach()
        loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(made)).mean()
        (slope,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
        optimizers[1].zero_grad()
        (loss + 0.3 * slope.square().sum(1).mean() / 2).backward()
        optimizers[1].step()
        if (step + 1) % critic_steps == 0:
            optimizers[0].zero_grad()
            F.softplus(-discriminator(generator(real))).mean().backward()
            optimizers[0].step()
            turn = (step + 1) // critic_steps
            decay = min(0.999, turn / (turn + 9))
            average = decay * average + (1 - decay) * weights(generator)
    ours = gan_of(session.network)
    assert torch.allclose(weights(ours.generator), weights(generator), atol=1e-6)
    assert torch.allclose(weights(ours.discriminator), weights(discriminator), atol=1e-6)
    assert torch.allclose(nn.utils.parameters_to_vector(ours.average.parameters()), average, atol=1e-6)


def test_each_turn_moves_one_network_only(blob: Dataset) -> None:
    session = make_session(blob, pair(), critic_steps=2)
    gan, rows = gan_of(session.network), epoch_order(session)[:32]
    before = weights(gan.generator), weights(gan.discriminator)
    train_step(session, rows)
    assert torch.equal(weights(gan.generator), before[0])
    assert not torch.equal(weights(gan.discriminator), before[1])
    train_step(session, rows)
    assert not torch.equal(weights(gan.generator), before[0])
    assert all(p.requires_grad for p in gan.discriminator.parameters())


@pytest.mark.covers("B9")
@pytest.mark.parametrize("loss", get_args(AdversarialLossName))
@pytest.mark.parametrize("stop_after", [0, 1, 4, 7])
def test_a_training_stopped_anywhere_goes_on_bit_for_bit(
    blob: Dataset, tmp_path: Path, loss: str, stop_after: int
) -> None:
    options: dict[str, Any] = {"adversarial_loss": loss, "epochs": 3, "seed": 5}
    whole = make_session(blob, pair(), **options)
    fit(whole)
    first = make_session(blob, pair(), **options)
    save_checkpoint(tmp_path / "last", first)
    for _ in steps(first, every=1):
        if first.progress.step > stop_after:
            break
        save_checkpoint(tmp_path / "last", first)
    second = make_session(blob, pair(seed=1), **options)
    restore(second, tmp_path / "last")
    fit(second)
    assert_equal(state(second), state(whole))
    assert_equal(second.best_weights, whole.best_weights)
    assert second.progress == whole.progress


def test_what_is_chosen_for_it_suits_two_networks_that_learn_against_each_other() -> None:
    ring = without_target(load("ring"))
    begun = begin(ring, "gan")
    recipe = begun.session.recipe
    assert isinstance(begun.session.task, Generation)
    assert (recipe.momentum, recipe.critic_steps, recipe.gradient_penalty, recipe.augment) == (0.5, 1, 0.1, "none")
    assert begun.session.total_steps == pytest.approx(10_000, rel=0.02)
    wasserstein = begin(ring, "gan", Recipe(adversarial_loss="wasserstein", momentum=0.0)).session.recipe
    assert (wasserstein.momentum, wasserstein.critic_steps, wasserstein.gradient_penalty) == (0.0, 5, 1.0)


@pytest.mark.covers("B9")
def test_samples_come_to_be_as_the_data() -> None:
    points = torch.randn(2_200, 2, generator=torch.Generator().manual_seed(0))
    data = make_data(points, torch.zeros(2_200, 0), Itself("generation"), Features(2), 2_000)
    network = pair("2 -> gan(width=32, layers=2)")
    options = {"batch_size": 64, "learning_rate": 3e-3, "gradient_penalty": 1.0}
    session = make_session(data, network, epochs=6, **options)
    before = evaluate(network, data, session.task, "test", session.device)
    fit(session)
    after = evaluate(network, data, session.task, "test", session.device)
    assert after["energy_distance"] < 0.2 * before["energy_distance"]
    assert after["nearest_neighbour"] < before["nearest_neighbour"]


@pytest.mark.slow
@pytest.mark.covers("B9")
@pytest.mark.parametrize(("name", "epochs", "least"), [("ring", 30, 8), ("grid", 60, 20)])
def test_the_modes_of_the_literature_are_found(name: str, epochs: int, least: int) -> None:
    """The small form of `benchmarks/gan_modes.py`; its modes are counted here by hand."""
    data = without_target(load(name))
    begun = begin(data, "gan", Recipe(epochs=epochs, device="cpu"))
    last = [event.validation for event in steps(begun.session) if isinstance(event, Epoch)][-1]
    gan, mixture = gan_of(begun.session.network), MIXTURES[name]
    torch.manual_seed(0)
    points = data.preprocessing.restore(gan.sample(2_500))
    assert isinstance(points, Tensor)
    away = (points.double()[:, None] - torch.from_numpy(mixture.centres)).norm(dim=2)
    found = int((away <= 3 * mixture.deviation).any(0).sum())
    assert found >= least
    assert last["modes"] >= least
    assert last["high_quality"] > 0.5


@pytest.mark.covers("B9")
def test_the_judgement_is_always_the_same_and_draws_from_no_stream_of_the_callers(blob: Dataset) -> None:
    session = make_session(blob, pair())
    torch.manual_seed(3)
    first = evaluate(session.network, blob, session.task, "validation", session.device)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(1))
    assert evaluate(session.network, blob, session.task, "validation", session.device) == first


class Always(nn.Module):
    """A network that gives the same for every sample."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(value)

    def forward(self, x: Tensor) -> Tensor:
        return self.value.expand(len(x), *self.value.shape)


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("logit", "real", "made"), [(4.0, 1.0, 0.0), (-4.0, 0.0, 1.0)])
def test_the_balance_says_who_wins(blob: Dataset, logit: float, real: float, made: float) -> None:
    """A discriminator that says the same of all is right on one kind; one that tells them apart on both."""
    far = torch.tensor([9.0, 9.0])
    network = Gan(Always(far), Always(torch.tensor([logit])), Always(far))
    session = make_session(blob, network)
    metrics = evaluate(network, blob, session.task, "validation", session.device)
    assert (metrics["real_accuracy"], metrics["made_accuracy"]) == (real, made)
    assert metrics["loss"] == pytest.approx(math.log1p(math.exp(4)) + math.log1p(math.exp(-4)), abs=1e-5)
    assert metrics["nearest_neighbour"] == 1.0  # no sample lies where the data does
    assert metrics["energy_distance"] > 5


def test_the_boundary_of_a_critic_lies_between_what_it_says_of_both(blob: Dataset) -> None:
    """A Wasserstein critic's numbers have no zero: raised by a constant they say the same."""
    network = pair()
    session = make_session(blob, network, adversarial_loss="wasserstein", epochs=2)
    fit(session)
    before = evaluate(network, blob, session.task, "validation", session.device)
    with torch.no_grad():
        gan_of(network).discriminator.get_parameter("fc2.bias").add_(50.0)
    after = evaluate(network, blob, session.task, "validation", session.device)
    assert after["real_accuracy"] == pytest.approx(before["real_accuracy"], abs=0.02)
    assert after["made_accuracy"] == pytest.approx(before["made_accuracy"], abs=0.02)
    assert 0 < before["made_accuracy"] < 1


def test_samples_are_shown_as_the_data_is() -> None:
    digits = without_target(load("digits"))
    session = begin(digits, "gan(width=4)", Recipe(epochs=1)).session
    shown = session.task.specimens(session.network.eval(), digits, digits.rows["test"], session.device)
    assert shown is not None
    assert len(shown.items) == 36
    assert all(item.pictures["made"].shape == (1, 8, 8) for item in shown.items)
    assert all(item.pictures["made"].dtype == torch.uint8 for item in shown.items)

    ring = without_target(load("ring"))
    session = begin(ring, "gan", Recipe(epochs=1)).session
    shown = session.task.specimens(session.network.eval(), ring, ring.rows["test"], session.device)
    assert shown is not None
    assert shown.cloud is not None
    assert torch.allclose(shown.cloud.real, ring.inputs[ring.rows["test"]], atol=1e-5)

    wine = without_target(load("wine"))
    session = begin(wine, "gan", Recipe(epochs=1)).session
    shown = session.task.specimens(session.network.eval(), wine, wine.rows["test"], session.device)
    assert shown is not None
    assert "alcohol" in shown.items[0].words


def test_a_rate_far_too_high_is_told_as_such(blob: Dataset) -> None:
    session = make_session(
        blob, pair(), adversarial_loss="wasserstein", learning_rate=1e9, optimizer="sgd", schedule="constant", epochs=50
    )
    with pytest.raises(DivergedError, match="diverged in epoch"):
        fit(session)


def test_weights_that_are_no_numbers_are_told_before_a_step(blob: Dataset) -> None:
    network = pair()
    with torch.no_grad():
        next(network.parameters()).fill_(math.nan)
    session = make_session(blob, network)
    discriminator = gan_of(network).discriminator
    before = weights(discriminator)
    with pytest.raises(DivergedError):
        train_step(session, epoch_order(session)[:32])
    assert torch.equal(weights(discriminator), before)


REFUSED: list[tuple[str, dict[str, Any], type[Exception], tuple[str, ...]]] = [
    ("2 -> fc(1)", {}, OptionError, ("generator and a discriminator", "Linear", "--network gan")),
    ("2 -> fc(2) -> " + PAIR[5:], {}, OptionError, ("nothing around them", "Linear, Gan")),
    (PAIR, {"compile": True}, OptionError, ("--compile", "second derivative")),
    (PAIR, {"loss": "huber"}, OptionError, ("--loss", "--adversarial-loss")),
    (PAIR, {"rule": "gradient"}, OptionError, ("--rule", "by turns")),
    (PAIR, {"metric": "accuracy"}, OptionError, ("does not go with generation", "energy_distance")),
    (PAIR.replace("2 ->", "3 ->", 1).replace("fc(2)", "fc(3)"), {}, NotationError, ("the network's input",)),
]


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("network", "options", "error", "words"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_trained_so_is_refused(
    blob: Dataset, network: str, options: dict[str, Any], error: type[Exception], words: tuple[str, ...]
) -> None:
    with pytest.raises(error) as refusal:
        begin(blob, network, Recipe(epochs=1, **options))
    for word in words:
        assert word in str(refusal.value)


def test_too_few_samples_are_refused() -> None:
    points = torch.randn(12, 2)
    few = make_data(points, torch.zeros(12, 0), Itself("generation"), Features(2), 6)
    with pytest.raises(DataError, match="too few samples"):
        begin(few, "gan")
