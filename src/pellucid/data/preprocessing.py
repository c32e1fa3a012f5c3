"""Every kind of preprocessing by its name, so that a run's preprocessing.json can be read again; targets likewise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.dataset import Classes, Itself, Masks, NextToken, Preprocessing, Target, Values
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


def target_to_json(target: Target) -> dict[str, Any]:
    """Return what is predicted as JSON."""
    match target:
        case Classes(names):
            return {"kind": "classes", "names": list(names)}
        case Values(names, mean, scale):
            return {"kind": "values", "names": list(names), "mean": list(mean), "scale": list(scale)}
        case NextToken(vocabulary):
            return {"kind": "next-token", "vocabulary": list(vocabulary)}
        case Masks(names):
            return {"kind": "masks", "names": list(names)}
        case Itself(purpose):
            return {"kind": "itself", "purpose": purpose}


def target_from_json(document: Mapping[str, Any]) -> Target:
    """Return the target that `target_to_json` described.

    Raises:
        DataError: an unknown kind, or missing fields.
    """
    try:
        match document["kind"]:
            case "classes":
                return Classes(tuple(document["names"]))
            case "values":
                return Values(tuple(document["names"]), tuple(document["mean"]), tuple(document["scale"]))
            case "next-token":
                return NextToken(tuple(document["vocabulary"]))
            case "masks":
                return Masks(tuple(document["names"]))
            case "itself":
                return Itself(document["purpose"])
    except (KeyError, TypeError) as error:
        raise DataError("this target is damaged", received=repr(error)) from None
    raise DataError(
        "this target cannot be read",
        expected="classes, values, next-token, masks or itself",
        received=str(document["kind"]),
    )
