"""A trained network in the forms other programs read: Python source, PyTorch's pt2, ONNX, safetensors."""
