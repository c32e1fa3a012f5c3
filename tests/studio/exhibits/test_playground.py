"""The playground: its frames against torch and scikit-learn, its program run, its page by keyboard alone."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.datasets import make_circles
from sklearn.svm import SVC
from torch.nn import functional as F

from pellucid.data import load
from pellucid.data.arrays.arrays import from_arrays
from pellucid.data.named import plane
from pellucid.errors import NotationError
from pellucid.recipe import DataOptions
from pellucid.studio.exhibit import Action, Given, RefusedError
from pellucid.studio.exhibits.playground import arrows, points
from pellucid.studio.exhibits.playground.engine import Playground
from pellucid.studio.exhibits.playground.picture import dense_layers
from pellucid.studio.exhibits.playground.settings import (
    Activate,
    Clear,
    Draw,
    Drop,
    Edit,
    FreeWeights,
    Paste,
    PlaygroundSettings,
    SetWeight,
)
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E1")

STATE = "new URLSearchParams(location.hash.slice(1)).get('state').replaceAll('-', '+').replaceAll('_', '/')"
DRAWN = ("circles", "xor", "gaussians", "spirals", "moons", "clouds", "slope", "hills")


def engine(given: Given | None = None, **settings: Any) -> Playground:
    return Playground(PlaygroundSettings.model_validate(settings), given or Given())


def trained(epochs: int, **settings: Any) -> Playground:
    made = engine(**settings)
    for _ in range(epochs):
        made.step()
    return made


@pytest.mark.parametrize("name", DRAWN)
def test_every_set_can_be_learned_from(name: str) -> None:
    made = trained(2, data=name, count=60)
    frame = made.frame()
    assert frame.values["epoch"] == 2
    assert frame.arrays["curves"].shape == (3, 3)
    assert np.isfinite(frame.arrays["field"]).all()
    assert frame.arrays["test"].sum() == 24


def test_the_same_settings_give_the_same_frames_to_the_bit() -> None:
    first, second = (trained(5, network="2 -> fc(4) -> tanh -> dropout(0.3) -> fc(2)") for _ in range(2))
    for name, array in first.frame().arrays.items():
        np.testing.assert_array_equal(array, second.frame().arrays[name])
    assert trained(5, seed=1).frame().arrays["field"].tobytes() != trained(5).frame().arrays["field"].tobytes()


def test_the_field_is_what_the_weights_of_the_frame_give() -> None:
    frame = trained(20).frame()
    x1, x2 = frame.arrays["x1"], frame.arrays["x2"]
    inside = ~frame.arrays["test"].astype(bool)
    reach = frame.values["reach"]
    for row, column in ((0, 0), (99, 3), (40, 60)):
        place = np.array([-1 + (column + 0.5) / 50, 1 - (row + 0.5) / 50]) * reach
        standard = [
            (place[0] - x1[inside].mean()) / x1[inside].std(),
            (place[1] - x2[inside].mean()) / x2[inside].std(),
        ]
        x = torch.tensor(standard)
        for layer in range(3):
            weight, bias = (torch.from_numpy(frame.arrays[f"{kind}{layer}"]).double() for kind in ("weight", "bias"))
            x = F.linear(x, weight, bias)
            x = x.tanh() if layer < 2 else x
        shares = x.softmax(0)
        assert frame.arrays["field"][row, column] == pytest.approx(float(shares[1] - shares[0]), abs=1e-4)


def test_it_learns_circles_as_well_as_a_support_vector_machine() -> None:
    places, labels = make_circles(1000, noise=0.1, factor=0.5, random_state=1)
    best = SVC().fit(places[:500], labels[:500]).score(places[500:], labels[500:])
    assert trained(60).metrics["test_accuracy"] > best - 0.03


def test_several_classes_show_the_likeliest() -> None:
    frame = trained(20, data="clouds").frame()
    assert frame.arrays["kinds"].max() == 3
    assert frame.arrays["field"].min() >= 0.25
    # the four centres lie in the four quadrants, counted from the upper right against the clock
    assert [int(frame.arrays["kinds"][at]) for at in ((20, 80), (20, 20), (80, 20), (80, 80))] == [0, 1, 2, 3]


def test_a_slope_is_learned_in_its_own_units() -> None:
    frame = trained(60, data="slope", noise=0.0, network="2 -> fc(1)").frame()
    at = (np.arange(100) + 0.5) / 50 - 1
    expected = (at[None, :] - at[:, None]) / 2 * frame.values["reach"]
    np.testing.assert_allclose(frame.arrays["field"], expected, atol=0.05)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit(kind="edit", what="more_units", layer=0), "2 -> fc(7) -> tanh -> fc(4) -> tanh -> fc(2)"),
        (Edit(kind="edit", what="fewer_units", layer=1), "2 -> fc(6) -> tanh -> fc(3) -> tanh -> fc(2)"),
        (Edit(kind="edit", what="remove_layer", layer=0), "2 -> fc(4) -> tanh -> fc(2)"),
        (Edit(kind="edit", what="add_layer", layer=1), "2 -> fc(6) -> tanh -> fc(4) -> tanh -> fc(4) -> tanh -> fc(2)"),
        (Activate(kind="activate", word="relu"), "2 -> fc(6) -> relu -> fc(4) -> relu -> fc(2)"),
        (
            Drop(kind="drop", rate=0.4),
            "2 -> fc(6) -> tanh -> dropout(0.4) -> fc(4) -> tanh -> dropout(0.4) -> fc(2)",
        ),
    ],
)
def test_clicks_and_text_stay_in_step(edit: Action, expected: str) -> None:
    made = engine()
    made.act(edit)
    assert made.settings.network == expected
    assert len(dense_layers(made.session.network)) == expected.count("fc(")  # type: ignore[union-attr]


def test_features_and_data_change_the_networks_ends() -> None:
    made = engine(features=("x1", "x1_squared", "sin_x2"), data="clouds", network="2 -> fc(3) -> relu -> fc(2)")
    assert made.settings.network == "3 -> fc(3) -> relu -> fc(4)"


@pytest.mark.parametrize("activation", arrows.ACTIVATIONS)
def test_every_activation_trains(activation: str) -> None:
    made = engine(count=40)
    made.act(Activate(kind="activate", word=activation))
    made.step()
    assert made.frame().values["activation"] == activation


def test_what_cannot_be_read_is_shown_with_its_place() -> None:
    with pytest.raises(NotationError, match=r"\^\^\^\^"):
        engine(network="2 -> fc(4) -> tanx -> fc(2)")
    with pytest.raises(RefusedError, match="not_a_chain"):
        engine(network="2 -> fc(4) -> maxout(3) -> fc(2)")
    with pytest.raises(RefusedError, match="too_large"):
        engine(network="2 -> fc(64) -> tanh -> fc(2)")


def test_a_weight_is_read_and_set() -> None:
    made = engine()
    made.act(SetWeight(kind="set_weight", layer=1, unit=2, source=3, value=4.5))
    made.act(SetWeight(kind="set_weight", layer=0, unit=1, source=None, value=-1.0))
    arrays = made.frame().arrays
    assert arrays["weight1"][2, 3] == 4.5
    assert arrays["bias0"][1] == -1.0
    with pytest.raises(RefusedError, match="no_weight"):
        made.act(SetWeight(kind="set_weight", layer=5, unit=0, source=0, value=0.0))


def test_weights_set_by_hand_are_in_the_settings_and_set_again_at_their_moments() -> None:
    made = engine(count=60)
    made.act(SetWeight(kind="set_weight", layer=0, unit=2, source=1, value=1.25))
    for _ in range(5):
        made.advance()
    made.act(SetWeight(kind="set_weight", layer=2, unit=1, source=None, value=-3.0))
    shared = made.settings.model_dump_json()
    again = Playground(PlaygroundSettings.model_validate_json(shared), Given())
    assert again.frame().arrays["weight0"][2, 1] == 1.25
    made.step()
    while again.moment < made.moment:
        again.advance()
    for name, array in made.frame().arrays.items():
        np.testing.assert_array_equal(array, again.frame().arrays[name])
    assert made.frame().values["by_hand"] == [(0, 0), (1, 1)]
    made.reset()
    assert made.frame().arrays["curves"][1, 0] == again.frame().arrays["curves"][1, 0] != engine(count=60).curves[0][1]
    made.act(FreeWeights(kind="free_weights"))
    assert made.settings == engine(count=60).settings


def test_weights_set_by_hand_follow_their_layer() -> None:
    made = engine(network="2 -> fc(3) -> tanh -> fc(3) -> tanh -> fc(2)")
    for layer in range(3):
        made.act(SetWeight(kind="set_weight", layer=layer, unit=1, source=0, value=layer + 0.5))
    made.act(Edit(kind="edit", what="add_layer", layer=0))
    arrays = made.frame().arrays
    assert [arrays[f"weight{layer}"][1, 0] for layer in (0, 2, 3)] == [0.5, 1.5, 2.5]
    made.act(Edit(kind="edit", what="remove_layer", layer=0))
    assert [each[1:] for each in made.settings.weights] == [(1, 1, 0, 1.5), (2, 1, 0, 2.5)]
    made.change(made.settings.model_copy(update={"network": "2 -> fc(1) -> tanh -> fc(3) -> tanh -> fc(2)"}))
    assert len(made.settings.weights) == 2
    made.change(made.settings.model_copy(update={"network": "2 -> fc(4) -> tanh -> fc(2)"}))
    assert [each[1] for each in made.settings.weights] == [1]


def test_a_weight_set_by_hand_lets_a_diverged_training_go_on() -> None:
    made = engine(data="slope", network="2 -> fc(1)", batch_size=600)
    made.act(SetWeight(kind="set_weight", layer=0, unit=0, source=0, value=1e6))
    made.session.network[0].weight.data[0, 0] = float("nan")  # type: ignore[union-attr, index]
    assert not made.advance()
    made.act(SetWeight(kind="set_weight", layer=0, unit=0, source=0, value=0.5))
    assert made.advance()
    again = engine(**made.settings.model_dump())
    again.advance()
    np.testing.assert_array_equal(again.frame().arrays["field"], made.frame().arrays["field"])


def test_divergence_is_told_and_the_last_weights_stay() -> None:
    made = engine(data="slope", optimizer="sgd", learning_rate=1e4, network="2 -> fc(4) -> identity -> fc(1)")
    while made.advance():
        pass
    frame = made.frame()
    assert frame.values["diverged"]["rate"] == 1e4
    assert np.isfinite(frame.arrays["weight0"]).all()
    made.reset()
    assert not made.frame().values["diverged"]


def test_a_layer_that_says_nothing_is_told() -> None:
    assert trained(1).frame().values["dead"] is None
    assert engine(init="zeros").frame().values["dead"] == 0
    made = trained(30, data="hills", learning_rate=10.0, network="2 -> fc(6) -> relu -> fc(4) -> relu -> fc(1)")
    frame = made.frame()
    dead = frame.values["dead"]
    layers = dense_layers(made.session.network)  # type: ignore[union-attr]
    inside = torch.from_numpy(np.ascontiguousarray(frame.arrays[f"unit{dead}"]))
    assert (inside == 0).all()
    F.mse_loss(made.session.network(made.session.data.inputs[:50]), torch.zeros(50, 1)).backward()  # type: ignore[union-attr]
    assert all(not layer.weight.grad.any() for layer in layers[: dead + 1])  # type: ignore[union-attr]


def test_points_of_ones_own() -> None:
    made = engine()
    made.act(Clear(kind="clear"))
    assert made.frame().values["waiting"]
    assert not made.advance()
    for number in range(6):
        made.act(Draw(kind="draw", x1=number / 10, x2=0.5, answer=float(number % 2)))
    assert not made.frame().values["waiting"]
    made.act(Draw(kind="draw", x1=-0.5, x2=-0.5, answer=2.0))
    assert made.settings.network.endswith("fc(3)")
    assert made.step()
    again = Playground(PlaygroundSettings.model_validate_json(made.settings.model_dump_json()), Given())
    again.step()
    np.testing.assert_array_equal(again.frame().arrays["field"], made.frame().arrays["field"])


def test_pasted_lines() -> None:
    read = points.read("a;b;kind\n0.1;0.2;red\n1;2;blue\n3;4;red\n")
    assert (read["points"], read["answer"]) == (((0.1, 0.2, 0.0), (1.0, 2.0, 1.0), (3.0, 4.0, 0.0)), "classes")
    assert (read["names"], read["rows"]) == (("red", "blue"), 0)
    assert points.read("0,0,10\n0,0,9\n")["names"] == ("9", "10")
    read = points.read("\n".join(f"{n},{n},{n / 7}" for n in range(1000)))
    assert (len(read["points"]), read["answer"], read["rows"]) == (400, "values", 1000)
    with pytest.raises(RefusedError, match="no_point"):
        engine().act(Paste(kind="paste", text="1,2\n"))


def test_classes_of_ones_own_keep_their_names() -> None:
    made = engine()
    made.act(Paste(kind="paste", text="\n".join(f"{n},{n % 3},{('red', 'blue')[n % 2]}" for n in range(12))))
    assert made.frame().values["classes"] == ["red", "blue"]
    made.act(Draw(kind="draw", x1=0.0, x2=0.0, answer=3.0))
    assert made.frame().values["classes"] == ["red", "blue", "class 3", "class 4"]
    made.act(Clear(kind="clear"))
    assert made.settings.names == ()
    given = engine(Given(data=load("moons")), data="given")
    given.act(Draw(kind="draw", x1=0.0, x2=0.0, answer=1.0))
    assert given.frame().values["classes"] == ["upper", "lower"]


def test_given_data_of_two_features() -> None:
    data = load("moons")
    made = engine(Given(data=data), data="given")
    assert made.frame().values["classes"] == ["upper", "lower"]
    assert made.identity() == {"data": data.source.sha256}
    with pytest.raises(RefusedError, match="not_given"):
        engine(Given(data=load("iris")), data="given")


def test_a_table_of_two_numbers_is_a_plane_with_bins_and_without() -> None:
    stream = np.random.default_rng(0)
    frame = pl.DataFrame({"a": stream.normal(size=500), "b": stream.normal(3, 2, 500)})
    frame = frame.with_columns(kind=pl.when(pl.col("a") > 0).then(pl.lit("right")).otherwise(pl.lit("left")))
    shown = []
    for numbers in ("standard", "binned"):
        data = load(frame, target="kind", numbers=numbers)
        drawn = engine(Given(data=data), data="given").frame()
        shown.append(np.stack([drawn.arrays["x1"], drawn.arrays["x2"]]))
    np.testing.assert_array_equal(shown[0], shown[1])
    assert np.corrcoef(shown[0], frame.select("a", "b").to_numpy().T)[[0, 1], [2, 3]] == pytest.approx(1.0)


@pytest.mark.parametrize("period", [pytest.param(2, marks=pytest.mark.slow), 4000])
def test_of_a_million_points_a_fair_sample_is_drawn(period: int) -> None:
    count = 1_000_000
    places = torch.rand(count, 2, generator=torch.Generator().manual_seed(1))
    kinds = (torch.arange(count) % period >= period // 2).long()
    made = engine(
        Given(data=from_arrays("many", places, kinds.numpy(), DataOptions(task="classification"))), data="given"
    )
    frame = made.frame()
    assert (frame.values["total"], len(frame.arrays["x1"])) == (count, 2000)
    assert frame.arrays["answers"][:1000].mean() == pytest.approx(0.5, abs=0.06)
    made.act(Draw(kind="draw", x1=0.5, x2=0.5, answer=1.0))
    assert (made.frame().values["total"], len(made.settings.points)) == (count + 1, 301)


@pytest.mark.parametrize(
    "settings",
    [{"l1": 0.001, "init": "xavier"}, pytest.param({"data": "slope", "optimizer": "momentum"}, marks=pytest.mark.slow)],
)
def test_the_program_runs_and_learns(settings: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(engine(count=100, **settings).sources()["pytorch"], encoding="utf-8")
    told = subprocess.run([sys.executable, "-W", "error", path], capture_output=True, text=True, check=True).stdout
    assert float(told.split("test loss ")[-1]) < 0.4


def test_the_laws_of_the_plane() -> None:
    slope = plane.slope(50)
    np.testing.assert_allclose(slope.heights, slope.places.mean(1), atol=1e-6)
    assert np.abs(plane.hills(500).heights).max() <= 1.1
    assert np.bincount(plane.clouds(40, classes=5).labels).tolist() == [8] * 5


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("playground")
    page.keyboard.press("s")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('epoch 1 ')")
    page.focus("#more_units-0")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('#control-network').value.includes('fc(7)')")
    # along the lines: into the second unit of layer 2 from the third of layer 1, and there to its bias
    page.focus("#unit-1-1")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    studio_page.until(
        page, "document.querySelector('#live').textContent.startsWith('Weight from Layer 1, unit 3 to Layer 2')"
    )
    page.keyboard.press("ArrowLeft")
    studio_page.until(page, "document.activeElement.id === 'unit-0-2'")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.activeElement.id === 'weight--1'")
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('#weight--1').value === '2.5'")
    studio_page.check(page)
    # it is in the address
    studio_page.until(page, f"JSON.parse(atob({STATE})).settings.weights.length === 1")
    page.reload()
    page.wait_for_selector("#unit-0-2")
    page.focus("#unit-0-2")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('#weight--1')?.value === '2.5'")
    page.focus("#more_units-0")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('#control-network').value.includes('fc(8)')")
    page.click(".by-hand summary")
    page.click(".by-hand button")
    page.wait_for_selector(".by-hand", state="detached")
    page.focus("#control-network")
    page.keyboard.press("Control+a")
    page.keyboard.type("2 -> fc(3) -> tanx -> fc(2)")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('pre.caret')?.textContent.includes('^^^^')")
    studio_page.check(page)


@pytest.mark.slow
def test_several_classes_are_painted_in_their_colours(studio_page: StudioPages) -> None:
    page = studio_page("playground")
    page.select_option("#control-data", "clouds")
    studio_page.until(page, "document.querySelector('class-field canvas')?.clientWidth > 200")
    page.click("#step")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('epoch 1 ')")
    studio_page.check(page)


@pytest.mark.slow
def test_a_long_file_is_sampled_and_a_dead_layer_named(studio_page: StudioPages, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("a,b,kind\n" + "\n".join(f"{n % 97},{n % 89},{'xyz'[n % 3]}" for n in range(200_000)))
    page = studio_page("playground", width=360)
    page.click("summary")
    page.set_input_files("#file", path)
    studio_page.until(page, "document.querySelector('.exhibit').textContent.includes('200,000 points: 400 of them')")
    studio_page.until(page, "document.querySelector('#control-network').value.endsWith('fc(3)')")
    page.select_option("#control-init", "zeros")
    page.wait_for_selector(".notice:has-text('Layer 1 is dead')")
    studio_page.check(page)
    page.click(".notice .link")
    page.wait_for_selector(".notice", state="detached")


@pytest.mark.slow
def test_a_divergence_is_explained(studio_page: StudioPages) -> None:
    network = "2 -> fc(4) -> identity -> fc(1)"
    page = studio_page("playground", language="zh")
    for control, value in (("#control-network", network), ("#control-learning_rate", "10000")):
        page.fill(control, value)
        page.keyboard.press("Tab")
    page.select_option("#control-data", "slope")
    page.select_option("#control-optimizer", "sgd")
    studio_page.until(page, "document.querySelector('#control-optimizer').value === 'sgd'")
    page.click("#play")
    studio_page.until(page, "document.querySelector('.notice')?.textContent.includes('发散')")
    studio_page.check(page)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 360), ("zh", "dark", 1280), ("en", "dark", 2560)]
)
def test_it_can_be_read_by_all(studio_page: StudioPages, language: str, theme: str, width: int) -> None:
    studio_page.check(studio_page("playground", language=language, theme=theme, width=width))
