"""What a network is made to learn, and by which rule, where its text alone says so."""

from collections.abc import Iterator

from pellucid.networks.parsing import read, zoo_call
from pellucid.networks.plan import Plan
from pellucid.networks.tree import Branching, Call, Chain, Repetition
from pellucid.networks.words import COMBINATORS, WORDS
from pellucid.networks.zoo import ZOO
from pellucid.recipe import RuleName, TaskName


def learns(network: str | Plan) -> TaskName | None:
    """Return the task a network is made for if it is learned without a target beside the input, else None.

    >>> learns("lenet5") is None
    True

    Raises:
        NotationError: the text cannot be read.
    """
    tree = read(str(network))
    call = zoo_call(tree)
    if call is not None and call.part is None and ZOO[call.name].learns is not None:
        return ZOO[call.name].learns
    known = {**WORDS, **COMBINATORS}
    return next((known[name].learns for name in _names(tree.chain) if name in known and known[name].learns), None)


def rule_of(network: str | Plan) -> RuleName | None:
    """Return the rule a network of the zoo learns by where that is not the usual one.

    >>> rule_of("13 -> perceptron"), rule_of("lenet5")
    ('perceptron', None)

    Raises:
        NotationError: the text cannot be read.
    """
    tree = read(str(network))
    call = zoo_call(tree)
    return ZOO[call.name].rule if call is not None and call.part is None and len(tree.chain) == 1 else None


def _names(chain: Chain) -> Iterator[str]:
    for item in chain:
        match item:
            case Call(name):
                yield name
            case Branching(name):
                yield name
                for branch in item.branches:
                    yield from _names(branch.chain)
            case Repetition():
                yield from _names(item.chain)
