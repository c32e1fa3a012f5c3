"""The layers of a script's networks as they are written: sequences, attributes, activations, the output."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pellucid.diagnosis.remedies.anatomy import method_of, module_classes, networks
from pellucid.diagnosis.remedies.edit import Span
from pellucid.diagnosis.remedies.source import Source, called

ACTIVATIONS = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "GELU": "gelu", "ELU": "elu", "SELU": "selu", "SiLU": "silu",
    "Tanh": "tanh", "Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "log_softmax", "Softplus": "softplus",
    "ReLU6": "relu6", "Hardtanh": "hardtanh", "Softsign": "softsign", "LogSigmoid": "logsigmoid", "Softmin": "softmin",
    "Hardsigmoid": "hardsigmoid", "Mish": "mish", "CELU": "celu", "Tanhshrink": "tanhshrink", "Identity": "identity",
}  # fmt: skip
"""Activation layer -> its function."""
LINEAR = frozenset(
    ["Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Bilinear"]
)
WITH_AXIS = frozenset({"softmax", "log_softmax", "softmin"})
IN_TORCH = frozenset({"relu", "tanh", "sigmoid", "softmax", "log_softmax", "selu"})
"""Functions that torch itself has, so that `torch.relu` is right."""
_BY_FUNCTION = {function: layer for layer, function in ACTIVATIONS.items()}


@dataclass(frozen=True)
class ActivationUse:
    """An activation where it is applied.

    Attributes:
        function: its name, lower case: "relu", "softmax".
        node: the layer's call (or the bare class it is made from), or the whole functional call.
        inner: what it is applied to, in a functional call.
        form: a layer among others; the layer that an attribute holds, `self.act = nn.ReLU()`; a call; `x.relu()`.
        called_by: the call `self.act(x)`, for an attribute's.
        siblings: the layers it stands among.
    """

    function: str
    node: ast.expr
    form: Literal["layer", "attribute", "call", "method"]
    inner: ast.expr | None = None
    called_by: ast.Call | None = None
    siblings: tuple[ast.expr, ...] = ()


def activation_kind(node: ast.AST | None) -> str | None:
    """Return the function of an activation layer's call, or of its bare class."""
    name = called(node) if isinstance(node, ast.Call) else ""
    if isinstance(node, ast.Attribute):
        name = node.attr
    elif isinstance(node, ast.Name):
        name = node.id
    return ACTIVATIONS.get(name)


def use_of(source: Source, node: ast.expr) -> ActivationUse | None:
    """Return the activation that an expression applies last, if it does."""
    if not isinstance(node, ast.Call):
        return None
    name = called(node)
    if (
        name in _BY_FUNCTION
        and node.args
        and not (isinstance(node.func, ast.Attribute) and _is_tensor(source, node.func))
    ):
        return ActivationUse(name, node, "call", inner=node.args[0])
    if name in _BY_FUNCTION and isinstance(node.func, ast.Attribute) and _is_tensor(source, node.func):
        return ActivationUse(name, node, "method", inner=node.func.value)
    if isinstance(node.func, ast.Call) and (kind := activation_kind(node.func)) and node.args:
        return ActivationUse(kind, node, "call", inner=node.args[0])
    held = source.value(node.func) if isinstance(node.func, ast.Attribute | ast.Name) else None
    if held is not None and held is not node.func and (kind := activation_kind(held)) and node.args:
        return ActivationUse(kind, held, "attribute", inner=node.args[0], called_by=node)
    return None


def _is_tensor(source: Source, function: ast.Attribute) -> bool:
    """Tell `x.relu()` from `torch.relu(x)` and `F.relu(x)`."""
    if not isinstance(function.value, ast.Name | ast.Attribute):
        return True
    text = source.segment(function.value)
    modules = ("torch", "torch.nn", "torch.nn.functional", "torch.special")
    return text not in {source.module_name(module) for module in modules} and not text.startswith("torch.")


def chains(source: Source) -> Iterator[tuple[ast.AST, list[ast.expr]]]:
    """Yield every written sequence of layers: the arguments of Sequential, or a list of layers, with what holds it."""
    for call in source.calls("Sequential"):
        if call.args and not any(isinstance(part, ast.Starred) for part in call.args):
            if len(call.args) > 1 or called(call.args[0]) != "OrderedDict":
                yield call, list(call.args)
            else:
                entries = [
                    part.elts[1]
                    for part in ast.walk(call.args[0])
                    if isinstance(part, ast.Tuple) and len(part.elts) == 2
                ]
                yield call, entries
    for node in source.walk(ast.List):
        if len(node.elts) > 1 and any(called(part) in LINEAR for part in node.elts):
            yield node, list(node.elts)


def layer_calls(source: Source, *, names: frozenset[str] = LINEAR) -> list[ast.Call]:
    """Return the calls that make layers of these kinds."""
    return source.calls(*names)


def output_uses(source: Source) -> list[ActivationUse]:
    """Return the activations that end a network, the trained network's first: after them comes no weight."""
    found: list[ActivationUse] = []
    for _, statement in networks(source):
        found.extend(_ends(source, statement.value, 6))
    parts = _parts(source)
    whole = [owner for owner in module_classes(source) if owner.name not in parts]
    found.extend(use for owner in whole for use in _class_ends(source, owner, 4) if use not in found)
    return list({id(use.node): use for use in found}.values())


def _parts(source: Source) -> set[str]:
    """Return the names of what is made inside a class or a Sequential: parts, which do not end a network."""
    return {
        called(call)
        for call in source.walk(ast.Call)
        if source.class_of(call) or any(called(outer) in {"Sequential", "ModuleList"} for outer in source.above(call))
    }


def _ends(source: Source, made: ast.expr, far: int) -> list[ActivationUse]:
    """Return the activations that end what an expression makes."""
    if far == 0 or not isinstance(made, ast.Call):
        return []
    if called(made) == "Sequential" and made.args:
        last = made.args[-1]
        if isinstance(last, ast.Starred):
            return _ends_of_list(source, last.value)
        kind = activation_kind(last)
        if kind and kind != "identity":
            return [ActivationUse(kind, last, "layer", siblings=tuple(made.args))]
        return _ends(source, last, far - 1)
    for owner in module_classes(source):
        if owner.name == called(made):
            return _class_ends(source, owner, far - 1)
    for function in source.walk(ast.FunctionDef):
        if function.name == called(made) and not source.class_of(function):
            returned = [node.value for node in source.walk(ast.Return, function) if node.value]
            return [use for value in returned for use in _ends(source, value, far - 1)]
    return []


def _ends_of_list(source: Source, names: ast.expr) -> list[ActivationUse]:
    held = source.value(names)
    if isinstance(held, ast.List) and held.elts and (kind := activation_kind(held.elts[-1])):
        return [ActivationUse(kind, held.elts[-1], "layer", siblings=tuple(held.elts))]
    return []


def _class_ends(source: Source, owner: ast.ClassDef, far: int) -> list[ActivationUse]:
    forward = method_of(owner, "forward")
    if forward is None:
        return []
    found: list[ActivationUse] = []
    for returned in source.walk(ast.Return, forward):
        for value in returned.value.elts if isinstance(returned.value, ast.Tuple) else [returned.value]:
            found.extend(_expression_ends(source, value, far))
    return found


PASSING = frozenset({"squeeze", "view", "reshape", "flatten", "unsqueeze", "clamp", "float", "clip", "contiguous"})
"""Methods after which a number is still what it was before."""


def _expression_ends(source: Source, value: ast.expr | None, far: int) -> list[ActivationUse]:
    """Return the activation whose result an expression is, seen through reshaping and names."""
    if value is None or far == 0:
        return []
    if isinstance(value, ast.Subscript):
        return _expression_ends(source, value.value, far)
    if isinstance(value, ast.Name):
        made = _last_assigned(source, value)
        return _expression_ends(source, made, far - 1) if made is not None else []
    if not isinstance(value, ast.Call):
        return []
    if (use := use_of(source, value)) is not None:
        return [use]
    if called(value) in PASSING:
        inner = value.func.value if isinstance(value.func, ast.Attribute) and _is_tensor(source, value.func) else None
        return _expression_ends(source, inner if inner is not None else next(iter(value.args), None), far)
    held = source.value(value.func) if isinstance(value.func, ast.Attribute) else None
    return _ends(source, held, far - 1) if isinstance(held, ast.Call) else []


def _last_assigned(source: Source, name: ast.Name) -> ast.expr | None:
    function = source.function_of(name)
    before = [
        value
        for statement, value in source.assignments(name.id, function)
        if (statement.end_lineno or 0) < name.lineno or (statement.lineno < name.lineno)
    ]
    return before[-1] if before else None


def hidden_uses(source: Source) -> list[ActivationUse]:
    """Return the activations that stand inside a network, in the order of the text."""
    outputs = {id(use.node) for use in output_uses(source)}
    ends = {id(use.called_by) for use in output_uses(source) if use.called_by is not None}
    found: dict[int, ActivationUse] = {}
    for _, parts in chains(source):
        for part in parts:
            node = part if isinstance(part, ast.Call) and activation_kind(part) else _made_by_name(source, part)
            kind = activation_kind(node)
            if node is not None and kind and kind != "identity" and id(node) not in outputs:
                found.setdefault(id(node), ActivationUse(kind, node, "layer", siblings=tuple(parts)))
    for owner in module_classes(source):
        forward = method_of(owner, "forward")
        for call in source.walk(ast.Call, forward):
            use = use_of(source, call)
            if use and id(use.node) not in outputs and id(call) not in ends and use.function != "identity":
                found.setdefault(id(use.node), use)
    return sorted(found.values(), key=lambda use: source.start(use.node))


def _made_by_name(source: Source, part: ast.expr) -> ast.expr | None:
    """Return the class behind `act()`, where `act = nn.Sigmoid` or `act` is a parameter given `nn.Sigmoid`."""
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Name | ast.Attribute):
        held = source.value(part.func)
        if held is not None and held is not part.func and activation_kind(held):
            return held
    return None


def removed(source: Source, use: ActivationUse) -> list[Span]:
    """Return the change that takes an activation away."""
    if use.form == "layer" and use.node in use.siblings:
        place = use.siblings.index(use.node)
        if place == 0:
            following = use.siblings[1:2]
            return [Span(source.start(use.node), source.start(following[0]), "")] if following else []
        return [Span(source.end(use.siblings[place - 1]), source.end(use.node), "")]
    outer = use.called_by or use.node
    return [source.put(outer, _bare(source, use.inner))] if use.inner is not None else []


def _bare(source: Source, inner: ast.expr) -> str:
    text = source.segment(inner)
    return text if isinstance(inner, ast.Call | ast.Name | ast.Attribute | ast.Subscript) else f"({text})"


def replaced(source: Source, use: ActivationUse, function: str, axis: int | None = None) -> list[Span]:
    """Return the change that puts another activation in place of one: "relu", "sigmoid", "softmax"."""
    layer = _BY_FUNCTION[function]
    options = f"dim={axis if axis is not None else -1}" if function in WITH_AXIS else ""
    if use.form in {"layer", "attribute"}:
        made = use.node.func if isinstance(use.node, ast.Call) else use.node
        maker = source.segment(made).rpartition(".")[0]
        imports: list[Span] = []
        if not maker:
            maker, imports = source.spoken("torch.nn")
        new = f"{maker}.{layer}({options})" if isinstance(use.node, ast.Call) else f"{maker}.{layer}"
        return [source.put(use.node, new), *imports]
    assert use.inner is not None
    module, imports = source.spoken("torch" if function in IN_TORCH else "torch.nn.functional")
    text = source.segment(use.inner) + (f", {options}" if options else "")
    return [source.put(use.node, f"{module}.{function}({text})"), *imports]
