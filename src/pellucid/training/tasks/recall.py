"""Recalling what was stored from a part of it, or from an image of it with errors.

Shape letters: P patterns, B cues, U units of the memory, C channels, H height, W width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.blocks import Hopfield
from pellucid.data.dataset import Dataset, Itself
from pellucid.errors import OptionError, RunError
from pellucid.recipe import MetricName, Recipe, TaskName
from pellucid.seed import generator
from pellucid.shapes import Features, Image, Sequence, Shape
from pellucid.training.device import Device
from pellucid.training.memories import Memory, crosstalk, memory_of, recalled
from pellucid.training.tasks.specimens import Specimen, Specimens
from pellucid.training.tasks.task import Network, Task, metric_for

_CUES = 200  # at least so many of each sort: every pattern as often
_EXACT = 5e-5  # a loss below it: of two-valued patterns not one unit wrong, of others some hundredth of their length
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Recall(Task):
    """What a memory makes of cues for the patterns it stored.

    Attributes:
        target: none beside the input.
        shape: the input's, which is the answer's.
    """

    target: Itself
    shape: Features | Image | Sequence
    metric: MetricName
    name: TaskName = "recall"
    loss_name: str = "wrong units"

    @property
    def answer(self) -> Features | Image | Sequence:
        """As many numbers as the input has, in the same places."""
        return self.shape

    def evaluate(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> dict[str, float]:  # noqa: ARG002
        """Return how well the stored patterns are recalled, whatever the rows: nothing else can be.

        - loss: share of units that are wrong at the end, over both sorts of cue (of numbers, a quarter of the squared
          error against the squared length, which for two values is the same);
        - recalled: share of the cues with one half hidden that end in their pattern exactly;
        - corrected: the same of the cues with a tenth of the units flipped;
        - overlap: between the end and the pattern, 1 where they are the same;
        - energy: of the states at the end.

        The cues are the same at every call, so that figures can be compared.
        """
        memory = memory_of(network)
        pattern_BU, hidden_BU, flipped_BU = _cues(memory, data.input_shape)
        ended_BU = [recalled(memory, cues) for cues in (hidden_BU, flipped_BU)]
        loss_B = [lost(memory, ended, pattern_BU) for ended in ended_BU]
        return {
            "loss": float(torch.cat(loss_B).mean()),
            "recalled": float((loss_B[0] < _EXACT).double().mean()),
            "corrected": float((loss_B[1] < _EXACT).double().mean()),
            "overlap": float(F.cosine_similarity(torch.cat(ended_BU), pattern_BU.repeat(2, 1)).mean()),
            "energy": float(memory.energy(_as_taken(memory, torch.cat(ended_BU))).mean()),
        }

    def specimens(self, network: Network, data: Dataset, rows: Tensor, device: Device) -> Specimens | None:  # noqa: ARG002
        """Return stored images, each with a half hidden, and what is recalled; None where they are no images."""
        memory, shape = memory_of(network), data.input_shape
        if not isinstance(shape, Image) or shape.channels not in (1, 3):
            return None
        pattern_BU = kept(memory)[:_SHOWN]
        if pattern_BU.shape[1] != shape.height * shape.width * shape.channels:
            return None
        cue_BU = half_hidden(pattern_BU, shape, generator(0, "cues"))
        ended_BU = recalled(memory, cue_BU)
        kinds_B, nearest_B, overlap_B = memory.recognise(_as_taken(memory, ended_BU))
        items = []
        for at, (pattern, cue, ended) in enumerate(zip(pattern_BU, cue_BU, ended_BU, strict=True)):
            shown = {"stored": pattern, "half hidden": cue, "recalled": ended}
            limit = float(pattern_BU.abs().max())
            pictures = {name: _pixels(each, limit, shape) for name, each in shown.items()}
            end = said_of(memory, int(kinds_B[at]), int(nearest_B[at]))
            items.append(Specimen(f"pattern {at + 1}", pictures, {"ends in": f"{end}, overlap {overlap_B[at]:.2f}"}))
        lead = (
            f"The first {len(items)} of {int(memory.stored)} stored patterns, from a half of each; grey is not known."
        )
        return Specimens("What it recalls", f"{lead}{_storage_said(memory)}", tuple(items))


def recall(data: Dataset, target: Itself, recipe: Recipe) -> Recall:
    """Return the task of recalling what was stored.

    Raises:
        OptionError: a metric that does not go with it, or tokens.
    """
    if not isinstance(data.input_shape, Features | Image | Sequence):
        raise OptionError("tokens are not recalled", expected="images or features", received=str(data.input_shape))
    return Recall(target, data.input_shape, metric_for("recall", recipe))


def _storage_said(memory: Memory) -> str:
    """Return why patterns that are alike are stored as they are, or why that failed; nothing where there is no more."""
    found = crosstalk(memory)
    if found is None or not found.alike or (found.storage == "hebbian" and not found.blurs):
        return ""
    how = "Stored by Hebb's rule" if found.blurs else "Stored by the pseudo-inverse, not by Hebb's rule"
    return f" {how}: {found.reason}."


def said_of(memory: Memory, kind: int, nearest: int) -> str:
    """Return in words what a recall ended in."""
    match memory.KINDS[kind]:
        case "stored":
            return f"stored pattern {nearest + 1}"
        case "negative":
            return f"the negative of pattern {nearest + 1}"
        case "mixture":
            return "a mixture of stored patterns"
        case "spurious":
            return "a spurious state"
        case "cycle":
            return "a cycle of two states"
    return "a state that is not at rest"


def kept(memory: Memory) -> Tensor:
    """Return the stored patterns, (P, U).

    Raises:
        RunError: nothing is stored.
    """
    if not memory.stored:
        raise RunError("nothing is stored in this memory", expected="a trained network", received="a fresh one")
    return memory.patterns[: int(memory.stored)]


def lost(memory: Memory, ended_BU: Tensor, pattern_BU: Tensor) -> Tensor:
    """Return the share of units that are wrong, (B,)."""
    if ended_BU is pattern_BU:
        ended_BU = recalled(memory, pattern_BU)
    return (ended_BU - pattern_BU).square().sum(1) / (4 * pattern_BU.square().sum(1).clamp(min=1e-12))


def _cues(memory: Memory, shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Return the patterns that are meant, and cues for them with a half hidden and with a tenth flipped, (B, U)."""
    patterns_PU = kept(memory)
    pattern_BU = patterns_PU.repeat_interleave(-(-_CUES // len(patterns_PU)), 0)
    random = generator(0, "cues")
    return pattern_BU, half_hidden(pattern_BU, shape, random), flipped(pattern_BU, random)


def half_hidden(patterns_BU: Tensor, shape: Shape, random: torch.Generator) -> Tensor:
    """Return patterns with half of each 0: of images the upper, lower, left and right half by turns, else any half."""
    count, units = patterns_BU.shape
    if not isinstance(shape, Image) or shape.height * shape.width * shape.channels != units:
        order_BU = torch.rand(count, units, generator=random).argsort(1)
        return patterns_BU * (order_BU < units // 2).to(patterns_BU)
    rows_H1, columns_W = torch.arange(shape.height)[:, None], torch.arange(shape.width)
    upper, left = rows_H1 < shape.height // 2, columns_W < shape.width // 2
    halves = [mask.expand(shape.height, shape.width) for mask in (~upper, upper, ~left, left)]
    kept_BCHW = torch.stack(halves).repeat(-(-count // 4), 1, 1)[:count, None].expand(-1, shape.channels, -1, -1)
    return patterns_BU * kept_BCHW.flatten(1).to(patterns_BU)


def flipped(patterns_BU: Tensor, random: torch.Generator) -> Tensor:
    """Return patterns with the sign of a tenth of their numbers changed, at least of one."""
    count, units = patterns_BU.shape
    order_BU = torch.rand(count, units, generator=random).argsort(1)
    return torch.where((order_BU < max(1, units // 10)).to(patterns_BU.device), -patterns_BU, patterns_BU)


def _as_taken(memory: Memory, states_BU: Tensor) -> Tensor:
    """Return states in the values that the memory takes: of bits, 0 and 1."""
    return (states_BU + 1) / 2 if isinstance(memory, Hopfield) and memory.states == "bits" else states_BU


def _pixels(states_U: Tensor, limit: float, shape: Image) -> Tensor:
    """Return states as uint8 (C, H, W): black is -limit, white +limit."""
    scaled_U = (states_U / max(limit, 1e-9) + 1) * 127.5
    return scaled_U.round().clamp(0, 255).to(torch.uint8).reshape(shape.channels, shape.height, shape.width).cpu()
