"""Directions in the space of a network's weights, and where a training went along them.

Shape letters: W weights, D directions, S states of a training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.explain.landscape.objective import Weights, as_vector, from_vector
from pellucid.seed import generator

_NORMALISATIONS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)  # noqa: SLF001 (no public base)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True, slots=True)
class Track:
    """A training's way seen along directions.

    Attributes:
        places: SxD, the coordinates of each state's weights less the origin's, by least squares.
        shares: (D,), the share of the way's variance along each direction by itself, from 0 to 1.
        explained: the share of the way's variance that lies along the directions, from 0 to 1. Of two random
            directions it is next to nothing: the way is then not what the picture shows.
    """

    places: Tensor
    shares: Tensor
    explained: float


def filter_normalised(network: nn.Module, seed: int, number: int = 0) -> dict[str, Tensor]:
    """Return a random direction d whose filters are as long as the network's: d_i ← d_i / ‖d_i‖ · ‖θ_i‖.

    A filter is what one unit reads with: a row of a fully connected layer's matrix, a kernel of a convolution with all
    its input channels. A step of 1 then means the same in every network and layer, whatever the scale of its weights,
    which rectifiers can exchange freely from layer to layer. Biases and the parameters of normalisations are kept.

    Args:
        network: θ.
        seed: decides the direction.
        number: of several directions of one seed.

    Source: Li et al. 2018, Visualizing the loss landscape of neural nets, section 4.
    """
    drawn = generator(seed, "direction", number)
    kept, turned = set(), set()
    for name, module in network.named_modules():
        names = {f"{name}.{own}" if name else own for own, _ in module.named_parameters(recurse=False)}
        kept |= names if isinstance(module, _NORMALISATIONS) else set()
        turned |= names if isinstance(module, _TRANSPOSED) else set()
    direction = {}
    for name, parameter in network.named_parameters():
        random = torch.randn(parameter.shape, generator=drawn).to(parameter)
        filters = 1 if name in turned else 0
        still = parameter.ndim < 2 or name in kept
        direction[name] = torch.zeros_like(random) if still else _as_long(random, parameter.detach(), filters)
    return direction


def _as_long(random: Tensor, weights: Tensor, filters: int) -> Tensor:
    """Return the random filters, which lie along that dimension, as long as the weights'."""
    within = [place for place in range(weights.ndim) if place != filters]
    lengths, wanted = (torch.linalg.vector_norm(each, dim=within, keepdim=True) for each in (random, weights))
    scaled: Tensor = random * (wanted / lengths)
    return scaled


def principal(states: Sequence[Weights], origin: Weights) -> list[dict[str, Tensor]]:
    """Return the two directions along which a training went furthest: the first principal components of its states.

    Args:
        states: the weights now and then in the training, three or more.
        origin: the weights that the directions are to be added to, which say the parameters' names.

    Raises:
        OptionError: fewer than three states, which vary in no two directions.

    Source: Li et al. 2018, section 7.2.
    """
    if len(states) < 3:
        raise OptionError(
            "a training's two principal directions need more states",
            expected="three state dicts or more",
            received=str(len(states)),
        )
    states_SW = torch.stack([as_vector(state, origin) for state in states])
    components = torch.linalg.svd(states_SW - states_SW.mean(0), full_matrices=False).Vh[:2]
    # a component's sign is the solver's choice: its largest weight is made positive
    signed = (component * component[component.abs().argmax()].sign() for component in components)
    return [from_vector(component, origin) for component in signed]


def track(states: Sequence[Weights], origin: Weights, directions: Sequence[Weights]) -> Track:
    """Return where a training's states lie along directions, and how much of its way that tells."""
    states_SW = torch.stack([as_vector(state, origin) for state in states]) - as_vector(origin, origin)
    directions_DW = torch.stack([as_vector(direction, origin) for direction in directions])
    # the normal equations: there are two directions, and a matrix of all weights would be factored otherwise
    gram_DD = (directions_DW @ directions_DW.T).double()
    places_SD = (states_SW @ directions_DW.T).double() @ torch.linalg.pinv(gram_DD, hermitian=True)
    left_SW = states_SW - places_SD.to(states_SW) @ directions_DW
    total, left = (float((each - each.mean(0)).double().square().sum()) for each in (states_SW, left_SW))
    along_SD = (states_SW @ directions_DW.T).double() / gram_DD.diagonal().sqrt()
    varying_D = (along_SD - along_SD.mean(0)).square().sum(0).nan_to_num()
    shares_D = (varying_D / total).clamp(max=1) if total else torch.zeros_like(varying_D)
    return Track(places_SD, shares_D, max(0.0, 1 - left / total) if total else 1.0)
