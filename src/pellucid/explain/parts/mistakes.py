"""Where a network is wrong, and whether the labels are."""

from pellucid.data import Classes
from pellucid.explain.error_analysis.label_errors import find_label_errors, label_error_bars
from pellucid.explain.error_analysis.mistakes import MistakeGroup, group_mistakes, mistake_bars, spread_of
from pellucid.explain.error_analysis.out_of_sample import out_of_sample_probabilities
from pellucid.explain.explanation import Part, Subject
from pellucid.judging.wording import p_value, percent
from pellucid.networks import Plan
from pellucid.recipe import Recipe
from pellucid.training.tasks.supervised import Supervised

_SUSPECTS = 12
_FOLDS = 5


def mistakes(subject: Subject) -> Part | None:
    """Return a classifier's mistakes on the test rows in groups, and whether they are random or systematic."""
    if not isinstance(subject.task, Supervised) or not isinstance(subject.data.target, Classes):
        return None
    found = group_mistakes(subject.network, subject.data, subject.task, seed=subject.seed)
    if not found.mistakes:
        return None
    facts = [f"{found.mistakes:,} of {found.samples:,} test samples are wrong"]
    if found.spread.verdict != "too few to tell":
        facts[0] += f"; {found.spread.verdict}: {p_value(found.spread.p)} if each class were taken for all others alike"
    rows = [(group.label, f"{group.count:,}", _made_of(group)) for group in found.by_cluster]
    return Part(
        key="mistakes",
        title="Where it is wrong",
        lead="The mistakes on the test rows by what was taken for what, and in clusters of inputs that are alike.",
        facts=facts,
        figures=[mistake_bars(found)],
        heads=("group", "mistakes", "made of") if rows else (),
        rows=rows,
    )


def labels(subject: Subject, plan: Plan | None, recipe: Recipe) -> Part:
    """Return the labels that are probably wrong, by networks that were trained without the samples they judge.

    Raises:
        DataError: the data has no classes, or too few samples of one.
        RunError: a training diverged.
    """
    data = subject.data
    said = out_of_sample_probabilities(data, plan, folds=_FOLDS, seed=subject.seed, recipe=recipe)
    assert isinstance(data.target, Classes)
    names = data.target.names
    found = find_label_errors(said.probabilities, said.labels, names)
    spread = spread_of(found.confident_joint.T.numpy(), seed=subject.seed)
    rows = [
        (f"row {int(said.rows[place]) + 1}", names[label], names[other], f"{score:.3f}")
        for place, label, other, score in zip(
            found.rows.tolist(), found.labels.tolist(), found.suggested.tolist(), found.scores.tolist(), strict=True
        )
    ][:_SUSPECTS]
    fact = f"{len(found.rows):,} of {len(said.rows):,} labels are suspected; about {percent(found.estimated_share)} are"
    fact += " wrong, by estimate"
    fact += f", and their errors are {spread.verdict}" if spread.verdict != "too few to tell" else ""
    return Part(
        key="labels",
        title="Labels that are probably wrong",
        lead=f"Every sample judged by a network trained without it, {_FOLDS} in all (confident learning: Northcutt,"
        " Jiang and Chuang 2021). A suspect is to be looked at, not to be believed: hard samples are suspected too,"
        " and make the estimate too high.",
        facts=[fact],
        figures=[label_error_bars(found)] if len(found.rows) else [],
        heads=("sample", "label", "rather", "margin") if rows else (),
        rows=rows,
    )


def _made_of(group: MistakeGroup) -> str:
    return ", ".join(f"{pair} ({count})" for pair, count in group.made_of[:4])
