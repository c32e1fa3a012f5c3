"""What an export left, and how a place for it is kept clear: whole or not at all, and nothing overwritten."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import RunError


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        target: the file or folder.
        files: everything that was written, handed along files included.
        usage: lines of code, or commands, that use it.
        notes: what a user should know of it.
        difference: the largest absolute difference of its outputs from the network's own; None where not compared.
    """

    target: Path
    files: tuple[Path, ...]
    usage: str
    notes: tuple[str, ...] = ()
    difference: float | None = None


@contextlib.contextmanager
def clear_place(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside the target; on success its entries are moved to stand beside the target.

    Raises:
        RunError: something is in the way, or nothing can be written there.
    """
    _refuse_taken(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as name:
            folder = Path(name)
            yield folder
            # what is handed along may be there already, from the same run in another form
            made = [path for path in sorted(folder.iterdir()) if not _same(path, target.parent / path.name)]
            for path in made:
                _refuse_taken(target.parent / path.name)
            for path in made:
                os.replace(path, target.parent / path.name)  # noqa: PTH105 (a folder too)
    except OSError as error:
        raise RunError(
            f"{target} cannot be written", expected="a place to write to", received=os.strerror(error.errno or 0)
        ) from None


def standalone(kind: str) -> Path:
    """Return the file, free of pellucid, that prepares inputs of a kind of data."""
    names = {"table": "rows", "series": "rows", "image": "images", "array": "arrays"}
    return Path(__file__).parent / "standalone" / f"{names.get(kind, 'texts')}.py"


def hand_along(folder: Path, stem: str, kind: str, described: str) -> None:
    """Write preprocessing.json and the file that applies it beside an export that cannot hold it itself."""
    (folder / f"{stem}.preprocessing.json").write_text(described, encoding="utf-8")
    shutil.copyfile(standalone(kind), folder / f"{stem}_preprocessing.py")


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def _refuse_taken(target: Path) -> None:
    if target.exists():
        raise RunError(f"{target} exists", advice="choose another --output, or remove it; nothing is overwritten")
