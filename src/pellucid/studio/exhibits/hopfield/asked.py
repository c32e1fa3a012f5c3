"""What the page may set and ask of the Hopfield exhibit."""

from typing import Annotated, Literal

from pydantic import Field

from pellucid.studio.exhibit import Action, Settings
from pellucid.studio.exhibits.hopfield.pictures import PRESETS, SIDE, UNITS

MOST = 16
HIDDEN = ("hide_left", "hide_right", "hide_top", "hide_bottom")
Pattern = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{UNITS // 4}}}$")]
State = Annotated[str, Field(pattern=rf"^[-+0]{{{UNITS}}}$")]


class HopfieldSettings(Settings):
    """What is stored and how, what recall begins with, and how units are updated."""

    preset: Literal[PRESETS] = "letters"  # type: ignore[valid-type]
    count: int = Field(3, ge=1, le=MOST)
    own: tuple[Pattern, ...] = Field((), max_length=MOST)
    memory: Literal["hebbian", "pseudo-inverse", "modern"] = "hebbian"
    beta: float = Field(0.25, ge=0.01, le=4.0)
    cue: int = Field(0, ge=0, lt=MOST)
    damage: Literal["flip", "hide_left", "hide_right", "hide_top", "hide_bottom"] = "flip"
    share: float = Field(0.2, ge=0.0, le=0.5)
    drawn: State | None = None
    update: Literal["asynchronous", "synchronous"] = "asynchronous"


class Paint(Action):
    """Another value in one cell of the state; recall begins anew from there."""

    kind: Literal["paint"]
    cell: int = Field(ge=0, lt=SIDE * SIDE)
    value: Literal[-1, 1]


class Clear(Action):
    """An empty grid to draw on."""

    kind: Literal["clear"]


class Keep(Action):
    """Store the state as one more pattern."""

    kind: Literal["keep"]


class Forget(Action):
    """Store all patterns but one."""

    kind: Literal["forget"]
    index: int = Field(ge=0, lt=MOST)
