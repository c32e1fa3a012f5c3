"""Figures that `explain` and `experiments` describe, drawn: lines with bands, bars, contours, pictures."""

import math
from collections.abc import Sequence
from functools import singledispatch
from typing import Literal
from xml.etree.ElementTree import Element

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from torch import Tensor

from pellucid.chart import Axis, Bars, Chart, FigureData, Line, Surface, Tile, Tiles
from pellucid.report.canvas import BLUE, GREEN, INK, ORANGE, PURPLE, SOFT, drawn, in_percent, thinned, titled
from pellucid.report.markup import element
from pellucid.report.pictures import as_image

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, INK, SOFT)
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)), "-", "-")  # told apart without colour, too
_EXPECTED = (0, (2, 2.5))
_PALE, _BLUE, _ORANGE = (240, 242, 245), (11, 92, 173), (214, 104, 28)
_LEVELS = 14
_FEW_POWERS = 150.0


@singledispatch
def figure(described: FigureData, key: str) -> Element:
    """Return what was described as a figure of a page.

    Args:
        described: a `Chart`, `Bars`, `Surface` or `Tiles`.
        key: a word that no other figure of the page has.
    """
    raise TypeError(f"no figure is drawn of {type(described).__name__} ({key})")


@figure.register
def _(described: Chart, key: str) -> Element:
    def draw(axes: Axes) -> None:
        for place, line in enumerate(described.lines):
            _line(axes, line, place, geometric=described.y.scale == "log")
        for label, height in described.levels:
            axes.axhline(height, color=SOFT, linewidth=1, linestyle=_EXPECTED)
            axes.annotate(label, (0.995, height), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                          color=SOFT, fontsize=9)  # fmt: skip
        _along(axes, "x", described.x)
        _along(axes, "y", described.y)
        if len(described.lines) > 1:
            _legend(axes, described.lines)

    return titled(described.title, described.detail, drawn(key, described.says, draw))


@figure.register
def _(described: Bars, key: str) -> Element:
    def draw(axes: Axes) -> None:
        for place, bar in enumerate(described.bars):
            axes.barh(
                place, _mean(bar.runs, geometric=described.axis.scale == "log"), color=BLUE, height=0.6, alpha=0.8
            )
            axes.plot(bar.runs, [place] * len(bar.runs), "o", color=INK, markersize=3, alpha=0.6)
        for label, value in described.levels:
            axes.axvline(value, color=ORANGE, linewidth=1.2, linestyle=_EXPECTED)
            axes.annotate(label, (value, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom",
                          color=SOFT, fontsize=9)  # fmt: skip
        axes.set_yticks(range(len(described.bars)), [bar.label for bar in described.bars])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        _along(axes, "x", described.axis)

    height = 1.0 + 0.34 * len(described.bars)
    return titled(described.title, described.detail, drawn(key, described.says, draw, height))


@figure.register
def _(described: Surface, key: str) -> Element:
    def draw(axes: Axes) -> None:
        z = np.asarray(described.z, dtype=float)
        levels = _levels(z, described.scale)
        shades = [(BLUE, 0.03 + 0.5 * place / len(levels)) for place in range(len(levels) + 1)]
        axes.contourf(described.at_x, described.at_y, z, levels=levels, colors=shades, extend="both")
        axes.contour(described.at_x, described.at_y, z, levels=levels, colors=[BLUE], linewidths=0.5, alpha=0.6)
        for path, colour in zip(described.paths, (ORANGE, GREEN, PURPLE, INK), strict=False):
            places = thinned(path.y)
            axes.plot([path.x[i] for i in places], [path.y[i] for i in places], color=colour, label=path.label,
                      linewidth=1.5, marker="o", markersize=2)  # fmt: skip
            axes.plot(path.x[-1:], path.y[-1:], "D", color=colour, markersize=6)
        for among, colour in zip(described.points, (ORANGE, INK, GREEN, PURPLE, BLUE, SOFT), strict=False):
            axes.plot(among.x, among.y, "o", color=colour, markersize=3, alpha=0.8, label=among.label)
        axes.grid(visible=False)
        axes.set(xlim=(min(described.at_x), max(described.at_x)), ylim=(min(described.at_y), max(described.at_y)))
        _along(axes, "x", described.x)
        _along(axes, "y", described.y)
        if named := [*described.paths, *described.points]:
            axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=len(named), handlelength=1.5)

    return titled(described.title, described.detail, drawn(key, described.says, draw, 4.4))


@figure.register
def _(described: Tiles, key: str) -> Element:
    reaches = [_reach(tile) for tile in described.tiles]
    whole = min(low for low, _ in reaches), max(high for _, high in reaches)
    cards = []
    for tile, own in zip(described.tiles, reaches, strict=True):
        ends = whole if described.together else own
        shown = as_image(_coloured(tile, ends) if described.signed else _grey(tile, ends), tile.caption)
        cards.append(element("div", shown, element("span", tile.caption, class_="soft")))
    style = f"grid-template-columns: repeat({described.columns}, minmax(1.5rem, 7rem))"
    grid = element("div", cards, class_="tiles", style=style, role="group", aria_label=described.says)
    caption = element("figcaption", element("strong", described.title), " ", described.detail)
    return element("figure", caption, grid, class_="across", id=key)


def _legend(axes: Axes, lines: Sequence[Line]) -> None:
    """Name the lines where they leave room; a cloud of dots leaves none, so that its names stand above."""
    if all(line.style == "dots" for line in lines):
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=len(lines), handletextpad=0, columnspacing=1)
    else:
        axes.legend(loc="best")


def _line(axes: Axes, line: Line, place: int, *, geometric: bool) -> None:
    colour = COLOURS[place % len(COLOURS)]
    mean = [_mean(column, geometric=geometric) for column in zip(*line.runs, strict=True)]
    at = thinned(mean)
    x, y = [line.x[i] for i in at], [mean[i] for i in at]
    if line.style == "dots":
        axes.plot(x, y, "o", color=colour, markersize=3.5, alpha=0.7, label=line.label)
        return
    dash = _EXPECTED if line.style == "dashed" else _DASHES[place % len(_DASHES)]
    few = len(x) <= 12 and line.style != "dashed"
    axes.plot(x, y, color=colour, linestyle=dash, marker="o" if few else "", markersize=4, label=line.label)
    if len(line.runs) > 1:
        least = [min(run[i] for run in line.runs) for i in at]
        most = [max(run[i] for run in line.runs) for i in at]
        axes.fill_between(x, least, most, color=colour, alpha=0.15, linewidth=0)


def _mean(values: Sequence[float], *, geometric: bool) -> float:
    if geometric and min(values) > 0:
        return math.exp(math.fsum(map(math.log, values)) / len(values))
    return math.fsum(values) / len(values)


def _along(axes: Axes, which: Literal["x", "y"], described: Axis) -> None:
    along = axes.xaxis if which == "x" else axes.yaxis
    along.set_label_text(described.label)
    if described.names:
        along.set_ticks(range(len(described.names)), list(described.names))
    elif described.scale == "log":
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        low, high = sorted(along.get_view_interval())
        if high < _FEW_POWERS * low:  # else one tick or two would stand alone
            along.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        along.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        along.set_minor_formatter(NullFormatter())
    elif described.scale == "percent":
        in_percent(along)
    else:
        along.set_major_locator(MaxNLocator(nbins=7))
    if described.ends is not None:
        (axes.set_xlim if which == "x" else axes.set_ylim)(*described.ends)


def _levels(z: np.ndarray, scale: str) -> list[float]:
    """Return the contours' levels: even ones, or for what spans powers of ten even ones of the logarithm."""
    finite = z[np.isfinite(z)]
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return [low, low + 1.0]
    if scale == "log":
        floor = max(low, high * 1e-6)
        return [float(level) for level in np.geomspace(floor, high, _LEVELS)]
    return [float(level) for level in np.linspace(low, high, _LEVELS)]


def _reach(tile: Tile) -> tuple[float, float]:
    values = np.asarray(tile.values, dtype=float)
    return float(values.min()), float(values.max())


def _grey(tile: Tile, ends: tuple[float, float]) -> Tensor:
    low, high = ends
    values = (np.asarray(tile.values, dtype=float) - low) / ((high - low) or 1.0)
    return torch.from_numpy(np.round(values * 255).astype(np.uint8))[None]


def _coloured(tile: Tile, ends: tuple[float, float]) -> Tensor:
    """Return values as colours: pale at zero, orange below, blue above."""
    most = max(abs(ends[0]), abs(ends[1])) or 1.0
    values = np.asarray(tile.values, dtype=float)[:, :, None] / most
    towards = np.where(values < 0, np.array(_ORANGE), np.array(_BLUE))
    colours = np.array(_PALE) + np.abs(values) * (towards - np.array(_PALE))
    return torch.from_numpy(np.round(colours).astype(np.uint8)).permute(2, 0, 1)
