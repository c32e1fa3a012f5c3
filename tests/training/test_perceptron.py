"""The perceptron rule against scikit-learn, a plain loop and Novikoff's bound; separability against convex hulls.

Shape letters: N rows, F features, C classes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog
from sklearn import linear_model
from sklearn.svm import SVC
from torch import Tensor, nn

from pellucid.data import load
from pellucid.data.dataset import Classes, Dataset, Values
from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.shapes import Features
from pellucid.training import begin, steps
from pellucid.training.checkpoint import restore, save_checkpoint
from pellucid.training.loop import epoch_order
from pellucid.training.rules import separability
from pellucid.training.rules.separability import linearly_separable
from pellucid.training.session import Session
from tests.training.making import make_data

CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def rows_of(inputs_NF: Tensor, labels_N: Tensor) -> Dataset:
    """Return a data set that trains on the rows and judges itself on the same ones."""
    classes = Classes(tuple(f"class {k}" for k in range(int(labels_N.max()) + 1)))
    inputs, labels = inputs_NF.repeat(3, 1), labels_N.repeat(3)
    return make_data(inputs, labels, classes, Features(inputs_NF.shape[1]), len(inputs_NF))


def begun(data: Dataset, network: str | nn.Module = "perceptron", **options: Any) -> Session:
    return begin(data, network, Recipe(**{"epochs": 3, "device": "cpu", **options})).session


def finished(session: Session) -> Session:
    for _ in steps(session):
        pass
    return session


def kept(session: Session) -> dict[str, Any]:
    assert session.optimizer is not None
    (state,) = session.optimizer.state.values()
    return dict(state)


def weights(session: Session) -> NDArray[np.float64]:
    """Return weights with the bias as the last column, (C, F + 1)."""
    weight, bias = (p.detach().double().numpy() for p in session.network.parameters())
    return np.column_stack([weight, bias])


def cloud(seed: int, rows: int = 60, classes: int = 2, noise: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return rows (N, 4) that linear functions tell apart, but for some with another label."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4))
    labels = (x @ random.normal(size=(4, classes))).argmax(1)
    flipped = random.random(rows) < noise
    labels[flipped] = random.integers(0, classes, rows)[flipped]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(labels)


@pytest.mark.covers("A2")
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_two_classes_agree_with_scikit_learn(noise: float) -> None:
    """The difference of the two classes' weights is twice the weight of the one unit scikit-learn has."""
    x, y = cloud(3, noise=noise)
    session = begun(rows_of(x, y), batch_size=12, epochs=4)
    reference = linear_model.Perceptron(eta0=1.0, shuffle=False)
    for epoch in range(1, 5):
        session.progress.epoch = epoch
        order = epoch_order(session).numpy()
        reference.partial_fit(x.numpy()[order], y.numpy()[order], classes=[0, 1])
    session.progress.epoch = 1
    finished(session)
    ours = weights(session)
    if session.progress.epoch == 5:  # else it ended before, for there were no mistakes any more
        assert (ours[1] - ours[0])[:4] / 2 == pytest.approx(reference.coef_[0], abs=1e-4)
    assert (ours[1] - ours[0])[4] / 2 == pytest.approx(reference.intercept_[0], abs=1e-4)
    assert ours[0] == pytest.approx(-ours[1])


def one_by_one(x_NF: NDArray[np.float64], labels_N: NDArray[np.int64], classes: int, order: list[int]) -> Any:
    """Kesler's construction, sample by sample."""
    w_CF, mistakes = np.zeros((classes, x_NF.shape[1])), 0
    for row in order:
        outputs, own = w_CF @ x_NF[row], labels_N[row]
        other = max((k for k in range(classes) if k != own), key=lambda k: outputs[k])
        if outputs[own] <= outputs[other]:
            w_CF[own] += x_NF[row]
            w_CF[other] -= x_NF[row]
            mistakes += 1
    return w_CF, mistakes


@pytest.mark.parametrize("batch_size", [1, 7, 12, 60])
def test_many_classes_agree_with_a_plain_loop_whatever_the_batch(batch_size: int) -> None:
    x, y = cloud(5, rows=57 if batch_size == 1 else 60, classes=4, noise=0.2)
    x = (x * 8).round() / 8  # sums of eighths are exact, so that ties are ties
    session = begun(rows_of(x, y), batch_size=batch_size, epochs=2)
    order = []
    for epoch in (1, 2):
        session.progress.epoch = epoch
        order += epoch_order(session)[: session.steps_per_epoch * batch_size].tolist()
    session.progress.epoch = 1
    finished(session)
    expected, mistakes = one_by_one(np.column_stack([x.numpy(), np.ones(len(x))]), y.numpy(), 4, order)
    assert np.array_equal(weights(session), expected)
    assert kept(session)["mistakes"] == mistakes


@st.composite
def separable_rows(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    features = draw(st.integers(1, 4))
    x = random.uniform(-1, 1, (draw(st.integers(4, 40)), features))
    heights = x @ random.normal(size=features) + 0.3 * random.normal()
    clear = np.abs(heights) > 0.15
    x, labels = x[clear], (heights[clear] > 0).astype(np.int64)
    assume(len(set(labels)) == 2)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(labels)


@pytest.mark.covers("A2")
@settings(max_examples=25, deadline=None)
@given(rows=separable_rows(), batch_size=st.integers(2, 40))
def test_mistakes_stay_within_the_bound_of_novikoff(rows: tuple[Tensor, Tensor], batch_size: int) -> None:
    x, y = rows
    machine = SVC(kernel="linear", C=1e10).fit(x.double().numpy(), y.numpy())
    line = np.append(machine.coef_[0], machine.intercept_[0])
    augmented = np.column_stack([x.double().numpy(), np.ones(len(x))])
    margin = ((2 * y.numpy() - 1) * (augmented @ line)).min() / np.linalg.norm(line)
    assert margin > 0
    bound = (np.linalg.norm(augmented, axis=1).max() / margin) ** 2
    session = finished(begun(rows_of(x, y), batch_size=batch_size, epochs=int(bound) + 2))
    assert kept(session)["separated"] == session.progress.epoch - 1
    assert 0 < kept(session)["mistakes"] <= bound
    assert (session.network(x).argmax(1) == y).all()


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(
        st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 1)), min_size=2, max_size=12, unique=True
    )
)
def test_separable_means_that_the_convex_hulls_do_not_meet(points: list[tuple[int, int, int]]) -> None:
    table = np.array(points)
    x, labels = table[:, :2].astype(np.float64), table[:, 2]
    assume(len(set(labels.tolist())) == 2)
    # a point of both hulls: sum a_i x_i = sum b_j x_j with weights that sum to 1
    one, other = x[labels == 0].T, x[labels == 1].T
    sums = np.array([[1.0] * one.shape[1] + [0.0] * other.shape[1], [0.0] * one.shape[1] + [1.0] * other.shape[1]])
    meet = linprog(np.zeros(len(x)), A_eq=np.vstack([np.hstack([one, -other]), sums]), b_eq=[0, 0, 1, 1]).status == 0
    assert linearly_separable(np.column_stack([x, np.ones(len(x))]), labels, 2) is not meet


def test_a_margin_that_is_not_there_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver that says of weights of zero that they have a margin; the search would take the same rows for ever."""
    monkeypatch.setattr(separability, "_widest", lambda x_NF, *_: (np.zeros((2, x_NF.shape[1])), 1.0))
    assert not linearly_separable(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([0, 1]), 2)


def test_separability_of_many_classes_is_that_of_a_rule_that_ends() -> None:
    for seed in range(6):
        x, y = cloud(seed, rows=40, classes=3, noise=0.0 if seed < 3 else 0.4)
        augmented = np.column_stack([x.double().numpy(), np.ones(len(x))])
        session = finished(begun(rows_of(x, y), batch_size=8, epochs=400 if seed < 3 else 30))
        assert linearly_separable(augmented, y.numpy(), 3) is (seed < 3) is bool(kept(session)["separated"])


@pytest.mark.covers("A1", "A2")
def test_what_cannot_be_separated_is_said_beforehand_and_ends_with_the_last_epoch() -> None:
    data = rows_of(CORNERS, torch.tensor([0, 1, 1, 0]))  # XOR
    beginning = begin(data, "perceptron", Recipe(epochs=7, batch_size=2, device="cpu"))
    assert any("not linearly separable" in note for note in beginning.notes)
    session = finished(beginning.session)
    assert session.progress.epoch == 8
    assert not kept(session)["separated"]
    (note,) = session.rule.notes(session)
    assert note.startswith("does not separate the training rows after")
    assert "more --epochs" not in note, "they would not"


def test_rows_that_more_epochs_will_separate_are_told_from_those_that_none_will() -> None:
    data = rows_of(*cloud(0))
    session = finished(begun(data, batch_size=8, epochs=1))
    assert not kept(session)["separated"]
    (note,) = session.rule.notes(session)
    assert note.endswith("in 1 epoch; more --epochs will")
    longer = finished(begun(data, batch_size=8, epochs=400))
    assert kept(longer)["separated"]


@pytest.mark.covers("A1", "A2")
@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0]], ids=["and", "or", "not"])
def test_threshold_units_learn_what_one_neuron_can(labels: list[int]) -> None:
    """One unit fires for each class."""
    session = finished(begun(rows_of(CORNERS, torch.tensor(labels)), "mcculloch-pitts", batch_size=2, epochs=40))
    assert session.recipe.rule == "perceptron"
    assert kept(session)["separated"] == session.progress.epoch - 1
    fired = session.network(CORNERS)
    assert fired[:, 1].tolist() == labels
    assert fired[:, 0].tolist() == [1 - label for label in labels]


@pytest.mark.covers("A2")
def test_setosa_is_told_from_the_rest() -> None:
    iris = load("iris")
    rows = iris.rows["train"]
    inputs, labels = iris.batch(rows)
    setosa = rows_of(inputs, (labels == 0).long())
    beginning = begin(setosa, "perceptron", Recipe(epochs=50, device="cpu"))
    assert any("are linearly separable" in note for note in beginning.notes)
    session = finished(beginning.session)
    assert session.finished
    assert session.progress.epoch < 50
    session.network.load_state_dict(session.best_weights)  # those that separate, not others as good on validation
    assert (session.network(inputs).argmax(1) == (labels == 0).long()).all()


@pytest.mark.covers("A2")
def test_the_pocket_holds_the_weights_that_were_right_most_often() -> None:
    x, y = cloud(11, rows=120, classes=2, noise=0.25)
    session = begun(rows_of(x, y), rule="pocket", batch_size=10, epochs=30)
    before = 0
    for _ in steps(session, every=1):
        right = int((session.network(x).argmax(1) == y).sum())
        assert right == kept(session)["pocket_right"] >= before
        before = right
    plain = finished(begun(rows_of(x, y), batch_size=10, epochs=30))
    assert before > int((plain.network(x).argmax(1) == y).sum())
    best = max(_right_on_a_grid(x, y))
    assert before >= best - 2


def _right_on_a_grid(x: Tensor, y: Tensor) -> list[int]:
    """Return how many rows random lines are right on, and scikit-learn's."""
    random = np.random.default_rng(0)
    lines = random.normal(size=(20_000, 5))
    right = ((np.column_stack([x.numpy(), np.ones(len(x))]) @ lines.T > 0) == (y.numpy() == 1)[:, None]).sum(0)
    machine = linear_model.LogisticRegression(C=1e6).fit(x.numpy(), y.numpy())
    return [*right.tolist(), int((machine.predict(x.numpy()) == y.numpy()).sum())]


def test_the_pocket_of_xor_is_right_on_three_of_four() -> None:
    session = finished(begun(rows_of(CORNERS, torch.tensor([0, 1, 1, 0])), rule="pocket", batch_size=4, epochs=150))
    assert session.rule.notes(session) == ("the pocket is right on 3 of 4 training rows after 150 epochs",)


@pytest.mark.parametrize("rule", ["perceptron", "pocket"])
@pytest.mark.parametrize("stop", [4, 11])
def test_a_training_goes_on_where_it_stopped(rule: str, stop: int, tmp_path: Path) -> None:
    x, y = cloud(7, classes=3, noise=0.2)
    options: dict[str, Any] = {"rule": rule, "batch_size": 8, "epochs": 5}
    whole = finished(begun(rows_of(x, y), **options))
    first = begun(rows_of(x, y), **options)
    events = steps(first, every=1)
    for _ in range(stop):
        next(events)
    save_checkpoint(tmp_path / "last", first)
    second = begun(rows_of(x, y), **options)
    restore(second, tmp_path / "last")
    finished(second)
    assert np.array_equal(weights(second), weights(whole))
    ours, theirs = kept(second), kept(whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(torch.as_tensor(ours[key]), torch.as_tensor(theirs[key])) for key in ours)


def test_what_stands_before_the_layer_may_be_fixed() -> None:
    digits = load("digits")
    session = begun(digits, "8x8x1 -> edges(padding=same) -> fc(10)", rule="perceptron", epochs=2)
    finished(session)
    assert session.recipe.augment == "none"
    assert session.best_weights["fc1.weight"].abs().sum() > 0


@pytest.mark.parametrize("network", ["4 -> fc(8) -> relu -> fc(3)", "4 -> batchnorm -> fc(3)", "4 -> fc(3) -> softmax"])
def test_networks_with_more_to_train_are_refused(network: str) -> None:
    with pytest.raises(OptionError, match="trains one fully connected layer"):
        begun(load("iris"), network, rule="perceptron")


def test_values_are_refused() -> None:
    data = make_data(torch.randn(9, 2), torch.randn(9, 1), Values(("y",), (0.0,), (1.0,)), Features(2), 5)
    with pytest.raises(OptionError, match="learns classes"):
        begun(data)


def test_a_step_lets_no_gradient_pass() -> None:
    session = begun(load("iris"), "4 -> fc(3) -> step", rule="gradient")
    with pytest.raises(OptionError, match="no gradient passes"):
        next(steps(session, every=1))
