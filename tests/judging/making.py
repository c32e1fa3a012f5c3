"""Outputs of networks that were never there, so that the judging is tested apart from training.

Shape letters: N samples, K classes.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.data.dataset import Classes, NextToken, Values
from pellucid.judging.outputs import Outputs
from pellucid.recipe import MetricName, TaskName
from pellucid.training.tasks import Supervised


def class_task(classes: int = 2, metric: MetricName = "accuracy") -> Supervised:
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:classes])
    return Supervised(
        "classification", Classes(names), classes, torch.nn.functional.cross_entropy, "cross-entropy", metric
    )


def value_task(metric: MetricName = "mse", *, forecast: bool = False, quantities: int = 1) -> Supervised:
    names = tuple(f"y{number}" for number in range(quantities))
    target = Values(names, (0.0,) * quantities, (1.0,) * quantities)
    name: TaskName = "forecast" if forecast else "regression"
    return Supervised(name, target, quantities, torch.nn.functional.mse_loss, "squared-error", metric)


def text_task(tokens: int = 5) -> Supervised:
    vocabulary = tuple("abcdefghij"[:tokens])
    return Supervised(
        "language", NextToken(vocabulary), tokens, torch.nn.functional.cross_entropy, "cross-entropy", "loss"
    )


def class_outputs(
    truth_N: NDArray[np.int64],
    predicted_N: NDArray[np.int64],
    confidence_N: NDArray[np.float64] | None = None,
    losses_N: NDArray[np.float64] | None = None,
) -> Outputs:
    confidence = np.full(len(truth_N), 0.9) if confidence_N is None else confidence_N
    losses = np.where(truth_N == predicted_N, 0.1, 2.0) if losses_N is None else losses_N
    return Outputs(np.arange(len(truth_N)), predicted_N, truth_N, losses, confidence=confidence.astype(np.float32))


def binary_outputs(positive_N: NDArray[np.bool_], probability_N: NDArray[np.float64]) -> Outputs:
    """Return outputs of a classifier of two classes, of which the second is the positive one."""
    probabilities = np.stack([1 - probability_N, probability_N], axis=1).astype(np.float32)
    truth = positive_N.astype(np.int64)
    losses = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-6)).astype(np.float64)
    return Outputs(
        np.arange(len(truth)),
        (probability_N >= 0.5).astype(np.int64),
        truth,
        losses,
        probabilities,
        confidence=probabilities.max(1),
    )


def value_outputs(truth_N: NDArray[Any], predicted_N: NDArray[Any]) -> Outputs:
    truth, predicted = (values.reshape(len(truth_N), -1).astype(np.float32) for values in (truth_N, predicted_N))
    losses: NDArray[np.float64] = ((truth - predicted).astype(np.float64) ** 2).mean(1)
    return Outputs(np.arange(len(truth)), predicted, truth, losses)


def confused(
    random: np.random.Generator, samples: int, shares_KK: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw (truth, predicted) of samples whose pairs have these shares."""
    cells = random.choice(shares_KK.size, size=samples, p=shares_KK.ravel())
    return cells // len(shares_KK), cells % len(shares_KK)
