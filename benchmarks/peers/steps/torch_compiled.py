"""`torch_compiled NAME`: the loop by hand with the network and its loss compiled."""

from functools import partial

from benchmarks.peers.steps.made import answer
from benchmarks.peers.steps.torch_by_hand import make

if __name__ == "__main__":
    answer(partial(make, compiles=True))
