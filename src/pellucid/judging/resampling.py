"""The bootstrap: what a metric might have been on other samples, drawn again from those at hand.

Every metric is a function of sums over samples (of errors, of hits, of each class's counts). So a metric on a resample
costs a row of a matrix product, and none of its samples is looked at again.

Shape letters: N samples, G blocks of samples, M sums, R resamples, K classes or target quantities.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.data.dataset import Labels, NextToken, Values
from pellucid.judging.intervals import percentile, wilson
from pellucid.judging.judgement import Estimate
from pellucid.judging.outputs import Outputs
from pellucid.seed import derive
from pellucid.training.tasks import Supervised

Sums = NDArray[np.float64]

RESAMPLES = 1_000
_MOST_BLOCKS = 4_000
_ADDED = 2.0
_SEED = 0


@dataclass(frozen=True, slots=True)
class Blocks:
    """Samples put together in blocks that are drawn whole.

    Attributes:
        of_sample: the block of each sample, int64 (N,).
        count: how many blocks there are, G.
    """

    of_sample: NDArray[np.int64]
    count: int


def blocks_for(losses_N: NDArray[np.float64], task: Supervised) -> Blocks:
    """Return the blocks that a task's samples are drawn in.

    Independent samples are blocks of one; of more than 4,000, so many blocks are dealt at random, which leaves a sum's
    variance as it is (the spread of G independent parts says as much of it, up to √(2 / G) = 2 %) and bounds the cost.
    What stands in an order (a forecast's windows, a text's) is cut into stretches of neighbours, because errors that
    follow each other are alike, and drawing them one by one would promise too narrow an interval. A stretch has
    (√6 ρ / (1 - ρ²))^(2/3) N^(1/3) of them, where ρ is the correlation of a loss with the next (Carlstein 1986, section
    3), at least N^(1/3) (Hall, Horowitz and Jing 1995) and at least a forecast's horizon. On short series with strongly
    dependent errors the intervals still are too narrow: 83 % instead of 95 for 60 windows with ρ = 0.5.

    Args:
        losses_N: of the samples in order (of a pair of networks their difference).
        task: says whether they stand in an order.
    """
    samples = len(losses_N)
    if task.name in {"forecast", "language"}:
        horizon = task.outputs if task.name == "forecast" else 1
        likeness = _next_alike(losses_N)
        factor = max(1.0, (math.sqrt(6) * likeness / (1 - likeness**2)) ** (2 / 3))
        length = max(math.ceil(factor * samples ** (1 / 3)), horizon, math.ceil(samples / _MOST_BLOCKS))
        return Blocks(np.arange(samples) // length, math.ceil(samples / length))
    count = min(samples, _MOST_BLOCKS)
    order = np.random.default_rng(derive(_SEED, "blocks")).permutation(samples)
    return Blocks(order % count, count)


def sums_of(outputs: Outputs, task: Supervised, blocks: Blocks) -> Sums:
    """Return the sums of each block that `metrics_of` needs, (G, M): the number of samples and their loss first."""
    ones = np.ones(len(outputs))
    if isinstance(task.target, Values):
        truth_NK, predicted_NK = outputs.truth.astype(np.float64), outputs.predicted.astype(np.float64)
        # R² is the same around any origin, and loses no digits around one near the values'
        centred_NK = truth_NK - np.array(task.target.mean)
        errors_NK = predicted_NK - truth_NK
        columns = [*(errors_NK**2).T, *np.abs(errors_NK).T, *centred_NK.T, *(centred_NK**2).T]
        return _summed([ones, outputs.losses, *columns], blocks)
    if isinstance(task.target, NextToken):
        return _summed([ones, outputs.losses, (outputs.predicted == outputs.truth).mean(1)], blocks)
    if isinstance(task.target, Labels):
        truth_NK, predicted_NK = outputs.truth.astype(np.float64), outputs.predicted.astype(np.float64)
        right_NK = truth_NK == predicted_NK
        columns = [right_NK.mean(1), right_NK.all(1).astype(np.float64)]
        return _summed(
            [ones, outputs.losses, *columns, *(truth_NK * predicted_NK).T, *truth_NK.T, *predicted_NK.T], blocks
        )
    classes = len(task.target.names)
    truth_N, predicted_N = outputs.truth.astype(np.int64), outputs.predicted.astype(np.int64)
    hits = truth_N == predicted_N
    counted = [
        _counted(blocks.of_sample[hits], truth_N[hits], blocks.count, classes),
        _counted(blocks.of_sample, truth_N, blocks.count, classes),
        _counted(blocks.of_sample, predicted_N, blocks.count, classes),
    ]
    return np.concatenate([_summed([ones, outputs.losses], blocks), *counted], axis=1)


def metrics_of(sums: Sums, task: Supervised) -> dict[str, NDArray[np.float64]]:
    """Return the task's metrics, as `Supervised.metrics` defines them, of sums (..., M): each of shape (...)."""
    count, loss = sums[..., 0], sums[..., 1] / sums[..., 0]
    if isinstance(task.target, NextToken):
        return {"loss": loss, "accuracy": sums[..., 2] / count, "perplexity": np.exp(loss)}
    if isinstance(task.target, Values):
        squares, absolutes, firsts, seconds = np.split(sums[..., 2:], 4, axis=-1)
        mse = squares.mean(-1) / count
        spread = seconds - firsts**2 / count[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            # of values that are all the same nothing can be explained, as scikit-learn has it
            explained = np.where(spread > 0, 1 - squares / spread, (squares == 0).astype(np.float64))
        r2 = np.where(count > 1, explained.mean(-1), np.nan)
        return {"loss": loss, "mse": mse, "rmse": np.sqrt(mse), "mae": absolutes.mean(-1) / count, "r2": r2}
    if isinstance(task.target, Labels):
        hits, is_so, said = np.split(sums[..., 4:], 3, axis=-1)
        return {
            "loss": loss,
            "accuracy": sums[..., 2] / count,
            "exact_match": sums[..., 3] / count,
            "precision": (hits / np.maximum(said, 1)).mean(-1),
            "recall": (hits / np.maximum(is_so, 1)).mean(-1),
            "f1": (2 * hits / np.maximum(is_so + said, 1)).mean(-1),
        }
    hits, support, predicted = np.split(sums[..., 2:], 3, axis=-1)
    # as scikit-learn does: a class that nothing is of and nothing is taken for has no part in the average
    there = support + predicted > 0
    classes = there.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(predicted > 0, hits / predicted, 0).sum(-1) / classes
        recall = np.where(support > 0, hits / support, 0).sum(-1) / classes
        f1 = np.where(there, 2 * hits / (support + predicted), 0).sum(-1) / classes
    return {"loss": loss, "accuracy": hits.sum(-1) / count, "precision": precision, "recall": recall, "f1": f1}


def estimates(outputs: Outputs, task: Supervised) -> dict[str, Estimate]:
    """Return every metric of the task with its 95 % interval.

    A share of independent samples right has Wilson's interval; all else the bootstrap's, from which the same seed
    always draws the same. To the resamples of classes about two right and two wrong samples are added, as Agresti and
    Coull (1998) add them to a share: where hardly a sample was wrong, drawing from those at hand could not show that
    others might be. A text's perplexity is its loss's exponential.
    """
    blocks = blocks_for(outputs.losses, task)
    sums_GM = sums_of(outputs, task, blocks)
    drawn_RM = resampled(sums_GM)
    if task.name == "classification":
        drawn_RM += plausible(sums_GM.sum(0))
    drawn = metrics_of(drawn_RM, task)
    found = {name: percentile(value, drawn[name], blocks.count) for name, value in values_of(outputs, task).items()}
    if task.name == "classification":
        right = int((outputs.predicted == outputs.truth).sum())
        found["accuracy"] = wilson(right, len(outputs))
    if task.name == "multilabel":
        found["exact_match"] = wilson(int((outputs.predicted == outputs.truth).all(1).sum()), len(outputs))
    return found


def values_of(outputs: Outputs, task: Supervised) -> dict[str, float]:
    """Return the task's metrics, the very figures that a training's evaluation gives."""
    predicted, truth = torch.from_numpy(outputs.predicted), torch.from_numpy(outputs.truth)
    return task.metrics(float(outputs.losses.mean()), predicted, truth)


def resampled(sums_GM: Sums) -> Sums:
    """Return the sums of resamples, (R, M): as many blocks as there are, drawn with replacement."""
    count = len(sums_GM)
    drawn_RG = np.random.default_rng(derive(_SEED, "bootstrap")).integers(0, count, (RESAMPLES, count))
    places = drawn_RG + np.arange(RESAMPLES)[:, None] * count
    times_RG = np.bincount(places.ravel(), minlength=RESAMPLES * count).reshape(RESAMPLES, count)
    return times_RG.astype(np.float64) @ sums_GM


def plausible(total_M: Sums) -> Sums:
    """Return the sums (R, M) of samples that might have been: of each kind, right and wrong, a Poisson number around 2.

    Their classes are drawn as often as the samples are of them, or taken for them; their loss is the mean.
    """
    random = np.random.default_rng(derive(_SEED, "plausible"))
    count, loss = total_M[0], total_M[1]
    _, support_K, predicted_K = np.split(total_M[2:], 3)
    right_RK = random.poisson(_ADDED * support_K / count, (RESAMPLES, len(support_K)))
    wrong_RK = random.poisson(_ADDED * support_K / count, (RESAMPLES, len(support_K)))
    taken_RK = random.multinomial(wrong_RK.sum(1), predicted_K / count)
    added_R1 = (right_RK + wrong_RK).sum(1, keepdims=True)
    return np.concatenate(
        [added_R1, added_R1 * loss / count, right_RK, right_RK + wrong_RK, right_RK + taken_RK], axis=1
    )


def _next_alike(losses_N: NDArray[np.float64]) -> float:
    """Return the correlation of each loss with the next, 0 to 0.95."""
    centred_N = losses_N - losses_N.mean()
    total = float((centred_N**2).sum())
    return min(max(float((centred_N[1:] * centred_N[:-1]).sum()) / total, 0.0), 0.95) if total > 0 else 0.0


def _summed(columns: list[NDArray[np.float64]], blocks: Blocks) -> Sums:
    return np.stack([np.bincount(blocks.of_sample, column, blocks.count) for column in columns], axis=1)


def _counted(block: NDArray[np.int64], label: NDArray[np.int64], blocks: int, classes: int) -> NDArray[np.float64]:
    counts = np.bincount(block * classes + label, minlength=blocks * classes)
    return counts.reshape(blocks, classes).astype(np.float64)
