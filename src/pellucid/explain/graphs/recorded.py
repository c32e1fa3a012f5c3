"""A computation graph read from what autograd recorded of one forward pass, for code that cannot be traced."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from pellucid.errors import PellucidError
from pellucid.explain.graphs.nodes import Graph, Node, shape_text, shapes_text

Step: TypeAlias = Any
"""A node of autograd's graph, `torch.autograd.graph.Node`."""

_WORDS = {
    "addmm": "linear", "mm": "matrix product", "bmm": "matrix products", "t": "transpose",
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "neg": "−", "pow": "^",
}  # fmt: skip
_SEEN_OTHERWISE = {"transpose", "view", "expand", "permute", "unsqueeze", "squeeze"}


class NoGradientError(PellucidError, ValueError):
    """A network of which autograd records nothing."""


def recorded(model: nn.Module, inputs: tuple[Any, ...], *, parameters: bool) -> Graph:
    """Return the graph of one forward pass, in the mode in which the network is.

    Raises:
        NoGradientError: nothing in it requires a gradient.
    """
    leaves = [each for each in pytree.tree_leaves(inputs) if isinstance(each, Tensor)]
    given = [each.detach().requires_grad_(each.is_floating_point()) for each in leaves]
    owner: dict[Step, str] = {}
    with torch.enable_grad(), _owned(model, owner):
        swapped = iter(given)
        arguments = pytree.tree_map(lambda each: next(swapped) if isinstance(each, Tensor) else each, inputs)
        # a leaf must not be written over by a layer that works in place
        output = model(*pytree.tree_map(lambda each: each.clone() if isinstance(each, Tensor) else each, arguments))
    ends = [each for each in pytree.tree_leaves(output) if isinstance(each, Tensor) and each.grad_fn is not None]
    if not ends:
        raise NoGradientError(
            "autograd recorded nothing", expected="an output that depends on something with a gradient",
            received="none", advice="requires_grad_(True) on the network's weights",
        )  # fmt: skip
    names = {id(each): name for name, each in model.named_parameters()}
    inputs_by_id = {id(each): f"input{place or ''}" for place, each in enumerate(given)}
    return _graph(ends, names, inputs_by_id, owner, parameters=parameters)


def _graph(
    ends: list[Tensor], names: dict[int, str], inputs: dict[int, str], owner: dict[Step, str], *, parameters: bool
) -> Graph:
    nodes: dict[Step, Node] = {}
    edges: list[tuple[str, str]] = []
    for step in _in_order([each.grad_fn for each in ends]):
        node = _node(step, len(nodes), names, inputs, owner.get(step, ""))
        used = [nodes[each] for each in _before(step) if each in nodes]
        if not used and node.kind == "operation":
            continue  # nothing of it is shown: it prepares a weight that is not
        if node.kind == "parameter" and not parameters:
            continue
        hidden = len(used) == 1 and (
            (used[0].kind == "parameter" and node.label in _SEEN_OTHERWISE)
            or (used[0].kind == "input" and node.label == "clone")
        )
        if hidden:
            nodes[step] = used[0]
            continue
        nodes[step] = node
        edges += [(each.name, node.name) for each in used]
    shown = list(dict.fromkeys(nodes.values()))
    for place, each in enumerate(ends):
        if each.grad_fn in nodes:
            shown.append(Node(f"output{place or ''}", "output", "output", shape_text(each)))
            edges.append((nodes[each.grad_fn].name, f"output{place or ''}"))
    return Graph(tuple(shown), tuple(dict.fromkeys(edges)), "recorded")


def _node(step: Step, number: int, names: dict[int, str], inputs: dict[int, str], module: str) -> Node:
    variable = getattr(step, "variable", None)
    if variable is None:
        return Node(f"step{number}", "operation", _label(step), _shape(step), module)
    if id(variable) in inputs:
        return Node(inputs[id(variable)], "input", inputs[id(variable)], shape_text(variable))
    name = names.get(id(variable), f"weight{number}")
    return Node(name, "parameter", name, shape_text(variable), name.rpartition(".")[0])


def _label(step: Step) -> str:
    """Return an operation's name: `AddmmBackward0` is the linear layer, `MaxPool2DWithIndicesBackward0` max pool2d."""
    bare = re.sub(r"(Backward\d*|_)+$", "", step.name().rpartition("::")[2])
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", " ", bare).lower()
    words = words.replace(" with indices", "").removeprefix("native ")
    return _WORDS.get(words, words)


def _shape(step: Step) -> str:
    # autograd keeps the shape of the gradient that comes in, which is that of what the step gave
    return shapes_text(tuple(each.shape) for each in getattr(step, "_input_metadata", ())[:1])


def _before(step: Step) -> list[Step]:
    return [each for each, _ in step.next_functions if each is not None]


def _in_order(ends: list[Step]) -> list[Step]:
    """Return all steps, each behind those that it uses."""
    done: dict[Step, None] = {}
    waiting = [(each, False) for each in ends]
    while waiting:
        step, ready = waiting.pop()
        if ready:
            done[step] = None
        elif step not in done:
            waiting.append((step, True))
            waiting += [(each, False) for each in reversed(_before(step)) if each not in done]
    return list(done)


@contextmanager
def _owned(model: nn.Module, owner: dict[Step, str]) -> Iterator[None]:
    """Write down in which module's call each step was recorded; the innermost ends first and has it."""

    def keep(name: str) -> Any:
        def after(_module: nn.Module, _inputs: Any, output: Any) -> None:
            waiting = [each.grad_fn for each in pytree.tree_leaves(output) if isinstance(each, Tensor) and each.grad_fn]
            came = {each.grad_fn for each in pytree.tree_leaves(_inputs) if isinstance(each, Tensor)}
            while waiting:
                step = waiting.pop()
                if step not in came and step not in owner:
                    owner[step] = name
                    waiting += _before(step)

        return after

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            hooks.callback(module.register_forward_hook(keep(name)).remove)
        yield
