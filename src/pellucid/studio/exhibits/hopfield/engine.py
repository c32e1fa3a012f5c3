"""A Hopfield network stores pictures; a damaged one falls down the energy, unit by unit, into the nearest valley.

Shape letters: P patterns, N units, T updates and the beginning, L loads.
"""

import time
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from pellucid.blocks import Hopfield, HopfieldModern
from pellucid.networks import parse
from pellucid.seed import generator
from pellucid.studio.exhibit import Engine, Frame, Given, RefusedError
from pellucid.studio.exhibits.hopfield import pictures
from pellucid.studio.exhibits.hopfield.asked import (
    HIDDEN,
    MOST,
    Clear,
    Forget,
    HopfieldSettings,
    Keep,
    Paint,
)  # fmt: skip
from pellucid.studio.exhibits.hopfield.capacity import COUNTS, NETWORKS, Capacity
from pellucid.studio.exhibits.hopfield.pictures import SIDE, UNITS
from pellucid.studio.exhibits.hopfield.program import program

_PIECE = 0.008  # seconds that a measurement goes on for before it lets others work
MOST_SWEEPS = 20
"""Of all units; in a cycle of two states recall would never end."""


class Memory(Engine[HopfieldSettings]):
    """Patterns, the network that stores them, and a state on its way."""

    settings_class = HopfieldSettings
    actions = (Paint, Clear, Keep, Forget)
    pace: ClassVar[float] = 0.04

    def __init__(self, settings: HopfieldSettings, given: Given) -> None:
        self.capacity = _capacity(settings)
        super().__init__(settings, given)

    def reset(self) -> None:
        """Store the patterns and damage the cue."""
        self.texts, self.names = self._texts()
        self.patterns_PN = torch.stack([pictures.read(text) for text in self.texts])
        self.network = self._stored()
        self.cue = min(self.settings.cue, len(self.texts) - 1)
        self.state_N = self._cue()
        self.order = generator(self.settings.seed, "order")
        self.waiting: list[int] = []
        self.unit, self.flips, self.sweeps = -1, 0, 0
        self.energies, self.overlaps = [self._energy()], [self._overlaps()]
        self.rests = False

    def change(self, settings: HopfieldSettings) -> None:
        """Begin anew; other patterns start at their first, another cue or damage takes the place of a drawing."""
        before = self.settings
        if settings.drawn == before.drawn and _cue_of(settings) != _cue_of(before):
            settings = settings.model_copy(update={"drawn": None})
        if (settings.preset, settings.seed) != (before.preset, before.seed):
            settings = settings.model_copy(update={"cue": 0})
        if _measured_by(settings) != _measured_by(before):
            self.capacity = _capacity(settings)
        self.settings = settings
        self.reset()

    def advance(self) -> bool:
        """Update one unit in its random turn, or all at once; end where no unit would change any more."""
        if self.rests or self.sweeps >= MOST_SWEEPS:
            return False
        before_N = self.state_N
        if isinstance(self.network, HopfieldModern):
            self.state_N = self.network(before_N[None])[0]
        else:
            self.state_N = self.network.updated(before_N[None], self._turn())[0]
        self.sweeps += not self.waiting
        self.flips += int((before_N.sign() != self.state_N.sign()).sum())
        self.energies.append(self._energy())
        self.overlaps.append(self._overlaps())
        self.rests = self._rests(before_N)
        return not self.rests and self.sweeps < MOST_SWEEPS

    def step(self) -> bool:
        """Go on to the next unit that changes; updates that change nothing are passed over."""
        before = self.flips
        while self.advance() and self.flips == before:
            pass
        return not self.rests and self.sweeps < MOST_SWEEPS

    def act(self, action: Any) -> None:
        """Draw, store or forget."""
        match action:
            case Paint():
                self.state_N[action.cell] = action.value
                self._draw(pictures.written_state(self.state_N))
            case Clear():
                self._draw("-" * UNITS)
            case Keep():
                self._keep()
            case Forget():
                self._forget(action.index)

    def tend(self) -> float | None:
        """Measure for a moment how much the memories hold."""
        if self.capacity.is_done:
            return None
        until = time.monotonic() + _PIECE
        while time.monotonic() < until and not self.capacity.is_done:
            self.capacity.go_on()
        return 0.0

    def frame(self) -> Frame:
        """Return the patterns, the network, the state and its way."""
        kind, named = self._named()
        values = {
            "names": self.names, "cue": self.cue, "unit": self.unit, "flips": self.flips, "sweeps": self.sweeps,
            "updates": len(self.energies) - 1, "rests": self.rests, "stopped": self.sweeps >= MOST_SWEEPS,
            "energy": self.energies[-1], "kind": kind, "named": named, "own": self.settings.preset == "own",
            "drawn": self.settings.drawn is not None, "networks": NETWORKS,
            "measured": self.capacity.is_done, "counts": COUNTS, "errors": self.capacity.errors,
            "wrong": int((self.state_N.sign() != self.patterns_PN[self.cue]).sum()),
        }  # fmt: skip
        arrays = {
            "patterns": self.patterns_PN.to(torch.int8).reshape(-1, SIDE, SIDE),
            "state": self.state_N.reshape(SIDE, SIDE),
            "energies": torch.tensor(self.energies, dtype=torch.float64),
            "overlaps": torch.stack(self.overlaps),
        }
        if isinstance(self.network, Hopfield):
            arrays |= {"weights": self.network.weight, "fields": self.network.fields(self.state_N[None])[0]}
        else:
            arrays["shares"] = self.network.shares(self.state_N[None])[0]
        return Frame(values, {name: np.asarray(array) for name, array in arrays.items()})

    def sources(self) -> dict[str, str]:
        """Return the network in arrows, and a program that stores these patterns and recalls this cue."""
        settings = self.settings
        word = f"hopfield({len(self.texts)}, storage={settings.memory}, update={settings.update})"
        if settings.memory == "modern":
            word = f"modernhopfield({len(self.texts)}, beta={settings.beta:g}, updates={MOST_SWEEPS})"
        rows = [pattern.int().tolist() for pattern in self.patterns_PN]
        return {
            "arrows": str(parse(f"{SIDE}x{SIDE}x1 -> {word}")),
            "pytorch": program(settings, rows, self._cue().int().tolist()),
        }

    def _texts(self) -> tuple[list[str], list[str]]:
        settings = self.settings
        if settings.preset == "own" and settings.own:
            return list(settings.own), [str(number + 1) for number in range(len(settings.own))]
        return pictures.chosen(
            "letters" if settings.preset == "own" else settings.preset, settings.count, settings.seed
        )

    def _stored(self) -> Hopfield | HopfieldModern:
        settings = self.settings
        made: Hopfield | HopfieldModern
        if settings.memory == "modern":
            made = HopfieldModern(UNITS, len(self.texts), beta=settings.beta)
        else:
            made = Hopfield(UNITS, len(self.texts), settings.memory, settings.update)
        made.store(self.patterns_PN)
        return made

    def _cue(self) -> Tensor:
        """Return where recall begins: what was drawn, or a pattern of which something is flipped or not known."""
        settings = self.settings
        if settings.drawn is not None:
            return pictures.read_state(settings.drawn)
        state_N = self.patterns_PN[self.cue].clone()
        if settings.damage in HIDDEN:
            state = state_N.reshape(SIDE, SIDE)
            half = slice(None, SIDE // 2) if settings.damage in ("hide_left", "hide_top") else slice(SIDE // 2, None)
            state[(half, slice(None)) if settings.damage in ("hide_top", "hide_bottom") else (slice(None), half)] = 0
            return state_N
        flipped = torch.randperm(UNITS, generator=generator(settings.seed, "damage", self.cue))
        state_N[flipped[: round(settings.share * UNITS)]] *= -1
        return state_N

    def _alone(self) -> bool:
        return self.settings.memory != "modern" and self.settings.update == "asynchronous"

    def _turn(self) -> Tensor | None:
        """Return whose turn it is: one unit of a random order of all, or None for all at once."""
        if not self._alone():
            return None
        if not self.waiting:
            self.waiting = torch.randperm(UNITS, generator=self.order).tolist()
        self.unit = self.waiting.pop(0)
        return torch.tensor([self.unit])

    def _rests(self, before_N: Tensor) -> bool:
        if isinstance(self.network, HopfieldModern):
            return bool(torch.allclose(before_N, self.state_N, rtol=0, atol=1e-4))
        return bool(torch.equal(self.network.updated(self.state_N[None])[0], self.state_N))

    def _energy(self) -> float:
        return float(self.network.energy(self.state_N[None])[0])

    def _overlaps(self) -> Tensor:
        return self.network.overlaps(self.state_N[None])[0]

    def _named(self) -> tuple[str, list[int]]:
        """Return what the state is, and of which patterns: one, or the three of a mixture."""
        kinds, nearest, _ = self.network.recognise(self.state_N[None])
        kind = self.network.KINDS[int(kinds[0])]
        if kind != "mixture":
            return kind, [int(nearest[0])]
        shown = self._overlaps().abs()
        return kind, shown.topk(min(3, len(shown))).indices.tolist()

    def _draw(self, drawn: str) -> None:
        self.settings = self.settings.model_copy(update={"drawn": drawn})
        self.reset()

    def _keep(self) -> None:
        if len(self.texts) >= MOST:
            raise RefusedError("full", control="keep", most=MOST)
        if not self.state_N.all():
            raise RefusedError("unknown", control="keep")
        self._own([*self.texts, pictures.written(self.state_N)], len(self.texts))

    def _forget(self, index: int) -> None:
        if len(self.texts) == 1:
            raise RefusedError("last", control="forget")
        if index < len(self.texts):
            self._own([text for at, text in enumerate(self.texts) if at != index], 0)

    def _own(self, texts: list[str], cue: int) -> None:
        changed = {"preset": "own", "own": tuple(texts), "count": len(texts), "cue": cue, "drawn": None}
        self.settings = self.settings.model_copy(update=changed)
        self.reset()


def _measured_by(settings: HopfieldSettings) -> tuple[float, float, int]:
    return settings.share, settings.beta, settings.seed


def _capacity(settings: HopfieldSettings) -> Capacity:
    return Capacity(UNITS, *_measured_by(settings))


def _cue_of(settings: HopfieldSettings) -> tuple[object, ...]:
    return settings.preset, settings.cue, settings.damage, settings.share, settings.seed


ENGINE = Memory
