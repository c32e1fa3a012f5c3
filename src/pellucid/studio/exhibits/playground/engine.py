"""The playground: points in the plane, a chain of layers, and a training session that is stepped while you watch."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pellucid.data import SplitName, Values
from pellucid.errors import DivergedError
from pellucid.networks import Plan
from pellucid.recipe import LossName, Recipe
from pellucid.record import Epoch
from pellucid.studio.exhibit import Engine, Frame, RefusedError
from pellucid.studio.exhibits.playground import arrows, by_hand, points
from pellucid.studio.exhibits.playground.picture import Plane, dense_layers, pictures, plane
from pellucid.studio.exhibits.playground.program import program
from pellucid.studio.exhibits.playground.settings import (
    LONGEST_NAME,
    MOST_CLASSES,
    MOST_POINTS,
    MOST_WEIGHTS,
    Activate,
    Clear,
    Draw,
    Drop,
    Edit,
    FreeWeights,
    Paste,
    PlaygroundSettings,
    SetWeight,
)
from pellucid.training import Session, begin, evaluate
from pellucid.training.loop import advance

_EPOCHS = 1_000_000  # nobody waits for the end
_MOST_KEPT = 600  # points of a curve; then every other is dropped
_MOST_TAKEN = 300  # points of another set that become the visitor's own
_SPLITS: tuple[SplitName, SplitName] = ("train", "validation")
_CLASSES_LOSSES = ("cross-entropy", "map")


class Playground(Engine[PlaygroundSettings]):
    """A session on points of the plane. Play goes step by step of the optimiser, Step and Slow by epochs."""

    settings_class = PlaygroundSettings
    actions = (Edit, Activate, Drop, SetWeight, FreeWeights, Draw, Clear, Paste)
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
        self.begun = getattr(self, "begun", 0) + 1  # by this the page knows whether the points are the same
        self.moment = 0  # how often `advance` has gone on
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
        self.moment += 1
        by_hand.set_again(self.settings.weights, self.moment, dense_layers(self.session.network))
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
                edited = arrows.edited(self.plan, action)
                self._rebuild(edited, by_hand.moved(self.settings.weights, action))
            case Activate():
                self._rebuild(arrows.activated(self.plan, action.word))
            case Drop():
                self._rebuild(arrows.dropped(self.plan, action.rate))
            case SetWeight():
                self._set_weight(action)
            case FreeWeights():
                self._rebuild(self.plan, ())
            case Draw():
                self._draw(action)
            case Clear():
                self.settings = self.settings.model_copy(update={**self._kept(), "points": (), "rows": 0, "names": ()})
                self.reset()
            case Paste():
                own = points.read(action.text)
                self.change(self.settings.model_copy(update=own | {"rows": max(own["rows"], action.rows)}))

    def frame(self) -> Frame:
        """Return the points, the field, every unit's picture, the weights and the curves."""
        scatter = self.points
        answers = np.asarray(scatter.answers, dtype=np.float32)
        values: dict[str, Any] = {
            "begun": self.begun, "reach": scatter.reach, "classes": list(scatter.classes), "total": scatter.total,
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
                self.plan, self.points, self.session.data, self.session.recipe, self.settings.features,
                self.settings.weights,
            )  # fmt: skip
        return found

    def identity(self) -> dict[str, str]:
        """Return the hash of the user's data, where that is what is shown."""
        data = self.given.data
        return {"data": data.source.sha256} if self.settings.data == "given" and data is not None else {}

    def _begin(self) -> None:
        data = points.dataset(self.points, self.settings)
        self.plane: Plane = plane(self.points, self.settings.features, data)
        self.session = begin(data, self.plan, self._recipe()).session
        self.steps: Iterator[Any] = _advancing(self.session)
        layers = dense_layers(self.session.network)
        if (kept := by_hand.existing(self.settings.weights, layers)) != self.settings.weights:
            self.settings = self.settings.model_copy(update={"weights": kept})
        by_hand.set_again(kept, 0, layers)
        self._judge(self.session)

    def _judge(self, session: Session) -> None:
        """Begin the curves with the losses before the first step."""
        self.curves = []
        before = [evaluate(session.network, session.data, session.task, split, session.device) for split in _SPLITS]
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
        moments = session.steps_per_epoch + 1  # each step, and the end of the epoch
        values["by_hand"] = [divmod(when, moments) for when, *_ in self.settings.weights]
        arrays["test"] = np.isin(np.arange(len(self.points.places)), session.data.rows["validation"].numpy())
        arrays["curves"] = np.array(self.curves, dtype=np.float32).T.copy()
        arrays["features"] = self.plane.features
        for number, layer in enumerate(dense_layers(session.network)):
            arrays[f"weight{number}"] = layer.weight.detach().numpy().copy()
            if layer.bias is not None:
                arrays[f"bias{number}"] = layer.bias.detach().numpy().copy()
        drawn = pictures(session.network, self.plan, self.plane, session.data.target)
        values["dead"] = _dead([drawn[f"unit{at}"] for at in range(len(values["layers"]) - 1)])
        return Frame(values, arrays | drawn)

    def _range(self) -> list[float]:
        assert self.session is not None
        if not isinstance(self.session.data.target, Values):
            return [-1.0, 1.0] if len(self.points.classes) == 2 else [0.0, 1.0]
        far = float(np.abs(self.points.answers).max()) or 1.0
        return [-far, far]

    def _rebuild(self, plan: Plan, weights: by_hand.Weights | None = None) -> None:
        kept = self.settings.weights if weights is None else weights
        self.change(self.settings.model_copy(update={"network": str(plan), "weights": kept}))

    def _set_weight(self, action: SetWeight) -> None:
        """Put a number into a weight, and note it with its moment; the training goes on from there.

        Raises:
            RefusedError: there is no such weight, or no room for another.
        """
        session = self.session
        layers = dense_layers(session.network) if session is not None else []
        weights = by_hand.noted(self.settings.weights, self.moment, action)
        if session is None or by_hand.existing(weights, layers) != weights:
            raise RefusedError("no_weight", control="set_weight")
        if len(weights) > MOST_WEIGHTS:
            raise RefusedError("many_weights", control="set_weight", most=MOST_WEIGHTS)
        self.settings = self.settings.model_copy(update={"weights": weights})
        by_hand.set_again(weights, self.moment, layers)
        if self.diverged:  # the step that failed is tried again with the new number
            self.diverged, self.steps = {}, _advancing(session)
        if self.moment == 0:
            self._judge(session)

    def _kept(self) -> dict[str, Any]:
        """Return what is drawn now as the visitor's own points, as many as leave room for others."""
        at = points.sample(len(self.points.places), _MOST_TAKEN).numpy()
        numbers = np.column_stack([self.points.places[at], self.points.answers[at]]).tolist()
        kept = tuple(tuple(float(f"{value:.4g}") for value in row) for row in numbers)
        total = self.points.total if self.points.total > len(kept) else 0
        answer = "classes" if self.points.classes else "values"
        # the names of laws' classes are the page's, in its language
        names = self.points.classes if self.settings.data == "given" else self.settings.names
        named = tuple(name[:LONGEST_NAME] for name in names)
        return {"data": "own", "points": kept, "answer": answer, "rows": total, "names": named}

    def _draw(self, action: Draw) -> None:
        settings = self.settings
        if settings.data != "own":
            settings = settings.model_copy(update=self._kept())
        if len(settings.points) >= MOST_POINTS:
            raise RefusedError("full", control="draw", most=MOST_POINTS)
        if settings.answer == "classes" and not 0 <= action.answer < MOST_CLASSES:
            raise RefusedError("no_class", control="draw")
        more = (*settings.points, (round(action.x1, 4), round(action.x2, 4), action.answer))
        rows = settings.rows + 1 if settings.rows else 0
        self.change(settings.model_copy(update={"points": more, "rows": rows}))


def _dead(layers: list[npt.NDArray[Any]]) -> int | None:
    """Return the first hidden layer, from 0, all of whose units give one number over the whole plane."""
    return next((at for at, units in enumerate(layers) if not np.ptp(units, axis=(1, 2)).any()), None)


def _advancing(session: Session) -> Iterator[Any]:
    return advance(session, every=2**62)  # no step is sampled: nobody reads them


ENGINE = Playground
