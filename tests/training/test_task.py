"""Losses and metrics against closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from pellucid.data.dataset import Classes, Dataset, NextToken, Values
from pellucid.errors import DataError, OptionError
from pellucid.recipe import Recipe
from pellucid.shapes import Features, Tokens
from pellucid.training.tasks import METRICS, supervised_task_for
from tests.training.making import make_data


def test_cross_entropy_with_smoothing_is_its_formula(blobs: Dataset) -> None:
    smoothing = 0.1
    task = supervised_task_for(blobs, Recipe(label_smoothing=smoothing))
    logits_BK, labels_B = torch.tensor([[2.0, -1.0], [0.5, 0.25]]), torch.tensor([0, 1])
    log_q_BK = logits_BK - logits_BK.exp().sum(1, keepdim=True).log()
    p_BK = torch.full((2, 2), smoothing / 2) + (1 - smoothing) * torch.eye(2)[labels_B]
    assert task.loss(logits_BK, labels_B).item() == pytest.approx(-(p_BK * log_q_BK).sum(1).mean().item())


LABELS = st.integers(1, 60).flatmap(
    lambda count: st.tuples(*[st.lists(st.integers(0, 6), min_size=count, max_size=count)] * 2)
)


@given(LABELS)
def test_classification_metrics_are_scikit_learns(labels: tuple[list[int], list[int]]) -> None:
    truth, predicted = labels
    target = Classes(tuple("abcdefg"))
    data = make_data(torch.zeros(4, 2), torch.tensor([0, 1, 2, 3]), target, Features(2), 2)
    metrics = supervised_task_for(data, Recipe()).metrics(0.5, torch.tensor(predicted), torch.tensor(truth))
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        truth, predicted, average="macro", zero_division=0.0
    )
    expected = {"precision": precision, "recall": recall, "f1": f1}
    assert metrics == pytest.approx(
        {"loss": 0.5, "accuracy": reference.accuracy_score(truth, predicted), **expected}, abs=1e-12
    )


def test_regression_is_judged_in_the_targets_own_units(line: Dataset) -> None:
    task = supervised_task_for(line, Recipe())
    standardised = torch.tensor([[0.0], [1.0], [-1.0]])
    assert task.predictions(standardised).flatten().tolist() == [10.0, 15.0, 5.0]
    metrics = task.metrics(0.0, torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [4.0]]))
    assert metrics["rmse"] == pytest.approx(math.sqrt(2.5))
    assert metrics["mae"] == pytest.approx(1.5)
    assert metrics["r2"] == pytest.approx(1 - 5 / 2)


def test_perplexity_is_the_exponential_of_the_loss() -> None:
    tokens_NT = torch.zeros(4, 8, dtype=torch.int64)
    data = make_data(tokens_NT, tokens_NT, NextToken(("a", "b")), Tokens(2), 2)
    task = supervised_task_for(data, Recipe())
    assert (task.name, task.outputs, task.metric) == ("language", 2, "loss")
    assert task.loss(torch.zeros(4, 8, 2), tokens_NT).item() == pytest.approx(math.log(2))
    assert task.metrics(math.log(2), tokens_NT, tokens_NT)["perplexity"] == pytest.approx(2)


def test_better_metrics_score_higher_and_ties_go_to_the_lower_loss(blobs: Dataset, line: Dataset) -> None:
    classes, values = supervised_task_for(blobs, Recipe()), supervised_task_for(line, Recipe())
    assert classes.score({"accuracy": 0.9, "loss": 9}) > classes.score({"accuracy": 0.8, "loss": 1})
    assert classes.score({"accuracy": 0.9, "loss": 1}) > classes.score({"accuracy": 0.9, "loss": 2})
    assert values.score({"mse": 1.0, "loss": 9}) > values.score({"mse": 2.0, "loss": 1})


@pytest.mark.parametrize(("loss", "fixture"), [("squared-error", "blobs"), ("cross-entropy", "line")])
def test_a_loss_that_does_not_go_with_the_target_is_refused(
    loss: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(OptionError, match="does not go with"):
        supervised_task_for(request.getfixturevalue(fixture), Recipe(loss=loss))  # type: ignore[arg-type]


def test_the_metric_that_chooses_can_be_chosen(blobs: Dataset, line: Dataset) -> None:
    assert supervised_task_for(blobs, Recipe()).metric == "accuracy"
    assert supervised_task_for(blobs, Recipe(metric="f1")).metric == "f1"
    for data in (blobs, line):
        task = supervised_task_for(data, Recipe())
        computed = task.metrics(0.1, task.truth(data.targets), task.truth(data.targets))
        assert set(computed) == set(METRICS[task.name])
    with pytest.raises(OptionError, match="'mse' does not go with classification"):
        supervised_task_for(blobs, Recipe(metric="mse"))


def test_one_class_is_nothing_to_learn() -> None:
    data = make_data(torch.zeros(4, 1), torch.zeros(4, dtype=torch.int64), Classes(("only",)), Features(1), 2)
    with pytest.raises(DataError, match="one class"):
        supervised_task_for(data, Recipe())


def test_shapes_that_would_broadcast_are_our_fault_and_do_not_pass(line: Dataset) -> None:
    task = supervised_task_for(line, Recipe())
    with pytest.raises(AssertionError):
        task.loss(torch.zeros(4, 1), torch.zeros(4))
    assert isinstance(line.target, Values)
