"""Judgements and subjects of our own making, so that reports are tested apart from how a network is judged."""

from typing import Any

import torch
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, SplitName, Values
from pellucid.judging.judgement import (
    Baseline,
    BiasVariance,
    Calibration,
    CalibrationBin,
    ClassScores,
    Concern,
    Confusion,
    DataFacts,
    Estimate,
    Judgement,
    Mistake,
    Operating,
    Residuals,
    ThresholdChoice,
)
from pellucid.networks import parse
from pellucid.record import Epoch, Record, Result, Step
from pellucid.report.subject import Subject, Times

CONCERN = Concern(
    "weak-class", "warning", "'b' is found less often than the others.", "recall 61 % against 93 %", "add rows of 'b'"
)


def near(value: float, width: float = 0.02) -> Estimate:
    return Estimate(value, value - width, value + width)


def class_judgement(probabilities_NK: Tensor, truth_N: Tensor, names: tuple[str, ...], **changes: Any) -> Judgement:
    """Return what these probabilities are worth; intervals are made up, figures are not."""
    said_N = probabilities_NK.argmax(1)
    count = len(truth_N)
    counts = torch.zeros(len(names), len(names), dtype=torch.int64)
    counts.index_put_((truth_N, said_N), torch.ones(count, dtype=torch.int64), accumulate=True)
    accuracy = (said_N == truth_N).double().mean().item()
    scores = tuple(_scores(name, counts, k) for k, name in enumerate(names))
    most = int(counts.sum(1).argmax())
    share = counts.sum(1).max().item() / count
    f1 = sum(each.f1 for each in scores) / len(scores)
    wrong = (said_N != truth_N).nonzero().flatten()
    sure = probabilities_NK.max(1).values
    worst = wrong[sure[wrong].argsort(descending=True)][:24].tolist()
    mistakes = tuple(
        Mistake(row, f"row {row}", names[int(truth_N[row])], names[int(said_N[row])], float(sure[row]), {})
        for row in worst
    )
    fields = {
        "task": "classification", "split": "test", "samples": count, "metric": "accuracy",
        "metrics": {"loss": near(0.4), "accuracy": near(accuracy), "f1": near(f1)},
        "baseline": Baseline(f"always '{names[most]}'", {"accuracy": share}),
        "headline": f"Right on {accuracy:.1%} of {count} rows it never saw.",
        "bias_variance": BiasVariance(
            "accuracy", min(1.0, accuracy + 0.01), near(accuracy), share, "good", "Both are close."
        ),
        "concerns": (CONCERN,), "classes": scores,
        "confusion": Confusion(names, tuple(tuple(row) for row in counts.tolist())),
        "calibration": _calibration(sure, said_N == truth_N),
        "threshold": _threshold(probabilities_NK, truth_N, names[1]) if len(names) == 2 else None,
        "residuals": (), "mistakes": mistakes, "facts": facts(names, counts.sum(1).tolist()),
    }  # fmt: skip
    return Judgement(**{**fields, **changes})


def value_judgement(predicted_N: Tensor, truth_N: Tensor, target: str, **changes: Any) -> Judgement:
    """Return what predictions of one value are worth."""
    errors = (predicted_N - truth_N).double()
    mse = errors.square().mean().item()
    spread = (truth_N - truth_N.mean()).double().square().mean().item()
    order = errors.abs().argsort(descending=True)[:24].tolist()
    mistakes = tuple(
        Mistake(r, f"row {r}", f"{truth_N[r]:.4g}", f"{predicted_N[r]:.4g}", None, {"rooms": "3", "city": "<i>Bern"})
        for r in order
    )
    fields = {
        "task": "regression", "split": "test", "samples": len(truth_N), "metric": "mse",
        "metrics": {"mse": near(mse, mse / 10), "rmse": near(mse**0.5, mse**0.5 / 20), "r2": near(1 - mse / spread)},
        "baseline": Baseline("always the mean", {"mse": spread, "rmse": spread**0.5, "r2": 0.0}),
        "headline": f"Off by {mse**0.5:.3g} on average.",
        "bias_variance": BiasVariance("mse", mse / 2, near(mse, mse / 10), spread, "high variance", "Far apart."),
        "concerns": (), "classes": (), "confusion": None, "calibration": None, "threshold": None,
        "residuals": (Residuals(target, tuple(truth_N.tolist()), tuple(predicted_N.tolist())),),
        "mistakes": mistakes, "facts": facts((), []),
    }  # fmt: skip
    return Judgement(**{**fields, **changes})


def facts(names: tuple[str, ...], supports: list[int]) -> DataFacts:
    splits: tuple[SplitName, ...] = ("train", "validation", "test")
    balance = {name: dict.fromkeys(splits, support) for name, support in zip(names, supports, strict=True)}
    return DataFacts({"train": 300, "validation": 100, "test": 100}, balance, {"age": 7}, {"test": 2}, ("a note",))


def record(epochs: int = 4, steps: int = 20, *, finished: bool = True) -> Record:
    made = Record()
    for step in range(1, steps + 1):
        epoch = 1 + (step - 1) * epochs // steps
        made.on_step(Step(step, epoch, 2.0 / step, 1e-3 * step / steps, 1.0 + 1 / step, 32 * step))
    for epoch in range(1, epochs + 1):
        scores = {"loss": 2.2 / epoch, "accuracy": 1 - 1 / (epoch + 1), "rmse": 1 / epoch, "perplexity": 9 / epoch}
        made.on_epoch(Epoch(epoch, epoch * steps // max(epochs, 1), 2.0 / epoch, scores, best=epoch <= 3))
    if finished:
        made.result = Result("test", {"accuracy": 0.9, "rmse": 0.5, "loss": 0.4}, min(3, epochs))
    return made


ASKED: dict[str, Any] = {
    "task": "classification",
    "data": {
        "name": "made", "kind": "table", "location": "made.csv", "sha256": "0" * 64, "options": {},
        "samples": {"train": 300, "validation": 100, "test": 100}, "input": "4", "notes": ["one column left out"],
    },
    "network": {"arrows": "4 -> fc(8) -> relu -> fc(2)", "module": "Sequential", "parameters": 58, "sha256": "0" * 64},
    "options": {"network": None, "epochs": 4},
    "recipe": {"epochs": 4, "learning_rate": 1e-3, "seed": 0, "optimizer": "adamw", "metric": None, "threads": 1},
    "device": "cpu", "device_name": "AVX2", "threads": 1,
    "versions": {"pellucid": "0.1.0", "torch": "2.13.0", "python": "3.11"},
}  # fmt: skip


def subject(**changes: Any) -> Subject:
    """Return a run on two classes, finished and judged, but for what is changed."""
    generator = torch.Generator().manual_seed(0)
    truth_N = torch.randint(2, (100,), generator=generator)
    logits_NK = torch.randn(100, 2, generator=generator) + 2 * torch.eye(2)[truth_N]
    fields: dict[str, Any] = {
        "title": "made-1", "folder": "runs/made-1", "command": "pellucid train made.csv --epochs 4",
        "changed": {"data": "made.csv", "epochs": 4}, "asked": ASKED, "target": Classes(("a", "b")),
        "record": record(), "times": Times("2026-01-01T00:00:00+00:00", 2.5, 1000.0),
        "plan": parse("4 -> fc(8) -> relu -> fc(2)"),
        "judgement": class_judgement(logits_NK.softmax(1), truth_N, ("a", "b")),
    }  # fmt: skip
    return Subject(**{**fields, **changes})


def _scores(name: str, counts: Tensor, k: int) -> ClassScores:
    right, support, said = (int(n) for n in (counts[k, k], counts[k].sum(), counts[:, k].sum()))
    precision, recall = right / max(said, 1), right / max(support, 1)
    f1 = 2 * right / max(support + said, 1)
    return ClassScores(name, support, said, near(precision), near(recall), f1)


def _calibration(sure_N: Tensor, right_N: Tensor) -> Calibration:
    bins, error = [], 0.0
    for low in torch.arange(10) / 10:
        inside = (sure_N >= low) & (sure_N < low + 0.1 + (low > 0.85))
        if inside.any():
            confidence, accuracy = sure_N[inside].mean().item(), right_N[inside].double().mean().item()
            bins.append(CalibrationBin(float(low), float(low) + 0.1, int(inside.sum()), confidence, near(accuracy)))
            error += abs(confidence - accuracy) * inside.double().mean().item()
    return Calibration(tuple(bins), error)


def _threshold(probabilities_NK: Tensor, truth_N: Tensor, positive: str) -> ThresholdChoice:
    def at(threshold: float) -> Operating:
        said, true = probabilities_NK[:, 1] >= threshold, truth_N == 1
        hit = (said & true).sum().item()
        precision, recall = hit / max(said.sum().item(), 1), hit / max(true.sum().item(), 1)
        f1 = 2 * hit / max(said.sum().item() + true.sum().item(), 1)
        return Operating(threshold, (said == true).double().mean().item(), precision, recall, f1)

    curve = tuple(at(place / 50) for place in range(1, 50))
    return ThresholdChoice(
        positive, "f1", "validation", at(0.5), max(curve, key=lambda point: point.f1), curve, near(0.93), near(0.9)
    )


def judged(network: torch.nn.Module, data: Dataset) -> Judgement:
    """Return how a trained network does on the test rows of its data, for looking at real pages."""
    rows = data.rows["test"]
    with torch.no_grad():
        inputs, targets = data.batch(rows)
        outputs = network(inputs)
    if isinstance(data.target, Values):
        made = value_judgement(
            data.target.restore(outputs)[:, 0], data.target.restore(targets)[:, 0], data.target.names[0]
        )
    else:
        assert isinstance(data.target, Classes)
        made = class_judgement(outputs.softmax(1), targets, data.target.names)
    mistakes = tuple(Mistake(int(rows[m.row]), f"row {int(rows[m.row])}", m.truth, m.said, m.probability, m.shown)
                     for m in made.mistakes)  # fmt: skip
    return Judgement(**{**{name: getattr(made, name) for name in made.__dataclass_fields__}, "mistakes": mistakes})
