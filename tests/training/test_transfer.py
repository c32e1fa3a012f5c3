"""Transfer: weights taken over, layers that stand still until their epoch, rates that fall towards the input."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import pellucid
from pellucid.cli import main
from pellucid.data import Dataset, load
from pellucid.errors import OptionError, RunError
from pellucid.networks import build
from pellucid.recipe import InitName, Recipe
from pellucid.record import Epoch
from pellucid.training import begin, steps, train_step
from pellucid.training.checkpoint import restore, save_checkpoint
from pellucid.training.loop import epoch_order
from pellucid.training.population import Population, StackingError
from pellucid.training.session import Session
from pellucid.training.transfer import frozen_layers
from pellucid.verbs.run import Run

ARROWS = "8x8x1 -> conv(6, 3x3) -> batchnorm -> relu -> maxpool(2x2) -> fc(12) -> relu -> fc(5)"
LAYERS = ["conv1", "bn1", "fc1", "fc2"]


def digits(first: int, count: int = 5) -> Dataset:
    """Return the digits from one on, so many classes."""
    bunch = load_digits()
    chosen = (bunch.target >= first) & (bunch.target < first + count)
    names = np.asarray([f"digit {each}" for each in bunch.target[chosen]])
    return load((bunch.images[chosen][..., None].astype(np.float32), names))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = str(tmp_path_factory.mktemp("origin"))
    return pellucid.train(digits(0), ARROWS, epochs=2, folder=folder, quiet=True, no_report=True, no_diagnosis=True)


def weights_by_epoch(session: Session) -> list[dict[str, Tensor]]:
    """Return the weights before the first epoch and after each."""

    def copied() -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in session.network.state_dict().items()}

    return [copied()] + [copied() for event in steps(session) if isinstance(event, Epoch)]


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.covers("C16")
def test_layers_begin_with_the_weights_of_the_run_and_the_last_anew(origin: Run) -> None:
    begun = begin(digits(5), recipe=Recipe(from_=str(origin.folder)))
    given, own = origin.model().state_dict(), begun.session.network.state_dict()
    same = {name for name in own if torch.equal(own[name], given[name])}
    assert same == {name for name in own if not name.startswith("fc2")}
    assert str(begun.plan) == str(origin.plan)
    assert any("anew: fc2" in note for note in begun.notes)


def test_for_the_same_classes_all_layers_are_taken(origin: Run) -> None:
    begun = begin(digits(0), recipe=Recipe(from_=str(origin.folder), seed=3))
    given = origin.model().state_dict()
    assert all(torch.equal(tensor, given[name]) for name, tensor in begun.session.network.state_dict().items())


def test_other_numbers_of_classes_get_another_last_layer(origin: Run) -> None:
    begun = begin(digits(5, 3), recipe=Recipe(from_=str(origin.folder)))
    assert str(begun.plan).endswith("fc(3)")


def test_inputs_are_prepared_as_the_runs_were(origin: Run) -> None:
    data = digits(5)
    session = begin(data, recipe=Recipe(from_=str(origin.folder))).session
    rows = data.rows["train"][:7]
    taken = session.data.batch(rows)[0]
    assert not torch.equal(taken, data.batch(rows)[0])
    prepared = pellucid.open_run(origin.folder).preprocessing.prepare(data.inputs[rows])
    assert torch.equal(taken, prepared)


@pytest.mark.covers("C16")
@pytest.mark.parametrize(
    ("freeze", "unfreeze_at", "still"),
    [
        ("all", None, [LAYERS[:3]] * 4),
        ("2", None, [LAYERS[:2]] * 4),
        ("conv1", None, [["conv1"]] * 4),
        ("fc1, conv1", "3", [["conv1", "fc1"]] * 2 + [[]] * 2),
        ("all", "2,3,4", [LAYERS[:3], LAYERS[:2], LAYERS[:1], []]),
    ],
)
def test_frozen_layers_stand_still_to_the_bit_until_their_epoch(
    freeze: str, unfreeze_at: str | None, still: list[list[str]]
) -> None:
    recipe = Recipe(freeze=freeze, unfreeze_at=unfreeze_at, epochs=4, l1=1e-4, weight_decay=0.1)
    session = begin(digits(0), ARROWS, recipe).session
    weights = weights_by_epoch(session)
    for epoch in range(4):
        assert frozen_layers(session.network, recipe, epoch + 1) == set(still[epoch])
        assert changed(weights[epoch], weights[epoch + 1]) == set(LAYERS) - set(still[epoch])


@pytest.mark.covers("C16")
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_a_layers_rate_is_a_share_of_the_next_ones(share: float) -> None:
    moved = []
    for layer_decay in (1.0, share):
        recipe = Recipe(optimizer="sgd", layer_decay=layer_decay, schedule="constant", weight_decay=0, augment="none")
        session = begin(digits(0), ARROWS, recipe).session
        before = {name: tensor.detach().clone() for name, tensor in session.network.named_parameters()}
        train_step(session, epoch_order(session)[: session.batch_size])
        after = dict(session.network.named_parameters())
        moved.append({name: after[name].detach() - before[name] for name in before})
    for name, whole in moved[0].items():
        depth = len(LAYERS) - 1 - LAYERS.index(name.partition(".")[0])
        torch.testing.assert_close(moved[1][name], whole * share**depth, rtol=1e-3, atol=1e-7)


def test_a_training_stopped_while_layers_stand_still_goes_on_to_the_bit(tmp_path: Path) -> None:
    recipe = Recipe(freeze="all", unfreeze_at="2,3", epochs=4, layer_decay=0.7)
    whole = begin(digits(0), ARROWS, recipe).session
    weights = weights_by_epoch(whole)[-1]
    stopped = begin(digits(0), ARROWS, recipe).session
    for event in steps(stopped):
        if isinstance(event, Epoch) and event.epoch == 2:
            break
    save_checkpoint(tmp_path / "state", stopped)
    again = begin(digits(0), ARROWS, recipe).session
    restore(again, tmp_path / "state")
    assert all(torch.equal(tensor, weights[name]) for name, tensor in weights_by_epoch(again)[-1].items())


def test_a_tied_weight_has_one_rate() -> None:
    network = build("4 -> fc(4) -> tanh -> fc(4) -> tanh -> fc(3)", seed=0)
    first, second = network.get_submodule("fc1"), network.get_submodule("fc2")
    second.weight = first.weight
    session = begin(load("iris"), network, Recipe(layer_decay=0.5, epochs=1)).session
    assert session.optimizer is not None
    held = [parameter for group in session.optimizer.param_groups for parameter in group["params"]]
    assert len(held) == len(set(held)) == len(list(network.parameters()))


def test_trainings_with_frozen_layers_are_not_one_population() -> None:
    data = digits(0)
    for recipe in (Recipe(freeze="all"), Recipe(layer_decay=0.5)):
        with pytest.raises(StackingError) as refused:
            Population([begin(data, ARROWS, recipe).session for _ in range(2)])
        assert "--freeze" in str(refused.value) or "--layer-decay" in str(refused.value)


@pytest.mark.parametrize("recipe", [
    Recipe(freeze="conv9"), Recipe(freeze="4"), Recipe(freeze="0"), Recipe(freeze="conv1,bn1,fc1,fc2"),
    Recipe(unfreeze_at="3"), Recipe(freeze="all", unfreeze_at="soon"), Recipe(freeze="all", unfreeze_at="1"),
], ids=str)  # fmt: skip
def test_what_cannot_be_frozen_is_refused(recipe: Recipe) -> None:
    with pytest.raises(OptionError):
        begin(digits(0), ARROWS, recipe)


def test_what_cannot_be_begun_with_is_refused(origin: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run folder"):
        begin(digits(0), recipe=Recipe(from_=str(tmp_path)))
    with pytest.raises(OptionError, match="mean something else"):
        begin(load("iris"), "4 -> fc(3)", Recipe(from_=str(origin.folder)))
    with pytest.raises(OptionError, match="no layer of this network is like one"):
        begin(digits(5), "8x8x1 -> fc(7) -> relu -> fc(5)", Recipe(from_=str(origin.folder)))


def test_from_the_command_line(origin: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "high.npz", X=digits(5).inputs.movedim(1, -1).numpy(), y=digits(5).targets.numpy())
    with pytest.raises(SystemExit) as exit_:
        main(["train", str(tmp_path / "high.npz"), "--from", str(origin.folder), "--freeze", "all", "--unfreeze-at",
              "2", "--epochs", "3", "--folder", str(tmp_path / "runs"), "--no-diagnosis"])  # fmt: skip
    assert exit_.value.code == 0
    said = capsys.readouterr().out
    assert f"weights from {origin.folder}; anew: fc2" in said
    run = pellucid.open_run(tmp_path / "runs" / "high-1")
    assert run.asked["recipe"]["from_"] == str(origin.folder)
    assert "from" in (run.folder / "report.html").read_text()


@pytest.mark.covers("C5")
@pytest.mark.parametrize(
    ("name", "deviation"),
    [("he", (2 / 256) ** 0.5), ("lecun", 1 / 16), ("xavier", (2 / (256 + 300)) ** 0.5), ("small", 0.03 / 3**0.5),
     ("uniform", 1 / (3 * 256) ** 0.5), ("zeros", 0.0)],
)  # fmt: skip
def test_every_start_has_the_deviation_of_its_formula(name: InitName, deviation: float) -> None:
    session = begin(load("iris"), "4 -> fc(256) -> tanh -> fc(300) -> tanh -> fc(3)", Recipe(init=name)).session
    weight = session.network.get_parameter("fc2.weight")
    assert float(weight.detach().std(correction=0)) == pytest.approx(deviation, rel=0.01, abs=1e-12)
    assert float(weight.detach().mean()) == pytest.approx(0, abs=1e-3)


def test_a_start_is_a_function_of_the_seed() -> None:
    drawn = [
        begin(load("iris"), "4 -> fc(9) -> tanh -> fc(3)", Recipe(init="he", seed=seed)).session for seed in (0, 0, 1)
    ]
    first, same, other = (session.network.get_parameter("fc1.weight") for session in drawn)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_layers_that_begin_to_learn_are_not_taken_for_a_state_carried_on(origin: Run, tmp_path: Path) -> None:
    """A graph that grows by layers unfrozen now and then is not one that grows at every step."""
    run = pellucid.train(
        digits(5), from_=str(origin.folder), freeze="all", unfreeze_at="5,8", epochs=12, folder=str(tmp_path),
        quiet=True, no_report=True,
    )  # fmt: skip
    assert "state-carryover" not in {finding.cause for finding in run.findings}


def test_a_table_read_exactly_alike_is_gone_on_with(tmp_path: Path) -> None:
    first = pellucid.train("iris", "4 -> fc(6) -> tanh -> fc(3)", epochs=1, folder=str(tmp_path), quiet=True,
                           no_report=True, no_diagnosis=True)  # fmt: skip
    begun = begin(load("iris"), recipe=Recipe(from_=str(first.folder)))
    assert begun.notes[-1].endswith("all layers")
