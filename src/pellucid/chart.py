"""What a figure shows, as plain data: `explain` and `experiments` say it, `report` draws it.

A figure says in words what it shows (`says`), for those who do not see it. Shape letters: S seeds or other
repetitions, X places along an axis, H rows and W columns of a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Scale = Literal["linear", "log", "percent"]
Values: TypeAlias = Sequence[float]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what stands along it, and how it is divided.

    Attributes:
        label: the quantity, with its unit where it has one.
        scale: `percent` is a linear axis of shares.
        names: of the places 0, 1, 2 and so on, where these are no numbers.
        ends: the least and the greatest value shown; by the values where None.
    """

    label: str
    scale: Scale = "linear"
    names: Sequence[str] = ()
    ends: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line through places, with a band over its repetitions.

    Attributes:
        label: what the line is; shown in the legend.
        x: where, X of them.
        runs: SxX values; the line is their mean (on a logarithmic axis the geometric one), the band from the least to
            the greatest. One row has no band.
        style: `dashed` for what is expected and not measured, `dots` for places that no line joins.
    """

    label: str
    x: Values
    runs: Sequence[Values]
    style: Literal["solid", "dashed", "dots"] = "solid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Lines over a common pair of axes.

    Attributes:
        title, detail: a heading, and a line on what is to be seen.
        says: what it shows in a sentence with figures.
        x, y: the axes.
        lines: up to six.
        levels: label -> y, horizontal lines at what matters.
    """

    title: str
    detail: str
    says: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    levels: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A bar, the mean of its repetitions, each of which is a dot on it."""

    label: str
    runs: Values


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Horizontal bars, from the top down, with a dot a repetition.

    Attributes:
        title, detail, says: as of a chart.
        axis: along the bars.
        bars: in the order shown.
        levels: label -> value, vertical lines at what matters.
    """

    title: str
    detail: str
    says: str
    axis: Axis
    bars: Sequence[Bar]
    levels: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """A way over a surface, from its first place to its last."""

    label: str
    x: Values
    y: Values


@dataclass(frozen=True, kw_only=True, slots=True)
class Surface:
    """A function of two numbers as contours, with ways over it.

    Attributes:
        title, detail, says: as of a chart.
        x, y: the axes; `at_x` and `at_y` the places along them.
        z: a row for each of `at_y`, a column for each of `at_x`.
        paths: up to four.
        points: sets of places that nothing joins, up to six.
        scale: of the contours' levels.
    """

    title: str
    detail: str
    says: str
    x: Axis
    y: Axis
    at_x: Values
    at_y: Values
    z: Sequence[Values]
    paths: Sequence[Path] = ()
    points: Sequence[Path] = ()
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A grey picture under its caption: HxW values, which `lowest` and `highest` of the whole figure bound."""

    caption: str
    values: Sequence[Values]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiles:
    """Pictures side by side, in rows.

    Attributes:
        title, detail, says: as of a chart.
        tiles: in reading order.
        columns: in a row.
        signed: orange below and blue above zero, in place of grey.
        together: one scale for all, in place of each its own.
    """

    title: str
    detail: str
    says: str
    tiles: Sequence[Tile]
    columns: int
    signed: bool = False
    together: bool = True


FigureData: TypeAlias = Chart | Bars | Surface | Tiles
