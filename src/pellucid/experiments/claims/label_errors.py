"""Wrong labels in the training data: strewn at random, or always the same digit taken for another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import above, alike, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train
from pellucid.explain import find_label_errors, out_of_sample_probabilities
from pellucid.judging.wording import percent
from pellucid.seed import generator

_NETWORK = "8x8x1 -> fc(64) -> relu -> fc(10)"
_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
_CLASSES = 10
_EPOCHS = 15
_RULE = "each digit's wrong labels are one other digit: 0 is taken for 1, 1 for 2, ..., 9 for 0"


def at_random(labels_N: Tensor, random: torch.Generator) -> Tensor:
    """Return another label for each, any of the nine others alike."""
    return (labels_N + torch.randint(1, _CLASSES, labels_N.shape, generator=random)) % _CLASSES


def systematic(labels_N: Tensor, random: torch.Generator) -> Tensor:  # noqa: ARG001 (the same for all)
    """Return the next label for each."""
    return (labels_N + 1) % _CLASSES


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many labels confident learning holds for wrong.

    Attributes:
        planted: the share that was made wrong.
        estimated: the share that it estimates.
        doubted: the share of right labels among those on which the classifier is sure of a class, and of another.
    """

    planted: float
    estimated: float
    doubted: float


Confuse = Callable[[Tensor, torch.Generator], Tensor]
_KINDS: Mapping[str, Confuse] = {"random": at_random, "systematic": systematic}


def with_errors(data: Dataset, share: float, confuse: Confuse, seed: int) -> tuple[Dataset, Tensor]:
    """Return the data with a share of its training labels wrong, and the rows where they are.

    The rows are the same for every way of confusing, and those of a smaller share are among those of a larger.
    """
    train_rows = data.rows["train"]
    order = torch.randperm(len(train_rows), generator=generator(seed, "errors"))
    wrong = train_rows[order[: round(share * len(train_rows))]]
    targets = data.targets.clone()
    targets[wrong] = confuse(targets[wrong], generator(seed, "labels"))
    return replace(data, targets=targets), wrong


def measure(seeds: Sequence[int]) -> Result:
    """Train with every share of errors of both kinds; test on labels that are right."""
    data = load("digits")
    accuracy: dict[str, list[list[float]]] = {kind: [] for kind in _KINDS}
    found: list[float] = []
    estimates = {share: [estimate(data, share, seed) for seed in seeds] for share in (0.0, _SHARES[2])}
    shown: Tiles | None = None
    for seed in seeds:
        for kind, confuse in _KINDS.items():
            runs = {share: _trained(data, share, confuse, seed) for share in _SHARES}
            accuracy[kind].append([one.metrics()["accuracy"] for one, _ in runs.values()])
            if kind == "random":
                first, wrong = runs[_SHARES[2]]
                suspects = _most_suspect(first, len(wrong))
                found.append(float(torch.isin(suspects, wrong).double().mean()))
                shown = shown or _suspects(first, suspects, wrong)
    assert shown is not None
    at = {share: {kind: [run[place] for run in runs] for kind, runs in accuracy.items()}
          for place, share in enumerate(_SHARES)}  # fmt: skip
    clean, most = at[0.0]["random"], _SHARES[-1]
    lost = {kind: np.subtract(clean, values).tolist() for kind, values in at[most].items()}
    return Result(
        checks=(
            greater("A tenth of the labels wrong at random costs less than ten percentage points of accuracy",
                    at[0.1]["random"], clean, by=-0.1, share=True),
            greater(f"With {most:.0%} wrong, systematic errors cost more than ten points more than random ones",
                    lost["systematic"], lost["random"], by=0.1, share=True),
            above("Of random errors (a tenth of the labels) most are found among as many samples with the least"
                  " probability of their label", found, 0.5, share=True),
            alike("Confident learning estimates the share of these errors to a point",
                  [one.estimated for one in estimates[_SHARES[2]]], [one.planted for one in estimates[_SHARES[2]]],
                  within=0.01, share=True),
        ),
        quantities=(
            *(Quantity(name=f"test accuracy, {share:.0%} {kind} errors", values=values, share=True)
              for share, kinds in at.items() for kind, values in kinds.items()),
            Quantity(name="random errors among the most suspect tenth", values=found, share=True),
            *(Quantity(name=f"errors by estimate, {share:.0%} planted", values=[one.estimated for one in of],
                       share=True) for share, of in estimates.items()),
            *(Quantity(name=f"right labels doubted, {share:.0%} planted", values=[one.doubted for one in of],
                       share=True) for share, of in estimates.items()),
        ),
        figures=(_by_share(accuracy), shown),
        notes=(f"Random errors are any of the nine other digits, alike. Systematic: {_RULE}.", _too_high(estimates)),
    )  # fmt: skip


def estimate(data: Dataset, share: float, seed: int) -> Estimate:
    """Return what confident learning makes of the training rows alone, a share of which is wrong at random."""
    given, wrong = with_errors(data, share, at_random, seed)
    none = torch.empty(0, dtype=torch.int64)
    alone = replace(given, rows={"train": data.rows["train"], "validation": none, "test": none})
    said = out_of_sample_probabilities(alone, seed=seed)
    found = find_label_errors(said.probabilities, said.labels, method="confident joint")
    right = ~torch.isin(said.rows[found.rows], wrong)
    return Estimate(
        len(wrong) / len(said.rows), found.estimated_share, int(right.sum()) / int(found.confident_joint.sum())
    )


def _too_high(estimates: Mapping[float, Sequence[Estimate]]) -> str:
    """Return by how much the estimate is too high, and why."""
    told = [
        f"where {percent(share)} of the labels are wrong the estimate is"
        f" {100 * fmean(one.estimated - one.planted for one in of):.1f} points too high, and"
        f" {100 * fmean(one.doubted for one in of):.1f} % are right labels that the classifier is sure are others"
        for share, of in estimates.items()
    ]
    return (
        f"Confident learning counts as wrong what the classifier is wrong about: {'; '.join(told)}. The estimate is"
        " exact for a classifier that is never sure of a wrong class (Northcutt, Jiang and Chuang 2021, section 4)."
    )


def _trained(data: Dataset, share: float, confuse: Confuse, seed: int) -> tuple[Trained, Tensor]:
    given, wrong = with_errors(data, share, confuse, seed)
    options = {"epochs": _EPOCHS, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3}
    return train(given, {"one": Variant(network=_NETWORK)}, [seed], **options)["one"][0], wrong


@torch.no_grad()
def _most_suspect(one: Trained, count: int) -> Tensor:
    """Return the training rows whose label the network that learned it finds least probable."""
    rows = one.session.data.rows["train"]
    x, labels = one.session.data.batch(rows)
    probability = one.session.network(x).softmax(1).gather(1, labels[:, None])[:, 0]
    return rows[probability.argsort()[:count]]


def _suspects(one: Trained, suspects: Tensor, wrong: Tensor) -> Tiles:
    shown = suspects[:12]
    data = one.session.data
    hits = torch.isin(shown, wrong)
    return Tiles(
        title="Labels that the network doubts most",
        detail="with a tenth of the labels wrong at random; under each digit the label it was given",
        says=f"Of these {len(shown)} labels {int(hits.sum())} were made wrong.",
        tiles=[
            Tile(
                caption=f"“{int(data.targets[row])}”, {'wrong' if hit else 'as it was'}",
                values=data.inputs[row, 0].tolist(),
            )
            for row, hit in zip(shown, hits, strict=True)
        ],
        columns=6,
    )


def _by_share(accuracy: Mapping[str, list[list[float]]]) -> Chart:
    means = {kind: np.mean(runs, axis=0) for kind, runs in accuracy.items()}
    written = ", ".join(f"{mean[-1]:.1%} with {kind} ones" for kind, mean in means.items())
    return Chart(
        title="Accuracy by the share of wrong labels",
        detail="on right test labels; the band goes from the least to the greatest seed",
        says=f"Without errors {means['random'][0]:.1%}, with {_SHARES[-1]:.0%} of the labels wrong {written}.",
        x=Axis("share of training labels that are wrong", "percent"),
        y=Axis("test accuracy", "percent"),
        lines=[Line(label=f"{kind} errors", x=_SHARES, runs=runs) for kind, runs in accuracy.items()],
    )


EXPERIMENT = Experiment(
    name="label-errors",
    title="Wrong labels, random or systematic",
    topic="Data and tasks",
    claim="Networks bear random errors in the labels of their training data well, systematic ones badly. Random"
    " ones can be found, and counted, by what a network says of each sample.",
    source="Rolnick, Veit, Belongie and Shavit 2017, Deep learning is robust to massive label noise;"
    " Frénay and Verleysen 2014, Classification in the presence of label noise: a survey; Northcutt, Jiang and Chuang"
    " 2021, Confident learning: estimating uncertainty in dataset labels",
    method=f"{_NETWORK} on the digits, of whose training labels {_SHARES[1]:.0%} to {_SHARES[-1]:.0%} are made wrong;"
    f" the same ones for both kinds, others for each seed. Systematic: {_RULE}. {_EPOCHS} epochs of Adam at rate 0.001"
    " in batches of 32, without augmentation. The test labels are right. The share of errors is estimated by confident"
    " learning from a logistic regression's probabilities of the training rows, each left out of one of five fits.",
    measure=measure,
    seconds=11,
)
