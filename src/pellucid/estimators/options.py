"""What an estimator is asked: the options of a training under the names that `pellucid train` gives them."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from torch import nn

from pellucid.errors import OptionError
from pellucid.networks import Plan
from pellucid.recipe import InitName, LossName, MetricName, OptimizerName, Recipe, RuleName, ScheduleName

Network = str | Plan | nn.Module | Callable[[int, int], nn.Module]

_USUAL_SPLIT = "90:10"


@dataclass(eq=False, repr=False)
class Options(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """The parameters, kept as they are given, as scikit-learn demands; `fit` checks them."""

    network: Network | None = None
    _: KW_ONLY
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: OptimizerName = "adamw"
    learning_rate: float | None = None
    momentum: float | None = None
    schedule: ScheduleName | None = None
    warmup: float = 0.1
    decay: float | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    weight_decay: float = 0.01
    l1: float = 0.0
    ridge: float | None = None
    loss: LossName | None = None
    rule: RuleName | None = None
    init: InitName | None = None
    augment: str | None = None
    freeze: str | None = None
    unfreeze_at: str | None = None
    layer_decay: float = 1.0
    split: str | None = None
    early_stopping: int | None = None
    metric: MetricName | None = None
    standardise: bool = True
    device: str = "auto"
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    compile: bool = False
    threads: int | None = None
    diagnose: bool = False
    random_state: int | np.random.RandomState | None = None
    warm_start: bool = False
    verbose: int = 0

    def _recipe(self, seed: int, **changed: Any) -> Recipe:
        """Return what is asked of a training.

        Raises:
            OptionError: a value that an option cannot have.
        """
        asked = {field.name: getattr(self, field.name) for field in fields(Recipe) if hasattr(self, field.name)}
        return Recipe(**{name: _plain(value) for name, value in asked.items()} | changed, seed=seed)

    def _validation_split(self) -> str | None:
        """Return the shares of training and validation rows; None where all rows train.

        Raises:
            OptionError: a metric to choose weights by where nothing is to be chosen.
        """
        if self.split is None and self.early_stopping is None:
            if self.metric is not None:
                raise OptionError(
                    "'metric' chooses the best weights by validation rows, and all rows train",
                    expected="split, or early_stopping, beside it",
                    received=f"metric={self.metric!r}",
                    advice=f"pass split='{_USUAL_SPLIT}', or leave metric out",
                )
            return None
        return self.split or _USUAL_SPLIT

    def _refuse_validation(self) -> None:
        """Refuse what a part of the data cannot obey.

        Raises:
            OptionError: naming it.
        """
        asked = {"split": self.split, "early_stopping": self.early_stopping, "metric": self.metric}
        given = [name for name, value in asked.items() if value is not None]
        if given:
            raise OptionError(
                f"'{given[0]}' needs rows that are not learned from, and partial_fit learns from all that it is given",
                expected="split, early_stopping and metric left out",
                received=", ".join(given),
                advice="use fit, or judge the estimator on rows of your own",
            )


def _plain(value: Any) -> Any:
    """Return a value of Python's own: grids and distributions are of NumPy's."""
    return value.item() if isinstance(value, np.generic) else value
