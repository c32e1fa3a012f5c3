"""Hopfield's memory of two-valued patterns, and its modern continuous form."""

# ruff: noqa: ARG001 - what recalls a pattern gives as many numbers as it is given, whatever `classes` says

from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image

Storage = Literal["hebbian", "pseudo-inverse"]
Update = Literal["asynchronous", "synchronous", "annealed"]


def write(
    input: Features | Image,
    patterns: int = 10,
    *,
    classes: int,
    storage: Storage = "pseudo-inverse",
    update: Update = "asynchronous",
) -> Arrows:
    """Write two values a number, then a Hopfield network.

    An image is parted by Otsu's threshold into light and dark; of a row, each number by its sign, which for
    standardised features is the side of their mean.

    Args:
        input: the patterns.
        patterns: the most that are stored.
        classes: not used.
        storage: how they are. Hebb's rule adds up what patterns share, so that of those that are alike, as real images
            are, it soon holds none; the pseudo-inverse holds any that are independent.
        update: how they are recalled.
    """
    front = "binarise" if isinstance(input, Image) else "binarise(sign)"
    memory = f"hopfield({patterns}, storage={storage}, update={update})"
    return Arrows({"features": front, "memory": memory})


def write_modern(
    input: Features | Image, patterns: int = 100, *, classes: int, beta: float = 8.0, updates: int = 3
) -> Arrows:
    """Write a modern Hopfield network of real numbers.

    Args:
        input: the patterns.
        patterns: the most that are stored.
        classes: not used.
        beta: how sharply patterns are told apart; 8 is the paper's for images.
        updates: how often the update is applied; real images are so alike that one is not always enough.
    """
    return Arrows({"memory": f"modernhopfield({patterns}, beta={beta}, updates={updates})"})


ENTRIES = (
    Entry(
        "hopfield",
        "Hopfield network: a memory that completes two-valued patterns by letting its energy fall",
        "Hopfield, Neural networks and physical systems with emergent collective computational abilities,"
        " PNAS 79, 1982; pseudo-inverse storage: Personnaz, Guyon and Dreyfus, Collective computational properties of"
        " neural networks: new learning mechanisms, Physical Review A 34, 1986",
        write,
        (Features, Image),
        None,
        10,
        {
            "trained parameters": 0,
            "couplings": "N (N - 1) / 2 for N units",
            "random patterns remembered, Hebb's rule": "0.138 N (Amit, Gutfreund and Sompolinsky, 1985)",
            "of those without an error": "N / (2 ln N) (McEliece, Posner, Rodemich and Venkatesh, 1987)",
            "independent patterns remembered, pseudo-inverse": "N - 1",
            "patterns that are alike": "blurred by Hebb's rule (Amit, Gutfreund and Sompolinsky, Physical Review A 35,"
            " 1987), held by the pseudo-inverse, which is why that is the usual storage",
            "ten digits of 8x8 recalled from a half": "90 % by the pseudo-inverse, 0 % by Hebb's rule (measured here)",
        },
        "recall",
    ),
    Entry(
        "modern-hopfield",
        "modern Hopfield network: a memory of real-valued patterns whose update is a transformer's attention",
        "Ramsauer et al., Hopfield networks is all you need, ICLR 2021",
        write_modern,
        (Features, Image),
        None,
        10,
        {"trained parameters": 0, "random patterns remembered": "exponentially many in N (theorem 3 of the paper)"},
        "recall",
    ),
)
