"""The associative memory inside a network: where it is, what reaches it, what it recalls.

Shape letters: N rows, B cues, U units of the memory.
"""

import torch
from torch import Tensor, nn

from pellucid.blocks import Hopfield, HopfieldModern
from pellucid.errors import OptionError

Memory = Hopfield | HopfieldModern


def memory_of(network: object) -> Memory:
    """Return the memory of a network.

    Raises:
        OptionError: there is none, or more than one.
    """
    found = [each for each in network.modules() if isinstance(each, Memory)] if isinstance(network, nn.Module) else []
    if len(found) == 1:
        return found[0]
    raise OptionError(
        "what recalls patterns is a network with one memory",
        expected="such as --network hopfield, or arrows with one hopfield(...) or modernhopfield(...)",
        received=f"{len(found)} of them" if found else "none",
    )


@torch.no_grad()
def states_before(network: nn.Module, memory: Memory, inputs: Tensor) -> Tensor:
    """Return what reaches the memory of some inputs, (N, ...), without what it would recall."""
    reached: list[Tensor] = []

    def stop(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
        reached.append(given[0])
        raise _ReachedError

    hook = memory.register_forward_pre_hook(stop)
    try:
        network(inputs)
    except _ReachedError:
        return reached[0]
    finally:
        hook.remove()
    raise OptionError("the memory is not on the way through the network", expected="a memory that is used")


class _ReachedError(Exception):
    pass


def recalled(memory: Memory, cues_BU: Tensor) -> Tensor:
    """Return what a memory recalls from cues in the values that it keeps its patterns in, of bits too -1 to +1."""
    if isinstance(memory, Hopfield) and memory.states == "bits":
        bits: Tensor = memory((cues_BU + 1) / 2)
        return 2 * bits - 1
    ended: Tensor = memory(cues_BU)
    return ended
