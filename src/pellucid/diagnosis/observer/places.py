"""Where in the script something is called from."""

import functools
import sys
from pathlib import Path
from types import FrameType

import torch

from pellucid.diagnosis.suspicion import Place

_NOT_THE_SCRIPTS = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[2]),
    f"{sys.prefix}/lib/python",
    "<",
    str(Path(sys.__dict__.get("_stdlib_dir") or Path(Path.__module__).parent)),
)


_OURS_ALONE = 4
"""References to a frame's copy of its variables: the frame's, the loop's tuple, the loop's name and the count's own."""


def calling_frame() -> FrameType | None:
    """Return the innermost frame that belongs neither to torch, to a library nor to this package."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  inspect.stack() reads the source of every frame
    while frame is not None and not _is_the_scripts(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@functools.cache
def _is_the_scripts(file: str) -> bool:
    return not file.startswith(_NOT_THE_SCRIPTS)


def calling_place(module: str | None = None) -> Place:
    """Return the script's line that is being executed."""
    frame = calling_frame()
    return Place(module=module) if frame is None else Place(frame.f_code.co_filename, frame.f_lineno, module)


def variable_name(value: object) -> str | None:
    """Return the name that the script gave a thing, if one of the calling frames knows it."""
    frame = calling_frame()
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
