"""Making samples like the data's: nothing is right or wrong of one, so what is judged is how alike two sets are.

Shape letters: N samples, F numbers a sample, C channels, H height, W width.
"""

from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor, nn

from pellucid.blocks import Gan
from pellucid.data.dataset import Dataset, Itself
from pellucid.data.named.mixtures import MIXTURES, Mixture
from pellucid.errors import DataError, OptionError
from pellucid.recipe import AdversarialLossName, MetricName, Recipe, TaskName
from pellucid.seed import isolated, seed_torch
from pellucid.shapes import Features, Image
from pellucid.training.adversarial import discriminator_loss
from pellucid.training.batches import rows_at_once
from pellucid.training.device import Device
from pellucid.training.tasks.specimens import Cloud, Specimen, Specimens
from pellucid.training.tasks.task import Network, Task, metric_for
from pellucid.training.two_samples import energy_distance, modes_found, nearest_neighbour_accuracy

_SAMPLES = 2_500  # the literature's number, of which modes are counted
_COMPARED = 1_000  # rows and samples whose distances from each other are measured: all pairs of them
_SHOWN = 36
_MOST_NUMBERS_SAID = 8
_LEAST = 10


@dataclass(frozen=True, slots=True)
class Generation(Task):
    """Samples like the data's, made of random numbers by one half of a `Gan`.

    Attributes:
        target: none beside the input.
        loss_name: what generator and discriminator minimise.
    """

    target: Itself
    loss_name: AdversarialLossName
    metric: MetricName
    name: TaskName = "generation"

    @property
    def answer(self) -> Features:
        """The discriminator's number."""
        return Features(1)

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the discriminator's loss, how alike samples and rows are, and how well it tells them apart.

        - energy_distance: between samples and rows, 0 where both have one law;
        - nearest_neighbour: how often a sample's or a row's nearest neighbour is of its own set, 0.5 at best;
        - real_accuracy, made_accuracy: share of rows, and of samples, that the discriminator takes for what they are;
          near 0.5 it is deceived, near 1 it sees through the generator (a Wasserstein critic, whose numbers have no
          zero, by the middle between what it says of both on average);
        - modes, high_quality: of data with known modes, how many are found, and the share of samples in one.

        The samples are always made of the same random numbers, so that epochs can be compared.
        """
        gan = gan_of(network)
        made = _samples(gan, _SAMPLES, data)
        chosen = rows[torch.linspace(0, len(rows) - 1, min(_COMPARED, len(rows))).round().long()]
        real = data.batch(chosen)[0].to(device.device)
        count = min(len(real), len(made))
        judged_real, judged_made = _judged(gan, real, device), _judged(gan, made, device)
        loss = discriminator_loss(self.loss_name, judged_real, judged_made)
        boundary = (judged_real.mean() + judged_made.mean()) / 2 if self.loss_name == "wasserstein" else 0.0
        metrics = {
            "loss": loss.item(),
            "energy_distance": energy_distance(made[:_COMPARED], real),
            "nearest_neighbour": nearest_neighbour_accuracy(made[:count], real[:count]),
            "real_accuracy": float((judged_real > boundary).double().mean()),
            "made_accuracy": float((judged_made <= boundary).double().mean()),
        }
        mixture = mixture_of(data)
        if mixture is not None:
            points = data.preprocessing.restore(made.cpu())
            assert isinstance(points, Tensor)
            found = modes_found(points, torch.from_numpy(mixture.centres), mixture.deviation)
            metrics |= {"modes": float(found.covered), "high_quality": found.high_quality}
        return metrics

    def specimens(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> Specimens | None:  # noqa: ARG002
        """Return samples: images, points over the data's, or their numbers in words; None where none can be shown."""
        gan = gan_of(network)
        title, lead = "What it makes", "Samples of the generator, made of random numbers; none was chosen."
        if data.input_shape == Features(2):
            points = plane(data, data.batch(rows)[0]), plane(data, gan.sample(len(rows)).cpu())
            return Specimens(title, lead, cloud=Cloud(points[0][1], points[1][1], points[0][0]))
        try:
            made = data.preprocessing.restore(gan.sample(_SHOWN).cpu())
        except DataError:
            return None
        if isinstance(data.input_shape, Image):
            assert isinstance(made, Tensor)
            pictures = made if made.dtype == torch.uint8 else _as_pixels(made, data, rows)
            return Specimens(title, lead, tuple(Specimen(pictures={"made": pixels}) for pixels in pictures))
        if isinstance(made, Tensor) and made.ndim != 2:
            return None
        return Specimens(title, lead, tuple(Specimen(words=words) for words in _in_words(made)))


def generation(data: Dataset, target: Itself, recipe: Recipe) -> Generation:
    """Return the task of making samples like the data's.

    Raises:
        OptionError: a metric that does not go with it.
        DataError: fewer training rows than could show what the data is like.
    """
    count = len(data.rows["train"])
    if count < _LEAST:
        raise DataError(
            "there are too few samples to learn from what samples are like",
            expected=f"at least {_LEAST} in the training split",
            received=f"{count:,}",
        )
    return Generation(target, recipe.adversarial_loss, metric_for("generation", recipe))


def gan_of(network: object) -> Gan:
    """Return the block that is the whole of a network.

    Raises:
        OptionError: it is something else, or stands behind or before other layers.
    """
    children = list(network.children()) if isinstance(network, nn.Module) else []
    if isinstance(network, Gan):
        return network
    if len(children) == 1 and isinstance(children[0], Gan):
        return children[0]
    layers = ", ".join(type(child).__name__ for child in children[:4]) or type(network).__name__
    raise OptionError(
        "what makes samples is a generator and a discriminator, and nothing around them",
        expected="a network gan(generator: ... | discriminator: ...)",
        received=layers + ", ..." * (len(children) > 4),
        advice="--network gan fits any data; layers before it belong into the discriminator",
    )


def mixture_of(data: Dataset) -> Mixture | None:
    """Return the modes of data whose modes are known."""
    return MIXTURES.get(data.source.location) if data.source.kind == "builtin" else None


def _samples(gan: Gan, count: int, data: Dataset) -> Tensor:
    """Return samples made of the same random numbers at every call."""
    with isolated():
        seed_torch(0, "samples")
        at_once = rows_at_once(data.inputs)
        return torch.cat([gan.sample(min(at_once, count - done)) for done in range(0, count, at_once)])


def _judged(gan: Gan, samples: Tensor, device: Device) -> Tensor:
    """Return the discriminator's number for each sample, in parts that fit into memory."""
    with device.autocast():
        parts = [gan.discriminator(part) for part in samples.split(rows_at_once(samples))]
    return torch.cat(parts).float()


def plane(data: Dataset, prepared_N2: Tensor) -> tuple[tuple[str, str], Tensor]:
    """Return points of the plane in the data's units, and the names of the axes."""
    restored = data.preprocessing.restore(prepared_N2)
    if isinstance(restored, Tensor):
        return ("x1", "x2"), restored.float()
    numbers = restored.select([column for column in restored.columns if restored[column].dtype.is_numeric()])
    if numbers.width != 2:
        return ("x1", "x2"), prepared_N2
    return (numbers.columns[0], numbers.columns[1]), torch.from_numpy(numbers.to_numpy()).float()


def _as_pixels(images_NCHW: Tensor, data: Dataset, rows: Tensor) -> Tensor:
    """Return numbers as uint8, the data's least black and its greatest white; one channel where there are not three."""
    real = data.inputs[rows[:_COMPARED]].float()
    least, greatest = float(real.min()), float(real.max())
    shown = images_NCHW if images_NCHW.shape[1] == 3 else images_NCHW[:, :1]
    return ((shown - least) * (255 / max(greatest - least, 1e-9))).round().clamp(0, 255).to(torch.uint8)


def _in_words(made: Tensor | pl.DataFrame) -> list[dict[str, str]]:
    """Return the first numbers of each sample under their names."""
    if isinstance(made, Tensor):
        rows = [{f"x{place}": value for place, value in enumerate(sample, 1)} for sample in made.tolist()]
    else:
        rows = made.to_dicts()
    return [
        {
            name: f"{value:.4g}" if isinstance(value, float) else str(value)
            for name, value in list(row.items())[:_MOST_NUMBERS_SAID]
        }
        for row in rows
    ]
