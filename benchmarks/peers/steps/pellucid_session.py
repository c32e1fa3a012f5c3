"""`pellucid_session NAME`: the steps of `pellucid train --no-diagnosis`, with all that it does in each."""

import string
from collections.abc import Callable

import torch

from benchmarks.peers.steps.made import RATE, TOKENS, TRAININGS, WINDOW, answer
from benchmarks.peers.steps.torch_networks import samples_of
from pellucid.data import Source
from pellucid.data.arrays.arrays import from_arrays
from pellucid.data.dataset import Dataset
from pellucid.data.texts.text import from_text
from pellucid.recipe import DataOptions, Recipe
from pellucid.training import begin
from pellucid.training.backpropagation import chain_of
from pellucid.training.loop import train_step


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    training, data = TRAININGS[name], _data(name)
    recipe = Recipe(
        batch_size=training.batch, epochs=1_000, learning_rate=RATE, schedule="constant", optimizer="adam",
        state="fresh" if name == "charlstm" else None, augment="none", weight_decay=0.0, device="cpu", threads=1,
    )  # fmt: skip
    arrows = training.arrows.replace(f", length={WINDOW}", "")  # a text's windows may be of any length
    session = begin(data, arrows, recipe).session
    session.network.train()
    session.backpropagate = chain_of(session)
    rows = data.rows["train"]
    batches = rows[torch.randperm(len(rows))].split(training.batch)[: training.steps]

    def train() -> None:
        for rows_B in batches:
            train_step(session, rows_B, measure=False)  # as in all but about 1,000 steps of a training

    return train


def _data(name: str) -> Dataset:
    """Return a data set with at least the rows of all steps to train on."""
    if name == "charlstm":
        letters = (string.ascii_letters + string.digits + ".,!")[: TOKENS - 1]  # and one for what is not among them
        count = 2 * WINDOW * TRAININGS[name].batch * TRAININGS[name].steps
        drawn = torch.randint(len(letters), (count,), generator=torch.Generator().manual_seed(0)).tolist()
        text = "".join(letters[number] for number in drawn)
        return from_text("letters", text, DataOptions(length=WINDOW), Source("memory", "", ""))
    x, y = samples_of(name)
    return from_arrays("numbers", torch.cat([x, x]), torch.cat([y, y]), DataOptions(duplicates="apart"))


if __name__ == "__main__":
    answer(make)
