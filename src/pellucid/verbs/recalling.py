"""What a memory recalls of new inputs, and what that was recognised as."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from pellucid.record import Prediction
from pellucid.training.memories import memory_of, states_before
from pellucid.training.tasks.recall import said_of


@torch.no_grad()
def recollections(network: nn.Module, inputs_B: Tensor, names: Sequence[str]) -> Iterator[Prediction]:
    """Yield what each prepared input recalls: a stored pattern by its number, or another state; its overlap and energy.

    Raises:
        OptionError: the network has no memory.
        RunError: nothing is stored in it.
    """
    memory = memory_of(network)
    ended_B = memory(states_before(network, memory, inputs_B))
    kinds_B, nearest_B, overlap_B = memory.recognise(ended_B)
    energy_B = memory.energy(ended_B)
    for at, name in enumerate(names):
        said = said_of(memory, int(kinds_B[at]), int(nearest_B[at]))
        yield Prediction(name, said, {}, {"overlap": float(overlap_B[at]), "energy": float(energy_B[at])})
