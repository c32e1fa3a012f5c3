"""Texts gone on with, by a network that predicts the next token at every step."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def continue_tokens(
    network: nn.Module, tokens_T: Tensor, length: int, temperature: float, generator: torch.Generator, window: int = 256
) -> Tensor:
    """Return `length` tokens that follow `tokens_T`, each drawn from softmax(logits / temperature).

    Args:
        network: (1, T) int64 -> (1, T, K) logits, in evaluation mode.
        tokens_T: int64, at least one token.
        length: how many tokens to add.
        temperature: 0 takes the likeliest token always.
        generator: of the draws.
        window: how many of the last tokens the network is shown at each draw.
    """
    tokens_1T = tokens_T[None]
    for _ in range(length):
        logits_K = network(tokens_1T[:, -window:])[0, -1]
        if temperature == 0:
            drawn = logits_K.argmax(-1, keepdim=True)
        else:
            drawn = torch.multinomial((logits_K / temperature).softmax(-1), 1, generator=generator)
        tokens_1T = torch.cat([tokens_1T, drawn[None]], dim=1)
    return tokens_1T[0, len(tokens_T) :]
