"""What is chosen from the data where the user left a choice open; each choice is written into run.json."""

import dataclasses
import math

from pellucid.data.dataset import Dataset, NextToken
from pellucid.recipe import Recipe
from pellucid.shapes import Features, Image, Sequence, Tokens
from pellucid.training.optimizers import DEFAULT_RATES

_FEWEST_STEPS = 2_000  # below this even easy data is left half learned
_SMALL_IMAGE = 16
_FEWEST_EPOCHS, _MOST_EPOCHS = 12, 60


def default_network(data: Dataset) -> str:
    """Return the zoo network that suits the data's input."""
    match data.input_shape:
        case Image(height, width):
            # a small image is soon pooled away, so its few stages get two convolutions each
            return "cnn(convolutions=2)" if min(height, width) <= _SMALL_IMAGE else "cnn"
        case Features():
            return "mlp"
        case Sequence():
            return "gru"
        case Tokens():
            return "lstm(every_step=yes)" if isinstance(data.target, NextToken) else "gru"


def fill_in(recipe: Recipe, data: Dataset) -> Recipe:
    """Return the recipe with every open choice made.

    The batch is the power of two that makes an epoch some 400 steps, within 32 to 256; the epochs make up at least
    2,000 steps, within 12 to 60.
    """
    samples = len(data.rows["train"])
    batch_size = recipe.batch_size or min(256, max(32, 2 ** round(math.log2(max(1, samples / 400)))))
    steps_per_epoch = max(1, samples // batch_size)
    epochs = recipe.epochs or min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, round(_FEWEST_STEPS / steps_per_epoch)))
    augment = recipe.augment or ("shift" if isinstance(data.input_shape, Image) else "none")
    return dataclasses.replace(
        recipe,
        batch_size=batch_size,
        epochs=epochs,
        augment=augment,
        learning_rate=recipe.learning_rate or DEFAULT_RATES[recipe.optimizer],
    )
