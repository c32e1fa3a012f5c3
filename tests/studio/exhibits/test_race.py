"""The optimiser race: surfaces against what is published, paths against torch.optim by hand, slices against the net."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad, minimize, rosen
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid
from pellucid.data import load
from pellucid.networks import build
from pellucid.seed import derive
from pellucid.studio.channel import encode
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.race.engine import FIRST, Race
from pellucid.studio.exhibits.race.grounds import Classic, middles
from pellucid.studio.exhibits.race.optimisers import stable_below
from pellucid.studio.exhibits.race.settings import Lane, RaceSettings, RuleName, ScheduleName
from pellucid.studio.exhibits.race.slices import Slice
from pellucid.studio.exhibits.race.surfaces import SURFACES
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E3")

SMOOTH = sorted(set(SURFACES) - {"ackley", "bukin"})
# as torch.optim is called by hand
BY_HAND: dict[RuleName, Any] = {
    "sgd": lambda w: torch.optim.SGD(w, lr=0.001, weight_decay=0.1, fused=True),
    "momentum": lambda w: torch.optim.SGD(w, lr=0.001, momentum=0.8, weight_decay=0.1, fused=True),
    "nesterov": lambda w: torch.optim.SGD(w, lr=0.001, momentum=0.8, nesterov=True, weight_decay=0.1, fused=True),
    "adagrad": lambda w: torch.optim.Adagrad(w, lr=0.001, weight_decay=0.1),
    "rmsprop": lambda w: torch.optim.RMSprop(w, lr=0.001, alpha=0.7, weight_decay=0.1),
    "adam": lambda w: torch.optim.Adam(w, lr=0.001, betas=(0.8, 0.7), weight_decay=0.1, fused=True),
    "adamw": lambda w: torch.optim.AdamW(w, lr=0.001, betas=(0.8, 0.7), weight_decay=0.1, fused=True),
    "adadelta": lambda w: torch.optim.Adadelta(w, lr=0.001, rho=0.7, weight_decay=0.1),
    "nadam": lambda w: torch.optim.NAdam(w, lr=0.001, betas=(0.8, 0.7), weight_decay=0.1),
    "rprop": lambda w: torch.optim.Rprop(w, lr=0.001),
    "lbfgs": lambda w: torch.optim.LBFGS(w, lr=0.001, max_iter=1, max_eval=26, line_search_fn="strong_wolfe"),
}


def engine(given: Given | None = None, **settings: Any) -> Race:
    return finish(Race(RaceSettings.model_validate(settings), given or Given()))


def finish(made: Race) -> Race:
    for _ in range(10_000):
        if made.tend() is None:
            return made
    raise AssertionError("never done")


def play(made: Race) -> Race:
    while made.advance():
        pass
    return made


def lane(rule: str, **more: Any) -> Lane:
    return Lane.model_validate({"rule": rule, **more})


def at(name: str, place: Any) -> float:
    return float(SURFACES[name].function(*torch.tensor(place, dtype=torch.float64)))


def slope(name: str, place: Any) -> np.ndarray[Any, Any]:
    where = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(SURFACES[name].function(*where), where)[0].numpy()


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_has_its_published_minima(name: str) -> None:
    surface = SURFACES[name]
    for place in surface.minima:
        assert surface.least is not None
        assert at(name, place) == pytest.approx(surface.least, abs=2e-10 if name != "bukin" else 1e-6)
        # SciPy, without our gradients, finds nothing lower close by
        found = minimize(lambda p: at(name, p), place, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert found.fun >= surface.least - 1e-9
        np.testing.assert_allclose(found.x, place, atol=2e-4)
    if name in SMOOTH:
        for place in surface.minima + surface.other:
            np.testing.assert_allclose(slope(name, place), 0, atol=1e-4)
    lowest = np.nanmin(Classic(RaceSettings.model_validate({"surface": name})).field)
    assert surface.least is None or lowest >= surface.least


def test_surfaces_are_what_is_published_elsewhere_too() -> None:
    assert at("rosenbrock", (-1.2, 1.0)) == pytest.approx(24.2)  # Moré, Garbow and Hillstrom 1981, problem 1
    assert at("rosenbrock", (0.3, -0.7)) == pytest.approx(float(rosen([0.3, -0.7])))
    assert at("beale", (1.0, 1.0)) == pytest.approx(14.203125)  # the same, problem 5
    assert at("himmelblau", (-0.270845, -0.923039)) == pytest.approx(181.617, abs=1e-3)
    assert at("camel", (0.0898, -0.7126)) == pytest.approx(-1.0316, abs=1e-4)
    assert at("styblinski_tang", (-2.903534, -2.903534)) / 2 == pytest.approx(-39.16617, abs=1e-5)
    assert at("easom", (math.pi, math.pi)) == -1
    assert at("booth", (0.0, 0.0)) == 74
    assert at("bukin", (-10.0, 0.0)) == 100
    assert at("monkey_saddle", (1.0, 1.0)) == -2
    corners = float(SURFACES["bowl"].function(torch.tensor(3.0), torch.tensor(2.0), condition=50.0))  # type: ignore[call-arg]
    assert corners == (9 + 50 * 4) / 2


@pytest.mark.parametrize("name", SURFACES)
def test_slopes_are_those_of_finite_differences(name: str) -> None:
    (left, right), (bottom, top) = SURFACES[name].box
    for share in (0.13, 0.41, 0.77):
        place = (left + share * (right - left), bottom + (1 - share) * (top - bottom) * 0.9)
        error = check_grad(lambda p: at(name, p), lambda p: slope(name, p), place, epsilon=1e-7)
        assert error < 1e-5 * (1 + np.abs(slope(name, place)).max())


def test_the_field_has_the_loss_at_each_middle_with_the_top_row_first() -> None:
    field = engine(surface="beale").frame().arrays["field"]
    across, up = middles((-4.5, 4.5)), middles((-4.5, 4.5))[::-1]
    for row, column in ((0, 0), (13, 88), (99, 42)):
        assert field[row, column] == pytest.approx(at("beale", (across[column], up[row])))


def hand(optimizer: torch.optim.Optimizer, place: Tensor, loss: Any, steps: int, factor: Any = lambda _: 1.0) -> Tensor:
    rate, ways = optimizer.param_groups[0]["lr"], [place.detach().clone()]
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * factor(step)

        def closure(step: int = step) -> Tensor:
            optimizer.zero_grad()
            found: Tensor = loss(place[0], step)
            found.backward()
            return found

        optimizer.step(closure)  # type: ignore[arg-type]
        ways.append(place.detach().clone())
    return torch.cat(ways)


@pytest.mark.parametrize("noise", [0.0, 3.0])
@pytest.mark.parametrize("rule", BY_HAND)
def test_a_path_is_torch_optims_to_the_bit(rule: RuleName, noise: float) -> None:
    decay = 0.0 if rule in ("rprop", "lbfgs") else 0.1
    set_so = lane(rule, rate=0.001, momentum=0.8, squares=0.7, weight_decay=decay)
    made = engine(surface="beale", steps=FIRST, lanes=(set_so.model_dump(),), noise=noise, start=(-1.0, 0.5), seed=4)
    place = torch.tensor([[-1.0, 0.5]], dtype=torch.float64, requires_grad=True)
    random = torch.Generator().manual_seed(derive(4, "noise"))
    drawn = noise * torch.randn(FIRST, 2, generator=random, dtype=torch.float64)

    def loss(at: Tensor, step: int) -> Tensor:
        height = SURFACES["beale"].function(at[0], at[1])
        return height + (drawn[step] * at).sum() if noise else height

    expected = hand(BY_HAND[rule]([place]), place, loss, FIRST)
    frame = made.frame()
    np.testing.assert_array_equal(frame.arrays["places"][0], expected.numpy())
    np.testing.assert_allclose(frame.arrays["losses"][0], [at("beale", p) for p in expected.tolist()], rtol=1e-14)
    told = frame.values["lanes"][0]
    assert told["evaluations"] == FIRST if rule != "lbfgs" else told["evaluations"] > FIRST


def test_gradient_descent_on_a_bowl_is_its_closed_form() -> None:
    made = engine(surface="bowl", condition=10.0, lanes=({"rule": "sgd", "rate": 0.15},), start=(2.0, -1.0), steps=200)
    times = np.arange(FIRST + 1)
    expected = np.stack([2 * 0.85**times, -((1 - 1.5) ** times)], axis=1)
    np.testing.assert_allclose(made.frame().arrays["places"][0], expected, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(made.frame().arrays["gradients"][0], expected * [1, 10], rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
def test_steps_grow_from_the_bound_on_that_is_told(rule: RuleName) -> None:
    bound = stable_below(lane(rule), 20.0)
    assert bound is not None
    told = engine(surface="bowl", condition=20.0, lanes=({"rule": rule},)).frame().values
    assert told["sharpness"] == pytest.approx(20.0)
    assert told["lanes"][0]["stable"] == pytest.approx(bound)
    for share, fate in ((0.97, "runs"), (1.03, "far")):
        made = engine(surface="bowl", condition=20.0, lanes=({"rule": rule, "rate": share * bound},), steps=2000)
        made.wanted = 2000
        ended = finish(made).frame().values["lanes"][0]
        assert ended["fate"] == fate
        assert (ended["loss"] < 1e-6) is (fate == "runs")
    assert stable_below(lane("adam"), 20.0) is None
    assert stable_below(lane("sgd"), -1.0) is None


def test_a_slope_that_is_no_number_is_told() -> None:
    made = engine(surface="bukin", start=(-5.0, 0.25), lanes=({"rule": "sgd"}, {"rule": "adam"}))  # on the sharp bottom
    frame = made.frame()
    assert [each["fate"] for each in frame.values["lanes"]] == ["nan", "nan"]
    assert encode(frame, 1, playing=False)
    assert not made.advance()
    assert not made.step()


def test_who_leaves_a_saddle_downhill_has_arrived() -> None:
    made = play(engine(surface="saddle"))
    for told in made.frame().values["lanes"]:
        assert told["row"] is None or (told["fate"] == "left" and told["arrived"] is not None and told["away"] is None)
    on_axis = play(engine(surface="saddle", start=(-1.8, 0.0), lanes=({"rule": "sgd"},)))
    (told,) = on_axis.frame().values["lanes"]
    assert (told["arrived"], told["kind"]) == (None, "saddle")


def test_the_same_settings_give_the_same_bits_however_they_are_run() -> None:
    noisy: dict[str, Any] = {"surface": "himmelblau", "noise": 2.0, "seed": 3, "schedule": "cosine", "steps": 200}
    played = play(engine(**noisy))
    stepped = engine(**noisy)
    stepped.reset()
    assert stepped.frame().arrays["places"].shape[1] == 1
    while stepped.step():
        pass
    for name, array in played.frame().arrays.items():
        np.testing.assert_array_equal(array, stepped.frame().arrays[name])
    assert played.frame().values == stepped.frame().values


def test_a_lane_that_changes_runs_anew_and_the_others_stay() -> None:
    made = engine(surface="rosenbrock")
    before = dict(made.paths)
    changed = list(made.settings.lanes)
    changed[0] = changed[0].model_copy(update={"rate": 0.0005})
    changed[3] = changed[3].model_copy(update={"on": False})
    made.change(made.settings.model_copy(update={"lanes": tuple(changed)}))
    finish(made)
    assert set(made.paths) == set(before) - {3}
    assert all((made.paths[number] is before[number]) is (number != 0) for number in made.paths)
    assert made.paths[0].step == FIRST
    alone = engine(surface="rosenbrock", lanes=(changed[0].model_dump(),))
    np.testing.assert_array_equal(alone.paths[0].places, made.paths[0].places)


def test_somebody_must_run() -> None:
    made = engine()
    before = made.settings
    nobody = tuple(each.model_copy(update={"on": False}) for each in before.lanes)
    with pytest.raises(RefusedError, match="nobody"):
        made.change(before.model_copy(update={"lanes": nobody}))
    made.change(before)
    assert len(finish(made).paths) == 7
    assert made.advance()


def test_another_surface_brings_its_own_start_goal_and_rates() -> None:
    made = engine(surface="rosenbrock", start=(0.0, 0.0), goal=5.0, lanes=({"rule": "sgd", "rate": 0.123},))
    made.change(made.settings.model_copy(update={"surface": "booth"}))
    values = finish(made).frame().values
    assert (values["start"], values["goal"]) == ((-8.0, -6.0), 0.01)
    assert values["lanes"][0]["rate"] == 0.02
    both = engine(surface="rosenbrock").settings.model_copy(update={"surface": "booth", "start": (1.0, 1.0)})
    made.change(both)
    assert finish(made).frame().values["start"] == (1.0, 1.0)


def test_the_order_is_by_arrival_then_by_loss_and_astray_comes_last() -> None:
    lanes = ({"rule": "sgd", "rate": 1.0}, {"rule": "sgd", "rate": 1e-5}, {"rule": "sgd", "rate": 0.01},
             {"rule": "sgd", "rate": 0.02})  # fmt: skip
    values = play(engine(surface="booth", lanes=lanes, steps=150)).frame().values
    assert values["order"] == [3, 2, 1, 0]
    assert values["over"]
    assert values["lanes"][3]["kind"] == "minimum"
    assert values["lanes"][1]["kind"] == "not a critical point"
    x, y = values["lanes"][1]["place"]
    assert values["lanes"][1]["away"] == pytest.approx(math.hypot(x - 1, y - 3))


def run_program(made: Race) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "program"}
    exec(made.sources()["pytorch"], namespace)
    ends: dict[str, Any] = namespace["ends"]
    return ends


def ends_of(made: Race) -> dict[str, Any]:
    values = play(made).frame().values
    return {
        f"{number + 1} {made.settings.lanes[number].rule}": told["place"]
        for number, told in enumerate(values["lanes"])
        if told.get("fate") == "runs"
    }


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "one-cycle", "step"])
@pytest.mark.parametrize(("surface", "noise"), [("ackley", 0.0), ("bowl", 0.5)])
def test_the_program_ends_where_the_race_ends(schedule: ScheduleName, surface: str, noise: float) -> None:
    rules: tuple[RuleName, ...] = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "lbfgs", "nadam")
    lanes = tuple({"rule": rule, "momentum": 0.7} for rule in rules)
    made = engine(surface=surface, schedule=schedule, noise=noise, steps=40, lanes=lanes, seed=2)
    found = ends_of(made)
    assert len(found) == 8
    assert run_program(made) == found


@pytest.mark.parametrize("more", [{}, {"directions": "principal"}, {"batch": 8}])
def test_the_program_of_a_slice_ends_where_the_race_ends(more: dict[str, Any]) -> None:
    made = engine(surface="network", steps=15, lanes=({"rule": "sgd"}, {"rule": "adam"}, {"rule": "lbfgs"}), **more)
    found = ends_of(made)
    assert len(found) == 3
    assert run_program(made) == found


def own_loss(network: nn.Module, made: Slice, x: float, y: float) -> Tensor:
    """Return the loss of a copy of the network whose weights were really moved, which gradients flow back into."""
    moved = copy.deepcopy(network).double().eval()
    d, e = made.directions
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            parameter.add_(x * d[name] + y * e[name])
    loss = F.cross_entropy(moved(made.objective.inputs), made.objective.targets)
    loss.backward()
    made.moved = moved  # type: ignore[attr-defined]
    return loss


@pytest.mark.parametrize("directions", ["random", "principal"])
def test_a_slice_is_the_networks_loss_and_its_slope_the_projected_gradient(directions: str) -> None:
    made = engine(surface="network", directions=directions, steps=20)
    ground = made.ground
    assert isinstance(ground, Slice)
    frame = made.frame()
    lane_0 = frame.values["lanes"][0]
    for x, y, loss, gradient in (
        (*frame.arrays["places"][0, step], frame.arrays["losses"][0, step], frame.arrays["gradients"][0, step])
        for step in (0, 7, lane_0["step"])
    ):
        expected = own_loss(ground.objective.network, ground, x, y)
        assert loss == pytest.approx(expected.item(), rel=1e-10)
        slopes = {name: each.grad for name, each in ground.moved.named_parameters()}  # type: ignore[attr-defined]
        projected = [sum(float((slopes[name] * along[name]).sum()) for name in slopes) for along in ground.directions]
        np.testing.assert_allclose(gradient, projected, rtol=1e-8, atol=1e-12)
    field, side = frame.arrays["field"], len(ground.field)
    for row, column in ((0, 0), (side // 2, side // 2), (7, 40)):
        x, y = middles(ground.box[0], side)[column], middles(ground.box[1], side)[side - 1 - row]
        assert field[row, column] == pytest.approx(own_loss(ground.objective.network, ground, x, y).item(), rel=1e-8)
    (lowest,) = ground.minima
    assert ground.loss(torch.tensor(lowest, dtype=torch.float64)).item() == pytest.approx(field.min(), rel=1e-8)
    assert not np.isnan(field).any()


def test_a_step_on_a_batch_sees_that_batch_alone() -> None:
    made = engine(surface="network", batch=5, steps=10, seed=1)
    ground = made.ground
    assert isinstance(ground, Slice)
    place = torch.tensor([0.2, -0.3], dtype=torch.float64)
    whole = ground.loss(place)
    batches = torch.stack([ground.loss(place, step) for step in range(10)])
    assert len(set(batches.tolist())) == 10
    torch.testing.assert_close(ground.loss(place, 3), batches[3])
    objective = ground.objective
    alone = [
        F.cross_entropy(objective.network(objective.inputs[[n]]), objective.targets[[n]]) for n in range(ground.rows)
    ]
    here = ground.loss(torch.zeros(2, dtype=torch.float64))
    assert torch.stack(alone).mean().item() == pytest.approx(here.item(), rel=1e-10)
    assert whole.item() == pytest.approx(own_loss(objective.network, ground, 0.2, -0.3).item(), rel=1e-10)


def test_the_trainings_own_way_lies_on_its_principal_plane() -> None:
    made = engine(surface="network", directions="principal")
    frame = made.frame()
    way = frame.arrays["way"]
    assert len(way) == 21
    assert frame.values["ground"]["explained"] > 0.9
    np.testing.assert_allclose(way[-1], 0, atol=1e-6)
    np.testing.assert_allclose(frame.values["start"], way[0], rtol=1e-3)
    (left, right), (bottom, top) = frame.values["box"]
    assert ((way > [left, bottom]) & (way < [right, top])).all()


def test_the_network_and_data_that_were_given_are_sliced_and_left_alone() -> None:
    model = build("4 -> fc(5) -> relu -> dropout(0.5) -> fc(3)").train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    made = engine(Given(model=model, data=load("iris")), surface="network", steps=20)
    told = made.frame().values
    assert told["ground"]["weights"] == sum(each.numel() for each in model.parameters())
    assert told["given"]
    assert model.training
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert made.identity()["data"] == load("iris").source.sha256
    with pytest.raises(RefusedError, match="no_states"):
        made.change(made.settings.model_copy(update={"directions": "principal"}))
    chosen = engine(Given(data=load("wine")), surface="network", steps=10)
    assert chosen.frame().values["ground"]["name"] == "wine"


def test_a_slice_is_kept_while_nothing_changes_it() -> None:
    made = engine(surface="network")
    ground, first = made.ground, made.frame()
    made.reset()
    assert made.ground is ground
    assert made.frame().values["step"] == 0
    made.change(made.settings.model_copy(update={"batch": 4, "start": (0.5, 0.5)}))
    assert made.ground is ground
    made.change(made.settings.model_copy(update={"seed": 9}))
    assert finish(made).ground is not ground
    made.change(made.settings.model_copy(update={"batch": 0, "start": None, "seed": 0}))
    made.wanted = first.values["step"]
    for name, array in finish(made).frame().arrays.items():
        np.testing.assert_array_equal(array, first.arrays[name])
    with pytest.raises(RefusedError, match="no_run"):
        made.change(made.settings.model_copy(update={"of": "run", "run": "none"}))
    made.change(made.settings.model_copy(update={"of": None, "run": ""}))
    assert made.advance()


def test_what_has_no_loss_is_refused() -> None:
    generation = Given(data=load("moons", task="generation"))
    with pytest.raises(RefusedError, match="nothing_given"):
        engine(surface="network", of="given")
    with pytest.raises(RefusedError, match="no_loss"):
        engine(generation, surface="network", of="given")
    assert engine(generation, surface="network").frame().values["ground"]["of"] == "small"
    with pytest.raises(RefusedError, match="no_fit"):
        engine(Given(model=nn.Linear(7, 3), data=load("iris")), surface="network")
    with pytest.raises(RefusedError, match="no_run"):
        engine(surface="network", of="run", run="../../etc")


@pytest.mark.slow
def test_a_run_is_sliced_with_its_best_weights(tmp_path: Path) -> None:
    run = pellucid.train(
        "iris", network="4 -> fc(6) -> tanh -> fc(3)", epochs=3, folder=str(tmp_path), name="first", quiet=True
    )
    made = engine(Given(runs=tmp_path), surface="network", of="run", run="first", steps=20)
    ground = made.ground
    assert isinstance(ground, Slice)
    for name, weights in run.model().state_dict().items():
        torch.testing.assert_close(ground.objective.weights[name], weights.double(), rtol=0, atol=0)
    assert made.frame().values["runs"] == ["first"]
    assert run_program(made) == ends_of(made)


def status(page: Any) -> str:
    return str(page.evaluate("document.querySelector('.status').textContent"))


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("race")
    told = "document.querySelector('.status').textContent"
    studio_page.until(page, f"{told}.includes('step 150 of 300')")
    page.keyboard.press("s")
    studio_page.until(page, f"{told}.includes('step 151')")
    page.keyboard.press("r")
    studio_page.until(page, f"{told}.includes('step 0 ')")
    page.keyboard.press("Space")
    studio_page.until(page, f"Number({told}.match(/step (\\d+)/)[1]) > 12")
    page.keyboard.press("Space")
    studio_page.until(page, "document.querySelector('#play').textContent.includes('Play')")
    # the start, by cursor keys and Enter
    page.focus("race-field canvas")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    studio_page.until(page, "document.querySelector('#control-start_x').value === '-1.6'")
    assert page.evaluate("document.querySelector('#control-start_y').value") == "1.2"
    page.keyboard.press("Enter")
    studio_page.until(page, "!document.querySelector('#tip').hidden")
    page.keyboard.press("Escape")
    # an optimiser off: its path, its line and its place in the order go
    paths = "document.querySelector('race-field').race.paths.map((path) => path.name).join()"
    assert "Adagrad" in page.evaluate(paths)
    page.focus("#lane-3")
    page.keyboard.press("Space")
    studio_page.until(page, f"!{paths}.includes('Adagrad')")
    assert "Adagrad" not in page.evaluate("document.querySelector('.verdict ol').textContent")
    # a rate that diverges is explained
    page.fill("tbody tr:nth-child(1) td input", "0.1")
    page.keyboard.press("Tab")
    page.wait_for_selector(".verdict .notice.bad")
    studio_page.until(page, "document.querySelector('tbody tr').textContent.includes('diverged')")
    assert "SGD" in page.evaluate("document.querySelector('.verdict ol li:last-child').textContent")
    page.fill("tbody tr:nth-child(2) td input", "-1")
    page.keyboard.press("Tab")
    page.wait_for_selector(".lanes .refused")
    studio_page.check(page)


@pytest.mark.slow
def test_on_a_phone_the_optimisers_stand_one_below_the_other(studio_page: StudioPages) -> None:
    page = studio_page("race", language="zh", width=360)
    wide = page.locator(".lanes .wide")
    assert wide.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    heads = wide.locator("thead th").all_text_contents()
    cells = "(row) => [...row.querySelectorAll('td')].map((cell) => cell.dataset.label)"
    assert wide.locator("tbody tr").first.evaluate(cells) == heads[1:]
    # to a screen reader it is the table that it is in a wide window
    reader = page.context.new_cdp_session(page)
    nodes = reader.send("Accessibility.getFullAXTree")["nodes"]
    roles = [str(node.get("role", {}).get("value")) for node in nodes]
    assert [roles.count(role) for role in ("table", "columnheader", "rowheader")] == [1, len(heads), 8]


@pytest.mark.slow
def test_a_step_of_a_path_answers_and_all_is_saved(studio_page: StudioPages, tmp_path: Path) -> None:
    page = studio_page("race", more="&hide=noise")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('step 150')")
    assert not page.query_selector("#control-noise")
    box = page.evaluate(
        "(() => { const f = document.querySelector('race-field'); const p = f.race.paths[1];"
        " const [x, y] = f.toPixels(p.x[90], p.y[90]); const r = f.canvas.getBoundingClientRect();"
        " return [r.left + x, r.top + y]; })()"
    )
    page.mouse.move(*box)
    studio_page.until(page, "document.querySelector('#tip').textContent.includes('∇')")
    assert "Momentum, step" in page.evaluate("document.querySelector('#tip').textContent")
    page.fill("#control-look", "5")
    studio_page.until(page, "document.querySelector('race-field').race.paths[0].x.length === 6")
    page.select_option("#control-guess", label="L-BFGS")
    page.fill("#control-steps", "60")
    page.keyboard.press("Tab")
    studio_page.until(page, "document.querySelector('.verdict .notice')?.textContent.includes('L-BFGS won')")
    with page.expect_download() as saved:
        page.click("figure[data-name=race] .saving button:nth-child(1)")
    saved.value.save_as(tmp_path / "race.svg")
    text = (tmp_path / "race.svg").read_text()
    assert all(name in text for name in ("SGD", "Momentum", "L-BFGS"))
    assert text.count("<polyline") > 7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "language", "theme", "surface"),
    [(360, "en", "light", "network"), (1280, "zh", "dark", "saddle"), (2560, "en", "dark", "rosenbrock")],
)
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str, surface: str) -> None:
    page = studio_page("race", language=language, theme=theme, width=width)
    page.select_option("#control-surface", surface)
    filled = "document.querySelector('race-field').race.contours.length > 0"
    studio_page.until(page, f"{filled} && !document.querySelector('.over [role=status]')")
    studio_page.check(page)
