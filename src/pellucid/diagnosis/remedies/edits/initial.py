"""Edits of the initial weights: torch's own, or Glorot's or He's, in place of what breaks the start."""

import ast

from pellucid.diagnosis.remedies.anatomy import networks, optimizers
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.edits.numbers import set_figure
from pellucid.diagnosis.remedies.source import Source, argument, called

FILLS = frozenset({"constant_", "zeros_", "ones_", "normal_", "uniform_", "trunc_normal_", "fill_", "zero_"})


def fresh_weights(source: Source) -> Edit | None:
    """Draw the weights anew as torch's layers do, right before the optimiser is made."""
    names = networks(source)
    first = next((found for found in optimizers(source) if found.name), None)
    if not names or first is None:
        return None
    called_weights = 'lambda layer: layer.reset_parameters() if hasattr(layer, "reset_parameters") else None'
    trained = [name for name, _ in names if f"{name}." in source.segment(first.call)] or [names[0][0]]
    return source.edit(source.before(first.statement, *(f"{name}.apply({called_weights})" for name in trained)))


def scaled_init(source: Source, function: str = "xavier_uniform_") -> Edit | None:
    """Put Glorot's or He's rule in place of weights filled with a constant or drawn at a scale of one's own."""
    spans: list[Span] = []
    for call in source.calls(*FILLS):
        if _is_bias(source, call):
            continue
        filled = call.args[0] if _is_init(source, call) and call.args else _held(call)
        if filled is None:
            continue
        init, imports = _init_module(source, call)
        text = source.segment(filled)
        weight = text.endswith(".data") or not _is_init(source, call)
        text = text.removesuffix(".data") if weight and text.endswith(".data") else text
        new = f"{init}.{function}({text})"
        if not ("weight" in text or _guarded(source, call)):
            new = f"{new} if {text}.dim() > 1 else {init}.zeros_({text})"
        spans.extend([source.put(call, new), *imports])
    return source.edit(*dict.fromkeys(spans))


def _held(call: ast.Call) -> ast.expr | None:
    """Return the parameter of `p.data.fill_(0.1)` and `layer.weight.normal_()`."""
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _is_init(source: Source, call: ast.Call) -> bool:
    init = source.module_name("torch.nn.init")
    return isinstance(call.func, ast.Attribute) and source.segment(call.func.value) in {init, "init", "nn.init"}


def _init_module(source: Source, call: ast.Call) -> tuple[str, list[Span]]:
    if _is_init(source, call) and isinstance(call.func, ast.Attribute):
        return source.segment(call.func.value), []
    return source.spoken("torch.nn.init")


def _is_bias(source: Source, call: ast.Call) -> bool:
    text = source.segment(call)
    in_bias_branch = False
    for outer in source.above(call):
        if isinstance(outer, ast.If):
            test = source.segment(outer.test)
            under_else = any(call in ast.walk(statement) for statement in outer.orelse)
            in_bias_branch |= under_else and ("dim()" in test or "weight" in test or "ndim" in test)
            in_bias_branch |= not under_else and "bias" in test
    return "bias" in text or in_bias_branch


def _guarded(source: Source, call: ast.Call) -> bool:
    """Tell whether an `if` around a call already makes sure of two axes."""
    tests = [source.segment(outer.test) for outer in source.above(call) if isinstance(outer, ast.If)]
    return any("dim()" in test or "ndim" in test or "weight" in test for test in tests)


def zero_biases(source: Source) -> Edit | None:
    """Let biases that are set by hand begin at zero."""
    spans: list[Span] = []
    for call in source.calls("constant_", "fill_", "uniform_", "normal_"):
        if not _is_bias(source, call):
            continue
        order = ("tensor", "val") if _is_init(source, call) else ("val",)
        value = argument(call, "val", order)
        if called(call) in {"constant_", "fill_"} and value is not None:
            spans.extend(set_figure(source, value, 0))
    return source.edit(*dict.fromkeys(spans))
