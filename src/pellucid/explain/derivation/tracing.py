"""How the layers and operations of a forward pass are joined, read by torch.fx, and what torch computes at each."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn

from pellucid.explain.derivation.layers import is_written
from pellucid.explain.derivation.steps import Nested
from pellucid.explain.derivation.unwritten import arrays, tensors

INSIDE = "model."
"""What stands before the names of a network's layers in its graph."""


class _Held(nn.Module):
    """A network inside another, so that one that cannot be traced is a single step of this one."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Any:
        return self.model(*inputs)


class _Tracer(fx.Tracer):
    """Goes into every module that no formula is written for; one that cannot be traced stays a step by itself.

    Args:
        inputs: how many the network takes.
    """

    proxy_buffer_attributes = True  # so that a buffer can be given a size that only the input has

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self._inputs = inputs

    def create_args_for_root(
        self,
        root_fn: Callable[..., Any],
        is_module: bool,  # noqa: ARG002 (torch's signature)
        concrete_args: Any = None,  # noqa: ARG002 (likewise)
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Return a function with the proxies that it is traced with."""
        placeholders = [self.create_proxy("placeholder", name, (), {}) for name in _names(self._inputs)]
        return root_fn, [self.root, *placeholders]

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Say whether a module is one step."""
        return is_written(m) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Trace into a module, or note its call."""
        depth = len(self.module_stack)
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:  # noqa: BLE001 (a user's code, run on what are no tensors, may raise anything)
            while len(self.module_stack) > depth:
                self.module_stack.popitem()
            return self.create_proxy("call_module", self.path_of_module(m), args, kwargs)


def _names(inputs: int) -> list[str]:
    return ["input"] if inputs == 1 else [f"input_{number}" for number in range(1, inputs + 1)]


def traced(model: nn.Module, inputs: int) -> fx.GraphModule:
    """Return a network of so many inputs as a graph of its operations, on the very same parameters."""
    held = _Held(model)
    held.training = model.training
    module = fx.GraphModule(held, _Tracer(inputs).trace(held))
    module.graph.eliminate_dead_code()  # the beginnings of what could not be traced
    return module


def single(model: nn.Module, inputs: int) -> fx.GraphModule:
    """Return a network as a graph of one step."""
    held = _Held(model)
    graph = fx.Graph()
    graph.output(graph.call_module("model", tuple(map(graph.placeholder, _names(inputs)))))
    return fx.GraphModule(held, graph)


class Recorder(fx.Interpreter):
    """Runs a graph and keeps what each node gives and, once a loss goes backwards, the gradient by it.

    Attributes:
        values: node -> its numbers.
        has_dicts: whether a node before the end gave a dict.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.values: dict[fx.Node, Nested] = {}
        self.has_dicts = False
        self._gradients: dict[int, Tensor | None] = {}
        self._slots: dict[fx.Node, Nested] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run a node and listen to what it gives."""
        given = {id(each) for node in n.all_input_nodes for each in tensors(self.env[node])}
        result = super().run_node(n)
        if isinstance(result, Tensor) and id(result) in given:
            # a layer that hands on its input, whose gradient is another; no view, which a layer in place would rewrite
            result = result.clone()
        self.has_dicts |= isinstance(result, dict) and n.op != "output"
        self.values[n] = arrays(result)  # now, for the next layer may work in place
        if n.op not in {"get_attr", "output"}:
            self._slots[n] = self._listened(result)
        return result

    def has_gradient(self, node: fx.Node) -> bool:
        """Say whether a gradient can go through what a node gave."""
        return _is_any(self._slots.get(node))

    def gradient(self, node: fx.Node) -> Nested:
        """Return the gradient by what a node gave, None where there is none."""
        return self._found(self._slots.get(node))

    def _listened(self, result: Any) -> Nested:
        """Return, in the shape of a result, the key of each tensor's gradient."""
        if isinstance(result, dict):
            return self._listened(tuple(result.values()))
        if isinstance(result, tuple | list):
            return tuple(self._listened(each) for each in result)
        if not isinstance(result, Tensor) or not result.requires_grad:
            return None
        key = len(self._gradients) + 1
        self._gradients[key] = None
        result.register_hook(lambda gradient: self._gradients.__setitem__(key, gradient))
        return key

    def _found(self, slot: Nested) -> Nested:
        if isinstance(slot, tuple):
            parts = tuple(self._found(each) for each in slot)
            return None if all(part is None for part in parts) else parts
        found = None if slot is None else self._gradients[slot]
        return None if found is None else arrays(found)


def _is_any(slot: Nested) -> bool:
    return any(_is_any(each) for each in slot) if isinstance(slot, tuple) else slot is not None


@contextlib.contextmanager
def computing_in(dtype: torch.dtype) -> Iterator[None]:
    """Make a type torch's default, for tensors that a forward pass makes by itself."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
