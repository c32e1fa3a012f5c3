"""What the figures in a diagnosis's evidence are called, told apart so that a page can say it in its language."""

import re

PATTERNS = (
    "numbers of the {what} that are NaN or infinite",
    "recall of class {rare} by that of class {common}",
    "share of class {rare}",
    "explained by principal components, {code} of them, less what is reconstructed",
    "explained by principal components, {code} of them",
    "layers of {name}",
    "share of outputs of {name} on its flat part",
    "parameters in {names} that no optimiser has",
    "calls in the wrong mode ({phase})",
    "lowest score given to {function}",
    "operation before {function}",
    "probability of {name}",
    "distinct units of {name}",
)
"""Measures that hold a name or a number; all others are always said in the same words."""
_READ = [
    (pattern, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(pattern)) + r"\Z"))
    for pattern in PATTERNS
]  # fmt: skip
_FIXED = frozenset({"operation before the loss"})


def named(measure: str) -> dict[str, object]:
    """Return the key of a measure's words, and what stands in their braces.

    >>> named("share of class 3")
    {'key': 'share of class {rare}', 'values': {'rare': '3'}}
    >>> named("learning rate")
    {'key': 'learning rate', 'values': {}}
    """
    if measure not in _FIXED:
        for pattern, reading in _READ:
            if found := reading.match(measure):
                return {"key": pattern, "values": found.groupdict()}
    return {"key": measure, "values": {}}
