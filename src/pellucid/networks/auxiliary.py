"""Networks with auxiliary heads, which help to train and are looked at no more: what is judged is the main output."""

from collections.abc import Mapping

from torch import Tensor

MAIN = "main"
"""The head that a network is judged by; the others give outputs of the same sort."""


def main_output(outputs: Tensor | Mapping[str, Tensor]) -> Tensor:
    """Return what a network says, without the outputs of its auxiliary heads."""
    return outputs[MAIN] if isinstance(outputs, Mapping) else outputs
