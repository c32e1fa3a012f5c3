"""`pellucid predict`: what a trained network says of new inputs."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError
from pellucid.options import argument, check, from_keywords, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from pellucid.record import Prediction
    from pellucid.verbs.run import Run

# what standard input is taken for, by the kind of data the network was trained on; an image says itself what it is
_ENDINGS = {"table": ".csv", "series": ".csv", "array": ".npz", "image": ".png", "text-lines": ".txt"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictOptions:
    """Say what a trained network makes of new inputs: a class with its probability, a value, or a text gone on with."""

    run: str | None = argument("run folder of a training")
    input: str | None = argument("file or folder; - reads standard input")
    top: int = option(1, "how many classes to show, the likeliest first", group="Output", minimum=1)
    length: int = option(200, "tokens to add to a text", group="Text", minimum=1)
    temperature: float = option(0.8, "0 takes the likeliest token always, 1 draws as believed", group="Text", minimum=0)
    seed: int = option(0, "seed of the draws", group="Text", minimum=0)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def predict(run: str | Run, input: object, **options: Any) -> list[Prediction] | str:
    """Return what a run's network says of an input: a prediction a sample, or the text gone on with.

    Args:
        run: a run, or the path of its folder.
        input: a file, a folder, a frame, an array, a text: whatever the kind of data it was trained on reads.
        options: `length`, `temperature` and `seed`, for texts.

    Raises:
        RunError: no such run.
        DataError: the input is not of the make the network was trained on.
    """
    from pellucid.verbs.run import Run, open_run

    asked = from_keywords(PredictOptions, options)
    opened = run if isinstance(run, Run) else open_run(run)
    if opened.continues_texts:
        return opened.generate(str(input), length=asked.length, temperature=asked.temperature, seed=asked.seed)
    return opened.predict(input)


def command(options: PredictOptions, console: Console) -> Outcome:
    """Predict as the command line asks, and print it."""
    from pellucid.report.predictions import prediction_lines
    from pellucid.verbs.run import open_run

    if options.run is None or options.input is None:
        raise OptionError("something is missing", expected="pellucid predict RUN INPUT", received="fewer arguments")
    run = open_run(options.run)
    if run.continues_texts:
        prompt = sys.stdin.read() if options.input == "-" else options.input
        text = run.generate(prompt, length=options.length, temperature=options.temperature, seed=options.seed)
        console.print(text, markup=False)
        return Outcome({"run": str(run.folder), "text": text})
    with _file_of(options.input, run.preprocessing.kind) as file:
        predictions = run.predict(file)
    console.print(prediction_lines(predictions, options.top), markup=False)
    return Outcome({"run": str(run.folder), "predictions": [prediction.to_json() for prediction in predictions]})


@contextlib.contextmanager
def _file_of(source: str, kind: str) -> Iterator[str]:
    """Give the path of the input; standard input is written to a file that lasts as long as it is read."""
    if source != "-":
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"standard-input{_ENDINGS[kind]}"
        file.write_bytes(sys.stdin.buffer.read())
        yield str(file)
