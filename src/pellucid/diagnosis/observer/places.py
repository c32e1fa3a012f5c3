"""Where in the script something is called from."""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

import torch

from pellucid.diagnosis.suspicion import Place

_NOT_THE_SCRIPTS = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[1]),
    f"{sys.prefix}/lib/python",
    "<",
    str(Path(sys.__dict__.get("_stdlib_dir") or Path(Path.__module__).parent)),
)
_OURS = str(Path(__file__).parents[2])
_PASSING_ON = frozenset({"descend"})
"""Functions of ours that are called for several losses: which one it is, their caller tells."""


@dataclass(slots=True)
class _View:
    within: bool = False


_VIEW = _View()


_VERDICTS: dict[int, tuple[bool, CodeType]] = {}
"""id of code that was met -> whether it is passed over, and the code, kept so that its id stays its own: the hash of a
code object is made of all that is in it, every time."""
_PLACES: dict[tuple[int, int], Place] = {}
"""(id of code, instruction) -> the place of it."""


def look_within(within: bool) -> None:
    """Take this package's own lines for the program's, or not: where what is watched is a training of ours."""
    _VIEW.within = within
    _VERDICTS.clear()
    _PLACES.clear()


_OURS_ALONE = 4
"""References to a frame's copy of its variables: the frame's, the loop's tuple, the loop's name and the count's own."""


def calling_frame() -> FrameType | None:
    """Return the innermost frame that belongs neither to torch, to a library nor to this package."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  inspect.stack() reads the source of every frame
    while frame is not None:
        code = frame.f_code
        verdict = _VERDICTS.get(id(code))
        if verdict is None:
            verdict = _VERDICTS[id(code)] = (_is_passed_over(code), code)
        if not verdict[0]:
            return frame
        frame = frame.f_back
    return None


def _is_passed_over(code: CodeType) -> bool:
    file = code.co_filename
    return _is_a_librarys(file) or (_is_ours(file) and (not _VIEW.within or code.co_name in _PASSING_ON))


@functools.cache
def _is_a_librarys(file: str) -> bool:
    return file.startswith(_NOT_THE_SCRIPTS)


@functools.cache
def _is_ours(file: str) -> bool:
    return file.startswith(_OURS)


def calling_place() -> Place:
    """Return the script's line that is being executed."""
    frame = calling_frame()
    if frame is None:
        return Place()
    key = (id(frame.f_code), frame.f_lasti)
    place = _PLACES.get(key)
    if place is None:
        place = _PLACES[key] = Place(frame.f_code.co_filename, frame.f_lineno)
    return place


def variable_name(value: object) -> str | None:
    """Return the name that the script gave a thing, if one of the calling frames knows it."""
    frame = None if _VIEW.within else calling_frame()  # our names are the same for all networks
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            found = [name for name, held in names.items() if held is value and not name.startswith("_")]
            if names is not frame.f_globals and sys.version_info < (3, 13) and sys.getrefcount(names) <= _OURS_ALONE:
                names.clear()  # a copy of the variables, which the frame keeps: it would keep alive what they held
            for name in found:
                if name != "self":
                    return name
        frame = frame.f_back
    return None
