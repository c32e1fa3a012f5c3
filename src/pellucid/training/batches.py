"""How many rows are run through a network at once where nothing is learned from them."""

from torch import Tensor

_MOST_ROWS = 1_024
_MOST_NUMBERS = 1 << 24


def rows_at_once(inputs: Tensor, outputs: int = 1) -> int:
    """Return how many: 1,024, fewer where rows or outputs are so large that memory matters.

    A power of two that depends on the shapes alone, so that a figure comes out to the same bit wherever it is measured.

    Args:
        inputs: stored inputs (N, ...).
        outputs: the numbers that the network gives for each.
    """
    fitting = _MOST_NUMBERS // max(inputs[:1].numel(), outputs, 1)
    return min(_MOST_ROWS, 1 << max(0, fitting.bit_length() - 1))
