"""What is exported: a trained network with what happens to its input before it and to its output after it.

Shape letters: N samples.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.data import spread
from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.dataset import Classes, Itself, Labels, Masks, NextToken, Preprocessing, Several, Target, Values
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.preprocessing import to_json
from pellucid.data.target_json import target_to_json
from pellucid.data.texts.lines import TextLinesPreprocessing
from pellucid.data.texts.text import TextPreprocessing
from pellucid.errors import RunError
from pellucid.networks import Plan, main_output
from pellucid.seed import generator
from pellucid.shapes import Image


@dataclass(frozen=True)
class Trained:
    """A trained network and its surroundings.

    Attributes:
        name: of the run.
        network: in evaluation mode, on the CPU.
        plan: None for a module of the user's own.
        preprocessing: what happens to an input.
        target: what the outputs mean.
        sample: the shape of one prepared input, without the axis of samples.
        data: what it was trained on is called.
        metrics: of the test rows.
    """

    name: str
    network: nn.Module
    plan: Plan | None
    preprocessing: Preprocessing
    target: Target
    sample: tuple[int, ...]
    data: str = "data"
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, Any]:
        """What preprocessing.json holds."""
        return {"schema": 1, "input": to_json(self.preprocessing), "output": target_to_json(self.target)}

    @property
    def included(self) -> bool:
        """Whether the preprocessing is arithmetic on one tensor, so that a graph can hold all of it."""
        return isinstance(self.preprocessing, ImagePreprocessing | ArrayPreprocessing)

    @cached_property
    def whole(self) -> "Whole":
        """The network with as much of its preprocessing as a graph can hold, and with the meaning of its outputs."""
        return Whole(self.network, self.preprocessing, self.target).eval()

    @property
    def output(self) -> str:
        """What the outputs of `whole` are called, where they are one tensor."""
        return "values" if isinstance(self.target, Values | Itself) else "probabilities"

    @property
    def outputs(self) -> Mapping[str, Target]:
        """What each tensor of the outputs of `whole` is called, and what it means."""
        return self.target.parts if isinstance(self.target, Several) else {self.output: self.target}

    @property
    def open_length(self) -> bool:
        """Whether inputs are token sequences of any length; a text can be gone on with from any number of tokens."""
        free = self.plan is not None and None in self.plan.input.dimensions
        return free and isinstance(self.preprocessing, TextPreprocessing)

    def example(self, samples: int, longer: int = 0) -> Tensor:
        """Return so many inputs of `whole`, drawn at random, always the same; texts may be longer by so many tokens."""
        random = generator(0, "export", samples)
        match self.preprocessing:
            case ImagePreprocessing():
                return torch.randint(0, 256, (samples, *self.sample), dtype=torch.uint8, generator=random)
            case TextPreprocessing() | TextLinesPreprocessing():
                tokens = len(self.preprocessing.vocabulary)
                return torch.randint(0, tokens, (samples, self.sample[0] + longer), generator=random)
        drawn = torch.randn((samples, *self.sample), generator=random)
        return self.preprocessing.restore(drawn) if isinstance(self.preprocessing, ArrayPreprocessing) else drawn

    @property
    def precision(self) -> torch.dtype:
        """What numbers of an input come in: float64 where float32 would round away what varies in an array."""
        return self.preprocessing.precision if isinstance(self.preprocessing, ArrayPreprocessing) else torch.float32

    def metadata(self) -> dict[str, str]:
        """Return what a file says of itself: arrows, classes, and all of preprocessing.json."""
        arrows = {} if self.plan is None else {"arrows": str(self.plan)}
        return {**arrows, **_names(self.target), "preprocessing": json.dumps(self.described, ensure_ascii=False)}


class Whole(nn.Module):
    """From an input as it is stored to what is said of it.

    Images come as bytes (N, C, H, W), arrays in their own units, as float32 (as float64 where float32 would round away
    what varies in them); rows, series and tokens come prepared. Out come probabilities that sum to 1 (of labels, one
    each), values in their own unit, or what the network gives where it learned without a target; of several targets a
    tensor each.
    """

    shift: Tensor
    factor: Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, target: Target) -> None:
        super().__init__()
        self.network = network
        self.standardises = isinstance(preprocessing, ImagePreprocessing | ArrayPreprocessing)
        if isinstance(preprocessing, ImagePreprocessing):
            self.register_buffer("shift", torch.tensor(preprocessing.mean).mul(255)[:, None, None])
            self.register_buffer("factor", torch.tensor(preprocessing.std).mul(255).reciprocal()[:, None, None])
        elif isinstance(preprocessing, ArrayPreprocessing):
            along = (-1, 1, 1) if len(preprocessing.dimensions) == 3 else (-1,)
            mean, scale = (
                torch.tensor(of, dtype=preprocessing.precision) for of in (preprocessing.mean, preprocessing.scale)
            )
            self.register_buffer("shift", mean.reshape(along))
            self.register_buffer("factor", scale.reshape(along).reciprocal())
        parts = target.parts if isinstance(target, Several) else {"": target}
        self.heads = tuple(parts) if isinstance(target, Several) else ()
        self.meanings = nn.ModuleList(map(Meaning, parts.values()))

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return probabilities or values for a batch, of several targets each one's."""
        x = ((input.to(self.shift.dtype) - self.shift) * self.factor).float() if self.standardises else input
        outputs = self.network(x)
        if self.heads:
            return tuple(meaning(outputs[name]) for name, meaning in zip(self.heads, self.meanings, strict=True))
        said: Tensor = self.meanings[0](main_output(outputs))
        return said


class Meaning(nn.Module):
    """From what a network gives to what that says of one target."""

    mean: Tensor
    scale: Tensor

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.kind = type(target)
        if isinstance(target, Values):
            precision = spread.precision(target.mean, target.scale)
            self.register_buffer("mean", torch.tensor(target.mean, dtype=precision))
            self.register_buffer("scale", torch.tensor(target.scale, dtype=precision))

    def forward(self, output: Tensor) -> Tensor:
        """Return probabilities, values in their own unit, or the output as it is where there was no target."""
        if self.kind is Values:
            return output * self.scale + self.mean
        if self.kind is Labels:
            return output.sigmoid()
        return output if self.kind is Itself else output.softmax(-1)


def sample_of(preprocessing: Preprocessing) -> tuple[int, ...]:
    """Return the shape of one prepared input.

    Raises:
        RunError: it has none that is known beforehand.
    """
    match preprocessing:
        case ImagePreprocessing():
            return Image(preprocessing.height, preprocessing.width, preprocessing.channels).dimensions
        case ArrayPreprocessing():
            return preprocessing.dimensions
        case TextPreprocessing() | TextLinesPreprocessing():
            return (preprocessing.length,)
    features = len(getattr(preprocessing, "features", ()))
    window = getattr(preprocessing, "window", None)
    if not features:
        raise RunError(f"inputs of kind {preprocessing.kind} have no shape that an export could fix")
    return (features,) if window is None else (window, features)


def _names(target: Target) -> Mapping[str, str]:
    match target:
        case Classes(names) | NextToken(names) | Masks(names):
            return {"classes": json.dumps(list(names), ensure_ascii=False)}
        case Values(names):
            return {"values": json.dumps(list(names), ensure_ascii=False)}
        case Labels(names):
            return {"labels": json.dumps(list(names), ensure_ascii=False)}
        case Several(parts):
            return {"targets": json.dumps(list(parts), ensure_ascii=False)}
        case Itself():
            return {}
