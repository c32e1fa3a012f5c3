"""From the grammar's tree to words: names are looked up, arguments bound, zoo names replaced by their arrows."""

import dataclasses
from dataclasses import replace
from typing import Any

from pellucid.errors import NotationError, nearest
from pellucid.networks.arguments import Kernel, written
from pellucid.networks.place import MisfitError, Place, failure, failure_of
from pellucid.networks.tree import Argument, Assertion, Branching, Call, Chain, Item, Repetition
from pellucid.networks.word import Word, Words, arguments_of, kind_of
from pellucid.networks.words import COMBINATORS, WORDS, Add, Concat, FromLast, Gan, Heads, Repeat, Residual
from pellucid.networks.zoo import ZOO

_NAMED = {Heads.name: "every head has a name", Gan.name: "both networks of gan have a name"}


def read_words(chain: Chain, start: Place, before: Words = ()) -> Words:
    """Return the words of a chain, behind those that are `before` it.

    Raises:
        NotationError: an unknown name, a wrong argument, or a shape with no word before it.
    """
    words: list[Word] = list(before)
    for item in chain:
        if not isinstance(item, Assertion):
            words.append(_word(item))
        elif not words:
            raise failure(
                item.place,
                "a shape between arrows says what the word before it gives",
                expected="a word",
                received=f"{item.shape} with no word before it",
            )
        elif words[-1].asserted is not None:
            raise failure(item.place, "two shapes in a row", expected="a word", received=str(item.shape))
        else:
            words[-1] = replace(words[-1], asserted=item)
    if not words:
        raise failure(start, "a network needs a layer", expected="a shape, an arrow and a word", received=start.content)
    return tuple(words)


def bind(call: Call, word: type[Word]) -> Word:
    """Return the word with the arguments of the call.

    Raises:
        NotationError: an argument that the word does not have, has twice, lacks or cannot take.
    """
    specs = {spec.name: spec for spec in arguments_of(word)}
    values: dict[str, Any] = {}
    waiting = [spec for spec in specs.values() if spec.metadata["positional"]]
    for argument in call.arguments:
        name = _name(call, argument, specs, waiting)
        if name in values:
            raise failure(
                argument.place, f"{name} is given twice", expected=f"one {name}", received=argument.place.content
            )
        if specs[name] in waiting:
            waiting.remove(specs[name])
        values[name] = _value(argument, specs[name])
    for spec in specs.values():
        if spec.default is dataclasses.MISSING and spec.name not in values:
            raise failure(
                call.place,
                f"{word.name} needs its {spec.name}: {spec.metadata['help']}",
                expected=signature(word),
                received=call.place.content,
            )
    try:
        return word(**values, place=call.place)
    except MisfitError as misfit:
        raise failure_of(misfit, call.place) from None


def signature(word: type[Word]) -> str:
    """Return how a word is called: `conv(maps, kernel, stride=1, ...)`."""
    texts = []
    for spec in arguments_of(word):
        if spec.default is dataclasses.MISSING:
            texts.append(spec.name)
        else:
            texts.append(f"{spec.name}=" + ("..." if spec.default is None else written(spec.default)))
    return f"{word.name}({', '.join(texts)})" if texts else word.name


def _name(
    call: Call,
    argument: Argument,
    specs: dict[str, dataclasses.Field[Any]],
    waiting: list[dataclasses.Field[Any]],
) -> str:
    """Return the name of the argument that is meant."""
    word = WORDS[call.name]
    if argument.name is None:
        if not waiting:
            raise failure(
                argument.place,
                f"{word.name} takes no such argument without a name",
                expected=signature(word),
                received=argument.place.content,
            )
        return waiting[0].name
    letters = {spec.metadata["letter"]: name for name, spec in specs.items() if spec.metadata["letter"]}
    name = letters.get(argument.name, argument.name)
    if name not in specs:
        raise failure(
            argument.place,
            f"{word.name} has no argument '{argument.name}'",
            expected=signature(word),
            received=argument.name,
            advice=nearest(argument.name, specs),
        )
    return name


def _value(argument: Argument, spec: dataclasses.Field[Any]) -> Any:
    if isinstance(kind_of(spec), Kernel) and argument.name is None and isinstance(argument.value, int):
        count = argument.value
        raise failure(
            argument.place,
            "a plain number is a count, not a kernel",
            expected=f"{count}x{count} on an image, kernel={count} on a sequence",
            received=argument.place.content,
        )
    try:
        return kind_of(spec).read(spec.name, argument.value)
    except MisfitError as misfit:
        raise failure_of(misfit, argument.place) from None


def _word(item: Item) -> Word:
    match item:
        case Repetition(count, chain, place):
            return Repeat(count, read_words(chain, place), place=place)
        case Branching():
            return _combinator(item)
        case Call():
            if item.name in WORDS and item.part is None:
                return bind(item, WORDS[item.name])
            raise _unknown(item)
        case Assertion():
            raise failure(item.place, "a word is missing", expected="a word", received=str(item.shape))


def _combinator(item: Branching) -> Word:
    named = item.name in _NAMED
    for branch in item.branches:
        if named != (branch.name is not None):
            raise failure(
                branch.place,
                _NAMED.get(item.name, f"the branches of {item.name} have no names"),
                expected="name: layers" if named else "layers",
                received=branch.place.content,
            )
    chains = tuple(read_words(branch.chain, branch.place) for branch in item.branches)
    try:
        match COMBINATORS[item.name]:
            case word if word is Residual or word is FromLast:
                if len(chains) > 1:
                    raise failure(
                        item.branches[1].place,
                        f"{item.name} has one chain; what it adds is its input",
                        expected=f"{item.name}(a), or add(a | b)",
                        received=item.branches[1].place.content,
                    )
                return word(chains[0], place=item.place)
            case word if word is Heads or word is Gan:
                names = [branch.name or "" for branch in item.branches]
                return word(tuple(zip(names, chains, strict=True)), place=item.place)
            case word if word is Add:
                return Add(chains, place=item.place)
        return Concat(chains, place=item.place)
    except MisfitError as misfit:
        raise failure_of(misfit, item.place) from None


def _unknown(call: Call) -> NotationError:
    name = call.name
    if name in ZOO:
        return failure(
            call.place,
            f"{name} is a whole network of the zoo",
            expected=f"{name} at the beginning, alone or behind an input shape",
            received=call.place.content,
        )
    if call.part is not None:
        return failure(
            call.place, f"{name} has no parts", expected="a zoo name before the dot", received=call.place.content
        )
    known = [*WORDS, *COMBINATORS, *ZOO]
    other = {also: word.name for word in (*WORDS.values(), *COMBINATORS.values()) for also in word.also_called}
    same = other.get(name.lower()) or (name.lower() if name.lower() in known else None)
    advice = f"here it is called '{same}'" if same else nearest(name, [*known, *other])
    return failure(
        Place(call.place.text, call.place.start, call.place.start + len(name)),
        "there is no such word",
        expected="a word of the notation" if advice else f"one of {', '.join([*WORDS, *COMBINATORS])}",
        received=name,
        advice=advice,
    )
