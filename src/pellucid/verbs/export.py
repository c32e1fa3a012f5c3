"""`pellucid export`: a trained network for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pellucid.errors import OptionError, RunError
from pellucid.options import argument, check, from_keywords, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from torch import nn

    from pellucid.formats import Exported
    from pellucid.verbs.run import Run

Form = Literal["python", "pt2", "onnx", "safetensors", "huggingface", "mlflow"]
_ENDINGS: dict[str, str] = {
    "python": "-python", "pt2": ".pt2", "onnx": ".onnx", "safetensors": ".safetensors",
    "huggingface": "-huggingface", "mlflow": "-mlflow",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """Write a trained network for other programs: Python source, pt2, ONNX, its weights, or for the Hub or MLflow."""

    run: str | None = argument("run folder of a training")
    to: Form = option("python", "the form: python is a folder that predicts without pellucid", group="Output")
    output: str | None = option(None, "file or folder to write (default: the run's name, here)", group="Output")

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def export(run: str | Path | Run, network: nn.Module | None = None, **options: Any) -> Exported:
    """Write a trained network for other programs and return what was written.

    Args:
        run: a run, or the path of its folder.
        network: for a run on a module of your own: the module, whose weights become the run's.
        options: `to` and `output`.

    Raises:
        RunError: no such run, something is in the way, or the network cannot be said in that form.
    """
    from pellucid.verbs.run import Run, open_run

    asked = from_keywords(ExportOptions, {name: _plain(value) for name, value in options.items()})
    return _export(run if isinstance(run, Run) else open_run(run), network, asked)


def command(options: ExportOptions, console: Console) -> Outcome:
    """Export as the command line asks, and say how it is used."""
    from pellucid.report.exported import exported_lines
    from pellucid.verbs.run import open_run

    if options.run is None:
        raise OptionError("there is no run to export", expected="pellucid export RUN", received="no RUN")
    written = _export(open_run(options.run), None, options)
    console.print(exported_lines(written), markup=False)
    document = {
        "run": options.run,
        "to": options.to,
        "target": str(written.target),
        "files": [str(path) for path in written.files],
        "difference": written.difference,
    }
    return Outcome(document)


def _export(run: Run, network: nn.Module | None, options: ExportOptions) -> Exported:
    from pellucid import formats
    from pellucid.formats.trained import sample_of
    from pellucid.networks import parse

    arrows = run.asked["network"]["arrows"]
    if arrows is None and network is None:
        raise RunError(
            f"{run.folder} was trained with a module of your own, which pellucid cannot build",
            advice=f"from Python: pellucid.export({str(run.folder)!r}, network=module, to={options.to!r})",
        )
    name = run.folder.resolve().name
    trained = formats.Trained(
        name=name,
        network=run.model() if network is None else run.with_weights(network),
        plan=None if arrows is None else parse(arrows),
        preprocessing=run.preprocessing,
        target=run.target,
        sample=sample_of(run.preprocessing),
        data=run.asked["data"]["name"],
        metrics={} if run.record.result is None else run.record.result.metrics,
    )
    target = Path(options.output or f"{name}{_ENDINGS[options.to]}")
    match options.to:
        case "python":
            return formats.write_python(trained, target)
        case "pt2":
            return formats.write_pt2(trained, target)
        case "onnx":
            return formats.write_onnx(trained, target)
        case "safetensors":
            return formats.write_safetensors(trained, target)
        case "huggingface":
            return formats.write_huggingface(trained, target)
        case "mlflow":
            return formats.write_mlflow(trained, target)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
