"""The network as PyTorch's exported program (.pt2): the graph of its operations with its weights, any batch size."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from pellucid.errors import RunError
from pellucid.formats.exported import Exported, clear_place, hand_along
from pellucid.formats.trained import Trained

BATCHES = (1, 2, 7)


def write_pt2(trained: Trained, target: Path) -> Exported:
    """Write the program `torch.export.load` reads, once it gives the network's own outputs at several batch sizes.

    Raises:
        RunError: the network cannot be traced, the program differs from it, or something is in the way.
    """
    program = trace(trained)
    module = program.module()
    difference = largest_difference(trained, module)
    with clear_place(target) as place, quiet():
        torch.export.save(program, place / target.name, extra_files=trained.metadata())
        if not trained.included:
            hand_along(place, target.stem, trained.preprocessing.kind, json.dumps(trained.described, indent=2))
        files = tuple(target.parent / path.name for path in sorted(place.iterdir()))
    usage = "\n".join(
        [
            "import torch",
            f'model = torch.export.load("{target}").module()',
            f"{trained.output} = model(batch)  # {shape_text(trained)}",
        ]
    )
    return Exported(target, files, usage, notes_on(trained), difference)


def trace(trained: Trained) -> torch.export.ExportedProgram:
    """Return the program of a network with its preprocessing, its batch size left open.

    Raises:
        RunError: the network does something that depends on values, or fixes its batch size.
    """
    try:
        with quiet(), torch.no_grad():
            return torch.export.export(
                trained.whole, (trained.example(2),), dynamic_shapes=({0: torch.export.Dim("batch")},)
            )
    except Exception as error:  # torch.export raises many kinds for what a module does
        raise RunError(
            "the network cannot be traced",
            expected="operations that do not depend on the values of tensors, at any batch size",
            received=str(error).strip().partition("\n")[0],
            advice="--to python or --to safetensors need no trace",
        ) from error


def largest_difference(trained: Trained, run: Callable[[Tensor], Tensor]) -> float:
    """Return the largest absolute difference between another form of the network and the network, over batch sizes.

    Raises:
        RunError: they differ by more than rounding does.
    """
    largest = 0.0
    for size in BATCHES:
        batch = trained.example(size)
        with torch.no_grad():
            own = trained.whole(batch)
        other = run(batch)
        if own.shape != other.shape or not torch.allclose(own, other, rtol=1e-3, atol=1e-4):
            raise RunError(
                "the exported network does not compute what the network does; nothing was written",
                expected=f"the same outputs at batch sizes {BATCHES}",
                received=f"a largest difference of {(own - other).abs().max().item():.3g} at batch size {size}"
                if own.shape == other.shape
                else f"outputs {tuple(other.shape)} in place of {tuple(own.shape)}",
            )
        largest = max(largest, (own - other).abs().max().item())
    return largest


def shape_text(trained: Trained) -> str:
    """Return what a batch is, for people."""
    what = {"image": "uint8, 0 to 255", "text": "int64 tokens", "text-lines": "int64 tokens"}
    sizes = ", ".join(map(str, ("N", *trained.sample)))
    return f"{what.get(trained.preprocessing.kind, 'float32')}, ({sizes})"


def notes_on(trained: Trained) -> tuple[str, ...]:
    """Return what is inside the graph and what is not."""
    said = "probabilities that sum to 1" if trained.output == "probabilities" else "values in their own unit"
    if trained.included:
        return ("the preprocessing is inside: give it the input as it is", f"it gives {said}, for any batch size")
    beside = (
        "the preprocessing (words, dates, tokens to numbers) stands beside it: *.preprocessing.json, *_preprocessing.py"
    )
    steps = "" if trained.preprocessing.kind == "table" else f" of {trained.sample[0]} steps"
    return (beside, f"it gives {said}, for any number of inputs{steps}")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what torch's exporters warn of and users can do nothing about.

    That recurrent layers keep their weights in a list besides, and that torchvision's operators are not installed.
    """
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
