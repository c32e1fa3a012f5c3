"""What needs no network: the figures that a network has to beat before it can be said to have learned anything.

Shape letters: N samples, T tokens of a sample, K classes or target quantities.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, Labels, NextToken, Values
from pellucid.judging.judgement import Baseline
from pellucid.judging.outputs import Outputs, sample_losses
from pellucid.judging.resampling import values_of
from pellucid.training.tasks import Supervised

_MOST_SHOWN = 24


def baseline_outputs(outputs: Outputs, data: Dataset, task: Supervised, trained_on: Dataset) -> tuple[str, Outputs]:
    """Return what a guess without a network says of the same rows, and what it does.

    For classes and tokens it always says the most frequent one in training, with each one's share there as its
    probability, which is also what its loss is measured with; of each label, whether it applies more often than not. A
    forecast repeats the last value it saw; other values are guessed by their mean in training, or by their median where
    the absolute error is what counts: each is the constant with the least error.

    Args:
        outputs: the network's, on the rows to be judged.
        data: what holds those rows.
        task: what is learned.
        trained_on: what holds the training rows.
    """
    if isinstance(task.target, Values):
        return _of_values(outputs, data, task, trained_on)
    if isinstance(task.target, Labels):
        return _of_labels(outputs, task, trained_on)
    counts_K = training_counts(trained_on, len(_names(task)))
    share_K = (counts_K + 1) / (counts_K + 1).sum()
    most = int(counts_K.argmax())
    losses_N = _losses_of_shares(outputs, task, share_K)
    said = np.full_like(outputs.truth, most)
    name = f"always {_quoted(_names(task)[most])}"
    return name, Outputs(outputs.rows, said, outputs.truth, losses_N)


def baseline_of(name: str, outputs: Outputs, task: Supervised) -> Baseline:
    """Return the baseline's metrics under its name."""
    return Baseline(name, values_of(outputs, task))


def training_counts(data: Dataset, classes: int) -> Tensor:
    """Return how often each class or token is right in the training rows (of all rows, where none train), (K,)."""
    rows = data.rows["train"] if len(data.rows["train"]) else torch.arange(len(data))
    return torch.bincount(data.targets.index_select(0, rows).flatten(), minlength=classes)


def _of_values(outputs: Outputs, data: Dataset, task: Supervised, trained_on: Dataset) -> tuple[str, Outputs]:
    rows = torch.from_numpy(outputs.rows)
    stored_NK = data.targets.index_select(0, rows)
    if data.preprocessing.kind == "series":
        # a window's last step of the first column, which is the one forecast, in the very units of the targets
        name, guess_NK = "repeating the last value", data.inputs[rows, 0, -1:].expand_as(stored_NK)
    elif (task.metric == "mae" or task.loss_name == "absolute-error") and len(trained_on.rows["train"]):
        train_NK = trained_on.targets.index_select(0, trained_on.rows["train"])
        name, guess_NK = "always the median", train_NK.median(0).values.expand_as(stored_NK)
    else:
        name, guess_NK = "always the mean", torch.zeros_like(stored_NK)
    losses_N = sample_losses(task, guess_NK, stored_NK).double().numpy()
    return name, Outputs(outputs.rows, task.predictions(guess_NK).numpy(), outputs.truth, losses_N)


def _of_labels(outputs: Outputs, task: Supervised, trained_on: Dataset) -> tuple[str, Outputs]:
    """Return each label said always or never, whichever is more often right in training."""
    rows = trained_on.rows["train"] if len(trained_on.rows["train"]) else torch.arange(len(trained_on))
    share_K = (trained_on.targets.index_select(0, rows).sum(0) + 1) / (len(rows) + 2)
    truth_NK = torch.from_numpy(outputs.truth)
    losses_N = sample_losses(task, share_K.logit().expand(truth_NK.shape), truth_NK.float()).double().numpy()
    said = np.tile((share_K > 0.5).long().numpy(), (len(outputs), 1))
    return "each label always or never", Outputs(outputs.rows, said, outputs.truth, losses_N)


def _losses_of_shares(outputs: Outputs, task: Supervised, share_K: Tensor) -> NDArray[np.float64]:
    """Return the loss of each sample (N,) where the probabilities are always the same."""
    logs_K = share_K.log()
    truth = torch.from_numpy(outputs.truth)
    if truth.ndim == 1:  # the loss depends on the class alone
        of_class_K = sample_losses(task, logs_K.expand(len(share_K), -1), torch.arange(len(share_K)))
        losses_N: NDArray[np.float64] = of_class_K[truth].double().numpy()
        return losses_N
    of_token_K = sample_losses(task, logs_K.expand(len(share_K), 1, -1), torch.arange(len(share_K))[:, None])
    means_N: NDArray[np.float64] = of_token_K[truth].double().mean(1).numpy()
    return means_N


def _names(task: Supervised) -> tuple[str, ...]:
    assert isinstance(task.target, Classes | NextToken)
    return task.target.names if isinstance(task.target, Classes) else task.target.vocabulary


def _quoted(name: str) -> str:
    return f"'{name if len(name) <= _MOST_SHOWN else name[: _MOST_SHOWN - 1] + '…'}'"
