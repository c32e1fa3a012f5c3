"""Frames on their way: written, read back as a browser reads them, and no more of them than are painted."""

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pellucid.studio.channel import DTYPES, LatestFrame, encode
from pellucid.studio.exhibit import Frame


def decoded(message: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a frame as docs and page have it."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    arrays = {}
    for each in header["arrays"]:
        at = 4 + length + each["offset"]
        assert at % 8 == 0
        count = int(np.prod(each["shape"]))
        arrays[each["name"]] = np.frombuffer(message, each["dtype"], count, at).reshape(each["shape"])
    return header, arrays


@given(sides=some.lists(some.integers(0, 5), max_size=3), kind=some.sampled_from(DTYPES), text=some.text(max_size=9))
def test_what_is_sent_arrives(sides: list[int], kind: str, text: str) -> None:
    array = np.arange(np.prod(sides, dtype=int)).reshape(sides).astype(kind)
    header, arrays = decoded(encode(Frame({"text": text}, {"a": array, "b": array.T}), 3, playing=True))
    assert header["number"] == 3
    assert header["playing"] is True
    assert header["values"] == {"text": text}
    np.testing.assert_array_equal(arrays["a"], array)
    np.testing.assert_array_equal(arrays["b"], array.T)


def test_arrays_that_browsers_have_no_name_for_are_sent_as_those_they_have() -> None:
    sent = {"flags": np.array([True, False]), "counts": np.array([1, 2]), "big": np.array([1.0], dtype=">f4")}
    _, arrays = decoded(encode(Frame({}, sent), 1, playing=False))
    assert [arrays[name].dtype.name for name in sent] == ["uint8", "float64", "float32"]
    assert [arrays[name].tolist() for name in sent] == [[1, 0], [1.0, 2.0], [1.0]]


def test_numbers_that_are_not_finite_arrive_as_null_and_stay_in_arrays() -> None:
    nan = float("nan")
    values = {"loss": nan, "each": [1.0, float("inf")], "numpy": np.float32(nan), "count": np.int64(3)}
    header, arrays = decoded(encode(Frame(values, {"a": np.array([nan, 1.0])}), 1, playing=False))
    assert header["values"] == {"loss": None, "each": [1.0, None], "numpy": None, "count": 3}
    assert np.isnan(arrays["a"][0])


@pytest.mark.parametrize("frame", [Frame({"a": object()}), Frame({}, {"a": np.array(["x"])}), Frame({"a": {1, 2}})])
def test_what_no_page_can_read_is_a_fault(frame: Frame) -> None:
    with pytest.raises(TypeError, match="frame"):
        encode(frame, 1, playing=False)


def test_no_more_frames_are_made_than_are_painted() -> None:
    slot = LatestFrame()
    sent: list[bytes] = []
    for _ in range(10):
        if slot.is_open:
            slot.put(lambda number: bytes([number]), sent.append)
    assert sent == [b"\x01", b"\x02"]
    opened = []
    for number in (7, 1, 2, 1):  # never sent; the first; the second; the first, late
        slot.acknowledge(number)
        opened.append((slot.acknowledged, slot.is_open))
    assert opened == [(0, False), (1, True), (2, True), (2, True)]
