"""What is chosen from the data where the user left a choice open; each choice is written into run.json."""

import dataclasses
import math
from typing import Literal

from torch import nn

from pellucid.data.dataset import Dataset, Itself, Masks, NextToken, Values
from pellucid.networks import Plan
from pellucid.networks.carrying import recurrent_layers
from pellucid.networks.words import Rbf
from pellucid.networks.words.combinators import every
from pellucid.recipe import Recipe
from pellucid.shapes import Features, Image, Sequence, Tokens
from pellucid.training.optimizers import DEFAULT_RATES, USUAL_MOMENTUM
from pellucid.training.schedules import USUAL_SCHEDULE

_FEWEST_STEPS = 2_000
_WORTH_THREADS = 1e9
_RADIAL_RATE = 3e-4
_ROW_BY_ROW = {"perceptron", "pocket"}  # what they promise, they promise of the rows as they are
_FEWEST_EPOCHS, _MOST_EPOCHS = 12, 60
_ADVERSARIAL_STEPS, _ADVERSARIAL_RATE, _ADVERSARIAL_MOMENTUM = 10_000, 1e-3, 0.5


def default_network(data: Dataset) -> str:
    """Return the zoo network that suits the data's input."""
    if isinstance(data.target, Itself) and data.target.purpose == "reconstruction":
        return "autoencoder"
    if isinstance(data.target, Itself) and data.target.purpose == "generation":
        return "gan"
    if isinstance(data.target, Masks):
        return "fcn"
    match data.input_shape:
        case Image():
            return "cnn"
        case Features():
            return "mlp"
        case Sequence():
            return "gru(64, from_last=yes)" if isinstance(data.target, Values) else "gru"
        case Tokens():
            if isinstance(data.target, NextToken):
                return "lstm(every_step=yes)"
            # a name's beginning tells its language too: 77.5 % of test rows right, a plain gru 76.0 % (one seed)
            return "gru(bidirectional=yes, dropout=0.3)"


def default_threads(plan: Plan, batch_size: int) -> int | None:
    """Return one thread for a network whose step is small, None (as many as torch has set) for a larger one.

    Measured on two cores: on a quiet machine a second thread gains nothing at 40 million operations a step and 1.3 to
    2.4 times at 300 million; where another process holds a core it loses 4 to 8 times at 300 million and a hundredfold
    and more below, because each thread waits, spinning, for the other at every layer. One thread is the safe choice.
    A recurrent network's operations come one time step after the other, so it is counted by the step.
    """
    if plan.flops is None:  # a free length: recurrent, and small at each of its steps
        return 1
    steps = plan.input.length or 1 if isinstance(plan.input, Sequence | Tokens) else 1
    forward_and_backward = 3 * plan.flops * batch_size / steps
    return 1 if forward_and_backward < _WORTH_THREADS else None


def default_state(network: nn.Module, data: Dataset, recipe: Recipe) -> Literal["carried", "fresh"]:
    """Return what recurrent layers begin each window of a text with: the state before it, where they can carry it."""
    layers = recurrent_layers(network).values()
    forwards = bool(layers) and not any(layer.bidirectional for layer in layers)
    reads_on = isinstance(data.target, NextToken) and forwards and not recipe.compile
    return "carried" if reads_on else "fresh"


def fill_in(recipe: Recipe, data: Dataset) -> Recipe:
    """Return the recipe with every open choice made.

    The batch is the power of two that makes an epoch some 400 steps, within 32 to 256; the epochs make up at least
    2,000 steps, within 12 to 60. See `_for_generation` for two networks that learn against each other.
    """
    if isinstance(data.target, Itself) and data.target.purpose == "generation":
        recipe = _for_generation(recipe, len(data.rows["train"]), images=isinstance(data.input_shape, Image))
    if isinstance(data.target, Itself) and data.target.purpose == "recall":
        recipe = _for_recall(recipe, len(data.rows["train"]))
    samples = len(data.rows["train"])
    if recipe.rule == "closed-form":  # one step on all rows, which are as they are unless changes are asked for
        recipe = dataclasses.replace(
            recipe, epochs=recipe.epochs or 1, batch_size=samples, augment=recipe.augment or "none"
        )
    batch_size = recipe.batch_size or min(256, max(32, 2 ** round(math.log2(max(1, samples / 400)))))
    steps_per_epoch = max(1, samples // batch_size)
    epochs = recipe.epochs or min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, round(_FEWEST_STEPS / steps_per_epoch)))
    labelled = not isinstance(data.target, Itself | Masks)  # what is moved would no longer fit its mask
    shifts = isinstance(data.input_shape, Image) and labelled and recipe.rule not in _ROW_BY_ROW
    usual_rate = 1.0 if recipe.rule in _ROW_BY_ROW else DEFAULT_RATES[recipe.optimizer]
    return dataclasses.replace(
        recipe,
        batch_size=batch_size,
        epochs=epochs,
        augment=recipe.augment or ("shift" if shifts else "none"),
        learning_rate=usual_rate if recipe.learning_rate is None else recipe.learning_rate,
        momentum=USUAL_MOMENTUM if recipe.momentum is None else recipe.momentum,
        schedule=recipe.schedule or USUAL_SCHEDULE,
    )


def _for_recall(recipe: Recipe, samples: int) -> Recipe:
    """Return a recipe for a memory, which stores its patterns as they are, in one step."""
    return dataclasses.replace(
        recipe, batch_size=recipe.batch_size or samples, epochs=recipe.epochs or 1, augment=recipe.augment or "none"
    )


def _for_generation(recipe: Recipe, samples: int, *, images: bool) -> Recipe:
    """Return a recipe for a generator and a discriminator with its open choices made.

    Tried on mixtures of 8 and 25 modes and on digits: with a momentum of 0.9 the two chase each other in circles, and
    without a penalty on its slope the discriminator leaves modes to be forgotten.
    """
    wasserstein = recipe.adversarial_loss == "wasserstein"
    batch_size = recipe.batch_size or min(256, max(64, 2 ** round(math.log2(max(1, samples / 20)))))
    # of the 10 of WGAN-GP, rows of numbers want less: with 1 the ring's modes were found in half the steps
    penalty = (10.0 if images else 1.0) if wasserstein else (1.0 if images else 0.1)
    adaptive = recipe.optimizer in {"adam", "adamw"}
    return dataclasses.replace(
        recipe,
        batch_size=batch_size,
        epochs=recipe.epochs or max(1, round(_ADVERSARIAL_STEPS / max(1, samples // batch_size))),
        augment=recipe.augment or "none",
        learning_rate=_ADVERSARIAL_RATE if recipe.learning_rate is None and adaptive else recipe.learning_rate,
        momentum=_ADVERSARIAL_MOMENTUM if recipe.momentum is None else recipe.momentum,
        schedule=recipe.schedule or "linear",
        critic_steps=recipe.critic_steps or (5 if wasserstein else 1),
        gradient_penalty=penalty if recipe.gradient_penalty is None else recipe.gradient_penalty,
    )


def suited(recipe: Recipe, asked: Recipe, plan: Plan) -> Recipe:
    """Return a filled-in recipe with what a network wants otherwise, where that was not asked for.

    Radial basis functions begin at a solution: the usual rate would leave it before it is made better, and centres lie
    on images as they are. On digits `rbf(200)` lost two points by the usual choices (one seed).
    """
    if recipe.rule not in {None, "gradient"} or not any(isinstance(word, Rbf) for word in every(plan.steps)):
        return recipe
    adaptive = recipe.optimizer in {"adam", "adamw"}
    return dataclasses.replace(
        recipe,
        learning_rate=_RADIAL_RATE if asked.learning_rate is None and adaptive else recipe.learning_rate,
        augment=asked.augment or "none",
    )
