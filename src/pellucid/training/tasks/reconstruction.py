"""Giving the input back through a code: autoencoders, plain, denoising and variational.

Shape letters: N samples, B batch, D numbers a sample.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.blocks import Sample
from pellucid.data.dataset import Dataset, Itself
from pellucid.data.images.images import ImagePreprocessing
from pellucid.errors import DataError, OptionError
from pellucid.recipe import LossName, MetricName, Recipe, TaskName
from pellucid.seed import isolated, seed_torch
from pellucid.shapes import Features, Image, Sequence, Tokens
from pellucid.training.batches import rows_at_once
from pellucid.training.device import Device
from pellucid.training.tasks.reconstructed import reconstructed
from pellucid.training.tasks.specimens import Specimens
from pellucid.training.tasks.task import Network, Task, metric_for

_BRIGHTEST = 255.0
_DISTANCES: dict[LossName, str] = {"squared-error": "mse_loss", "absolute-error": "l1_loss", "huber": "huber_loss"}


@dataclass(frozen=True, slots=True)
class Reconstruction(Task):
    """The input itself is wanted, as it was before a first layer spoilt it with noise.

    Attributes:
        target: none beside the input.
        shape: the input's.
        loss_name: the distance between what comes out and what went in, the mean over all numbers.
    """

    target: Itself
    shape: Features | Image | Sequence
    loss_name: LossName
    metric: MetricName
    name: TaskName = "reconstruction"

    @property
    def answer(self) -> Features | Image | Sequence:
        """The input's shape."""
        return self.shape

    def loss(self, outputs_B: Tensor, inputs_B: Tensor, codes: "Codes") -> Tensor:
        """Return the distance, and with it what random codes cost.

        A variational network's decoder is normal with variance beta, so that minus its evidence lower bound is
        |x - y|² / (2 beta) + divergence, up to a constant. Times 2 beta / D that is mean squared error + 2 beta
        divergence / D, which is what is returned: on one scale with the error of a network without random codes.
        """
        assert outputs_B.shape == inputs_B.shape, f"{tuple(outputs_B.shape)} against {tuple(inputs_B.shape)}"
        # looked up late: a watch puts its own in that place
        distance: Tensor = getattr(F, _DISTANCES[self.loss_name])(outputs_B, inputs_B)
        return distance + 2 / inputs_B[0].numel() * codes.weighted if codes.found else distance

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the loss, and how near what comes out is to what went in, in units of the prepared input.

        - mse, rmse: mean squared error over all numbers, and its root;
        - r2: share of the variance explained, 1 - squared error / squared distance from the mean of these rows;
        - psnr: of images, 10 log10(255² / squared error of the pixels), in decibels;
        - reconstruction, divergence, elbo: of a network with random codes, E log p(x | z), the codes' divergence from
          N(0, 1), and their difference, the evidence lower bound, in nats a sample, with p normal of variance beta.

        A random code is its mean but for `loss`, `reconstruction` and `elbo`, which draw one, the same each time.
        """
        sums = _Sums(data.input_shape.dimensions)
        for inputs_B in _batches(data, rows, device):
            sums.add(inputs_B, _outputs(network, inputs_B, device), data)
        exact = {"mse": sums.mse, "rmse": math.sqrt(sums.mse), "r2": sums.r2}
        if isinstance(data.preprocessing, ImagePreprocessing):
            exact["psnr"] = sums.psnr
        random = samples_in(network)
        if not random:
            loss = sums.mse if self.loss_name == "squared-error" else self._distance(network, data, rows, device)
            return {"loss": loss, **exact}
        with _drawing(random), isolated():
            seed_torch(0, "samples")
            drawn = self._drawn(network, data, rows, device)
        return {"loss": drawn.pop("loss"), **exact, **drawn}

    def specimens(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> Specimens | None:
        """Return rows beside what the network makes of them, and what its decoder makes of random codes."""
        return reconstructed(network, data, rows, device)

    def _distance(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> float:
        total = 0.0
        for inputs_B in _batches(data, rows, device):
            total += self.loss(_outputs(network, inputs_B, device), inputs_B, Codes()).item() * len(inputs_B)
        return total / len(rows)

    def _drawn(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return what is measured with codes drawn: the loss and, where all codes have one weight, the bound."""
        loss = squares = divergence = 0.0
        for inputs_B in _batches(data, rows, device):
            with codes_of(network) as codes:
                outputs_B = _outputs(network, inputs_B, device)
            loss += self.loss(outputs_B, inputs_B, codes).item() * len(inputs_B)
            squares += (outputs_B - inputs_B).double().square().sum().item()
            divergence += codes.divergence.item() * len(inputs_B)
        measured = {"loss": loss / len(rows), "divergence": divergence / len(rows)}
        betas = {sample.beta for sample in samples_in(network)}
        if len(betas) == 1 and (beta := betas.pop()) > 0 and self.loss_name == "squared-error":
            numbers = math.prod(count or 1 for count in data.input_shape.dimensions)
            fit = -squares / len(rows) / (2 * beta) - numbers / 2 * math.log(2 * math.pi * beta)
            measured |= {"reconstruction": fit, "elbo": fit - measured["divergence"]}
        return measured


def reconstruction(data: Dataset, target: Itself, recipe: Recipe) -> Reconstruction:
    """Return the task of giving the input back.

    Raises:
        OptionError: a loss or a metric that does not go with it.
        DataError: token ids, which have no distance from each other.
    """
    loss = recipe.loss or "squared-error"
    if loss not in _DISTANCES:
        raise OptionError(
            f"loss '{loss}' does not go with reconstruction",
            expected="one of " + ", ".join(_DISTANCES),
            received=loss,
            advice="leave --loss out",
        )
    if isinstance(data.input_shape, Tokens):
        raise DataError("token ids cannot be reconstructed", expected="numbers", received=str(data.input_shape))
    return Reconstruction(target, data.input_shape, loss, metric_for("reconstruction", recipe))


class Codes:
    """The random codes of one pass: their divergence from N(0, 1), in nats, averaged over the batch."""

    def __init__(self) -> None:
        self.found: list[tuple[float, Tensor]] = []

    def add(self, sample: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Note what goes into a `Sample`, of which the mean and the variance of its code are read."""
        assert isinstance(sample, Sample)
        self.found.append((sample.beta, Sample.divergence(inputs[0].float()).mean()))

    @property
    def weighted(self) -> Tensor:
        """The sum over all codes, each with its weight."""
        return torch.stack([beta * divergence for beta, divergence in self.found]).sum()

    @property
    def divergence(self) -> Tensor:
        """The sum over all codes."""
        return torch.stack([divergence for _, divergence in self.found]).sum()


@contextmanager
def codes_of(network: Network) -> Iterator[Codes]:
    """Note the random codes of the passes made inside."""
    codes = Codes()
    handles = [sample.register_forward_pre_hook(codes.add) for sample in samples_in(network)]
    try:
        yield codes
    finally:
        for handle in handles:
            handle.remove()


def samples_in(network: Network) -> list[Sample]:
    """Return the layers that draw a random code."""
    return [m for m in network.modules() if isinstance(m, Sample)] if isinstance(network, nn.Module) else []


class _Sums:
    """What is added up over batches: squared errors, and the inputs with their squares."""

    def __init__(self, dimensions: tuple[int | None, ...]) -> None:
        self._numbers = math.prod(count or 1 for count in dimensions)
        self._rows = 0
        self._squares = self._pixels = 0.0
        self._inputs_D = self._inputs2_D = torch.zeros((), dtype=torch.float64)

    def add(self, inputs_B: Tensor, outputs_B: Tensor, data: Dataset) -> None:
        """Add a batch."""
        inputs_BD = inputs_B.flatten(1).double().cpu()
        self._rows += len(inputs_B)
        self._squares += float((outputs_B.flatten(1).double().cpu() - inputs_BD).square().sum())
        self._inputs_D = self._inputs_D + inputs_BD.sum(0)
        self._inputs2_D = self._inputs2_D + inputs_BD.square().sum(0)
        if isinstance(data.preprocessing, ImagePreprocessing):
            shown, made = (data.preprocessing.restore(images).double() for images in (inputs_B, outputs_B))
            self._pixels += float((shown - made).square().sum())

    @property
    def mse(self) -> float:
        """Mean squared error."""
        return self._squares / (self._rows * self._numbers)

    @property
    def r2(self) -> float:
        """Share of the variance explained; NaN where there is none."""
        variance = float((self._inputs2_D - self._inputs_D.square() / self._rows).sum())
        return 1 - self._squares / variance if variance > 0 else math.nan

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in decibels, infinite where every pixel is right."""
        error = self._pixels / (self._rows * self._numbers)
        return 10 * math.log10(_BRIGHTEST**2 / error) if error else math.inf


@contextmanager
def _drawing(samples: list[Sample]) -> Iterator[None]:
    """Let codes be drawn inside, in a network that else is in evaluation mode."""
    for sample in samples:
        sample.train()
    try:
        yield
    finally:
        for sample in samples:
            sample.eval()


def _batches(data: Dataset, rows: Tensor, device: Device) -> Iterator[Tensor]:
    for rows_B in rows.split(rows_at_once(data.inputs)):
        yield data.batch(rows_B)[0].to(device.device)


def _outputs(network: Network, inputs_B: Tensor, device: Device) -> Tensor:
    with device.autocast():
        return network(inputs_B).float()
