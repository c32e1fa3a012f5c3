"""The Hopfield exhibit: its recall against the formula in NumPy, its names, its programs, its page by keyboard."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid.blocks import Hopfield
from pellucid.seed import generator
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.hopfield.asked import Clear, Forget, HopfieldSettings, Keep, Paint
from pellucid.studio.exhibits.hopfield.capacity import COUNTS, Capacity
from pellucid.studio.exhibits.hopfield.engine import MOST_SWEEPS, Memory
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E7")

SAID = "document.querySelector('#named').textContent"
STRINGS = Path("src/pellucid/studio/exhibits/hopfield/strings.json")


def engine(**settings: object) -> Memory:
    return Memory(HopfieldSettings.model_validate(settings), Given())


def ended(made: Memory) -> Memory:
    while made.advance():
        pass
    return made


@pytest.mark.parametrize("preset", ["letters", "digits", "random"])
def test_couplings_and_energies_are_those_of_the_formulas(preset: str) -> None:
    made = engine(preset=preset, count=6)
    patterns = made.frame().arrays["patterns"].reshape(6, 64).astype(float)
    couplings = patterns.T @ patterns / 64
    np.fill_diagonal(couplings, 0)
    np.testing.assert_allclose(made.frame().arrays["weights"], couplings, atol=1e-6)
    for _ in range(70):
        made.advance()
        frame = made.frame()
        state = frame.arrays["state"].flatten().astype(float)
        assert frame.values["energy"] == pytest.approx(-state @ couplings @ state / 2, abs=1e-4)
        np.testing.assert_allclose(frame.arrays["fields"], couplings @ state, atol=1e-5)
        np.testing.assert_allclose(frame.arrays["overlaps"][-1], patterns @ state / 64, atol=1e-6)


def test_an_update_changes_its_unit_alone_and_the_energy_never_rises() -> None:
    made = engine(preset="random", count=14, share=0.5)
    while True:
        before, goes_on = made.state_N.clone(), made.advance()
        assert set((before != made.state_N).nonzero().flatten().tolist()) <= {made.unit}
        if not goes_on:
            break
    assert made.frame().values["rests"]
    assert np.diff(made.frame().arrays["energies"]).max() <= 1e-9


@pytest.mark.parametrize("memory", ["hebbian", "pseudo-inverse"])
@pytest.mark.parametrize("damage", ["flip", "hide_left", "hide_bottom"])
def test_unit_by_unit_it_ends_where_the_network_does(memory: str, damage: str) -> None:
    made = engine(memory=memory, damage=damage, count=5, seed=3)
    network = Hopfield(64, 5, memory)
    network.store(made.patterns_PN)
    expected = network.recall(made.state_N[None], generator(3, "order"))[0]
    assert torch.equal(ended(made).state_N, expected)


def test_what_it_ended_in_is_named() -> None:
    values = ended(engine(count=3)).frame().values
    assert (values["kind"], values["named"], values["wrong"]) == ("stored", [0], 0)
    negative = engine(count=3)
    for cell, value in enumerate(negative.patterns_PN[1].tolist()):
        negative.act(Paint(kind="paint", cell=cell, value=-1 if value > 0 else 1))
    frame = ended(negative).frame()
    assert (frame.values["kind"], frame.values["named"]) == ("negative", [1])
    mixture = engine(preset="random", count=3)
    for cell, value in enumerate(mixture.patterns_PN.sum(0).sign().tolist()):
        mixture.act(Paint(kind="paint", cell=cell, value=1 if value > 0 else -1))
    frame = ended(mixture).frame()
    assert (frame.values["kind"], sorted(frame.values["named"])) == ("mixture", [0, 1, 2])


def test_updated_at_once_two_units_may_answer_each_other_for_ever() -> None:
    made = engine(preset="own", own=("8000000000000000",), update="synchronous")
    made.act(Clear(kind="clear"))
    one = made.patterns_PN[0]
    # half right, half wrong: of an even split every field is 0 but for the unit's own share, which is its opposite
    for cell, value in enumerate(one.tolist()):
        made.act(Paint(kind="paint", cell=cell, value=1 if (value > 0) == (cell < 32) else -1))
    frame = ended(made).frame()
    assert frame.values["kind"] == "cycle"
    assert frame.values["stopped"]
    assert frame.values["sweeps"] == MOST_SWEEPS


def test_the_modern_network_finds_what_its_sharpness_tells_apart() -> None:
    sharp = ended(engine(preset="digits", count=10, memory="modern", beta=1.0, damage="hide_left")).frame()
    assert (sharp.values["kind"], sharp.values["named"]) == ("stored", [0])
    assert sharp.arrays["shares"].sum() == pytest.approx(1)
    assert "weights" not in sharp.arrays
    blunt = ended(engine(preset="digits", count=10, memory="modern", beta=0.01)).frame()
    assert blunt.values["kind"] == "mixture"


def test_drawing_storing_and_forgetting() -> None:
    made = engine(count=2)
    with pytest.raises(RefusedError, match="unknown"):
        engine(damage="hide_top").act(Keep(kind="keep"))
    made.act(Clear(kind="clear"))
    made.act(Paint(kind="paint", cell=9, value=1))
    made.act(Keep(kind="keep"))
    assert (made.settings.preset, made.settings.count, made.cue) == ("own", 3, 2)
    assert made.frame().arrays["patterns"][2].sum() == 1 - 63
    again = Memory(HopfieldSettings.model_validate_json(made.settings.model_dump_json()), Given())
    np.testing.assert_array_equal(again.frame().arrays["state"], made.frame().arrays["state"])
    for _ in range(2):
        made.act(Forget(kind="forget", index=0))
    with pytest.raises(RefusedError, match="last"):
        made.act(Forget(kind="forget", index=0))


def test_the_capacity_is_measured_in_pieces_and_belongs_to_the_settings() -> None:
    made = engine(share=0.0, beta=0.1)
    made.tend()
    assert not made.frame().values["measured"]
    while not made.frame().values["measured"]:
        assert made.tend() == 0.0
    assert made.tend() is None
    errors = made.frame().values["errors"]
    at = {memory: dict(zip(COUNTS, each, strict=False)) for memory, each in errors.items()}
    assert at["hebbian"][4] < 0.01  # 0.138 N lies between
    assert at["hebbian"][23] > 0.15
    assert set(errors["pseudo-inverse"]) == {0.0}  # every stored pattern is a fixed point
    assert at["modern"][16] < 0.01
    assert at["modern"][512] > 0.3
    made.change(made.settings.model_copy(update={"memory": "modern"}))
    assert made.frame().values["measured"]
    made.change(made.settings.model_copy(update={"beta": 0.25}))
    assert not made.frame().values["measured"]


def test_the_error_is_that_of_the_formulas() -> None:
    share, beta = 0.25, 0.12
    measured = Capacity(64, share, beta, 3)
    while len(measured.errors["modern"]) <= COUNTS.index(128):
        measured.go_on()
    stream = np.random.default_rng(0)
    wrong = []
    for _ in range(20):
        patterns = stream.choice([-1.0, 1.0], (128, 64))
        states = patterns[:50].copy()
        for state in states:
            state[stream.permutation(64)[: round(share * 64)]] *= -1
        for _ in range(20):
            logits = beta * states @ patterns.T
            weights = np.exp(logits - logits.max(1, keepdims=True))
            states = weights / weights.sum(1, keepdims=True) @ patterns
        wrong.append((np.sign(states) != patterns[:50]).mean())
    assert measured.errors["modern"][COUNTS.index(128)] == pytest.approx(
        np.mean(wrong), abs=4 * np.std(wrong) / 10**0.5
    )


@pytest.mark.parametrize("update", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("memory", ["hebbian", "pseudo-inverse", "modern"])
def test_the_program_recalls_the_same(memory: str, update: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = engine(memory=memory, update=update, beta=1.0, damage="hide_left")
    namespace: dict[str, torch.Tensor] = {}
    exec(made.sources()["pytorch"], namespace)
    np.testing.assert_allclose(namespace["overlaps"], ended(made).frame().arrays["overlaps"][-1], atol=1e-3)
    assert "tensor" in capsys.readouterr().out
    assert ("modernhopfield" if memory == "modern" else "hopfield(3") in made.sources()["arrows"]


def test_both_languages_say_everything() -> None:
    words = json.loads(STRINGS.read_text(encoding="utf-8"))
    assert words["en"].keys() == words["zh"].keys()
    kinds = re.findall(r"kind\.(\w+)", " ".join(words["en"]))
    assert set(kinds) == set(Hopfield.KINDS)


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("hopfield")
    page.keyboard.press("Space")
    studio_page.until(page, "document.querySelector('.exhibit').textContent.includes('It rests')", 20)
    assert "stored picture A" in page.evaluate(SAID)
    page.focus("#pixels-state [data-cell='0,0']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    studio_page.until(page, "document.querySelector('.status').textContent.startsWith('0 updates')")
    studio_page.until(page, "document.querySelector('[data-cell=\"1,1\"]').ariaLabel.includes('x = 1')")
    page.get_by_role("button", name="Store this").press("Enter")
    studio_page.until(page, "document.querySelectorAll('.patterns li').length === 4")
    held = "document.querySelector('figure[data-name=capacity] line-chart .unseen').textContent"
    studio_page.until(page, f"{held}.includes('up to 2048 pictures')", 20)
    page.get_by_role("button", name="Clear").press("Enter")
    page.get_by_role("button", name="Forget 1").press("Enter")
    studio_page.until(page, "document.querySelectorAll('.patterns li').length === 3")


@pytest.mark.slow
def test_drawing_with_the_pointer(studio_page: StudioPages) -> None:
    page = studio_page("hopfield", language="zh")
    page.get_by_role("button", name="清空").click()
    studio_page.until(page, "document.querySelector('[data-cell=\"0,3\"]').ariaLabel.includes('x = −1')")
    first, last = (page.locator(f"[data-cell='{place}']").bounding_box() for place in ("2,1", "2,6"))
    assert first
    assert last
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + 5, last["y"] + 5, steps=20)
    page.mouse.up()
    for column in range(1, 7):
        studio_page.until(page, f"document.querySelector('[data-cell=\"2,{column}\"]').ariaLabel.includes('x = 1')")


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str) -> None:
    page = studio_page("hopfield", language=language, theme=theme, width=width)
    page.keyboard.press("s")
    studio_page.check(page)
    page.select_option("#control-memory", "modern")
    studio_page.until(page, "document.querySelector('#control-beta') !== null")
    studio_page.check(page)
