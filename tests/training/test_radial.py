"""Networks of radial basis functions: centres by k-means, a last layer in closed form, and descent from there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from pellucid.blocks import Radial
from pellucid.data import load
from pellucid.data.dataset import Classes, Dataset, Itself, Values
from pellucid.errors import DataError, OptionError
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.seed import derive
from pellucid.shapes import Features
from pellucid.training.begin import begin
from pellucid.training.checkpoint import restore, save_checkpoint
from pellucid.training.evaluation import evaluate
from pellucid.training.loop import steps, train_step
from pellucid.training.optimizers import exempt
from pellucid.training.rules import ClosedForm, FromCentres, Gradient
from pellucid.training.rules.centres import k_means, widths
from pellucid.training.session import Session
from tests.training.making import assert_equal, make_data, state


def begun(data: Dataset, network: str, **options: Any) -> Session:
    return begin(data, network, Recipe(**{"epochs": 3, "batch_size": 32, "device": "cpu", **options})).session


def solved(data: Dataset, network: str, **options: Any) -> Session:
    session = begun(data, network, rule="closed-form", epochs=None, batch_size=None, **options)
    list(steps(session))
    session.network.eval()
    return session


def block_of(session: Session) -> Radial:
    (block,) = (block for block in session.network.modules() if isinstance(block, Radial))
    return block


def points(count: int = 60) -> Tensor:
    return torch.randn(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.covers("B7")
def test_centres_are_those_of_k_means_and_means_of_what_is_nearest_them() -> None:
    centres_JD = k_means(points(), 7, seed=3)
    theirs = KMeans(7, n_init=1, max_iter=100, random_state=3).fit(points().numpy()).cluster_centers_
    assert centres_JD.numpy() == pytest.approx(theirs, abs=1e-9)
    nearest_N = torch.cdist(points(), centres_JD).argmin(1)
    means = torch.stack([points()[nearest_N == j].mean(0) for j in range(7)])
    assert torch.allclose(means, centres_JD, atol=1e-6)


@pytest.mark.covers("B7")
def test_widths_go_by_the_nearest_neighbour() -> None:
    distance = NearestNeighbors(n_neighbors=2).fit(points().numpy()).kneighbors()[0][:, 0]
    assert widths(points(), points(), own=True).numpy() == pytest.approx(1.5 * distance)
    assert widths(points(), points(), own=False).numpy() == pytest.approx(1.5 * distance.mean())


def test_one_centre_is_as_wide_as_the_inputs_spread() -> None:
    centre = points().mean(0, keepdim=True)
    spread = float((points() - centre).square().sum(1).mean().sqrt())
    assert widths(centre, points(), own=False).tolist() == pytest.approx([1.5 * spread])


def test_as_many_centres_as_inputs_are_the_inputs() -> None:
    assert torch.equal(k_means(points(), 60, seed=0), points())


@pytest.mark.covers("B7")
def test_the_name_alone_trains_on_a_small_data_set_and_says_how_many_centres() -> None:
    data = load("iris")
    beginning = begin(data, "rbf", Recipe(rule="closed-form"))
    assert "rbf: 22 centres, as suits 90 training rows" in beginning.notes
    list(steps(beginning.session))
    assert (
        evaluate(beginning.session.network, data, beginning.session.task, "test", beginning.session.device)["accuracy"]
        > 0.85
    )
    with pytest.raises(DataError, match="more centres than training inputs"):
        begin(data, "rbf(200)")


@pytest.mark.parametrize("count", [61, 1000])
def test_more_centres_than_inputs_are_refused_with_a_number_that_fits(count: int) -> None:
    with pytest.raises(DataError, match="more centres than training inputs") as refusal:
        k_means(points(), count, seed=0)
    assert refusal.value.expected == "at most 60 centres"
    assert "rbf(15)" in refusal.value.advice


def test_inputs_that_repeat_count_once(blobs: Dataset) -> None:
    few = make_data(torch.randint(3, (80, 1)).float(), blobs.targets[:80], Classes(("a", "b")), Features(1), 40)
    with pytest.raises(DataError) as refusal:
        begun(few, "1 -> rbf(4) -> fc(2)")
    assert "at most 3" in str(refusal.value)


@pytest.mark.covers("B7")
def test_the_closed_form_is_linear_regression_on_the_units(line: Dataset) -> None:
    session = solved(line, "2 -> rbf(12, width=own) -> fc(1)", ridge=0.0)
    assert isinstance(session.rule, ClosedForm)
    assert session.finished
    assert session.progress.step == 1
    inputs_N2, targets_N1 = line.split("train")
    with torch.no_grad():
        units, ours = block_of(session)(inputs_N2).double().numpy(), session.network(inputs_N2).numpy()
    theirs = LinearRegression().fit(units, targets_N1.numpy()).predict(units)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_the_closed_form_of_a_linear_network_is_linear_regression(line: Dataset) -> None:
    session = solved(line, "linear", ridge=0.0)
    theirs = LinearRegression().fit(*(part.double().numpy() for part in line.split("train")))
    weight, bias = (parameter.detach().numpy() for parameter in session.network.parameters())
    assert weight == pytest.approx(theirs.coef_, abs=1e-6)
    assert bias == pytest.approx(theirs.intercept_, abs=1e-6)


@pytest.mark.covers("B7")
def test_several_values_are_solved_at_once(line: Dataset) -> None:
    both = torch.cat([line.targets, -2 * line.targets], 1)
    data = make_data(line.inputs, both, Values(("y", "z"), (0.0, 0.0), (1.0, 1.0)), Features(2), 200)
    session = solved(data, "2 -> rbf(12) -> fc(2)")
    with torch.no_grad():
        one, other = session.network(line.inputs).T
    assert torch.allclose(-2 * one, other, atol=1e-4)


@pytest.mark.covers("B7")
def test_classes_are_told_apart_in_one_step(blobs: Dataset) -> None:
    session = solved(blobs, "2 -> rbf(10) -> fc(2)")
    inputs_N2, labels_N = blobs.split("test")
    assert (session.network(inputs_N2).argmax(1) == labels_N).double().mean() >= 0.95
    assert session.progress.best is not None


def test_a_network_before_the_centres_is_gone_through(blobs: Dataset) -> None:
    session = begun(blobs, "2 -> fc(4) -> tanh -> rbf(6) -> fc(2)")
    inputs = session.network[:2](blobs.split("train")[0])  # type: ignore[index]
    expected = k_means(inputs.detach().double(), 6, derive(0, "centres"))
    assert torch.allclose(block_of(session).centres.double(), expected, atol=1e-6)


@pytest.mark.covers("B7")
@pytest.mark.parametrize("network", ["2 -> rbf(9, width=own) -> fc(2)", "2 -> rbf(9, normalised=yes) -> fc(2)"])
def test_the_gradient_goes_on_from_the_closed_form(blobs: Dataset, network: str) -> None:
    session = begun(blobs, network, epochs=20, learning_rate=0.01)
    assert isinstance(session.rule, FromCentres)
    before = state(session)
    assert_equal(before, state(solved(blobs, network)))
    losses = [event.loss for event in steps(session) if isinstance(event, Epoch)]
    assert losses[-1] < losses[0]
    after = state(session)
    assert all(not torch.equal(before[name], after[name]) for name in before)


def test_what_begins_at_a_solution_goes_on_with_small_steps_unless_others_are_asked_for(stripes: Dataset) -> None:
    usual, asked = begun(stripes, "rbf(9)"), begun(stripes, "rbf(9)", augment="shift", learning_rate=0.01)
    assert (usual.recipe.learning_rate, usual.recipe.augment) == (3e-4, "none")
    assert (asked.recipe.learning_rate, asked.recipe.augment) == (0.01, "shift")
    assert begun(stripes, "cnn(width=2)").recipe.augment == "shift"


def test_centres_that_are_not_learned_stay(blobs: Dataset) -> None:
    session = begun(blobs, "2 -> rbf(9, learned=no) -> fc(2)")
    centres = block_of(session).centres.clone()
    list(steps(session))
    assert torch.equal(block_of(session).centres, centres)


def test_no_penalty_pulls_centres_to_zero(blobs: Dataset) -> None:
    session = begun(blobs, "2 -> rbf(9) -> fc(2)")
    assert block_of(session).centres in exempt(session.network)


@pytest.mark.parametrize("augment", ["none", "shift,nudge"])
def test_a_training_stopped_goes_on_to_the_bit(stripes: Dataset, augment: str, tmp_path: Path) -> None:
    whole, stopped, again = (begun(stripes, "rbf(20)", augment=augment) for _ in range(3))
    assert_equal(state(whole), state(stopped))
    list(steps(whole))
    for rows in stopped.rule.order(stopped)[:64].split(32):
        train_step(stopped, rows)
    save_checkpoint(tmp_path / "last.safetensors", stopped)
    restore(again, tmp_path / "last.safetensors")
    list(steps(again))
    assert_equal(state(whole), state(again))


def test_changed_copies_are_learned_from_too(stripes: Dataset) -> None:
    plain, changed, again = (solved(stripes, "rbf(20)", augment=words) for words in (None, "shift", "shift"))
    assert_equal(state(changed), state(again))
    assert not torch.equal(plain.network.fc1.weight, changed.network.fc1.weight)  # type: ignore[arg-type, union-attr]
    assert plain.recipe.augment == "none"


def test_other_networks_descend_as_before(blobs: Dataset) -> None:
    assert type(begun(blobs, "2 -> fc(2)").rule) is Gradient


@pytest.mark.parametrize(
    ("network", "options", "told"),
    [
        ("2 -> fc(4) -> tanh -> fc(1) -> relu", {}, "ends with fc"),
        ("2 -> rbf(5) -> fc(1)", {"epochs": 2}, "--epochs 2"),
        ("2 -> rbf(5) -> fc(1)", {"loss": "huber"}, "leave --loss out"),
    ],
)
def test_what_has_no_closed_form_is_refused(line: Dataset, network: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(OptionError, match="closed form") as refusal:
        solved(line, network, **options) if "epochs" not in options else begun(
            line, network, rule="closed-form", **options
        )
    assert told in str(refusal.value)


def test_a_network_that_learns_without_a_target_has_no_closed_form(stripes: Dataset) -> None:
    data = replace(stripes, target=Itself("reconstruction"))
    with pytest.raises(OptionError, match="closed form"):
        solved(data, "8x8x1 -> fc(64) -> reshape(8x8x1) -> flatten -> fc(64) -> reshape(8x8x1)")


def test_a_module_of_ones_own_begins_at_centres_too(blobs: Dataset) -> None:
    own = nn.Sequential(Radial(2, 8), nn.Sequential(nn.Dropout(0.1), nn.Linear(8, 2)))
    session = begin(blobs, own, Recipe(epochs=1, device="cpu")).session
    expected = k_means(blobs.split("train")[0].double(), 8, derive(0, "centres"))
    assert np.array_equal(block_of(session).centres.detach().numpy(), expected.float().numpy())
    assert own.training
