"""`lightning_bare NAME`: Lightning with nothing but the loop: no logger, checkpoints, bar or summary."""

import logging
import warnings
from collections.abc import Callable

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from benchmarks.peers.steps.made import RATE, answer
from benchmarks.peers.steps.torch_networks import batches_of, network_of


class Learner(lightning.LightningModule):  # type: ignore[misc]
    """A network with its loss and its optimiser."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.network = network_of(name)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return the loss of a batch."""
        return F.cross_entropy(self.network(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), RATE, fused=True)


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(batches_of(name), batch_size=None)  # type: ignore[arg-type]
    learner, off = (
        Learner(name),
        dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False),
    )

    def train() -> None:
        lightning.Trainer(max_epochs=1, accelerator="cpu", devices=1, **off).fit(learner, loader)

    return train


if __name__ == "__main__":
    answer(make)
