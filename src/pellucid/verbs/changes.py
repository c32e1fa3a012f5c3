"""What could be done about a cause in a training of ours: other options, or other arrows."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.diagnosis.suspicion import Suspicion
from pellucid.errors import PellucidError
from pellucid.networks import NONLINEARITIES, Plan, parse
from pellucid.options import flag_of
from pellucid.recipe import Recipe
from pellucid.training.optimizers import DEFAULT_RATES

_WIDER = 4
_LONGER = 4
_SQUASHING = re.compile(r"(?<![\w=])(?:sigmoid|tanh|softmax)(?![\w(=])")
_DROPOUT = re.compile(r"(?<![\w=])dropout\(([\d.]+)\)")
_ACTIVATED = re.compile(rf"(?<![\w=])((?:fc|conv)\([^()]*\)) -> ({'|'.join(NONLINEARITIES)})(?!\w)")
_WIDTH = re.compile(r"(?<![\w=])fc\((\d+)")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do otherwise.

    Attributes:
        cause: a code of the vocabulary.
        action: what to do, one sentence in the imperative.
        recipe: options of the recipe with the values they should have.
        arrows: the network to train instead.
    """

    cause: str
    action: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    arrows: str | None = None

    @property
    def options(self) -> str:
        """The options as the command line takes them."""
        said = [f"{flag_of(name)} {_shown(value)}" for name, value in self.recipe.items()]
        return " ".join([*said, *([f'--network "{self.arrows}"'] if self.arrows else [])])

    def to_json(self, proof: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return this as the diagnosis contract's remedy."""
        return {"action": self.action, "change": self.options or None, "proof": None if proof is None else dict(proof)}


def changes_for(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> list[Change]:
    """Return what could be done about a cause, the likeliest to help first; nothing that is as it is already.

    Args:
        suspicion: the cause, with its facts.
        recipe: how the network was trained, every choice made.
        plan: the network; None for a module of the user's own, whose layers cannot be changed.
    """
    cure = _CURES.get(suspicion.cause)
    given = flat(recipe)
    kept: list[Change] = []
    for change in () if cure is None else cure(suspicion, recipe, plan):
        is_new = any(given[name] != value for name, value in change.recipe.items()) or change.arrows
        if is_new and all(change.options != other.options for other in kept):
            kept.append(change)
    return kept


def flat(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe's values by name."""
    return {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _rates(cause: str, recipe: Recipe, *factors: float) -> Iterator[Change]:
    """Yield the usual rate of the optimiser where that is in the direction asked for, then multiples of the present."""
    rate, usual = recipe.learning_rate or 0.0, DEFAULT_RATES[recipe.optimizer]
    if (factors[0] < 1) == (usual < rate) and usual != rate:
        yield Change(cause, f"Take {recipe.optimizer}'s usual learning rate, {usual:g}.", {"learning_rate": usual})
    for factor in factors:
        how = f"Divide the learning rate by {1 / factor:.3g}." if factor < 1 else f"Take {factor:g} times the rate."
        yield Change(cause, how, {"learning_rate": rate * factor})


def _lower_rate(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield from _rates(suspicion.cause, recipe, 0.1, 0.01)


def _higher_rate(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield from _rates(suspicion.cause, recipe, 10.0, 100.0)
    yield from _longer(suspicion, recipe, plan)


def _longer(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if recipe.epochs is not None:
        yield Change(suspicion.cause, f"Train {_LONGER} times as long.", {"epochs": recipe.epochs * _LONGER})


def _adaptive(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if suspicion.facts.get("held_still") and recipe.freeze is not None and (recipe.epochs or 0) > 1:
        yield Change(
            suspicion.cause, "Let the frozen layers learn, too, from the second epoch on.", {"unfreeze_at": "2"}
        )
    if recipe.optimizer not in {"adam", "adamw"}:
        options = {"optimizer": "adamw", "learning_rate": DEFAULT_RATES["adamw"]}
        yield Change(suspicion.cause, "Let the optimiser choose a step for every weight: adamw.", options)
    yield from _rates(suspicion.cause, recipe, 0.1)
    yield from _rates(suspicion.cause, recipe, 10.0)


def _clipped(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield Change(suspicion.cause, "Clip the gradient's norm.", {"clip_norm": 1.0})
    yield from _rates(suspicion.cause, recipe, 0.1)


def _unclipped(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    limit = suspicion.facts.get("wanted_limit")
    if recipe.clip_norm is not None and isinstance(limit, float):
        yield Change(suspicion.cause, "Clip at the usual norm of the gradient.", {"clip_norm": limit})
    loose = {name: None for name in ("clip_norm", "clip_value") if getattr(recipe, name) is not None}
    yield Change(suspicion.cause, "Do not clip: leave the option out.", loose)


def _looser(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if recipe.weight_decay > 0.01:
        yield Change(suspicion.cause, "Take a usual weight decay.", {"weight_decay": 0.01})
    if recipe.l1:
        yield Change(suspicion.cause, "Take no L1 penalty.", {"l1": 0.0})
    text = "" if plan is None else str(plan)
    for share in ("0.2", "0.0"):
        milder = _DROPOUT.sub(lambda found: f"dropout({min(float(found[1]), float(share)):g})", text)  # noqa: B023
        yield from _rewritten(suspicion.cause, f"Drop {float(share):.0%} of the units.", plan, milder)


def _larger_batch(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield Change(suspicion.cause, "Train on larger batches.", {"batch_size": max(32, 4 * (recipe.batch_size or 1))})


def _other_activation(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if plan is not None:
        *hidden, last = (str(word) for word in plan.steps)
        rectified = " -> ".join([str(plan.input), *(_SQUASHING.sub("relu", word) for word in hidden), last])
        yield from _rewritten(suspicion.cause, "Use relu between the layers.", plan, rectified)
        yield from _rewritten(
            suspicion.cause, "Use relu and batch norm between the layers.", plan, _normed(rectified, str(plan))
        )
    yield from _rates(suspicion.cause, recipe, 0.1)


def _dead(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield from _rates(suspicion.cause, recipe, 0.1, 0.01)
    if plan is not None:
        yield from _rewritten(suspicion.cause, "Put batch norm before every relu.", plan, _normed(str(plan), str(plan)))
        leaky = re.sub(r"(?<![\w=])relu(?![\w(=])", "leakyrelu", str(plan))
        yield from _rewritten(suspicion.cause, "Use leakyrelu, which passes a gradient everywhere.", plan, leaky)


def _nonlinear(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if plan is not None:
        words = [str(word) for word in plan.steps]
        between = [
            f"{word} -> relu" if _is_layer(word) and _is_layer(after) else word
            for word, after in zip(words, [*words[1:], ""], strict=True)
        ]
        text = " -> ".join([str(plan.input), *between])
        yield from _rewritten(suspicion.cause, "Put relu between layers that follow each other.", plan, text)


def _wider(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if plan is not None:
        *hidden, last = (str(word) for word in plan.steps)
        widened = [_WIDTH.sub(lambda found: f"fc({_WIDER * int(found[1])}", word) for word in hidden]
        text = " -> ".join([str(plan.input), *widened, last])
        yield from _rewritten(suspicion.cause, f"Make the hidden layers {_WIDER} times as wide.", plan, text)


def _against_heart(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield Change(suspicion.cause, "Let weights decay more.", {"weight_decay": max(0.1, 10 * recipe.weight_decay)})
    if plan is not None and len(plan.steps) > 1 and not _DROPOUT.search(str(plan)):
        *hidden, last = (str(word) for word in plan.steps)
        text = " -> ".join([str(plan.input), *hidden, "dropout(0.3)", last])
        yield from _rewritten(suspicion.cause, "Drop 30 % of what the last layer reads.", plan, text)
    yield Change(suspicion.cause, "Stop when validation gets no better.", {"early_stopping": 5})


def _smoothed(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    yield Change(suspicion.cause, "Spread a share of each label over all classes.", {"label_smoothing": 0.1})


def _balanced(suspicion: Suspicion, recipe: Recipe, plan: Plan | None) -> Iterator[Change]:
    if recipe.adversarial_loss != "wasserstein":
        options = {"adversarial_loss": "wasserstein", "critic_steps": 5, "gradient_penalty": 1.0}
        yield Change(suspicion.cause, "Use the Wasserstein loss with a gradient penalty.", options)
    if recipe.adversarial_loss != "non-saturating":
        options = {"adversarial_loss": "non-saturating", "critic_steps": 1, "gradient_penalty": 0.1}
        yield Change(suspicion.cause, "Use the non-saturating loss with a gradient penalty.", options)
    yield from _rates(suspicion.cause, recipe, 0.3)


def _is_layer(word: str) -> bool:
    return word.startswith(("fc(", "conv("))


def _normed(text: str, before: str) -> str:
    """Return arrows with batch norm before every activation that stands right behind a layer, where there is none."""
    return before if "batchnorm" in text else _ACTIVATED.sub(r"\1 -> batchnorm -> \2", text)


def _rewritten(cause: str, action: str, plan: Plan | None, text: str) -> Iterator[Change]:
    """Yield a change of the arrows, if they are others and can be read."""
    try:
        if plan is not None and parse(text) != plan:
            yield Change(cause, action, arrows=str(parse(text)))
    except PellucidError:  # a text that was cut in a place where no word ends: nothing to offer
        return


Cure = Callable[[Suspicion, Recipe, Plan | None], Iterable[Change]]
_CURES: dict[str, Cure] = {
    "lr-high": _lower_rate,
    "lr-low": _higher_rate,
    "too-few-epochs": _longer,
    "plateau": _adaptive,
    "optimizer-unsuited": _adaptive,
    "batch-size": _larger_batch,
    "clip-too-tight": _unclipped,
    "over-regularised": _looser,
    "exploding-gradient": _clipped,
    "numerical-instability": _lower_rate,
    "wrong-hidden-activation": _other_activation,
    "vanishing-gradient": _other_activation,
    "saturation": _other_activation,
    "dead-relu": _dead,
    "missing-nonlinearity": _nonlinear,
    "capacity-low": _wider,
    "overfitting": _against_heart,
    "label-noise": _smoothed,
    "discriminator-dominates": _balanced,
    "mode-collapse": _balanced,
}
