"""A computation graph as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.utils import _pytree as pytree

Kind = Literal["input", "parameter", "constant", "operation", "block", "output"]


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is given or computed.

    Attributes:
        name: its own.
        kind: `block` is several operations folded into one.
        label: what it is, in a word.
        shape: of what it gives, as `1x6x28x28`; empty where it gives no tensor.
        module: the module in whose call it is computed.
        operations: how many it stands for.
    """

    name: str
    kind: Kind
    label: str
    shape: str = ""
    module: str = ""
    operations: int = 1

    @property
    def full_label(self) -> str:
        """What it is and in which module."""
        return f"{self.module}: {self.label}" if self.module and self.kind == "operation" else self.label


@dataclass(frozen=True, slots=True)
class Graph:
    """What is computed from what.

    Attributes:
        nodes: each behind all that it is computed from.
        edges: pairs of names, from what is used to what uses it.
        source: how it was read: by tracing the code, or from what autograd recorded.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    source: Literal["traced", "recorded"]

    def of_kind(self, kind: Kind) -> tuple[Node, ...]:
        """Return the nodes of a kind."""
        return tuple(node for node in self.nodes if node.kind == kind)

    def __str__(self) -> str:
        used: dict[str, list[str]] = {}
        for start, end in self.edges:
            used.setdefault(end, []).append(start)
        labels = {node.name: node.full_label for node in self.nodes}
        rows = []
        for node in self.nodes:
            of = ", ".join(labels[name] for name in used.get(node.name, []))
            rows.append("  ".join(filter(None, [node.kind, node.full_label, f"of {of}" if of else "", node.shape])))
        return "\n".join(rows)


def shape_text(value: object) -> str:
    """Return the shape of a tensor, of several those of the first two."""
    tensors = [each for each in pytree.tree_leaves(value) if isinstance(each, Tensor)]
    return shapes_text(tuple(each.shape) for each in tensors)


def shapes_text(shapes: Iterable[tuple[int, ...]]) -> str:
    """Return shapes as they are written, the first two of several."""
    texts = ["x".join(map(str, shape)) or "a number" for shape in shapes]
    return ", ".join([*texts[:2], *(["..."] if len(texts) > 2 else [])])
