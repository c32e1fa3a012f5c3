"""The figures that a verdict on bias and variance rests on, gathered."""

from collections.abc import Callable

import torch
from torch import Tensor

from pellucid.data.dataset import Dataset
from pellucid.judging.baselines import baseline_outputs
from pellucid.judging.bias_variance import Attainable, bias_variance
from pellucid.judging.judgement import BiasVariance
from pellucid.judging.outputs import Outputs
from pellucid.judging.references import best_of, reference_figures, spread
from pellucid.judging.resampling import estimates, values_of
from pellucid.training.tasks import Supervised

_MOST_TRAINING = 10_000

Look = Callable[[Dataset, Tensor], Outputs]
"""The network run over some rows of a data set, in evaluation mode and without augmentation."""


def verdict_on(
    look: Look, outputs: Outputs, guessed: Outputs, data: Dataset, trained_on: Dataset, task: Supervised
) -> BiasVariance | None:
    """Return the verdict on a network; None where the training rows are not at hand.

    Args:
        look: runs the network.
        outputs: on the judged rows.
        guessed: the baseline's on the same.
        data: holds the judged rows.
        trained_on: holds the training rows, of which at most 10,000, evenly spaced, are looked at.
        task: names the metric.
    """
    rows = spread(trained_on.rows["train"], _MOST_TRAINING)
    if not len(rows):
        return None
    training = look(trained_on, rows)
    _, training_guess = baseline_outputs(training, trained_on, task, trained_on)
    metric = task.metric
    figures = reference_figures(trained_on, task, data, torch.from_numpy(outputs.rows))
    best = best_of(figures, task)
    train = estimates(training, task)[metric]
    return bias_variance(
        metric,
        train.value,
        estimates(outputs, task)[metric],
        values_of(guessed, task)[metric],
        train_interval=train,
        train_baseline=values_of(training_guess, task)[metric],
        attainable=None if best is None else Attainable(best, figures[best]),
    )
