"""`parse`: from a text to a plan; a zoo name stands for its arrows."""

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

from pellucid.errors import NotationError, nearest
from pellucid.networks.arguments import Choice, Count, Flag, Kind, Number
from pellucid.networks.place import MisfitError, Place, failure, failure_of
from pellucid.networks.plan import Plan
from pellucid.networks.reader import read_words
from pellucid.networks.syntax import read_tree
from pellucid.networks.tree import Argument, Call, Tree
from pellucid.networks.word import SORTS
from pellucid.networks.words import COMBINATORS, WORDS
from pellucid.networks.zoo import ZOO, Arrows, Entry
from pellucid.shapes import Shape

_ACTIVATION = Choice(tuple(WORDS))


@dataclass(frozen=True)
class Expansion:
    """What a text that begins with a zoo name stands for."""

    entry: Entry
    plan: Plan
    notes: tuple[str, ...]
    own_input: Shape | None


def parse(text: str) -> Plan:
    """Read a network written in arrows, or a zoo name, and check that its shapes fit.

    >>> plan = parse("8x8x1 -> conv(4, 3x3) -> relu -> fc(10)")
    >>> [str(shape) for shape in plan.shapes], plan.parameters
    (['6x6x4', '6x6x4', '10'], 1490)

    Args:
        text: `28x28x1 -> conv(6, 5x5, padding=2) -> relu -> fc(10)`, or `lenet5(classes=7)`.

    Raises:
        NotationError: the text cannot be read, or a shape does not fit; it shows the place.
    """
    tree = read(text)
    call = zoo_call(tree)
    if call is not None:
        return expand(tree, call).plan
    if tree.input is None:
        refuse_without_input(tree, "28x28x1")
    return literal(tree)


@lru_cache(maxsize=64)  # a training reads its arrows several times, and a search those of hundreds
def read(text: str) -> Tree:
    """Return the tree of a text."""
    return read_tree(text, COMBINATORS, ZOO)


def literal(tree: Tree) -> Plan:
    """Return the plan of arrows that begin with their input shape."""
    assert tree.input is not None
    return Plan(tree.input.shape, read_words(tree.chain, tree.place))


def refuse_without_input(tree: Tree, shape: str) -> NoReturn:
    """Raise the error of arrows without an input shape, completed with `shape`; a word that is none comes first."""
    read_words(tree.chain, tree.place)
    start = tree.place.start
    raise failure(
        Place(tree.place.text, start, start + 1),
        "the shape of the input is missing",
        expected="a shape first: 28x28x1, 13, T x 8 or tokens(5000)",
        received=tree.place.content.split("->")[0].split("→")[0].strip(),
        advice=f"write {shape} -> {tree.place.content}",
    )


def zoo_call(tree: Tree) -> Call | None:
    """Return the zoo name a text begins with, or None.

    `rnn`, `gru`, `lstm`, `softmax` and `hopfield` are words as well: zoo names only where they are the whole text.
    """
    head = tree.chain[0] if tree.chain else None
    if not isinstance(head, Call) or head.name not in ZOO:
        return None
    if head.name in WORDS and head.part is None and (tree.input is not None or len(tree.chain) > 1):
        return None
    return head


def expand(tree: Tree, call: Call, input: Shape | None = None, **overrides: Any) -> Expansion:
    """Return the plan of a text that begins with a zoo name.

    Args:
        tree: the text.
        call: its zoo name.
        input: the input shape; the text's or the entry's own unless given.
        overrides: arguments in place of the text's, such as `classes`.

    Raises:
        NotationError: the entry does not take the input or an argument, or its arrows do not fit the input.
    """
    entry = ZOO[call.name]
    positional, named = _bound(call, entry)
    own_input = entry.input_of(named)
    input = input or (tree.input.shape if tree.input else own_input)
    if input is None:
        raise failure(
            call.place,
            f"{entry.name} takes the shape of its data",
            expected="a shape before it",
            received=call.place.content,
            advice=f"such as 13 -> {call.place.content}",
        )
    if not isinstance(input, entry.inputs):
        works_on = " and ".join(SORTS[sort] for sort in entry.inputs)
        raise failure(call.place, f"{entry.name} works on {works_on}", expected=works_on, received=str(input))
    try:
        arrows = entry.write(input, *positional, **(named | overrides))
    except NotationError as error:  # of what the name writes: the place is the name's
        raise failure(
            call.place, error.message, expected=error.expected, received=error.received, advice=error.advice
        ) from None
    inner = read(_part(call, arrows))
    try:
        words = Plan(input, read_words(inner.chain, inner.place)).steps
    except NotationError as error:
        raise failure(
            call.place,
            f"{entry.name} does not fit {input}: {error.message}",
            expected=error.expected,
            received=error.received,
            advice=error.advice,
        ) from None
    return Expansion(entry, Plan(input, read_words(tree.chain[1:], tree.place, words)), arrows.notes, own_input)


def arguments_of_entry(entry: Entry) -> dict[str, Kind]:
    """Return the arguments an entry takes, `*name` for any number of them without a name."""
    hints = get_type_hints(getattr(entry.write, "func", entry.write))
    kinds: dict[str, Kind] = {}
    for parameter in list(inspect.signature(entry.write).parameters.values())[1:]:
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        kinds[star + parameter.name] = _kind(hints[parameter.name])
    return kinds


def _kind(hint: Any) -> Kind:
    """Return the kind of an argument by its type: a number, yes or no, an activation, or one name of a `Literal`."""
    return Choice(get_args(hint)) if get_origin(hint) is Literal else _KINDS[hint]


_KINDS: dict[type, Kind] = {
    int: Count(),
    float: Number(0.0),
    bool: Flag(),
    str: _ACTIVATION,
}


def _bound(call: Call, entry: Entry) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a zoo name, without and with names."""
    kinds = arguments_of_entry(entry)
    plain = [name for name in kinds if name.startswith("*")] or list(kinds)[:1]
    positional: list[Any] = []
    named: dict[str, Any] = {"classes": entry.classes}
    given: set[str] = set()
    for argument in call.arguments:
        name = argument.name or plain[0]
        if argument.name is None and (plain[0].startswith("*") or not positional) and plain[0] != "classes":
            positional.append(_read(argument, name.lstrip("*"), kinds[name]))
            continue
        if argument.name is None or name not in kinds or name in given:
            raise failure(
                argument.place,
                f"{entry.name} has no such argument" if name not in given else f"{name} is given twice",
                expected=f"{entry.name}({', '.join(kinds)})",
                received=argument.place.content,
                advice=nearest(name, kinds),
            )
        given.add(name)
        named[name] = _read(argument, name, kinds[name])
    return positional, named


def _read(argument: Argument, name: str, kind: Kind) -> Any:
    try:
        return kind.read(name, argument.value)
    except MisfitError as misfit:
        raise failure_of(misfit, argument.place) from None


def _part(call: Call, arrows: Arrows) -> str:
    if call.part is None:
        return arrows.text
    if call.part not in arrows.parts:
        raise failure(
            call.place,
            f"{call.name} has no part '{call.part}'",
            expected=" or ".join(arrows.parts),
            received=call.part,
            advice=nearest(call.part, arrows.parts),
        )
    return arrows.parts[call.part]
