"""`pellucid predict`: what a trained network says of new inputs."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, nearest
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
    """Say what a trained network makes of new inputs: a class, a value, a text gone on with, a picture or a mask."""

    run: str | None = argument("run folder of a training")
    input: str | None = argument("file or folder; - reads standard input; none to make samples")
    output: str | None = option(
        None,
        "folder for the pictures a network answers with, or file for the samples it makes: .png (images), .npz or .csv",
        group="Output",
    )
    top: int = option(1, "how many classes to show, the likeliest first", group="Output", minimum=1)
    threshold: float | None = option(
        None,
        "of two classes the positive one is said from this probability on",
        group="Threshold",
        minimum=0,
        maximum=1,
    )
    positive: str | None = option(
        None, "the class the threshold is for (default: the rarer in training)", group="Threshold"
    )
    samples: int = option(36, "how many samples to make, of a network that makes some", group="Samples", minimum=1)
    length: int = option(200, "tokens to add to a text", group="Text", minimum=1)
    temperature: float = option(0.8, "0 takes the likeliest token always, 1 draws as believed", group="Text", minimum=0)
    seed: int = option(0, "seed of the draws of texts and samples", group="Text", minimum=0)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def predict(run: str | Run, input: object, **options: Any) -> list[Prediction] | str:
    """Return what a run's network says of an input: a prediction a sample, or the text gone on with.

    (Samples, of a network that was trained to make some, come from `Run.sample`.)

    Args:
        run: a run, or the path of its folder.
        input: a file, a folder, a frame, an array, a text: whatever the kind of data it was trained on reads.
        options: `threshold` and `positive`, for two classes; `length`, `temperature` and `seed`, for texts;
            `output`, a folder for pictures.

    Raises:
        RunError: no such run.
        DataError: the input is not of the make the network was trained on.
        OptionError: a threshold where there are not two classes, or no such class.
    """
    from pellucid.verbs.predicting import save_pictures
    from pellucid.verbs.run import Run, open_run

    asked = from_keywords(PredictOptions, options)
    opened = run if isinstance(run, Run) else open_run(run)
    positive = _positive(opened, asked)
    if opened.continues_texts:
        return opened.generate(str(input), length=asked.length, temperature=asked.temperature, seed=asked.seed)
    predictions = _decided(opened.predict(input), asked.threshold, positive)
    if asked.output is not None:
        save_pictures(predictions, Path(asked.output), Path(input) if isinstance(input, str | Path) else Path())
    return predictions


def command(options: PredictOptions, console: Console) -> Outcome:
    """Predict as the command line asks, and print it."""
    from rich.console import Console

    from pellucid.report.predictions import prediction_lines
    from pellucid.verbs.predicting import save_pictures
    from pellucid.verbs.run import open_run

    run = None if options.run is None else open_run(options.run)
    if run is not None and options.input is None and run.makes_samples:
        return _sample(run, options, console)
    if run is None or options.input is None:
        raise OptionError("something is missing", expected="pellucid predict RUN INPUT", received="fewer arguments")
    positive = _positive(run, options)
    if run.continues_texts:
        prompt = sys.stdin.read() if options.input == "-" else options.input
        text = run.generate(prompt, length=options.length, temperature=options.temperature, seed=options.seed)
        console.print(text, markup=False)
        return Outcome({"run": str(run.folder), "text": text})
    with _file_of(options.input, run.preprocessing.kind) as file:
        samples = run.read(file)
    for note in samples.notes:  # beside the predictions, which another program may read
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"note     {note}", markup=False)
    predictions = _decided(run.predict(samples), options.threshold, positive)
    said = [prediction.to_json() for prediction in predictions]
    if options.output is not None:
        written = save_pictures(predictions, Path(options.output), Path(options.input))
        said = [{**each, "picture": str(path)} for each, path in zip(said, written, strict=True)]
    console.print(prediction_lines(predictions, options.top), markup=False)
    return Outcome({"run": str(run.folder), "notes": list(samples.notes), "predictions": said})


def _sample(run: Run, options: PredictOptions, console: Console) -> Outcome:
    """Make samples and write them, or print those that are rows of numbers."""
    from torch import Tensor

    from pellucid.formats.samples import as_rows, write_samples

    samples = run.sample(options.samples, options.seed)
    if options.output is not None:
        write_samples(Path(options.output), samples)
        console.print(f"samples  {options.output}", markup=False)
        return Outcome({"run": str(run.folder), "output": options.output})
    if isinstance(samples, Tensor) and samples.ndim == 4:
        raise OptionError(
            "pictures cannot be printed", expected="--output FILE, such as samples.png", received="no --output"
        )
    rows = as_rows(samples)
    console.print(rows.write_csv().rstrip(), markup=False)
    return Outcome({"run": str(run.folder), "samples": rows.to_dicts()})


def _positive(run: Run, options: PredictOptions) -> str | None:
    """Return the class that a threshold is for; None where there is no threshold.

    Raises:
        OptionError: there are not two classes, no such class, a class without a threshold, or the training data that
            would tell which class is the rarer one is gone.
    """
    from pellucid.data import Classes
    from pellucid.errors import DataError, RunError

    if options.threshold is None:
        if options.positive is None:
            return None
        raise OptionError(
            "--positive says which class a threshold is for, but there is none",
            expected="--threshold beside it, such as --threshold 0.3",
            received=f"--positive {options.positive}",
        )
    names = run.target.names if isinstance(run.target, Classes) else ()
    if len(names) != 2:
        raise OptionError(
            "a threshold decides between two classes only",
            expected="a network that tells two classes apart",
            received=f"one that tells {len(names)} apart" if names else "one that tells no classes apart",
            advice="leave --threshold out",
        )
    if options.positive is None:
        try:
            return run.rarer_class()
        except (DataError, RunError) as error:
            raise OptionError(
                "the training data, which would tell the rarer class, cannot be read",
                expected=f"--positive {names[0]} or --positive {names[1]}",
                received=error.message,
            ) from None
    if options.positive not in names:
        raise OptionError(
            f"there is no class '{options.positive}'",
            expected=" or ".join(names),
            received=options.positive,
            advice=nearest(options.positive, names),
        )
    return options.positive


def _decided(predictions: list[Prediction], threshold: float | None, positive: str | None) -> list[Prediction]:
    """Return predictions whose label is the positive class where its probability reaches the threshold."""
    if threshold is None or positive is None:
        return predictions
    decided = []
    for prediction in predictions:
        negative = next(name for name in prediction.probabilities if name != positive)
        label = positive if prediction.probabilities[positive] >= threshold else negative
        decided.append(replace(prediction, label=label))
    return decided


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
