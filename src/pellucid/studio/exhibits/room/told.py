"""What a frame says beside the curves: plain values for the page, no sentences."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pellucid.judging.gain import gain
from pellucid.record import Finding
from pellucid.studio.exhibits.room.comparing import differences
from pellucid.studio.exhibits.room.listing import Listed, Listing
from pellucid.studio.exhibits.room.measures import named
from pellucid.studio.exhibits.room.remedies import REPAIR, Offer, Trial, changed_values, free_name
from pellucid.studio.exhibits.room.shown import OwnLine, RunLine

Line = RunLine | OwnLine
_REPAIR_FIELDS = ("cause", "action", "change", "metric", "before", "after", "steps")


def told(listing: Listing, lines: Mapping[str, Line], trials: list[Trial]) -> dict[str, Any]:
    """Return what is shown, what was found of it, what differs and what was tried."""
    asked = [line.asked for line in lines.values()]
    return {
        "lines": [_line(name, line) for name, line in lines.items()],
        "findings": [
            {"line": number, **each}
            for number, (name, line) in enumerate(lines.items())
            for each in _findings(line, free_name(name, "", listing.runs))
        ],
        "differences": differences(asked),
        "tried": [*_tried_here(lines), *(_trial(number, each, listing, lines) for number, each in enumerate(trials))],
        "layers": _layers(lines),
    }


def _line(name: str, line: Line) -> dict[str, Any]:
    curves, last = line.curves, line.curves.last
    told_of = [each for each in line.asked.get("repairs", ()) if isinstance(each, dict)]
    repairs = [{key: each.get(key) for key in _REPAIR_FIELDS} for each in told_of]
    return {
        "name": name, "is_own": isinstance(line, OwnLine), "number": name[1:], "state": line.state,
        "metric": line.metric, "best": curves.best(line.metric), "epoch": len(curves.record.epochs),
        "epochs": line.epochs, "step": last.step if last else 0, "rate": last.learning_rate if last else None,
        "fault": line.fault, "steps": curves.steps, "kept": len(curves.record.steps),
        "read": line.tail.share if isinstance(line, RunLine) else 1,
        "lost": line.tail.lost if isinstance(line, RunLine) else 0, "seeds": line.seeds, "repairs": repairs,
        "result": None if curves.record.result is None else dict(curves.record.result.metrics),
    }  # fmt: skip


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
    return {"number": number, "action": offer.action, "values": offer.values, "change": offer.change,
            "command": offer.command, "code": offer.code, "hindrance": offer.hindrance, "proof": proof}  # fmt: skip


def _finding(finding: Finding, remedies: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cause": finding.cause, "severity": finding.severity, "confidence": finding.confidence, "step": finding.step,
        "module": finding.where.get("module"), "explanation": finding.explanation, "remedies": remedies,
        "evidence": [
            {**{key: _plain(each.get(key)) for key in ("measure", "value", "reference", "source")},
             "named": named(str(each.get("measure")))}
            for each in finding.evidence
        ],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Return a figure; one that is not finite by its name, since in evidence that is the point."""
    return str(value) if isinstance(value, float) and value - value != 0 else value


def _compared(before: Line | None, after: Line | None) -> dict[str, Any]:
    """Return the best validation metric without a remedy and with it, over as many epochs, and what that says.

    Where the first diverged it has no more epochs, and the other is not held back to them.
    """
    first, second = (None if line is None else line.curves for line in (before, after))
    metric = (before.metric if before else "") or (after.metric if after else "")
    until = None
    if before is not None and before.state not in ("diverged", "gone") and first is not None and second is not None:
        until = min(len(first.record.epochs), len(second.record.epochs))
    figures = [math.nan if curves is None else curves.best(metric, until) for curves in (first, second)]
    rows = int(before.asked.get("data", {}).get("samples", {}).get("validation", 0)) if before and before.asked else 0
    verdict = None if before is None else gain(metric, figures[0], figures[1], rows)
    return {"metric": metric, "before": figures[0], "after": figures[1], "gain": verdict, "until": until, "rows": rows}


def _tried_here(lines: Mapping[str, Line]) -> Iterator[dict[str, Any]]:
    """Yield how the remedies stand that are tried in the page, beside its first training."""
    own = [(name, line) for name, line in lines.items() if isinstance(line, OwnLine)]
    for name, line in own[1:]:
        change = line.rehearsal.change.options if line.rehearsal.change else ""
        offer = Offer("", "", change, line.command, changed_values(change), line.code)
        yield {
            **_compared(own[0][1], line), **_taken(offer), "kind": "here", "run": own[0][0], "name": name,
            "state": line.state, "epoch": line.rehearsal.epoch, "epochs": line.epochs, "said": [], "probes": False,
            "is_shown": True,
        }  # fmt: skip


def _trial(number: int, trial: Trial, listing: Listing, lines: Mapping[str, Line]) -> dict[str, Any]:
    """Return how a trial stands that is a process of its own."""
    listed = listing.runs.get(trial.name)
    return {
        **_compared(lines.get(trial.run), lines.get(trial.name)), **_taken(trial.offer), "kind": "process",
        "trial": number, "run": trial.run, "name": trial.name, "state": _state(trial, listed),
        "said": trial.last_lines(), "probes": trial.offer.change == REPAIR,
        "is_shown": trial.run in lines and (trial.name in lines or listed is None),
        "epoch": listed.epoch if listed else 0, "epochs": listed.epochs if listed else 0,
    }  # fmt: skip


def _state(trial: Trial, listed: Listed | None) -> str:
    if trial.status is None:
        return "begins" if listed is None else "training"
    if trial.is_stopped:
        return "stopped"
    diverged = listed is not None and listed.state == "diverged"
    return "diverged" if diverged else "finished" if trial.status == 0 else "failed"


def _taken(offer: Offer) -> dict[str, Any]:
    return {"change": offer.change, "values": offer.values, "command": offer.command, "code": offer.code}


def _layers(lines: Mapping[str, Line]) -> list[str]:
    own = next((line for line in lines.values() if isinstance(line, OwnLine)), None)
    names = [] if own is None else own.rehearsal.layers()[1]
    return [name.partition(".")[2].removesuffix(".weight") for name in names]
