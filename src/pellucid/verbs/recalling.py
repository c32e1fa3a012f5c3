"""What a memory recalls of new inputs, and what that was recognised as.

Shape letters: B batch, C channels, H height, W width.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from pellucid.blocks import Hopfield
from pellucid.data import Preprocessing
from pellucid.errors import DataError
from pellucid.record import Prediction
from pellucid.training.memories import Memory, memory_of, states_before
from pellucid.training.tasks.recall import said_of
from pellucid.verbs.predicting import pixels_png


@torch.no_grad()
def recollections(
    names: Sequence[str], network: nn.Module, preprocessing: Preprocessing, prepared_B: Tensor
) -> Iterator[Prediction]:
    """Yield what each input recalls: a stored pattern by its number, or another state; its overlap, energy, picture.

    Raises:
        OptionError: the network has no memory.
        ValueError: nothing is stored in it.
    """
    memory = memory_of(network)
    ended_B = memory(states_before(network, memory, prepared_B))
    kinds_B, nearest_B, overlap_B = memory.recognise(ended_B)
    energy_B = memory.energy(ended_B)
    pixels_BCHW = _pixels(memory, preprocessing, ended_B)
    for at, name in enumerate(names):
        said = said_of(memory, int(kinds_B[at]), int(nearest_B[at]))
        values = {"overlap": float(overlap_B[at]), "energy": float(energy_B[at])}
        picture = None if pixels_BCHW is None else pixels_png(pixels_BCHW[at])
        yield Prediction(name, None, {}, values, words={"recalled": said}, picture=picture)


def _pixels(memory: Memory, preprocessing: Preprocessing, states_B: Tensor) -> Tensor | None:
    """Return states as uint8 (B, C, H, W), of two values black and white; None where they are no images."""
    if states_B.ndim != 4 or states_B.shape[1] not in (1, 3):
        return None
    if isinstance(memory, Hopfield):
        return (255 * (states_B > 0)).to(torch.uint8)
    try:
        restored = preprocessing.restore(states_B)
    except DataError:
        return None
    return restored if isinstance(restored, Tensor) and restored.dtype == torch.uint8 else None
