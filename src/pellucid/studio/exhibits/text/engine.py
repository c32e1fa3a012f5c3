"""RNN, LSTM and GRU learn the same text side by side; one of them goes on with a prompt."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from pellucid.data import Dataset, Source, load
from pellucid.data.texts.text import TextPreprocessing, from_text
from pellucid.networks.through_time import reach_within
from pellucid.recipe import DataOptions
from pellucid.studio.exhibit import Engine, Frame, RefusedError, Settings, finite
from pellucid.studio.exhibits.text.learner import EVERY, KINDS, Learner
from pellucid.studio.exhibits.text.program import program
from pellucid.studio.exhibits.text.reading import Reading, read
from pellucid.studio.exhibits.text.settings import LOOKED_AT, TextSettings

FIRST_STEPS = 25
"""Steps that each network has taken when the page is first seen."""
LOOK = 20
"""Steps between two looks at what the networks have learned; the looks are spread over the steps between."""
DISTANCE = 48
"""How far back the gradient is followed, in characters."""
_SAMPLES = 8
_MOST = 200_000


class RecurrentText(Engine[TextSettings]):
    """One round is one step of each network on its batch, which is the same for all."""

    settings_class: ClassVar[type[Settings]] = TextSettings
    reading: Reading

    def reset(self) -> None:
        """Build the networks, train them for a few steps and look at what they make of the prompt."""
        settings = self.settings
        self.data = _data(settings, self.given.data)
        assert isinstance(self.data.preprocessing, TextPreprocessing), "a text was loaded"
        self.text = self.data.preprocessing
        kinds = KINDS if settings.networks == "all" else (settings.networks,)
        self.learners = {
            kind: Learner(
                kind, self.data, units=settings.units, learning_rate=settings.learning_rate, seed=settings.seed
            )
            for kind in kinds
        }
        self.looks = self.follows = 0
        self.reach: dict[str, npt.NDArray[Any]] = {}
        self._fit_choice()
        self._look_at_all()
        for learner in self.learners.values():
            for _ in range(FIRST_STEPS):
                learner.step()
        self._look_at_all()
        self.work = self._rounds()

    def change(self, settings: TextSettings) -> None:
        """Train anew only where another training is asked for."""
        before, self.settings = self.settings, settings
        asked, had = (each.model_dump(exclude={*LOOKED_AT}) for each in (settings, before))
        if asked != had:
            self.reset()
            return
        self._fit_choice()
        self._read()

    def advance(self) -> bool:
        """Do a piece of a round: a step of one network, some characters of the text, or a look at one's gradient."""
        if not self._all_diverged():
            next(self.work)
        return not self._all_diverged()

    def step(self) -> bool:
        """Take what is left of the round, or one more, and look at everything."""
        before = self.steps
        while self.steps == before and not self._all_diverged():
            next(self.work)
        self._look_at_all()
        return not self._all_diverged()

    @property
    def steps(self) -> int:
        """Optimiser steps that all networks have taken; one that diverged stands still."""
        taken = [learner.steps for learner in self.learners.values() if not learner.diverged]
        return min(taken, default=max(learner.steps for learner in self.learners.values()))

    def frame(self) -> Frame:
        """Return the curves, the text and the gates."""
        reading = self.reading
        arrays = {
            "tokens": reading.tokens.to(torch.int32).numpy(),
            "chances": reading.chances.numpy(),
            "likeliest": reading.likeliest.to(torch.int32).numpy(),
            "likely": reading.likely.numpy(),
        }
        for kind, learner in self.learners.items():
            arrays[f"loss.{kind}"] = np.array(learner.losses)
            if kind in self.reach:
                arrays[f"reach.{kind}"] = self.reach[kind]
        unit = self.settings.unit
        for name, values_TH in reading.curves.items():
            arrays[f"gate.{name}"] = (values_TH[:, unit - 1] if unit else values_TH.mean(1)).numpy()
        return Frame(self._values(), arrays)

    def _values(self) -> dict[str, Any]:
        vocabulary = self.text.vocabulary
        return {
            "steps": self.steps,
            "every": EVERY,
            "kinds": list(self.learners),
            "networks": [self._told(learner) for learner in self.learners.values()],
            "vocabulary": [vocabulary.decode([number]) for number in range(len(vocabulary))],
            "guessing": math.log(len(vocabulary)),
            "looks": self.looks,
            "follows": self.follows,
            "shown": self.settings.shown,
            "prompted": self.reading.prompted,
            "gates": list(self.reading.curves),
            "name": self.data.name,
            "characters": self.data.inputs.numel(),
            "excerpt": self.text.decode(self.data.inputs.flatten()[:280]),
        }

    def _told(self, learner: Learner) -> dict[str, Any]:
        return {
            "kind": learner.kind,
            "parameters": learner.plan.parameters,
            "loss": finite(learner.losses[-1]) if learner.losses else None,
            "validation": None if learner.validation is None else finite(learner.validation),
            "diverged": learner.diverged,
            "steps": learner.steps,
        }

    def sources(self) -> dict[str, str]:
        """Return the network shown in arrows, and as a program that trains it and goes on with the prompt."""
        settings = self.settings
        plan = self.learners[settings.shown].plan
        return {"arrows": str(plan), "pytorch": program(plan, settings, self.data)}

    def identity(self) -> dict[str, str]:
        """Return the hash of the text."""
        return {"data": self.data.source.sha256}

    def _rounds(self) -> Iterator[None]:
        """Train and look, in pieces: one step of each network, now and then the text, or one network's gradient."""
        while True:
            for learner in self.learners.values():
                learner.step()
                yield
            place, part = divmod(self.steps % LOOK, LOOK // 4)
            if part == 0 and place == 0:
                yield from self._reading()
            elif part == 0 and place <= len(self.learners):
                self._follow(list(self.learners)[place - 1])
                yield

    def _all_diverged(self) -> bool:
        return all(learner.diverged for learner in self.learners.values())

    def _fit_choice(self) -> None:
        """Show a network that is there, and a unit that it has."""
        settings = self.settings
        shown = settings.shown if settings.shown in self.learners else next(iter(self.learners))
        unit = min(settings.unit, settings.units)
        if (shown, unit) != (settings.shown, settings.unit):
            self.settings = settings.model_copy(update={"shown": shown, "unit": unit})

    def _look_at_all(self) -> None:
        self._read()
        for kind in self.learners:
            self._follow(kind)

    def _read(self) -> None:
        for _ in self._reading():
            pass

    def _reading(self) -> Iterator[None]:
        """Look at the network shown, in pieces; one that diverged says nothing any more, and its last words stay."""
        settings, learner = self.settings, self.learners[self.settings.shown]
        if learner.diverged:
            return
        network = learner.network
        training = network.training
        found = yield from read(
            network, self.text, settings.prompt, settings.length, settings.temperature, settings.seed, settings.draw
        )
        network.train(training)
        if settings is self.settings:  # else something else was asked for meanwhile
            self.reading, self.looks = found, self.looks + 1

    def _follow(self, kind: str) -> None:
        """Measure how far back the gradient of one network reaches, in stretches of the validation text."""
        if self.learners[kind].diverged:
            return
        network, stream = self.learners[kind].network, self.data.inputs[self.data.rows["validation"]].flatten()
        length = min(DISTANCE, len(stream))
        count = min(_SAMPLES, len(stream) // length)
        training = network.training
        found = reach_within(network.eval(), stream[: count * length].reshape(count, length), directions=4)
        network.train(training)
        assert found is not None, "each network has a recurrent layer"
        self.reach[kind] = found.numpy()
        self.follows += 1


def _data(settings: TextSettings, given: Dataset | None) -> Dataset:
    """Return the reader's own text in windows, or that which the studio was opened with, or the one that comes along.

    Raises:
        RefusedError: the text is too short for the window.
    """
    options = DataOptions(length=settings.window)
    if settings.own:
        return _windows("own", settings.own, options)
    if given is not None and isinstance(given.preprocessing, TextPreprocessing):
        content = given.preprocessing.decode(given.inputs.flatten()[:_MOST])
        return _windows(given.name, content, options)
    return load("sentences", options)


def _windows(name: str, content: str, options: DataOptions) -> Dataset:
    least = 10 * options.length + 1
    if len(content) < least:
        raise RefusedError("short", control="own", least=least, count=len(content), window=options.length)
    source = Source("text", name, hashlib.sha256(content.encode()).hexdigest())
    return from_text(name, content, options, source)


ENGINE = RecurrentText
