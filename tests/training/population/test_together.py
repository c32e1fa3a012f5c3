"""Sessions trained together are each what they are alone: weights, records, best weights, and how they end."""

import dataclasses
from pathlib import Path
from typing import Any, get_args

import pytest

from pellucid.data import load
from pellucid.data.dataset import Dataset
from pellucid.errors import DivergedError
from pellucid.networks import build, fit_to
from pellucid.recipe import OptimizerName, Recipe
from pellucid.record import Epoch, Step
from pellucid.shapes import Features
from pellucid.training import Session, begin, steps
from pellucid.training.checkpoint import restore_some, save_checkpoints
from pellucid.training.population import Event, Population, StackingError
from tests.training.making import AsItIs, make_session

MEMBERS = 4
DENSE = "8x8x1 -> fc(16) -> tanh -> dropout(0.2) -> fc(8) -> layernorm -> relu -> fc(10)"
CONVOLUTION = (
    "8x8x1 -> conv(6, 3x3, bias=no) -> batchnorm -> relu -> maxpool(2x2) -> dropout(0.1) -> conv(8, 2x2) -> fc(10)"
)
RECURRENT = {
    "rnn": "8x8x1 -> reshape(T=8 x 8) -> rnn(12, layers=2) -> last -> fc(10)",
    "lstm": "8x8x1 -> reshape(T=8 x 8) -> lstm(12) -> last -> dropout(0.2) -> fc(10)",
    "gru": "8x8x1 -> reshape(T=8 x 8) -> gru(8, bidirectional=yes, padded=yes) -> ends(padded=yes) -> fc(10)",
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def members(data: Dataset, network: str | list[str], **options: Any) -> list[Session]:
    """Return sessions of seeds 0, 1, ...; an option that is a list gives each its own."""
    made = []
    for k in range(MEMBERS):
        own = {name: value[k] if isinstance(value, list) else value for name, value in options.items()}
        recipe = Recipe(seed=k, **{"epochs": 3, "batch_size": 32, "device": "cpu", **own})
        made.append(begin(data, network if isinstance(network, str) else network[k], recipe).session)
    return made


def in_double(data: Dataset, network: str) -> list[Session]:
    exact = dataclasses.replace(data, inputs=data.inputs.double() / 16, preprocessing=AsItIs())
    plan, _ = fit_to(network, data.input_shape, Features(10))
    return [make_session(exact, build(plan, seed=k).double(), seed=k) for k in range(MEMBERS)]


def together(sessions: list[Session], every: int | None = None) -> list[list[Event]]:
    events: list[list[Event]] = [[] for _ in sessions]
    for k, event in Population(sessions).steps(every):
        events[k].append(event)
    return events


def difference(one: Session, other: Session) -> float:
    """Return by how much weights and buffers differ at most, by the largest number of their tensor."""
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return max(float((a.double() - b.double()).abs().max() / a.double().abs().max().clamp_min(1e-3)) for a, b in pairs)


@pytest.mark.parametrize(
    ("network", "most"),
    [(DENSE, 1e-5), (CONVOLUTION, 1e-4), *((text, 1e-4) for text in RECURRENT.values())],
    ids=["dense", "convolution", *RECURRENT],
)
def test_each_is_what_it_is_alone_after_100_steps(digits: Dataset, network: str, most: float) -> None:
    # at the usual rate rounding now and then decides a ReLU or a maximum, which is no small difference any more
    ones, others = (members(digits, network, learning_rate=1e-3) for _ in range(2))
    for one in ones:
        list(steps(one))
    together(others)
    assert ones[0].progress.step > 100
    for one, other in zip(ones, others, strict=True):
        assert difference(one, other) < most
        assert one.progress.best_epoch == other.progress.best_epoch


@pytest.mark.parametrize(
    "network",
    [DENSE, CONVOLUTION, *(pytest.param(text, marks=pytest.mark.slow) for text in RECURRENT.values())],
    ids=["dense", "convolution", *RECURRENT],
)
def test_in_float64_rounding_is_all_that_differs(digits: Dataset, network: str) -> None:
    ones, others = in_double(digits, network), in_double(digits, network)
    for one in ones:
        list(steps(one))
    together(others)
    assert max(difference(one, other) for one, other in zip(ones, others, strict=True)) < 1e-10


def test_each_has_its_own_recipe(digits: Dataset) -> None:
    texts = [DENSE.replace("0.2", rate) for rate in ("0", "0.1", "0.3", "0.5")]
    own: dict[str, Any] = {
        "optimizer": ["adamw", "nesterov", "rmsprop", "adagrad"],
        "learning_rate": [1e-3, 0.05, 1e-3, 0.02],
        "schedule": ["cosine", "one-cycle", "constant", "step"],
        "weight_decay": [0.1, 0.0, 0.01, 0.0],
        "l1": [0.0, 1e-4, 1e-3, 0.0],
        "clip_norm": [None, 0.5, None, 1.0],
        "clip_value": [0.01, None, None, None],
        "augment": "shift",
    }
    ones, others = members(digits, texts, **own), members(digits, texts, **own)
    for one in ones:
        list(steps(one))
    together(others)
    assert max(difference(one, other) for one, other in zip(ones, others, strict=True)) < 1e-5


def test_they_yield_what_they_yield_alone(digits: Dataset) -> None:
    ones, others = members(digits, DENSE), members(digits, DENSE)
    alone, beside = [list(steps(one, every=7)) for one in ones], together(others, every=7)
    for events, same in zip(alone, beside, strict=True):
        for one, other in zip(events, same, strict=True):
            if isinstance(one, Step):
                assert isinstance(other, Step)
                assert (one.step, one.epoch, one.samples) == (other.step, other.epoch, other.samples)
                expected = (one.loss, one.learning_rate, one.gradient_norm)
                assert (other.loss, other.learning_rate, other.gradient_norm) == pytest.approx(expected, rel=1e-4)
            else:
                assert isinstance(other, Epoch)
                assert (one.epoch, one.step, one.best) == (other.epoch, other.step, other.best)
                assert dict(other.validation) == pytest.approx(dict(one.validation), rel=1e-4)


@pytest.mark.parametrize(
    ("source", "network", "options"),
    [
        ("digits", "lenet5(form=paper)", {"loss": "map"}),
        ("digits", DENSE, {"label_smoothing": 0.1}),
        ("diabetes", "10 -> fc(8) -> tanh -> fc(1)", {"loss": "squared-error"}),
        ("diabetes", "10 -> fc(8) -> tanh -> fc(1)", {"loss": "absolute-error"}),
        ("diabetes", "10 -> rbf(12) -> fc(1)", {"loss": "huber"}),
    ],
    ids=str,
)
def test_every_loss(source: str, network: str, options: dict[str, Any]) -> None:
    data = load(source)
    ones, others = (members(data, network, learning_rate=1e-3, epochs=1, **options) for _ in range(2))
    for one in ones:
        list(steps(one))
    together(others)
    assert max(difference(one, other) for one, other in zip(ones, others, strict=True)) < 1e-4


def test_a_loss_of_every_pixel() -> None:
    scenes = load("digits_scenes")
    exact = dataclasses.replace(scenes, inputs=scenes.inputs.double() / 255, preprocessing=AsItIs())
    # of so many ReLUs rounding to float32 decides some, which is no small difference any more
    ones, others = (members(exact, "fcn(width=4)", learning_rate=1e-3, epochs=1) for _ in range(2))
    for session in (*ones, *others):
        session.network.double()
    for one in ones:
        list(steps(one))
    together(others)
    assert max(difference(one, other) for one, other in zip(ones, others, strict=True)) < 1e-10


def test_the_same_twice(digits: Dataset) -> None:
    ones, others = members(digits, CONVOLUTION, epochs=1), members(digits, CONVOLUTION, epochs=1)
    together(ones)
    together(others)
    assert all(difference(one, other) == 0 for one, other in zip(ones, others, strict=True))


def test_one_that_diverges_is_left_as_it_was_and_changes_nothing_for_the_others(digits: Dataset) -> None:
    rates = [1e-2, 1e6, 2e-2, 3e-2]
    own: dict[str, Any] = {"optimizer": "sgd", "schedule": "constant", "learning_rate": rates, "epochs": 2}
    ones, others = members(digits, DENSE, **own), members(digits, DENSE, **own)
    said = []
    for one in ones:
        try:
            list(steps(one))
        except DivergedError as error:
            said.append(str(error))
    events = together(others)
    ends = [event for each in events for event in each if isinstance(event, DivergedError)]
    assert [str(end) for end in ends] == said
    assert len(said) == 1
    assert ones[1].progress.step == others[1].progress.step > 0
    assert all(isinstance(events[k][-1], Epoch) for k in (0, 2, 3))
    assert max(difference(ones[k], others[k]) for k in (0, 2, 3)) < 1e-5


def test_each_stops_early_by_itself(digits: Dataset) -> None:
    own: dict[str, Any] = {"early_stopping": 1, "learning_rate": [1e-2, 1e-6, 3e-3, 1e-7], "epochs": 6}
    ones, others = members(digits, DENSE, **own), members(digits, DENSE, **own)
    epochs = [sum(isinstance(event, Epoch) for event in steps(one)) for one in ones]
    assert len(set(epochs)) > 1
    assert [sum(isinstance(event, Epoch) for event in each) for each in together(others)] == epochs


def test_all_stop_when_one_is_asked_to(digits: Dataset) -> None:
    sessions = members(digits, DENSE)
    stop_after(sessions, 6)
    assert {session.progress.step for session in sessions} == {6}


def stop_after(sessions: list[Session], count: int) -> None:
    population = Population(sessions)
    for said in population.advance():
        population.stopping = said is None and sessions[0].progress.step == count
    population.settle()


@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_from_a_checkpoint_they_go_on_bit_for_bit(digits: Dataset, optimizer: OptimizerName, tmp_path: Path) -> None:
    ones, others, resumed = (members(digits, DENSE, optimizer=optimizer, epochs=2) for _ in range(3))
    together(ones)
    stop_after(others, 40)
    save_checkpoints(tmp_path / "all", {str(k): session for k, session in enumerate(others)})
    restore_some({str(k): session for k, session in enumerate(resumed)}, tmp_path / "all")
    together(resumed)
    for one, other in zip(ones, resumed, strict=True):
        assert difference(one, other) == 0
        assert one.progress == other.progress
        assert one.best_weights.keys() == other.best_weights.keys()


def test_one_of_them_goes_on_alone(digits: Dataset) -> None:
    ones, others = members(digits, DENSE, epochs=2), members(digits, DENSE, epochs=2)
    stop_after(others, 40)
    for one, other in zip(ones, others, strict=True):
        list(steps(one))
        list(steps(other))
        assert difference(one, other) < 1e-5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": [16, 32, 16, 16]}, "batch size"),
        ({"label_smoothing": [0, 0.1, 0, 0]}, "label smoothing"),
        ({"augment": ["none", "shift", "none", "none"]}, "augmentation"),
        ({"precision": "bf16"}, "bf16"),
        ({"rule": "perceptron"}, "Perceptron"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_together_is_said(digits: Dataset, options: dict[str, Any], said: str) -> None:
    network = "8x8x1 -> fc(10) -> step" if "rule" in options else DENSE
    with pytest.raises(StackingError, match=said):
        Population(members(digits, network, **options))
