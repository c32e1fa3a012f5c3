"""A training's record as TensorBoard reads it, written while it happens."""

import importlib
from pathlib import Path
from typing import Any

from pellucid.errors import require_installed
from pellucid.record import Epoch, Result, Step


class TensorBoardLogs:
    """A watcher that writes what the record holds into a folder of TensorBoard's event files.

    `train/loss`, `train/learning_rate` and `train/gradient_norm` at each sampled step, `validation/...` at each epoch
    and the held-out split's metrics at the end, all by the optimiser's step; the network and the options as texts.

    Args:
        folder: that `tensorboard --logdir` is given, or one above it.
        step: of the checkpoint that a training goes on from, 0 where it begins: what was logged behind it is taken
            back.
        texts: by name, written at the beginning.

    Raises:
        RunError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, step: int, texts: dict[str, str]) -> None:
        require_installed("logs for TensorBoard need", ("tensorboard",), "logs")
        # an extra: asked for where it is used
        made: Any = importlib.import_module("torch.utils.tensorboard").SummaryWriter
        goes_on = folder.exists()
        self._writer = made(str(folder), purge_step=step + 1 if goes_on else None)
        self._last = step
        if not goes_on:
            for name, text in texts.items():
                self._writer.add_text(name, text)

    def on_step(self, step: Step) -> None:
        """Write a sampled step."""
        self._last = step.step
        for name in ("loss", "learning_rate", "gradient_norm"):
            self._writer.add_scalar(f"train/{name}", getattr(step, name), step.step)

    def on_epoch(self, epoch: Epoch) -> None:
        """Write an epoch's validation metrics, and let them be seen."""
        self._last = epoch.step
        for name, value in epoch.validation.items():
            self._writer.add_scalar(f"validation/{name}", value, epoch.step)
        self._writer.flush()

    def on_result(self, result: Result) -> None:
        """Write how the best weights did."""
        for name, value in result.metrics.items():
            self._writer.add_scalar(f"{result.split}/{name}", value, self._last)

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.close()
