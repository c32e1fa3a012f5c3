"""Trainings: figures of the field, reached by one command each.

Each is one `pellucid train` in a process of its own; the figure is the mean over the seeds, with its range. Measured
one by one by `python -m benchmarks.trainings NAME [SEED ...]`, which takes up to half an hour a seed: a training that
was stopped goes on where it stopped, in its run folder under `runs/results`.
"""

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Literal

import pellucid
from benchmarks.measure import lines_of, table

RESULTS = Path(__file__).parent / "results" / "trainings.jsonl"
RUNS = Path("runs/results")


@dataclass(frozen=True)
class Training:
    """A command and the figure it is to reach.

    Attributes:
        what: of which data and network, in words.
        arguments: of `pellucid train`, but for seed, name and folder.
        split: the rows that the figure is of.
        metric: the figure, as the run calls it; `error` is 1 - accuracy.
        wanted: in words.
        bound: the same as a number: an upper bound of `error`, `loss` and others of which less is better.
        seeds: to be trained with; `--split-seed` too where the data has no split of its own.
        splits: whether the seed is the split's as well.
        beside: other figures of the same rows to tell.
    """

    what: str
    arguments: tuple[str, ...]
    metric: str
    wanted: str
    bound: float
    split: Literal["train", "validation", "test"] = "test"
    seeds: tuple[int, ...] = (0, 1, 2)
    splits: bool = False
    beside: tuple[str, ...] = ()

    @property
    def lower_is_better(self) -> bool:
        """Whether less of the figure is better."""
        return self.metric in {"error", "loss", "rmse", "mse"}

    def reached(self, value: float) -> bool:
        """Say whether a figure is as good as wanted."""
        return value <= self.bound if self.lower_is_better else value >= self.bound

    @property
    def command(self) -> str:
        """The command, as one types it."""
        return shlex.join(["pellucid", "train", *self.arguments])


_SMALL = (
    "28x28x1 -> conv(24, 5x5, padding=2, bias=no) -> maxpool(2x2) -> batchnorm -> relu"
    " -> conv(48, 3x3, padding=1, bias=no) -> maxpool(2x2) -> batchnorm -> relu"
    " -> conv(96, 3x3, padding=1, bias=no) -> maxpool(2x2) -> batchnorm -> relu -> dropout(0.2) -> fc(10)"
)
"""Of the size of LeNet-5 (61,426 parameters), with what was learned since: batch norm, ReLU, dropout."""

TRAININGS: dict[str, Training] = {
    "digits-rbf": Training(
        "digits, a radial basis function network (seeds that chose none of its settings)",
        ("digits", "--network", "rbf(1000)", "--rule", "closed-form", "--augment", "nudge,rotate,scale,shear"),
        "accuracy",
        "at least 99.0 %",
        0.99,
        seeds=tuple(range(100, 120)),
        splits=True,
    ),
    "shakespeare": Training(
        "Tiny Shakespeare, one LSTM; nats a character on validation text",
        (
            "tinyshakespeare",
            "--network",
            "lstm(256, every_step=yes)",
            "--epochs",
            "4",
            "--batch-size",
            "32",
            "--learning-rate",
            "4e-3",
            "--clip-norm",
            "1",
            "--threads",
            "2",
        ),
        "loss",
        "at most 1.6 nats within 15 minutes",
        1.6,
        split="validation",
    ),
    "names-apart": Training(
        "names to language, lines drawn one by one as in most published figures; validation rows",
        (
            "names",
            "--duplicates",
            "apart",
            "--network",
            "gru(128, bidirectional=yes, dropout=0.3)",
            "--weight-decay",
            "0.05",
            "--epochs",
            "10",
        ),
        "accuracy",
        "at least 82 %",
        0.82,
        split="validation",
        splits=True,
        beside=("recall",),
    ),
    "names-together": Training(
        "names to language, equal names in one split; validation rows",
        ("names", "--network", "gru(128, bidirectional=yes, dropout=0.3)", "--weight-decay", "0.05", "--epochs", "10"),
        "accuracy",
        "at least 82 %",
        0.82,
        split="validation",
        splits=True,
        beside=("recall",),
    ),
    "fashion-small": Training(
        "Fashion-MNIST, a network of LeNet's size",
        ("fashion-mnist", "--network", _SMALL, "--augment", "flip,shift=1", "--epochs", "20"),
        "accuracy",
        "at least 92.5 %",
        0.925,
    ),
    "mnist-small": Training(
        "MNIST, the same network",
        ("mnist", "--network", _SMALL, "--augment", "shift=2,rotate=10,scale=0.1", "--epochs", "30"),
        "error",
        "at most 0.5 %",
        0.005,
    ),
    "mnist-lenet5": Training(
        "MNIST, LeNet-5 in its modern form",
        ("mnist", "--network", "lenet5", "--augment", "shift=2", "--epochs", "20"),
        "error",
        "at most 0.95 %",
        0.0095,
    ),
    "mnist-lenet5-1998": Training(
        "MNIST, LeNet-5 as published in 1998",
        (
            "mnist",
            "--network",
            "lenet5(form=paper)",
            "--augment",
            "shift=1",
            "--learning-rate",
            "0.005",
            "--epochs",
            "10",
        ),
        "error",
        "at most 0.95 %",
        0.0095,
    ),
}


def measure(name: str, seed: int) -> dict[str, Any]:
    """Train, or go on training, and return what came of it."""
    training, folder = TRAININGS[name], RUNS / f"{name}-{seed}"
    seeds = ["--seed", str(seed), *(["--split-seed", str(seed)] if training.splits else [])]
    begin = [*training.arguments, *seeds, "--name", folder.name, "--folder", str(RUNS), "--no-report"]
    arguments = ["--resume", str(folder)] if (folder / "run.json").exists() else begin
    if not _finished(folder):
        subprocess.run([sys.executable, "-m", "pellucid", "train", *arguments], check=True)  # noqa: S603 (ours)
    run = pellucid.open_run(folder)
    figures = run.evaluate(split=training.split)
    value = 1 - figures["accuracy"] if training.metric == "error" else figures[training.metric]
    times = [json.loads(line) for line in (folder / "timing.jsonl").read_text().splitlines()]
    return {
        "name": name,
        "seed": seed,
        "value": value,
        "figures": figures,
        "command": training.command,
        "epochs": len(run.record.epochs),
        "parameters": run.asked["network"]["parameters"],
        "seconds": round(sum(time["seconds"] for time in times if time["kind"] == "epoch"), 1),
        "threads": run.asked["threads"],
        "device": run.asked["device"],
        "machine": platform.machine(),
        "versions": run.asked["versions"],
    }


def compare() -> str:
    """Return a row for each training that was measured, and the commands; none is measured here."""
    head = ["what", "figure", "wanted", "reached", "seeds", "parameters", "minutes each", "threads"]
    done = {line["name"] for line in lines_of(RESULTS)}
    commands = [f"{TRAININGS[name].what}:\n\n    {TRAININGS[name].command}\n" for name in TRAININGS if name in done]
    return "\n".join([table(head, list(_rows())), "", *commands])


def _rows() -> Iterator[list[str]]:
    lines = lines_of(RESULTS)
    for name, training in TRAININGS.items():
        found = [line for line in lines if line["name"] == name and line["command"] == training.command]
        if not found:
            continue
        values = [line["value"] for line in found]
        verdict = "yes" if training.reached(mean(values)) else "**no**"
        if len(found) < len(training.seeds):
            verdict += f", but {len(found)} of {len(training.seeds)} seeds only"
        seconds = mean(line["seconds"] for line in found)
        yield [
            training.what,
            f"{_said(training, mean(values))} ({_said(training, min(values))} to {_said(training, max(values))})"
            + "".join(f"; {name} {mean(line['figures'][name] for line in found):.3g}" for name in training.beside),
            training.wanted,
            verdict,
            str(len(found)),
            f"{found[0]['parameters']:,}",
            f"{seconds / 60:.1f}",
            str(found[0]["threads"]),
        ]


def _finished(folder: Path) -> bool:
    return (folder / "run.json").exists() and pellucid.open_run(folder).record.result is not None


def _said(training: Training, value: float) -> str:
    shares = {"error", "accuracy", "recall", "f1", "iou"}
    return f"{100 * value:.2f} %" if training.metric in shares else f"{value:.4g}"


def main(arguments: list[str]) -> None:
    """Measure what is missing of the training named, or of all."""
    names = arguments[:1] or list(TRAININGS)
    if unknown := [name for name in names if name not in TRAININGS]:
        sys.exit(f"there is no training {', '.join(unknown)}; there are {', '.join(TRAININGS)}")
    RESULTS.parent.mkdir(exist_ok=True)
    for name in names:
        done = {line["seed"] for line in lines_of(RESULTS) if line["name"] == name}
        for seed in map(int, arguments[1:]) if arguments[1:] else TRAININGS[name].seeds:
            if seed not in done:
                line = measure(name, seed)
                with RESULTS.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(f"{name}, seed {seed}: {_said(TRAININGS[name], line['value'])} in {line['seconds']:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
