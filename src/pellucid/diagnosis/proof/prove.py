"""Remedies tried on copies of a script, one by one: those that help are kept, the others withdrawn."""

import dataclasses
import difflib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid.diagnosis.proof.measure import GOOD, Measure, compared, is_better, measures
from pellucid.diagnosis.proof.replay import Limits, Replayed, replay
from pellucid.diagnosis.remedies import Change, Edit, EditError, Remedy, advise, apply, read_source
from pellucid.diagnosis.remedies.edit import physical_lines
from pellucid.diagnosis.remedies.interventions import Intervention
from pellucid.diagnosis.remedies.source import Source
from pellucid.diagnosis.script import Program
from pellucid.diagnosis.suspicion import Suspicion
from pellucid.diagnosis.watch import Diagnosis

FINDINGS = 4
"""Causes whose remedies are tried, the surest first; of a script that was mended, those that it shows then."""
TRIES = 4
"""Remedies tried of each."""
NOT_CONTAINED = (
    "A replay runs in a copy of the working directory, and may not write to the original. What a script does "
    "elsewhere is not undone: files it writes by absolute paths, hosts it calls, what it leaves on a GPU."
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a proof may cost.

    Attributes:
        steps: optimiser steps of one replay; None for as many as the script made when it was diagnosed.
        seconds: of one replay.
        whole: seconds of all of them; what was begun is brought to its end.
    """

    steps: int | None = None
    seconds: float = 60.0
    whole: float = 600.0


@dataclass(frozen=True, slots=True)
class Tried:
    """One remedy and what became of it.

    Attributes:
        remedy: what was done.
        on: remedies that had been applied before it, and stayed.
        before, after: the measure; None where the runs cannot be compared.
        helped: whether it did.
        word: why not, where it did not.
    """

    remedy: Remedy
    before: Measure | None = None
    after: Measure | None = None
    helped: bool = False
    word: str = ""
    on: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of trying.

    Attributes:
        tried: every replay, in order.
        best: remedies that together did best; empty where none did better than doing nothing.
        edits: those of them that change the script, as one edit a file, from the script as it stands.
        interventions: those that change it from outside.
        before, after: without them and with them.
        notes: what could not be contained, or not be tried.
    """

    tried: tuple[Tried, ...] = ()
    best: tuple[Remedy, ...] = ()
    edits: tuple[Edit, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    before: Measure | None = None
    after: Measure | None = None
    notes: tuple[str, ...] = (NOT_CONTAINED,)


Reporter = Callable[[str], None]


def prove(
    program: Program,
    diagnosis: Diagnosis,
    folder: Path | None = None,
    budget: Budget | None = None,
    *,
    printed: bool = False,
    tell: Reporter = lambda _: None,
) -> tuple[Diagnosis, Proof]:
    """Return a diagnosis whose remedies are proven, or withdrawn where they do not help, and what was tried.

    Args:
        program: what was diagnosed.
        diagnosis: of a run of it.
        folder: the working directory, the present one by default.
        budget: what it may cost.
        printed: take the last number that the script prints, higher being better, where no score was seen.
        tell: is told of each replay.

    Raises:
        RunError: the working directory cannot be copied.
    """
    named = [item.where.file for item in diagnosis.suspicions if item.where.file]
    script = next(iter(named), None) if program.module else program.name
    trial = _Trial(
        program, folder or Path.cwd(), budget or Budget(), diagnosis.steps, script, printed=printed, tell=tell
    )
    proof = trial.run([item for item in diagnosis.suspicions if item.severity != "info"])
    return with_proof(diagnosis, proof), proof


@dataclass(slots=True)
class _State:
    """The script as the remedies kept so far leave it."""

    texts: dict[str, str] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    run: Replayed = field(default_factory=Replayed)
    longer: float = 1.0


class _Trial:
    def __init__(
        self,
        program: Program,
        folder: Path,
        budget: Budget,
        steps: int,
        script: str | None,
        *,
        printed: bool,
        tell: Reporter,
    ) -> None:
        self._program = program
        self._folder = folder
        self._budget = budget
        self._steps = min(steps, budget.steps) if budget.steps and steps else budget.steps or steps or None
        self._printed = printed
        self._script = script
        self._tell = tell
        self._tried: list[Tried] = []
        self._notes = [NOT_CONTAINED]
        self._end = time.monotonic() + budget.whole

    def run(self, suspicions: list[Suspicion]) -> Proof:
        """Try the remedies of each suspicion on the best there is so far."""
        begin = _State(run=self._replay(_State()))
        self._tell(f"as it stands: {_said(begin.run, self._printed)}")
        if not measures(begin.run, printed=self._printed):
            reason = "" if begin.run.ended_well else f"; it did not come to its end: {begin.run.error}"
            self._notes.append(f"nothing could be proven: no score was seen of the script as it stands{reason}")
            return self._proof(begin, begin)
        best = begin
        if begin.run.steps and self._steps and begin.run.steps < self._steps:
            self._steps = begin.run.steps  # the time was up: what follows gets as many steps
        tried: list[str] = []
        while suspicions and len(tried) < FINDINGS:
            suspicion = suspicions[0]
            if self._late() or self._is_good(best, suspicion.cause):
                break
            tried.append(suspicion.cause)
            before, best = best, self._of_suspicion(suspicion, best)
            # a script that was mended may show what its first fault had hidden
            known = suspicions if best is before else [*best.run.suspicions, *suspicions]
            suspicions = [each for each in known if each.cause not in tried and each.severity != "info"]
        return self._proof(begin, best)

    def _of_suspicion(self, suspicion: Suspicion, on: _State) -> _State:
        """Return the best of what a suspicion's remedies make of a state, or the state as it was."""
        best = on
        remedies = [item for item in advise(suspicion, self._source(suspicion, on)) if item.concrete and item.provable]
        for remedy in remedies[:TRIES]:
            if self._late() or self._is_good(best, suspicion.cause):
                break
            state = self._try(remedy, on)
            pair = self._compared(best, state, suspicion.cause) if state else None
            if state and pair and is_better(*pair):
                best = state
        return best

    def _try(self, remedy: Remedy, on: _State) -> _State | None:
        """Replay the script with one more remedy, and return what it then is if it came to its end."""
        state = self._applied(remedy, on)
        if state is None:
            return None
        state.run = self._replay(state)
        pair = self._compared(on, state, remedy.cause)
        word = "" if state.run.ended_well else state.run.error or "it did not come to its end"
        if not word and pair is None:
            word = "what it does cannot be compared with what the script did before"
        helped = not word and pair is not None and is_better(*pair)
        before, after = pair or (None, None)
        tried = Tried(remedy, before, after, helped, word, on.remedies)
        self._tried.append(tried)
        self._tell(f"{remedy.action} {word or _said(state.run, self._printed)}")
        self._notes.extend(note for note in state.run.reached if note not in self._notes)
        return None if word else state

    def _applied(self, remedy: Remedy, on: _State) -> _State | None:
        longer = max(on.longer, remedy.longer)
        if remedy.edit is None:
            changes = (*on.interventions, *remedy.interventions)
            return _State(dict(on.texts), (*on.remedies, remedy), changes, longer=longer)
        file = remedy.edit.file
        try:
            text = apply(remedy.edit, on.texts.get(file) or self._text(file))
        except (EditError, OSError):
            return None
        return _State({**on.texts, file: text}, (*on.remedies, remedy), on.interventions, longer=longer)

    def _replay(self, state: _State) -> Replayed:
        edits = tuple(edit for file, text in state.texts.items() if (edit := whole_edit(file, self._text(file), text)))
        steps = round(self._steps * state.longer) if self._steps else None
        limits = Limits(steps, self._budget.seconds * state.longer)
        return replay(self._program, self._folder, limits, edits, state.interventions)

    def _source(self, suspicion: Suspicion, on: _State) -> Source | None:
        """Return the file that a suspicion speaks of, as the remedies kept so far leave it."""
        file = suspicion.where.file or self._script
        source = read_source(str(Path(self._folder, file))) if file else None
        if source is None and self._script:
            source = read_source(str(Path(self._folder, self._script)))
        if source is not None and source.file in on.texts:
            return Source(source.file, on.texts[source.file])
        return source

    def _text(self, file: str) -> str:
        return Path(self._folder, file).read_text(encoding="utf-8")

    def _compared(self, before: _State, after: _State, cause: str) -> tuple[Measure, Measure] | None:
        return compared(before.run, after.run, cause=cause, printed=self._printed)

    def _late(self) -> bool:
        return time.monotonic() > self._end

    def _is_good(self, state: _State, cause: str) -> bool:
        found = measures(state.run, cause=cause)
        return bool(found) and found[0].value >= GOOD

    def _proof(self, begin: _State, best: _State) -> Proof:
        if self._late():
            self._notes.append(f"not everything was tried: {self._budget.whole:g} s were up")
        cause = best.remedies[0].cause if best.remedies else ""
        before, after = self._compared(begin, best, cause) or (None, None)
        edits = tuple(edit for file, text in best.texts.items() if (edit := whole_edit(file, self._text(file), text)))
        return Proof(tuple(self._tried), best.remedies, edits, best.interventions, before, after, tuple(self._notes))


def whole_edit(file: str, old: str, new: str) -> Edit | None:
    """Return the edit, line by line, that makes one text of another."""
    before, after = ([line.rstrip("\r\n") for line in physical_lines(text)] for text in (old, new))
    changes = []
    for kind, first, last, begin, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        gone = "\n".join(before[first:last]) if first < last else None
        come = "\n".join(after[begin:end]) if begin < end else None
        changes.append(Change(first + 1, gone, come))
    return Edit(file, tuple(changes)) if changes else None


def _said(run: Replayed, printed: bool) -> str:
    found = measures(run, printed=printed)
    return f"{found[0].name} {found[0].value:.4g}" if found else "no score was seen"


def with_proof(diagnosis: Diagnosis, proof: Proof) -> Diagnosis:
    """Return a diagnosis whose findings carry the remedies that help, with their proof, the best first.

    What was tried and did not help is withdrawn; what could not be tried, or not compared, stays without a proof. Where
    several were kept, some of which may mend what only the mended script showed, all of them together stand first, as
    one change of the script, with the finding whose remedy was the first.
    """
    together = _together(proof)
    findings = []
    for finding, suspicion in zip(diagnosis.findings, diagnosis.suspicions, strict=True):
        tried = {item.remedy.action: item for item in proof.tried if item.remedy.cause == suspicion.cause}
        kept = [_told(remedy, tried.get(remedy["action"])) for remedy in finding.remedies]
        if together is not None and suspicion.cause == proof.best[0].cause:
            kept, together = [together, *kept], None
        findings.append(dataclasses.replace(finding, remedies=tuple(_by_gain(filter(None, kept)))))
    return dataclasses.replace(diagnosis, findings=tuple(findings))


def _told(remedy: Mapping[str, Any], tried: Tried | None) -> dict[str, Any] | None:
    document = dict(remedy)
    if tried is None or (tried.before is None and not tried.word):
        return document
    if not tried.helped or tried.before is None or tried.after is None:
        comparable = tried.before is not None or "compared" not in tried.word
        return None if comparable else document
    document["proof"] = _gained(tried.before, tried.after) | {"on": [other.action for other in tried.on]}
    return document


def _together(proof: Proof) -> dict[str, Any] | None:
    """Return all that was kept as one remedy, where that is more than one, and a change of one file."""
    if len(proof.best) < 2 or len(proof.edits) != 1 or proof.interventions or not (proof.before and proof.after):
        return None
    action = " ".join(remedy.action for remedy in proof.best)
    return {"action": action, "change": proof.edits[0].to_json(), "proof": _gained(proof.before, proof.after)}


def _gained(before: Measure, after: Measure) -> dict[str, Any]:
    return {"metric": before.name, "before": before.value, "after": after.value, "seed": os.environ.get("SEED")}


def _by_gain(remedies: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return proven remedies first, the one that gains most at the head."""

    def gain(remedy: Mapping[str, Any]) -> float:
        proof = remedy["proof"]
        return float("-inf") if proof is None else proof["after"] - proof["before"]

    return sorted(remedies, key=gain, reverse=True)
