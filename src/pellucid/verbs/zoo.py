"""`pellucid zoo`: the networks with a name, and one of them in full."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pellucid.options import argument, check
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from pellucid.networks import Entry, Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class ZooOptions:
    """List the networks that have a name, or show one in full: its arrows, its layers, its source and its figures."""

    name: str | None = argument("a network's name, with arguments if wanted: lenet5, mlp(64, 32), 28x28x1 -> cnn")

    def __post_init__(self) -> None:
        """Refuse values of another type."""
        check(self)


def zoo() -> Mapping[str, Entry]:
    """Return every network that has a name, by its name; `pellucid.parse(name)` gives its plan.

    >>> zoo()["lenet5"].figures["parameters"]
    61706
    """
    from pellucid.networks import ZOO

    return ZOO


def command(options: ZooOptions, console: Console) -> Outcome:
    """List the zoo, or show one of its networks."""
    from pellucid.networks import FAMILIES
    from pellucid.report.catalogue import network_page, zoo_lines

    if options.name is None:
        plans = {name: _plan(name) for name in zoo()}
        console.print(zoo_lines(FAMILIES, plans), markup=False)
        return Outcome({"networks": [_document(entry, plans[name]) for name, entry in zoo().items()]})
    plan = _plan(options.name)
    entry = zoo()[_called(options.name)]
    console.print(network_page(entry, plan), markup=False)
    return Outcome(_document(entry, plan) | {"arrows": str(plan), "layers": _layers(plan)})


def _called(text: str) -> str:
    """Return the zoo name that a text calls: behind the last arrow, before its arguments.

    Raises:
        OptionError: there is no such network.
    """
    from pellucid.errors import OptionError, nearest

    last_word = text.rpartition("->")[2]
    name = re.split(r"[(.]", last_word, maxsplit=1)[0].strip().lower()
    if name not in zoo():
        raise OptionError(
            f"there is no network called '{name}'",
            expected="one of " + ", ".join(zoo()),
            received=text,
            advice=nearest(name, zoo()),
        )
    return name


def _plan(text: str) -> Plan:
    """Return the plan of a zoo name; one that has no input of its own is shown on an example."""
    from pellucid.networks import fit_to, parse
    from pellucid.shapes import Features, Sequence, Tokens

    entry = zoo()[_called(text)]
    if "->" in text or entry.input is not None:
        return parse(text)
    example = Features(13) if Features in entry.inputs else Sequence(8) if Sequence in entry.inputs else Tokens(1000)
    if entry.learns == "recall" and isinstance(example, Features):  # what it gives is a pattern like what it is given
        return fit_to(text, example, example)[0]
    return fit_to(text, example, entry.classes)[0]


def _document(entry: Entry, plan: Plan) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "reference": entry.reference,
        "takes": [shape.__name__.lower() for shape in entry.inputs],
        "input": str(plan.input),
        "output": str(plan.output),
        "parameters": plan.parameters,
        "flops": plan.flops,
        "figures": dict(entry.figures),
    }


def _layers(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "word": row.word,
            "shape": str(row.shape),
            "parameters": row.parameters,
            "flops": row.flops,
            "receptive_field": str(row.receptive_field),
        }
        for row in plan.table().rows
    ]
