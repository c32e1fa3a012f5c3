"""Tasks with a target beside the input: classes, values, labels, the next token.

Shape letters: N samples, B batch, T time, K outputs.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from sklearn import metrics as reference
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.data.dataset import Classes, Dataset, Labels, NextToken, Values
from pellucid.errors import DataError, OptionError
from pellucid.networks import main_output
from pellucid.networks.carrying import State, carrying
from pellucid.recipe import LossName, MetricName, Recipe, TaskName
from pellucid.shapes import Features, Sequence
from pellucid.training.batches import rows_at_once
from pellucid.training.device import Device
from pellucid.training.streams import streams
from pellucid.training.tasks.task import Loss, Network, Task, metric_for

_RUBBISH = 1.0
"""The distance of the class of rubbish in the loss `map`, j; the paper does not give its own."""
_STREAMS = 16  # begun without a state at so many places only, and yet some rows at once


@dataclass(frozen=True, slots=True)
class Supervised(Task):
    """An answer for every sample, or for every step of it, that is compared with a target.

    Attributes:
        outputs: how many numbers the network's last layer gives (at every step, for `language`).
        loss: (outputs, targets) -> mean loss of the batch, a scalar.
        carries: whether a text is read on from batch to batch with the state of recurrent layers kept.
    """

    name: TaskName
    target: Classes | Values | Labels | NextToken
    outputs: int
    loss: Loss
    loss_name: LossName
    metric: MetricName
    carries: bool = False

    @property
    def answer(self) -> Features | Sequence:
        """One answer at every step of a text to go on with, one for the whole of anything else."""
        return Sequence(self.outputs) if isinstance(self.target, NextToken) else Features(self.outputs)

    def predictions(self, outputs: Tensor) -> Tensor:
        """Return what the network's outputs say.

        Class or token indices; values in the target's own units; 1 for each label whose probability is above one half.
        """
        match self.target:
            case Values() as values:
                return values.restore(outputs)
            case Labels():
                return (outputs > 0).long()
        return outputs.argmax(-1)

    def truth(self, targets: Tensor) -> Tensor:
        """Return stored targets in the form of `predictions`."""
        match self.target:
            case Values() as values:
                return values.restore(targets)
            case Labels():
                return targets.long()
        return targets

    def rows_at_once(self, data: Dataset) -> int:
        """Return how many rows are judged at once."""
        steps = data.targets[:1].numel() if isinstance(self.target, NextToken) else 1
        return rows_at_once(data.inputs, self.outputs * steps)

    def batches(self, data: Dataset, rows: Tensor) -> Iterable[Tensor]:
        """Return the rows as they are judged, in batches; a text that is read on in a few streams."""
        return streams(rows.sort().values, _STREAMS) if self.carries else rows.split(self.rows_at_once(data))

    def outputs_over(
        self, network: Network, data: Dataset, rows: Tensor, device: Device
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the rows of each batch, what the network gives for them, and their targets."""
        state: State = {}
        count = 0
        for rows_B in self.batches(data, rows):
            if len(rows_B) != count:  # other streams
                state.clear()
            count = len(rows_B)
            inputs_B, targets_B = data.batch(rows_B)
            kept = carrying(network, state) if self.carries and isinstance(network, nn.Module) else nullcontext()
            with kept, device.autocast():
                outputs_B = main_output(network(inputs_B.to(device.device)))
            yield rows_B, outputs_B.float(), targets_B.to(device.device)

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the loss and the metrics."""
        loss_sum, predictions, truth = 0.0, [], []
        for rows_B, outputs_B, targets_B in self.outputs_over(network, data, rows, device):
            loss_sum += self.loss(outputs_B, targets_B).item() * len(rows_B)
            predictions.append(self.predictions(outputs_B).cpu())
            truth.append(self.truth(targets_B).cpu())
        return self.metrics(loss_sum / len(rows), torch.cat(predictions), torch.cat(truth))

    def metrics(self, loss: float, predictions: Tensor, truth: Tensor) -> dict[str, float]:
        """Return the metrics of a whole split, the loss first.

        Args:
            loss: mean loss.
            predictions: as `predictions` gives them, for all samples.
            truth: as `truth` gives it.
        """
        if isinstance(self.target, Values):
            return {"loss": loss, **_regression_metrics(predictions, truth)}
        if isinstance(self.target, NextToken):
            accuracy = float((predictions == truth).double().mean())
            return {"loss": loss, "accuracy": accuracy, "perplexity": float(torch.tensor(loss).exp())}
        if isinstance(self.target, Labels):
            return {"loss": loss, **_label_metrics(predictions, truth)}
        return {"loss": loss, **_classification_metrics(predictions.flatten(), truth.flatten())}


def supervised(data: Dataset, target: Classes | Values | Labels | NextToken, recipe: Recipe) -> Supervised:
    """Return the task that such a target asks for, with the loss the recipe names or the task's usual one.

    Raises:
        OptionError: a loss or a metric that does not go with the target.
        DataError: fewer than two classes.
    """
    name: TaskName
    match target:
        case Values(names):
            name = "forecast" if isinstance(data.input_shape, Sequence) else "regression"
            outputs, loss = len(names), recipe.loss or "squared-error"
        case Labels(names):
            name, outputs, loss = "multilabel", len(names), recipe.loss or "binary-cross-entropy"
        case NextToken(vocabulary):
            name, outputs, loss = "language", len(vocabulary), recipe.loss or "cross-entropy"
        case Classes(names):
            name, outputs, loss = "classification", len(names), recipe.loss or "cross-entropy"
            if len(names) < 2:
                raise DataError(
                    "there is nothing to tell apart: the target has one class only",
                    expected="two classes or more",
                    received=", ".join(names) or "none",
                )
    carries = _carries(target, recipe)
    return Supervised(name, target, outputs, _loss(loss, name, recipe), loss, metric_for(name, recipe), carries)


def _carries(target: Classes | Values | Labels | NextToken, recipe: Recipe) -> bool:
    if recipe.state == "carried" and not isinstance(target, NextToken):
        raise OptionError(
            "there is nothing to carry a state through: these samples do not follow one another",
            expected="a text whose next token is predicted",
            received=f"{type(target).__name__.lower()} to predict",
            advice="leave --state out",
        )
    return recipe.state == "carried"


def _loss(name: LossName, task: TaskName, recipe: Recipe) -> Loss:
    """Return the loss function; a shape that would broadcast is refused rather than averaged over."""
    if task == "multilabel":
        return _binary_cross_entropy(name, recipe.label_smoothing)
    continuous = {"squared-error": "mse_loss", "absolute-error": "l1_loss", "huber": "huber_loss"}
    if task in {"classification", "language"}:
        if name == "map" and task == "classification":
            return _maximum_a_posteriori(recipe)
        if name != "cross-entropy":
            raise OptionError(
                f"loss '{name}' does not go with {task}", expected="cross-entropy", received=name,
                advice="leave --loss out, or pass --task regression if the target is a quantity",
            )  # fmt: skip

        def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), label_smoothing=recipe.label_smoothing)

        return cross_entropy
    if name not in continuous:
        raise OptionError(
            f"loss '{name}' does not go with {task}", expected="one of " + ", ".join(continuous), received=name,
            advice="leave --loss out, or pass --task classification if the target is a class",
        )  # fmt: skip
    distance = continuous[name]

    def same_shape(outputs: Tensor, targets: Tensor) -> Tensor:
        assert outputs.shape == targets.shape, f"{tuple(outputs.shape)} against {tuple(targets.shape)}"
        loss: Tensor = getattr(F, distance)(outputs, targets)  # looked up late: a watch puts its own in that place
        return loss

    return same_shape


def _binary_cross_entropy(name: LossName, smoothing: float) -> Loss:
    """Return -(y log σ(z) + (1 - y) log σ(-z)), the mean over samples and labels, y drawn towards 1/2 by the smoothing.

    Raises:
        OptionError: another loss was asked for.
    """
    if name != "binary-cross-entropy":
        raise OptionError(
            f"loss '{name}' does not go with multilabel", expected="binary-cross-entropy", received=name,
            advice="leave --loss out",
        )  # fmt: skip

    def binary_cross_entropy(logits_BK: Tensor, targets_BK: Tensor) -> Tensor:
        smoothed_BK = targets_BK * (1 - smoothing) + smoothing / 2 if smoothing else targets_BK
        return F.binary_cross_entropy_with_logits(logits_BK, smoothed_BK)

    return binary_cross_entropy


def cross_entropies(logits_KB: Tensor, targets_KB: Tensor, label_smoothing: float) -> Tensor:
    """Return what the loss `cross-entropy` is of each of K batches, (K)."""
    each = F.cross_entropy(
        logits_KB.flatten(0, -2), targets_KB.flatten(), label_smoothing=label_smoothing, reduction="none"
    )
    return each.view(len(logits_KB), -1).mean(1)


def _maximum_a_posteriori(recipe: Recipe) -> Loss:
    """Return y_right + log(exp(-j) + sum_k exp(-y_k)), y_k the distance from class k's code and minus its output.

    The criterion of LeNet-5 (LeCun et al. 1998, equation 9): cross-entropy with a class of rubbish more, whose distance
    is always j. While all codes are farther than that it pulls towards the right one as the mean squared error does,
    and an input near its code is left in peace.

    Raises:
        OptionError: label smoothing, for the class of rubbish is nobody's label.
    """
    if recipe.label_smoothing:
        raise OptionError(
            "loss 'map' has no label smoothing", expected="0", received=f"{recipe.label_smoothing:g}",
            advice="pass --loss cross-entropy",
        )  # fmt: skip

    def maximum_a_posteriori(outputs_BK: Tensor, targets_B: Tensor) -> Tensor:
        return F.cross_entropy(F.pad(outputs_BK, (0, 1), value=-_RUBBISH), targets_B)

    return maximum_a_posteriori


def _classification_metrics(predicted_N: Tensor, truth_N: Tensor) -> dict[str, float]:
    """Return accuracy, and precision, recall and F1 averaged over the classes with equal weight (macro).

    scikit-learn's, from three counts a class: of every epoch of a small network, its own took longer than the rest. Of
    a class that is never said the precision is 0, and one that neither is nor is said counts for nothing.
    """
    right_N = predicted_N == truth_N
    most = int(torch.maximum(predicted_N.max(), truth_N.max())) + 1
    said_K, is_K = (torch.bincount(each_N, minlength=most).double() for each_N in (predicted_N, truth_N))
    right_K = torch.bincount(truth_N[right_N], minlength=most).double()
    occurs_K = (said_K + is_K) > 0
    shares = {"precision": right_K / said_K.clamp_min(1), "recall": right_K / is_K.clamp_min(1)}
    shares["f1"] = 2 * right_K / (said_K + is_K).clamp_min(1)
    return {"accuracy": float(right_N.double().mean())} | {
        name: float(share_K[occurs_K].mean()) for name, share_K in shares.items()
    }


def _label_metrics(predicted_NK: Tensor, truth_NK: Tensor) -> dict[str, float]:
    """Return how often labels are right, how often all of a sample's, and the labels' mean precision, recall and F1.

    - accuracy: the share of all (sample, label) pairs, one less the Hamming loss;
    - exact_match: the share of samples all of whose labels are right (subset accuracy);
    - precision, recall, f1: of each label, averaged with equal weight (macro); 0 where there is nothing to divide by.
    """
    right_NK = predicted_NK == truth_NK
    hits_K = (predicted_NK * truth_NK).sum(0).double()
    said_K, is_K = predicted_NK.sum(0).double(), truth_NK.sum(0).double()
    return {
        "accuracy": float(right_NK.double().mean()),
        "exact_match": float(right_NK.all(1).double().mean()),
        "precision": float((hits_K / said_K.clamp_min(1)).mean()),
        "recall": float((hits_K / is_K.clamp_min(1)).mean()),
        "f1": float((2 * hits_K / (said_K + is_K).clamp_min(1)).mean()),
    }


def _regression_metrics(predicted_NK: Tensor, truth_NK: Tensor) -> dict[str, float]:
    """Mean squared error, its root, mean absolute error and R², in the target's own units, averaged over targets."""
    if not predicted_NK.isfinite().all():  # what has diverged has no error that could be averaged
        return dict.fromkeys(("mse", "rmse", "mae", "r2"), math.nan)
    predicted, truth = predicted_NK.double().numpy(), truth_NK.double().numpy()
    mse = float(reference.mean_squared_error(truth, predicted))
    # R² of one sample is undefined
    r2 = float(reference.r2_score(truth, predicted)) if len(truth) > 1 else float("nan")
    return {"mse": mse, "rmse": mse**0.5, "mae": float(reference.mean_absolute_error(truth, predicted)), "r2": r2}
