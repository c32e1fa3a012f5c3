"""Data that is learned from its inputs alone: reconstructed, generated or recalled."""

import dataclasses

import torch
from torch import Tensor

from pellucid.data.dataset import WITHOUT_TARGET, Dataset, Itself, SplitName
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

_TOLD_OF_TARGET = ("target", "rare classes")


def as_stored(options: DataOptions) -> DataOptions:
    """Return how to read data of which every row is stored, so that the preprocessing is fitted on all of them."""
    every = options.task == "recall" and options.split is None and options.test is None
    return dataclasses.replace(options, split="100:0:0") if every else options


def without_target(data: Dataset, options: DataOptions) -> Dataset:
    """Return data for a task that needs no target: what it was read with is left out, the rows are split as they were.

    What is recalled is what was stored: unless a split is asked for, all rows train, and the same are validated on.

    Raises:
        DataError: the inputs are tokens, or windows of a series.
    """
    purpose = options.task
    assert purpose in WITHOUT_TARGET, f"{purpose} needs a target"
    kind = data.preprocessing.kind
    if kind not in {"image", "array", "table"}:
        raise DataError(
            f"{kind} cannot be learned with --task {purpose}",
            expected="images, a table or arrays of numbers",
            received=kind,
            advice="leave --task out: a text is learned by predicting its next token, a series by its forecast"
            + ("; windows of one can be given as an array (N, time, features)" if kind == "series" else ""),
        )
    if not isinstance(data.target, Itself):
        notes = tuple(note for note in data.notes if not note.startswith(_TOLD_OF_TARGET))
        notes = (f"no target: the data's own is left out of {purpose}", *notes)
        targets = torch.empty(len(data.inputs), 0)
        data = dataclasses.replace(data, targets=targets, target=Itself(purpose), notes=notes)
    if purpose == "recall" and options.split is None and options.test is None:
        every = torch.arange(len(data.inputs))
        kept = tuple(note for note in data.notes if not note.startswith("duplicates"))
        rows: dict[SplitName, Tensor] = {"train": every, "validation": every, "test": every[:0]}
        data = dataclasses.replace(data, rows=rows, notes=(*kept, "split: none, what is stored is what is recalled"))
    return data
