"""How the learning rate changes over a training: pure functions of the step, so that nothing needs restoring.

Each returns the factor on the peak rate. Let t = step / total, w = warm-up share, e = whole epochs done.
"""

import math
from collections.abc import Callable

from pellucid.errors import OptionError
from pellucid.recipe import Recipe, ScheduleName

Schedule = Callable[[int], float]

USUAL_SCHEDULE: ScheduleName = "one-cycle"

_START = 1 / 25  # where a one-cycle begins (Smith & Topin 2018, as in torch's OneCycleLR)
_END = 1e-4  # and ends, as a factor of its beginning
_DEFAULT_DECAY = {"step": 0.1, "exponential": 0.95, "inverse-time": 0.1}


def schedule(recipe: Recipe, total_steps: int, steps_per_epoch: int) -> Schedule:
    """Return the factor of the learning rate at each step (0 to total_steps - 1).

    - constant: 1
    - linear: 1 - t                                 after warm-up
    - cosine: (1 + cos(pi t)) / 2                   after warm-up
    - one-cycle: 1/25 to 1 to 1/25 * 1e-4 by half cosines, the peak at w (torch's OneCycleLR)
    - step: decay^floor(3 t), that is twice in a training (decay 0.1)
    - exponential: decay^e (decay 0.95)
    - inverse-time: 1 / (1 + decay e) (decay 0.1)

    Warm-up rises linearly over the first w of the steps; the last three and constant have none.

    Raises:
        OptionError: a decay above 1 for step or exponential.
    """
    name = recipe.schedule or USUAL_SCHEDULE
    if recipe.decay is not None and recipe.decay > 1 and name in ("step", "exponential"):
        raise OptionError(
            f"a decay of {recipe.decay:g} would let the learning rate grow without end",
            expected=f"0 to 1 for the {name} schedule: what is left of the rate each time",
            received=f"{recipe.decay:g}",
        )
    decay = _DEFAULT_DECAY.get(name, 1.0) if recipe.decay is None else recipe.decay
    warm = round(recipe.warmup * total_steps)
    rest = max(1, total_steps - warm)

    def after_warmup(fall: Callable[[float], float]) -> Schedule:
        return lambda step: (step + 1) / (warm + 1) if step < warm else fall((step - warm) / rest)

    match name:
        case "constant":
            return lambda _: 1.0
        case "linear":
            return after_warmup(lambda t: 1 - t)
        case "cosine":
            return after_warmup(lambda t: (1 + math.cos(math.pi * t)) / 2)
        case "one-cycle":
            return _one_cycle(warm - 1, total_steps - 1)
        case "step":
            return lambda step: decay ** (3 * step // total_steps)
        case "exponential":
            return lambda step: decay ** (step // steps_per_epoch)
        case "inverse-time":
            return lambda step: 1 / (1 + decay * (step // steps_per_epoch))


def _one_cycle(peak: int, last: int) -> Schedule:
    """Rise to 1 at step `peak`, fall to 1e-4 of the start at step `last`, as torch's OneCycleLR does."""

    def factor(step: int) -> float:
        if step <= peak and peak > 0:
            return _half_cosine(_START, 1.0, step / peak)
        return _half_cosine(1.0, _START * _END, (step - peak) / max(1, last - peak))

    return factor


def _half_cosine(start: float, end: float, t: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2
