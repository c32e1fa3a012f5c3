"""The losses of two networks that learn against each other, and the penalties that keep the discriminator smooth.

r is the discriminator's number for a real sample x, f that for a generated one, sigma the logistic function; each loss
is the mean over the batch and is minimised. With its first two the discriminator's number is a logit.

| loss | discriminator | generator |
|---|---|---|
| `minimax` (Goodfellow et al. 2014, equation 1) | -log sigma(r) - log(1 - sigma(f)) | log(1 - sigma(f)) |
| `non-saturating` (the same, section 3) | -log sigma(r) - log(1 - sigma(f)) | -log sigma(f) |
| `hinge` (Lim and Ye 2017, Miyato et al. 2018) | max(0, 1 - r) + max(0, 1 + f) | -f |
| `wasserstein` (Arjovsky et al. 2017) | f - r | -f |

Shape letters: B batch.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.recipe import AdversarialLossName

Discriminator = Callable[[Tensor], Tensor]

_FLAT = 1e-24


def discriminator_loss(name: AdversarialLossName, real_B1: Tensor, generated_B1: Tensor) -> Tensor:
    """Return what the discriminator minimises, given its numbers for real and for generated samples."""
    match name:
        case "minimax" | "non-saturating":  # -log sigma(r) = softplus(-r) without an overflow
            return F.softplus(-real_B1).mean() + F.softplus(generated_B1).mean()
        case "hinge":
            return F.relu(1 - real_B1).mean() + F.relu(1 + generated_B1).mean()
        case "wasserstein":
            return generated_B1.mean() - real_B1.mean()


def generator_loss(name: AdversarialLossName, generated_B1: Tensor) -> Tensor:
    """Return what the generator minimises, given the discriminator's numbers for its samples."""
    match name:
        case "minimax":
            return -F.softplus(generated_B1).mean()
        case "non-saturating":
            return F.softplus(-generated_B1).mean()
        case "hinge" | "wasserstein":
            return -generated_B1.mean()


def unit_slope_penalty(discriminator: Discriminator, real: Tensor, generated: Tensor) -> Tensor:
    """Return E (|dD/dx| - 1)² between real and generated samples (WGAN-GP; Gulrajani et al. 2017, equation 3).

    Each place is x = e * real + (1 - e) * generated with its own e, uniform in 0..1, from torch's global stream.
    """
    share = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    squared_B = _squared_slopes(discriminator, share * real + (1 - share) * generated)
    # the square root has no slope at 0, where a gradient is whose ReLUs are all off
    return (squared_B.clamp_min(_FLAT).sqrt() - 1).square().mean()


def flat_slope_penalty(discriminator: Discriminator, real: Tensor) -> Tensor:
    """Return E |dD/dx|² / 2 at real samples (R1; Mescheder, Geiger and Nowozin 2018, equation 9).

    It lets the losses that are no distance converge: where generated samples are as the real ones, the discriminator
    has no slope left to push them along.
    """
    return _squared_slopes(discriminator, real).mean() / 2


def _squared_slopes(discriminator: Discriminator, places: Tensor) -> Tensor:
    """Return the squared norm of the discriminator's gradient at each place, (B,), to be differentiated again."""
    places = places.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(places).sum(), places, create_graph=True)
    return gradient.flatten(1).square().sum(1)
