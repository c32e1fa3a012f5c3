"""A table of rules: which operation a function or method of torch is.

Each rule has the arguments of torch's function, behind the result. Tensors are given as `Value`; what is no tensor, as
it is. A rule that returns None, or whose arguments do not fit, leaves the call to autograd.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from pellucid.explain.derivation.operation import Call

Rule: TypeAlias = Callable[..., Call | None]


class Rules(dict[Any, Rule]):
    """Function, or a method's name -> rule."""

    def of(self, *targets: Any) -> Callable[[Rule], Rule]:
        """Return a decorator that enters a rule for functions and methods."""

        def register(rule: Rule) -> Rule:
            self.update(dict.fromkeys(targets, rule))
            return rule

        return register
