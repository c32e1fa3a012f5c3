"""Where in the plane a classifier of two features decides for what.

Shape letters: N samples, X and Y places along the features, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Surface
from pellucid.errors import DataError, OptionError
from pellucid.explain.landscape.objective import evaluating
from pellucid.judging.wording import percent
from pellucid.networks import main_output

_MARGIN = 0.1
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class DecisionSurface:
    """The probabilities of the classes over the plane.

    Attributes:
        at_x, at_y: places along the first and the second feature, (X,) and (Y,).
        probabilities: (Y, X, K); of a network with one output those of "no" and "yes", K = 2.
        features: the axes' names.
    """

    at_x: Tensor
    at_y: Tensor
    probabilities: Tensor
    features: tuple[str, str]

    @property
    def decisions(self) -> Tensor:
        """The likeliest class at each place, int64 (Y, X)."""
        return self.probabilities.argmax(-1)


@torch.no_grad()
def decision_surface(
    network: nn.Module, inputs_N2: Tensor, *, features: tuple[str, str] = ("x1", "x2"), points: int = 81
) -> DecisionSurface:
    """Return a classifier's probabilities over the region of its data, and a tenth beyond.

    Args:
        network: gives logits (N, K), or one (N, 1) or (N,) of a yes; run in evaluation mode and left as it is.
        inputs_N2: prepared samples, which say what region; the axes are in their units.
        features: their names.
        points: along each axis.

    Raises:
        DataError: the samples have not two features, or the network gives no logits of them.
    """
    if inputs_N2.ndim != 2 or inputs_N2.shape[1] != 2:
        raise DataError(
            "a decision boundary is drawn over two features",
            expected="inputs (N, 2)",
            received=f"inputs of shape {tuple(inputs_N2.shape)}",
        )
    low_2, high_2 = inputs_N2.aminmax(dim=0)
    margin_2 = _MARGIN * (high_2 - low_2)
    at_X, at_Y = (
        torch.linspace(float(low), float(high), points)
        for low, high in zip(low_2 - margin_2, high_2 + margin_2, strict=True)
    )
    places = torch.cartesian_prod(at_Y, at_X).flip(1).to(inputs_N2)
    with evaluating(network):
        logits = torch.cat([main_output(network(some)) for some in places.split(_ROWS_AT_ONCE)])
    if logits.ndim == 1:
        logits = logits[:, None]
    if logits.ndim != 2:
        raise DataError("this network gives no logits", expected="(N, K)", received=str(tuple(logits.shape)))
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], 1)  # softmax(0, z) is (σ(-z), σ(z))
    return DecisionSurface(at_X, at_Y, logits.softmax(-1).view(points, points, -1).cpu(), features)


def decision_chart(
    found: DecisionSurface, classes: Sequence[str], which: int | None = None, title: str = "What is decided where"
) -> Surface:
    """Return the probability of a class as a figure; by default of the last of two, of more the greatest of all.

    Raises:
        OptionError: there is no such class.
    """
    count = found.probabilities.shape[-1]
    if len(classes) != count or not (which is None or 0 <= which < count):
        raise OptionError("no such class", expected=f"{count} names, a number from 0", received=f"{classes}, {which}")
    shown = 1 if which is None and count == 2 else which
    z = found.probabilities.amax(-1) if shown is None else found.probabilities[..., shown]
    shares = torch.bincount(found.decisions.flatten(), minlength=count) / found.decisions.numel()
    parts = [f"{name} on {percent(float(share))}" for name, share in zip(classes, shares, strict=True)]
    return Surface(
        title=title,
        detail="how sure the network is" if shown is None else f"probability of {classes[shown]}",
        says="The network decides for " + ", ".join(parts) + " of the region.",
        x=Axis(found.features[0]),
        y=Axis(found.features[1]),
        at_x=found.at_x.tolist(),
        at_y=found.at_y.tolist(),
        z=z.tolist(),
    )
