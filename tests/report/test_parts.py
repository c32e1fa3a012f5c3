"""The parts of a report: numbers, markup, curves, drawings, colours, terminal lines."""

import re
from importlib.resources import files
from itertools import pairwise
from xml.etree.ElementTree import fromstring

import matplotlib as mpl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes

from pellucid.judging.judgement import Concern, Estimate
from pellucid.judging.learning_curve import LearningCurve, LearningPoint
from pellucid.networks import parse
from pellucid.report.canvas import BLUE, drawn, thinned
from pellucid.report.curves import losses
from pellucid.report.judgement import judgement_lines
from pellucid.report.markup import element, text_of, write
from pellucid.report.network_drawing import network_drawing
from pellucid.report.numbers import counted, interval, sentence, shortened
from pellucid.report.page import page
from pellucid.report.sections.performance import STRONGEST
from tests.networks.samples import EVERYTHING
from tests.report.making import class_judgement, record, subject, value_judgement
from tests.report.reading import read

STYLE = (files("pellucid.report") / "style.css").read_text(encoding="utf-8")


def test_numbers_are_written_for_people() -> None:
    assert interval("accuracy", Estimate(0.98, 0.961, 0.991)) == "96.1 % to 99.1 %"
    assert interval("mse", Estimate(1, float("nan"), 2)) == ""
    assert (counted(1, "row"), counted(3256, "row")) == ("1 row", "3,256 rows")
    assert shortened("one\n two   three", 9) == "one two…"
    assert (sentence("more data"), sentence("Why?"), sentence("")) == ("More data.", "Why?", "")
    assert sentence("made.csv is gone") == "made.csv is gone."


@given(st.text(), st.text(min_size=1))
def test_any_text_survives_as_text(inside: str, attribute: str) -> None:
    html = write(element("p", inside, element("b", inside), inside, title=attribute))
    html.encode("utf-8")
    paragraph = read(f"<!DOCTYPE html>\n{html}").all("p")[0]
    kept = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]", "�", inside)
    assert paragraph.text == (3 * kept)
    assert [child.tag for child in paragraph.all()] == ["b"]
    assert set(paragraph.attributes) == {"title"}


@given(st.lists(st.floats(allow_nan=True), min_size=0, max_size=4000), st.integers(2, 50))
def test_thinned_curves_keep_their_ends_and_their_spikes(values: list[float], half: int) -> None:
    places = thinned(values, 2 * half)
    assert places == sorted(set(places))
    assert len(places) <= max(2 * half + 2, 0)
    finite = [value for value in values if abs(value) < float("inf")]
    if finite:
        kept = [values[place] for place in places if abs(values[place]) < float("inf")]
        assert (min(kept), max(kept)) == (min(finite), max(finite))


def test_a_curve_is_the_records() -> None:
    trained = record(4)
    figure = losses(trained, 3)
    ticks = [text for text in figure.itertext() if text.strip()]
    assert {"Loss", "training", "validation", "kept: epoch 3", "epoch"} <= {text.strip() for text in ticks}
    said = next(part for part in figure.iter("svg")).get("aria-label")
    first, last = trained.epochs[0], trained.epochs[-1]
    assert said is not None
    assert f"from {first.loss:.4g} in epoch 1 to {last.loss:.4g} in epoch 4" in said
    assert f"least {min(epoch.validation['loss'] for epoch in trained.epochs):.4g}" in said


def test_figures_take_the_pages_colours_and_font_and_leave_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)

    def draw(axes: Axes) -> None:
        axes.plot([1, 2], color=BLUE, label="$x_1$ & <b>")
        axes.legend()

    svg = write(drawn("key", "says it", draw))
    assert dict(mpl.rcParams) == before
    assert not re.search("#[0-9a-fA-F]{6}", svg)
    assert "font-family" not in svg
    assert "$x_1$ &amp; &lt;b&gt;" in svg
    assert "var(--blue)" in svg
    fromstring(svg)


@pytest.mark.parametrize("text", EVERYTHING)
def test_every_network_is_drawn_within_its_frame(text: str) -> None:
    plan = parse(text)
    svg = network_drawing(plan)
    width, height = (float(number) for number in svg.get("viewBox", "").split()[2:])

    def look(part: object, x: float, y: float) -> None:
        for child in part:  # type: ignore[attr-defined]
            moved = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", child.get("transform", ""))
            left, top = (x + float(moved[1]), y + float(moved[2])) if moved else (x, y)
            if child.tag == "rect":
                ends = left + float(child.get("x")), top + float(child.get("y"))
                assert min(ends) >= 0
                assert ends[0] + float(child.get("width")) <= width
                assert ends[1] + float(child.get("height")) <= height
            look(child, left, top)

    look(svg, 0.0, 0.0)
    assert f"{plan.parameters:,} parameters" in svg.get("aria-label", "")


def test_a_drawing_says_words_shapes_and_how_branches_meet() -> None:
    plan = parse("8x8x3 -> 5 * (residual(conv(3, 3x3, padding=same) -> relu)) -> concat(fc(4) | fc(6)) -> fc(2)")
    words = text_of(network_drawing(plan))
    for word in ("8x8x3", "5 ×", "conv(3, 3x3, padding=same)", "relu", "+", "‖", "10", "fc(2)"):
        assert word in words


def test_what_more_data_would_bring_is_told_where_it_is_known() -> None:
    points = tuple(LearningPoint(rows, 1.0, 1 - 10 / rows, 0.9, 1.0) for rows in (50, 100, 200))
    curve = LearningCurve("accuracy", points, 2, 99, 0.5, None, None, 0.975, "twice the rows would bring 2.5 points")
    root = read(page(subject(learning_curve=curve)))
    learning = root.one("learning")
    assert "Would more data help?" in [heading.text for heading in learning.all("h3")]
    assert "Twice the rows would bring 2.5 points." in learning.text
    (figure,) = [svg.attributes["aria-label"] for svg in learning.all("svg") if "training rows" in str(svg.attributes)]
    assert "from 80.0 % with 50 training rows to 95.0 % with 200" in figure
    rows = [row.text for row in learning.all("tr")]
    assert rows[1:] == ["50100 %80.0 %", "100100 %90.0 %", "200100 %95.0 %"]
    assert "Would more data help?" not in read(page(subject())).text


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))


def channels(colour: str) -> tuple[float, ...]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return tuple(int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))


def luminance(parts: tuple[float, ...]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, 1.4.3: (lighter + 0.05) / (darker + 0.05); level AA asks for 4.5."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("block", [0, 1, 2], ids=["light", "dark", "paper"])
def test_text_can_be_read_on_every_ground(block: int) -> None:
    rules = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[block]
    known = {name: channels(colour) for name, colour in colours(rules).items()}
    for ground in ("paper", "panel", "good-panel", "fair-panel", "bad-panel"):
        for text in ("ink", "soft", "blue", "orange", "green", "red", "amber"):
            assert contrast(known[text], known[ground]) >= 4.5, (text, ground)
    for name in ("blue", "orange"):
        parts = re.search(rf"--{name}-rgb: (\d+) (\d+) (\d+);", rules)
        assert parts is not None
        shade = (int(part) / 255 for part in parts.groups())
        cell = tuple(STRONGEST * c + (1 - STRONGEST) * p for c, p in zip(shade, known["paper"], strict=True))
        assert contrast(known["ink"], cell) >= 4.5, name


def test_the_terminal_says_first_what_matters_and_fits_a_screen() -> None:
    names = tuple(f"class number {k} with a rather long name" for k in range(30))
    generator = torch.Generator().manual_seed(0)
    probabilities_NK = torch.rand(300, 30, generator=generator).softmax(1)
    concerns = tuple(Concern(f"c{k}", "warning", f"Thing {k}", f"{k} of 9", "Try harder.") for k in range(7))
    judgement = class_judgement(probabilities_NK, torch.arange(300) % 30, names, concerns=concerns)
    lines = judgement_lines(judgement).splitlines()
    assert lines[0] == f"verdict  {judgement.headline}"
    assert lines[1] == "wrong    ! warning: Thing 0"
    assert "try: harder." in lines[3]
    assert "and 4 more" in "\n".join(lines)
    assert len(lines) <= 25
    heads = [line[:9].strip() for line in lines if line[:9].strip()]
    assert heads == ["verdict", "wrong", "metrics", "fit", "classes", "mix-ups"]


def test_the_terminal_tells_of_thresholds_and_of_values() -> None:
    judgement = subject().judgement
    assert judgement is not None
    assert judgement.threshold is not None
    text = judgement_lines(judgement)
    assert f"'b' from probability {judgement.threshold.chosen.threshold:.3g} (for f1, chosen on validation)" in text
    truth_N = torch.arange(50.0)
    values = judgement_lines(value_judgement(truth_N + 1, truth_N, "price"))
    assert "nothing was found" in values
    assert "without a network" in values
    lengths = [len(line) for line, _ in pairwise(values.splitlines())]
    assert max(lengths) < 100
