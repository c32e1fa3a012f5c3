"""`keras_jax NAME`: Keras on JAX, `fit` for an epoch without shuffling and printing."""

import os
from collections.abc import Callable

os.environ["KERAS_BACKEND"] = "jax"

import keras
from keras import layers as of

from benchmarks.peers.steps.made import RATE, TOKENS, TRAININGS, WINDOW, answer, made


def network_of(name: str) -> keras.Model:
    """Return a network at its beginning."""
    keras.utils.set_random_seed(0)
    shape: tuple[int, ...]
    match name:
        case "mlp":
            shape, chain = (20,), [of.Dense(64, "relu"), of.Dense(64, "relu"), of.Dense(5)]
        case "wide":
            shape, chain = (784,), [of.Dense(128, "relu"), of.Dense(10)]
        case "lenet5":
            shape, chain = (28, 28, 1), [
                of.Conv2D(6, 5, padding="same", activation="tanh"), of.AveragePooling2D(2),
                of.Conv2D(16, 5, activation="tanh"), of.AveragePooling2D(2), of.Flatten(), of.Dense(120, "tanh"),
                of.Dense(84, "tanh"), of.Dense(10),
            ]  # fmt: skip
        case "resnet8":
            return _resnet8()
        case _:
            shape, chain = (WINDOW,), [of.Embedding(TOKENS, 64), of.LSTM(128, return_sequences=True), of.Dense(TOKENS)]
    return keras.Sequential([keras.Input(shape), *chain])


def _resnet8() -> keras.Model:
    given = keras.Input((32, 32, 3))
    x = of.ReLU()(of.BatchNormalization()(of.Conv2D(16, 3, padding="same", use_bias=False)(given)))
    for maps_in, maps in ((16, 16), (16, 32), (32, 64)):
        stride, more = maps // maps_in, (maps - maps_in) // 2
        # every other pixel, and zeros for the new maps
        kept = keras.ops.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (more, more)))
        x = of.BatchNormalization()(of.Conv2D(maps, 3, stride, padding="same", use_bias=False)(x))
        x = of.BatchNormalization()(of.Conv2D(maps, 3, padding="same", use_bias=False)(of.ReLU()(x)))
        x = of.ReLU()(of.Add()([x, kept]))
    return keras.Model(given, of.Dense(10)(of.GlobalAveragePooling2D()(x)))


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    x, y = made(name)
    network = network_of(name)
    network.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return lambda: network.fit(x, y, batch_size=TRAININGS[name].batch, epochs=1, shuffle=False, verbose=0)


if __name__ == "__main__":
    answer(make)
