"""A callback for Lightning's Trainer: `Trainer(callbacks=[DiagnosisCallback()])`."""

import os
from typing import Any

from pellucid.diagnosis.callbacks.telling import Tell, Telling, first_of, require, to_stderr
from pellucid.diagnosis.watch import Diagnosis
from pellucid.record import Finding

_Callback = first_of("lightning.pytorch.callbacks.Callback", "pytorch_lightning.callbacks.Callback")


class DiagnosisCallback(_Callback or object):  # type: ignore[misc]  # a class that is known only where it is installed
    """Watches `trainer.fit` without changing it, and says what goes wrong: at an epoch's end, and at the end of all.

    Args:
        tell: is given each line; standard error by default.
        path: of a JSON file for what was found in the end.

    Raises:
        RunError: Lightning is not installed.
    """

    def __init__(self, tell: Tell = to_stderr, path: str | os.PathLike[str] | None = None) -> None:
        require(_Callback, "Lightning", "lightning")
        super().__init__()
        self._telling = Telling(tell, path)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What was found; None before the end of a training."""
        return self._telling.diagnosis

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The causes found, the surest first; empty before the end of a training."""
        return () if self.diagnosis is None else self.diagnosis.findings

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin, after the trainer has tried its evaluation out: that is no part of the training."""
        self._telling.begin(pl_module)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Say what is going wrong."""
        self._telling.look()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Say what is wrong."""
        self._telling.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Say what is wrong, which may be what the exception came of."""
        self._telling.end()
