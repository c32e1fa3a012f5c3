"""`fit_to`: a network for given data. A zoo name adapts to it; arrows are taken at their word."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from pellucid.errors import NotationError
from pellucid.networks.auxiliary import MAIN
from pellucid.networks.parsing import arguments_of_entry, expand, literal, read, refuse_without_input, zoo_call
from pellucid.networks.place import Place, failure
from pellucid.networks.plan import Plan
from pellucid.networks.tree import Call, Tree
from pellucid.networks.word import Named, Output, Word, Words, agrees
from pellucid.networks.words import Activation, Codes, Conv, Dropout, Fc, Heads
from pellucid.networks.words.normalisation import last_count
from pellucid.networks.zoo import ZOO, Entry
from pellucid.shapes import Features, Image, Sequence, Shape

Outputs = int | Features | Image | Sequence | Mapping[str, int]


def fit_to(
    network: str | Plan, input_shape: Shape, outputs: Outputs, rows: int | None = None
) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan of a network for data, and in words what was adapted.

    A text that begins with a zoo name is adapted to the input and, where it is nothing but that name, to the outputs.
    Arrows are never changed.

    >>> from pellucid.shapes import Image
    >>> plan, notes = fit_to("lenet5", Image(28, 28, 1), 7)
    >>> str(plan.output), notes[0]
    ('7', 'lenet5: input 28x28x1 in place of 32x32x1')

    Args:
        network: arrows, a zoo name or a plan.
        input_shape: the shape of one sample.
        outputs: how many numbers come out (of the last dimension, so that one answer at every step is as right as one
            for the whole); or the very shape: `Sequence(65)`, 65 at every step, makes `rnn`, `gru` and `lstm`
            many-to-many, `Image(32, 32, 5)` is five at every pixel; or a number for each of several heads. Where one
            output is wanted, a network may have auxiliary heads that give the same beside one that is called main.
        rows: how many samples it learns from; what a zoo name leaves open is made smaller for few of them.

    Raises:
        NotationError: the text cannot be read, or arrows do not fit the data; it shows those that would.
    """
    tree = read(str(network) if isinstance(network, Plan) else network)
    call = zoo_call(tree)
    if call is not None:
        return _fit_zoo(tree, call, input_shape, outputs, rows)
    if tree.input is None:
        refuse_without_input(tree, str(input_shape))
    plan = literal(tree)
    _check(tree, plan, input_shape, outputs)
    return plan, ()


def with_head(network: str | Plan, outputs: Outputs) -> Plan:
    """Return a network whose last layer gives the outputs; its own plan where it does already.

    >>> str(with_head("4 -> fc(8) -> relu -> fc(3)", 5))
    '4 -> fc(8) -> relu -> fc(5)'

    Raises:
        NotationError: the text cannot be read, or no last layer could give that.
    """
    plan = network if isinstance(network, Plan) else literal(read(network))
    if fits(plan.output, outputs):
        return plan
    return Plan(plan.input, with_outputs(tuple(replace(word, asserted=None) for word in plan.steps), outputs))


def fits(output: Output, outputs: Outputs) -> bool:
    """Say whether a network's output is the one that is wanted, or its heads all are and one is called main."""
    if isinstance(output, Named) and not isinstance(outputs, Mapping):
        shapes = dict(output.shapes)
        return MAIN in shapes and all(fits(shape, outputs) for shape in shapes.values())
    match outputs:
        case int():
            assert not isinstance(output, Named)
            return last_count(output) == outputs
        case Mapping():
            heads = {name: last_count(shape) for name, shape in output.shapes} if isinstance(output, Named) else {}
            return heads == dict(outputs)
    return agrees(outputs, output)


def with_outputs(words: Words, outputs: Outputs) -> Words:
    """Return the chain with its last fully connected layer, or one behind it, giving the outputs.

    For one output auxiliary heads are changed with the main one; for several, nothing but the main one is kept.
    """
    end = words[-1] if words else None
    if isinstance(end, Heads) and MAIN in dict(end.chains):
        if isinstance(outputs, Mapping):
            return with_outputs((*words[:-1], *dict(end.chains)[MAIN]), outputs)
        return (*words[:-1], Heads(tuple((name, with_outputs(chain, outputs)) for name, chain in end.chains)))
    last: Word = Conv(_count(outputs), (1, 1)) if isinstance(outputs, Image) else Fc(_count(outputs))
    if isinstance(outputs, Mapping):
        last = Heads(tuple((name, (Fc(count),)) for name, count in outputs.items()))
    at = len(words)
    while at and isinstance(words[at - 1], Activation | Dropout):
        at -= 1
    if at and isinstance(words[at - 1], Codes) and isinstance(last, Fc):
        last = Codes(last.units)
    if at and isinstance(words[at - 1], Fc | Heads | type(last)):
        behind = () if isinstance(last, Heads) else words[at:]
        return (*words[: at - 1], last, *behind)
    return (*words, last)


def _fit_zoo(tree: Tree, call: Call, input: Shape, outputs: Outputs, rows: int | None) -> tuple[Plan, tuple[str, ...]]:
    entry = ZOO[call.name]
    alone = len(tree.chain) == 1 and call.part is None
    if tree.input is not None and not agrees(tree.input.shape, input):
        _refuse_input(tree, tree.input.place, input, f"{input} -> {_behind_input(tree)}")
    asked = {argument.name: argument.value for argument in call.arguments}
    overrides: dict[str, int | bool] = {"classes": _count(outputs)} if alone else {}
    if "every_step" in arguments_of_entry(entry) and "every_step" not in asked and isinstance(outputs, Sequence):
        overrides["every_step"] = True
    fewer = {} if rows is None else _fewer(call, entry, rows)
    expansion = expand(tree, call, input, **overrides, **fewer)
    plan = expansion.plan
    if alone and isinstance(outputs, Mapping):
        plan = Plan(input, with_outputs(plan.steps, outputs))
    if not fits(plan.output, outputs):
        _refuse_output(tree, plan, outputs)
    notes = [f"input {input} in place of {expansion.own_input}"] * (expansion.own_input not in (None, input))
    notes += expansion.notes
    classes = asked.get("classes", entry.classes)
    if (
        alone
        and entry.learns is None
        and classes != _count(outputs)
        and (entry.input is not None or "classes" in asked)
    ):
        notes.append(f"{_count(outputs)} outputs in place of {classes}")
    if alone and isinstance(outputs, Mapping):
        notes.append("a head for each of " + ", ".join(outputs))
    if "every_step" in overrides:
        notes.append("an output at every step")
    notes += [f"{count} {name}, as suits {rows:,} training rows" for name, count in fewer.items()]
    return plan, tuple(f"{entry.name}: {note}" for note in notes)


def _fewer(call: Call, entry: Entry, rows: int) -> dict[str, int]:
    """Return what suits so many training rows, but for arguments the text gives; one without a name is the first."""
    first = next(iter(arguments_of_entry(entry)))
    given = {argument.name or first for argument in call.arguments}
    return {name: count for name, count in entry.by_rows(rows).items() if name not in given}


def _check(tree: Tree, plan: Plan, input: Shape, outputs: Outputs) -> None:
    assert tree.input is not None
    if not agrees(plan.input, input):
        _refuse_input(tree, tree.input.place, input, _fitting(plan.steps, input, outputs))
    if not fits(plan.output, outputs):
        _refuse_output(tree, plan, outputs)


def _refuse_input(tree: Tree, place: Place, input: Shape, fitting: str) -> NoReturn:
    assert tree.input is not None
    raise failure(
        place,
        "the network's input is not the data's",
        expected=str(input),
        received=str(tree.input.shape),
        advice=f"write {fitting}" if fitting else "change the layers to fit the data's shape",
    )


def _refuse_output(tree: Tree, plan: Plan, outputs: Outputs) -> NoReturn:
    fitting = _fitting(plan.steps, plan.input, outputs)
    if not fitting and isinstance(plan.output, Sequence):
        # a number at each of as many steps as there are outputs is a sequence that is written; else it was read
        written = isinstance(outputs, Features) and plan.output == Sequence(1, outputs.count)
        end = "flatten" if written else "last"
        fitting = _fitting((*plan.steps, *literal(read(f"{plan.output} -> {end}")).steps), plan.input, outputs)
    advice = "end with a layer that gives that"
    if outputs == plan.input:
        advice = "autoencoder gives its input back, whatever the shape"
    elif isinstance(outputs, Image):
        advice = "fcn and unet answer at every pixel, whatever the size"
    raise failure(
        tree.chain[-1].place,
        "the network's output is not what the data asks for",
        expected=_said(outputs),
        received=str(plan.output),
        advice=f"write {fitting}" if fitting else advice,
    )


def _fitting(words: Words, input: Shape, outputs: Outputs) -> str:
    """Return the arrows with the data's input and outputs, or nothing where those do not fit either."""
    bare = tuple(replace(word, asserted=None) for word in words)
    for candidate in (bare, with_outputs(bare, outputs)):
        try:
            plan = Plan(input, candidate)
        except NotationError:
            continue
        if fits(plan.output, outputs):
            return str(plan)
    return ""


def _count(outputs: Outputs) -> int:
    match outputs:
        case int():
            return outputs
        case Mapping():
            return sum(outputs.values())
    return last_count(outputs)


def _said(outputs: Outputs) -> str:
    if isinstance(outputs, Mapping):
        return "heads " + ", ".join(f"{name}: {count}" for name, count in outputs.items())
    return str(outputs)


def _behind_input(tree: Tree) -> str:
    return tree.place.text[tree.chain[0].place.start : tree.place.end]
