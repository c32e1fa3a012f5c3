"""Several optimisers descend from one place: on classic surfaces, and on slices of a network's loss."""

import time
from typing import Any, ClassVar

import numpy as np

from pellucid.recipe import Recipe
from pellucid.studio.exhibit import Engine, Frame, Given, RefusedError, finite
from pellucid.studio.exhibits.race.grounds import Classic, Ground
from pellucid.studio.exhibits.race.optimisers import (
    USUAL_SQUARES,
    WITH_MOMENTUM,
    WITHOUT_DECAY,
    stable_below,
    usual_rate,
)
from pellucid.studio.exhibits.race.paths import Path
from pellucid.studio.exhibits.race.program import program
from pellucid.studio.exhibits.race.ranking import ranked
from pellucid.studio.exhibits.race.settings import Lane, RaceSettings
from pellucid.studio.exhibits.race.slices import Slice, runs
from pellucid.studio.exhibits.race.surfaces import Place
from pellucid.training.schedules import schedule

FIRST, FIRST_ON_SLICE = 150, 40
"""Steps that are run at once where a page opens, so that there is something to see; Reset goes back to step 0."""
_MOMENT = 0.01  # seconds of one piece of work
_CLASSIC = ("surface", "condition", "noise", "steps", "seed")
_SLICE = ("surface", "of", "run", "directions", "seed")
"""What decides what is raced on; noise is drawn for all steps of a race together."""
_FOR_ALL = ("start", "goal", "schedule", "steps", "batch")
"""What lets everyone run anew on the same ground."""
_PEAK = 0.3
"""Share of a one-cycle schedule that rises; the other schedules begin at their peak here."""


class Race(Engine[RaceSettings]):
    """All lanes on one ground, step by step together."""

    settings_class = RaceSettings
    pace: ClassVar[float] = 0.03

    def __init__(self, settings: RaceSettings, given: Given) -> None:
        self.runs = runs(given)
        self.laid_for: tuple[Any, ...] = ()
        super().__init__(settings, given)
        self.wanted = min(FIRST if self.settings.surface != "network" else FIRST_ON_SLICE, self.settings.steps)
        self._work()

    def reset(self) -> None:
        """Put everyone at the start."""
        self.wanted = 0
        self._lay()
        self._line_up()

    def change(self, settings: RaceSettings) -> None:
        """Take other settings; who runs otherwise runs anew, up to the step that all had come to.

        On another surface start, goal and learning rates are its usual ones, where they are not changed with it.
        """
        before, step = self.settings, self.wanted
        if settings.surface != before.surface:
            settings = _usual(settings, before)
        self.settings = settings
        is_other = self._lay()
        if is_other or any(getattr(settings, name) != getattr(before, name) for name in _FOR_ALL):
            self._line_up()
        else:
            self._exchange(before.lanes)
        self.wanted = min(step, settings.steps)
        self._work()

    def tend(self) -> float | None:
        """Go on for a moment with what the picture lacks."""
        if not self.is_behind and self.ground.is_whole:
            return None
        self._work()
        return 0.0

    def advance(self) -> bool:
        """Let everyone do as many steps as lie between two pictures, when all are there."""
        if self.is_behind:
            self._work()
            return True
        return self._go(self.settings.speed)

    def step(self) -> bool:
        """Let everyone do one step."""
        if not self.is_behind:
            return self._go(1)
        self.wanted = min(self.wanted + 1, self.settings.steps)
        self._work()
        return True

    @property
    def is_behind(self) -> bool:
        """Whether the ground is not laid yet, or somebody has to catch up with the others."""
        return not self.paths or self.at < self.wanted

    @property
    def at(self) -> int:
        """The step that all have come to."""
        return min((path.step for path in self.paths.values() if path.fate == "runs"), default=self.wanted)

    def frame(self) -> Frame:
        """Return the picture, every path, and how it stands with each."""
        ground = self.ground
        values: dict[str, Any] = {
            "step": self.at, "box": ground.box,
            "start": self.start, "minima": ground.minima, "other": ground.other, "least": ground.least,
            "goal": self.goal, "sharpness": self.sharpness,
            "lanes": [self._told(number) for number in range(len(self.settings.lanes))],
            "order": self.order(), "over": self.is_over, "tex": ground.tex, "runs": self.runs,
            "given": self.given.data is not None, "ground": self._ground_told(),
        }  # fmt: skip
        shown = [path for _, path in sorted(self.paths.items())]
        count = 1 + max((path.step for path in shown), default=0)
        arrays = {
            "field": ground.field,
            "places": np.array([path.places[:count] for path in shown]).reshape(len(shown), count, 2),
            "losses": np.array([path.losses[:count] for path in shown]).reshape(len(shown), count),
            "gradients": np.array([path.gradients[:count] for path in shown]).reshape(len(shown), count, 2),
            "way": np.zeros((0, 2)),
        }
        if isinstance(ground, Slice) and ground.way is not None:
            arrays["way"] = ground.way.places.numpy()
        return Frame(values, arrays)

    def sources(self) -> dict[str, str]:
        """Return the race as a program; of a slice it needs pellucid for the network and its plane."""
        while not self.paths:
            self._work()
        ground = self.ground
        of = ground.of if isinstance(ground, Slice) else ""
        rates = {number: path.rate for number, path in self.paths.items()}
        return {"pytorch": program(self.settings, ground, self.start, rates, str(self.given.runs), of)}

    def identity(self) -> dict[str, str]:
        """Return the hash of the user's data, where the slice is of their loss."""
        data = self.given.data
        is_theirs = self.settings.surface == "network" and self.settings.of in (None, "given")
        return {"data": data.source.sha256} if is_theirs and data is not None else {}

    def order(self) -> list[int]:
        """Return the lanes, the best first."""
        return ranked(self.paths)

    @property
    def is_over(self) -> bool:
        """Whether nobody has a step left."""
        paths = self.paths.values()
        return bool(paths) and all(path.fate != "runs" or path.step >= self.settings.steps for path in paths)

    @property
    def start(self) -> Place:
        """Where everyone begins."""
        return self.settings.start or self.ground.start

    @property
    def goal(self) -> float:
        """The loss at which one has arrived."""
        return self.ground.goal if self.settings.goal is None else self.settings.goal

    def _lay(self) -> bool:
        """Make what is raced on, where it is not there; return whether it is another."""
        settings = self.settings
        is_slice = settings.surface == "network"
        wanted = tuple(getattr(settings, name) for name in (_SLICE if is_slice else _CLASSIC))
        is_other = wanted != self.laid_for
        if is_other:
            self.ground: Ground = Slice(settings, self.given) if is_slice else Classic(settings)
            self.laid_for = wanted
        if isinstance(self.ground, Slice):
            self.ground.see(settings.batch)
        return is_other

    def _line_up(self) -> None:
        """Put the lanes that run at the start, if the ground is laid."""
        self.paths: dict[int, Path] = {}
        self.sharpness: float | None = None
        self.factors = schedule(
            Recipe(schedule=self.settings.schedule, warmup=_PEAK if self.settings.schedule == "one-cycle" else 0.0),
            self.settings.steps, 1,
        )  # fmt: skip
        if not self.ground.is_laid:
            return
        found = self.ground.curvature(self.start)
        self.sharpness = None if found is None else float(found.eigenvalues.max())
        self._exchange(())

    def _exchange(self, before: tuple[Lane, ...]) -> None:
        """Let those start who are new or set otherwise, and take those away who do not run any more."""
        if not self.ground.is_laid:
            return
        if not any(lane.on for lane in self.settings.lanes):
            raise RefusedError("nobody", control="lanes")
        kept = {number for number, lane in enumerate(self.settings.lanes) if before[number : number + 1] == (lane,)}
        self.paths = {
            number: self.paths[number] if number in kept and number in self.paths else self._path(lane)
            for number, lane in enumerate(self.settings.lanes) if lane.on
        }  # fmt: skip

    def _path(self, lane: Lane) -> Path:
        return Path(lane, self.ground, self.start, self.goal, self.settings.steps)

    def _work(self) -> None:
        """For a moment, lay the ground, let the lanes catch up, and fill the picture."""
        ends = time.monotonic() + _MOMENT
        while time.monotonic() < ends:
            if not self.ground.is_laid:
                if not self.ground.prepare():
                    self._line_up()
                continue
            is_filled = not self.ground.fill()
            if self.is_behind:
                self._catch_up()
            elif is_filled:
                return

    def _catch_up(self) -> None:
        behind = min((path for path in self.paths.values() if path.fate == "runs"), key=lambda path: path.step)
        behind.advance(self.factors(behind.step))

    def _go(self, count: int) -> bool:
        self.wanted = min(self.wanted + count, self.settings.steps)
        for path in self.paths.values():
            while path.fate == "runs" and path.step < self.wanted:
                path.advance(self.factors(path.step))
        return not self.is_over

    def _told(self, number: int) -> dict[str, Any]:
        """Return what the table shows of a lane."""
        lane, path = self.settings.lanes[number], self.paths.get(number)
        usual = USUAL_SQUARES.get(lane.rule)
        told: dict[str, Any] = {
            "has_momentum": lane.rule in WITH_MOMENTUM, "has_decay": lane.rule not in WITHOUT_DECAY,
            "squares": lane.squares if usual is not None and lane.squares is not None else usual,
            "rate": lane.rate or self._usual_rate(lane),
            "stable": stable_below(lane, self.sharpness), "row": None,
        }  # fmt: skip
        if path is None:
            return told
        x, y = path.places[path.step].tolist()
        away = [float(np.hypot(x - a, y - b)) for a, b in self.ground.minima]
        return told | {
            "row": sorted(self.paths).index(number), "rate": path.rate, "step": path.step, "fate": path.fate,
            "place": [finite(x), finite(y)], "loss": finite(path.losses[path.step]),
            "away": finite(min(away)) if away else None, "arrived": path.arrived, "evaluations": path.evaluations,
            "kind": self._kind(path),
        }  # fmt: skip

    def _usual_rate(self, lane: Lane) -> float | None:
        return usual_rate(lane.rule, self.ground.rate, self.ground.width) if self.ground.is_laid else None

    def _kind(self, path: Path) -> str | None:
        """Return what kind of point a lane ended in, when the race is over."""
        if not self.is_over or path.fate != "runs":
            return None
        if path.kind is None:
            found = self.ground.curvature((float(path.places[path.step, 0]), float(path.places[path.step, 1])))
            path.kind = "" if found is None else found.verdict.split(" (")[0]
        return path.kind

    def _ground_told(self) -> dict[str, Any] | None:
        ground = self.ground
        if not isinstance(ground, Slice):
            return None
        return {
            "of": "given" if ground.of == "data" else ground.of, "stage": ground.stage,
            "filled": float(1 - np.isnan(ground.field).mean()), "rows": ground.rows,
            "weights": ground.weights, "name": ground.name, "cosine": ground.cosine,
            "explained": None if ground.way is None else ground.way.explained,
        }  # fmt: skip


def _usual(settings: RaceSettings, before: RaceSettings) -> RaceSettings:
    """Return the settings with start, goal and rates left to the surface, where they are as they were."""
    update: dict[str, Any] = {
        name: None for name in ("start", "goal") if getattr(settings, name) == getattr(before, name)
    }
    if settings.lanes == before.lanes:
        update["lanes"] = tuple(lane.model_copy(update={"rate": None}) for lane in settings.lanes)
    return settings.model_copy(update=update)


ENGINE = Race
