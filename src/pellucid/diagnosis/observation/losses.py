"""Losses: the lines that compute them, and their course."""

from collections import Counter, deque
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pellucid.diagnosis.observation.samples import Line, Span
from pellucid.diagnosis.suspicion import Place


@dataclass(slots=True)
class LossSite:
    """A line that computes a loss, and what it was given there.

    Attributes:
        function: of torch.nn.functional, or "manual" where the script computes the loss itself.
        calls: in training, and `eval_calls` without gradients; those of training only at the measured steps.
        shapes: (of the prediction, of the target), of the first call.
        prediction: numbers given to the loss.
        target: numbers it was compared with.
        classes: target -> how often, where targets are whole numbers and few.
        whole: whether all targets were whole numbers.
        one_hot: whether every row of the targets sums to 1.
        floating: whether the targets are floating-point numbers.
        chain: operations from the loss's prediction back to the layer that made it.
        softmax_size: of a softmax among them, how many numbers sum to 1.
        batch_means: mean target of each batch seen, with the variance of a single target and the size.
        weighted: whether classes have weights of their own.
        target_is_input: whether the targets are the inputs themselves.
        network: the name of the one whose output the prediction is; of several in a chain, of the first.
        said: (targets, classes predicted) of the last batches, where a chain of networks cannot be asked afterwards.
    """

    key: Line
    function: str
    place: Place
    calls: int = 0
    eval_calls: int = 0
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    prediction: Span = field(default_factory=Span)
    target: Span = field(default_factory=Span)
    classes: Counter[float] = field(default_factory=Counter)
    many: bool = False
    whole: bool = True
    one_hot: bool = True
    floating: bool = False
    chain: tuple[str, ...] = ()
    softmax_size: int | None = None
    batch_means: list[tuple[float, float, int]] = field(default_factory=list)
    weighted: bool = False
    target_is_input: bool = False
    network: str | None = None
    said: deque[tuple[Tensor, Tensor]] = field(default_factory=lambda: deque(maxlen=60))

    @property
    def width(self) -> int:
        """Numbers predicted of a sample."""
        shape = self.shapes[0]
        return shape[1] if len(shape) > 1 else 1


@dataclass(slots=True)
class Series:
    """The losses of one backward call's line, of the first 512 steps and some of those after, in order."""

    place: Place
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    pending: list[Tensor] = field(default_factory=list)

    def settle(self) -> None:
        """Turn tensors into numbers; late, so that a GPU is not waited for at every step."""
        if self.pending:
            self.values.extend(torch.stack(self.pending).double().tolist())
            self.pending.clear()
