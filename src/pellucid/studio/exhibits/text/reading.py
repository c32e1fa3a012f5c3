"""What a network makes of a text: what it goes on with, what it expects at each place, and what its gates do.

Shape letters: T characters, K characters of the vocabulary, H units, L likeliest characters.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.data.texts.text import TextPreprocessing
from pellucid.explain.layers.activations import listening
from pellucid.explain.seeing.gates import gates
from pellucid.networks.carrying import recurrent_layers
from pellucid.networks.continuation import continue_tokens
from pellucid.seed import generator

LIKELIEST = 5
PART = 30
"""Characters that are added at a time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One network over a prompt and what it went on with.

    Attributes:
        tokens: the numbers of the characters, (T,).
        prompted: how many of them are the prompt's.
        chances: (T,), the probability that the network gave each character before it came; NaN of the first one.
        likeliest: (T, L), the characters expected most to follow each one.
        likely: (T, L), their probabilities.
        curves: name -> (T, H): gates, cell and state at each character.
    """

    tokens: Tensor
    prompted: int
    chances: Tensor
    likeliest: Tensor
    likely: Tensor
    curves: dict[str, Tensor]


def read(
    network: nn.Module, text: TextPreprocessing, prompt: str, length: int, temperature: float, seed: int, draw: int
) -> Generator[None, None, Reading]:
    """Return what a network makes of a prompt that it goes on with by `length` characters, yielding now and then.

    The network is not to change in between.

    Args:
        network: (1, T) -> (1, T, K) logits; it is put into evaluation mode.
        text: how characters are numbered.
        prompt: at least one character.
        length: how many characters are added.
        temperature: of the draws; the probabilities returned are those of temperature 1.
        seed: of the draws.
        draw: another number, other draws.
    """
    network.eval()
    tokens_T = text.encode(prompt)
    prompted, drawn_by = len(tokens_T), generator(seed, "text", draw)
    while (left := prompted + length - len(tokens_T)) > 0:
        more_T = continue_tokens(network, tokens_T, min(left, PART), temperature, drawn_by)
        tokens_T = torch.cat([tokens_T, more_T])
        yield
    return _over(network, tokens_T, prompted)


@torch.no_grad()
def _over(network: nn.Module, tokens_T: Tensor, prompted: int) -> Reading:
    expected_TK = network(tokens_T[None])[0].softmax(-1)
    chances_T = torch.full((len(tokens_T),), torch.nan)
    chances_T[1:] = expected_TK[:-1].gather(1, tokens_T[1:, None])[:, 0]
    likely = expected_TK.topk(min(LIKELIEST, expected_TK.shape[1]))
    return Reading(tokens_T, prompted, chances_T, likely.indices, likely.values, _curves(network, tokens_T))


def _curves(network: nn.Module, tokens_T: Tensor) -> dict[str, Tensor]:
    """Return what the recurrent layer does at each character, by the formula's letters, (T, H) each."""
    layers = recurrent_layers(network)
    if any(isinstance(layer, nn.RNN) for layer in layers.values()):
        with listening(network, layers) as calls:
            network(tokens_T[None])
        return {"h": calls[-1].tensor[0]}
    found = gates(network, tokens_T[None])[-1]
    curves = {name.split()[1]: values[0] for name, values in found.values.items()}
    if found.cells is not None:
        curves["c"] = found.cells[0]
    return curves | {"h": found.states[0]}
