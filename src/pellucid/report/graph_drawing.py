"""A computation graph as a picture: one SVG file that needs nothing else, in light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from pellucid.explain.graphs.nodes import Graph, Node
from pellucid.report.graph_layout import Layout, laid_out

_CHARACTER = 7.4  # width of a character of a monospaced font at 12 px
_LINE = 16.0
_GAP = 40.0
_MARGIN = 12.0
_MOST_CHARACTERS = 34
_STYLE = """
.graph { --paper: #fff; --panel: #f2f4f7; --ink: #1c2127; --soft: #545d68; --line: #8a94a0;
  --blue: #0b5cad; --orange: #a9480a; background: var(--paper); }
@media (prefers-color-scheme: dark) { .graph { --paper: #14171b; --panel: #232830; --ink: #e7eaee; --soft: #a8b1bc;
  --line: #78828e; --blue: #74b5f5; --orange: #f0a060; } }
.graph text { font: 12px "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; text-anchor: middle;
  fill: var(--soft); }
.graph text.label { font-weight: 700; fill: var(--ink); }
.graph rect { fill: var(--panel); stroke: var(--line); }
.graph .input rect, .graph .output rect { fill: var(--paper); stroke: var(--blue); stroke-width: 2; }
.graph .input text.label, .graph .output text.label { fill: var(--blue); }
.graph .parameter rect, .graph .constant rect { fill: var(--paper); stroke: var(--orange); stroke-dasharray: 5 3; }
.graph .parameter text.label, .graph .constant text.label { fill: var(--orange); }
.graph .block rect { stroke: var(--ink); stroke-width: 2; }
.graph path { fill: none; stroke: var(--soft); stroke-width: 1.3; }
.graph path.weight { stroke: var(--orange); stroke-dasharray: 5 3; }
.graph path.head { fill: var(--soft); stroke: none; }
.graph path.head.weight { fill: var(--orange); }
"""


@dataclass(frozen=True, slots=True)
class _Box:
    node: Node
    lines: tuple[str, ...]
    width: float
    height: float


def graph_file(graph: Graph) -> str:
    """Return a computation graph as the text of an SVG file."""
    return tostring(graph_drawing(graph), encoding="unicode")


def graph_drawing(graph: Graph) -> Element:
    """Return a computation graph as an `svg` element: boxes from top to bottom, arrows to what uses what.

    Inputs and outputs have round ends, weights a dashed frame, folded blocks a strong one, so that none is told by its
    colour alone. Beneath each name stand its module and the shape of what it gives.
    """
    boxes = {node.name: _box(node) for node in graph.nodes}
    weights = {node.name for node in graph.nodes if node.kind in {"parameter", "constant"}}
    used = {start for start, _ in graph.edges}
    late = {name for name in weights if name in used}
    layout = laid_out({name: box.width for name, box in boxes.items()}, graph.edges, late, weights)
    bands = _bands(layout, boxes)
    height = max(bottom for _, bottom in bands.values())
    width = max(x + (boxes[name].width / 2 if name in boxes else 1) for name, x in layout.x.items())
    size = f"{width + 2 * _MARGIN:.0f}", f"{height + 2 * _MARGIN:.0f}"
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {size[0]} {size[1]}",
                          "width": size[0], "height": size[1], "role": "img", "class": "graph"})  # fmt: skip
    SubElement(svg, "title").text = _title(graph)
    SubElement(svg, "style").text = _STYLE
    whole = SubElement(svg, "g", {"transform": f"translate({_MARGIN:g} {_MARGIN:g})"})
    for edge, way in layout.ways.items():
        half = boxes[edge[0]].height / 2, boxes[edge[1]].height / 2
        _draw_edge(whole, [(layout.x[name], *bands[name]) for name in way], half, weight=edge[0] in weights)
    for name, box in boxes.items():
        _draw_box(whole, box, layout.x[name], sum(bands[name]) / 2 - box.height / 2)
    return svg


def _title(graph: Graph) -> str:
    count = sum(node.operations for node in graph.nodes if node.kind in {"operation", "block"})
    ends = [f"{node.label} {node.shape}" for node in graph.nodes if node.kind in {"input", "output"}]
    return f"A computation graph of {count} operations, from {' to '.join(ends)}."


def _box(node: Node) -> _Box:
    count = f"{node.operations} operations" if node.kind == "block" else ""
    module = node.module if node.kind == "operation" else ""
    texts = [node.label, module, count, node.shape]
    lines = tuple(_shortened(text) for text in texts if text)
    width = max(44.0, _CHARACTER * max(map(len, lines)) + 18)
    return _Box(node, lines, width, _LINE * len(lines) + 10)


def _shortened(text: str) -> str:
    """Return the end of a long text: of a module's name the end says more."""
    return text if len(text) <= _MOST_CHARACTERS else "…" + text[1 - _MOST_CHARACTERS :]


def _bands(layout: Layout, boxes: dict[str, _Box]) -> dict[str, tuple[float, float]]:
    """Return the upper and the lower edge of the layer in which each box stands and each edge passes."""
    bands: dict[str, tuple[float, float]] = {}
    y = 0.0
    for names in layout.layers:
        tallest = max((boxes[name].height for name in names if name in boxes), default=0.0)
        bands |= dict.fromkeys(names, (y, y + tallest))
        y += tallest + _GAP
    return bands


def _draw_edge(
    parent: Element, way: Sequence[tuple[float, float, float]], half: tuple[float, float], *, weight: bool
) -> None:
    """Draw an edge: straight down through layers, where boxes stand beside it, and aside only between them.

    Args:
        parent: what it is drawn in.
        way: the middle, and the upper and the lower edge of each layer that it passes.
        half: half the heights of the boxes at its ends.
        weight: whether it comes from a weight.
    """
    x, top, bottom = way[0]
    steps = [f"M{x:.1f} {(top + bottom) / 2 + half[0]:.1f} V{bottom:.1f}"]
    for place, (next_x, next_top, next_bottom) in enumerate(way[1:], start=1):
        bend = (bottom + next_top) / 2
        steps.append(f"C{x:.1f} {bend:.1f} {next_x:.1f} {bend:.1f} {next_x:.1f} {next_top - 5:.1f}")
        end = (next_top + next_bottom) / 2 - half[1] if place == len(way) - 1 else next_bottom
        steps.append(f"V{end - 5:.1f}" if place == len(way) - 1 else f"V{end:.1f}")
        x, bottom = next_x, next_bottom
    SubElement(parent, "path", {"d": " ".join(steps)} | ({"class": "weight"} if weight else {}))
    head = f"M{x - 4:.1f} {end - 7:.1f} L{x:.1f} {end:.1f} L{x + 4:.1f} {end - 7:.1f} Z"
    SubElement(parent, "path", {"d": head, "class": "head weight" if weight else "head"})


def _draw_box(parent: Element, box: _Box, middle: float, top: float) -> None:
    group = SubElement(parent, "g", {"class": box.node.kind})
    round_ends = box.node.kind in {"input", "output"}
    sides = {"x": middle - box.width / 2, "y": top, "width": box.width, "height": box.height}
    corner = {"rx": f"{box.height / 2 if round_ends else 5:g}"}
    SubElement(group, "rect", {name: f"{value:.1f}" for name, value in sides.items()} | corner)
    for number, line in enumerate(box.lines):
        at = {"x": f"{middle:.1f}", "y": f"{top + 17 + _LINE * number:.1f}"}
        SubElement(group, "text", at | ({"class": "label"} if number == 0 else {})).text = line
