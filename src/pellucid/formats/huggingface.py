"""A folder as Hugging Face's Hub has them: the python form with its weights where the Hub looks, and a model card.

Of the front matter: https://huggingface.co/docs/hub/model-cards#model-card-metadata
"""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from pellucid.data.dataset import Classes, Masks, Values
from pellucid.formats.exported import Exported, clear_place
from pellucid.formats.python import write_parts
from pellucid.formats.trained import Trained

WEIGHTS = "model.safetensors"

_CARD = """---
{front}
---
# {name}

A network trained by pellucid on {data}: `{arrows}`, {parameters:,} parameters.

Download this folder. It needs Python 3.11 or newer, torch, safetensors and numpy{pillow}, and not pellucid.

    python predict.py INPUT             # a line of JSON for each input

    import network, predict             # in this folder
    model = network.load()              # a torch.nn.Module with its weights, in evaluation mode
    predictions = predict.predict(INPUT)

What it is meant for, what it was trained on and what it must not be used for, only whoever trained it can say here.
"""


def write_huggingface(trained: Trained, target: Path) -> Exported:
    """Write the folder, to be uploaded as it is; nothing is sent.

    Raises:
        RunError: a module of the user's own has no arrows to write source from; or something is in the way.
    """
    with clear_place(target) as place:
        folder = place / target.name
        write_parts(trained, folder, WEIGHTS)
        (folder / "config.json").write_text(_json(_config(trained)) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(_card(trained), encoding="utf-8")
    upload = f"hf upload YOU/{trained.name} {target} ."
    return Exported(target, tuple(sorted(target.iterdir())), upload, ("the card's last line is yours to write",))


def _config(trained: Trained) -> dict[str, Any]:
    labels = trained.target.names if isinstance(trained.target, Classes) else ()
    return {
        "model_type": "pellucid",
        "arrows": str(trained.plan),
        **({"id2label": {str(number): name for number, name in enumerate(labels)}} if labels else {}),
    }


def _card(trained: Trained) -> str:
    return _CARD.format(
        front="\n".join(_front(trained)),
        name=trained.name,
        data=trained.data,
        arrows=trained.plan,
        parameters=sum(parameter.numel() for parameter in trained.network.parameters()),
        pillow=", Pillow for the images" if trained.preprocessing.kind == "image" else "",
    )


def _front(trained: Trained) -> Iterator[str]:
    task, name, data = _pipeline(trained), json.dumps(trained.name), json.dumps(trained.data)
    yield "library_name: pytorch"
    yield "tags: [pellucid]"
    if task:
        yield f"pipeline_tag: {task}"
    measured = {metric: value for metric, value in trained.metrics.items() if math.isfinite(value)}
    if measured:
        yield f"model-index:\n- name: {name}\n  results:"
        yield f"  - task: {{type: {task or 'other'}}}"
        yield f"    dataset: {{name: {data}, type: {data}, split: test}}"
        yield "    metrics:"
        for metric, value in measured.items():
            # YAML 1.1 takes 9e-06 for a word
            yield f"    - {{type: {metric}, value: {Decimal(repr(value)):f}}}"


def _pipeline(trained: Trained) -> str | None:
    """Return the Hub's word for the task; None where it has none."""
    match trained.preprocessing.kind, trained.target:
        case "table", Classes():
            return "tabular-classification"
        case "table", Values():
            return "tabular-regression"
        case "image", Classes():
            return "image-classification"
        case "image", Masks():
            return "image-segmentation"
        case "series", Values():
            return "time-series-forecasting"
        case "text-lines", Classes():
            return "text-classification"
        case "text", _:
            return "text-generation"
    return None


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
