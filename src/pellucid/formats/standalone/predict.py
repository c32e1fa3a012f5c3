"""Predict with the network of this folder: `python predict.py INPUT` prints a line of JSON for each input.

Needs torch, safetensors and numpy (and Pillow for images), not pellucid.
"""

import json
import sys
from pathlib import Path
from typing import Any

import network
import preprocessing
import torch

HERE = Path(__file__).parent
BATCH = 1024


@torch.no_grad()
def predict(source: Any) -> list[dict[str, Any]]:
    """Return for each input its class with all probabilities, or its values in their own unit."""
    description = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
    names, inputs = preprocessing.read(source, description["input"])
    model = network.load()
    if description["output"]["kind"] == "several":
        outputs = [output for batch in inputs.split(BATCH) for output in apart(model(batch))]
    else:
        outputs = [output for batch in inputs.split(BATCH) for output in main(model(batch))]
    return [{"input": name, **said(output, description["output"])} for name, output in zip(names, outputs, strict=True)]


def apart(outputs: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """Return what each input's heads give."""
    return [dict(zip(outputs, rows, strict=True)) for rows in zip(*outputs.values(), strict=True)]


def main(outputs: torch.Tensor | dict[str, torch.Tensor]) -> torch.Tensor:
    """Return what the network says, without the outputs of heads that only helped to train it."""
    return outputs["main"] if isinstance(outputs, dict) else outputs


def said(output: Any, described: dict[str, Any]) -> dict[str, Any]:
    """Return what the numbers of one output mean."""
    if described["kind"] == "several":
        return {"tasks": {name: said(output[name], part) for name, part in described["parts"].items()}}
    if described["kind"] == "labels":
        probabilities = dict(zip(described["names"], output.sigmoid().tolist(), strict=True))
        return {"labels": [name for name, p in probabilities.items() if p > 0.5], "probabilities": probabilities}
    if described["kind"] == "classes":
        probabilities = dict(zip(described["names"], output.softmax(-1).tolist(), strict=True))
        return {"class": max(probabilities, key=probabilities.__getitem__), "probabilities": probabilities}
    if described["kind"] == "values":
        values = output.double() * torch.tensor(described["scale"], dtype=torch.float64)
        values += torch.tensor(described["mean"], dtype=torch.float64)
        return {"values": dict(zip(described["names"], values.tolist(), strict=True))}
    if described["kind"] == "itself":  # learned without a target: recalled or reconstructed, as the network gives it
        return {"output": output.tolist()}
    best = output[-1].softmax(-1).topk(min(5, output.shape[-1]))  # of the token that follows the text
    vocabulary = described["vocabulary"]
    return {"next": {vocabulary[k]: p for k, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)}}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python predict.py INPUT")
    try:
        predictions = predict(sys.argv[1])
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    for prediction in predictions:
        print(json.dumps(prediction, ensure_ascii=False))
