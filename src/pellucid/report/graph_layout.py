"""Where the nodes of a graph are drawn: in layers from top to bottom, with few crossings and straight main lines.

Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures" (1981): a node stands
one layer below the lowest that it uses, an edge over several layers has a place in each, a layer is ordered by the mean
place of its neighbours, back and forth. Then the places are the nearest to their neighbours' that keep order and
distance, which is an isotonic regression.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from scipy.optimize import isotonic_regression

_SWEEPS = 24
_BETWEEN = 22.0
_EDGE_WIDTH = 14.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of nodes and edges.

    Attributes:
        layers: names of nodes from the top down, each layer from left to right; edges on their way have names too.
        x: the middle of each.
        ways: of each edge, the names that it passes, its ends included.
    """

    layers: tuple[tuple[str, ...], ...]
    x: Mapping[str, float]
    ways: Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(slots=True)
class _Work:
    widths: dict[str, float]
    layers: list[list[str]]
    above: dict[str, list[str]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)


def laid_out(
    widths: Mapping[str, float], edges: Sequence[tuple[str, str]], late: Iterable[str], light: Iterable[str]
) -> Layout:
    """Return where the nodes of a graph are drawn.

    Args:
        widths: of each node, in an order in which each is behind all that it uses.
        edges: from what is used to what uses it.
        late: nodes that stand right above the first that uses them, in place of at the top.
        light: nodes after whose place others do not turn.
    """
    layer = _layers(widths, edges, set(late))
    work = _Work(dict(widths), [[] for _ in range(1 + max(layer.values()))])
    for name in widths:
        work.layers[layer[name]].append(name)
    ways = {edge: _way(work, edge, layer) for edge in edges}
    for way in ways.values():
        for upper, lower in pairwise(way):
            work.above.setdefault(lower, []).append(upper)
            work.below.setdefault(upper, []).append(lower)
    _order(work)
    return Layout(tuple(map(tuple, work.layers)), _places(work, set(light)), ways)


def _layers(names: Iterable[str], edges: Sequence[tuple[str, str]], late: set[str]) -> dict[str, int]:
    layer: dict[str, int] = {}
    for name in names:
        layer[name] = max((layer[start] + 1 for start, end in edges if end == name and start not in late), default=0)
        if layer[name] == 0 and any(end == name for _, end in edges):
            layer[name] = 1  # what uses only late nodes stands below them
    for name in late & set(layer):
        layer[name] = max(0, min((layer[end] for start, end in edges if start == name), default=1) - 1)
    return layer


def _way(work: _Work, edge: tuple[str, str], layer: dict[str, int]) -> tuple[str, ...]:
    start, end = edge
    between = [f"{start} to {end}, {place}" for place in range(layer[start] + 1, layer[end])]
    for place, name in enumerate(between, start=layer[start] + 1):
        work.layers[place].append(name)
        work.widths[name] = _EDGE_WIDTH
    return (start, *between, end)


def _order(work: _Work) -> None:
    """Order each layer, keeping the order of the fewest crossings that was met."""
    best, fewest = [list(names) for names in work.layers], _crossings(work)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = work.above if down else work.below
        for number in range(len(work.layers)) if down else reversed(range(len(work.layers))):
            other = number - 1 if down else number + 1
            if 0 <= other < len(work.layers):
                place = {name: index for index, name in enumerate(work.layers[other])}
                work.layers[number] = _by_mean(work.layers[number], neighbours, place)
        crossings = _crossings(work)
        if crossings < fewest:
            best, fewest = [list(names) for names in work.layers], crossings
    work.layers = best


def _by_mean(names: list[str], neighbours: dict[str, list[str]], place: dict[str, int]) -> list[str]:
    def mean(item: tuple[int, str]) -> float:
        index, name = item
        near = [place[each] for each in neighbours.get(name, []) if each in place]
        return sum(near) / len(near) if near else float(index)

    return [name for _, name in sorted(enumerate(names), key=mean)]


def _crossings(work: _Work) -> int:
    count = 0
    for upper, lower in pairwise(work.layers):
        place = {name: index for index, name in enumerate(lower)}
        ends = [(index, place[below]) for index, name in enumerate(upper) for below in work.below.get(name, [])]
        count += sum((a - c) * (b - d) < 0 for number, (a, b) in enumerate(ends) for c, d in ends[:number])
    return count


def _places(work: _Work, light: set[str]) -> dict[str, float]:
    """Return the middles: near those of the neighbours, in order, at a distance."""
    x: dict[str, float] = {}
    for names in work.layers:
        x |= _apart(work, names, dict.fromkeys(names, 0.0), light)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for names in work.layers if down else reversed(work.layers):
            wanted = {}
            for name in names:
                near = [*work.above.get(name, []), *work.below.get(name, [])]
                heavy = [each for each in near if each not in light] or near
                wanted[name] = sum(x[each] for each in heavy) / len(heavy) if heavy else x[name]
            x |= _apart(work, names, wanted, light)
    left = min(x[name] - work.widths[name] / 2 for name in x)
    return {name: middle - left for name, middle in x.items()}


def _apart(work: _Work, names: list[str], wanted: dict[str, float], light: set[str]) -> dict[str, float]:
    offsets = [0.0]
    for one, other in pairwise(names):
        offsets.append(offsets[-1] + (work.widths[one] + work.widths[other]) / 2 + _BETWEEN)
    # less the least distances, the middles need only not fall
    free = [wanted[name] - offset for name, offset in zip(names, offsets, strict=True)]
    weights = [1e-6 if name in light else 1.0 for name in names]
    found = isotonic_regression(free, weights=weights).x
    return {name: float(each) + offset for name, each, offset in zip(names, found, offsets, strict=True)}
