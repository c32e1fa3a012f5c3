"""Trainings live and finished: those of the run folders, and a small one of the page's own, with what helps them."""

import time
from typing import Any, ClassVar, Literal

from pydantic import Field

from pellucid.errors import PellucidError
from pellucid.networks import to_source
from pellucid.recipe import OptimizerName, Recipe
from pellucid.studio.exhibit import Action, Engine, Frame, RefusedError, Settings
from pellucid.studio.exhibits.room.comparing import charts
from pellucid.studio.exhibits.room.curves import Column
from pellucid.studio.exhibits.room.listing import MOST_LISTED, Listing
from pellucid.studio.exhibits.room.rehearsal import Rehearsal, bundled, network_text
from pellucid.studio.exhibits.room.remedies import Trial, free_name
from pellucid.studio.exhibits.room.shown import OwnLine, RunLine
from pellucid.studio.exhibits.room.told import told

HERE = "."
"""What the page's own training is called among the runs: no folder has this name."""
MOST_SHOWN, MOST_TRIED, MOST_TRIALS = 8, 3, 2
OPENING = 4
"""Epochs that are trained before the page is seen first."""
_POLL, _LOOK = 0.2, 1.0
_FOLLOWS, _IDLE = 0.4, 3.0
"""Seconds between two looks at what others train, and at a folder in which nobody does."""


class RoomSettings(Settings):
    """What is shown, and how the page's own training is set; `shown` left open is what trains now, or trained last."""

    shown: tuple[str, ...] | None = Field(None, max_length=MOST_SHOWN)
    search: str = Field("", max_length=80)
    state: Literal["all", "training", "finished", "stopped", "diverged", "unreadable"] = "all"
    axis: Literal["step", "epoch"] = "step"
    data: Literal["digits", "iris", "wine", "moons"] = "digits"
    network: Literal["layers", "mlp", "linear"] = "layers"
    layers: int = Field(4, ge=0, le=6)
    activation: Literal["sigmoid", "tanh", "relu"] = "sigmoid"
    optimizer: OptimizerName = "sgd"
    rate: float = Field(-0.5, ge=-6.0, le=3.0)
    epochs: int = Field(20, ge=2, le=100)


_NOT_OF_THE_TRAINING: dict[str, Any] = {"shown": None, "search": "", "state": "all", "axis": "step"}


class Try(Action):
    """Train a shown line again with one of the changes offered for it."""

    kind: Literal["try"]
    line: int = Field(ge=0, lt=MOST_SHOWN + MOST_TRIED)
    offer: int = Field(ge=0, lt=200)


class Stop(Action):
    """End a trial that is under way."""

    kind: Literal["stop"]
    trial: int = Field(ge=0, lt=1000)


class Drop(Action):
    """Take away a remedy that is tried in the page."""

    kind: Literal["drop"]
    name: str = Field(max_length=8)


class Room(Engine[RoomSettings]):
    """Play trains the page's own, and Step is an epoch of it; what others train is followed whenever the page looks."""

    settings_class = RoomSettings
    actions = (Try, Stop, Drop)
    pace: ClassVar[float] = 0.03

    def reset(self) -> None:
        """Look at the folder, and begin the page's own training if it is shown."""
        self.listing = Listing(self.given.runs)
        self.trials: list[Trial] = getattr(self, "trials", [])  # they go on, whatever the page does
        self.lines: dict[str, RunLine | OwnLine] = {}
        self.tried = 0
        self.polled = self.looked = time.monotonic()
        self._show()

    def change(self, settings: RoomSettings) -> None:
        """Begin the own training anew where it is set otherwise; what is shown, and over what, needs no beginning."""
        before, self.settings = self.settings, settings
        if before.model_copy(update=_NOT_OF_THE_TRAINING) != settings.model_copy(update=_NOT_OF_THE_TRAINING):
            self.lines = {name: line for name, line in self.lines.items() if isinstance(line, RunLine)}
            self.tried = 0
        self._show()

    def advance(self) -> bool:
        """Train the own one that is furthest behind for a slice, and read what others wrote; False where all ended."""
        self._follow()
        training = [line.rehearsal for line in self._own() if not line.rehearsal.ended]
        if training:
            min(training, key=lambda each: each.session.progress.step).advance()
        return bool(training) or self._follows

    def step(self) -> bool:
        """Train the own ones to the end of the epoch, and read what others wrote."""
        self._follow(now=True)
        trains = [line.rehearsal.advance(to_epoch=True) for line in self._own()]
        return any(trains) or self._follows

    def act(self, action: Any) -> None:
        """Try a remedy, end a trial, or take one away."""
        match action:
            case Try():
                self._try(action)
            case Stop() if action.trial < len(self.trials):
                self.trials[action.trial].stop()
            case Drop():
                if action.name != HERE and isinstance(self.lines.get(action.name), OwnLine):
                    del self.lines[action.name]
        self._follow(now=True)

    def tend(self) -> float | None:
        """Read what others wrote, and train the remedies that are behind for a slice."""
        self._follow(now=self.listing.waiting > 0)
        if behind := self._behind():
            behind[0].advance()
        return 0.0 if self._works else _FOLLOWS if self._follows else _IDLE

    def frame(self) -> Frame:
        """Return the list, the curves of what is shown, what was found of it and what was tried."""
        lines = list(self.lines.values())
        metric = next((line.metric for line in lines if line.metric), "accuracy")
        drawn = charts([line.curves for line in lines], metric, self.settings.axis)
        arrays: dict[str, Column] = {}
        for name, (where, values) in drawn.items():
            arrays[f"{name}.x"] = where
            arrays |= {f"{name}.{number}": value for number, value in enumerate(values)}
        for line in self._own()[:1]:
            steps, norms = line.rehearsal.layers()
            arrays |= {"layers.x": steps, **{f"layers.{number}": each for number, each in enumerate(norms.values())}}
        version = "-".join(f"{name}:{line.curves.version}" for name, line in self.lines.items())
        found = self.listing.found(self.settings.search, self.settings.state)
        said = {
            **told(self.listing, self.lines, self.trials), "metric": metric, "version": version,
            "runs": [run.to_json() for run in found[:MOST_LISTED]], "found": len(found),
            "known": len(self.listing.runs), "waiting": self.listing.waiting,
        }  # fmt: skip
        return Frame(said, arrays)

    def sources(self) -> dict[str, str]:
        """Return the first shown network in arrows, and as a program that is nothing but PyTorch, with its command."""
        for line in self.lines.values():
            if (plan := line.plan) is not None:
                head = f"# {line.command}\n\n" if line.command else ""
                return {"arrows": str(plan), "pytorch": head + to_source(plan)}
        return {}

    def identity(self) -> dict[str, str]:
        """Return the hash of the data that the own training learns from."""
        return {f"data {self.settings.data}": bundled(self.settings.data).source.sha256[:12]}

    @property
    def _follows(self) -> bool:
        """Whether others train what is shown."""
        lives = [line for line in self.lines.values() if isinstance(line, RunLine) and line.state == "training"]
        return bool(lives) or any(trial.status is None for trial in self.trials)

    @property
    def _works(self) -> bool:
        """Whether there is something to be done at once: long records to be read, remedies that are behind."""
        reads = any(isinstance(line, RunLine) and line.tail.share < 1 for line in self.lines.values())
        return reads or self.listing.waiting > 0 or bool(self._behind())

    def _own(self) -> list[OwnLine]:
        return [line for line in self.lines.values() if isinstance(line, OwnLine)]

    def _behind(self) -> list[Rehearsal]:
        """Return remedies that are not as far as the training they are tried on; where that ended, at their end."""
        training = [line.rehearsal for line in self._own()]
        return [
            each for each in training[1:] if not each.ended and (training[0].ended or each.epoch < training[0].epoch)
        ]  # fmt: skip

    def _show(self) -> None:
        """Make the lines that are to be shown, and keep those that were."""
        wanted = self.settings.shown
        if wanted is None:
            training = [run.name for run in self.listing.runs.values() if run.state == "training"]
            readable = [run.name for run in self.listing.runs.values() if run.state != "unreadable"]
            wanted = tuple([*training, *readable][:1]) or (HERE,)
        if any(name != HERE and name not in self.listing.runs for name in wanted):
            self.listing.look(wanted)
        lines: dict[str, RunLine | OwnLine] = {}
        for name in wanted:
            if name == HERE:
                lines[HERE] = self.lines.get(HERE) or OwnLine(self._begun())
                lines |= {key: line for key, line in self.lines.items() if isinstance(line, OwnLine)}
            elif name in self.lines:
                lines[name] = self.lines[name]
            elif name in self.listing.runs:
                lines[name] = RunLine(self.listing.folder / name, self.listing.runs[name])
            else:
                raise RefusedError("no_run", control="runs", name=name)
        self.lines = lines

    def _begun(self) -> Rehearsal:
        settings = self.settings
        data = bundled(settings.data)
        arrows = network_text(settings.network, data, settings.layers, settings.activation)
        recipe = Recipe(
            seed=settings.seed, epochs=settings.epochs, optimizer=settings.optimizer, device="cpu", threads=1,
            learning_rate=float(f"{10.0**settings.rate:.2g}"),
        )  # fmt: skip
        made = Rehearsal(data, arrows, recipe)
        made.train_to(OPENING)
        return made

    def _follow(self, *, now: bool = False) -> None:
        """Read what is new, a few times a second; look for new runs once a second."""
        clock = time.monotonic()
        if now or clock - self.looked >= _LOOK:
            self.looked = clock
            self.listing.look()
            for name, line in self.lines.items():
                if isinstance(line, RunLine):
                    line.look(self.listing.runs.get(name))
            self._show_trials()
            if self.settings.shown is None and any(run.state == "training" for run in self.listing.runs.values()):
                self._show()
        tails = [line.tail for line in self.lines.values() if isinstance(line, RunLine)]
        unread = [tail for tail in tails if tail.share < 1]
        if unread:
            unread[0].poll()
        elif now or clock - self.polled >= _POLL:
            self.polled = clock
            for tail in tails:
                tail.poll()

    def _show_trials(self) -> None:
        """Show what a trial makes beside what it is compared with, once, as soon as its folder is there."""
        for trial in self.trials:
            if not trial.is_shown and trial.name in self.listing.runs:
                trial.is_shown = True
                names = [name for name in self.lines if name == HERE or not name.startswith(".")]
                if trial.run in names and len(names) < MOST_SHOWN:
                    self.settings = self.settings.model_copy(update={"shown": (*names, trial.name)})
                    self._show()

    def _try(self, action: Try) -> None:
        if action.line >= len(self.lines):
            raise RefusedError("no_offer", control="try")
        name, line = list(self.lines.items())[action.line]
        if isinstance(line, OwnLine):
            self._try_here(line, action.offer)
            return
        offers = line.offers(free_name(name, "repaired", self.listing.runs))
        if action.offer >= len(offers) or not offers[action.offer].command:
            raise RefusedError("no_offer", control="try")
        if sum(trial.status is None for trial in self.trials) >= MOST_TRIALS:
            raise RefusedError("busy", control="try", most=MOST_TRIALS)
        taken = {**self.listing.runs, **{trial.name: trial for trial in self.trials}}
        fresh = free_name(name, offers[action.offer].cause, taken)
        offer = line.offers(fresh)[action.offer]
        self.trials.append(Trial(offer.command, name, fresh, offer))

    def _try_here(self, line: OwnLine, number: int) -> None:
        """Begin again with a change; it catches up in slices, as the page looks."""
        changes = line.changes
        if number >= len(changes):
            raise RefusedError("no_offer", control="try")
        if len(self._own()) > MOST_TRIED:
            raise RefusedError("enough", control="try", most=MOST_TRIED)
        change = changes[number]
        try:
            made = Rehearsal(line.rehearsal.session.data, *line.rehearsal.retold(change), change)
        except PellucidError as error:
            raise RefusedError("change", control="try", reason=error.message) from None
        self.tried += 1
        self.lines[f".{self.tried}"] = OwnLine(made)


ENGINE = Room
