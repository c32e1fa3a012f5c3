"""Recurrent text: its numbers against plain torch, its page by keyboard alone."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pellucid.data import load
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.text.engine import DISTANCE, FIRST_STEPS, LOOK, RecurrentText
from pellucid.studio.exhibits.text.settings import TextSettings
from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.covers("E6")

OWN = "to be, or not to be: that is the question.\n" * 12


def engine(**settings: object) -> RecurrentText:
    small = {"units": 8, "window": 16, "length": 12, "prompt": "The "} | settings
    return RecurrentText(TextSettings.model_validate(small), Given())


def played(made: RecurrentText, rounds: int) -> None:
    """Play for so many rounds, with what is looked at in them."""
    until = made.steps + rounds
    while made.steps < until:
        assert made.advance()


def logits(made: RecurrentText) -> torch.Tensor:
    """Return what the network shown gives at each character, computed layer by layer."""
    embedding, wrapped, dense = made.learners[made.settings.shown].network.children()
    with torch.no_grad():
        states = wrapped.layer(embedding(made.reading.tokens[None]))[0]  # type: ignore[operator]
        found: torch.Tensor = dense(states)[0]
    return found


def test_the_first_frame_is_populated() -> None:
    made = engine()
    frame = made.frame()
    assert frame.values["steps"] == FIRST_STEPS
    assert frame.values["kinds"] == ["rnn", "lstm", "gru"]
    for kind in frame.values["kinds"]:
        losses = frame.arrays[f"loss.{kind}"]
        assert losses[-1] < losses[0] < frame.values["guessing"] + 0.2
        assert frame.arrays[f"reach.{kind}"].shape == (DISTANCE,)
    assert len(frame.arrays["tokens"]) == 4 + 12


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_the_chances_are_torchs(kind: str) -> None:
    made = engine(networks=kind, temperature=0.0)
    assert made.settings.shown == kind
    arrays = made.frame().arrays
    chances_TK = logits(made).softmax(-1)
    tokens = arrays["tokens"]
    for at in range(1, len(tokens)):
        assert arrays["chances"][at] == pytest.approx(float(chances_TK[at - 1, tokens[at]]), abs=1e-6)
        assert arrays["likely"][at] == pytest.approx(chances_TK[at].sort(descending=True).values[:5], abs=1e-6)
    # at temperature 0 each character that was added is the one expected most
    assert tokens[4:].tolist() == arrays["likeliest"][3:-1, 0].tolist()


def test_the_gates_fit_the_formulas() -> None:
    made = engine(shown="lstm", unit=3)
    gate = {name: made.frame().arrays[f"gate.{name}"] for name in "ifgoch"}
    before = np.concatenate([[0.0], gate["c"][:-1]])
    np.testing.assert_allclose(gate["c"], gate["f"] * before + gate["i"] * gate["g"], atol=1e-6)
    np.testing.assert_allclose(gate["h"], gate["o"] * np.tanh(gate["c"]), atol=1e-6)
    made.change(made.settings.model_copy(update={"shown": "rnn", "unit": 0}))
    assert made.frame().values["gates"] == ["h"]


def test_the_reach_is_the_gradients_norm() -> None:
    made = engine(networks="rnn", units=4)  # so few units that no direction is drawn
    embedding, wrapped, _ = made.learners["rnn"].network.children()
    stream = made.data.inputs[made.data.rows["validation"]].flatten()[: 8 * DISTANCE].reshape(8, DISTANCE)
    expected = np.zeros(DISTANCE)
    for row in stream:
        x_TF = embedding(row).detach()
        jacobian: Any = torch.autograd.functional.jacobian(lambda x: wrapped.layer(x[None])[0][0, -1], x_TF)  # type: ignore[operator]
        expected += jacobian.square().sum((0, 2)).sqrt().flip(0).numpy() / 8
    np.testing.assert_allclose(made.frame().arrays["reach.rnn"], expected, rtol=1e-4)


def test_the_same_seed_gives_the_same_bits() -> None:
    one, two, other = engine(seed=3), engine(seed=3), engine(seed=4)
    for each in (one, two, other):
        played(each, LOOK + 1)
    first, second = one.frame(), two.frame()
    assert first.values == second.values
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name])
    assert not np.array_equal(first.arrays["loss.gru"], other.frame().arrays["loss.gru"])


def test_play_goes_in_small_pieces_that_step_takes_together() -> None:
    made, stepped = engine(length=75), engine(length=75)
    before = made.steps
    for _ in range(2):
        made.advance()
        assert made.steps == before
    made.advance()
    assert made.steps == before + 1
    for _ in range(LOOK - 1):
        stepped.step()
    played(made, LOOK - 2)
    for kind in ("rnn", "lstm", "gru"):
        np.testing.assert_array_equal(made.frame().arrays[f"loss.{kind}"], stepped.frame().arrays[f"loss.{kind}"])
    # a reading that another wish overtakes is not shown
    while made.steps % LOOK:
        made.advance()
    made.advance()
    made.change(made.settings.model_copy(update={"temperature": 0.0}))
    wished, looks = made.reading, made.looks
    while made.steps % LOOK == 0:
        made.advance()
    assert made.reading is wished
    assert made.looks == looks


def test_what_is_asked_needs_no_new_training() -> None:
    made = engine()
    made.step()
    steps, before = made.steps, made.reading.tokens.tolist()
    made.change(made.settings.model_copy(update={"draw": 1, "temperature": 1.5}))
    assert made.steps == steps
    assert made.reading.tokens.tolist() != before
    made.change(made.settings.model_copy(update={"units": 12}))
    assert made.steps == FIRST_STEPS


def test_a_text_of_ones_own() -> None:
    made = engine(own=OWN, prompt="to b")
    assert made.frame().values["characters"] <= len(OWN)
    assert set(made.frame().values["vocabulary"][1:]) == set(OWN)
    with pytest.raises(RefusedError, match="short"):
        engine(own="too short")


def test_the_text_that_the_studio_was_opened_with() -> None:
    given = load("sentences", length=20)
    made = RecurrentText(TextSettings.model_validate({"units": 4, "window": 16}), Given(data=given))
    assert made.text.decode(made.data.inputs[0]) == given.preprocessing.decode(given.inputs[0])[:16]  # type: ignore[attr-defined]


def test_a_network_that_diverges_stops_and_the_others_go_on() -> None:
    made = engine()
    for parameter in made.learners["rnn"].network.parameters():
        parameter.data.fill_(math.nan)
    played(made, LOOK)
    assert made.advance()
    told = {each["kind"]: each for each in made.frame().values["networks"]}
    assert told["rnn"]["diverged"]
    assert not told["lstm"]["diverged"]
    assert told["lstm"]["steps"] == FIRST_STEPS + LOOK


@pytest.mark.parametrize("kind", ["gru", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("rnn", "lstm"))])
def test_the_program_trains_and_goes_on(kind: str, tmp_path: Path) -> None:
    made = engine(networks=kind, own=OWN, prompt="that is", length=20, temperature=0.0, learning_rate=0.01)
    path = tmp_path / "program.py"
    path.write_text(made.sources()["pytorch"], encoding="utf-8")
    told = subprocess.run([sys.executable, "-W", "error", path], capture_output=True, text=True, check=True).stdout
    losses = [float(line.split()[3]) for line in told.splitlines() if line.startswith("step")]
    assert len(losses) == 6
    assert losses[-1] < 0.3 < losses[0]
    assert "that is the question." in told  # what it was to learn
    count = len(made.text.vocabulary)
    assert made.sources()["arrows"] == f"tokens({count}) -> embed(8) -> {kind}(8) -> fc({count})"


def test_the_program_writes_the_text_out_as_it_is() -> None:
    made = engine()
    namespace: dict[str, Any] = {"__name__": "imported"}
    exec(made.sources()["pytorch"], namespace)
    assert namespace["TEXT"] == made.text.decode(made.data.inputs[made.data.rows["train"]].flatten())
    assert namespace["numbered"]("The §").tolist() == made.text.encode("The §").tolist()


@pytest.mark.slow
def test_by_keyboard_alone(studio_page: StudioPages) -> None:
    page = studio_page("text")
    studio_page.until(page, "document.querySelectorAll('.written button').length === 138")
    page.keyboard.press("s")
    studio_page.until(page, "document.querySelector('.status').textContent.includes('step 26')")
    page.focus(".written button[tabindex='0']")
    page.keyboard.press("ArrowLeft")
    studio_page.until(page, "document.querySelector('.panel h2').textContent.includes('place 17')")
    page.focus("#control-shown")
    page.keyboard.press("ArrowDown")
    studio_page.until(page, "document.querySelector('.gates .names').children.length === 4")
    page.focus("#control-unit")
    page.keyboard.press("ArrowRight")
    studio_page.until(page, "document.querySelector('[data-name=gates] figcaption').textContent.includes('unit 1')")
    page.focus("#play")
    page.keyboard.press("Enter")
    studio_page.until(page, "parseInt(document.querySelector('.status').textContent.match(/[0-9]+/)) > 40", 30)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 1280), ("zh", "dark", 360), ("zh", "light", 2560)]
)
def test_it_can_be_read_by_all(studio_page: StudioPages, width: int, language: str, theme: str) -> None:
    studio_page.check(studio_page("text", language=language, theme=theme, width=width))
