"""`pellucid evaluate` for networks that are not judged row by row: the figures that their task measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError
from pellucid.options import differing, flag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pellucid.verbs.evaluate import EvaluateOptions
    from pellucid.verbs.run import Run

_ALLOWED = {"run", "data", "split", "report"}


def refuse_of_one(run: Run, options: EvaluateOptions) -> None:
    """Refuse, where every one of several targets is judged, what can be asked of one only.

    Raises:
        OptionError: such as a threshold's goal.
    """
    if asked := _asked_of_one_answer(options):
        raise OptionError(
            f"{asked} is for one target, and {run.folder} learned several",
            expected="--target beside it",
            received=asked,
        )


def measure(run: Run, data: object, options: EvaluateOptions) -> Mapping[str, float]:
    """Return the metrics of a split, and write the run's page where it is asked for.

    Raises:
        OptionError: an option that compares answers row by row.
    """
    if asked := _asked_of_one_answer(options):
        raise OptionError(
            f"{asked} compares answers row by row, which {run.asked['task']} has none of",
            expected="--split or --report",
            received=asked,
            advice="leave it out",
        )
    metrics = run.evaluate(data, split=options.split)
    if options.report is not None:
        run.report(options.report)
    return metrics


def _asked_of_one_answer(options: EvaluateOptions) -> str:
    return ", ".join(flag_of(name) for name in differing(options) if name not in _ALLOWED)


def document(run: Run, metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return what `--json` writes."""
    return {"run": str(run.folder), "task": run.asked["task"], "metrics": dict(metrics)}
