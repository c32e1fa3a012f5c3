"""The network as a chain of layers that can be drawn, and how clicks change it."""

from collections.abc import Sequence
from dataclasses import replace

from pellucid.networks import Plan, Word, parse, with_head
from pellucid.networks.words import WORDS, Activation, BatchNorm, Dropout, Fc, GaussianNoise, LayerNorm
from pellucid.shapes import Features
from pellucid.studio.exhibit import RefusedError
from pellucid.studio.exhibits.playground.settings import Edit

ACTIVATIONS = tuple(name for name, word in WORDS.items() if issubclass(word, Activation) and name != "softmax")
MOST_LAYERS, MOST_UNITS = 6, 12
_BETWEEN = (Activation, BatchNorm, LayerNorm, Dropout, GaussianNoise)

Block = tuple[Word, ...]


def chain(text: str, features: int, outputs: int) -> Plan:
    """Return the plan of a text for so many features and outputs.

    Raises:
        NotationError: the text cannot be read.
        RefusedError: the network is no chain of fully connected layers, or too large to be drawn.
    """
    plan = parse(text)
    for word in plan.steps:
        if not isinstance(word, (Fc, *_BETWEEN)):
            raise RefusedError("not_a_chain", control="network", word=word.name)
    if not isinstance(plan.steps[0], Fc) or not isinstance(plan.steps[-1], Fc):
        raise RefusedError("ends", control="network")
    found = blocks(plan)
    if len(found) > MOST_LAYERS + 1 or any(units(each) > MOST_UNITS for each in found[:-1]):
        raise RefusedError("too_large", control="network", layers=MOST_LAYERS, units=MOST_UNITS)
    return _joined(found, features, outputs)


def blocks(plan: Plan) -> list[Block]:
    """Return each fully connected layer with the words behind it."""
    found: list[Block] = []
    for word in plan.steps:
        if isinstance(word, Fc):
            found.append((word,))
        else:
            found[-1] = (*found[-1], word)
    return found


def units(block: Block) -> int:
    """Return how many units a layer has."""
    assert isinstance(block[0], Fc)
    return block[0].units


def edited(plan: Plan, edit: Edit) -> Plan:
    """Return the network after a click.

    Raises:
        RefusedError: there is no such layer, or no room.
    """
    found = blocks(plan)
    hidden = len(found) - 1
    if edit.layer >= hidden and edit.what != "add_layer":
        raise RefusedError("no_layer", control="edit")
    match edit.what:
        case "add_layer":
            if hidden == MOST_LAYERS:
                raise RefusedError("too_large", control="edit", layers=MOST_LAYERS, units=MOST_UNITS)
            like = found[min(edit.layer, hidden - 1)] if hidden else (Fc(units=4), WORDS["tanh"]())
            found.insert(min(edit.layer + 1, hidden), like)
        case "remove_layer":
            del found[edit.layer]
        case _:
            count = units(found[edit.layer]) + (1 if edit.what == "more_units" else -1)
            if not 1 <= count <= MOST_UNITS:
                raise RefusedError("units", control="edit", most=MOST_UNITS)
            found[edit.layer] = (_of_units(found[edit.layer][0], count), *found[edit.layer][1:])
    assert isinstance(plan.input, Features)
    return _joined(found, plan.input.count, units(found[-1]))


def activated(plan: Plan, name: str) -> Plan:
    """Return the network with this activation behind every hidden layer.

    Raises:
        RefusedError: no such activation.
    """
    if name not in ACTIVATIONS:
        raise RefusedError("no_activation", control="activation", word=name)
    *hidden, last = blocks(plan)
    changed = [
        (block[0], WORDS[name](), *(word for word in block[1:] if not isinstance(word, Activation))) for block in hidden
    ]
    return Plan(plan.input, _flat([*changed, last]))


def dropped(plan: Plan, rate: float) -> Plan:
    """Return the network with dropout at the end of every hidden layer; with none at a rate of 0."""
    *hidden, last = blocks(plan)
    tail = (Dropout(rate=rate),) if rate else ()
    changed = [(*(word for word in block if not isinstance(word, Dropout)), *tail) for block in hidden]
    return Plan(plan.input, _flat([*changed, last]))


def activation_of(plan: Plan) -> str:
    """Return the activation of all hidden layers; nothing where they differ, or have none."""
    names = {next((word.name for word in block if isinstance(word, Activation)), "") for block in blocks(plan)[:-1]}
    return names.pop() if len(names) == 1 else ""


def dropout_of(plan: Plan) -> float:
    """Return the largest rate of dropout."""
    return max((word.rate for word in plan.steps if isinstance(word, Dropout)), default=0.0)


def _joined(found: Sequence[Block], features: int, outputs: int) -> Plan:
    words = tuple(replace(word, asserted=None) for word in _flat(found))
    return with_head(Plan(Features(features), words), outputs)


def _flat(found: Sequence[Block]) -> Block:
    return tuple(word for block in found for word in block)


def _of_units(word: Word, count: int) -> Word:
    assert isinstance(word, Fc)
    return replace(word, units=count, asserted=None)
