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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from pellucid.errors import PellucidError, RunError
from pellucid.options import command_line, flag_of, flat_fields, from_stored
from pellucid.recipe import Recipe
from pellucid.record import Finding, read_json
from pellucid.verbs.train import TrainOptions

_FLAGS = frozenset(flag_of(name) for name in flat_fields(Recipe)) | {"--network"}
_LINES = 4


@dataclass(frozen=True)
class Offer:
    """Something to be tried.

    Attributes:
        cause: a code of the vocabulary; empty for a whole repair.
        action: what is done, in words.
        change: as options.
        command: the whole command, to be copied; empty where there is none.
        hindrance: why it cannot be tried here: "memory", "module", "change", or nothing.
        proof: what another trial of it gave, where the finding has one.
    """

    cause: str
    action: str
    change: str
    command: str
    hindrance: str = ""
    proof: Mapping[str, Any] | None = None


def findings_of(folder: Path) -> tuple[Finding, ...]:
    """Return what was found of a run; nothing where nobody looked yet.

    Raises:
        RunError: findings.json is damaged.
    """
    path = folder / "findings.json"
    if not path.exists():
        return ()
    try:
        found = tuple(Finding(**each) for each in read_json(path)["findings"])
        for each in found:
            float(each.confidence), [dict(part) for part in (*each.evidence, *each.remedies)]
    except (TypeError, KeyError, ValueError) as error:
        raise RunError(f"{path} is damaged", received=str(error)) from None
    return found


def offers(asked: Mapping[str, Any], findings: tuple[Finding, ...], folder: Path, name: str) -> list[Offer]:
    """Return what can be tried on a run: the remedies of its findings in their order, then a whole repair."""
    kind = _hindrance(asked)
    made = []
    for finding in findings:
        for remedy in finding.remedies:
            change = str(remedy.get("change") or "")
            offer = Offer(finding.cause, str(remedy.get("action", "")), change, "", kind, remedy.get("proof"))
            made.append(_with_command(offer, asked, folder, name, ("--quiet",)) if not kind else offer)
    if made and not asked["options"].get("repair"):
        whole = Offer("", "", "--repair", "", kind)
        made.append(_with_command(whole, asked, folder, name, ()) if not kind else whole)
    return made


def _hindrance(asked: Mapping[str, Any]) -> Literal["memory", "module", ""]:
    if asked["data"]["kind"] == "memory":
        return "memory"
    return "" if asked["network"]["arrows"] else "module"


def _with_command(offer: Offer, asked: Mapping[str, Any], folder: Path, name: str, more: tuple[str, ...]) -> Offer:
    try:
        return dataclasses.replace(offer, command=_command(offer.change, asked, folder, name, more))
    except (PellucidError, ValueError):
        return dataclasses.replace(offer, hindrance="change")


def _command(change: str, asked: Mapping[str, Any], folder: Path, name: str, more: tuple[str, ...]) -> str:
    """Return the command that trains a run's network again with a change.

    Raises:
        ValueError: the change is none of a recipe.
        OptionError: a value out of range.
    """
    options, changed = from_stored(TrainOptions, asked["options"]), dict(_pairs(change))
    usual: dict[str, Any] = {
        name: field.default for name, (field, _) in flat_fields(Recipe).items() if flag_of(name) in changed
    }
    kept = dataclasses.replace(
        options, data=str(asked["data"]["location"]), name=name, folder=str(folder.absolute()), resume=None, seeds=1,
        no_report=True, repair=change == "--repair", generator=None, discriminator=None,
        network=None if "--network" in changed else asked["network"]["arrows"],
        recipe=dataclasses.replace(options.recipe, **usual),  # what is as usual is not written: it stands there once
    )  # fmt: skip
    given = [f"{flag}={value}" for flag, value in changed.items()]
    return shlex.join([*shlex.split(command_line("train", kept)), *given, *more])


def _pairs(change: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a change and their values.

    Raises:
        ValueError: something that is no option of a recipe.
    """
    parts = [] if change == "--repair" else shlex.split(change)
    if change != "--repair" and (not parts or len(parts) % 2):
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
        self.run, self.name, self.offer, self.is_shown = run, name, offer, False
        self._said: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115 (read as long as the trial is known; appended to wherever it is read)
        arguments = shlex.split(command)[1:]
        self._process = subprocess.Popen(  # noqa: S603 (arguments made above, and no shell)
            [sys.executable, "-m", "pellucid", *arguments], stdin=subprocess.DEVNULL, stdout=self._said,
            stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it as Ctrl-C does: after the step under way, with all that it learned."""
        if self.status is None:
            self._process.send_signal(signal.SIGINT)

    def last_lines(self) -> list[str]:
        """Return the last of what it said."""
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 4096))
        lines = self._said.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()][-_LINES:]


def free_name(run: str, cause: str, taken: Mapping[str, Any]) -> str:
    """Return a name for a trial's run that no run has.

    >>> free_name("iris-1", "lr-high", {"iris-1-lr-high": ...})
    'iris-1-lr-high-2'
    """
    wanted = f"{run}-{cause or 'repaired'}"
    names = [wanted, *(f"{wanted}-{count}" for count in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
