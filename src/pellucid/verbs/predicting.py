"""A network's outputs as predictions: classes, values, rows and pictures given back, the class of every pixel.

Shape letters: B batch, K outputs, C channels, H height, W width.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import torch
from PIL import Image as PillowImage
from torch import Tensor

from pellucid.data import Classes, Itself, Masks, Preprocessing, Target, Values
from pellucid.errors import DataError, OptionError
from pellucid.record import Prediction, write_bytes
from pellucid.training.tasks.segmentation import palette

_ERROR = "squared error"
_MOST_NUMBERS = 64


def predictions_of(
    names: Sequence[str], target: Target, preprocessing: Preprocessing, prepared_B: Tensor, outputs_B: Tensor
) -> Iterator[Prediction]:
    """Yield what a network says of each input of a batch.

    Args:
        names: of the inputs.
        target: what the network learned.
        preprocessing: of the inputs.
        prepared_B: what the network was given.
        outputs_B: what it gave.
    """
    match target:
        case Classes(classes):
            for name, output_K in zip(names, outputs_B, strict=True):
                probabilities_K, order_K = output_K.softmax(-1).sort(descending=True)
                ranked = {classes[k]: p for k, p in zip(order_K.tolist(), probabilities_K.tolist(), strict=True)}
                yield Prediction(name, next(iter(ranked)), ranked, {})
        case Values(quantities):
            for name, output_K in zip(names, outputs_B, strict=True):
                values = dict(zip(quantities, target.restore(output_K).tolist(), strict=True))
                yield Prediction(name, None, {}, values)
        case Masks(classes):
            for name, mask_HW in zip(names, outputs_B.argmax(1), strict=True):
                yield Prediction(name, None, {}, _shares(mask_HW, classes), picture=mask_png(mask_HW))
        case Itself("generation"):
            for name, output_K in zip(names, outputs_B, strict=True):
                yield Prediction(name, None, {}, {"discriminator": float(output_K[0])})
        case Itself("reconstruction"):
            yield from _given_back(names, preprocessing, prepared_B, outputs_B)
        case _:
            raise AssertionError(f"{target} is not predicted input by input")


def save_pictures(predictions: Sequence[Prediction], folder: Path, source: Path) -> list[Path]:
    """Write the pictures that a network answered with, each under its input's name as PNG, and return their paths.

    Raises:
        OptionError: the network does not answer with pictures.
        RunError: the disk takes no more.
    """
    if any(prediction.picture is None for prediction in predictions):
        raise OptionError(
            "this network does not answer with pictures",
            expected="a network that gives images back, or tells the class of every pixel",
            received=f"--output {folder}",
            advice="leave --output out; --json FILE writes what it says",
        )
    written: list[Path] = []
    for prediction in predictions:
        name = Path(prediction.name) if source.is_dir() else Path(Path(prediction.name).name)
        path = folder / name.with_suffix(".png")
        if path in written:  # photo.jpg and photo.bmp
            path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert prediction.picture is not None
        write_bytes(path, prediction.picture)
        written.append(path)
    return written


def mask_png(mask_HW: Tensor) -> bytes:
    """Return a mask as a PNG file whose values are the classes, each with a colour: it can be trained on again."""
    image = PillowImage.fromarray(mask_HW.to(torch.uint8).cpu().numpy()).convert("P")
    image.putdata(mask_HW.flatten().tolist())
    image.putpalette(palette())
    return _png(image)


def _given_back(
    names: Sequence[str], preprocessing: Preprocessing, prepared_B: Tensor, outputs_B: Tensor
) -> Iterator[Prediction]:
    """Yield inputs as the network gives them back, with the mean squared error of each, in prepared units."""
    errors_B = (outputs_B - prepared_B).square().flatten(1).mean(1).tolist()
    try:
        restored = preprocessing.restore(outputs_B)
    except DataError:
        restored = outputs_B
    for place, (name, error) in enumerate(zip(names, errors_B, strict=True)):
        if isinstance(restored, pl.DataFrame):
            numbers, words = _of_row(restored.row(place, named=True))
            yield Prediction(name, None, {}, {**numbers, _ERROR: error}, words=words)
        elif restored.dtype == torch.uint8:
            yield Prediction(name, None, {}, {_ERROR: error}, picture=pixels_png(restored[place]))
        else:
            few = restored[place].flatten()[:_MOST_NUMBERS].tolist() if restored.ndim == 2 else []
            numbers = {f"x{number}": value for number, value in enumerate(few, 1)}
            yield Prediction(name, None, {}, {**numbers, _ERROR: error})


def _of_row(row: Mapping[str, object]) -> tuple[dict[str, float], dict[str, str]]:
    numbers = {name: value for name, value in row.items() if isinstance(value, float)}
    words = {name: "missing" if value is None else str(value) for name, value in row.items() if name not in numbers}
    return numbers, words


def _shares(mask_HW: Tensor, classes: Sequence[str]) -> dict[str, float]:
    """Return the share of the pixels that each class has, the greatest first; those without a pixel are left out."""
    counts_K = torch.bincount(mask_HW.flatten(), minlength=len(classes))
    ranked = counts_K.argsort(descending=True, stable=True).tolist()
    return {classes[place]: int(counts_K[place]) / mask_HW.numel() for place in ranked if counts_K[place]}


def pixels_png(pixels_CHW: Tensor) -> bytes:
    """Return uint8 pixels of one or three channels as a PNG file."""
    pixels_HWC = pixels_CHW.permute(1, 2, 0).contiguous().numpy()
    return _png(PillowImage.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC))


def _png(image: PillowImage.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
