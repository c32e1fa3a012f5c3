"""A class for every pixel.

Shape letters: N images, B batch, H height, W width, K classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.data.dataset import Dataset, Masks
from pellucid.data.images.images import ImagePreprocessing
from pellucid.errors import DataError, OptionError
from pellucid.networks import main_output
from pellucid.recipe import LossName, MetricName, Recipe, TaskName
from pellucid.shapes import Image
from pellucid.training.batches import rows_at_once
from pellucid.training.device import Device
from pellucid.training.tasks.specimens import Specimen, Specimens
from pellucid.training.tasks.task import Network, Task, metric_for

_SHOWN = 12
# of classes 0, 1, ...: black, then hues far from each other, each with its lightness, so that grey paper shows them too
_COLOURS = (
    *((0, 0, 0), (0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (86, 180, 233), (204, 121, 167)),
    *((240, 228, 66), (140, 86, 75), (148, 103, 189), (188, 189, 34), (127, 127, 127), (255, 255, 255)),
)


@dataclass(frozen=True, slots=True)
class Segmentation(Task):
    """Scores of every class at every pixel, compared by cross-entropy with the class that the mask tells.

    Attributes:
        target: the classes.
        shape: of the images.
        smoothing: share of each pixel's target that is spread over all classes.
    """

    target: Masks
    shape: Image
    metric: MetricName
    smoothing: float = 0.0
    loss_name: LossName = "cross-entropy"
    name: TaskName = "segmentation"

    @property
    def answer(self) -> Image:
        """Height and width of the images, a channel for each class."""
        return Image(self.shape.height, self.shape.width, len(self.target.names))

    def loss(self, outputs_BKHW: Tensor, masks_BHW: Tensor) -> Tensor:
        """Return the cross-entropy, the mean over all pixels."""
        return F.cross_entropy(outputs_BKHW, masks_BHW, label_smoothing=self.smoothing)

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:
        """Return the loss, the share of pixels that are right, and the mean intersection over union.

        - accuracy: over all pixels, so that a common background counts most;
        - iou: of each class the pixels said and meant to be it, over those said or meant to be; the mean over the
          classes that a pixel has or is said to have, each with the same weight (Everingham et al. 2010).
        """
        classes = len(self.target.names)
        loss, confusion_KK = 0.0, torch.zeros(classes, classes, dtype=torch.int64)
        for rows_B in rows.split(self._at_once(data)):
            outputs_BKHW, masks_BHW = _outputs(network, data, rows_B, device)
            loss += self.loss(outputs_BKHW, masks_BHW).item() * len(rows_B)
            pairs = masks_BHW.flatten() * classes + outputs_BKHW.argmax(1).flatten()
            confusion_KK += torch.bincount(pairs.cpu(), minlength=classes * classes).view(classes, classes)
        right_K = confusion_KK.diagonal().double()
        either_K = confusion_KK.sum(0) + confusion_KK.sum(1) - right_K
        seen = either_K > 0
        return {
            "loss": loss / len(rows),
            "accuracy": float(right_K.sum() / confusion_KK.sum()),
            "iou": float((right_K[seen] / either_K[seen]).mean()),
        }

    def specimens(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> Specimens | None:
        """Return images beside their masks and what the network says."""
        chosen = rows[torch.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).round().long()]
        outputs_BKHW, masks_BHW = _outputs(network, data, chosen, device)
        drawn = {"mask": coloured(masks_BHW.cpu()), "said": coloured(outputs_BKHW.argmax(1).cpu())}
        images = _pixels(data, chosen)
        items = tuple(
            Specimen(
                f"row {row + 1}",
                pictures={"input": images[place], **{what: masks[place] for what, masks in drawn.items()}},
            )
            for place, row in enumerate(chosen.tolist())
        )
        lead = "Images that were kept out of training, their masks, and what the network says of each pixel."
        return Specimens("What it sees where", lead, items)

    def _at_once(self, data: Dataset) -> int:
        return rows_at_once(data.inputs, self.answer.height * self.answer.width * self.answer.channels)


def segmentation(data: Dataset, target: Masks, recipe: Recipe) -> Segmentation:
    """Return the task of telling the class of every pixel.

    Raises:
        OptionError: a loss or a metric that does not go with it, or images that would be moved under their masks.
        DataError: inputs that are no images.
    """
    if recipe.loss not in (None, "cross-entropy"):
        raise OptionError(
            f"loss '{recipe.loss}' does not go with segmentation",
            expected="cross-entropy",
            received=str(recipe.loss),
            advice="leave --loss out",
        )
    if recipe.augment not in (None, "none"):
        raise OptionError(
            "images that are changed no longer fit their masks",
            expected="--augment none for segmentation",
            received=f"--augment {recipe.augment}",
            advice="leave --augment out",
        )
    if not isinstance(data.input_shape, Image):
        raise DataError("masks belong to images", expected="images", received=str(data.input_shape))
    return Segmentation(target, data.input_shape, metric_for("segmentation", recipe), recipe.label_smoothing)


def coloured(masks_NHW: Tensor) -> Tensor:
    """Return masks as pictures, uint8 (N, 3, H, W), a colour a class; the fourteenth has the first one's again."""
    colours_K3 = torch.tensor(_COLOURS, dtype=torch.uint8)
    return colours_K3[masks_NHW.long() % len(_COLOURS)].permute(0, 3, 1, 2).contiguous()


def palette() -> bytes:
    """Return the colours of 256 classes, three bytes each, as `coloured` shows them."""
    return bytes(channel for place in range(256) for channel in _COLOURS[place % len(_COLOURS)])


def _outputs(network: Network, data: Dataset, rows_B: Tensor, device: Device) -> tuple[Tensor, Tensor]:
    """Return the scores (B, K, H, W) and the masks (B, H, W) of some rows."""
    inputs_B, masks_BHW = data.batch(rows_B)
    with device.autocast():
        outputs_BKHW = main_output(network(inputs_B.to(device.device))).float()
    return outputs_BKHW, masks_BHW.to(device.device)


def _pixels(data: Dataset, rows_B: Tensor) -> Tensor:
    """Return stored images as bytes; numbers from the least, black, to the greatest, white."""
    stored_BCHW = data.inputs.index_select(0, rows_B)
    if isinstance(data.preprocessing, ImagePreprocessing):
        return stored_BCHW
    shown = (stored_BCHW if stored_BCHW.shape[1] == 3 else stored_BCHW[:, :1]).float()
    least, greatest = float(shown.min()), float(shown.max())
    return ((shown - least) * (255 / max(greatest - least, 1e-9))).round().to(torch.uint8)
