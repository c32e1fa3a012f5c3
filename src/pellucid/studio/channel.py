"""Frames on their way to a page: how they are written, and that no more are made than are painted.

A frame is one binary message, little-endian: the header's length (4 bytes), the header as JSON, then the arrays' bytes.
The header is filled with spaces, and each array with zeros, so that every array begins at a multiple of 8 bytes of the
message and the page can look at it without a copy.

    {"number": 7, "playing": true, "values": {...}, "arrays": [{"name", "dtype", "shape", "offset"}]}
"""

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.studio.exhibit import Frame

DTYPES = ("float32", "float64", "uint8", "int8", "uint16", "int16", "uint32", "int32")
"""Those a browser has typed arrays for."""
AHEAD = 2
"""Frames that may be on their way unpainted: one is painted while the next is made."""


def encode(frame: Frame, number: int, *, playing: bool) -> bytes:
    """Return the message that carries a frame.

    Raises:
        TypeError: a value that JSON cannot hold, or an array that a browser cannot.
    """
    arrays = {name: _as_sent(name, array) for name, array in frame.arrays.items()}
    # offsets count from the first array's byte, so that they do not depend on the header's own length
    described, offset = [], 0
    for name, array in arrays.items():
        described.append({"name": name, "dtype": array.dtype.name, "shape": array.shape, "offset": offset})
        offset += _filled(array.nbytes)
    header = _as_json({"number": number, "playing": playing, "values": frame.values, "arrays": described}).encode()
    header += b" " * (_filled(len(header) + 4) - len(header) - 4)
    parts = [struct.pack("<I", len(header)), header]
    for array in arrays.values():
        parts += [array.tobytes(), bytes(_filled(array.nbytes) - array.nbytes)]
    return b"".join(parts)


class LatestFrame:
    """The slot for one frame between the engine's thread and the socket.

    A frame is made only when the slot is open: when fewer than `AHEAD` frames are on their way. A slow page is
    therefore shown the newest state as soon as it can take it, and no stale one is ever made, kept or sent.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.acknowledged = 0

    @property
    def is_open(self) -> bool:
        """Whether the page can take a frame."""
        return self.sent - self.acknowledged < AHEAD

    def put(self, make: Callable[[int], bytes], send: Callable[[bytes], None]) -> None:
        """Make the next frame and send it."""
        self.sent += 1
        send(make(self.sent))

    def acknowledge(self, number: int) -> None:
        """Hear that a frame, and with it those before, has been painted; a number never sent counts for nothing."""
        if self.acknowledged < number <= self.sent:
            self.acknowledged = number


def _as_sent(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    if array.dtype in (np.int64, np.uint64):
        array = array.astype(np.float64)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"the array '{name}' of a frame is {array.dtype}, not one of {', '.join(DTYPES)}")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _as_json(document: dict[str, Any]) -> str:
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # JSON has no NaN
        return json.dumps(_finite(document), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a frame's values hold a {type(value).__name__}, which JSON cannot")


def _filled(count: int) -> int:
    return -(-count // 8) * 8
