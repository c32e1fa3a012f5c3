"""One image on its way through a network: overview, layer, map, unit, and what the answer rests on."""

import base64
import binascii
import time
from collections.abc import Callable, Generator
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor

from pellucid.data import Classes
from pellucid.explain.landscape.objective import evaluating
from pellucid.networks import main_output
from pellucid.studio.exhibit import Engine, Frame, RefusedError, Settings, finite
from pellucid.studio.exhibits.inside import looking, picture
from pellucid.studio.exhibits.inside.answers import answer, attributed, looked_at
from pellucid.studio.exhibits.inside.program import sources
from pellucid.studio.exhibits.inside.reading import Layer, Reading, fields, read
from pellucid.studio.exhibits.inside.settings import MOST_KEPT, OF_THE_NETWORK, InsideSettings, Mistake, Sample, Show
from pellucid.studio.exhibits.inside.subject import Subject, image_runs, subject, zoo_names

OFFERED = 10
"""Samples that are offered at once."""
_SEARCHED, _AT_ONCE = 4_000, 256
_AT_FIRST, _MOMENT = 0.05, 0.01
"""Seconds of work on what the answer rests on before a frame is shown without it, and between two frames after that."""

T = TypeVar("T")


class Inside(Engine[InsideSettings]):
    """Play trains the network, where it is one that is trained here; everything else looks at it."""

    pace: ClassVar[float] = 0.03  # an epoch of the digits in a second: slowly enough to see maps change
    own: Tensor | None = None
    shown = 0  # how often an own image was taken

    settings_class: ClassVar[type[Settings]] = InsideSettings
    actions = (Show, Sample, Mistake)

    def reset(self) -> None:
        """Make or open the network, and show it the image."""
        self._begin(subject(self.settings, self.given))

    def change(self, settings: InsideSettings) -> None:
        """Begin anew only with another network; everything else looks at the one that is there.

        A network that cannot be leaves all as it was, the training so far included.
        """
        before = self.settings
        if any(getattr(before, name) != getattr(settings, name) for name in OF_THE_NETWORK):
            made = subject(settings, self.given)
            self.settings = settings
            self._begin(made)
            return
        self.settings = settings
        if (settings.pixels, settings.image) != (before.pixels, before.image):
            self.own = None
        self._fit()

    def advance(self) -> bool:
        """Take one step of the training."""
        training = self.subject.training
        return training is not None and training.step()

    def step(self) -> bool:
        """Train to the end of the epoch."""
        training = self.subject.training
        return training is not None and training.to_epoch()

    def slow_step(self) -> bool:
        """Take one step of the training."""
        return self.advance()

    def act(self, action: Any) -> None:
        """Show an own image, a sample, or the next mistake."""
        match action:
            case Show():
                self._show(action.pixels)
            case Sample():
                self._show_sample(action.image)
            case Mistake():
                self._next_mistake()
        self._fit()

    def tend(self) -> float | None:
        """Go on with what the answer rests on, where that takes longer than a frame may."""
        self._rests()
        if self._pending is None:
            return None
        self._go_on(_MOMENT)
        return 0.0

    def frame(self) -> Frame:
        """Return the image, every layer, the unit that is looked at, and the answer with what it rests on."""
        settings, subject_ = self.settings, self.subject
        reading = self._reading()
        layer = reading.layers[settings.layer]
        at = settings.at or looking.strongest(layer, settings.channel)
        layers, small = looking.overview(reading)
        of_layer, maps = looking.at_layer(subject_.network, layer, settings.channel)
        of_unit, parts = looking.at_unit(subject_.network, reading, settings.layer, settings.channel, at)
        rests = self._rests()
        offered, gallery = self._offered()
        values = {
            "subject": self._told(), "layers": layers, "layer": of_layer, "unit": of_unit, "offered": offered,
            "answer": answer(reading.output, subject_.target), "label": self._label(), "count": len(subject_.rows),
            "rests": {name: each for name, each in rests.items() if name != "map"},
            "chosen": {"layer": settings.layer, "channel": settings.channel},
            "runs": self.runs, "zoo": zoo_names(), "pinned": settings.at is not None, "own": self._is_own,
        }  # fmt: skip
        arrays = {"image": self._stored()[0].numpy(), "gallery": gallery, "looked": self._looked(layer, at),
                  **small, **maps, **parts}  # fmt: skip
        if "map" in rests:
            arrays["rests"] = rests["map"].astype(np.float32)
        return Frame(values, arrays)

    def sources(self) -> dict[str, str]:
        """Return the network in arrows, and a program that trains or opens it and looks into it."""
        return sources(self.subject, self.settings, self.given)

    def identity(self) -> dict[str, str]:
        """Return the hashes of the data and of weights that were not trained here."""
        return self.subject.identity

    def _begin(self, made: Subject) -> None:
        """Look into a network; an own image stays where it reads such."""
        self.subject = made
        self.runs = image_runs(self.given.runs)
        if self.own is not None and tuple(self.own.shape[1:]) != made.shape:
            self.own = None
        self._resting: dict[str, Any] = {}
        self.seen = fields(made.network, self._prepared(self._sample(0)))
        self._known: dict[str, tuple[Any, Any]] = {}
        self._pending: Generator[float, None, dict[str, Any]] | None = None
        self._fit()

    @property
    def _is_own(self) -> bool:
        return bool(self.settings.pixels) or self.own is not None

    def _told(self) -> dict[str, Any]:
        found, training = self.subject, self.subject.training
        told: dict[str, Any] = {
            "kind": found.kind, "name": found.name, "missing": found.missing, "trains": training is not None,
            "parameters": sum(each.numel() for each in found.network.parameters()), "shape": list(found.shape),
            "mean": list(found.preprocessing.mean), "std": list(found.preprocessing.std),
            "given": self.given.model is not None,
        }  # fmt: skip
        if training is not None:
            told |= {"steps": training.steps, "epoch": training.epoch, "diverged": training.diverged,
                     "loss": None if training.loss is None else finite(training.loss),
                     "accuracy": training.accuracy, "data": training.data.name}  # fmt: skip
        return told

    def _show(self, pixels: str) -> None:
        """Take an own image; what an address can hold becomes a setting, what is larger lasts as long as the page."""
        own = self._decoded(pixels)
        kept = pixels if own.numel() <= MOST_KEPT else ""
        self.settings = self.settings.model_copy(update={"pixels": kept})
        self.own = None if kept else own
        self.shown += 1

    def _show_sample(self, image: int) -> None:
        self.settings = self.settings.model_copy(update={"image": image, "pixels": ""})
        self.own = None

    def _decoded(self, pixels: str) -> Tensor:
        """Return bytes (1, C, H, W).

        Raises:
            RefusedError: they are not as many as the network's image has.
        """
        channels, height, width = self.subject.shape
        try:
            content = base64.b64decode(pixels, validate=True)
        except (binascii.Error, ValueError):
            raise RefusedError("pixels", control="image") from None
        if len(content) != channels * height * width:
            expected = f"{height} × {width} × {channels}"
            raise RefusedError("size", control="image", expected=expected, count=len(content))
        return torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(1, channels, height, width)

    def _next_mistake(self) -> None:
        """Go to the next sample whose class the network gets wrong, after the last to the first.

        Raises:
            RefusedError: no classes are known, or it makes no mistake.
        """
        found = self.subject
        if found.answers is None:
            raise RefusedError("no_answers", control="mistake")
        count = min(len(found.rows), _SEARCHED)
        order = (torch.arange(count) + self.settings.image + 1) % len(found.rows)
        for places in order.split(_AT_ONCE):
            wrong = self._classes(places) != found.answers[found.rows[places]]
            if bool(wrong.any()):
                image = int(places[wrong.nonzero()[0, 0]])
                self._show_sample(image)
                self.settings = self.settings.model_copy(update={"first": image // OFFERED * OFFERED})
                return
        raise RefusedError("no_mistake", control="mistake", count=count)

    def _classes(self, places: Tensor) -> Tensor:
        """Return the class that the network takes each of some samples for."""
        network, rows = self.subject.network, self.subject.rows[places]
        with torch.no_grad(), evaluating(network):
            outputs: Tensor = main_output(network(self._prepared(self.subject.samples.index_select(0, rows))))
        return outputs.argmax(1)

    def _fit(self) -> None:
        """Keep what is chosen within what there is."""
        most = len(self.subject.rows) - 1
        settings = self.settings.model_copy(
            update={"image": min(self.settings.image, most), "first": min(self.settings.first, most)}
        )
        if settings.pixels:
            try:
                self._decoded(settings.pixels)
            except RefusedError:  # drawn for a network that reads other images
                settings = settings.model_copy(update={"pixels": ""})
        self.settings = settings
        reading = self._reading()
        if not reading.layers:
            raise RefusedError("not_image", control="network")
        layer = min(settings.layer, len(reading.layers) - 1)
        shape = reading.layers[layer].shape
        channel, at, target = min(settings.channel, shape[0] - 1), settings.at, settings.target
        if at is not None:
            rows, columns = shape[1:] if len(shape) == 3 else (1, 1)
            at = (at[0], at[1]) if at[0] < rows and at[1] < columns else None
        if target is not None and (reading.output.ndim != 2 or target >= reading.output.shape[1]):
            target = None
        chosen = {"layer": layer, "channel": channel, "at": at, "target": target}
        self.settings = settings.model_copy(update=chosen)

    def _sample(self, place: int) -> Tensor:
        """Return the stored pixels of a sample, (1, C, H, W)."""
        found = self.subject
        return found.samples.index_select(0, found.rows[place : place + 1])

    def _stored(self) -> Tensor:
        """Return the pixels that the network looks at, (1, C, H, W)."""
        if self.own is not None:
            return self.own
        return self._decoded(self.settings.pixels) if self.settings.pixels else self._sample(self.settings.image)

    def _prepared(self, stored: Tensor) -> Tensor:
        return self.subject.preprocessing.prepare(stored)

    def _label(self) -> str:
        """Return the class of the sample, where it is one and has one."""
        found = self.subject
        if self._is_own or found.answers is None or not isinstance(found.target, Classes):
            return ""
        return found.target.names[int(found.answers[found.rows[self.settings.image]])]

    def _offered(self) -> tuple[list[dict[str, Any]], Any]:
        """Return some samples, with what they are and what the network takes them for."""
        found, first = self.subject, self.settings.first
        places = torch.arange(first, min(first + OFFERED, len(found.rows)))
        rows = found.rows[places]
        told: list[dict[str, Any]] = [{"image": place} for place in places.tolist()]
        if found.answers is not None and isinstance(found.target, Classes):
            said = self._kept("classes", (first,), lambda: self._classes(places).tolist())
            for each, answer_, taken in zip(told, found.answers[rows].tolist(), said, strict=True):
                each |= {"label": found.target.names[answer_], "said": found.target.names[taken]}
        stored = found.samples.index_select(0, rows)
        flat = picture.within(stored.flatten(0, 1).numpy(), picture.SMALL)
        return told, flat.reshape(len(rows), -1, *flat.shape[1:]).round().astype(np.uint8)

    def _reading(self) -> Reading:
        """Return what every layer gives for the image."""
        network = self.subject.network
        return self._kept("reading", (), lambda: read(network, self._prepared(self._stored()), self.seen))

    def _rests(self) -> dict[str, Any]:
        """Return what of the image the answer rests on, or how much of the work on it is done."""
        network, asked = self.subject.network, (self.settings.target, self.settings.method)
        return self._kept(
            "rests", asked, lambda: self._begun(attributed(network, self._prepared(self._stored()), *asked))
        )

    def _begun(self, pieces: Generator[float, None, dict[str, Any]]) -> dict[str, Any]:
        """Begin with what the answer rests on; what is returned is filled when it is done."""
        self._pending, self._resting = pieces, {"method": self.settings.method, "done": 0.0}
        self._go_on(_AT_FIRST)
        return self._resting

    def _go_on(self, seconds: float) -> None:
        """Work for some time on what the answer rests on."""
        assert self._pending is not None
        ends = time.monotonic() + seconds
        try:
            self._resting["done"] = next(self._pending)
            while time.monotonic() < ends:
                self._resting["done"] = next(self._pending)
        except StopIteration as ended:
            self._pending = None
            self._resting.clear()
            self._resting |= ended.value

    def _looked(self, layer: Layer, at: tuple[int, int]) -> Any:
        """Return what of the image the unit looks at, (H, W)."""
        network, channel = self.subject.network, self.settings.channel
        shape = layer.shape
        unit = int(np.ravel_multi_index((channel, *at), shape)) if len(shape) == 3 else channel
        make: Callable[[], Any] = lambda: looked_at(network, layer, self._prepared(self._stored()), unit)  # noqa: E731
        return self._kept("looked", (layer.name, layer.time, unit), make)

    def _kept(self, name: str, of: tuple[Any, ...], make: Callable[[], T]) -> T:
        """Return what was computed, as long as neither the weights nor the image nor what is asked of them changed."""
        training = self.subject.training
        steps = training.steps if training is not None else 0
        key = (steps, self.settings.pixels, self.settings.image, self.own is None, self.shown, of)
        if name not in self._known or self._known[name][0] != key:
            self._known[name] = (key, make())
        found: T = self._known[name][1]
        return found


ENGINE = Inside
