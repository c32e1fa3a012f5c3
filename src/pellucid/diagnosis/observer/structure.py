"""What a graph says of the network behind it: its layers, what stands between them, and what should not."""

from typing import Literal

import torch
from torch.autograd.graph import GradientEdge

from pellucid.diagnosis.observation import Layer, Structure
from pellucid.diagnosis.observer.graph import BATCH_NORMS, EMBEDDINGS, NORMS, VIEWS, Graph, Op, is_recurrent
from pellucid.diagnosis.observer.held import Held, key_of, sample
from pellucid.diagnosis.suspicion import Place

_NOT_NONLINEAR = frozenset({"AccumulateGrad", "Mean", "Sum", *NORMS, *EMBEDDINGS, *VIEWS})

_SOFTMAX = frozenset({"Softmax", "LogSoftmax", "Logsumexp"})
_RESHAPES = frozenset({"View", "UnsafeView", "Reshape", "ReshapeAlias"})


def structure_of(graph: Graph, place: Place, step: int, ends: set[int], answer: Held | None) -> Structure:
    """Describe the network behind a loss.

    Args:
        graph: of the loss.
        place: of the backward call.
        step: of the optimiser.
        ends: places of the operations whose results the losses were given; what comes after is the loss's own.
        answer: output of the last network called.
    """
    end = max(ends, default=len(graph.ops) - 1)
    batch = answer.shape[0] if answer is not None and answer.shape else None
    structure = Structure(place, step, batch, depth=_depth(graph))
    known: set[int] = set()
    last = {_layer_behind(graph, each) for each in ends}
    for at, op in enumerate(graph.ops[: end + 1]):
        if graph.is_layer(op):
            layer = _layer(graph, at, op)
            if at in last:
                structure.heads.add(layer.weight)
            if layer.weight not in known:  # a recurrent cell multiplies by the same weights at every step
                structure.layers.append(layer)
            known.add(layer.weight)
        elif op.name in NORMS:
            structure.norm_first = structure.norm_first or not structure.layers
            if op.name not in BATCH_NORMS:
                continue
            structure.has_batch_norm = structure.has_batch_norm or bool(op.saved("training"))
            structure.biased_norms.extend(_biased(graph, op))
        elif op.name in _SOFTMAX:
            structure.nonlinearities[op.name] += 1
            _note_softmax(structure, graph, op)
        elif op.name in _RESHAPES:
            structure.swapped.extend(_swapped(op, batch))
        elif not graph.is_linear(op) and op.name not in _NOT_NONLINEAR:
            structure.nonlinearities[op.name] += 1
    return structure


def _layer_behind(graph: Graph, place: int | None) -> int | None:
    """Return the place of the layer that gave a loss its predictions, where but one way leads back to it."""
    while place is not None and not graph.is_layer(graph.ops[place]):
        inputs = graph.inputs(graph.ops[place])
        place = inputs[0] if len(inputs) == 1 else None
    return place


def _depth(graph: Graph) -> int:
    depths: list[int] = []
    for op in graph.ops:
        depths.append(1 + max((depths[source] for source in op.sources if source < len(depths)), default=0))
    return max(depths, default=0)


def _note_softmax(structure: Structure, graph: Graph, op: Op) -> None:
    """Note what is wrong with a softmax, or with the logarithm of a sum that a softmax by hand takes off."""
    inputs = graph.inputs(op)
    before = graph.before(inputs[0]) if len(inputs) == 1 else None
    if before is not None and graph.ops[before].name in {"Softmax", "Sigmoid"}:
        structure.doubled.append((op.module, graph.ops[before].name))
    axis = None if op.name == "Logsumexp" else softmax_axis(op)
    if axis is None or not op.shape or len(op.shape) < 2:
        return
    if axis == 0 and op.shape[0] == structure.batch and op.shape[0] > 1:
        structure.batch_axis.append((op.module, op.shape[0]))
    if op.shape[axis] == 1 and axis > 1 and op.shape[axis - 1] > 1:  # and not the first step of a decoder
        structure.single.append((op.module, op.shape))


def _swapped(op: Op, batch: int | None) -> list[tuple[str | None, tuple[int, ...], tuple[int, ...]]]:
    """Return a reshape that gives axes other lengths as if they had changed places, which moves no number.

    Two give each other their length; or the batch, which was the second axis, is the first one afterwards.
    """
    before, after = op.saved("self_sym_sizes"), op.shape
    if before is None or not after:
        return []
    sizes = tuple(int(size) for size in before)
    moved = [axis for axis, (one, other) in enumerate(zip(sizes, after, strict=False)) if one != other]
    swaps = len(sizes) == len(after) and len(moved) == 2 and sizes[moved[0]] == after[moved[1]]
    swaps = swaps and 1 not in (sizes[moved[0]], sizes[moved[1]])
    cuts = (
        batch is not None and batch > 1 and after[0] == batch and len(sizes) > 2
        and sizes[1] == batch and sizes.count(batch) == 1 and sizes[0] > 1 and sizes[0] % batch != 0
    )  # fmt: skip
    return [(op.module, sizes, after)] if swaps or cuts else []


def softmax_axis(op: Op) -> int | None:
    """Return the axis that a softmax sums to 1 over; autograd keeps negative ones as large unsigned numbers."""
    dim = op.saved("dim")
    if dim is None or not op.shape:
        return None
    dim = int(dim)
    return (dim if dim < 2**63 else dim - 2**64) % len(op.shape)


def _layer(graph: Graph, at: int, op: Op) -> Layer:
    parameters = graph.parameters(op)
    weight = max(parameters, key=lambda parameter: parameter.dim())
    bias = next((parameter for parameter in parameters if parameter.dim() == 1), None)
    fan_out = weight.shape[0]
    fan_in = weight[0].numel() if weight.dim() > 1 else 1
    if op.name in {"Mm", "Addmm"} and op.shape and fan_out != op.shape[-1] and weight.dim() == 2:
        fan_in, fan_out = fan_out, fan_in  # a weight used as it stands, (inputs, outputs), not transposed
    return Layer(
        kind=op.name,
        module=op.module,
        weight=key_of(weight),
        bias=None if bias is None else key_of(bias),
        fan_in=fan_in,
        fan_out=fan_out,
        units_in=weight.shape[1] if weight.dim() > 2 else fan_in,
        after=_after(graph, at),
        reads=_reads(graph, op),
        spread=sample(weight).float().std().item() if weight.numel() > 1 else 0.0,
    )


def _reads(graph: Graph, op: Op) -> str | None:
    inputs = graph.inputs(op)
    before = graph.before(inputs[0]) if inputs else None
    return None if before is None else graph.ops[before].name


def _after(graph: Graph, at: int) -> Literal["input", "nonlinear", "linear"]:
    """Say what stands between a layer and those before it: nonlinear, if any path has a nonlinearity."""
    waiting = graph.inputs(graph.ops[at])
    entered: set[int] = set()
    after: Literal["input", "linear"] = "input"
    while waiting:
        place = waiting.pop()
        if place in entered:
            continue
        entered.add(place)
        op = graph.ops[place]
        if is_recurrent(op) or not (graph.is_layer(op) or op.name in EMBEDDINGS or graph.is_linear(op)):
            return "nonlinear"
        if graph.is_layer(op):
            after = "linear"
        elif op.name not in EMBEDDINGS:
            waiting.extend(graph.inputs(op))
    return after


def _biased(graph: Graph, norm: Op) -> list[str]:
    inputs = graph.inputs(norm)
    before = graph.before(inputs[0]) if len(inputs) == 1 else None
    if before is None or not graph.is_layer(graph.ops[before]) or is_recurrent(graph.ops[before]):
        return []
    layer = graph.ops[before]
    return [layer.module or layer.name] if any(p.dim() == 1 for p in graph.parameters(layer)) else []


def mixing(graph: Graph, answer: Held | None, structure: Structure) -> float | None:
    """Return the share of one sample's gradient that falls on the other samples of its batch.

    The gradient of the first sample's output, by what the first layer made of every sample. It runs through the graph
    that the backward pass is about to run through, gathers nothing in any parameter and leaves the graph as it is.
    """
    end = None if answer is None else graph.numbered(answer.number)
    if answer is None or end is None or structure.has_batch_norm or _is_noticed(graph):
        return None
    batch = answer.shape[0] if answer.shape else 0
    if batch < 2 or len(answer.shape) < 2 or answer.shape[1] == batch:
        return None
    first = _first_of_batch(graph, batch)
    if first is None or first.node is end.node or end.shape != answer.shape:
        return None
    metadata = end.node._input_metadata[answer.output]  # noqa: SLF001  the only place that knows it
    mask = torch.zeros(answer.shape, dtype=metadata.dtype, device=metadata.device)
    mask[0] = 1.0
    (gradient,) = torch.autograd.grad(
        GradientEdge(end.node, answer.output),
        GradientEdge(first.node, 0),
        grad_outputs=mask,
        retain_graph=True,
        allow_unused=True,
    )
    if gradient is None or first.shape is None:
        return None
    by_sample = gradient.detach().abs().movedim(first.shape.index(batch), 0).reshape(batch, -1).sum(1)
    total = by_sample.sum().item()
    return 1 - by_sample[0].item() / total if total > 0 else None


def _is_noticed(graph: Graph) -> bool:
    """Say whether more than torch itself would run if a part of the graph did, or would say something."""
    return (
        torch.is_anomaly_enabled()
        or torch.are_deterministic_algorithms_enabled()
        or any(isinstance(op.node, torch._C._FunctionBase) for op in graph)  # noqa: SLF001  a function in Python
    )


def _first_of_batch(graph: Graph, batch: int) -> Op | None:
    """Return the first operation with weights, if one axis of its result, and one only, is known to be the batch's.

    The last axis has units, and may have as many of them as the batch has samples.
    """
    for op in graph:
        if (graph.is_layer(op) or op.name in EMBEDDINGS) and not is_recurrent(op) and op.shape:
            is_clear = op.shape.count(batch) == 1 and op.shape[-1] != batch
            return op if is_clear else None
    return None
