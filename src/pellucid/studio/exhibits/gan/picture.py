"""What is drawn of the two networks: field, made points, the warped grid of codes, and what pulls the points.

Shape letters: N samples, C numbers of a code, P places of the field, G and H lines of the grid of codes.
"""

import torch
from torch import Tensor, nn

from pellucid.blocks import Gan
from pellucid.recipe import AdversarialLossName
from pellucid.training.adversarial import generator_loss

LINES = 21
"""Of the grid of codes, either way; of a code of one number as many times four."""
_STEP = 0.4  # how far along its gradient an arrow goes, so that usual ones are seen
_LONGEST = 0.45  # of an arrow, in the prepared data's deviations


def make(generator: nn.Module, codes_NC: Tensor) -> Tensor:
    """Return what a generator makes of these codes in place of random ones, (N, 2)."""
    assert isinstance(generator, nn.Sequential), "a generator is a chain"
    with torch.no_grad():
        made_N2: Tensor = generator[1:](codes_NC)
    return made_N2


def grid_of_codes(units: int) -> Tensor:
    """Return codes on a grid, (G, H, C), whose cells a random code falls into equally often.

    Lines stand at quantiles of the normal law. A code of one number gives a curve, (G, 1, 1); of more than two the
    first two vary and the others are 0.
    """
    normal = torch.distributions.Normal(0.0, 1.0)
    count = 4 * LINES if units == 1 else LINES
    along: Tensor = normal.icdf((torch.arange(count) + 0.5) / count)
    if units == 1:
        return along[:, None, None]
    codes = torch.zeros(LINES, LINES, units)
    codes[..., 0], codes[..., 1] = along[None, :], along[:, None]
    return codes


def pull(gan: Gan, loss: AdversarialLossName, made_N2: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the generator's loss pulls each made point, and how strongly.

    Returns:
        The end of each point's arrow, (N, 2), and the norm of each point's slope -dL/dx, (N,), of its own loss.
    """
    places = made_N2.detach().requires_grad_()
    loss_value = generator_loss(loss, gan.discriminator(places)) * len(places)
    (slopes_N2,) = torch.autograd.grad(loss_value, places)
    strength_N = slopes_N2.norm(dim=1)
    length_N1 = (_STEP * strength_N).clamp_max(_LONGEST)[:, None]
    return made_N2 - slopes_N2 / strength_N.clamp_min(1e-12)[:, None] * length_N1, strength_N
