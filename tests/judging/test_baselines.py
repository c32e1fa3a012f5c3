"""What needs no network, against the figures that follow from the data alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pellucid
from pellucid.data.dataset import Dataset
from pellucid.judging.baselines import baseline_of, baseline_outputs
from pellucid.judging.outputs import Outputs, run_over, sample_losses
from pellucid.recipe import Recipe
from pellucid.training.device import choose_device
from pellucid.training.evaluation import evaluate
from pellucid.training.tasks import Supervised, supervised_task_for

CPU = choose_device(Recipe(device="cpu"))


def of_nothing(task: Supervised) -> nn.Module:
    """Return a network that says the same of every input, which is no baseline's."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(task.outputs))


def baseline_on(data: Dataset, **options: Any) -> tuple[str, Outputs, dict[str, float]]:
    task = supervised_task_for(data, Recipe(device="cpu", **options))
    rows = data.rows["test"]
    outputs = run_over(of_nothing(task), data, task, rows, CPU)
    name, guessed = baseline_outputs(outputs, data, task, data)
    return name, guessed, dict(baseline_of(name, guessed, task).metrics)


def test_classes_are_the_most_frequent_in_training() -> None:
    data = pellucid.load("breast_cancer")
    name, _, metrics = baseline_on(data)
    held_out = data.targets[data.rows["test"]]
    shares = (torch.bincount(data.targets[data.rows["train"]]) + 1).double()
    shares /= shares.sum()
    assert name == "always 'benign'"
    assert metrics["accuracy"] == pytest.approx(float((held_out == 0).double().mean()))
    assert metrics["loss"] == pytest.approx(float(-shares.log()[held_out].mean()), rel=1e-5)


def test_values_are_the_mean_or_the_median_of_training() -> None:
    data = pellucid.load("diabetes")
    truth = data.target.restore(data.targets)[:, 0].double()  # type: ignore[union-attr]
    train, test = truth[data.rows["train"]], truth[data.rows["test"]]
    name, _, metrics = baseline_on(data)
    assert name == "always the mean"
    assert metrics["mse"] == pytest.approx(float((test - train.mean()).square().mean()), rel=1e-4)
    name, _, metrics = baseline_on(data, metric="mae")
    assert name == "always the median"
    assert metrics["mae"] == pytest.approx(float((test - train.median()).abs().mean()), rel=1e-4)


@pytest.mark.parametrize("horizon", [1, 3])
def test_a_forecast_is_the_last_value_seen_in_the_targets_own_unit(horizon: int) -> None:
    data = pellucid.load("seasons", horizon=horizon)
    name, guessed, metrics = baseline_on(data)
    values = data.target.restore(data.targets)  # type: ignore[union-attr]
    test = data.rows["test"]
    # the value before a window's first target is the target of the window before it
    before = values[test - 1, 0]
    assert name == "repeating the last value"
    assert torch.from_numpy(np.asarray(guessed.predicted))[:, 0].numpy() == pytest.approx(before.numpy(), rel=1e-4)
    expected = (values[test] - before[:, None]).double().square().mean()
    assert metrics["mse"] == pytest.approx(float(expected), rel=1e-4)


def test_tokens_are_the_most_frequent_in_training() -> None:
    data = pellucid.load("sentences")
    task = supervised_task_for(data, Recipe(device="cpu"))
    assert task.outputs == len(data.target.vocabulary)  # type: ignore[union-attr]
    network = nn.Embedding(task.outputs, task.outputs)
    outputs = run_over(network, data, task, data.rows["test"], CPU)
    name, guessed = baseline_outputs(outputs, data, task, data)
    metrics = baseline_of(name, guessed, task).metrics
    space = data.target.vocabulary.index(" ")  # type: ignore[union-attr]
    held_out = data.targets[data.rows["test"]]
    assert name == "always ' '"
    assert metrics["accuracy"] == pytest.approx(float((held_out == space).double().mean()))
    shares = (torch.bincount(data.targets[data.rows["train"]].flatten(), minlength=task.outputs) + 1).double()
    assert metrics["loss"] == pytest.approx(float(-(shares / shares.sum()).log()[held_out].mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("iris", {}),
        ("iris", {"label_smoothing": 0.1}),
        ("diabetes", {}),
        ("diabetes", {"loss": "huber"}),
        ("diabetes", {"loss": "absolute-error"}),
        ("seasons", {}),
    ],
)
def test_the_loss_of_each_sample_has_the_batches_mean(source: str, options: dict[str, Any]) -> None:
    data = pellucid.load(source)
    task = supervised_task_for(data, Recipe(device="cpu", **options))
    network = of_nothing(task)
    outputs = run_over(network, data, task, data.rows["test"], CPU)
    assert outputs.losses.mean() == pytest.approx(evaluate(network, data, task, "test", CPU)["loss"], rel=1e-5)
    inputs_BF, targets_B = data.batch(data.rows["test"][:5])
    alone = [task.loss(network(inputs_BF[i : i + 1]), targets_B[i : i + 1]).item() for i in range(5)]
    assert outputs.losses[:5] == pytest.approx(alone, rel=1e-5)


def test_a_networks_mode_is_put_back() -> None:
    data = pellucid.load("iris")
    task = supervised_task_for(data, Recipe(device="cpu"))
    network = nn.Sequential(nn.Dropout(0.9), of_nothing(task)).train()
    outputs = [run_over(network, data, task, data.rows["test"], CPU) for _ in range(2)]
    assert network.training
    assert (outputs[0].losses == outputs[1].losses).all()  # no dropout while it is judged
    assert sample_losses(task, torch.zeros(2, 3), torch.tensor([0, 1])).shape == (2,)
