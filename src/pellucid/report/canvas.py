"""matplotlib figures as elements of a page: SVG whose colours are the page's, so that they follow light and dark.

Figures are drawn in stand-in colours, one for each of the page's CSS variables, which are exchanged in what matplotlib
wrote. Text stays text, in the page's font. The same figure gives the same bytes.
"""

import io
import math
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pellucid.report.markup import element

INK, SOFT, LINE, GRID = "#100001", "#100002", "#100003", "#100004"
BLUE, ORANGE, GREEN, PURPLE, PAPER = "#100005", "#100006", "#100007", "#100008", "#100009"
_VARIABLES = {
    INK: "ink", SOFT: "soft", LINE: "line", GRID: "grid",
    BLUE: "blue", ORANGE: "orange", GREEN: "green", PURPLE: "purple", PAPER: "paper",
}  # fmt: skip

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a user's name is a dollar sign
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "lines.linewidth": 1.7,
    "figure.facecolor": "none",
}

MOST_POINTS = 600

WIDTH, HEIGHT = 5.6, 3.3  # inches of 72 units
_DROPPED = {"metadata", "style", "title"}
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_PALETTE = re.compile(r":root \{([^}]*)\}")
_ROTATION = re.compile(r"rotate\(-?0 [^)]*\)")


def drawn(
    key: str, alternative: str, draw: Callable[[Axes], None], height: float = HEIGHT, width: float = WIDTH
) -> Element:
    """Return a figure of one pair of axes as an `svg` element.

    Args:
        key: a word that no other figure of the page has; its identifiers begin with it.
        alternative: what the figure says, with figures, for those who do not see it.
        draw: puts everything on the axes.
        height: in inches of 72 units.
        width: likewise; more only for a figure that goes across the page.
    """
    with rc_context({**_STYLE, "svg.hashsalt": key}):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _adopted(written.getvalue(), key, alternative)


def titled(title: str, detail: str, figure: Element, *, across: bool = False) -> Element:
    """Return a figure under its title and a line on what it shows; one that goes across the page is twice as wide."""
    caption = element("figcaption", element("strong", title), " ", detail)
    return element("figure", caption, figure, class_="across" if across else None)


def thinned(values: Sequence[float], most: int = MOST_POINTS) -> list[int]:
    """Return the places of so many values at most, in order: the least and the greatest of each even stretch.

    A spike of one step stays visible where a hundred thousand steps are drawn.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    bounds = [round(part * count / (most // 2)) for part in range(most // 2 + 1)]
    kept = {0, count - 1}
    for start, end in pairwise(bounds):
        finite = [place for place in range(start, end) if math.isfinite(values[place])]
        if finite:
            kept |= {min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)}
    return sorted(kept)


def standalone(svg: Element) -> str:
    """Return a figure of a page as the text of an SVG file, with the page's colours in light and in dark."""
    page_style = (files("pellucid.report") / "style.css").read_text(encoding="utf-8")
    light, dark = (" ".join(block.split()) for block in _PALETTE.findall(page_style)[:2])
    style = f"svg {{ {light} font-family: system-ui, sans-serif }}"
    style += f" @media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}"
    width, height = svg.get("viewBox", "").split()[2:]
    alone = Element("svg", {**svg.attrib, "xmlns": "http://www.w3.org/2000/svg", "width": width, "height": height})
    alone.append(element("style", style))
    alone.extend(svg)
    return tostring(alone, encoding="unicode") + "\n"


def in_percent(axis: Axis) -> None:
    """Write the shares along an axis in percent."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))


def _adopted(svg: str, key: str, alternative: str) -> Element:
    """Return matplotlib's SVG as part of a page: no namespaces, the page's colours and font, identifiers of its own."""
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    root = fromstring(svg[svg.index("<svg") :])  # noqa: S314 - matplotlib wrote it a moment ago
    width, height = root.get("viewBox", "").split()[2:]
    used = set(re.findall(r"#(\w+)", svg))
    for parent in list(root.iter()):
        parent.tag = parent.tag.rpartition("}")[2]
        for child in list(parent):
            if child.tag.rpartition("}")[2] in _DROPPED:
                parent.remove(child)
        _tidy(parent, key, used)
    root.attrib.clear()
    root.attrib |= {
        "viewBox": f"0 0 {width} {height}",
        "role": "img",
        "aria-label": alternative,
        "stroke-linejoin": "round",
    }
    root.tail = None
    return root


def _tidy(part: Element, key: str, used: set[str]) -> None:
    part.text = part.text if part.tag in {"text", "tspan"} else None
    if part.tag != "tspan":
        part.tail = None
    for name, value in list(part.attrib.items()):
        del part.attrib[name]
        plain = name.rpartition("}")[2]
        if plain == "id" and value not in used:
            continue
        part.attrib[plain] = _shorter(plain, value, key)
    if not part.get("transform", "-"):
        del part.attrib["transform"]


def _shorter(name: str, value: str, key: str) -> str:
    match name:
        case "id":
            return f"{key}-{value}"
        case "href":
            return f"#{key}-{value[1:]}"
        case "clip-path":
            return value.replace("#", f"#{key}-")
        case "style":
            return re.sub(r" ?font-family: [^;]*;?", "", value)
        case "transform":
            value = _ROTATION.sub("", value).strip()
        case "d":
            value = " ".join(value.split())
    return _NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), value)
