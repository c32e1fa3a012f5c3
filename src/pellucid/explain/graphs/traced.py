"""A computation graph read by tracing the code of a network, `torch.fx`."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from pellucid.explain.graphs.nodes import Graph, Kind, Node, shape_text

_SIGNS = {
    "add": "+", "iadd": "+", "sub": "−", "isub": "−", "mul": "×", "imul": "×", "truediv": "÷", "div": "÷",
    "matmul": "@", "pow": "^", "neg": "−",
}  # fmt: skip
_KINDS: dict[str, Kind] = {"placeholder": "input", "get_attr": "parameter", "output": "output"}


class _Tracer(fx.Tracer):
    """Traces into whatever has modules inside; one of torch's own, and one of ours without any, is one operation."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Say whether a module is shown as one operation."""
        own = type(m).__module__.startswith("pellucid.blocks") and not list(m.children())
        return own or super().is_leaf_module(m, module_qualified_name)


class _Shapes(fx.Interpreter):
    """Runs a traced network, and keeps the shape of what each node gives."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, str] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run one node."""
        value = super().run_node(n)
        self.shapes[n.name] = shape_text(value)
        return value


def traced(model: nn.Module, inputs: tuple[Any, ...], *, parameters: bool) -> Graph:
    """Return the graph of a network's code, in the mode in which the network is.

    Args:
        model: the network.
        inputs: its arguments.
        parameters: whether the weights of its layers are nodes too.

    Raises:
        Exception: whatever `torch.fx` raises where the code depends on the values of tensors.
    """
    graph = _Tracer().trace(model, concrete_args=_left_out(model, inputs))
    given = graph.find_nodes(op="placeholder")[: len(inputs)]
    for node in reversed(list(graph.nodes)):
        # that an argument is left out is asserted in the graph; neither the assertion nor the argument is computed with
        if not node.users and ("assert" in node.name or (node.op == "placeholder" and node not in given)):
            graph.erase_node(node)
    module = fx.GraphModule(model, graph)
    run = _Shapes(module)
    with torch.no_grad():
        run.run(*inputs)
    return _graph(model, graph, run.shapes, parameters=parameters)


def _graph(model: nn.Module, graph: fx.Graph, shapes: dict[str, str], *, parameters: bool) -> Graph:
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    for node in graph.nodes:
        if node.op == "placeholder" and not node.users:
            continue
        if parameters and node.op == "call_module":
            for name, weight in model.get_submodule(str(node.target)).named_parameters():
                full = f"{node.target}.{name}"  # a layer that is called twice has it once
                nodes.setdefault(full, Node(full, "parameter", name, shape_text(weight), str(node.target)))
                edges.append((full, node.name))
        nodes[node.name] = _node(model, node, shapes.get(node.name, ""))
        edges += [(each.name, node.name) for each in node.all_input_nodes]
    return Graph(tuple(nodes.values()), tuple(dict.fromkeys(edges)), "traced")


def _left_out(model: nn.Module, inputs: tuple[Any, ...]) -> dict[str, Any]:
    """Return the defaults of the arguments that are not given: nothing is computed from them."""
    wanted = list(inspect.signature(model.forward).parameters.values())[len(inputs) :]
    return {each.name: each.default for each in wanted if each.default is not inspect.Parameter.empty}


def _node(model: nn.Module, node: fx.Node, shape: str) -> Node:
    kind = _KINDS.get(node.op, "operation")
    if node.op == "get_attr" and str(node.target) not in dict(model.named_parameters(remove_duplicate=False)):
        kind = "constant"
    within = list(node.meta.get("nn_module_stack") or {})
    module = str(node.target) if node.op in {"call_module", "get_attr"} else within[-1] if within else ""
    return Node(node.name, kind, _label(model, node), shape, module)


def _label(model: nn.Module, node: fx.Node) -> str:
    match node.op:
        case "call_module":
            return type(model.get_submodule(str(node.target))).__name__
        case "get_attr":
            return str(node.target).rpartition(".")[2]
        case "call_method":
            return _with_numbers(str(node.target), node)
        case "call_function":
            target: Callable[..., Any] = node.target  # type: ignore[assignment]
            return _with_numbers(getattr(target, "__name__", str(target)), node)
        case "placeholder":
            return str(node.target)
    return node.op


def _with_numbers(name: str, node: fx.Node) -> str:
    """Return an operation's name with the plain numbers it is given: `× 0.5`, `[0]`."""
    plain = name.strip("_")
    if plain == "getitem":
        return f"[{_index(node.args[1])}]"
    numbers = [f"{each:g}" for each in node.args if isinstance(each, int | float) and not isinstance(each, bool)]
    sign = _SIGNS.get(plain)
    if sign is None:
        return f"{plain}({', '.join(numbers)})" if numbers else plain
    return " ".join([*numbers, sign] if _number_first(node) else [sign, *numbers])


def _number_first(node: fx.Node) -> bool:
    return bool(node.args) and isinstance(node.args[0], int | float)


def _index(index: Any) -> str:
    if isinstance(index, tuple):
        return ", ".join(map(_index, index))
    if isinstance(index, slice):
        ends = ("" if each is None else str(each) for each in (index.start, index.stop))
        return ":".join(ends)
    return "…" if index is Ellipsis else "tensor" if isinstance(index, Tensor | fx.Node) else str(index)
