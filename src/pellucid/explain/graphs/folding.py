"""A large computation graph folded: what a module computes becomes one block, and so on outwards."""

from collections.abc import Sequence
from itertools import groupby
from math import ceil

from pellucid.explain.graphs.nodes import Graph, Node


def folded(graph: Graph, most: int) -> Graph:
    """Return a graph of at most about `most` nodes: of the deepest modules that still allow it each one block.

    Where even the outermost are too many, neighbours in the order of computation are put together.
    """
    if len(graph.nodes) <= most:
        return graph
    deepest = max(node.module.count(".") + 1 for node in graph.nodes)
    for depth in range(deepest, 0, -1):
        runs = _runs(graph.nodes, depth)
        if len(runs) <= most:
            return _merged(graph, runs)
    inner = [node for node in graph.nodes if node.kind in {"operation", "block"}]
    at_once = ceil(len(inner) / max(1, most - (len(graph.nodes) - len(inner))))
    return _merged(graph, _neighbours(_runs(graph.nodes, 1), at_once))


def _runs(nodes: Sequence[Node], depth: int) -> list[list[Node]]:
    """Return the nodes in runs of the same module; a module that is called again begins another."""
    runs = []
    for (_, folds), run in groupby(nodes, key=lambda node: (_outer(node, depth), _folds(node))):
        members = list(run)
        runs += [members] if folds and members[0].module else [[each] for each in members]
    return runs


def _outer(node: Node, depth: int) -> str:
    return ".".join(node.module.split(".")[:depth])


def _folds(node: Node) -> bool:
    return node.kind not in {"input", "output"}


def _neighbours(runs: list[list[Node]], at_once: int) -> list[list[Node]]:
    joined: list[list[Node]] = []
    count = 0
    for run in runs:
        if not _folds(run[0]) or not joined or not _folds(joined[-1][0]) or count >= at_once:
            joined.append([])
            count = 0
        joined[-1].extend(run)
        count += 1
    return joined


def _merged(graph: Graph, runs: list[list[Node]]) -> Graph:
    """Return the graph with each run as one node; runs follow one another as they are computed, so no cycle arises."""
    where: dict[str, str] = {}
    nodes: list[Node] = []
    for number, run in enumerate(runs):
        operations = [node for node in run if node.kind in {"operation", "block"}]
        if len(run) == 1 or not operations:
            nodes += run
            where |= {node.name: node.name for node in run}
            continue
        node = operations[0] if len(operations) == 1 else _block(operations, f"block{number}")
        nodes.append(node)
        where |= {each.name: node.name for each in run}
    edges = dict.fromkeys((where[start], where[end]) for start, end in graph.edges if where[start] != where[end])
    return Graph(tuple(nodes), tuple(edges), graph.source)


def _block(operations: list[Node], name: str) -> Node:
    modules = [node.module.split(".") for node in operations]
    shared = []
    for parts in zip(*modules, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    first, last = (node.module.split(".")[0] or node.label for node in (operations[0], operations[-1]))
    label = ".".join(shared) or (first if first == last else f"{first} … {last}")
    count = sum(node.operations for node in operations)
    return Node(name, "block", label, operations[-1].shape, ".".join(shared), count)
