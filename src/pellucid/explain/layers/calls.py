"""Every call of a module in one forward pass: what came, what it gave, what it cost; up to where the pass fails."""

import copy
import itertools
import math
from collections.abc import Iterator
from collections.abc import Sequence as Sizes
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import FlopCounterMode

from pellucid.blocks import TableConv
from pellucid.errors import OptionError
from pellucid.explain.landscape.objective import evaluating
from pellucid.explain.layers.activations import hooked
from pellucid.explain.layers.dataflow import Dataflow, Seen
from pellucid.seed import generator, isolated
from pellucid.shapes import Features, Image, Sequence, Shape, Tokens

Given: TypeAlias = Tensor | tuple[Any, ...] | list[int] | Shape
"""A batch, the arguments of the forward pass, the sizes of a batch such as (1, 3, 32, 32), or one sample's shape."""

_FREE_LENGTH = 16


@dataclass(slots=True)
class Call:
    """One call of a module.

    Attributes:
        name: the module's, empty for the whole network.
        module: the module.
        received, given: the shapes of the tensors that came, and of those it gave.
        kinds: the types of the numbers that came.
        inside: how many modules it called itself.
        ended: how many calls had ended when it did.
        flops: 2 x the multiply-adds of the call, those of the modules it called included.
        own_flops: without these.
        memory: bytes of what it gave, where that is not what came, written over or seen in another shape.
        seen: what the numbers of its first output see of the input.
    """

    name: str
    module: nn.Module
    received: tuple[tuple[int, ...], ...]
    kinds: tuple[torch.dtype, ...]
    given: tuple[tuple[int, ...], ...] = ()
    inside: int = 0
    ended: int = 0
    flops: int = 0
    own_flops: int = 0
    memory: int = 0
    seen: Seen | None = None

    @property
    def kind(self) -> str:
        """The name of the module's class."""
        return type(self.module).__name__


@dataclass(slots=True)
class Recording:
    """A forward pass.

    Attributes:
        model: the network that ran.
        inputs: its arguments.
        steps_first: whether inputs of three dimensions are known to be (N, T, F).
        calls: those that were finished, in the order in which they began.
        error: what ended the pass early.
        unfinished: the innermost call at that time.
    """

    model: nn.Module
    inputs: tuple[Any, ...]
    steps_first: bool
    calls: list[Call] = field(default_factory=list)
    error: Exception | None = None
    unfinished: Call | None = None


def record(model: nn.Module, x_or_shape: Given) -> Recording:
    """Run a network once, in evaluation mode and without gradients, and record every call in it.

    A pass that fails is recorded up to there. The network is left as it was.

    Raises:
        OptionError: `x_or_shape` is nothing that a network could be given.
    """
    if any(isinstance(each, nn.parameter.UninitializedParameter) for each in model.parameters()):
        model = copy.deepcopy(model)  # a first pass gives lazy layers their shapes
    inputs, steps_first = arguments(model, x_or_shape)
    recording = Recording(model, inputs, steps_first)
    tensors = [each for each in pytree.tree_leaves(inputs) if isinstance(each, Tensor)]
    began: list[Call] = []
    with ExitStack() as stack:
        for context in (isolated(), evaluating(model), torch.no_grad(), _in_plain_steps()):
            stack.enter_context(context)
        counter = stack.enter_context(FlopCounterMode(display=False))
        flow = stack.enter_context(Dataflow(tensors, steps_first=steps_first))
        unfinished = stack.enter_context(_listening(model, counter, flow, began))
        try:
            model(*inputs)
        except Exception as error:  # noqa: BLE001 (whatever a user's forward raises is what is to be shown)
            recording.error, recording.unfinished = error, unfinished[-1] if unfinished else None
    recording.calls = [call for call in began if call not in unfinished]
    return recording


def arguments(model: nn.Module, x_or_shape: Given) -> tuple[tuple[Any, ...], bool]:
    """Return the arguments of a forward pass, and whether three dimensions are known to be (N, T, F).

    Raises:
        OptionError: `x_or_shape` is nothing that a network could be given.
    """
    match x_or_shape:
        case Tensor():
            return (x_or_shape,), False
        case Features() | Image() | Sequence() | Tokens():
            sizes = [1, *(_FREE_LENGTH if size is None else size for size in x_or_shape.dimensions)]
            ids = isinstance(x_or_shape, Tokens)
            return (_example(model, sizes, ids=ids),), isinstance(x_or_shape, Sequence)
        case tuple() | list() if x_or_shape and all(isinstance(size, int) for size in x_or_shape):
            sizes = list(x_or_shape)
            return (_example(model, sizes, ids=_starts_with_ids(model)),), False
        case tuple() if any(isinstance(each, Tensor) for each in pytree.tree_leaves(x_or_shape)):
            return x_or_shape, False
    raise OptionError(
        "no input for the network",
        expected="a tensor, a tuple of arguments, sizes of a batch such as (1, 3, 32, 32), or the shape of a sample",
        received=repr(x_or_shape),
    )


def _example(model: nn.Module, sizes: Sizes[int], *, ids: bool) -> Tensor:
    weight = next((each for each in model.parameters() if each.is_floating_point()), torch.empty(0))
    if ids:
        return torch.zeros(sizes, dtype=torch.int64, device=weight.device)
    return torch.randn(sizes, generator=generator(0, "example")).to(weight)


def _starts_with_ids(model: nn.Module) -> bool:
    leaves = (each for each in model.modules() if not list(each.children()))
    return isinstance(next(leaves, None), nn.Embedding | nn.EmbeddingBag)


@contextmanager
def _in_plain_steps() -> Iterator[None]:
    """Keep torch from computing attention by one kernel, which calls no layer and whose FLOPs its counter omits."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(value=fast)


@contextmanager
def _listening(model: nn.Module, counter: FlopCounterMode, flow: Dataflow, began: list[Call]) -> Iterator[list[Call]]:
    """Append each call to `began`; what is yielded are the calls under way, the innermost last."""
    under_way: list[Call] = []
    ends = itertools.count()
    names = {module: name for name, module in model.named_modules()}

    def before(module: nn.Module, args: Any, kwargs: Any) -> None:
        tensors = _tensors((args, kwargs))
        call = Call(names[module], module, _shapes(tensors), tuple(each.dtype for each in tensors))
        call.flops = -counter.get_total_flops()
        if under_way:
            under_way[-1].inside += 1
        began.append(call)
        under_way.append(call)

    def after(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        while under_way[-1].module is not module:
            under_way.pop()  # calls that failed, which a caller made up for
        call = under_way.pop()
        call.ended = next(ends)
        call.flops += counter.get_total_flops()
        call.own_flops += call.flops
        if under_way:
            under_way[-1].own_flops -= call.flops
        tensors = _tensors(output)
        call.given = _shapes(tensors)
        came = {each.untyped_storage().data_ptr() for each in _tensors((args, kwargs))}
        call.memory = sum(each.nbytes for each in tensors if each.untyped_storage().data_ptr() not in came)
        call.seen = flow.of(tensors[0]) if tensors else None
        _count_cells(call)

    with hooked(names, after, before):
        yield under_way


def _count_cells(call: Call) -> None:
    """Correct what torch's counter gets wrong: it sees no recurrent cell, and multiplies the gaps of a table."""
    match call.module:
        case nn.RNNBase() as cells if call.own_flops == 0 and call.received:
            call.own_flops = recurrent_flops(cells, math.prod(call.received[0][:-1]))
        case TableConv() as table if call.given:
            places = math.prod(call.given[0]) // call.given[0][1]
            call.own_flops = 2 * table.weight.numel() * places
    if call.inside == 0:
        call.flops = call.own_flops


def recurrent_flops(cells: nn.RNNBase, steps: int) -> int:
    """Return 2 x the multiply-adds of recurrent layers: each step multiplies every matrix once."""
    matrices = (each.numel() for name, each in cells.named_parameters() if name.startswith("weight"))
    return 2 * steps * sum(matrices)


def _tensors(tree: Any) -> list[Tensor]:
    return list(itertools.islice((each for each in pytree.tree_leaves(tree) if isinstance(each, Tensor)), 64))


def _shapes(tensors: list[Tensor]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(each.shape) for each in tensors)
