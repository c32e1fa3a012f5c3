"""A network as operations in order, run forwards and backwards without autograd."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from pellucid.explain.derivation.functions import call_of_function
from pellucid.explain.derivation.layers import call_of_layer
from pellucid.explain.derivation.operation import Call, Operation, Own, Value, added
from pellucid.explain.derivation.steps import Array, Nested
from pellucid.explain.derivation.tracing import INSIDE, Recorder
from pellucid.explain.derivation.unwritten import Unwritten, arrays


@dataclass(frozen=True, slots=True)
class Place:
    """An operation at its place in a network.

    Attributes:
        name: of the step.
        node: of the graph.
        operation: what is done.
        operands: the values and plain numbers it reads.
    """

    name: str
    node: fx.Node
    operation: Operation
    operands: tuple[Any, ...]

    @property
    def value(self) -> Value:
        """Return what it gives."""
        return Value(self.name, is_parameter=False, array=None)


Values = dict[Value, Nested]


@dataclass(frozen=True, slots=True)
class Program:
    """A network's operations in order.

    Attributes:
        inputs: what the network takes.
        places: in the order of the forward pass.
        output: what the network gives; of several outputs a tuple.
        differentiable: the values that have a gradient: what is learned, and what depends on that or on the input.
        constants: tensors that the forward pass makes by itself.
    """

    inputs: tuple[Value, ...]
    places: tuple[Place, ...]
    output: Value | tuple[Value, ...]
    differentiable: frozenset[Value]
    constants: Mapping[str, Array]

    def forward(self, inputs: Sequence[Array], tensors_: Mapping[str, Array]) -> Values:
        """Return every value.

        Args:
            inputs: of the network.
            tensors_: the parameters and buffers by name.
        """
        known = {**self.constants, **tensors_}
        values: Values = {Value(name, is_parameter=True, array=None): each for name, each in known.items()}
        values.update(zip(self.inputs, inputs, strict=True))
        for place in self.places:
            values[place.value] = place.operation.forward(*(_number(each, values) for each in place.operands))
        return values

    def result(self, values: Values) -> Nested:
        """Return what the network gives, of every value."""
        return tuple(values[each] for each in self.output) if isinstance(self.output, tuple) else values[self.output]

    def backward(self, gradient: Nested) -> tuple[Values, dict[str, tuple[Nested, ...]]]:
        """Return the gradient by every value, and by each step's operands through it alone.

        Args:
            gradient: of the loss by the output.
        """
        totals: Values = {}
        ends = zip(self.output, gradient, strict=True) if isinstance(self.output, tuple) else [(self.output, gradient)]
        for end, part in ends:
            if end in self.differentiable:
                totals[end] = added(totals.get(end), part)
        through: dict[str, tuple[Nested, ...]] = {}
        for place in reversed(self.places):
            own = totals.get(place.value)
            count = len(place.operands)
            parts = (None,) * count if own is None else place.operation.backward(own)
            kept = []
            for operand, part in zip(place.operands, parts, strict=True):
                has_gradient = isinstance(operand, Value) and operand in self.differentiable
                kept.append(part if has_gradient else None)
                if has_gradient and part is not None:
                    totals[operand] = added(totals.get(operand), part)
            through[place.name] = tuple(kept)
        return totals, through


def _number(operand: Any, values: Values) -> Nested:
    return values[operand] if isinstance(operand, Value) else np.asarray(operand, dtype=np.float64)


def program_of(recorder: Recorder, model: nn.Module, dtype: torch.dtype) -> Program:
    """Return the operations of a network that a recorder has run.

    Args:
        recorder: it knows every node's value.
        model: the network.
        dtype: in which torch computes what has no formula.
    """
    reader = _Reader(recorder, model, dtype)
    places = tuple(reader.places())
    learned = {
        Value(name, is_parameter=True, array=None) for name, each in model.named_parameters() if each.requires_grad
    }
    differentiable = frozenset(learned | reader.differentiable)
    return Program(tuple(reader.inputs), places, reader.output, differentiable, reader.constants)


class _Reader:
    """Reads places from a graph.

    Attributes:
        inputs: what the network takes.
        output: what the network gives.
        differentiable: the values through which a gradient goes.
        constants: tensors that the forward pass makes by itself.
    """

    output: Value | tuple[Value, ...]

    def __init__(self, recorder: Recorder, model: nn.Module, dtype: torch.dtype) -> None:
        self._recorder, self._held, self._dtype = recorder, recorder.module, dtype
        self._names = {id(each): name for name, each in all_tensors(model).items()}
        self._values: dict[fx.Node, Value] = {}
        self._seen: dict[str, int] = {}
        self.inputs: list[Value] = []
        self.constants: dict[str, Array] = {}
        self.differentiable: set[Value] = set()

    def places(self) -> Iterator[Place]:
        """Yield every node that computes tensors as a place."""
        for node in self._recorder.graph.nodes:
            array = self._recorder.values[node]
            if node.op == "output":
                self.output = self._ends(node.args[0])
            elif node.op == "placeholder":
                self._give(node, str(node.target).replace("_", " "), array)
                self.inputs.append(self._values[node])
            elif node.op == "get_attr":
                name = self._names.get(id(self._recorder.fetch_attr(node.target)))
                if name is None:
                    name = node.target.lstrip("_")
                    self.constants[name] = array
                self._values[node] = Value(name, is_parameter=True, array=array)
            elif _has_tensors(array):
                name = self._numbered(self._step_name(node))
                call = self._call(node, array)
                self._give(node, name, array)
                yield Place(name, node, call.operation, call.operands)

    def _ends(self, returned: Any) -> Value | tuple[Value, ...]:
        if isinstance(returned, dict):
            return tuple(self._values[each] for each in returned.values())
        return self._values[returned]

    def _give(self, node: fx.Node, name: str, array: Nested) -> None:
        """Note what a node gives."""
        self._values[node] = Value(name, is_parameter=False, array=array)
        if self._recorder.has_gradient(node):
            self.differentiable.add(self._values[node])

    def _step_name(self, node: fx.Node) -> str:
        """Return a layer's name, of an attribute `W.T`, and of others what torch.fx calls them."""
        if node.op == "call_module":
            return str(node.target).removeprefix(INSIDE)
        if node.target is getattr:
            owner, attribute = node.args[:2]
            assert isinstance(owner, fx.Node)
            return f"{self._values[owner].source}.{attribute}"
        return node.name

    def _numbered(self, name: str) -> str:
        """Return a name that no other step has: a layer may be called again."""
        self._seen[name] = self._seen.get(name, 0) + 1
        return name if self._seen[name] == 1 else f"{name} (call {self._seen[name]})"

    def _call(self, node: fx.Node, array: Nested) -> Call:
        given: Any = fx.map_arg((node.args, dict(node.kwargs)), self._given)
        args, kwargs = given
        if node.op != "call_module":
            found = call_of_function(node.target, array, args, kwargs)
            return found or self._unwritten(node, nn.Module())
        layer = self._held.get_submodule(str(node.target))
        one = args[0] if len(args) == 1 and not kwargs and isinstance(args[0], Value) else None
        call = call_of_layer(layer, one) if one is not None else None
        if call is None:
            return self._unwritten(node, layer)
        operands = tuple(
            self._own(operator.attrgetter(each.name)(layer)) if isinstance(each, Own) else each
            for each in call.operands
        )  # fmt: skip
        return Call(call.operation, operands)

    def _own(self, tensor: Tensor) -> Value:
        """Return a layer's parameter or buffer, which others may share, by its first name."""
        return Value(self._names[id(tensor)], is_parameter=True, array=arrays(tensor))

    def _given(self, node: fx.Node) -> Any:
        """Return what a node stands for in a call: a value, or what is no tensor as it is."""
        return self._values.get(node, self._recorder.values[node])

    def _unwritten(self, node: fx.Node, layer: nn.Module) -> Call:
        """Return a call of what has no formula: torch's own, on the nodes it reads and the layer's tensors."""
        nodes = [each for each in node.all_input_nodes if each in self._values]
        own = dict(_named_tensors(layer))
        operands = [*(self._values[each] for each in nodes), *(self._own(each) for each in own.values())]
        recorder = self._recorder

        def run(*given: Any) -> Any:
            there = dict(zip(nodes, given[: len(nodes)], strict=True))
            filled: Any = fx.map_arg(
                (node.args, dict(node.kwargs)), lambda each: there.get(each, recorder.values[each])
            )
            args, kwargs = filled
            if node.op == "call_module":
                return functional_call(layer, dict(zip(own, given[len(nodes) :], strict=True)), args, kwargs)
            if isinstance(node.target, str):
                return getattr(args[0], node.target)(*args[1:], **kwargs)
            return node.target(*args, **kwargs)

        kind = type(layer).__name__ if node.op == "call_module" else getattr(node.target, "__name__", str(node.target))
        symbols = (*(f"X{place}" for place in range(1, len(nodes) + 1)), *own)
        return Call(Unwritten(kind, run, symbols, self._dtype), tuple(operands))


def all_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer of a network by its first name."""
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _named_tensors(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from layer.named_parameters()
    yield from layer.named_buffers()


def _has_tensors(value: Nested) -> bool:
    if isinstance(value, tuple):
        return any(_has_tensors(each) for each in value)
    return isinstance(value, np.ndarray)
