"""A remedy tried on a run: the same training again with one change, in a process and a run folder of its own.

What is executed is this interpreter with a list of arguments that is made here, from what the run's folder says and a
change that is read as options of a recipe; no shell is asked, and the page chooses among offers by their number.
"""

import dataclasses
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, get_args

from pellucid.errors import PellucidError
from pellucid.options import command_line, differing, flag_of, flat_fields, from_stored
from pellucid.recipe import Recipe
from pellucid.record import Finding, read_findings
from pellucid.verbs.folder import WARNINGS
from pellucid.verbs.train import TrainOptions

_FLAGS = frozenset(flag_of(name) for name in flat_fields(Recipe)) | {"--network"}
_LINES = 6
REPAIR = "--repair"


@dataclass(frozen=True)
class Offer:
    """Something to be tried.

    Attributes:
        cause: a code of the vocabulary; empty for a whole repair.
        action: what is done, in words.
        change: as options.
        command: the whole command, to be copied; empty where there is none.
        values: the change as options and their values, in words of the recipe.
        code: the same as the command in Python.
        hindrance: why it cannot be tried here: "memory", "module", "change", or nothing.
        proof: what another trial of it gave, where the finding has one.
    """

    cause: str
    action: str
    change: str
    command: str
    values: tuple[tuple[str, str], ...] = ()
    code: str = ""
    hindrance: str = ""
    proof: Mapping[str, Any] | None = None


def findings_of(folder: Path) -> tuple[Finding, ...]:
    """Return what was found of a run; nothing where nobody looked yet.

    Raises:
        RunError: the file is damaged.
    """
    path = next((path for name in ("findings.json", WARNINGS) if (path := folder / name).exists()), None)
    return () if path is None else read_findings(path)


def offers(asked: Mapping[str, Any], findings: tuple[Finding, ...], folder: Path, name: str) -> list[Offer]:
    """Return what can be tried on a run: the remedies of its findings in their order, then a whole repair."""
    made = []
    for finding in findings:
        for remedy in finding.remedies:
            change, action = str(remedy.get("change") or ""), str(remedy.get("action", ""))
            offer = Offer(finding.cause, action, change, "", changed_values(change), proof=remedy.get("proof"))
            made.append(_with_command(offer, asked, folder, name))
    if made and not asked["options"].get("repair"):
        made.append(_with_command(Offer("", "", REPAIR, ""), asked, folder, name))
    return made


def _with_command(offer: Offer, asked: Mapping[str, Any], folder: Path, name: str) -> Offer:
    if hindrance := _hindrance(asked):
        return dataclasses.replace(offer, hindrance=hindrance)
    try:
        options = dataclasses.replace(
            _changed(offer.change, asked), name=name, folder=str(folder.absolute()), repair=offer.change == REPAIR
        )
    except (PellucidError, ValueError):
        return dataclasses.replace(offer, hindrance="change")
    return dataclasses.replace(offer, command=command_line("train", options), code=program(options))


def command_of(asked: Mapping[str, Any]) -> str:
    """Return the command that trains a run again; empty where none can."""
    try:
        return "" if _hindrance(asked) else command_line("train", _changed("", asked))
    except (PellucidError, ValueError):
        return ""


def program(options: TrainOptions) -> str:
    """Return a training as a program.

    >>> print(program(TrainOptions(data="iris", recipe=Recipe(epochs=3))))
    import pellucid
    <BLANKLINE>
    run = pellucid.train('iris', epochs=3)
    print(run.evaluate())
    """
    named = {name: value for name, value in differing(options).items() if name not in ("data", "network")}
    given = [repr(value) for value in (options.data, options.network) if value is not None]
    arguments = ", ".join([*given, *(f"{name}={value!r}" for name, value in named.items())])
    return f"import pellucid\n\nrun = pellucid.train({arguments})\nprint(run.evaluate())\n"


def changed_values(change: str) -> tuple[tuple[str, str], ...]:
    """Return options by name and their values, as a change names them; nothing where it is no such change.

    >>> changed_values("--learning-rate 0.1")
    (('learning_rate', '0.1'),)
    """
    try:
        return tuple((flag.removeprefix("--").replace("-", "_"), value) for flag, value in _pairs(change))
    except ValueError:
        return ()


def _hindrance(asked: Mapping[str, Any]) -> Literal["memory", "module", ""]:
    if asked["data"]["kind"] == "memory":
        return "memory"
    return "" if asked["network"]["arrows"] else "module"


def _changed(change: str, asked: Mapping[str, Any]) -> TrainOptions:
    """Return how a run was trained, with a change.

    Raises:
        ValueError: the change is none of a recipe.
        OptionError: a value out of range.
    """
    options, fields = from_stored(TrainOptions, asked["options"]), flat_fields(Recipe)
    changed = {flag.removeprefix("--").replace("-", "_"): value for flag, value in _pairs(change)} if change else {}
    network = changed.pop("network", asked["network"]["arrows"])
    recipe = {name: _typed(value, fields[name][1]) for name, value in changed.items()}
    return dataclasses.replace(
        options, data=str(asked["data"]["location"]), network=network, name=None, resume=None, seeds=1, repair=False,
        no_report=True, quiet=False, generator=None, discriminator=None,
        recipe=dataclasses.replace(options.recipe, **recipe),
    )  # fmt: skip


def _typed(value: str, hint: Any) -> Any:
    """Return an option's value as its type has it.

    >>> _typed("0.1", float | None), _typed("2", str | None), _typed("None", float | None)
    (0.1, '2', None)
    """
    if value == "None":
        return None
    kinds = get_args(hint) or (hint,)
    number = next((kind for kind in (int, float) if kind in kinds), None)
    return value if number is None else number(value)


def _pairs(change: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a change and their values.

    Raises:
        ValueError: something that is no option of a recipe.
    """
    parts = [] if change == REPAIR else shlex.split(change)
    if change != REPAIR and (not parts or len(parts) % 2):
        raise ValueError(f"no change: {change}")
    for flag, value in zip(parts[::2], parts[1::2], strict=True):
        if flag not in _FLAGS:
            raise ValueError(f"no option of a recipe: {flag}")
        yield flag, value


class Trial:
    """A training under way in a process of its own; it goes on when the page is closed.

    Args:
        command: as an offer has it.
        run: the run that it is compared with.
        name: of the run that it makes.
        offer: what is tried.
    """

    def __init__(self, command: str, run: str, name: str, offer: Offer) -> None:
        self.run, self.name, self.offer = run, name, offer
        self.is_shown = self.is_stopped = False
        self._said: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115 (read as long as the trial is known; appended to wherever it is read)
        weakref.finalize(self, self._said.close)
        arguments = shlex.split(command)[1:]
        self._process = subprocess.Popen(  # noqa: S603 (arguments made above, and no shell)
            [sys.executable, "-m", "pellucid", *arguments], stdin=subprocess.DEVNULL, stdout=self._said,
            stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip

        _under_way[:] = [*(each for each in _under_way if each.poll() is None), self._process]

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it as Ctrl-C does: after the step under way, with all that it learned."""
        if self.status is None:
            self.is_stopped = True
            self._process.send_signal(signal.SIGINT)

    def last_lines(self) -> list[str]:
        """Return the last of what it said."""
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 4096))
        lines = self._said.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()][-_LINES:]


_under_way: list[subprocess.Popen[bytes]] = []
"""Trials that may outlive the page that began them; held, so that their ends are seen and none is left behind."""


def free_name(run: str, cause: str, taken: Mapping[str, Any]) -> str:
    """Return a name for a trial's run that no run has.

    >>> free_name("iris-1", "lr-high", {"iris-1-lr-high": ...})
    'iris-1-lr-high-2'
    """
    wanted = f"{run}-{cause or 'repaired'}"
    names = [wanted, *(f"{wanted}-{count}" for count in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
