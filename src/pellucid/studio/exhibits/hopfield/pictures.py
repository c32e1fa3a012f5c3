"""The patterns that the exhibit begins with, and how patterns are written in an address.

Shape letters: P patterns, N units.
"""

from functools import cache

import torch
from torch import Tensor

from pellucid.blocks import Binarise
from pellucid.data import load
from pellucid.seed import generator

SIDE = 8
UNITS = SIDE * SIDE
PRESETS = ("letters", "digits", "random", "own")

_LETTERS = {
    "A": "183c66667e666600", "X": "c3663c183c66c300", "C": "3c66606060663c00", "H": "6666667e66666600",
    "T": "7e18181818181800", "Z": "7e060c1830607e00", "L": "6060606060607e00", "O": "3c66666666663c00",
    "K": "666c7870786c6600", "V": "66666666663c1800", "E": "7e60607860607e00", "N": "66767e7e6e666600",
}  # fmt: skip
"""Eight rows of eight pixels, two hexadecimal digits a row."""


def chosen(preset: str, count: int, seed: int) -> tuple[list[str], list[str]]:
    """Return so many patterns of a preset, as texts, and what each is called."""
    match preset:
        case "letters":
            names = list(_LETTERS)[:count]
            return [_LETTERS[name] for name in names], names
        case "digits":
            return [written(each) for each in _digits(seed)[:count]], list("0123456789")[:count]
    random = generator(seed, "patterns")
    signs = torch.randint(0, 2, (count, UNITS), generator=random) * 2.0 - 1
    return [written(each) for each in signs], [str(number + 1) for number in range(count)]


@cache
def _images() -> tuple[Tensor, Tensor]:
    data = load("digits")
    return Binarise("otsu")(data.inputs.float()).flatten(1), torch.as_tensor(data.targets)


def _digits(seed: int) -> list[Tensor]:
    """Return one real handwritten digit of each class, parted into light and dark by Otsu's threshold."""
    signs_PN, labels_P = _images()
    random = generator(seed, "digits")
    found = []
    for label in range(10):
        rows = (labels_P == label).nonzero().flatten()
        found.append(signs_PN[rows[torch.randint(len(rows), (), generator=random)]])
    return found


def written(signs_N: Tensor) -> str:
    """Return a pattern of -1 and +1 as hexadecimal digits, four units each.

    >>> written(read("183c66667e666600"))
    '183c66667e666600'
    """
    bits = "".join("1" if sign > 0 else "0" for sign in signs_N.tolist())
    return f"{int(bits, 2):0{UNITS // 4}x}"


def read(text: str) -> Tensor:
    """Return the pattern (N,) that `written` wrote."""
    return torch.tensor([1.0 if bit == "1" else -1.0 for bit in f"{int(text, 16):0{UNITS}b}"])


def read_state(text: str) -> Tensor:
    """Return a state (N,) from one letter a unit: `+`, `-`, and `0` where nothing is known."""
    return torch.tensor([{"+": 1.0, "-": -1.0, "0": 0.0}[letter] for letter in text])


def written_state(state_N: Tensor) -> str:
    """Return a state (N,) as `read_state` reads it."""
    return "".join("+" if value > 0 else "-" if value < 0 else "0" for value in state_N.tolist())
