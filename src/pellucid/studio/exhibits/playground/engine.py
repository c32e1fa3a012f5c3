"""The playground: points in the plane, a chain of layers, and a training session that is stepped while you watch."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch

from pellucid.data import SplitName, Values
from pellucid.errors import DivergedError
from pellucid.networks import Plan
from pellucid.recipe import LossName, Recipe
from pellucid.record import Epoch
from pellucid.studio.exhibit import Engine, Frame, RefusedError
from pellucid.studio.exhibits.playground import arrows, points
from pellucid.studio.exhibits.playground.picture import Plane, dense_layers, pictures, plane
from pellucid.studio.exhibits.playground.program import program
from pellucid.studio.exhibits.playground.settings import (
    MOST_CLASSES,
    MOST_POINTS,
    Activate,
    Clear,
    Draw,
    Drop,
    Edit,
    Paste,
    PlaygroundSettings,
    SetWeight,
)
from pellucid.training import Session, begin, evaluate
from pellucid.training.loop import advance

_EPOCHS = 1_000_000  # nobody waits for the end
_MOST_KEPT = 600  # points of a curve; then every other is dropped
_SPLITS: tuple[SplitName, SplitName] = ("train", "validation")
_CLASSES_LOSSES = ("cross-entropy", "map")


class Playground(Engine[PlaygroundSettings]):
    """A session on points of the plane. Play goes step by step of the optimiser, Step and Slow by epochs."""

    settings_class = PlaygroundSettings
    actions = (Edit, Activate, Drop, SetWeight, Draw, Clear, Paste)
    pace: ClassVar[float] = 0.0

    def reset(self) -> None:
        """Draw the points, fit the network's ends to them, and begin a session if there is enough to learn from."""
        settings = self.settings
        if not settings.features:
            raise RefusedError("no_feature", control="features")
        self.points = points.scatter(settings, self.given.data)
        outputs = len(self.points.classes) or 1
        self.plan = arrows.chain(settings.network, len(settings.features), outputs)
        fitting = settings.loss == "usual" or (settings.loss in _CLASSES_LOSSES) == bool(self.points.classes)
        changed = {"network": str(self.plan), "loss": settings.loss if fitting else "usual"}
        if any(getattr(settings, name) != value for name, value in changed.items()):
            self.settings = settings.model_copy(update=changed)
        self.curves: list[tuple[int, float, float]] = []
        self.every = 1
        self.diverged: dict[str, Any] = {}
        self.session: Session | None = None
        if self.points.is_enough:
            self._begin()

    def change(self, settings: PlaygroundSettings) -> None:
        """Begin anew; own points begin with those that are there."""
        if settings.data == "own" and self.settings.data != "own" and not settings.points:
            settings = settings.model_copy(update=self._kept())
        super().change(settings)

    def advance(self) -> bool:
        """Take one step of the optimiser."""
        if self.session is None or self.diverged:
            return False
        try:
            event = next(self.steps, None)
        except DivergedError as error:
            self.diverged = {"epoch": self.session.progress.epoch, "rate": self.session.learning_rate,
                             "told": error.message}  # fmt: skip
            return False
        if isinstance(event, Epoch):
            self._note(event.epoch, event.loss, event.validation)
        return True

    def step(self) -> bool:
        """Train to the end of the epoch."""
        before = self.session.progress.epoch if self.session is not None else 0
        while self.advance():
            assert self.session is not None
            if self.session.progress.epoch > before:
                return True
        return False

    def act(self, action: Any) -> None:
        """Change the network, a weight or the points."""
        match action:
            case Edit():
                self._rebuild(arrows.edited(self.plan, action))
            case Activate():
                self._rebuild(arrows.activated(self.plan, action.word))
            case Drop():
                self._rebuild(arrows.dropped(self.plan, action.rate))
            case SetWeight():
                self._set_weight(action)
            case Draw():
                self._draw(action)
            case Clear():
                self.settings = self.settings.model_copy(update={**self._kept(), "points": ()})
                self.reset()
            case Paste():
                read, answer = points.read(action.text)
                own = {"data": "own", "points": read, "answer": answer}
                self.change(self.settings.model_copy(update=own))

    def frame(self) -> Frame:
        """Return the points, the field, every unit's picture, the weights and the curves."""
        scatter = self.points
        answers = np.asarray(scatter.answers, dtype=np.float32)
        values: dict[str, Any] = {
            "reach": scatter.reach, "classes": list(scatter.classes), "left_out": scatter.left_out,
            "given": points.is_plane(self.given.data), "waiting": self.session is None, "diverged": self.diverged,
            "activation": arrows.activation_of(self.plan), "dropout": arrows.dropout_of(self.plan),
            "layers": [[str(word) for word in block] for block in arrows.blocks(self.plan)],
            "parameters": self.plan.parameters, "epoch": 0, "step": 0, "metrics": {}, "loss": "",
        }  # fmt: skip
        arrays: dict[str, Any] = {"x1": scatter.places[:, 0].copy(), "x2": scatter.places[:, 1].copy(),
                                  "answers": answers}  # fmt: skip
        if self.session is None:
            return Frame(values, arrays | {"test": np.zeros(len(answers), dtype=bool)})
        return self._of_session(self.session, values, arrays)

    def sources(self) -> dict[str, str]:
        """Return the network in arrows, and the training as a program."""
        found = {"arrows": str(self.plan)}
        if self.session is not None:
            found["pytorch"] = program(
                self.plan, self.points, self.session.data, self.session.recipe, self.settings.features
            )
        return found

    def identity(self) -> dict[str, str]:
        """Return the hash of the user's data, where that is what is shown."""
        data = self.given.data
        return {"data": data.source.sha256} if self.settings.data == "given" and data is not None else {}

    def _begin(self) -> None:
        data = points.dataset(self.points, self.settings)
        self.plane: Plane = plane(self.points, self.settings.features, data)
        self.session = begin(data, self.plan, self._recipe()).session
        self.steps: Iterator[Any] = advance(self.session, every=2**62)  # no step is sampled: nobody reads them
        before = [evaluate(self.session.network, data, self.session.task, split, self.session.device)
                  for split in _SPLITS]  # fmt: skip
        self._note(0, before[0]["loss"], before[1])

    def _recipe(self) -> Recipe:
        settings = self.settings
        init = None if settings.init == "arrows" else settings.init
        loss: LossName | None = None if settings.loss == "usual" else settings.loss
        return Recipe(
            epochs=_EPOCHS, batch_size=settings.batch_size, seed=settings.seed, init=init, loss=loss,
            optimizer=settings.optimizer, learning_rate=settings.learning_rate, schedule="constant",
            weight_decay=settings.weight_decay, l1=settings.l1, augment="none", device="cpu", threads=1,
        )  # fmt: skip

    def _note(self, epoch: int, loss: float, test: Any) -> None:
        """Keep a point of the curves, at most so many: then every other is dropped, and fewer are taken."""
        self.metrics = {"loss": loss, **{f"test_{name}": value for name, value in test.items()}}
        if epoch % self.every == 0:
            self.curves.append((epoch, loss, test["loss"]))
        if len(self.curves) > _MOST_KEPT:
            self.curves, self.every = self.curves[::2], self.every * 2

    def _of_session(self, session: Session, values: dict[str, Any], arrays: dict[str, Any]) -> Frame:
        progress = session.progress
        values |= {"epoch": progress.epoch - 1, "step": progress.step, "metrics": self.metrics}
        values["loss"] = session.recipe.loss or ("cross-entropy" if self.points.classes else "squared-error")
        values["range"] = self._range()
        arrays["test"] = np.isin(np.arange(len(self.points.places)), session.data.rows["validation"].numpy())
        arrays["curves"] = np.array(self.curves, dtype=np.float32).T.copy()
        arrays["features"] = self.plane.features
        for number, layer in enumerate(dense_layers(session.network)):
            arrays[f"weight{number}"] = layer.weight.detach().numpy().copy()
            if layer.bias is not None:
                arrays[f"bias{number}"] = layer.bias.detach().numpy().copy()
        return Frame(values, arrays | pictures(session.network, self.plan, self.plane, session.data.target))

    def _range(self) -> list[float]:
        assert self.session is not None
        if not isinstance(self.session.data.target, Values):
            return [-1.0, 1.0] if len(self.points.classes) == 2 else [0.0, 1.0]
        far = float(np.abs(self.points.answers).max()) or 1.0
        return [-far, far]

    def _rebuild(self, plan: Plan) -> None:
        self.change(self.settings.model_copy(update={"network": str(plan)}))

    def _set_weight(self, action: SetWeight) -> None:
        """Put a number into a weight; the training goes on from there.

        Raises:
            RefusedError: there is no such weight.
        """
        layers = dense_layers(self.session.network) if self.session is not None else []
        layer = layers[action.layer] if action.layer < len(layers) else None
        found = None if layer is None else (layer.bias if action.source is None else layer.weight)
        place = (action.unit,) if action.source is None else (action.unit, action.source)
        if found is None or any(at >= size for at, size in zip(place, found.shape, strict=True)):
            raise RefusedError("no_weight", control="set_weight")
        with torch.no_grad():
            found[place] = action.value

    def _kept(self) -> dict[str, Any]:
        """Return what is drawn now as the visitor's own points, as many as can be kept."""
        at = np.linspace(0, len(self.points.places) - 1, min(len(self.points.places), MOST_POINTS)).astype(int)
        numbers = np.column_stack([self.points.places[at], self.points.answers[at]]).tolist()
        kept = tuple(tuple(float(f"{value:.4g}") for value in row) for row in numbers)
        return {"data": "own", "points": kept, "answer": "classes" if self.points.classes else "values"}

    def _draw(self, action: Draw) -> None:
        settings = self.settings
        if settings.data != "own":
            settings = settings.model_copy(update=self._kept())
        if len(settings.points) >= MOST_POINTS:
            raise RefusedError("full", control="draw", most=MOST_POINTS)
        if settings.answer == "classes" and not 0 <= action.answer < MOST_CLASSES:
            raise RefusedError("no_class", control="draw")
        more = (*settings.points, (round(action.x1, 4), round(action.x2, 4), action.answer))
        self.change(settings.model_copy(update={"points": more}))


ENGINE = Playground
