"""Labels, and several tasks learned by one network: losses, metrics, networks, trainings."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics as reference
from torch import nn
from torch.nn import functional as F

from pellucid.data import Dataset, Several, load
from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.training import begin, fit
from pellucid.training.checks import overfit_one_batch
from pellucid.training.device import choose_device
from pellucid.training.evaluation import evaluate
from pellucid.training.session import Session
from pellucid.training.tasks import MultiTask, Supervised, task_for

pytestmark = pytest.mark.covers("C17")


def inputs(rows: int = 600) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(rows, 6))


def labelled() -> Dataset:
    x = inputs()
    return load((x, np.stack([x[:, 0] > 0, x[:, 1] + x[:, 2] > 0.5, x[:, 3] > 1], 1)))


def several() -> Dataset:
    x = inputs()
    return load((x, {"sign": (x[:, 0] > 0).astype(int), "sum": x.sum(1), "signs": x[:, 1:4] > 0}))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_labels_is_the_mean_of_each_ones_cross_entropy(smoothing: float) -> None:
    task = task_for(labelled(), Recipe(label_smoothing=smoothing))
    assert isinstance(task, Supervised)
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    truth = labelled().targets[:8].double()
    # two classes each, as torch's cross-entropy has them: no and yes
    pairs = torch.stack([torch.zeros_like(logits), logits], -1)
    expected = F.cross_entropy(pairs.reshape(-1, 2), truth.long().reshape(-1), label_smoothing=smoothing)
    assert float(task.loss(logits, truth)) == pytest.approx(float(expected), rel=1e-12)


def test_the_metrics_of_labels_are_scikit_learns() -> None:
    data = labelled()
    task = task_for(data, Recipe())
    assert isinstance(task, Supervised)
    logits = torch.randn(len(data), 3, generator=torch.Generator().manual_seed(2))
    logits[:, 2] = -1.0  # a label that is never said
    found = task.metrics(0.5, task.predictions(logits), task.truth(data.targets))
    truth, said = data.targets.numpy().astype(int), (logits > 0).numpy().astype(int)
    assert found["exact_match"] == pytest.approx(reference.accuracy_score(truth, said))
    assert found["accuracy"] == pytest.approx(1 - reference.hamming_loss(truth, said))
    for name in ("precision", "recall", "f1"):
        scores = getattr(reference, f"{name}_score")(truth, said, average="macro", zero_division=0)
        assert found[name] == pytest.approx(scores), name


def test_the_loss_of_several_tasks_is_the_weighted_sum() -> None:
    data = several()
    task = task_for(data, Recipe(task_weights="sum=0.5,sign=3"))
    assert isinstance(task, MultiTask)
    assert isinstance(data.target, Several)
    random = torch.Generator().manual_seed(3)
    outputs = {name: torch.randn(9, count, generator=random) for name, count in task.answer.items()}
    assert {name: each.shape[1] for name, each in outputs.items()} == {"sign": 2, "sum": 1, "signs": 3}
    own = {name: data.target.of(name, data.targets[:9]) for name in outputs}
    expected = (
        3 * F.cross_entropy(outputs["sign"], own["sign"])
        + 0.5 * F.mse_loss(outputs["sum"], own["sum"])
        + F.binary_cross_entropy_with_logits(outputs["signs"], own["signs"])
    )
    assert float(task.loss(outputs, data.targets[:9])) == pytest.approx(float(expected), rel=1e-6)


def test_the_metrics_of_several_tasks_are_those_of_each_alone() -> None:
    data = several()
    task = task_for(data, Recipe())
    assert isinstance(task, MultiTask)
    assert isinstance(data.target, Several)
    network = begin(data, "mlp(8)").session.network.eval()
    device = choose_device(Recipe())
    with torch.no_grad():
        found = task.evaluate(network, data, data.rows["test"], device)
        total = 0.0
        for name, part in task.parts.items():
            alone = data.target.part(name, data)
            one = part.evaluate(lambda x, name=name: network(x)[name], alone, data.rows["test"], device)  # type: ignore[misc]
            total += one["loss"]
            assert {f"{name}.{metric}": value for metric, value in one.items()}.items() <= found.items()
    assert found["loss"] == pytest.approx(total)


HEADS = "6 -> fc(12) -> relu -> heads(sign: fc(2) | sum: fc(4) -> tanh -> fc(1) | signs: fc(3))"


def measured(session: Session) -> dict[str, float]:
    return evaluate(session.network, session.data, session.task, "test", session.device)


@pytest.mark.parametrize("network", [None, HEADS])
def test_several_tasks_are_learned(network: str | None) -> None:
    data = several()
    session = begin(data, network, Recipe(epochs=30, seed=1)).session
    before = measured(session)["loss"]
    fit(session)
    after = measured(session)
    assert after["loss"] < 0.6 * before
    assert after["sign.accuracy"] > 0.8


def test_labels_are_learned_and_the_same_seed_gives_the_same_bits() -> None:
    sessions = [begin(labelled(), "mlp(16)", Recipe(epochs=20, seed=1)).session for _ in range(2)]
    for session in sessions:
        fit(session)
    results = [measured(session) for session in sessions]
    assert results[0] == results[1]
    assert results[0]["accuracy"] > 0.8


@pytest.mark.parametrize("data", [labelled(), several()], ids=["labels", "several"])
def test_one_batch_can_be_learned_by_heart(data: Dataset) -> None:
    assert overfit_one_batch(begin(data, None, Recipe(epochs=1, batch_size=16)).session, steps=400).passed


def test_a_module_of_the_users_own_gives_a_dict() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.sign = nn.Linear(6, 8), nn.Linear(8, 2)
            self.total, self.signs = nn.Linear(8, 1), nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            hidden = self.body(x).relu()
            return {"sign": self.sign(hidden), "sum": self.total(hidden), "signs": self.signs(hidden)}

    session = begin(several(), Two(), Recipe(epochs=1)).session
    fit(session)
    assert math.isfinite(measured(session)["signs.f1"])
    with pytest.raises(OptionError, match=r"does not give an output for each target"):
        fit(begin(several(), nn.Linear(6, 2), Recipe(epochs=1)).session)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(task_weights="digit=2"), "no task 'digit'"),
        (Recipe(task_weights="sum=-1"), "the weight of 'sum'"),
        (Recipe(task_weights="sum=x"), "the weight of 'sum'"),
        (Recipe(loss="huber"), "--loss is for one task"),
        (Recipe(metric="accuracy"), "does not go with multitask"),
    ],
)
def test_what_does_not_go_with_several_tasks_is_refused(recipe: Recipe, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        task_for(several(), recipe)


def test_weights_are_refused_where_there_is_one_task() -> None:
    with pytest.raises(OptionError, match="there is one"):
        task_for(load("iris"), Recipe(task_weights="a=1"))
    with pytest.raises(OptionError, match="does not go with multilabel"):
        task_for(labelled(), Recipe(loss="squared-error"))
