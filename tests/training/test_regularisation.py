"""Weight decay is ridge regression, l1 the lasso, dropout a ridge too; early stopping and augmentation do as they say.

Shape letters: N samples, F features.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Lasso, Ridge
from torch import Tensor, nn

from pellucid.data import load
from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.shapes import Features
from pellucid.training import begin, steps
from pellucid.training.checkpoint import restore, save_checkpoint
from pellucid.training.loop import train_step
from pellucid.training.optimizers import exempt
from pellucid.training.session import Session
from tests.training.making import assert_equal, make_data, make_session, state

# what each optimiser needs to come to rest within 2,000 steps
RATES: dict[str, dict[str, Any]] = {
    "sgd": {"learning_rate": 0.1, "schedule": "constant"},
    "momentum": {"learning_rate": 0.02, "schedule": "constant"},
    "nesterov": {"learning_rate": 0.02, "schedule": "constant"},
    "adagrad": {"learning_rate": 0.3, "schedule": "constant"},
    "rmsprop": {"learning_rate": 0.002, "schedule": "cosine"},
    "adam": {"learning_rate": 0.01, "schedule": "cosine"},
    "adamw": {"learning_rate": 0.01, "schedule": "cosine"},
}


@pytest.fixture(scope="module")
def patients() -> Dataset:
    return load("diabetes", split="80:20")


def linear_session(data: Dataset, count: int = 2_000, **options: Any) -> Session:
    """Return a linear network's session of `count` steps on whole batches."""
    whole = {"epochs": count, "batch_size": len(data.rows["train"]), "warmup": 0.0, "device": "cpu"}
    return begin(data, "linear", Recipe(**{**whole, **options})).session


def trained(session: Session) -> tuple[NDArray[np.float64], float]:
    """Return the coefficients (F,) and the intercept that a linear network comes to rest at."""
    rows = session.data.rows["train"]
    for _ in range(session.total_steps):
        train_step(session, rows, measure=False)
    weight, bias = sorted(session.network.parameters(), key=lambda parameter: -parameter.ndim)
    return weight.detach()[0].double().numpy(), float(bias.detach())


def as_numpy(data: Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    inputs_NF, targets_N1 = data.split("train")
    return inputs_NF.double().numpy(), targets_N1[:, 0].double().numpy()


@pytest.mark.covers("C10")
@pytest.mark.parametrize("name", [name for name in RATES if name != "adamw"])
def test_weight_decay_is_scikit_learns_ridge(patients: Dataset, name: str) -> None:
    inputs_NF, targets_N = as_numpy(patients)
    decay = 0.2
    # mean of squares + decay / 2 |w|² is a share 1 / N of ridge's sum of squares + alpha |w|²
    theirs = Ridge(alpha=len(targets_N) * decay / 2).fit(inputs_NF, targets_N)
    weights_F, bias = trained(linear_session(patients, optimizer=name, weight_decay=decay, **RATES[name]))
    np.testing.assert_allclose(weights_F, theirs.coef_, atol=1e-4)
    assert bias == pytest.approx(theirs.intercept_, abs=1e-4)


@pytest.mark.covers("C10")
@pytest.mark.parametrize("name", list(RATES))
def test_l1_is_scikit_learns_lasso(patients: Dataset, name: str) -> None:
    inputs_NF, targets_N = as_numpy(patients)
    l1 = 0.1
    # lasso halves the mean of squares: (squares / N) / 2 + alpha |w|
    theirs = Lasso(alpha=l1 / 2, tol=1e-10).fit(inputs_NF, targets_N)
    weights_F, bias = trained(linear_session(patients, optimizer=name, weight_decay=0.0, l1=l1, **RATES[name]))
    np.testing.assert_allclose(weights_F, theirs.coef_, atol=1e-4)
    assert bias == pytest.approx(theirs.intercept_, abs=1e-4)
    assert 0 < (theirs.coef_ == 0).sum() < len(weights_F)
    np.testing.assert_array_equal(weights_F == 0, theirs.coef_ == 0)


def test_l1_on_small_batches_comes_close_and_stays_sparse(patients: Dataset) -> None:
    inputs_NF, targets_N = as_numpy(patients)
    theirs = Lasso(alpha=0.1, tol=1e-10).fit(inputs_NF, targets_N)
    session = linear_session(patients, 120, batch_size=32, weight_decay=0.0, l1=0.2, learning_rate=0.02)
    for _ in steps(session):
        pass
    (weights_F,) = (p.detach()[0].numpy() for p in session.network.parameters() if p.ndim > 1)
    np.testing.assert_allclose(weights_F, theirs.coef_, atol=0.02)
    assert abs(int((weights_F == 0).sum()) - int((theirs.coef_ == 0).sum())) <= 1


@pytest.mark.covers("C10")
def test_biases_and_norms_are_left_alone_by_every_penalty() -> None:
    model = nn.ModuleDict(
        {
            "linear": nn.Linear(3, 1),
            "convolution": nn.Conv2d(2, 3, 2),
            "norm": nn.BatchNorm2d(3),
            "layer_norm": nn.LayerNorm((3, 4, 4)),
            "embedding": nn.Embedding(5, 2),
            "recurrent": nn.LSTM(2, 3, num_layers=2, bidirectional=True),
            "attention": nn.MultiheadAttention(4, 2, add_bias_kv=True),
            "slope": nn.PReLU(4),
        }
    )
    spared = {name for name, parameter in model.named_parameters() if parameter in exempt(model)}
    pulled = {name for name, _ in model.named_parameters()} - spared
    recurrent = {f"recurrent.weight_{of}_l{n}{way}" for of in ("ih", "hh") for n in (0, 1) for way in ("", "_reverse")}
    projections = {"attention.in_proj_weight", "attention.out_proj.weight"}
    assert pulled == {"linear.weight", "convolution.weight", "embedding.weight", *recurrent, *projections}


def test_the_outputs_bias_is_free_under_the_strongest_penalty(patients: Dataset) -> None:
    weights_F, bias = trained(linear_session(patients, 300, optimizer="sgd", l1=100.0, **RATES["sgd"]))
    assert not weights_F.any()
    assert bias == pytest.approx(as_numpy(patients)[1].mean(), abs=1e-4)


@pytest.mark.parametrize("name", ["momentum", "adam", "adagrad", "rmsprop"])
def test_a_training_with_l1_goes_on_bit_for_bit(blobs: Dataset, tmp_path: Path, name: str) -> None:
    def fresh() -> Session:
        torch.manual_seed(0)
        return make_session(blobs, nn.Linear(2, 2), epochs=4, l1=0.01, optimizer=name)

    whole, stopped, resumed = fresh(), fresh(), fresh()
    for _ in steps(whole):
        pass
    for number, _ in enumerate(steps(stopped, every=1), start=1):
        if number == 6:
            break
    save_checkpoint(tmp_path / "last", stopped)
    restore(resumed, tmp_path / "last")
    for _ in steps(resumed):
        pass
    assert_equal(state(resumed), state(whole))


@pytest.mark.covers("C10")
def test_dropout_on_inputs_is_ridge_on_average() -> None:
    """Srivastava et al. 2014, section 9.1: for columns of variance 1, the penalty p / (1 - p) |w|²."""
    generator = torch.Generator().manual_seed(0)
    inputs_NF = torch.randn(256, 4, generator=generator) @ torch.randn(4, 4, generator=generator)
    inputs_NF = (inputs_NF - inputs_NF.mean(0)) / inputs_NF.std(0, correction=0)
    targets_N1 = inputs_NF @ torch.tensor([[0.5], [-0.3], [0.2], [0.0]]) + 0.2
    data = make_data(
        inputs_NF.repeat(2, 1), targets_N1.repeat(2, 1), Values(("y",), (0.0,), (1.0,)), Features(4), train=256
    )
    share = 0.2
    network = nn.Sequential(nn.Dropout(share), nn.Linear(4, 1))
    options = {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "linear", "warmup": 0.0, "weight_decay": 0.0}
    session = make_session(data, network, epochs=3_000, batch_size=256, **options)
    weights_F, bias = trained(session)
    theirs = Ridge(alpha=256 * share / (1 - share)).fit(inputs_NF.double(), targets_N1[:, 0].double())
    np.testing.assert_allclose(weights_F, theirs.coef_, atol=0.01)
    assert bias == pytest.approx(theirs.intercept_, abs=0.01)
    network.eval()
    assert torch.equal(network(inputs_NF), network[1](inputs_NF))


def noisy() -> Dataset:
    """A task that overfits soon: few rows, a fifth of the labels wrong."""
    generator = torch.Generator().manual_seed(3)
    points_NF = torch.randn(90, 2, generator=generator)
    labels_N = (points_NF.sum(1) > 0).long() ^ (torch.rand(90, generator=generator) < 0.2).long()
    return make_data(points_NF, labels_N, Classes(("left", "right")), Features(2), 40)


@pytest.mark.covers("C10")
@pytest.mark.parametrize("patience", [1, 3, 6])
def test_early_stopping_is_what_a_simulation_by_hand_says(patience: int) -> None:
    def session(**options: Any) -> Session:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
        return make_session(noisy(), network, epochs=40, learning_rate=0.03, metric="loss", **options)

    whole = session()
    losses: list[float] = []
    weights: list[dict[str, Tensor]] = []
    for event in steps(whole):
        if isinstance(event, Epoch):
            losses.append(event.validation["loss"])
            weights.append(state(whole))
    best, waited, expected = 0, 0, len(losses)
    for epoch, loss in enumerate(losses[1:], start=1):
        best, waited = (epoch, 0) if loss < losses[best] else (best, waited + 1)
        if waited == patience:
            expected = epoch + 1
            break
    assert expected < len(losses)

    stopped = session(early_stopping=patience)
    seen = [event for event in steps(stopped) if isinstance(event, Epoch)]
    assert len(seen) == expected
    assert stopped.progress.best_epoch == best + 1
    assert_equal(stopped.best_weights, weights[best])
    assert [event.epoch for event in seen if event.best][-1] == best + 1


@pytest.mark.covers("C10")
def test_augmentation_changes_what_is_trained_on_and_never_what_is_judged(stripes: Dataset) -> None:
    session = make_session(stripes, nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), epochs=1, augment="shift=1")
    seen: list[Tensor] = []
    session.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    rows = stripes.rows["train"][:32]
    train_step(session, rows)
    (trained_on,) = seen
    changed = 0
    for given, original in zip(trained_on[:, 0], stripes.inputs[rows][:, 0], strict=True):
        padded = nn.functional.pad(original[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
        moved = [padded[down : down + 8, right : right + 8] for down in range(3) for right in range(3)]
        assert any(torch.equal(given, candidate) for candidate in moved)
        changed += not torch.equal(given, original)
    assert changed > 16  # eight of nine shifts are none at all

    seen.clear()
    for _ in steps(session):
        pass
    judged = torch.cat(seen[-1:])
    assert torch.equal(judged, stripes.inputs[stripes.rows["validation"]])
