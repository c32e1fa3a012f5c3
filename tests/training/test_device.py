"""Which device, and how many threads."""

import pytest
import torch

from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.training.device import choose_device, threads


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "tpu"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="no device"):
        choose_device(Recipe(device=name))


def test_a_cpu_does_not_train_in_fp16() -> None:
    with pytest.raises(OptionError, match="fp16"):
        choose_device(Recipe(device="cpu", precision="fp16"))


def test_threads_are_set_inside_and_restored() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
