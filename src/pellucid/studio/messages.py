"""What a page may say, and what it is told; each is one JSON object with a `type`."""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from pellucid.studio.exhibit import Message

MOST_BYTES = 1 << 20
"""A page's longest message: a table of some 20 000 rows."""
DEEPEST = 16
"""How many brackets may stand inside each other."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


class MalformedError(Exception):
    """A message that no page of ours sends; the connection is closed."""


class Hello(Message):
    """The first message: who asks (the token), for which exhibit, and how it was left."""

    type: Literal["hello"]
    token: str = Field(max_length=200)
    exhibit: str = Field(max_length=100)
    settings: dict[str, Any] | None = None


class Set(Message):
    """Settings changed by the reader."""

    type: Literal["set"]
    changes: dict[str, Any]


class Act(Message):
    """Anything else the exhibit understands; it checks the action itself."""

    type: Literal["act"]
    action: dict[str, Any]


class Transport(Message):
    """One of the four buttons that are the same everywhere."""

    type: Literal["transport"]
    do: Literal["play", "pause", "step", "reset"]


class Pace(Message):
    """Slow, or as fast as the exhibit plays."""

    type: Literal["pace"]
    slow: bool


class Acknowledge(Message):
    """A frame has been painted."""

    type: Literal["ack"]
    frame: int


class Show(Message):
    """The exhibit as a program and as arrows, please."""

    type: Literal["show"]


Request = Set | Act | Transport | Pace | Acknowledge | Show
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="type")])


def read_hello(text: str) -> Hello:
    """Return the first message.

    Raises:
        MalformedError: it is none.
    """
    try:
        return Hello.model_validate_json(_shallow(text))
    except ValidationError as error:
        raise MalformedError("not a greeting") from error


def read_request(text: str) -> Request:
    """Return any later message.

    Raises:
        MalformedError: it is none.
    """
    try:
        return _REQUEST.validate_json(_shallow(text))
    except ValidationError as error:
        raise MalformedError("not a message of this page") from error


def told(type: str, **fields: Any) -> str:
    """Return a message to the page."""
    return json.dumps({"type": type, **fields}, ensure_ascii=False)


def _shallow(text: str) -> str:
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match.group(), 0)
        if depth > DEEPEST:
            raise MalformedError("nested too deeply")
    return text
