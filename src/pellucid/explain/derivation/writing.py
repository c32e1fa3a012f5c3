"""LaTeX formulas with other letters, or with numbers, in place of theirs."""

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"\\(?:text|mathrm|mathtt|operatorname)\{[^{}]*\}|\\hat ?[A-Z]|\\[A-Za-z]+|\\.|[A-Za-zα-ω]+|.", re.DOTALL
)


def rewritten(latex: str, letters: Mapping[str, str], gradients: Mapping[str, str] | None = None) -> str:
    r"""Return a formula with its letters replaced.

    Args:
        latex: the formula.
        letters: a letter, or a command such as `\gamma` or `\hat Y` -> what stands in its place, in braces.
        gradients: of `dX`, by X; where it does not say, the d before what stands in the place of X.

    >>> print(rewritten(r"Z = X W^\top + b", {"Z": "Z_1", "W": "W_1", "b": "0.5"}))
    {Z_1} = X {W_1}^\top + {0.5}
    >>> print(rewritten("dX = dZ W", {"Z": "Z_2", "X": "A_1"}, {"Z": "0.74"}))
    d{A_1} = {0.74} W
    """
    by_gradient = gradients or {}

    def put(match: re.Match[str]) -> str:
        token = match[0]
        if token in letters:
            return f"{{{letters[token]}}}"
        if token[0] == "d" and token[1:] in by_gradient:
            return f"{{{by_gradient[token[1:]]}}}"
        if token[0] == "d" and token[1:] in letters:
            return f"d{{{letters[token[1:]]}}}"
        return token

    return _TOKEN.sub(put, latex)
