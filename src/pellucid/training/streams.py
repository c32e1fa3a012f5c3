"""A text read on from batch to batch: its windows arranged so that each row of a batch goes on where it stopped."""

from torch import Tensor


def streams(rows: Tensor, count: int) -> list[Tensor]:
    """Return batches of `count` rows in which row i of a batch follows row i of the batch before.

    Stream i is the i-th of `count` equal parts of the rows, in their order; what is left over makes a last, smaller
    batch, whose rows follow nothing.

    >>> import torch
    >>> [batch.tolist() for batch in streams(torch.arange(7), 3)]
    [[0, 2, 4], [1, 3, 5], [6]]

    Args:
        rows: in the order of the text.
        count: streams that are read at once.
    """
    count = min(count, len(rows))
    length = len(rows) // count
    even = rows[: count * length].reshape(count, length).T
    rest = rows[count * length :]
    return [*even, *([rest] if len(rest) else [])]
