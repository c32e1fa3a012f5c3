"""What the estimators do beyond what scikit-learn demands: networks of every kind, parts, findings, refusals."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine, make_multilabel_classification
from sklearn.metrics import r2_score
from torch import nn

import pellucid
from pellucid import PellucidClassifier, PellucidRegressor
from pellucid.errors import DataError, DivergedError, NotationError, OptionError
from pellucid.estimators.rows import chosen_rows
from pellucid.recipe import DataOptions, Recipe

DIGITS, DIGIT = load_digits(return_X_y=True)
IRIS, KIND = load_iris(return_X_y=True)
DIABETES, PROGRESS = load_diabetes(return_X_y=True)


def test_parameters_have_the_names_and_defaults_of_the_options() -> None:
    own = {"network", "standardise", "diagnose", "random_state", "warm_start", "verbose", "class_weight"}
    of_other_tasks = {"task_weights", "state", "adversarial_loss", "critic_steps", "gradient_penalty"}
    renamed = {"seed", "from_"}  # random_state, and a module that was trained before
    of_several_processes = {"shard"}
    fields = {field.name: field.default for each in (Recipe, DataOptions) for field in dataclasses.fields(each)}
    parameters = inspect.signature(PellucidClassifier).parameters
    assert {name: p.default for name, p in parameters.items() if name not in own} == {
        name: default for name, default in fields.items() if name in parameters
    }
    asked = {field.name for field in dataclasses.fields(Recipe)}
    assert asked - {*parameters} == of_other_tasks | renamed | of_several_processes
    assert {*parameters} - {*inspect.signature(PellucidRegressor).parameters} == {"class_weight", "label_smoothing"}


def test_it_is_the_training_that_the_verb_does(tmp_path: Path) -> None:
    """The same rows in the same order, the same split and seed: the weights differ by how inputs are rounded."""
    options: dict[str, Any] = {"network": "mlp(16)", "epochs": 4, "split": "70:30", "learning_rate": 1e-3}
    X, y = load_wine(return_X_y=True)
    ours = PellucidClassifier(**options, random_state=3).fit(X, y)
    rows = chosen_rows(X, y, None, None, 3).train.numpy()
    run = pellucid.train(
        (X[rows], y[rows]), **options, seed=3, split_seed=3, task="classification",
        folder=str(tmp_path), quiet=True, no_report=True, no_diagnosis=True,
    )  # fmt: skip
    assert str(run.plan) == ours.network_
    for name, tensor in run.model().state_dict().items():
        torch.testing.assert_close(ours.module_.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)
    assert [epoch.validation["accuracy"] for epoch in run.record.epochs] == ours.validation_scores_


class Own(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("network", "arrows"),
    [
        ("mlp(16)", "64 -> fc(16) -> relu -> fc(10)"),
        ("64 -> fc(16) -> tanh -> fc(10)", "64 -> fc(16) -> tanh -> fc(10)"),
        (pellucid.parse("64 -> fc(16) -> tanh -> fc(10)"), "64 -> fc(16) -> tanh -> fc(10)"),
        ("8x8x1 -> conv(8, 3x3) -> relu -> fc(10)", None),
        ("T x 8 -> gru(16) -> last -> fc(10)", None),
        ("rbf(20)", None),
        (Own(64, 10), ""),
        (Own, ""),
    ],
    ids=str,
)
def test_networks_of_every_kind_are_trained_and_left_as_they_were(network: Any, arrows: str | None) -> None:
    before = {name: each.clone() for name, each in network.state_dict().items()} if isinstance(network, Own) else {}
    estimator = PellucidClassifier(network, epochs=8, batch_size=16, learning_rate=0.01, random_state=0)
    fitted = clone(estimator).fit(DIGITS[:200], DIGIT[:200])
    assert fitted.score(DIGITS[:200], DIGIT[:200]) > 0.7
    again = clone(estimator).fit(DIGITS[:200], DIGIT[:200])
    np.testing.assert_array_equal(fitted.predict_proba(DIGITS), again.predict_proba(DIGITS))
    if arrows is not None:
        assert fitted.network_ == (arrows or None)
    if before:
        assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    assert isinstance(fitted.module_, nn.Module)
    assert not fitted.module_.training


def test_the_module_gives_the_logits_of_standardised_inputs() -> None:
    estimator = PellucidClassifier("8x8x1 -> cnn", epochs=1, random_state=0).fit(DIGITS[:200], DIGIT[:200])
    pixels = DIGITS[:200]
    standardised = (pixels - pixels.mean()) / pixels.std()  # one channel, of which all pixels are
    images = torch.tensor(standardised, dtype=torch.float32).reshape(-1, 1, 8, 8)
    with torch.no_grad():
        logits = estimator.module_(images).numpy()
    np.testing.assert_allclose(estimator.decision_function(pixels), logits, atol=1e-5)
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(
        estimator.predict_proba(pixels), exponentials / exponentials.sum(1, keepdims=True), atol=1e-6
    )


def test_what_is_said_of_a_row_does_not_depend_on_its_company() -> None:
    X, y = np.random.default_rng(0).normal(size=(500, 9)), np.random.default_rng(1).normal(size=500)
    regressor = PellucidRegressor(epochs=1, random_state=0).fit(X, y)
    together = regressor.predict(X)
    for size in (1, 2, 3, 5, 8, 100):
        apart = np.concatenate([regressor.predict(X[start : start + size]) for start in range(0, 500, size)])
        np.testing.assert_allclose(apart, together, rtol=0, atol=1e-7)


def test_features_are_what_the_last_layer_is_given() -> None:
    estimator = PellucidClassifier(Own, epochs=2, random_state=0).fit(IRIS, KIND)
    features = estimator.transform(IRIS)
    assert isinstance(estimator.module_, Own)
    last = estimator.module_.layers[2]
    assert isinstance(last, nn.Linear)
    logits = features @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    np.testing.assert_allclose(logits, estimator.decision_function(IRIS), atol=1e-5)
    assert estimator.get_feature_names_out().shape == (16,)


def test_numbers_far_from_zero_keep_their_differences() -> None:
    """Seconds since 1970, a few apart: as float32 they would all be one."""
    X = 1.7e9 + IRIS
    moved = PellucidRegressor("mlp(8)", epochs=20, random_state=0).fit(X, 1.7e9 + PROGRESS[:150])
    near = PellucidRegressor("mlp(8)", epochs=20, random_state=0).fit(IRIS, PROGRESS[:150])
    assert moved.score(X, 1.7e9 + PROGRESS[:150]) == pytest.approx(near.score(IRIS, PROGRESS[:150]), abs=0.05)


def test_one_class_against_another_labels_and_several_values() -> None:
    X, Y = make_multilabel_classification(300, 10, n_classes=4, random_state=0)
    labels = PellucidClassifier("mlp(32)", random_state=0).fit(X, Y)
    assert (labels.predict(X) == Y).mean() > 0.8 > np.maximum(Y.mean(0), 1 - Y.mean(0)).mean() + 0.1
    assert labels.predict_proba(X).shape == Y.shape
    several = np.stack([PROGRESS, -PROGRESS, np.full(len(PROGRESS), 7.0)], 1)
    values = PellucidRegressor("mlp(32)", random_state=0).fit(DIABETES, several)
    predicted = values.predict(DIABETES)
    assert predicted.shape == several.shape
    np.testing.assert_allclose(predicted[:, 2], 7, atol=0.2)
    assert r2_score(several[:, :2], predicted[:, :2]) > 0.5
    assert PellucidClassifier("perceptron", epochs=3).fit(IRIS, KIND == 0).score(IRIS, KIND == 0) == 1
    with pytest.raises(DataError, match="several classes a row"):
        PellucidClassifier().fit(X, Y + np.arange(4))


def test_parts_are_learned_one_after_the_other() -> None:
    parts = np.random.default_rng(0).permutation(len(DIGITS))[:1000].reshape(10, 100)
    names = np.array([f"number {digit}" for digit in range(10)])
    estimator = PellucidClassifier("mlp(32)", batch_size=20, random_state=0)
    scores = []
    for part in [*parts, *parts]:
        estimator.partial_fit(DIGITS[part], names[DIGIT[part]], classes=names)
        scores.append(estimator.score(DIGITS, names[DIGIT]))
    assert scores[-1] > 0.93
    assert scores[0] < scores[4] < scores[-1]
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 20
    with pytest.raises(DataError, match="other classes"):
        estimator.partial_fit(DIGITS, names[DIGIT], classes=names[:3])
    with pytest.raises(DataError, match="new"):
        estimator.partial_fit(DIGITS[:2], np.array(["number 1", "eleven"]))
    with pytest.raises(DataError, match="first call"):
        clone(estimator).partial_fit(DIGITS, DIGIT)


def test_parts_are_learned_by_the_same_steps_as_torch_takes() -> None:
    """Plain SGD with momentum, one step a part, of a linear regression: written out here."""
    estimator = PellucidRegressor(
        "linear", optimizer="momentum", learning_rate=0.05, weight_decay=0, batch_size=100, standardise=False,
        random_state=0,
    )  # fmt: skip
    estimator.partial_fit(DIABETES[:100] * 20, PROGRESS[:100])
    mean, scale = PROGRESS[:100].mean(), PROGRESS[:100].std()
    layer = nn.Linear(10, 1)
    layer.load_state_dict(dict(zip(("weight", "bias"), estimator.module_.state_dict().values(), strict=True)))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9)
    # the first step's momentum is its gradient, which the weights moved by
    fresh = clone(estimator).set_params(learning_rate=0.0).partial_fit(DIABETES[:100] * 20, PROGRESS[:100])
    for parameter, before in zip(layer.parameters(), fresh.module_.parameters(), strict=True):
        optimizer.state[parameter]["momentum_buffer"] = (before.detach() - parameter.detach()) / 0.05
    for start in (100, 200, 300):
        estimator.partial_fit(DIABETES[start : start + 100] * 20, PROGRESS[start : start + 100])
        optimizer.zero_grad()
        inputs = torch.tensor(DIABETES[start : start + 100] * 20, dtype=torch.float32)
        targets = torch.tensor((PROGRESS[start : start + 100] - mean) / scale, dtype=torch.float32)
        nn.functional.mse_loss(layer(inputs)[:, 0], targets).backward()
        optimizer.step()
    for ours, theirs in zip(estimator.module_.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_a_warm_start_begins_with_the_weights_that_there_are() -> None:
    estimator = PellucidClassifier("mlp(32)", epochs=3, learning_rate=1e-3, warm_start=True, random_state=0)
    losses = [estimator.fit(IRIS, KIND).loss_curve_[0] for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    cold = clone(estimator).set_params(warm_start=False)
    assert cold.fit(IRIS, KIND).loss_curve_ == cold.fit(IRIS, KIND).loss_curve_
    with pytest.raises(DataError, match="new"):
        estimator.fit(IRIS, KIND + 1)
    own = PellucidClassifier(Own, epochs=3, warm_start=True, random_state=0).fit(IRIS, KIND)
    first = own.loss_curve_[-1]
    assert own.fit(IRIS, KIND).loss_curve_[0] < first


def test_validation_rows_choose_the_epoch_and_stop() -> None:
    estimator = PellucidRegressor("mlp(64)", epochs=400, learning_rate=0.01, early_stopping=4, random_state=0)
    estimator.fit(DIABETES, PROGRESS)
    errors = estimator.validation_scores_
    assert estimator.n_iter_ == len(errors) < 400
    assert estimator.best_epoch_ == 1 + int(np.argmin(errors)) == estimator.n_iter_ - 4
    whole = PellucidRegressor("mlp(64)", epochs=3, random_state=0).fit(DIABETES, PROGRESS)
    assert (whole.best_epoch_, whole.validation_scores_) == (3, [])


def test_random_states() -> None:
    def drawn(state: Any) -> Any:
        return PellucidClassifier("mlp(8)", epochs=1, random_state=state).fit(IRIS, KIND).predict_proba(IRIS)

    np.testing.assert_array_equal(drawn(1), drawn(np.int64(1)))
    np.testing.assert_array_equal(drawn(np.random.RandomState(1)), drawn(np.random.RandomState(1)))
    assert np.abs(drawn(1) - drawn(2)).max() > 0
    stream = np.random.RandomState(1)
    assert np.abs(drawn(stream) - drawn(stream)).max() > 0
    np.random.seed(5)  # noqa: NPY002 (what scikit-learn means by None)
    first = drawn(None)
    assert np.abs(first - drawn(None)).max() > 0
    before = torch.get_rng_state(), torch.get_num_threads()
    drawn(0)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_findings_say_what_goes_wrong() -> None:
    broken = PellucidClassifier("4 -> fc(16) -> relu -> fc(3)", learning_rate=1e-7, epochs=20, diagnose=True)
    causes = [finding.cause for finding in broken.set_params(random_state=0).fit(IRIS, KIND).findings_ or ()]
    assert "lr-low" in causes
    watched = PellucidClassifier("mlp(32)", diagnose=True, random_state=0).fit(IRIS, KIND)
    assert watched.findings_ is not None
    assert [finding for finding in watched.findings_ if finding.severity != "info"] == []
    unwatched = clone(watched).set_params(diagnose=False).fit(IRIS, KIND)
    assert unwatched.findings_ is None
    np.testing.assert_array_equal(watched.predict_proba(IRIS), unwatched.predict_proba(IRIS))


def test_it_is_silent_unless_asked(capfd: pytest.CaptureFixture[str]) -> None:
    estimator = PellucidClassifier("mlp(8)", epochs=3, random_state=0).fit(IRIS, KIND)
    assert capfd.readouterr() == ("", "")
    clone(estimator).set_params(verbose=1, split="80:20").fit(IRIS, KIND)
    lines = capfd.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "accuracy" in lines[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "adm"}, OptionError, "did you mean 'adam'"),
        ({"epochs": 0}, OptionError, "at least 1"),
        ({"loss": "huber"}, OptionError, "does not go with classification"),
        ({"metric": "f1"}, OptionError, "all rows train"),
        ({"split": "60:20:20"}, OptionError, "no test rows"),
        ({"split": "much"}, DataError, "cannot be read"),
        ({"random_state": -1}, OptionError, "at least 0"),
        ({"network": 3}, OptionError, "no network"),
        ({"network": lambda inputs, outputs: inputs + outputs}, OptionError, "that returns int"),
        ({"network": Own(4, 5)}, OptionError, r"\(2, 3\) for 2 rows"),
        ({"network": "mpl"}, NotationError, "mlp"),
        ({"network": "8x8x1 -> cnn"}, OptionError, "4 numbers"),
        ({"network": "4 -> fc(8) -> fc(2)"}, NotationError, "write 4 -> fc"),
        ({"network": "autoencoder"}, DataError, "reconstruction"),
        ({"learning_rate": 1e9, "optimizer": "sgd", "schedule": "constant"}, DivergedError, "diverged"),
    ],
)
def test_what_cannot_be_is_refused_and_loses_nothing(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    estimator = PellucidClassifier("mlp(8)", epochs=2, random_state=0).fit(IRIS, KIND)
    before = estimator.predict_proba(IRIS)
    with pytest.raises(error, match=message):
        estimator.set_params(**options).fit(IRIS, KIND)
    np.testing.assert_array_equal(estimator.predict_proba(IRIS), before)


def test_parts_are_refused_what_needs_all_rows() -> None:
    for options in ({"early_stopping": 3}, {"class_weight": "balanced"}, {"network": "perceptron"}):
        with pytest.raises(OptionError):
            PellucidClassifier(**options).partial_fit(IRIS[:100], KIND[:100], classes=[0, 1])
    regressor = PellucidRegressor("linear", random_state=0).partial_fit(DIABETES, PROGRESS)
    with pytest.raises(DataError, match="other targets"):
        regressor.partial_fit(DIABETES, np.stack([PROGRESS, PROGRESS], 1))
    with pytest.raises(ValueError, match="features"):
        regressor.partial_fit(DIABETES[:, 1:], PROGRESS)


@pytest.mark.parametrize("standardise", [True, False])
def test_arrays_are_read_however_they_lie_in_memory_and_left_alone(*, standardise: bool) -> None:
    X = IRIS[:, ::-1].astype(np.float32)
    estimator = PellucidClassifier("mlp(8)", epochs=2, standardise=standardise, random_state=0)
    expected = estimator.fit(X, KIND).predict_proba(X)
    backwards, locked = IRIS.astype(np.float32)[:, ::-1], X.copy()
    locked.flags.writeable = False
    for same in (backwards, np.asfortranarray(X), locked):
        np.testing.assert_array_equal(clone(estimator).fit(same, KIND).predict_proba(same), expected)
    np.testing.assert_array_equal(X, IRIS[:, ::-1].astype(np.float32))


def test_inputs_that_no_sum_holds_are_refused() -> None:
    estimator = PellucidClassifier("mlp(8)", epochs=1, random_state=0).fit(IRIS, KIND)
    for value, message in ((1e20, "too far"), (1e300, "beyond float32")):
        with pytest.raises(DataError, match=message):
            estimator.predict(np.where(np.arange(4) == 2, value, IRIS))
    with pytest.raises(DataError, match="too large to be squared"):
        PellucidRegressor().fit(IRIS, KIND * 1e300)
