"""Edits of how wide and how deep a network is."""

import ast
from itertools import pairwise

from pellucid.diagnosis.remedies.anatomy import method_of, module_classes, networks
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.edits.numbers import set_figure
from pellucid.diagnosis.remedies.layers import chains
from pellucid.diagnosis.remedies.source import Source, argument, called

WIDTH_OUT = ("in_features", "out_features")
WIDEST = 128
"""A hidden layer is not made wider than this for the asking."""


def output_width(source: Source, width: int) -> Edit | None:
    """Let the last layer give as many numbers as there are classes or targets."""
    layer = last_layer(source)
    given = argument(layer, "out_features", WIDTH_OUT) if layer else None
    return source.edit(*set_figure(source, given, width)) if given is not None else None


def last_layer(source: Source) -> ast.Call | None:
    """Return the call that makes the trained network's last linear layer."""
    for _, statement in networks(source):
        for node, parts in chains(source):
            if node is statement.value:
                linear = [part for part in parts if called(part) == "Linear"]
                if linear:
                    return linear[-1] if isinstance(linear[-1], ast.Call) else None
        for owner in module_classes(source):
            if owner.name == called(statement.value):
                return _last_in_class(source, owner)
    calls = source.calls("Linear")
    return calls[-1] if calls else None


def _last_in_class(source: Source, owner: ast.ClassDef) -> ast.Call | None:
    """Return the layer whose call stands last and outermost in `forward`, else the last one made."""
    forward = method_of(owner, "forward")
    for returned in reversed(list(source.walk(ast.Return, forward))):
        for node in (returned.value, *ast.walk(returned)):
            held = (
                source.value(node.func) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
            )
            if called(held or node or owner) == "Linear" and isinstance(held, ast.Call):
                return held
            if isinstance(held, ast.Call) and called(held) == "Sequential":
                linear = source.calls("Linear", inside=held)
                return linear[-1] if linear else None
    linear = source.calls("Linear", inside=owner)
    return linear[-1] if linear else None


def hidden_widths(source: Source) -> dict[int, tuple[float, ast.expr]]:
    """Return where the widths between layers are written: place in the text -> (width, expression)."""
    found: dict[int, tuple[float, ast.expr]] = {}
    for _, parts in _layer_runs(source):
        for one, following in pairwise(parts):
            out, into = argument(one, "out_features", WIDTH_OUT), argument(following, "in_features", WIDTH_OUT)
            ends = [source.number(end) if end is not None else None for end in (out, into)]
            if ends[0] and ends[1] and ends[0][0] == ends[1][0]:
                for end in ends:
                    if end is not None:
                        found[source.start(end[1])] = end
    return found


def _layer_runs(source: Source) -> list[tuple[ast.AST, list[ast.Call]]]:
    """Return linear layers that follow each other, with anything but other layers between them."""
    runs: list[tuple[ast.AST, list[ast.Call]]] = []
    for node, parts in chains(source):
        runs.append((node, [part for part in parts if isinstance(part, ast.Call) and called(part) == "Linear"]))
    for owner in module_classes(source):
        made = [
            statement.value
            for statement in source.walk(ast.Assign, owner)
            if isinstance(statement.value, ast.Call) and called(statement.value) == "Linear"
        ]
        runs.append((owner, [call for call in made if isinstance(call, ast.Call)]))
    return runs


def wider(source: Source, factor: float, at_least: int = 1) -> Edit | None:
    """Make hidden layers wider (or narrower) by a factor."""
    spans = []
    for width, node in hidden_widths(source).values():
        wanted = max(at_least, round(width * factor))
        wanted = min(wanted, max(WIDEST, int(width))) if factor > 1 else max(2, wanted)
        spans.extend(set_figure(source, node, wanted))
    return source.edit(*dict.fromkeys(spans))


def deeper(source: Source, width: int) -> Edit | None:
    """Make hidden layers at least so wide and put one more before the last layer of a Sequential."""
    for _, parts in chains(source):
        linear = [part for part in parts if called(part) == "Linear"]
        if len(linear) < 2 or not isinstance(linear[-1], ast.Call):
            continue
        spans = [span for _, place in hidden_widths(source).values() for span in set_figure(source, place, width)]
        last = linear[-1]
        maker = source.segment(last.func).rpartition(".")[0]
        prefix = f"{maker}." if maker else ""
        at = source.start(last)
        return source.edit(*dict.fromkeys(spans), Span(at, at, f"{prefix}Linear({width}, {width}), {prefix}ReLU(), "))
    return None
