"""What a frame says beside the curves: plain values for the page, no sentences."""

from collections.abc import Mapping
from typing import Any

from pellucid.record import Finding
from pellucid.studio.exhibits.room.comparing import differences
from pellucid.studio.exhibits.room.listing import Listing
from pellucid.studio.exhibits.room.remedies import Offer, Trial, free_name
from pellucid.studio.exhibits.room.shown import OwnLine, RunLine

Line = RunLine | OwnLine
_REPAIR_FIELDS = ("cause", "action", "change", "metric", "before", "after", "steps")


def told(listing: Listing, lines: Mapping[str, Line], trials: list[Trial]) -> dict[str, Any]:
    """Return the list of runs, what is shown, what was found of it, what differs and what was tried."""
    asked = [line.asked for line in lines.values()]
    return {
        "runs": [run.to_json() for run in listing.runs.values()],
        "lines": [_line(name, line) for name, line in lines.items()],
        "findings": [
            {"line": number, **each}
            for number, (name, line) in enumerate(lines.items())
            for each in _findings(line, free_name(name, "", listing.runs))
        ],
        "differences": differences(asked),
        "trials": [_trial(trial, listing, lines) for trial in trials],
        "layers": _layers(lines),
    }


def _line(name: str, line: Line) -> dict[str, Any]:
    curves, last = line.curves, line.curves.record.steps[-1:]
    best = curves.best(line.metric)
    told_of = [each for each in line.asked.get("repairs", ()) if isinstance(each, dict)]
    repairs = [{key: each.get(key) for key in _REPAIR_FIELDS} for each in told_of]
    return {
        "name": name, "is_own": isinstance(line, OwnLine), "change": _change(line), "state": line.state,
        "metric": line.metric, "best": best, "epoch": len(curves.record.epochs), "epochs": line.epochs,
        "step": last[0].step if last else 0, "rate": last[0].learning_rate if last else None, "fault": line.fault,
        "lost": line.tail.lost if isinstance(line, RunLine) else 0, "seeds": line.seeds, "repairs": repairs,
        "result": None if curves.record.result is None else dict(curves.record.result.metrics),
    }  # fmt: skip


def _change(line: Line) -> str:
    return line.rehearsal.change.options if isinstance(line, OwnLine) and line.rehearsal.change else ""


def _findings(line: Line, name: str) -> list[dict[str, Any]]:
    """Return findings with what is offered for each, numbered as the line's offers are."""
    offered, told_of, number = line.offers(name), [], 0
    for finding in line.findings:
        mine = offered[number : number + len(finding.remedies)]
        remedies = [_offer(number + place, offer) for place, offer in enumerate(mine)]
        told_of.append(_finding(finding, remedies))
        number += len(finding.remedies)
    for place, offer in enumerate(offered[number:]):  # a whole repair, which belongs to none of them
        told_of.append({"cause": "", "remedies": [_offer(number + place, offer)]})
    return told_of


def _offer(number: int, offer: Offer) -> dict[str, Any]:
    proof = None if offer.proof is None else {key: offer.proof.get(key) for key in ("metric", "before", "after")}
    return {"number": number, "action": offer.action, "change": offer.change, "command": offer.command,
            "hindrance": offer.hindrance, "proof": proof}  # fmt: skip


def _finding(finding: Finding, remedies: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cause": finding.cause, "severity": finding.severity, "confidence": finding.confidence, "step": finding.step,
        "module": finding.where.get("module"), "explanation": finding.explanation, "remedies": remedies,
        "evidence": [{key: _plain(each.get(key)) for key in ("measure", "value", "reference", "source")}
                     for each in finding.evidence],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Return a figure; one that is not finite by its name, since in evidence that is the point."""
    return str(value) if isinstance(value, float) and value - value != 0 else value


def _trial(trial: Trial, listing: Listing, lines: Mapping[str, Line]) -> dict[str, Any]:
    """Return how a trial stands, with the best validation metric of the run that it is compared with, and its own."""
    made, parent, listed = lines.get(trial.name), lines.get(trial.run), listing.runs.get(trial.name)
    metric = parent.metric if parent else ""
    return {
        "run": trial.run, "name": trial.name, "cause": trial.offer.cause, "change": trial.offer.change,
        "status": trial.status, "said": trial.last_lines(), "metric": metric, "is_listed": listed is not None,
        "before": parent.curves.best(metric) if parent else None, "after": made.curves.best(metric) if made else None,
        "epoch": listed.epoch if listed else 0, "epochs": listed.epochs if listed else 0,
    }  # fmt: skip


def _layers(lines: Mapping[str, Line]) -> list[str]:
    own = next((line for line in lines.values() if isinstance(line, OwnLine)), None)
    return [] if own is None else list(own.rehearsal.layers()[1])
