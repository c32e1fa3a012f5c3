"""Networks that a script calls: which, how, with what."""

import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.diagnosis.observation import NetworkSeen, Phase, Span
from pellucid.diagnosis.observer.listening import Listener, Listening, quietly
from pellucid.diagnosis.observer.places import calling_place, variable_name
from pellucid.diagnosis.observer.rivals import Rivals

SAMPLED = 4_096
"""Numbers kept of a parameter, evenly spread, to compare it with later."""
FEATURES = 4_096


class Networks(Listener):
    """Hears every module's call.

    Attributes:
        paths: id of a module -> its path in the network it belongs to.
        makers: node of autograd -> path of the module that made the result, of the step that is measured.
        given: the last network called from outside, with its first input.
        answer: the last network called from outside, with its output.
        waiting: networks called with gradients since the last backward pass -> whether in training mode.
    """

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        self.depth = 0
        self.known: dict[int, NetworkSeen] = {}
        self.paths: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.makers: dict[Any, str] = {}
        self.given: tuple[NetworkSeen, Tensor] | None = None
        self.answer: tuple[NetworkSeen, Tensor] | None = None
        self.waiting: dict[int, bool] = {}
        self._outermost = 0
        self.rivals = Rivals(listening)
        self._states: tuple[weakref.ref[Tensor], ...] = ()

    def is_inside(self) -> bool:
        """Say whether a network is computing, and not the script."""
        return self.depth > 0 and self._outermost in self.known

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Global forward pre-hook."""
        if torch.compiler.is_compiling():
            return
        self.depth += 1
        if self.depth == 1:
            self._outermost = id(module)
            self._called(module, inputs, "train" if torch.is_grad_enabled() else "eval")

    def leave(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Global forward hook."""
        if torch.compiler.is_compiling():
            return
        self.depth = max(self.depth - 1, 0)
        if self.depth == 0 and id(module) in self.known and any(t.requires_grad for t in _tensors(output)):
            self.waiting[id(module)] = module.training
        if self.depth == 0 and isinstance(output, Tensor) and id(module) in self.known:
            self.answer = (self.known[id(module)], output)
            if self.listening.takes_rows() and torch.is_grad_enabled():
                self.rivals.judged(self.known[id(module)], self.given, output)
        if torch.is_grad_enabled() and self.listening.takes_graphs():
            self._made(module, output)
        if self.depth == 0 and isinstance(output, tuple) and id(module) in self.known:
            self._states = tuple(weakref.ref(state) for state in _tensors(output[1:]))

    @quietly
    def _called(self, module: nn.Module, inputs: tuple[Any, ...], phase: Phase) -> None:
        network = self.known.get(id(module))
        if network is None and (next(module.parameters(), None) is None or _is_machinery(module)):
            return  # a loss, an activation, a parametrisation: no network
        if network is None or network.module is not module:
            network = self.meet(module)
        mode = (phase, module.training)
        network.modes[mode] += 1
        network.mode_steps[mode] = self.seen.steps
        if mode not in network.places:
            network.places[mode] = calling_place()
        if phase == "train" and self._states:
            states = {state.data_ptr() for ref in self._states if (state := ref()) is not None}
            network.carried += any(tensor.data_ptr() in states for tensor in _tensors(inputs[1:]))
        first = next((value for value in inputs if isinstance(value, Tensor) and value.dim() > 0), None)
        self.given = None if first is None else (network, first)
        if first is not None and self.listening.takes_rows():
            network.batch_sizes[phase, first.shape[0]] += 1
            if phase == "train" and first.is_floating_point() and first.numel() and not self.rivals.is_made(first):
                _describe(first, self.seen.inputs.setdefault(network.name, []))

    def meet(self, module: nn.Module) -> NetworkSeen:
        """Remember a network, its modules' paths and its weights as they are."""
        name = variable_name(module) or self.paths.get(id(module)) or type(module).__name__
        network = NetworkSeen(name, module, self.seen.steps)
        self.known[id(module)] = network
        self.seen.networks.append(network)
        for path, inner in module.named_modules():
            self.paths.setdefault(id(inner), f"{name}.{path}" if path else name)
        for path, parameter in module.named_parameters():
            self.names.setdefault(id(parameter), f"{name}.{path}")
            network.initial[path] = sample(parameter)
        return network

    @quietly
    def _made(self, module: nn.Module, output: Any) -> None:
        values = output[0] if isinstance(output, tuple) and output else output
        if isinstance(values, Tensor) and values.grad_fn is not None:
            # an outer module's result is its last inner one's: the inner one is the place to look at
            path = self.paths.get(id(module), type(module).__name__)
            self.makers.setdefault(values.grad_fn, path)
        network = self.known.get(self._outermost)
        if network is not None and id(module) in self.paths:
            network.called.add(self.paths[id(module)])

    @quietly
    def loaded(self, result: Any, module: nn.Module, *arguments: Any, **keywords: Any) -> None:
        """Weights were put into a module."""
        for inner in module.modules():
            if id(inner) in self.known:
                self.known[id(inner)].loaded = True
        self.seen.loaded.update(id(parameter) for parameter in module.parameters())


def _is_machinery(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.utils")


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples and lists."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)


def sample(parameter: Tensor, most: int = SAMPLED) -> Tensor:
    """Return a copy of at most so many numbers, evenly spread."""
    flat = parameter.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // most)][:most].clone()


def _describe(inputs: Tensor, spans: list[Span]) -> None:
    """Take in the numbers of every feature: of images and sequences, of every channel or column."""
    if inputs.dim() == 4:
        by_feature = inputs.detach().movedim(1, 0).flatten(1)
    else:
        by_feature = inputs.detach().reshape(-1, inputs.shape[-1]).T if inputs.dim() > 1 else inputs.detach()[None]
    by_feature = by_feature[:FEATURES]
    if not spans:
        spans.extend(Span() for _ in range(len(by_feature)))
    if len(spans) == len(by_feature):
        Span.add_each(spans, by_feature)
