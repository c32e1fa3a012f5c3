"""What the plane looks like to a network: its answer at every place, and what every unit gives there.

Shape letters: P places (rows of the picture one after the other, the topmost first), U units.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pellucid.data import Classes, Dataset, Values
from pellucid.explain.landscape.objective import evaluating
from pellucid.networks import Plan
from pellucid.studio.exhibits.playground.arrows import blocks
from pellucid.studio.exhibits.playground.points import Scatter, features_of

SIDE, EVERY = 100, 4
"""Places a side of the field; a unit's picture has every fourth of them."""


@dataclass(frozen=True)
class Plane:
    """The places of the field, prepared as the network's inputs.

    Attributes:
        inputs: standardised features, (P, F).
        features: pictures of the features themselves, (F, SIDE / EVERY, SIDE / EVERY).
    """

    inputs: Tensor
    features: npt.NDArray[np.float32]


def plane(points: Scatter, names: tuple[str, ...], data: Dataset) -> Plane:
    """Return the centres of the field's cells over the square of the points."""
    at = ((torch.arange(SIDE) + 0.5) / SIDE * 2 - 1) * points.reach
    places_P2 = torch.stack([at.repeat(SIDE), -at.repeat_interleave(SIDE)], dim=1)
    inputs_PF = data.preprocessing.prepare(features_of(places_P2, names))
    return Plane(inputs_PF, _small(inputs_PF))


def dense_layers(network: nn.Module) -> list[nn.Linear]:
    """Return the fully connected layers, from the input on."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


@torch.no_grad()
def pictures(network: nn.Module, plan: Plan, seen: Plane, target: object) -> dict[str, npt.NDArray[np.generic]]:
    """Return `field` (SIDE, SIDE), with several classes also `kinds`, and `unit0`, `unit1`, ... of each layer.

    The field is the value; of two classes the probability of the second less that of the first; of several the
    probability of the likeliest, whose number `kinds` holds.
    """
    ends = set(np.cumsum([len(block) for block in blocks(plan)]).tolist())
    found: list[Tensor] = []
    outputs = seen.inputs
    with evaluating(network):
        for number, layer in enumerate(network.children(), 1):
            outputs = layer(outputs)
            if number in ends:
                found.append(outputs)
    drawn: dict[str, npt.NDArray[np.generic]] = {f"unit{at}": _small(each) for at, each in enumerate(found)}
    if isinstance(target, Values):
        return drawn | {"field": target.restore(outputs)[:, 0].reshape(SIDE, SIDE).numpy()}
    assert isinstance(target, Classes)
    shares_PK = outputs.softmax(1)
    if len(target.names) == 2:
        return drawn | {"field": (shares_PK[:, 1] - shares_PK[:, 0]).reshape(SIDE, SIDE).numpy()}
    likeliest = shares_PK.max(1)
    kinds = likeliest.indices.reshape(SIDE, SIDE).to(torch.uint8).numpy()
    return drawn | {"field": likeliest.values.reshape(SIDE, SIDE).numpy(), "kinds": kinds}


def _small(values_PU: Tensor) -> npt.NDArray[np.float32]:
    middle = EVERY // 2
    field: npt.NDArray[np.float32] = values_PU.T.reshape(-1, SIDE, SIDE)[:, middle::EVERY, middle::EVERY].numpy()
    return np.ascontiguousarray(field)
