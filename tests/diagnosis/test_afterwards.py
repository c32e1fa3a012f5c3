"""What is measured when a script has ended."""

import torch

from pellucid.diagnosis.observation import Rows
from pellucid.diagnosis.observer.afterwards import _gather, _shared
from pellucid.diagnosis.observer.fingerprints import fingerprints


def test_a_batch_that_comes_again_tells_nothing_new() -> None:
    """An evaluation repeats its batches; what is measured of them afterwards is that of their first time."""
    once, again = Rows(), Rows()
    for batch in torch.randn(3, 8, 4):
        for rows, times in ((once, 1), (again, 3)):
            for _ in range(times):
                rows.add("network", None, batch, batch[:, :1], fingerprints(batch))
    train = Rows()
    train.add("network", None, once.inputs[0], once.targets[0], once.prints[0])
    assert _shared(train, once) == _shared(train, again)
    one, other = _gather(once), _gather(again)
    assert one is not None
    assert other is not None
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])
