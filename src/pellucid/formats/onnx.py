"""The network as ONNX, which runs without PyTorch; written only after onnxruntime gives the network's own outputs."""

import importlib
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pellucid.errors import RunError, require_installed
from pellucid.formats.exported import Exported, clear_place
from pellucid.formats.recurrence import OnnxRecurrence
from pellucid.formats.traced import completed, largest_difference, notes_on, quiet, said_by, shape_text, trace
from pellucid.formats.trained import Trained

_NEEDED = ("onnx", "onnxruntime", "onnxscript")


def write_onnx(trained: Trained, target: Path) -> Exported:
    """Write an ONNX file with an open batch size.

    Raises:
        RunError: ONNX's libraries are not installed, the network has an operation that ONNX lacks, the file computes
            something else, or something is in the way.
    """
    require_installed("ONNX files need", _NEEDED, "export")
    program = _converted(trained)
    with clear_place(target) as place:
        with quiet():
            program.save(place / target.name)
        difference = largest_difference(trained, _runner(place / target.name))
        files = completed(place, target, trained)
    said = said_by(trained) + "," * (len(trained.outputs) == 1)
    usage = "\n".join(
        [
            "import onnxruntime",
            f'session = onnxruntime.InferenceSession("{target}")',
            f'{said} = session.run(None, {{"input": batch}})  # {shape_text(trained)}',
        ]
    )
    opset = f"opset {program.model.opset_imports['']}, compared on onnxruntime"
    return Exported(target, files, usage, (*notes_on(trained), opset), difference)


def _converted(trained: Trained) -> Any:
    """Return the ONNX program of a network."""
    traced = trace(trained, OnnxRecurrence)
    try:
        with quiet():
            program = torch.onnx.export(
                traced, (), dynamo=True, input_names=["input"], output_names=list(trained.outputs), verbose=False
            )
    except Exception as error:  # the exporter raises many kinds
        raise RunError(
            "the network has an operation that ONNX lacks",
            received=str(error).strip().partition("\n")[0],
            advice="--to pt2 keeps all of PyTorch's operations",
        ) from error
    assert program is not None
    _name_axes(program.model.graph)
    program.model.metadata_props.update(trained.metadata())
    return program


def _name_axes(graph: Any) -> None:
    """Call the open axes of a graph batch and length, which torch calls s31 and s81."""
    (given,) = graph.inputs
    open_axes = [str(size.value) for size in given.shape if not isinstance(size, int)]
    names = dict(zip(open_axes, ("batch", "length"), strict=False))
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")
    for value in (given, *(output for node in graph for output in node.outputs)):
        for axis, size in enumerate(value.shape or ()):
            if not isinstance(size, int) and size.value is not None:
                value.shape[axis] = pattern.sub(lambda found: names[found[0]], str(size.value))


def _runner(path: Path) -> Any:
    # an extra: asked for where it is used
    session = importlib.import_module("onnxruntime").InferenceSession(path)
    name = session.get_inputs()[0].name

    def run(batch: Tensor) -> list[Tensor]:
        return [torch.from_numpy(output) for output in session.run(None, {name: batch.numpy()})]

    return run
