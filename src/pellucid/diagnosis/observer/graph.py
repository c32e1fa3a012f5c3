"""The autograd graph of a loss, read as the list of operations that made it.

The graph stands there before every backward pass, whatever the script is written with: modules, functions, weights by
hand, activations in place. Reading it executes nothing and changes nothing.
"""

import functools
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

LARGEST = 20_000
"""Operations read of one graph: a recurrent network unrolled over some thousand steps."""

LONGEST_CHAIN = 12
"""Operations followed from one result back to the one that it was made of."""

VIEWS = frozenset(
    {"View", "Reshape", "ReshapeAlias", "UnsafeView", "Squeeze", "Unsqueeze", "T", "Transpose", "Permute", "Expand"}
    | {"Clone", "ToCopy", "Alias", "Slice", "Select", "Split", "SplitWithSizes", "Unbind", "AsStrided", "Detach"}
    | {
        "Flip",
        "Chunk",
        "SwapAxes",
        "Movedim",
        "Unfold",
        "Copy",
        "CopySlices",
        "Repeat",
        "Narrow",
        "Unflatten",
        "UnsafeSplit",
    }
)
"""Operations that move numbers and change none."""
SCALINGS = frozenset({"Mul", "Div", "Add", "Sub", "Neg", "Rsub"})
"""Operations that shift or scale where only one of their operands is differentiable: dropout, a temperature."""
SUMS = frozenset(
    {"Add", "Sub", "Sum", "Mean", "Cat", "Stack", "AvgPool2D", "AdaptiveAvgPool2D", "MkldnnAdaptiveAvgPool2D", "Index"}
    | {"UpsampleNearest2D", "UpsampleBilinear2D", "ConstantPadNd", "AvgPool3D", "IndexSelect", "Gather", "AvgPool1D"}
)
"""Operations that are linear in all they read."""
NORMS = frozenset({"NativeBatchNorm", "MkldnnBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "NativeLayerNorm"})
BATCH_NORMS = frozenset({"NativeBatchNorm", "MkldnnBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm"})
PRODUCTS = frozenset(
    {"Addmm", "Mm", "Bmm", "Baddbmm", "Addbmm", "Mv", "Addmv", "Dot", "Linear", "MkldnnLinear", "Convolution"}
    | {"MkldnnConvolution", "CudnnConvolution", "SlowConv2D", "ThnnConv2D", "Bilinear", "Trilinear"}
)
EMBEDDINGS = frozenset({"Embedding", "EmbeddingBag"})


@dataclass(slots=True)
class Op:
    """One operation: of a graph read from the loss back to its parameters.

    Attributes:
        name: as autograd calls it, without "Backward0".
        sources: places, in the graph, of the operations whose results it read.
        node: of autograd; of use until the backward pass has freed it.
        module: path of the module whose result this is.
    """

    name: str
    node: Any
    sources: tuple[int, ...] = ()
    module: str | None = None

    def saved(self, name: str) -> Any:
        """Return what autograd kept of the forward pass, or None where it kept no such thing."""
        try:
            return getattr(self.node, f"_saved_{name}", None)
        except RuntimeError:  # freed, or changed in place since
            return None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of its result; None where it is not known."""
        try:
            return tuple(map(int, self.node._input_metadata[0].shape))  # noqa: SLF001  the only place that knows it
        except (AttributeError, IndexError, TypeError, RuntimeError):
            return None

    @property
    def parameter(self) -> Tensor | None:
        """The leaf that a gradient is gathered in."""
        return self.node.variable if self.name == "AccumulateGrad" else None


@dataclass(slots=True)
class Graph:
    """Operations in the order in which they were computed: sources stand before those that read them.

    Attributes:
        place: node -> its place among the operations; `numbers`: number that autograd gave it -> the same.
    """

    ops: list[Op] = field(default_factory=list)
    place: dict[Any, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def numbered(self, number: int | None) -> Op | None:
        """Return the operation that autograd gave a number."""
        place = None if number is None else self.numbers.get(number)
        return None if place is None else self.ops[place]

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def leaf(self, place: int) -> Tensor | None:
        """Return the parameter that an operation only moves about, if it does."""
        op = self.ops[place]
        while op.name in VIEWS and len(op.sources) == 1:
            op = self.ops[op.sources[0]]
        return op.parameter

    def parameters(self, op: Op) -> list[Tensor]:
        """Return the parameters that an operation reads."""
        return [leaf for source in op.sources if (leaf := self.leaf(source)) is not None]

    def inputs(self, op: Op) -> list[int]:
        """Return the places of what an operation reads but for parameters."""
        return [source for source in op.sources if self.leaf(source) is None]

    def is_layer(self, op: Op) -> bool:
        """Say whether an operation multiplies by weights."""
        return (op.name in PRODUCTS or is_recurrent(op)) and bool(self.parameters(op))

    def is_scaling(self, op: Op) -> bool:
        """Say whether an operation only moves, shifts or scales one thing."""
        return op.name in VIEWS or (op.name in SCALINGS and len(self.inputs(op)) == 1)

    def is_linear(self, op: Op) -> bool:
        """Say whether an operation is linear in what it reads."""
        return self.is_scaling(op) or op.name in SUMS or op.name in BATCH_NORMS

    def before(self, place: int) -> int | None:
        """Follow what only moves or scales back to the operation that made the numbers."""
        op = self.ops[place]
        while self.is_scaling(op):
            inputs = self.inputs(op)
            if len(inputs) != 1:
                return None
            place = inputs[0]
            op = self.ops[place]
        return place


def is_recurrent(op: Op) -> bool:
    """Say whether an operation is a whole recurrent layer."""
    return "Rnn" in op.name or "Lstm" in op.name or "Gru" in op.name


def read(root: Any, modules: dict[int, str] | None = None) -> Graph:
    """Read the graph behind a node of autograd.

    Args:
        root: the loss's grad_fn.
        modules: number of a node -> path of the module whose result it made.
    """
    graph = Graph()
    modules = modules or {}
    waiting: list[tuple[Any, list[Any] | None]] = [(root, None)]  # None until its sources wait too
    entered: set[Any] = set()
    while waiting and len(graph.ops) < LARGEST:
        node, read_by_it = waiting.pop()
        if read_by_it is not None:
            sources = tuple(graph.place[each] for each in read_by_it if each in graph.place)
            number = node._sequence_nr()  # noqa: SLF001  the only name of a node that does not keep it alive
            graph.place[node] = graph.numbers[number] = len(graph.ops)
            graph.ops.append(Op(_name(node.name()), node, sources, modules.get(number)))
        elif node not in entered:
            entered.add(node)
            read_by_it = [each for each, _ in node.next_functions if each is not None]
            waiting.append((node, read_by_it))
            waiting.extend((each, None) for each in read_by_it if each not in entered)
    return graph


def made_by(result: Tensor, numbers: Container[int]) -> int | None:
    """Return which of some operations, told by their numbers, made a tensor: itself, or with a few others after it."""
    node: Any = result.grad_fn
    for _ in range(LONGEST_CHAIN):
        if node is None:
            return None
        number = int(node._sequence_nr())  # noqa: SLF001  a node itself would keep its graph alive
        if number in numbers:
            return number
        node = next((n for n, _ in node.next_functions if n is not None), None)
    return None


@functools.cache
def _name(name: str) -> str:
    name = name.rsplit("::", 1)[-1]
    head, _, tail = name.rpartition("Backward")
    return head if head and (not tail or tail.isdigit()) else name


def units(values: Tensor) -> Tensor:
    """Return a result with its units as the last axis: of images, a channel is a unit."""
    if values.dim() == 4:
        return values.movedim(1, -1)
    return values if values.dim() > 1 else values.reshape(-1, 1)
