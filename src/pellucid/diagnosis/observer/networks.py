"""Networks that a script calls: which, how, with what."""

import sys
import threading
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parallel import DistributedDataParallel
from torch.nn.parameter import UninitializedParameter
from torch.utils.hooks import RemovableHandle

from pellucid.diagnosis.observation import NetworkSeen, Phase, Span
from pellucid.diagnosis.observer.anatomy import describe
from pellucid.diagnosis.observer.held import Held, is_plain, is_real, key_of, number_of, sample, storage_of
from pellucid.diagnosis.observer.listening import Listener, Listening, quietly
from pellucid.diagnosis.observer.origins import Origins
from pellucid.diagnosis.observer.places import calling_place, variable_name
from pellucid.diagnosis.observer.rivals import Rivals

FEATURES = 4_096


class _Here(threading.local):
    """Where a thread is: how many modules deep, in which outermost one."""

    depth = 0
    outermost = 0
    hooks = 0


class Networks(Listener):
    """Hears every module's call.

    Attributes:
        known: id of a module -> what is seen of it.
        paths: id of a module -> its path in the network it belongs to.
        makers: number of a node of autograd -> path of the module that made the result, of the step that is measured.
        given: the last network called from outside, with its first input; where that is another network's output, that
            network, with its own.
        answer: the last network called from outside, with its output.
        answers: how often networks were called from outside.
        waiting: networks called with gradients since the last backward pass -> whether in training mode.
        begun: ids of the modules called in training since the last backward pass.
    """

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        self.here = _Here()
        self.known: dict[int, NetworkSeen] = {}
        self.paths: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.makers: dict[int, str] = {}
        self.given: tuple[NetworkSeen, Held] | None = None
        self.answer: tuple[NetworkSeen, Held] | None = None
        self.answers = 0
        self.waiting: dict[int, bool] = {}
        self.begun: set[int] = set()
        self.rivals = Rivals(listening)
        self.origins = Origins()
        self._states: tuple[StorageWeakRef, ...] = ()
        self._read: _Stretch | None = None

    def is_inside(self) -> bool:
        """Say whether a network is computing, and not the script."""
        return self.here.depth > 0 and self.here.outermost in self.known

    def enter(self, module: nn.Module, *inputs: Any) -> None:
        """Before every module's call."""
        here = self.here
        here.depth += 1
        if here.depth == 1 and not self.listening.depth_of_backward:
            if type(module) is DistributedDataParallel:
                here.depth = 0  # what it calls is the network; were it called again, it would wait for other processes
                return
            here.outermost = id(module)
            if not self.waiting:
                here.hooks = RemovableHandle.next_id
            self._called(module, inputs)

    def leave(self, output: Any, module: nn.Module) -> None:
        """After every module's call, with None where it raised."""
        here = self.here
        here.depth -= 1
        if here.depth < 0:
            here.depth = 0
            return
        if self.listening.depth_of_backward:
            return
        if here.depth == 0 and id(module) in self.known:
            self.answers += 1
            self._answered(self.known[id(module)], module, output)
        if self.listening.takes_graphs:
            self._made(module, output)

    def forget(self) -> None:
        """Forget the last call."""
        self.given = self.answer = None
        self.begun.clear()
        self.origins.forget()
        self._states = ()

    @quietly
    def _called(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        phase: Phase = "train" if self.listening.had_gradients else "eval"
        network = self.known.get(id(module))
        if network is not None and network.module is not module:
            network = None
        if network is None and (next(module.parameters(), None) is None or _is_machinery(module)):
            return  # a loss, an activation, a parametrisation: no network
        if network is None:
            network = self.meet(module)
        self.listening.sleeps = False
        if phase == "eval" and self.seen.steps > 1.1 * network.described:
            describe(network, self.seen.steps)
        mode = (phase, module.training)
        network.modes[mode] += 1
        if mode not in network.places:
            network.places[mode] = calling_place()
        if phase == "train" and id(module) not in self.begun:
            self.begun.add(id(module))
            self._continues(network, inputs)
        first = next((value for value in inputs if is_real(value) and value.dim() > 0), None)
        self.given = None if first is None else self.origins.of(network, first, training=phase == "train")
        if first is not None and self.listening.takes_rows:
            network.batch_sizes[phase, first.shape[0]] += 1
            others = (value for value in _tensors(inputs) if value is not first)
            network.takes_several |= any(each.shape[:1] == first.shape[:1] for each in others)
            takes = phase == "train" and self.listening.takes_figures and first.is_floating_point() and first.numel()
            if takes and not self.rivals.is_made(first):
                _describe(first, self.seen.inputs.setdefault(network.name, []))

    def _continues(self, network: NetworkSeen, inputs: tuple[Any, ...]) -> None:
        """Note whether a network's first call since the last backward pass goes on where the one before it ended.

        In state: it is given what that one returned. In the data: what it reads stands behind what that one read.
        """
        if self._states:
            known = {state.cdata for state in self._states}
            network.continued += 1
            network.carried += any(is_plain(each) and storage_of(each).cdata in known for each in _tensors(inputs[1:]))
        first = next((value for value in inputs if is_plain(value) and value.dim() > 1), None)
        if first is not None and self.listening.takes_rows:
            offset = int(first.storage_offset())
            stretch = _Stretch(network.key, storage_of(first), offset, tuple(first.shape), first.stride())
            if self._read is not None and self._read.network == network.key:
                network.followed += _stands_behind(stretch, self._read, _time_axis(network.module))
            self._read = stretch

    def meet(self, module: nn.Module) -> NetworkSeen:
        """Remember a network, its modules' paths and its weights as they are."""
        name = variable_name(module) or self.paths.get(key_of(module)) or type(module).__name__
        network = NetworkSeen(name, weakref.ref(module), self.seen.steps, key_of(module))
        if self.seen.steps:
            self.seen.loaded.update(self._copied(module))
        self.known[id(module)] = network
        self.seen.networks.append(network)
        for path, inner in module.named_modules():
            self.paths.setdefault(key_of(inner), f"{name}.{path}" if path else name)
        for path, parameter in module.named_parameters():
            self.names.setdefault(key_of(parameter), f"{name}.{path}")
            if is_plain(parameter) and not isinstance(parameter, UninitializedParameter):
                network.initial[path] = sample(parameter)
        return network

    def _copied(self, module: nn.Module) -> Iterator[int]:
        """Yield the keys of a new network's parameters that are copies of another one's, as a trained base is."""
        before = [parameter for known in self.seen.networks if known.module for parameter in known.module.parameters()]
        for parameter in module.parameters():
            if any(_is_copy(parameter, other) for other in before):
                yield key_of(parameter)

    @quietly
    def describe_all(self) -> None:
        """Look at every network that is still there, as it is now."""
        for network in self.seen.networks:
            describe(network, self.seen.steps)

    @quietly
    def _answered(self, network: NetworkSeen, module: nn.Module, output: Any) -> None:
        if any(each.requires_grad for each in _tensors(output)):
            self.waiting[id(module)] = module.training
        self.origins.made(network, _tensors(output))
        if is_real(output):
            self.answer = (network, Held(output))
            if self.listening.had_gradients and self.listening.takes_rows:
                self.rivals.judged(network, self.given, output)
        if isinstance(output, tuple):
            self._states = tuple(storage_of(state) for state in _tensors(output[1:]) if is_plain(state))

    @quietly
    def _made(self, module: nn.Module, output: Any) -> None:
        values = output[0] if isinstance(output, tuple) and output else output
        if not self.listening.had_gradients:
            return
        number = number_of(values) if isinstance(values, Tensor) else None
        path = self.paths.get(key_of(module))
        if number is not None:
            # an outer module's result is its last inner one's: the inner one is the place to look at
            self.makers.setdefault(number, path or type(module).__name__)
        network = self.known.get(self.here.outermost)
        if network is not None and path is not None:
            network.called.add(path)

    @quietly
    def loaded(self, result: Any, module: nn.Module, *arguments: Any, **keywords: Any) -> None:
        """Weights were put into a module."""
        for inner in module.modules():
            if id(inner) in self.known:
                self.known[id(inner)].loaded = True
        self.seen.loaded.update(key_of(parameter) for parameter in module.parameters())


class _Stretch(NamedTuple):
    """Where in the script's data a network, told by its key, read its input."""

    network: int
    storage: StorageWeakRef
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _stands_behind(later: _Stretch, earlier: _Stretch, axis: int) -> bool:
    """Say whether what was read later begins, along an axis of the same data, where what was read earlier ends."""
    if later.storage.cdata != earlier.storage.cdata or later.strides != earlier.strides:
        return False
    if later.shape[1 - axis] != earlier.shape[1 - axis]:
        return False
    length = earlier.shape[axis] * earlier.strides[axis]
    is_next_row = axis > 0 and length >= earlier.strides[0]
    return later.offset - earlier.offset == length and not is_next_row


def _time_axis(module: nn.Module | None) -> int:
    recurrent = next((each for each in module.modules() if isinstance(each, nn.RNNBase)), None) if module else None
    return 1 if recurrent is None or recurrent.batch_first else 0


def is_in_a_call() -> bool:
    """Say whether a module is being called, heard or not, around the call that asks."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  inspect.stack() reads the source of every frame
    while frame is not None and frame.f_code is not nn.Module._call_impl.__code__:  # noqa: SLF001
        frame = frame.f_back
    return frame is not None


def _is_copy(one: Tensor, other: Tensor) -> bool:
    alike = one is not other and one.shape == other.shape and one.numel() > 1 and is_plain(one) and is_plain(other)
    return alike and bool((sample(one) == sample(other)).all())


def _is_machinery(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.utils")


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples and lists."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)


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
