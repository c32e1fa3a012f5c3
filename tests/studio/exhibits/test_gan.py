"""The GAN lab: its steps against pellucid's own training, its figures against NumPy, its page by keyboard alone."""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import entropy, norm

from pellucid.data import load
from pellucid.errors import PellucidError
from pellucid.recipe import AdversarialLossName, Recipe
from pellucid.seed import generator
from pellucid.studio.channel import encode
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.gan import picture
from pellucid.studio.exhibits.gan.engine import GanLab
from pellucid.studio.exhibits.gan.program import program
from pellucid.studio.exhibits.gan.settings import Draw, GanSettings, Preset
from pellucid.training import begin, steps
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E8")

LOSSES: tuple[AdversarialLossName, ...] = ("minimax", "non-saturating", "hinge", "wasserstein")


def engine(given: Given | None = None, **settings: Any) -> GanLab:
    return GanLab(GanSettings.model_validate(settings), given or Given())


def advance(made: GanLab, count: int) -> GanLab:
    for _ in range(count):
        assert made.advance()
    return made


def weights(made: GanLab) -> dict[str, torch.Tensor]:
    return made.duel.gan.state_dict()


@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein"])
def test_its_steps_are_those_of_pellucid_train(loss: AdversarialLossName) -> None:
    chain = "fc(8) -> relu"
    made = advance(
        engine(data="moons", loss=loss, generator=f"{chain} -> fc(2)", discriminator=f"{chain} -> fc(1)", seed=3), 6
    )
    recipe = Recipe(
        epochs=3, batch_size=128, seed=3, optimizer="adam", learning_rate=0.001, weight_decay=0.0, warmup=0.0,
        schedule="constant", adversarial_loss=loss, critic_steps=1, gradient_penalty=0.1, device="cpu",
    )  # fmt: skip
    arrows = f"2 -> gan(generator: code(2) -> {chain} -> fc(2) | discriminator: {chain} -> fc(1))"
    session = begin(load("moons", task="generation"), arrows, recipe).session
    for _ in steps(session):
        if session.progress.step == 6:
            break
    expected = session.network.gan1.state_dict()  # type: ignore[union-attr]
    for name, tensor in weights(made).items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=0)


def test_the_same_settings_give_the_same_bits() -> None:
    one, other = (advance(engine(seed=5), 25).frame() for _ in range(2))
    again = advance(engine(seed=5), 3)
    again.reset()
    third = advance(again, 25).frame()
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name])
        np.testing.assert_array_equal(array, third.arrays[name])


def test_slow_shows_both_halves_of_a_step_apart() -> None:
    slow, quick = engine(), advance(engine(), 2)
    shown = [slow.frame()]
    for _ in range(4):
        assert slow.slow_step()
        shown.append(slow.frame())
    assert [each.values["moved"] for each in shown[1:]] == ["discriminator", "generator"] * 2
    for before, after in itertools.pairwise(shown):
        is_discriminators = after.values["moved"] == "discriminator"
        assert np.array_equal(before.arrays["made"], after.arrays["made"]) is is_discriminators
        assert np.array_equal(before.arrays["field"], after.arrays["field"]) is not is_discriminators
    np.testing.assert_array_equal(shown[-1].arrays["made"], quick.frame().arrays["made"])
    np.testing.assert_array_equal(shown[-1].arrays["field"], quick.frame().arrays["field"])


def test_a_step_is_a_whole_one() -> None:
    stepped, begun, quick = engine(), engine(), advance(engine(), 2)
    assert stepped.step()
    assert begun.slow_step()
    assert begun.step()  # what is left of it
    for made in (stepped, begun):
        assert made.duel.step == 1
        assert made.step()
        assert made.moved == "both"
        for name in ("made", "field"):
            np.testing.assert_array_equal(made.frame().arrays[name], quick.frame().arrays[name])


def test_a_critic_steps_alone_until_it_is_the_generators_turn() -> None:
    made = engine(loss="wasserstein", critic_steps=3)
    told = [made.slow_step() and made.frame().values["moved"] for _ in range(8)]
    assert told == ["discriminator", "discriminator", "discriminator", "generator"] * 2
    told = [made.step() and made.frame().values["moved"] for _ in range(3)]
    assert told == ["discriminator", "discriminator", "both"]


@pytest.mark.parametrize("loss", LOSSES)
def test_both_losses_are_the_written_formulas(loss: AdversarialLossName) -> None:
    made = engine(loss=loss)
    frame = made.frame()
    with torch.no_grad():
        real = made.duel.gan.discriminator(made.points.real).double().numpy()
        fake = made.duel.gan.discriminator(picture.make(made.duel.gan.generator, made.codes)).double().numpy()

    def logistic(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    entropy = -np.log(logistic(real)).mean() - np.log(1 - logistic(fake)).mean()
    hinge = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    expected = {
        "minimax": (entropy, np.log(1 - logistic(fake)).mean()),
        "non-saturating": (entropy, -np.log(logistic(fake)).mean()),
        "hinge": (hinge, -fake.mean()),
        "wasserstein": (fake.mean() - real.mean(), -fake.mean()),
    }[loss]
    told = frame.arrays["discriminator_loss"][0], frame.arrays["generator_loss"][0]
    assert told == pytest.approx(expected, abs=1e-6)


def test_the_field_is_the_discriminator_with_the_top_row_first() -> None:
    made = engine(data="moons")
    frame = made.frame()
    ((left, right), (bottom, top)) = frame.values["box"]
    for row, column in ((0, 0), (10, 70), (99, 99)):
        x = left + (column + 0.5) / 100 * (right - left)
        y = top - (row + 0.5) / 100 * (top - bottom)
        prepared = made.points.data.preprocessing.prepare(torch.tensor([[x, y]]))
        expected = made.duel.gan.discriminator(prepared).item()
        assert frame.arrays["field"][row, column] == pytest.approx(expected, abs=1e-4)


def test_the_pull_is_the_slope_of_each_points_loss() -> None:
    made = advance(engine(), 50)
    made.frame()
    places = picture.make(made.shown.average, made.codes)[:4].double()
    judge = made.shown.discriminator.double()

    def losses(at: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return -torch.log(torch.sigmoid(judge(at)))[:, 0]

    step = 1e-6
    slopes = torch.stack([(losses(places + step * axis) - losses(places - step * axis)) / (2 * step)
                          for axis in torch.eye(2).double()], dim=1)  # fmt: skip
    ends, strength = picture.pull(made.shown, "non-saturating", places)
    torch.testing.assert_close(strength, slopes.norm(dim=1), rtol=1e-4, atol=1e-6)
    directions = torch.nn.functional.cosine_similarity(ends - places, -slopes)
    torch.testing.assert_close(directions, torch.ones(4).double(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("units", "shape"), [(1, (84, 1, 1)), (2, (21, 21, 2)), (5, (21, 21, 5))])
def test_every_cell_of_the_codes_is_hit_equally_often(units: int, shape: tuple[int, int, int]) -> None:
    codes = picture.grid_of_codes(units)
    assert codes.shape == shape
    shares = np.diff(norm.cdf(codes[:, 0, 0] if units == 1 else codes[0, :, 0]))
    np.testing.assert_allclose(shares, shares[0], rtol=1e-4)
    assert not codes[..., 2:].any()


def test_rates_loss_and_turns_change_while_it_learns() -> None:
    made = advance(engine(data="moons"), 5)
    made.change(made.settings.model_copy(update={"generator_rate": 0.004, "discriminator_rate": 0.002}))
    made.change(made.settings.model_copy(update={"loss": "wasserstein"}))
    assert (made.settings.critic_steps, made.settings.penalty) == (5, 1.0)
    assert made.frame().values["step"] == 5
    advance(made, 1)
    assert made.duel.session.optimizer is not None
    theirs = set(made.duel.gan.generator.parameters())
    for group in made.duel.session.optimizer.param_groups:
        assert group["lr"] == pytest.approx(0.004 if group["params"][0] in theirs else 0.002)


def test_a_drawing_grows_by_marks_that_are_apart() -> None:
    made = engine()
    made.act(Draw(kind="draw", x=1.0, y=1.0, anew=True))
    made.act(Draw(kind="draw", x=1.05, y=1.0))
    made.act(Draw(kind="draw", x=-1.0, y=0.5))
    assert made.settings.data == "drawn"
    assert made.settings.marks == ((1.0, 1.0), (-1.0, 0.5))
    frame = made.frame()
    assert frame.values["modes"] == 2
    assert frame.values["measures"]["modes"] in (0.0, 1.0, 2.0)
    np.testing.assert_allclose(frame.values["box"], [(-3, 3), (-3, 3)], atol=1e-5)
    nearest = np.linalg.norm(frame.arrays["real"][:, None] - np.array(made.settings.marks), axis=2).min(1)
    assert nearest.max() < 6 * 0.08
    made.act(Draw(kind="draw", x=-0.8, y=0.5))  # two brushes that overlap are no modes
    assert made.frame().values["modes"] == 0


def test_data_of_ones_own_are_taken_where_they_are_points() -> None:
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([10.0, 0.1])
    made = engine(Given(data=load(points, task="generation")))
    assert made.settings.data == "given"
    assert made.frame().values["can_be_given"]
    assert {tuple(row) for row in made.frame().arrays["real"].round(4)} <= {
        tuple(row) for row in points.numpy().round(4)
    }
    assert made.identity()
    with pytest.raises(RefusedError, match="no_plane"):
        engine(Given(data=load("iris")), data="given")
    assert engine(Given(data=load("iris"))).settings.data == "ring"


def test_arrows_that_do_not_fit_are_refused_and_the_former_come_back() -> None:
    made = engine(data="moons")
    before = made.settings
    for wrong in ({"generator": "fc(3)"}, {"discriminator": "fc(2)"}, {"generator": "fc(8) -> nonsense -> fc(2)"}):
        with pytest.raises(PellucidError):
            made.change(before.model_copy(update=wrong))
        made.change(before)
        assert made.advance()


def test_a_loss_that_is_no_longer_finite_is_told() -> None:
    made = engine(data="moons")
    with torch.no_grad():
        next(made.duel.gan.discriminator.parameters()).fill_(torch.nan)
    assert not made.advance()
    frame = made.frame()
    assert frame.values["diverged"] == 0
    assert frame.values["findings"] == []
    assert encode(frame, 1, playing=False)
    assert not made.step()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", ["ring", "moons"])
def test_the_program_runs(loss: AdversarialLossName, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = engine(data=data, loss=loss, noise=3, batch_size=16)
    namespace: dict[str, Any] = {"__name__": "program"}
    exec(program(made.duel.plan, made.settings, made.points, steps=3), namespace)
    assert namespace["samples"].shape == (16, 2)
    assert torch.isfinite(namespace["loss"])
    assert capsys.readouterr().out
    assert "code(3)" in made.sources()["arrows"]


def test_modes_reached_are_counted_by_the_entropy_of_the_nearest() -> None:
    made = advance(engine(), 20)
    assert made.step()  # which measures
    codes = torch.randn(2500, 2, generator=generator(0, "modes"))
    places = made.points.in_units(picture.make(made.shown.average, codes))
    centres = made.points.law.centres  # type: ignore[union-attr]
    nearest = np.linalg.norm(places[:, None] - centres[None], axis=2).argmin(1)
    expected = np.exp(entropy(np.bincount(nearest, minlength=8)))
    assert 1.0 < expected < 8.0
    assert made.measures["reached"] == pytest.approx(expected)


@pytest.mark.slow
def test_an_inexact_generator_is_not_called_collapsed() -> None:
    values = advance(engine(data="grid", seed=1), 1000).frame().values
    assert values["measures"]["modes"] < 20
    assert values["measures"]["high_quality"] < 0.1
    assert values["measures"]["reached"] > 20
    assert values["findings"] == []


@pytest.mark.slow
def test_the_ring_is_learned_and_its_modes_counted() -> None:
    made = advance(engine(), 1500)
    values = made.frame().values
    assert values["measures"]["modes"] == 8
    assert values["measures"]["energy_distance"] < 0.02
    assert values["findings"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "cause", "count"),
    [("collapse", "mode-collapse", 3000), ("vanishing", "discriminator-dominates", 1500),
     ("slow", "generator-dominates", 1500)],
)  # fmt: skip
def test_presets_go_wrong_as_they_say(preset: str, cause: str, count: int) -> None:
    made = engine()
    made.act(Preset.model_validate({"kind": "preset", "name": preset}))
    (found,) = advance(made, count).frame().values["findings"]
    assert found["cause"] == cause
    value, reference = found["evidence"]["coverage"]
    assert value < reference


def paint(page: Any) -> str:
    return str(page.evaluate("document.querySelector('warped-field .unseen').textContent"))


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("gan")
    told = "document.querySelector('.status').textContent"
    page.keyboard.press("s")
    studio_page.until(page, f"{told}.includes('both moved')")
    page.keyboard.press("w")
    page.keyboard.press("Space")
    studio_page.until(page, f"{told}.includes('the discriminator moved')")
    studio_page.until(page, f"{told}.includes('the generator moved')")
    page.keyboard.press("w")
    studio_page.until(page, f"Number({told}.match(/step (\\d+)/)[1]) > 40")
    page.keyboard.press("Space")
    studio_page.until(page, "document.querySelector('#play').textContent.includes('Play')")
    assert "energy distance" in paint(page)
    page.select_option("#control-loss", "wasserstein")
    studio_page.until(page, "document.querySelector('#control-critic_steps').value === '5'")
    page.keyboard.press("Escape")
    before = page.evaluate("document.querySelector('field-canvas').toSvg()")
    page.select_option("#control-data", "line")
    studio_page.until(page, f"{told}.includes('step 0')")
    assert page.evaluate("document.querySelector('field-canvas').toSvg()") != before
    page.select_option("#control-data", "drawn")
    page.wait_for_selector(".drawing canvas")
    page.focus(".drawing canvas")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    letters = "new URLSearchParams(location.hash.slice(1)).get('state').replaceAll('-', '+').replaceAll('_', '/')"
    state = f"JSON.parse(atob({letters}))"
    studio_page.until(page, f"{state}.settings.marks.length === 4")
    page.focus("warped-field canvas")
    page.keyboard.press("ArrowUp")
    studio_page.until(page, "!document.querySelector('#tip').hidden")


@pytest.mark.slow
def test_a_wrong_chain_is_told_beside_it(studio_page: StudioPages) -> None:
    page = studio_page("gan", language="zh")
    page.fill("#control-generator", "fc(3)")
    page.keyboard.press("Tab")
    page.wait_for_selector(".control:has(#control-generator) .refused")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("s")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('第 1 步')")


@pytest.mark.slow
def test_the_plane_is_saved_with_all_that_is_on_it(studio_page: StudioPages, tmp_path: Path) -> None:
    page = studio_page("gan")
    with page.expect_download() as saved:
        page.click("figure[data-name=gan] .saving button:nth-child(1)")
    saved.value.save_as(tmp_path / "gan.svg")
    text = (tmp_path / "gan.svg").read_text()
    assert text.count("<polygon") == 400 + 400  # cells of the grid, and made points
    assert len(re.findall(r'<polyline [^>]*stroke-width="1.4"', text)) == 120  # arrows
    assert text.count("<circle") == 400  # real points


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str) -> None:
    page = studio_page("gan", language=language, theme=theme, width=width)
    studio_page.check(page)
