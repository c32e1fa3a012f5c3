"""Figures that are described as data, drawn: all is on them that the data says, and nothing breaks on odd data."""

import math

import pytest

from pellucid.chart import Axis, Bar, Bars, Chart, FigureData, Line, Path, Scale, Surface, Tile, Tiles
from pellucid.report.canvas import standalone
from pellucid.report.charts import figure
from pellucid.report.markup import text_of, write

PLACES = [1.0, 2.0, 3.0]
LINES = [Line(label="one", x=PLACES, runs=[[1, 10, 100], [2, 20, 200]]), Line(label="two", x=PLACES, runs=[[3, 2, 1]])]
CHART = Chart(title="T", detail="d", says="says so", x=Axis("across"), y=Axis("up"), lines=LINES)
SURFACE = Surface(
    title="T", detail="d", says="says so", x=Axis("across"), y=Axis("up"), at_x=PLACES, at_y=PLACES,
    z=[[x * y for x in PLACES] for y in PLACES], paths=[Path(label="a way", x=PLACES, y=PLACES)],
)  # fmt: skip
BARS = Bars(
    title="T",
    detail="d",
    says="says so",
    axis=Axis("along"),
    bars=[Bar(label="first", runs=[1, 2]), Bar(label="second", runs=[3])],
)
TILES = Tiles(
    title="T",
    detail="d",
    says="says so",
    tiles=[Tile(caption="a", values=[[0, 1], [2, 3]]), Tile(caption="b", values=[[5]])],
    columns=2,
)


@pytest.mark.parametrize("described", [CHART, SURFACE, BARS, TILES], ids=["chart", "surface", "bars", "tiles"])
def test_each_kind_has_its_title_and_says_what_it_shows(described: FigureData) -> None:
    drawn = figure(described, "key")
    assert drawn.tag == "figure"
    assert text_of(drawn).startswith("T d")
    assert 'aria-label="says so"' in write(drawn)
    assert write(drawn) == write(figure(described, "key"))


@pytest.mark.parametrize("described", [CHART, SURFACE, BARS], ids=["chart", "surface", "bars"])
def test_labels_stand_on_the_figure(described: FigureData) -> None:
    text = text_of(figure(described, "key"))
    for word in {"Chart": ["one", "two", "across"], "Surface": ["a way", "up"], "Bars": ["first", "along"]}[
        type(described).__name__
    ]:
        assert word in text


@pytest.mark.parametrize("scale", ["linear", "log", "percent"])
def test_every_scale_is_drawn(scale: Scale) -> None:
    chart = Chart(
        title="T", detail="", says="s", x=Axis("x", scale), y=Axis("y", scale, ends=(0.5, 300)), lines=LINES,
        levels=[("here", 50.0)],
    )  # fmt: skip
    text = text_of(figure(chart, "key"))
    assert "here" in text
    assert (" %" in text) is (scale == "percent")


def test_on_a_logarithmic_axis_the_mean_is_geometric() -> None:
    def mean_line(*runs: list[float]) -> str | None:
        y = Axis("y", "log", ends=(0.5, 500))
        chart = Chart(title="T", detail="", says="s", x=Axis("x"), y=y, lines=[Line(label="m", x=PLACES, runs=runs)])
        lines = figure(chart, "k").iter("path")
        return next(
            line.get("d") for line in lines if "stroke: var(--blue); stroke-width: 1.7" in line.get("style", "")
        )

    geometric = [math.sqrt(1 * 2), math.sqrt(10 * 20), math.sqrt(100 * 300)]
    assert mean_line([1, 10, 100], [2, 20, 300]) == mean_line(geometric) != mean_line([1.5, 15, 200])


def test_a_flat_surface_and_names_along_an_axis() -> None:
    flat = Surface(
        title="T", detail="", says="s", x=Axis("x"), y=Axis("y"), at_x=PLACES, at_y=PLACES, z=[[1.0] * 3] * 3
    )
    assert figure(flat, "key").tag == "figure"
    named = Chart(title="T", detail="", says="s", x=Axis("x", names=["left", "middle", "right"]), y=Axis("y"),
                  lines=[Line(label="l", x=[0, 1, 2], runs=[[1, 2, 3]])])  # fmt: skip
    assert "middle" in text_of(figure(named, "key"))


def test_signed_tiles_are_coloured_and_grey_ones_are_not() -> None:
    signed = Tiles(
        title="T", detail="", says="s", tiles=[Tile(caption="a", values=[[-1.0, 1.0]])], columns=1, signed=True
    )
    assert "data:image/png" in write(figure(signed, "key"))


def test_a_figure_stands_alone_as_a_file() -> None:
    svg = figure(CHART, "key").find("svg")
    assert svg is not None
    text = standalone(svg)
    assert text.startswith("<svg")
    assert "prefers-color-scheme: dark" in text
    assert "var(--blue)" in text
    assert "--blue: #" in text
