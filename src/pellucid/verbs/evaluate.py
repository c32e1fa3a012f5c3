"""`pellucid evaluate`: how good a run's network is, how sure that is, and what is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pellucid.errors import OptionError, RunError
from pellucid.options import argument, check, from_keywords, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pellucid.data import Dataset
    from pellucid.judging.comparison import Comparison
    from pellucid.judging.judgement import Judgement
    from pellucid.judging.learning_curve import LearningCurve
    from pellucid.verbs.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateOptions:
    """Judge a trained network: figures with 95 % intervals, what is wrong, where to draw the line between classes."""

    run: str | None = argument("run folder of a training")
    data: str | None = argument("new data with its targets (default: the rows the run kept for it)")
    split: Literal["train", "validation", "test"] | None = option(
        None, "rows to judge (default: test, or validation where there are none)", group="What"
    )
    target: str | None = option(None, "of several targets the one to judge (default: each)", group="What")
    compare: str | None = option(None, "a second run folder: which is better on the same rows", group="What")
    learning_curve: bool = option(
        False, "train again on growing parts of the data: would more of it help", group="What"
    )
    seeds: int = option(1, "trainings for each part of the learning curve", group="What", minimum=1)
    positive: str | None = option(
        None, "of two classes the one looked for (default: the rarer in training)", group="Threshold"
    )
    goal: str = option(
        "f1",
        "what the threshold is chosen for: f1, balanced, 'recall 0.9', 'precision 0.9' (at least), or 'cost 5' (of a "
        "missed positive, in false alarms)",
        group="Threshold",
    )
    report: str | None = option(None, "write the run's page with this judgement to this file", group="Output")

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation(Mapping[str, float]):
    """A mapping of metric names to values, and all that stands behind them.

    Attributes:
        metrics: the values.
        judged: how the network was judged; None of networks that are not judged row by row, or learned several targets.
        targets: of several targets, how each was judged.
        comparison: with the second run, if there is one.
        learning_curve: if it was asked for.
    """

    metrics: Mapping[str, float]
    judged: Judgement | None = None
    targets: Mapping[str, Judgement] = field(default_factory=dict)
    comparison: Comparison | None = None
    learning_curve: LearningCurve | None = None

    @property
    def judgement(self) -> Judgement:
        """Intervals, baseline, classes, threshold, concerns, mistakes.

        Raises:
            RunError: the network is not judged row by row, or learned several targets.
        """
        if self.judged is None:
            advice = "name one with target=, or see targets" if self.targets else "its metrics are all there is"
            raise RunError("this network has no single judgement", advice=advice)
        return self.judged

    def __getitem__(self, name: str) -> float:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __repr__(self) -> str:
        return repr(dict(self))


def evaluate(run: str | Path | Run, data: object = None, **options: Any) -> Evaluation:
    """Judge a run's network, and return its metrics as a mapping that knows the rest.

    Of networks that are not judged row by row (`generation`, `recall`, ...) the metrics are all there is.

    Args:
        run: a run, or the path of its folder.
        data: new data with its targets; by default the rows the run kept for it.
        options: as `pellucid evaluate --help` lists them, with underscores; `compare` may be a run itself.

    Raises:
        RunError: no such run.
        DataError: the data has no targets, or there are no such rows.
        OptionError: an option or value that does not exist or does not fit.

    Example:
        >>> found = pellucid.evaluate("runs/iris-1", split="test")   # doctest: +SKIP
        >>> found["accuracy"], found.judgement.headline              # doctest: +SKIP
    """
    from pathlib import Path

    from rich.console import Console

    from pellucid.data import Several
    from pellucid.training.tasks import is_judged_by_rows
    from pellucid.verbs.measured import measure, refuse_of_one
    from pellucid.verbs.run import Run, open_run

    second, page = options.pop("compare", None), options.pop("report", None)
    asked = from_keywords(EvaluateOptions, {**options, "report": None if page is None else str(page)})
    opened = run if isinstance(run, Run) else open_run(run)
    if asked.target is None and isinstance(opened.target, Several):
        refuse_of_one(opened, dataclasses.replace(asked, compare=None if second is None else str(second)))
        return _evaluate_each(opened, data, asked)
    if asked.target is None and not is_judged_by_rows(opened.target):
        asked = dataclasses.replace(asked, compare=None if second is None else str(second))
        return Evaluation(measure(opened, data, asked))
    other = open_run(second) if isinstance(second, str | Path) else second
    return _evaluate(opened, other, data, asked, Console(quiet=True))


def command(options: EvaluateOptions, console: Console) -> Outcome:
    """Judge as the command line asks, and print it."""
    from pellucid.data import Several
    from pellucid.report.judgement import judgement_lines
    from pellucid.report.numbers import metrics
    from pellucid.training.tasks import is_judged_by_rows
    from pellucid.verbs.measured import document, measure, refuse_of_one
    from pellucid.verbs.run import open_run

    if options.run is None:
        raise OptionError("there is no run to judge", expected="pellucid evaluate RUN [DATA]", received="no RUN")
    run = open_run(options.run)
    if options.target is None and isinstance(run.target, Several):
        refuse_of_one(run, options)
        each = _evaluate_each(run, options.data, options)
        for name, judgement in each.targets.items():
            console.print(f"target   {name}\n{judgement_lines(judgement)}", markup=False)
        return Outcome(_document_of_each(run, options, each))
    if options.target is None and not is_judged_by_rows(run.target):
        measured = measure(run, options.data, options)
        console.print(f"measured {metrics(measured)}", markup=False)
        return Outcome(document(run, measured))
    other = None if options.compare is None else open_run(options.compare)
    found = _evaluate(run, other, options.data, options, console)
    console.print(judgement_lines(found.judgement), markup=False)
    console.print(_use_of_threshold(run, found.judgement), markup=False, end="")
    if found.comparison is not None:
        console.print(f"compared {found.comparison.statement}", markup=False)
    if found.learning_curve is not None:
        console.print(_curve_lines(found.learning_curve), markup=False)
    if options.report is not None:
        console.print(f"report   {options.report}", markup=False)
    return Outcome(_document(run, options, found))


def _evaluate(run: Run, other: Run | None, data: object, options: EvaluateOptions, console: Console) -> Evaluation:
    from pellucid.data import Dataset
    from pellucid.seed import isolated
    from pellucid.training import threads

    with isolated(), threads(run.asked["threads"]):
        # read once, for everything that is asked of it
        source = run.data() if data is None else data
        judgement = run.judge(
            source, split=options.split, positive=options.positive, goal=options.goal, target=options.target
        )
        comparison = None if other is None else _compare(run, other, data, source, options)
        curve = None
        if options.learning_curve:
            curve = _learning_curve(run, source if isinstance(source, Dataset) else run.data(), options, console)
        if options.report is not None:
            shown = source if isinstance(source, Dataset) else None
            run.report(options.report, judgement=judgement, data=shown, learning_curve=curve)
    metrics = {name: estimate.value for name, estimate in judgement.metrics.items()}
    return Evaluation(metrics, judgement, comparison=comparison, learning_curve=curve)


def _evaluate_each(run: Run, data: object, options: EvaluateOptions) -> Evaluation:
    """Judge every one of several targets."""
    from pellucid.data import Dataset
    from pellucid.seed import isolated
    from pellucid.training import threads

    with isolated(), threads(run.asked["threads"]):
        source = run.data() if data is None else data
        judgements = run.judge_each(source, split=options.split)
        metrics = run.evaluate(source, split=options.split)
        if options.report is not None:
            run.report(options.report, judgements=judgements, data=source if isinstance(source, Dataset) else None)
    return Evaluation(metrics, targets=judgements)


def _compare(first: Run, second: Run, data: object, source: object, options: EvaluateOptions) -> Comparison:
    """Compare two runs on the same rows: new data, or those kept out of the data that both were trained on.

    Args:
        first: the one.
        second: the other.
        data: new data, or None.
        source: the same as the first reads it, or the data it was trained on, loaded already.
        options: name the split.

    Raises:
        RunError: they were not trained on the same data, divided alike.
        OptionError: they learned different things.
    """
    from pellucid.judging.comparison import compare, require_same_task

    names = _told_apart(first, second)
    if data is None:
        _require_same_data(first, second)
    one, one_task = first.outputs(source, split=options.split, target=options.target)
    two, two_task = second.outputs(data, split=options.split, target=options.target)
    require_same_task(names, one_task, two_task)
    return compare(names, one, two, one_task)


def _require_same_data(first: Run, second: Run) -> None:
    then, now = first.asked["data"], second.asked["data"]
    if then["sha256"] != now["sha256"]:
        raise RunError(
            f"{first.folder} and {second.folder} were trained on different data",
            expected=f"{then['location'] or 'data from Python'}, sha256 {then['sha256'][:16]}…",
            received=f"{now['location'] or 'data from Python'}, sha256 {now['sha256'][:16]}…",
            advice="give the data to judge both on: pellucid evaluate RUN DATA --compare RUN2",
        )


def _told_apart(first: Run, second: Run) -> tuple[str, str]:
    """Return what two runs are called: their folders' names, or their paths where those are the same."""
    names = (first.folder.resolve().name, second.folder.resolve().name)
    return names if names[0] != names[1] else (str(first.folder), str(second.folder))


def _learning_curve(run: Run, data: Dataset, options: EvaluateOptions, console: Console) -> LearningCurve:
    """Train the run's network again on growing parts of its data.

    Raises:
        RunError: the network is a module of the user's own.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from pellucid.judging.learning_curve import learning_curve

    arrows = run.asked["network"]["arrows"]
    if arrows is None:
        raise RunError(
            f"{run.folder} was trained with a module of your own, which pellucid cannot make anew",
            advice="a learning curve needs arrows or a zoo name",
        )
    columns = (TextColumn("learning curve"), BarColumn(bar_width=24), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("")

        def show(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        return learning_curve(data, arrows, run.recipe, seeds=options.seeds, progress=show)


def _use_of_threshold(run: Run, judgement: Judgement) -> str:
    """Return the command that predicts with the threshold chosen, where there is one."""
    from pellucid.data import Several
    from pellucid.options import command_line
    from pellucid.verbs.predict import PredictOptions

    choice = judgement.threshold
    if choice is None or isinstance(run.target, Several):
        return ""
    use = PredictOptions(
        run=str(run.folder), input="INPUT", threshold=choice.chosen.threshold, positive=choice.positive
    )
    return f"         use it with: {command_line('predict', use)}\n"


def _curve_lines(curve: LearningCurve) -> str:
    """Return a line a part, the verdict, and whether more data would help."""
    from pellucid.judging.wording import metric

    width = len(f"{curve.points[-1].rows:,}")
    lines = [
        f"{point.rows:>{width},} rows: {curve.metric} {metric(curve.metric, point.train)} on them, "
        f"{metric(curve.metric, point.validation)} on validation rows"
        for point in curve.points
    ]
    if curve.verdict is not None:
        lines.append(f"{curve.verdict.verdict}: {curve.verdict.explanation}")
    lines.append(curve.statement)
    return "\n".join(f"{'curve' if number == 0 else '':<9}{line}" for number, line in enumerate(lines))


def _document_of_each(run: Run, options: EvaluateOptions, found: Evaluation) -> dict[str, Any]:
    targets = {name: judgement.to_json() for name, judgement in found.targets.items()}
    return {"run": str(run.folder), "data": options.data, "metrics": dict(found), "targets": targets}


def _document(run: Run, options: EvaluateOptions, found: Evaluation) -> dict[str, Any]:
    """Return what `--json` writes: the metrics as plain numbers, their intervals, and all the rest."""
    judgement = found.judgement
    return {
        "run": str(run.folder),
        "data": options.data,
        **judgement.to_json(),
        "metrics": dict(found),
        "intervals": {name: [estimate.low, estimate.high] for name, estimate in judgement.metrics.items()},
        "comparison": None if found.comparison is None else asdict(found.comparison),
        "learning_curve": None if found.learning_curve is None else asdict(found.learning_curve),
    }
