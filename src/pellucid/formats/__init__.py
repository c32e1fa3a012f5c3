"""A trained network in the forms other programs read: Python source, PyTorch's pt2, ONNX, safetensors."""

from pellucid.formats.exported import Exported
from pellucid.formats.onnx import write_onnx
from pellucid.formats.python import write_python
from pellucid.formats.traced import write_pt2
from pellucid.formats.trained import Trained
from pellucid.formats.weights import write_safetensors

__all__ = ["Exported", "Trained", "write_onnx", "write_pt2", "write_python", "write_safetensors"]
