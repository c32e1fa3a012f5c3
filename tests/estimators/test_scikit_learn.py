"""The estimators under scikit-learn's own checks, inside its tools, and beside its own network."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import AdaBoostClassifier, StackingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.parallel import Parallel, delayed

from pellucid import PellucidClassifier, PellucidRegressor

SHORT: dict[str, Any] = {"epochs": 8, "random_state": 0}

FAST = {
    "check_classifier_multioutput",
    "check_classifiers_one_label_sample_weights",
    "check_dict_unchanged",
    "check_estimators_nan_inf",
    "check_fit2d_1sample",
    "check_fit_check_is_fitted",
    "check_methods_subset_invariance",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_regressor_multioutput",
    "check_sample_weight_equivalence_on_dense_data",
    "check_supervised_y_2d",
    "check_transformer_general",
}
"""What goes wrong first; all the others are slow only for being many."""


FIRST = [
    (estimator, check)
    for each in (PellucidClassifier("mlp(16)", epochs=3), PellucidRegressor("mlp(16)", epochs=3))
    for estimator, check in estimator_checks_generator(each)
    if check.func.__name__ in FAST
]


@pytest.mark.parametrize(
    ("estimator", "check"), FIRST, ids=[f"{type(each).__name__}-{check.func.__name__}" for each, check in FIRST]
)
def test_what_scikit_learn_checks_first(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([PellucidClassifier(), PellucidRegressor()])  # type: ignore[untyped-decorator]
def test_every_check_of_scikit_learn_passes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_classifiers_train,
        estimator_checks.check_classifiers_classes,
        estimator_checks.check_class_weight_classifiers,
        estimator_checks.check_methods_sample_order_invariance,
        estimator_checks.check_estimators_pickle,
        estimator_checks.check_sample_weight_equivalence_on_dense_data,
    ],
)
@pytest.mark.parametrize("options", [{"split": "80:20"}, {"optimizer": "momentum"}, {"diagnose": True}], ids=str)
def test_checks_pass_whatever_the_options(check: Callable[[str, Any], None], options: dict[str, Any]) -> None:
    check("PellucidClassifier", PellucidClassifier(**options))


def test_a_pipeline_is_searched_and_what_is_best_is_found() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), PellucidClassifier(random_state=0, epochs=30))
    grid = {
        "pellucidclassifier__network": ["softmax", "mlp(32)"],
        "pellucidclassifier__learning_rate": np.array([1e-6, 3e-2]),
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_["pellucidclassifier__learning_rate"] == 3e-2
    assert search.best_score_ > 0.93
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_training_that_diverges_loses_a_search_nothing_but_its_score() -> None:
    X, y = load_diabetes(return_X_y=True)
    estimator = PellucidRegressor("mlp(16)", optimizer="sgd", schedule="constant", **SHORT)
    with pytest.warns(FitFailedWarning, match="diverged"), pytest.warns(UserWarning, match="non-finite"):
        search = GridSearchCV(estimator, {"learning_rate": [1e-2, 1e9]}, cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate": 1e-2}
    assert np.isnan(search.cv_results_["mean_test_score"][1])


def test_probabilities_are_calibrated() -> None:
    X, y = load_wine(return_X_y=True)
    overconfident = PellucidClassifier("mlp(64)", epochs=200, learning_rate=0.05, random_state=0)
    rows = np.random.default_rng(0).permutation(len(X))
    train, test = rows[:90], rows[90:]
    noisy = X + np.random.default_rng(1).normal(0, 1, X.shape) * X.std(0)
    plain = log_loss(y[test], overconfident.fit(noisy[train], y[train]).predict_proba(noisy[test]))
    calibrated = CalibratedClassifierCV(overconfident, cv=3).fit(noisy[train], y[train])
    assert log_loss(y[test], calibrated.predict_proba(noisy[test])) < plain


def test_ensembles_of_scikit_learn_take_them() -> None:
    X, y = load_iris(return_X_y=True)
    network = PellucidClassifier("mlp(16)", epochs=60, random_state=0)
    boosted = AdaBoostClassifier(network, n_estimators=3, random_state=0).fit(X, y)
    stacked = StackingClassifier([("network", network), ("logistic", LogisticRegression(max_iter=1000))], cv=2).fit(
        X, y
    )
    assert boosted.score(X, y) > 0.9
    assert stacked.score(X, y) > 0.9


def test_frames_of_pandas_and_polars_go_in_and_come_out() -> None:
    bunch = load_iris(as_frame=True)
    X, words = bunch.data, pd.Series(bunch.target_names[bunch.target])
    estimator = PellucidClassifier("mlp(16)", **SHORT).fit(X, words)
    assert estimator.feature_names_in_.tolist() == list(X.columns)
    assert estimator.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    of_polars = clone(estimator).fit(pl.from_pandas(X), pl.Series(words.tolist()))
    np.testing.assert_array_equal(of_polars.predict_proba(pl.from_pandas(X)), estimator.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(X[X.columns[::-1]])
    as_pandas = clone(estimator).set_output(transform="pandas").fit_transform(X, words)
    as_polars = clone(estimator).set_output(transform="polars").fit_transform(X, words)
    assert isinstance(as_pandas, pd.DataFrame)
    assert isinstance(as_polars, pl.DataFrame)
    assert as_polars.columns == list(as_pandas.columns) == estimator.get_feature_names_out().tolist()
    np.testing.assert_array_equal(as_polars.to_numpy(), estimator.transform(X))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"])
@pytest.mark.parametrize("network", ["8x8x1 -> cnn", "mlp(16)", "8x8x1 -> conv(4, 3x3) -> relu -> fc(10)"])
def test_a_fitted_one_is_copied_and_pickled(network: str, copied: Callable[[Any], Any]) -> None:
    X, y = load_digits(return_X_y=True)
    estimator = PellucidClassifier(network, epochs=1, diagnose=True, random_state=0).fit(X[:200], y[:200])
    other = copied(estimator)
    np.testing.assert_array_equal(other.predict_proba(X), estimator.predict_proba(X))
    # and both learn on alike, apart from each other
    once = estimator.partial_fit(X[:100], y[:100]).predict_proba(X)
    assert np.abs(other.predict_proba(X) - once).max() > 0
    np.testing.assert_array_equal(other.partial_fit(X[:100], y[:100]).predict_proba(X), once)


def test_fits_in_threads_are_those_alone() -> None:
    X, y = load_iris(return_X_y=True)
    network = "4 -> fc(16) -> relu -> dropout(0.3) -> fc(3)"
    estimators = [PellucidClassifier(network, epochs=5, random_state=seed) for seed in range(4)]
    alone = [clone(each).fit(X, y).predict_proba(X) for each in estimators]
    together = Parallel(n_jobs=4, prefer="threads")(delayed(each.fit)(X, y) for each in estimators)
    for each, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(each.predict_proba(X), expected)


@pytest.mark.slow
def test_digits_are_told_apart_as_well_as_by_scikit_learns_network() -> None:
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    theirs = cross_val_score(make_pipeline(MinMaxScaler(), MLPClassifier(max_iter=400, random_state=0)), X, y, cv=folds)
    ours = cross_val_score(PellucidClassifier(random_state=0), X, y, cv=folds)
    images = cross_val_score(PellucidClassifier("8x8x1 -> cnn", random_state=0, epochs=8), X, y, cv=folds)
    assert ours.mean() > theirs.mean() - 0.02
    assert images.mean() > theirs.mean()


def test_a_fold_of_digits_is_told_apart_as_well_as_by_scikit_learns_network() -> None:
    X, y = load_digits(return_X_y=True)
    train, test = np.arange(0, 1200), np.arange(1200, 1797)
    theirs = make_pipeline(MinMaxScaler(), MLPClassifier(max_iter=400, random_state=0)).fit(X[train], y[train])
    ours = PellucidClassifier(random_state=0, epochs=20).fit(X[train], y[train])
    assert ours.score(X[test], y[test]) > theirs.score(X[test], y[test]) - 0.02
