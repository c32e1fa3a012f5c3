"""Edits that let parameters be found, reached by the gradient and changed by the optimiser."""

import ast

from pellucid.diagnosis.remedies.anatomy import OPTIMIZERS, method_of, module_classes, networks
from pellucid.diagnosis.remedies.edit import Edit, Span
from pellucid.diagnosis.remedies.layers import ACTIVATIONS, LINEAR
from pellucid.diagnosis.remedies.source import Source, argument, called


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
    spans: list[Span] = []
    for owner in module_classes(source):
        spans.extend(_undetached(source, owner))
        forward = method_of(owner, "forward")
        data = [node for node in source.walk(ast.Attribute, forward) if node.attr == "data"]
        spans.extend(Span(source.end(node.value), source.end(node), "") for node in data)
        torch = source.module_name("torch") or "torch"
        for block in source.walk(ast.With, forward):
            marks = [item.context_expr for item in block.items if called(item.context_expr) == "no_grad"]
            spans.extend(source.put(mark, f"{torch}.enable_grad()") for mark in marks)
    if line is not None and not spans:
        spans.extend(_undetached(source, source.tree, line))
    return source.edit(*spans)


def _undetached(source: Source, inside: ast.AST, line: int | None = None) -> list[Span]:
    """Return the changes that take out `.detach()`, at a line if one is given."""
    return [
        Span(source.end(call.func.value), source.end(call), "")
        for call in source.calls("detach", inside=inside)
        if isinstance(call.func, ast.Attribute)
        and not call.args
        and (line is None or call.lineno <= line <= (call.end_lineno or line))
    ]


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
