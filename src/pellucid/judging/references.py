"""What plain methods reach on the same rows: evidence of how much there is to be learned from the inputs.

A training error alone does not say whether a network is too weak: the rest may be noise that nothing can predict.
Where a method that is trained in a second does better on rows it never saw than the network does on those it learned
from, the network left something to be learned (Ng's "avoidable bias", with what was reached in place of what people
reach).

Shape letters: N samples, F features, K target quantities.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, Labels, Values
from pellucid.judging.judgement import Estimate
from pellucid.judging.outputs import Outputs
from pellucid.judging.resampling import estimates
from pellucid.seed import derive
from pellucid.training.tasks import HIGHER_IS_BETTER, Supervised

_MOST_TRAINING = 2_000
_MOST_JUDGED = 1_000
_MOST_FEATURES = 4_096
_LEAST_TRAINING = 10
_TREES = 50
_NEIGHBOURS = 5


def reference_figures(trained_on: Dataset, task: Supervised, data: Dataset, rows: Tensor) -> Mapping[str, Estimate]:
    """Return the task's metric, with its interval, of each plain method, trained on some rows and judged on others.

    Linear (logistic or ridge) regression, five nearest neighbours and 50 extremely randomised trees, on at most 2,000
    training and 1,000 judged rows, evenly spaced: what they reach is a lower bound of what can be. Nothing is returned
    of texts, of inputs of more than 4,096 numbers, nor where the metric is the loss.

    Args:
        trained_on: its training rows train.
        task: names the metric.
        data: holds the rows to be judged, prepared likewise.
        rows: those rows, int64.
    """
    training = spread(trained_on.rows["train"], _MOST_TRAINING)
    numbers = data.inputs[:1].numel()
    texts = data.preprocessing.kind in {"text", "text-lines"}
    if texts or task.metric == "loss" or len(training) < _LEAST_TRAINING or numbers > _MOST_FEATURES or not len(rows):
        return {}
    judged = spread(rows, _MOST_JUDGED)
    (inputs_NF, targets_N), (judged_NF, _) = _flat(trained_on, training), _flat(data, judged)
    truth = task.truth(data.targets.index_select(0, judged)).numpy()
    figures = {}
    for name, method in _methods(task, len(training)).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a figure short of the best is still a lower bound
            warnings.filterwarnings("ignore", "Label .* is present in all training examples|Label not ", UserWarning)
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            said = method.fit(inputs_NF, targets_N).predict(judged_NF)
        predicted = _restored(said, task) if isinstance(task.target, Values) else said
        outputs = Outputs(judged.numpy(), predicted, truth, np.zeros(len(judged)))
        figures[name] = estimates(outputs, task)[task.metric]
    return figures


def best_of(figures: Mapping[str, Estimate], task: Supervised) -> str | None:
    """Return the name of the method with the best figure."""
    sign = 1 if task.metric in HIGHER_IS_BETTER else -1
    return max(figures, key=lambda name: sign * figures[name].value, default=None)


def spread(rows: Tensor, most: int) -> Tensor:
    """Return at most so many of some rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, most).round().long()]


def _flat(data: Dataset, rows: Tensor) -> tuple[NDArray[np.float32], NDArray[np.generic]]:
    inputs, targets = data.batch(rows)
    answers = targets.numpy()
    # one quantity is a plain column to scikit-learn
    return inputs.flatten(1).numpy(), answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers


def _restored(said: NDArray[np.float64], task: Supervised) -> NDArray[np.generic]:
    assert isinstance(task.target, Values)
    values: NDArray[np.generic] = task.target.restore(torch.from_numpy(said.reshape(len(said), -1)).float()).numpy()
    return values


def _methods(task: Supervised, training: int) -> Mapping[str, Any]:
    neighbours, seed = min(_NEIGHBOURS, training), derive(0, "references") % 2**32
    if isinstance(task.target, Classes | Labels):
        logistic = LogisticRegression(max_iter=200)
        return {
            "logistic regression": OneVsRestClassifier(logistic) if isinstance(task.target, Labels) else logistic,
            f"{neighbours} nearest neighbours": KNeighborsClassifier(neighbours),
            "randomised trees": ExtraTreesClassifier(_TREES, random_state=seed),
        }
    return {
        "linear regression": Ridge(),
        f"{neighbours} nearest neighbours": KNeighborsRegressor(neighbours),
        "randomised trees": ExtraTreesRegressor(_TREES, random_state=seed),
    }
