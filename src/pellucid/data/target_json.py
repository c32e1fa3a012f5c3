"""What is predicted as JSON, and back, so that a run's preprocessing.json can be read again."""

from collections.abc import Mapping
from typing import Any

from pellucid.data.dataset import Classes, Itself, Labels, Masks, NextToken, Several, Target, Values
from pellucid.errors import DataError


def target_to_json(target: Target) -> dict[str, Any]:
    """Return what is predicted as JSON."""
    match target:
        case Classes(names):
            return {"kind": "classes", "names": list(names)}
        case Values(names, mean, scale):
            return {"kind": "values", "names": list(names), "mean": list(mean), "scale": list(scale)}
        case Labels(names):
            return {"kind": "labels", "names": list(names)}
        case Several(parts):
            return {"kind": "several", "parts": {name: target_to_json(part) for name, part in parts.items()}}
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
            case "labels":
                return Labels(tuple(document["names"]))
            case "several":
                return Several({name: _part_from_json(part) for name, part in document["parts"].items()})
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
        expected="classes, values, labels, several, next-token, masks or itself",
        received=str(document["kind"]),
    )


def _part_from_json(document: Mapping[str, Any]) -> Classes | Values | Labels:
    part = target_from_json(document)
    if not isinstance(part, Classes | Values | Labels):
        raise DataError("this target is damaged", expected="classes, values or labels", received=str(part))
    return part
