"""`judge`: a network measured on one split, and everything worth saying of it.

Shape letters: N samples, K target quantities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset, Labels, SplitName, Values
from pellucid.errors import OptionError, nearest
from pellucid.judging.baselines import baseline_of, baseline_outputs, training_counts
from pellucid.judging.calibration import calibration_of
from pellucid.judging.classes import class_scores, confusion_of, label_scores
from pellucid.judging.concerns import Evidence, concerns_of
from pellucid.judging.facts import facts_of, repeated
from pellucid.judging.headline import headline
from pellucid.judging.judgement import ClassScores, Confusion, Judgement, Residuals, ThresholdChoice
from pellucid.judging.leakage import leaks_of
from pellucid.judging.mistakes import worst_mistakes
from pellucid.judging.names import row_names
from pellucid.judging.outputs import Network, Outputs, rows_to_judge, run_over
from pellucid.judging.references import spread
from pellucid.judging.resampling import estimates
from pellucid.judging.threshold import Goal, Scores, read_goal, threshold_choice
from pellucid.judging.verdict import Look, verdict_on
from pellucid.training.device import Device
from pellucid.training.tasks import Supervised

_MOST_RESIDUALS = 2_000
_USUAL_GOAL = "f1"


def judge(  # noqa: PLR0913 (what is judged by place, what is asked of it by name)
    network: Network,
    data: Dataset,
    task: Supervised,
    split: SplitName,
    device: Device,
    *,
    positive: str | None = None,
    goal: str = _USUAL_GOAL,
    mistakes: int = 24,
    trained_on: Dataset | None = None,
    names: Sequence[str] | None = None,
) -> Judgement:
    """Measure a network on one split and say how good it is, how sure that is, and what is wrong.

    Args:
        network: gives `task.outputs` numbers a sample; it is run in evaluation mode and put back into its own.
        data: holds the rows.
        task: what is learned.
        split: the rows to judge.
        device: where to compute.
        positive: for two classes the one that is looked for; by default the rarer one in training.
        goal: what the threshold between two classes is chosen for (see `threshold.GOALS`).
        mistakes: how many of the worst predictions to show.
        trained_on: where other data is judged than the network was trained on, the latter if it is at hand: its
            training rows give the baseline and the training figures, its validation rows the threshold.
        names: what the source calls each row of `data`; by default a folder's images by their files, other rows by
            number.

    Raises:
        DataError: there are no such rows.
        OptionError: no such class or goal, or either asked for where there are not two classes.
    """
    rows = rows_to_judge(data, split)
    known = data if trained_on is None else trained_on
    line = _line(known, task, positive, goal)

    def look(source: Dataset, rows: Tensor) -> Outputs:
        return run_over(network, source, task, rows, device)

    outputs = look(data, rows)
    guess, guessed = baseline_outputs(outputs, data, task, known)
    confusion = confusion_of(outputs, task.target.names) if isinstance(task.target, Classes) else None
    evidence = Evidence(
        task=task,
        outputs=outputs,
        baseline=guessed,
        baseline_name=guess,
        metrics=estimates(outputs, task),
        verdict=None if split == "train" else verdict_on(look, outputs, guessed, data, known, task),
        classes=_scores(outputs, task, confusion),
        calibration=calibration_of(outputs) if confusion else None,
        repeated=None if split == "train" else repeated(data, rows, known),
        leaks=leaks_of(known),
    )
    baseline = baseline_of(guess, guessed, task)
    return Judgement(
        task=task.name,
        split=split,
        samples=len(outputs),
        metric=task.metric,
        metrics=evidence.metrics,
        baseline=baseline,
        headline=headline(task, data, split, evidence.metrics, baseline),
        bias_variance=evidence.verdict,
        concerns=concerns_of(evidence),
        classes=evidence.classes,
        confusion=confusion,
        calibration=evidence.calibration,
        threshold=None if line is None else _threshold(look, line, known, outputs, split),
        residuals=_residuals(outputs, task),
        mistakes=worst_mistakes(outputs, data, task, mistakes, row_names(data) if names is None else names),
        facts=facts_of(data) if known is data and len(data.rows["train"]) else None,
    )


def _scores(outputs: Outputs, task: Supervised, confusion: Confusion | None) -> tuple[ClassScores, ...]:
    if isinstance(task.target, Labels):
        return label_scores(outputs, task.target.names)
    return class_scores(confusion) if confusion else ()


@dataclass(frozen=True, slots=True)
class _Line:
    """What a threshold is looked for: the positive class by name and number, and the goal."""

    positive: str
    index: int
    goal: Goal


def _line(known: Dataset, task: Supervised, positive: str | None, goal: str) -> _Line | None:
    """Return what a threshold is to be chosen for; None where there are not two classes.

    Raises:
        OptionError: no such class or goal, or a positive class where there are not two.
    """
    wanted = read_goal(goal)
    names = task.target.names if isinstance(task.target, Classes) else ()
    if len(names) != 2:
        given = [
            word for word, there in (("--positive", positive is not None), ("--goal", goal != _USUAL_GOAL)) if there
        ]
        if given:
            raise OptionError(
                "a threshold is chosen between two classes only",
                expected=f"no {' and no '.join(given)}",
                received=f"{task.name} of {len(names)} classes" if names else task.name,
            )
        return None
    if positive is None:
        positive = names[int(training_counts(known, 2).argmin())]
    if positive not in names:
        raise OptionError(
            f"there is no class '{positive}'", expected=" or ".join(names), received=positive,
            advice=nearest(positive, names),
        )  # fmt: skip
    return _Line(positive, names.index(positive), wanted)


def _threshold(look: Look, line: _Line, known: Dataset, outputs: Outputs, split: SplitName) -> ThresholdChoice:
    """Return the threshold chosen on the validation rows, or on those judged where there are no others."""
    judged = Scores.of(outputs, line.index)
    validation = known.rows["validation"]
    if not len(validation) or split == "validation":
        return threshold_choice(judged, judged, split, line.goal, line.positive)
    choosing = Scores.of(look(known, validation), line.index)
    return threshold_choice(judged, choosing, "validation", line.goal, line.positive)


def _residuals(outputs: Outputs, task: Supervised) -> tuple[Residuals, ...]:
    if not isinstance(task.target, Values):
        return ()
    places = spread(torch.arange(len(outputs)), _MOST_RESIDUALS).numpy()
    truth_NK, predicted_NK = outputs.truth[places], outputs.predicted[places]
    return tuple(
        Residuals(name, tuple(truth_NK[:, k].tolist()), tuple(predicted_NK[:, k].tolist()))
        for k, name in enumerate(task.target.names)
    )
