"""What an autoencoder makes of some rows, what its decoder makes of random codes, and how near PCA comes.

Shape letters: N samples, D numbers a sample, K numbers a code.
"""

from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor, nn

from pellucid.blocks import Sample
from pellucid.data.dataset import Dataset
from pellucid.errors import DataError
from pellucid.shapes import Image
from pellucid.training.batches import rows_at_once
from pellucid.training.device import Device
from pellucid.training.tasks.specimens import Specimen, Specimens
from pellucid.training.tasks.task import Network

_SHOWN = 18
_DRAWN = 12
_MOST_SAID = 8
_MOST_FITTED = 5_000  # rows PCA is fitted on: its error changes in the fourth digit from there on
_MOST_NUMBERS = 4_096  # numbers a sample has where PCA is still worth its time


@dataclass(frozen=True, slots=True)
class Principal:
    """Principal component analysis: rows are given back by their mean (D,) and K directions (D, K) of most variance."""

    mean: Tensor
    directions: Tensor

    def __call__(self, inputs_N: Tensor) -> Tensor:
        """Return rows as K numbers give them back, of the rows' shape."""
        centred_ND = inputs_N.flatten(1).double() - self.mean
        given_ND = centred_ND @ self.directions @ self.directions.T + self.mean
        return given_ND.to(inputs_N.dtype).reshape(inputs_N.shape)


def principal(data: Dataset, code: int) -> Principal | None:
    """Return PCA of the training rows with as many directions as a code has numbers; None where it would take long.

    No linear encoder and decoder has a smaller squared error on these rows (Eckart and Young 1936; Baldi and Hornik
    1989 for linear autoencoders).
    """
    rows = data.rows["train"]
    if data.inputs[:1].numel() > _MOST_NUMBERS:
        return None
    chosen = rows[torch.linspace(0, len(rows) - 1, min(_MOST_FITTED, len(rows))).round().long()]
    inputs_ND = torch.cat([data.batch(part)[0].flatten(1) for part in chosen.split(rows_at_once(data.inputs))]).double()
    mean_D = inputs_ND.mean(0)
    centred_ND = inputs_ND - mean_D
    # eigenvectors in ascending order of their variance
    directions_DD = torch.linalg.eigh(centred_ND.T @ centred_ND).eigenvectors
    return Principal(mean_D, directions_DD[:, -min(code, len(mean_D)) :])


def code_size(network: nn.Module, example_B: Tensor) -> int:
    """Return how many numbers the narrowest layer of a network gives for a sample; at most as many as go in."""
    smallest = [example_B[0].numel()]

    def note(module: nn.Module, inputs: object, output: object) -> None:  # noqa: ARG001 (torch's own signature)
        if isinstance(output, Tensor):
            smallest.append(output[0].numel())

    handles = [module.register_forward_hook(note) for module in network.modules()]
    try:
        network(example_B)
    finally:
        for handle in handles:
            handle.remove()
    return min(smallest)


def decoder_of(network: nn.Module) -> nn.Module | None:
    """Return the layers behind the one random code of a chain of layers; None where there is no such code."""
    layers = list(network.children())
    places = [place for place, layer in enumerate(layers) if isinstance(layer, Sample)]
    random = sum(isinstance(module, Sample) for module in network.modules())
    return nn.Sequential(*layers[places[0] + 1 :]) if len(places) == random == 1 else None


def reconstructed(network: Network, data: Dataset, rows: Tensor, device: Device) -> Specimens | None:
    """Return rows spread over those given beside what comes out, and samples where the code is random; see `Specimens`.

    What is drawn comes from torch's global stream. None where the input cannot be shown.
    """
    chosen = rows[torch.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).round().long()]
    inputs_B = data.batch(chosen)[0].to(device.device)
    outputs_B = network(inputs_B)
    try:
        shown = _shown({"input": inputs_B.cpu(), "reconstructed": outputs_B.float().cpu()}, data, chosen)
    except DataError:
        return None
    lead = "Rows that were kept out of training, and what comes out of the network."
    if isinstance(network, nn.Module):
        lead += _compared(network, data, rows, device)
        decoder = decoder_of(network)
        if decoder is not None:
            codes = _prior(network, inputs_B)
            made = decoder(codes).float().cpu()
            shown += _shown({"drawn": made}, data, None)
            lead += f" The last {len(made)} are made of random codes: none is like a row that was put in."
    return Specimens("What it gives back", lead, shown) if shown else None


def _compared(network: nn.Module, data: Dataset, rows: Tensor, device: Device) -> str:
    """Return the squared error of the network on the rows beside that of PCA with as many numbers, in a sentence."""
    part = rows[:_MOST_FITTED]
    code = code_size(network, data.batch(rows[:1])[0].to(device.device))
    reference = principal(data, code)
    if reference is None or code >= data.inputs[:1].numel():
        return ""
    errors = {"network": 0.0, "pca": 0.0}
    for rows_B in part.split(rows_at_once(data.inputs)):
        inputs_B = data.batch(rows_B)[0]
        given = {"network": network(inputs_B.to(device.device)).float().cpu(), "pca": reference(inputs_B)}
        for name, outputs_B in given.items():
            errors[name] += float((outputs_B - inputs_B).double().square().sum())
    numbers = len(part) * data.batch(rows[:1])[0].numel()
    return (
        f" Through {code} numbers it leaves a mean squared error of {errors['network'] / numbers:.4g};"
        f" principal component analysis with as many leaves {errors['pca'] / numbers:.4g}."
    )


def _prior(network: nn.Module, inputs_B: Tensor) -> Tensor:
    """Return codes drawn from N(0, 1), of the shape that the network's random code has."""
    shapes: list[tuple[int, ...]] = []
    sample = next(module for module in network.modules() if isinstance(module, Sample))
    handle = sample.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    network(inputs_B[:1])
    handle.remove()
    return torch.randn(_DRAWN, *shapes[0], device=inputs_B.device)


def _shown(given: dict[str, Tensor], data: Dataset, rows: Tensor | None) -> tuple[Specimen, ...]:
    """Return prepared samples under what they are: as pictures, or as numbers in words."""
    restored = {what: data.preprocessing.restore(prepared) for what, prepared in given.items()}
    count = len(next(iter(given.values())))
    names = [""] * count if rows is None else [f"row {row + 1}" for row in rows.tolist()]
    if isinstance(data.input_shape, Image):
        pictures = {what: _pixels(images, data) for what, images in restored.items() if isinstance(images, Tensor)}
        return tuple(
            Specimen(name, pictures={what: images[place] for what, images in pictures.items()})
            for place, name in enumerate(names)
        )
    if any(isinstance(rows, Tensor) and rows.ndim != 2 for rows in restored.values()):
        return ()
    said = {what: _words(rows) for what, rows in restored.items()}
    return tuple(
        Specimen(name, words={what: rows[place] for what, rows in said.items()}) for place, name in enumerate(names)
    )


def _pixels(images_NCHW: Tensor, data: Dataset) -> Tensor:
    """Return images as uint8, the data's least black and its greatest white; one channel where there are not three."""
    if images_NCHW.dtype == torch.uint8:
        return images_NCHW
    stored = data.inputs[data.rows["train"][:_MOST_FITTED]].float()
    least, greatest = float(stored.min()), float(stored.max())
    shown = images_NCHW if images_NCHW.shape[1] == 3 else images_NCHW[:, :1]
    return ((shown - least) * (255 / max(greatest - least, 1e-9))).round().clamp(0, 255).to(torch.uint8)


def _words(rows: Tensor | pl.DataFrame) -> list[str]:
    """Return the first numbers or words of each row, under their names where they have some."""
    if isinstance(rows, Tensor):
        return [", ".join(f"{value:.3g}" for value in row[:_MOST_SAID]) for row in rows.tolist()]
    named = [list(row.items())[:_MOST_SAID] for row in rows.to_dicts()]
    return [", ".join(f"{name} {v:.3g}" if isinstance(v, float) else f"{name} {v}" for name, v in row) for row in named]
