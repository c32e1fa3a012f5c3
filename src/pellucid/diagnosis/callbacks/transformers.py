"""A callback for the Trainer of Hugging Face's transformers: `Trainer(..., callbacks=[DiagnosisCallback()])`."""

import os
from typing import Any

from pellucid.diagnosis.callbacks.telling import Tell, Telling, first_of, require, to_stderr
from pellucid.diagnosis.watch import Diagnosis
from pellucid.record import Finding

_Callback = first_of("transformers.TrainerCallback")


class DiagnosisCallback(_Callback or object):  # type: ignore[misc]  # a class that is known only where it is installed
    """Watches `trainer.train` without changing it, and says what goes wrong: at an epoch's end, and at the end of all.

    The Trainer tells its callbacks of no exception: after one, call `close`.

    Args:
        tell: is given each line; standard error by default.
        path: of a JSON file for what was found in the end.

    Raises:
        RunError: transformers is not installed.
    """

    def __init__(self, tell: Tell = to_stderr, path: str | os.PathLike[str] | None = None) -> None:
        require(_Callback, "transformers", "transformers")
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

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin."""
        self._telling.begin(kwargs.get("model"))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say what is going wrong."""
        self._telling.look()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say what is wrong."""
        self._telling.end()

    def close(self) -> None:
        """Say what is wrong of a training that an exception ended; nothing where it came to its end."""
        self._telling.end()
