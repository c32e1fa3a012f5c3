"""One network from the images to the answer against a pipeline of stages: the sum of two handwritten digits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.data import Dataset, SplitName, load
from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.experiments.evidence import greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Variant, train, with_rows
from pellucid.seed import generator

_EPOCHS: Mapping[int, int] = {125: 100, 1_000: 40, 8_000: 12, 32_000: 8}
"""Pairs that are learned from, and the passes over them: as many as it takes to fit nearly all of them."""

_TOLD_MORE = (
    "The pipeline is told more: two labels a pair in place of one sum, and how to add. That is what stages are for."
)
_PAIRINGS = (
    "The pairs are made of 1,079 real digits: what grows beyond 540 pairs is the number of pairings, not of"
    " handwritings, and the pipeline learns nothing from pairings. Where the curve ends"
    " here, end-to-end learning still gains from more pairs and more passes over them."
)
_STAGE_EPOCHS = 40
_HELD_OUT: Mapping[SplitName, int] = {"validation": 200, "test": 4_000}
_PIPELINE = "8x8x1 -> fc(128) -> relu -> fc(10)"
_WHOLE = "128 -> fc(128) -> relu -> fc(128) -> relu -> fc(19)"
_OPTIONS = {"batch_size": 64, "optimizer": "adam", "learning_rate": 1e-3}


def measure(seeds: Sequence[int]) -> Result:
    """Train both ways at every number of pairs, each seed with pairs of its own."""
    digits = load("digits")
    staged: dict[int, list[float]] = {count: [] for count in _EPOCHS}
    whole: dict[int, list[float]] = {count: [] for count in _EPOCHS}
    for seed in seeds:
        pairs = {name: drawn_pairs(digits, name, count, seed) for name, count in _HELD_OUT.items()}
        pairs["train"] = drawn_pairs(digits, "train", max(_EPOCHS), seed)
        every = _as_data(digits, pairs)
        known = 0
        for count in _EPOCHS:
            rows = torch.unique(pairs["train"][:count])
            if len(rows) > known:  # else it would be the same training again
                known, right = len(rows), _staged(digits, rows, pairs["test"], seed)
            staged[count].append(right)
            whole[count].append(_whole(every, count, seed))
    few, many = min(_EPOCHS), max(_EPOCHS)
    short = {count: np.subtract(staged[count], whole[count]).tolist() for count in _EPOCHS}
    return Result(
        checks=(
            greater(f"With few samples ({few} pairs) the pipeline is right more often", staged[few], whole[few],
                    share=True),
            greater(f"With {many:,} pairs end-to-end is less far behind", short[few], short[many], share=True),
            greater("With so many it has caught up: it is at most two points behind", whole[many], staged[many],
                    by=-0.02, share=True),
        ),
        quantities=tuple(
            Quantity(name=f"test accuracy, {name}, {count:,} pairs", values=found[count], share=True)
            for name, found in (("staged", staged), ("end-to-end", whole)) for count in _EPOCHS
        ),
        figures=(_figure(staged, whole), _examples(digits, drawn_pairs(digits, "test", 8, seeds[0]))),
        notes=(_TOLD_MORE, _PAIRINGS),
    )  # fmt: skip


def drawn_pairs(digits: Dataset, name: SplitName, count: int, seed: int) -> Tensor:
    """Return the rows of pairs of digits of a split, (count, 2): no digit twice before all were used once."""
    rows, stream = digits.rows[name], generator(seed, "pairs", name)
    rounds = -(-2 * count // len(rows))
    shuffled = torch.cat([rows[torch.randperm(len(rows), generator=stream)] for _ in range(rounds)])
    return shuffled[: 2 * count].reshape(count, 2)


def _as_data(digits: Dataset, pairs: Mapping[SplitName, Tensor]) -> Dataset:
    """Return the pairs as rows of 128 pixels, prepared as the digits are, and their sums."""
    order: tuple[SplitName, ...] = ("train", "validation", "test")
    together = torch.cat([pairs[name] for name in order])
    x, labels = digits.batch(together.flatten())
    data = load((x.reshape(len(together), 128), labels.reshape(-1, 2).sum(1)), task="classification")
    assert isinstance(data.preprocessing, ArrayPreprocessing)
    ends = np.cumsum([0, *(len(pairs[name]) for name in order)]).tolist()
    rows = {name: torch.arange(ends[place], ends[place + 1]) for place, name in enumerate(order)}
    as_they_are = replace(data.preprocessing, mean=(0.0,) * 128, scale=(1.0,) * 128)
    return replace(data, rows=rows, preprocessing=as_they_are)


def _whole(every: Dataset, count: int, seed: int) -> float:
    """Return the test accuracy of one network from two images to their sum."""
    data = with_rows(every, "train", every.rows["train"][:count])
    options = {**_OPTIONS, "epochs": _EPOCHS[count]}
    return train(data, {"whole": Variant(network=_WHOLE)}, [seed], **options)["whole"][0].metrics()["accuracy"]


def _staged(digits: Dataset, rows: Tensor, test_N2: Tensor, seed: int) -> float:
    """Return how often the digits that a classifier reads add up to the right sum."""
    data = with_rows(digits, "train", rows)
    # pairs are not shifted either
    options = {**_OPTIONS, "epochs": _STAGE_EPOCHS}
    one = train(data, {"stage": Variant(network=_PIPELINE)}, [seed], **options)["stage"][0]
    x, labels = digits.batch(test_N2.flatten())
    with torch.no_grad():
        read = one.session.network(x).argmax(1)
    return float((read.reshape(-1, 2).sum(1) == labels.reshape(-1, 2).sum(1)).double().mean())


def _figure(staged: Mapping[int, Sequence[float]], whole: Mapping[int, Sequence[float]]) -> Chart:
    written = ", ".join(
        f"{np.mean(staged[count]):.1%} and {np.mean(whole[count]):.1%} with {count:,} pairs" for count in _EPOCHS
    )
    return Chart(
        title="The sum of two digits, in stages or at once",
        detail="test accuracy by the number of training pairs; the band goes from the least to the greatest seed",
        says=f"Staged and end-to-end are right in {written}.",
        x=Axis("training pairs", "log"),
        y=Axis("test accuracy", "percent"),
        lines=[
            Line(label=name, x=list(_EPOCHS), runs=np.transpose([found[count] for count in _EPOCHS]).tolist())
            for name, found in (("staged: read, then add", staged), ("end-to-end", whole))
        ],
    )


def _examples(digits: Dataset, pairs_N2: Tensor) -> Tiles:
    x, labels = digits.batch(pairs_N2.flatten())
    pictures = x.reshape(-1, 2, 8, 8).permute(0, 2, 1, 3).reshape(-1, 8, 16)
    sums = labels.reshape(-1, 2).sum(1).tolist()
    return Tiles(
        title="Two digits and their sum",
        detail="test pairs",
        says=f"{len(sums)} pairs of real digits; their sums are {', '.join(map(str, sums))}.",
        tiles=[
            Tile(caption=str(total), values=picture.tolist()) for picture, total in zip(pictures, sums, strict=True)
        ],
        columns=4,
    )


EXPERIMENT = Experiment(
    name="end-to-end",
    title="End-to-end, or in stages",
    topic="Data and tasks",
    claim="With few samples a pipeline of stages, which is told what lies in between, does better than one network from"
    " input to answer. With many samples end-to-end learning catches up.",
    source="Ng 2018, Machine Learning Yearning, chapters 47 to 49",
    method="Two images of real digits side by side; asked is their sum. Staged: a classifier"
    f" {_PIPELINE} reads each digit, and what it read is added. End-to-end: {_WHOLE} gives one of 19 sums."
    f" Both are trained on the same pairs by Adam at rate 0.001 in batches of 64, the classifier for {_STAGE_EPOCHS}"
    f" epochs on the digits in them, the other for {', '.join(map(str, _EPOCHS.values()))} epochs on"
    f" {', '.join(f'{count:,}' for count in _EPOCHS)} pairs. Test pairs are of other digits.",
    measure=measure,
    seconds=20,
)
