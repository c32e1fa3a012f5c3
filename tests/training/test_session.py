"""The loop: against a loop written by hand, against itself, and stopped anywhere."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pellucid.data.dataset import Dataset
from pellucid.errors import DivergedError, RunError
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Step
from pellucid.seed import seed_torch
from pellucid.training.checkpoint import load_weights, restore, save_checkpoint, save_weights
from pellucid.training.defaults import fill_in
from pellucid.training.evaluation import evaluate
from pellucid.training.fit import fit
from pellucid.training.loop import epoch_order, steps, train_step
from tests.training.making import assert_equal, convolution, make_session, perceptron, state


class Recorder:
    def __init__(self) -> None:
        self.events: list[Step | Epoch] = []

    def on_step(self, step: Step) -> None:
        self.events.append(step)

    def on_epoch(self, epoch: Epoch) -> None:
        self.events.append(epoch)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, 0.01)),
        ("momentum", lambda p: torch.optim.SGD(p, 0.01, momentum=0.9)),
        ("nesterov", lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, 0.01)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, 0.01)),
        ("adam", lambda p: torch.optim.Adam(p, 0.01)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.0)),
    ],
)
def test_a_hundred_steps_equal_a_loop_written_by_hand(
    blobs: Dataset, name: str, theirs: Callable[[Any], torch.optim.Optimizer]
) -> None:
    options = {"optimizer": name, "learning_rate": 0.01, "schedule": "constant", "weight_decay": 0.0, "epochs": 34}
    seed_torch(1)
    ours, by_hand = nn.Linear(2, 2), nn.Linear(2, 2)
    by_hand.load_state_dict(ours.state_dict())
    session = make_session(blobs, ours, **options)
    starts = (e for e in steps(session, every=1) if isinstance(e, Step) and e.step % session.steps_per_epoch == 1)
    orders = [epoch_order(session) for _ in starts]

    optimizer = theirs(by_hand.parameters())
    for order in orders:
        for rows in order.split(32)[:3]:
            optimizer.zero_grad()
            nn.functional.cross_entropy(by_hand(blobs.inputs[rows]), blobs.targets[rows]).backward()
            optimizer.step()
    assert session.progress.step == 102
    for mine, other in zip(ours.parameters(), by_hand.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-6, rtol=0)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(stripes: Dataset) -> None:
    runs = []
    for seed in (3, 3, 4):
        session, recorder = make_session(stripes, convolution(), augment="shift", seed=seed), Recorder()
        torch.rand(7)  # what the caller draws meanwhile is of no matter
        fit(session, [recorder])
        runs.append((state(session), recorder.events))
    assert_equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]
    assert not torch.equal(runs[0][0]["0.weight"], runs[2][0]["0.weight"])


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("stop_after", [0, 1, 3, 4, 7])
def test_a_training_stopped_anywhere_goes_on_bit_for_bit(
    stripes: Dataset, tmp_path: Path, optimizer: str, stop_after: int
) -> None:
    options = {"optimizer": optimizer, "augment": "shift", "epochs": 3, "seed": 5}
    whole, recorder = make_session(stripes, convolution(), **options), Recorder()
    fit(whole, [recorder])

    first = make_session(stripes, convolution(), **options)
    events: list[Step | Epoch] = []
    for event in steps(first):
        if first.progress.step > stop_after:
            break
        events.append(event)
        save_checkpoint(tmp_path / "last", first)
    if not events:
        save_checkpoint(tmp_path / "last", make_session(stripes, convolution(), **options))

    second, later = make_session(stripes, convolution(), **options), Recorder()
    restore(second, tmp_path / "last")
    fit(second, [later])
    assert_equal(state(second), state(whole))
    assert_equal(second.best_weights, whole.best_weights)
    assert events + later.events == recorder.events
    assert second.progress == whole.progress


def test_a_request_to_stop_ends_after_the_step_under_way(blobs: Dataset) -> None:
    session = make_session(blobs, perceptron())

    class Stopper(Recorder):
        def on_step(self, step: Step) -> None:
            session.stopping = step.step == 2

    assert fit(session, [Stopper()]) is False
    assert session.progress.step == 2
    assert session.progress.batch == 2


def test_a_last_batch_of_one_sample_is_left_out(blobs: Dataset) -> None:
    session = make_session(blobs, perceptron(), epochs=1)  # 97 samples in batches of 32
    assert session.steps_per_epoch == 3
    fit(session)
    assert session.progress.step == 3


def test_every_epoch_shuffles_all_training_rows_anew(blobs: Dataset) -> None:
    session = make_session(blobs, perceptron())
    first = epoch_order(session)
    session.progress.epoch = 2
    second = epoch_order(session)
    assert sorted(first.tolist()) == sorted(second.tolist()) == blobs.rows["train"].tolist()
    assert not torch.equal(first, second)


def test_sampled_losses_average_what_lies_between(blobs: Dataset) -> None:
    each = [e for e in steps(make_session(blobs, perceptron()), every=1) if isinstance(e, Step)]
    sampled = [e for e in steps(make_session(blobs, perceptron()), every=2) if isinstance(e, Step)]
    assert [e.step for e in sampled] == [2, 4, 6, 8]
    for event in sampled:
        between = [e.loss for e in each if event.step - 2 < e.step <= event.step]
        assert event.loss == pytest.approx(sum(between) / 2)


def test_early_stopping_waits_for_its_patience(blobs: Dataset) -> None:
    session, recorder = make_session(blobs, perceptron(), epochs=50, early_stopping=2, learning_rate=1e-12), Recorder()
    fit(session, [recorder])
    epochs = [e for e in recorder.events if isinstance(e, Epoch)]
    assert len(epochs) < 50
    assert len(epochs) - session.progress.best_epoch == 2


def test_the_best_weights_are_those_of_the_best_epoch(stripes: Dataset) -> None:
    session, recorder = make_session(stripes, convolution(), epochs=6), Recorder()
    fit(session, [recorder])
    best = [e for e in recorder.events if isinstance(e, Epoch) and e.best][-1]
    session.network.load_state_dict(session.best_weights)
    again = evaluate(session.network, stripes, session.task, "validation", session.device)
    assert again == best.validation


def test_evaluation_leaves_dropout_off_and_the_mode_as_it_was(blobs: Dataset) -> None:
    session = make_session(blobs, perceptron())
    session.network.train()
    one = evaluate(session.network, blobs, session.task, "test", session.device)
    two = evaluate(session.network, blobs, session.task, "test", session.device)
    assert one == two
    assert session.network.training


def test_divergence_is_said_not_trained_on(line: Dataset) -> None:
    session = make_session(line, nn.Linear(2, 1), optimizer="sgd", learning_rate=1e6, schedule="constant", epochs=50)
    with pytest.raises(RunError, match="diverged"):
        fit(session)
    assert all(torch.isfinite(weights).all() for weights in state(session).values())


def test_outputs_that_overflow_at_an_epochs_end_are_divergence_too(line: Dataset) -> None:
    """The step's own loss may still be finite while the weights it leads to are not."""
    half = -(-len(line.rows["train"]) // 2)
    options = {"optimizer": "sgd", "learning_rate": 1e9, "schedule": "constant", "batch_size": half}
    session = make_session(line, nn.Linear(2, 1), **options)
    with pytest.raises(DivergedError, match="diverged in epoch 1"):
        list(steps(session))
    assert session.progress.batch == 2, "both steps' own losses were finite"


def test_clipping_bounds_the_step(line: Dataset) -> None:
    network = nn.Linear(2, 1)
    before = torch.cat([p.detach().clone().flatten() for p in network.parameters()])
    options = {"optimizer": "sgd", "learning_rate": 1.0, "schedule": "constant", "weight_decay": 0.0}
    session = make_session(line, network, clip_norm=0.01, **options)
    norm = train_step(session, line.rows["train"][:32])
    after = torch.cat([p.detach().flatten() for p in network.parameters()])
    assert norm > 0.01
    assert float((after - before).norm()) == pytest.approx(0.01, rel=1e-3)


def test_bf16_learns_too(blobs: Dataset) -> None:
    session = make_session(blobs, perceptron(), precision="bf16", epochs=10)
    fit(session)
    assert evaluate(session.network, blobs, session.task, "test", session.device)["accuracy"] > 0.9


def test_weights_survive_the_file(tmp_path: Path) -> None:
    weights = perceptron().state_dict()
    save_weights(tmp_path / "weights", weights)
    assert_equal(load_weights(tmp_path / "weights"), dict(weights))


def test_a_damaged_or_foreign_checkpoint_is_refused(blobs: Dataset, stripes: Dataset, tmp_path: Path) -> None:
    session = make_session(blobs, perceptron())
    path = tmp_path / "last"
    with pytest.raises(RunError, match="missing"):
        restore(session, path)
    save_checkpoint(path, session)
    with pytest.raises(RunError, match="another network"):
        restore(make_session(stripes, convolution()), path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="damaged"):
        restore(session, path)


def test_a_recipe_is_filled_in_once(blobs: Dataset) -> None:
    recipe = fill_in(Recipe(), blobs)
    assert fill_in(recipe, blobs) == recipe
    left_open: dict[str, Any] = dict.fromkeys(
        ("epochs", "batch_size", "learning_rate", "augment", "momentum", "schedule")
    )
    assert dataclasses.replace(recipe, **left_open) == Recipe()
