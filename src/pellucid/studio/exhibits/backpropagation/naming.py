"""What the formulas of one network call its tensors: Z_1, A_1, W_2, each once."""

import re
from collections import Counter
from dataclasses import dataclass

from pellucid.explain import Derivation

_GREEK = {"γ": r"\gamma", "β": r"\beta", "μ": r"\mu", "σ²": r"\sigma^2", "α": r"\alpha"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Name:
    """A tensor's name.

    Attributes:
        letter: W.
        number: 2; 0 where it is the only one of its letter.
    """

    letter: str
    number: int

    @property
    def latex(self) -> str:
        """As a formula has it."""
        letter = _GREEK.get(self.letter, self.letter)
        return f"{letter}_{{{self.number}}}" if self.number else letter

    @property
    def plain(self) -> str:
        """As a text has it."""
        return self.letter + (str(self.number).translate(_SUBSCRIPTS) if self.number else "")


def names_of(derivation: Derivation) -> dict[str, Name]:
    """Return the name of every tensor by where it comes from: a step, a parameter, `input`, `target`."""
    letters: dict[str, str] = {}
    for step in derivation.steps:
        for operand in step.operands:
            if operand.source != "constant" and operand.source not in letters:
                is_input = operand.source.split()[0] == "input"
                letters[operand.source] = (
                    "X" if is_input else _of_parameter(operand.source, operand.symbol) if operand.is_parameter else "?"
                )
        letters[step.name] = step.symbol if len(step.symbol) == 1 else "Y"
    named = _numbered(letters)
    target = "Y" if derivation.loss.symbols[1] == "Y" and "Y" not in letters.values() else "T"
    return named | {"target": Name(target, 0)}


def _numbered(letters: dict[str, str]) -> dict[str, Name]:
    """Return names with numbers, in order, where several have a letter; one that says its own number keeps it."""
    own = {source: re.fullmatch(r"([A-Za-z])(\d)", letter) for source, letter in letters.items()}
    bare = {source: match[1] if (match := own[source]) else letter for source, letter in letters.items()}
    counts, seen = Counter(bare.values()), Counter[str]()
    found = {}
    for source, letter in bare.items():
        seen[letter] += 1
        match = own[source]
        found[source] = Name(letter, int(match[2]) if match else seen[letter] if counts[letter] > 1 else 0)
    return found


def _of_parameter(name: str, symbol: str) -> str:
    last = name.rsplit(".", maxsplit=1)[-1]
    if re.fullmatch(r"[A-Za-z]\d?", last):
        return last
    known = {"weight": "W", "bias": "b"}
    return symbol if symbol in {"W", "b", "U", "c", "γ", "β", "α"} else known.get(last, "θ")
