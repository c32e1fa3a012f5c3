"""The computation graph of a real network: what is given, what is computed, and what of what."""

from torch import nn

from pellucid.errors import OptionError
from pellucid.explain.graphs.folding import folded
from pellucid.explain.graphs.nodes import Graph
from pellucid.explain.graphs.recorded import recorded
from pellucid.explain.graphs.traced import traced
from pellucid.explain.landscape.objective import evaluating
from pellucid.explain.layers.calls import Given, record
from pellucid.explain.layers.failure import failure_of
from pellucid.seed import isolated

_MOST = 40
_FEW_OPERATIONS = 16


def computation_graph(
    model: nn.Module, x_or_shape: Given, *, most: int = _MOST, parameters: bool | None = None
) -> Graph:
    """Return the computation graph of a network, in evaluation mode.

    It is read from the network's code by `torch.fx`; where that depends on values, from what autograd records of one
    forward pass. A graph of more than `most` nodes is folded by modules.

    Args:
        model: the network; it is left as it was.
        x_or_shape: a batch, a tuple of arguments, the sizes of a batch, or the shape of one sample.
        most: nodes shown.
        parameters: whether weights are nodes of their own; by default in small graphs.

    Raises:
        OptionError: the forward pass fails.
        NoGradientError: the code cannot be traced, and nothing requires a gradient.
    """
    recording = record(model, x_or_shape)
    failed = failure_of(recording)
    if failed is not None:
        raise OptionError(str(failed))
    with isolated(), evaluating(recording.model):
        try:
            graph = traced(recording.model, recording.inputs, parameters=parameters is not False)
        except Exception:  # noqa: BLE001 (code that cannot be traced fails in any way, and is then run)
            graph = recorded(recording.model, recording.inputs, parameters=parameters is not False)
    if parameters is None and len(graph.of_kind("operation")) > _FEW_OPERATIONS:
        graph = _without_parameters(graph)
    return folded(graph, most)


def _without_parameters(graph: Graph) -> Graph:
    """Return the graph without its weights, and without what is computed of weights alone."""
    kept = {node.name for node in graph.of_kind("input")}
    for node in graph.nodes:
        of = [start for start, end in graph.edges if end == node.name]
        if node.kind == "output" or (node.kind == "operation" and (not of or any(start in kept for start in of))):
            kept.add(node.name)
    edges = tuple((start, end) for start, end in graph.edges if start in kept and end in kept)
    return Graph(tuple(node for node in graph.nodes if node.name in kept), edges, graph.source)
