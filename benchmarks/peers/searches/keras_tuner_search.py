"""`keras_tuner_search NAME`: KerasTuner's random search, Keras on JAX."""

import os
import tempfile

os.environ["KERAS_BACKEND"] = "jax"

import keras
import keras_tuner
from keras import layers as of

from benchmarks.peers.searches.made import BATCH, DECAYS, MOMENTA, RATES, Search, answer
from pellucid.data.dataset import Dataset


def network_of(name: str) -> keras.Model:
    """Return a network at its beginning."""
    match name:
        case "mlp":
            chain = [
                keras.Input((8, 8, 1)), of.Flatten(), of.Dense(64, "relu"), of.Dense(64, "relu"), of.Dense(10),
            ]  # fmt: skip
        case "cnn":
            chain = [
                keras.Input((8, 8, 1)), of.Conv2D(8, 3, padding="same", activation="relu"), of.MaxPooling2D(),
                of.Conv2D(16, 3, padding="same", activation="relu"), of.Flatten(), of.Dense(10),
            ]  # fmt: skip
        case _:
            chain = [keras.Input((8, 8)), of.GRU(64), of.Dense(10)]
    return keras.Sequential(chain)


def best_of(name: str, wanted: Search, data: Dataset) -> float:
    """Return the best accuracy of a random search."""

    def hypermodel(trial: keras_tuner.HyperParameters) -> keras.Model:
        network = network_of(name)
        optimizer = keras.optimizers.AdamW(
            trial.Float("rate", *RATES, sampling="log"),
            beta_1=trial.Float("momentum", *MOMENTA),
            weight_decay=trial.Float("decay", *DECAYS, sampling="log"),
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(optimizer, loss, metrics=["accuracy"])
        return network

    x, y = (each.numpy() for each in data.split("train"))
    x_validation, y_validation = (each.numpy() for each in data.split("validation"))
    if name != "gru":  # channels last
        x, x_validation = x.transpose(0, 2, 3, 1), x_validation.transpose(0, 2, 3, 1)
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(
            hypermodel, objective="val_accuracy", max_trials=wanted.trials, seed=0, directory=folder
        )
        tuner.search(
            x, y, batch_size=BATCH, epochs=wanted.epochs, validation_data=(x_validation, y_validation), verbose=0
        )
        return float(tuner.oracle.get_best_trials()[0].score)


if __name__ == "__main__":
    answer(best_of)
