"""Backward passes: the losses they start from, the graphs behind them and what the graphs keep of the forward pass."""

import contextlib
import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from pellucid.diagnosis.observation import Activation, Flow, Series
from pellucid.diagnosis.observer.graph import Graph, Op, read, units
from pellucid.diagnosis.observer.held import is_plain, is_real, key_of, sample
from pellucid.diagnosis.observer.listening import Listener, Listening, quietly, unnoticed
from pellucid.diagnosis.observer.losses import Losses
from pellucid.diagnosis.observer.networks import Networks
from pellucid.diagnosis.observer.optimizers import Optimizers
from pellucid.diagnosis.observer.places import calling_place
from pellucid.diagnosis.observer.structure import mixing, structure_of
from pellucid.diagnosis.suspicion import Place

MOST_NUMBERS = 1 << 17
"""Of one result that are measured: of more, those of the first samples."""
FLAT_TANH, FLAT_SIGMOID = 0.99, 0.01
"""Where the derivative is below 0.02 of tanh and below 0.01 of the sigmoid: less than 4 % of its largest."""
MOST_ACTIVATIONS = 48
SETTLED = 512


class Backwards(Listener):
    """Hears every backward pass before it runs."""

    def __init__(self, listening: Listening, networks: Networks, losses: Losses, optimizers: Optimizers) -> None:
        super().__init__(listening)
        self.networks = networks
        self.losses = losses
        self.optimizers = optimizers
        self._weight: tuple[Tensor | None, int, int] = (None, 0, 0)  # of the last backward pass that was read: which

    def before(self, tensors: Any, *arguments: Any, **keywords: Any) -> None:
        """Before torch.autograd.backward."""
        listening = self.listening
        if not listening.depth_of_backward:
            if listening.rests and not listening.busy and (not listening.takes_losses or self._is_noted(tensors)):
                self.pass_over()
            else:
                self._begin(tensors)
        listening.depth_of_backward += 1

    def _is_noted(self, root: Any) -> bool:
        """Note a loss and nothing else, where nobody else listens to torch."""
        if type(root) is not Tensor or not self.listening.is_alone():
            return False
        series = self.seen.series.get(calling_place())
        if series is None or series.pending or not root.is_cpu or root.numel() != 1 or root.is_complex():
            return False
        series.steps.append(self.seen.steps)
        series.values.append(root.item())
        return True

    def pass_over(self) -> None:
        """Count a backward pass and nothing else."""
        self.listening.unheard += 1
        if self.networks.answer is not None:
            self.networks.forget()
        if self.optimizers.kept:
            self.listening.sleeps = self.listening.until > 0
        else:
            self._step_by_hand()

    def after(self) -> None:
        """After torch.autograd.backward, even if it raised."""
        self.listening.depth_of_backward -= 1

    def count_unheard(self) -> None:
        """Add the backward passes that nobody heard to those that are seen."""
        self.seen.backwards += self.listening.unheard
        self.listening.unheard = 0

    def packed(self, *_: Any) -> None:
        """Tensors that are saved from now on are packed by the script."""
        self.listening.is_packed = True

    @quietly
    def before_grad(self, outputs: Any, inputs: Any, *arguments: Any, **keywords: Any) -> None:
        """Before torch.autograd.grad, which is a backward pass where it asks for the gradients of parameters."""
        asked = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        if keywords.get("create_graph") or not all(isinstance(a, Tensor) and a.is_leaf for a in asked):
            return
        if all(isinstance(a, torch.nn.Parameter) or a.requires_grad for a in asked) and len(asked) > 1:
            self._pass((outputs,) if isinstance(outputs, Tensor) else tuple(outputs), gathers=False)

    @quietly
    def _begin(self, tensors: Any) -> None:
        self._pass((tensors,) if isinstance(tensors, Tensor) else tuple(tensors))

    def _pass(self, roots: tuple[Tensor, ...], *, gathers: bool = True) -> None:
        self.optimizers.look_for_cleared()
        for key, training in self.networks.waiting.items():
            if key in self.networks.known:
                self.networks.known[key].backed[training] += 1 + self.listening.unheard
        self.seen.backwards += 1
        self.count_unheard()
        self.networks.waiting.clear()
        self.networks.begun.clear()
        place = calling_place()
        for root in roots:
            if is_real(root) and root.numel() == 1:
                self._note(place, root)
        if self.listening.takes_graphs and roots and roots[0].grad_fn is not None:
            self._read(place, roots[0].grad_fn, gathers)
        self.networks.makers.clear()
        self.losses.made.clear()
        if not self.optimizers.kept:
            self._step_by_hand()

    def _step_by_hand(self) -> None:
        """A script that changes its weights by hand: a backward pass is a step."""
        self.listening.at_step(self.seen.steps + 1)

    def _note(self, place: Place, root: Tensor) -> None:
        series = self.seen.series.get(place)
        if series is None:
            series = self.seen.series[place] = Series(place)
        series.steps.append(self.seen.steps)
        if root.device.type == "cpu" and not series.pending:
            series.values.append(root.item())
            return
        series.pending.append(root.detach().reshape(()).clone())  # what it is now, and not all it may be a part of
        if len(series.pending) >= SETTLED:
            series.settle()

    def _read(self, place: Place, root: Any, gathers: bool) -> None:
        graph = read(root, self.networks.makers)
        sites = [
            (graph.numbers[number], site, graph.numbers.get(start) if start is not None else None)
            for number, (site, start) in self.losses.made.items()
            if number in graph.numbers
        ]
        ends = {start for _, _, start in sites if start is not None}
        for _, site, start in sites:
            if start is not None:
                self.losses.trace(site, graph, start)
        if place not in self.seen.structures:
            answer = self.networks.answer
            structure = structure_of(graph, place, self.seen.steps, ends, answer[1] if answer else None)
            structure.losses = [site.key for _, site, _ in sites]
            if not self.listening.is_packed and self.networks.here.hooks == RemovableHandle.next_id:
                with contextlib.suppress(RuntimeError):  # the script goes through a graph once too often
                    structure.mixing = mixing(graph, answer[1] if answer else None, structure)
            self.seen.structures[place] = structure
        if gathers and not self.optimizers.kept:
            self._look_for_stale(graph)
        structure = self.seen.structures[place]
        structure.sizes.append((self.seen.steps, len(graph.ops)))
        structure.parameters |= {key_of(op.parameter) for op in graph if op.parameter is not None}
        if not self.listening.is_packed:
            self._activations(place, graph, max(ends, default=len(graph.ops) - 1))

    def _look_for_stale(self, graph: Graph) -> None:
        """Where weights are changed by hand: note whether they were, and their gradients are still there."""
        weight = next((op.parameter for op in graph if op.parameter is not None), None)
        if weight is None or not is_real(weight):
            return
        before, at, known = self._weight
        now = sample(weight)
        self._weight = (now, self.seen.backwards, key_of(weight))
        if before is not None and known == key_of(weight) and at == self.seen.backwards - 1:
            self.seen.by_hand += bool((now != before).any())
            is_stale = weight.grad is not None and bool((weight.grad != 0).any())
            self.seen.stale_by_hand += is_stale and bool((now != before).any())

    def _activations(self, place: Place, graph: Graph, end: int) -> None:
        found = [op for op in graph.ops[: end + 1] if op.name in _FLAT]
        stride = max(1, len(found) // MOST_ACTIVATIONS)
        flow = Flow(self.seen.steps, place, tuple(op.name for op in found[::stride]))
        self.seen.flows.append(flow)
        for order, op in enumerate(found[::stride]):
            op.node.register_prehook(functools.partial(_measure, flow, order))
        for order, op in enumerate(found):
            if order % stride == 0 and is_real(result := op.saved("result")) and result.numel():
                self.seen.activations.append(self._activation(place, op, result, order, len(found)))

    def _activation(self, place: Place, op: Op, result: Tensor, order: int, depth: int) -> Activation:
        values = units(_some(result).float())
        across = tuple(range(values.dim() - 1))
        count = values.numel() // values.shape[-1]
        flat_U = _FLAT[op.name](values).float().sum(across)
        # twice through the numbers; torch's own std takes ten times as long where they are many
        squares_U = (values - values.mean(across)).square_().sum(across)
        std_U = (squares_U / (count - 1)).sqrt_() if count > 1 else squares_U.fill_(math.nan)
        figures = ((flat_U == count).float().mean(), flat_U.mean() / count, std_U.mean())
        dead, flat, std = torch.stack(figures).tolist()
        return Activation(
            step=self.seen.steps,
            site=place,
            kind=op.name,
            module=op.module,
            order=order,
            depth=depth,
            units=values.shape[-1],
            dead=dead,
            flat=flat,
            std=std,
        )


def _some(result: Tensor) -> Tensor:
    """Return a result of the first samples, at least eight."""
    most = max(8, MOST_NUMBERS * len(result) // max(1, result.numel())) if result.dim() > 1 else MOST_NUMBERS
    return result[:most]


def _measure(flow: Flow, order: int, gradients: tuple[Tensor | None, ...]) -> None:
    """Hook of a node: note the norm of the gradient that arrives; returning nothing leaves it as it is."""
    if gradients and is_plain(gradients[0]):
        with unnoticed():
            flow.norms[order] = gradients[0].detach().norm().item()


_FLAT: dict[str, Callable[[Tensor], Tensor]] = {
    "Relu": lambda result: result == 0,
    "Tanh": lambda result: result.abs() > FLAT_TANH,
    "Sigmoid": lambda result: (result - 0.5).abs() > 0.5 - FLAT_SIGMOID,
}
"""Nonlinearities whose results autograd keeps -> where a result lies on the flat part."""
