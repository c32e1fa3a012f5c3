"""The network as PyTorch's exported program (.pt2): the graph of its operations with its weights, any batch size."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.data.dataset import Labels, Several, Target, Values
from pellucid.data.images.images import ImagePreprocessing
from pellucid.errors import RunError
from pellucid.formats.exported import Exported, clear_place, hand_along
from pellucid.formats.recurrence import TorchRecurrence, as_torch, replaced
from pellucid.formats.trained import Trained

BATCHES = (1, 2, 7)
_TOLERANCE = 1e-4


def write_pt2(trained: Trained, target: Path) -> Exported:
    """Write the program `torch.export.load` reads, once it gives the network's own outputs at several batch sizes.

    Raises:
        RunError: the network cannot be traced, the program differs from it, or something is in the way.
    """
    program = as_torch(trace(trained, TorchRecurrence))
    module = program.module()
    difference = largest_difference(trained, module)
    with clear_place(target) as place, quiet():
        torch.export.save(program, place / target.name, extra_files=trained.metadata())
        files = completed(place, target, trained)
    usage = "\n".join(
        [
            "import torch",
            f'model = torch.export.load("{target}").module()',
            f"{said_by(trained)} = model(batch)  # {shape_text(trained)}",
        ]
    )
    return Exported(target, files, usage, notes_on(trained), difference)


def completed(place: Path, target: Path, trained: Trained) -> tuple[Path, ...]:
    """Hand along what the graph cannot hold, and return all files as they will lie beside the target."""
    if not trained.included:
        hand_along(place, target.stem, trained.preprocessing.kind, json.dumps(trained.described, indent=2))
    return tuple(target.parent / path.name for path in sorted(place.iterdir()))


def trace(trained: Trained, recurrence: Callable[[nn.RNNBase], nn.Module]) -> torch.export.ExportedProgram:
    """Return the program of a network with its preprocessing, its batch size left open, and a text's length.

    Args:
        trained: the network.
        recurrence: what stands for its recurrent layers.

    Raises:
        RunError: the network does something that depends on values, or fixes its batch size.
    """
    dimensions: dict[int, Any] = {0: torch.export.Dim("batch")}
    if trained.open_length:
        dimensions[1] = torch.export.Dim.DYNAMIC
    try:
        with quiet(), torch.no_grad():
            network = replaced(trained.whole, recurrence).eval()
            return torch.export.export(network, (trained.example(2),), dynamic_shapes=(dimensions,))
    except Exception as error:  # torch.export raises many kinds for what a module does
        raise RunError(
            "the network cannot be traced",
            expected="operations that do not depend on the values of tensors, at any batch size",
            received=str(error).strip().partition("\n")[0],
            advice="--to python or --to safetensors need no trace",
        ) from error


def said_by(trained: Trained) -> str:
    """Return the outputs as names of Python: `probabilities`; of several targets `digit, parity`."""
    return ", ".join(trained.outputs)


def largest_difference(trained: Trained, run: Callable[[Tensor], Tensor | Sequence[Tensor]]) -> float:
    """Return the largest absolute difference between another form of the network and the network, over batch sizes.

    Raises:
        RunError: they differ by more than rounding does: by a ten-thousandth of a probability of 1 or of a target's
            standard deviation (of the output itself where it is larger), and what float32 can tell apart.
    """
    largest = 0.0
    for size in BATCHES:
        batch = trained.example(size, longer=size if trained.open_length else 0)
        with torch.no_grad():
            own = _each(trained.whole(batch))
        other = _each(run(batch))
        for target, one, two in zip(trained.outputs.values(), own, other, strict=True):
            if one.shape != two.shape or not _same(one, two, target):
                raise RunError(
                    "the exported network does not compute what the network does; nothing was written",
                    expected=f"the same outputs at batch sizes {BATCHES}",
                    received=f"a largest difference of {(one - two).abs().max().item():.3g} at batch size {size}"
                    if one.shape == two.shape
                    else f"outputs {tuple(two.shape)} in place of {tuple(one.shape)}",
                )
            largest = max(largest, (one - two).abs().max().item())
    return largest


def _each(outputs: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else outputs


def _same(own: Tensor, other: Tensor, target: Target) -> bool:
    """Return whether outputs differ by no more than rounding does; in the target's unit, however far from 0 it lies."""
    middle, unit = (target.mean, target.scale) if isinstance(target, Values) else (0.0, 1.0)
    unit_K = own.new_tensor(unit)
    standardised = ((own - own.new_tensor(middle)) / unit_K).abs().clamp(min=1)
    allowed = _TOLERANCE * standardised * unit_K + 4 * torch.finfo(torch.float32).eps * own.abs()
    return bool(((own - other).abs() <= allowed).all())


def shape_text(trained: Trained) -> str:
    """Return what a batch is, for people."""
    what = {"image": "uint8, 0 to 255", "text": "int64 tokens", "text-lines": "int64 tokens"}
    numbers = str(trained.precision).removeprefix("torch.")
    sizes = ", ".join(map(str, ("N", "T") if trained.open_length else ("N", *trained.sample)))
    return f"{what.get(trained.preprocessing.kind, numbers)}, ({sizes})"


def notes_on(trained: Trained) -> tuple[str, ...]:
    """Return what is inside the graph and what is not."""
    said = _said(trained)
    if trained.included:
        is_image = isinstance(trained.preprocessing, ImagePreprocessing)
        given = "pixels, upright and in this size" if is_image else "numbers in their own units"
        return (f"the preprocessing is inside: give it {given}", f"it gives {said}, for any batch size")
    beside = (
        "the preprocessing (words, dates, tokens to numbers) stands beside it: *.preprocessing.json, *_preprocessing.py"
    )
    steps = "" if trained.preprocessing.kind == "table" else f" of {trained.sample[0]} steps"
    steps = " of any length" if trained.open_length else steps
    return (beside, f"it gives {said}, for any number of inputs{steps}")


def _said(trained: Trained) -> str:
    """Return what the outputs are, for people."""
    if isinstance(trained.target, Several):
        return "a tensor for each target (probabilities, or values in their own unit)"
    if isinstance(trained.target, Labels):
        return "a probability for each label"
    return "probabilities that sum to 1" if trained.output == "probabilities" else "values in their own unit"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what torch's exporters warn of and users can do nothing about."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        # torch's own use of what it has deprecated itself (2.13)
        warnings.filterwarnings("ignore", r".*LeafSpec", FutureWarning)
        # a recurrent layer in a module of the user's own keeps its weights in a list besides
        warnings.filterwarnings("ignore", "The tensor attributes .*_flat_weights", UserWarning)
        logger.setLevel(logging.ERROR)  # that torchvision's operators are not installed
        try:
            yield
        finally:
            logger.setLevel(level)
