"""A trained network in the forms other programs read: Python source, pt2, ONNX, safetensors, the Hub, MLflow."""

from pellucid.formats.exported import Exported
from pellucid.formats.huggingface import write_huggingface
from pellucid.formats.mlflow import write_mlflow
from pellucid.formats.onnx import write_onnx
from pellucid.formats.python import write_python
from pellucid.formats.traced import write_pt2
from pellucid.formats.trained import Trained
from pellucid.formats.weights import write_safetensors

__all__ = [
    "Exported",
    "Trained",
    "write_huggingface",
    "write_mlflow",
    "write_onnx",
    "write_pt2",
    "write_python",
    "write_safetensors",
]
