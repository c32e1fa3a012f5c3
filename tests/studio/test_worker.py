"""The thread behind a page: settings, mistakes, faults, pace, and that the same seed gives the same frames."""

import json
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import Field

from pellucid.seed import seed_torch
from pellucid.studio import worker as workers
from pellucid.studio.catalogue import Entry
from pellucid.studio.exhibit import Action, Engine, Frame, Given, RefusedError, Settings
from pellucid.studio.messages import Acknowledge, Act, Pace, Set, Show, Transport
from pellucid.studio.worker import Worker
from tests.studio.test_channel import decoded

CLOSED: list[Engine[Any]] = []
"""Engines whose page has gone."""


class WalkSettings(Settings):
    far: int = Field(1, ge=0, le=9)
    name: str = Field("walk", max_length=8)


class Leap(Action):
    kind: Literal["leap"]
    by: int


class Break(Action):
    kind: Literal["break"]


class Wander(Action):
    kind: Literal["wander"]
    steps: int


class Walk(Engine[WalkSettings]):
    """A random walk that uses torch's own stream, as an engine should not but some layers must."""

    settings_class = WalkSettings
    actions = (Leap, Break, Wander)
    pace: ClassVar[float] = 0.0

    def reset(self) -> None:
        if self.settings.far == 7:
            raise RefusedError("unlucky", far=7)
        seed_torch(self.settings.seed, "walk")
        self.path = [0.0]
        self.left = 0

    def advance(self) -> bool:
        seed_torch(self.settings.seed, "walk", len(self.path))
        self.path.append(self.path[-1] + self.settings.far * float(torch.randn(())))
        return len(self.path) < 500

    def act(self, action: Any) -> None:
        if isinstance(action, Break):
            raise ZeroDivisionError
        if isinstance(action, Wander):
            self.left = action.steps
            return
        self.path.append(self.path[-1] + action.by)

    def tend(self) -> float | None:
        if not self.left:
            return None
        if self.left < 0:
            raise RefusedError("backwards")
        self.left -= 1
        self.path += [1.0]
        return 0.0

    def step(self) -> bool:
        self.path += [100.0]
        return True

    def slow_step(self) -> bool:
        return self.advance() and self.advance()

    def close(self) -> None:
        CLOSED.append(self)

    def frame(self) -> Frame:
        return Frame({"steps": len(self.path) - 1}, {"path": np.array(self.path)})

    def sources(self) -> dict[str, str]:
        return {"pytorch": "import torch"}


@dataclass(frozen=True)
class WalkEntry(Entry):
    def engine(self) -> type[Engine[Any]]:
        return Walk


class Visitor:
    """A page in miniature: hears what a worker sends, and acknowledges frames."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        self.heard: queue.Queue[str | bytes] = queue.Queue()
        self.worker = Worker(WalkEntry("walk", {}), settings, Given(), self.heard.put)
        self.worker.start()

    def told(self, kind: str) -> dict[str, Any]:
        while True:
            message = self.next()
            if isinstance(message, str) and json.loads(message)["type"] == kind:
                return dict(json.loads(message))

    def frame(self, steps: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the next frame, or the first with so many steps."""
        while True:
            message = self.next()
            if isinstance(message, bytes):
                header, arrays = decoded(message)
                if steps in (None, header["values"]["steps"]):
                    return header, arrays

    def next(self) -> str | bytes:
        message = self.heard.get(timeout=10)
        if isinstance(message, bytes):
            self.worker.ask(Acknowledge(type="ack", frame=decoded(message)[0]["number"]))
        return message


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    made = Visitor()
    yield made
    made.worker.ask(None)
    made.worker.join(5)
    assert not made.worker.is_alive()
    assert CLOSED.pop() is made.worker.engine


def test_it_begins_with_its_settings_and_a_frame(visitor: Visitor) -> None:
    assert visitor.told("ready")["plays"] is True
    assert visitor.told("settings")["settings"] == {"seed": 0, "far": 1, "name": "walk"}
    assert visitor.frame()[0]["values"] == {"steps": 0}


def test_playing_ends_where_nothing_is_left(visitor: Visitor) -> None:
    visitor.worker.ask(Transport(type="transport", do="play"))
    header, arrays = visitor.frame(499)
    assert header["playing"] is False
    assert len(arrays["path"]) == 500


def test_two_pages_with_one_seed_see_the_same_though_they_run_at_once() -> None:
    pages = [Visitor({"seed": 3}) for _ in range(3)]
    for page in pages:
        page.worker.ask(Transport(type="transport", do="play"))
    paths = [page.frame(499)[1]["path"] for page in pages]
    for page in pages:
        page.worker.ask(None)
    np.testing.assert_array_equal(paths[0], paths[1])
    np.testing.assert_array_equal(paths[0], paths[2])


def test_a_refused_change_leaves_what_was(visitor: Visitor) -> None:
    visitor.worker.ask(Set(type="set", changes={"far": 7}))
    told = visitor.told("refused")
    assert (told["control"], told["key"], told["values"]) == ("far", "unlucky", {"far": 7})
    assert visitor.told("settings")["settings"]["far"] == 1


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"far": 10}, "less_than_equal"),
        ({"far": "2"}, "int_type"),
        ({"name": "x" * 9}, "string_too_long"),
        ({"no": 1}, "extra_forbidden"),
    ],
)
def test_settings_that_cannot_be_are_told_beside_their_control(
    visitor: Visitor, changes: dict[str, Any], key: str
) -> None:
    visitor.worker.ask(Set(type="set", changes=changes))
    told = visitor.told("refused")
    assert (told["control"], told["key"]) == (next(iter(changes)), key)


def test_settings_of_an_address_that_do_not_fit_give_way_to_the_defaults() -> None:
    page = Visitor({"far": 99})
    assert page.told("refused")["control"] == "far"
    assert page.told("settings")["settings"]["far"] == 1
    page.worker.ask(None)


def test_a_fault_is_told_calmly_and_the_engine_goes_on(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    visitor.worker.ask(Act(type="act", action={"kind": "break"}))
    visitor.told("failed")
    assert "the exhibit walk failed" in caplog.text
    visitor.worker.ask(Act(type="act", action={"kind": "leap", "by": 5}))
    assert visitor.frame(1)[1]["path"].tolist() == [0.0, 5.0]


@pytest.mark.parametrize("action", [{"kind": "fly"}, {"kind": "leap"}, {"kind": "leap", "by": 1, "more": 2}, {}])
def test_an_action_that_is_none_is_refused(visitor: Visitor, action: dict[str, Any]) -> None:
    visitor.worker.ask(Act(type="act", action=action))
    assert visitor.told("refused")


def test_a_page_that_paints_nothing_gets_two_frames(visitor: Visitor) -> None:
    time.sleep(0.1)
    silent = visitor.heard
    visitor.worker.ask(Transport(type="transport", do="play"))
    time.sleep(0.4)
    frames = [message for message in list(silent.queue) if isinstance(message, bytes)]
    assert len(frames) == 2
    # what it sees once it paints again is the newest, not what it has missed
    assert visitor.frame(499)


def test_slow_is_slow(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SLOW", 0.1)
    visitor.worker.ask(Pace(type="pace", slow=True))
    visitor.worker.ask(Transport(type="transport", do="play"))
    begun = time.monotonic()
    visitor.frame(8)  # two at each beat
    assert time.monotonic() - begun > 0.25


def test_what_goes_on_by_itself_is_tended_to_its_end_without_play(visitor: Visitor) -> None:
    visitor.worker.ask(Act(type="act", action={"kind": "wander", "steps": 30}))
    header, _ = visitor.frame(30)
    assert not header["playing"]
    visitor.worker.ask(Act(type="act", action={"kind": "wander", "steps": -1}))
    assert visitor.told("refused")["key"] == "backwards"
    time.sleep(0.1)  # and is not tried again by itself
    assert not [message for message in list(visitor.heard.queue) if isinstance(message, str)]
    visitor.worker.ask(Act(type="act", action={"kind": "wander", "steps": 2}))
    visitor.frame(32)


def test_step_reset_and_sources(visitor: Visitor) -> None:
    visitor.worker.ask(Transport(type="transport", do="step"))
    first = visitor.frame(1)[1]["path"]
    visitor.worker.ask(Transport(type="transport", do="reset"))
    visitor.frame(0)
    visitor.worker.ask(Transport(type="transport", do="step"))
    np.testing.assert_array_equal(visitor.frame(1)[1]["path"], first)
    visitor.worker.ask(Show(type="show"))
    assert visitor.told("sources")["sources"] == {"pytorch": "import torch"}
