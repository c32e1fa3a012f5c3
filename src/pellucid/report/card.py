"""A run on one card, for a notebook: what was trained, on what, how well, what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.notebook import card, curve, facts, paragraph
from pellucid.record import Finding, Record
from pellucid.report.numbers import metrics


def run_card(folder: Path, asked: Mapping[str, Any], record: Record, findings: Sequence[Finding]) -> str:
    """Return the card as HTML.

    Args:
        folder: of the run.
        asked: run.json.
        record: what happened.
        findings: what the diagnosis found.
    """
    judged = [name for epoch in record.epochs[:1] for name in epoch.validation if name != "loss"]
    metric = asked["recipe"]["metric"] or next(iter(judged), "loss")
    values = [epoch.validation.get(metric, float("nan")) for epoch in record.epochs]
    said = f"validation {metric} by epoch: {values[0]:.4g} to {values[-1]:.4g}" if values else ""
    return card(
        f"run {folder}",
        facts(_facts(asked, record, findings)),
        curve(values, said),
        *([paragraph(f"report: {folder / 'report.html'}")] if (folder / "report.html").exists() else []),
    )


def _facts(asked: Mapping[str, Any], record: Record, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    data, network, result = asked["data"], asked["network"], record.result
    yield "task", str(asked["task"])
    yield "data", f"{data['name']}: " + ", ".join(f"{count:,} {split}" for split, count in data["samples"].items())
    yield "network", f"{network['arrows'] or network['module']}, {network['parameters']:,} parameters"
    yield "trained", f"{len(record.epochs)} epochs" + ("" if result else ", not to the end")
    if result is not None:
        scores = {name: value for name, value in result.metrics.items() if name != "loss"}
        yield result.split, f"{metrics(scores)} (weights of epoch {result.best_epoch})"
    for finding in findings:
        if finding.severity != "info":
            yield finding.severity, f"{finding.cause}: {finding.explanation}"
