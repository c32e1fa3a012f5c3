"""run.json read again: what was asked of a run; and what is said of a folder that is none, is damaged or too new."""

from pathlib import Path
from typing import Any

from pellucid.errors import RunError, nearest
from pellucid.files import as_damage, read_json
from pellucid.record import SCHEMA

_KEYS = ("task", "data", "network", "options", "recipe", "device", "threads", "versions")


def read_asked(folder: Path) -> dict[str, Any]:
    """Read run.json.

    Raises:
        RunError: there is none, it is damaged, or a newer pellucid wrote it.
    """
    if not (folder / "run.json").exists():
        beside = [str(path.parent) for path in folder.parent.glob("*/run.json")] if folder.parent.is_dir() else []
        raise RunError(
            f"{folder} is no run folder: run.json is missing",
            expected="a folder that `pellucid train` made",
            received="a folder without run.json" if folder.is_dir() else "no such folder",
            advice=nearest(str(folder), beside) or (f"there are {', '.join(sorted(beside)[:5])}" if beside else ""),
        )
    asked = read_json(folder / "run.json")
    with as_damage(folder / "run.json"):
        if asked["schema"] > SCHEMA:
            raise RunError(
                f"{folder} was written by a newer pellucid",
                expected=f"schema {SCHEMA} or older",
                received=f"schema {asked['schema']} (pellucid {asked['versions']['pellucid']})",
                advice="upgrade pellucid",
            )
        missing = [key for key in _KEYS if key not in asked]
        if missing:
            raise KeyError(", ".join(missing))
    return asked
