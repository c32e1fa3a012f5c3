"""Keras's own example for MNIST (keras.io, "Simple MNIST convnet"), until 99 % are right: `mnist_keras.py IMAGES`."""

import json
import os
import sys

import numpy as np

os.environ["KERAS_BACKEND"] = "jax"

import keras
from keras import layers

EPOCHS, BATCH_SIZE, WANTED = 15, 128, 0.99


def main() -> None:
    """Train and print how it ended as JSON."""
    keras.utils.set_random_seed(0)
    images = dict(np.load(sys.argv[1]))
    x_train, x_test = (
        np.expand_dims(images[name].astype("float32") / 255, -1) for name in ("train_images", "test_images")
    )
    y_train, y_test = (keras.utils.to_categorical(images[name], 10) for name in ("train_labels", "test_labels"))
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    accuracy, epoch = 0.0, 0
    while accuracy < WANTED and epoch < EPOCHS:
        model.fit(
            x_train, y_train, batch_size=BATCH_SIZE, epochs=epoch + 1, initial_epoch=epoch, validation_split=0.1,
            verbose=0,
        )  # fmt: skip
        epoch += 1
        accuracy = float(model.evaluate(x_test, y_test, verbose=0)[1])
    print(json.dumps({"accuracy": accuracy, "epochs": epoch}))


main()
