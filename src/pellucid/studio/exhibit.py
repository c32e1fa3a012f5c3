"""What an exhibit is: an engine that computes, driven by a page that it knows nothing of.

An exhibit is a folder `exhibits/NAME/` with `engine.py`, whose constant `ENGINE` is a class derived from `Engine`, with
`view.js`, and with `strings.json`. An engine has no mathematics of its own: it calls the rooms above. It is made, asked
and dropped in one thread, never touches sockets or threads, and knows no HTML and no language. docs/studio.md tells how
to write one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from torch import nn

from pellucid.data import Dataset
from pellucid.errors import OptionError


class Message(BaseModel):
    """Anything a page may say: unknown fields, other types and numbers that are not finite are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Settings(Message):
    """The whole state that an address can hold: every field has a default, and one of them is the seed.

    Bounds stand in the fields (`Field(ge=1, le=8)`), what binds several fields together in a `model_validator`.
    """

    seed: int = 0


class Action(Message):
    """What a page may ask of an engine beside changing settings: `kind: Literal["..."]` tells it from its siblings."""

    kind: Any


@dataclass(frozen=True)
class Frame:
    """What a page draws.

    Attributes:
        values: whatever JSON can hold; numbers that are not finite reach the page as null.
        arrays: by name; they travel as bytes, float64 as Float64Array, bool as Uint8Array, int64 as Float64Array.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What the studio was opened with.

    Attributes:
        model: the user's network.
        data: the user's data.
        runs: the folder that holds the run folders.
    """

    model: nn.Module | None = None
    data: Dataset | None = None
    runs: Path = Path("runs")


class RefusedError(OptionError):
    """A mistake of the user's that the exhibit's own strings explain, in the language of the page.

    Args:
        key: of the sentence: `refusal.KEY` in strings.json.
        control: the setting beside which it is shown; without it, the one that was changed.
        values: what stands in the sentence's braces.
    """

    def __init__(self, key: str, *, control: str = "", **values: Any) -> None:
        super().__init__(f"{key}: " + ", ".join(f"{name} {value}" for name, value in values.items()))
        self.key, self.control, self.values = key, control, values


SettingsT = TypeVar("SettingsT", bound=Settings)


class Engine(ABC, Generic[SettingsT]):
    """One visitor's exhibit: settings, and what has become of them since the last reset.

    Attributes:
        settings_class: the model that settings from an address are checked by.
        actions: the models of what the page may ask, told apart by `kind`.
        pace: seconds between two steps while it plays; 0 is as fast as it can.
        plays: whether there is anything to play; without it the page shows no transport bar.
        settings: as they are now; replaced whole, by `change` or by the engine itself, and then sent to the page.
        given: what the studio was opened with.
    """

    settings_class: ClassVar[type[Settings]]
    actions: ClassVar[tuple[type[Action], ...]] = ()
    pace: ClassVar[float] = 0.0
    plays: ClassVar[bool] = True

    def __init__(self, settings: SettingsT, given: Given) -> None:
        self.settings, self.given = settings, given
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Begin anew from `self.settings`: the same settings give the same state, to the bit.

        Raises:
            PellucidError: settings that cannot be; the page shows why and keeps those that it had.
        """

    @abstractmethod
    def frame(self) -> Frame:
        """Return what is to be drawn now; it changes nothing, and is called only when the page can take it."""

    def change(self, settings: SettingsT) -> None:
        """Take other settings; those that need no new beginning may be taken without one.

        Raises:
            PellucidError: as `reset`; the engine is then given its former settings again.
        """
        self.settings = settings
        self.reset()

    def advance(self) -> bool:
        """Do a small piece of work, at most some 10 ms; return False when there is nothing left to do."""
        return False

    def step(self) -> bool:
        """Do what a reader calls one step; return False when there is nothing left to do."""
        return self.advance()

    def slow_step(self) -> bool:
        """Do what Slow does at each of its beats; return False when there is nothing left to do."""
        return self.step()

    def tend(self) -> float | None:
        """Do a small piece of what goes on by itself, playing or not, such as a measurement or what others train.

        It is called at first, and again after whatever the page asks.

        Returns:
            The seconds until it is called again; None when there was nothing to do.
        """
        return None

    def act(self, action: Any) -> None:
        """Do what the page asks: one of `actions`.

        Raises:
            PellucidError: what cannot be done.
        """
        raise NotImplementedError(f"{type(self).__name__} declares {action.kind!r} and does not do it")

    def sources(self) -> dict[str, str]:
        """Return the exhibit written otherwise: under `pytorch` as a program, under `arrows` as a network."""
        return {}

    def identity(self) -> dict[str, str]:
        """Return what a shared state depends on beside its settings, such as the hash of the user's data."""
        return {}

    def close(self) -> None:
        """End what would go on without the page, such as a process; called once, when the page has gone."""


def finite(value: float) -> float | None:
    """Return a number for a frame's values, None where it is not finite.

    >>> finite(1.5), finite(float("nan"))
    (1.5, None)
    """
    return float(value) if np.isfinite(value) else None
