"""Logistic and softmax regression against scikit-learn; what width buys; a batch at once against a loop.

Shape letters: N rows, F features, C classes.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.networks import build
from pellucid.recipe import Recipe
from pellucid.shapes import Features
from pellucid.training import begin
from pellucid.training.loop import train_step
from pellucid.training.session import Session
from tests.training.making import make_data

# what each needs to come to rest on whole batches
SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 1.0, "epochs": 1_500, "schedule": "constant"},
    "nesterov": {"optimizer": "nesterov", "learning_rate": 0.5, "epochs": 800, "schedule": "constant"},
    "adam": {"optimizer": "adam", "learning_rate": 0.02, "epochs": 1_200, "schedule": "cosine"},
}


def patients(classes: int) -> tuple[Tensor, Tensor]:
    """Return 442 patients' age, sex, body mass, blood pressure and sugar, and how far their diabetes went, in parts."""
    x, progression = load_diabetes(return_X_y=True, scaled=False)
    x = x[:, [0, 1, 2, 3, 9]]
    bounds = np.quantile(progression, np.arange(1, classes) / classes)
    standardised = (x - x.mean(0)) / x.std(0)
    return torch.tensor(standardised, dtype=torch.float32), torch.tensor(np.searchsorted(bounds, progression))


def at_rest(data: Dataset, network: str, **options: Any) -> Session:
    """Train on whole batches to the end."""
    rows = data.rows["train"]
    whole: dict[str, Any] = {"batch_size": len(rows), "warmup": 0.0, "weight_decay": 0.0, "device": "cpu"}
    session = begin(data, network, Recipe(**(whole | options))).session
    for _ in range(session.total_steps):
        train_step(session, rows, measure=False)
    return session


def coefficients(session: Session) -> NDArray[np.float64]:
    """Return weights and biases, (C, F + 1); of softmax only differences count, so their mean is taken off."""
    weight, bias = (p.detach().double().numpy() for p in session.network.parameters())
    both = np.column_stack([weight, bias])
    centred: NDArray[np.float64] = both - both.mean(0)
    return centred


@pytest.mark.covers("A3")
@pytest.mark.parametrize(
    ("settings", "classes", "penalty"),
    [
        *(("nesterov", classes, penalty) for classes in (2, 4) for penalty in (0.0, 0.05)),
        ("sgd", 2, 0.05),
        ("adam", 4, 0.05),
    ],
)
def test_coefficients_are_those_of_scikit_learn(settings: str, classes: int, penalty: float) -> None:
    """L2 of weight_decay / 2 |w|² on the mean loss is C = 1 / (weight_decay N); both leave the biases free.

    Of two classes scikit-learn has one vector, w = w_1 - w_0, for which weight_decay / 2 (|w_0|² + |w_1|²) is
    weight_decay / 4 |w|² where that is least: C = 2 / (weight_decay N).
    """
    x, y = patients(classes)
    data = make_data(x.repeat(2, 1), y.repeat(2), Classes(tuple("abcd"[:classes])), Features(x.shape[1]), len(x))
    session = at_rest(data, "logistic" if classes == 2 else "softmax", weight_decay=penalty, **SETTINGS[settings])
    strength = (2 if classes == 2 else 1) / (penalty * len(x)) if penalty else np.inf
    reference = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(x.double().numpy(), y.numpy())
    expected = np.column_stack([reference.coef_, reference.intercept_])
    ours = coefficients(session)
    if classes == 2:
        assert ours[1] - ours[0] == pytest.approx(expected[0], abs=1e-3)
    else:
        assert ours == pytest.approx(expected - expected.mean(0), abs=1e-3)
    probabilities = session.network(x).softmax(1).detach().numpy()
    assert probabilities == pytest.approx(reference.predict_proba(x.double().numpy()), abs=1e-3)


@pytest.mark.covers("A4")
@pytest.mark.parametrize(
    "arrows", ["7 -> mlp(9, 5, classes=3)", "7 -> fc(9) -> tanh -> fc(5) -> elu -> fc(3) -> softmax"]
)
def test_a_batch_at_once_is_a_loop_over_its_samples(arrows: str) -> None:
    model, x = build(arrows, seed=0).double(), torch.randn(40, 7, dtype=torch.float64)
    loop = torch.cat([model(sample[None]) for sample in x])
    assert (model(x) - loop).abs().max() < 1e-12
    gradients = [torch.autograd.grad(outputs.square().sum(), list(model.parameters())) for outputs in (model(x), loop)]
    assert all((one - other).abs().max() < 1e-10 for one, other in zip(*gradients, strict=True))


@pytest.mark.slow
@pytest.mark.covers("A16")
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_a_wider_hidden_layer_fits_a_function_better(activation: str) -> None:
    """Cybenko (1989): one hidden layer comes as near to any continuous function as its width allows."""
    x = torch.linspace(-1, 1, 256)[:, None]
    y = (3 * x).sin() + 0.5 * (9 * x).cos()
    errors = []
    for width in (1, 3, 9, 27, 81):
        data = make_data(x.repeat(2, 1), y.repeat(2, 1), Values(("y",), (0.0,), (1.0,)), Features(1), len(x))
        fits = [
            at_rest(
                data, f"1 -> fc({width}) -> {activation} -> fc(1)", optimizer="adam", learning_rate=0.03, epochs=3_000,
                schedule="cosine", seed=seed,
            )
            for seed in (0, 1)
        ]  # fmt: skip
        errors.append(min(float((fit.network(x).detach() - y).square().mean() / y.var()) for fit in fits))
    # seen, of the variance: 0.24, 0.08, 0.0005, 0.0003, 0.0004 with sigmoid; below 0.001 training decides, not width
    assert all(wider <= narrower or wider < 0.001 for narrower, wider in pairwise(errors))
    assert errors[0] > 0.2
    assert errors[-1] < 0.002
