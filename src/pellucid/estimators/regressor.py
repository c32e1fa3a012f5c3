"""A network that predicts one number or several.

Shape letters: N rows, F features, K values.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import RegressorMixin
from torch import Tensor

from pellucid.data.dataset import Values
from pellucid.data.spread import LEAST_DEVIATION
from pellucid.errors import DataError
from pellucid.estimators.estimator import Estimator, Target
from pellucid.estimators.rows import Array, Rows


@dataclass(eq=False, repr=False)
class PellucidRegressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A neural network as a scikit-learn regressor, of one value or several at once.

    Targets are standardised for the training, and predictions are in their own units.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> regressor = PellucidRegressor("mlp(16)", epochs=20, early_stopping=5, random_state=0).fit(X[:350], y[:350])
    >>> bool(regressor.score(X[350:], y[350:]) > 0.3)
    True

    Args: as those of `PellucidClassifier`, less `label_smoothing` and `class_weight`.
        loss: squared-error, absolute-error or huber.
        metric: by which the best epoch is chosen: mse, rmse, mae, r2 or loss.

    Attributes: as those of `PellucidClassifier`, less `classes_`.
    """

    _has_numbers: ClassVar[bool] = True

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go through some rows once, from where the network is; a first call begins it.

        Inputs and targets are standardised as in the first call (or as `fit` did), so its rows should be like those to
        come. The learning rate is constant, for how many rows are to come is not known.

        Args:
            X: numbers (N, F).
            y: targets (N,) or (N, K).
            sample_weight: as in `fit`.

        Raises:
            DataError, OptionError, NotationError, DivergedError: as `fit`.
        """
        with self._whole_or_not_at_all():
            return self._learn_on(X, y, sample_weight, goes_on=hasattr(self, "module_"))

    def predict(self, X: Any) -> Array:
        """Return the values in the targets' own units, z scale + mean, in the shape of the targets: (N,) or (N, K)."""
        outputs_NK = self._outputs(X)
        assert isinstance(self._target, Values)
        values_NK: Array = outputs_NK * np.array(self._target.scale) + np.array(self._target.mean)
        return values_NK.reshape(len(values_NK)) if self._is_flat else values_NK

    def _encode(self, X: Array, y: Array, weights_N: Array | None, *, known: bool) -> tuple[Array, Array, Array | None]:  # noqa: ARG002 (classes need it)
        self._is_flat = y.ndim == 1
        return X, y.reshape(len(y), -1).astype(np.float64), weights_N

    def _answer(self, targets: Array, rows: Rows, *, goes_on: bool) -> tuple[Tensor, Target]:
        if not goes_on:
            self._target: Target = _values(targets[rows.train.numpy()], rows.train_weights)
        target = self._target
        assert isinstance(target, Values)
        if targets.shape[1] != len(target.names):
            raise DataError(
                "these are other targets than before", expected=f"{len(target.names)}", received=f"{targets.shape[1]}"
            )
        return torch.from_numpy(((targets - target.mean) / target.scale).astype(np.float32)), target


def _values(targets_MK: Array, weights_M: Array | None) -> Values:
    """Return what is predicted, with its weighted mean and deviation; a value that never changes keeps its units."""
    mean_K = np.average(targets_MK, axis=0, weights=weights_M)
    with np.errstate(over="ignore"):  # it is refused below
        scale_K = np.sqrt(np.average((targets_MK - mean_K) ** 2, axis=0, weights=weights_M))
    if not np.isfinite(scale_K).all():
        raise DataError(
            "the targets are too large to be squared", expected="numbers up to 1e150",
            received=f"{np.abs(targets_MK).max():.3g}",
        )  # fmt: skip
    if ((scale_K < LEAST_DEVIATION) & (np.ptp(targets_MK, axis=0) > 0)).any():
        raise DataError(
            "the targets vary too little: squared errors of them are 0 in double precision",
            expected=f"a standard deviation of {LEAST_DEVIATION:g} or more", received=f"{scale_K.min():.3g}",
            advice="give them in a smaller unit",
        )  # fmt: skip
    count = targets_MK.shape[1]
    names = ("y",) if count == 1 else tuple(f"y{number}" for number in range(1, count + 1))
    return Values(names, tuple(mean_K.tolist()), tuple(np.where(scale_K > 0, scale_K, 1.0).tolist()))
