"""Every metric with its interval: the value is the training's own, the interval keeps its promise."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics as reference

from pellucid.data.dataset import NextToken
from pellucid.judging.outputs import Outputs
from pellucid.judging.resampling import blocks_for, estimates, metrics_of, sums_of
from pellucid.training.tasks import Supervised
from tests.judging.making import class_outputs, class_task, confused, text_task, value_outputs, value_task

EVEN_3 = np.full((3, 3), 0.1 / 6) + np.eye(3) * (0.3 - 0.1 / 6)
RARE = np.array([[0.88, 0.02], [0.03, 0.07]])


@pytest.mark.covers("D1")
@pytest.mark.parametrize("classes", [2, 5])
def test_class_metrics_are_scikit_learns(classes: int) -> None:
    random = np.random.default_rng(classes)
    truth, predicted = random.integers(0, classes, 300), random.integers(0, classes, 300)
    found = estimates(class_outputs(truth, predicted), class_task(classes))
    precision, recall, f1, _ = reference.precision_recall_fscore_support(truth, predicted, average="macro")
    expected = {"accuracy": reference.accuracy_score(truth, predicted), "precision": precision, "recall": recall}
    for name, value in {**expected, "f1": f1}.items():
        assert found[name].value == pytest.approx(value)
        assert found[name].low < value < found[name].high


def test_value_metrics_are_scikit_learns_around_any_origin() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(1_000, 3, (200, 2))
    predicted = truth + random.normal(0, 2, (200, 2))
    found = estimates(value_outputs(truth, predicted), value_task(quantities=2))
    assert found["mse"].value == pytest.approx(reference.mean_squared_error(truth, predicted), rel=1e-4)
    assert found["r2"].value == pytest.approx(reference.r2_score(truth, predicted), rel=1e-3)
    assert found["mae"].value == pytest.approx(reference.mean_absolute_error(truth, predicted), rel=1e-4)


def sums_whole(outputs: Outputs, task: Supervised) -> dict[str, float]:
    sums = sums_of(outputs, task, blocks_for(outputs.losses, task)).sum(0)
    return {name: float(value) for name, value in metrics_of(sums, task).items()}


def test_metrics_of_sums_are_the_tasks_own() -> None:
    random = np.random.default_rng(0)
    truth, predicted = confused(random, 5_000, EVEN_3)
    tokens = random.integers(0, 5, (40, 7))
    text = Outputs(np.arange(40), random.integers(0, 5, (40, 7)), tokens, random.random(40))
    values = random.normal(50, 3, 90)
    for outputs, task in (
        (class_outputs(truth, predicted), class_task(3)),
        (class_outputs(np.array([0, 0, 1]), np.array([0, 0, 0])), class_task(4)),
        (text, text_task()),
        (value_outputs(values, values + random.normal(size=90)), value_task()),
        (value_outputs(np.ones(5), np.zeros(5)), value_task()),
        (value_outputs(values, values + random.normal(size=90)), value_task(forecast=True)),
    ):
        own = task.metrics(
            float(outputs.losses.mean()), torch.from_numpy(outputs.predicted), torch.from_numpy(outputs.truth)
        )
        assert sums_whole(outputs, task) == pytest.approx(own, rel=1e-4)
        found = estimates(outputs, task)
        assert {name: estimate.value for name, estimate in found.items()} == pytest.approx(own)


def test_a_texts_perplexity_is_its_losss_exponential() -> None:
    task = text_task()
    assert isinstance(task.target, NextToken)
    random = np.random.default_rng(0)
    tokens = random.integers(0, 5, (60, 7))
    found = estimates(Outputs(np.arange(60), tokens, tokens, random.random(60)), task)
    for bound in ("value", "low", "high"):
        assert getattr(found["perplexity"], bound) == pytest.approx(np.exp(getattr(found["loss"], bound)), rel=1e-3)


@pytest.mark.parametrize(("samples", "shares"), [(60, EVEN_3), (400, EVEN_3), (200, RARE)])
def test_intervals_of_class_metrics_hold_the_truth_as_often_as_they_say(
    samples: int, shares: NDArray[np.float64]
) -> None:
    random, task = np.random.default_rng(0), class_task(len(shares))
    hits, support, predicted = shares.diagonal(), shares.sum(1), shares.sum(0)
    truth = {"recall": (hits / support).mean(), "f1": (2 * hits / (support + predicted)).mean(), "accuracy": hits.sum()}
    held = dict.fromkeys(truth, 0)
    for _ in range(100):
        found = estimates(class_outputs(*confused(random, samples, shares)), task)
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    assert all(0.88 <= count / 100 <= 1.0 for count in held.values()), held


def test_intervals_of_value_metrics_hold_the_truth_as_often_as_they_say() -> None:
    random, held = np.random.default_rng(0), {"mse": 0, "mae": 0, "r2": 0}
    truth = {"mse": 1.0, "mae": np.sqrt(2 / np.pi), "r2": 0.75}
    for _ in range(150):
        values = 2 * random.normal(size=100)
        found = estimates(value_outputs(values, values + random.normal(size=100)), value_task())
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    assert all(0.89 <= count / 150 <= 0.99 for count in held.values()), held


def test_errors_that_follow_each_other_are_drawn_together() -> None:
    """Of strongly dependent errors drawing one by one holds the truth far too rarely; stretches hold it more often."""
    random, held = np.random.default_rng(0), {False: 0, True: 0}
    for _ in range(100):
        noise, error = random.normal(size=450) * np.sqrt(1 - 0.7**2), np.zeros(450)
        for step in range(1, 450):
            error[step] = 0.7 * error[step - 1] + noise[step]
        outputs = value_outputs(np.zeros(400), error[50:])
        for forecast in held:
            found = estimates(outputs, value_task(forecast=forecast))["mse"]
            held[forecast] += found.low <= 1.0 <= found.high
    assert held[True] >= 87
    assert held[False] <= 80


def test_where_nothing_was_wrong_the_interval_says_that_something_might_be() -> None:
    truth = np.arange(60) % 3
    found = estimates(class_outputs(truth, truth), class_task(3))
    for name in ("accuracy", "precision", "recall", "f1"):
        assert found[name].value == 1.0 == found[name].high
        assert 0.85 < found[name].low < 0.97


def test_the_same_interval_is_drawn_always_and_wherever_rows_stand() -> None:
    random = np.random.default_rng(0)
    truth, predicted = confused(random, 9_000, EVEN_3)
    outputs = class_outputs(truth, predicted)
    assert estimates(outputs, class_task(3)) == estimates(outputs, class_task(3))
    # more rows than blocks: rows that stand sorted by class must not make blocks of one class
    order = np.argsort(truth, kind="stable")
    ordered = estimates(class_outputs(truth[order], predicted[order]), class_task(3))["f1"]
    found = estimates(outputs, class_task(3))["f1"]
    assert ordered.high - ordered.low == pytest.approx(found.high - found.low, rel=0.15)


def test_a_forecasts_stretches_are_at_least_its_horizon() -> None:
    losses = np.random.default_rng(0).random(100)
    assert blocks_for(losses, value_task(forecast=True, quantities=12)).count == 9
    assert blocks_for(losses, value_task()).count == 100
