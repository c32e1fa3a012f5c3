"""A network that tells classes apart, or says which of several labels apply.

Shape letters: N rows, F features, K classes or labels.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from scipy.sparse import issparse
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from torch import Tensor

from pellucid.data.dataset import Classes, Labels
from pellucid.errors import DataError, OptionError
from pellucid.estimators.estimator import Estimator, Target
from pellucid.estimators.rows import Array, Rows, counting


@dataclass(eq=False, repr=False)
class PellucidClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A neural network as a scikit-learn classifier: of two or more classes, or of labels any of which may apply.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_iris(return_X_y=True)
    >>> scores = cross_val_score(PellucidClassifier("mlp(32)", learning_rate=0.02, random_state=0), X, y, cv=3)
    >>> bool(scores.mean() > 0.9)
    True

    Args:
        network: arrows, a zoo name, a plan; an `nn.Module`, of which a copy is trained; or a function of (inputs,
            outputs) that returns one. Chosen from the data by default. A zoo name fits itself to the data; arrows that
            begin with an image or a sequence (`8x8x1 -> cnn`) read each row as one, an image row by row, channels last.
        epochs: passes over the training rows (default: by size).
        batch_size: rows a step (default: by size).
        optimizer: sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.
        learning_rate: peak step size (default: by optimiser).
        momentum: momentum, or Adam's first beta.
        schedule: constant, linear, cosine, one-cycle, step, exponential or inverse-time.
        warmup: share of the steps that warm up.
        decay: of the step, exponential and inverse-time schedules.
        clip_norm: largest norm of the whole gradient.
        clip_value: largest value in the gradient.
        weight_decay: L2 penalty; biases and norms are exempt.
        l1: L1 penalty, likewise.
        ridge: L2 penalty on a last layer that is solved in closed form.
        loss: cross-entropy or map; of labels binary-cross-entropy.
        rule: gradient, perceptron, pocket or closed-form (default: by the network).
        init: how the weights of all layers start: uniform, he, xavier, lecun, small or zeros (default: by the arrows).
        augment: changes of images, such as shift,flip; or none (default: shift).
        freeze, unfreeze_at, layer_decay: of a module that was trained before: layers that do not learn, epochs from
            which they do, and the rate of each layer as a share of the next one's.
        split: shares of training and validation rows, such as 90:10; the epoch that does best on the latter gives the
            weights. By default all rows train, and the last weights are kept.
        early_stopping: stop after so many epochs that were no better on validation rows; splits 90:10 by itself.
        metric: by which the best epoch is chosen: accuracy, precision, recall, f1 or loss.
        standardise: give each input, or each channel of an image, mean 0 and deviation 1 over the training rows.
        device: auto, cpu, cuda, cuda:1 or mps.
        precision: float32, bf16 or fp16.
        compile: whether torch.compile makes the steps.
        threads: CPU threads (default: by the network's size).
        diagnose: watch the training and say in `findings_` what goes wrong; takes some tenths of a second.
        random_state: seed of weights, batch order, dropout, augmentation and split; None draws one from NumPy.
        warm_start: let `fit` begin with the weights that there are.
        verbose: 1 prints a line an epoch.
        label_smoothing: share of each target that is spread over all classes.
        class_weight: weight of each class, or balanced: in inverse proportion to its rows. Multiplies `sample_weight`.

    Attributes:
        module_: the network, a plain `torch.nn.Module` that takes inputs as `scaler_` leaves them and gives logits.
        network_: its arrows; None for a module of one's own.
        classes_: the classes in ascending order, (K,); of labels their numbers.
        scaler_: scikit-learn's StandardScaler, fitted on the training rows; None without `standardise`.
        n_features_in_, feature_names_in_: of the inputs; names where they came in a frame.
        n_iter_, best_epoch_: epochs trained, and the one whose weights these are.
        loss_curve_: mean training loss of each epoch.
        validation_scores_: `metric` after each epoch, where there are validation rows.
        findings_: what went wrong, with evidence and remedies, the surest first; None without `diagnose`.
        notes_: what was chosen, or adapted to the data.
        seed_: what all random numbers were drawn from.
    """

    _: KW_ONLY
    label_smoothing: float = 0.0
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

    _has_numbers: ClassVar[bool] = False

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go through some rows once, from where the network is; a first call begins it.

        Inputs are standardised as in the first call (or as `fit` did), so its rows should be like those to come. The
        learning rate is constant, for how many rows are to come is not known.

        Args:
            X: numbers (N, F).
            y: targets (N,), or (N, K) labels.
            classes: all that there will be; needed in the first call.
            sample_weight: as in `fit`.

        Raises:
            ValueError: no `classes` in the first call, or others later.
            DataError, OptionError, NotationError, DivergedError: as `fit`.
        """
        goes_on = hasattr(self, "module_")
        if classes is None and not goes_on:
            raise DataError(
                "classes must be passed on the first call to partial_fit", expected="all classes that there will be",
                received="None", advice="partial_fit(X, y, classes=numpy.unique(all_targets))",
            )  # fmt: skip
        if classes is not None and goes_on and not np.array_equal(self.classes_, unique_labels(classes)):
            raise DataError(
                "these are other classes than in the first call to partial_fit",
                expected=str(self.classes_.tolist()),
                received=str(unique_labels(classes).tolist()),
                advice="leave classes out, or clone the estimator to begin anew",
            )
        if self.class_weight == "balanced":
            raise OptionError(
                "what balances all rows is not known to a part of them", expected="class_weight of each class",
                received="class_weight='balanced'", advice="compute_class_weight of scikit-learn says them",
            )  # fmt: skip
        with self._whole_or_not_at_all():
            if not goes_on:
                self.classes_ = unique_labels(classes)
            return self._learn_on(X, y, sample_weight, goes_on=goes_on)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row, (N,), or 1 for each label likelier than not, (N, K)."""
        outputs_NK = self._outputs(X)
        if isinstance(self._target, Labels):
            return (outputs_NK > 0).astype(np.int64)
        predicted: Array = self.classes_[outputs_NK.argmax(1)]
        return predicted

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, softmax(z), or of each label by itself, σ(z); (N, K)."""
        outputs_NK = self._outputs(X)
        probabilities_NK: Array = expit(outputs_NK) if isinstance(self._target, Labels) else softmax(outputs_NK, axis=1)
        return probabilities_NK

    def decision_function(self, X: Any) -> Array:
        """Return the logits z, (N, K); of two classes how much the second one's is greater, (N,)."""
        outputs_NK = self._outputs(X)
        if isinstance(self._target, Classes) and outputs_NK.shape[1] == 2:
            return np.asarray(outputs_NK[:, 1] - outputs_NK[:, 0])
        return outputs_NK

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn asks about an estimator."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _encode(self, X: Array, y: Array, weights_N: Array | None, *, known: bool) -> tuple[Array, Array, Array | None]:
        check_classification_targets(y)
        y = y.toarray() if issparse(y) else y  # type: ignore[attr-defined]  # labels may come as a sparse matrix
        is_labels = y.ndim == 2 and y.shape[1] > 1
        if is_labels and type_of_target(y) != "multilabel-indicator":
            raise DataError(
                "several classes a row are not learned together", expected="classes (N,), or zeros and ones (N, K)",
                received=f"{type_of_target(y)}, shape {y.shape}",
                advice="sklearn.multioutput.MultiOutputClassifier trains a network for each",
            )  # fmt: skip
        y = y if is_labels else column_or_1d(y, warn=True)
        if not known:
            self.classes_ = np.arange(y.shape[1]) if is_labels else np.unique(y)
        weighed = self._weighed(y, weights_N)
        encoded = self._labels(y) if is_labels else self._indices(y)
        if weighed is None:
            return X, encoded, None
        counts_N = counting(weighed)
        return X[counts_N], encoded[counts_N], weighed[counts_N]

    def _labels(self, y_NK: Array) -> Array:
        if y_NK.shape[1] != len(self.classes_):
            raise DataError(
                "these are other labels than before", expected=f"{len(self.classes_)}", received=f"{y_NK.shape[1]}"
            )
        return y_NK.astype(np.float32)

    def _indices(self, y_N: Array) -> Array:
        unknown = np.setdiff1d(y_N, self.classes_)
        if len(unknown):
            raise DataError(
                "y has classes that are new",
                expected=f"some of {self.classes_.tolist()}",
                received=str(unknown.tolist()),
                advice="name all classes in the first call to partial_fit, or fit anew without warm_start",
            )
        return np.searchsorted(self.classes_, y_N).astype(np.int64)

    def _weighed(self, y: Array, weights_N: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights_N
        of_classes_N: Array = compute_sample_weight(self.class_weight, y)
        return of_classes_N if weights_N is None else of_classes_N * weights_N

    def _answer(self, targets: Array, rows: Rows, *, goes_on: bool) -> tuple[Tensor, Target]:  # noqa: ARG002 (values need them)
        names = tuple(str(label) for label in self.classes_.tolist())
        return torch.from_numpy(targets), Labels(names) if targets.ndim == 2 else Classes(names)
