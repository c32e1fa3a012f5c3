"""A search's folder: written while it goes on, opened when it has ended or is to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pellucid.errors import RunError
from pellucid.files import append_line, as_damage, read_json, read_lines
from pellucid.record import SCHEMA
from pellucid.training.tasks import HIGHER_IS_BETTER
from pellucid.tuning import UNTUNED, Replicate, SearchResult, Space, Trial, ranked, value_of
from pellucid.verbs.run import Run, open_run
from pellucid.verbs.seeds import missing_seeds


class Study:
    """A finished or stopped search, read from its folder.

    Attributes:
        folder: where it lies.
        asked: study.json: data, space, options, versions.
        result: the trials in order of merit, the candidates, the winner.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "study.json").exists():
            raise RunError(
                f"{folder} is no search: study.json is missing",
                expected="a folder that `pellucid tune` made",
                received="a folder without study.json" if folder.is_dir() else "no such folder",
            )
        self.asked: dict[str, Any] = read_json(folder / "study.json")
        with as_damage(folder / "study.json"):
            if self.asked["schema"] > SCHEMA:
                raise RunError(f"{folder} was written by a newer pellucid", advice="upgrade pellucid")
            space, metric = Space.of(self.asked["space"]), str(self.asked["metric"])
        with as_damage(folder / "trials.jsonl"):
            self.result = _result(space, metric, read_lines(folder / "trials.jsonl"))

    @property
    def finished(self) -> bool:
        """Whether the best is known, and trained to its end with all its seeds."""
        return self.result.winner is not None and self.has_best and not missing_seeds(self.best)

    @property
    def has_best(self) -> bool:
        """Whether the training of the best has begun."""
        return (self.folder / "best" / "run.json").exists()

    @property
    def best(self) -> Run:
        """The winner, trained as an ordinary run.

        Raises:
            RunError: the search is not that far.
        """
        return open_run(self.folder / "best")

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials, in order of merit."""
        return self.result.trials

    def texts(self, name: str) -> Mapping[str, str]:
        """Return the arrows and options of a candidate: of a trial by its number, or of `untuned`."""
        if name == UNTUNED:
            return dict(self.asked["untuned"])
        return next(trial.texts for trial in self.trials if str(trial.number) == name)

    def table(self) -> pl.DataFrame:
        """Return the trials in order of merit: what was drawn, how far each came, how well it did."""
        metric = self.result.metric
        return pl.DataFrame(
            [
                {"trial": trial.number}
                | {name: value_of(value) for name, value in trial.values.items()}
                | {"epochs": trial.epochs, metric: trial.metrics.get(metric, math.nan), "ended": trial.ended or None}
                for trial in self.trials
            ],
            infer_schema_length=None,
        )

    def report(self, path: str | Path | None = None) -> Path:
        """Write the search as one self-contained HTML page, and return where it lies.

        Raises:
            RunError: the page cannot be written.
        """
        from pellucid.report.search_page import search_page
        from pellucid.verbs.reporting import command_of, write_page

        command = command_of(self.best)[0] if self.has_best else None
        page = search_page(self.asked, self.result, str(self.folder), command)
        return write_page(self.folder / "report.html" if path is None else Path(path), page)

    def __repr__(self) -> str:
        """Say how far it is."""
        return f"<Study {self.folder}: {len(self.trials)} trials, {'finished' if self.finished else 'not finished'}>"


def open_study(folder: str | Path) -> Study:
    """Open a folder that `pellucid tune` made.

    Raises:
        RunError: it is none, is damaged, or a newer pellucid wrote it.
    """
    return Study(Path(folder))


def _result(space: Space, metric: str, lines: Sequence[Mapping[str, Any]]) -> SearchResult:
    trials: dict[int, Trial] = {}
    replicates: list[Replicate] = []
    winner = None
    for line in lines:
        match line["kind"]:
            case "trial":
                number, places = line["number"], tuple(line["places"])
                trials[number] = Trial(number, places, line["values"], line["texts"], line["planned"])
            case "epoch":
                trial = trials[line["trial"]]
                trial.forget(line["epoch"] - 1)  # one that was trained again after a stop counts as it was then
                trial.take_in((line["score"][0], line["score"][1]), line["validation"])
            case "end":
                trials[line["trial"]].ended, trials[line["trial"]].done = line["ended"], True
            case "replicate":
                score = line["score"] and (line["score"][0], line["score"][1])
                replicates.append(Replicate(line["name"], line["seed"], score, line["validation"]))
            case "winner":
                winner = line["name"]
    return SearchResult(space, metric, metric in HIGHER_IS_BETTER, ranked(list(trials.values())), replicates, winner)


@dataclass
class StudyLog:
    """Writes trials.jsonl: a line for each trial drawn, each of its epochs, its end; each replicate; the winner.

    Attributes:
        path: of the file.
        trials: that stand in it already.
    """

    path: Path
    trials: InitVar[Sequence[Trial]] = ()

    def __post_init__(self, trials: Sequence[Trial]) -> None:
        """Know what stands in it."""
        self._known = {trial.number: list(trial.validation) for trial in trials}

    def epoch(self, trial: Trial) -> None:
        """Note a trial's last epoch, but for one that was trained again and came to the same."""
        self._meet(trial)
        known, metrics = self._known[trial.number], trial.validation[-1]
        if known[trial.epochs - 1 : trial.epochs] == [metrics]:
            return
        known[trial.epochs - 1 :] = [metrics]  # a line undoes those of later epochs that stand before it
        line = {"kind": "epoch", "trial": trial.number, "epoch": trial.epochs, "score": trial.own_score}
        append_line(self.path, line | {"validation": metrics})

    def end(self, trial: Trial) -> None:
        """Note that nothing more comes of a trial, and why."""
        self._meet(trial)
        append_line(self.path, {"kind": "end", "trial": trial.number, "ended": trial.ended})

    def replicate(self, one: Replicate) -> None:
        """Note what came of a candidate with one seed."""
        line = {"kind": "replicate", "name": one.name, "seed": one.seed, "score": one.score, "validation": one.metrics}
        append_line(self.path, line)

    def winner(self, name: str) -> None:
        """Note the best candidate."""
        append_line(self.path, {"kind": "winner", "name": name})

    def _meet(self, trial: Trial) -> None:
        if trial.number in self._known:
            return
        self._known[trial.number] = []
        line = {"kind": "trial", "number": trial.number, "places": trial.places, "values": trial.values}
        append_line(self.path, line | {"texts": trial.texts, "planned": trial.planned})
