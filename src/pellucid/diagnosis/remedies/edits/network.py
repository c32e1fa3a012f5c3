"""Edits of a network's layers: activations between them, their width, what they are made of."""

import ast
from itertools import pairwise

from pellucid.diagnosis.remedies.anatomy import method_of, module_classes
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.edits.numbers import add_argument, set_figure
from pellucid.diagnosis.remedies.edits.width import WIDTH_OUT
from pellucid.diagnosis.remedies.layers import (
    ACTIVATIONS,
    IN_TORCH,
    LINEAR,
    activation_kind,
    chains,
    hidden_uses,
    replaced,
)
from pellucid.diagnosis.remedies.source import Source, argument, called

_LAYER = {function: layer for layer, function in ACTIVATIONS.items()}


def activation_between(source: Source, function: str = "relu") -> Edit | None:
    """Put an activation between layers that follow each other without one, wherever they are written."""
    nn, imports = source.spoken("torch.nn")
    layer = f"{nn}.{_LAYER[function]}()"
    spans = [
        *_between_in_chains(source, layer),
        *_between_appended(source, layer),
        *_between_in_forward(source, function),
        *_for_identities(source, function),
    ]
    return source.edit(*spans, *imports) if spans else None


def _between_in_chains(source: Source, layer: str) -> list[Span]:
    spans = []
    for _, parts in chains(source):
        for one, following in pairwise(parts):
            if called(one) in LINEAR and called(following) in LINEAR:
                spans.append(_added_after(source, one, following, layer))
    return spans


def _added_after(source: Source, one: ast.expr, following: ast.expr, text: str) -> Span:
    """Return the change that adds an element to a list after another, on a line of its own where the next has one."""
    place = source.end(one)
    own_line = following.lineno > (one.end_lineno or one.lineno)
    gap = "\n" + " " * following.col_offset if own_line else " "
    return Span(place, place, f",{gap}{text}")


def _between_appended(source: Source, layer: str) -> list[Span]:
    """Return the changes for `layers.append(nn.Linear(...))`, in a loop or one after the other."""
    appended: dict[str, list[ast.stmt]] = {}
    active: set[str] = set()
    for expression in source.walk(ast.Expr):
        match expression.value:
            case ast.Call(func=ast.Attribute(value=held, attr="append"), args=[made]):
                name = source.segment(held)
                if called(made) in LINEAR or called(source.value(made) or made) in LINEAR:
                    appended.setdefault(name, []).append(expression)
                elif activation_kind(made):
                    active.add(name)
    spans = []
    for name, statements in appended.items():
        if name in active:
            continue
        for place, statement in enumerate(statements):
            looped = any(isinstance(outer, ast.For | ast.While) for outer in source.above(statement))
            if place:
                spans.append(source.before(statement, f"{name}.append({layer})"))
            elif looped:
                spans.append(source.before(statement, f"if len({name}):", f"    {name}.append({layer})"))
    return spans


def _between_in_forward(source: Source, function: str) -> list[Span]:
    """Return the changes for `self.b(self.a(x))`, and for `x = self.a(x)` followed by `x = self.b(x)`."""
    torch, imports = source.spoken("torch" if function in IN_TORCH else "torch.nn.functional")
    spans: list[Span] = []
    for owner in module_classes(source):
        forward = method_of(owner, "forward")
        linear = {call for call in source.walk(ast.Call, forward) if _is_linear_call(source, call)}
        for call in linear:
            inner = call.args[0] if call.args else None
            if isinstance(inner, ast.Name):
                made = [
                    value
                    for statement, value in source.assignments(inner.id, forward)
                    if (statement.end_lineno or 0) < call.lineno
                ]
                inner = made[-1] if made else None
            if inner in linear:
                spans.append(source.put(inner, f"{torch}.{function}({source.segment(inner)})"))
    return [*dict.fromkeys(spans), *(imports if spans else [])]


def _is_linear_call(source: Source, call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="self")):
            return called(source.value(call.func) or call) in LINEAR
    return False


def _for_identities(source: Source, function: str) -> list[Span]:
    return [
        span for call in source.calls("Identity") for span in [source.put(call.func, _identity(source, call, function))]
    ]


def _identity(source: Source, call: ast.Call, function: str) -> str:
    maker = source.segment(call.func).rpartition(".")[0]
    return f"{maker}.{_LAYER[function]}" if maker else _LAYER[function]


def hidden_activation(source: Source, function: str, kinds: tuple[str, ...] = ()) -> Edit | None:
    """Put another activation in place of the hidden ones (of these kinds)."""
    uses = [use for use in hidden_uses(source) if (not kinds or use.function in kinds) and use.function != function]
    spans = [span for use in uses for span in replaced(source, use, function)]
    for call in source.calls("RNN", "TransformerEncoderLayer", "TransformerDecoderLayer"):
        name = "nonlinearity" if called(call) == "RNN" else "activation"
        given = argument(call, name)
        if isinstance(given, ast.Constant) and given.value in (kinds or ("tanh", "sigmoid")) and function == "relu":
            spans.append(source.put(given, '"relu"'))
    return source.edit(*dict.fromkeys(spans))


def normalised(source: Source) -> Edit | None:
    """Put a batch norm between each hidden linear layer and its activation in a Sequential."""
    spans = []
    for _, parts in chains(source):
        for one, following in pairwise(parts):
            width = argument(one, "out_features", WIDTH_OUT) if isinstance(one, ast.Call) else None
            if (
                called(one) == "Linear"
                and width is not None
                and activation_kind(following)
                and following is not parts[-1]
            ):
                maker = source.segment(one.func).rpartition(".")[0]  # type: ignore[attr-defined]
                text = f"{maker + '.' if maker else ''}BatchNorm1d({source.segment(width)})"
                spans.append(_added_after(source, one, following, text))
    return source.edit(*spans) if spans else None


def gated(source: Source, memory: int | None = None) -> Edit | None:
    """Put a GRU in place of a plain recurrent layer.

    Args:
        source: the script.
        memory: steps over which something must be remembered: the update gate then begins as chrono initialisation has
            it, its bias the logarithm of U(1, memory - 1) (Tallec and Ollivier 2018), so that the state is kept.
    """
    spans: list[Span] = []
    for call in source.calls("RNN"):
        maker = source.segment(call.func).rpartition(".")[0]
        spans.append(source.put(call.func, f"{maker + '.' if maker else ''}GRU"))
        given = argument(call, "nonlinearity")
        if given is not None:
            keyword = next(item for item in call.keywords if item.value is given)
            before = max(
                source.end(part) for part in (*call.args, *call.keywords) if source.end(part) < source.start(keyword)
            )
            spans.append(Span(before, source.end(keyword), ""))
        statement = source.statement_of(call)
        if memory and memory > 2 and isinstance(statement, ast.Assign) and statement.value is call:
            torch, imports = source.spoken("torch")
            held = source.segment(statement.targets[0])
            spans.extend(imports)
            spans.append(
                source.after(
                    statement,
                    f"with {torch}.no_grad():  # the update gate begins by keeping the state",
                    f"    {held}.bias_ih_l0.chunk(3)[1].uniform_(1, {memory - 1}).log_()",
                )
            )
    return source.edit(*spans) if spans else None


def without_bias(source: Source) -> Edit | None:
    """Leave out the bias of a layer right before a norm, which subtracts it again."""
    spans = []
    for _, parts in chains(source):
        for one, following in pairwise(parts):
            normed = called(one) in LINEAR and called(following).startswith("BatchNorm")
            if normed and isinstance(one, ast.Call) and argument(one, "bias") is None:
                spans.extend(add_argument(source, one, "bias=False"))
    return source.edit(*spans)


def batch_first(source: Source) -> Edit | None:
    """Tell recurrent and attention layers that the batch is the first axis."""
    kinds = ("RNN", "LSTM", "GRU", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")
    spans = []
    for call in source.calls(*kinds):
        given = argument(call, "batch_first")
        if given is None:
            spans.extend(add_argument(source, call, "batch_first=True"))
        elif isinstance(given, ast.Constant) and given.value is False:
            spans.append(source.put(given, "True"))
    return source.edit(*spans)


def transposed(source: Source, line: int | None) -> Edit | None:
    """Swap the first two axes by a transpose where a view or reshape only renames them."""
    for call in source.calls("view", "reshape"):
        if line is not None and not call.lineno <= line <= (call.end_lineno or line):
            continue
        if isinstance(call.func, ast.Attribute) and len(call.args) >= 3:
            return source.edit(source.put(call, f"{source.segment(call.func.value)}.transpose(0, 1)"))
    return None


def without_gain(source: Source) -> Edit | None:
    """Leave out a large factor on what goes into an activation: `tanh(40 * x)`."""
    spans = []
    for use in hidden_uses(source):
        if isinstance(use.inner, ast.BinOp) and isinstance(use.inner.op, ast.Mult):
            for factor in (use.inner.left, use.inner.right):
                gain = source.number(factor)
                if gain and gain[0] > 2:
                    spans.extend(set_figure(source, factor, 1))
    return source.edit(*dict.fromkeys(spans))
