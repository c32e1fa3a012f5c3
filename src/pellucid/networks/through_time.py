"""How far a gradient reaches back through the steps of a recurrent layer.

Bengio, Simard and Frasconi, Learning long-term dependencies with gradient descent is difficult (1994).
"""

import torch
from torch import Tensor, nn


def reach(network: nn.Module, x_NTF: Tensor) -> Tensor:
    """Return the norm of dh_T/dx_t for every step t, (T,): how much the last output still feels of each input.

    The norm is Frobenius', of a sample's matrix of derivatives of all outputs by all features, averaged over samples.

    Args:
        network: (N, T, F) -> (N, T, H), such as a recurrent layer as `build` makes it.
        x_NTF: sequences.
    """
    x_NTF = x_NTF.detach().requires_grad_()
    last_H = network(x_NTF)[:, -1].sum(0)  # samples do not mix, so a sum over them has each one's own gradient
    squares_NT = x_NTF.new_zeros(x_NTF.shape[:2])
    for output in last_H:
        (gradient_NTF,) = torch.autograd.grad(output, x_NTF, retain_graph=True)
        squares_NT += gradient_NTF.square().sum(-1)
    return squares_NT.sqrt().mean(0)
