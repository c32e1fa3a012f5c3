"""The parts that views draw with, in a real browser: fields and charts painted, walked through and saved."""

import pytest
from playwright.sync_api import Page

from tests.studio.conftest import StudioPages

pytestmark = pytest.mark.slow

FIELD = """async () => {
  await import("/page/parts/field.js");
  const field = document.createElement("field-canvas");
  const height = (i) => Math.sin(i % 100 / 9) * Math.cos(i / 900);
  const values = Float32Array.from({length: 10000}, (_, i) => i ? height(i) : NaN);
  const count = 300;
  const spread = (k) => Float32Array.from({length: count}, (_, i) => Math.sin(i * k) * 3);
  globalThis.plot = {
    label: "Output", summary: "The output over the plane", meaning: "output", dark: false,
    values, rows: 100, columns: 100, palette: "signed",
    x: {from: -3, to: 3, label: "first feature"}, y: {from: -3, to: 3, label: "second feature"},
    levels: [0], lines: [{x: [-3, 0, 3], y: [-3, 1, 2]}],
    points: [{
      x: spread(1.3), y: spread(2.1), category: Uint8Array.from({length: count}, (_, i) => i % 8),
      describe: (i) => `Row ${i}`,
    }],
    pick: (x, y) => { globalThis.picked = [x, y]; },
  };
  document.querySelector(".exhibit").replaceChildren(field);
  field.plot = plot;
  globalThis.field = field;
}"""

CHART = """async () => {
  await import("/page/parts/chart.js");
  const chart = document.createElement("line-chart");
  const x = Float64Array.from({length: 500}, (_, i) => i);
  globalThis.plot = {
    label: "Loss", x, xLabel: "step", yLabel: "loss (nats)", dark: false, logarithmic: true,
    series: [
      {name: "training", values: x.map((i) => Math.exp(-i / 100))},
      {name: "validation", values: x.map((i) => i > 400 ? NaN : 2 * Math.exp(-i / 200))},
    ],
  };
  document.querySelector(".exhibit").replaceChildren(chart);
  chart.plot = plot;
  globalThis.chart = chart;
}"""


def tip_of(page: Page) -> str:
    return page.text_content("#tip") or ""


@pytest.mark.parametrize("width", [360, 1280])
def test_a_field_is_painted_told_and_saved(studio_page: StudioPages, width: int) -> None:
    page = studio_page("convolution", width=width)
    page.evaluate(FIELD)
    colours = page.evaluate(
        "(() => { const c = field.canvas; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return new Set(new Uint32Array(d.buffer)).size; })()"
    )
    assert colours > 100
    studio_page.check(page)
    page.focus("field-canvas canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("picked.map(each => Math.round(each * 10) / 10)") == [0.3, 0]
    assert "first feature 0.3" in tip_of(page) or "Row" in tip_of(page)
    saved = page.evaluate("field.toSvg()")
    # two of the eight shapes are round; the path is one line, and the level of zero at least one more
    assert (saved.count("<circle"), saved.count("<polygon")) == (75, 225)
    assert saved.count("<polyline") > 1
    assert all(word in saved for word in ("first feature", "second feature", ">output<"))


@pytest.mark.parametrize("width", [360, 1280])
def test_a_chart_is_painted_told_and_saved(studio_page: StudioPages, width: int) -> None:
    page = studio_page("convolution", width=width)
    page.evaluate(CHART)
    page.wait_for_selector("line-chart canvas")
    studio_page.check(page)
    page.focus("line-chart [role=img]")
    page.keyboard.press("End")
    assert "step 499" in tip_of(page)
    assert "validation: –" in tip_of(page)
    assert "training: 0.006806; validation: –" in (page.text_content("line-chart .unseen") or "")
    saved = page.evaluate("chart.toSvg()")
    assert "loss (nats)" in saved
    assert "NaN" not in saved


def test_charts_of_one_name_share_their_cursor_and_one_of_them_tells(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.evaluate(CHART)
    page.evaluate("""() => {
      const other = document.createElement("line-chart");
      const x = Float64Array.from({length: 101}, (_, i) => 5 * i);
      document.querySelector(".exhibit").append(other);
      chart.plot = {...plot, sync: "steps"};
      const series = [{name: "error", values: x.map((i) => 1 / (1 + i))}];
      other.plot = {...plot, sync: "steps", label: "Error", x, series};
      globalThis.other = other;
    }""")
    page.focus("line-chart [role=img]")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert tip_of(page).startswith("step 498")
    assert page.evaluate("other.drawn.cursor.idx") == 100  # the place 500, nearest to 498
    page.hover("line-chart:nth-of-type(2) .u-over", position={"x": 100, "y": 50})
    assert "error" in tip_of(page)
    across = page.evaluate("[chart, other].map((each) => each.drawn.data[0][each.drawn.cursor.idx])")
    assert abs(across[0] - across[1]) <= 3


def test_a_logarithmic_axis_of_many_decades_has_few_labels(studio_page: StudioPages) -> None:
    page = studio_page("convolution", width=360)
    page.evaluate(CHART)
    page.evaluate("""() => {
      const x = plot.x;
      chart.plot = {...plot, x, series: [{name: "loss", values: x.map((i) => 10 ** (-i / 10))}]};
    }""")
    page.wait_for_timeout(200)
    written = page.evaluate("chart.drawn.axes[1]._values")
    assert written[0] == "10⁻⁴⁹"
    assert written[-1] == "1"
    assert 3 <= len(written) <= 9


@pytest.mark.parametrize(("value", "least"), [("10 ** (i / 13)", "1"), ("10 ** (-i / 128)", "0.0001")])
def test_a_logarithmic_axis_has_labels_however_long_it_is(studio_page: StudioPages, value: str, least: str) -> None:
    page = studio_page("convolution")  # the longest is float32's, some 10³⁸
    page.evaluate(CHART)
    page.evaluate(f"chart.plot = {{...plot, series: [{{name: 'loss', values: plot.x.map((i) => {value})}}]}}")
    page.wait_for_timeout(200)
    written = page.evaluate("chart.drawn.axes[1]._values")
    assert written[0] == least
    assert 3 <= len(written) <= 9


def test_neighbours_on_an_axis_are_told_apart(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    page.evaluate(CHART)
    page.evaluate("""() => {
      chart.plot = {...plot, logarithmic: false, series: [{name: "loss", values: plot.x.map((i) => 2.33 + i / 1e6)}]};
    }""")
    page.wait_for_timeout(200)
    written = page.evaluate("chart.drawn.axes[1]._values")
    assert "2.3302" in written
    assert len(set(written)) == len(written) >= 3
    assert ">2.3302<" in page.evaluate("chart.toSvg()")


TURNS = """async () => {
  const { html, render } = await import("/page/third_party/lit.js");
  const { inPieces, inTurn } = await import("/page/parts/kept.js");
  const root = document.createElement("p");
  const draw = (turn, value) => {
    const c = { turn };
    render(html`${inPieces(c, 5, { pieces: 2 }, (at) => `${at}${value} `)}|${inTurn(c, 1, 3, () => value)}`, root);
    return root.textContent;
  };
  return [draw(0, "a"), draw(0, "b"), draw(1, "c"), draw(2, "d"), draw(3, "e"), draw(undefined, "f")];
}"""


def test_while_it_plays_parts_are_drawn_in_turn_and_all_else_at_once(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    assert page.evaluate(TURNS) == [
        "0a 1a 2a 3a 4a |a",  # whatever the turn, nothing is empty
        "0b 1b 2b 3a 4a |a",
        "0b 1b 2b 3c 4c |c",
        "0d 1d 2d 3c 4c |c",
        "0d 1d 2d 3e 4e |c",
        "0f 1f 2f 3f 4f |f",
    ]


TOLD = """async () => {
  const { html, render } = await import("/page/third_party/lit.js");
  const { told, tellAll } = await import("/page/parts/told.js");
  const root = document.createElement("div");
  document.querySelector(".exhibit").append(root);
  const said = (turn, words) => {
    render(html`<button id="mark" ${told({ turn }, () => words)}></button>`, root);
    return [mark.getAttribute("data-tip"), mark.getAttribute("aria-label")];
  };
  const found = [said(7, "w\\n1"), said(8, "w\\n2"), said(undefined, "w\\n3"), said(9, "w\\n4")];
  tellAll();
  found.push([mark.dataset.tip, mark.ariaLabel]);
  said(10, "w\\n5");
  return found;
}"""


def test_a_mark_says_what_it_shows_when_it_is_asked(studio_page: StudioPages) -> None:
    page = studio_page("convolution")
    assert page.evaluate(TOLD) == [[f"w\n{at}", f"w, {at}"] for at in (1, 1, 3, 3, 4)]
    page.hover("#mark")
    assert tip_of(page) == "w5"
    assert page.get_attribute("#mark", "aria-label") == "w, 5"
