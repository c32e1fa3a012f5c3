"""`pellucid studio`: the engine in a page, and the same from Python.

It stands in this room and not among the verbs, which this room stands below: some exhibits show what verbs do. As a
verb it imports when it is used, so that `--help` and `import pellucid` load neither torch nor a server.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import require_installed
from pellucid.options import check, option
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from torch import nn

    from pellucid.studio.serving import Studio

_SHOWN, _SERVER = "Shown", "Server"
_NEEDED = ("starlette", "uvicorn", "websockets", "pydantic")


@dataclass(frozen=True, kw_only=True, slots=True)
class StudioOptions:
    """Open a page in the browser where networks are trained, taken apart and explained as you watch.

    It is served to this machine alone, and to none but who knows the address that is printed. Ctrl-C ends it.
    """

    exhibit: str | None = option(None, "which exhibit is shown first", group=_SHOWN)
    folder: str = option("runs", "folder that holds the runs which the training room shows", group=_SHOWN)
    port: int | None = option(
        None, "port to listen on; 0 takes any that is free (8645, or any if taken)",
        group=_SERVER, minimum=0, maximum=65_535,
    )  # fmt: skip
    no_browser: bool = option(False, "print the address, and open no browser", group=_SERVER)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def command(options: StudioOptions, console: Console) -> Outcome:
    """Serve until Ctrl-C."""
    require_installed("the studio needs", _NEEDED, "studio")
    from pellucid.studio.exhibit import Given
    from pellucid.studio.serving import Studio

    studio = Studio(Given(runs=Path(options.folder)), exhibit=options.exhibit, port=options.port)
    console.print(f"studio {studio.url}   (Ctrl-C ends it)", markup=False)
    if not options.no_browser:
        studio.show()
    studio.wait()
    return Outcome({"port": studio.port, "exhibits": list(studio.exhibits)})


def open(  # noqa: PLR0913 - one name an option, all but two by name
    model: nn.Module | str | None = None,
    data: Any = None,
    *,
    target: str | None = None,
    exhibit: str | None = None,
    runs: str | Path = "runs",
    port: int | None = None,
    browser: bool = True,
    wait: bool | None = None,
) -> Studio:
    """Open the studio on a network and data of your own.

    Args:
        model: any module, or a network text; exhibits that show a network show this one.
        data: whatever `pellucid.load` reads, or what it returned.
        target: the column to be predicted, where `data` is a table.
        exhibit: which is shown first.
        runs: the folder of the runs that the training room shows.
        port: the usual one, or any that is free; 0 for any.
        browser: whether to open it.
        wait: whether to serve until Ctrl-C before returning; None: in a script, and not in a notebook or a prompt.

    Returns:
        The studio: its `url`, and `close()`.

    Raises:
        RunError: the packages of the extra `studio` are not installed.
        OptionError: the port is taken, or there is no such exhibit.
        DataError, NotationError: data or a network text that cannot be read.

    Example:
        >>> studio = open(browser=False, wait=False, port=0)
        >>> studio.close()
    """
    require_installed("the studio needs", _NEEDED, "studio")
    from pellucid.studio.serving import Studio

    studio = Studio(_given(model, data, target, Path(runs)), exhibit=exhibit, port=port)
    if browser:
        studio.show()
    if wait if wait is not None else not _is_interactive():
        sys.stderr.write(f"studio {studio.url}   (Ctrl-C ends it)\n")
        studio.wait()
    return studio


def _given(model: nn.Module | str | None, data: Any, target: str | None, runs: Path) -> Any:
    from pellucid.data import Dataset, load
    from pellucid.networks import build
    from pellucid.studio.exhibit import Given

    if data is not None and not isinstance(data, Dataset):
        data = load(data, target=target) if target else load(data)
    return Given(model=build(model) if isinstance(model, str) else model, data=data, runs=runs)


def _is_interactive() -> bool:
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules
