"""Random streams that do not depend on one another."""

import torch

from pellucid.seed import derive, generator, isolated, seed_torch


def test_a_stream_is_a_function_of_its_seed_and_name() -> None:
    draws = {
        (seed, name): torch.rand(4, generator=generator(seed, name)) for seed in (0, 1) for name in ("order", "weights")
    }
    assert torch.equal(draws[0, "order"], torch.rand(4, generator=generator(0, "order")))
    assert len({tuple(draw.tolist()) for draw in draws.values()}) == 4


def test_names_do_not_run_together() -> None:
    assert derive(1, "1/x") != derive(11, "/x")
    assert len({derive(0, "step", step) for step in range(10_000)}) == 10_000
    assert all(0 <= derive(seed) < 2**63 for seed in range(100))


def test_isolated_work_leaves_the_callers_stream_alone() -> None:
    torch.manual_seed(7)
    undisturbed = torch.rand(3)
    torch.manual_seed(7)
    with isolated():
        seed_torch(0, "anything")
        torch.rand(5)
    assert torch.equal(torch.rand(3), undisturbed)
