"""What is wrong with a memory that does not keep what it stored, and why."""

from torch import nn

from pellucid.judging.judgement import Concern
from pellucid.training.memories import crosstalk, memory_of


def memory_concerns(network: nn.Module) -> tuple[Concern, ...]:
    """Return what is wrong with the memory of a network: patterns that Hebb's rule stored and does not hold.

    Raises:
        OptionError: the network has no memory, or more than one.
    """
    found = crosstalk(memory_of(network))
    if found is None or not found.blurs:
        return ()
    return (Concern("crosstalk", "warning", f"{found}.", found.reason, found.advice),)
