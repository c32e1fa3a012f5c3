"""Back-propagation one operation at a time: forwards, the loss, backwards, the update, and the next round."""

import time
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch

from pellucid.errors import OptionError, PellucidError
from pellucid.explain import Derivation, as_latex, backprop
from pellucid.explain.derivation.steps import Array
from pellucid.studio.exhibit import Engine, Frame, Given, RefusedError, finite
from pellucid.studio.exhibits.backpropagation.checking import Checked
from pellucid.studio.exhibits.backpropagation.naming import names_of
from pellucid.studio.exhibits.backpropagation.program import program
from pellucid.studio.exhibits.backpropagation.settings import (
    MOST_NUMBERS,
    MOST_ROUNDS,
    PRESETS,
    BackpropagationSettings,
    SetNumber,
    Train,
)
from pellucid.studio.exhibits.backpropagation.stops import Stop, stops_of
from pellucid.studio.exhibits.backpropagation.subject import MOST_STEPS, Subject, rows_of, subject
from pellucid.studio.exhibits.backpropagation.updating import Learner, learner, loss_of, written
from pellucid.studio.exhibits.backpropagation.working import Worked, Writer

_OWN = ("inputs", "targets", "weights", "loss", "learning_rate")
"""What is a network's own: another network has its usual ones again."""
_READING = ("at", "element", "sample", "digits", "ask", "answer")
"""What changes nothing but what is shown."""
_RIGHT, _CLOSE = 0.01, 0.2
"""A guess within these shares of the number is right, or close."""
_MOMENT = 0.01
"""Seconds of one piece of several rounds."""


class Backpropagation(Engine[BackpropagationSettings]):
    """A network, its batch, and the stops of one round."""

    settings_class = BackpropagationSettings
    actions = (SetNumber, Train)
    pace: ClassVar[float] = 1.2

    def __init__(self, settings: BackpropagationSettings, given: Given) -> None:
        super().__init__(settings, given)
        self.settings = settings
        self._make()

    def reset(self) -> None:
        """Go back to the first stop of the first round."""
        self.settings = self.settings.model_copy(update={"round": 0, "at": 0, "element": 0, "answer": None})
        self._make()

    def change(self, settings: BackpropagationSettings) -> None:
        """Take other settings; what changes the network or its numbers begins again at the first round."""
        before, update = self.settings, dict[str, Any]()
        changed = {name for name in type(settings).model_fields if getattr(settings, name) != getattr(before, name)}
        if "network" in changed:
            update["preset"] = "own"
        if changed & {"preset", "network", "samples"}:
            update |= {name: None for name in _OWN if name not in changed}
            update |= {"at": 0, "sample": 0} if "samples" not in changed else {"sample": 0}
        if "loss" in changed and "targets" not in changed and "cross-entropy" in (settings.loss, self.subject.loss):
            update["targets"] = None
        if changed - {*_READING, "round"}:
            update["round"] = 0
        if changed - {"digits", "ask", "answer", "sample"}:
            update |= {"answer": None} | ({} if "element" in changed else {"element": 0})
        wanted = settings.model_copy(update=update)
        if changed - set(_READING):
            self._try(wanted)
        else:
            self.settings = wanted
            self._hold_inside()

    def act(self, action: Any) -> None:
        """Change a number, or ask for several rounds."""
        match action:
            case SetNumber():
                self._set_number(action)
            case Train():
                self.rounds_left = min(action.rounds, MOST_ROUNDS - self.settings.round)

    def tend(self) -> float | None:
        """Do some of the rounds that were asked for, and derive the last of them."""
        if not self.rounds_left:
            return None
        ends = time.monotonic() + _MOMENT
        while self.rounds_left and time.monotonic() < ends:
            self._next_round(derive=False)
            self.rounds_left -= 1
        self._derive()
        self._look(self.settings.at)
        return 0.0

    def advance(self) -> bool:
        """Go to the next stop, after the last to the first of the next round."""
        if self.settings.at + 1 < len(self.stops):
            self._look(self.settings.at + 1)
        elif self.settings.round < MOST_ROUNDS:
            self._next_round(derive=True)
            self._look(0)
        return self.settings.at + 1 < len(self.stops) or self.settings.round < MOST_ROUNDS

    def frame(self) -> Frame:
        """Return the graph with its numbers, the stops, and the one that the reader is at, worked through."""
        settings, stop = self.settings, self.stops[self.settings.at]
        result = self._result(stop)
        place = self._place(result)
        truth = float(result[place])
        is_hidden = settings.ask and settings.answer is None and stop.phase not in ("loss", "after")
        worked = asdict(self._worked(stop, place))
        if is_hidden:
            worked |= {"matrix": "", "numbers": []}
        values = {
            "presets": [name for name in PRESETS if name != "given" or self.given.model is not None],
            "arrows": self.subject.arrows, "loss": self.subject.loss, "learning_rate": self.subject.learning_rate,
            "samples": len(self.subject.inputs[0]), "whole": self.subject.is_whole,
            "rows": {"inputs": rows_of(self.subject, targets=False), "targets": rows_of(self.subject, targets=True)},
            "at": settings.at, "stops": [asdict(each) for each in self.stops],
            "tensors": self.tensors(), "steps": self._steps(),
            "worked": worked, "element": settings.element % result.size, "place": place, "hidden": is_hidden,
            "truth": None if is_hidden else finite(truth), "verdict": _verdict(settings.answer, truth),
            "check": None if is_hidden else self._check(stop, place, result),
            "losses": [finite(each) for each in self.losses], "next_loss": finite(self.next_loss),
            "most_rounds": MOST_ROUNDS,
        }  # fmt: skip
        return Frame(values, self._arrays(stop, result, is_hidden=is_hidden))

    def sources(self) -> dict[str, str]:
        """Return the network in arrows, the rounds as a program, and the whole derivation as LaTeX."""
        told = {"pytorch": program(self.subject, self.settings, self.first)}
        if self.subject.arrows:
            told["arrows"] = self.subject.arrows
        return told | {"latex": as_latex(self.derivation, digits=self.settings.digits)}

    def identity(self) -> dict[str, str]:
        """Return the hash of the user's data, where they are what is derived."""
        data = self.given.data
        return {"data": data.source.sha256} if self.settings.preset == "given" and data is not None else {}

    def tensors(self) -> list[dict[str, Any]]:
        """Return every tensor's name, kind and shape, in the order of the frame's arrays."""
        parameters = self.now.parameters
        told = []
        for source, name in self.names.items():
            role = "parameter" if source in parameters else source.split()[0]
            role = role if role in ("parameter", "input", "target") else "value"
            shape = list(self._values[source].shape)
            told.append({"source": source, "latex": name.latex, "plain": name.plain, "role": role, "shape": shape})
        return told

    def _make(self) -> None:
        """Make the network with its first numbers, and go to the round and stop of the settings."""
        self.rounds_left = 0
        self.subject: Subject = subject(self.settings, self.given)
        self.first = self.now = learner(self.subject, self.settings)
        self.losses: list[float] = [float(loss_of(self.now.model, self.subject).detach())]
        for _ in range(self.settings.round):
            self._learn()
        self._derive()
        self._hold_inside()

    def _learn(self) -> None:
        self.now = self.now.after(self.subject)
        self.losses.append(float(loss_of(self.now.model, self.subject).detach()))

    def _next_round(self, *, derive: bool) -> None:
        self._learn()
        self.settings = self.settings.model_copy(update={"round": self.settings.round + 1})
        if derive:
            self._derive()

    def _derive(self) -> None:
        """Derive the round that begins with the present parameters."""
        made = self.subject
        try:
            self.derivation: Derivation = backprop(self.now.model, made.x, made.targets, loss=made.loss)
        except OptionError as error:
            if "nothing to derive" in error.message:
                raise RefusedError("no_slope") from error
            raise
        if len(self.derivation.steps) > MOST_STEPS:
            raise RefusedError("steps", count=len(self.derivation.steps), most=MOST_STEPS)
        self.names, self.stops = names_of(self.derivation), stops_of(self.derivation)
        self._values = self._numbers()
        for source, array in self._values.items():
            if array.size > MOST_NUMBERS:
                raise RefusedError("numbers", name=self.names[source].plain, count=array.size, most=MOST_NUMBERS)
        self.then: Learner = self.now.after(made)
        self.next_loss = float(loss_of(self.then.model, made).detach())
        self.checked = Checked(made, self.now)

    def _numbers(self) -> dict[str, Array]:
        """Return every tensor's numbers by its source."""
        found: dict[str, Array] = {}
        for step in self.derivation.steps:
            found |= {operand.source: operand.value for operand in step.operands} | {step.name: step.output}
        for source in self.names:
            if not isinstance(found.get(source, self.derivation.loss.targets), np.ndarray):
                raise RefusedError("several", name=source)
        return {source: np.asarray(found.get(source, self.derivation.loss.targets)) for source in self.names}

    def _gradients(self) -> dict[str, Array]:
        own = {step.name: step.output_gradient for step in self.derivation.steps if step.output_gradient is not None}
        return {**own, **self.derivation.gradients}

    def _result(self, stop: Stop) -> Array:
        """Return the numbers that a stop computes."""
        match stop.phase:
            case "forward":
                return self._values[stop.tensor]
            case "loss":
                return np.asarray(self.derivation.loss.value)
            case "begin":
                return np.asarray(self.derivation.loss.gradient)
            case "backward":
                return np.asarray(self.derivation.step(stop.step).operands[stop.operand].gradient)
            case "sum":
                return self._gradients()[stop.tensor]
            case "update":
                return self.then.parameters[stop.tensor].detach().numpy()
        return np.asarray(self.next_loss)

    def _worked(self, stop: Stop, place: tuple[int, ...]) -> Worked:
        writer = Writer(self.derivation, self.names, self.stops, self.settings.digits)
        if stop.phase == "update":
            return written(writer, self.settings, self.now, self.then, stop.tensor, place)
        if stop.phase == "after":
            return Worked([], [rf"E' = {writer.number(self.next_loss)} \quad (E = {writer.number(self.losses[-1])})"])
        return writer.written(stop, place)

    def _check(self, stop: Stop, place: tuple[int, ...], result: Array) -> dict[str, Any] | None:
        """Return what a gradient is held against: differences of a parameter's whole one, else autograd's."""
        if stop.phase not in ("begin", "backward", "sum"):
            return None
        found: dict[str, Any] = {}
        if stop.tensor in self.derivation.gradients and not (stop.is_part and stop.phase == "backward"):
            told = self.checked.told(stop.tensor, place, torch.as_tensor(result))
            found = {} if told is None else {"differences": told}
        apart = self.derivation.loss.agreement if stop.phase == "begin" else self.derivation.agreement
        return found | {"autograd": None if apart is None else finite(apart.absolute)}

    def _arrays(self, stop: Stop, result: Array, *, is_hidden: bool) -> dict[str, Array]:
        gradients, after = self._gradients(), self.then.parameters
        arrays: dict[str, Array] = {"result": result}
        for number, source in enumerate(self.names):
            arrays[f"v{number}"] = self._values[source]
            if source in gradients:
                arrays[f"g{number}"] = gradients[source]
            if source in after:
                arrays[f"u{number}"] = after[source].detach().numpy()
        if is_hidden:  # what is asked for is not sent
            kind = {"forward": "v", "update": "u"}.get(stop.phase, "g")
            names = ["result"] + [f"{kind}{number}" for number, each in enumerate(self.names) if each == stop.tensor]
            arrays |= {name: np.full(arrays[name].shape, np.nan) for name in names}
        return {name: np.array(each, dtype=np.float64) for name, each in arrays.items()}

    def _steps(self) -> list[dict[str, Any]]:
        """Return what the graph joins: of each step its operands and its output, by their places in `tensors`."""
        places = {source: number for number, source in enumerate(self.names)}
        return [
            {
                "name": step.name, "kind": step.kind, "output": places[step.name],
                "operands": [places[each.source] for each in step.operands if each.source in places],
            }
            for step in self.derivation.steps
        ]  # fmt: skip

    def _place(self, result: Array) -> tuple[int, ...]:
        return tuple(int(each) for each in np.unravel_index(self.settings.element % result.size, result.shape))

    def _look(self, at: int) -> None:
        self.settings = self.settings.model_copy(update={"at": at, "element": 0, "answer": None})
        self._hold_inside()

    def _hold_inside(self) -> None:
        """Keep the stop and the sample among those there are."""
        at = min(self.settings.at, len(self.stops) - 1)
        sample = min(self.settings.sample, len(self.subject.inputs[0]) - 1)
        if (at, sample) != (self.settings.at, self.settings.sample):
            self.settings = self.settings.model_copy(update={"at": at, "sample": sample})

    def _set_number(self, action: SetNumber) -> None:
        """Put another number in one place; the present parameters then are those of the first round."""
        values = self._values.get(action.tensor)
        role = next((each["role"] for each in self.tensors() if each["source"] == action.tensor), "")
        if values is None or role not in ("input", "target", "parameter") or action.element >= values.size:
            raise RefusedError("no_number", control="set_number", name=action.tensor)
        if role == "input" and self.subject.is_whole:
            raise RefusedError("tokens", control="set_number")
        changed: dict[str, Any] = {}
        weights = {name: each.detach().reshape(-1).tolist() for name, each in self.now.parameters.items()}
        if role == "parameter":
            weights[action.tensor][action.element] = action.value
        else:
            inputs = tuple(each for each in self.names if each.split()[0] == "input")
            rows = [list(row) for row in rows_of(self.subject, targets=role == "target")]
            width = values.size // len(rows)
            first = 0 if role == "target" else width * inputs.index(action.tensor)
            rows[action.element // width][first + action.element % width] = action.value
            changed["targets" if role == "target" else "inputs"] = tuple(map(tuple, rows))
        if role == "parameter" or self.settings.round:
            changed["weights"] = tuple((name, tuple(each)) for name, each in weights.items())
        self._try(self.settings.model_copy(update=changed | {"round": 0, "answer": None}))

    def _try(self, wanted: BackpropagationSettings) -> None:
        """Take settings that need a new beginning; where they cannot be, go on with those that there were."""
        before, self.settings = self.settings, wanted
        try:
            self._make()
        except PellucidError:
            self.settings = before
            self._make()
            raise


def _verdict(answer: float | None, truth: float) -> str:
    """Return how near a guess is: `right`, `close`, `sign`, `far`; nothing where there is none."""
    if answer is None:
        return ""
    apart, size = abs(answer - truth), max(abs(truth), 1e-6)
    if apart <= _RIGHT * size:
        return "right"
    if apart <= _CLOSE * size:
        return "close"
    return "sign" if answer * truth < 0 else "far"


ENGINE = Backpropagation
