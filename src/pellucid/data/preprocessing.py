"""Every kind of preprocessing by its name, so that a run's preprocessing.json can be read again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.dataset import Preprocessing
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.series.preprocessing import SeriesPreprocessing
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.data.texts.text import TextLinesPreprocessing, TextPreprocessing
from pellucid.errors import DataError

KINDS: Mapping[str, type[Preprocessing]] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            ArrayPreprocessing,
            ImagePreprocessing,
            SeriesPreprocessing,
            TablePreprocessing,
            TextLinesPreprocessing,
            TextPreprocessing,
        )
    }
)


def to_json(preprocessing: Preprocessing) -> dict[str, Any]:
    """Return a preprocessing as JSON, with its kind."""
    return {"kind": preprocessing.kind, **preprocessing.to_json()}


def from_json(document: Mapping[str, Any]) -> Preprocessing:
    """Return the preprocessing that `to_json` described.

    Raises:
        DataError: an unknown kind, or fields that do not belong to it.
    """
    kind = KINDS.get(document.get("kind", ""))
    if kind is None:
        raise DataError(
            "this preprocessing cannot be read",
            expected="a kind of " + ", ".join(KINDS),
            received=str(document.get("kind")),
            advice="was the run made by a newer pellucid?",
        )
    try:
        return kind.from_json({key: value for key, value in document.items() if key != "kind"})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"this preprocessing of kind '{kind.kind}' is damaged", received=repr(error)) from None
