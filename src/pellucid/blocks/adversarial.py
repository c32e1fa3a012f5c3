"""Two networks that learn against each other, and the random code one of them starts from."""

import torch
from torch import Tensor, nn


class Code(nn.Module):
    """As many standard normal numbers for each sample, whatever the sample is: what a generator makes its samples of.

    They are drawn from torch's global stream, at inference too.

    Args:
        units: numbers of one code.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def forward(self, x: Tensor) -> Tensor:
        """Return codes (N, units) for the N samples of x, of which nothing else is used."""
        return torch.randn(len(x), self.units, device=x.device)

    def extra_repr(self) -> str:
        """Return the numbers of a code."""
        return f"units={self.units}"


class Gan(nn.Module):
    """A generative adversarial network (Goodfellow et al., "Generative Adversarial Nets", 2014).

    The discriminator gives the logit of a sample being a real one; the generator makes samples. `average` is the
    generator with the moving average of the weights it had while training, which samples more evenly than any of them
    (Yazici et al., "The Unusual Effectiveness of Averaging in GAN Training", 2019). It takes no gradient.

    Args:
        generator: makes a sample of every row of its input, whose numbers it ignores (it begins with a `Code`).
        discriminator: gives one number (N, 1) for each sample.
        average: a network of the same layers as the generator, whose weights it is given.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, average: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.average = average.requires_grad_(False)
        self.average.load_state_dict(generator.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """Return the discriminator's logit (N, 1) of each sample: above 0 it takes it for a real one."""
        logits: Tensor = self.discriminator(x)
        return logits

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        """Return `count` samples of the averaged generator in evaluation mode, by torch's global random stream."""
        was_training = self.average.training
        self.average.eval()
        device = next((tensor.device for tensor in self.average.state_dict().values()), None)
        samples: Tensor = self.average(torch.empty(count, 0, device=device))
        self.average.train(was_training)
        return samples

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move the average to decay * average + (1 - decay) * generator, and the statistics of its norms likewise."""
        theirs = self.generator.state_dict()
        for name, tensor in self.average.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name], 1 - decay)
            else:
                tensor.copy_(theirs[name])
