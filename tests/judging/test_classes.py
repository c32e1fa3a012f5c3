"""Scores of classes, the confusion matrix and calibration against scikit-learn and plain formulas."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from pellucid.judging.calibration import calibration_of, chance_error
from pellucid.judging.classes import class_scores, confusion_of
from tests.judging.making import class_outputs


@pytest.mark.covers("D1")
def test_scores_and_confusion_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 500)
    predicted = np.where(random.random(500) < 0.7, truth, random.integers(0, 4, 500))
    confusion = confusion_of(class_outputs(truth, predicted), tuple("abcd"))
    assert np.array(confusion.counts).tolist() == reference.confusion_matrix(truth, predicted).tolist()
    precision, recall, f1, support = reference.precision_recall_fscore_support(truth, predicted)
    scores = class_scores(confusion)
    assert [one.name for one in scores] == list("abcd")
    assert [one.support for one in scores] == support.tolist()
    assert [one.predicted for one in scores] == np.bincount(predicted).tolist()
    assert [one.precision.value for one in scores] == pytest.approx(precision)
    assert [one.recall.value for one in scores] == pytest.approx(recall)
    assert [one.f1 for one in scores] == pytest.approx(f1)
    hits = int(((truth == 2) & (predicted == 2)).sum())
    wilson = stats.binomtest(hits, int(support[2])).proportion_ci(method="wilson")
    assert (scores[2].recall.low, scores[2].recall.high) == pytest.approx((wilson.low, wilson.high))


def test_of_a_class_without_samples_nothing_is_known() -> None:
    absent = class_scores(confusion_of(class_outputs(np.array([0, 0]), np.array([0, 0])), ("a", "b")))[1]
    assert (absent.support, absent.predicted, absent.f1) == (0, 0, 0.0)
    assert (absent.recall.value, absent.recall.low, absent.recall.high) == (0.0, 0.0, 1.0)


def test_calibration_error_is_the_formulas() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.3, 1.0, 400).astype(np.float32).astype(np.float64)
    confidence[:3] = [1.0, 0.5, 0.3]  # on the bins' bounds
    truth = np.zeros(400, np.int64)
    predicted = (random.random(400) > confidence**2).astype(np.int64)
    found = calibration_of(class_outputs(truth, predicted, confidence))
    expected, right = 0.0, predicted == truth
    for low in range(10):
        inside = (confidence >= low / 10) & ((confidence < (low + 1) / 10) | ((low == 9) & (confidence == 1)))
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.error == pytest.approx(expected, abs=1e-6)
    assert sum(one.count for one in found.bins) == 400
    assert all(one.low <= one.confidence <= one.high for one in found.bins)


def test_probabilities_that_mean_what_they_say_rarely_exceed_what_chance_leaves() -> None:
    random, exceeded = np.random.default_rng(0), 0
    truth = np.zeros(150, np.int64)
    for _ in range(60):
        confidence = random.uniform(0.5, 1.0, 150)
        predicted = (random.random(150) > confidence).astype(np.int64)
        outputs = class_outputs(truth, predicted, confidence)
        exceeded += calibration_of(outputs).error > chance_error(outputs)
    assert exceeded <= 3
    too_sure = class_outputs(truth, (random.random(150) > 0.7).astype(np.int64), np.full(150, 0.95))
    assert calibration_of(too_sure).error > chance_error(too_sure)
