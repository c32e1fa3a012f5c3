"""A generator learns to make points like those shown to a discriminator, which learns to tell them apart."""

import copy
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from pellucid.data.named.mixtures import Mixture
from pellucid.recipe import Recipe
from pellucid.seed import generator
from pellucid.studio.exhibit import Engine, Frame
from pellucid.studio.exhibits.gan import picture, points
from pellucid.studio.exhibits.gan.balance import SOON, Balance
from pellucid.studio.exhibits.gan.duel import Duel
from pellucid.studio.exhibits.gan.program import program
from pellucid.studio.exhibits.gan.settings import PRESET_OF, PRESETS, Draw, GanSettings, Preset
from pellucid.training.defaults import fill_in
from pellucid.training.two_samples import modes_found

MEASURED = 100
"""Steps between two measurements while it plays."""
_MADE = 400
_PULLED = 120
_ROWS = 500  # that samples are compared with
_PALE = (2.0, 0.5)  # least number of the discriminator, and of a critic, that is drawn in full colour
_SAMPLES = 2500  # of which modes are counted, as in the literature
_NEAR = 0.15  # marks of a stroke that lie nearer to the last one add nothing
_MOST_MARKS = 300
_ANEW = ("data", "marks", "noise", "generator", "discriminator", "batch_size", "seed")


class GanLab(Engine[GanSettings]):
    """One training of both networks; what is shown of it may lag half a step behind."""

    settings_class = GanSettings
    actions = (Draw, Preset)

    def reset(self) -> None:
        """Begin with untrained networks."""
        if self.settings.data is None:
            data = "given" if points.fits(self.given.data) else "ring"
            self.settings = self.settings.model_copy(update={"data": data})
        settings = self.settings
        self.points = points.read(str(settings.data), settings.marks, self.given.data)
        self.duel = Duel(self.points, settings)
        self.shown = copy.deepcopy(self.duel.gan).eval()
        self.codes = torch.randn(_MADE, settings.noise, generator=generator(settings.seed, "codes"))
        self.code_grid = picture.grid_of_codes(settings.noise)
        self.balance = Balance()
        self.moved: Literal["none", "discriminator", "generator", "both"] = "none"
        self.is_owed = self.is_stale = False
        self.begun = getattr(self, "begun", 0) + 1  # by this the page knows whether the points are the same
        self._look()
        self._measure()

    def change(self, settings: GanSettings) -> None:
        """Take what concerns the learning or the picture at once; other data or networks begin anew."""
        before = self.settings
        if settings.loss != before.loss and _learning(settings) == _learning(before):
            settings = settings.model_copy(update=self._usual(settings))
        self.settings = settings
        if any(getattr(settings, name) != getattr(before, name) for name in _ANEW):
            self.reset()
            return
        self.duel.take(settings)
        self._reveal()
        self._measure()

    def act(self, action: Any) -> None:
        """Add a mark to the drawing, or take a preset."""
        match action:
            case Draw():
                self._draw(action)
            case Preset():
                usual = GanSettings.model_validate({})
                update = {name: getattr(usual, name) for name in PRESET_OF} | PRESETS[action.name]
                self.settings = self.settings.model_copy(update=update)
                self.reset()

    def advance(self) -> bool:
        """Let the discriminator learn, and the generator where it is its turn."""
        if not self.duel.train():
            return False
        self._look()
        self.moved = "both" if self.duel.is_generators_turn else "discriminator"
        self.is_owed, self.is_stale = False, True
        if self.duel.step % MEASURED == 0:
            self._reveal()
            self._measure()
        return True

    def step(self) -> bool:
        """Take one step of the training, or the half of it that `slow_step` still owes, and show both networks."""
        if self.is_owed:
            return self.slow_step()
        if not self.duel.train():
            return False
        self._look()
        self.moved = "both" if self.duel.is_generators_turn else "discriminator"
        self._reveal()
        self._measure()
        return True

    def slow_step(self) -> bool:
        """Show the step of one of the two: the discriminator's, or the generator's that follows from it.

        Both are computed at once, as always. The one changes nothing in the other, so that the state between the two is
        the new discriminator beside the old generator.
        """
        if self.is_owed:
            self.moved, self.is_owed = "generator", False
            self._reveal()
        else:
            if self.is_stale:
                self._reveal()
            if not self.duel.train():
                return False
            self._look()
            self.moved, self.is_owed = "discriminator", self.duel.is_generators_turn
            self.shown.discriminator.load_state_dict(self.duel.gan.discriminator.state_dict())
        self._measure()
        return True

    def frame(self) -> Frame:
        """Return the points, the field, the warped grid, the pull, both losses and what was measured."""
        if self.is_stale:
            self._reveal()
        values, arrays = self._drawn()
        balance = self.balance
        arrays |= {
            "steps": np.array(balance.steps, dtype=np.float32),
            "discriminator_loss": np.array(balance.discriminator, dtype=np.float32),
            "generator_loss": np.array(balance.generator, dtype=np.float32),
        }
        step = self.duel.step
        law = self.points.modes
        values |= {
            "begun": self.begun,
            "measured": self.measured,
            "step": step,
            "turns": step // self.settings.critic_steps,
            "epoch": self.duel.session.progress.epoch,
            "moved": self.moved,
            "measures": self.measures,
            "modes": 0 if law is None else len(law.centres),
            "findings": [] if self.duel.diverged is not None else balance.findings(step, reached=self._reached()),
            "is_early": step < SOON,
            "diverged": self.duel.diverged,
            "names": self.points.names,
            "box": self.points.box,
            "rows": len(self.points.data.rows["train"]),
            "parameters": {
                name: sum(each.numel() for each in getattr(self.duel.gan, name).parameters())
                for name in ("generator", "discriminator")
            },
            "can_be_given": points.fits(self.given.data),
            "presets": list(PRESETS),
        }
        return Frame(values, arrays)

    def sources(self) -> dict[str, str]:
        """Return the network in arrows, and the training as a program that needs torch and NumPy only."""
        return {"arrows": str(self.duel.plan), "pytorch": program(self.duel.plan, self.settings, self.points)}

    def identity(self) -> dict[str, str]:
        """Return the hash of data that were given."""
        given = self.given.data
        return {"data": given.source.sha256} if given is not None and points.fits(given) else {}

    def _usual(self, settings: GanSettings) -> dict[str, Any]:
        """Return the critic's steps and the penalty that pellucid would choose with this loss."""
        recipe = fill_in(Recipe(adversarial_loss=settings.loss), self.points.data)
        return {"critic_steps": recipe.critic_steps, "penalty": recipe.gradient_penalty}

    def _reached(self) -> float | None:
        law = self.points.modes
        return None if law is None else self.measures["reached"] / len(law.centres)

    def _look(self) -> None:
        self.balance.look(self.duel.step, self.duel.gan, self.settings.loss, self.points.real, self.codes)

    def _reveal(self) -> None:
        """Show both networks as they are."""
        made_by = self.duel.gan.average if self.settings.weights == "average" else self.duel.gan.generator
        self.shown.average.load_state_dict(made_by.state_dict())
        self.shown.discriminator.load_state_dict(self.duel.gan.discriminator.state_dict())
        self.is_stale = False

    @torch.no_grad()
    def _measure(self) -> None:
        """Measure the networks that are shown by the task's own figures."""
        self.measured = self.duel.step
        session, data = self.duel.session, self.points.data
        rows = data.rows["validation"][:_ROWS]
        self.measures = session.task.evaluate(self.shown, data, rows, session.device)
        law = self.points.modes
        if law is not None:
            self.measures |= self._of_modes(law)

    def _of_modes(self, law: Mixture) -> dict[str, float]:
        """Return the modes with a made point within 3 deviations, the share of such points, and the modes reached.

        Reached is the number of modes that points would be spread over evenly with the same entropy, exp H, each point
        counted for the mode next to it, however far: a generator that is only inexact reaches all.
        """
        codes = torch.randn(_SAMPLES, self.settings.noise, generator=generator(0, "modes"))
        made = torch.from_numpy(self.points.in_units(picture.make(self.shown.average, codes)))
        centres = torch.from_numpy(law.centres)
        found = modes_found(made, centres, law.deviation)
        nearest = modes_found(made, centres, float("inf"))
        reached = len(centres) * float(np.exp(-nearest.imbalance))
        return {"modes": float(found.covered), "high_quality": found.high_quality, "reached": reached}

    def _drawn(self) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
        shown, told = self.shown, self.points
        made_N2 = picture.make(shown.average, self.codes)
        with torch.no_grad():
            field_P: Tensor = shown.discriminator(told.places)[:, 0]
            boundary = 0.0
            if self.settings.loss == "wasserstein":  # a critic's numbers have no zero of their own: see Generation
                boundary = float(shown.discriminator(told.real).mean() + shown.discriminator(made_N2).mean()) / 2
        ends_N2, strength_N = picture.pull(shown, self.settings.loss, made_N2[:_PULLED])
        grid_N2 = picture.make(shown.average, self.code_grid.flatten(0, 1))
        arrays = {
            "field": (field_P - boundary).reshape(points.SIDE, points.SIDE).numpy(),
            "real": told.in_units(told.real),
            "made": told.in_units(made_N2),
            "pull": told.in_units(ends_N2),
            "strength": strength_N.numpy(),
            "mesh": told.in_units(grid_N2).reshape(*self.code_grid.shape[:2], 2),
        }
        sizes = np.abs(arrays["field"])
        values = {
            "boundary": boundary,
            # a far corner must not fade the rest, and an undecided discriminator is to look it
            "reach": max(float(np.quantile(sizes, 0.9)), _PALE[self.settings.loss == "wasserstein"]),
            "pull": float(strength_N.median()),
        }
        return values, arrays

    def _draw(self, mark: Draw) -> None:
        marks = () if mark.anew else self.settings.marks
        if marks and np.hypot(marks[-1][0] - mark.x, marks[-1][1] - mark.y) < _NEAR:
            return
        marks = (*marks, (round(mark.x, 2), round(mark.y, 2)))[-_MOST_MARKS:]
        self.settings = self.settings.model_copy(update={"marks": marks, "data": "drawn"})
        self.reset()


def _learning(settings: GanSettings) -> tuple[int, float]:
    return settings.critic_steps, settings.penalty


ENGINE = GanLab
