"""Edits of a network's layers: activations between them, their width, what they are made of."""

import ast

from pellucid.diagnosis.remedies.anatomy import OPTIMIZERS, method_of, module_classes, networks
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.edits.numbers import add_argument, set_figure
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
WIDTH_OUT = ("in_features", "out_features")
WIDEST = 128
"""A hidden layer is not made wider than this for the asking."""


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
        for one, following in zip(parts, parts[1:], strict=False):
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
    for statement in source.walk(ast.Expr):
        match statement.value:
            case ast.Call(func=ast.Attribute(value=held, attr="append"), args=[made]):
                name = source.segment(held)
                if called(made) in LINEAR or called(source.value(made) or made) in LINEAR:
                    appended.setdefault(name, []).append(statement)
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
        for one, following in zip(parts, parts[1:], strict=False):
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
    for node, parts in chains(source):
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


def normalised(source: Source) -> Edit | None:
    """Put a batch norm between each hidden linear layer and its activation in a Sequential."""
    spans = []
    for _, parts in chains(source):
        for one, following in zip(parts, parts[1:], strict=False):
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
                (source.end(part) for part in (*call.args, *call.keywords) if source.end(part) < source.start(keyword))
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


def registered(source: Source) -> Edit | None:
    """Keep layers where the network sees them: a list becomes ModuleList, a dict ModuleDict, a tensor a Parameter."""
    nn, imports = source.spoken("torch.nn")
    spans: list[Span] = []
    for owner in module_classes(source):
        for statement in source.walk(ast.Assign, owner):
            target, value = statement.targets[0], statement.value
            if not (isinstance(target, ast.Attribute) and source.segment(target.value) == "self"):
                continue
            text = source.segment(value)
            if isinstance(value, ast.List | ast.ListComp) and _holds_layers(source, owner, target.attr, value):
                spans.append(source.put(value, f"{nn}.ModuleList({text if text != '[]' else ''})"))
            elif isinstance(value, ast.Dict | ast.DictComp) and _holds_layers(source, owner, target.attr, value):
                spans.append(source.put(value, f"{nn}.ModuleDict({text if text != '{}' else ''})"))
            elif (
                isinstance(value, ast.Call)
                and argument(value, "requires_grad") is not None
                and called(value) != "Parameter"
            ):
                keyword = next(item for item in value.keywords if item.arg == "requires_grad")
                start = max(source.end(part) for part in (*value.args, *value.keywords) if part is not keyword)
                spans.append(Span(start, source.end(keyword), ""))
                spans.append(Span(source.start(value), source.start(value), f"{nn}.Parameter("))
                spans.append(Span(source.end(value), source.end(value), ")"))
    return source.edit(*spans, *imports) if spans else None


def _holds_layers(source: Source, owner: ast.ClassDef, name: str, value: ast.expr) -> bool:
    classes = {item.name for item in module_classes(source)}

    def makes_layer(node: ast.AST) -> bool:
        made = called(node)
        known = made in LINEAR | set(ACTIVATIONS) | classes | {"Sequential", "Embedding", "EmbeddingBag", "LSTM", "GRU"}
        return known or (made[:1].isupper() and isinstance(node, ast.Call) and _from_nn(source, node))

    if any(makes_layer(node) for node in ast.walk(value)):
        return True
    for call in source.calls("append", "extend", inside=owner):
        held = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(held, ast.Attribute) and held.attr == name and any(makes_layer(node) for node in ast.walk(call)):
            return True
    for statement in source.walk(ast.Assign, owner):
        match statement.targets[0]:
            case ast.Subscript(value=ast.Attribute(attr=found)) if found == name:
                return makes_layer(statement.value)
    return False


def _from_nn(source: Source, call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and source.segment(call.func.value) == source.module_name("torch.nn")


def attached(source: Source, line: int | None = None) -> Edit | None:
    """Take out what cuts the gradient inside the networks: `.detach()`, `.data`, `with torch.no_grad()`."""
    spans = []
    for owner in module_classes(source):
        for call in source.calls("detach", "clone", inside=owner):
            if called(call) == "detach" and isinstance(call.func, ast.Attribute) and not call.args:
                spans.append(Span(source.end(call.func.value), source.end(call), ""))
        for node in source.walk(ast.Attribute, method_of(owner, "forward")):
            if node.attr == "data":
                spans.append(Span(source.end(node.value), source.end(node), ""))
        for block in source.walk(ast.With, method_of(owner, "forward")):
            if any(called(item.context_expr) == "no_grad" for item in block.items):
                torch = source.module_name("torch") or "torch"
                spans.append(source.put(block.items[0].context_expr, f"{torch}.enable_grad()"))
    if line is not None and not spans:
        for call in source.calls("detach"):
            if call.lineno <= line <= (call.end_lineno or line) and isinstance(call.func, ast.Attribute):
                spans.append(Span(source.end(call.func.value), source.end(call), ""))
    return source.edit(*spans)


def trainable(source: Source) -> Edit | None:
    """Remove what freezes parameters: `p.requires_grad = False`, `requires_grad_(False)`."""
    spans = []
    for statement in source.walk(ast.Assign):
        match statement:
            case ast.Assign(targets=[ast.Attribute(attr="requires_grad")], value=ast.Constant(value=False) as value):
                spans.append(source.put(value, "True"))
    for call in source.calls("requires_grad_"):
        given = argument(call, "requires_grad", ("requires_grad",))
        if isinstance(given, ast.Constant) and given.value is False:
            spans.append(source.put(given, "True"))
    return source.edit(*spans)


def optimised(source: Source, missing: tuple[str, ...] = ()) -> Edit | None:
    """Give the optimiser the parameters of the networks it does not hold."""
    made = source.calls(*OPTIMIZERS)
    if not made:
        return None
    texts = " ".join(source.segment(call) for call in made)
    absent = [name for name, _ in networks(source) if f"{name}." not in texts]
    names = [name for name in missing if name in absent] or absent
    given = argument(made[-1], "params", ("params",))
    if given is None:
        return None
    if not names:
        return _whole_network(source, given)
    added = ", ".join(f"*{name}.parameters()" for name in names)
    old = source.segment(given)
    inside = old[1:-1].rstrip().rstrip(",") if isinstance(given, ast.List) else f"*{old}"
    if isinstance(given, ast.List) and any(isinstance(part, ast.Dict) for part in given.elts):
        added = ", ".join(f'{{"params": {name}.parameters()}}' for name in names)
    return source.edit(source.put(given, f"[{inside}, {added}]"))


def _whole_network(source: Source, given: ast.expr) -> Edit | None:
    """Return the edit from `model.head.parameters()` to `model.parameters()`."""
    match given:
        case ast.Call(func=ast.Attribute(value=ast.Attribute() as part, attr="parameters")):
            root = source.segment(part).split(".")[0]
            if root != "self":
                return source.edit(source.put(part, root))
    return None


def without_bias(source: Source) -> Edit | None:
    """Leave out the bias of a layer right before a norm, which subtracts it again."""
    spans = []
    for _, parts in chains(source):
        for one, following in zip(parts, parts[1:], strict=False):
            if called(one) in LINEAR and called(following).startswith("BatchNorm") and isinstance(one, ast.Call):
                if argument(one, "bias") is None:
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
