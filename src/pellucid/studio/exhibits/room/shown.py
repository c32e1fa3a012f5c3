"""What is shown side by side: a run of the folder, or a training of the page's own, as the page asks of both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.errors import PellucidError, RunError
from pellucid.networks import Plan, parse
from pellucid.options import command_line, flat_values
from pellucid.recipe import Recipe
from pellucid.record import Finding
from pellucid.studio.exhibits.room.comparing import of_folder
from pellucid.studio.exhibits.room.curves import Curves, Tail
from pellucid.studio.exhibits.room.listing import Listed
from pellucid.studio.exhibits.room.rehearsal import Rehearsal
from pellucid.studio.exhibits.room.remedies import Offer, changed_values, command_of, findings_of, offers, program
from pellucid.verbs.changes import Change
from pellucid.verbs.train import TrainOptions

_FIRST_LOOKS = 3
"""At a record, when it is shown first: as much as a usual one holds."""


class RunLine:
    """A run, which another process may be writing.

    Attributes:
        listed: as the folder's listing has it; the last that was known where the run is gone.
        findings, seeds, fault: as they were when it was last looked at.
    """

    def __init__(self, folder: Path, listed: Listed) -> None:
        self.folder, self.listed = folder, listed
        self.curves = Curves(int(listed.asked["data"]["samples"]["train"]) if listed.asked else 0)
        self.tail = Tail(folder / "record.jsonl", self.curves)
        for _ in range(_FIRST_LOOKS):
            self.tail.poll()
        self.findings: tuple[Finding, ...] = ()
        self._offered: tuple[object, list[Offer]] = (None, [])
        self.seeds: dict[str, Any] | None = None
        self.look(listed)

    def look(self, listed: Listed | None) -> None:
        """Take in how the run stands now, and read its smaller files again."""
        self.is_gone = listed is None
        if listed is None:
            return
        self.listed, self.fault = listed, listed.fault
        try:
            self.findings = findings_of(self.folder)
        except (RunError, OSError) as error:
            self.fault = str(error).split("\n", 1)[0]
        self.seeds, fault = of_folder(self.folder, listed.metric)
        self.fault = self.fault or fault

    @property
    def metric(self) -> str:
        """The validation metric that chooses the best weights."""
        return self.listed.metric

    @property
    def state(self) -> str:
        """How it stands: as listed, or gone."""
        return "gone" if self.is_gone else self.listed.state

    @property
    def epochs(self) -> int:
        """Epochs asked for."""
        return self.listed.epochs

    @property
    def asked(self) -> Mapping[str, Any]:
        """What run.json says."""
        return self.listed.asked

    @property
    def plan(self) -> Plan | None:
        """The network, where it is written in arrows."""
        arrows = self.asked.get("network", {}).get("arrows")
        try:
            return None if arrows is None else parse(arrows)
        except PellucidError:
            return None

    @property
    def command(self) -> str:
        """The command that trains it again; empty where there is none."""
        return command_of(self.asked) if self.asked else ""

    def offers(self, name: str) -> list[Offer]:
        """Return what can be tried, into a run of that name; made again only when something of it changed."""
        key = (self.asked, self.findings, name)
        if self._offered[0] != key:
            self._offered = key, offers(self.asked, self.findings, self.folder.parent, name) if self.asked else []
        return self._offered[1]


class OwnLine:
    """A training of the page's own."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal, self.curves = rehearsal, rehearsal.curves
        self._offered: tuple[list[Change], list[Offer]] = ([], [])
        self.seeds: dict[str, Any] | None = None
        self.fault = ""

    @property
    def metric(self) -> str:
        """The validation metric that chooses the best weights."""
        return self.rehearsal.session.task.metric

    @property
    def state(self) -> str:
        """How it stands."""
        return self.rehearsal.ended or "training"

    @property
    def epochs(self) -> int:
        """Epochs asked for."""
        return self.rehearsal.session.epochs

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known by now to be wrong."""
        return self.rehearsal.findings

    @property
    def changes(self) -> list[Change]:
        """What can be tried, in the order of the findings' remedies."""
        return [change for of_one in self.rehearsal.changes for change in of_one]

    @property
    def plan(self) -> Plan | None:
        """The network."""
        return self.rehearsal.plan

    @property
    def asked(self) -> Mapping[str, Any]:
        """What run.json would say of it."""
        session = self.rehearsal.session
        data = session.data
        return {
            "data": {"name": data.name, "sha256": data.source.sha256,
                     "samples": {split: len(rows) for split, rows in data.rows.items()}},
            "network": {"arrows": self.rehearsal.arrows,
                        "parameters": sum(p.numel() for p in session.network.parameters())},
            "recipe": json.loads(json.dumps(flat_values(session.recipe))),
        }  # fmt: skip

    @property
    def command(self) -> str:
        """The command that trains the same, step by step."""
        return command_line("train", self._options(self.rehearsal.arrows, self.rehearsal.recipe))

    @property
    def code(self) -> str:
        """The same in Python."""
        return program(self._options(self.rehearsal.arrows, self.rehearsal.recipe))

    def offers(self, name: str) -> list[Offer]:  # noqa: ARG002 (it is tried in the page, under no name)
        """Return what can be tried; made again only when something else was found."""
        changes = self.changes
        if self._offered[0] != changes:
            self._offered = changes, [self._offer(change) for change in changes]
        return self._offered[1]

    def _offer(self, change: Change) -> Offer:
        options, said = self._options(*self.rehearsal.retold(change)), change.options
        return Offer(
            change.cause, change.action, said, command_line("train", options), changed_values(said), program(options)
        )

    def _options(self, arrows: str, recipe: Recipe) -> TrainOptions:
        return TrainOptions(data=self.rehearsal.session.data.name, network=arrows, recipe=recipe)
