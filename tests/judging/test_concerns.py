"""What is found wrong where something is, and that nothing is where nothing is.

Shape letters: N samples.
"""

import dataclasses

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray

import pellucid
from pellucid.data.dataset import Classes, Dataset
from pellucid.judging.calibration import calibration_of
from pellucid.judging.classes import class_scores, confusion_of
from pellucid.judging.concerns import Evidence, concerns_of
from pellucid.judging.facts import facts_of, repeated
from pellucid.judging.judgement import Concern
from pellucid.judging.leakage import leaks_of
from pellucid.judging.outputs import Outputs
from pellucid.judging.resampling import estimates
from tests.judging.making import class_outputs, class_task, value_outputs, value_task


def of_classes(
    truth_N: NDArray[np.int64],
    predicted_N: NDArray[np.int64],
    confidence_N: NDArray[np.float64] | None = None,
    *,
    always: int = 0,
    repeated_N: NDArray[np.bool_] | None = None,
) -> dict[str, Concern]:
    """Return the concerns on a network's answers, by kind."""
    names = tuple("abcdefghij"[: int(truth_N.max()) + 1])
    right = (truth_N == predicted_N).mean()
    confidence = np.full(len(truth_N), right) if confidence_N is None else confidence_N
    outputs, task = class_outputs(truth_N, predicted_N, confidence), class_task(len(names))
    evidence = Evidence(
        task=task,
        outputs=outputs,
        baseline=class_outputs(truth_N, np.full_like(truth_N, always)),
        baseline_name=f"always '{names[always]}'",
        metrics=estimates(outputs, task),
        verdict=None,
        classes=class_scores(confusion_of(outputs, names)),
        calibration=calibration_of(outputs),
        repeated=repeated_N,
        leaks=(),
    )
    return {concern.kind: concern for concern in concerns_of(evidence)}


def of_values(network: Outputs, baseline: Outputs) -> dict[str, Concern]:
    evidence = Evidence(
        task=value_task(),
        outputs=network,
        baseline=baseline,
        baseline_name="always the mean",
        metrics=estimates(network, value_task()),
        verdict=None,
        classes=(),
        calibration=None,
        repeated=None,
        leaks=(),
    )
    return {concern.kind: concern for concern in concerns_of(evidence)}


def wrong(truth_N: NDArray[np.int64], rows: NDArray[np.int64] | slice, said: int) -> NDArray[np.int64]:
    predicted = truth_N.copy()
    predicted[rows] = said
    return predicted


EVEN = np.arange(600) % 3


def test_nothing_is_wrong_with_a_good_network() -> None:
    random = np.random.default_rng(0)
    predicted = np.where(random.random(600) < 0.95, EVEN, random.integers(0, 3, 600))
    assert of_classes(EVEN, predicted) == {}
    truth = random.normal(size=300)
    assert of_values(value_outputs(truth, truth + 0.3 * random.normal(size=300)), value_outputs(truth, 0 * truth)) == {}


def test_learning_nothing_is_critical() -> None:
    random = np.random.default_rng(0)
    found = of_classes(EVEN, random.integers(0, 3, 600))
    assert found["no-better-than-baseline"].severity == "critical"
    assert "always 'a'" in found["no-better-than-baseline"].title
    truth = random.normal(size=300)
    worse = of_values(value_outputs(truth, truth + 2 * random.normal(size=300)), value_outputs(truth, 0 * truth))
    assert worse["no-better-than-baseline"].title.startswith("Worse than always the mean")


def test_better_on_too_few_rows_is_no_verdict() -> None:
    truth = np.array([0, 1] * 8)
    predicted = truth.copy()
    predicted[:4] = 1 - truth[:4]  # 12 of 16 against 8: eight rows differ, six of them for the network
    found = of_classes(truth, predicted)
    assert found["no-better-than-baseline"].severity == "warning"
    assert "few-samples" in found


def test_accuracy_that_says_nothing_is_told_from_a_network_that_does() -> None:
    truth = (np.arange(1_000) % 25 == 0).astype(np.int64)
    predicted = truth.copy()
    predicted[1:1_000:40] = 1  # finds all 40, with 25 false alarms
    predicted[0:1_000:100] = 0  # but for 10
    found = of_classes(truth, predicted)
    assert "accuracy-misleads" in found
    assert "no-better-than-baseline" not in found
    assert found["accuracy-misleads"].severity == "warning"


def test_a_class_that_is_rarely_found_is_named_with_what_it_is_taken_for() -> None:
    found = of_classes(EVEN, wrong(EVEN, np.flatnonzero(EVEN == 2)[:120], 1))["weak-class"]
    assert found.title == "Finds only 40.0 % of 'c'"
    assert "120 of its 200 samples were taken for 'b'" in found.evidence
    few = np.concatenate([np.zeros(300, np.int64), np.ones(300, np.int64), [2, 2, 2]])
    assert "weak-class" not in of_classes(few, wrong(few, slice(600, 603), 1))


@pytest.mark.parametrize(("confidence", "word"), [(0.97, "too sure of itself"), (0.55, "right more often")])
def test_probabilities_off_by_more_than_chance(confidence: float, word: str) -> None:
    predicted = wrong(EVEN, np.arange(0, 600, 5), 1)
    found = of_classes(EVEN, predicted, np.full(600, confidence))
    assert word in found["miscalibrated"].title


def test_duplicates_count_where_they_flatter() -> None:
    rows = np.arange(600)
    predicted = np.where(rows % 4 == 1, (EVEN + 1) % 3, EVEN)  # half of the odd rows, none of the even ones
    found = of_classes(EVEN, predicted, repeated_N=rows % 2 == 0)["duplicates"]
    assert found.severity == "critical"
    assert found.evidence.startswith("300 of 600 judged rows")
    assert "accuracy 50.0 % without them, 75.0 % with them" in found.evidence
    alike = np.random.default_rng(0).random(600) < 0.1
    assert "duplicates" not in of_classes(EVEN, EVEN, repeated_N=alike)


def test_confident_mistakes_may_be_wrong_labels() -> None:
    truth = np.arange(2_000) % 2
    predicted = wrong(truth, slice(0, 16, 2), 1)
    found = of_classes(truth, predicted, np.full(2_000, 0.9999))
    assert found["possible-label-errors"].severity == "note"
    assert found["possible-label-errors"].title.startswith("8 mistakes")


def test_the_worst_comes_first() -> None:
    random = np.random.default_rng(0)
    kinds = list(of_classes(EVEN, random.integers(0, 3, 600), np.full(600, 0.9)).values())
    ranks = [{"critical": 0, "warning": 1, "note": 2}[concern.severity] for concern in kinds]
    assert ranks == sorted(ranks)


def table(**columns: object) -> Dataset:
    return pellucid.load(pl.DataFrame(columns), target="answer")


def test_a_column_that_alone_tells_the_answer_is_found() -> None:
    random = np.random.default_rng(0)
    noise, answer = random.normal(size=600), random.integers(0, 2, 600)
    told = answer * 10 + random.normal(size=600)
    words = np.where(answer == 1, "left", "stayed")
    data = table(noise=noise, told=told, answer=words)
    assert [leak.column for leak in leaks_of(data)] == ["told"]
    assert "held-out rows" in leaks_of(data)[0].evidence
    quantity = random.normal(size=600)
    data = table(noise=noise, told=quantity * 3 + 1, answer=quantity)
    assert [leak.column for leak in leaks_of(data)] == ["told"]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "circles", "digits", "seasons"])
def test_real_data_does_not_leak(name: str) -> None:
    assert leaks_of(pellucid.load(name)) == ()


def test_facts_are_those_of_the_data() -> None:
    random = np.random.default_rng(0)
    ages: list[float | None] = random.normal(40, 9, 200).tolist()
    ages[::10] = [None] * 20
    data = table(age=ages, town=["x", "y"] * 100, answer=["no", "no", "yes", "no"] * 50)
    facts = facts_of(data)
    assert facts.missing == {"age": 20}
    assert sum(facts.samples.values()) == 200
    assert {name: sum(counts.values()) for name, counts in facts.balance.items()} == {"no": 150, "yes": 50}
    # rows without an age and of the same town are the same row
    assert sum(facts.duplicates.values()) > 0


def test_rows_that_stand_in_training_too_are_found_in_other_data() -> None:
    data = pellucid.load("iris")
    rows = torch.cat([data.rows["train"][:3], data.rows["test"][:4]])
    other = dataclasses.replace(data, inputs=data.inputs[rows], targets=data.targets[rows])
    found = repeated(other, torch.arange(7), data)
    assert found is not None
    assert found.tolist()[:3] == [True] * 3
    assert not found[3:].any()
    series = pellucid.load("seasons")
    assert repeated(series, series.rows["test"], series) is None


def test_classes_only_have_a_balance() -> None:
    assert isinstance(pellucid.load("iris").target, Classes)
    assert facts_of(pellucid.load("diabetes")).balance == {}
