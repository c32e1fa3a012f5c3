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

from pellucid.data import Classes, Itself, Labels, Masks, Preprocessing, Several, Target, Values
from pellucid.errors import DataError, OptionError
from pellucid.files import write_bytes
from pellucid.networks import main_output
from pellucid.record import Prediction
from pellucid.training.tasks.segmentation import palette

_ERROR = "squared error"
_MOST_NUMBERS = 64


def predictions_of(
    names: Sequence[str],
    target: Target,
    preprocessing: Preprocessing,
    prepared_B: Tensor,
    outputs_B: Tensor | Mapping[str, Tensor],
) -> Iterator[Prediction]:
    """Yield what a network says of each input of a batch.

    Args:
        names: of the inputs.
        target: what the network learned.
        preprocessing: of the inputs.
        prepared_B: what the network was given.
        outputs_B: what it gave, of several targets a tensor each.
    """
    if isinstance(target, Several):
        assert isinstance(outputs_B, Mapping)
        each = {
            name: predictions_of(names, part, preprocessing, prepared_B, outputs_B[name])
            for name, part in target.parts.items()
        }
        for name, *parts in zip(names, *each.values(), strict=True):
            yield Prediction(name, None, {}, {}, tasks=dict(zip(each, parts, strict=True)))
    elif target == Itself("reconstruction"):
        yield from _given_back(names, preprocessing, prepared_B, main_output(outputs_B))
    else:
        for name, output in zip(names, main_output(outputs_B), strict=True):
            yield _said(name, target, output)


def _said(name: str, target: Target, output: Tensor) -> Prediction:
    """Return what the output for one input says."""
    match target:
        case Classes(classes):
            ranked = _ranked(classes, output.softmax(-1))
            return Prediction(name, next(iter(ranked)), ranked, {})
        case Labels(labels):
            ranked = _ranked(labels, output.sigmoid())
            likely = tuple(label for label, probability in ranked.items() if probability > 0.5)
            return Prediction(name, None, ranked, {}, labels=likely)
        case Values(quantities):
            return Prediction(name, None, {}, dict(zip(quantities, target.restore(output).tolist(), strict=True)))
        case Masks(classes):
            mask_HW = output.argmax(0)
            return Prediction(name, None, {}, _shares(mask_HW, classes), picture=mask_png(mask_HW))
        case Itself("generation"):
            return Prediction(name, None, {}, {"discriminator": float(output[0])})
    raise AssertionError(f"{target} is not predicted input by input")


def _ranked(names: Sequence[str], probabilities_K: Tensor) -> dict[str, float]:
    """Return the probability of each class or label, the highest first."""
    sorted_K, order_K = probabilities_K.sort(descending=True)
    return {names[k]: p for k, p in zip(order_K.tolist(), sorted_K.tolist(), strict=True)}


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
