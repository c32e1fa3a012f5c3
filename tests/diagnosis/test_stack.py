"""Tensors kept in blocks are what they were."""

import pytest
import torch

from pellucid.diagnosis.observation.stack import BLOCK, Stack

KINDS = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.cfloat,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_is_what_was_given(kind: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 5), (), (0, 4), (7,), (BLOCK,), (2, 3, 4), (BLOCK // 2 + 1,), (1,)]
    given = [(2 * torch.randn(shape, generator=generator)).to(kind) for shape in shapes]
    given.append(torch.randn(4, 6, generator=generator).to(kind).T)  # not contiguous
    stack, copies = Stack(), [each.clone() for each in given]
    for each in given:
        stack.append(each)
        each.zero_()  # the program goes on with its own
    for kept, copy in zip(stack, copies, strict=True):
        assert kept.dtype == kind
        torch.testing.assert_close(kept, copy, rtol=0, atol=0)
    assert [each.shape for each in stack[-3:]] == [copy.shape for copy in copies[-3:]]


def test_a_tensor_of_another_kind_begins_where_torch_would_begin_it() -> None:
    stack = Stack()
    for kind in (torch.bool, torch.float64, torch.uint8, torch.cdouble):
        stack.append(torch.ones(3).to(kind).requires_grad_(kind.is_complex))
    assert [each.data_ptr() % 64 for each in stack] == [0] * 4
    assert len({each.untyped_storage().data_ptr() for each in stack}) == 1
    assert not any(each.requires_grad for each in stack)
