"""Rows that count for more or less than one, held against rows repeated and against weighted regressions solved."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from pellucid import PellucidClassifier, PellucidRegressor
from pellucid.data.dataset import Classes, Labels, Values
from pellucid.errors import DataError, OptionError
from pellucid.estimators.rows import chosen_rows
from pellucid.estimators.weighing import apart, of_each, weigh
from pellucid.recipe import Recipe
from pellucid.shapes import Features
from pellucid.training import begin, evaluate
from pellucid.training.tasks import Supervised, task_for
from tests.training.making import make_data

RANDOM = np.random.default_rng(0)
TO_THE_END: dict[str, Any] = {
    "weight_decay": 0.0,
    "optimizer": "adam",
    "schedule": "cosine",
    "epochs": 600,
    "learning_rate": 0.1,
    "batch_size": 1000,
    "random_state": 0,
}


@pytest.mark.parametrize("split", [None, "70:30"])
@pytest.mark.parametrize(
    "make",
    [
        lambda **options: PellucidClassifier("4 -> fc(16) -> batchnorm -> relu -> dropout(0.2) -> fc(3)", **options),
        lambda **options: PellucidRegressor("mlp(16)", batch_size=7, **options),
    ],
    ids=["classifier", "regressor"],
)
def test_a_whole_weight_is_that_many_rows_to_the_bit_in_any_order(make: Any, split: str | None) -> None:
    X, y = load_iris(return_X_y=True)
    counts = RANDOM.integers(0, 4, len(X))
    shuffled = RANDOM.permutation(len(X))
    repeated = RANDOM.permutation(np.repeat(np.arange(len(X)), counts))
    weighted = make(epochs=3, random_state=0, split=split).fit(X[shuffled], y[shuffled], counts[shuffled])
    plain = make(epochs=3, random_state=0, split=split).fit(X[repeated], y[repeated])
    for name, tensor in plain.module_.state_dict().items():
        assert torch.equal(tensor, weighted.module_.state_dict()[name]), name
    np.testing.assert_array_equal(plain.predict(X), weighted.predict(X))
    assert plain.loss_curve_ == weighted.loss_curve_
    assert plain.validation_scores_ == weighted.validation_scores_


def test_equal_rows_are_never_in_both_splits_and_classes_are_in_both() -> None:
    X = np.repeat(RANDOM.normal(size=(30, 2)), 4, axis=0)
    y = np.repeat(np.arange(30) % 3, 4)
    rows = chosen_rows(X, y, None, "70:30", 0)
    train, validation = rows.train.numpy(), rows.validation.numpy()
    assert sorted([*train, *validation]) == list(range(120))
    assert not {*X[train, 0]} & {*X[validation, 0]}
    assert {*y[train]} == {*y[validation]} == {0, 1, 2}


def test_weights_between_whole_numbers_give_the_weighted_least_squares() -> None:
    X, y = load_diabetes(return_X_y=True)
    X = X[:, [0, 2, 3, 8]]
    y = np.stack([y, X[:, 1] ** 2 * 1e4 + y], 1)
    weights = RANDOM.uniform(0, 2, len(X)) ** 3
    ours = PellucidRegressor("linear", **TO_THE_END).fit(X, y, weights)
    theirs = LinearRegression().fit(X, y, weights)
    unweighted = LinearRegression().fit(X, y)
    scale = y.std()
    assert np.abs(ours.predict(X) - theirs.predict(X)).max() < 1e-4 * scale
    assert np.abs(unweighted.predict(X) - theirs.predict(X)).max() > 0.05 * scale  # so that the weights tell


def test_weights_and_class_weights_give_the_weighted_logistic_regression() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X, y = StandardScaler().fit_transform(X)[:, [0, 1, 4]], np.where(y == 1, "benign", "malignant")
    weights = RANDOM.uniform(0, 2, len(X)) ** 3
    of_classes = {"benign": 0.3, "malignant": 2.5}
    total = (weights * np.where(y == "benign", 0.3, 2.5)).sum()
    options = TO_THE_END | {"weight_decay": 0.02, "epochs": 500, "standardise": False}
    ours = PellucidClassifier("softmax", class_weight=of_classes, **options).fit(X, y, weights)
    # docs/neurons.md: of two classes the penalty is that of C = 2 / (weight_decay N), N here the weight of all rows
    theirs = LogisticRegression(C=2 / (0.02 * total), class_weight=of_classes, tol=1e-8).fit(X, y, weights)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    unweighted = LogisticRegression(C=2 / (0.02 * len(X))).fit(X, y)
    assert np.abs(unweighted.predict_proba(X) - theirs.predict_proba(X)).max() > 0.1  # so that the weights tell


def test_batches_of_weighted_rows_have_the_gradient_of_all_on_average() -> None:
    """Weights that differ a hundredfold, in batches of 16: the sum of the batches' gradients is that of all rows."""
    X, y = torch.randn(64, 3), torch.randint(3, (64,))
    weights = torch.rand(64) * 10 ** (2 * torch.rand(64))
    weights /= weights.mean()
    session = begin(make_data(X, y, Classes(("a", "b", "c")), Features(3), 60), "softmax", Recipe()).session
    weigh(session, weights)
    assert isinstance(session.task, Supervised)

    def gradient(rows: torch.Tensor) -> torch.Tensor:
        inputs, columns = session.data.batch(rows)
        loss = session.task.loss(session.network(inputs), columns)  # type: ignore[attr-defined]
        return torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(session.network.parameters()))])

    of_batches = torch.stack([gradient(rows) for rows in torch.randperm(64).split(16)]).mean(0)
    losses = torch.nn.functional.cross_entropy(session.network(X), y, reduction="none")
    expected = torch.autograd.grad((losses * weights).sum() / weights.sum(), list(session.network.parameters()))
    torch.testing.assert_close(of_batches, torch.cat([each.flatten() for each in expected]))


def test_only_the_ratios_of_weights_count_and_equal_ones_are_none() -> None:
    X, y = load_iris(return_X_y=True)
    weights = RANDOM.uniform(0.1, 3, len(X))
    fitted = [
        PellucidClassifier("mlp(8)", epochs=3, random_state=0).fit(X, y, each).predict_proba(X)
        for each in (weights, weights / 8, None, np.full(len(X), 0.3))
    ]
    np.testing.assert_allclose(fitted[0], fitted[1], atol=1e-6)
    np.testing.assert_array_equal(fitted[2], fitted[3])
    assert np.abs(fitted[0] - fitted[2]).max() > 1e-3


def test_standardisation_follows_the_weights() -> None:
    X, y = load_diabetes(return_X_y=True)
    counts = RANDOM.integers(1, 4, len(X))
    halves = PellucidRegressor("linear", epochs=1, random_state=0).fit(X, y, counts / 2)
    repeated = PellucidRegressor("linear", epochs=1, random_state=0).fit(np.repeat(X, counts, 0), np.repeat(y, counts))
    assert halves.scaler_ is not None
    assert repeated.scaler_ is not None
    np.testing.assert_allclose(halves.scaler_.mean_, repeated.scaler_.mean_, atol=1e-12)
    np.testing.assert_allclose(halves.scaler_.scale_, repeated.scaler_.scale_)
    far_off = np.where(np.arange(len(X)) == 0, 1e6, 1.0)[:, None] * X
    ignored = PellucidRegressor("linear", epochs=1).fit(far_off, y, np.where(np.arange(len(X)) == 0, 1e-12, 1.0))
    assert ignored.scaler_ is not None
    np.testing.assert_allclose(ignored.scaler_.scale_, X[1:].std(0), rtol=1e-2)


@pytest.mark.parametrize(
    ("target", "loss"),
    [
        (Classes(("a", "b", "c")), "cross-entropy"),
        (Classes(("a", "b", "c")), "map"),
        (Labels(("a", "b", "c")), "binary-cross-entropy"),
        (Values(("a", "b", "c"), (0.0,) * 3, (1.0,) * 3), "squared-error"),
        (Values(("a", "b", "c"), (0.0,) * 3, (1.0,) * 3), "absolute-error"),
        (Values(("a", "b", "c"), (0.0,) * 3, (1.0,) * 3), "huber"),
    ],
    ids=str,
)
def test_the_loss_of_each_sample_has_the_tasks_loss_as_its_mean(target: Any, loss: Any) -> None:
    smoothing = 0.1 if loss.endswith("cross-entropy") else 0.0
    outputs = torch.randn(20, 3) * 2
    targets = torch.randint(3, (20,)) if isinstance(target, Classes) else torch.randint(2, (20, 3)).float()
    data = make_data(torch.randn(20, 2), targets, target, Features(2), 10)
    task = task_for(data, Recipe(loss=loss, label_smoothing=smoothing))
    assert isinstance(task, Supervised)
    each = of_each(task, smoothing)(outputs, targets)
    assert each.shape == (20,)
    torch.testing.assert_close(each.mean(), task.loss(outputs, targets))
    torch.testing.assert_close(each[7:8].mean(), task.loss(outputs[7:8], targets[7:8]))


@pytest.mark.parametrize("kind", ["classes", "labels", "values"])
def test_validation_is_weighted_as_repeated_rows_are(kind: str) -> None:
    X, labels = make_multilabel_classification(60, 5, n_classes=3, random_state=0)
    kinds: dict[str, tuple[torch.Tensor, Classes | Labels | Values]] = {
        "classes": (torch.from_numpy(labels.sum(1)), Classes(("0", "1", "2", "3"))),
        "labels": (torch.from_numpy(labels).float(), Labels(("a", "b", "c"))),
        "values": (torch.from_numpy(X[:, :2] ** 2).float(), Values(("a", "b"), (0.0, 1.0), (2.0, 3.0))),
    }
    targets, target = kinds[kind]
    inputs = torch.from_numpy(X).float()
    counts = torch.randint(1, 4, (60,))
    session = begin(make_data(inputs, targets, target, Features(5), 30), "mlp(4)", Recipe()).session
    network, task, device = session.network, session.task, session.device
    again = make_data(
        inputs.repeat_interleave(counts, 0), targets.repeat_interleave(counts, 0), target, Features(5),
        int(counts[:30].sum()),
    )  # fmt: skip
    expected = evaluate(network, again, task, "train", device)
    weigh(session, counts.double() / 2)
    weighted = evaluate(network, session.data, session.task, "train", device)
    assert weighted.keys() == expected.keys()
    for name, value in expected.items():
        assert weighted[name] == pytest.approx(value, rel=1e-5), name
    if kind == "classes":
        columns = session.data.batch(session.data.rows["train"])[1]
        truth, weights = apart(columns, session.task)  # type: ignore[arg-type]
        said = network(inputs[:30]).argmax(1)
        assert weighted["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said, sample_weight=weights))


def test_the_metric_that_stops_is_weighted() -> None:
    """Two kinds of rows that contradict each other: what the heavy ones say is right."""
    X = RANDOM.normal(size=(400, 2))
    side = X[:, 0] > 0
    heavy = RANDOM.random(400) < 0.5
    y, weights = np.where(heavy, side, ~side), np.where(heavy, 1.7, 0.2)
    estimator = PellucidClassifier("mlp(8)", epochs=60, split="60:40", learning_rate=0.01, random_state=0).fit(
        X, y, weights
    )
    share = weights[heavy].sum() / weights.sum()
    assert max(estimator.validation_scores_) == pytest.approx(share, abs=0.04)
    assert estimator.score(X, y, weights) == pytest.approx(share, abs=0.02)


def test_weights_that_cannot_be_are_refused() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="zero"):
        PellucidClassifier().partial_fit(X, y, classes=[0, 1, 2], sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        PellucidClassifier().fit(X, y, -np.ones(len(X)))
    with pytest.raises(DataError, match="zero"):
        PellucidClassifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, y)
    with pytest.raises(DataError, match="one class"):
        PellucidClassifier().fit(X, y, (y == 0).astype(float))
    with pytest.raises(OptionError, match="cannot weigh"):
        PellucidClassifier("rbf(10)", rule="closed-form").fit(X, y, RANDOM.random(len(X)))
    PellucidClassifier("rbf(10)", rule="closed-form").fit(X, y, RANDOM.integers(0, 3, len(X)))
