"""The states kept along a training: its own beginning and end, the losses of its record, the same bits each time."""

from pathlib import Path
from typing import Any

import pytest
import torch

import pellucid
from pellucid.data import load
from pellucid.explain import Objective, loss_surface, training_path
from pellucid.explain.landscape.path import kept_steps
from pellucid.recipe import Recipe
from pellucid.record import Record
from pellucid.training import begin, evaluate
from pellucid.training.session import Session
from pellucid.training.tasks import Supervised

ARROWS = "4 -> fc(6) -> batchnorm -> tanh -> fc(3)"


def session(**recipe: Any) -> Session:
    return begin(load("iris"), ARROWS, Recipe(epochs=4, **recipe)).session


def test_the_losses_along_the_path_are_those_of_the_record() -> None:
    trained, record = session(weight_decay=0.1), Record()
    first = {name: tensor.clone() for name, tensor in trained.network.state_dict().items()}
    found = training_path(trained, watchers=[record])
    assert found.steps == tuple(sorted({0, *kept_steps(trained.steps_per_epoch, 4, 20)}))
    for kept, own in ((found.states[0], first), (found.states[-1], trained.network.state_dict())):
        assert all(torch.equal(kept[name], tensor) for name, tensor in own.items())
    states = dict(zip(found.steps, found.states, strict=True))
    for epoch in record.epochs:
        trained.network.load_state_dict(states[epoch.step])
        told = evaluate(trained.network, trained.data, trained.task, "validation", trained.device)
        assert told == epoch.validation
    again = training_path(session(weight_decay=0.1))
    assert again.steps == found.steps
    for state, same in zip(found.states, again.states, strict=True):
        assert all(torch.equal(state[name], same[name]) for name in state)


def test_the_surface_is_the_loss_at_the_places_of_the_path_that_lie_on_it() -> None:
    trained, record = session(), Record()
    states = training_path(trained, watchers=[record]).states
    assert isinstance(trained.task, Supervised)
    inputs, targets = trained.data.split("validation")
    network = trained.network.eval()
    found = loss_surface(Objective(network, trained.task.loss, inputs, targets), "principal", states=states)
    assert found.way is not None
    assert found.way.places[-1].norm() == 0  # the network's own weights are the last
    with torch.no_grad():
        assert float(trained.task.loss(network(inputs), targets)) == pytest.approx(record.epochs[-1].validation["loss"])
    assert float(found.way.shares.sum()) == pytest.approx(found.way.explained, abs=1e-5)  # they are perpendicular
    assert found.way.shares[0] >= found.way.shares[1] > 0
    # the variance of all weights, and of that along the directions, as NumPy has it
    names = [name for name, _ in network.named_parameters()]
    vectors_SW = torch.stack([torch.cat([state[name].flatten() for name in names]) for state in states]).double()
    values = torch.linalg.svdvals(vectors_SW - vectors_SW.mean(0)).square()
    torch.testing.assert_close(found.way.shares, values[:2] / values.sum(), rtol=1e-4, atol=1e-5)


def test_a_training_that_stops_early_ends_its_path_there() -> None:
    trained = session(early_stopping=1, learning_rate=1e-6)
    found = training_path(trained)
    assert found.steps[-1] == trained.progress.step < trained.total_steps


def test_a_run_that_was_trained_from_another_with_layers_frozen(tmp_path: Path) -> None:
    short: dict[str, Any] = {
        "folder": str(tmp_path),
        "quiet": True,
        "no_report": True,
        "no_diagnosis": True,
        "epochs": 2,
    }
    pellucid.train("iris", ARROWS, name="first", **short)
    run = pellucid.train("iris", from_=str(tmp_path / "first"), freeze="1", name="second", **short)
    begun = begin(run.data(), run.asked["network"]["arrows"], run.recipe).session
    origin = pellucid.open_run(tmp_path / "first").model().state_dict()
    found = training_path(begun)
    frozen = next(iter(origin))
    assert all(torch.equal(state[frozen], origin[frozen]) for state in found.states)
    assert all(torch.equal(found.states[0][name], tensor) for name, tensor in origin.items())
    assert not torch.equal(found.states[-1][list(origin)[-1]], origin[list(origin)[-1]])


def test_a_training_that_never_moved_still_has_a_surface_around_it() -> None:
    trained = session()
    inputs, targets = trained.data.split("validation")
    assert isinstance(trained.task, Supervised)
    states = [dict(trained.network.state_dict())] * 3
    found = loss_surface(Objective(trained.network, trained.task.loss, inputs, targets), "principal", states=states)
    assert found.way is not None
    assert not found.way.shares.any()
    assert (float(found.at_x[0]), float(found.at_x[-1])) == (-1.0, 1.0)
