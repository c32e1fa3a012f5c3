"""A network drawn from its plan: boxes from top to bottom, shapes on the arrows, branches side by side.

Repetitions are drawn once in a frame that says how often; long chains and deep nests are folded, so that a drawing
stays small whatever the network. Lengths are in units of the drawing, 1 to a CSS pixel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from pellucid.networks import Named, Plan, Word
from pellucid.networks.word import Output, walk
from pellucid.networks.words.adversarial import DISCRIMINATOR, GENERATOR, Gan
from pellucid.networks.words.branching import Branching
from pellucid.networks.words.combinators import FromLast, Heads, Repeat, every
from pellucid.report.markup import element
from pellucid.report.numbers import shortened
from pellucid.shapes import Shape

_CHARACTER = 7.3  # width of a character of the drawing's monospaced font at 12 px
_LINE = 17.0
_GAP = 26.0
_BESIDE = 28.0
_MOST_CHARACTERS = 40
_MOST_PIECES = (13, 7, 4)  # in a chain of the network itself, in a block, in a block of a block
_MOST_BRANCHES = 4
_SIGNS = {"residual": "+", "add": "+", "concat": "‖", "fromlast": "+ last value"}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the drawing with its origin at the top left; `axis` is where the line through it runs."""

    width: float
    height: float
    axis: float
    parts: tuple[Element, ...]

    def at(self, x: float, y: float) -> Element:
        """Return it moved."""
        return element("g", self.parts, transform=f"translate({x:.1f} {y:.1f})")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A word and the words behind it that stand in the same box, with the shapes before and after."""

    words: tuple[Word, ...]
    before: Shape
    after: Output


def network_drawing(plan: Plan) -> Element:
    """Return a network as an `svg` element."""
    start = _box([str(plan.input)], kind="shape")
    body = _chain(plan.steps, plan.input, 0)
    whole = _stacked([(start, ""), (body, "")])
    if not isinstance(plan.output, Named):  # the ends of several heads have no arrow in common
        end = _box([shortened(str(plan.output), _MOST_CHARACTERS)], kind="shape")
        whole = _stacked([(whole, ""), (end, "")])
    width, height = whole.width + 4, whole.height + 4
    return element(
        "svg", whole.at(2, 2), viewBox=f"0 0 {width:.0f} {height:.0f}", role="img", aria_label=_alternative(plan),
        style=f"width:100%;max-width:{width:.0f}px;min-width:{0.7 * width:.0f}px",
    )  # fmt: skip


def _alternative(plan: Plan) -> str:
    weighty = sum(1 for word in every(plan.steps) if not isinstance(word, Branching | Repeat))
    return shortened(
        f"A network of {plan.parameters:,} parameters, written in {weighty} words, from {plan.input} to {plan.output}:"
        f" {plan.with_shapes()}",
        700,
    )


def _chain(words: Sequence[Word], incoming: Shape, depth: int) -> _Piece:
    """Return a chain from top to bottom, its middle folded where it is long."""
    units = list(_units(words, incoming))
    most = _MOST_PIECES[min(depth, 2)]
    if len(units) <= most:
        pieces = [(_unit(unit, depth), _label(unit)) for unit in units]
    else:
        first, last = units[: most - most // 3 - 1], units[len(units) - most // 3 :]
        folded = units[len(first) : len(units) - len(last)]
        count = sum(_layers(word) for unit in folded for word in unit.words)
        pieces = [(_unit(unit, depth), _label(unit)) for unit in first]
        pieces.append((_box([f"… {count:,} more layers …"], kind="folded"), str(folded[-1].after)))
        pieces += [(_unit(unit, depth), _label(unit)) for unit in last]
    labels = ["", *(label for _, label in pieces[:-1])]
    return _stacked([(piece, label) for (piece, _), label in zip(pieces, labels, strict=True)])


def _units(words: Sequence[Word], incoming: Shape) -> Iterator[_Unit]:
    """Yield the words of a chain; what changes no shape and has no branches stands with the word before it."""
    current: _Unit | None = None
    for word, before, after in walk(tuple(words), incoming):
        follows = before == after and word.flops(before) == 0 and not isinstance(word, Branching | Repeat)
        if current is not None and follows and not isinstance(current.words[0], Branching | Repeat):
            current = _Unit((*current.words, word), current.before, after)
            continue
        if current is not None:
            yield current
        current = _Unit((word,), before, after)
    if current is not None:
        yield current


def _label(unit: _Unit) -> str:
    return "" if unit.after == unit.before or isinstance(unit.after, Named) else str(unit.after)


def _layers(word: Word) -> int:
    if isinstance(word, Repeat):
        return word.count * sum(_layers(each) for each in word.body)
    inside = [each for each in every((word,)) if not isinstance(each, Branching | Repeat)]
    return max(1, len(inside))


def _unit(unit: _Unit, depth: int) -> _Piece:
    word = unit.words[0]
    if isinstance(word, Branching | Repeat) and depth >= 2:
        return _box([f"{word.name}: {_layers(word):,} layers"], kind="folded")
    if isinstance(word, Repeat):
        return _frame(_chain(word.body, unit.before, depth + (depth > 0)), f"{word.count:,} ×")
    if isinstance(word, Gan):
        return _adversaries(word, unit.before, depth)
    if isinstance(word, Branching):
        return _branches(word, unit.before, depth)
    lines = [str(word)]
    followers = " · ".join(map(str, unit.words[1:]))
    return _box([*lines, followers] if followers else lines, kind="layer")


def _branches(word: Branching, incoming: Shape, depth: int) -> _Piece:
    """Return branches side by side that come from one line and meet in a sign, but for heads, which end apart."""
    named = [(name, words) for name, words in word.branches(incoming)]
    heads = isinstance(word, Heads)
    # heads inside heads are the network's way on, not a block of a block
    inside = max(depth, 1) if heads else depth + 1
    shown = [
        _chain(words, incoming, inside) if words and str(words[0]) != "identity" else _Piece(16, 0, 8, ())
        for _, words in named[:_MOST_BRANCHES]
    ]
    if len(named) > _MOST_BRANCHES:
        shown.append(_box([f"… {len(named) - _MOST_BRANCHES} more branches"], kind="folded"))
    if isinstance(word, FromLast):
        shown = [_stacked([(_box(["− last value"], kind="plain"), ""), (piece, "")]) for piece in shown]
    if heads:
        shown = [
            piece
            if words and isinstance(words[-1], Heads)
            else _stacked([(_box([name], kind="plain"), ""), (piece, "")])
            for (name, words), piece in zip(named, shown, strict=False)
        ]
    places, x = [], 0.0
    for piece in shown:
        places.append(x)
        x += piece.width + _BESIDE
    width, inner = x - _BESIDE, max(piece.height for piece in shown)
    axes = [place + piece.axis for place, piece in zip(places, shown, strict=True)]
    axis = axes[0] if word.name in {"residual", "fromlast"} else (axes[0] + axes[-1]) / 2
    top, bottom = 14.0, 14.0 + inner + 14.0
    parts = [_line(axis, 0, axis, top / 2), _line(axes[0], top / 2, axes[-1], top / 2)]
    for place, at, piece in zip(places, axes, shown, strict=True):
        parts += [_line(at, top / 2, at, top), piece.at(place, top)]
        if not heads:
            parts.append(_line(at, top + piece.height, at, bottom))
    if heads:
        return _Piece(width, top + inner, axis, tuple(parts))
    parts.append(_line(axes[0], bottom, axes[-1], bottom))
    return _merged(parts, width, axis, bottom, _SIGNS.get(word.name, word.name))


def _adversaries(word: Gan, incoming: Shape, depth: int) -> _Piece:
    """Return the discriminator below the two lines it judges: the data, and what the generator makes of its code."""
    generator = _stacked([(_box([GENERATOR], kind="plain"), ""), (_chain(word.generator, incoming, depth + 1), "")])
    left, bottom = 40.0, generator.height + 28
    axis, made = 8.0, left + generator.axis
    parts = [_line(axis, 0, axis, bottom), generator.at(left, 14), _line(made, bottom - 14, made, bottom)]
    parts.append(_line(axis, bottom, made, bottom))
    both = _merged(parts, left + generator.width, axis, bottom, "or")
    judge = _chain(word.discriminator, incoming, depth + 1)
    return _stacked([(both, ""), (_box([DISCRIMINATOR], kind="plain"), ""), (judge, "")])


def _merged(parts: list[Element], width: float, axis: float, bottom: float, sign: str) -> _Piece:
    half = max(11.0, _CHARACTER * len(sign) / 2 + 6)
    shift = max(0.0, half - axis)
    mark = element(
        "rect", x=_short(axis - half), y=_short(bottom - 11), width=_short(2 * half), height="22", rx="11",
        fill="var(--paper)", stroke="var(--soft)",
    )  # fmt: skip
    whole = element("g", parts, mark, _text(axis, bottom + 4.5, sign, bold=True), transform=f"translate({shift:.1f} 0)")
    return _Piece(max(width, axis + half) + shift, bottom + 11, axis + shift, (whole,))


def _frame(piece: _Piece, label: str) -> _Piece:
    """Return a piece in a frame with a label on its upper left."""
    margin, head = 12.0, 24.0
    # the label stands left of the line that enters at the top
    left = max(margin, _CHARACTER * len(label) + 18 - piece.axis)
    width, height = piece.width + left + margin, piece.height + head + 10
    box = element(
        "rect", x="0.5", y="0.5", width=_short(width - 1), height=_short(height - 1), rx="8", fill="none",
        stroke="var(--soft)", stroke_dasharray="4 3",
    )  # fmt: skip
    text = element("text", label, x="8", y="17", font_size="13", font_weight="700", fill="var(--blue)")
    axis = left + piece.axis
    parts = (
        box, text, _line(axis, 0, axis, head), piece.at(left, head),
        _line(axis, head + piece.height, axis, height),
    )  # fmt: skip
    return _Piece(width, height, axis, parts)


def _stacked(pieces: Sequence[tuple[_Piece, str]]) -> _Piece:
    """Return pieces under one another on one axis, each with the label of the arrow that leads to it."""
    labels = [_CHARACTER * len(label) + 10 if label else 0.0 for _, label in pieces]
    axis = max(piece.axis for piece, _ in pieces)
    beyond = max(max(piece.width - piece.axis, label) for (piece, _), label in zip(pieces, labels, strict=True))
    parts: list[Element] = []
    y = 0.0
    for number, (piece, label) in enumerate(pieces):
        if number:
            parts.append(_arrow(axis, y, y + _GAP))
            if label:
                parts.append(_text(axis + 8, y + _GAP / 2 + 4, label, colour="var(--soft)", anchor="start"))
            y += _GAP
        parts.append(piece.at(axis - piece.axis, y))
        y += piece.height
    return _Piece(axis + beyond, y, axis, tuple(parts))


_FILLS = {
    "layer": ("var(--panel)", "var(--line)", None),
    "shape": ("none", "none", None),
    "plain": ("none", "none", None),
    "folded": ("none", "var(--soft)", "3 3"),
}


def _box(lines: Sequence[str], kind: str) -> _Piece:
    texts = [shortened(line, _MOST_CHARACTERS) for line in lines]
    width = max(_CHARACTER * max(map(len, texts)) + 20, 44.0)
    height = _LINE * len(texts) + 11
    fill, stroke, dashes = _FILLS[kind]
    frame = element(
        "rect", x="0.5", y="0.5", width=_short(width - 1), height=_short(height - 1), rx="5", fill=fill,
        stroke=stroke, stroke_dasharray=dashes,
    )  # fmt: skip
    parts = [frame] if kind not in {"shape", "plain"} else []
    for number, text in enumerate(texts):
        colour = "var(--ink)" if number == 0 else "var(--soft)"
        parts.append(_text(width / 2, 17.5 + _LINE * number, text, colour=colour, bold=kind == "shape"))
    return _Piece(width, height, width / 2, tuple(parts))


def _text(
    x: float, y: float, text: str, *, colour: str = "var(--ink)", anchor: str = "middle", bold: bool = False
) -> Element:
    return element(
        "text", text, x=_short(x), y=_short(y), fill=colour, text_anchor=anchor, class_="word", font_size="12",
        font_weight="700" if bold else None,
    )  # fmt: skip


def _line(x1: float, y1: float, x2: float, y2: float) -> Element:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", stroke="var(--soft)", **{name: _short(end) for name, end in ends.items()})


def _arrow(x: float, y1: float, y2: float) -> Element:
    head = f"M{_short(x - 4)} {_short(y2 - 6)} L{_short(x)} {_short(y2)} L{_short(x + 4)} {_short(y2 - 6)} Z"
    return element("g", _line(x, y1, x, y2 - 4), element("path", d=head, fill="var(--soft)"))


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
