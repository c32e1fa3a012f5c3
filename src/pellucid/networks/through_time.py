"""How far a gradient reaches back through the steps of a recurrent network.

Bengio, Simard and Frasconi, Learning long-term dependencies with gradient descent is difficult (1994).

Shape letters: N samples, T steps, F features of a step, H hidden units, D directions.
"""

from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor, nn

from pellucid.blocks import Outputs, PaddedOutputs, RepeatVector
from pellucid.seed import generator


@dataclass(frozen=True, slots=True)
class Reach:
    """What the last hidden state of a network feels of the steps that were read before it.

    Attributes:
        trained: the mean norm of dh_T/dx_(T - d) over the samples that long, for d = 0, 1, ...
        initial: the same of the network as it was before its training.
        samples: how many were looked at.
    """

    trained: tuple[float, ...]
    initial: tuple[float, ...]
    samples: int


def reach(network: nn.Module, x_NTF: Tensor) -> Tensor:
    """Return the norm of dh_T/dx_t for every step t, (T,): how much the last output still feels of each input.

    The norm is Frobenius', of a sample's matrix of derivatives of all outputs by all features, averaged over samples.

    Args:
        network: (N, T, F) -> (N, T, H), such as a recurrent layer as `build` makes it.
        x_NTF: sequences.
    """
    x_NTF = x_NTF.detach().requires_grad_()
    last_NH = network(x_NTF)[:, -1]
    return _norms(last_NH, x_NTF, _directions(last_NH, last_NH.shape[1])).mean(0)


def reach_within(network: nn.Module, inputs: Tensor, directions: int = 8) -> Tensor | None:
    """Return the same inside a whole network, by the distance T - t: (T,), the last step first; None without steps.

    x_t is what the first recurrent layer reads at step t, h_T the last state of the last one that reads on from it,
    of those that read in both directions the half that was read forwards. Of a matrix J with many rows the norm is
    estimated: E |v J|² = |J|² where v is of random signs. Padding is no step, and a distance that fewer than a
    quarter of the samples have is left out.

    Args:
        network: on the CPU, in evaluation mode.
        inputs: samples as it takes them, (N, ...).
        directions: how many v are drawn; a state of no more units is measured exactly.
    """
    layers = recurrent_blocks(network)
    if not layers:
        return None
    with torch.enable_grad():
        x_NTF, y_NTH = _passed(network, inputs, layers[0], layers[-1])
        last_NH = y_NTH[:, -1].chunk(2, -1)[0] if layers[-1].layer.bidirectional else y_NTH[:, -1]
        norms_NT = _norms(last_NH, x_NTF, _directions(last_NH, directions)).flip(1)
    there_NT = torch.ones_like(norms_NT, dtype=torch.bool)
    if isinstance(layers[0], PaddedOutputs):
        there_NT = x_NTF.ne(0).any(-1).flip(1)
    count_T = there_NT.sum(0)
    mean_T = (norms_NT * there_NT).sum(0) / count_T
    common_T: Tensor = mean_T[4 * count_T >= len(norms_NT)]
    return common_T


def recurrent_blocks(network: nn.Module) -> list[Outputs | PaddedOutputs]:
    """Return the recurrent layers of a built network that read its input on from the first, in order.

    What repeats one vector begins another sequence: behind it nothing is read that came step by step.
    """
    kinds = Outputs | PaddedOutputs
    modules = (module for module in network.modules() if isinstance(module, kinds | RepeatVector))
    first = takewhile(lambda module: not isinstance(module, RepeatVector), modules)
    return [module for module in first if isinstance(module, kinds)]


def _passed(network: nn.Module, inputs: Tensor, first: nn.Module, last: nn.Module) -> tuple[Tensor, Tensor]:
    """Return what a layer reads and what another, or the same, gives where a network sees these inputs."""
    seen: dict[str, Tensor] = {}
    hooks = (
        first.register_forward_pre_hook(lambda _, given: seen.update(read=given[0])),
        last.register_forward_hook(lambda _, __, y: seen.update(given=y)),
    )
    try:
        network(inputs.detach().requires_grad_() if inputs.is_floating_point() else inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return seen["read"], seen["given"]


def _directions(last_NH: Tensor, most: int) -> Tensor:
    """Return directions (D, N, H) whose squares sum to the norm's: one a unit, or so many of random signs."""
    count, units = last_NH.shape
    if units <= most:
        return torch.eye(units, dtype=last_NH.dtype)[:, None].expand(-1, count, -1)
    signs_DNH = torch.randint(0, 2, (most, count, units), generator=generator(0, "directions"))
    return (2 * signs_DNH - 1).to(last_NH.dtype).div(most**0.5)


def _norms(last_NH: Tensor, x_NTF: Tensor, directions_DNH: Tensor) -> Tensor:
    """Return the root of the sum over directions v of |v dh_T/dx_t|², (N, T)."""
    squares_NT = x_NTF.new_zeros(x_NTF.shape[:2])
    for direction_NH in directions_DNH:
        # samples do not mix, so the gradient of a sum over them has each one's own
        (gradient_NTF,) = torch.autograd.grad(last_NH, x_NTF, direction_NH, retain_graph=True)
        squares_NT += gradient_NTF.square().sum(-1)
    return squares_NT.sqrt()
