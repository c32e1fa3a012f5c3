"""`skorch_net NAME`: skorch's classifier, fitted on for an epoch, without validation and printing."""

from collections.abc import Callable

import torch
from skorch import NeuralNetClassifier
from torch import nn

from benchmarks.peers.steps.made import RATE, TRAININGS, answer
from benchmarks.peers.steps.torch_networks import network_of, samples_of


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    x, y = samples_of(name)
    learner = NeuralNetClassifier(
        network_of(name), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, optimizer__fused=True, lr=RATE,
        batch_size=TRAININGS[name].batch, train_split=None, verbose=0, callbacks__epoch_timer=None,
        callbacks__train_loss=None, callbacks__valid_loss=None, callbacks__valid_acc=None, callbacks__print_log=None,
    )  # fmt: skip
    learner.initialize()
    return lambda: learner.partial_fit(x, y, epochs=1)


if __name__ == "__main__":
    answer(make)
