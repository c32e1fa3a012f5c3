"""Edits of the loss: another one, operands that fit it, shapes that match, logarithms that stay finite."""

import ast

from pellucid.diagnosis.remedies.anatomy import LOSS_LAYERS, LossCall, loss_at, losses, networks
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.layers import chains, output_uses, removed, replaced
from pellucid.diagnosis.remedies.source import Source, argument, called

_LAYER_OF = {function: layer for layer, function in LOSS_LAYERS.items()}
WHOLE_TARGETS = frozenset({"cross_entropy", "nll_loss"})


def swap_loss(source: Source, line: int | None, function: str) -> Edit | None:
    """Compute another loss with the same operands: "binary_cross_entropy" for "mse_loss"."""
    found = loss_at(source, line)
    return source.edit(*loss_swapped(source, found, function)) if found else None


def loss_swapped(source: Source, found: LossCall, function: str) -> list[Span]:
    """Return the change behind `swap_loss`; options of the old loss go, but for its reduction."""
    if found.maker is not None:
        maker = source.segment(found.maker.func).rpartition(".")[0]
        imports: list[Span] = []
        if not maker:
            maker, imports = source.spoken("torch.nn")
        kept = _reduction(source, found.maker)
        return [source.put(found.maker, f"{maker}.{_LAYER_OF[function]}({kept})"), *imports]
    module = source.segment(found.call.func).rpartition(".")[0]
    imports = []
    if not module:
        module, imports = source.spoken("torch.nn.functional")
    return [source.put(found.call.func, f"{module}.{function}"), *imports]


def _reduction(source: Source, maker: ast.Call) -> str:
    given = argument(maker, "reduction")
    return f"reduction={source.segment(given)}" if given is not None else ""


def without_output_activation(source: Source) -> Edit | None:
    """Let the network give what its last layer computes, for a loss that expects scores."""
    uses = output_uses(source)
    return source.edit(*removed(source, uses[0])) if uses else None


def output_activation(source: Source, function: str) -> Edit | None:
    """Put another activation at the network's end: "sigmoid" for "softmax"; one that is missing is added."""
    uses = output_uses(source)
    if uses:
        return source.edit(*replaced(source, uses[0], function, axis=1))
    return _with_activation(source, function)


def _with_activation(source: Source, function: str) -> Edit | None:
    """Add an activation as the last layer of the trained network, where that is written as a Sequential."""
    for _, statement in networks(source):
        for node, parts in chains(source):
            if node is statement.value:
                nn = source.segment(statement.value.func).rpartition(".")[0]  # type: ignore[attr-defined]
                layer = {"sigmoid": "Sigmoid()", "log_softmax": "LogSoftmax(dim=1)", "softmax": "Softmax(dim=1)"}
                place = source.end(parts[-1])
                return source.edit(Span(place, place, f", {nn + '.' if nn else ''}{layer[function]}"))
    return None


def matched_pair(source: Source, line: int | None) -> Edit | None:
    """Let a loss that applies softmax or sigmoid itself be given scores, or take the one that expects probabilities.

    Where the script reads its outputs as probabilities, against a threshold such as 0.5, the loss is changed, else the
    network.
    """
    found = loss_at(source, line)
    if found is None:
        return None
    if found.function == "binary_cross_entropy_with_logits" and _read_as_probabilities(source):
        return source.edit(*loss_swapped(source, found, "binary_cross_entropy"))
    return without_output_activation(source)


def _read_as_probabilities(source: Source) -> bool:
    """Tell whether something is compared with a number between 0.2 and 0.8, or rounded."""
    for node in source.walk(ast.Compare):
        for part in node.comparators:
            number = source.number(part)
            if number and 0.2 <= number[0] <= 0.8:
                return True
    return bool(source.calls("round"))


def classify(source: Source, line: int | None, classes: int | None = None) -> Edit | None:
    """Train with cross-entropy on class numbers what was trained as a value: loss, targets and predictions."""
    found = loss_at(source, line)
    if found is None or found.prediction is None or found.target is None:
        return None
    spans: list[Span] = []
    done: set[int] = set()
    for loss in losses(source):
        if loss.function != found.function or loss.prediction is None or loss.target is None:
            continue
        if loss.maker is None or id(loss.maker) not in done:
            spans.extend(loss_swapped(source, loss, "cross_entropy"))
            done.add(id(loss.maker))
        spans.append(source.put(loss.prediction, _whole_output(source, loss.prediction)))
        spans.append(source.put(loss.target, _as_classes(source, loss.target)))
    for use in output_uses(source)[:1]:
        spans.extend(removed(source, use))
    if classes is not None:
        spans.extend(_predicted_classes(source, {id(loss.prediction) for loss in losses(source)}))
    return source.edit(*dict.fromkeys(spans))


NARROWING = frozenset({"squeeze", "flatten", "view", "reshape", "float", "round", "long", "int", "clamp", "sigmoid"})


def _whole_output(source: Source, node: ast.expr) -> str:
    """Return `model(x)` of `model(x).squeeze(1)` and `model(x)[:, 0]`."""
    while True:
        match node:
            case ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in NARROWING and not _module(
                source, inner
            ):
                node = inner
            case _:
                return source.segment(node)


def _module(source: Source, node: ast.expr) -> bool:
    return source.segment(node) in {source.module_name("torch"), source.module_name("torch.nn.functional"), None}


def _as_classes(source: Source, node: ast.expr) -> str:
    """Return a target as class numbers: `t.float()` becomes `t.long()`, `t.unsqueeze(1)` loses its axis."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="float" | "unsqueeze" | "squeeze" | "view" | "reshape")):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr="long")):
                node = inner
            case _:
                return f"{source.segment(node)}.long()"


def _predicted_classes(source: Source, operands: set[int]) -> list[Span]:
    """Return the changes that read the class with the highest score, where outputs were rounded to one."""
    names = {name for name, _ in networks(source)}
    spans = []
    for call in source.walk(ast.Call):
        if source.segment(call.func) not in names or id(call) in operands:
            continue
        top: ast.AST = call
        rounded = False
        for outer in source.above(call):
            if isinstance(outer, ast.Attribute) and (outer.attr in NARROWING or _module(source, outer.value)):
                continue
            if isinstance(outer, ast.Subscript) or (isinstance(outer, ast.Call) and called(outer) in NARROWING):
                if id(outer) in operands:
                    rounded = False
                    break
                top, rounded = outer, rounded or called(outer) == "round"
                continue
            break
        if rounded:
            spans.append(source.put(top, f"{source.segment(call)}.argmax(dim=1)"))
    return spans


def match_shapes(source: Source, prediction: tuple[int, ...], target: tuple[int, ...], line: int | None) -> Edit | None:
    """Let prediction and target have one shape, at every call of this loss."""
    del line
    spans = []
    extra = len(prediction) - len(target)
    for loss in losses(source):
        if loss.prediction is None or loss.target is None or loss.function in WHOLE_TARGETS:
            continue
        if extra == 1 and prediction[-1] == 1:
            spans.append(_suffixed(source, loss.target, ".unsqueeze(-1)"))
        elif extra == -1 and target[-1] == 1:
            spans.append(_suffixed(source, loss.target, ".squeeze(-1)"))
        elif extra == 0 and prediction != target:
            spans.append(_suffixed(source, loss.target, f".view_as({source.segment(loss.prediction)})"))
    return source.edit(*spans)


def _suffixed(source: Source, node: ast.expr, suffix: str) -> Span:
    text = source.segment(node)
    simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return source.put(node, f"{text if simple else f'({text})'}{suffix}")


def squeezed_output(source: Source) -> Edit | None:
    """Let the network itself drop its last axis of one, so that predictions have the targets' shape everywhere."""
    names = networks(source)
    if not names:
        return None
    network, made = names[0]
    return source.edit(
        source.after(made, f"{network}.register_forward_hook(lambda module, inputs, output: output.squeeze(-1))")
    )


SMALLEST = "1e-8"


def stable(source: Source, line: int | None) -> Edit | None:
    """Keep logarithms, roots and divisors at a line away from zero; without a line, all logarithms."""
    spans = []
    for call in source.calls("log", "log2", "log10", "sqrt", "rsqrt"):
        if line is not None and not call.lineno <= line <= (call.end_lineno or line):
            continue
        if call.args and isinstance(call.func, ast.Attribute):
            if source.segment(call.func.value) == source.module_name("torch"):
                spans.append(_suffixed(source, call.args[0], f".clamp(min={SMALLEST})"))
        elif isinstance(call.func, ast.Attribute):
            place = source.end(call.func) - len(f".{call.func.attr}")
            spans.append(Span(place, place, f".clamp(min={SMALLEST})"))
    for node in source.walk(ast.BinOp):
        at_line = line is not None and node.lineno <= line <= (node.end_lineno or line)
        if isinstance(node.op, ast.Div) and at_line and called(node.right) in {"norm", "std", "sum", "var"}:
            spans.append(source.put(node.right, f"({source.segment(node.right)} + {SMALLEST})"))
    return source.edit(*_outermost(spans))


def _outermost(spans: list[Span]) -> list[Span]:
    return [
        span
        for span in spans
        if not any(other is not span and other.start <= span.start and span.end <= other.end for other in spans)
    ]


def not_saturating(source: Source) -> Edit | None:
    """Let a generator maximise log D(G(z)); the gradient of log(1 - D(G(z))) vanishes (Goodfellow 2014)."""
    for statement in source.walk(ast.Assign):
        for call in source.calls("mean", inside=statement.value):
            match call.func:
                case ast.Attribute(value=ast.Call(func=ast.Attribute(value=ast.BinOp() as inner, attr="log"))):
                    pass
                case ast.Attribute(value=ast.Call(func=ast.Attribute(attr="log"), args=[ast.BinOp() as inner])):
                    pass
                case _:
                    continue
            one = isinstance(inner.left, ast.Constant) and inner.left.value == 1
            alone = call is statement.value
            if one and alone and isinstance(inner.op, ast.Sub):
                return source.edit(source.put(call, f"-{_bracketed(source, inner.right)}.log().mean()"))
    return None


def _bracketed(source: Source, node: ast.expr) -> str:
    text = source.segment(node)
    return text if isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript) else f"({text})"


def softmax_axis(source: Source, line: int | None, axis: int = 1) -> Edit | None:
    """Let softmax sum over the classes of a sample and not over the batch."""
    found = [
        call
        for call in source.calls("softmax", "log_softmax", "Softmax", "LogSoftmax", "normalize", "softmin")
        if (given := _axis_of(call)) is not None and (now := source.number(given)) and now[0] != axis
    ]
    call = source.near(found, line)
    given = _axis_of(call) if call else None
    return source.edit(source.put(given, str(axis))) if given is not None else None


def _axis_of(call: ast.Call) -> ast.expr | None:
    if called(call) in {"Softmax", "LogSoftmax"}:
        return argument(call, "dim", ("dim",))
    method = argument(call, "dim", ("input", "dim"))
    if (
        method is None
        and isinstance(call.func, ast.Attribute)
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Constant)
    ):
        return call.args[0]
    return method
