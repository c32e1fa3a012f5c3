"""The thread in which one page's engine lives: it alone makes, asks and drops the engine.

Whatever happens in an engine, the server goes on: a mistake of the user's is told beside the control that made it,
anything else is told calmly and logged, and the page may reset.
"""

import functools
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from pellucid.errors import DataError, DivergedError, NotationError, OptionError, PellucidError, RunError
from pellucid.studio.catalogue import Entry
from pellucid.studio.channel import LatestFrame, encode
from pellucid.studio.exhibit import Action, Engine, Given, RefusedError, Settings
from pellucid.studio.messages import Acknowledge, Act, Pace, Request, Set, Show, Transport, told
from pellucid.training import threads

SLOW = 0.7
"""Seconds between two steps of Slow."""
BURST = 0.012
"""Seconds of work between two looks at what the page says."""

_log = logging.getLogger("pellucid.studio")
_torch = threading.Lock()
"""torch's random streams and thread count are the whole process's: one engine computes at a time, for moments."""


class Worker(threading.Thread):
    """One page's engine.

    Args:
        exhibit: whose engine is made.
        settings: as the page's address has them; None for the defaults.
        given: what the studio was opened with.
        send: takes a message, text or bytes, from this thread.
    """

    def __init__(
        self,
        exhibit: Entry,
        settings: Mapping[str, Any] | None,
        given: Given,
        send: Callable[[str | bytes], None],
    ) -> None:
        super().__init__(name="studio-engine", daemon=True)
        self.exhibit, self.asked, self.given, self.send = exhibit, settings, given, send
        self.requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self.slot = LatestFrame()
        self.engine: Engine[Any] | None = None
        self.told_settings: Settings | None = None
        self.playing = self.slow = False
        self.fresh = True  # whether there is something the page has not seen
        self.due = 0.0
        self.tended: float | None = 0.0  # when the engine is tended next; None: when a page asked something

    def ask(self, request: Request | None) -> None:
        """Hand over a message of the page; None ends the thread."""
        self.requests.put(request)

    def run(self) -> None:
        """Serve until told to end."""
        self._guarded("", self._begin)
        while True:
            for request in self._waiting():
                if request is None:
                    self._guarded("", self._end)
                    return
                self._guarded(_control_of(request), functools.partial(self._serve, request))
            self._guarded("", self._work)
            self._guarded("", self._tend)
            self._guarded("", self._show)

    def _waiting(self) -> list[Request | None]:
        """Return the messages that have come; wait for one when there is nothing else to do."""
        wait = self._rest()
        found: list[Request | None] = []
        try:
            found.append(self.requests.get(timeout=wait) if wait is None or wait > 0 else self.requests.get_nowait())
            while True:
                found.append(self.requests.get_nowait())
        except queue.Empty:
            return found

    def _rest(self) -> float | None:
        if self.fresh and self.slot.is_open and self.engine is not None:
            return 0.0
        due = [each for each in (self.due if self.playing else None, self.tended) if each is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _begin(self) -> None:
        """Make the engine from the address's settings, or from the defaults where these do not fit."""
        engine_class = self.exhibit.engine()
        if self.asked is not None:
            try:
                self.engine = engine_class(_checked(engine_class, self.asked), self.given)
            except (PellucidError, ValidationError) as error:
                self._refuse("", error)
        if self.engine is None:
            self.engine = engine_class(engine_class.settings_class(), self.given)
        self.send(told("ready", plays=self.engine.plays, identity=self.engine.identity()))

    def _end(self) -> None:
        if self.engine is not None:
            self.engine.close()

    def _serve(self, request: Request) -> None:
        match request:
            case Acknowledge():
                self.slot.acknowledge(request.frame)
                return
            case Pace():
                self.slow = request.slow
                self.due = 0.0
                return
        engine = self.engine
        if engine is None:
            return
        self.tended = 0.0
        match request:
            case Set():
                self._change(engine, request.changes)
            case Act():
                engine.act(_action(engine, request.action))
            case Show():
                self.send(told("sources", sources=engine.sources()))
            case Transport():
                self._transport(engine, request.do)
        self.fresh = True

    def _change(self, engine: Engine[Any], changes: Mapping[str, Any]) -> None:
        before = engine.settings
        settings = _checked(type(engine), before.model_dump(mode="json") | dict(changes))
        try:
            engine.change(settings)
        except PellucidError:
            engine.change(before)
            self.told_settings = None  # the page's control goes back, too
            raise

    def _transport(self, engine: Engine[Any], do: str) -> None:
        match do:
            case "play":
                self.playing, self.due = True, 0.0
            case "pause":
                self.playing = False
            case "step":
                self.playing = False
                engine.step()
            case "reset":
                self.playing = False
                engine.reset()

    def _work(self) -> None:
        """Play: one step when it is due, or as much as fits between two looks at the page."""
        now = time.monotonic()
        if not self.playing or self.engine is None or now < self.due:
            return
        self.fresh = True
        pace = max(SLOW, self.engine.pace) if self.slow else self.engine.pace
        if pace:
            self.due = now + pace
            self.playing = self.engine.slow_step() if self.slow else self.engine.advance()
            return
        while self.playing and time.monotonic() - now < BURST:
            self.playing = self.engine.advance()

    def _tend(self) -> None:
        """Let the engine go on with what goes on by itself, when that is due."""
        if self.engine is None or self.tended is None or time.monotonic() < self.tended:
            return
        self.tended = None  # what fails is not tried again
        if (wait := self.engine.tend()) is not None:
            self.tended, self.fresh = time.monotonic() + wait, True

    def _show(self) -> None:
        engine = self.engine
        if engine is None or not self.fresh:
            return
        if engine.settings is not self.told_settings:
            self.told_settings = engine.settings
            self.send(told("settings", settings=engine.settings.model_dump(mode="json")))
        if self.slot.is_open:
            self.fresh = False
            self.slot.put(lambda number: encode(engine.frame(), number, playing=self.playing), self.send)

    def _guarded(self, control: str, work: Callable[[], None]) -> None:
        """Do something with the engine, and tell what comes of it instead of dying."""
        try:
            with _torch, threads(1):
                work()
        except (PellucidError, ValidationError) as error:
            self.playing, self.fresh = False, True
            self._refuse(control, error)
        except Exception:  # noqa: BLE001 - whatever an engine does, the server and its other pages go on
            _log.exception("the exhibit %s failed", self.exhibit.name)
            self.playing = self.fresh = False
            self.send(told("failed"))

    def _refuse(self, control: str, error: PellucidError | ValidationError) -> None:
        self.send(told("refused", **refusal(control, error)))


def refusal(control: str, error: PellucidError | ValidationError) -> dict[str, Any]:
    """Return what the page shows of a mistake: beside which control, and what was expected and received."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, PellucidError):
            return refusal(control, cause)
        bounds = {name: value for name, value in first.get("ctx", {}).items() if isinstance(value, int | float | str)}
        control = str(first["loc"][0]) if first["loc"] else control
        told_key = {"key": first["type"], "values": bounds}
        return {"control": control, "kind": "option", **told_key, "message": first["msg"], "expected": "", "advice": ""}
    told_key = {"key": "", "values": {}}
    if isinstance(error, RefusedError):
        control = error.control or control
        told_key = {"key": error.key, "values": error.values}
    words = {"message": error.message, "expected": error.expected, "advice": error.advice}
    return {"control": control, "kind": _kind_of(error), **told_key, **words}


def _kind_of(error: PellucidError) -> str:
    """Return what sort of mistake the page calls it, in the reader's language."""
    kinds = {NotationError: "notation", DataError: "data", OptionError: "option", DivergedError: "diverged",
             RunError: "run"}  # fmt: skip
    return next((kind for each, kind in kinds.items() if isinstance(error, each)), "other")


def _action(engine: Engine[Any], values: Mapping[str, Any]) -> Action:
    """Return the action that a page asks for, checked by the model of its kind.

    Raises:
        OptionError: the engine has none of that kind.
    """
    kinds = {kind: each for each in engine.actions for kind in get_args(each.model_fields["kind"].annotation)}
    asked = values.get("kind")
    if not isinstance(asked, str) or asked not in kinds:
        raise OptionError("this exhibit has no such action", expected=", ".join(kinds), received=repr(asked)[:100])
    return kinds[asked].model_validate_json(_json(values))


def _checked(engine_class: type[Engine[Any]], values: Mapping[str, Any]) -> Settings:
    # read as JSON, as they came: strictness then takes a list for a tuple and nothing else for anything else
    return engine_class.settings_class.model_validate_json(_json(values))


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values))


def _control_of(request: Request | None) -> str:
    match request:
        case Set():
            return next(iter(request.changes), "")
        case Act():
            return str(request.action.get("kind", ""))
    return ""
