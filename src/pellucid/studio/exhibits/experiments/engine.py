"""The field's claims: what is said, who says it, how it is measured, and what comes out when it is measured here."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from pellucid.errors import RunError
from pellucid.experiments import EXPERIMENTS
from pellucid.experiments.experiment import LEAST_SEEDS
from pellucid.studio.exhibit import Action, Engine, Frame, Given, RefusedError, Settings
from pellucid.studio.exhibits.experiments.process import Measurement
from pellucid.studio.exhibits.experiments.recorded import recorded, verdicts
from pellucid.studio.exhibits.experiments.wording import in_chinese, labels

NAMES = tuple(EXPERIMENTS)
TOPICS = tuple(dict.fromkeys(each.topic for each in EXPERIMENTS.values()))
MOST_SEEDS = 20
_LOOK = 0.3
"""Seconds between two looks whether a measurement is done."""
_CLAIMS = [{"name": each.name, "topic": each.topic, "seconds": each.seconds} for each in EXPERIMENTS.values()]


class ExperimentsSettings(Settings):
    """Which claim is looked at, and with which seeds it is measured."""

    seed: int = Field(0, ge=0, le=10**6)
    topic: Literal[("all", *TOPICS)] = "all"  # type: ignore[valid-type]
    name: Literal[NAMES] = "exclusive-or"  # type: ignore[valid-type]
    seeds: int = Field(LEAST_SEEDS, ge=LEAST_SEEDS, le=MOST_SEEDS)


class Run(Action):
    """Measure the claim that is looked at."""

    kind: Literal["run"]


class Stop(Action):
    """End the measurement; nothing is kept of it."""

    kind: Literal["stop"]


class Experiments(Engine[ExperimentsSettings]):
    """One claim at a time: what is recorded of it, and what has been measured here since the page was opened."""

    settings_class = ExperimentsSettings
    actions = (Run, Stop)
    plays: ClassVar[bool] = False

    def __init__(self, settings: ExperimentsSettings, given: Given) -> None:
        self.running: Measurement | None = None
        self.asked = _key(settings)
        super().__init__(settings, given)

    def reset(self) -> None:
        """Forget what was measured."""
        self._end()
        self.outcomes: dict[tuple[str, int, int], dict[str, Any]] = {}
        self.failure: dict[str, str] | None = None

    def change(self, settings: ExperimentsSettings) -> None:
        """Look at another claim; a measurement under way goes on."""
        self.settings = settings

    def act(self, action: Any) -> None:
        """Measure, or stop."""
        match action:
            case Run():
                self._begin()
            case Stop():
                self._end()

    def tend(self) -> float | None:
        """Look whether the measurement has come to its end."""
        if self.running is None:
            return None
        self._look(self.running)
        return _LOOK

    def frame(self) -> Frame:
        """Return the claims, and of the one that is looked at what is recorded and what was measured here."""
        experiment, outcome = EXPERIMENTS[self.settings.name], self.outcomes.get(_key(self.settings))
        kinds = {each["name"]: (each["share"], each["scale"]) for each in outcome["quantities"]} if outcome else {}
        remembered = recorded(self.settings.name, kinds)
        values = {
            "topics": TOPICS, "claims": _CLAIMS, "method": experiment.method,
            "sources": [source.strip() for source in experiment.source.split(";")],
            "seconds": experiment.seconds * self.settings.seeds / LEAST_SEEDS,
            "outcome": outcome, "recorded": remembered, "recorded_verdicts": verdicts(),
            "chinese": in_chinese(_texts(experiment.method, outcome, remembered)), "failure": self.failure,
            "verdicts": {name: each["verdict"] for (name, _, _), each in self.outcomes.items()},
            "running": None if self.running is None else {
                "name": self.asked[0], "elapsed": self.running.seconds, "starting": self.running.begun is None,
                "expected": EXPERIMENTS[self.asked[0]].seconds * self.asked[1] / LEAST_SEEDS,
            },
        }  # fmt: skip
        return Frame(values)

    def close(self) -> None:
        """End the measurement under way."""
        self._end()

    def sources(self) -> dict[str, str]:
        """Return a program that measures the same."""
        name, seeds, seed = _key(self.settings)
        return {
            "pytorch": f"from pellucid import experiments\n\noutcome = experiments.run({name!r}, seeds={seeds},"
            f" seed={seed})\nprint(outcome.verdict)\nfor check in outcome.result.checks:\n"
            "    print(check.holds, check.statement, check.evidence)\n"
        }

    def _begin(self) -> None:
        if self.running is not None:
            raise RefusedError("busy", control="run", name=self.asked[0])
        self.asked, self.failure = _key(self.settings), None
        self.running = Measurement(*self.asked)

    def _end(self) -> None:
        if self.running is not None:
            self.running.stop()
            self.running = None

    def _look(self, running: Measurement) -> None:
        try:
            outcome = running.outcome()
        except RunError as error:
            self.running = None
            self.failure = {"name": self.asked[0], "reason": error.received}
            return
        if outcome is not None:
            self.outcomes[self.asked] = outcome
            self.running = None


def _texts(method: str, *outcomes: dict[str, Any] | None) -> list[str]:
    """Return all that the page shows of a claim, as the experiment says it: its sentences, and its drawings' labels."""
    said = [method]
    for outcome in outcomes:
        if outcome is not None:
            said += [check["statement"] for check in outcome["checks"]]
            said += [*outcome["notes"], *(quantity["name"] for quantity in outcome["quantities"])]
            said += [label for drawn in outcome["figures"] for label in labels(drawn.get("svg", ""))]
    return said


def _key(settings: ExperimentsSettings) -> tuple[str, int, int]:
    return settings.name, settings.seeds, settings.seed


ENGINE = Experiments
