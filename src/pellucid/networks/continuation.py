"""Texts gone on with, by a network that predicts the next token at every step."""

import torch
from torch import Tensor, nn

from pellucid.blocks import Outputs
from pellucid.networks.carrying import State, carrying, recurrent_layers

# what looks at each step of a sequence by itself, so that of the steps before it nothing is needed but the states
_STEP_BY_STEP = (
    *(nn.Embedding, nn.Linear, nn.LayerNorm, nn.Dropout, nn.Identity),
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh),
)


@torch.no_grad()
def continue_tokens(
    network: nn.Module, tokens_T: Tensor, length: int, temperature: float, generator: torch.Generator, window: int = 256
) -> Tensor:
    """Return `length` tokens that follow `tokens_T`, each drawn from softmax(logits / temperature).

    A chain of recurrent layers and of layers that look at each step by itself reads every token once and carries its
    state on, which says the same as reading all tokens again for each one drawn. Another network does read again.

    Args:
        network: (1, T) int64 -> (1, T, K) logits, in evaluation mode.
        tokens_T: int64, at least one token.
        length: how many tokens to add.
        temperature: 0 takes the likeliest token always.
        generator: of the draws.
        window: how many of the last tokens the network is shown at each draw, where it carries no state.
    """
    steps_on = carries_on(network)
    state: State = {}
    tokens_1T = shown_1T = tokens_T[None]
    for _ in range(length):
        if steps_on:
            with carrying(network, state):
                logits_K = network(shown_1T)[0, -1]
        else:
            logits_K = network(tokens_1T[:, -window:])[0, -1]
        if temperature == 0:
            drawn = logits_K.argmax(-1, keepdim=True)
        else:
            drawn = torch.multinomial((logits_K / temperature).softmax(-1), 1, generator=generator)
        shown_1T = drawn[None]
        tokens_1T = torch.cat([tokens_1T, shown_1T], dim=1)
    return tokens_1T[0, len(tokens_T) :]


def carries_on(network: nn.Module) -> bool:
    """Say whether a network that has read some steps needs only its recurrent layers' states to read the next one."""
    layers = recurrent_layers(network).values()
    return (
        bool(layers)
        and not any(layer.bidirectional for layer in layers)
        and isinstance(network, nn.Sequential)
        and all(isinstance(module, (Outputs, *_STEP_BY_STEP)) for module in network)
    )
