"""The command line: each verb's options become a command, its errors a message; nothing else happens here.

Exit status: 0 done, 1 a fault of ours (with a traceback), 2 a mistake the message explains, 130 stopped by Ctrl-C.
"""

import dataclasses
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.exceptions import UnusedCliTokensError
from rich.console import Console

from pellucid.errors import OptionError, PellucidError, nearest
from pellucid.files import json_text, write_json
from pellucid.options import Options, flag_of, flat_fields, from_keywords
from pellucid.studio import verb as studio
from pellucid.verbs import data, diagnose, evaluate, experiment, explain, export, predict, reproduce, train, tune, zoo
from pellucid.verbs.outcome import Outcome

Command = Callable[[Any, Console], Outcome]
VERBS: dict[str, tuple[type[Options], Command]] = {
    "train": (train.TrainOptions, train.command),
    "tune": (tune.TuneOptions, tune.command),
    "predict": (predict.PredictOptions, predict.command),
    "evaluate": (evaluate.EvaluateOptions, evaluate.command),
    "diagnose": (diagnose.DiagnoseOptions, diagnose.command),
    "experiment": (experiment.ExperimentOptions, experiment.command),
    "explain": (explain.ExplainOptions, explain.command),
    "export": (export.ExportOptions, export.command),
    "reproduce": (reproduce.ReproduceOptions, reproduce.command),
    "zoo": (zoo.ZooOptions, zoo.command),
    "data": (data.ShowDataOptions, data.command),
    "studio": (studio.StudioOptions, studio.command),
}
_OUT_OF_MEMORY = """memory ran out
  expected: room for the data, the network and a batch
  received: no more memory
  advice: a smaller --batch-size or network; a training goes on from its last checkpoint: pellucid train --resume RUN"""
_JSON_HELP = "write machine-readable output to this file; - is standard output"


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run `pellucid` with the given arguments (default: the process's) and exit."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        tokens = _with_rest_marked(sys.argv[1:] if arguments is None else arguments)
        status = _app()(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except UnusedCliTokensError as error:
        console.print(f"error: nothing takes '{' '.join(error.unused_tokens or ())}'", markup=False, style="red")
        console.print("  advice: pellucid --help lists the verbs, pellucid VERB --help what each takes", style="red")
        sys.exit(2)
    except (PellucidError, CycloptsError) as error:
        console.print(f"error: {error}", markup=False, style="red")
        sys.exit(2)
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader of a pipe went away: `pellucid predict ... | head`
            sys.stderr.close()
            sys.exit(0)
        if error.filename is None:
            raise
        console.print(f"error: {error.filename}: {error.strerror}", markup=False, style="red")
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        from pellucid.training.memory import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        console.print(f"error: {_OUT_OF_MEMORY}", markup=False, style="red")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(status)


def _app() -> App:
    app = App(
        name="pellucid",
        help="Neural networks you can see through: train any network on your own data with one command.",
        version=version("pellucid"),
        help_format="plaintext",
    )
    for name, (options_class, command) in VERBS.items():
        app.command(_as_function(options_class, command), name=name)

    @app.command(name="--completion")
    def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
        """Print what a shell needs to complete verbs and options: eval "$(pellucid --completion bash)"."""
        sys.stdout.write(app.generate_completion(prog_name="pellucid", shell=shell))
        return 0

    return app


def _as_function(options_class: type[Options], command: Command) -> Callable[..., int]:
    """Return a function whose signature is the options class's flat fields, for cyclopts to read."""

    def function(*positional: str | None, json: str | None = None, **keywords: Any) -> int:
        named = _by_place(positional, fields) | keywords
        _require_place_for(json)
        if "json" in fields:
            named["json"] = json
        # what people read must not stand between what programs read
        console = Console(stderr=json == "-", highlight=False, soft_wrap=True, quiet=bool(keywords.get("quiet")))
        outcome = command(from_keywords(options_class, named), console)
        if "json" not in fields and not outcome.is_told:
            _write_json(json, outcome.document)
        return outcome.status

    fields = flat_fields(options_class)
    titles = [field.metadata["group"] for field, _ in fields.values() if field.metadata["group"]]
    order = {title: Group(title, sort_key=rank) for rank, title in enumerate(dict.fromkeys([*titles, "Output"]))}
    parameters = [_parameter(name, field, hint, order) for name, (field, hint) in fields.items()]
    if "json" not in fields:
        json_hint = Annotated[str | None, Parameter(help=_JSON_HELP, group=order["Output"], allow_leading_hyphen=True)]
        parameters.append(inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=json_hint))
    parameters.sort(key=lambda parameter: parameter.kind)
    described: Any = function
    described.__signature__ = inspect.Signature(parameters)
    described.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    described.__doc__ = inspect.getdoc(options_class)
    return function


def _with_rest_marked(tokens: list[str]) -> list[str]:
    """Return the command line with `--` before the first argument by place, where a verb takes all that follows.

    Raises:
        OptionError: an option before it that does not exist.
    """
    fields = flat_fields(VERBS[tokens[0]][0]) if tokens and tokens[0] in VERBS else {}
    if not any(field.metadata.get("rest") for field, _ in fields.values()):
        return tokens
    takes_value = {"--help": False, "-h": False, "--version": False}
    for name, (field, hint) in fields.items():
        if not field.metadata.get("positional"):
            takes_value |= dict.fromkeys(_flags(name, field), hint is not bool)
    place = 1
    while place < len(tokens) and tokens[place].startswith("-") and tokens[place] != "--":
        flag, equals, _ = tokens[place].partition("=")
        if flag not in takes_value:
            raise OptionError(f"there is no option '{flag}'", received=flag, advice=nearest(flag, takes_value))
        place += 2 if takes_value[flag] and not equals else 1
    return tokens if tokens[place : place + 1] in ([], ["--"]) else [*tokens[:place], "--", *tokens[place:]]


def _flags(name: str, field: Any) -> tuple[str, ...]:
    """Return how an option is written: `--learning-rate`, and `-x` where it has a letter."""
    short = field.metadata.get("short")
    return (flag_of(name), *([short] if short else []))


def _by_place(
    values: tuple[str | None, ...], fields: Mapping[str, tuple[dataclasses.Field[Any], Any]]
) -> dict[str, str | tuple[str | None, ...] | None]:
    """Return the arguments taken by place under their names; what begins with a hyphen was meant as an option.

    Raises:
        OptionError: an option that does not exist.
    """
    places = [name for name, (field, _) in fields.items() if field.metadata.get("positional")]
    if places and fields[places[-1]][0].metadata.get("rest"):
        return {**dict(zip(places[:-1], values, strict=False)), places[-1]: values[len(places) - 1 :]}
    for value in values:
        if value is not None and value.startswith("-") and value != "-":
            known = [flag_of(name) for name in fields]
            raise OptionError(f"there is no option '{value}'", received=value, advice=nearest(value, known))
    return dict(zip(places, values, strict=False))


def _parameter(name: str, field: Any, hint: Any, groups: dict[str, Group]) -> inspect.Parameter:
    by_place, rest = field.metadata.get("positional"), field.metadata.get("rest")
    # by place, `-` stands for standard input, and of a file for output it stands for standard output
    more: dict[str, Any] = {"allow_leading_hyphen": bool(by_place) or name == "json"}
    if not by_place:
        more |= {"group": groups[field.metadata["group"]], "name": _flags(name, field)}
    # "[default: False]" says nothing that the option's absence does not; what None stands for, the help says
    shown = not any(field.default is nothing for nothing in (None, False, ()))
    described = Parameter(help=field.metadata["help"], negative="", show_default=shown, **more)
    if rest:
        return inspect.Parameter(name, inspect.Parameter.VAR_POSITIONAL, annotation=Annotated[str, described])
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_ONLY if by_place else inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=Annotated[hint, described],
    )


def _require_place_for(target: str | None) -> None:
    """Refuse a place that cannot take the JSON before hours go into what it should hold.

    Raises:
        OptionError: no such folder, a folder itself, or one that may not be written into.
    """
    if target is None or target == "-":
        return
    path = Path(target)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        received = "a folder" if path.is_dir() else f"{path.parent} cannot be written into"
        raise OptionError(f"--json {target} cannot be written", expected="a file, or -", received=received)


def _write_json(target: str | None, document: dict[str, Any]) -> None:
    if target == "-":
        sys.stdout.write(json_text(document))
    elif target is not None:
        write_json(Path(target), document)


if __name__ == "__main__":
    main()
