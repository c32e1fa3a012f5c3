"""One network with several answers against a network for each: five yes-or-no questions about one digit.

Shape letters: K networks trained side by side, N samples, F pixels, H hidden units, O answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import alike, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.seed import generator

_QUESTIONS: Mapping[str, tuple[int, ...]] = {
    "even": (0, 2, 4, 6, 8),
    "above 4": (5, 6, 7, 8, 9),
    "has a loop": (0, 6, 8, 9),
    "prime": (2, 3, 5, 7),
    "divisible by 3": (0, 3, 6, 9),
}
_SAMPLES = (50, 100, 200, 400, 800)
_SHARED = "All five answers follow from which digit it is, so that they have much to share; other tasks may have less."
_UNITS = 64
_FEW_UNITS = 4
_STEPS = 200
_RATE = 0.01


Member: TypeAlias = tuple[int, int]
"""A seed, and the number of a draw of samples and weights."""


@dataclass(frozen=True, slots=True)
class Networks:
    """K networks of one hidden layer of rectified units, each with O answers: logits of yes."""

    weights: tuple[Tensor, Tensor, Tensor, Tensor]

    def __call__(self, x_KNF: Tensor) -> Tensor:
        """Return logits (K, N, O)."""
        first_KFH, bias_K1H, second_KHO, bias_K1O = self.weights
        hidden_KNH = torch.relu(torch.baddbmm(bias_K1H, x_KNF, first_KFH))
        return torch.baddbmm(bias_K1O, hidden_KNH, second_KHO)


def drawn(members: Sequence[Member], answers: int, units: int, name: str) -> Networks:
    """Return a network for each member, its weights and biases uniform in ± 1 / √(inputs), as torch draws a layer's."""

    def layer(inputs: int, outputs: int, which: str) -> tuple[Tensor, Tensor]:
        streams = [generator(seed, name, which, units, draw) for seed, draw in members]
        values = torch.stack([torch.rand(inputs + 1, outputs, generator=stream) for stream in streams])
        values = (2 * values - 1) / inputs**0.5
        return values[:, :-1].contiguous().requires_grad_(), values[:, -1:].contiguous().requires_grad_()

    return Networks((*layer(64, units, "hidden"), *layer(units, answers, "answers")))


def fit(networks: Networks, x_KNF: Tensor, y_KNO: Tensor) -> None:
    """Minimise the mean cross-entropy of all answers by Adam on all samples at once; networks do not mix."""
    optimizer = torch.optim.Adam(networks.weights, lr=_RATE)
    for _ in range(_STEPS):
        optimizer.zero_grad()
        losses = F.binary_cross_entropy_with_logits(networks(x_KNF), y_KNO, reduction="none")
        losses.mean((1, 2)).sum().backward()
        optimizer.step()


def measure(seeds: Sequence[int]) -> Result:
    """Train together and apart at every number of samples, and compare the mean accuracy of the five answers."""
    data = load("digits")
    together, apart, small = (
        {count: trainer(data, count, seeds, units) for count in counts}
        for trainer, units, counts in (
            (_together, _UNITS, _SAMPLES),
            (_apart, _UNITS, _SAMPLES),
            (_apart, _UNITS // len(_QUESTIONS), _SAMPLES),
        )
    )
    few, many = _SAMPLES[0], _SAMPLES[-1]
    tight = [_mean(trainer(data, many, seeds, _FEW_UNITS)) for trainer in (_together, _apart)]
    gain = {count: np.subtract(_mean(together[count]), _mean(apart[count])).tolist() for count in (few, many)}
    return Result(
        checks=(
            greater(f"With few samples ({few}) one network for all questions is right more often than one for each",
                    _mean(together[few]), _mean(apart[few]), share=True),
            greater("It is right more often than five networks that share out the same number of hidden units",
                    _mean(together[few]), _mean(small[few]), share=True),
            greater(f"With {many} samples there is less to gain", gain[few], gain[many], share=True),
            alike("There is nothing to lose, either: accuracies are alike to a percentage point", _mean(together[many]),
                  _mean(apart[many]), within=0.01, share=True),
            greater(f"It loses where it is too small: with {_FEW_UNITS} hidden units for all questions, against"
                    f" {_FEW_UNITS} for each", tight[1], tight[0], share=True),
        ),
        quantities=(
            *(Quantity(name=f"mean test accuracy, {name}, {count} samples", values=_mean(found[count]), share=True)
              for name, found in (("together", together), ("apart", apart), ("apart, small", small))
              for count in (few, many)),
            *(Quantity(name=f"the same, {many} samples, {_FEW_UNITS} units {name}", values=values, share=True)
              for name, values in zip(("together", "apart"), tight, strict=True)),
        ),
        figures=(_by_samples(together, apart, small), _by_question(together[few], apart[few], few)),
        notes=(_SHARED,),
    )  # fmt: skip


def _members(seeds: Sequence[int], count: int, units: int) -> list[Member]:
    """Return several draws a seed where they cost little, so that luck plays a lesser part."""
    draws = min(4, max(1, 12_800 // (count * units)))
    return [(seed, draw) for seed in seeds for draw in range(draws)]


def _drawn_rows(data: Dataset, count: int, members: Sequence[Member]) -> tuple[Tensor, Tensor]:
    """Return so many training samples for each member, (K, N, F), and their answers (K, N, O)."""
    x, labels = data.split("train")
    rows = [torch.randperm(len(x), generator=generator(seed, "rows", draw))[:count] for seed, draw in members]
    return torch.stack([x[each].flatten(1) for each in rows]), torch.stack([_answers(labels[each]) for each in rows])


def _answers(labels: Tensor) -> Tensor:
    return torch.stack([torch.isin(labels, torch.tensor(yes)) for yes in _QUESTIONS.values()], 1).float()


def _together(data: Dataset, count: int, seeds: Sequence[int], units: int) -> Tensor:
    """Return the test accuracies of networks for all questions, a row a seed."""
    members = _members(seeds, count, units)
    x_KNF, y_KNO = _drawn_rows(data, count, members)
    networks = drawn(members, len(_QUESTIONS), units, "together")
    fit(networks, x_KNF, y_KNO)
    return _accuracies(networks, data).reshape(len(seeds), -1, len(_QUESTIONS)).mean(1)


def _apart(data: Dataset, count: int, seeds: Sequence[int], units: int) -> Tensor:
    """Return the test accuracies of one network for each question, a row a seed."""
    members = _members(seeds, count, units)
    x_KNF, y_KNO = _drawn_rows(data, count, members)
    accuracies = []
    for place, question in enumerate(_QUESTIONS):
        networks = drawn(members, 1, units, question)
        fit(networks, x_KNF, y_KNO[..., place : place + 1])
        accuracies.append(_accuracies(networks, data, place))
    return torch.cat(accuracies, 1).reshape(len(seeds), -1, len(_QUESTIONS)).mean(1)


@torch.no_grad()
def _accuracies(networks: Networks, data: Dataset, place: int | None = None) -> Tensor:
    """Return how often each network is right about each of its questions, (K, O)."""
    x, labels = data.split("test")
    right_NO = _answers(labels) if place is None else _answers(labels)[:, place : place + 1]
    logits_KNO = networks(x.flatten(1).expand(len(networks.weights[0]), -1, -1))
    return ((logits_KNO > 0) == (right_NO > 0)).float().mean(1)


def _mean(accuracies_KO: Tensor) -> list[float]:
    means: list[float] = accuracies_KO.double().mean(1).tolist()
    return means


def _by_samples(together: dict[int, Tensor], apart: dict[int, Tensor], small: dict[int, Tensor]) -> Chart:
    named = {
        f"one network of {_UNITS} units": together,
        f"five networks of {_UNITS} units": apart,
        f"five networks of {_UNITS // len(_QUESTIONS)} units": small,
    }
    few = _SAMPLES[0]
    written = ", ".join(f"{name} {np.mean(_mean(found[few])):.1%}" for name, found in named.items())
    return Chart(
        title="Five answers from one network, or from five",
        detail="test accuracy, mean of the five questions; the band goes from the least to the greatest seed",
        says=f"With {few} samples: {written}.",
        x=Axis("training samples", "log"),
        y=Axis("mean test accuracy", "percent"),
        lines=[
            Line(label=name, x=_SAMPLES, runs=np.transpose([_mean(found[count]) for count in _SAMPLES]).tolist())
            for name, found in named.items()
        ],
    )


def _by_question(together: Tensor, apart: Tensor, few: int) -> Bars:
    gains = {name: gain.tolist() for name, gain in zip(_QUESTIONS, (together - apart).double().T, strict=True)}
    written = ", ".join(f"{name} {100 * np.mean(gain):+.1f}" for name, gain in gains.items())
    return Bars(
        title="What each question gains",
        detail=f"test accuracy of one network for all less that of one for each, {few} samples; a dot a seed",
        says=f"In percentage points: {written}.",
        axis=Axis("gain in test accuracy", "percent"),
        bars=[Bar(label=name, runs=gain) for name, gain in gains.items()],
    )


EXPERIMENT = Experiment(
    name="multi-task",
    title="Several tasks learned by one network",
    topic="Data and tasks",
    claim="Related tasks learned by one network generalise better than each learned by its own, most where samples are"
    " few. It does harm only where the network is too small for all of them.",
    source="Caruana 1997, Multitask learning, Machine Learning 28; Goodfellow, Bengio and Courville 2016, Deep"
    " Learning, section 7.7",
    method=f"Five questions about the digits: {', '.join(_QUESTIONS)}. One hidden layer of rectified units and a logit"
    f" for each question (all five, or one), from {_SAMPLES[0]} to {_SAMPLES[-1]} samples, other ones for each seed"
    " (the mean of up to 4 draws a seed where these are few);"
    f" {_STEPS} steps of Adam at rate {_RATE} on all samples at once, minimising the cross-entropy.",
    measure=measure,
    seconds=10,
)
