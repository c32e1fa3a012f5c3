"""A network behind `fit`, `partial_fit` and `transform`: a session of the training room, in memory.

Shape letters: N rows, F features, K outputs.
"""

import contextlib
import copy
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import Tensor, nn

from pellucid.data.arrays import numbers
from pellucid.data.dataset import Classes, Labels, Values
from pellucid.data.spread import LEAST_DEVIATION
from pellucid.errors import DataError
from pellucid.estimators.computing import features_of, outputs_of
from pellucid.estimators.options import Options
from pellucid.estimators.rows import Array, Rows, arranged, as_they_are, chosen_rows, counting, dataset, stored
from pellucid.estimators.teaching import chosen_network, input_shape, opened, require_gradient, taught
from pellucid.recipe import Recipe
from pellucid.record import Finding
from pellucid.seed import isolated
from pellucid.training import Beginning, threads

Target = Classes | Labels | Values

_ONE_AT_A_TIME = threading.RLock()
"""A process has one random stream of torch's, one number of threads, one set of hooks; joblib may fit in threads."""


_OWN: tuple[Literal["C"], Literal["W"]] = ("C", "W")
"""What torch asks of an array: to be contiguous and writable, though nobody writes into it."""


class Estimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Options, ABC):  # type: ignore[misc]
    """What classifier and regressor share; their attributes stand with `PellucidClassifier`."""

    _has_numbers: ClassVar[bool]

    module_: nn.Module
    network_: str | None
    classes_: Array
    scaler_: StandardScaler | None
    seed_: int
    n_features_in_: int
    n_iter_: int
    best_epoch_: int
    loss_curve_: list[float]
    validation_scores_: list[float]
    findings_: tuple[Finding, ...] | None
    notes_: tuple[str, ...]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a network.

        Args:
            X: numbers (N, F): an array, a pandas or polars frame, nested lists.
            y: targets (N,); (N, K) where there are several labels or values.
            sample_weight: how much each row counts, (N,), none below 0. Whole numbers are counts: a row of weight 3 is
                three rows, and the network comes out the same to the bit (as long as they are ten times the rows at
                most). Others, divided by their mean, multiply the row's loss.

        Raises:
            DataError: rows that nothing can be learned from.
            OptionError: a parameter that cannot be what it is.
            NotationError: arrows that cannot be read or do not fit the data.
            DivergedError: the loss is no longer finite.
            ValueError: what scikit-learn refuses: missing or infinite numbers, other features than before.
        """
        with self._whole_or_not_at_all():
            return self._learn(X, y, sample_weight, goes_on=self.warm_start and hasattr(self, "module_"))

    def _learn(self, X: Any, y: Any, sample_weight: Any, *, goes_on: bool) -> Self:
        """Train from the beginning, or from the weights that there are."""
        split, seed = self._validation_split(), self._drawn_seed()
        recipe = self._recipe(seed)
        X, y, weights = self._read(X, y, sample_weight, goes_on=goes_on, fewest=2)
        X, y, weights = self._encode(X, y, weights, known=goes_on)
        rows = chosen_rows(X, y, weights, split, seed)
        begun = self._begun(X, y, rows, recipe, goes_on=goes_on)
        validates = len(rows.validation) > 0
        learned = taught(begun, validates=validates, watched=self.diagnose, verbose=self.verbose > 0)
        self.loss_curve_, self.validation_scores_ = list(learned.losses), list(learned.scores)
        self.findings_, self.n_iter_, self.best_epoch_ = learned.findings, len(learned.losses), learned.best_epoch
        self._moments: dict[int, Any] = {}  # to be learned on later, it begins with an optimiser of its own
        self._keep(begun)
        return self

    def _learn_on(self, X: Any, y: Any, sample_weight: Any, *, goes_on: bool) -> Self:
        """Go through some rows once, at a constant rate, from where the network and its optimiser are."""
        self._refuse_validation()
        epochs, seed = (self.n_iter_, self.seed_) if goes_on else (0, self._drawn_seed())
        recipe = self._recipe(seed, epochs=epochs + 1, schedule="constant")
        X, y, weights = self._read(X, y, sample_weight, goes_on=goes_on, fewest=1)
        X, y, weights = self._encode(X, y, weights, known=True)
        begun = self._begun(X, y, chosen_rows(X, y, weights, None, seed), recipe, goes_on=goes_on)
        session = begun.session
        require_gradient(session)
        assert session.optimizer is not None
        if goes_on:
            session.progress.epoch, session.progress.step = epochs + 1, self._steps
            groups = session.optimizer.state_dict()["param_groups"]  # with the rate that is asked for now
            session.optimizer.load_state_dict({"state": copy.deepcopy(self._moments), "param_groups": groups})
        learned = taught(begun, validates=False, watched=False, verbose=self.verbose > 0)
        self.loss_curve_ = [*(self.loss_curve_ if goes_on else ()), *learned.losses]
        self.validation_scores_, self.findings_ = [], None
        self.n_iter_ = self.best_epoch_ = epochs + 1
        self._moments = {key: _on_cpu(each) for key, each in session.optimizer.state_dict()["state"].items()}
        self._keep(begun)
        return self

    def transform(self, X: Any) -> Array:
        """Return the features that the network has learned: what its last layer is given.

        Args:
            X: numbers (N, F).

        Returns:
            float32 (N, K), K the inputs of the last layer that has a matrix of weights.
        """
        inputs = self._inputs(X)
        with threads(self._threads):
            return features_of(self.module_, inputs).numpy()

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the network on the CPU, since a GPU may be wanting where it is read."""
        state: dict[str, Any] = super().__getstate__()
        module = state.get("module_")
        if module is not None and any(parameter.device.type != "cpu" for parameter in module.parameters()):
            state["module_"] = copy.deepcopy(module).cpu()
        return state

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn asks about an estimator."""
        tags: Tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = []  # a network computes in float32
        return tags

    @abstractmethod
    def _encode(self, X: Array, y: Array, weights_N: Array | None, *, known: bool) -> tuple[Array, Array, Array | None]:
        """Return inputs, targets and weights of the rows that count; targets as class indices (N,) or numbers (N, K).

        Args:
            X: inputs.
            y: targets as they were given.
            weights_N: of the rows, none of them 0.
            known: whether it is known already what targets there are.
        """

    @abstractmethod
    def _answer(self, targets: Array, rows: Rows, *, goes_on: bool) -> tuple[Tensor, Target]:
        """Return the targets as they are stored, and what they mean."""

    def _read(
        self, X: Any, y: Any, sample_weight: Any, *, goes_on: bool, fewest: int
    ) -> tuple[Array, Array, Array | None]:
        """Return inputs, targets and weights as arrays, without the rows whose weight is 0."""
        X, y = validate_data(
            self, X, y, reset=not goes_on, dtype=(np.float64, np.float32), multi_output=True,
            y_numeric=self._has_numbers, ensure_min_samples=fewest,
        )  # fmt: skip
        X = np.require(X, requirements=_OWN)
        if sample_weight is None:
            return X, y, None
        weights_N = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        counts_N = counting(weights_N)
        return X[counts_N], y[counts_N], weights_N[counts_N]

    def _begun(self, X: Array, targets: Array, rows: Rows, recipe: Recipe, *, goes_on: bool) -> Beginning:
        """Return a training at its beginning; inputs and targets standardised as the training rows are, or were."""
        self._shape = input_shape(self.network_ if goes_on else self.network, X.shape[1])
        if not goes_on:
            self.scaler_ = self._fitted_scaler(X, rows) if self.standardise else None
        stored_targets, self._target = self._answer(targets, rows, goes_on=goes_on)
        data = dataset(self._prepared(X), stored_targets, self._target, rows, self._shape)
        if not goes_on:
            network = chosen_network(self.network, data, len(self._target.names), recipe.seed)
            return opened(data, network, recipe, rows.weights)
        begun = opened(data, self.network_ or copy.deepcopy(self.module_), recipe, rows.weights)
        begun.session.network.load_state_dict(self.module_.state_dict())
        return begun

    def _fitted_scaler(self, X: Array, rows: Rows) -> StandardScaler:
        """Return mean and deviation of each feature, or channel of an image, over the training rows.

        Raises:
            DataError: the squares of some are beyond double precision.
        """
        inputs = arranged(X[rows.train.numpy()], self._shape)
        each = inputs[0].size // inputs.shape[-1]
        weights = None if rows.train_weights is None else np.repeat(rows.train_weights, each)
        flat = inputs.reshape(-1, inputs.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):  # it is refused below
            scaler = StandardScaler().fit(flat, sample_weight=weights)
            varies = flat.max(0) - flat.min(0) > 0
        lost = ~np.isfinite(scaler.var_) | (varies & (scaler.var_ < LEAST_DEVIATION**2))
        if lost.any():
            raise DataError(
                "some inputs are too large or too small to be squared, so they cannot be standardised",
                expected="deviations of 1e-140 to 1e150",
                received=f"a feature of {flat[:, lost].min():.3g} to {flat[:, lost].max():.3g}",
                advice="give it in another unit",
            )
        return scaler

    def _prepared(self, X: Array) -> Tensor:
        """Return inputs as the network takes them.

        Raises:
            DataError: numbers that a network's sums would not hold.
        """
        inputs = arranged(X, self._shape)
        if self.scaler_ is not None:
            inputs = self.scaler_.transform(inputs.reshape(-1, inputs.shape[-1])).reshape(inputs.shape)
        raw = stored(inputs)
        numbers.refuse_non_finite(raw, "inputs")
        prepared = raw.to(torch.float32)
        as_they_are(prepared).refuse_far_off(prepared)
        return prepared

    def _keep(self, begun: Beginning) -> None:
        """Keep what came of a training."""
        session = begun.session
        self.module_, self.network_ = session.network, None if begun.plan is None else str(begun.plan)
        self.seed_, self.notes_ = session.recipe.seed, begun.notes
        self._threads, self._steps = session.recipe.threads, session.progress.step
        self._n_features_out = features_of(self.module_, session.data.inputs[:1]).shape[1]

    def _inputs(self, X: Any) -> Tensor:
        check_is_fitted(self, "module_")
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return self._prepared(np.require(X, requirements=_OWN))

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs, float64 (N, K)."""
        inputs = self._inputs(X)
        with threads(self._threads):
            return outputs_of(self.module_, inputs).double().numpy()

    def _drawn_seed(self) -> int:
        """Return the seed of a training: a number as it is, else one drawn from NumPy's stream."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    @contextlib.contextmanager
    def _whole_or_not_at_all(self) -> Iterator[None]:
        """Let no other fit of this process run inside; what fails leaves the estimator as it was."""
        before = dict(self.__dict__)
        with _ONE_AT_A_TIME, isolated():
            try:
                yield
            except BaseException:
                self.__dict__.clear()
                self.__dict__.update(before)
                raise


def _on_cpu(state: dict[str, Any]) -> dict[str, Any]:
    return {name: each.cpu() if isinstance(each, Tensor) else each for name, each in state.items()}
